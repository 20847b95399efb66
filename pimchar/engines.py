"""The in-MRAM engine of results directories: networks on it, beside this suite's SRAM macros and published figures."""

from __future__ import annotations

import json
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import xarray as xr

from analysis import engine, engine_tables, gatenumbers, workloads
from analysis.architecture import MacroModel
from analysis.engine_cell import Operations
from analysis.workloads import Layer
from charlib.directory import write_whole
from charlib.export import source
from charlib.periphery import TABLE as GATES
from netlists import technology
from pimchar import chain, stored
from pimchar.runschema import RunFileError

ENGINE, ROWS, PUBLISHED = "engine.nc", "engine.csv", "engine_published.csv"
"""Files of a results directory."""
NETWORKS = ("alexnet", "lenet5")


@dataclass(frozen=True)
class Engines:
    """Networks on engines and macros.

    Attributes:
        data: network, then design, to its Dataset, of ``engine.evaluate`` or ``engine_tables.sram``.
        rows: rows of ``engine.csv``. beside: those of ``engine_published.csv``.
    """

    data: dict[str, dict[str, xr.Dataset]]
    rows: pd.DataFrame
    beside: pd.DataFrame


def evaluate(folder: Path, others: Sequence[Path] = (), networks: Sequence[str] = NETWORKS) -> Engines:
    """Networks on the engine of a directory's MRAM cell, and on the engines or macros of others; stored in the first.

    Args:
        folder: results directory of an MRAM cell with gates. others: of MRAM cells with gates, or of SRAM cells.
        networks: names of tables of layers, also of those that ``folder`` holds.

    Raises:
        RunFileError: tables or gates are missing. TableError: they are not readable. MacroError: a cell, a metric or a
            gate that does not serve. WorkloadError: no such network.
    """
    layers = {name: workloads.load(name, folder / chain.LAYERS) for name in networks}
    found: dict[str, dict[str, xr.Dataset]] = {name: {} for name in layers}
    for place in (folder, *others):
        for name, designs in _designs(place, layers, place == folder).items():
            for design, data in designs.items():
                label = _label(design, place, found[name])
                found[name][label] = data.assign_attrs(design=label)
    rows = pd.concat([engine_tables.rows(one) for each in found.values() for one in each.values()], ignore_index=True)
    engines = Engines(found, rows, engine_tables.beside(rows))
    write_whole(folder / ENGINE, lambda path: _write(path, found))
    write_whole(folder / ROWS, lambda path: rows.to_csv(path, index=False))
    write_whole(folder / PUBLISHED, lambda path: engines.beside.to_csv(path, index=False))
    return engines


def _label(design: str, place: Path, taken: Container[str]) -> str:
    """Name of a design, with its directory's where another one has the name; raises RunFileError for a third.

    >>> _label("stt1t1m", Path("results/wide"), {"stt1t1m"})
    'stt1t1m (wide)'
    """
    label = f"{design} ({place.name})" if design in taken else design
    if label in taken:
        raise RunFileError(f"{place}: there is a {label} already; rename one of the directories")
    return label


def _designs(folder: Path, layers: dict[str, tuple[Layer, ...]], needs_mram: bool) -> dict[str, dict[str, xr.Dataset]]:
    """Networks on what a directory's cells make, by network and design."""
    tables = stored.open_tables(folder)
    if needs_mram or "pulse" in json.loads(tables.attrs.get("cell", "{}")):
        return _engine(folder, tables, layers)
    stored.need_macro_metrics(folder, tables)
    gates, geometry = stored.open_gates(folder, tables, published=False), stored.open_run(folder).make_macro()
    built = engine_tables.macros(tables, geometry, tables.attrs["cell_area"], gates)
    return {name: engine_tables.sram(each, built, name) for name, each in layers.items()}


def _engine(folder: Path, tables: xr.Dataset, layers: dict[str, tuple[Layer, ...]]) -> dict[str, dict[str, xr.Dataset]]:
    """Networks on the engine of an MRAM cell."""
    process, hardware = technology.load(tables.attrs["technology"]), engine.Engine()
    cell = Operations.of(tables, process, hardware.rows)
    if not (folder / GATES).is_file():
        raise RunFileError(f"{folder} has no {GATES}, whose gates counters consist of: [periphery] in its run file")
    data = source.load(folder / GATES)
    gates = gatenumbers.characterized(data, tables, process, MacroModel(ones=hardware.ones))
    activity = gatenumbers.counter_activity(data, tables, process, engine.counter(hardware), hardware.ones)
    return {
        name: {cell.cell: engine.evaluate(each, tables, cell, gates, activity, hardware, name=name)}
        for name, each in layers.items()
    }


def _write(path: Path, found: dict[str, dict[str, xr.Dataset]]) -> None:
    """A group for each network and design."""
    xr.Dataset(attrs={"title": "networks on in-MRAM engines and SRAM macros"}).to_netcdf(path)
    for name, designs in found.items():
        for design, data in designs.items():
            data.to_netcdf(path, mode="a", group=f"{name}/{design}")
