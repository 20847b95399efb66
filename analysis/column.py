"""Numbers of a local column for the macro model, from characterized tables: delays, energy per input bit, leakage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from analysis.architecture import Design, MacroError, MacroGeometry, MacroModel
from charlib.conditions import OFFSETS

DIMS = ("process", "vdd", "temp")


def nearest(grid: np.ndarray, value: float) -> float:
    """Point of a grid, sorted or not, that is next to a value."""
    return grid[np.abs(grid - value).argmin()].item()


def need(table: xr.Dataset, name: str) -> xr.DataArray:
    """A variable of the table with the dimensions ``DIMS``; raises MacroError if it is not there."""
    if name not in table:
        raise MacroError(f"variable {name} is missing in the table (tables.nc), which has {', '.join(table.data_vars)}")
    missing = [dim for dim in DIMS if dim not in table[name].dims]
    if missing:
        raise MacroError(f"variable {name} has no dimension {missing[0]} in the table (tables.nc)")
    return table[name].transpose(*DIMS).drop_attrs()


def without_offsets(table: xr.Dataset) -> xr.Dataset:
    """The part of a table without offsets; raises MacroError where it holds none."""
    for axis in OFFSETS:
        if axis in table.dims:
            grid = table[axis].values
            if 0.0 not in grid:
                held = ", ".join(f"{value:g}" for value in grid)
                raise MacroError(
                    f"{axis}=0 V, which the macro model refers to, is not one of {held} V (conditions.{axis})"
                )
            table = table.sel({axis: 0.0}, drop=True)
    return table


def of_rows(table: xr.Dataset, wanted: int, what: str = "rows_per_local_bitline") -> xr.Dataset:
    """The part of a table with a number of rows on the bit line; raises MacroError, ``what`` it is, if it has none."""
    if "rows" in table.dims:
        grid = table["rows"].values.tolist()
        if wanted not in grid:
            held = ", ".join(map(str, grid))
            raise MacroError(f"{what}={wanted} is not one of {held} of the table (conditions.rows)")
        return table.sel(rows=wanted, drop=True)
    rows = json.loads(table.attrs.get("readpath", "{}")).get("rows", wanted)
    if rows != wanted:
        raise MacroError(
            f"{what}={wanted}, but the table's read path has {rows} rows: set rows = {wanted} in [readpath] of its run"
        )
    return table


def over_states(table: xr.Dataset, name: str) -> np.ndarray:
    """Mean over the stored states, taken as equally frequent.

    It is the metric itself, the worse state, if the table has no ``<name>_lobes``.
    """
    worse = need(table, name)
    if f"{name}_lobes" not in table:
        return worse.values
    return table[f"{name}_lobes"].mean("lobe", skipna=False).transpose(*DIMS).values


def spread(table: xr.Dataset, name: str) -> np.ndarray:
    """Standard deviation of a variable; zero where the table counts at most one good sample."""
    std = need(table, f"{name}_std")
    if f"{name}_n_ok" in table:
        std = std.where(need(table, f"{name}_n_ok") != 1, 0.0)
    return std.values


OPERATION = ("e_compute", "e_compute_bitline", "e_compute_precharge", "e_compute_drivers", "e_compute_gates")
HELD = ("e_held_row", "e_held_input")
"""Metrics of a column at work, array read for every input bit, and once per row and held (docs/read-path.md)."""


@dataclass(frozen=True)
class Column:
    """A local column of one design over the conditions, arrays of shape (process, vdd, temp).

    Attributes:
        source: where the energy is from, a sentence.
        reads: mean and standard deviation of each output's delay [s].
        precharge: mean and standard deviation [s]; None: not characterized.
        energy: component to energy per input bit [J].
        energy_std: of all components together [J].
        complete: whether the energy holds that of output gates and input lines at every input bit.
        latched: whether rows are held in latches.
        row: energy of one read of a row, inputs at 1 [J].
        leakage, leakage_std: of a cell [W].
    """

    source: str
    reads: tuple[tuple[np.ndarray, np.ndarray], ...]
    precharge: tuple[np.ndarray, np.ndarray] | None
    energy: Mapping[str, np.ndarray]
    energy_std: np.ndarray
    complete: bool
    latched: bool
    row: np.ndarray
    leakage: np.ndarray
    leakage_std: np.ndarray

    def slow(self, k: float, model: MacroModel) -> tuple[np.ndarray, np.ndarray]:
        """Precharge and the slower output's read at mean + ``k`` std [s]."""
        read = np.maximum.reduce([mean + k * std for mean, std in self.reads])
        if self.precharge is None:
            return model.precharge_per_read * read, read
        return self.precharge[0] + k * self.precharge[1], read


def column(table: xr.Dataset, geometry: MacroGeometry, model: MacroModel, design: Design) -> Column:
    """Numbers of a column of a design, in a table without offsets and of one number of rows.

    Raises:
        MacroError: a variable is missing.
    """

    def moments(name: str) -> tuple[np.ndarray, np.ndarray]:
        return need(table, name).values, spread(table, name)

    vdd = need(table, "i_leak")["vdd"].values[:, None]
    precharge = moments(design.precharge) if design.precharge in table else None
    return Column(
        reads=tuple(moments(name) for name in design.delays),
        precharge=precharge,
        row=over_states(table, design.energy),
        leakage=over_states(table, "i_leak") * vdd,
        leakage_std=spread(table, "i_leak") * vdd,
        **_energy(table, geometry, model, design),
    )


def _energy(table: xr.Dataset, geometry: MacroGeometry, model: MacroModel, design: Design) -> dict[str, object]:
    """Fields of a column that tell its energy, from the metrics of a column at work where the table has them."""
    reads = min(model.reads_per_pass, geometry.input_bits)
    share = reads / geometry.input_bits
    operation, held = ([f"{name}{design.suffix}" for name in names] for names in (OPERATION, HELD))
    if share == 1 and all(name in table for name in operation):
        total, bitline, precharge, drivers, gates = operation
        parts = {
            "array": over_states(table, bitline) + over_states(table, precharge),
            "drivers": over_states(table, drivers),
            "multiply": over_states(table, gates),
        }
        source = f"{total} by part, all pairs of input bits, array read for each"
        return _fields(source, parts, spread(table, total), complete=True)
    if share < 1 and all(name in table for name in held):
        row, inputs = held
        parts = {"array": share * over_states(table, row), "multiply": over_states(table, inputs)}
        source = f"{row} {reads} of {geometry.input_bits} times and {inputs}, row held in latches"
        return _fields(source, parts, share * spread(table, row), complete=True, latched=True)
    parts = {"array": share * over_states(table, design.energy)}
    source = f"{design.energy} {reads} of {geometry.input_bits} times, inputs at 1"
    return _fields(source, parts, share * spread(table, design.energy))


def _fields(
    source: str, parts: Mapping[str, np.ndarray], std: np.ndarray, complete: bool = False, latched: bool = False
) -> dict[str, object]:
    return {"source": source, "energy": parts, "energy_std": std, "complete": complete, "latched": latched}
