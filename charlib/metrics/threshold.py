"""Threshold voltages of the cell's transistors by constant current."""

from __future__ import annotations

import numpy as np

from charlib.status import Status
from charlib.waveforms import Block, Measured, crossing, measured

I_THRESHOLD = 1e-7
"""Drain current at the threshold voltage for W = L [A], the customary constant-current definition of 100 nA W/L."""

FLOOR = 1e-30
"""Smallest current whose logarithm is taken [A], far below any leakage."""


def _threshold(block: Block, role: str) -> Measured:
    """|Vgs| [V] at 100 nA W/L and |Vds| = 50 mV, interpolated on the logarithm of the current, shape (sample,).

    A transistor that conducts that much at 0 V is ``censored_low``, one that never does ``censored_high``.
    """
    current = np.log10(np.maximum(np.abs(block[f"v{role}#branch"]), FLOOR))
    level = float(np.log10(I_THRESHOLD * block.values[f"ratio_{role}"]))
    voltage = crossing(block["gate"], current, level, rising=True)
    low, high = current[:, 0] >= level, current[:, -1] < level
    return measured(voltage, ((low, Status.censored_low, 0.0), (high, Status.censored_high, block.values["highest"])))


def vth_pd(block: Block) -> Measured:
    """Linear threshold voltage [V] of the left pull-down, shape (sample,)."""
    return _threshold(block, "pd")


def vth_pu(block: Block) -> Measured:
    """Linear threshold voltage [V], as a magnitude, of the left pull-up, shape (sample,)."""
    return _threshold(block, "pu")


def vth_pg(block: Block) -> Measured:
    """Linear threshold voltage [V] of the left pass gate, shape (sample,)."""
    return _threshold(block, "pg")
