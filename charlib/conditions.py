"""Process, voltage and temperature: the grid a cell is characterized on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from charlib.errors import InvalidPlan
from netlists.technology import Technology

ROUNDING = 1e-9
"""What a limit of a range allows for rounding [V, K]: -40 degC in kelvin is no exact binary number."""


@dataclass(frozen=True)
class Conditions:
    """A full grid of conditions.

    Attributes:
        process: corners; in results ``mc`` and ``mc_...`` where global variation was drawn.
        vdd: supply voltages [V].
        temp: temperatures [K].
    """

    process: Sequence[str] = ("tt",)
    vdd: Sequence[float] = (1.0,)
    temp: Sequence[float] = (298.15,)

    def __post_init__(self) -> None:
        for axis in fields(self):
            given = getattr(self, axis.name)
            kind = str if axis.name == "process" else float
            try:
                values = None if isinstance(given, str) else tuple(kind(value) for value in given)
            except (TypeError, ValueError):
                values = None
            if not values or len(set(values)) < len(values):
                raise InvalidPlan(f"{axis.name}={given!r} must be a list without repetition (conditions.{axis.name})")
            object.__setattr__(self, axis.name, values)

    def points(self) -> Iterator[tuple[str, float, float]]:
        """Every condition, process slowest."""
        return ((p, v, t) for p in self.process for v in self.vdd for t in self.temp)

    def check(self, technology: Technology) -> None:
        """Raise InvalidPlan for a condition outside the technology's validity range."""
        for process in self.process:
            if process not in technology.cards:
                legal = ", ".join(technology.cards)
                raise InvalidPlan(f"process={process!r} is not one of {legal} for {technology.name} (conditions)")
        for name, unit, (low, high) in (("vdd", "V", technology.vdd_range), ("temp", "K", technology.temp_range)):
            for value in getattr(self, name):
                if not (math.isfinite(value) and low - ROUNDING <= value <= high + ROUNDING):
                    where = f"outside {low:g}..{high:g} {unit} for {technology.name} (conditions.{name})"
                    raise InvalidPlan(f"{name}={value:g} {unit} is {where}")
