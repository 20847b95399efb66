"""Currents at DC."""

from dataclasses import replace

import numpy as np
import pytest

from charlib.metrics import static
from charlib.metrics.butterfly import snm
from charlib.status import Status
from charlib.variation import normals
from netlists import TESTBENCHES

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
    for gmin in ("1e-12", "1e-15", "1e-17"):
        deck = testbench.deck.replace("gmin=1e-15", f"gmin={gmin}")
        leak[gmin] = static.i_leak(solve(session, replace(testbench, deck=deck))).values.max()
    assert leak["1e-15"] == pytest.approx(leak["1e-17"], rel=0.01)
    assert leak["1e-12"] > 1.5 * leak["1e-15"]


def test_both_states_of_a_symmetric_cell_leak_alike(setting, solve, session):
    lobes = static.i_leak(solve(session, LEAK(setting()))).values[0]
    np.testing.assert_allclose(lobes[0], lobes[1], rtol=1e-6)


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
