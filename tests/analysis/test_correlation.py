"""Correlations, against scipy and their promised coverage."""

import numpy as np
import pytest
from scipy import stats

from analysis import correlation
from analysis.intervals import StatisticsError


def pairs(n, rho, seed=1, repeat=1):
    x, e = np.random.default_rng(seed).standard_normal((2, repeat, n))
    return x, rho * x + np.sqrt(1 - rho**2) * e


def test_coefficients_and_interval_agree_with_scipy():
    x, y = (v[0] for v in pairs(80, -0.6))
    oracle = stats.pearsonr(x, y)
    r = correlation.pearson([(1e-12 * x, 1e-15 * y)])
    assert correlation.pearson(list(zip(np.split(x, 8), np.split(y, 8), strict=True))) == pytest.approx(r, rel=1e-12)
    assert r == pytest.approx(oracle.statistic)
    low, high = correlation.fisher_interval(r, 80, 0.9)
    assert (low, high) == pytest.approx(tuple(oracle.confidence_interval(0.9)))
    assert correlation.spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)


def test_rank_interval_covers_as_often_as_it_says():
    truth = 6 / np.pi * np.arcsin(0.7 / 2)  # Pearson, 1907: Spearman's of a bivariate normal
    x, y = pairs(60, 0.7, repeat=1500)
    limits = [correlation.fisher_interval(correlation.spearman(a, b), 60, 0.9, ranks=True) for a, b in zip(x, y)]  # noqa: B905
    assert np.mean([low < truth < high for low, high in limits]) == pytest.approx(0.9, abs=0.025)


def test_what_has_no_correlation_has_none():
    assert np.isnan(correlation.pearson([(np.ones(5), np.arange(5.0))]))
    assert np.isnan(correlation.pearson([(np.ones(1), np.ones(1))]))
    assert np.isnan(correlation.fisher_interval(0.5, correlation.FEWEST - 1)).all()
    assert correlation.fisher_interval(1.0, 10) == (1.0, 1.0)


def test_the_matrix_is_symmetric_labelled_and_counts_pairs(characterization):
    found = correlation.correlate(characterization)
    assert found["pearson"].dims == ("process", "vdd", "temp", "metric", "other")
    first = found.isel(process=0, vdd=0, temp=0)
    for name in ("pearson", "spearman", "pearson_ci_low"):
        assert np.array_equal(first[name], first[name].T, equal_nan=True)
        assert first[name].attrs["units"] == "1"
    assert np.diag(first["pearson"]) == pytest.approx(1.0)
    both = {"metric": "snm_read", "other": "t_read_p"}
    assert int(first["pearson_n"].sel(both)) == 194  # six samples of the delay have no value
    assert int(first["spearman_n"].sel(both)) == 196  # three delays and two margins are unknown, one of them shared
    assert found.attrs["seed"] == 3
    assert found["vdd"].attrs == {"units": "V"}


def test_a_failure_has_the_worst_rank(characterization):
    data = characterization.isel(process=[0], vdd=[1], temp=[0], sample=slice(0, 30)).copy(deep=True)
    order = np.arange(30.0)
    data["snm_read"][:] = order.reshape(1, 1, 1, 30)
    data["t_read_p"][:] = -order.reshape(1, 1, 1, 30)
    data["t_read_p"][..., 0] = np.nan
    data["t_read_p_status"][..., 0] = 3  # the slowest read never happens
    found = correlation.correlate(data).squeeze().sel(metric="snm_read", other="t_read_p")
    assert float(found["spearman"]) == pytest.approx(-1.0)
    assert (int(found["spearman_n"]), int(found["pearson_n"])) == (30, 29)


def test_errors_name_what_is_wrong(characterization):
    with pytest.raises(StatisticsError, match="metric 'drv'"):
        correlation.correlate(characterization, ["drv"])
    with pytest.raises(StatisticsError, match="metrics none have no dimensions"):
        correlation.correlate(characterization[[]])
