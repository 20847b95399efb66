"""Lookup tables: the numbers that architecture models take, over the conditions, never extrapolated."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.interpolate import PchipInterpolator

from charlib.metrics import METRICS
from charlib.status import Status, known_failures, unknown

COUNTS = {
    "n_ok": "samples with a number",
    "n_failed": "samples known to have failed",
    "n_unknown": "samples without an answer",
}


LOGARITHMIC = ("s", "A", "J")
"""Units of what is interpolated in its logarithm."""


class TableError(LookupError):
    """A question that a table cannot answer."""


def reduce(data: xr.Dataset) -> xr.Dataset:
    """Tables of a characterization: mean, standard deviation and nominal value of each metric, and sample counts.

    Args:
        data: Dataset of ``characterize``.

    Returns:
        Dataset over the conditions' axes: ``<metric>`` (mean of the samples with a number), ``<metric>_std``,
        ``<metric>_nominal``, ``<metric>_n_ok``, ``_n_failed``, ``_n_unknown``; ``<metric>_lobes`` (mean, with the
        further dimension ``lobe``) where the metric exists per stored state. Mean and deviation leave out samples
        without a number: read them together with the counts.
    """
    variables = {}
    for name in (n for n in data.data_vars if n in METRICS):
        values, status = data[name], data[f"{name}_status"]
        about = {key: values.attrs[key] for key in ("units", "fails_when", "fail_limit")}
        label = values.attrs["long_name"]
        if f"{name}_lobes" in data:
            label += " (worse stored state)"
        variables[name] = _mean(values).assign_attrs(about | {"long_name": f"{label}, mean"})
        std = values.std("sample", skipna=True, ddof=1 if values.sizes["sample"] > 1 else 0)
        long_name = f"{label}, standard deviation"
        variables[f"{name}_std"] = std.drop_attrs().assign_attrs(units=about["units"], long_name=long_name)
        nominal = data[f"{name}_nominal"]
        variables[f"{name}_nominal"] = nominal.drop_attrs().assign_attrs(
            units=about["units"], long_name=nominal.attrs["long_name"]
        )
        failed = xr.apply_ufunc(known_failures, status, about["fails_when"], keep_attrs=False)
        masks = {"n_ok": status == Status.ok, "n_failed": failed, "n_unknown": xr.apply_ufunc(unknown, status)}
        for suffix, mask in masks.items():
            count = mask.sum("sample").astype(np.int32).drop_attrs()
            variables[f"{name}_{suffix}"] = count.assign_attrs(units="1", long_name=f"{label}, {COUNTS[suffix]}")
        if f"{name}_lobes" in data:
            lobes = _mean(data[f"{name}_lobes"])
            each = f"{values.attrs['long_name']}, mean per stored state"
            variables[f"{name}_lobes"] = lobes.assign_attrs(units=about["units"], long_name=each)
    table = xr.Dataset(variables, attrs=data.attrs | {"title": f"pimchar tables, {data.attrs['technology']}"})
    return table.assign_coords({axis: data[axis] for axis in table.dims})


def _mean(values: xr.DataArray) -> xr.DataArray:
    """Mean over the samples with a number; NaN where there is none."""
    count = values.notnull().sum("sample")
    return (values.fillna(0.0).sum("sample") / count.where(count > 0)).drop_attrs()


class LookupTable:
    """Characterized numbers as a function of process, vdd, temp and, where they were swept, offsets.

    Attributes:
        data: the tables, as :func:`reduce` makes them.
    """

    def __init__(self, data: xr.Dataset) -> None:
        self.data = data

    @classmethod
    def open(cls, path: str | Path) -> LookupTable:
        """Read ``tables.nc``; raises TableError for a file that is missing or no table."""
        try:
            data = xr.load_dataset(path, engine="netcdf4")
        except (OSError, ValueError) as error:
            raise TableError(f"{path} is not a table: {error}") from error
        missing = {"process", "vdd", "temp"} - set(data.dims)
        if missing:
            raise TableError(f"{path} is not a table: no dimension {', '.join(sorted(missing))}")
        return cls(data)

    def __call__(
        self,
        name: str,
        *,
        process: str,
        vdd: float,
        temp: float,
        dv_wl: float = 0.0,
        dv_bl: float = 0.0,
        dv_cell: float = 0.0,
        rows: int | None = None,
    ) -> float:
        """A number at a condition, exact on the grid.

        Between its points a monotone cubic is laid along each axis, through the logarithm of what is positive by
        nature (times, currents, energies), which spans decades near threshold, and through margins themselves.

        Args:
            name: variable, such as ``t_read_p`` (mean), ``t_read_p_std`` or ``t_read_p_nominal``.
            process: corner. vdd: supply [V]. temp: temperature [K]. dv_wl, dv_bl, dv_cell: offsets [V]; a table in
                which one was not swept has it at 0 alone. rows: cells on the bit lines; None: the read path's.

        Raises:
            TableError: unknown variable or corner, a value outside the grid, or a grid point without a number.
        """
        offsets = {"dv_wl": dv_wl, "dv_bl": dv_bl, "dv_cell": dv_cell}
        axes = {"vdd": vdd, "temp": temp} | {axis: v for axis, v in offsets.items() if axis in self.data.dims}
        for axis in offsets.keys() - axes:
            if offsets[axis]:
                raise TableError(f"{axis}={offsets[axis]:g} V is outside the table, which was made at {axis}=0 V")
        if "rows" in self.data.dims:
            axes["rows"] = rows_of(self.data) if rows is None else rows
        elif rows is not None and rows != rows_of(self.data):
            raise TableError(f"rows={rows} is outside the table, which was made with rows={rows_of(self.data)}")
        names = [str(n) for n in self.data.data_vars if set(self.data[n].dims) == {"process", *axes}]
        if name not in names:
            raise TableError(f"{name!r} is not one of {', '.join(names)}")
        corners = [str(p) for p in self.data["process"].values]
        if process not in corners:
            raise TableError(f"process={process!r} is not one of {', '.join(corners)}")
        number = self.data[name]
        values = number.sel(process=process).transpose(*axes).values
        logarithmic = number.attrs["units"] in LOGARITHMIC and (values > 0).all()
        scale, back = (np.log, np.exp) if logarithmic else (same, same)
        for axis, value in axes.items():
            values = along(self.data[axis], value, values, name, scale, back)
        return float(values)


def same(values: np.ndarray) -> np.ndarray:
    """The scale on which numbers are interpolated as they are."""
    return values


def along(
    axis: xr.DataArray, value: float, values: np.ndarray, name: str, scale: Callable, back: Callable
) -> np.ndarray:
    """Interpolate the first dimension of ``values`` at one value of its axis, on a scale."""
    order = np.argsort(axis.values)
    grid, values = axis.values[order], values[order]
    if not grid[0] <= value <= grid[-1]:
        unit = f" {axis.attrs['units']}".removesuffix(" 1")
        raise TableError(f"{axis.name}={value:g}{unit} is outside the table's {grid[0]:g}..{grid[-1]:g}{unit}")
    if value in grid:
        result = values[np.searchsorted(grid, value)]
    else:
        result = back(PchipInterpolator(grid, scale(values), axis=0)(value)) if np.isfinite(values).all() else np.nan
    if not np.isfinite(result).all():
        raise TableError(f"{name} has no number at or next to {axis.name}={value:g}: see its counts of failed samples")
    return result


def rows_of(data: xr.Dataset) -> int:
    """Rows of the read path that results or tables were made with, where they have no axis of rows."""
    return int(json.loads(data.attrs["readpath"])["rows"])


def left_out_error(data: xr.Dataset, name: str) -> float:
    """Largest relative deviation of a table, inner supplies left out one at a time, from the number left out [1].

    It bounds the error between the grid's points from above, roughly: the gaps are twice as wide. NaN where the grid
    has fewer than three supplies, or no number to compare.
    """
    worst = math.nan
    for vdd in np.sort(data["vdd"].values)[1:-1]:
        lookup = LookupTable(data.drop_sel(vdd=vdd))
        axes = [axis for axis in data[name].dims if axis != "vdd"]
        for place in product(*(data[axis].values.tolist() for axis in axes)):
            at = {"vdd": float(vdd), **dict(zip(axes, place, strict=True))}
            known = float(data[name].sel(at))
            try:
                found = lookup(name, **at)
            except TableError:  # a neighbour has no number, so no interpolation is offered here
                continue
            worst = np.fmax(worst, abs(found / known - 1.0) if known else math.nan)
    return float(worst)
