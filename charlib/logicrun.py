"""The units of work of a characterization of logic gates, and what came out of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from charlib.errors import CharacterizationError
from charlib.execution import Runner
from charlib.logicplan import LogicPlan
from charlib.status import Status
from charlib.unit import BLOCK, Unit, UnitResult
from netlists.arcs import EDGES, Pulse, pulses, typical
from netlists.bitcells import Sram6T
from netlists.logic import GATES, Memory
from netlists.periphery import gate_hold, gate_leakage, gate_setup, gate_timing
from netlists.setting import Condition, Setting
from netlists.testbench import Testbench
from netlists.testbenches import TESTBENCHES

NOMINAL_TEMP = 298.15
"""Temperature at which the units of slew and load are measured [K]: 25 degC."""
FIRST_WINDOW, LAST_WINDOW, GROWTH = 0.2e-9, 1e-3, 4.0
"""First and last guess of a window [s] and the factor between guesses [1]."""
WINDOW = 4.0
"""Window in units of the longest time that a typical pulse takes to settle within 5 % at the largest load [1].

It is about twelve time constants: what is left of the charge then is nothing, and the current that of the leakage.
"""
FIRST_LOAD = 1e-15
"""Load at which a unit inverter's input is measured [F]: the charge of a full swing hardly depends on it."""
DIGITS = 2
"""Digits to which windows and the units of slew and load are rounded: so that every machine has the same."""


Point = tuple[str, float, float]
"""Process, vdd [V], temp [K]."""


@dataclass(frozen=True)
class Axes:
    """Slews [s] and loads [F] of a grid, the same at every condition; the middle ones are those of the samples."""

    slews: tuple[float, ...]
    loads: tuple[float, ...]

    @property
    def slew(self) -> float:
        return self.slews[middle(len(self.slews))]

    @property
    def load(self) -> float:
        return self.loads[middle(len(self.loads))]


@dataclass(frozen=True)
class Place:
    """Where a unit belongs.

    Attributes:
        kind: gate. memory: what it begins with, else None. point: condition.
        what: ``timing``, ``leakage``, ``setup`` or ``hold``. slew: number of the slew of a timing, else None.
        sampled: with mismatch, a timing at the middle of the grid.
    """

    kind: str
    memory: Memory | None
    point: Point
    what: str
    slew: int | None = None
    sampled: bool = False


@dataclass(frozen=True)
class LogicResults:
    """Everything that was simulated.

    Attributes:
        axes: of the tables.
        windows: gate and condition to the time after each edge [s].
        units: results of each place, in blocks of samples; of a nominal place one result.
    """

    axes: Axes
    windows: Mapping[tuple[str, Point], float]
    units: Mapping[Place, Sequence[UnitResult]]


def middle(count: int) -> int:
    """Number of the middle one of an axis, the lower one of two."""
    return (count - 1) // 2


def grid_points(kind: str, memory: Memory | None, loads: int) -> list[tuple[Pulse, int | None]]:
    """Points of a nominal timing: pulse and number of the load; None for all loads at once.

    What moves no output does not see its load either, so it is simulated at the middle one only.
    """
    own = [pulse for pulse in pulses(kind) if pulse.memory == memory]
    return [(pulse, load) for pulse in own for load in (range(loads) if pulse.timed else (None,))]


def typical_pulses(kind: str, memory: Memory | None) -> list[Pulse]:
    """Those of the typical pulses that begin with a stored bit."""
    return [pulse for pulse in typical(kind) if pulse.memory == memory]


def typical_memories(kind: str) -> list[Memory | None]:
    """What a gate begins with in its typical pulses."""
    return [memory for memory in GATES[kind].memories if typical_pulses(kind, memory)]


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS - 1}e}")


def count_samples(plan: LogicPlan) -> int:
    """Samples of all units of a plan."""
    states = sum(len(GATES[kind].memories) for kind in plan.gates)
    pulsed = sum(len(typical_memories(kind)) for kind in plan.gates)
    constraints = 2 * sum(bool(GATES[kind].clock) for kind in plan.gates)
    per_point = states * (len(plan.slews) + 1 + plan.samples) + pulsed * plan.samples + constraints
    return per_point * len(plan.points)


def run_logic(plan: LogicPlan, runner: Runner) -> LogicResults:
    """Simulate a plan; raises TooManyFailures, and CharacterizationError where a gate of the units of axes is dead."""
    axes = _axes(plan, runner)
    windows = _windows(plan, runner, axes)
    first = dict(_units(plan, axes, windows))
    units = _run(runner, first, announce=True)
    return LogicResults(axes, windows, units | _run(runner, dict(_constraints(plan, axes, windows, units))))


def _run(runner: Runner, wanted: Mapping[Place, Sequence[tuple[Unit, int]]], announce: bool = False) -> dict:
    """Results of the units of each place."""
    found = iter(runner.run([unit for units in wanted.values() for unit in units], announce=announce))
    return {place: [next(found) for _ in units] for place, units in wanted.items()}


def _guesses() -> Iterator[float]:
    """Windows to try [s], the last one whatever comes of it."""
    window = FIRST_WINDOW
    while window < LAST_WINDOW:
        yield window
        window *= GROWTH
    yield LAST_WINDOW


def _nominal(plan: LogicPlan, testbench: Testbench) -> Unit:
    return Unit(testbench, None, 0, False, plan.accuracy)


def _axes(plan: LogicPlan, runner: Runner) -> Axes:
    """The grid in SI, from the fanout-of-four delay and the unit inverter's input at the nominal condition."""
    technology = plan.technology
    here = (technology, "tt", technology.vdd_nominal, NOMINAL_TEMP)
    for window in _guesses():
        setting = Setting(*here, Sram6T().sized(technology), window=window)
        unit = _nominal(plan, TESTBENCHES["fo4"].build(setting))
        delay = float(runner.run([(unit, 1)], trial=True)[0].metrics["t_fo4"].values[0])
        if GROWTH * delay <= window:
            break
    else:
        raise CharacterizationError(f"the inverters of {technology.name} do not switch at {here[2]:g} V")
    pulse, load = pulses("inverter")[0], FIRST_LOAD
    testbench = gate_timing(Condition(*here), "inverter", None, 2 * delay, window, [(pulse, load)])
    charge = runner.run([(_nominal(plan, testbench), 1)], trial=True)[0].metrics["input_charge"].values
    slew, load = _rounded(delay), _rounded(float(np.abs(charge).mean()) / here[2])
    slews, loads = (
        tuple(float(f"{unit * x:.4g}") for x in axis) for unit, axis in ((slew, plan.slews), (load, plan.loads))
    )
    return Axes(slews, loads)


def _windows(plan: LogicPlan, runner: Runner, axes: Axes) -> dict[tuple[str, Point], float]:
    """Window of each gate and condition [s], from typical pulses at the largest load, tried in ones that grow."""
    windows: dict[tuple[str, Point], float] = {}
    pending = [(kind, point) for kind in plan.gates for point in plan.points]
    for guess in _guesses():
        units = [
            _nominal(plan, _typical(plan, kind, memory, point, axes.slews[0], guess, axes.loads[-1]))
            for kind, point in pending
            for memory in typical_memories(kind)
        ]
        found = iter(runner.run([(unit, 1) for unit in units], trial=True))
        for place in pending:
            longest = max(_settled(place[0], memory, next(found)) for memory in typical_memories(place[0]))
            if longest * GROWTH <= guess:
                windows[place] = _rounded(WINDOW * longest)
            elif guess == LAST_WINDOW:
                windows[place] = LAST_WINDOW
        pending = [place for place in pending if place not in windows]
        if not pending:
            break
    return windows


def _settled(kind: str, memory: Memory | None, trial: UnitResult) -> float:
    """Longest time that a typical pulse takes [s]; infinite where an output has not come, or not to rest."""
    settling, delay = trial.metrics["settling"], trial.metrics["delay"]
    for row, pulse in enumerate(typical_pulses(kind, memory)):
        for edge, event in enumerate(pulse.events):
            moved = [GATES[kind].outputs.index(arc.output) for arc in event.arcs]
            if (delay.status[0, row, edge, moved] != Status.ok).any():
                return math.inf
    return float(settling.values.max()) if (settling.status == Status.ok).all() else math.inf


def _typical(
    plan: LogicPlan, kind: str, memory: Memory | None, point: Point, slew: float, window: float, load: float
) -> Testbench:
    """Typical pulses of a gate at one slew and load."""
    points = [(pulse, load) for pulse in typical_pulses(kind, memory)]
    return gate_timing(Condition(plan.technology, *point), kind, memory, slew, window, points)


def _units(
    plan: LogicPlan, axes: Axes, windows: Mapping[tuple[str, Point], float]
) -> Iterator[tuple[Place, list[tuple[Unit, int]]]]:
    """Units of timing and leakage, nominal and with mismatch."""
    for point in plan.points:
        condition = Condition(plan.technology, *point)
        for kind in plan.gates:
            window = windows[kind, point]
            for memory in GATES[kind].memories:
                rest = gate_leakage(condition, kind, memory)
                yield Place(kind, memory, point, "leakage"), [(_nominal(plan, rest), 1)]
                points = [
                    (pulse, axes.load if load is None else axes.loads[load])
                    for pulse, load in grid_points(kind, memory, len(axes.loads))
                ]
                for number, slew in enumerate(axes.slews):
                    timing = gate_timing(condition, kind, memory, slew, window, points)
                    yield Place(kind, memory, point, "timing", number), [(_nominal(plan, timing), 1)]
                if plan.variation and memory in typical_memories(kind):
                    timing = _typical(plan, kind, memory, point, axes.slew, window, axes.load)
                    yield Place(kind, memory, point, "timing", sampled=True), _blocks(plan, timing)
                if plan.variation:
                    yield Place(kind, memory, point, "leakage", sampled=True), _blocks(plan, rest)


def _blocks(plan: LogicPlan, testbench: Testbench) -> list[tuple[Unit, int]]:
    """Blocks of samples with their sample counts."""
    variation = plan.variation
    first = Unit(testbench, 0, variation.seed, variation.local, plan.accuracy)
    blocks = range(math.ceil(variation.samples / BLOCK))
    return [(replace(first, block=b), min(BLOCK, variation.samples - b * BLOCK)) for b in blocks]


def _constraints(
    plan: LogicPlan,
    axes: Axes,
    windows: Mapping[tuple[str, Point], float],
    units: Mapping[Place, Sequence[UnitResult]],
) -> Iterator[tuple[Place, list[tuple[Unit, int]]]]:
    """Units of setup and hold times at the middle slew and load, whose criterion is a share of the delay there."""
    builders: Mapping[str, Callable[..., Testbench]] = {"setup": gate_setup, "hold": gate_hold}
    for point in plan.points:
        for kind in (kind for kind in plan.gates if GATES[kind].clock):
            delays = tuple(_clocked_delay(kind, point, axes, units, edge) for edge in EDGES)
            for what, build in builders.items():
                condition = Condition(plan.technology, *point)
                testbench = build(condition, kind, axes.slew, windows[kind, point], axes.load, delays)
                yield Place(kind, None, point, what), [(_nominal(plan, testbench), 1)]


def _clocked_delay(
    kind: str, point: Point, axes: Axes, units: Mapping[Place, Sequence[UnitResult]], edge: str
) -> float:
    """Delay [s] from the clock to an edge of the output at the middle slew and load; NaN if there is none."""
    for memory in GATES[kind].memories:
        result = units[Place(kind, memory, point, "timing", middle(len(axes.slews)))][0]
        for number, (pulse, load) in enumerate(grid_points(kind, memory, len(axes.loads))):
            for place, event in enumerate(pulse.events):
                if load == middle(len(axes.loads)) and (GATES[kind].outputs[0], edge) in event.outputs:
                    return float(result.metrics["delay"].values[0, number, place, 0])
    return math.nan
