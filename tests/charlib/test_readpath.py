"""The read path: truth, waveforms, energy balance and what is not believed."""

from dataclasses import replace

import numpy as np
import pytest
from decks import loaded
from scipy.interpolate import PchipInterpolator

from charlib.metrics import METRICS, readpath
from charlib.metrics.energy import energy
from charlib.status import Status
from netlists import TESTBENCHES, ReadPath
from netlists.analyses import Sweep, Transient
from netlists.circuit import add_transistors, deck_text
from netlists.testbench import Testbench

pytestmark = pytest.mark.ngspice

BUILD = TESTBENCHES["read_path"].build
LOST = {"pd_r": 0.7, "pg_r": -0.25, "pu_l": 0.3}
"""Loses Q = 1 while the word line is on."""


@pytest.fixture
def cycle(setting, solve, session):
    def run(vdd=1.0, window=1e-9, **arguments):
        return solve(session, BUILD(setting(vdd=vdd, window=window, **arguments)))

    return run


@pytest.fixture
def measure(setting, solve, session):
    """A metric of a nominal or skewed cell, as ``Measured`` of one sample."""

    def run(metric, window=1e-9, readpath=None, **arguments):
        at = replace(setting(window=window, **arguments), readpath=readpath or ReadPath())
        return METRICS[metric].measure(solve(session, TESTBENCHES[METRICS[metric].testbench].build(at)))

    return run


def mirrored(shifts):
    return {name.translate(str.maketrans("lr", "rl")): shift for name, shift in shifts.items()}


@pytest.mark.parametrize(("vdd", "window"), [(0.6, 9e-9), (1.0, 1e-9)])
def test_outputs_are_input_and_stored_bit_and_never_fire_falsely(cycle, vdd, window):
    block = cycle(vdd, window)
    for state, (rises, stays, falls) in readpath.OUTPUTS.items():
        assert block[f"{rises}_{state}"].max() > 0.95 * vdd
        assert block[f"{stays}_{state}"].max() < 0.1 * vdd
        assert block[f"{falls}_{state}"].min() < 0.05 * vdd
        for output in "pn":
            wave = block[f"{output}_{state}"][0]
            assert abs(wave[0]) < 0.01 * vdd
            assert abs(wave[-1]) < 0.05 * vdd


def test_no_output_moves_before_the_word_line(cycle):
    block = cycle()
    before = block["time"][0] < 0.2e-9
    for state in ("q", "qb"):
        for output in "pn":
            assert np.abs(block[f"{output}_{state}"][0, before]).max() < 0.05


def test_both_sides_of_a_symmetric_cell_are_equally_fast(cycle):
    block = cycle()
    p, n = readpath.t_read_p(block).values[0], readpath.t_read_n(block).values[0]
    assert p == pytest.approx(n, rel=2e-3)
    energy = readpath.e_read(block).values[0]
    assert energy[0] == pytest.approx(energy[1], rel=2e-3)


@pytest.mark.parametrize(
    ("metric", "slows", "other"),
    [("t_read_p", "pd_r", "pd_l"), ("t_read_n", "pd_l", "pd_r"), ("t_read_single", "pd_r", "pd_l")],
)
def test_a_weak_pull_down_slows_the_output_of_its_side_only(measure, metric, slows, other):
    """Q-bar's pull-down discharges BLB, which makes P."""
    symmetric, slow, same = (measure(metric, shifts=s).values[0] for s in ({}, {slows: 0.15}, {other: 0.15}))
    assert slow > 1.05 * symmetric
    assert same == pytest.approx(symmetric, rel=0.01)


def test_a_mirrored_cell_is_read_by_the_other_output(cycle):
    skewed = {"pd_l": 0.1, "pg_r": -0.05, "pu_l": 0.1}
    here, there = cycle(shifts=skewed), cycle(shifts=mirrored(skewed))
    for one, other in ((readpath.t_read_p, readpath.t_read_n), (readpath.t_read_n, readpath.t_read_p)):
        assert one(here).values[0] == pytest.approx(other(there).values[0], rel=2e-3)
    assert readpath.t_read_n(here).values[0] > 1.1 * readpath.t_read_p(here).values[0]
    for measure in (readpath.t_precharge, readpath.e_read, readpath.e_precharge):
        np.testing.assert_allclose(measure(here).values[0], measure(there).values[0, ::-1], rtol=5e-3)


@pytest.mark.parametrize("ending", ["", "_single"])
@pytest.mark.parametrize(("weak", "lobe"), [("pre_l", 1), ("pre_r", 0)])
def test_a_weak_precharge_transistor_delays_the_line_that_fell_on_its_side_most(
    setting, solve, session, ending, weak, lobe
):
    """The left one charges BL, which falls with Q = 0; by the equalizer it helps the other line too."""
    bench = TESTBENCHES[f"read_path{ending}"].build(setting(window=1e-9))
    draws = np.zeros((2, len(bench.knobs)))
    draws[1, list(bench.knobs).index(f"precharge.{weak}")] = 0.15 / bench.knobs[f"precharge.{weak}"].sigma
    plain, skewed = readpath.t_precharge(solve(session, bench, draws)).values
    ratio = skewed / plain
    assert ratio[lobe] > 1.2
    assert 1.0 < ratio[1 - lobe] < 1.15


def precharging(setting):
    """Precharge and equalizing transistors by themselves, on, with an ideal source on BLB."""
    circuit = setting.circuit("precharge of a line")
    circuit.V("bl", "vbl", "0", setting.vdd)
    circuit.V("on", "pre_b", "0", 0.0)
    circuit.V("blb", "blb", "0", 0.0)
    add_transistors(circuit, setting.technology, setting.readpath.line_transistors(setting.technology))
    probes, sweep = ("blb", "vblb#branch"), Sweep("vblb", 0.0, readpath.RECOVERED * setting.vdd, 191)
    return Testbench("precharging", deck_text(circuit, probes), sweep, probes, {}, {})


@pytest.mark.parametrize("ending", ["", "_single"])
def test_a_heavy_line_is_precharged_in_the_integral_of_its_capacitance_over_the_current(
    setting, solve, session, ending
):
    """Second route: C times the integral of dV / I, current at DC; by how much 100 fF more delay it, edges aside."""
    at = setting(window=40e-9)
    slow = solve(session, precharging(at), np.zeros((1, 0)))
    expected = 100e-15 * np.trapezoid(1 / slow["vblb#branch"][0], slow["blb"][0])
    bench = TESTBENCHES[f"read_path{ending}"].build(at)
    heavy, heavier = (
        readpath.t_precharge(solve(session, loaded(bench, "blb_q", c))).values[0, 0] for c in (100e-15, 200e-15)
    )
    assert heavier - heavy == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("path", ["read_path", "read_path_single"])
def test_delays_and_energy_are_those_of_the_waveforms(setting, solve, session, path):
    """Extracted by hand: crossings of a monotone cubic, power of every source of the column by trapezoids."""
    vdd = 0.9
    bench = TESTBENCHES[path].build(setting(vdd=vdd, window=1e-9))
    block = solve(session, bench, np.random.default_rng(3).standard_normal((1, len(bench.knobs))))
    time, kept = np.unique(block["time"][0], return_index=True)
    later = block.values["precharge_on"]

    def when(wave, level, after=0.0):
        return next(t for t in PchipInterpolator(time, wave[0][kept]).solve(level, extrapolate=False) if t >= after)

    for lobe, (state, output, line) in enumerate((("q", "p", "blb"), ("qb", "n", "bl"))):
        if f"{output}_{state}" in block.vectors:
            delay = when(block[f"{output}_{state}"], vdd / 2) - when(block[f"wl_{state}"], vdd / 2)
            found = {"p": readpath.t_read_p, "n": readpath.t_read_n}[output](block).values[0]
            assert found == pytest.approx(delay, rel=1e-3)
        back = when(block[f"{line}_{state}"], 0.95 * vdd, later) - when(block[f"pre_b_{state}"], vdd / 2, later)
        assert readpath.t_precharge(block).values[0, lobe] == pytest.approx(back, rel=0.01)
        sources = [name for name in block.vectors if name.startswith("vv") and name.endswith(f"_{state}#branch")]
        assert len(sources) == (6 if path == "read_path" else 5)
        given = -vdd * sum(block[name][0] for name in sources)[kept]
        power = given - given[0]
        assert readpath.e_read(block).values[0, lobe] == pytest.approx(np.trapezoid(power, time), rel=1e-6)
        phases = (time <= block.values["wordline_on"], time >= later)
        precharge = sum(np.trapezoid(power[phase], time[phase]) for phase in phases)
        assert readpath.e_precharge(block).values[0, lobe] == pytest.approx(precharge, rel=1e-4)  # phases end at points


def test_a_path_without_output_n_is_the_same_but_for_what_its_gate_loads_and_takes(setting, solve, session):
    both, single = (
        solve(session, TESTBENCHES[name].build(setting(window=1e-9))) for name in ("read_path", "read_path_single")
    )
    assert readpath.t_read_p(single).values[0] == pytest.approx(readpath.t_read_p(both).values[0], rel=5e-3)
    for measure in (readpath.t_precharge, readpath.e_read):
        assert measure(single).values[0, 0] == pytest.approx(measure(both).values[0, 0], rel=0.01)
    lighter = readpath.t_precharge(single).values[0, 1] / readpath.t_precharge(both).values[0, 1]
    assert 0.8 < lighter < 0.95  # BL carries no gate
    saved = (readpath.e_read(both).values - readpath.e_read(single).values)[0, 1]
    of_gate, of_line = (energy(both, "qb", (s,)) - energy(single, "qb", (s,)) for s in ("vn", "vbl"))
    assert saved == pytest.approx(of_gate[0] + of_line[0], rel=0.01)
    assert of_gate > 3 * of_line > 0


@pytest.mark.parametrize("metric", ["t_read_p", "t_read_n", "t_read_single"])
def test_a_read_takes_for_ever_as_the_supply_falls_or_the_pass_gate_closes(measure, metric):
    at = ((1.0, 1e-9), (0.8, 2e-9), (0.6, 9e-9), (0.4, 4e-7))
    falling = np.log([measure(metric, window, vdd=vdd).values[0] for vdd, window in at])
    assert np.all(np.diff(falling, n=2) > 0)  # by ever larger ratios
    assert np.all(np.diff(falling) > 0)
    closing = [measure(metric, shifts={"pg_l": s, "pg_r": s}) for s in (0.3, 0.8)]
    assert np.log(closing[0].values[0]) > falling[0] + 0.5
    assert closing[1].status[0] == Status.censored_high


@pytest.mark.parametrize("ending", ["", "_single"])
def test_a_line_that_has_not_fallen_has_no_precharge_time_and_one_too_slow_is_censored(measure, ending):
    still, unread = (measure(f"{m}{ending}", shifts={"pg_l": 0.8, "pg_r": 0.8}) for m in ("t_precharge", "e_read"))
    assert (unread.status == Status.not_performed).all()
    assert (still.status == Status.censored_high).all()  # at least what a line takes that has hardly fallen
    np.testing.assert_array_equal(still.bound, 0.0)
    full, slow = (measure(f"t_precharge{ending}", shifts=s) for s in ({}, {"pg_l": 0.35, "pg_r": 0.35}))
    late = measure(f"t_precharge{ending}", 0.05e-9, shifts={"pg_l": 0.35, "pg_r": 0.35})
    assert (late.status == Status.censored_high).all()
    assert ((late.bound > 0) & (late.bound < np.minimum(full.values, slow.values))).all()
    weak = [measure(f"{m}{ending}", 0.15e-9, ReadPath(precharge=0.05)) for m in ("t_precharge", "e_read")]
    assert (weak[0].status == Status.censored_high).all()
    np.testing.assert_allclose(weak[0].bound, 0.15e-9, rtol=0.1)
    assert (weak[1].status == Status.not_performed).all()


def test_a_window_too_short_is_censored_at_the_window(cycle):
    block = cycle(vdd=0.6, window=0.1e-9)
    result = readpath.t_read_p(block)
    assert result.status[0] == Status.censored_high
    assert 0.05e-9 < result.bound[0] < 0.1e-9  # from the word line on
    assert readpath.e_read(block).status[0].tolist() == [Status.not_performed, Status.not_performed]


@pytest.mark.parametrize(("shifts", "lobe"), [(LOST, 0), (mirrored(LOST), 1)])
def test_a_cell_that_loses_its_bit_gives_no_number_of_that_state(setting, solve, session, shifts, lobe):
    for path, ending in (("read_path", ""), ("read_path_single", "_single")):
        block = solve(session, TESTBENCHES[path].build(setting(vdd=0.7, window=9e-9, shifts=shifts)))
        delays = {f"t_read{ending or '_p'}": 0} | ({"t_read_n": 1} if not ending else {})
        for metric, state in delays.items():
            result = METRICS[metric].measure(block)
            assert result.status[0] == (Status.not_performed if state == lobe else Status.ok)
            assert np.isnan(result.values[0]) == (state == lobe)
        for metric in (f"t_precharge{ending}", f"e_read{ending}"):
            result = METRICS[metric].measure(block)
            assert result.status[0, [lobe, 1 - lobe]].tolist() == [Status.not_performed, Status.ok]


def test_nothing_depends_on_the_window(cycle):
    """A window fifty times as long moves no number, but for what the floating lines leak in the meantime.

    Delays are as exact as the solver's steps, 0.2 %.
    """
    short, long = cycle(0.8, 0.4e-9), cycle(0.8, 20e-9)
    for measure, tolerance in ((readpath.t_read_n, 2e-3), (readpath.t_precharge, 0.015), (readpath.e_read, 0.01)):
        np.testing.assert_allclose(measure(long).values, measure(short).values, rtol=tolerance)


def test_the_array_gives_the_charge_of_the_line_that_fell(setting, solve, session, cycle):
    """The charge of BLB from a slow ramp of an ideal source on it, precharge off, against what the cycle takes."""
    at = setting()
    circuit = at.circuit("charge of a bit line")
    column = at.readpath.add_column(circuit, at.technology, at.cell, "q")
    circuit.V("dd", "dd", "0", at.vdd)
    circuit.V("ramp", "blb", "0", f"PWL(0 0 1n {at.vdd})")
    for node, level in (("wl_b", at.vdd), ("pre", 0.0), ("bl", at.vdd)):
        circuit.V(node, node, "0", level)
    supplies = ["dd"] * len(at.readpath.supplies)
    circuit.X("1", column, "wl_b", "pre", "dd", "dd", *supplies, "0", *at.readpath.nodes)
    probes = ("blb", "vramp#branch")
    nodeset = (".nodeset v(q)=1 v(qb)=0", ".options chgtol=1e-18 reltol=1e-5")
    bench = Testbench("charge", deck_text(circuit, probes, nodeset), Transient(1e-9, 1e-11), probes, {}, {})
    ramp = solve(session, bench)
    charge = -np.trapezoid(ramp["vramp#branch"], ramp["time"])[0]  # leakage is a thousandth of it
    block = cycle(at.vdd)
    current = -block["vvdd_q#branch"] - block["vvbl_q#branch"]
    taken = np.trapezoid(current - current[:, :1], block["time"])[0]
    assert taken == pytest.approx(charge, rel=0.15)


@pytest.mark.parametrize("metric", ["e_read", "e_read_single"])
def test_energy_follows_the_square_of_the_supply(measure, metric):
    at_1, at_08, at_06 = (
        measure(metric, window, vdd=vdd).values[0] / vdd**2 for vdd, window in ((1.0, 1e-9), (0.8, 2e-9), (0.6, 9e-9))
    )
    np.testing.assert_allclose(at_08, at_1, rtol=0.05)
    np.testing.assert_allclose(at_06, at_1, rtol=0.1)


def test_supplies_give_what_capacitors_and_transistors_take(setting, solve, session):
    """A capacitor through a resistor from a ramp of half their time constant: the closed form, near C V^2."""
    deck = "rc\nvdd a 0 PWL(0 0 1p 1)\nr1 a b 1k\nc1 b 0 2f\n.options chgtol=1e-18 reltol=1e-4\n.save b vdd#branch\n"
    block = solve(session, Testbench("rc", deck, Transient(1e-10, 1e-12), ("b", "vdd#branch"), {}, {}))
    power = -block["vdd#branch"] * np.clip(block["time"] / 1e-12, 0, 1)
    slow = 2.0  # r c over the ramp
    expected = 2e-15 * (0.5 + slow * (1 - slow * (1 - np.exp(-1 / slow))))
    assert np.trapezoid(power[0], block["time"][0]) == pytest.approx(expected, rel=0.01)


def test_more_rows_are_slower_and_cost_more(setting, solve, session):
    times, energies = [], []
    for rows in (1, 16, 64):
        block = solve(session, BUILD(replace(setting(window=3e-9), readpath=ReadPath(rows=rows))))
        times.append(readpath.t_read_p(block).values[0])
        energies.append(readpath.e_read(block).values[0].mean())
    assert times == sorted(times)
    assert energies == sorted(energies)


def test_default_step_control_is_within_half_a_percent_of_reference(setting, solve, session, reference):
    testbench = BUILD(setting(window=1e-9))
    fine = Testbench(
        testbench.name, testbench.deck, Transient(testbench.analysis.stop, testbench.analysis.stop / 2000),
        testbench.probes, testbench.knobs, testbench.values,
    )  # fmt: skip
    draws = np.random.default_rng(5).standard_normal((4, len(testbench.knobs)))
    ours, exact = solve(session, testbench, draws), solve(reference, fine, draws)
    for measure in (readpath.t_read_p, readpath.t_read_n, readpath.t_precharge, readpath.e_read):
        np.testing.assert_allclose(measure(ours).values, measure(exact).values, rtol=5e-3)
