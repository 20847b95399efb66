"""Energy that a column takes from its sources, each at its own level."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import numpy as np

from charlib.waveforms import Block, integral
from netlists.readpath import RISES, SUPPLIES

WHOLE = (0.0, np.inf)
"""The whole cycle [s]."""


def given(block: Block, state: str, supplies: Iterable[str] = SUPPLIES) -> np.ndarray:
    """Current [A] of those of some supplies that a stored state's column has, shape (sample, point)."""
    names = [name for supply in supplies if (name := f"v{supply}_{state}#branch") in block.vectors]
    return -sum((block[name] for name in names), np.zeros_like(block["time"]))


def _lifting(block: Block, state: str, supplies: Collection[str]) -> Iterator[tuple[float, np.ndarray]]:
    """How far a source lifts a line of some supplies [V], and what it gives [A], shape (sample, point)."""
    for line, supply in RISES.items():
        if f"v_{line}" in block.values and supply in supplies:
            rise = block.values[f"v_{line}"] - block.values["vdd"]
            yield rise, -block[f"v.x{state}.vrise_{line}#branch"]


def rest_power(block: Block, state: str, supplies: Iterable[str] = SUPPLIES) -> np.ndarray:
    """Power [W] of a stored state's column where the transient begins, shape (sample,), lines at their own levels.

    Args:
        supplies: as of :func:`energy`, which counts from here.
    """
    supplies = tuple(supplies)
    total = block.values["vdd"] * given(block, state, supplies)[:, 0]
    for rise, current in _lifting(block, state, supplies):
        total = total + rise * current[:, 0]
    return total


def moved(current: np.ndarray) -> np.ndarray:
    """A current [A] less what it is where the transient begins, shape (sample, point)."""
    return current - current[:, :1]


def energy(
    block: Block, state: str, supplies: Iterable[str] = SUPPLIES, spans: Iterable[tuple[float, float]] = (WHOLE,)
) -> np.ndarray:
    """Energy [J] of one stored state's column over spans of its cycle, less what leaks at its start, shape (sample,).

    A line that is not at VDD counts with its own level: what lifts or lowers it is an ideal source, which gets back
    what it is given.

    Args:
        supplies: of ``SUPPLIES``; those that the column does not have give nothing. spans: from and to [s].
    """
    time, vdd, spans = block["time"], block.values["vdd"], tuple(spans)
    supplies = tuple(supplies)

    def over(wave: np.ndarray) -> np.ndarray:
        # Spans begin and end where a source has a corner, so at points of the waveform.
        return sum(integral(np.clip(time, *span), wave) for span in spans)

    total = vdd * over(moved(given(block, state, supplies)))
    for rise, current in _lifting(block, state, supplies):
        total = total + rise * over(moved(current))
    if f"low_{state}" in block.vectors:
        total = total + over(block[f"low_{state}"] * moved(-block[f"vlow_{state}#branch"]))
    return total
