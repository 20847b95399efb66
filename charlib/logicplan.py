"""What a characterization of logic gates is asked to do, checked before anything is touched."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product

from charlib.conditions import Conditions
from charlib.errors import InvalidPlan
from charlib.plan import checked, united_conditions
from charlib.variation import Variation
from netlists.logic import GATES
from netlists.technology import Technology

CHARACTERIZED = tuple(kind for kind in GATES if kind != "compressor42")
"""Gates by default: a compressor is two full adders, whose tables say all of it."""
SLEWS = (0.5, 1.5, 4.0, 12.0, 40.0, 120.0)
"""Input slews in units of the fanout-of-four delay at the typical corner, nominal supply and 25 degC [1].

The slew behind a fanout of four is about 1.5 there, and about 20 at the slowest corner, 0.6 V and 25 degC, where nets
of an adder tree on predictive28 reach 42; 56 at -40 degC.
"""
LOADS = (0.5, 2.5, 6.0, 16.0, 40.0)
"""Loads of each output in units of a unit inverter's input capacitance at the same condition [1].

The smallest is less than the wire alone that an adder tree's outputs have.
"""


@dataclass(frozen=True)
class LogicPlan:
    """A checked request.

    Attributes:
        technology, conditions: where; processes are named as in the results.
        gates: keys of ``netlists.logic.GATES``.
        slews, loads: ascending, in units of the technology's own [1].
        variation: mismatch at the middle of the grid; None is the nominal gates alone.
        accuracy: key of ``charlib.session.ACCURACIES``.
        max_failed: share of samples without an answer that stops the run [1].
    """

    technology: Technology
    conditions: Conditions
    gates: tuple[str, ...]
    slews: tuple[float, ...]
    loads: tuple[float, ...]
    variation: Variation | None
    accuracy: str
    max_failed: float

    @property
    def samples(self) -> int:
        return self.variation.samples if self.variation else 0

    @property
    def points(self) -> tuple[tuple[str, float, float], ...]:
        """Every condition, process slowest: process, vdd [V], temp [K]."""
        return tuple(product(self.conditions.process, self.conditions.vdd, self.conditions.temp))

    def grid(self) -> dict[str, object]:
        """What a directory holds and may be extended in."""
        conditions = {axis: list(values) for axis, values in self.conditions.axes.items()}
        return {**conditions, "samples": self.samples, "gates": list(self.gates)}

    def united(self, grid: Mapping[str, object]) -> LogicPlan:
        """This plan and what a directory holds already."""
        if not grid:
            return self
        gates, variation = {*self.gates, *grid["gates"]}, self.variation
        if variation and grid["samples"] > variation.samples:
            variation = replace(variation, samples=grid["samples"])
        return replace(
            self,
            conditions=united_conditions(self.conditions, grid, self.technology),
            gates=tuple(kind for kind in GATES if kind in gates),
            variation=variation,
        )

    def identity(self) -> dict[str, object]:
        """What a directory belongs to: more conditions, gates or samples extend it, these may not change."""
        draws = {"seed": self.variation.seed, "local": self.variation.local} if self.variation else {}
        return {
            "technology": self.technology.name,
            "model_sha256": self.technology.model_sha256,
            "laws_sha256": self.technology.laws_sha256,
            "slews": list(self.slews),
            "loads": list(self.loads),
            "accuracy": self.accuracy,
            **draws,
        }


def check_axis(values: Sequence[float]) -> tuple[float, ...]:
    """Slews or loads as a tuple; raises InvalidPlan unless there are two or more, positive and ascending."""
    values = tuple(float(value) for value in values)
    rising = all(a < b for a, b in pairwise(values))
    if len(values) < 2 or not rising or not 0 < values[0] < values[-1] < math.inf:
        raise InvalidPlan(f"slews and loads must be at least two numbers above 0 that rise, not {list(values)}")
    return values


def check_gates(names: Sequence[str]) -> tuple[str, ...]:
    """Names of gates as a tuple; raises InvalidPlan for an empty list, a repetition or an unknown name."""
    names = () if isinstance(names, str) else tuple(names)
    if not names or len(set(names)) < len(names):
        raise InvalidPlan(f"gates={list(names)} must be a list without repetition (periphery.gates)")
    for name in names:
        if name not in GATES:
            raise InvalidPlan(f"gate {name!r} is not one of {', '.join(GATES)} (periphery.gates)")
    return names


def make_logic_plan(
    technology: str | Technology,
    conditions: Conditions | None,
    variation: Variation | None,
    gates: Sequence[str],
    slews: Sequence[float],
    loads: Sequence[float],
    accuracy: str,
    max_failed: float,
) -> LogicPlan:
    """Check a request; raises InvalidPlan or TechnologyError with the value, its place and the legal set."""
    if conditions:  # no line of gates has an offset, and none a number of rows
        conditions = Conditions(conditions.process, conditions.vdd, conditions.temp)
    technology, conditions = checked(technology, conditions, variation, accuracy, max_failed)
    return LogicPlan(
        technology=technology,
        conditions=conditions,
        gates=check_gates(gates),
        slews=check_axis(slews),
        loads=check_axis(loads),
        variation=variation,
        accuracy=accuracy,
        max_failed=max_failed,
    )
