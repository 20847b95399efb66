"""Failure rates between the conditions of a yield run: levels are interpolated, never probabilities, never beyond."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from scipy import stats

from analysis.rare_data import FILE
from charlib import tables
from charlib.errors import TableError
from charlib.interpolation import NEAR
from charlib.lookup import LookupTable
from charlib.places import Coordinate, shown

LEVELS = {"level": "sigma_level", "level_ci_low": "pf_ci_high", "level_ci_high": "pf_ci_low"}
"""What is interpolated, and what of a yield run it is made of."""


class FailureRates:
    """Failure probability of a cell as a function of process, vdd, temp and what else a yield run has axes for.

    Conditions are given as to :class:`charlib.lookup.LookupTable`, which interpolates the level in standard deviations.

    Attributes:
        table: levels with the ends of their intervals, NaN where they are not established or have no interval.
    """

    def __init__(self, data: xr.Dataset) -> None:
        sure = (data["established"] == 1) & (data["pf_ci_low"] > 0) & (data["pf_ci_high"] < 1)
        levels = {name: data[source] if name == "level" else _level(data[source]) for name, source in LEVELS.items()}
        about = {"units": "1", "interpolation": "linear"}
        found = xr.Dataset({name: level.where(sure).assign_attrs(about) for name, level in levels.items()})
        found["established"] = sure.astype(float).assign_attrs(about)
        found["level"].attrs |= tables.described(found["level"])
        self.table = LookupTable(found.assign_attrs(data.attrs))

    @classmethod
    def open(cls, results: str | Path) -> FailureRates:
        """Read a results directory of ``pimchar yield``.

        Raises:
            TableError: it has no failure probabilities.
        """
        path = Path(results) / FILE
        try:
            return cls(xr.load_dataset(path))
        except (OSError, ValueError, KeyError) as error:
            raise TableError(f"{path} has no failure probabilities: {error}".splitlines()[0]) from error

    def __call__(self, **at: Coordinate) -> xr.Dataset:
        """Level and failure probability at conditions, each with the ends of its 95 % interval.

        On the grid the numbers are those of the run. Between its points the interval is wider by what the
        interpolation errs by with a point left out, along each axis [standard deviations].

        Args:
            at: process by name, vdd [V], temp [K] and further axes; what is not given is an axis of the result.

        Raises:
            TableError: as of a LookupTable; a point that is needed is not established; an axis of two points, between
                which nobody knows how far the interpolation errs.
        """
        if not (self.table("established", **at) > 1 - NEAR).all():
            where = ", ".join(f"{axis}={shown(value)}" for axis, value in at.items())
            raise TableError(
                f"a failure probability next to {where} is not established, or without interval: see pimchar yield"
            )
        level, low, high = (self.table(name, **at) for name in LEVELS)
        error = self._error(level)
        found = {"sigma_level": level, "sigma_level_ci_low": low - error, "sigma_level_ci_high": high + error}
        ends = {"pf": "sigma_level", "pf_ci_low": "sigma_level_ci_high", "pf_ci_high": "sigma_level_ci_low"}
        found |= {name: level.copy(data=stats.norm.sf(found[source])) for name, source in ends.items()}
        return xr.Dataset({name: values.rename(name).assign_attrs(units="1") for name, values in found.items()})

    def _error(self, level: xr.DataArray) -> xr.DataArray:
        """What the interpolation errs by at levels that were asked for, 0 on the grid [standard deviations]."""
        stored, error = self.table.data["level"], xr.zeros_like(level)
        for axis in tables.continuous(stored):
            grid, asked = stored[axis].values, level[axis]
            nearest = np.abs(np.asarray(asked)[..., None] - grid).min(axis=-1)
            off = nearest > NEAR * np.ptp(grid)
            relative = float(stored.attrs[f"left_out_error_{axis}"])
            if off.any() and np.isnan(relative):
                raise TableError(f"{axis} has {len(grid)} points: between them 3 are needed to tell an interval")
            error = error + asked.copy(data=np.where(off, relative if off.any() else 0.0, 0.0)) * level
        return error


def _level(pf: xr.DataArray) -> xr.DataArray:
    """Level of probabilities [standard deviations]."""
    return pf.copy(data=stats.norm.isf(pf.values))
