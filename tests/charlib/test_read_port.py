"""The read of a read port in time: limits, second routes, skewed cells, and what is not believed."""

from dataclasses import replace

import numpy as np
import pytest
from decks import loaded
from scipy.interpolate import PchipInterpolator

from charlib import Conditions, InvalidPlan, Variation, characterize, reproduce
from charlib.metrics import METRICS, readport, static
from charlib.metrics.readpath import RECOVERED
from charlib.status import Status
from charlib.waveforms import Block
from netlists import TESTBENCHES, NetlistCell, ReadPath, Setting, Sram6T, Sram8T
from netlists.analyses import Sweep, Transient
from netlists.circuit import add_transistors, deck_text, first_guesses
from netlists.logic import add_gate
from netlists.readport import read_port_of
from netlists.testbench import Testbench

pytestmark = pytest.mark.ngspice

ROW = TESTBENCHES["read_port"]
TIMES = ("t_read_port", "t_rbl", "t_precharge_port")
EVERY = (*TIMES, "e_read_port")
FEMTO = 1e-15
PORTS = {"bl": "BL", "blb": "BR", "wl": "WL", "vdd": "VDD", "gnd": "VSS", "rbl": "RBL", "rwl": "RWL"}
BODY = """\
Mnl Q QB VSS VSS nmos28 w=105n l=30n {n}
Mpl Q QB VDD VDD pmos28 w=50n l=30n {p}
Mnr QB Q VSS VSS nmos28 w=105n l=30n {n}
Mpr QB Q VDD VDD pmos28 w=50n l=30n {p}
Mal BL WL Q VSS nmos28 w=72n l=30n {a}
Mar BR WL QB VSS nmos28 w=72n l=30n {a}
Mrd x QB VSS VSS nmos28 w=105n l=30n {n}
Mra RBL RWL x VSS nmos28 w=72n l=30n {a}
"""
DRAWN = {
    "n": "ad=4.725f as=4.725f pd=0.195u ps=0.195u", "p": "ad=3.75f as=2.25f pd=0.25u ps=0.14u",
    "a": "ad=3.24f as=3.24f pd=0.162u ps=0.162u",
}  # fmt: skip
"""Diffusions of our own cell by the layout rule of predictive28."""


def netlist(body=BODY, **keys):
    text = f".subckt cell BL BR WL VDD VSS RBL RWL\n{body.format(**DRAWN)}.ends\n"
    return NetlistCell(text, "cell", PORTS, **keys)


@pytest.fixture
def place(technology):
    def make(vdd=1.0, window=1e-9, cell=None, path=None, temp=298.15, **offsets):
        cell = (cell or Sram8T()).sized(technology)
        return Setting(technology, "tt", vdd, temp, cell, path or ReadPath(), window, **offsets)

    return make


@pytest.fixture
def read(place, solve, session):
    """Waveforms of one read cycle."""
    return lambda *args, **keys: solve(session, ROW.build(place(*args, **keys)))


def values(block, *metrics):
    """Numbers of a nominal cell; of an energy that with Q = 0."""
    return [METRICS[name].measure(block).values[0].ravel()[-1] for name in metrics]


def statuses(block):
    return {name: METRICS[name].measure(block).status[0].tolist() for name in EVERY}


def delayed(measure, solve, session, bench, farad, node="rbl_qb"):
    """By how much a second ``farad`` [F] on a node delays, or makes dearer, what is measured."""
    first, second = (measure(solve(session, loaded(bench, node, n * farad))).values[0] for n in (1, 2))
    return second - first


# what a read does


@pytest.mark.parametrize(("vdd", "window"), [(0.6, 9e-9), (1.0, 1e-9)])
def test_the_line_falls_and_the_output_rises_with_q_at_0_only(read, vdd, window):
    block = read(vdd, window)
    assert block["rbl_qb"].min() < 0.05 * vdd
    assert block["r_qb"].max() > 0.95 * vdd
    assert block["rbl_q"].min() > 0.95 * vdd
    assert block["r_q"].max() < 0.05 * vdd
    for state in ("q", "qb"):
        assert abs(block[f"r_{state}"][0, [0, -1]]).max() < 0.02 * vdd
        kept = block[f"q_{state}"] - block[f"qb_{state}"]
        assert np.ptp(kept) < 0.2 * vdd  # the storage nodes only notice by coupling


def test_times_are_those_of_the_waveforms(read):
    """Crossings of monotone cubics through a skewed cell's waveforms, and the power of all sources by trapezoids."""
    vdd = 0.9
    block = read(vdd, cell=Sram8T(shifts={"rd": 0.05, "ra": -0.03}))
    time, kept = np.unique(block["time"][0], return_index=True)

    def when(name, level, after=0.0):
        wave = PchipInterpolator(time, block[f"{name}_qb"][0][kept])
        return next(t for t in wave.solve(level, extrapolate=False) if t >= after)

    start, later = when("rwl", vdd / 2), block.values["precharge_on"]
    by_hand = (
        when("r", vdd / 2) - start,
        when("rbl", 0.9 * vdd, start) - start,
        when("rbl", RECOVERED * vdd, later) - when("pre_b", vdd / 2, later),
    )
    for found, expected, tolerance in zip(values(block, *TIMES), by_hand, (1e-3, 2e-3, 0.01), strict=True):
        assert found == pytest.approx(expected, rel=tolerance)
    for lobe, state in enumerate(("q", "qb")):
        sources = [name for name in block.vectors if name.startswith("vv") and name.endswith(f"_{state}#branch")]
        assert len(sources) == 5
        power = -vdd * sum(block[name][0] for name in sources)[kept]
        found = readport.e_read_port(block).values[0, lobe]
        assert found == pytest.approx(np.trapezoid(power - power[0], time), rel=1e-6)


def test_nothing_depends_on_the_window(read):
    short, long = values(read(0.8, 0.4e-9), *EVERY), values(read(0.8, 20e-9), *EVERY)
    np.testing.assert_allclose(long, short, rtol=0.015)
    np.testing.assert_allclose(long[:2], short[:2], rtol=5e-3)


def test_default_step_control_is_within_half_a_percent_of_reference(place, solve, session, reference):
    bench = ROW.build(place())
    fine = replace(bench, analysis=Transient(bench.analysis.stop, bench.analysis.stop / 2000))
    draws = np.random.default_rng(5).standard_normal((2, len(bench.knobs)))
    ours, exact = solve(session, bench, draws), solve(reference, fine, draws)
    for name in EVERY:
        np.testing.assert_allclose(METRICS[name].measure(ours).values, METRICS[name].measure(exact).values, rtol=5e-3)


# limits


def test_a_read_takes_for_ever_as_the_supply_falls(read):
    at = ((1.0, 1e-9), (0.8, 2e-9), (0.6, 9e-9), (0.4, 4e-7))
    found = np.log([values(read(*place), "t_read_port", "t_rbl") for place in at])
    assert (np.diff(found, axis=0) > 0).all()
    assert (np.diff(found, n=2, axis=0) > 0).all()  # by ever larger ratios


def test_a_wider_port_is_faster_and_more_rows_are_slower_and_dearer(read):
    narrow, wide = (
        values(read(cell=Sram8T(w_rd=w * 105e-9, w_ra=w * 72e-9), path=ReadPath(rows=1)), "t_read_port", "t_rbl")
        for w in (1, 2)
    )
    assert (np.array(wide) < 0.8 * np.array(narrow)).all()  # a line of one cell is mostly gate and precharge
    rows = np.array([values(read(window=4e-9, path=ReadPath(rows=rows)), *EVERY) for rows in (1, 16, 64)])
    assert (np.diff(rows, axis=0) > 0).all()


def test_energy_follows_the_square_of_the_supply_and_a_line_that_stays_costs_its_drivers_only(read):
    at = ((1.0, 1e-9), (0.8, 2e-9), (0.6, 9e-9))
    found = np.array([readport.e_read_port(read(*place)).values[0] / place[0] ** 2 for place in at])
    np.testing.assert_allclose(found, found[[0]].repeat(3, axis=0), rtol=0.1)
    assert (found[:, 0] < 0.25 * found[:, 1]).all()


# second routes


@pytest.mark.parametrize("sensed", [0.1, 0.05])
def test_the_line_falls_by_its_charge_over_the_read_current(place, solve, session, sensed):
    """By how much 100 fF more delay it: C dV over the current at DC, which falls by little."""
    at = place(window=40e-9, path=ReadPath(sensed=sensed))
    found = delayed(readport.t_rbl, solve, session, ROW.build(at), 100 * FEMTO)
    current = static.i_read(solve(session, TESTBENCHES["read_current"].build(at))).values[0, 1]
    assert found == pytest.approx(100 * FEMTO * sensed / current, rel=0.02)


def port_current(at):
    """The read port of a cell with Q = 0, read word line on, over RBL [A]."""
    circuit = at.circuit("current into a read bit line that falls")
    for node in ("on", "rbl"):
        circuit.V(node, node, "0", at.vdd)
    cell = at.cell.add_cell(circuit, at.technology, read_port=True)
    circuit.X("cell", cell, "on", "on", "0", "on", "0", "q", "qb", "rbl", "on")
    probes = ("rbl", "vrbl#branch")
    deck = deck_text(circuit, probes, first_guesses({"q": 0.0, "qb": at.vdd}))
    return Testbench("port", deck, Sweep("vrbl", at.vdd, 0.0, 201), probes, {}, {})


def inverter(at):
    """The output gate over its line [V]."""
    circuit = at.circuit("output gate")
    circuit.V("dd", "vdd", "0", at.vdd)
    circuit.V("rbl", "rbl", "0", at.vdd)
    circuit.X("gate", add_gate(circuit, at.technology, "inverter"), "rbl", "r", "vdd", "0")
    probes = ("rbl", "r")
    return Testbench("gate", deck_text(circuit, probes), Sweep("vrbl", at.vdd, 0.0, 401), probes, {}, {})


@pytest.mark.parametrize("vdd", [1.0, 0.7])
def test_the_output_rises_when_the_ports_current_has_brought_the_line_to_where_the_gate_trips(
    place, solve, session, vdd
):
    """By how much a second 3 pF delays it: the integral of C dV / I from VDD to there, port and gate each at DC."""
    at, farad = place(vdd, 1.2e-6), 3e-12
    gate, port = (solve(session, bench(at), np.zeros((1, 0))) for bench in (inverter, port_current))
    (trips,) = PchipInterpolator(gate["rbl"][0][::-1], gate["r"][0][::-1] - vdd / 2).roots(extrapolate=False)
    line, current = port["rbl"][0][::-1], -port["vrbl#branch"][0][::-1]
    expected = farad * PchipInterpolator(line, 1 / np.maximum(current, 1e-12)).integrate(trips, vdd)
    found = delayed(readport.t_read_port, solve, session, ROW.build(at), farad)
    assert found == pytest.approx(expected, rel=0.005)


def test_the_line_comes_back_in_the_integral_of_its_charge_over_the_precharge_current(place, solve, session):
    at = place(window=40e-9)
    circuit = at.circuit("precharge of a read bit line")
    circuit.V("bl", "vbl", "0", at.vdd)
    circuit.V("on", "pre_b", "0", 0.0)
    circuit.V("rbl", "rbl", "0", 0.0)
    add_transistors(circuit, at.technology, read_port_of(at.readpath).line_transistors(at.technology))
    probes, sweep = ("rbl", "vrbl#branch"), Sweep("vrbl", 0.0, RECOVERED * at.vdd, 191)
    slow = solve(session, Testbench("precharging", deck_text(circuit, probes), sweep, probes, {}, {}))
    expected = 100 * FEMTO * np.trapezoid(1 / slow["vrbl#branch"][0], slow["rbl"][0])
    found = delayed(readport.t_precharge_port, solve, session, ROW.build(at), 100 * FEMTO)
    assert found == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(("node", "lobe"), [("rbl_qb", 1), ("rwl_qb", 1), ("rwl_q", 0), ("rbl_q", 0)])
def test_five_femtofarad_more_cost_what_they_are_charged_with(place, solve, session, node, lobe):
    bench = ROW.build(place(0.8, 3e-9))
    found = delayed(readport.e_read_port, solve, session, bench, 5 * FEMTO, node)
    expected = 0.0 if node == "rbl_q" else 5 * FEMTO * 0.8**2
    assert found[lobe] == pytest.approx(expected, rel=0.02, abs=0.01 * 5 * FEMTO)
    assert abs(found[1 - lobe]) < 0.01 * 5 * FEMTO


# skewed cells, lines apart from VDD


def test_a_weak_port_is_slower_and_the_write_pass_gates_do_not_matter(read):
    plain = np.array(values(read(), "t_read_port", "t_rbl"))
    for name in ("rd", "ra"):
        weak, strong = (values(read(cell=Sram8T(shifts={name: s})), "t_read_port", "t_rbl") for s in (0.1, -0.1))
        assert (weak > 1.05 * plain).all()
        assert (strong < 0.97 * plain).all()
    for name in ("pg_l", "pg_r"):
        same = values(read(cell=Sram8T(shifts={name: 0.1})), "t_read_port", "t_rbl")
        np.testing.assert_allclose(same, plain, rtol=5e-3)


@pytest.mark.parametrize(
    ("knob", "metric"),
    [("precharge.pre", "t_precharge_port"), ("wl_driver.p", "t_rbl"), ("sense.p", "t_read_port")],
)
def test_a_weak_transistor_around_the_cell_delays_its_own_part(place, solve, session, knob, metric):
    """The driver's own edge counts from 50 % on, so that only its slope is felt."""
    bench = ROW.build(place())
    draws = np.zeros((2, len(bench.knobs)))
    draws[1, list(bench.knobs).index(knob)] = 0.15 / bench.knobs[knob].sigma
    plain, weak = METRICS[metric].measure(solve(session, bench, draws)).values
    assert weak > 1.02 * plain


def test_lines_apart_from_vdd(read):
    """Underdriven read word line: slower. Drooping cell: the driver's gate is lower, slower. Lower line: cheaper."""
    plain = dict(zip(EVERY, values(read(0.9), *EVERY), strict=True))
    for line in ("dv_wl", "dv_cell"):
        low = dict(zip(EVERY, values(read(0.9, **{line: -0.1}), *EVERY), strict=True))
        assert low["t_rbl"] > 1.05 * plain["t_rbl"]
        assert low["t_read_port"] > 1.05 * plain["t_read_port"]
    line = dict(zip(EVERY, values(read(0.9, dv_bl=-0.1), *EVERY), strict=True))
    assert line["t_read_port"] < plain["t_read_port"]  # less far to where the output trips
    assert line["e_read_port"] < 0.95 * plain["e_read_port"]


# what is not believed


@pytest.mark.parametrize("name", ["rd", "ra"])
def test_a_port_that_never_conducts_is_censored_at_the_window(read, name):
    block = read(cell=Sram8T(shifts={name: 2.0}))
    assert statuses(block) == {
        "t_read_port": Status.censored_high,
        "t_rbl": Status.censored_high,
        "t_precharge_port": Status.censored_high,
        "e_read_port": [Status.ok, Status.not_performed],
    }
    assert readport.t_read_port(block).bound[0] == pytest.approx(1e-9, rel=0.05)
    assert readport.t_precharge_port(block).bound[0] == 0.0  # a line that has not fallen says nothing


def test_a_port_that_conducts_in_both_states_reads_neither(read):
    found = statuses(read(cell=Sram8T(shifts={"rd": -1.0})))
    assert found == dict.fromkeys(TIMES, Status.not_performed) | {"e_read_port": [Status.not_performed, Status.ok]}


@pytest.mark.parametrize(("side", "lobe"), [("r", 0), ("l", 1)])
def test_a_cell_without_one_of_its_states_is_not_read(read, side, lobe):
    """A pull-down that is always off and a strong pull-up keep their node high: Q-bar in state q, Q in state qb."""
    cell = Sram8T(shifts={f"pd_{side}": 0.8, f"pu_{side}": -0.3, f"pg_{side}": -0.2})
    found = statuses(read(0.5, 2e-8, cell=cell))
    energies = found.pop("e_read_port")
    assert set(found.values()) == {Status.not_performed}
    assert energies[lobe] == Status.not_performed


def test_an_output_that_was_high_before_or_fires_twice_tells_nothing(read):
    block = read()
    assert not any(statuses(block)[name] for name in TIMES)
    high, twice = block["r_qb"].copy(), block["r_qb"].copy()
    high[:, 0] = 1.0
    fired = twice.argmax()
    twice[:, fired - 1] = 0.0
    twice[:, fired - 2] = 1.0
    for wave in (high, twice):
        found = statuses(Block({**block.vectors, "r_qb": wave}, block.values))
        assert found == dict.fromkeys(TIMES, Status.not_performed) | {"e_read_port": [Status.ok, Status.not_performed]}


def test_a_line_that_does_not_come_back_in_the_window_is_censored(read):
    found = statuses(read(window=0.15e-9, path=ReadPath(precharge=0.05)))
    assert found["t_precharge_port"] == Status.censored_high
    assert found["e_read_port"][1] == Status.not_performed
    short = readport.t_read_port(read(0.6, 0.1e-9))
    assert short.status[0] == Status.censored_high
    assert 0.05e-9 < short.bound[0] < 0.1e-9  # from the read word line on


# the other rows


@pytest.mark.parametrize("pattern", ["half", "zeros", "ones"])
def test_the_equivalent_rows_are_the_full_ones(read, pattern):
    """Delay within 1 %, energy within 2 %."""
    full, ours = (read(path=ReadPath(rows=16, pattern=pattern, representation=kind)) for kind in ("full", "equivalent"))
    np.testing.assert_allclose(values(ours, *TIMES), values(full, *TIMES), rtol=0.01)
    np.testing.assert_allclose(readport.e_read_port(ours).values, readport.e_read_port(full).values, rtol=0.02)


def test_rows_that_store_0_leak_most_and_pull_a_long_hot_line_down(read):
    """One transistor leaks more than two in series; with ``worst`` the line that must stay falls soonest."""

    def lowest(pattern, kind="equivalent"):
        path = ReadPath(rows=16, pattern=pattern, representation=kind)
        return read(window=3e-8, temp=398.15, path=path)["rbl_q"].min()

    zeros, half, ones = (lowest(pattern) for pattern in ("zeros", "half", "ones"))
    assert ones > half + 0.05
    assert half > zeros + 0.05
    assert lowest("worst") == pytest.approx(zeros, abs=1e-3)
    assert lowest("half", "full") == pytest.approx(half, abs=2e-3)


# cells of the user, runs


def test_a_netlist_of_our_own_cell_has_our_own_numbers(read):
    ours, theirs = (values(read(cell=cell), *EVERY) for cell in (Sram8T(), netlist()))
    np.testing.assert_allclose(theirs, ours, rtol=2e-3)
    slow = values(read(cell=netlist(shifts={"mrd": 0.1})), *EVERY)
    np.testing.assert_allclose(slow, values(read(cell=Sram8T(shifts={"rd": 0.1})), *EVERY), rtol=2e-3)
    behind = BODY.replace("Mra RBL", "Rr RBL far 10\nCr far VSS 0.01f\nMra far")
    assert ours[0] < values(read(cell=netlist(behind)), "t_read_port")[0] < 1.02 * ours[0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Mrd x QB", "Mrd x Q"),
        ("Mrd x QB VSS VSS nmos28 w=105n", "Mrx x y VSS VSS nmos28 w=50n l=30n\nMrd y QB VSS VSS nmos28 w=105n"),
        ("Mra RBL RWL x VSS nmos28", "Mra RBL RWL x VDD pmos28"),
        ("Mrd x QB", "Mrb RBL RWL QB VSS nmos28 w=72n l=30n\nMrd x QB"),
    ],
)
def test_a_port_that_is_made_otherwise_is_refused(old, new):
    assert old in BODY
    with pytest.raises(InvalidPlan, match="metric 't_rbl': it is read through RBL, an NMOS on RWL and one on Q-bar in"):
        characterize(cell=netlist(BODY.replace(old, new)), metrics=["t_rbl"])


def test_a_cell_without_a_port_is_refused():
    with pytest.raises(InvalidPlan, match="metric 't_read_port': it is read through RBL"):
        characterize(cell=Sram6T(), metrics=["t_read_port"])


def test_a_run_times_its_window_draws_mismatch_and_is_reproduced(tmp_path):
    at = Conditions(vdd=[1.0], rows=[8, 16])
    found = characterize(
        cell=Sram8T(), conditions=at, variation=Variation(samples=3), metrics=EVERY, out=tmp_path / "r", workers=1
    )
    for name in EVERY:
        assert (found[f"{name}_status"] == Status.ok).all()
        assert (np.diff(found[f"{name}_nominal"].squeeze()) > 0).all()
        assert np.ptp(found[name].values[..., 0, :]) > 0
    window, delay = found["read_port_window"].squeeze().values, found["t_read_port_nominal"].squeeze().values
    np.testing.assert_allclose(window, 20 * delay, rtol=0.06)
    assert reproduce(tmp_path / "r", "t_read_port", "tt", 1.0, 298.15, 2, rows=16).identical
