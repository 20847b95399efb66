"""A macro's numbers as a package of its own makes use of them: one CSV file, what the macro is, and a module to ask."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from charlib.directory import write_json, write_whole
from charlib.errors import TableError
from charlib.export import source

AXES = ("design", "process", "vdd", "temp")
SCALARS = {"cycle_time": "cycle_time_s", "leakage_power": "leakage_power_w"}
"""Variables to columns."""
PARTS = {"energy_per_cycle_components": ("energy_{}_j", AXES), "area_components": ("area_{}_m2", ("design",))}
"""Variables with a dimension ``component`` to columns, one each, and to their other dimensions."""
VARIABLES = (*SCALARS, *PARTS)
"""What a table is made of."""
ATTRIBUTES = ("technology", "macro_geometry", "macro_designs")
"""What every export needs to know of a macro."""
KEPT = ("technology", "cell", "cell_area", "macro_model", "gates", "array_energy", "ngspice_version", "samples", "seed")
"""Attributes that say where the numbers are from."""


def open_macro(directory: Path, variables: Iterable[str], attributes: Iterable[str] = ()) -> xr.Dataset:
    """The macro of a results directory; raises TableError if it cannot be read or lacks what an export needs."""
    path = directory / source.MACRO
    data = source.load(path)
    missing = [name for name in variables if name not in data]
    missing += [name for name in (*ATTRIBUTES, *attributes) if name not in data.attrs]
    if missing:
        raise TableError(f"{path} has no {', '.join(missing)}; `pimchar macro {directory}` makes it anew")
    return data


def name(data: xr.Dataset) -> str:
    """Name of a technology as part of a Python name, as ``freepdk45_vtg``; of a file, its own name."""
    technology = data.attrs["technology"]
    text = Path(technology).stem if technology.endswith(".toml") else technology
    return re.sub(r"\W+", "_", text).strip("_").lower()


def rows(data: xr.Dataset) -> list[dict[str, str]]:
    """One row per design and condition; numbers with all of their digits, columns ending in their SI unit."""
    components = [str(part) for part in data["component"].values]
    found = []
    for design, process, vdd, temp in product(*(data[axis].values.tolist() for axis in AXES)):
        at = {"design": design, "process": process, "vdd": vdd, "temp": temp}
        row = {"design": design, "process": process, "vdd_v": repr(vdd), "temp_k": repr(temp)}
        row |= {column: repr(float(data[variable].sel(at))) for variable, column in SCALARS.items()}
        for variable, (column, axes) in PARTS.items():
            values = data[variable].sel({axis: at[axis] for axis in axes}).values.tolist()
            row |= {column.format(part): repr(value) for part, value in zip(components, values, strict=True)}
        found.append(row)
    return found


def about(data: xr.Dataset) -> dict[str, object]:
    """What the macro is (``geometry``, ``designs``) and where its numbers are from (``title``, what ``KEPT`` names)."""
    kept = {key: _plain(data.attrs[key]) for key in KEPT if key in data.attrs}
    title = data.attrs.get("title", "PIM macro")
    return {"title": title, "geometry": geometry(data), "designs": designs(data), **kept}


def geometry(data: xr.Dataset) -> dict[str, int]:
    """Counts that the macro was made with: ``compartments``, ``rows``, ``columns``, ``macros`` and word lengths."""
    return json.loads(data.attrs["macro_geometry"])


def designs(data: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Of each design ``outputs``, ``words``, ``sums``, ``sum_bits`` [1]; ``ports`` with ``name, direction, bits``."""
    return json.loads(data.attrs["macro_designs"])


def _plain(value: object) -> object:
    """An attribute as JSON has it; text that is JSON is taken apart."""
    if isinstance(value, np.generic):
        return value.item()
    try:
        return json.loads(value) if isinstance(value, str) and value.startswith("{") else value
    except ValueError:
        return value


def write_package(
    folder: Path, data: xr.Dataset, module: str, texts: Mapping[str, str], further: Mapping[str, object]
) -> list[Path]:
    """A Python package: the table, what it is, the module that asks it, and one that brings it to its consumer.

    Args:
        folder: of the package; must not exist. module: file of ``charlib/export/standalone`` that becomes
            ``__init__.py``. texts: further files and what they hold. further: to be said of the macro.

    Raises:
        TableError: the folder exists.
    """
    if folder.exists():
        raise TableError(f"{folder} exists: remove it or choose another --dest")
    stored = resources.files("charlib") / "export" / "standalone"
    texts = {
        "__init__.py": (stored / module).read_text(encoding="utf-8"),
        "table.py": (stored / "table.py").read_text(encoding="utf-8"),
        "table.csv": _csv(rows(data)),
        **texts,
    }
    folder.mkdir(parents=True)
    for file, text in texts.items():
        write_whole(folder / file, lambda path, text=text: path.write_text(text, encoding="utf-8"))
    write_json(folder / "macro.json", about(data) | dict(further))
    return [folder / file for file in (*texts, "macro.json")]


def _csv(table: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(table[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue()
