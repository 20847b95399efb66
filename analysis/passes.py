"""Moments, order statistics and counts of any number of samples, in passes over pieces of them.

Every function takes pieces that can be gone over any number of times, such as a list of arrays or an :class:`Each`, and
holds one of them at a time. How the samples are cut changes the rounding of sums, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from charlib import arrays

A = TypeVar("A")
Pieces = Iterable[np.ndarray]
FEWEST = 20
"""Different numbers up to which they are counted, and from which on the test of normality holds: its approximation of
the kurtosis's distribution does from there on."""
BITS = 64
"""Of a number [1]."""
TALLIES = 20
"""Bits of the number of counts that a pass of a selection makes [1]: 8 MB."""
SIGN = np.uint64(1 << 63)


class Each(Generic[A]):
    """A ``map`` over pieces that can be gone over again; it makes each while it is gone over.

    >>> twice = Each(lambda piece: 2 * piece, [np.arange(2.0), np.arange(3.0)])
    >>> [piece.sum().item() for piece in twice], [piece.size for piece in twice]
    ([2.0, 6.0], [2, 3])
    """

    def __init__(self, make: Callable[..., A], *of: Iterable) -> None:
        self.make, self.of = make, of

    def __iter__(self) -> Iterator[A]:
        return map(self.make, *self.of)


@dataclass(frozen=True)
class Moments:
    """What sums over numbers tell.

    Attributes:
        n: numbers [1]. low, high: least and greatest, infinite without any.
        different: different ones among them, ``FEWEST`` if there are more.
        mean: NaN without a number.
        squares, cubes, fourths: sums of the second, third and fourth powers of the distances from the mean.
    """

    n: int
    low: float
    high: float
    different: int
    mean: float
    squares: float
    cubes: float
    fourths: float

    @property
    def std(self) -> float:
        """Standard deviation (n - 1 in the divisor); NaN below two numbers."""
        return float(np.sqrt(self.squares / (self.n - 1))) if self.n > 1 else np.nan

    @property
    def skewness(self) -> float:
        """NaN where fewer than ``FEWEST`` numbers are different."""
        return float(self.cubes / self.n / (self.squares / self.n) ** 1.5) if self.different >= FEWEST else np.nan

    @property
    def kurtosis(self) -> float:
        """In excess of a normal distribution's; NaN where fewer than ``FEWEST`` numbers are different."""
        return float(self.fourths / self.n / (self.squares / self.n) ** 2 - 3) if self.different >= FEWEST else np.nan


def moments(pieces: Pieces) -> Moments:
    """Moments of numbers in two passes, the second of distances from the mean: no digits are lost by squares."""
    n, total, low, high, seen = 0, 0.0, np.inf, -np.inf, np.empty(0)
    for piece in pieces:
        n, total = n + piece.size, total + piece.sum()
        low, high = (float(end(piece, initial=at)) for end, at in ((np.min, low), (np.max, high)))
        if seen.size < FEWEST:
            seen = np.unique(np.append(seen, piece))[:FEWEST]
    mean = float(total / n) if n else np.nan
    sums = np.zeros(3)
    for piece in pieces:
        away = piece - mean
        square = away * away
        sums += square.sum(), (square * away).sum(), (square * square).sum()
    return Moments(n, low, high, seen.size, mean, *map(float, sums))


def histogram(pieces: Pieces, bins: int, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Numbers in bins of equal width, shape (bin,), and the ends of these, shape (bin + 1,)."""
    counts = sum(np.histogram(piece, bins, (low, high))[0] for piece in pieces)
    return counts, np.histogram_bin_edges(np.array([low, high]), bins)


def order_statistics(pieces: Pieces, n: int, ranks: np.ndarray) -> np.ndarray:
    """Numbers at ranks of all of them sorted, exactly.

    Radix selection: a pass counts the numbers by their leading bits, the next ones by further bits of those alone that
    share theirs with a number at a rank, until so few are left that they can be sorted. Ten passes at most; none but
    the sort for up to a piece of numbers.

    Args:
        pieces: ``n`` numbers, infinite ones included, without NaN.
        ranks: from 1, any shape; rank 0 is minus infinity and rank n + 1 infinity.

    Source: Knuth, The Art of Computer Programming, vol. 3, 2nd ed., 1998, 5.2.5, for sorting by digits.
    """
    wanted = np.clip(np.asarray(ranks).ravel(), 1, max(n, 1)) - 1
    shift, heads, before, count = BITS, np.zeros(1, np.uint64), np.zeros(1, int), np.array([n])
    while count.sum() > arrays.PIECE and shift:
        shift, heads, before, count = _narrowed(pieces, wanted, shift, heads, before)
    at = np.searchsorted(before, wanted, "right") - 1
    if shift:
        left = [_under(piece, heads, shift)[0] for piece in pieces]
        keys = np.sort(np.concatenate([*left, np.zeros(int(n == 0), np.uint64)]))
        found = keys[(np.cumsum(count) - count)[at] + wanted - before[at]]
    else:
        found = heads[at]
    values = np.where(found & SIGN, found ^ SIGN, ~found).view(float).reshape(np.shape(ranks))
    return np.where(np.less(ranks, 1), -np.inf, np.where(np.greater(ranks, n), np.inf, values))


def _narrowed(
    pieces: Pieces, wanted: np.ndarray, shift: int, heads: np.ndarray, before: np.ndarray
) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
    """One pass of a selection.

    Args:
        wanted: ranks from 0. shift: bits that heads leave open. heads: leading bits of the keys that are looked at,
            rising. before: number of keys below each.

    Returns:
        ``shift``, ``heads`` and ``before`` with more bits decided; keys that have each head.
    """
    digits = min(max(TALLIES - (heads.size - 1).bit_length(), 1), shift)
    tally = np.zeros(heads.size << digits, int)
    mask = np.uint64((1 << digits) - 1)
    for piece in pieces:
        key, row = _under(piece, heads, shift)
        digit = (key >> np.uint64(shift - digits) & mask).astype(int)
        at, times = np.unique((row << digits) + digit, return_counts=True)
        tally[at] += times
    rows = tally.reshape(heads.size, -1)
    start = (before[:, None] + np.cumsum(rows, axis=1) - rows).ravel()
    kept = np.unique(np.searchsorted(start, wanted, "right") - 1)
    heads = heads[kept >> digits] << np.uint64(digits) | (kept.astype(np.uint64) & mask)
    return shift - digits, heads, start[kept], tally[kept]


def _under(piece: np.ndarray, heads: np.ndarray, shift: int) -> tuple[np.ndarray, np.ndarray]:
    """Sorted keys of a piece that have one of some heads, and which of them.

    A key is the number's bits, turned such that keys are in the order of the numbers.
    """
    bits = np.add(piece, 0.0, dtype=float).view(np.uint64)  # minus zero becomes zero
    keys = np.sort(np.where(bits & SIGN, ~bits, bits | SIGN))
    least, open_ = heads << np.uint64(shift), np.uint64((1 << shift) - 1)
    first, end = np.searchsorted(keys, least), np.searchsorted(keys, least | open_, "right")
    row = np.repeat(np.arange(heads.size), end - first)
    return keys[np.arange(row.size) + (first - np.cumsum(end - first) + end - first)[row]], row
