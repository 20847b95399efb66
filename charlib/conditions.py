"""Process, voltages and temperature: the grid a cell is characterized on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import product

from charlib.errors import InvalidPlan
from netlists.technology import Technology

ROUNDING = 1e-9
"""What a limit of a range allows for rounding [V, K]: -40 degC in kelvin is no exact binary number."""

OFFSETS = {"dv_wl": "word line that is on", "dv_bl": "bit lines", "dv_cell": "cell supply"}
"""Axes of lines that lie apart from VDD, and what lies apart; an axis that holds 0 alone is no axis of results."""
OPTIONAL = {axis: ("V", f"offset of the {line}") for axis, line in OFFSETS.items()} | {
    "rows": ("1", "cells on the local bit lines")
}
"""Axes that results have only where they were swept, to their units and meanings."""
MOST_OFFSET = 0.5
"""Largest offset either way [V], assumed: assist circuits move a line by part of VDD, and at half a volt below ground a
bit line begins to open the junctions of its pass gates, which no testbench here is made for.
"""

Place = tuple[str, float, float, float, float, float, int | None]
"""One condition: process, vdd [V], temp [K], dv_wl, dv_bl and dv_cell [V], rows; None: those of the read path."""


@dataclass(frozen=True)
class Conditions:
    """A full grid of conditions.

    Attributes:
        process: corners; in results ``mc`` and ``mc_...`` where global variation was drawn.
        vdd: supply voltages [V].
        temp: temperatures [K].
        dv_wl, dv_bl, dv_cell: offsets [V] of the word line that is on, the bit lines and the cell supply, see
            :class:`netlists.Setting`.
        rows: cells on the local bit lines [1]; empty: those of the read path, and no axis of results.
    """

    process: Sequence[str] = ("tt",)
    vdd: Sequence[float] = (1.0,)
    temp: Sequence[float] = (298.15,)
    dv_wl: Sequence[float] = (0.0,)
    dv_bl: Sequence[float] = (0.0,)
    dv_cell: Sequence[float] = (0.0,)
    rows: Sequence[int] = ()

    def __post_init__(self) -> None:
        for axis in fields(self):
            given = getattr(self, axis.name)
            kind = {"process": str, "rows": _whole}.get(axis.name, float)
            try:
                values = None if isinstance(given, str) else tuple(kind(value) for value in given)
            except (TypeError, ValueError):
                values = None
            lacking = not values and (values is None or axis.name != "rows")
            if lacking or len(set(values)) < len(values):
                raise InvalidPlan(f"{axis.name}={given!r} must be a list without repetition (conditions.{axis.name})")
            object.__setattr__(self, axis.name, values)

    @property
    def swept(self) -> tuple[str, ...]:
        """Those of ``OPTIONAL`` that are axes of the results."""
        offsets = (axis for axis in OFFSETS if getattr(self, axis) != (0.0,))
        return (*offsets, *(["rows"] if self.rows else []))

    @property
    def axes(self) -> dict[str, tuple]:
        """Axes of the results and their values, process slowest."""
        return {axis: getattr(self, axis) for axis in ("process", "vdd", "temp", *self.swept)}

    def points(self) -> Iterator[Place]:
        """Every condition, process slowest."""
        return product(*(getattr(self, axis.name) or (None,) for axis in fields(self)))

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
        if any(rows < 1 for rows in self.rows):
            raise InvalidPlan(f"rows={min(self.rows)} is not a whole number of at least 1 (conditions.rows)")
        if problem := self.offset_problem():
            axis, what = problem
            raise InvalidPlan(f"{what} (conditions.{axis})")

    def offset_problem(self) -> tuple[str, str] | None:
        """The axis of an offset that is out of range or takes a line to 0, and what is wrong with it, if any."""
        for axis, line in OFFSETS.items():
            for value in getattr(self, axis):
                if not abs(value) <= MOST_OFFSET + ROUNDING:
                    return axis, f"{axis}={value:g} V is outside -{MOST_OFFSET:g}..{MOST_OFFSET:g} V"
                lowest = min(self.vdd)
                if not lowest + value > ROUNDING:
                    return axis, f"{axis}={value:g} V leaves the {line} nothing of vdd={lowest:g} V"
        return None


def _whole(value: float) -> int:
    """A whole number as it is; raises ValueError for any other."""
    if isinstance(value, bool) or value != int(value):
        raise ValueError(value)
    return int(value)
