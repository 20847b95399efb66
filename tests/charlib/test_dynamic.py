"""What a cell does in time: limits, second routes, signs, and cells that truly fail."""

from dataclasses import replace

import numpy as np
import pytest
from decks import loaded

from charlib.metrics import METRICS, dynamic, readpath, static
from charlib.metrics.energy import given
from charlib.search import search
from charlib.status import Status
from charlib.waveforms import Block, stack
from netlists import TESTBENCHES, ReadPath
from netlists import dynamic as dynamic_benches
from netlists.analyses import Sweep, Transient

pytestmark = pytest.mark.ngspice

UNWRITABLE = {"pg_l": 0.5, "pu_l": -0.2}
"""Q's pass gate too weak against its pull-up: a stored Q = 1 stays."""
DISTURBED = {"pd_r": 0.3, "pg_r": -0.3, "pu_l": 0.2}
"""Holds Q = 1 and loses it while the word line is on: Q-bar is pulled up through its pass gate."""
FORGETFUL = {"pd_l": -0.2, "pu_l": 0.2}
"""Q leaks to ground more than to the supply: needs a higher supply to hold Q = 1."""
NOTHING_STORED = {"pd_l": -0.3, "pu_l": 0.4}
"""At 0.5 V Q = 1 is no state of this cell."""


@pytest.fixture
def measure(setting, solve, session):
    """A metric of a nominal or skewed cell, as ``Measured`` of one sample."""

    def run(metric, window=None, session=session, **arguments):
        bench = TESTBENCHES[METRICS[metric].testbench].build(setting(window=window, **arguments))
        if bench.search:
            values = bench.knob_values(np.zeros((1, len(bench.knobs))))
            return search(session, bench, values, METRICS[metric].measure).measured
        return METRICS[metric].measure(solve(session, bench))

    return run


@pytest.fixture
def at_settings(setting, session):
    """Trials of a testbench with a search at given settings, one each, alike for both states."""

    def run(name, settings, **arguments):
        bench = TESTBENCHES[name].build(setting(**arguments))
        nominal = bench.knob_values(np.zeros((len(settings), len(bench.knobs))))
        rows = np.column_stack([nominal, settings, settings])
        solved = session.solve(bench.settable, rows)
        return stack(bench, [s.data for s in solved])

    return run


def energies(block, *measures):
    return np.array([m(block).values[0] for m in measures])


# bit lines


@pytest.mark.parametrize("sensed", [0.1, 0.05])
def test_a_bit_line_falls_by_its_charge_over_the_read_current(setting, solve, session, sensed):
    """With so much capacitance that all else is nothing: C dV over the current at DC, which falls by little."""
    bench = TESTBENCHES["read_path"].build(replace(setting(window=40e-9), readpath=ReadPath(sensed=sensed)))
    # Alike on both lines: switching the precharge off lifts a light line.
    benches = [loaded(loaded(bench, "blb_q", c), "bl_q", c) for c in (100e-15, 200e-15)]
    times = [readpath.t_bl(solve(session, b)).values[0, 0] for b in benches]
    current = static.i_read(solve(session, TESTBENCHES["read_current"].build(setting()))).values[0, 0]
    assert times[1] - times[0] == pytest.approx(100e-15 * sensed / current, rel=0.05)


def test_a_weak_pull_down_delays_the_line_of_its_side_only(measure):
    skewed, symmetric = (measure("t_bl", 1e-9, shifts=s).values[0] for s in ({"pd_r": 0.15}, {}))
    assert skewed[0] > 1.05 * symmetric[0]  # Q = 1: BLB falls through Q-bar's pull-down
    assert skewed[1] == pytest.approx(symmetric[1], rel=0.02)
    assert symmetric[0] == pytest.approx(symmetric[1], rel=1e-3)


def test_a_difference_takes_for_ever_as_the_supply_falls_or_the_pass_gates_close(measure):
    at = ((1.0, 1e-9), (0.8, 2e-9), (0.6, 9e-9), (0.4, 4e-7))
    falling = np.log([measure("t_bl", window, vdd=vdd).values[0, 0] for vdd, window in at])
    assert np.all(np.diff(falling) > 0)
    assert np.all(np.diff(falling, n=2) > 0)  # by ever larger ratios
    closing, closed = (measure("t_bl", 1e-9, shifts={"pg_l": s, "pg_r": s}) for s in (0.3, 0.8))
    assert np.log(closing.values[0, 0]) > falling[0] + 0.5
    assert (closed.status == Status.censored_high).all()


def test_the_difference_comes_before_the_output(measure):
    assert measure("t_bl", 1e-9).values[0, 0] < measure("t_read_p", 1e-9).values[0]


def test_lines_of_a_cell_that_loses_its_bit_tell_nothing(measure):
    """The output of the other side fires once the cell has turned, so nothing of this read is believed."""
    lost = {"pd_r": 0.6, "pg_r": -0.3, "pu_l": 0.4}
    for metric in ("t_bl", "e_precharge"):
        assert measure(metric, 2e-9, shifts=lost).status[0].tolist() == [Status.not_performed, Status.ok]
    for window in (0.02e-9, 0.05e-9):  # the word line does not rise, rises too late
        short = measure("t_bl", window, vdd=0.6)
        assert (short.status == Status.censored_high).all()
        assert ((short.bound >= 0) & (short.bound < window)).all()


def test_the_precharge_gives_a_line_s_further_charge_and_the_access_none(setting, solve, session):
    """5 fF more on the line that falls: C VDD^2, closed form."""
    bench = TESTBENCHES["read_path"].build(setting(window=2e-9))
    plain, more = (
        energies(solve(session, b), readpath.e_read, readpath.e_precharge)
        for b in (bench, loaded(bench, "blb_q", 5e-15))
    )
    read, precharge = (more - plain)[:, 0]
    assert precharge == pytest.approx(5e-15, rel=0.02)
    assert read == pytest.approx(precharge, abs=0.05e-15)


@pytest.mark.parametrize("path", ["read_path", "read_path_single"])
@pytest.mark.parametrize(("line", "lobe"), [("blb", 0), ("bl", 1)])
def test_a_line_s_charge_is_in_the_state_in_which_it_falls(setting, solve, session, path, line, lobe):
    """BLB falls with Q = 1; the same 5 fF on it cost nothing while it stays high."""
    bench = TESTBENCHES[path].build(setting(window=2e-9))
    heavy = loaded(loaded(bench, f"{line}_q", 5e-15), f"{line}_qb", 5e-15)
    plain, more = (energies(solve(session, b), readpath.e_read, readpath.e_precharge) for b in (bench, heavy))
    np.testing.assert_allclose((more - plain)[:, lobe], 5e-15, rtol=0.03)
    np.testing.assert_allclose((more - plain)[:, 1 - lobe], 0.0, atol=0.2e-15)


@pytest.mark.parametrize("metric", ["e_precharge", "e_write"])
def test_energies_fall_with_the_square_of_the_supply(measure, metric):
    at = [measure(metric, window, vdd=vdd).values[0, 0] / vdd**2 for vdd, window in ((1.0, 1e-9), (0.7, 5e-9))]
    assert at[1] == pytest.approx(at[0], rel=0.1)


def test_precharge_and_access_make_up_the_cycle(setting, solve, session):
    block = solve(session, TESTBENCHES["read_path"].build(setting(window=1e-9)))
    on, back = block.values["wordline_on"], block.values["precharge_on"]
    time, current = block["time"][0], given(block, "q")[0]
    during = (time >= on) & (time <= back)
    access = np.trapezoid((current - current[0])[during], time[during])
    read, precharge = energies(block, readpath.e_read, readpath.e_precharge)[:, 0]
    assert read - precharge == pytest.approx(access, rel=1e-6)
    assert 0 < access < read


# write


def test_write_delay_from_fine_waveforms_is_the_same(measure, setting, solve, reference):
    """Tight tolerances, 4,000 steps, and the crossing of the nodes by interpolation on a still finer grid."""
    bench = TESTBENCHES["write"].build(setting(window=0.3e-9))
    fine = replace(bench, analysis=Transient(bench.analysis.stop, bench.analysis.stop / 4000))
    block = solve(reference, fine)
    time = np.linspace(0.1e-9, 0.4e-9, 300_001)
    wl, q, qb = (np.interp(time, block["time"][0], block[f"{node}_q"][0]) for node in ("wl", "q", "qb"))
    expected = time[(q < qb).argmax()] - time[(wl > 0.5).argmax()]
    assert measure("t_write", 0.3e-9).values[0, 0] == pytest.approx(expected, rel=0.005)
    assert dynamic.e_write(block).values[0, 0] == pytest.approx(measure("e_write", 0.3e-9).values[0, 0], rel=0.005)


def test_energy_of_a_write_is_what_its_sources_give(setting, solve, session):
    """Power of every source of the column by trapezoids, less what it is at the start; a mismatched column."""
    bench = TESTBENCHES["write"].build(setting(vdd=0.9, window=0.5e-9))
    block = solve(session, bench, np.random.default_rng(3).standard_normal((1, len(bench.knobs))))
    for lobe, state in enumerate(("q", "qb")):
        sources = [name for name in block.vectors if name.startswith("vv") and name.endswith(f"_{state}#branch")]
        assert len(sources) == 6
        given = -0.9 * sum(block[name][0] for name in sources)
        expected = np.trapezoid(given - given[0], block["time"][0])
        assert dynamic.e_write(block).values[0, lobe] == pytest.approx(expected, rel=1e-6)


def test_nothing_of_a_write_depends_on_the_window(measure):
    for metric, tolerance in (("t_write", 2e-3), ("e_write", 0.01)):
        np.testing.assert_allclose(measure(metric, 5e-9).values, measure(metric, 0.27e-9).values, rtol=tolerance)


def test_a_line_s_further_charge_is_in_the_energy_of_a_write(setting, solve, session):
    bench = TESTBENCHES["write"].build(setting(window=2e-9))
    plain, low, high = (
        dynamic.e_write(solve(session, b)).values[0, 0]
        for b in (bench, loaded(bench, "bl_q", 5e-15), loaded(bench, "blb_q", 5e-15))
    )
    assert low - plain == pytest.approx(5e-15, rel=0.02)  # falls and comes back
    assert abs(high - plain) < 0.1e-15  # is held


def test_a_weak_pass_gate_slows_the_write_that_pulls_its_node_down_most(measure):
    for metric in ("t_write", "t_pulse_write"):
        skewed, symmetric = (measure(metric, 0.4e-9, shifts=s).values[0] for s in ({"pg_l": 0.1}, {}))
        assert symmetric[0] == pytest.approx(symmetric[1], rel=0.01)
        assert (skewed > symmetric).all()
        assert skewed[0] > 1.1 * skewed[1]  # Q = 1 before: Q falls through the left pass gate


def test_a_write_takes_for_ever_as_the_pass_gates_close_or_the_supply_falls(measure):
    open_, closing, closed = (
        measure("t_write", 0.5e-9, shifts={"pg_l": shift, "pg_r": shift}) for shift in (0.0, 0.2, 0.4)
    )
    assert (closing.values > 2 * open_.values).all()
    assert (closed.status == Status.censored_high).all()
    falling = [measure("t_write", window, vdd=vdd).values[0, 0] for vdd, window in ((0.7, 1e-9), (0.5, 3e-9))]
    assert falling[1] > 10 * falling[0] > 20 * open_.values[0, 0] > 0
    without_pull_ups = measure("t_write", 0.5e-9, shifts={"pu_l": 0.4, "pu_r": 0.4})
    assert (without_pull_ups.values < 0.9 * open_.values).all()


def test_a_strong_pull_up_costs_the_write_that_pulls_its_node_down(measure):
    """Q = 1 before, lobe 0: the write driver carries the current of Q's pull-up until Q is low."""
    for metric, share in (("t_write", 1.1), ("e_write", 1.01)):
        skewed, symmetric = (measure(metric, 1e-9, shifts=s).values[0] for s in ({"pu_l": -0.15}, {}))
        assert skewed[0] > share * symmetric[0]
        assert skewed[1] < symmetric[1]


def test_a_cell_that_cannot_be_written_has_no_energy_of_it(measure):
    at = {"vdd": 0.7, "window": 2e-9, "shifts": UNWRITABLE}
    for metric in ("t_write", "t_pulse_write"):
        result = measure(metric, **at)
        assert result.status[0].tolist() == [Status.censored_high, Status.ok]
        assert result.bound[0, 0] == pytest.approx(2e-9, rel=0.02)
    assert measure("e_write", **at).status[0].tolist() == [Status.not_performed, Status.ok]


def test_a_state_that_does_not_exist_can_neither_be_left_nor_reached(measure):
    at = {"vdd": 0.5, "window": 2e-9, "shifts": NOTHING_STORED}
    assert (measure("t_write", **at).status == Status.not_performed).all()
    assert measure("t_pulse_write", **at).status[0].tolist() == [Status.not_performed, Status.censored_high]


@pytest.mark.parametrize(
    ("vdd", "window", "shifts"), [(1.0, 0.27e-9, {}), (1.0, 0.4e-9, {"pg_l": 0.1}), (0.6, 3e-9, {})]
)
def test_critical_pulse_is_that_of_a_fine_sweep_within_the_resolution(measure, at_settings, vdd, window, shifts):
    at = {"vdd": vdd, "window": window, "shifts": shifts}
    found = measure("t_pulse_write", **at).values[0]
    resolution = dynamic_benches.PULSE_RESOLUTION + dynamic_benches.PULSE_FLOOR * window / found
    for lobe, state in enumerate(("q", "qb")):
        coarse = found[lobe] * np.linspace(0.3, 1.2, 10)
        setting = np.interp(found[lobe], dynamic.pulse_width(at_settings("write_pulse", coarse, **at), state), coarse)
        block = at_settings("write_pulse", setting * np.linspace(0.98, 1.02, 41), **at)
        width, written = dynamic.pulse_width(block, state), dynamic.t_pulse_write(block).status[:, lobe] == Status.ok
        assert (np.diff(width) > 0).all()
        assert (np.diff(written.astype(int)) >= 0).all()  # from some width on every pulse writes
        longest_failing, shortest = width[~written].max(), width[written].min()
        assert shortest / longest_failing < 1.003  # the sweep is fine enough to say so
        # Time steps move a measured width by some 1e-4 of it.
        assert longest_failing * (1 - 1e-3) < found[lobe] < shortest * (1 + resolution[lobe])


def test_the_critical_pulse_grows_without_bound_as_the_pass_gates_close_or_the_supply_falls(measure):
    open_, closing, closed = (
        measure("t_pulse_write", 0.5e-9, shifts={"pg_l": shift, "pg_r": shift}) for shift in (0.0, 0.2, 0.4)
    )
    assert (closing.values > 2 * open_.values).all()
    assert (closed.status == Status.censored_high).all()
    np.testing.assert_allclose(closed.bound, 0.5e-9, rtol=0.02)
    falling = [measure("t_pulse_write", window, vdd=vdd).values[0, 0] for vdd, window in ((0.7, 1e-9), (0.5, 3e-9))]
    assert falling[1] > 5 * falling[0] > 10 * open_.values[0, 0] > 0
    without_pull_ups = measure("t_pulse_write", 0.5e-9, shifts={"pu_l": 0.4, "pu_r": 0.4})
    assert (without_pull_ups.values < 0.9 * open_.values).all()


def test_a_dip_of_the_word_line_while_it_rises_is_not_the_end_of_its_pulse():
    time, wave = np.array([0.0, 1.0, 1.1, 2.0, 5.0, 6.0, 6.0]), np.array([0.0, 0.51, 0.49, 1.0, 1.0, 0.0, 0.0])
    block = Block({"time": time[None], "wl_q": wave[None], "wl_qb": 0.4 * wave[None]}, {"vdd": 1.0})
    assert dynamic.pulse_width(block, "q")[0] == pytest.approx(5.5 - 0.5 / 0.51)
    assert dynamic.pulse_width(block, "qb")[0] == 0  # it does not get to 50 %


def test_a_write_by_a_pulse_starts_at_rest_beside_the_low_line(at_settings):
    """The stored states as they are without a pulse, and kept to the end."""
    block = at_settings("write_pulse", [1e-12], window=0.27e-9)
    for state, sign in (("q", 1), ("qb", -1)):
        apart = sign * (block[f"q_{state}"] - block[f"qb_{state}"])[0]
        assert apart[[0, -1]] == pytest.approx([1.0, 1.0], abs=1e-3)


def test_a_critical_pulse_ends_about_when_the_nodes_cross(measure):
    """A pulse far shorter than the write delay cannot write; one twice as long always does."""
    delay, width = (measure(metric, 0.27e-9).values[0, 0] for metric in ("t_write", "t_pulse_write"))
    assert 0.7 * delay < width < 2 * delay


# disturbance


def test_the_longest_safe_read_pulse_is_that_of_a_fine_sweep(measure, at_settings):
    result = measure("t_pulse_read", 1e-9, shifts=DISTURBED)
    assert result.status[0].tolist() == [Status.ok, Status.censored_high]
    assert result.bound[0, 1] == pytest.approx(1e-9, rel=0.01)  # it survives what is the longest pulse
    found = result.values[0, 0]
    block = at_settings("read_pulse", found * np.linspace(0.9, 1.1, 41), window=1e-9, shifts=DISTURBED)
    width, kept = dynamic.pulse_width(block, "q"), dynamic.t_pulse_read(block).status[:, 0] == Status.ok
    assert (np.diff(kept.astype(int)) <= 0).all()
    assert width[kept].max() / 1.01 < found < width[~kept].min()


def test_a_mirrored_cell_is_disturbed_in_the_other_state(measure):
    mirrored = {name.translate(str.maketrans("lr", "rl")): shift for name, shift in DISTURBED.items()}
    here, there = (measure("t_pulse_read", 1e-9, shifts=s) for s in (DISTURBED, mirrored))
    assert there.status[0].tolist() == here.status[0, ::-1].tolist()
    assert there.values[0, 1] == pytest.approx(here.values[0, 0], rel=0.01)


def test_a_cell_that_no_pulse_spares_and_one_that_holds_nothing(setting, session):
    """Pulses of 50 ps at least, where the longest that this cell survives is 20 ps."""
    for arguments, lowest, status in (
        ({"shifts": DISTURBED}, 50e-12, Status.censored_low),
        ({"shifts": NOTHING_STORED, "vdd": 0.5}, 1e-12, Status.not_performed),
    ):
        bench = TESTBENCHES["read_pulse"].build(setting(window=1e-9, **arguments))
        bench = replace(bench, search=replace(bench.search, low=lowest))
        values = bench.knob_values(np.zeros((1, len(bench.knobs))))
        result = search(session, bench, values, dynamic.t_pulse_read).measured
        assert result.status[0].tolist() == [status, Status.censored_high]
        assert np.isnan(result.values).all()
        assert status != Status.censored_low or result.bound[0, 0] == pytest.approx(lowest, rel=0.1)


def test_a_cell_that_bears_no_pulse_that_reaches_half_of_its_line_bears_none(measure):
    result = measure("t_pulse_read", 1e-9, shifts={"pd_r": 0.76, "pg_r": -0.5, "pu_l": 0.2})
    assert result.status[0].tolist() == [Status.censored_low, Status.censored_high]
    assert np.isnan(result.values[0, 0])
    assert 0 < result.bound[0, 0] < 5e-12


def test_a_closed_pass_gate_leaves_the_cell_at_hold_but_for_what_its_edges_couple(measure, setting, solve, session):
    closed = {"pg_l": 1.5, "pg_r": 1.5}
    block = solve(session, TESTBENCHES["leakage"].build(setting(shifts=closed)))
    hold = float((block["q_q"] - block["qb_q"])[0, -1])
    for metric, window in (("v_half", 0.3e-9), ("v_pim", 0.1e-9)):
        closed_margin, margin = (measure(metric, window, shifts=s).values[0] for s in (closed, {}))
        assert np.all(closed_margin <= hold)
        np.testing.assert_allclose(closed_margin, hold, rtol=0, atol=15e-3)
        assert np.all(margin < hold - 0.1)


@pytest.mark.parametrize("shifts", [{}, {"pd_r": 0.15}])
def test_lines_too_heavy_to_fall_disturb_as_precharged_ones_do(measure, setting, solve, session, shifts):
    """A line that falls relieves the cell, so half-selection is the worse; 0.5 pF do not fall in an activation."""
    half, row = (measure(m, w, shifts=shifts).values[0] for m, w in (("v_half", 0.3e-9), ("v_pim", 0.1e-9)))
    assert np.all(row > half + 0.01)
    bench = TESTBENCHES["pim_row"].build(setting(window=0.1e-9, shifts=shifts))
    for line in ("bl_q", "blb_q", "bl_qb", "blb_qb"):
        bench = loaded(bench, line, 500e-15)
    np.testing.assert_allclose(dynamic.lowest_difference(solve(session, bench)).values[0], half, rtol=0, atol=2e-3)


def test_a_half_selected_cell_settles_where_it_is_at_dc_but_for_what_the_line_drops(setting, solve, session):
    block = solve(session, TESTBENCHES["half_select"].build(setting(window=0.5e-9)))
    dc = solve(session, TESTBENCHES["read_current"].build(setting()))
    for state, sign in (("q", 1), ("qb", -1)):
        apart = sign * (block[f"q_{state}"] - block[f"qb_{state}"])[0]
        static_difference = sign * float((dc[f"q_{state}"] - dc[f"qb_{state}"])[0, -1])
        settled = np.interp(0.5e-9, block["time"][0], apart)
        assert static_difference < settled < static_difference + 5e-3  # the precharge transistors carry the current
        lowest = dynamic.lowest_difference(block).values[0, ("q", "qb").index(state)]
        assert static_difference - 0.05 < lowest <= static_difference  # below by what the edges couple


@pytest.mark.parametrize(
    ("name", "window", "shifts"),
    [("half_select", 0.3e-9, {}), ("half_select", 0.3e-9, {"pd_r": 0.15}), ("pim_row", 0.1e-9, {"pd_r": 0.15})],
)
def test_margins_at_tight_tolerances_are_the_same(setting, solve, session, reference, name, window, shifts):
    """The least of the waveform, edges included, from steps a quarter as long."""
    bench = TESTBENCHES[name].build(setting(window=window, shifts=shifts))
    fine = replace(bench, analysis=Transient(bench.analysis.stop, bench.analysis.max_step / 4))
    usual, exact = (
        dynamic.lowest_difference(block).values for block in (solve(session, bench), solve(reference, fine))
    )
    np.testing.assert_allclose(usual, exact, rtol=0, atol=1e-3, equal_nan=False)


def test_the_margin_of_a_row_that_computes_is_the_least_of_its_activations(measure, setting, solve, session):
    """A cycle at leisure, with both inputs on, disturbs the cell as the activations at speed do."""
    block = solve(session, TESTBENCHES["read_path"].build(setting(window=1e-9)))
    alone = dynamic.lowest_difference(block).values[0]
    np.testing.assert_allclose(measure("v_pim", 0.1e-9).values[0], alone, atol=5e-3)


def test_a_row_is_activated_with_every_pattern_and_the_outputs_follow(setting, solve, session):
    block = solve(session, TESTBENCHES["pim_row"].build(setting(window=0.1e-9)))
    cycle, count = block.values["cycle"], int(block.values["activations"])
    number = (block["time"][0] // cycle).astype(int)
    fired = {
        output: [bool(block[output][0][number == i].max() > 0.5) for i in range(count)]
        for output in ("p_q", "n_q", "p_qb", "n_qb")
    }
    patterns = [(0, 0), (0, 1), (1, 1), (1, 0)] * 2
    assert fired["p_q"] == [bool(inp) for inp, _ in patterns]
    assert fired["n_qb"] == [bool(inn) for _, inn in patterns]
    assert not any(fired["n_q"] + fired["p_qb"])


@pytest.mark.parametrize(("metric", "window"), [("v_half", 0.3e-9), ("v_pim", 0.1e-9)])
def test_a_weak_pull_down_is_disturbed_more_and_a_disturbed_cell_fails(metric, window, measure):
    symmetric, skewed, lost = (measure(metric, window, shifts=s) for s in ({}, {"pd_r": 0.15}, DISTURBED))
    assert 0 < skewed.values[0, 0] < symmetric.values[0, 0] - 0.02  # Q-bar is low in state q, held by the right half
    assert skewed.values[0, 1] == pytest.approx(symmetric.values[0, 1], abs=1e-3)
    assert lost.status[0].tolist() == [Status.not_performed, Status.ok]


# dip of the supply


def test_the_lowest_level_of_a_dip_is_that_of_a_fine_sweep(measure, at_settings):
    found = measure("v_dip", temp=398.15, shifts=FORGETFUL).values[0, 0]
    levels = np.arange(found - 10e-3, found + 10e-3, 0.5e-3)
    block = at_settings("supply_dip", levels, temp=398.15, shifts=FORGETFUL)
    kept = dynamic.v_dip(block).status[:, 0] == Status.ok
    assert (np.diff(kept.astype(int)) >= 0).all()
    assert levels[~kept].max() - 1e-6 < found < levels[kept].min() + 1e-3


def test_a_dip_is_no_harder_than_the_same_level_for_ever(measure, setting, solve, session):
    """At DC the supply is lowered until the state is lost; hot, a microsecond is nearly for ever."""
    bench = TESTBENCHES["supply_dip"].build(setting(temp=398.15, shifts=FORGETFUL))
    block = solve(session, replace(bench, analysis=Sweep("vvdd_q", 1.0, 0.0, 1001), search=None))
    static_level = float(block["vdd_q"][0][((block["q_q"] - block["qb_q"])[0] > 0).argmin()])
    hot, cold = (measure("v_dip", temp=t, shifts=FORGETFUL).values[0, 0] for t in (398.15, 298.15))
    assert static_level - 0.02 < hot <= static_level + 2e-3
    assert cold < hot


def test_a_symmetric_cell_at_room_temperature_survives_a_dip_to_nothing(measure):
    result = measure("v_dip")
    assert (result.status == Status.censored_low).all()
    assert (result.bound == 0).all()
    hot = measure("v_dip", temp=398.15)
    assert (hot.status == Status.ok).all()
    assert hot.values[0, 0] == pytest.approx(hot.values[0, 1], abs=1e-3)


def test_a_cell_that_forgets_one_state_does_so_at_a_higher_level(measure):
    result = measure("v_dip", shifts=FORGETFUL)
    assert result.status[0].tolist() == [Status.ok, Status.censored_low]
    assert result.values[0, 0] > 0.3
    nothing = measure("v_dip", vdd=0.5, shifts=NOTHING_STORED)
    assert nothing.status[0, 0] == Status.not_performed
