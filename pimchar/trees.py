"""Adder trees of a results directory: energy against activity, and the check of events at transistor level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import xarray as xr

import charlib
from analysis import addertree
from analysis.events import Timed
from analysis.gatetables import Tables, gate_tables
from charlib.directory import write_whole
from charlib.periphery import TABLE
from netlists.addertree import TreeError, adder_tree
from netlists.setting import Condition
from netlists.technology import load
from pimchar.runschema import ZERO_CELSIUS, RunFileError, kelvin

Value = TypeVar("Value", str, float)
"""Of an axis of the grid."""
TREE_CHECK = "tree_check.nc"
"""File of a results directory, with a group for each tree."""
SLEW = 20e-12
"""Edges of the sources in front of the input drivers [s], assumed."""
CLOCK = 1e-6
"""Period of the accumulator's clock [s], assumed: energies hold no leakage, so it need only let all nets settle."""
ONES = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Shares of ones among the input bits that energies are told for [1]."""
TEMP_C = 25.0
"""Temperature where none is said [degC]."""
SAME = 1e-6
"""Supplies and temperatures that are less apart are the same [V, degC]."""
ROOM = 1.5
"""Period of the check in units of the latest arrival that events see [1], rounded up to one digit."""


@dataclass(frozen=True)
class Case:
    """A tree at a condition.

    Attributes:
        inputs, bits: words of the tree and their width [1].
        process, vdd [V], temp_c [degC]: grid point of the tables of gates; None: tt, the technology's nominal supply,
            25 degC, or what the tables have alone.
    """

    inputs: int
    bits: int
    process: str | None = None
    vdd: float | None = None
    temp_c: float | None = None

    @property
    def name(self) -> str:
        return f"{self.inputs}x{self.bits}"


def _tables(folder: Path, case: Case) -> tuple[Condition, Tables]:
    """Condition of a case, and the directory's tables of gates there; raises RunFileError where there are none."""
    path = folder / TABLE
    if not path.is_file():
        raise RunFileError(f"{folder} has no {TABLE}; a run file with a section [periphery] makes it")
    with xr.open_dataset(path) as data:
        technology = load(data.attrs["technology"])
        grid = {axis: data[axis].values.tolist() for axis in ("process", "vdd", "temp")}
    celsius = [round(temp - ZERO_CELSIUS, 9) for temp in grid["temp"]]
    process = _of_grid("--process", case.process, "tt", grid["process"], "")
    vdd = _of_grid("--vdd", case.vdd, technology.vdd_nominal, grid["vdd"], " V")
    temp_c = _of_grid("--temp-c", case.temp_c, TEMP_C, celsius, " degC")
    condition = Condition(technology, process, vdd, kelvin(temp_c))
    return condition, gate_tables(charlib.LogicTable.open(path, process, vdd, condition.temp))


def _of_grid(option: str, given: Value | None, usual: Value, grid: Sequence[Value], unit: str) -> Value:
    """The value given, else the usual one, else the only one of the grid; raises RunFileError for one not on it."""
    value = usual if given is None else given
    near = [at for at in grid if at == value or (not isinstance(at, str) and abs(at - value) < SAME)]
    if near:
        return near[0]
    if given is None and len(grid) == 1:
        return grid[0]
    shown, *legal = (at if isinstance(at, str) else f"{at:g}" for at in (value, *grid))
    raise RunFileError(f"{option} {shown}{unit} is not of the tables of gates; legal: {', '.join(legal)}{unit}")


def _timed(folder: Path, case: Case) -> tuple[Condition, Timed]:
    condition, tables = _tables(folder, case)
    return condition, addertree.tree(case.inputs, case.bits, tables, condition.technology)


def energies(folder: Path, case: Case, operations: int, seed: int) -> xr.Dataset:
    """Energy of an operation against the share of ones, by events; starts no simulator."""
    condition, at = _timed(folder, case)
    found = addertree.activity(at, ONES, operations, SLEW, np.random.default_rng(seed))
    return found.assign_attrs(process=condition.process, vdd=condition.vdd, temp=condition.temp)


def accumulated(folder: Path, case: Case, input_bits: int, operations: int, seed: int) -> xr.Dataset:
    """Energy of dot products of random operands by part, tree and accumulator together; starts no simulator.

    Returns:
        Dataset over ``part`` and ``operation``: ``energy`` [J] of all cycles.

    Raises:
        TreeError: numbers that are not the dot products; otherwise as of :func:`analysis.addertree.accumulation`.
    """
    condition, tables = _tables(folder, case)
    rng = np.random.default_rng(seed)
    weights, values = (
        rng.integers(-(1 << bits - 1), 1 << bits - 1, (case.inputs, operations)) for bits in (case.bits, input_bits)
    )
    energy, numbers = addertree.accumulation(
        case.inputs, weights, values, (case.bits, input_bits), tables, condition.technology, SLEW, CLOCK
    )
    if wrong := int((numbers != (weights * values).sum(axis=0)).sum()):
        raise TreeError(f"tree {case.name}: {wrong} of {operations} accumulated numbers are not the dot products")
    about = {"units": "J", "long_name": "energy of a dot product"}
    return xr.Dataset({"energy": (("part", "operation"), energy, about)}, {"part": list(addertree.PARTS)})


def check(folder: Path, case: Case, pairs: int, seed: int, workers: int | None) -> xr.Dataset:
    """Random vectors by events and at transistor level, both stored in the directory.

    Returns:
        Dataset over ``source`` (``events``, ``simulated``), ``supply``, ``output`` and ``pair``, with the comparison
        of :func:`analysis.addertree.compare` and the condition as attributes.
    """
    condition, at = _timed(folder, case)
    vectors = addertree.random_vectors(at.netlist, pairs + 1, np.random.default_rng(seed))
    latest = float(addertree.latest(addertree.event_pairs(at, vectors, 0.0, SLEW)).max())
    period = _rounded_up(ROOM * latest)
    events = addertree.event_pairs(at, vectors, period, SLEW)
    netlist = adder_tree(case.inputs, case.bits)
    simulated = charlib.simulate_pairs(netlist, condition, vectors, period, SLEW, folder, workers, progress=True)
    found = xr.concat([events, simulated], xr.Variable("source", ["events", "simulated"]), combine_attrs="override")
    about = {"technology": condition.technology.name, "process": condition.process, "vdd": condition.vdd}
    about |= {"temp": condition.temp, "seed": seed, "period": period, "slew": SLEW, "gates": len(at.netlist.instances)}
    found = found.assign_attrs(**about, **addertree.compare(events, simulated))
    _store(folder / TREE_CHECK, case.name, found)
    return found


def _rounded_up(value: float) -> float:
    """A number rounded up to one digit.

    >>> _rounded_up(4.2e-10)
    5e-10
    """
    exponent = math.floor(math.log10(value))
    return float(f"{math.ceil(value / 10.0**exponent)}e{exponent}")


def _store(path: Path, name: str, found: xr.Dataset) -> None:
    """Put a group into a file, beside those that it has."""
    groups = {}
    if path.is_file():
        with xr.open_datatree(path) as known:
            groups = {group: known[group].to_dataset().load() for group in known.children}
    tree = xr.DataTree.from_dict({**groups, name: found})
    write_whole(path, lambda partial: tree.to_netcdf(partial))
