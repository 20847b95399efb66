"""Sensing MRAM: outputs of the latch from waveforms, signed margins at its inputs, its offset, delays and energy.

Lobes are the results: ``p`` for the cases whose result is 1, ``ap`` for those whose result is 0. A metric of a lobe is
that of its worst case. An operation is a key of ``netlists.mramlogic.OPERATIONS``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from charlib.metrics.energy import moved
from charlib.status import Status
from charlib.waveforms import Block, Measured, at, crossing, integral, measured
from netlists.mramlogic import OPERATIONS

LOBES = {"p": True, "ap": False}
"""Lobe to the result of its cases."""
RETURNED, EQUAL = 0.05, 1e-3
"""What a line may lack of its level when it is precharged, in units of that level [1], as of ``t_precharge`` of SRAM
cells, and how far it may then be from its reference [V], which a margin lacks at the next operation."""


def _wave(block: Block, case: str) -> np.ndarray:
    """Line of a case, or of a reference such as ``ref0`` [V], shape (sample, point)."""
    return next(block[name] for name in (f"bl_{case}", f"rbl_{case}") if name in block.vectors)


def _line(block: Block, case: str) -> np.ndarray:
    """The same when the latch is clocked [V], shape (sample,)."""
    fired = crossing(block["time"], block["clk"], block.values["vdd"] / 2, rising=False)
    return at(block["time"], _wave(block, case), fired)


def _margins(block: Block, operation: str) -> dict[str, np.ndarray]:
    """Case to how far its line is on the right side of its reference when the latch is clocked [V], shape (sample,)."""
    row, found = OPERATIONS[operation], {}
    for number, pair in enumerate(row.pairs):
        reference = _line(block, f"ref{number}")
        for case in pair:
            found[case] = (reference - _line(block, case)) * (1.0 if row.result(case) else -1.0)
    return found


def _worst(cases: dict[str, np.ndarray], operation: str, worst: Callable) -> np.ndarray:
    """Worst case of each result, shape (sample, lobe)."""
    result = OPERATIONS[operation].result
    return np.stack([worst([v for c, v in cases.items() if result(c) == lobe], axis=0) for lobe in LOBES.values()], 1)


def v_margin(block: Block, operation: str) -> Measured:
    """Smallest difference [V] of line and reference at the latch's clock, positive on the right side, per result.

    Shape (sample, lobe). What the latch's offset leaves of it decides: see ``v_offset``.
    """
    return measured(_worst(_margins(block, operation), operation, np.min))


def v_level(block: Block, case: str) -> Measured:
    """Level [V] of a line at the latch's clock, shape (sample,); ``case``: bits of its cells, or ``ref0``."""
    return measured(_line(block, case))


def outputs(block: Block, operation: str) -> dict[str, np.ndarray]:
    """Case to what the latch says before its reset: 1, 0, or NaN where it has not decided, shape (sample,)."""
    half, when = block.values["vdd"] / 2, block.values["reset"]
    found = {}
    for case in OPERATIONS[operation].cases:
        high, low = (at(block["time"], block[f"{node}_{case}"], when) > half for node in ("out", "outb"))
        found[case] = np.where(high == low, np.nan, high.astype(float))
    return found


def _verdicts(block: Block, operation: str) -> tuple[np.ndarray, np.ndarray]:
    """Whether any case of a result is wrong, and whether any is undecided, shape (sample, lobe) each."""
    said, result = outputs(block, operation), OPERATIONS[operation].result
    wrong = {case: said[case] == float(not result(case)) for case in said}
    late = {case: np.isnan(said[case]) for case in said}
    return tuple(_worst(each, operation, np.any) for each in (wrong, late))


def t_decide(block: Block, operation: str) -> Measured:
    """Longest delay [s] from the word line to the latch's output, both at 50 %, per result, shape (sample, lobe).

    ``not_performed`` where an output is wrong, ``censored_high`` where one is undecided when the latch is reset.
    """
    time, half = block["time"], block.values["vdd"] / 2
    v_wl = block.values.get("v_wl", block.values["vdd"])
    start = crossing(time, block["wl"], v_wl / 2, rising=True)
    delays = {}
    for case in OPERATIONS[operation].cases:
        node = "out" if OPERATIONS[operation].result(case) else "outb"
        wave = block[f"{node}_{case}"]
        # Both outputs rise at first: decided is where the winner has crossed for the last time.
        falls = np.where(time < block.values["reset"], wave < half, False)
        last = wave.shape[1] - 1 - np.argmax(falls[:, ::-1], axis=1)
        after = np.take_along_axis(time, last[:, None], axis=1)[:, 0]
        delays[case] = crossing(time, wave, half, rising=True, after=after) - start
    wrong, late = _verdicts(block, operation)
    looked = np.broadcast_to((block.values["reset"] - np.nan_to_num(start))[:, None], wrong.shape)
    failed = ((wrong, Status.not_performed, np.nan), (late, Status.censored_high, looked))
    return measured(_worst(delays, operation, np.max), failed)


def t_recharge(block: Block, operation: str) -> Measured:
    """Time [s] from the start of precharge until all lines are back and as high as their references, shape (sample,).

    All stay above 95 % of their level and within ``EQUAL`` of their references; the driver of the precharge signal is
    in it. ``censored_high`` where that is not so in the end.
    """
    time, start, level = block["time"], block.values["reset"], block.values["v_pre"]
    found = []
    for number, pair in enumerate(OPERATIONS[operation].pairs):
        reference = _wave(block, f"ref{number}")
        for case in pair:
            wave = _wave(block, case)
            lacks = (level - np.minimum(wave, reference)) / (RETURNED * level)
            short = np.maximum(lacks, np.abs(wave - reference) / EQUAL)
            last = short.shape[1] - 1 - np.argmax(short[:, ::-1] > 1, axis=1)
            after = np.take_along_axis(time, last[:, None], axis=1)[:, 0]
            found.append(crossing(time, short, 1.0, rising=False, after=after) - start)
    slowest = np.max(found, axis=0)
    return measured(slowest, ((np.isnan(slowest), Status.censored_high, time[:, -1] - start),))


def e_operation(block: Block, operation: str) -> Measured:
    """Energy [J] of an operation on one bit line until it is precharged again, mean of all cases, shape (sample,).

    Supplies of precharge, latch, their drivers and the word line's; half a reference, which serves two bit lines; less
    the currents before it times its duration. ``not_performed`` where an output is wrong or undecided.
    """
    vdd = block.values["vdd"]
    levels = {"vpre": block.values["v_pre"], "vdd": vdd, "vgate": block.values.get("v_wl", vdd)}
    spent = sum(level * integral(block["time"], moved(-block[f"{supply}#branch"])) for supply, level in levels.items())
    wrong, late = _verdicts(block, operation)
    missing = (wrong | late).any(axis=1)
    return measured(spent / len(OPERATIONS[operation].cases), ((missing, Status.not_performed, np.nan),))


def v_offset(block: Block) -> Measured:
    """Difference [V] at its inputs, on the result's side, from which the latch gives that result, shape (sample, lobe).

    The search makes it the smallest one; it is negative where the latch favours the result.
    """
    vdd = block.values["vdd"]
    differences, decided = [], []
    for lobe, result in LOBES.items():
        difference = (block[f"ref_{lobe}"] - block[f"line_{lobe}"])[:, -1] * (1.0 if result else -1.0)
        high, low = (block[f"{node}_{lobe}"][:, -1] > vdd / 2 for node in ("out", "outb"))
        differences.append(difference)
        decided.append((high & ~low) if result else (low & ~high))
    values, right = np.stack(differences, axis=1), np.stack(decided, axis=1)
    return measured(values, ((~right, Status.censored_high, values),))
