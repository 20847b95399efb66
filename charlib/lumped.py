"""Thresholds of transistors that stand for many: where the current of one that is off is the mean of theirs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from charlib.errors import CharacterizationError
from charlib.session import Session, Solved
from charlib.variation import normals
from netlists.testbench import Lump, Testbench

GRID = np.linspace(-6.0, 6.0, 49)
"""Thresholds at which currents are measured, in standard deviations; in between their logarithms are straight lines.
A draw beyond is taken at the end; there is one in a thousand million.
"""

OffCurrents = Mapping[str, np.ndarray]
"""Path of a transistor to its current [A] with its threshold at each of ``GRID``, shape (point,)."""


def off_currents(session: Session, testbench: Testbench) -> OffCurrents:
    """Off-currents of the transistors that a testbench's lumps stand for; empty where it has no lumps.

    Raises:
        CharacterizationError: not solved.
    """
    off = testbench.off
    if off is None:
        return {}
    draws = np.repeat(GRID[:, None], len(off.knobs), axis=1)
    solutions = session.solve(off, off.knob_values(draws))
    for solution in solutions:
        if not isinstance(solution, Solved):
            raise CharacterizationError(
                f"off-currents of {testbench.name}: {solution.reason}; {'; '.join(solution.log)}"
            )
    currents = np.abs(np.stack([solution.data[:, 0] for solution in solutions], axis=1))
    return dict(zip(off.knobs, currents, strict=True))


def mean_draws(draws: np.ndarray, currents: np.ndarray) -> np.ndarray:
    """Draw at which one transistor's current is the mean of the currents at several draws, shape (sample,).

    Args:
        draws: shape (sample, member) [1].
        currents: at ``GRID`` [A], falling.
    """
    logarithms = np.log(currents)
    each = np.exp(np.interp(draws, GRID, logarithms))
    # Summed up from the first member to the last: a sum in pairs rounds differently with the shape of the array.
    mean = np.cumsum(each, axis=1)[:, -1] / draws.shape[1]
    return np.interp(-np.log(mean), -logarithms, GRID)


def lump_draws(lump: Lump, off: OffCurrents, seed: int, first: int, count: int) -> np.ndarray:
    """Draws of a lump from those of its members, for samples ``first`` to ``first + count - 1``, shape (sample,)."""
    return mean_draws(normals(lump.members, seed, first, count), off[lump.like])
