"""Lookup tables: the numbers that architecture models take, over the conditions, never extrapolated."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import netCDF4
import numpy as np
import xarray as xr

from charlib import arrays
from charlib.interpolation import Field, left_out
from charlib.metrics import METRICS
from charlib.status import Status, known_failures, unknown

COUNTS = {
    "n_ok": "samples with a number",
    "n_failed": "samples known to have failed",
    "n_unknown": "samples without an answer",
}


LOGARITHMIC = ("s", "A", "J")
"""Units of what is interpolated in its logarithm where a grid is too coarse to choose by the error."""
STRAIGHT = ("rows", "slew", "load")
"""Axes along which delay and energy are near straight lines, whatever is done along the others."""
SCALES = ("log", "linear")
"""Values of the attribute ``interpolation``."""
REFINE = 0.03
"""Largest error with a point left out [1] above which more points of an axis are suggested."""
SAMPLES = "samples"
"""Group of ``tables.nc`` that holds the samples."""
PARTS = ("", "_status", "_lobes", "_lobes_status")
"""Suffixes of what is stored of a metric's samples."""


def reduce(data: xr.Dataset) -> xr.Dataset:
    """Tables of a characterization: mean, standard deviation and nominal value of each metric, and sample counts.

    Args:
        data: Dataset of ``characterize``.

    Returns:
        Dataset over the conditions' axes: ``<metric>`` (mean of the samples with a number), ``<metric>_std``,
        ``<metric>_nominal``, ``<metric>_n_ok``, ``_n_failed``, ``_n_unknown``; ``<metric>_lobes`` (mean, with the
        further dimension ``lobe``) where the metric exists per stored state. Mean and deviation leave out samples
        without a number: read them together with the counts. Attributes say on which scale numbers are interpolated
        and how far that errs, see :func:`described`.
    """
    variables = {}
    for name in (n for n in data.data_vars if n in METRICS):
        values, status = data[name], data[f"{name}_status"]
        about = {key: values.attrs[key] for key in ("units", "fails_when", "fail_limit")}
        label = values.attrs["long_name"]
        if f"{name}_lobes" in data:
            label += " (worse stored state)"
        mean, std = _moments(values)
        variables[name] = mean.assign_attrs(about | {"long_name": f"{label}, mean"})
        long_name = f"{label}, standard deviation"
        variables[f"{name}_std"] = std.assign_attrs(units=about["units"], long_name=long_name)
        nominal = data[f"{name}_nominal"]
        variables[f"{name}_nominal"] = nominal.drop_attrs().assign_attrs(
            units=about["units"], long_name=nominal.attrs["long_name"]
        )
        masks = {
            "n_ok": lambda flags: flags == Status.ok,
            "n_failed": partial(known_failures, fails_when=about["fails_when"]),
            "n_unknown": unknown,
        }
        for suffix, mask in masks.items():
            count = arrays.total(status, mask).astype(np.int32).drop_attrs()
            variables[f"{name}_{suffix}"] = count.assign_attrs(units="1", long_name=f"{label}, {COUNTS[suffix]}")
        if f"{name}_lobes" in data:
            lobes, _ = _moments(data[f"{name}_lobes"])
            each = f"{values.attrs['long_name']}, mean per stored state"
            variables[f"{name}_lobes"] = lobes.assign_attrs(units=about["units"], long_name=each)
    table = xr.Dataset(variables, attrs=data.attrs | {"title": f"pimchar tables, {data.attrs['technology']}"})
    table = table.assign_coords({axis: data[axis] for axis in table.dims})
    for name in (n for n in table.data_vars if n in METRICS):
        table[name].attrs |= described(table[name])
        table[f"{name}_std"].attrs |= described(table[f"{name}_std"])
        for other in (f"{name}_nominal", f"{name}_lobes"):
            if other in table and table[name].attrs["interpolation"] in scales(table[other]):
                table[other].attrs["interpolation"] = table[name].attrs["interpolation"]
    return table


def write(path: Path, data: xr.Dataset) -> None:
    """Write ``tables.nc``: the tables of a characterization, and its samples in a group of their own."""
    names = [f"{name}{part}" for name in METRICS for part in PARTS if f"{name}{part}" in data]
    # The group first: the NetCDF library cannot add to one that has dimensions of the same names as its root.
    arrays.write(path, data[names], SAMPLES)
    reduce(data).to_netcdf(path, mode="a")


def _moments(values: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Mean of the samples with a number, NaN where there is none, and their standard deviation, NaN below two.

    A single sample deviates by 0 from itself.
    """
    count = arrays.total(values, lambda piece: ~np.isnan(piece))
    mean = arrays.total(values, lambda piece: np.where(np.isnan(piece), 0.0, piece)) / count.where(count > 0)
    squares = arrays.total(values, lambda piece, at: np.where(np.isnan(piece), 0.0, piece - at) ** 2, mean)
    freedom = count - (values.sizes["sample"] > 1)
    return mean.drop_attrs(), np.sqrt(squares / freedom.where(freedom > 0)).drop_attrs()


def read(path: Path) -> xr.Dataset:
    """The tables of ``tables.nc``, without the samples; raises OSError for a file that is not readable.

    Straight from the NetCDF library: xarray's decoding takes three times longer, of which tables have no need.
    """
    with netCDF4.Dataset(path) as stored:
        stored.set_auto_mask(False)
        found = {}
        for name, variable in stored.variables.items():
            values = variable[...]
            attrs = {key: variable.getncattr(key) for key in variable.ncattrs() if key != "_FillValue"}
            found[name] = variable.dimensions, values.astype(str) if values.dtype == object else values, attrs
        coordinates = {name: found.pop(name) for name in stored.dimensions if name in found}
        return xr.Dataset(found, coordinates, {key: stored.getncattr(key) for key in stored.ncattrs()})


def continuous(variable: xr.DataArray) -> list[str]:
    """Axes along which a variable is interpolated: those that are numbers, but for the samples."""
    return [str(d) for d in variable.dims if d != "sample" and variable[d].dtype.kind in "fi"]


def scales(variable: xr.DataArray) -> tuple[str, ...]:
    """Scales on which a variable can be interpolated: the logarithm takes numbers above 0."""
    values = variable.values
    return SCALES if (values[~np.isnan(values)] > 0).all() else SCALES[1:]


def field(variable: xr.DataArray, scale: str) -> Field:
    """A variable over its continuous axes; what else there is at each point lies behind them, flat."""
    axes = continuous(variable)
    variable = variable.sortby(axes).transpose(*axes, ...)
    grids = tuple(variable[axis].values.astype(float) for axis in axes)
    values = variable.values.reshape((*map(len, grids), *([-1] if variable.ndim > len(axes) else [])))
    return Field(grids, values, scale == "log", tuple(axis in STRAIGHT for axis in axes))


def described(variable: xr.DataArray) -> dict[str, object]:
    """What is said of a variable's interpolation, as attributes.

    ``interpolation`` is the scale, log or linear, that errs less where inner points of the grid are left out one at a
    time. ``left_out_error_<axis>`` is the largest relative error [1] of that along an axis and ``left_out_at_<axis>``
    the point left out; NaN for an axis with no inner point.
    """
    found = {}
    for scale in scales(variable):
        of = field(variable, scale)
        found[scale] = {axis: left_out(of, i) for i, axis in enumerate(continuous(variable))}
    usual = "log" if variable.attrs["units"] in LOGARITHMIC and "log" in found else "linear"
    worst = {s: max((e.error for e in axes.values() if not math.isnan(e.error)), default=0.0)
             for s, axes in found.items()}  # fmt: skip
    best = min(worst, key=lambda scale: (worst[scale], scale != usual))
    about: dict[str, object] = {"interpolation": best}
    for axis, error in found[best].items():
        about |= {f"left_out_error_{axis}": error.error, f"left_out_at_{axis}": error.at}
    return about


def rows_of(data: xr.Dataset) -> int:
    """Rows of the read path that results or tables were made with, where they have no axis of rows."""
    return int(json.loads(data.attrs["readpath"])["rows"])


def left_out_error(variable: xr.DataArray) -> float:
    """Largest of a variable's stored errors along its axes [1]; NaN where no axis has an inner point."""
    errors = [value for key, value in variable.attrs.items() if key.startswith("left_out_error_")]
    return max((float(error) for error in errors if not math.isnan(error)), default=math.nan)


@dataclass(frozen=True)
class Refinement:
    """An axis on which a table errs by more than ``REFINE`` with a point left out.

    Attributes:
        axis: its name. errors: metric to its error [1]. points: values that would halve the gaps where it is largest.
    """

    axis: str
    errors: Mapping[str, float]
    points: tuple[float, ...]


def refinements(table: xr.Dataset) -> list[Refinement]:
    """Where more points are worth their time, axis by axis."""
    names = [name for name in METRICS if name in table]
    axes = dict.fromkeys(axis for name in names for axis in continuous(table[name]))
    found = []
    for axis in axes:
        grid, key = np.sort(table[axis].values), f"left_out_error_{axis}"
        errors = {n: float(table[n].attrs[key]) for n in names if table[n].attrs.get(key, 0.0) > REFINE}
        places = {float(table[name].attrs[f"left_out_at_{axis}"]) for name in errors}
        gaps = sorted({i + side for at in places for i in [int(np.argmin(np.abs(grid - at)))] for side in (-1, 0)})
        middles = (grid[:-1] + grid[1:]) / 2
        if errors:
            found.append(Refinement(axis, errors, tuple(float(middles[gap]) for gap in gaps)))
    return found
