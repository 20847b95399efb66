"""Tables as comma-separated values: one file per quantity, a row per condition, units in the header."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from charlib.directory import write_whole
from charlib.export import source
from charlib.metrics import METRICS

PARTS = {"": "mean", "_std": "std", "_nominal": "nominal", "_n_ok": "n_ok", "_n_failed": "n_failed",
         "_n_unknown": "n_unknown"}  # fmt: skip
"""Suffix of a table's variable to its column."""
GATES = ("delay", "output_slew", "energy", "leakage", "capacitance", "constraint_time")
"""Quantities of gates, nominal."""


def write(directory: Path, dest: Path) -> list[Path]:
    """One file for each metric of ``tables.nc``, and for each quantity of gates of ``periphery.nc``."""
    written = []
    for file, frames in ((source.TABLES, _metrics), (source.GATES, _gates)):
        if not (directory / file).is_file():
            continue
        for name, frame in frames(source.load(directory / file)):
            write_whole(dest / f"{name}.csv", lambda path, frame=frame: frame.to_csv(path, index=False))
            written.append(dest / f"{name}.csv")
    return written


def _metrics(data: xr.Dataset) -> Iterator[tuple[str, pd.DataFrame]]:
    for name in (n for n in METRICS if n in data):
        yield name, _frame(data, {f"{name}{part}": column for part, column in PARTS.items()})
        if f"{name}_lobes" in data:
            yield f"{name}_lobes", _frame(data, {f"{name}_lobes": "mean"})


def _gates(data: xr.Dataset) -> Iterator[tuple[str, pd.DataFrame]]:
    for name in (n for n in GATES if n in data):
        status = f"{name}_status"
        yield f"gate_{name}", _frame(data.assign({status: _texts(data[status])}), {name: name, status: "status"})


def _texts(status: xr.DataArray) -> xr.DataArray:
    """Statuses in words."""
    words = np.array(status.attrs["flag_meanings"].split())
    return status.copy(data=words[status.values])


def _frame(data: xr.Dataset, columns: Mapping[str, str]) -> pd.DataFrame:
    """Columns of variables behind those of their axes, each with its unit."""
    part = data[list(columns)]
    axes = list(part[next(iter(columns))].dims)
    frame = part.reset_coords(drop=True).to_dataframe(dim_order=axes).reset_index()
    units = {axis: data[axis].attrs.get("units", "1") for axis in axes}
    units |= {name: data[name].attrs.get("units", "") for name in columns}
    heads = {name: columns.get(name, name) for name in frame.columns}
    return frame.rename(columns={n: f"{h} [{units[n]}]" if units[n] not in ("", "1") else h for n, h in heads.items()})
