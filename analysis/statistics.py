"""Statistics of characterized samples that count every sample: good, known failure, or unknown.

A known failure (the operation did not happen, or the value lies beyond a bound on the failing side) has no value but
a rank: it is worse than every good sample. It counts in quantiles, in plot positions and in the pass rate. An unknown
sample counts in ``n_unknown`` and widens the interval of the pass rate, whose lower limit takes it for a failure and
whose upper limit for a pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace

import numpy as np
import xarray as xr
from scipy import stats

from analysis import intervals
from analysis.censored import Fit, fit_normal
from analysis.intervals import StatisticsError, clopper_pearson
from charlib.status import Status, known_failures, unknown

SAMPLE = "sample"
PARTS = tuple(f"{stem}{end}" for stem in ("", "_lobes", "_nominal") for end in ("", "_status", "_bound"))
"""Suffixes of the variables of one metric."""


@dataclass(frozen=True)
class Samples:
    """One metric as arrays of shape ``(..., sample)``.

    Attributes:
        value: values in the metric's unit, NaN where there is none.
        status: flags of ``charlib.status.Status``.
        fails_when: ``low`` or ``high``.
        fail_limit: limit in the metric's unit; a value on it or beyond fails; infinite or NaN if there is none.
        bound: of censored samples, in the metric's unit; None where no sample has one.
    """

    value: np.ndarray
    status: np.ndarray
    fails_when: str
    fail_limit: float
    bound: np.ndarray | None = None

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
        """Samples that meet the limit; a value beyond a bound on the passing side counts as met, no number never."""
        limit = np.nan_to_num(self.fail_limit, nan=-np.inf if self.fails_when == "low" else np.inf)
        within = self.value > limit if self.fails_when == "low" else self.value < limit
        return ~unknown(self.status) & ~self.failed & (within | ~self.good)

    @property
    def ranked(self) -> np.ndarray:
        """Values to sort by: infinite on the failing side for a failure, on the other one for a censored pass."""
        worst = -np.inf if self.fails_when == "low" else np.inf
        value = np.where(self.good, self.value, -worst)
        return np.where(unknown(self.status), np.nan, np.where(self.failed, worst, value))


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


def fits(samples: Samples) -> Fit:
    """Censored normal fits along the samples: fields of shape ``(...)``, see :func:`analysis.censored.fit_normal`.

    Good samples are exact, censored ones lie beyond their bounds. An operation that did not happen has no value that
    could lie anywhere: the fit is about the samples in which it did. Unknown samples are left out. NaN where a
    censored sample has no bound: without it the fit would be biased.
    """
    low, high = samples.status == Status.censored_low, samples.status == Status.censored_high
    bound = np.full(samples.value.shape, np.nan) if samples.bound is None else samples.bound
    known = np.where(samples.good, samples.value, np.nan)
    lower = np.where(low, -np.inf, np.where(high, bound, known))
    upper = np.where(high, np.inf, np.where(low, bound, known))
    fair = ~((low | high) & np.isnan(bound)).any(-1)
    places = list(np.ndindex(known.shape[:-1]))
    found = [astuple(fit_normal(lower[place], upper[place]) if fair[place] else Fit()) for place in places]
    return Fit(*np.reshape(found, (*known.shape[:-1], len(fields(Fit)))).transpose(-1, *range(known.ndim - 1)))


def normal_fits(samples: Samples) -> Fit:
    """Mean and standard deviation with their errors, fields of shape ``(...)``: moments where nothing is censored.

    The moments' errors are those of a normal distribution; elsewhere :func:`fits`.
    """
    mean, std = moments(samples)
    n = samples.good.sum(-1)
    freedom = np.where(n > 1, n - 1, np.nan)
    plain = astuple(Fit(mean, std, std / np.sqrt(freedom + 1), std / np.sqrt(2 * freedom)))
    censored = np.isin(samples.status, (Status.censored_low, Status.censored_high)).any(-1)
    fitted = astuple(fits(samples)) if censored.any() else plain
    return Fit(*(np.where(censored, f, p) for f, p in zip(fitted, plain, strict=True)))


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
        for name in characterization.data_vars
        if f"{name}_status" in characterization and SAMPLE in characterization.variables[name].dims
    )


def primary_metrics(characterization: xr.Dataset) -> tuple[str, ...]:
    """Metrics without their parts per stored state."""
    return tuple(name for name in metrics_in(characterization) if "lobe" not in characterization.variables[name].dims)


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


def metric_samples(
    characterization: xr.Dataset, metric: str, place: Mapping[str, int] | None = None
) -> tuple[Samples, tuple[str, ...]]:
    """A metric's arrays with the samples last, and the names of the other dimensions.

    Args:
        place: index along some of those dimensions, which are then dropped, and of a file only that is read.
    """
    if metric not in characterization or f"{metric}_status" not in characterization:
        known = ", ".join(metrics_in(characterization)) or "empty"
        raise StatisticsError(f"metric {metric!r} with its status is not in the characterization, which has {known}")

    def part(name: str) -> xr.Variable:
        return characterization.variables[name].isel(place or {}).compute()

    value = part(metric).transpose(..., SAMPLE)
    side = value.attrs.get("fails_when")
    if side not in ("low", "high"):
        raise StatisticsError(f"{metric}: attribute fails_when={side!r} is not one of low, high")
    limit = float(value.attrs.get("fail_limit", np.nan))
    status, bound = part(f"{metric}_status").transpose(*value.dims), None
    if f"{metric}_bound" in characterization:
        bound = part(f"{metric}_bound").transpose(*value.dims).values
    return Samples(value.values, status.values, side, limit, bound), tuple(map(str, value.dims[:-1]))


def place_by_place(
    characterization: xr.Dataset, metric: str, numbers: Callable[[Samples], Mapping[str, object]]
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Numbers of a metric's samples, at one condition and of one stored state at a time: no more of a file is read.

    Args:
        numbers: numbers or arrays of samples of shape (sample,), by name.

    Returns:
        By name the numbers over the dimensions of the metric but for the sample, in front of their own; these
        dimensions.
    """
    sizes = {str(d): n for d, n in characterization[metric].sizes.items() if d != SAMPLE}
    found = [
        numbers(metric_samples(characterization, metric, dict(zip(sizes, place, strict=True)))[0])
        for place in np.ndindex(*sizes.values())
    ]
    whole = {
        name: np.reshape([f[name] for f in found], (*sizes.values(), *np.shape(found[0][name]))) for name in found[0]
    }
    return whole, tuple(sizes)


def states(characterization: xr.Dataset, metric: str) -> list[tuple[str, Samples, tuple[str, ...]]]:
    """Label, samples and dimensions of a metric in each stored state; of the metric itself where it has none."""
    lobes = f"{metric}_lobes"
    samples, dims = metric_samples(characterization, lobes if lobes in characterization else metric)
    if "lobe" not in dims:
        return [(metric, samples, dims)]
    axis, rest = dims.index("lobe"), tuple(dim for dim in dims if dim != "lobe")
    return [
        (f"{metric} {lobe}", _taken(samples, axis, i), rest) for i, lobe in enumerate(characterization["lobe"].values)
    ]


def _taken(samples: Samples, axis: int, i: int) -> Samples:
    """One lobe of a metric."""
    bound = None if samples.bound is None else samples.bound.take(i, axis)
    return replace(samples, value=samples.value.take(i, axis), status=samples.status.take(i, axis), bound=bound)


def logarithmic(samples: Samples) -> Samples:
    """Samples of a positive metric in its logarithm, bounds and limit included; NaN where it is below 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = None if samples.bound is None else np.log(samples.bound)
        return replace(samples, value=np.log(samples.value), bound=bound, fail_limit=np.log(samples.fail_limit))


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
    found = _over_metrics(characterization, lambda s: _numbers(s, levels, confidence) | _counts(s, confidence))
    label = xr.DataArray(levels, dims="quantile", attrs={"units": "1", "long_name": "quantile"})
    about = {"title": "statistics of a characterization", "confidence": confidence}
    return found.assign_coords(quantile=label).assign_attrs(about)


def pass_rates(characterization: xr.Dataset, confidence: float = 0.95) -> xr.Dataset:
    """Counts and pass rates of every metric at every condition: those variables of :func:`summarize`, alone.

    Raises:
        StatisticsError: a metric does not say which side fails, or ``confidence`` is out of range.
    """
    found = _over_metrics(characterization, lambda s: _counts(s, confidence))
    return found.assign_attrs(title="pass rates of a characterization", confidence=confidence)


def _over_metrics(characterization: xr.Dataset, numbers: Callable[[Samples], Mapping[str, object]]) -> xr.Dataset:
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


def _numbers(samples: Samples, levels: np.ndarray, confidence: float) -> dict[str, np.ndarray]:
    """Moments, quantiles, normality and censored fit of one metric, by suffix of :data:`REPORT`."""
    mean, std = moments(samples)
    n = samples.good.sum(-1)
    mean_low, mean_high = intervals.mean_interval(mean, std, n, confidence)
    std_low, std_high = intervals.std_interval(std, n, confidence)
    ordered = np.sort(samples.ranked, axis=-1)
    quantile_low, quantile_high = intervals.quantile_interval(ordered, levels, confidence)
    skewness, kurtosis, p_value = intervals.normality(np.where(samples.good, samples.value, np.nan))
    fit = fits(samples)
    return {
        "mean": mean,
        "mean_se": std / np.sqrt(np.where(n > 0, n, np.nan)),
        "mean_ci_low": mean_low,
        "mean_ci_high": mean_high,
        "std": std,
        "std_ci_low": std_low,
        "std_ci_high": std_high,
        "quantiles": quantiles(samples, levels),
        "quantiles_ci_low": quantile_low,
        "quantiles_ci_high": quantile_high,
        "skewness": skewness,
        "kurtosis": kurtosis,
        "normality_p": p_value,
        "fit_mean": fit.mean,
        "fit_mean_se": fit.mean_se,
        "fit_std": fit.std,
        "fit_std_se": fit.std_se,
    }


def _counts(samples: Samples, confidence: float) -> dict[str, np.ndarray]:
    """Counts and pass rate of one metric, by suffix of :data:`REPORT`."""
    lost = unknown(samples.status)
    passed, known, everything = samples.passed.sum(-1), (~lost).sum(-1), samples.status.shape[-1]
    low, _ = clopper_pearson(passed, everything, confidence)
    _, high = clopper_pearson(passed + lost.sum(-1), everything, confidence)
    return {
        "n_ok": samples.good.sum(-1),
        "n_failed": samples.failed.sum(-1),
        "n_unknown": lost.sum(-1),
        "n_beyond": (~samples.good & samples.passed).sum(-1),
        "n_fails": known - passed,
        "pass_rate": passed / np.where(known > 0, known, np.nan),
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


def normal_plot(characterization: xr.Dataset, metric: str) -> xr.Dataset:
    """Normal-probability plot of a metric at every condition.

    Returns:
        Dataset with ``value`` (the metric's unit, sorted) and ``score`` (standard deviations [1]), both with the
        dimension ``rank`` in place of ``sample``; see :func:`plot_positions`. A straight line means normal.

    Raises:
        StatisticsError: the metric is not there.
    """
    samples, dims = metric_samples(characterization, metric)
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
