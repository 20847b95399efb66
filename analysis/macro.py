"""Model of a digital SRAM-PIM macro: cycle time, energy, leakage, area and density from characterized tables.

The array's figures are characterized (``analysis.column``); the logic behind it is composed of gates, characterized
or published (``analysis.logic``). Every number that neither is characterized nor follows from the architecture is a
field of ``MacroGeometry`` or ``MacroModel`` (``analysis.architecture``) with its unit and source. ``docs/macro.md``
tells the whole model.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache

import numpy as np
import xarray as xr
from scipy import stats

from analysis import logic
from analysis.architecture import DESIGNS, Design, MacroError, MacroGeometry, MacroModel, described
from analysis.column import DIMS, Column, column, need, of_rows, over_states, without_offsets
from analysis.logic import Gates
from analysis.parts import COMPONENTS, Counts, count_gates, mean_cells

PIPELINE = (("precharge", "read", "latch", "merge", "adder_tree", "register"), ("accumulate", "register"))
"""Stages between two registers; assumed: accumulation works on the sum of the cycle before."""
STAGES = ("precharge", "read", "latch", "merge", "adder_tree", "accumulate", "register")


def sigma_level(geometry: MacroGeometry, model: MacroModel, design: Design) -> float:
    """Standard deviations of the read delay that the cycle allows for [1].

    The slowest of all cells and outputs of all macros stays below mean + k std with probability ``timing_yield``:
    Phi(k) = timing_yield^(1/n). Delays are taken as normal and independent (Sidak); a real delay has the longer tail.
    """
    return _level(geometry.cells * geometry.macros * design.outputs, model.timing_yield)


@lru_cache(maxsize=4096)
def _level(count: int, timing_yield: float) -> float:
    return float(stats.norm.isf(-math.expm1(math.log(timing_yield) / count)))


def stage_delays(
    at: Column, gates: Gates, geometries: Sequence[MacroGeometry], model: MacroModel, k: np.ndarray
) -> dict[str, np.ndarray]:
    """Delay of each stage at mean + ``k`` std [s], shape (geometry, process, vdd, temp); gates vary independently.

    Args:
        k: shape (geometry, 1, 1, 1) [1].
    """
    precharge, read = at.slow(k, model)
    paths: dict[str, list[logic.Path]] = {
        "latch": [{"gate": int(at.latched)} for _ in geometries],
        "merge": [{"gate": logic.tree_depth(g.strips)} for g in geometries],
        "adder_tree": [logic.adder_tree_path(g.compartments, g.weight_bits) for g in geometries],
        "accumulate": [logic.accumulator_path(g.tree_bits, g.sum_bits) for g in geometries],
        "register": [{"register": 1} for _ in geometries],
    }
    found = {"precharge": precharge, "read": read}
    for stage, hops in paths.items():
        counts = {hop: _column([path.get(hop, 0) for path in hops]) for hop in logic.HOPS}
        variance = sum(counts[hop] * gates.delay_std[hop] ** 2 for hop in logic.HOPS)
        found[stage] = sum(counts[hop] * gates.delay[hop] for hop in logic.HOPS) + k * np.sqrt(variance)
    return found


def _column(values: Sequence[float]) -> np.ndarray:
    """Numbers of geometries, to go with numbers of conditions, shape (geometry, 1, 1, 1)."""
    return np.asarray(values, dtype=float)[:, None, None, None]


def cycle_of(delays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Cycle time [s]: the longest sum of stages between two registers."""
    return np.maximum.reduce([sum(delays[stage] for stage in group) for group in PIPELINE])


def over_kinds(counts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Sum over kinds of gates, term by term, so that a geometry has the same bits in any company.

    Args:
        counts: shape (..., kind). numbers: shape (kind, ...).

    Returns:
        Dimensions of ``counts`` before the last, then those of ``numbers`` behind the first.
    """
    further = (..., *[None] * (numbers.ndim - 1))
    return sum(counts[..., kind][further] * number for kind, number in enumerate(numbers))


def energies(
    at: Column, counts: Counts, gates: Gates, geometries: Sequence[MacroGeometry], design: Design
) -> np.ndarray:
    """Dynamic energy per cycle, all inputs and words in use [J], shape (geometry, component, process, vdd, temp)."""
    found = over_kinds(counts.switched, gates.energy) + counts.clocked[..., None, None, None] * gates.clock
    columns = _column([g.columns_read for g in geometries])
    for component, energy in at.energy.items():
        found[:, COMPONENTS.index(component)] += energy * columns
    if design.outputs == 2:
        found[:, COMPONENTS.index("means")] += at.row * _column([g.columns / g.input_bits for g in geometries])
    return found


def published_gates(table: xr.Dataset, model: MacroModel) -> Gates:
    """Published gates at the conditions of a table; a NAND2 leaks ``leakage_per_nand2`` times what a cell does.

    Raises:
        MacroError: ``t_fo4`` or ``i_leak`` is missing. LogicError: the table does not reach the gates' own condition.
    """
    table = without_offsets(table)
    leakage = model.leakage_per_nand2 * over_states(table, "i_leak") * table["vdd"].values[:, None]
    return logic.published(need(table, "t_fo4"), leakage, model.activity, model.gate_input, model.strip_area)


def evaluate(
    table: xr.Dataset,
    geometry: MacroGeometry,
    cell_area: float,
    model: MacroModel | None = None,
    gates: Gates | None = None,
) -> xr.Dataset:
    """Performance, power and area of one macro in every design at every condition.

    Args:
        table: characterized means and ``_std`` [SI], dimensions ``process, vdd, temp`` (of offsets 0 is taken):
            ``t_read_p``, ``t_read_n``, ``e_read``, ``t_read_single``, ``e_read_single`` and ``i_leak``; ``t_fo4`` (mean
            only) for published gates; if it has them ``t_precharge``, ``t_precharge_single``, the metrics of a column
            at work (``column.OPERATION``, ``column.HELD``) and, for energies and leakage, ``_lobes``.
        geometry: the macro.
        cell_area: area of one bit cell [m2].
        model: the model's own numbers; the defaults if None.
        gates: at the conditions of the table; published ones if None.

    Returns:
        Dataset with dimensions ``design, process, vdd, temp`` (and ``stage`` or ``component``), all figures of one
        macro; ``VARIABLES`` lists them (``n_failed`` and ``n_unknown`` if the table counts). Attributes of the table
        are kept; ``gates`` and ``array_energy`` say where logic's and the array's numbers are from.

    Raises:
        MacroError: a variable is missing, ``cell_area`` is not positive, the table holds for another number of rows, or
            for offsets other than 0 alone.
        LogicError: the table does not reach the condition of the published gates.
    """
    found = evaluate_all(table, [geometry], cell_area, model, gates).isel(geometry=0)
    return found.assign_attrs(
        macro_geometry=json.dumps(asdict(geometry)), macro_designs=json.dumps(described(geometry))
    )


def evaluate_all(
    table: xr.Dataset,
    geometries: Sequence[MacroGeometry],
    cell_area: float,
    model: MacroModel | None = None,
    gates: Gates | None = None,
) -> xr.Dataset:
    """Many macros at once, as :func:`evaluate` has each: a Dataset with the further dimension ``geometry`` in front.

    Below a millisecond each, a hundred times less than one at a time.
    """
    model = MacroModel() if model is None else model
    if not (math.isfinite(cell_area) and cell_area > 0):
        raise MacroError(f"cell_area={cell_area!r} m2 is not positive")
    bare = without_offsets(table)
    tables = {rows: of_rows(bare, rows) for rows in {g.rows_per_local_bitline for g in geometries}}
    first = tables[geometries[0].rows_per_local_bitline]
    gates = published_gates(first, model) if gates is None else gates
    columns = {
        (design.name, kind): column(tables[kind[0]], geometries[places[0]], model, design)
        for design in DESIGNS
        for kind, places in _kinds(geometries).items()
    }
    each = [_design(columns, geometries, cell_area, model, gates, design) for design in DESIGNS]
    arrays = {name: np.stack([one[name] for one in each], axis=1) for name in each[0]}
    found = _labelled(arrays, first)
    left = xr.concat([xr.Dataset(left_out(first, design)) for design in DESIGNS], "design")
    characterized = all(at.precharge is not None for at in columns.values())
    found["cycle_time_stages"].attrs["precharge"] = (
        "characterized" if characterized else f"assumed: {model.precharge_per_read:g} times the read"
    )
    about = {
        "title": "PIM macro",
        "macro_model": json.dumps(asdict(model)),
        "cell_area": cell_area,
        "gates": gates.source,
        "array_energy": "; ".join(dict.fromkeys(at.source for at in columns.values())),
    }
    found = found.assign(_described(left))
    for dim in DIMS:
        found[dim].attrs = dict(table[dim].attrs)
    return found.assign_attrs(first.attrs | about)


VARIABLES: Mapping[str, tuple[str, str]] = {
    "sigma_level": ("1", "standard deviations of the read delay that the cycle allows for"),
    "cycle_time": ("s", "cycle time, every stage at mean + sigma_level std"),
    "cycle_time_mean": ("s", "cycle time with every cell and gate at the mean"),
    "cycle_time_stages": ("s", "delay of each stage at mean + sigma_level std"),
    "setup_input": ("s", "inputs before the edge that takes their sum, upper bound: with the register they come from"),
    "clock_to_output": ("s", "clock edge to the sums, upper bound: with the setup time of a flip-flop"),
    "energy_per_cycle": ("J", "dynamic energy of one macro per cycle, without decoders and control"),
    "energy_per_cycle_std": ("J", "standard deviation between macros of the array's energy per cycle"),
    "energy_per_cycle_components": ("J", "dynamic energy of one macro per cycle by component"),
    "energy_clock": ("J", "part of energy_per_cycle that the clock takes, whatever is computed"),
    "leakage_power": ("W", "leakage of one macro, cells and modelled logic"),
    "leakage_power_std": ("W", "standard deviation between macros of the cells' leakage"),
    "area": ("m2", "area of one macro without decoders, control and write circuits"),
    "area_components": ("m2", "area of one macro by component"),
    "capacity_bits": ("1", "bits stored in one macro"),
    "weight_bits_equivalent": ("1", "weight bits that one macro computes with, two per cell for Q and Q-bar"),
    "weight_density": ("m-2", "equivalent weight bits per area"),
    "tops": ("1e12 s-1", "peak operations per second of one macro, two per multiply-accumulate"),
    "tops_per_watt": ("1e12 J-1", "peak operations per energy, leakage included"),
    "tops_per_mm2": ("1e12 s-1 mm-2", "peak operations per second and area"),
    "n_failed": ("1", "samples that failed to read, left out of mean and std"),
    "n_unknown": ("1", "samples without an answer, left out of mean and std"),
}
"""Variables of a macro Dataset: unit and long name."""
FURTHER: Mapping[str, tuple[str, ...]] = {
    "cycle_time_stages": (*DIMS, "stage"),
    "energy_per_cycle_components": (*DIMS, "component"),
    "area_components": ("component",),
} | dict.fromkeys(("sigma_level", "area", "capacity_bits", "weight_bits_equivalent", "weight_density"), ())
"""Dimensions of a variable behind ``geometry`` and ``design``; the others have ``DIMS``."""


def _kinds(geometries: Sequence[MacroGeometry]) -> dict[tuple[int, int], list[int]]:
    """Rows of a local bit line and input bits, which a column's numbers depend on, to the places of geometries."""
    found: dict[tuple[int, int], list[int]] = {}
    for place, g in enumerate(geometries):
        found.setdefault((g.rows_per_local_bitline, g.input_bits), []).append(place)
    return found


def _design(
    columns: Mapping[tuple[str, tuple[int, int]], Column],
    geometries: Sequence[MacroGeometry],
    cell_area: float,
    model: MacroModel,
    gates: Gates,
    design: Design,
) -> dict[str, np.ndarray]:
    """Variables of one design, in the order of the geometries; those of one kind of column are evaluated at once."""
    found: dict[str, np.ndarray] = {}
    for kind, places in _kinds(geometries).items():
        mine = [geometries[place] for place in places]
        for name, values in _figures(columns[design.name, kind], gates, mine, model, design, cell_area).items():
            found.setdefault(name, np.empty((len(geometries), *values.shape[1:])))[places] = values
    return found


def _figures(
    at: Column, gates: Gates, geometries: Sequence[MacroGeometry], model: MacroModel, design: Design, cell_area: float
) -> dict[str, np.ndarray]:
    """Variables of one design of macros with one kind of column, dimension geometry first."""
    sigma = np.array([sigma_level(g, model, design) for g in geometries])
    delays = stage_delays(at, gates, geometries, model, _column(sigma))
    cycle = cycle_of(delays)
    counts = count_gates(at, gates, geometries, model, design)
    energy = energies(at, counts, gates, geometries, design)
    cells = np.array([g.cells for g in geometries])
    means = np.array([mean_cells(g, design) for g in geometries])
    area = over_kinds(counts.placed, gates.area)
    area[:, COMPONENTS.index("array")] += cells * cell_area
    area[:, COMPONENTS.index("means")] += means * cell_area
    total, total_area = energy.sum(axis=1), area.sum(axis=1)
    leak = at.leakage * _column(cells + means) + over_kinds(counts.placed.sum(axis=1), gates.leakage)
    bits = cells * design.outputs
    operations = _column([2 * g.compartments * g.words * design.outputs / g.input_bits for g in geometries])
    return {
        "sigma_level": sigma,
        "cycle_time": cycle,
        "cycle_time_mean": cycle_of(stage_delays(at, gates, geometries, model, _column(0 * sigma))),
        "cycle_time_stages": np.stack(np.broadcast_arrays(*(delays[name] for name in STAGES)), axis=-1),
        "setup_input": sum(delays[stage] for stage in PIPELINE[0]),
        "clock_to_output": delays["register"],
        "energy_per_cycle": total,
        "energy_per_cycle_std": at.energy_std * np.sqrt(_column([g.columns_read for g in geometries])),
        "energy_per_cycle_components": np.moveaxis(energy, 1, -1),
        "energy_clock": _column(counts.clocked.sum(axis=1)) * np.where(gates.clock > 0, gates.clock, np.nan),
        "leakage_power": leak,
        "leakage_power_std": at.leakage_std * np.sqrt(_column(cells + means)),
        "area": total_area,
        "area_components": area,
        "capacity_bits": cells,
        "weight_bits_equivalent": bits,
        "weight_density": bits / total_area,
        "tops": operations / cycle * 1e-12,
        "tops_per_watt": operations / (total + leak * cycle) * 1e-12,
        "tops_per_mm2": operations / cycle / _column(total_area) * 1e-12 * 1e-6,
    }


def _labelled(arrays: Mapping[str, np.ndarray], table: xr.Dataset) -> xr.Dataset:
    """A Dataset of arrays whose first dimensions are ``geometry`` and ``design``."""
    coords = {"design": [design.name for design in DESIGNS], "stage": list(STAGES), "component": list(COMPONENTS)}
    dims = {name: ("geometry", "design", *FURTHER.get(name, DIMS)) for name in arrays}
    found = xr.Dataset({name: (dims[name], values) for name, values in arrays.items()}, coords)
    found = found.assign_coords({dim: table[dim].values for dim in DIMS})
    names = {"design": "Q only, or Q and Q-bar", "stage": "stage of the cycle", "component": "part of the macro"}
    for dim, long_name in names.items():
        found[dim].attrs = {"units": "1", "long_name": long_name}
    return _described(found)


def _described(found: xr.Dataset) -> xr.Dataset:
    """The same Dataset with units and long names."""
    return found.assign(
        {n: found[n].assign_attrs(units=VARIABLES[n][0], long_name=VARIABLES[n][1]) for n in found.data_vars}
    )


def left_out(table: xr.Dataset, design: Design) -> dict[str, xr.DataArray]:
    """Samples that are in no mean of the read, failed and unknown, the largest over its metrics [1].

    Empty if the table does not count.
    """
    found = {}
    for count in ("n_failed", "n_unknown"):
        names = [f"{metric}_{count}" for metric in (*design.delays, design.energy)]
        if all(name in table for name in names):
            found[count] = xr.concat([need(table, name) for name in names], "metric").max("metric")
    return found
