"""A read path at work: truth of all eight combinations, energy balance, keeper, both variants, what is not believed."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from charlib.metrics import METRICS, operation, readpath
from charlib.metrics.operation import COMPUTED, HELD, pair_energies
from charlib.session import Solved
from charlib.status import Status
from charlib.waveforms import Block, at, crossing, stack
from netlists import ReadPath, Setting, Sram6T
from netlists import operation as benches
from netlists.operation import INPUTS, PAIRS, SAMPLED, TRUTH
from netlists.readpath import SUPPLIES
from netlists.setting import STATES
from netlists.technology import load

CYCLE = {0.6: 15e-9, 1.0: 1e-9}
"""Supply to a cycle inside both limits at 25 degC [s]."""
PARTS = ("bitline", "precharge", "drivers", "gates")


@pytest.fixture(scope="module")
def place():
    """A setting of the 6T cell by technology, process, supply and cycle."""

    def make(name="predictive28", process="tt", vdd=1.0, cycle=None, temp=298.15, **readpath):
        technology = load(name)
        cell = Sram6T().sized(technology)
        return Setting(technology, process, vdd, temp, cell, ReadPath(**readpath), window=cycle or CYCLE[vdd])

    return make


@pytest.fixture(scope="module")
def computed(place, session, simulated):
    return simulated(session, benches.compute(place(cycle=0.4e-9)))


@pytest.fixture(scope="module")
def held(place, session, simulated):
    return simulated(session, benches.held(place(cycle=0.4e-9)))


@pytest.fixture(scope="module")
def right(place, session, simulated):
    return simulated(session, benches.truth(place(cycle=0.4e-9)))


@pytest.fixture(scope="module")
def simulated():
    """Block of the nominal cell on a testbench; as ``solve``, for a whole module."""

    def run(session, bench):
        (result,) = session.solve(bench, bench.knob_values(np.zeros((1, len(bench.knobs)))))
        assert isinstance(result, Solved), result
        return stack(bench, [result.data])

    return run


def test_every_pair_of_inputs_follows_once_and_every_input_is_tried():
    for order in (COMPUTED, HELD):
        assert len(set(pairwise(order))) == 16
    assert sorted(TRUTH) == [0, 1, 2, 3]
    assert len(PAIRS) == 16


@pytest.mark.ngspice
@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("vdd", [0.6, 1.0])
@pytest.mark.parametrize("process", ["ss", "ff"])
@pytest.mark.parametrize("name", ["predictive28", "freepdk45/vtg"])
def test_truth_table(place, session, simulated, name, process, vdd):
    block = simulated(session, benches.truth(place(name, process, vdd)))
    cycle = CYCLE[vdd]
    for state, (q, qb) in STATES.items():
        for i, number in enumerate(TRUTH):
            inp, inn = INPUTS[number]
            for output, due in (("p", inp and q), ("n", inn and qb)):
                wave = block[f"{output}_{state}"][0]
                assert (np.interp((i + SAMPLED) * cycle, block["time"][0], wave) > vdd / 2) == bool(due)
    assert operation.t_compute(block).status[0] == Status.ok
    assert 0 <= operation.v_glitch(block).values[0] < 0.1 * vdd


@pytest.mark.ngspice
def test_delay_is_that_of_a_single_read(right, place, session, simulated):
    read = simulated(session, benches.read_path(place(cycle=1e-9)))
    slowest = max(readpath.t_read_p(read).values[0], readpath.t_read_n(read).values[0])
    assert operation.t_compute(right).values[0] == pytest.approx(slowest, rel=5e-3, abs=0)


@pytest.mark.ngspice
def test_margins_of_the_races_add_up_to_the_clock(right):
    """From output to sampling, back to the word line and to the end of precharge is a fixed part of the cycle."""
    races = {name: METRICS[name].measure(right).values[0] for name in METRICS if name.startswith("t_race")}
    assert all(value > 0 for value in races.values())
    begin = SAMPLED - benches.PHASES["pre"][0]
    delay = operation.t_compute(right).values[0]
    drivers = begin * 0.4e-9 - races["t_race_sample"] - delay - races["t_race_wordline"]
    assert 0 < drivers < 40e-12  # what the precharge signal takes through its shaper and driver


def changed(block, name, where, level):
    """A block with part of one waveform at another level."""
    waves = dict(block.vectors)
    waves[name] = np.where(where(block["time"]), level, waves[name])
    return Block(waves, block.values)


@pytest.mark.ngspice
@pytest.mark.parametrize(
    ("name", "begin", "end", "level", "status"),
    [
        ("p_q", 1.3, 1.35, 1.0, Status.not_performed),  # a false pulse between two samplings
        ("n_q", 0.65, 0.75, 1.0, Status.not_performed),  # the wrong output where it is sampled
        ("p_q", 0.9, 1.01, 0.2, Status.not_performed),  # not back at zero
        ("q_q", 3.9, 4.1, -0.1, Status.not_performed),  # the bit is lost
        ("p_q", 0.2, 0.7201, 0.0, Status.censored_high),  # not yet there where it is sampled
    ],
)
def test_outputs_are_checked_over_the_whole_waveform(right, name, begin, end, level, status):
    cycle = right.values["cycle"]
    tampered = changed(right, name, lambda time: (time > begin * cycle) & (time < end * cycle), level)
    assert operation.t_compute(right).status[0] == Status.ok
    found = operation.t_compute(tampered)
    assert found.status[0] == status
    assert np.isnan(found.values[0])
    if status == Status.censored_high:
        starts = [crossing(right["time"], right[f"wl_{state}"], 0.5, True, i * cycle)[0] - i * cycle
                  for state, output in (("q", 0), ("qb", 1)) for i, inputs in enumerate(TRUTH)
                  if INPUTS[inputs][output]]  # fmt: skip
        assert found.bound[0] == pytest.approx(SAMPLED * cycle - max(starts), rel=1e-6, abs=0)


@pytest.mark.ngspice
def test_nothing_of_a_cell_that_loses_its_bit_is_a_number(right, computed):
    """Q falls below Q-bar at the end. Of what has two states only that of Q = 1 goes."""
    for block, names in (
        (right, ("t_race_recovery", "t_race_wordline", "t_race_precharge", "t_race_sample", "v_glitch")),
        (computed, ("e_compute", "e_compute_leak", "i_leak_path", "c_wl", "c_pre", "c_inp", "c_inn")),
    ):
        last = block["time"][0, -1]
        tampered = changed(block, "q_q", lambda time, last=last: time >= last, -0.1)
        for name in names:
            found, lost = (METRICS[name].measure(b) for b in (block, tampered))
            assert (found.status == Status.ok).all()
            expected = [Status.not_performed] + [Status.ok] * (lost.status.size - 1)
            assert lost.status.ravel().tolist() == expected, name
            assert np.isnan(lost.values.flat[0])


@pytest.mark.ngspice
def test_lines_that_did_not_fall_have_no_time_to_come_back(right):
    late = changed(right, "bl_qb", lambda time: time > 0, 0.5)  # low to the end
    found = METRICS["t_race_recovery"].measure(late)
    assert (found.status[0], found.bound[0]) == (Status.censored_low, 0.0)
    still = changed(changed(right, "p_q", lambda time: time > 0, 0.0), "blb_q", lambda time: time > 0, 1.0)
    assert METRICS["t_race_recovery"].measure(still).status[0] == Status.not_performed


def test_a_line_that_holds_is_censored_from_where_its_precharge_is_off():
    """Precharge at 50 % at 1.5 s, 0.5 s behind its source; looked at until 11 s."""
    time = np.array([[0.0, 1.0, 2.0, 6.0, 7.0, 11.0]])
    low, high, rising = np.zeros((1, 6)), np.ones((1, 6)), np.array([[0.0, 0.0, 1.0, 1.0, 1.0, 1.0]])
    waves = {"time": time, "q_q": high, "qb_q": low, "q_qb": low, "qb_qb": high, "pre_b_q": rising, "pre_b_qb": rising}
    waves |= {"p_q": low, "n_q": low, "p_qb": np.array([[0.0, 0.0, 0.0, 0.0, 1.0, 1.0]]), "n_qb": low}
    found = operation.t_hold_line(Block(waves, {"vdd": 1.0, "window": 10.0}))
    assert found.status[0].tolist() == [Status.censored_high, Status.ok]
    assert found.bound[0, 0] == pytest.approx(11.0 - 1.5)
    assert found.values[0, 1] == pytest.approx(6.5 - 1.5)


LEAKY = {"process": "ff", "temp": 398.15, "cycle": 10e-9}
"""Where leakage is a good part of what a cycle takes."""


@pytest.mark.ngspice
@pytest.mark.parametrize(("conditions", "offsets"), [({"cycle": 0.4e-9}, {}), (LEAKY, {"dv_cell": 0.1})])
def test_parts_and_leakage_are_what_the_supplies_give_over_a_period(place, session, simulated, conditions, offsets):
    computed = simulated(session, benches.compute(replace(place(**conditions), **offsets)))
    cycle, time = computed.values["cycle"], computed["time"][0]
    period = (time >= cycle) & (time <= len(COMPUTED) * cycle)
    for lobe, state in enumerate(STATES):
        levels = {f"v{supply}_{state}": computed.values["vdd"] for supply in SUPPLIES}
        levels |= {f"v.x{state}.vrise_{line[3:]}": offset for line, offset in offsets.items()}
        given = sum(
            -level * np.trapezoid(computed[f"{source}#branch"][0, period], time[period])
            for source, level in levels.items()
            if f"{source}#branch" in computed.vectors
        )
        parts = [METRICS[f"e_compute_{part}"].measure(computed).values[0, lobe] for part in (*PARTS, "leak")]
        # An energy is far below the absolute tolerance by default.
        assert 16 * sum(parts) == pytest.approx(given, rel=0.01, abs=0)
        assert sum(parts[:-1]) == pytest.approx(METRICS["e_compute"].measure(computed).values[0, lobe], rel=1e-9, abs=0)
        assert np.mean(pair_energies(computed, state)) == pytest.approx(sum(parts[:-1]), rel=1e-9, abs=0)
        assert min(parts) > 0


@pytest.mark.ngspice
def test_the_period_ends_in_its_initial_state(computed):
    cycle = computed.values["cycle"]
    for state in STATES:
        for node in ("wl", "pre_b", "bl", "blb", "p", "n", "q", "qb"):
            wave = computed[f"{node}_{state}"]
            begin, end = (at(computed["time"], wave, when)[0] for when in (cycle, len(COMPUTED) * cycle))
            assert begin == pytest.approx(end, abs=2e-3)


@pytest.mark.ngspice
def test_leakage_is_that_of_an_idle_run(computed, place, session, simulated):
    setting = place(cycle=0.4e-9)
    idle = simulated(session, benches._operate("truth", setting, (3,), 0))
    current = -sum(idle[f"v{supply}_q#branch"][0] for supply in SUPPLIES if f"v{supply}_q#branch" in idle.vectors)
    energy = setting.vdd * np.trapezoid(current, idle["time"][0])
    assert operation.e_compute_leak(computed).values[0, 0] == pytest.approx(energy, rel=0.01, abs=0)


@pytest.mark.ngspice
def test_capacitances_by_charge_follow_the_gates_they_drive(computed):
    found = {name: METRICS[name].measure(computed).values[0] for name in ("c_inp", "c_inn", "c_wl", "c_pre")}
    np.testing.assert_allclose(found["c_inp"], found["c_inn"][::-1], rtol=0.01)
    assert (found["c_pre"] > found["c_inp"]).all()  # three transistors twice as wide, against one gate's input
    # An inverter's worth of gate capacitance is of the order of C = Q/V = 1 fF/um times its width.
    assert (found["c_wl"] > 0.1e-15).all()
    assert (found["c_pre"] < 3e-15).all()


@pytest.mark.ngspice
def test_a_held_row_computes_with_less(held, computed):
    assert operation.t_held(held).status[0] == Status.ok
    per_bit = operation.e_held_input("")(held).values[0]
    assert (per_bit < 0.3 * operation.e_compute("")(computed).values[0]).all()
    row = operation.e_held_row("")(held).values[0]
    assert (operation.e_held_row("latch")(held).values[0] > 0.05 * row).all()  # the latch flips
    assert operation.t_held(held).values[0] < 0.5 * readpath_delay(computed)


def readpath_delay(block):
    """Word line to P in the first cycle of the testbench ``compute`` [s]."""
    half = block.values["vdd"] / 2
    start = crossing(block["time"], block["wl_q"], half, rising=True)
    return (crossing(block["time"], block["p_q"], half, rising=True) - start)[0]


@pytest.mark.ngspice
def test_q_alone_costs_less_and_is_not_slower(place, session, simulated):
    both, single = (simulated(session, benches.read_path(place(cycle=1e-9), outputs)) for outputs in ("pn", "p"))
    energies = [readpath.e_read(block).values[0] for block in (both, single)]
    assert energies[1][0] == pytest.approx(energies[0][0], rel=0.01, abs=0)  # Q = 1: P fires on both, N's gate rests
    assert energies[1][1] < 0.9 * energies[0][1]  # Q = 0: nothing fires
    delays = [readpath.t_read_p(block).values[0] for block in (both, single)]
    assert delays[1] <= 1.005 * delays[0]
    assert "n_q" not in single.vectors
    lines = [block["bl_qb"].min() for block in (both, single)]
    np.testing.assert_allclose(lines, 0.0, atol=0.05)  # one word line opens both sides


@pytest.mark.ngspice
def test_a_keeper_holds_the_line_and_delays_the_read(place, session, simulated):
    hot = {"process": "ff", "vdd": 0.6, "temp": 398.15}
    times, delays = [], []
    for keeper in (0.0, 0.3):
        hold = simulated(session, benches.line_hold(place(**hot, cycle=4e-6, keeper=keeper)))
        found = operation.t_hold_line(hold)
        times.append(np.where(found.status == Status.ok, found.values, found.bound)[0])
        delays.append(readpath.t_read_p(simulated(session, benches.read_path(place(cycle=1e-9, keeper=keeper)))).values)
    assert (times[0] < 0.2e-6).all()
    assert (times[1] > 3.9e-6).all()  # to the end of the window
    assert delays[1] > 1.02 * delays[0]


@pytest.mark.ngspice
def test_a_cycle_too_long_loses_a_line_and_one_too_short_does_not_read(place, session, simulated):
    hot = {"process": "ff", "temp": 398.15, "pattern": "worst"}
    long = simulated(session, benches.truth(place(**hot, cycle=1e-6)))
    assert operation.t_compute(long).status[0] == Status.not_performed
    assert operation.v_glitch(long).values[0] > 0.5
    short = simulated(session, benches.truth(place(cycle=0.08e-9)))
    assert operation.t_compute(short).status[0] in (Status.not_performed, Status.censored_high)


@pytest.mark.ngspice
def test_edges_are_seen_however_long_the_cycle(place, session, simulated):
    """Cold, where lines hold for milliseconds: corners too close for the solver's step would be stepped over."""
    block = simulated(session, benches.truth(place(process="ss", vdd=0.8, temp=233.15, cycle=98e-6)))
    assert operation.t_compute(block).status[0] == Status.ok
    for state in STATES:
        rises = np.diff(np.sign(block[f"wl_{state}"][0] - 0.4)) > 0
        assert rises.sum() == len(TRUTH)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"outputs": "n"}, r"outputs='n' is not one of pn, p$"),
        ({"sensed": 1.0}, r"sensed=1\.0 is not between 0 and 1 \(readpath\.sensed\)"),
        ({"keeper": -0.1}, r"keeper=-0\.1 is not at least 0 \(readpath\.keeper\)"),
        ({"held": 1}, r"held=1 is not one of true, false$"),
    ],
)
def test_no_read_path(wrong, message):
    with pytest.raises(ValueError, match=message):
        ReadPath(**wrong)


def test_names_of_subcircuits_tell_variants_apart(place):
    circuit = place().circuit("all variants")
    names = set()
    for path in (ReadPath(), ReadPath(outputs="p"), ReadPath(held=True), ReadPath(keeper=0.2)):
        at_path = replace(place(), readpath=path)
        names.add(path.add_column(circuit, at_path.technology, at_path.cell, "q"))
    assert len(names) == 4
