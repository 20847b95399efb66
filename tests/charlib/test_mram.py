"""Junctions and MRAM cells in ngspice: closed forms, an independent integration, limits, second routes, failures."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from charlib import Conditions, InvalidPlan, Variation, characterize, reproduce
from charlib.metrics import METRICS, mram
from charlib.search import search
from charlib.status import Status
from charlib.variation import normals
from charlib.waveforms import crossing, stack
from netlists import JUNCTIONS, TESTBENCHES, ReadPath, Setting, Sot2T1M, Sram6T, Stt1T1M, Testbench
from netlists.analyses import Transient
from netlists.circuit import deck_text, new_circuit
from netlists.mram import CONSTANT_DRIVE
from netlists.mtj import GAMMA, STATES, add_junction, junction_knobs
from netlists.stimulus import TRANSIENT_OPTIONS
from netlists.testbench import LAWS

pytestmark = pytest.mark.ngspice

STT, SOT = JUNCTIONS["stt_40nm"], JUNCTIONS["sot_umn"]
START = 10e-12


@pytest.fixture
def driven(technology, session):
    """Waveforms of a junction alone, driven by a current from ``START`` on, as a block of one sample.

    Until the end, or until the time ``off`` from which it goes back to 0 in ``edge``.
    """

    def run(junction, state, current, stop, angle=0.09, turn=0.7, ra=0.0, step=None, off=None, edge=1e-12):
        circuit = new_circuit("junction", technology, "tt", 300.0)
        name = add_junction(circuit, junction, state, START + 0.5e-12)
        back = f" {off} {current} {off + edge} 0" if off else ""
        circuit.I("drive", "0", "in", f"PWL(0 0 {START} 0 {START + 1e-12} {current}{back})")
        strip = junction.strip is not None
        circuit.X("j", name, *(("0", "in", "0", "fl", "mz") if strip else ("in", "0", "mz")))
        probes = ("mz", "xj.mx", "xj.my") if strip else ("mz", "in")
        knobs = junction_knobs(junction, "cell.mtj", ("xj",), 0.02, 0.05, thermal=True)
        analysis = Transient(stop, step or junction.max_step)
        deck = deck_text(circuit, probes, (TRANSIENT_OPTIONS,))
        bench = Testbench("junction", deck, analysis, probes, knobs, {})
        (solved,) = session.solve(bench, np.array([[ra, 0.0, angle, turn][: len(knobs)]]))
        return stack(bench, [solved.data])

    return run


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("current", [60e-6, 100e-6, 300e-6])
def test_stt_switches_when_the_closed_form_says_so(driven, state, current):
    expected, sign = STT.switching_time(current, 0.09), STATES[state]
    block = driven(STT, state, -sign * current, 1.3 * expected + START)
    found = crossing(block["time"], sign * block["mz"], 0.0, rising=False)[0] - START
    assert found == pytest.approx(expected, rel=0.003)
    assert sign * block["mz"][0, 0] == pytest.approx(np.cos(0.09))


def test_the_current_that_favours_a_state_leaves_it_and_damping_takes_the_angle_away(driven):
    block = driven(STT, "p", 0.0, 3e-9)
    unit = STT.rate * STT.damping * STT.h_k  # small angles decay as exp(-unit t)
    angle = np.arccos(block["mz"][0])
    assert angle[-1] == pytest.approx(0.09 * np.exp(-unit * (3e-9 - START)), rel=0.02)
    assert (driven(STT, "p", 100e-6, 3e-9)["mz"] > 0.99).all()


def test_resistances_and_their_roll_off_are_exact(driven):
    p, ap = (driven(STT, state, sign * 1e-6, 0.1e-9, angle=1e-6) for state, sign in STATES.items())
    assert p["in"][0, -1] / 1e-6 == pytest.approx(STT.r_p, rel=1e-6)
    bias = abs(ap["in"][0, -1])
    assert bias / 1e-6 == pytest.approx(STT.r_p * (1 + STT.tmr_at(bias)), rel=1e-6)
    high = driven(STT, "ap", -0.5 / (STT.r_p * (1 + STT.tmr / 2)), 0.1e-9, angle=1e-6)
    assert high["in"][0, -1] == pytest.approx(-0.5, rel=1e-4)


def integrated(junction, drive, start, times, rtol=1e-9):
    """The same macrospin by scipy, from Gilbert's implicit form, shape (3, time); ``drive``: [s] to [A]."""
    field = np.array([junction.field_x, 0.0, 0.0])

    def slope(time, m):
        field[2] = junction.h_k * m[2]
        skew = np.array([[0, -m[2], m[1]], [m[2], 0, -m[0]], [-m[1], m[0], 0]])  # m x v as a matrix
        torque = np.array([0, junction.sot * drive(time), 0])
        return np.linalg.solve(np.eye(3) - junction.damping * skew, -GAMMA * skew @ (field + skew @ torque))

    # It takes no step across a corner of the current.
    return solve_ivp(
        slope, (0, times[-1]), start, t_eval=times, rtol=rtol, atol=rtol / 100, method="DOP853", max_step=20e-12
    ).y


def test_sot_trajectory_is_that_of_an_independent_integration(driven):
    """Within 1 % of the unit vector over pulse and rest; the junction itself takes no current (RA a million times)."""
    current, off, edge = 1.5 * SOT.critical_strip_current, 0.4e-9, 50e-12
    block = driven(SOT, "ap", current, 0.8e-9, ra=1e6, step=SOT.max_step / 4, off=off, edge=edge)
    begin = START + 0.5e-12
    names, released = ("xj.mx", "xj.my", "mz"), block["time"][0] > begin
    times = block["time"][0][released] - begin
    start = [block[name][0, 0] for name in names]
    drive = lambda t: current * np.interp(t + begin, [off, off + edge], [1.0, 0.0])  # noqa: E731
    exact = integrated(SOT, drive, start, np.concatenate([[0.0], times]))[:, 1:]
    for name, wave in zip(names, exact, strict=True):
        np.testing.assert_allclose(block[name][0][released], wave, atol=0.01)
    assert block["mz"][0, -1] > 0.9 > -0.9 > block["mz"][0, 0]


@pytest.mark.parametrize("field", [1, -1])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("state", STATES)
def test_field_and_current_decide_the_state_that_sot_writes(driven, state, sign, field):
    """During the pulse and when it is long over."""
    junction = replace(SOT, field_x=field * SOT.field_x)
    block = driven(junction, state, sign * 1.5 * SOT.critical_strip_current, 2e-9, ra=1e6, off=1e-9)
    time, mz = block["time"][0], block["mz"][0]
    assert np.sign(mz[time < 1e-9][-1]) == np.sign(mz[-1]) == sign * field
    assert abs(mz[-1]) > 0.9


@pytest.mark.parametrize(
    ("damping", "edge", "holds"), [(0.1, 1e-12, False), (0.1, 0.2e-9, False), (0.1, 4e-9, True), (0.3, 1e-12, True)]
)
def test_a_slowly_damped_sot_write_holds_only_if_its_current_ends_slowly(driven, damping, edge, holds):
    """Near the equator energy is left: it precesses around the hard axis and back, unless damping or an edge takes it.

    An independent integration agrees on which state is left.
    """
    junction = replace(SOT, damping=damping)
    current, off, begin = 1.6 * SOT.critical_strip_current, 1e-9, START + 0.5e-12
    stop = off + edge + 1.5e-9
    block = driven(junction, "ap", current, stop, ra=1e6, off=off, edge=edge)
    drive = lambda t: current * np.interp(t + begin, [off, off + edge], [1.0, 0.0])  # noqa: E731
    start = [block[name][0, 0] for name in ("xj.mx", "xj.my", "mz")]
    other = integrated(junction, drive, start, np.array([0.0, off - begin, stop - begin]), rtol=1e-6)[2]
    assert other[1] > 0  # on the new side while the current flows
    assert (other[2] > 0) == (block["mz"][0, -1] > 0) == holds


@pytest.mark.parametrize(
    ("damping", "share", "switches"), [(0.5, 0.98, False), (0.5, 1.02, True), (0.3, 0.91, False), (0.3, 0.95, True)]
)
def test_sot_threshold_is_lees_at_high_damping_and_lower_as_shipped(driven, damping, share, switches):
    """The formula is of the balance of torques; a precession that is damped less crosses early."""
    damped = replace(SOT, damping=damping)
    block = driven(damped, "ap", share * SOT.critical_strip_current, 4e-9, ra=1e6, angle=1e-3)
    assert (block["mz"][0, -1] > 0) == switches


@pytest.fixture
def at(technology):
    """Setting of an MRAM cell."""

    def make(cell, vdd=1.0, temp=300.0, **offsets):
        return Setting(technology, "tt", vdd, temp, cell.sized(technology), **offsets)

    return make


@pytest.fixture
def measure(at, session):
    """A metric of a cell without draws, as ``Measured`` of one sample."""

    def run(metric, cell, **condition):
        bench = TESTBENCHES[METRICS[metric].testbench].build(at(cell, **condition))
        values = bench.knob_values(np.zeros((1, len(bench.knobs))))
        if bench.search:
            return search(session, bench, values, METRICS[metric].measure).measured
        return METRICS[metric].measure(stack(bench, [s.data for s in session.solve(bench, values)]))

    return run


@pytest.mark.parametrize("cell", [Stt1T1M(), Sot2T1M()])
def test_a_read_shows_the_junction_and_a_weak_one_less_bias_roll_off(cell, measure):
    upright = np.sqrt(1 - (cell.junction.field_x / cell.junction.h_k) ** 2)
    low, high = (1 + upright) / 2, (1 - upright) / 2
    expected = cell.junction.r_p / (low + high / (1 + cell.junction.tmr))
    assert measure("r_p", cell).values[0] == pytest.approx(expected, rel=1e-3)
    ratio, weak = (measure("tmr", replace(cell, v_read=v)).values[0] for v in (0.2, 0.01))
    assert ratio < weak <= cell.junction.tmr
    p, ap = measure("i_sense", cell).values[0]
    assert measure("i_margin", cell).values[0] == pytest.approx(p - ap)
    assert measure("tmr", replace(cell, junction=replace(cell.junction, tmr=0.0))).values[0] == pytest.approx(
        0, abs=1e-6
    )


@pytest.mark.parametrize("cell", [Stt1T1M(), Sot2T1M()])
def test_tmr_rolls_off_with_the_bias_by_its_law(cell, at, session):
    """At every bias; where a field leans the magnetization, both states have a part of the other's conductance."""
    junction = cell.junction
    bench = TESTBENCHES["mram_bias"].build(at(cell))
    (solved,) = session.solve(bench, bench.knob_values(np.zeros((1, len(bench.knobs)))))
    block = stack(bench, [solved.data])
    upright = np.sqrt(1 - (junction.field_x / junction.h_k) ** 2)
    for state, sign in STATES.items():
        bias = block[f"across_{state}"][0]
        part = (1 + sign * upright) / 2
        law = junction.r_p / (part + (1 - part) / (1 + junction.tmr_at(bias)))
        np.testing.assert_allclose(bias / block[f"vmeter_{state}#branch"][0], law, rtol=2e-4)
    assert mram.v_tmr_half(block).values[0] == pytest.approx(junction.v_half, rel=0.005 if upright == 1 else 0.03)


@pytest.mark.parametrize("name", ["predictive28", "freepdk45/vtg"])
@pytest.mark.parametrize("cell", [Stt1T1M(), Sot2T1M()])
def test_select_transistors_drive_one_and_a_half_critical_currents_both_ways(cell, name, installed, session):
    from netlists.technology import load

    technology = load(name)
    bench = TESTBENCHES["mram_drive"].build(Setting(technology, "tt", 1.0, 300.0, cell.sized(technology)))
    (solved,) = session.solve(bench, bench.knob_values(np.zeros((1, len(bench.knobs)))))
    junction = cell.junction
    least = junction.critical_strip_current if junction.strip else junction.critical_current("p")
    assert (mram.i_write(stack(bench, [solved.data])).values > 1.5 * least).all()


def test_a_write_takes_as_long_as_its_current_says(at, session):
    """Second route: Sun's closed form at the current of the first instants lies near; the junction's own changes."""
    cell = Stt1T1M()
    bench = TESTBENCHES["mram_write"].build(at(cell))
    (solved,) = session.solve(bench, bench.knob_values(np.zeros((1, len(bench.knobs)))))
    block = stack(bench, [solved.data])
    delays = mram.t_switch(block)
    assert (delays.status == Status.ok).all()
    drive = TESTBENCHES["mram_drive"].build(at(cell))
    (held,) = session.solve(drive, drive.knob_values(np.zeros((1, len(drive.knobs)))))
    currents = mram.i_write(stack(drive, [held.data])).values[0]
    angle = np.sqrt(np.log(2) / cell.junction.delta)
    expected = [cell.junction.switching_time(current, angle) for current in currents]
    np.testing.assert_allclose(delays.values[0], expected, rtol=0.3)
    assert delays.values[0, 0] > delays.values[0, 1]  # the way through the source follower is the weaker one
    spent = mram.e_switch(block).values[0]
    assert (spent > 0.3 * cell.pulse * currents * 1.0).all()
    assert (spent < 1.5 * cell.pulse * currents * 1.0).all()


def test_a_critical_pulse_is_the_delay_of_the_write(measure):
    """What a macrospin does after mz = 0 it does by itself: pulse and delay differ by the edges."""
    cell = Stt1T1M()
    pulse, delay = measure("t_pulse_switch", cell), measure("t_switch", cell)
    assert (pulse.status == Status.ok).all()
    np.testing.assert_allclose(pulse.values, delay.values, rtol=0.03)


def test_critical_current_is_where_the_closed_form_fills_the_pulse(measure):
    cell = Stt1T1M()
    found = measure("i_c", cell).values[0]
    assert found[0] == pytest.approx(found[1], rel=0.005)
    angle = np.sqrt(np.log(2) / cell.junction.delta)
    assert cell.junction.switching_time(found[0], angle) == pytest.approx(cell.pulse, rel=0.02)


def test_a_torque_that_depends_on_the_state_gives_each_a_critical_current_of_its_own(at, session):
    bench = TESTBENCHES["mram_constant"].build(at(Stt1T1M(junction=replace(STT, asymmetry=0.3), pulse=1e-9)))
    (solved,) = session.solve(bench, bench.knob_values(np.zeros((1, len(bench.knobs)))))
    block = stack(bench, [solved.data])
    for state, share in {"p": 1.3, "ap": 0.7}.items():
        height = np.abs(block[f"vmeter_{state}#branch"]).max()
        assert height == pytest.approx(CONSTANT_DRIVE * share * STT.critical_current("p"), rel=1e-4)


def test_delays_of_drawn_angles_are_those_of_the_theory_and_a_resumed_run_has_the_same(tmp_path):
    """Each delay is Sun's at the angle that its sample draws; more samples extend a run, one alone is reproduced."""
    few, many = Variation(samples=64, seed=4), Variation(samples=72, seed=4)
    cell, at = Stt1T1M(pulse=12e-9), Conditions(temp=[300.0])
    request = {"cell": cell, "conditions": at, "metrics": ["t_flip"], "workers": 1}
    characterize(variation=few, out=tmp_path / "grown", **request)
    grown, whole = (characterize(variation=many, out=tmp_path / name, **request) for name in ("grown", "whole"))
    assert (grown["t_flip_lobes"].values == whole["t_flip_lobes"].values).all()
    assert (whole["t_flip_status"] == Status.ok).all()
    delays = whole["t_flip_lobes"].squeeze().values
    angles = STT.sigma_angle * LAWS["rayleigh"](normals(["cell.mtj:angle"], 4, 0, 72)[:, 0])
    expected = [STT.switching_time(CONSTANT_DRIVE * STT.critical_current("p"), angle) for angle in angles]
    np.testing.assert_allclose(delays, np.stack([expected, expected], axis=1), rtol=0.003)
    assert reproduce(tmp_path / "grown", "t_flip", "tt", 1.0, 300.0, 71).identical


def test_a_cell_that_is_not_flipped_says_so(measure):
    weak = Stt1T1M(shifts={"access": 0.4})
    delay, energy, pulse = (measure(metric, weak) for metric in ("t_switch", "e_switch", "t_pulse_switch"))
    assert delay.status[0, 0] == pulse.status[0, 0] == Status.censored_high
    assert delay.bound[0, 0] == pytest.approx(weak.pulse, rel=0.01)
    assert energy.status[0, 0] == Status.not_performed
    assert np.isnan(energy.values[0, 0])


@pytest.mark.parametrize("name", ["predictive28", "freepdk45/vtg"])
def test_sot_writes_hold_both_ways(name, installed, session):
    """Within a precession or two, and for good; energy is what the strip takes and not many times that."""
    from netlists.technology import load

    technology, cell = load(name), Sot2T1M()
    setting = Setting(technology, "tt", 1.0, 300.0, cell.sized(technology), ReadPath(rows=256))
    bench = TESTBENCHES["mram_write"].build(setting)
    (solved,) = session.solve(bench, bench.knob_values(np.zeros((1, len(bench.knobs)))))
    block = stack(bench, [solved.data])
    delay, energy = mram.t_switch(block), mram.e_switch(block)
    assert (delay.status == Status.ok).all()
    assert (energy.status == Status.ok).all()
    assert (delay.values < 3 * 2 * np.pi / (cell.junction.rate * cell.junction.h_k)).all()
    least = cell.junction.critical_strip_current * 1.5 * cell.pulse
    assert ((energy.values > least * 0.9) & (energy.values < 6 * least)).all()


def test_longer_lines_cost_energy(measure):
    short, long = (measure("e_switch", Stt1T1M(pulse=5e-9), readpath=ReadPath(rows=rows)).values for rows in (1, 256))
    assert (long > short).all()


def test_a_higher_word_line_writes_faster(measure):
    slow, fast = (measure("t_switch", Stt1T1M(), dv_wl=offset).values[0, 0] for offset in (0.0, 0.1))
    assert fast < slow


def test_samples_are_the_same_junctions_at_every_condition_and_states_are_the_lobes():
    request = {"cell": Stt1T1M(), "variation": Variation(samples=3, seed=2), "workers": 1}
    both = characterize(conditions=Conditions(temp=[300.0, 350.0]), metrics=["r_p", "i_sense"], **request)
    assert both["lobe"].values.tolist() == ["p", "ap"]
    ratio = both["r_p"].values[0, 0] / both["r_p_nominal"].values[0, 0][:, None]
    np.testing.assert_allclose(ratio[0], ratio[1], rtol=1e-9)
    assert ratio.std() > 0.001
    assert "cell_area" not in both.attrs


@pytest.mark.parametrize(
    ("cell", "metric", "message"),
    [
        (
            Stt1T1M(),
            "snm_hold",
            r"'snm_hold': it is of a cell that stores q or qb, not p or ap; a cell of kind 'stt1t1m' ",
        ),
        (
            Sram6T(),
            "t_switch",
            r"'t_switch': it is of a cell that stores p or ap, not q or qb; a cell of kind 'sram6t' ",
        ),
    ],
)
def test_metrics_of_another_kind_of_cell_are_refused(cell, metric, message):
    with pytest.raises(InvalidPlan, match=message):
        characterize(cell=cell, metrics=[metric])


def test_offsets_without_a_meaning_are_refused():
    with pytest.raises(InvalidPlan, match="an MRAM cell has no supply"):
        characterize(cell=Stt1T1M(), metrics=["r_p"], conditions=Conditions(dv_cell=[0.1]))
