"""Cycles in which samples are right, one interval for each, and counts of them: a condition and a piece at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import xarray as xr

from analysis.intervals import quantile_ranks
from analysis.passes import Each, Pieces, order_statistics
from analysis.samples import Samples, column
from charlib.arrays import SAMPLE
from charlib.status import Status, unknown


@dataclass(frozen=True)
class Right:
    """Cycles [s] in which each of some samples is right, every array of shape (sample,).

    The shortest of them lies in ``low[0]..low[1]``, the longest in ``high[0]..high[1]``: the same number twice where a
    sample has values, apart where it is censored or unknown. A sample that errs at every cycle has an infinite
    shortest and a negatively infinite longest one.
    """

    low: tuple[np.ndarray, np.ndarray]
    high: tuple[np.ndarray, np.ndarray]

    def both(self, other: Right) -> Right:
        """Cycles in which a sample is right in two respects."""
        low = tuple(map(np.maximum, self.low, other.low))
        high = tuple(map(np.minimum, self.high, other.high))
        never = np.isposinf(low[0]) | np.isneginf(high[1])
        return Right(
            tuple(np.where(never, np.inf, end) for end in low), tuple(np.where(never, -np.inf, end) for end in high)
        )

    def errs(self, cycle: float) -> tuple[int, int]:
        """Samples known to err at a cycle, and those of which it is not known."""
        wrong = (cycle < self.low[0]) | (cycle > self.high[1])
        right = (cycle >= self.low[1]) & (cycle <= self.high[0])
        return wrong.sum(), (~wrong & ~right).sum()

    def ends(self, sign: int) -> tuple[np.ndarray, np.ndarray]:
        """Between what the shortest cycles lie (sign 1), or the longest with their sign turned (-1)."""
        return self.low if sign == 1 else (-self.high[1], -self.high[0])


@dataclass(frozen=True)
class Everywhere:
    """Cycles in which samples are right in one or more respects, at all conditions.

    Attributes:
        shape: of the conditions. n: samples. each: for each condition pieces of them.
    """

    shape: tuple[int, ...]
    n: int
    each: Sequence[Iterable[Right]]

    def errs(self, cycles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Samples known to err at each cycle, and those of which it is not known: counts, shape (..., cycle)."""
        counts = [sum(np.array([piece.errs(c) for c in cycles]) for piece in pieces) for pieces in self.each]
        return tuple(np.moveaxis(np.reshape(counts, (*self.shape, cycles.size, 2)), -1, 0))

    def lost(self) -> np.ndarray:
        """Samples that err at every cycle: counts, shape (...)."""
        counts = [sum(np.isposinf(piece.low[0]).sum() for piece in pieces) for pieces in self.each]
        return np.reshape(counts, self.shape)

    def limits(self, sign: int, rate: float, confidence: float) -> tuple[np.ndarray, ...]:
        """What :func:`_counted_limit` gives, arrays of shape (...)."""
        found = []
        for pieces in self.each:
            lower, upper = (Each(lambda right, i=i: right.ends(sign)[i], pieces) for i in (0, 1))
            found.append(_counted_limit(lower, upper, self.n, rate, confidence))
        return tuple(np.reshape(part, self.shape) for part in zip(*found, strict=True))


def right_everywhere(data: xr.Dataset, dims: Sequence[str], shares: Mapping[str, float]) -> Everywhere:
    """Cycles in which the samples are right in all of some metrics, which have shares of the cycle."""

    def right(*pieces: Samples) -> Right:
        return reduce(Right.both, [_right(s, n, shares[n]) for n, s in zip(shares, pieces, strict=True)])

    shape = tuple(data.sizes[dim] for dim in dims)
    places = (dict(zip(dims, place, strict=True)) for place in np.ndindex(*shape))
    each = [Each(right, *(column(data, name, place) for name in shares)) for place in places]
    return Everywhere(shape, data.sizes[SAMPLE], each)


def _right(samples: Samples, name: str, share: float) -> Right:
    """Cycles in which one metric is right, sample by sample."""
    lower, upper = _ends(samples)
    nothing, everything = np.full(lower.shape, -np.inf), np.full(lower.shape, np.inf)
    if np.isnan(share):
        ends = (
            np.where(lower > samples.fail_limit, np.inf, -np.inf),
            np.where(upper > samples.fail_limit, np.inf, -np.inf),
        )
        one = Right((nothing, nothing), ends)
    elif samples.fails_when == "high":
        one = Right((lower / share, upper / share), (everything, everything))
    else:
        one = Right((nothing, nothing), (lower / share, upper / share))
    return one.both(Right((nothing, nothing), (everything, everything)))


def _ends(samples: Samples) -> tuple[np.ndarray, np.ndarray]:
    """Between what each true value lies; a failure without a value is infinitely bad, an unknown one anything."""
    bound = np.full(samples.value.shape, np.nan) if samples.bound is None else samples.bound
    low, high = samples.status == Status.censored_low, samples.status == Status.censored_high
    worst = np.inf if samples.fails_when == "high" else -np.inf
    known = np.where(samples.status == Status.not_performed, worst, samples.value)
    lost = unknown(samples.status)
    lower = np.where(lost | low, -np.inf, np.where(high, np.nan_to_num(bound, nan=-np.inf), known))
    upper = np.where(lost | high, np.inf, np.where(low, np.nan_to_num(bound, nan=np.inf), known))
    return lower, upper


def _counted_limit(
    lower: Pieces, upper: Pieces, n: int, rate: float, confidence: float
) -> tuple[float, Status, float, float, float]:
    """Number above which no more than a share of the samples lies: value, status, bound, interval.

    Args:
        lower, upper: between what each of ``n`` samples' number lies.
    """
    below, above = quantile_ranks(n, np.array(1 - rate), confidence)
    rank = n - int(np.floor(rate * n))
    low, least = order_statistics(lower, n, np.array([rank, below]))
    high, most = order_statistics(upper, n, np.array([rank, above]))
    status = np.select(
        [np.isposinf(low), low == high and np.isfinite(low), np.isposinf(high) and np.isfinite(low),
         np.isneginf(low) and np.isfinite(high)],
        [Status.not_performed, Status.ok, Status.censored_high, Status.censored_low], Status.suspect,
    )  # fmt: skip
    bound = np.select([status == Status.censored_high, status == Status.censored_low], [low, high], np.nan)
    return low, status, bound, least, most
