"""Statistics of characterized samples that count every sample: good, known failure, or unknown.

A known failure (the operation did not happen, or the value lies beyond a bound on the failing side) has no value but
a rank: it is worse than every good sample. It counts in quantiles, in plot positions and in the pass rate. An unknown
sample counts in ``n_unknown`` and widens the interval of the pass rate, whose lower limit takes it for a failure and
whose upper limit for a pass.

Samples are read a piece at a time, in as many passes as a number takes (:mod:`analysis.passes`): what is in memory does
not grow with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import stats

from analysis import intervals, passes
from analysis.censored import Fit, fit_normal
from analysis.intervals import StatisticsError, clopper_pearson
from analysis.passes import Each, Moments
from analysis.samples import Column, Counts, count, metrics_in, place_by_place, primary_metrics

PARTS = tuple(f"{stem}{end}" for stem in ("", "_lobes", "_nominal") for end in ("", "_status", "_bound"))
"""Suffixes of the variables of one metric."""


def moments(column: Column) -> Moments:
    """Moments of the good samples."""
    return passes.moments(Each(lambda s: s.values, column))


def quantiles(
    column: Column, q: np.ndarray, confidence: float = 0.95, n: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Quantiles of all known samples, linear between ranks, and their intervals between two order statistics.

    Args:
        q: shape (quantile,). confidence: level of the intervals [1]. n: known samples, where they have been counted.

    Returns:
        Quantiles, NaN where one falls among samples that have a rank but no value. Lower and upper limits, infinite
        where there are too few samples for a limit on that side, or where it lies among samples without a value. All
        NaN without any sample.
    """
    n = count(column).known if n is None else n
    at = max(n - 1, 0) * q
    below = np.floor(at).astype(int) + 1
    ranks = [below, np.minimum(below + 1, n), *intervals.quantile_ranks(n, q, confidence)]
    found = passes.order_statistics(Each(lambda s: s.known, column), n, np.array(ranks))
    low, high, least, most = found if n else np.full(found.shape, np.nan)
    share = at - (below - 1)
    with np.errstate(invalid="ignore"):
        between = np.where(share == 0, low, low + (high - low) * share)
    return np.where(np.isfinite(between), between, np.nan), least, most


def fits(column: Column, known: Moments) -> Fit:
    """Censored normal fit of samples, see :func:`analysis.censored.fit_normal`.

    Good samples are exact, censored ones lie beyond their bounds. An operation that did not happen has no value that
    could lie anywhere: the fit is about the samples in which it did. Unknown samples are left out. NaN where a
    censored sample has no bound: without it the fit would be biased.

    Args:
        known: moments of the good samples.
    """
    if any(np.isnan(bounds).any() for s in column for bounds in s.beyond):
        return Fit()
    return fit_normal(known, Each(lambda s: s.beyond, column))


def normal_fits(column: Column, counts: Counts | None = None) -> Fit:
    """Mean and standard deviation with their errors: moments where nothing is censored, elsewhere :func:`fits`.

    The moments' errors are those of a normal distribution.
    """
    found = moments(column)
    if (counts or count(column)).censored:
        return fits(column, found)
    freedom = max(found.n - 1, 0) or np.nan
    std = found.std
    return Fit(found.mean, std, std / np.sqrt(freedom + 1), std / np.sqrt(2 * freedom))


def plot_positions(column: Column, ranks: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Values at ranks of the sorted samples and the normal scores to plot them against, both of the ranks' shape.

    The score of rank i of n known samples is Phi^-1((i - 3/8) / (n + 1/4)) (Blom, 1958). A rank without a value is NaN.
    """
    value = passes.order_statistics(Each(lambda s: s.known, column), n, ranks)
    return np.where(np.isfinite(value), value, np.nan), stats.norm.ppf((ranks - 0.375) / (n + 0.25))


def select(characterization: xr.Dataset, metrics: Sequence[str]) -> xr.Dataset:
    """The part of a characterization that belongs to some metrics, with what is said about their transistors.

    Raises:
        StatisticsError: a metric is not there.
    """
    known = primary_metrics(characterization)
    for metric in metrics:
        if metric not in known:
            raise StatisticsError(f"metric {metric!r} is not one of {', '.join(known) or 'none'}")
    benches = {str(characterization[metric].attrs.get("testbench")) for metric in metrics}
    own = {f"{metric}{part}" for metric in metrics for part in PARTS}
    own |= {f"{bench}{part}" for bench in benches for part in ("_draws", "_sigma")}
    return characterization[[name for name in characterization.data_vars if name in own]]


def summarize(
    characterization: xr.Dataset, q: Sequence[float] = (0.01, 0.5, 0.99), confidence: float = 0.95
) -> xr.Dataset:
    """Moments, quantiles, normality, censored fit, counts and pass rate of every metric at every condition.

    Args:
        characterization: what ``charlib.characterize`` returns.
        q: quantiles wanted [1], each in 0..1.
        confidence: confidence level of every interval [1].

    Returns:
        Dataset without the dimension ``sample``; for each metric M the variables of :data:`REPORT`, as ``M_mean``;
        quantiles have the further dimension ``quantile``. Attributes are kept.

    Raises:
        StatisticsError: a metric does not say which side fails, or ``q`` or ``confidence`` is out of range.
    """
    levels = np.asarray(q, dtype=float)
    if levels.ndim != 1 or not np.all((levels >= 0) & (levels <= 1)):
        raise StatisticsError(f"q={list(np.atleast_1d(levels))} is not a list of numbers in 0..1")
    found = _over_metrics(characterization, lambda s: _numbers(s, levels, confidence))
    label = xr.DataArray(levels, dims="quantile", attrs={"units": "1", "long_name": "quantile"})
    about = {"title": "statistics of a characterization", "confidence": confidence}
    return found.assign_coords(quantile=label).assign_attrs(about)


def pass_rates(characterization: xr.Dataset, confidence: float = 0.95) -> xr.Dataset:
    """Counts and pass rates of every metric at every condition: those variables of :func:`summarize`, alone.

    Raises:
        StatisticsError: a metric does not say which side fails, or ``confidence`` is out of range.
    """
    found = _over_metrics(characterization, lambda s: _rates(count(s), confidence))
    return found.assign_attrs(title="pass rates of a characterization", confidence=confidence)


def _over_metrics(characterization: xr.Dataset, numbers: Callable[[Column], Mapping[str, object]]) -> xr.Dataset:
    """Numbers of every metric as labelled variables; ``numbers`` gives some of :data:`REPORT` by suffix."""
    variables, coords = {}, {}
    for metric in metrics_in(characterization):
        found, dims = place_by_place(characterization, metric, numbers)
        attrs = characterization[metric].attrs
        name = attrs.get("long_name", metric)
        coords |= {dim: characterization[dim] for dim in dims if dim in characterization.coords}
        for suffix, values in found.items():
            own = (*dims, "quantile") if suffix.startswith("quantiles") else dims
            about = attrs | ({"units": "1"} if REPORT[suffix].dimensionless else {})
            variables[f"{metric}_{suffix}"] = (own, values, about | {"long_name": f"{name}, {REPORT[suffix].meaning}"})
    return xr.Dataset(variables, coords, characterization.attrs)


def _numbers(samples: Column, levels: np.ndarray, confidence: float) -> dict[str, object]:
    """Everything about one column, by suffix of :data:`REPORT`."""
    counts, found = count(samples), moments(samples)
    n, mean, std = found.n, found.mean, found.std
    mean_low, mean_high = intervals.mean_interval(mean, std, n, confidence)
    std_low, std_high = intervals.std_interval(std, n, confidence)
    middle, low, high = quantiles(samples, levels, confidence, counts.known)
    fit = fits(samples, found)
    return {
        "mean": mean,
        "mean_se": std / np.sqrt(n or np.nan),
        "mean_ci_low": mean_low,
        "mean_ci_high": mean_high,
        "std": std,
        "std_ci_low": std_low,
        "std_ci_high": std_high,
        "quantiles": middle,
        "quantiles_ci_low": low,
        "quantiles_ci_high": high,
        "skewness": found.skewness,
        "kurtosis": found.kurtosis,
        "normality_p": intervals.normality(found),
        "fit_mean": fit.mean,
        "fit_mean_se": fit.mean_se,
        "fit_std": fit.std,
        "fit_std_se": fit.std_se,
        **_rates(counts, confidence),
    }


def _rates(counts: Counts, confidence: float) -> dict[str, object]:
    """Counts and pass rate of one column, by suffix of :data:`REPORT`."""
    passed, known = counts.passed, counts.known
    low, _ = clopper_pearson(passed, counts.total, confidence)
    _, high = clopper_pearson(passed + counts.n_unknown, counts.total, confidence)
    return {
        **{name: getattr(counts, name) for name in COUNTS},
        "n_fails": known - passed,
        "pass_rate": passed / (known or np.nan),
        "ci_low": low,
        "ci_high": high,
    }


@dataclass(frozen=True)
class Quantity:
    """One number of a summary: what it means, and whether it is without the metric's unit."""

    meaning: str
    dimensionless: bool = False


COUNTS = {
    "n_ok": "good",
    "n_failed": "known failures without a value",
    "n_unknown": "unknown",
    "n_beyond": "beyond a bound on the passing side",
}
"""Counts of a summary and what they count: every sample once."""

REPORT: Mapping[str, Quantity] = {
    "mean": Quantity("mean of the good samples"),
    "mean_se": Quantity("standard error of the mean"),
    "mean_ci_low": Quantity("lower limit of the mean, Student"),
    "mean_ci_high": Quantity("upper limit of the mean, Student"),
    "std": Quantity("standard deviation of the good samples"),
    "std_ci_low": Quantity("lower limit of the standard deviation, chi-square"),
    "std_ci_high": Quantity("upper limit of the standard deviation, chi-square"),
    "quantiles": Quantity("quantiles of the known samples"),
    "quantiles_ci_low": Quantity("lower limit of the quantiles, order statistics"),
    "quantiles_ci_high": Quantity("upper limit of the quantiles, order statistics"),
    "skewness": Quantity("skewness of the good samples", dimensionless=True),
    "kurtosis": Quantity("excess kurtosis of the good samples", dimensionless=True),
    "normality_p": Quantity("p-value of normality, D'Agostino and Pearson", dimensionless=True),
    "fit_mean": Quantity("mean of the normal fitted to good and censored samples"),
    "fit_mean_se": Quantity("standard error of the fitted mean"),
    "fit_std": Quantity("standard deviation of the normal fitted to good and censored samples"),
    "fit_std_se": Quantity("standard error of the fitted standard deviation"),
    **{name: Quantity(f"samples: {meaning}", dimensionless=True) for name, meaning in COUNTS.items()},
    "n_fails": Quantity("samples: known failures, those with a value on or beyond the limit included", True),
    "pass_rate": Quantity("pass rate of the known samples", dimensionless=True),
    "ci_low": Quantity("lower limit of the pass rate, every unknown sample a failure", dimensionless=True),
    "ci_high": Quantity("upper limit of the pass rate, every unknown sample a pass", dimensionless=True),
}
"""What a summary holds of each metric, by the suffix of its variables."""
