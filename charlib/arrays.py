"""Numbers of very many samples: passing files in place of memory, and NetCDF files written piece by piece."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryFile

import netCDF4
import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core.indexing import ExplicitIndexer, IndexingSupport, LazilyIndexedArray, explicit_indexing_adapter

HELD = 256_000_000
"""Size of the arrays of a run up to which they are in memory [byte]."""
PIECE = 1 << 20
"""Samples that are read and worked on at a time."""
SAMPLE = "sample"


class OnDisk(BackendArray):
    """An array in a file without a name, which is gone with the array; xarray reads of it what is asked for.

    Args:
        folder: on the disk that is used. shape, dtype: of the array.
    """

    def __init__(self, folder: Path, shape: tuple[int, ...], dtype: type) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - lives as long as the array
        self._file.truncate(self.dtype.itemsize * math.prod(shape))

    def __getitem__(self, key: ExplicitIndexer) -> np.ndarray:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.BASIC, self.read)

    def read(self, key: tuple) -> np.ndarray:
        """A copy of a part, by a key of numpy's."""
        return np.array(np.memmap(self._file, self.dtype, "r", shape=self.shape)[key])

    def write(self, place: tuple[int, ...], first: int, values: np.ndarray) -> None:
        """Put values at an index of the first axes, from number ``first`` on along the next."""
        row = np.ravel_multi_index((*place, first), self.shape[: len(place) + 1])
        self._file.seek(self.dtype.itemsize * int(row) * math.prod(self.shape[len(place) + 1 :]))
        self._file.write(np.ascontiguousarray(values, dtype=self.dtype).tobytes())
        self._file.flush()


Array = np.ndarray | OnDisk


def put(array: Array, place: tuple[int, ...], first: int, values: np.ndarray) -> None:
    """Put values of samples from number ``first`` on at a condition's index."""
    if isinstance(array, OnDisk):
        array.write(place, first, values)
    else:
        array[(*place, slice(first, first + len(values)))] = values


def take(array: Array, place: tuple[int, ...], samples: slice | np.ndarray) -> np.ndarray:
    """Some samples at a condition's index."""
    key = (*place, samples)
    return array.read(key) if isinstance(array, OnDisk) else array[key]


def lazily(array: Array) -> np.ndarray | LazilyIndexedArray:
    """What a variable of xarray is made of: of an array on disk it reads what is asked for, and keeps nothing."""
    return LazilyIndexedArray(array) if isinstance(array, OnDisk) else array


def spans(samples: int, size: int | None = None) -> Iterator[slice]:
    """Samples, ``size`` at a time; ``PIECE`` where not given."""
    size = size or PIECE
    return (slice(first, min(first + size, samples)) for first in range(0, samples, size))


def total(values: xr.DataArray, term: Callable[..., np.ndarray], *beside: xr.DataArray) -> xr.DataArray:
    """Sum of a term over the samples, at one condition and ``PIECE`` samples at a time.

    Args:
        values: over conditions, ``sample`` and what there may be behind it. term: of a piece of them, shape
            (sample[, lobe]), and of ``beside``, sums of other terms, at the same condition.
    """
    axis = values.dims.index(SAMPLE)
    where = list(np.ndindex(values.shape[:axis]))
    sums = [
        sum(
            term(values[(*place, span)].values, *(b.values[place] for b in beside)).sum(axis=0)
            for span in spans(values.sizes[SAMPLE])
        )
        for place in where
    ]
    rest = values.shape[:axis] + values.shape[axis + 1 :]
    return values.isel({SAMPLE: 0}, drop=True).copy(data=np.reshape(sums, rest))


def write(path: Path, data: xr.Dataset, group: str | None = None) -> None:
    """A new file as ``to_netcdf`` makes it, but with variables larger than ``PIECE`` written piece by piece, last."""
    large = [name for name, v in data.variables.items() if SAMPLE in v.dims and v.size > PIECE]
    data.drop_vars(large).to_netcdf(path, group=group)
    if large:
        with netCDF4.Dataset(path, "a") as stored:
            for name in large:
                _append(stored[group] if group else stored, str(name), data.variables[name])


def _append(stored: netCDF4.Dataset, name: str, variable: xr.Variable) -> None:
    """Add a variable to a NetCDF group as xarray would."""
    for dim, size in variable.sizes.items():
        if dim not in stored.dimensions:
            stored.createDimension(dim, size)
    kind = variable.dtype
    target = stored.createVariable(name, kind, variable.dims, fill_value=np.nan if kind.kind == "f" else None)
    target.setncatts(variable.attrs)
    for place in np.ndindex(variable.shape[: variable.dims.index(SAMPLE)]):
        for span in spans(variable.sizes[SAMPLE]):
            target[(*place, span)] = variable[(*place, span)].values
