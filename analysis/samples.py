"""Samples of a metric, read from a characterization a piece at a time, and what became of each.

A known failure (the operation did not happen, or the value lies beyond a bound on the failing side) has no value but
a rank: it is worse than every good sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import xarray as xr

from analysis.intervals import StatisticsError
from analysis.passes import Each
from charlib.arrays import SAMPLE, spans
from charlib.status import Status, known_failures, unknown

CENSORED = (Status.censored_low, Status.censored_high)


@dataclass(frozen=True)
class Samples:
    """Samples of one metric at one condition, and of one stored state where it has any; arrays of shape (sample,).

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
    def values(self) -> np.ndarray:
        """Values of the good samples, in the metric's unit."""
        return self.value[self.good]

    @property
    def ranked(self) -> np.ndarray:
        """Values to sort by: infinite on the failing side for a failure, on the other one for a censored pass."""
        worst = -np.inf if self.fails_when == "low" else np.inf
        value = np.where(self.good, self.value, -worst)
        return np.where(unknown(self.status), np.nan, np.where(self.failed, worst, value))

    @property
    def known(self) -> np.ndarray:
        """The same of the known samples."""
        return self.ranked[~unknown(self.status)]

    @property
    def beyond(self) -> tuple[np.ndarray, np.ndarray]:
        """Bounds below which censored samples lie, and bounds above which others do; NaN where there is none."""
        bound = np.full(self.value.shape, np.nan) if self.bound is None else self.bound
        return bound[self.status == Status.censored_low], bound[self.status == Status.censored_high]


Column = Iterable[Samples]
"""All samples of one metric at one condition, in pieces that can be gone over any number of times."""


@dataclass(frozen=True)
class Counts:
    """Samples of a column: all of them; good, failed, beyond a bound on the passing side, and unknown, which are each
    sample once; those that pass; censored ones, and those where the operation did not happen.
    """

    total: int
    n_ok: int
    n_failed: int
    n_beyond: int
    n_unknown: int
    passed: int
    censored: int
    not_performed: int

    @property
    def known(self) -> int:
        return self.total - self.n_unknown


def count(column: Column) -> Counts:
    """Counts of a column."""
    sums = np.zeros(8, int)
    for s in column:
        good, passed = s.good, s.passed
        masks = (s.failed, ~good & passed, unknown(s.status), passed, np.isin(s.status, CENSORED),
                 s.status == Status.not_performed)  # fmt: skip
        sums += s.status.size, good.sum(), *(mask.sum() for mask in masks)
    return Counts(*map(int, sums))


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


def column(characterization: xr.Dataset, metric: str, place: Mapping[str, int] | None = None) -> Column:
    """The samples of a metric at one condition, of a file read piece by piece while they are gone over.

    The last piece is kept: where it is the only one, what is gone over again is not read again.

    Args:
        metric: of one stored state, ``<metric>_lobes`` with ``lobe`` in ``place``, too.
        place: index along the metric's dimensions but for the sample; None where these have no others left.

    Raises:
        StatisticsError: the metric is not there, or does not say which side fails.
    """
    if metric not in characterization or f"{metric}_status" not in characterization:
        known = ", ".join(metrics_in(characterization)) or "empty"
        raise StatisticsError(f"metric {metric!r} with its status is not in the characterization, which has {known}")
    attrs = characterization.variables[metric].attrs
    side, limit = attrs.get("fails_when"), float(attrs.get("fail_limit", np.nan))
    if side not in ("low", "high"):
        raise StatisticsError(f"{metric}: attribute fails_when={side!r} is not one of low, high")
    pieces = list(spans(characterization.sizes[SAMPLE]))

    def part(name: str, i: int) -> np.ndarray:
        return characterization.variables[name].isel({**(place or {}), SAMPLE: pieces[i]}).values

    @lru_cache(maxsize=1)
    def read(i: int) -> Samples:
        status, bound = part(f"{metric}_status", i), f"{metric}_bound"
        bounded = bound in characterization and np.isin(status, CENSORED).any()
        return Samples(part(metric, i), status, side, limit, part(bound, i) if bounded else None)

    return Each(read, range(len(pieces)))


def place_by_place(
    characterization: xr.Dataset, metric: str, numbers: Callable[[Column], Mapping[str, object]]
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Numbers of a metric's samples, at one condition and of one stored state at a time: no more of a file is read.

    Args:
        numbers: numbers or arrays by name, of a column.

    Returns:
        By name the numbers over the dimensions of the metric but for the sample, in front of their own; these
        dimensions.
    """
    sizes = {str(d): n for d, n in characterization[metric].sizes.items() if d != SAMPLE}
    found = [
        numbers(column(characterization, metric, dict(zip(sizes, place, strict=True))))
        for place in np.ndindex(*sizes.values())
    ]
    whole = {
        name: np.reshape([f[name] for f in found], (*sizes.values(), *np.shape(found[0][name]))) for name in found[0]
    }
    return whole, tuple(sizes)


def states(
    characterization: xr.Dataset, metric: str, numbers: Callable[[Column], Mapping[str, object]]
) -> list[tuple[str, dict[str, np.ndarray], tuple[str, ...]]]:
    """Label, numbers of :func:`place_by_place` and their dimensions of a metric in each stored state.

    Of the metric itself where it has none.
    """
    lobes = f"{metric}_lobes"
    found, dims = place_by_place(characterization, lobes if lobes in characterization else metric, numbers)
    if "lobe" not in dims:
        return [(metric, found, dims)]
    axis, rest = dims.index("lobe"), tuple(dim for dim in dims if dim != "lobe")
    return [
        (f"{metric} {lobe}", {name: values.take(i, axis) for name, values in found.items()}, rest)
        for i, lobe in enumerate(characterization["lobe"].values)
    ]


def logarithmic(samples: Samples) -> Samples:
    """Samples of a positive metric in its logarithm, bounds and limit included; NaN where it is below 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = None if samples.bound is None else np.log(samples.bound)
        return replace(samples, value=np.log(samples.value), bound=bound, fail_limit=np.log(samples.fail_limit))
