"""N-curve and write butterfly: an ordinary sweep and ordinary transfer curves beside them, skewed and failing cells."""

from dataclasses import replace

import numpy as np
import pytest
from alone import add_alone
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq

from charlib.metrics import ncurve, static
from charlib.metrics.butterfly import snm_write
from charlib.metrics.followed import wm_bl
from charlib.status import Status
from netlists import TESTBENCHES, Setting, Sram6T, margins
from netlists.analyses import Sweep
from netlists.circuit import deck_text
from netlists.technology import load
from netlists.testbench import Testbench

pytestmark = pytest.mark.ngspice

N_CURVE, WRITE = (TESTBENCHES[name].build for name in ("n_curve", "write_butterfly"))
METRICS = {"svnm": ncurve.svnm, "sinm": ncurve.sinm, "wtv": ncurve.wtv, "wti": ncurve.wti}
TECHNOLOGIES = [("predictive28", 0.6), ("predictive28", 1.0), ("freepdk45/vtg", 1.0)]


def condition_of(tech, vdd):
    technology = load(tech)
    return Setting(technology, "tt", vdd, 298.15, Sram6T().sized(technology))


def dense_butterfly(setting):
    """The read butterfly on thirty times as many points."""
    testbench = TESTBENCHES["butterfly_read"].build(setting)
    places = testbench.analysis.points - 1
    return replace(testbench, analysis=Sweep("vsweep", 0.0, places, 30 * places + 1))


def ordinary_n_curve(setting, driven):
    """Q or Q-bar itself driven from 0 to VDD in 1,001 steps: the N-curve as it is published."""
    circuit = setting.circuit(f"N-curve of {driven}")
    circuit.V("dd", "vdd", "0", setting.vdd)
    circuit.V("sweep", driven, "0", 0.0)
    circuit.X("cell", setting.cell.add_cell(circuit, setting.technology), *["vdd"] * 4, "0", "q", "qb")
    sweep, probes = Sweep("vsweep", 0.0, 1.02 * setting.vdd, 1021), (driven, "vsweep#branch")
    knobs = setting.cell.cell_knobs(setting.technology, ("xcell",))
    return Testbench("ordinary", deck_text(circuit, probes), sweep, probes, knobs, {"vdd": setting.vdd})


@pytest.mark.parametrize(("tech", "vdd"), TECHNOLOGIES)
def test_an_ordinary_sweep_gives_the_same(installed, solve, session, reference, tech, vdd):
    condition = condition_of(tech, vdd)
    draws = np.random.default_rng(7).standard_normal((6, 6))
    ours = solve(session, N_CURVE(condition), draws)
    for lobe, driven in enumerate(("qb", "q")):  # lobe qb from the sweep of Q
        swept = solve(reference, ordinary_n_curve(condition, driven), draws)
        for i in range(len(draws)):
            curve = CubicSpline(swept[driven][i], -swept["vsweep#branch"][i])
            a, b, c = curve.roots(extrapolate=False)
            extrema = curve(curve.derivative().roots(extrapolate=False))
            expected = {"svnm": b - a, "sinm": extrema.max(), "wtv": c - b, "wti": -extrema.min()}
            for name, value in expected.items():
                found = METRICS[name](ours).values[i, lobe]
                assert found == pytest.approx(value, **({"rel": 2e-3} if name in ("sinm", "wti") else {"abs": 0.2e-3}))


@pytest.mark.parametrize(("tech", "vdd"), TECHNOLOGIES)
def test_zero_crossings_are_those_of_the_butterfly(installed, solve, session, reference, tech, vdd):
    condition = condition_of(tech, vdd)
    draws = np.random.default_rng(11).standard_normal((6, 6))
    block, butterfly = solve(session, N_CURVE(condition), draws), solve(reference, dense_butterfly(condition), draws)
    by_q, by_qb = (
        ncurve.n_curves(margins.diagonal(vdd), block[f"driven_{state}"], -block[f"e{state}#branch"])
        for state in ("qb", "q")  # the node that is driven is that of the lost state
    )
    for i in range(len(draws)):
        s = butterfly["s"][i]  # Q less Q-bar
        apart = CubicSpline(s, (butterfly["q_r"] - butterfly["q_l"])[i]).roots(extrapolate=False)
        q = CubicSpline(s, butterfly["q_r"][i])(apart)
        for curves, crossings in ((by_q, q), (by_qb, (q - apart)[::-1])):
            found = [curves.low[i], curves.trip[i], curves.high[i]]
            np.testing.assert_allclose(found, crossings, rtol=0, atol=0.5e-3)


@pytest.mark.parametrize("vdd", [0.4, 1.0])
def test_the_read_bump_is_the_first_crossing(setting, solve, session, vdd):
    condition = setting(vdd=vdd)
    draws = np.random.default_rng(5).standard_normal((5, 6))
    bump = static.v_bump(solve(session, TESTBENCHES["read_current"].build(condition), draws)).values
    block = solve(session, N_CURVE(condition), draws)
    for lobe, state in enumerate(("q", "qb")):
        curves = ncurve.n_curves(margins.diagonal(vdd), block[f"driven_{state}"], -block[f"e{state}#branch"])
        np.testing.assert_allclose(bump[:, lobe], curves.low, atol=0.1e-3)


def test_few_points_agree_with_many_at_tight_tolerances(setting, solve, session, reference, monkeypatch):
    draws = 1.5 * np.random.default_rng(3).standard_normal((10, 6))
    few = [solve(session, build(setting(vdd=0.7)), draws) for build in (N_CURVE, WRITE)]
    found = {name: measure(few[0]).values for name, measure in METRICS.items()} | {
        "snm_write": snm_write(few[1]).values
    }
    monkeypatch.setattr(margins, "DIAGONAL_POINTS", 401)
    many = [solve(reference, build(setting(vdd=0.7)), draws) for build in (N_CURVE, WRITE)]
    exact = {name: measure(many[0]).values for name, measure in METRICS.items()}
    exact["snm_write"] = snm_write(many[1]).values
    for name in ("svnm", "wtv", "snm_write"):
        np.testing.assert_allclose(found[name], exact[name], atol=0.2e-3)
    for name in ("sinm", "wti"):
        np.testing.assert_allclose(found[name], exact[name], rtol=2e-3)


@pytest.mark.parametrize("name", [*METRICS, "snm_write"])
def test_a_symmetric_cell_has_equal_lobes(setting, solve, session, name):
    measure, build = (snm_write, WRITE) if name == "snm_write" else (METRICS[name], N_CURVE)
    for vdd in (0.4, 1.0):
        lobes = measure(solve(session, build(setting(vdd=vdd)))).values[0]
        assert lobes[0] == pytest.approx(lobes[1], rel=2e-4, abs=20e-6 if build is WRITE else 0.0)


def test_skewed_cells_pin_the_lobes(setting, solve, session):
    symmetric, weak, strong = (
        solve(session, N_CURVE(setting(shifts=shifts))) for shifts in ({}, {"pd_l": 0.1}, {"pu_l": -0.1})
    )
    for name in ("svnm", "sinm"):  # Q low, held down by pd_l: lobe qb
        same, skewed = (METRICS[name](block).values[0] for block in (symmetric, weak))
        assert skewed[1] < 0.95 * same[1]
        assert skewed[0] > 0.999 * same[0]
    for name in ("wtv", "wti"):  # Q high, held up by pu_l, which the write of qb has to overcome
        same, skewed = (METRICS[name](block).values[0] for block in (symmetric, strong))
        assert skewed[1] > 1.01 * same[1]
        assert skewed[0] < 1.001 * same[0]


def test_a_cell_that_loses_a_state_at_read(setting, solve, session):
    block = solve(session, N_CURVE(setting(vdd=0.7, shifts={"pd_l": 0.35, "pg_r": 0.1})))  # no state with Q low
    svnm, sinm, wtv, wti = (measure(block) for measure in METRICS.values())
    assert svnm.status[0].tolist() == [Status.censored_high, Status.censored_low]
    assert svnm.bound[0, 1] == 0.0 < svnm.bound[0, 0]
    assert sinm.values[0, 1] < 0 < sinm.values[0, 0]
    assert wtv.status[0].tolist() == [Status.censored_low, Status.censored_high]
    assert wti.values[0, 0] < 0 < wti.values[0, 1]


def drive(setting):
    """The left pass gate by itself, open, from Q to a bit line at 0."""
    circuit = setting.circuit("pass gate of a write")
    circuit.V("dd", "vdd", "0", setting.vdd)
    circuit.V("q", "q", "0", 0.0)
    knobs = add_alone(circuit, setting, "pg_l", ("q", "vdd", "0", "0"))
    sweep, probes = Sweep("vq", 0.0, 1.02 * setting.vdd, 205), ("q", "vq#branch")
    return Testbench("drive", deck_text(circuit, probes), sweep, probes, knobs, {})


def cannot_be_written(solve, session, at):
    """Whether Q withstands its pass gate at a line at 0: that carries less than the N-curve takes somewhere."""
    block, given = solve(session, N_CURVE(at)), solve(session, drive(at))
    node, taken = block["driven_qb"][0], block["eqb#branch"][0]
    curve = ncurve.n_curves(margins.diagonal(at.vdd), node[None], -taken[None])
    between = (node > curve.trip) & (node < curve.high)
    return np.min((CubicSpline(given["q"][0], -given["vq#branch"][0])(node) - taken)[between]) < 0


@pytest.mark.parametrize(
    ("name", "shifts"), [("pg_l", (0.0, 0.1, 0.17, 0.2, 0.4)), ("pu_l", (0.0, -0.2, -0.3, -0.38, -0.45))]
)
def test_a_write_fails_where_the_n_curve_takes_more_than_the_pass_gate_gives(setting, solve, session, name, shifts):
    """Strong pull-up or weak pass gate of Q, through the point where 0 V no longer writes: `wm_bl` turns negative."""
    cells = [setting(vdd=0.7, shifts={name: shift}) for shift in shifts]
    margin = [wm_bl(solve(session, TESTBENCHES["write_bl"].build(at))).values[0, 1] for at in cells]
    assert np.all(np.diff(margin) < 0)
    assert margin[0] > 0 > margin[-1]
    assert [cannot_be_written(solve, session, at) for at in cells] == [m < 0 for m in margin]


def test_a_write_that_fails_for_its_pull_up_has_high_trip_levels(setting, solve, session):
    """A weak pass gate makes it fail too, which does not show in its own lobe: at the trough it is closed."""
    plain, strong, weak = (
        solve(session, N_CURVE(setting(vdd=0.7, shifts=s))) for s in ({}, {"pu_l": -0.45}, {"pg_l": 0.4})
    )
    for name, share in (("wtv", 1.05), ("wti", 5.0)):
        same, taken, closed = (METRICS[name](block).values[0, 1] for block in (plain, strong, weak))
        assert taken > share * same
        assert closed == pytest.approx(same, rel=5e-3)


def test_current_margins_run_smoothly_through_zero(setting, solve, session):
    shifts = np.arange(0.16, 0.34, 0.02)
    found = np.array([
        ncurve.sinm(solve(session, N_CURVE(setting(vdd=0.7, shifts={"pd_l": s, "pg_r": 0.1})))).values[0, 1]
        for s in shifts
    ])  # fmt: skip
    steps = np.diff(found)
    assert found[0] > 0 > found[-1]
    assert np.all(steps < 0)
    # The current falls off as pd_l's does: each step is the same share of the one before, or nearly.
    assert np.all(np.abs(np.diff(steps[1:] / steps[:-1])) < 0.1)


def test_everything_vanishes_with_the_supply(setting, solve, session):
    blocks = [solve(session, N_CURVE(setting(vdd=vdd))) for vdd in (1.0, 0.6, 0.3, 0.2)]
    for name, measure in METRICS.items():
        found = [measure(block).values[0, 0] for block in blocks]
        assert np.all(np.diff(found) < 0), name
    assert ncurve.sinm(blocks[-1]).values[0, 0] < 1e-3 * ncurve.sinm(blocks[0]).values[0, 0]
    assert ncurve.svnm(blocks[-1]).values[0, 0] < 0.1


def transfer(setting, side, line):
    """Output of one half over its input, beyond both rails, its bit line at VDD or 0."""
    circuit = setting.circuit("transfer")
    vdd = setting.vdd
    circuit.V("dd", "vdd", "0", vdd)
    circuit.V("sweep", "inp", "0", 0.0)
    circuit.X("half", setting.cell.add_half(circuit, setting.technology, side), "inp", "out", line, "vdd", "vdd", "0")
    sweep, probes = Sweep("vsweep", -0.6 * vdd, 1.5 * vdd, 2101), ("inp", "out")
    knobs = setting.cell.half_knobs(setting.technology, {side: ("xhalf",)})
    return Testbench("transfer", deck_text(circuit, probes), sweep, probes, knobs, {"vdd": vdd})


@pytest.mark.parametrize(("tech", "vdd"), TECHNOLOGIES)
def test_the_write_margin_is_the_smallest_square_between_ordinary_curves(
    installed, solve, session, reference, tech, vdd
):
    condition = condition_of(tech, vdd)
    draws = np.random.default_rng(7).standard_normal((4, 6))
    found = snm_write(solve(session, WRITE(condition), draws)).values
    blocks = {
        (side, line): solve(reference, transfer(condition, side, line), draws[:, columns])
        for side, columns in (("l", slice(0, 3)), ("r", slice(3, 6)))
        for line in ("vdd", "0")
    }
    for i in range(len(draws)):
        for lobe, (written, other) in ((1, "lr"), (0, "rl")):  # lobe qb: Q, driven by the left half, is pulled down
            write, read = (
                CubicSpline(blocks[key]["inp"][i], blocks[key]["out"][i]) for key in ((written, "0"), (other, "vdd"))
            )

            def side(y, write=write, read=read):
                # Square with one corner on the write curve at (write(y), y), the opposite one on the read curve.
                return brentq(lambda a: read(write(y) + a) - y - a, -0.3 * vdd, vdd)

            # From the trip point of the written half down to an input below 0: the eye that has to close.
            sides = np.array([side(y) for y in np.linspace(-0.55, 0.5, 1501) * vdd])
            inner = np.flatnonzero((sides[1:-1] <= sides[:-2]) & (sides[1:-1] < sides[2:])) + 1
            assert inner.size > 0
            assert found[i, lobe] == pytest.approx(sides[inner].min(), abs=0.1e-3)


def test_a_write_that_fails_has_a_negative_margin(setting, solve, session):
    result = snm_write(solve(session, WRITE(setting(vdd=0.6, shifts={"pg_l": 0.25, "pu_l": -0.15}))))
    symmetric = snm_write(solve(session, WRITE(setting(vdd=0.6)))).values[0]
    assert result.status[0, 1] == Status.ok
    assert result.values[0, 1] < -0.01  # lobe qb: Q is pulled down by pg_l against pu_l
    assert result.values[0, 0] > 0.05
    assert symmetric[0] > 0.1


def test_the_write_margin_falls_with_the_supply_and_without_pull_ups_it_has_no_limit(setting, solve, session):
    found = [snm_write(solve(session, WRITE(setting(vdd=vdd)))).values[0, 0] for vdd in (1.0, 0.8, 0.6, 0.4)]
    assert np.all(np.diff(found) < 0)
    assert found[-1] < 0.1
    without = snm_write(solve(session, WRITE(setting(shifts={"pu_l": 1.5}))))
    assert without.status[0, 1] == Status.censored_high
