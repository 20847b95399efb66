"""Currents at DC."""

from dataclasses import replace

import numpy as np
import pytest
from alone import add_alone
from scipy.interpolate import CubicSpline

from charlib.metrics import static
from charlib.metrics.butterfly import snm
from charlib.status import Status
from charlib.variation import normals
from netlists import TESTBENCHES, Testbench
from netlists.analyses import OperatingPoint, Sweep
from netlists.circuit import GMIN, deck_text

pytestmark = pytest.mark.ngspice

READ, LEAK = TESTBENCHES["read_current"].build, TESTBENCHES["leakage"].build


def test_read_current_flows_through_the_side_of_the_low_node(setting, solve, session):
    weak_left = static.i_read(solve(session, READ(setting(shifts={"pg_l": 0.15})))).values[0]
    symmetric = static.i_read(solve(session, READ(setting()))).values[0]
    assert symmetric[0] == pytest.approx(symmetric[1], rel=1e-6)
    assert weak_left[1] < 0.8 * symmetric[1]  # state qb: Q is low and is read through the left pass gate
    assert weak_left[0] == pytest.approx(symmetric[0], rel=1e-3)


def divider(setting):
    """Pass gate and pull-down of the left half each by itself, both gates at VDD, over the node between them."""
    circuit = setting.circuit("read stack, cut at the low node")
    circuit.V("dd", "vdd", "0", setting.vdd)
    circuit.V("low", "low", "0", 0.0)
    circuit.V("bl", "bl", "0", setting.vdd)
    circuit.V("drain", "low", "drain", 0.0)
    knobs = add_alone(circuit, setting, "pd_l", ("drain", "vdd", "0", "0"))
    knobs |= add_alone(circuit, setting, "pg_l", ("bl", "vdd", "low", "0"))
    probes, sweep = ("low", "vbl#branch", "vdrain#branch"), Sweep("vlow", 0.0, 0.5 * setting.vdd, 201)
    return Testbench("divider", deck_text(circuit, probes), sweep, probes, knobs, {})


@pytest.mark.parametrize("vdd", [0.5, 1.0])
def test_read_current_and_bump_are_where_pass_gate_and_pull_down_carry_the_same(setting, solve, session, vdd):
    """Load line of the two, each solved on its own; the pass gate alone, its source at 0, is the bound."""
    at = setting(vdd=vdd)
    read, draws = READ(at), np.random.default_rng(5).standard_normal((6, 6))
    of_left = [list(read.knobs).index(f"cell.{name}") for name in ("pd_l", "pg_l")]
    block, stack = solve(session, read, draws), solve(session, divider(at), draws[:, of_left])
    current, bump = static.i_read(block).values[:, 1], static.v_bump(block).values[:, 1]  # Q is low in state qb
    for i in range(len(draws)):
        node, through, into = stack["low"][i], -stack["vbl#branch"][i], stack["vdrain#branch"][i]
        (low,) = CubicSpline(node, through - into).roots(extrapolate=False)
        assert bump[i] == pytest.approx(low, abs=0.1e-3)
        assert current[i] == pytest.approx(CubicSpline(node, through)(low), rel=1e-3)
        assert current[i] < through[0]


def test_read_current_vanishes_with_the_supply_and_the_pass_gate(setting, solve, session):
    falling = [static.i_read(solve(session, READ(setting(vdd=v)))).values[0, 0] for v in (1.0, 0.7, 0.4, 0.2, 0.1)]
    assert np.all(np.diff(falling) < 0)
    assert falling[-1] < 1e-6 * falling[0]
    closing = [static.i_read(solve(session, READ(setting(shifts={"pg_l": s})))).values[0] for s in (0.0, 0.5, 1.5)]
    assert closing[0][1] > 10 * closing[1][1] > 1e9 * closing[2][1] > 0
    np.testing.assert_allclose([lobes[0] for lobes in closing], closing[0][0], rtol=1e-3)  # the right one is open


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
    circuit.V("dd", "vdd", "0", setting.vdd)
    circuit.V("drain", "drain", "0", 0.0 if name == "pu_l" else setting.vdd)
    rail = "vdd" if name == "pu_l" else "0"
    knobs, probes = add_alone(circuit, setting, name, ("drain", rail, rail, rail)), ("vdrain#branch",)
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


@pytest.mark.parametrize(
    ("leaky", "part", "lobe"),
    [("pg_l", "bl", 1), ("pg_r", "blb", 0), ("pd_l", "vdd", 0), ("pd_r", "vdd", 1), ("pu_l", "vdd", 1),
     ("pu_r", "vdd", 0)],
)  # fmt: skip
def test_a_leaky_transistor_shows_where_it_is_off_and_nowhere_else(setting, solve, session, leaky, part, lobe):
    """Pass gate beside the low node, in bl with Q low (lobe 1); pull-down of the high node and pull-up of the low."""
    blocks = [solve(session, LEAK(setting(shifts=s))) for s in ({}, {leaky: -0.1})]
    tight, found = ({name: measure(block).values[0] for name, measure in PARTS.items()} for block in blocks)
    assert found[part][lobe] > 4 * tight[part][lobe]
    for name, at in (("bl", 1), ("blb", 0), ("vdd", 0), ("vdd", 1)):
        assert (name, at) == (part, lobe) or found[name][at] == pytest.approx(tight[name][at], rel=0.01)


@pytest.mark.parametrize(
    ("closed", "part", "lobe"), [(("pg_l",), "bl", 1), (("pg_r",), "blb", 0), (("pd_l", "pu_r"), "vdd", 0)]
)
def test_each_part_vanishes_with_its_transistors_and_falls_with_the_supply(setting, solve, session, closed, part, lobe):
    def leak(**arguments):
        return PARTS[part](solve(session, LEAK(setting(**arguments)))).values[0, lobe]

    falling = [leak(vdd=vdd) for vdd in (1.0, 0.7, 0.4, 0.2)]
    assert np.all(np.diff(falling) < 0)
    assert 0 < leak(shifts=dict.fromkeys(closed, 0.5)) < 1e-4 * falling[0]


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
