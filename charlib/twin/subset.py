"""The samples that ngspice judges: some drawn evenly, some the more often the further out they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from zlib import crc32

import numpy as np

Pieces = Callable[[], Iterator[np.ndarray]]
"""Gives the numbers of a testbench's samples in order, some at a time, shape (sample, metric or lobe)."""


@dataclass(frozen=True)
class Subset:
    """Samples for the judge.

    Attributes:
        samples: their numbers, shape (judged,); the same one may be drawn twice.
        weights: such that weighted means over the subset estimate means over all samples; they sum to 1.
        tail: those drawn by how far out they are, shape (judged,).
    """

    samples: np.ndarray
    weights: np.ndarray
    tail: np.ndarray


def everyone(count: int) -> Subset:
    """All of some samples, which count alike."""
    return Subset(np.arange(count), np.full(count, 1 / count), np.zeros(count, dtype=bool))


def distances(pieces: Pieces) -> Iterator[np.ndarray]:
    """How far out each sample is in any metric or lobe, in standard deviations, shape (sample,), piece by piece."""
    known = sum(np.isfinite(piece).sum(axis=0) for piece in pieces())
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = _sums(pieces, lambda piece: piece) / known
        deviation = np.sqrt(_sums(pieces, lambda piece: (piece - mean) ** 2) / known)
        for piece in pieces():
            far = np.where(np.isfinite(piece) & (deviation > 0), np.abs(piece - mean) / deviation, 0.0)
            yield far.max(axis=1, initial=0.0)


def _sums(pieces: Pieces, term: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Sums of a term over the samples with a number, shape (metric or lobe,)."""
    return sum(
        np.array([column[np.isfinite(column)].sum() for column in term(np.asarray(piece, dtype=float)).T])
        for piece in pieces()
    )


def choose(pieces: Pieces, count: int, size: int, seed: int, name: str) -> Subset:
    """Draw the samples of a testbench that are judged, half of them evenly, half the more often the further out.

    The chance of the latter goes by the fourth power of :func:`distances`, and they are drawn with replacement. The
    samples are gone through several times, and never all of them are in memory.

    Args:
        count: of samples. size: how many, at most as many as there are samples: then each is judged once.
        seed: of the run. name: of the testbench, which has random numbers of its own.
    """
    if size >= count:
        return everyone(count)
    rng = np.random.default_rng([seed, crc32(f"judge {name}".encode())])
    tail = size // 2
    even = rng.choice(count, size - tail, replace=False)
    far, chance = _drawn(lambda: (far**4 + 1e-3 for far in distances(pieces)), rng.random(tail))
    # Two estimates of the same mean, by their sizes: plain, and Hansen and Hurwitz's (Ann. Math. Stat. 14(4), 1943).
    weights = np.concatenate([np.full(even.size, 1.0), 1 / (count * chance)]) / size
    return Subset(np.concatenate([even, far]), weights, np.arange(size) >= even.size)


def _drawn(chances: Pieces, uniform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Samples that random numbers in 0..1 draw by relative chances, and the chance of each [1]."""
    whole = sum(piece.sum() for piece in chances())
    drawn, chance = np.zeros(uniform.size, dtype=int), np.full(uniform.size, np.nan)
    first, below = 0, 0.0
    for piece in chances():
        upto = below + np.cumsum(piece)
        here = np.isnan(chance) & (uniform * whole < upto[-1])
        at = np.searchsorted(upto, uniform[here] * whole, side="right")
        drawn[here], chance[here] = first + at, piece[at] / whole
        first, below, last = first + piece.size, upto[-1], piece[-1]
    beyond = np.isnan(chance)  # by the rounding of sums
    drawn[beyond], chance[beyond] = first - 1, last / whole
    return drawn, chance
