"""Laws of switching: against quadrature, their inverses, the junction's own formula, limits, messages."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from analysis import switching
from analysis.switching import SwitchingError, boltzmann_angle, rayleigh_angle, reduced, within
from netlists.mtj import JUNCTIONS, travel_time

STT = JUNCTIONS["stt_40nm"]
DELTAS = st.floats(12.0, 200.0)


def test_reduced_units_are_those_of_the_junction():
    at = reduced(STT, 2 * STT.critical_current("p"))
    assert (at.delta, at.drive) == (STT.delta, pytest.approx(2.0))
    assert at.unit == pytest.approx(1 / (STT.rate * STT.damping * STT.h_k))
    assert at.unit * travel_time(2.0, np.float64(0.3)) == STT.switching_time(2 * STT.critical_current("p"), 0.3)


def test_a_travel_from_any_angle_is_finite():
    """The difference between angles of 1e-30 and 1e-20 is that of their logarithms."""
    times = travel_time(3.0, np.array([1e-30, 1e-20, 2.0]))
    assert times[0] - times[1] == pytest.approx(math.log(1e10) / 2)
    assert times[2] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("delta", [12.0, 60.0, 300.0])
def test_boltzmann_is_the_integral_of_the_density(delta):
    whole, _ = integrate.quad(lambda m: math.exp(delta * (m * m - 1)), 0, 1)
    for angle in (0.02, 0.1, 0.4, 1.2):
        part, _ = integrate.quad(lambda m: math.exp(delta * (m * m - 1)), math.cos(angle), 1)
        assert within(delta, np.float64(angle)) == pytest.approx(part / whole, rel=1e-6)


@given(DELTAS, st.floats(1e-15, 0.99 * 12.0))
def test_an_angle_is_the_inverse_of_its_probability(delta, exponential):
    angle = boltzmann_angle(delta, np.float64(exponential))
    assert within(delta, angle) == pytest.approx(-math.expm1(-exponential), rel=1e-6)


def test_small_angles_are_rayleighs_up_to_their_order():
    e = np.array([0.1, 1.0, 3.0])
    for delta in (60.0, 600.0):
        off = boltzmann_angle(delta, e) / rayleigh_angle(delta, e) - 1
        assert (off > 0).all()
        assert (off * delta < 1.0).all()


@pytest.mark.parametrize("start", [boltzmann_angle, rayleigh_angle])
def test_moments_are_those_of_drawn_angles(start):
    drawn = travel_time(1.7, start(50.0, np.random.default_rng(5).standard_exponential(200_000)))
    mean, std = switching.delay_moments(50.0, 1.7, start)
    assert drawn.mean() == pytest.approx(mean, abs=4 * std / math.sqrt(drawn.size))
    assert drawn.std() == pytest.approx(std, rel=0.01)
    quantiles = switching.delay_quantile(50.0, 1.7, np.array([0.1, 0.5, 0.99]), start)
    np.testing.assert_allclose(np.quantile(drawn, [0.1, 0.5, 0.99]), quantiles, rtol=0.01)


@settings(max_examples=30)
@given(DELTAS, st.floats(1.2, 8.0))
def test_the_gumbel_form_is_close_where_angles_are_small(delta, drive):
    mean, std = switching.delay_moments(delta, drive, rayleigh_angle)
    location = math.log(switching.spread_limit(drive) * math.sqrt(delta))
    close, spread = (location + np.euler_gamma / 2) / (drive - 1), math.pi / math.sqrt(24) / (drive - 1)
    weak = max(1.0, 1 / (drive - 1))
    assert abs(close - mean) < 0.5 * weak / delta / (drive - 1)
    assert spread == pytest.approx(std, rel=1.5 * weak / delta)


def test_the_limit_of_the_linear_motion_is_that_of_the_travel():
    for drive in (1.2, 2.0, 50.0):
        expected = 1e-9 * math.exp((drive - 1) * float(travel_time(drive, np.float64(1e-9))))
        assert switching.spread_limit(drive) == pytest.approx(expected, rel=1e-6)
    assert switching.spread_limit(1e6) == pytest.approx(2.0, rel=1e-4)


def test_unflipped_by_angle_is_the_share_of_slow_angles():
    times = np.array([1.0, 3.0, 12.0])
    quantile = 1 - switching.unswitched_by_angle(60.0, 2.0, times)
    np.testing.assert_allclose(switching.delay_quantile(60.0, 2.0, quantile[:2], boltzmann_angle), times[:2], rtol=1e-4)
    tail = 60.0 * (switching.spread_limit(2.0) * math.exp(-12.0)) ** 2
    assert 1 - quantile[2] == pytest.approx(tail, rel=0.02)
    assert np.isnan(switching.unswitched_by_angle(60.0, 0.9, times)).all()


def test_noise_halves_the_variance_that_is_needed_at_twice_the_critical_current():
    """In the tail the pulse's own noise adds 1/(i - 1) times the initial variance."""
    ratio = switching.unswitched(1e4, 2.0, np.array([9.0])) / switching.unswitched_by_angle(1e4, 2.0, np.array([9.0]))
    assert ratio == pytest.approx(0.5, rel=0.01)
    assert np.isnan(switching.unswitched(60.0, 1.4, np.array([9.0]))).all()


@pytest.mark.parametrize("drive", [0.0, 0.3, 0.6, 1.0, 3.0])
def test_a_passage_is_the_double_integral_in_full(drive):
    delta, to = 15.0, -0.2

    def energy(m):
        return delta * m * (2 * drive - m)

    def outer(y):
        inner, _ = integrate.quad(lambda x: math.exp(energy(y) - energy(x)), y, 1)
        started = float(within(delta, np.float64(math.acos(y)))) if y > 0 else 1.0
        return 2 * delta * started * inner / (1 - y * y)

    direct, _ = integrate.quad(outer, to, 1, points=(0.0,), epsrel=1e-8)
    assert switching.passage(delta, drive, to) == pytest.approx(direct, rel=1e-6)


@pytest.mark.parametrize("drive", [0.0, 0.4])
def test_the_law_of_high_barriers_is_approached_from_above(drive):
    """Its first correction is of the order of one over the barrier: a half to three of it."""
    end = switching.escape_end(drive)
    for delta in (80.0, 160.0, 320.0):
        off = switching.escape_rate(delta, drive) * switching.passage(delta, drive, end) - 1
        assert 0.5 < off * delta * (1 - drive) ** 2 < 3.0


@pytest.mark.parametrize(
    ("junction", "message"),
    [
        (JUNCTIONS["sot_umn"], "a heavy metal or an in-plane field is not axisymmetric"),
        (replace(STT, asymmetry=0.3), r"asymmetry=0\.3: the laws are of a torque"),
        (replace(STT, delta=5.0), "delta=5 at 300 K is below 10: no memory"),
    ],
)
def test_junctions_without_a_law_are_refused(junction, message):
    with pytest.raises(SwitchingError, match=message):
        reduced(junction, 1e-5)
