"""Censored normal fits, against the truth, a grid of the likelihood, and scipy."""

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis import censored
from analysis.passes import moments

MEAN, STD = 0.2, 0.02


def fit_normal(lower, upper, pieces=1):
    """The fit from limits of each sample: both the value where it is known, one infinite where it is censored."""
    bounds = [(b[np.isneginf(a) & np.isfinite(b)], a[np.isposinf(b) & np.isfinite(a)])
              for a, b in zip(np.array_split(lower, pieces), np.array_split(upper, pieces), strict=True)]  # fmt: skip
    return censored.fit_normal(moments(np.array_split(lower[lower == upper], pieces)), bounds)


def drawn(n, low=-np.inf, high=np.inf, seed=1):
    """Limits of normal samples of which those below ``low`` and above ``high`` are only known to be there."""
    x = np.random.default_rng(seed).normal(MEAN, STD, n)
    return np.where(x < low, -np.inf, np.where(x > high, high, x)), np.where(
        x < low, low, np.where(x > high, np.inf, x)
    )


def test_known_samples_give_the_plain_moments():
    x, _ = drawn(50)
    fit = fit_normal(x, x)
    assert (fit.mean, fit.std) == pytest.approx((x.mean(), x.std()), rel=1e-9)
    assert (fit.mean_se, fit.std_se) == pytest.approx((x.std() / np.sqrt(50), x.std() / np.sqrt(100)), rel=1e-6)


@pytest.mark.parametrize(("low", "high"), [(0.19, np.inf), (-np.inf, 0.2), (0.18, 0.21)])
def test_the_truth_is_found_where_plain_moments_miss_it(low, high):
    lower, upper = drawn(4000, low, high)
    fit = fit_normal(lower, upper)
    assert abs(fit.mean - MEAN) < 4 * fit.mean_se
    assert abs(fit.std - STD) < 4 * fit.std_se
    plain = lower[lower == upper]
    assert STD - plain.std() > 10 * fit.std_se


def test_a_grid_of_the_likelihood_has_the_same_maximum():
    lower, upper = drawn(40, 0.19, 0.22, seed=2)
    fit = fit_normal(lower, upper)
    means, stds = np.linspace(0.18, 0.22, 401), np.linspace(0.01, 0.04, 601)
    m, s = means[:, None], stds[None, :]
    total = np.zeros((means.size, stds.size))
    for a, b in zip(lower, upper, strict=True):
        total += stats.norm.logpdf(a, m, s) if a == b else np.log(stats.norm.cdf(b, m, s) - stats.norm.cdf(a, m, s))
    i, j = np.unravel_index(total.argmax(), total.shape)
    assert fit.mean == pytest.approx(means[i], abs=1e-4)
    assert fit.std == pytest.approx(stds[j], abs=1e-4)


def test_scipy_finds_the_same():
    lower, upper = drawn(60, 0.19, seed=3)
    censored = np.isneginf(lower)
    oracle = stats.norm.fit(stats.CensoredData(uncensored=lower[~censored], left=upper[censored]))
    fit = fit_normal(lower, upper)
    assert (fit.mean, fit.std) == pytest.approx(oracle, rel=1e-3)


def test_standard_errors_are_the_spread_of_repeated_fits():
    fits = np.array([astuple(fit_normal(*drawn(100, 0.195, seed=s))) for s in range(400)])
    assert fits[:, 0].std() == pytest.approx(fits[:, 2].mean(), rel=0.12)
    assert fits[:, 1].std() == pytest.approx(fits[:, 3].mean(), rel=0.12)


@given(seed=st.integers(0, 50), scale=st.sampled_from([1e-15, 1.0, 1e6]), shift=st.floats(-1.0, 1.0))
def test_unit_origin_and_side_do_not_matter(seed, scale, shift):
    lower, upper = drawn(30, 0.19, 0.23, seed=seed)
    fit = fit_normal(lower, upper)
    moved = fit_normal(-scale * (upper + shift), -scale * (lower + shift))
    assert moved.mean == pytest.approx(-scale * (fit.mean + shift), abs=1e-6 * scale)
    assert (moved.std, moved.std_se) == pytest.approx((scale * fit.std, scale * fit.std_se), rel=1e-5)


def test_bounds_far_away_change_nothing_and_do_not_overflow():
    x, _ = drawn(30)
    fit = fit_normal(np.append(x, [-np.inf, -10.0]), np.append(x, [10.0, np.inf]))
    assert (fit.mean, fit.std) == pytest.approx((x.mean(), x.std()), rel=1e-6)
    far = fit_normal(np.append(x, 1.0), np.append(x, np.inf))  # one sample at least 40 deviations above the others
    assert far.mean > x.mean()
    assert far.std > 4 * x.std()


@pytest.mark.parametrize("pieces", [2, 7, 60])
def test_pieces_do_not_matter(pieces):
    lower, upper = drawn(60, 0.19, 0.22, seed=4)
    assert astuple(fit_normal(lower, upper, pieces)) == pytest.approx(astuple(fit_normal(lower, upper)), rel=1e-9)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 1.0], [np.nan, 1.0]])
def test_fewer_than_two_values_give_no_fit(values):
    values = np.array(values)
    lower, upper = np.append(values, -np.inf), np.append(values, 3.0)
    assert np.isnan(astuple(fit_normal(lower, upper))).all()
