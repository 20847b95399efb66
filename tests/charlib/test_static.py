"""Currents at DC."""

from dataclasses import replace

import numpy as np
import pytest

from charlib.metrics import static
from charlib.metrics.butterfly import snm
from charlib.status import Status
from charlib.variation import normals
from netlists import TESTBENCHES, Testbench
from netlists.analyses import OperatingPoint
from netlists.circuit import GMIN, add_transistors, deck_text, transistor_knobs

pytestmark = pytest.mark.ngspice

READ, LEAK = TESTBENCHES["read_current"].build, TESTBENCHES["leakage"].build


def test_read_current_flows_through_the_side_of_the_low_node(setting, solve, session):
    weak_left = static.i_read(solve(session, READ(setting(shifts={"pg_l": 0.15})))).values[0]
    symmetric = static.i_read(solve(session, READ(setting()))).values[0]
    assert symmetric[0] == pytest.approx(symmetric[1], rel=1e-6)
    assert weak_left[1] < 0.8 * symmetric[1]  # state qb: Q is low and is read through the left pass gate
    assert weak_left[0] == pytest.approx(symmetric[0], rel=1e-3)


def test_a_cell_that_loses_the_state_gives_no_read_current(setting, solve, session):
    result = static.i_read(solve(session, READ(setting(vdd=0.7, shifts={"pd_l": 0.6, "pg_l": -0.2}))))
    assert result.status[0].tolist() == [Status.ok, Status.not_performed]


def test_corners_order(setting, solve, session):
    current = {p: static.i_read(solve(session, READ(setting(process=p)))).values.min() for p in ("ss", "tt", "ff")}
    leakage = {p: static.i_leak(solve(session, LEAK(setting(process=p)))).values.max() for p in ("ss", "tt", "ff")}
    assert current["ss"] < current["tt"] < current["ff"]
    assert leakage["ss"] < leakage["tt"] < leakage["ff"]


def test_leakage_is_three_off_transistors_and_grows_with_temperature(setting, solve, session):
    """In hold one NMOS, one PMOS and, with both lines high, one pass gate leak; each about width times Ioff."""
    at = setting(temp=300.15)
    cell, ioff = at.cell, 1e-9 / 1e-6  # A per m of width, the card's target at 1 V
    expected = (cell.w_pd + cell.w_pu + cell.w_pg) * ioff
    cold, hot = (static.i_leak(solve(session, LEAK(setting(temp=t)))).values.mean() for t in (300.15, 398.15))
    assert cold == pytest.approx(expected, rel=0.3)
    assert hot > 20 * cold


def test_leakage_is_the_transistors_and_not_the_solver_s(setting, solve, session):
    """At 0.3 V and -40 degC ngspice's default gmin of 1e-12 S would be a large part; ours is none of it."""
    testbench = LEAK(setting(vdd=0.3, temp=233.15))
    leak = {}
    for gmin in (1e-12, GMIN, 0.1 * GMIN):
        deck = testbench.deck.replace(f"gmin={GMIN!r}", f"gmin={gmin!r}")
        leak[gmin] = static.i_leak(solve(session, replace(testbench, deck=deck))).values.max()
    assert leak[GMIN] == pytest.approx(leak[0.1 * GMIN], rel=1e-6)
    assert leak[1e-12] > 1.5 * leak[GMIN]


def test_both_states_of_a_symmetric_cell_leak_alike(setting, solve, session):
    lobes = static.i_leak(solve(session, LEAK(setting()))).values[0]
    np.testing.assert_allclose(lobes[0], lobes[1], rtol=1e-6)


PARTS = {"vdd": static.i_leak_vdd, "bl": static.i_leak_bl, "blb": static.i_leak_blb}


def test_the_parts_of_the_leakage_add_up(setting, solve, session):
    block = solve(session, LEAK(setting()), np.random.default_rng(3).standard_normal((5, 6)))
    parts = sum(measure(block).values for measure in PARTS.values())
    np.testing.assert_allclose(parts, static.i_leak(block).values, rtol=1e-12)


def off_transistor(setting, name):
    """Drain current of one transistor of the left half alone, off, VDD from drain to source."""
    circuit = setting.circuit("one transistor")
    (transistor,) = (t for t in setting.cell.half_transistors("l") if t.name == name)
    circuit.V("dd", "vdd", "0", setting.vdd)
    circuit.V("drain", "drain", "0", 0.0 if name == "pu_l" else setting.vdd)
    rail = "vdd" if name == "pu_l" else "0"
    add_transistors(circuit, setting.technology, [replace(transistor, nodes=("drain", rail, rail, rail))])
    knobs = transistor_knobs(setting.technology, [transistor], "cell", (), dict(setting.cell.shifts))
    probes = ("vdrain#branch",)
    return Testbench("off", deck_text(circuit, probes), OperatingPoint(), probes, knobs, {})


@pytest.mark.parametrize("vdd", [0.5, 1.0])
def test_each_part_is_the_transistors_that_are_off_in_that_state(setting, solve, session, vdd):
    """Each of them solved on its own: pass gate of the low node; pull-up of the low, pull-down of the high node."""
    at = setting(vdd=vdd)
    off = {n: abs(solve(session, off_transistor(at, n))["vdrain#branch"][0, 0]) for n in ("pd_l", "pu_l", "pg_l")}
    found = {part: measure(solve(session, LEAK(at))).values[0] for part, measure in PARTS.items()}
    assert found["blb"][0] == pytest.approx(off["pg_l"], rel=0.01)  # state q: Q-bar is low, beside BLB
    assert found["bl"][1] == pytest.approx(off["pg_l"], rel=0.01)
    np.testing.assert_allclose(found["vdd"], off["pd_l"] + off["pu_l"], rtol=0.01)
    assert abs(found["bl"][0]) < 1e-3 * found["blb"][0]


def test_a_leaky_left_pass_gate_shows_in_bl_with_q_low(setting, solve, session):
    leaky, symmetric = (solve(session, LEAK(setting(shifts=s))) for s in ({"pg_l": -0.1}, {}))
    grown = {part: measure(leaky).values[0] / measure(symmetric).values[0] for part, measure in PARTS.items()}
    assert grown["bl"][1] > 5
    np.testing.assert_allclose([grown["blb"][0], *grown["vdd"]], 1.0, rtol=0.01)


def test_a_cell_that_cannot_hold_has_no_leakage_of_that_state(setting, solve, session):
    block = solve(session, LEAK(setting(vdd=0.3, shifts={"pd_l": 0.5, "pu_l": -0.3})))
    for measure in (static.i_leak, *PARTS.values()):
        assert measure(block).status[0].tolist() == [Status.ok, Status.not_performed]


def test_the_read_bump_grows_with_a_weak_pull_down_and_is_the_divider(setting, solve, session):
    """Two equal square-law transistors in series leave (1 - 1/sqrt 2) (VDD - Vth); a stronger pull-down leaves less."""
    bump = {s: static.v_bump(solve(session, READ(setting(shifts=dict(s))))).values[0] for s in ((), (("pd_l", 0.1),))}
    symmetric, weak = bump.values()
    assert symmetric[0] == pytest.approx(symmetric[1], abs=1e-6)
    assert weak[1] > symmetric[1] + 0.01  # lobe qb: Q is low and held by pd_l
    assert weak[0] == pytest.approx(symmetric[0], abs=2e-3)
    assert 0.05 < symmetric[0] < 0.29


def test_the_read_bump_vanishes_with_the_supply_and_the_pass_gate(setting, solve, session):
    bumps = [static.v_bump(solve(session, READ(setting(vdd=v)))).values[0, 0] for v in (1.0, 0.7, 0.4, 0.2)]
    assert np.all(np.diff(bumps) < 0)
    closed = static.v_bump(solve(session, READ(setting(shifts={"pg_l": 1.5, "pg_r": 1.5})))).values[0]
    np.testing.assert_allclose(closed, 0.0, atol=1e-4)


def test_a_cell_that_loses_the_state_has_no_read_bump(setting, solve, session):
    result = static.v_bump(solve(session, READ(setting(vdd=0.7, shifts={"pd_l": 0.6, "pg_l": -0.2}))))
    assert result.status[0].tolist() == [Status.ok, Status.not_performed]


def test_a_cell_with_a_read_margin_keeps_its_state_at_dc(setting, solve, session):
    """Near threshold an operating point asked for at once falls into the other state of some cells that hold both."""
    read, butterfly = READ(setting(vdd=0.25)), TESTBENCHES["butterfly_read"].build(setting(vdd=0.25))
    draws = normals(list(butterfly.knobs), 1, 0, 40)
    columns = [list(butterfly.knobs).index(path) for path in read.knobs]
    margins = snm(solve(session, butterfly, draws)).values
    status = static.i_read(solve(session, read, draws[:, columns])).status
    holds = margins > 1e-3
    assert holds.any()
    assert (status[holds] == Status.ok).all()
