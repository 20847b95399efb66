"""Energy and arrivals of a netlist of gates for one pair of vectors after the other.

Arrays have the shape (sample, supply or output, pair).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from charlib.metrics.periphery import Quantity
from charlib.status import Status
from charlib.waveforms import Block, Measured, measured

SETTLED = 0.05
"""How far from a rail an output may be at the end of a period to count as settled, in units of VDD [1]."""


def _starts(block: Block) -> np.ndarray:
    """Beginning of each pair's period, then the last one's end [s]."""
    return block.values["first"] + block.values["period"] * np.arange(int(block.values["pairs"]) + 1)


def _outputs(block: Block) -> list[str]:
    return [name for name in block.vectors if name != "time" and not name.endswith("#branch")]


def pair_energy(block: Block) -> Measured:
    """Energy [J] from each supply over the period of each pair, leakage included, shape (sample, supply, pair)."""
    starts, found = _starts(block), []
    for time, *currents in zip(block["time"], *(block[f"v{s}#branch"] for s in ("drive", "gates")), strict=True):
        row = []
        for current in currents:
            charge = np.concatenate([[0.0], np.cumsum(np.diff(time) * (current[1:] + current[:-1]) / 2)])
            row.append(-block.values["vdd"] * np.diff(np.interp(starts, time, charge)))
        found.append(row)
    return measured(np.array(found))


def arrival(block: Block) -> Measured:
    """Last crossing [s] of half of VDD by each output after the inputs', shape (sample, output, pair).

    ``not_performed`` where an output does not cross it.
    """
    found = np.array([[_last(block, time, wave) for time, wave in zip(block["time"], block[name], strict=True)]
                      for name in _outputs(block)])  # fmt: skip
    found = found.swapaxes(0, 1)
    return measured(found, ((np.isnan(found), Status.not_performed, np.nan),))


def _last(block: Block, time: np.ndarray, wave: np.ndarray) -> np.ndarray:
    """Last crossing of half of VDD in each period, from 50 % of the inputs on; NaN where there is none."""
    starts, above = _starts(block), wave > block.values["vdd"] / 2
    places = np.flatnonzero(above[1:] != above[:-1])
    distance = wave - block.values["vdd"] / 2
    steps = (time[places + 1] - time[places]) / (distance[places + 1] - distance[places])
    crossings = time[places] - distance[places] * steps
    found = np.full(len(starts) - 1, np.nan)
    pairs = np.searchsorted(starts, crossings, side="right") - 1
    inside = (pairs >= 0) & (pairs < len(found))
    # The last of several writes to one place stays, and crossings are in order.
    found[pairs[inside]] = (crossings - starts[pairs])[inside] - block.values["slew"] / 2
    return found


def level(block: Block) -> Measured:
    """Level of each output at the end of each period, 0 or 1, shape (sample, output, pair).

    ``suspect`` where it is not near a rail: the period is too short.
    """
    ends = _starts(block)[1:]
    settled = np.array([[np.interp(ends, time, wave) for time, wave in zip(block["time"], block[name], strict=True)]
                        for name in _outputs(block)]).swapaxes(0, 1) / block.values["vdd"]  # fmt: skip
    rounded = np.round(settled)
    return measured(rounded, ((np.abs(settled - rounded) > SETTLED, Status.suspect, np.nan),))


PAIR_QUANTITIES: Mapping[str, Quantity] = {
    "pair_energy": Quantity(
        "J", "energy from the supply over a period", "gate_bench", pair_energy, ("supplies", "pairs")
    ),
    "arrival": Quantity("s", "arrival after the inputs", "gate_bench", arrival, ("outputs", "pairs")),
    "level": Quantity("1", "level at the end of the period", "gate_bench", level, ("outputs", "pairs")),
}
