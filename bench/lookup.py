"""What lookup tables cost: opening one, and many look-ups at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import xarray as xr
from tabulate import tabulate

import charlib
from bench.startup import alone
from charlib import tables
from charlib.metrics import METRICS

POINTS = 1_000_000
"""Look-ups at once."""
ROUNDS = 7
METRICS_IN_TABLE = 20
"""Metrics of the table that is opened, of which a default run has fourteen."""
GRID = {"process": ["tt", "ff", "ss", "fs", "sf"], "vdd": np.linspace(0.6, 1.0, 5),
        "temp": np.array([-40.0, 0.0, 25.0, 75.0, 125.0]) + 273.15, "rows": [16, 64, 256]}  # fmt: skip
UNITS = {"process": "1", "vdd": "V", "temp": "K", "rows": "1"}
SAMPLES = 50


def write(path: Path) -> None:
    """A table of made-up numbers of the size of a full run's."""
    coords = {axis: (axis, values, {"units": UNITS[axis]}) for axis, values in GRID.items()}
    data = xr.Dataset(coords=coords | {"sample": np.arange(SAMPLES)}, attrs={"technology": "none", "samples": SAMPLES})
    data.attrs["readpath"] = '{"rows": 16}'
    shape = tuple(data.sizes[axis] for axis in (*GRID, "sample"))
    spread = xr.DataArray(np.random.default_rng(1).lognormal(0.0, 0.1, shape), dims=(*GRID, "sample"))
    values = spread * np.exp(-6 * data["vdd"]) * (20 + data["rows"]) * (data["temp"] / 300)
    for name in list(METRICS)[:METRICS_IN_TABLE]:
        metric = METRICS[name]
        about = {"units": metric.unit, "long_name": name, "fails_when": metric.fails_when, "fail_limit": 0.0}
        data[name] = values.transpose(*spread.dims).assign_attrs(about)
        data[f"{name}_status"] = xr.zeros_like(spread, dtype=np.int8)
        data[f"{name}_nominal"] = data[name].isel(sample=0, drop=True).assign_attrs(about)
    tables.write(path, data)


def milliseconds(work: Callable[[], object]) -> list[float]:
    """Wall time of a few repetitions [ms], after one that does not count."""
    found = []
    for _ in range(ROUNDS + 1):
        started = time.perf_counter()
        work()
        found.append(1e3 * (time.perf_counter() - started))
    return found[1:]


def first_opening(path: str) -> float:
    """Wall time of opening a table in a process that has opened none [ms].

    What xarray imports at its first array, dask if that is installed, does not count.
    """
    xr.DataArray(0.0)
    started = time.perf_counter()
    charlib.LookupTable.open(path)
    return 1e3 * (time.perf_counter() - started)


def main() -> None:
    """Print the table."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "tables.nc")
        write(path)
        size = path.stat().st_size / 1e6
        first = [alone(first_opening, str(path)) for _ in range(ROUNDS)]
        opening = milliseconds(lambda: charlib.LookupTable.open(path))
        lut, rng = charlib.LookupTable.open(path), np.random.default_rng(1)
        bounds = {axis: (min(values), max(values)) for axis, values in GRID.items() if axis != "process"}
        at = {axis: xr.DataArray(rng.uniform(*ends, POINTS), dims="point") for axis, ends in bounds.items()}
        two = {axis: at[axis] for axis in ("vdd", "temp")}
        corners = xr.DataArray(np.array(GRID["process"])[rng.integers(5, size=POINTS)], dims="point")
        rows = [
            ("opening, first time in a process", first, "200"),
            ("opening again", opening, "200"),
            ("1 look-up", milliseconds(lambda: lut("t_read_p", process="ss", vdd=0.83, temp=310.0)), ""),
            ("10^6 over vdd, temp", milliseconds(lambda: lut("t_read_p", process="ss", **two)), "1000"),
            ("10^6 over vdd, temp, rows", milliseconds(lambda: lut("t_read_p", process="ss", **at)), "1000"),
            ("10^6 over vdd, temp and five corners", milliseconds(lambda: lut("t_read_p", process=corners, **two)), ""),
        ]
    print(f"table of {METRICS_IN_TABLE} metrics, 5 x 5 x 5 x 3 conditions, {SAMPLES} samples, {size:.0f} MB\n")
    shown = [(what, f"{median(of):.3g}", f"{min(of):.3g}-{max(of):.3g}", limit) for what, of, limit in rows]
    print(tabulate(shown, ("", "median [ms]", "min-max", "at most"), tablefmt="github"))
