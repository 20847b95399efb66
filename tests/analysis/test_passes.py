"""Passes over pieces of samples, against numpy and scipy on all of them at once; the pieces' size does not matter."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis import correlation, passes, worst
from analysis.intervals import shown_ranks
from analysis.passes import Each, moments, order_statistics
from analysis.statistics import summarize
from charlib import arrays
from charlib.arrays import spans

N = 3000
RNG = np.random.default_rng(7)
NUMBERS = {
    "normal": RNG.normal(0.2, 0.02, N),
    "both signs": RNG.normal(0.0, 1e-9, N),
    "decades": np.exp(RNG.normal(-20.0, 8.0, N)),
    "tied": RNG.integers(0, 7, N) / 7,
    "equal": np.full(N, 0.25),
    "sorted": np.linspace(-1.0, 1.0, N),
    "neighbours": 1.0 + RNG.integers(0, N, N) * np.spacing(1.0),
    "infinite": np.where(RNG.random(N) < 0.1, RNG.choice([-np.inf, np.inf], N), RNG.normal(size=N)),
    "smallest": RNG.integers(-50, 50, N) * np.nextafter(0.0, 1.0),
}


@pytest.mark.parametrize("piece", [16, 700, N])
@pytest.mark.parametrize("name", NUMBERS)
def test_order_statistics_are_those_of_the_sorted_numbers(name, piece, monkeypatch):
    monkeypatch.setattr(arrays, "PIECE", piece)
    monkeypatch.setattr(passes, "TALLIES", 12)
    numbers = NUMBERS[name]
    pieces = [numbers[span] for span in spans(N, max(piece, 100))]
    for ranks in (np.array([1, 50, N // 2, N // 2 + 1, N]), shown_ranks(N), np.array([[3], [2]])):
        assert np.array_equal(order_statistics(pieces, N, ranks), np.sort(numbers)[ranks - 1])
    assert order_statistics(pieces, N, np.array([0, N + 1])).tolist() == [-np.inf, np.inf]


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=60), st.data())
def test_any_numbers_are_put_in_order(numbers, data):
    rank = data.draw(st.integers(1, len(numbers)))
    cut = data.draw(st.integers(0, len(numbers)))
    pieces = [np.array(numbers[:cut], float), np.array(numbers[cut:], float)]
    assert order_statistics(pieces, len(numbers), np.array(rank)) == np.sort(numbers)[rank - 1]


@pytest.mark.parametrize("piece", [16, 700, N])
@pytest.mark.parametrize("shift", [0.0, 1e5])
def test_moments_are_those_of_all_numbers(piece, shift):
    numbers = np.random.default_rng(3).gamma(3.0, size=N) + shift
    found = moments([numbers[span] for span in spans(N, piece)])
    assert (found.n, found.low, found.high, found.different) == (N, numbers.min(), numbers.max(), passes.FEWEST)
    assert found.mean == pytest.approx(numbers.mean(), rel=1e-14)
    assert found.std == pytest.approx(numbers.std(ddof=1), rel=1e-12)
    assert found.skewness == pytest.approx(stats.skew(numbers), rel=1e-9)
    assert found.kurtosis == pytest.approx(stats.kurtosis(numbers), rel=1e-9)


def test_nothing_has_no_moments_and_different_numbers_are_counted():
    nothing = moments([np.empty(0)])
    assert (nothing.n, nothing.different) == (0, 0)
    assert np.isnan((nothing.mean, nothing.std, nothing.skewness)).all()
    assert moments([np.array([1.0, 2.0]), np.array([2.0, 3.0])]).different == 3


def test_bins_are_numpys():
    numbers = NUMBERS["normal"]
    pieces = Each(lambda span: numbers[span], list(spans(N, 700)))
    for found, expected in zip(passes.histogram(pieces, 40, numbers.min(), numbers.max()), np.histogram(numbers, 40),
                               strict=True):  # fmt: skip
        assert np.array_equal(found, expected)


def characterization(samples=500):
    """SYNTHETIC: two metrics, one of few different values; censored, failed and unknown samples, their values NaN."""
    rng = np.random.default_rng(11)
    dims, shape = ("process", "vdd", "temp", "sample"), (2, 1, 1, samples)
    margin = np.round(rng.normal(0.2, 0.02, shape), 3)
    values = {"snm_read": margin, "t_read_p": 1e-10 * np.exp(rng.normal(size=shape) - 20 * margin)}
    found = xr.Dataset(coords={"process": ["tt", "ss"], "vdd": [0.9], "temp": [298.15]})
    for name, (side, limit, unit) in {"snm_read": ("low", 0.15, "V"), "t_read_p": ("high", np.inf, "s")}.items():
        status = rng.choice(7, shape, p=[0.9, 0.03, 0.02, 0.02, 0.01, 0.01, 0.01]).astype(np.int8)
        bound = np.median(values[name]) * np.select([status == 1, status == 2], [0.9, 1.1 + rng.random(shape)], np.nan)
        attrs = {"units": unit, "long_name": name, "fails_when": side, "fail_limit": limit}
        found[name] = (dims, np.where(status == 0, values[name], np.nan), attrs)
        found[f"{name}_status"], found[f"{name}_bound"] = (dims, status), (dims, bound)
    return found


NORMAL = {"mean": np.mean, "std": lambda v: v.std(ddof=1), "skewness": stats.skew, "kurtosis": stats.kurtosis,
          "normality_p": lambda v: stats.normaltest(v).pvalue}  # fmt: skip


@pytest.mark.parametrize("piece", [37, 499, 500])
def test_a_summary_in_pieces_is_that_of_all_samples(piece, monkeypatch):
    data, q = characterization(), (0.0, 0.01, 0.3, 0.5, 0.99)
    whole = summarize(data, q)
    monkeypatch.setattr(arrays, "PIECE", piece)
    monkeypatch.setattr(passes, "TALLIES", 12)
    found = summarize(data, q)
    for name in whole.data_vars:
        exact = any(part in name for part in ("quantiles", "_n_", "pass_rate"))
        np.testing.assert_allclose(found[name], whole[name], rtol=0.0 if exact else 1e-9, err_msg=str(name))
    for metric, place in (("snm_read", 0), ("t_read_p", 1)):
        here, one = data.isel(process=place).squeeze(), found.isel(process=place).squeeze()
        value, status = here[metric].values, here[f"{metric}_status"].values
        for name, number in NORMAL.items():
            assert float(one[f"{metric}_{name}"]) == pytest.approx(number(value[status == 0]), rel=1e-9), name
        side = -1 if metric == "snm_read" else 1
        worse, better = np.isin(status, (3, 1 if side < 0 else 2)), status == (2 if side < 0 else 1)
        ranked = np.select([worse, better], [side * np.inf, -side * np.inf], value)[status < 4]
        with np.errstate(invalid="ignore"):
            expected = np.quantile(ranked, q)
        expected = np.where(np.isfinite(expected), expected, np.nan)
        np.testing.assert_allclose(one[f"{metric}_quantiles"], expected, rtol=1e-15)
        counts = [int(one[f"{metric}_{name}"]) for name in ("n_ok", "n_failed", "n_beyond", "n_unknown")]
        assert counts == [(status == 0).sum(), worse.sum(), better.sum(), (status > 3).sum()]


@pytest.mark.parametrize("piece", [37, 499])
def test_correlations_and_worst_corners_in_pieces_are_those_of_all_samples(piece, monkeypatch):
    data = characterization()
    wholes = correlation.correlate(data), worst.worst_corners(data, 3.0)
    monkeypatch.setattr(arrays, "PIECE", piece)
    for whole, found in zip(wholes, (correlation.correlate(data), worst.worst_corners(data, 3.0)), strict=True):
        xr.testing.assert_allclose(found, whole, rtol=1e-9)


def test_ranks_are_correlated_of_the_first_samples_alone(monkeypatch):
    data = characterization()
    whole = correlation.correlate(data.isel(sample=slice(0, 100)))
    monkeypatch.setattr(correlation, "RANKED", 100)
    monkeypatch.setattr(arrays, "PIECE", 30)
    found = correlation.correlate(data)
    assert found["spearman_n"].equals(whole["spearman_n"])
    np.testing.assert_allclose(found["spearman"], whole["spearman"], rtol=1e-12)
    assert (found["pearson_n"] > 400).all()
