"""Files of a results directory that exports are written from."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from charlib.errors import TableError

TABLES, GATES, MACRO = "tables.nc", "periphery.nc", "macro.nc"
"""Metrics of cells, logic gates, and what is made of both."""


def load(path: Path) -> xr.Dataset:
    """A file in memory, samples apart; raises TableError if it cannot be read."""
    try:
        return xr.load_dataset(path, engine="netcdf4")
    except (OSError, ValueError, RuntimeError) as error:
        raise TableError(f"{path} is not readable: {error}".splitlines()[0]) from error
