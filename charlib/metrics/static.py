"""Currents of the cell at DC, per stored state."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from charlib.metrics.butterfly import LOBES
from charlib.metrics.stored import apart
from charlib.status import Status
from charlib.waveforms import Block, Measured, measured

SUPPLIES = ("vdd", "bl", "blb")
"""Where current comes from: the cell's supply and its two bit lines."""


def _lost(block: Block) -> np.ndarray:
    """True where the cell ends in another state than it should be in, shape (sample, lobe)."""
    return np.stack([apart(block, state)[:, -1] for state in LOBES], axis=1) <= 0


def i_read(block: Block) -> Measured:
    """Current [A] from the bit line into the cell's low node, word line on, lines precharged, shape (sample, lobe).

    Of a cell with a read port it is what tells its states apart: the current of the read bit line in the one that
    conducts less that in the other, one number for both. A cell that loses the state at DC is ``not_performed``.
    """
    if "vrbl_q#branch" in block.vectors:
        on, off = (block[f"vrbl_{state}#branch"][:, -1] for state in LOBES)
        read = np.abs(on - off)
        return measured(np.stack([read, read], axis=1), ((_lost(block), Status.not_performed, np.nan),))
    # The low node of state q is Q-bar, which BLB discharges into, and the other way round.
    lines = {"q": "blb", "qb": "bl"}
    current = np.stack([-block[f"v{lines[state]}_{state}#branch"][:, -1] for state in LOBES], axis=1)
    return measured(current, ((_lost(block), Status.not_performed, np.nan),))


def i_leak(block: Block) -> Measured:
    """Leakage [A] of a cell that holds, the sum over its supply and both bit lines, shape (sample, lobe).

    The word line is at 0 and both bit lines are precharged. A cell that cannot hold the state is ``not_performed``.
    """
    return _leak(block, SUPPLIES)


def _leak(block: Block, supplies: Sequence[str]) -> Measured:
    """Current [A] out of some supplies; that of a read bit line with a source of its own counts as the cell's supply's.

    Where the two are at one level, the read bit line rests on the cell's supply.
    """
    apart = ("rbl",) if "vdd" in supplies and "vrbl_q#branch" in block.vectors else ()
    current = [-sum(block[f"v{s}_{state}#branch"][:, -1] for s in (*supplies, *apart)) for state in LOBES]
    return measured(np.stack(current, axis=1), ((_lost(block), Status.not_performed, np.nan),))


def _leak_through(supply: str) -> Callable[[Block], Measured]:
    def measure(block: Block) -> Measured:
        return _leak(block, (supply,))

    measure.__doc__ = f"""Part of :func:`i_leak` [A] that flows in from {supply}, shape (sample, lobe)."""
    return measure


i_leak_vdd, i_leak_bl, i_leak_blb = (_leak_through(supply) for supply in SUPPLIES)


def v_bump(block: Block) -> Measured:
    """Voltage [V] of the low node at read, word line on, bit lines precharged, shape (sample, lobe).

    A cell that loses the state at DC is ``not_performed``.
    """
    low = {"q": "qb", "qb": "q"}
    voltage = np.stack([block[f"{low[state]}_{state}"][:, -1] for state in LOBES], axis=1)
    return measured(voltage, ((_lost(block), Status.not_performed, np.nan),))
