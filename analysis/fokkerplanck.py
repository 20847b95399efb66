"""Fokker-Planck equation of a perpendicular junction in mz: write errors down to any probability, and first passages.

Units as in :mod:`analysis.switching`. Finite volumes, uniform in the polar angle, joined by the rates of Scharfetter
and Gummel (IEEE Trans. Electron Devices 16, 64, 1969): a Markov chain between cells, whose equilibrium is Boltzmann's
law at the cells' centres. The chain is run exactly in time, as jumps whose number in a step is Poisson-distributed
(uniformization; Jensen, Skandinavisk Aktuarietidskrift 36, 87, 1953). Every operation adds or multiplies positive
numbers, so that a probability of 1e-20 has as many right digits as one of 0.1; what is left is the error of the grid,
which is told by a grid half as fine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

CELLS = 192
"""Cells from pole to pole; the second grid has half of them. Even, so that the equator is a face."""
DEVIATIONS, FURTHER = 10.0, 40
"""Jumps that are followed in a step beyond their mean: standard deviations, and further ones [1]. More happen with a
probability below 1e-21, and leave less unswitched than fewer do."""


@dataclass(frozen=True)
class Chain:
    """Markov chain of a junction at some barriers and drives, from mz = 1 to -1.

    Attributes:
        centre: mz of the cells [1], shape (cell,).
        down, up: rates from each cell to the next one and back [1], shape (cell - 1, case).
        rest: Boltzmann's law in the initial hemisphere without current, probabilities [1], shape (cell, case).
    """

    centre: np.ndarray
    down: np.ndarray
    up: np.ndarray
    rest: np.ndarray


def chain(delta: np.ndarray, drive: np.ndarray, cells: int = CELLS) -> Chain:
    """The chain at barriers over k_B T [1] and drives [1], both of shape (case,)."""
    angle = np.linspace(0.0, np.pi, cells + 1)
    face = np.cos(angle)
    centre, width = ((face[:-1] + face[1:]) / 2)[:, None], (face[:-1] - face[1:])[:, None]
    energy = delta * centre * (2 * drive - centre)
    step = np.diff(energy, axis=0)
    diffusion = (np.sin(angle[1:-1, None]) ** 2 / (2 * delta)) / (centre[:-1] - centre[1:])
    with np.errstate(over="ignore"):
        down, up = (diffusion / (special.exprel(s) * w) for s, w in ((step, width[:-1]), (-step, width[1:])))
    rest = np.where(centre > 0, width * np.exp(delta * (centre**2 - 1)), 0.0)
    return Chain(centre[:, 0], down, up, rest / rest.sum(0))


def _jump(share: np.ndarray, down: np.ndarray, up: np.ndarray, stay: np.ndarray) -> np.ndarray:
    """Probabilities after one jump of the uniform chain."""
    after = stay * share
    after[1:] += down * share[:-1]
    after[:-1] += up * share[1:]
    return after


def _on_grid(delta: np.ndarray, drive: np.ndarray, times: np.ndarray, cells: int) -> np.ndarray:
    """Unswitched probability [1] on one grid, shape (time, case); times of shape (time, case)."""
    found = chain(delta, drive, cells)
    leaving = np.zeros_like(found.rest)
    leaving[:-1] += found.down
    leaving[1:] += found.up
    fastest = leaving.max(0)
    moves = (found.down / fastest, found.up / fastest, 1 - leaving / fastest)
    above = found.centre > 0
    share, now, kept = found.rest, np.zeros(len(delta)), []
    for time in times:
        mean = fastest * (time - now)
        jumps = int(mean.max() + DEVIATIONS * np.sqrt(mean.max())) + FURTHER
        weight = stats.poisson.pmf(np.arange(jumps + 1)[:, None], mean)
        after = weight[0] * share
        for each in weight[1:]:
            share = _jump(share, *moves)
            after += each * share
        share, now = after, time
        kept.append(share[above].sum(0))
    return np.array(kept)


def unswitched(
    delta: np.ndarray, drive: np.ndarray, times: np.ndarray, cells: int = CELLS
) -> tuple[np.ndarray, np.ndarray]:
    """Probability that mz is still on its side at the end of a pulse, from Boltzmann's law at rest.

    Args:
        delta, drive: shape (case,). times: widths of pulses [1], ascending, shape (time, case).
        cells: of the finer of two grids, divisible by 4.

    Returns:
        Probability [1], extrapolated from both grids in its logarithm, shape (time, case); and bound of its relative
        error [1]: how far apart the grids are, which would bound even an error of first order.
    """
    coarse, fine = (np.log(_on_grid(delta, drive, times, n)) for n in (cells // 2, cells))
    apart = fine - coarse
    return np.minimum(np.exp(fine + apart / 3), 1.0), np.expm1(np.abs(apart))


def passages(delta: float, drive: float, to: float = 0.0, cells: int = CELLS) -> tuple[float, float]:
    """Mean and standard deviation [1] of the time at which a state at rest first comes to mz = ``to``.

    Sums over the chain up to the face next to ``to``; both are of positive numbers. Extrapolated from two grids.
    """
    coarse, fine = (np.log(_passages_on_grid(delta, drive, to, n)) for n in (cells // 2, cells))
    mean, std = np.exp(fine + (fine - coarse) / 3)
    return float(mean), float(std)


def _passages_on_grid(delta: float, drive: float, to: float, cells: int) -> np.ndarray:
    """The two numbers on one grid."""
    found = chain(np.array([delta]), np.array([drive]), cells)
    last = int(np.argmin(np.abs(np.cos(np.linspace(0.0, np.pi, cells + 1)) - to)))
    down, up, rest = found.down[:last, 0], found.up[: last - 1, 0], found.rest[:last, 0]
    # Weight of each cell in equilibrium over that of the first one; to the equator's face the rate out is the whole.
    weight = np.concatenate([[1.0], np.cumprod(down[:-1] / up)])
    raw, time = [], np.ones(last)
    for order in (1, 2):
        time = order * np.cumsum((np.cumsum(weight * time) / (weight * down))[::-1])[::-1]
        raw.append(float((rest / rest.sum() * time).sum()))
    return np.array([raw[0], np.sqrt(raw[1] - raw[0] ** 2)])
