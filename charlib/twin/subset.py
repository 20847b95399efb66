"""The samples that ngspice judges: some drawn evenly, some the more often the further out they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from zlib import crc32

import numpy as np

Pieces = Callable[[], Iterator[np.ndarray]]
"""Gives the numbers of a testbench's samples in order, some at a time, shape (sample, metric or lobe)."""
WITHOUT = 4.0
"""How far out a sample without a number counts as [1], in standard deviations: a cell that fails is judged as well."""
FAR = 2
"""Of :attr:`Subset.tail`."""


@dataclass(frozen=True)
class Subset:
    """Samples for the judge.

    Attributes:
        samples: their numbers, shape (judged,); the same one may be drawn twice.
        weights: such that weighted sums over the subset estimate means over all samples; their sum is 1 on average.
        tail: 1 where drawn by how far out they are, 0 where drawn evenly, ``FAR`` where the samples themselves were
            moved evenly out, shape (judged,).
    """

    samples: np.ndarray
    weights: np.ndarray
    tail: np.ndarray


def everyone(count: int, kind: int = 0) -> Subset:
    """All of some samples, which count alike; ``kind`` as :attr:`Subset.tail`."""
    return Subset(np.arange(count), np.full(count, 1 / count), np.full(count, kind))


def distances(pieces: Pieces) -> Pieces:
    """How far out samples are in any metric or lobe, in standard deviations, pieces of shape (sample,)."""
    known = total = 0.0
    for piece in pieces():
        finite = np.isfinite(piece)
        known, total = known + finite.sum(axis=0), total + np.where(finite, piece, 0.0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / known
        squares = sum(np.where(np.isfinite(piece), (piece - mean) ** 2, 0.0).sum(axis=0) for piece in pieces())
        deviation = np.sqrt(squares / known)

    def of_piece(piece: np.ndarray) -> np.ndarray:
        off = np.abs(np.divide(piece - mean, deviation, out=np.zeros(piece.shape), where=deviation > 0))
        return np.where(np.isfinite(piece), off, WITHOUT).max(axis=1)

    return lambda: map(of_piece, pieces())


def choose(pieces: Pieces, count: int, size: int, seed: int, name: str) -> Subset:
    """Draw the samples of a testbench that are judged, half of them evenly, half the more often the further out.

    The chance of the latter goes by the fourth power of :func:`distances`, and they are drawn with replacement. The
    samples are gone through four times, and never all of them are in memory.

    Args:
        count: of samples. size: how many, at most as many as there are samples: then each is judged once.
        seed: of the run. name: of the testbench, which has random numbers of its own.
    """
    if size >= count:
        return everyone(count)
    rng = np.random.default_rng([seed, crc32(f"judge {name}".encode())])
    tail = size // 2
    even = rng.choice(count, size - tail, replace=False)
    far = distances(pieces)
    samples, chance = _drawn(lambda: (each**4 + 1e-3 for each in far()), even, rng.random(tail))
    # As of one draw from a mixture of the two, whichever drew it (Owen and Zhou, J. Am. Stat. Assoc. 95(449), 2000).
    weights = 1 / (even.size + tail * count * chance)
    return Subset(samples, weights, np.arange(size) >= even.size)


def _drawn(chances: Pieces, even: np.ndarray, uniform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Samples ``even`` and those that random numbers in 0..1 draw by relative chances, and the chance of each [1]."""
    whole = sum(piece.sum() for piece in chances())
    samples = np.concatenate([even, np.full(uniform.size, -1)])
    aims = np.concatenate([np.full(even.size, np.inf), uniform * whole])
    chance = np.full(samples.size, np.nan)
    first, below = 0, 0.0
    for piece in chances():
        upto = below + np.cumsum(piece)
        here = (samples < 0) & (aims < upto[-1])
        samples[here] = first + np.searchsorted(upto, aims[here], side="right")
        inside = (samples >= first) & (samples < first + piece.size)
        chance[inside] = piece[samples[inside] - first] / whole
        first, below, last = first + piece.size, upto[-1], piece[-1]
    beyond = samples < 0  # by the rounding of sums
    samples[beyond], chance[beyond] = first - 1, last / whole
    return samples, chance
