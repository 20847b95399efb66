"""What a cell does in time: writing, pulses that just suffice, disturbance, a dip of the supply.

Every number is given only where the stored bit is, at the start and at the end, what the operation should leave.
"""

from __future__ import annotations

import numpy as np

from charlib.metrics.butterfly import LOBES
from charlib.metrics.energy import energy
from charlib.metrics.readpath import RECOVERED, outputs
from charlib.metrics.stored import apart, lost
from charlib.status import Status
from charlib.waveforms import Block, Measured, crossing, measured


def _joined(columns: list[np.ndarray]) -> np.ndarray:
    return np.stack(columns, axis=1)


def _write(block: Block) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Write delay [s], NaN where the nodes did not cross; time looked for [s]; went wrong; lines back, per lobe."""
    vdd, end, time = block.values["vdd"], block.values["wordline_off"], block["time"]
    half = block.values.get("v_wl", vdd) / 2
    delays, looked, wrong, back = [], [], [], []
    for state in LOBES:
        nodes = apart(block, state)
        start = crossing(time, block[f"wl_{state}"], half, rising=True)
        crossed = crossing(time, nodes, 0.0, rising=False)
        delays.append(np.where(crossed <= end, crossed - start, np.nan))
        looked.append(np.nan_to_num(end - start, nan=0.0))
        fired = np.max([block[f"{output}_{state}"].max(axis=1) for output in outputs(block)], axis=0) >= vdd / 2
        returned = (crossed <= end) & (nodes[:, -1] >= 0)
        wrong.append((nodes[:, 0] <= 0) | returned | fired)
        back.append(np.minimum(block[f"bl_{state}"][:, -1], block[f"blb_{state}"][:, -1]) >= RECOVERED * vdd)
    return _joined(delays), _joined(looked), _joined(wrong), _joined(back)


def t_write(block: Block) -> Measured:
    """Time [s] from the word line at 50 % to the crossing of the storage nodes, shape (sample, lobe).

    A lobe is the state before the write. The line to be pulled down is low when the word line rises. Negative where
    the nodes cross before the word line is at 50 %. ``not_performed`` where the cell does not hold the state before,
    falls back after the word line, or an output fires; ``censored_high`` where the nodes do not cross while the word
    line is on.
    """
    delay, looked, wrong, _ = _write(block)
    return measured(delay, ((wrong, Status.not_performed, np.nan), (np.isnan(delay), Status.censored_high, looked)))


def e_write(block: Block) -> Measured:
    """Energy [J] of a write-and-precharge cycle that flips the cell, by the state before, shape (sample, lobe).

    All supplies of the column: array and precharge, drivers of word line, precharge and bit lines, output gates; less
    the current before the operation times the cycle. ``not_performed`` where the cell was not written or a line is not
    back at ``RECOVERED`` at the end.
    """
    delay, _, wrong, back = _write(block)
    columns = [energy(block, state) for state in LOBES]
    return measured(_joined(columns), ((wrong | np.isnan(delay) | ~back, Status.not_performed, np.nan),))


def pulse_width(block: Block, state: str) -> np.ndarray:
    """Width of the word line's pulse at 50 % [s], shape (sample,); 0 where it does not get there.

    To its last fall: a driver's input that turns while the line is at 50 % couples a dip of some millivolts into it.
    """
    half = block.values.get("v_wl", block.values["vdd"]) / 2
    time, wave = block["time"], block[f"wl_{state}"]
    start = crossing(time, wave, half, rising=True)
    end = -crossing(-time[:, ::-1], wave[:, ::-1], half, rising=True, after=-np.inf)
    return np.nan_to_num(end - start, nan=0.0)


def _trial(works: list[np.ndarray], numbers: list[np.ndarray], block: Block, beyond: Status) -> Measured:
    """One trial of a search: the number where it worked, else the bound it is beyond.

    Args:
        works: per state, whether the cell ended as it should. numbers: per state, what is searched for.
        beyond: where a trial that did not work puts the searched number.
    """
    started = _joined([apart(block, state)[:, 0] > 0 for state in LOBES])
    number = _joined(numbers)
    return measured(number, ((~started, Status.not_performed, np.nan), (~_joined(works), beyond, number)))


def t_pulse_write(block: Block) -> Measured:
    """Width [s] at 50 % of a word-line pulse that writes the cell, by the state before, shape (sample, lobe).

    The search makes it the shortest one, the critical pulse width of Wang, Nalam, Calhoun (ISLPED 2008).
    ``censored_high`` where this pulse does not write.
    """
    written = [apart(block, state)[:, -1] < 0 for state in LOBES]
    return _trial(written, [pulse_width(block, state) for state in LOBES], block, Status.censored_high)


def t_pulse_read(block: Block) -> Measured:
    """Width [s] at 50 % of a word-line pulse that the cell survives as it is read, shape (sample, lobe).

    The search makes it the longest one: dynamic read stability in the sense of Dong, Li, Huang (ICCAD 2008).
    ``censored_low`` where the bit is lost with this pulse.
    """
    kept = [apart(block, state)[:, -1] > 0 for state in LOBES]
    return _trial(kept, [pulse_width(block, state) for state in LOBES], block, Status.censored_low)


def v_dip(block: Block) -> Measured:
    """Level [V] of a dip of the cell's supply that the stored bit survives, shape (sample, lobe).

    The search makes it the lowest one. ``censored_high`` where the bit is lost in this dip.
    """
    kept = [apart(block, state)[:, -1] > 0 for state in LOBES]
    return _trial(kept, [block[f"vdd_{state}"].min(axis=1) for state in LOBES], block, Status.censored_high)


def lowest_difference(block: Block) -> Measured:
    """Smallest difference [V] of the storage nodes in the course of an operation, shape (sample, lobe).

    ``not_performed`` where the cell does not hold its state at the start or has lost it at the end.
    """
    smallest, without = (
        _joined(columns)
        for columns in zip(*((apart(block, state).min(axis=1), lost(block, state)) for state in LOBES), strict=True)
    )
    return measured(smallest, ((without, Status.not_performed, np.nan),))
