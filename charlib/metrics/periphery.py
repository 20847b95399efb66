"""Delay, output slew, energy, input charge, leakage, setup and hold of logic gates.

Arrays of a pulse have the shape (point, edge[, output or input]): both edges of the pulse in time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from charlib.status import Status
from charlib.waveforms import Block, Measured, at, crossing, measured, smooth_crossing
from netlists.arcs import EDGES
from netlists.periphery import PUSHED
from netlists.testbench import Testbench

SLEW_LEVELS = (0.2, 0.8)
"""Levels between which a transition is timed, in units of VDD; Liberty's ``slew_lower_threshold_pct`` and the like."""
AT_REST = 0.25
"""Last part of a window in which a gate is at rest, in units of the window [1]."""
SETTLED = 0.05
"""How far from its last level an output may be to count as settled, in units of VDD [1]."""


@dataclass(frozen=True)
class Quantity:
    """One row of the table of what is measured of a gate.

    Attributes:
        unit, long_name: SI unit, and what a plot's axis says.
        testbench: function of ``netlists.periphery`` it is measured on.
        measure: block of waveforms, a row per sample and point, to numbers.
        axes: further dimensions behind the rows; a testbench's ``values`` say how long each is.
        version: raised whenever ``measure`` changes its numbers.
    """

    unit: str
    long_name: str
    testbench: str
    measure: Callable[[Block], Measured]
    axes: tuple[str, ...] = ()
    version: int = 1

    def shape(self, testbench: Testbench) -> tuple[int, ...]:
        """Shape of one row's numbers."""
        return tuple(int(testbench.values[axis]) for axis in self.axes)


@dataclass(frozen=True)
class _Phase:
    """One edge of a pulse with the time after it, of all rows: start, 50 % of the input, end [s], shape (row,)."""

    start: np.ndarray
    middle: np.ndarray
    end: np.ndarray


def _phases(block: Block) -> tuple[_Phase, _Phase]:
    time, half = block["time"], block.values["vdd"] / 2
    first = crossing(time, block["stim"], half, rising=True)
    second = crossing(time, block["stim"], half, rising=False, after=first)
    turn = second - block.values["slew"] / 2
    return _Phase(np.zeros_like(first), first, turn), _Phase(turn, second, time[:, -1])


def _output(block: Block, index: int, phase: _Phase) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whether an output changes in a phase, whether to 1, and whether it ends close to a rail."""
    wave, vdd = block[f"out{index}"], block.values["vdd"]
    before, after = (at(block["time"], wave, when) for when in (phase.start, phase.end))
    rising = after > vdd / 2
    return (before > vdd / 2) != rising, rising, np.abs(after - vdd * rising) <= SETTLED * vdd


def _crossing(block: Block, index: int, level: float, rising: np.ndarray, phase: _Phase) -> np.ndarray:
    """When an output crosses a level, given in units of VDD, in the direction of each row [s]."""
    return smooth_crossing(block["time"], block[f"out{index}"], level * block.values["vdd"], rising, phase.start)


def _of_outputs(block: Block, number: Callable[[int, np.ndarray, _Phase], np.ndarray]) -> Measured:
    """A number of each edge and output: ``not_performed`` where the output stays, ``censored_high`` if it is late."""
    values, stays, late = [], [], []
    for phase in _phases(block):
        for index in range(int(block.values["outputs"])):
            changes, rising, settled = _output(block, index, phase)
            values.append(number(index, rising, phase))
            stays.append(~changes)
            late.append(changes & ~settled)
    shape = (block.samples, 2, int(block.values["outputs"]))
    values, stays, late = (np.stack(part, axis=1).reshape(shape) for part in (values, stays, late))
    return measured(
        values, ((stays, Status.not_performed, np.nan), (late, Status.censored_high, block.values["window"]))
    )


def delay(block: Block) -> Measured:
    """Delay [s] from 50 % of the input to 50 % of each output, shape (row, edge, output); below 0 for slow inputs."""

    def number(index: int, rising: np.ndarray, phase: _Phase) -> np.ndarray:
        return _crossing(block, index, 0.5, rising, phase) - phase.middle

    return _of_outputs(block, number)


def output_slew(block: Block) -> Measured:
    """Transition time [s] of each output, 20 % to 80 % extrapolated to the full swing, shape (row, edge, output)."""

    def number(index: int, rising: np.ndarray, phase: _Phase) -> np.ndarray:
        low, high = (_crossing(block, index, level, rising, phase) for level in SLEW_LEVELS)
        return np.abs(high - low) / (SLEW_LEVELS[1] - SLEW_LEVELS[0])

    return _of_outputs(block, number)


def settling(block: Block) -> Measured:
    """Longest time [s] from 50 % of the input until an output stays within 5 % of its last level, shape (row,)."""
    longest, late = np.zeros(block.samples), np.zeros(block.samples, dtype=bool)
    time, off = block["time"], SETTLED * block.values["vdd"]
    for phase in _phases(block):
        inside = (time >= phase.start[:, None]) & (time <= phase.end[:, None])
        for index in range(int(block.values["outputs"])):
            wave = block[f"out{index}"]
            away = inside & (np.abs(wave - at(time, wave, phase.end)[:, None]) > off)
            until = np.where(away, time, -np.inf).max(axis=1) - phase.middle
            longest = np.fmax(longest, until)
            late |= ~_output(block, index, phase)[2]
    return measured(longest, ((late, Status.censored_high, block.values["window"]),))


def _charges(block: Block, vector: str) -> np.ndarray:
    """Charge [C] out of a source's positive end in each phase, what flows at rest taken off, shape (row, edge).

    Before the middle of the input's edge the current at rest is that before the edge, then that after it: the mean over
    the last part of the window, as after an edge the solver lets single points of a current swing about their mean.
    """
    time, current = block["time"], -block[vector]
    steps = np.diff(time, axis=1) * (current[:, 1:] + current[:, :-1]) / 2
    total = np.concatenate([np.zeros((len(time), 1)), np.cumsum(steps, axis=1)], axis=1)
    charges, before, part = [], current[:, 0], AT_REST * block.values["window"]
    for phase in _phases(block):
        start, rest, end = (at(time, total, when) for when in (phase.start, phase.end - part, phase.end))
        after = (end - rest) / part
        charges.append(end - start - before * (phase.middle - phase.start) - after * (phase.end - phase.middle))
        before = after
    return np.stack(charges, axis=1)


def _in_state(block: Block, values: np.ndarray) -> Measured:
    """Numbers of a gate that begins in the state meant; ``suspect`` where the solver let it store the other bit."""
    if "stored" not in block.values:
        return measured(values)
    wrong = (block["out0"][:, 0] > block.values["vdd"] / 2) != block.values["stored"]
    mask = np.broadcast_to(wrong.reshape(-1, *(1,) * (values.ndim - 1)), values.shape)
    return measured(values, ((mask, Status.suspect, np.nan),))


def energy(block: Block) -> Measured:
    """Energy [J] that the gate takes from its supply at each edge, leakage taken off, shape (row, edge).

    It holds what charges a load: ``C VDD^2`` for every output that rises, nothing for one that falls.
    """
    return _in_state(block, block.values["vdd"] * _charges(block, "vdd#branch"))


def input_charge(block: Block) -> Measured:
    """Charge [C] that each input takes from its source at each edge, shape (row, edge, input)."""
    inputs = range(int(block.values["inputs"]))
    return _in_state(block, np.stack([_charges(block, f"vin{i}#branch") for i in inputs], axis=2))


def leakage(block: Block) -> Measured:
    """Current [A] at rest in units of power over VDD, supply and inputs at VDD together, shape (row,)."""
    total = -block["vdd#branch"][:, 0]
    for i in range(int(block.values["inputs"])):
        total = total - block[f"vin{i}#branch"][:, 0] * (block[f"in{i}"][:, 0] / block.values["vdd"])
    return _in_state(block, total)


def _constraint(block: Block, sign: float) -> Measured:
    """Time between data and clock [s] of a trial, shape (row, data edge): ``censored_high`` where it was too short.

    It was where the output does not flip, or comes later than ``PUSHED`` times its delay with data in time.
    """
    time, half = block["time"], block.values["vdd"] / 2
    clock = crossing(time, block["clk"], half, rising=True)
    numbers, works, started = [], [], []
    for edge in EDGES:
        rises, q = edge == EDGES[0], block[f"q_{edge}"]
        taken = rises == (sign > 0)  # at a setup the data that moves is taken, at a hold what was there before
        reference = block.values["delay_rise" if taken else "delay_fall"]
        delay = smooth_crossing(time, q, half, np.full(len(time), taken)) - clock
        numbers.append(sign * (clock - crossing(time, block[f"d_{edge}"], half, rising=rises)))
        started.append((q[:, 0] > half) != taken)
        works.append(((q[:, -1] > half) == taken) & (delay <= PUSHED * reference))
    number, works, started = (np.stack(part, axis=1) for part in (numbers, works, started))
    return measured(number, ((~started, Status.not_performed, np.nan), (~works, Status.censored_high, number)))


def setup(block: Block) -> Measured:
    """Setup time [s] by data edge: from 50 % of the data to 50 % of the clock; the search makes it the shortest."""
    return _constraint(block, 1.0)


def hold(block: Block) -> Measured:
    """Hold time [s] by data edge: from 50 % of the clock to 50 % of the data; the search makes it the shortest."""
    return _constraint(block, -1.0)


QUANTITIES: Mapping[str, Quantity] = {
    "delay": Quantity("s", "delay, 50 % to 50 %", "gate_timing", delay, ("edges", "outputs")),
    "output_slew": Quantity(
        "s", "output slew, 20 % to 80 % over 0.6", "gate_timing", output_slew, ("edges", "outputs")
    ),
    "settling": Quantity("s", "time until the outputs rest", "gate_timing", settling),
    "energy": Quantity("J", "energy from the gate's supply", "gate_timing", energy, ("edges",)),
    "input_charge": Quantity("C", "charge into each input", "gate_timing", input_charge, ("edges", "inputs")),
    "leakage": Quantity("A", "leakage at rest", "gate_leakage", leakage),
    "setup": Quantity("s", "setup time", "gate_setup", setup, ("edges",)),
    "hold": Quantity("s", "hold time", "gate_hold", hold, ("edges",)),
}  # fmt: skip
