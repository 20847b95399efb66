"""A macro's numbers over design, process, supply and temperature. Needs nothing but Python.

Between the table's points lie monotone cubics of the logarithms (PCHIP: Fritsch and Butland, SIAM J. Sci. Stat. Comput.
5, 1984), along the supply first and then along temperature; on the points the stored numbers, beyond them none.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

ZERO_CELSIUS = 273.15
NEAR = 1e-9
"""Distance from a point of the grid, relative to it [1], that is taken as rounding."""
TEXTS, AXES = ("design", "process"), ("vdd_v", "temp_k")

Plane = dict[tuple[float, float], dict[str, float]]


class OutsideTable(ValueError):
    """A question that the table cannot answer."""


@dataclass(frozen=True)
class Table:
    """Numbers of one macro.

    Attributes:
        planes: by design and process, and in them by supply [V] and temperature [K]; columns end in their SI unit.
        where: name of the file, for messages.
    """

    planes: dict[tuple[str, str], Plane]
    where: str

    @classmethod
    def read(cls, path: Path) -> Table:
        """A file with the columns ``design, process, vdd_v, temp_k`` and any others, which are numbers."""
        planes: dict[tuple[str, str], Plane] = {}
        with path.open(newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                plane = planes.setdefault(tuple(row.pop(name) for name in TEXTS), {})
                plane[tuple(float(row.pop(name)) for name in AXES)] = {name: float(x) for name, x in row.items()}
        return cls(planes, path.name)

    def at(self, design: str, process: str, vdd: float, temp_c: float) -> dict[str, float]:
        """All numbers at one condition, by column.

        Args:
            vdd: supply [V]. temp_c: temperature [degC].

        Raises:
            OutsideTable: unknown design or process, a condition outside the grid, or one without a number.
        """
        for name, value, legal in zip(TEXTS, (design, process), zip(*self.planes, strict=True), strict=True):
            if value not in legal:
                raise OutsideTable(f"{name}={value!r} is not one of {', '.join(dict.fromkeys(legal))} ({self.where})")
        plane = self.planes[design, process]
        supplies, temps = (sorted(set(points)) for points in zip(*plane, strict=True))
        asked = (
            self._inside("vdd", vdd, supplies, 0.0, "V"),
            self._inside("temp_c", temp_c, temps, ZERO_CELSIUS, "degC"),
        )
        found = {}
        for name in next(iter(plane.values())):
            lines = [cubic(supplies, [plane[v, t][name] for v in supplies], asked[0]) for t in temps]
            found[name] = cubic(temps, lines, asked[1])
        void = [name for name, value in found.items() if math.isnan(value)]
        if void:
            raise OutsideTable(f"{void[0]} has no number at {process}, {vdd:g} V, {temp_c:g} degC ({self.where})")
        return found

    def _inside(self, name: str, value: float, grid: Sequence[float], offset: float, unit: str) -> float:
        """A value on the grid's scale, at its point if it is near one."""
        on_scale = float(value) + offset
        near = min(grid, key=lambda point: abs(point - on_scale))
        if abs(near - on_scale) <= NEAR * abs(near):
            return near
        if not grid[0] <= on_scale <= grid[-1]:
            legal = f"{grid[0] - offset:g}..{grid[-1] - offset:g} {unit}"
            raise OutsideTable(f"{name}={float(value):g} {unit} is outside {legal} of the table ({self.where})")
        return on_scale


def cubic(grid: Sequence[float], values: Sequence[float], at: float) -> float:
    """Monotone cubic through numbers, of their logarithms where all are positive.

    >>> round(cubic([0.0, 1.0, 2.0], [1.0, 10.0, 100.0], 1.5), 9)
    31.622776602
    """
    if at in grid:
        return values[grid.index(at)]
    left = sum(point < at for point in grid) - 1
    logarithm = min(values) > 0
    scaled = [math.log(value) for value in values] if logarithm else list(values)
    slopes = _slopes(tuple(grid), tuple(scaled))
    h, t = grid[left + 1] - grid[left], (at - grid[left]) / (grid[left + 1] - grid[left])
    right = t * t * (3 - 2 * t)
    level = (1 - right) * scaled[left] + right * scaled[left + 1]
    found = level + h * t * (1 - t) * ((1 - t) * slopes[left] - t * slopes[left + 1])
    return math.exp(found) if logarithm else found


@lru_cache(maxsize=4096)
def _slopes(grid: tuple[float, ...], values: tuple[float, ...]) -> list[float]:
    """Slopes at the points: weighted harmonic means of the secants beside them, at the ends those of a parabola."""
    widths = [b - a for a, b in pairwise(grid)]
    secants = [(b - a) / h for (a, b), h in zip(pairwise(values), widths, strict=True)]
    if len(secants) == 1:
        return [secants[0], secants[0]]
    inner = []
    for i in range(len(secants) - 1):
        a, b, g, h = secants[i], secants[i + 1], widths[i], widths[i + 1]
        inner.append(3 * (g + h) / ((g + 2 * h) / a + (2 * g + h) / b) if a * b > 0 else 0.0)
    return [_end(*widths[:2], *secants[:2]), *inner, _end(*widths[:-3:-1], *secants[:-3:-1])]


def _end(near: float, next_: float, first: float, second: float) -> float:
    """Slope at an end, limited so that the cubic stays monotone."""
    slope = ((2 * near + next_) * first - near * second) / (near + next_)
    if slope * first <= 0:
        return 0.0
    return 3 * first if first * second <= 0 and abs(slope) > 3 * abs(first) else slope
