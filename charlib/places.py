"""Where to look in a table: the axes of a question, checked and of one shape."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from charlib.errors import TableError

Coordinate = float | str | Sequence[float] | Sequence[str] | np.ndarray | xr.DataArray
"""Where to look along one axis."""

WITHIN = 1e-9
"""What a limit of the grid allows for rounding, relative to the limit [1]."""
CELSIUS = "; temperatures are in kelvin, 25 degC is 298.15 K"


@dataclass(frozen=True)
class Places:
    """Where to look.

    Attributes:
        given: each axis of a variable, checked. dims, shape: of the result.
    """

    given: Mapping[str, xr.DataArray]
    dims: tuple[str, ...]
    shape: tuple[int, ...]

    def flat(self, axis: str) -> np.ndarray:
        """An axis at every query, shape (query,)."""
        given = self.given[axis]
        found = given.variable.set_dims(dict(zip(self.dims, self.shape, strict=True))).transpose(*self.dims)
        return found.values.ravel()

    @property
    def count(self) -> int:
        return math.prod(self.shape)

    @property
    def coordinates(self) -> dict[str, xr.DataArray]:
        """Coordinates of a result: those that came with the axes, and the axes themselves."""
        found: dict[str, xr.DataArray] = {}
        for axis, place in self.given.items():
            found |= dict(place.coords.items())
            if axis not in place.dims:
                found[axis] = place.drop_vars(list(place.coords))
        return found


def checked(axis: str, values: np.ndarray, grid: xr.DataArray) -> np.ndarray:
    """Values of one axis, of the type of its grid and inside it; raises TableError with the first that is not."""
    flat = values.ravel()
    if grid.dtype.kind not in "fi":
        known = [str(name) for name in grid.values]
        for value in pd.unique(flat):
            if value not in known:
                raise TableError(f"{axis}={shown(value)} is not one of {', '.join(known)}")
        return values.astype(str)
    unit = f" {grid.attrs.get('units', '1')}".removesuffix(" 1")
    if flat.dtype.kind not in "fiu":
        raise TableError(f"{axis}={shown(flat[0] if flat.size else values)} is not a number{unit and f' in{unit}'}")
    if np.isnan(flat).any():
        raise TableError(f"{axis} is not a number (NaN) at {int(np.isnan(flat).sum())} of {flat.size} places")
    low, high = float(grid.min()), float(grid.max())
    outside = (flat < low - WITHIN * abs(low)) | (flat > high + WITHIN * abs(high))
    if outside.any():
        hint = CELSIUS if axis == "temp" and abs(flat[outside][0]) < 200 else ""
        what = f"{axis}={flat[outside][0]:g}{unit} is outside the table's {low:g}..{high:g}{unit}"
        raise TableError(f"{what}{hint}")
    return np.clip(values.astype(float), low, high)


def shown(value: object) -> str:
    """A value as errors name it."""
    item = value.item() if isinstance(value, np.generic) else value
    return f"{item:g}" if isinstance(item, (int, float)) and not isinstance(item, bool) else repr(item)
