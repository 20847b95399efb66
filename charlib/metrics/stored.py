"""The stored bit in waveforms and sweeps: how far the cell is in a state, and whether it is there at both ends."""

from __future__ import annotations

import numpy as np

from charlib.waveforms import Block


def apart(block: Block, state: str) -> np.ndarray:
    """How far the storage nodes are apart [V], positive where the cell is in a state, shape (sample, point)."""
    return (block[f"q_{state}"] - block[f"qb_{state}"]) * (1.0 if state == "q" else -1.0)


def lost(block: Block, state: str) -> np.ndarray:
    """True where the cell is not in a state at the start or not at the end, shape (sample,)."""
    kept = apart(block, state)
    return (kept[:, 0] <= 0) | (kept[:, -1] <= 0)
