"""Asking lookup tables: numbers, gradients, quantiles and draws between the points of a characterization."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from charlib import tables
from charlib.conditions import OFFSETS
from charlib.errors import TableError
from charlib.interpolation import Field
from charlib.places import Coordinate, Places, checked, shown
from charlib.status import Status, known_failures, unknown

Group = tuple[np.ndarray, dict[str, int], list[np.ndarray]]
"""Queries with the same process and lobe: which, places of those names, and numbers along the continuous axes."""

LEAST_GOOD = 0.95
"""Share of the samples [1] that must have a number where a mean or a deviation is asked for. What is left out shifts
both: of a normal distribution without its upper 5 % the mean lies 0.11 and the deviation 0.10 deviations low."""


class LookupTable:
    """Characterized numbers as a function of process, vdd, temp and what else the table has axes for.

    An axis is given as a number (or, of process and lobe, a name); as a one-dimensional array, which becomes a
    dimension of the result under the axis' name; or as a DataArray, whose dimensions are the result's: arrays that
    share a dimension go point by point, others make a grid, as in xarray. An axis that is not given is one of the
    result, at the table's own points, but that offsets are then 0 and rows those of the read path.

    Attributes:
        data: the tables, as :func:`charlib.tables.reduce` makes them.
        path: file with the samples that they were made of, which are read when they are asked for; None: without.
    """

    def __init__(self, data: xr.Dataset, path: Path | None = None) -> None:
        self.data = data
        self.path = path
        self._version = _version(path)
        self._fields: dict[tuple, Field] = {}
        self._stored: dict[str, xr.Dataset] = {}

    @classmethod
    def open(cls, path: str | Path, technology: str | None = None) -> LookupTable:
        """Read ``tables.nc``.

        Args:
            technology: which the table must be of, such as ``predictive28``; None: any.

        Raises:
            TableError: the file is missing, broken or no table, or the table is of another technology.
        """
        path = Path(path)
        if path.is_dir():
            raise TableError(f"{path} is not a table but a directory: its table would be {path / 'tables.nc'}")
        if not path.is_file():
            raise TableError(f"{path} is not a table: there is no such file")
        try:
            data = tables.read(path)
        except (OSError, ValueError, RuntimeError) as error:
            raise TableError(f"{path} is not a table: {error}".splitlines()[0]) from error
        missing = {"process", "vdd", "temp"} - set(data.dims)
        if missing:
            raise TableError(f"{path} is not a table: no dimension {', '.join(sorted(missing))}")
        if technology not in (None, data.attrs.get("technology")):
            raise TableError(f"{path} is a table of {data.attrs.get('technology')}, not of {technology}")
        return cls(data, path)

    @property
    def names(self) -> tuple[str, ...]:
        """Variables that can be asked for: all but the counts of samples."""
        counts = tuple(f"_{count}" for count in tables.COUNTS)
        return tuple(str(name) for name in self.data.data_vars if not str(name).endswith(counts))

    def __call__(self, name: str, **at: Coordinate) -> xr.DataArray:
        """Numbers at conditions, exact on the grid.

        Args:
            name: variable, such as ``t_read_p`` (mean), ``t_read_p_std`` or ``t_read_p_nominal``.
            at: each axis; process and lobe by name, vdd and offsets [V], temp [K], rows [1].

        Returns:
            Numbers with the variable's attributes, ``units`` among them.

        Raises:
            TableError: an unknown variable, axis or name, what is no number or not in the axis' unit, a value outside
                the grid, or a place that needs a point of the grid with too few good samples.
        """
        return self._answer(self._variable(name), at, None)

    def gradient(self, name: str, axis: str, **at: Coordinate) -> xr.DataArray:
        """Derivative of a number along an axis, in units such as ``s/V``; else as a call.

        Raises:
            TableError: also where the table has one point along the axis.
        """
        variable = self._variable(name)
        self._check_axis(variable, axis)
        if variable.sizes[axis] < 2 or axis not in tables.continuous(variable):
            raise TableError(f"{name} has no gradient along {axis}, where the table has no two numbers")
        return self._answer(variable, at, axis)

    def samples(self, names: str | Sequence[str], **at: Coordinate) -> xr.Dataset:
        """Each stored sample at conditions: sample ``i`` is the same cell everywhere and in every metric.

        Args:
            names: metrics. at: as of a call.

        Returns:
            Dataset with the further dimension ``sample``: ``<metric>`` and ``<metric>_status``; NaN where a sample
            has no number at a point of the grid that is needed, with a failure before what is unknown or censored.

        Raises:
            TableError: as of a call, or the table holds no samples.
        """
        names = (names,) if isinstance(names, str) else tuple(names)
        return xr.merge(
            [self._sampled(name, at) for name in names], join="exact", compat="equals", combine_attrs="drop_conflicts"
        )

    def draw(self, names: str | Sequence[str], count: int, rng: np.random.Generator, **at: Coordinate) -> xr.Dataset:
        """Cells drawn at random from the stored ones, with replacement, the same ones everywhere and in every metric.

        Returns:
            As of :meth:`samples`, with the dimension ``draw`` in place of ``sample``.
        """
        found = self.samples(names, **at)
        which = xr.DataArray(rng.integers(found.sizes["sample"], size=count), dims="draw")
        return found.isel(sample=which).drop_vars("sample", errors="ignore")

    def quantile(self, name: str, q: float, **at: Coordinate) -> xr.DataArray:
        """A quantile of the stored samples, linear between ranks.

        A known failure ranks beyond all numbers on the side that fails, a sample censored on the other side beyond
        them there, and unknown samples are left out.

        Args:
            q: share of the cells below [1], 0 to 1.

        Raises:
            TableError: as of :meth:`samples`, or the quantile falls among samples without a number.
        """
        if not 0 <= q <= 1:
            raise TableError(f"q={q!r} is not a share from 0 to 1")
        found = self.samples(name, **at)
        variable = found[name].transpose(..., "sample")
        status = found[f"{name}_status"].transpose(..., "sample").values
        ordered = np.sort(_ranked(variable.values, status, variable.attrs["fails_when"]), axis=-1)
        place = np.clip((~np.isnan(ordered)).sum(-1) - 1, 0, None) * q
        below = np.floor(place).astype(int)[..., None]
        low = np.take_along_axis(ordered, below, -1)[..., 0]
        high = np.take_along_axis(ordered, np.minimum(below + 1, ordered.shape[-1] - 1), -1)[..., 0]
        share = place - below[..., 0]
        with np.errstate(invalid="ignore"):
            values = np.where(share == 0, low, low + (high - low) * share)
        if not np.isfinite(values).all():
            raise TableError(f"{name} has no quantile {q:g} there: it falls among samples that failed or are unknown")
        long_name = f"{variable.attrs['long_name']}, quantile {q:g}"
        return variable.isel(sample=0, drop=True).copy(data=values).assign_attrs(long_name=long_name)

    def _variable(self, name: str) -> xr.DataArray:
        if name not in self.names:
            raise TableError(f"{name!r} is not one of {', '.join(self.names)}")
        return self.data[name]

    def _sampled(self, name: str, at: Mapping[str, Coordinate]) -> xr.Dataset:
        """One metric's samples; where the state of a node decides, the worst of those needed."""
        stored = self._samples_of(name)
        variable, status = stored[name], stored[f"{name}_status"].transpose(*stored[name].dims)
        places = self._places(variable, at)
        values = self._numbers(variable, places, None)
        found = np.full(values.shape, Status.ok, dtype=np.int8)
        for flag in sorted(Status, key=lambda s: _order(s, variable.attrs["fails_when"])):
            found[self._touching(variable, places, status == flag)] = flag
        values = np.where(found == Status.ok, values, np.nan)
        dims, size = (*places.dims, "sample"), (*places.shape, variable.sizes["sample"])
        about = variable.attrs | {"ancillary_variables": f"{name}_status"}
        parts = {name: (dims, values.reshape(size), about), f"{name}_status": (dims, found.reshape(size), status.attrs)}
        return xr.Dataset(parts, places.coordinates | {"sample": variable["sample"]})

    def _samples_of(self, name: str) -> xr.Dataset:
        """A metric's samples and their statuses, read once."""
        if name in self._stored:
            return self._stored[name]
        if self.path is None or _version(self.path) != self._version:
            why = "holds no samples" if self.path is None else f"{self.path} has changed since it was opened"
            raise TableError(f"{name!r}: the table {why}")
        try:
            with xr.open_dataset(self.path, engine="netcdf4", group=tables.SAMPLES) as stored:
                known = [str(n) for n in stored.data_vars if f"{n}_status" in stored]
                self._stored |= {name: stored[[name, f"{name}_status"]].load()} if name in known else {}
        except OSError as error:
            raise TableError(f"{self.path} holds no samples: it was made by an earlier version") from error
        if name not in known:
            raise TableError(f"{name!r} is no metric whose samples the table holds, which are {', '.join(known)}")
        return self._stored[name]

    def _answer(self, variable: xr.DataArray, at: Mapping[str, Coordinate], along: str | None) -> xr.DataArray:
        places = self._places(variable, at)
        good = self._good(variable)
        lacking = self._touching(variable, places, ~good)
        if lacking.any():
            raise TableError(self._why(variable, places, int(np.argmax(lacking))))
        values = self._numbers(variable, places, along)
        about = {k: v for k, v in variable.attrs.items() if k != "interpolation" and not k.startswith("left_out_")}
        if along is not None:
            units = f"{variable.attrs['units']}/{self.data[along].attrs['units']}".removesuffix("/1")
            about = {"units": units, "long_name": f"{variable.attrs['long_name']}, change with {along}"}
        found = values.reshape(places.shape)
        return xr.DataArray(found, places.coordinates, places.dims, name=str(variable.name), attrs=about)

    def _good(self, variable: xr.DataArray) -> xr.DataArray:
        """Points of the grid with a number of which enough samples make part."""
        good, metric = variable.notnull(), str(variable.name)
        least = 1
        for suffix in ("_std", "_lobes"):
            if metric.endswith(suffix):
                metric, least = metric.removesuffix(suffix), 2 if suffix == "_std" else 1
        if f"{metric}_n_ok" not in self.data:
            return good
        count = max(int(self.data.attrs.get("samples", 0)), 1)
        return good & (self.data[f"{metric}_n_ok"] >= max(least, LEAST_GOOD * count))

    def _why(self, variable: xr.DataArray, places: Places, which: int) -> str:
        """What is wrong with a place that needs a point of the grid without a good number."""
        at = ", ".join(f"{axis}={shown(places.flat(axis)[which])}" for axis in places.given)
        count = max(int(self.data.attrs.get("samples", 0)), 1)
        least = f"{100 * LEAST_GOOD:g} % of {count} samples" + ", 2 at least," * str(variable.name).endswith("_std")
        return f"{variable.name} has no number at {at}: next to it fewer than {least} have one (see pimchar tables)"

    def _check_axis(self, variable: xr.DataArray, axis: str) -> None:
        axes = [str(d) for d in variable.dims if d != "sample"]
        if axis not in axes:
            raise TableError(f"{axis!r} is not one of the axes {', '.join(axes)} of {variable.name}")

    def _places(self, variable: xr.DataArray, at: Mapping[str, Coordinate]) -> Places:
        """Every axis of a variable with where to look."""
        at = self._without_fixed(variable, at)
        for axis in at:
            self._check_axis(variable, axis)
        axes = [str(d) for d in variable.dims if d != "sample"]
        given = {axis: self._place(axis, at.get(axis, self._usual(axis))) for axis in axes}
        if any(place.ndim for place in given.values()):
            try:
                xr.align(*given.values(), join="exact", copy=False)
            except ValueError as error:
                raise TableError(f"arrays do not fit together: {error}".splitlines()[0]) from error
        sizes = {str(dim): size for place in given.values() for dim, size in place.sizes.items()}
        return Places(given, tuple(sizes), tuple(sizes.values()))

    def _without_fixed(self, variable: xr.DataArray, at: Mapping[str, Coordinate]) -> dict[str, Coordinate]:
        """What is asked for, without axes that the table does not have at the value it was made with."""
        fixed = dict.fromkeys(OFFSETS, 0.0)
        if "rows" in at and "rows" not in variable.dims and "readpath" in self.data.attrs:
            fixed["rows"] = tables.rows_of(self.data)
        rest = dict(at)
        for axis in (a for a in fixed if a in at and a not in variable.dims):
            unit = "" if axis == "rows" else " V"
            made = "with" if axis == "rows" else "at"
            if not np.all(np.asarray(rest[axis]) == fixed[axis]):
                what = f"{axis}={shown(rest[axis])}{unit}"
                raise TableError(f"{what} is outside the table, which was made {made} {axis}={fixed[axis]:g}{unit}")
            del rest[axis]
        return rest

    def _usual(self, axis: str) -> Coordinate:
        """Where an axis that is not named is looked at."""
        if axis in OFFSETS:
            return 0.0
        return tables.rows_of(self.data) if axis == "rows" else self.data[axis]

    def _place(self, axis: str, value: Coordinate) -> xr.DataArray:
        """Where to look along one axis, checked."""
        grid = self.data[axis]
        if isinstance(value, xr.DataArray):
            found, unit = value, grid.attrs.get("units", "1")
            if value.attrs.get("units", unit) != unit:
                raise TableError(f"{axis} is given in {value.attrs['units']!r}, the table takes it in {unit!r}")
        else:
            array = np.asarray(value)
            if array.ndim > 1:
                raise TableError(f"{axis} has {array.ndim} dimensions: give it as a DataArray, which names them")
            found = xr.DataArray(array, {axis: array} if array.ndim else None, [axis] if array.ndim else None)
        return found.copy(data=checked(axis, found.values, grid))

    def _scale(self, variable: xr.DataArray) -> str:
        """Scale that a variable is interpolated on: its own, or for samples that of their mean if it suits them."""
        about = self.data[variable.name].attrs if variable.name in self.data else {}
        usual = "log" if variable.attrs.get("units") in tables.LOGARITHMIC else "linear"
        wanted = variable.attrs.get("interpolation", about.get("interpolation", usual))
        return wanted if wanted in tables.scales(variable) else "linear"

    def _field(self, variable: xr.DataArray, names: Mapping[str, int]) -> Field:
        """A variable over its continuous axes at one place of the others."""
        key = (str(variable.name), "sample" in variable.dims, *names.values())
        if key not in self._fields:
            self._fields[key] = tables.field(variable.isel(names), self._scale(variable))
        return self._fields[key]

    def _groups(self, variable: xr.DataArray, places: Places) -> Iterator[Group]:
        """Queries with the same process and lobe: which they are, those names' places, and the numbers."""
        numbers = [places.flat(axis) for axis in tables.continuous(variable)]
        named = [axis for axis in places.given if axis not in tables.continuous(variable)]
        one = {axis: variable.get_index(axis).get_loc(p.item()) for axis, p in places.given.items()
               if axis in named and not p.ndim}  # fmt: skip
        several = [axis for axis in named if axis not in one]
        if not several:
            yield np.arange(places.count), one, numbers
            return
        sizes = [variable.sizes[axis] for axis in several]
        which = [variable.get_index(axis).get_indexer(places.flat(axis)) for axis in several]
        code = np.ravel_multi_index(which, sizes)
        for value in np.unique(code):
            mine = np.flatnonzero(code == value)
            at = dict(zip(several, map(int, np.unravel_index(value, sizes)), strict=True))
            yield mine, {axis: (one | at)[axis] for axis in named}, [values[mine] for values in numbers]

    def _numbers(self, variable: xr.DataArray, places: Places, along: str | None) -> np.ndarray:
        """Numbers, or derivatives, shape (query,) or (query, sample)."""
        found = np.empty((places.count, *(variable.sizes[d] for d in variable.dims if d == "sample")))
        axis = None if along is None else tables.continuous(variable).index(along)
        for mine, names, points in self._groups(variable, places):
            found[mine] = self._field(variable, names).at(points, axis)
        return found

    def _touching(self, variable: xr.DataArray, places: Places, marked: xr.DataArray) -> np.ndarray:
        """Which queries need a point of the grid that is marked, of the shape of :meth:`_numbers`."""
        found = np.zeros((places.count, *(variable.sizes[d] for d in variable.dims if d == "sample")), dtype=bool)
        if not marked.values.any():
            return found
        for mine, names, points in self._groups(variable, places):
            field = self._field(variable, names)
            found[mine] = field.void(points, tables.field(marked.isel(names), "linear").values)
        return found


def _version(path: Path | None) -> tuple[int, int] | None:
    """What changes when a file is written anew."""
    return None if path is None else (path.stat().st_ino, path.stat().st_mtime_ns)


def _order(status: Status, fails_when: str) -> int:
    """Which state of a node decides where a place needs several: a failure, then what is unknown, then a bound."""
    if known_failures(np.array(status), fails_when):
        return 3
    return 2 if unknown(np.array(status)) else int(status != Status.ok)


def _ranked(values: np.ndarray, status: np.ndarray, fails_when: str) -> np.ndarray:
    """Numbers to sort by: infinite beyond failures' side for them, on the other side for other censored samples."""
    worst = -np.inf if fails_when == "low" else np.inf
    ranked = np.where(status == Status.ok, values, -worst)
    return np.where(unknown(status), np.nan, np.where(known_failures(status, fails_when), worst, ranked))
