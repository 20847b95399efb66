"""Delay and energy of logic gates."""

from __future__ import annotations

import numpy as np

from charlib.status import Status
from charlib.waveforms import Block, Measured, crossing, integral, measured


def _delays(block: Block) -> np.ndarray:
    """Delay of the measured inverter's falling and rising output, 50 % to 50 % [s], shape (sample, 2)."""
    half, edge, time = block.values["vdd"] / 2, block.values["edge"], block["time"]
    delays = []
    # The chain's input rises first and the measured inverter is its third, so its input rises first as well.
    for rising, after in ((False, 0.0), (True, edge)):
        start = crossing(time, block["n2"], half, rising=not rising, after=after)
        delays.append(crossing(time, block["n3"], half, rising=rising, after=start) - start)
    return np.stack(delays, axis=1)


def t_fo4(block: Block) -> Measured:
    """Delay [s] of a unit inverter that drives four of its size, mean of both edges, shape (sample,)."""
    delay = _delays(block).mean(axis=1)
    return measured(delay, ((np.isnan(delay), Status.censored_high, block.values["window"]),))


def e_fo4(block: Block) -> Measured:
    """Energy [J] that the same inverter takes from its supply for one rise and one fall, leakage taken off."""
    current = -block["vmeasured#branch"]
    energy = block.values["vdd"] * integral(block["time"], current - current[:, :1])
    return measured(energy, ((np.isnan(_delays(block)).any(axis=1), Status.not_performed, np.nan),))
