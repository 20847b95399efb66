"""Seeded variation: random numbers belong to devices, not to runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np

from charlib.errors import InvalidPlan

STREAM = 1024
"""Samples per block of random numbers."""


@dataclass(frozen=True)
class Variation:
    """Monte Carlo over process variation.

    Attributes:
        samples: number of samples.
        seed: of the random numbers.
        local: mismatch of each transistor by the technology's law.
        global_: variation that all transistors of a die share, by the technology's law; the results' process is then
            ``mc`` (typical cards), or ``mc_ss`` where it is drawn on top of a corner.
    """

    samples: int = 100
    seed: int = 1
    local: bool = True
    global_: bool = False

    def __post_init__(self) -> None:
        for name, low in (("samples", 1), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or not low <= value < 2**63:
                raise InvalidPlan(f"{name}={value!r} is not a whole number of at least {low} (variation.{name})")


def normals(paths: Iterable[str], seed: int, first: int, count: int) -> np.ndarray:
    """Standard normals of random paths, shape (count, path), for samples ``first`` to ``first + count - 1``.

    Path ``p``, sample ``i`` is row ``i % 1024`` of the block drawn by
    ``default_rng([seed, i // 1024, crc32(p)])``: sample ``i`` is the same cell at every condition, in every testbench,
    for any number of workers. A path is a transistor (its threshold), a transistor and another parameter, or what a die
    shares: ``cell.pd_l``, ``cell.pd_l:tox``, ``global.n``.

    >>> float(normals(["cell.pd_l"], 1, 3, 1)[0, 0]) == float(normals(["x", "cell.pd_l"], 1, 0, 5)[3, 1])
    True
    """
    samples = np.arange(first, first + count)
    columns = []
    for path in paths:
        parts = [_stream(path, seed, block) for block in range(samples[0] // STREAM, samples[-1] // STREAM + 1)]
        columns.append(np.concatenate(parts)[samples - samples[0] // STREAM * STREAM])
    return np.stack(columns, axis=1) if columns else np.empty((count, 0))


@lru_cache(maxsize=1024)
def _stream(path: str, seed: int, block: int) -> np.ndarray:
    """A block of a device's random numbers; the sixteen units that share it follow one another."""
    return np.random.default_rng([seed, block, crc32(path.encode())]).standard_normal(STREAM)
