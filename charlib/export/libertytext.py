"""The syntax of Liberty: groups, lists, tables of numbers, and what every library of ours says first.

Units are ps, fF, V, nW; energies come out in fJ, the unit of voltage squared times that of capacitance.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from charlib.directory import write_whole

DIGITS = 8
"""Significant digits of every number."""
PS, FF, FJ, NW = 1e12, 1e15, 1e15, 1e9
"""Units of the library in those of SI."""
ZERO_CELSIUS = 273.15
CORNERS = ("process", "vdd", "temp")
SCALAR = "scalar"
"""Template of a table of one number, which Liberty knows without being told."""


@dataclass(frozen=True)
class Group:
    """A group of Liberty: its kind and name, and statements, each a group or a line."""

    kind: str
    name: str
    statements: Sequence[Group | str]

    def lines(self, indent: str = "") -> Iterable[str]:
        yield f"{indent}{self.kind} ({self.name}) {{"
        for statement in self.statements:
            yield from statement.lines(f"{indent}  ") if isinstance(statement, Group) else [f"{indent}  {statement}"]
        yield f"{indent}}}"


def save(library: Group, dest: Path) -> Path:
    """A library as a file of its own name in a folder."""
    text = "\n".join(library.lines()) + "\n"
    path = dest / f"{library.name}.lib"
    write_whole(path, lambda partial: partial.write_text(text, encoding="ascii"))
    return path


def library_name(of: str, process: str, vdd: float, temp: float) -> str:
    """Name of a library of a technology, or of something made in it.

    >>> library_name("freepdk45_vtg", "ss", 0.9, 233.15)
    'freepdk45_vtg_ss_0v9_m40c'
    >>> library_name("predictive28_macro", "tt", 1.0, 298.15)
    'predictive28_macro_tt_1v0_25c'
    """
    celsius = f"{temp - ZERO_CELSIUS:.6g}".replace("-", "m").replace(".", "p")
    volts = f"{vdd:.6g}" if vdd % 1 else f"{vdd:.1f}"
    return f"{of}_{process}_{volts.replace('.', 'v')}_{celsius}c"


def head(data: xr.Dataset, title: str) -> list[Group | str]:
    """First statements of a library at the condition of a Dataset: units, thresholds, condition."""
    vdd, celsius = float(data["vdd"]), float(data["temp"]) - ZERO_CELSIUS
    return [
        "delay_model : table_lookup;", f'comment : "{title}, {data["process"].item()}";',
        'time_unit : "1ps";', 'voltage_unit : "1V";', 'current_unit : "1uA";', 'pulling_resistance_unit : "1kohm";',
        'leakage_power_unit : "1nW";', "capacitive_load_unit (1, ff);",
        "nom_process : 1;", f"nom_voltage : {number(vdd)};", f"nom_temperature : {number(celsius)};",
        *(f"{kind}_threshold_pct_{edge} : 50;" for kind in ("input", "output") for edge in ("rise", "fall")),
        *(f"slew_{end}_threshold_pct_{edge} : {value};" for end, value in (("lower", 20), ("upper", 80))
          for edge in ("rise", "fall")),
        "slew_derate_from_library : 0.6;",
        Group("operating_conditions", "condition", [
            "process : 1;", f"voltage : {number(vdd)};", f"temperature : {number(celsius)};"]),
        "default_operating_conditions : condition;",
    ]  # fmt: skip


def table(kind: str, template: str, values: np.ndarray | float) -> Group:
    """A table of numbers in the library's units."""
    rows = np.atleast_2d(values)
    return Group(kind, template, [f"values ({', '.join(listed(row) for row in rows)});"])


def listed(values: Iterable[float]) -> str:
    """Numbers in one pair of quotes."""
    return f'"{", ".join(number(value) for value in values)}"'


def number(value: float) -> str:
    """A number with the library's digits.

    >>> number(1 / 3)
    '0.33333333'
    """
    return f"{float(value):.{DIGITS}g}"
