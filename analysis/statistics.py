"""Statistics of characterized samples that count every sample: good, known failure, or unknown.

A known failure (the operation did not happen, or the value lies beyond a bound on the failing side) has no value but
a rank: it is worse than every good sample. It counts in quantiles, in plot positions and in the pass rate. An unknown
sample counts nowhere but in ``n_unknown``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import stats

from charlib.status import Status, known_failures, unknown

SAMPLE = "sample"


class StatisticsError(ValueError):
    """A Dataset that does not say what the statistics need to know."""


@dataclass(frozen=True)
class Samples:
    """One metric as arrays of shape ``(..., sample)``.

    Attributes:
        value: values in the metric's unit, NaN where there is none.
        status: flags of ``charlib.status.Status``.
        fails_when: ``low`` or ``high``.
        fail_limit: limit in the metric's unit; a value on it or beyond fails; infinite or NaN if there is none.
    """

    value: np.ndarray
    status: np.ndarray
    fails_when: str
    fail_limit: float

    @property
    def good(self) -> np.ndarray:
        """Samples with a value."""
        return self.status == Status.ok

    @property
    def failed(self) -> np.ndarray:
        """Known failures without a value."""
        return known_failures(self.status, self.fails_when)

    @property
    def passed(self) -> np.ndarray:
        """Samples that meet the limit; a value beyond a bound on the passing side counts as met."""
        with np.errstate(invalid="ignore"):
            beyond = self.value <= self.fail_limit if self.fails_when == "low" else self.value >= self.fail_limit
        return ~unknown(self.status) & ~self.failed & ~(self.good & beyond)

    @property
    def ranked(self) -> np.ndarray:
        """Values to sort by: infinite on the failing side for a failure, on the other one for a censored pass."""
        worst = -np.inf if self.fails_when == "low" else np.inf
        value = np.where(self.good, self.value, -worst)
        return np.where(unknown(self.status), np.nan, np.where(self.failed, worst, value))


def clopper_pearson(passed: np.ndarray, total: np.ndarray, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Exact two-sided binomial interval of a pass rate [1].

    Args:
        passed: number of passes, any shape.
        total: number of trials, same shape; NaN comes back where it is 0.
        confidence: confidence level [1], between 0 and 1.

    Source: Clopper and Pearson, Biometrika 26, 1934.

    >>> low, high = clopper_pearson(np.array(100), np.array(100))
    >>> print(f"{low:.4f} {high:.1f}")
    0.9638 1.0
    """
    if not 0 < confidence < 1:
        raise StatisticsError(f"confidence={confidence!r} is outside 0..1")
    passed, total = np.broadcast_arrays(np.asarray(passed), np.asarray(total))
    tail, failed = (1 - confidence) / 2, total - passed
    low = np.where(passed > 0, stats.beta.ppf(tail, np.maximum(passed, 1), failed + 1), 0.0)
    high = np.where(failed > 0, stats.beta.ppf(1 - tail, passed + 1, np.maximum(failed, 1)), 1.0)
    return np.where(total > 0, low, np.nan), np.where(total > 0, high, np.nan)


def moments(samples: Samples) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (n - 1) of the good samples, shape ``(...)``; NaN below one and two of them."""
    n = samples.good.sum(-1)
    value = np.where(samples.good, samples.value, 0.0)
    mean = value.sum(-1) / np.where(n > 0, n, np.nan)
    square = np.where(samples.good, (value - mean[..., None]) ** 2, 0.0).sum(-1)
    return mean, np.sqrt(square / np.where(n > 1, n - 1, np.nan))


def quantiles(samples: Samples, q: np.ndarray) -> np.ndarray:
    """Quantiles of all known samples, linear between ranks, shape ``(..., quantile)``.

    NaN where the quantile falls among samples that have a rank but no value.
    """
    ordered = np.sort(samples.ranked, axis=-1)  # unknown samples are NaN and come last
    n = np.isfinite(ordered).sum(-1) + np.isinf(ordered).sum(-1)
    at = np.clip(n[..., None] - 1, 0, None) * q
    below = np.floor(at).astype(int)
    above = np.minimum(below + 1, ordered.shape[-1] - 1)
    low, high = np.take_along_axis(ordered, below, -1), np.take_along_axis(ordered, above, -1)
    share = at - below
    with np.errstate(invalid="ignore"):
        found = np.where(share == 0, low, low + (high - low) * share)
    return np.where(np.isfinite(found), found, np.nan)


def plot_positions(samples: Samples) -> tuple[np.ndarray, np.ndarray]:
    """Sorted values and the normal scores to plot them against, shape ``(..., rank)``.

    The score of rank i of n known samples is Phi^-1((i - 3/8) / (n + 1/4)) (Blom, 1958). A rank without a value is NaN,
    and both are NaN for the ranks beyond n.
    """
    ordered = np.sort(samples.ranked, axis=-1)
    rank = np.arange(1, ordered.shape[-1] + 1)
    n = (~np.isnan(ordered)).sum(-1)[..., None]
    share = np.where(rank <= n, (rank - 0.375) / (n + 0.25), np.nan)
    return np.where(np.isfinite(ordered), ordered, np.nan), stats.norm.ppf(share)


def metrics_in(characterization: xr.Dataset) -> tuple[str, ...]:
    """Metrics of a characterization: variables over samples with a status beside them."""
    return tuple(
        str(name)
        for name, array in characterization.data_vars.items()
        if f"{name}_status" in characterization and SAMPLE in array.dims
    )


def _samples(characterization: xr.Dataset, metric: str) -> tuple[Samples, tuple[str, ...]]:
    """A metric's arrays with the samples last, and the names of the other dimensions."""
    if metric not in metrics_in(characterization):
        known = ", ".join(metrics_in(characterization)) or "empty"
        raise StatisticsError(f"metric {metric!r} with its status is not in the characterization, which has {known}")
    value = characterization[metric].transpose(..., SAMPLE)
    status = characterization[f"{metric}_status"].transpose(*value.dims)
    side = value.attrs.get("fails_when")
    if side not in ("low", "high"):
        raise StatisticsError(f"{metric}: attribute fails_when={side!r} is not one of low, high")
    limit = float(value.attrs.get("fail_limit", np.nan))
    return Samples(value.values, status.values, side, limit), tuple(map(str, value.dims[:-1]))


def summarize(
    characterization: xr.Dataset, q: Sequence[float] = (0.01, 0.5, 0.99), confidence: float = 0.95
) -> xr.Dataset:
    """Moments, quantiles, counts and pass rate of every metric at every condition.

    Args:
        characterization: what ``charlib.characterize`` returns.
        q: quantiles wanted [1], each in 0..1.
        confidence: confidence level of the interval of the pass rate [1].

    Returns:
        Dataset without the dimension ``sample``; for each metric M: ``M_mean``, ``M_std`` (good samples),
        ``M_quantiles`` (dimension ``quantile``), ``M_n_ok``, ``M_n_failed``, ``M_n_unknown``, ``M_n_beyond`` (censored
        on the passing side), ``M_pass_rate`` (of the known samples), ``M_ci_low``, ``M_ci_high``. Attributes are kept.

    Raises:
        StatisticsError: a metric does not say which side fails, or ``q`` or ``confidence`` is out of range.
    """
    levels = np.asarray(q, dtype=float)
    if levels.ndim != 1 or not np.all((levels >= 0) & (levels <= 1)):
        raise StatisticsError(f"q={list(np.atleast_1d(levels))} is not a list of numbers in 0..1")
    found = xr.Dataset(attrs=characterization.attrs | {"title": "statistics of a characterization"})
    for metric in metrics_in(characterization):
        found = found.assign(_summary(characterization, metric, levels, confidence))
    kept = {dim: characterization[dim] for dim in found.dims if dim in characterization.coords}
    label = xr.DataArray(levels, dims="quantile", attrs={"units": "1", "long_name": "quantile"})
    return found.assign_coords({**kept, "quantile": label})


def _summary(
    characterization: xr.Dataset, metric: str, levels: np.ndarray, confidence: float
) -> dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, str]]]:
    """Variables of one metric: dimensions, values, attributes."""
    samples, dims = _samples(characterization, metric)
    attrs = characterization[metric].attrs
    name = attrs.get("long_name", metric)
    mean, std = moments(samples)
    counts = {
        "n_ok": samples.good,
        "n_failed": samples.failed,
        "n_unknown": unknown(samples.status),
        "n_beyond": ~samples.good & samples.passed,
    }
    passed, known = samples.passed.sum(-1), (~unknown(samples.status)).sum(-1)
    low, high = clopper_pearson(passed, known, confidence)
    plain = {"units": "1"}
    found = {
        "mean": (dims, mean, attrs | {"long_name": f"mean of {name}"}),
        "std": (dims, std, attrs | {"long_name": f"standard deviation of {name}"}),
        "quantiles": ((*dims, "quantile"), quantiles(samples, levels), attrs | {"long_name": f"quantiles of {name}"}),
        "pass_rate": (dims, passed / np.where(known > 0, known, np.nan), plain | {"long_name": f"pass rate of {name}"}),
        "ci_low": (dims, low, plain | {"long_name": f"lower {confidence:g} limit of the pass rate of {name}"}),
        "ci_high": (dims, high, plain | {"long_name": f"upper {confidence:g} limit of the pass rate of {name}"}),
    }
    for count, which in counts.items():
        found[count] = (dims, which.sum(-1), plain | {"long_name": f"samples of {name}: {COUNTS[count]}"})
    return {f"{metric}_{suffix}": variable for suffix, variable in found.items()}


COUNTS = {
    "n_ok": "good",
    "n_failed": "known failures without a value",
    "n_unknown": "unknown",
    "n_beyond": "beyond a bound on the passing side",
}
"""Counts of a summary and what they count."""


def normal_plot(characterization: xr.Dataset, metric: str) -> xr.Dataset:
    """Normal-probability plot of a metric at every condition.

    Returns:
        Dataset with ``value`` (the metric's unit, sorted) and ``score`` (standard deviations [1]), both with the
        dimension ``rank`` in place of ``sample``; see :func:`plot_positions`. A straight line means normal.

    Raises:
        StatisticsError: the metric is not there.
    """
    samples, dims = _samples(characterization, metric)
    value, score = plot_positions(samples)
    attrs = characterization[metric].attrs
    kept = {dim: characterization[dim] for dim in dims if dim in characterization.coords}
    return xr.Dataset(
        {
            "value": ((*dims, "rank"), value, attrs),
            "score": ((*dims, "rank"), score, {"units": "1", "long_name": "normal score"}),
        },
        coords={**kept, "rank": ("rank", np.arange(1, value.shape[-1] + 1), {"units": "1", "long_name": "rank"})},
        attrs=characterization.attrs,
    )
