"""Intervals and the test of normality, against scipy, brute force and their own promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis import intervals, passes, statistics
from analysis.intervals import StatisticsError
from analysis.passes import moments
from analysis.samples import Samples


@given(total=st.integers(1, 200), data=st.data())
def test_binomial_interval_agrees_with_scipy(total, data):
    passed = data.draw(st.integers(0, total))
    low, high = intervals.clopper_pearson(np.array(passed), np.array(total), 0.9)
    oracle = stats.binomtest(passed, total).proportion_ci(0.9, method="exact")
    assert (float(low), float(high)) == pytest.approx((oracle.low, oracle.high), abs=1e-9)


def test_no_trials_give_no_interval():
    assert all(np.isnan(x) for x in intervals.clopper_pearson(np.array(0), np.array(0)))


@pytest.mark.parametrize("confidence", [0.0, 1.0, 1.5])
def test_confidence_outside_is_refused(confidence):
    with pytest.raises(StatisticsError, match=rf"confidence={confidence} is outside 0\.\.1"):
        intervals.tail(confidence)


def test_mean_interval_agrees_with_the_test_of_the_mean():
    values = np.random.default_rng(1).normal(2.0, 0.5, 12)
    found = intervals.mean_interval(values.mean(), values.std(ddof=1), np.array(12), 0.9)
    oracle = stats.ttest_1samp(values, 0.0).confidence_interval(0.9)
    assert found == pytest.approx((oracle.low, oracle.high))


def test_interval_of_the_deviation_covers_as_often_as_it_says():
    std = np.random.default_rng(2).normal(0.0, 3.0, (4000, 10)).std(axis=1, ddof=1)
    low, high = intervals.std_interval(std, np.full(4000, 10), 0.9)
    assert np.mean((low < 3.0) & (high > 3.0)) == pytest.approx(0.9, abs=0.015)
    assert np.mean(high < 3.0) == pytest.approx(0.05, abs=0.012)


def test_one_sample_has_no_interval():
    one = np.array(1)
    for low, high in (intervals.mean_interval(0.1, np.nan, one), intervals.std_interval(np.nan, one)):
        assert np.isnan(low)
        assert np.isnan(high)


@pytest.mark.parametrize("q", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("n", [5, 40, 500])
def test_quantile_interval_agrees_with_scipy(q, n):
    values = np.sort(np.random.default_rng(n).exponential(size=n))
    low, high = passes.order_statistics([values], n, np.array(intervals.quantile_ranks(n, np.array([q]), 0.95)))
    with np.errstate(invalid="ignore"):
        oracle = stats.quantile_test(values, q=0.0, p=q).confidence_interval(0.95)
    expected = (-np.inf if np.isnan(oracle.low) else oracle.low, np.inf if np.isnan(oracle.high) else oracle.high)
    assert (float(low[0]), float(high[0])) == expected


def test_quantile_interval_covers_any_distribution():
    rng = np.random.default_rng(4)
    rows = np.sort(rng.lognormal(size=(3000, 60)), axis=1)
    low, high = (rows[:, rank - 1] for rank in intervals.quantile_ranks(60, np.array([0.9]), 0.9))
    truth = stats.lognorm.ppf(0.9, 1.0)
    covered = np.mean((low < truth) & (truth < high))
    assert 0.9 - 0.015 < covered < 0.96


def test_a_limit_among_failures_is_open():
    value, status = np.array([np.nan] * 10 + [1.0] * 40 + [np.nan] * 3), np.repeat([1, 0, 4], [10, 40, 3])
    _, low, high = statistics.quantiles([Samples(value, status, "low", 0.0)], np.array([0.1, 0.5]))
    assert low.tolist() == [-np.inf, 1.0]
    assert high.tolist() == [-np.inf, 1.0]  # the tenth of 50: a tenth of the cells fails, at least


def test_p_values_of_normal_samples_are_uniform_and_those_of_others_small():
    rng = np.random.default_rng(5)
    p_values = [intervals.normality(moments([row])) for row in rng.normal(1e-12, 1e-13, (600, 100))]
    assert stats.kstest(p_values, "uniform").pvalue > 0.01
    found = moments([rng.exponential(1e-12, 20_000)])
    assert found.skewness == pytest.approx(2.0, rel=0.1)
    assert found.kurtosis == pytest.approx(6.0, rel=0.25)
    assert intervals.normality(found) < 1e-12


@pytest.mark.parametrize("n", [20, 33, 1000])
def test_normality_is_scipys_test(n):
    for values in np.random.default_rng(n).gamma((0.1, 1.0, 50.0), size=(n, 3)).T:
        oracle = stats.normaltest(values).pvalue
        assert intervals.normality(moments([values])) == pytest.approx(oracle, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("values", [np.arange(passes.FEWEST - 1), np.ones(30), np.arange(90) % 19, []])
def test_too_few_or_equal_samples_are_not_tested(values):
    assert np.isnan(intervals.normality(moments([np.array(values, float)])))


def test_band_is_that_of_sorted_normal_samples():
    rows = np.sort(np.random.default_rng(6).standard_normal((20_000, 9)), axis=1)
    low, high = intervals.normal_band(np.arange(1, 10), 9, 0.9)
    assert low == pytest.approx(np.quantile(rows, 0.05, axis=0), abs=0.04)
    assert high == pytest.approx(np.quantile(rows, 0.95, axis=0), abs=0.04)


def test_of_many_ranks_both_ends_and_some_between_are_shown():
    assert intervals.shown_ranks(0).size == 0
    assert intervals.shown_ranks(7).tolist() == [1, 2, 3, 4, 5, 6, 7]
    ranks = intervals.shown_ranks(1_000_000)
    assert ranks.size <= intervals.SHOWN
    assert ranks[:5].tolist() == [1, 2, 3, 4, 5]
    assert (1_000_001 - ranks[-5:]).tolist() == [5, 4, 3, 2, 1]
    assert np.diff(stats.norm.ppf(ranks[5:-5] / 1_000_000)).max() < 0.1
