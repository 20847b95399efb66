"""Write errors of the cells of a results directory."""

from __future__ import annotations

import json
from pathlib import Path

import xarray as xr

import netlists
from analysis import writeerrors
from charlib.directory import write_whole
from netlists.cells import restored
from pimchar import stored
from pimchar.runschema import RunFileError


def evaluate(folder: Path, **asked: float | None) -> xr.Dataset:
    """Write errors of a directory's cells, also stored; see :func:`analysis.writeerrors.write_errors`.

    Args:
        folder: results directory. asked: of :class:`analysis.writeerrors.Request`.

    Raises:
        RunFileError: no characterization, or one of another kind of cell. StatisticsError, SwitchingError: see there.
    """
    with stored.open_samples(folder) as data:
        cell = restored(json.loads(data.attrs["cell"]), folder)
        if not isinstance(cell, netlists.Stt1T1M) or cell.junction.strip:
            raise RunFileError(f"{folder} is of a cell of kind {cell.kind!r}: write errors are of kind 'stt1t1m'")
        found = writeerrors.write_errors(data, writeerrors.Request(cell.junction, cell.pulse, **asked))
    write_whole(folder / writeerrors.FILE, lambda path: found.to_netcdf(path))
    return found
