"""Noise margins against physics, a second method and a skewed cell."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq

from charlib.metrics.butterfly import noise_margins, snm
from charlib.status import Status
from charlib.waveforms import stack
from netlists import TESTBENCHES, Setting, Sram6T
from netlists.analyses import Sweep
from netlists.bitcells import SIDES
from netlists.circuit import deck_text
from netlists.technology import load
from netlists.testbench import Testbench
from netlists.testbenches import BUTTERFLY_POINTS

HOLD, READ = TESTBENCHES["butterfly_hold"].build, TESTBENCHES["butterfly_read"].build


def transfer_curves(setting, wordline):
    """The ordinary butterfly: inputs swept, outputs probed; independent of the turned sweep under test."""
    circuit = setting.circuit("transfer curves")
    circuit.V("dd", "vdd", "0", setting.vdd)
    circuit.V("wl", "wl", "0", wordline * setting.vdd)
    circuit.V("sweep", "inp", "0", 0.0)
    for side, (_, output, _) in SIDES.items():
        name = setting.cell.add_half(circuit, setting.technology, side)
        circuit.X(side, name, "inp", output, "vdd", "wl", "vdd", "0")
    knobs = setting.cell.half_knobs(setting.technology, {side: (f"x{side}",) for side in SIDES})
    sweep, probes = Sweep("vsweep", 0.0, setting.vdd, 1001), ("inp", "q", "qb")
    return Testbench("transfer", deck_text(circuit, probes), sweep, probes, knobs, {"vdd": setting.vdd})


def largest_square(rising_side, other, vdd):
    """Side of the largest square between ``y = rising_side(x)`` (right) and ``x = other(y)`` (left), by search.

    A square of side a fits if, from some point (other(y), y) of the left curve as its lower left corner, the upper
    right one is still below the right curve.
    """
    middle = brentq(lambda y: rising_side(other(y)) - y, 0.3 * vdd, 0.7 * vdd)
    y = np.linspace(middle, vdd, 20001)

    def room(a):
        x = np.minimum(other(y) + a, vdd)
        return np.max(rising_side(x) - a - y)

    return brentq(room, 0.0, vdd, xtol=1e-7)


@pytest.mark.ngspice
@pytest.mark.parametrize("vdd", [0.6, 1.0])
@pytest.mark.parametrize(("build", "wordline"), [(HOLD, 0.0), (READ, 1.0)])
@pytest.mark.parametrize("tech", ["predictive28", "freepdk45/vtg"])
def test_margin_is_the_largest_square_of_ordinary_transfer_curves(
    installed, solve, session, reference, tech, build, wordline, vdd
):
    draws = np.random.default_rng(7).standard_normal((8, 6))
    technology = load(tech)
    condition = Setting(technology, "tt", vdd, 298.15, Sram6T().sized(technology))
    curves = solve(reference, transfer_curves(condition, wordline), draws)
    ours = snm(solve(session, build(condition), draws))
    for i in range(len(draws)):
        left, right = (PchipInterpolator(curves["inp"][i], curves[node][i]) for node in ("q", "qb"))
        squares = [largest_square(left, right, vdd), largest_square(right, left, vdd)]
        np.testing.assert_allclose(ours.values[i], squares, rtol=0, atol=0.05e-3)


@pytest.mark.ngspice
@pytest.mark.parametrize("vdd", [0.6, 1.0])
@pytest.mark.parametrize("build", [HOLD, READ])
def test_few_points_agree_with_many_at_tight_tolerances(setting, solve, session, reference, build, vdd):
    draws = 1.5 * np.random.default_rng(3).standard_normal((20, 6))
    testbench = build(setting(vdd=vdd))
    places = BUTTERFLY_POINTS - 1
    dense = replace(testbench, analysis=Sweep("vsweep", 0.0, places, 30 * places + 1))
    exact = solve(reference, dense, draws)
    margins = noise_margins(exact["s"][0], exact["q_l"], exact["q_r"]).values
    error = snm(solve(session, testbench, draws)).values - margins
    assert np.max(np.abs(error)) < 0.05e-3


@pytest.mark.ngspice
@pytest.mark.parametrize("vdd", [0.3, 0.6, 1.0])
@pytest.mark.parametrize("build", [HOLD, READ])
def test_a_symmetric_cell_has_equal_lobes(setting, solve, session, build, vdd):
    lobes = snm(solve(session, build(setting(vdd=vdd)))).values[0]
    assert abs(lobes[0] - lobes[1]) < 10e-6


@pytest.mark.ngspice
def test_a_weak_left_pull_down_threatens_the_state_with_q_low(setting, solve, session):
    lobes = snm(solve(session, READ(setting(shifts={"pd_l": 0.1})))).values[0]
    symmetric = snm(solve(session, READ(setting()))).values[0]
    assert lobes[1] < symmetric[1] - 0.02  # lobe qb: Q low, held down by pd_l against the bit line
    assert lobes[0] > symmetric[0] + 0.02


@pytest.mark.ngspice
@pytest.mark.parametrize(("weak", "lobe"), [("pu_l", 0), ("pd_l", 1), ("pu_r", 1), ("pd_r", 0)])
def test_a_weak_transistor_costs_hold_margin_in_the_state_that_it_keeps(setting, solve, session, weak, lobe):
    """Q is held up by pu_l in state q (lobe 0) and down by pd_l in state qb (lobe 1)."""
    skewed, symmetric = (snm(solve(session, HOLD(setting(shifts=s)))).values[0] for s in ({weak: 0.1}, {}))
    assert skewed[lobe] < symmetric[lobe] - 0.02
    assert skewed[1 - lobe] > symmetric[1 - lobe] + 0.01


@pytest.mark.ngspice
def test_mirroring_the_cell_exchanges_the_lobes(setting, solve, session):
    left = snm(solve(session, READ(setting(shifts={"pd_l": 0.08, "pg_r": -0.03})))).values[0]
    right = snm(solve(session, READ(setting(shifts={"pd_r": 0.08, "pg_l": -0.03})))).values[0]
    np.testing.assert_allclose(left, right[::-1], atol=10e-6)


@pytest.mark.ngspice
def test_the_margin_runs_smoothly_through_zero_when_the_state_is_lost(setting, solve, session):
    margins = [
        snm(solve(session, READ(setting(vdd=0.7, shifts={"pd_l": shift, "pg_r": 0.1})))).values[0, 1]
        for shift in np.arange(0.20, 0.45, 0.02)
    ]
    steps = np.diff(margins)
    assert margins[0] > 0.01
    assert margins[-1] < -0.01
    assert np.all(steps < 0)
    assert np.max(np.abs(np.diff(steps))) < 0.2 * np.max(np.abs(steps))


@pytest.mark.ngspice
def test_a_cell_beyond_any_eye_is_censored_on_the_lost_side(setting, solve, session):
    result = snm(solve(session, READ(setting(vdd=0.1, shifts={"pd_l": 0.3}))))
    assert result.status[0].tolist() == [Status.censored_high, Status.censored_low]
    assert np.isnan(result.values).all()
    assert result.bound[0, 1] < 0 < result.bound[0, 0]


@pytest.mark.ngspice
def test_hold_is_above_read_rises_with_vdd_and_both_vanish(setting, solve, session):
    vdd = [0.15, 0.3, 0.6, 0.7, 0.8, 0.9, 1.0]
    hold, read = (
        np.array([snm(solve(session, build(setting(vdd=v)))).values.min() for v in vdd]) for build in (HOLD, READ)
    )
    assert np.all(hold > read)
    assert np.all(np.diff(hold) > 0)
    assert hold[0] < 0.04
    assert read[0] < 0.02


@pytest.mark.ngspice
def test_nominal_read_margin_is_in_the_published_range(setting, solve, session):
    """Arnaud et al., IEDM 2009: 213 mV at 1 V for a 0.120 um2 cell in 28 nm LP high-k metal gate."""
    assert 0.180 < snm(solve(session, READ(setting(vdd=1.0, temp=300.15)))).values.min() < 0.240


@pytest.mark.ngspice
def test_corners_order_as_physics_says(setting, solve, session):
    """A fast NMOS, by its pass gate, costs read margin; a strong PMOS and a weak NMOS give it back."""
    margin = {p: snm(solve(session, READ(setting(process=p)))).values.min() for p in ("tt", "ff", "ss", "fs", "sf")}
    assert margin["ff"] < margin["tt"] < margin["ss"]
    assert margin["fs"] < margin["tt"] < margin["sf"]


@given(st.floats(0.05, 0.4), st.floats(-0.1, 0.1), st.floats(0.3, 1.2))
def test_closed_form_of_a_sine_shaped_distance(amplitude, offset, vdd):
    """A distance offset - A sin(pi s / VDD): the extrema are known, also when one has changed sign."""
    s = np.linspace(-vdd, vdd, 47)
    distance = offset - amplitude * np.sin(np.pi * s / vdd)
    result = noise_margins(s, np.zeros((1, 47)), distance[None])
    np.testing.assert_allclose(result.values[0], [amplitude - offset, amplitude + offset], rtol=2e-4, atol=1e-6)


@pytest.mark.ngspice
def test_a_state_without_an_eye_is_lost_whatever_the_curves_do_elsewhere(session, installed):
    """SKY130's cell loses its states between 235 and 240 mV; below, the curves still swell on the other side."""
    technology = load("sky130/sram")
    margins = []
    for vdd in (0.230, 0.235, 0.240, 0.250):
        testbench = HOLD(Setting(technology, "tt", vdd, 298.15, Sram6T().sized(technology)))
        (solved,) = session.solve(testbench, testbench.knob_values(np.zeros((1, len(testbench.knobs)))))
        margins.append(snm(stack(testbench, [solved.data])).values[0].min())
    assert np.all(np.diff(margins) > 0)
    assert margins[1] < 0 < margins[2]
