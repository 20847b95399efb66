"""First model of a digital SRAM-PIM macro: cycle time, energy, leakage, area and density from characterized tables.

The array's figures are characterized; the logic behind it is composed of published gates (``analysis.logic``).
Every number that neither is characterized nor follows from the architecture is a field of ``MacroGeometry`` or
``MacroModel`` (``analysis.architecture``) with its unit and source. ``docs/models.md`` tells the whole model.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import xarray as xr
from scipy import stats

from analysis import logic
from analysis.architecture import DESIGNS, Design, MacroError, MacroGeometry, MacroModel
from analysis.logic import PRIMITIVES, Block
from charlib.conditions import OFFSETS

DIMS = ("process", "vdd", "temp")
COMPONENTS = ("array", "multiply", "input_drivers", "adder_tree", "accumulator", "recover")
"""Parts of the macro. Input drivers have no area here, and decoders, control and write circuits are left out."""
PIPELINE = (("precharge", "read", "merge", "adder_tree", "register"), ("accumulate", "register"))
"""Stages between two registers; assumed: accumulation works on the sum of the cycle before."""
STAGES = ("precharge", "read", "merge", "adder_tree", "accumulate", "register")


@dataclass(frozen=True)
class Part:
    """Logic that belongs to a component: a block, and how often per cycle it works [1]."""

    component: str
    block: Block
    per_cycle: float = 1.0


def parts(geometry: MacroGeometry, model: MacroModel, design: Design) -> tuple[Part, ...]:
    """All modelled logic of one macro.

    Each local bit line has a NOR gate as multiplier; a tree of two-input gates merges the strips of a column. Every
    word and output has an adder tree with a register behind it and an accumulator; a tree that splits has one
    accumulator more for each further part, of one word, which rests while the tree is whole. The NOR gates work in the
    selected strip, and their part in the first input bit of a pass is inside the characterized read energy.
    """
    g, outputs = geometry, design.outputs
    held = max(g.input_bits - model.reads_per_pass, 0) / g.input_bits
    tree = logic.adder_tree(g.compartments, g.weight_bits)
    accumulator = logic.accumulator(g.tree_bits, g.sum_bits)
    found = [
        Part("multiply", Block({"nor2": g.columns_read * g.strips * outputs}), held / g.strips),
        Part("adder_tree", (tree + logic.register(g.tree_bits)) * (g.words * outputs)),
        Part("accumulator", accumulator * (g.words * outputs)),
    ]
    if design.splits:
        found.append(Part("accumulator", accumulator * (outputs * (g.split_windows - 1)), 0.0))
    if g.strips > 1:
        merge = Block({"nand2": (g.strips - 1) * g.columns_read * outputs})
        found.append(Part("multiply", merge, logic.tree_depth(g.strips) / (g.strips - 1)))
    return (*found, *(recover_parts(g) if outputs == 2 else ()))


def recover_parts(geometry: MacroGeometry) -> tuple[Part, ...]:
    """The unit that adds M sum(x) to both results of a pair (assumed structure).

    For each of the two inputs the set bits are counted and accumulated to sum(x); for each pair M sum(x) is multiplied
    bit by bit and added to both results, once per pass.
    """
    g = geometry
    count_bits = 1 + logic.tree_depth(g.compartments)
    count = logic.adder_tree(g.compartments, 1) + logic.accumulator(count_bits, g.sum_bits - g.weight_bits + 1)
    multiply = logic.accumulator(g.sum_bits, g.sum_bits) + logic.register(g.weight_bits)
    return (
        Part("recover", count * 2 + multiply * g.words),
        Part("recover", logic.adder(g.sum_bits) * (2 * g.words), 1 / g.input_bits),
    )


def sigma_level(geometry: MacroGeometry, model: MacroModel, design: Design) -> float:
    """Standard deviations of the read delay that the cycle allows for [1].

    The slowest of all cells and outputs of all macros stays below mean + k std with probability ``timing_yield``:
    Phi(k) = timing_yield^(1/n). Delays are taken as normal and independent (Sidak); a real delay has the longer tail.
    """
    n = geometry.cells * geometry.macros * design.outputs
    return float(stats.norm.isf(-math.expm1(math.log(model.timing_yield) / n)))


def _need(table: xr.Dataset, name: str) -> xr.DataArray:
    """A variable of the table with the dimensions ``DIMS``; raises MacroError if it is not there."""
    if name not in table:
        raise MacroError(f"variable {name} is missing in the table (tables.nc), which has {', '.join(table.data_vars)}")
    missing = [dim for dim in DIMS if dim not in table[name].dims]
    if missing:
        raise MacroError(f"variable {name} has no dimension {missing[0]} in the table (tables.nc)")
    return table[name].transpose(*DIMS).drop_attrs()


def _without_offsets(table: xr.Dataset) -> xr.Dataset:
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


def _of_rows(table: xr.Dataset, wanted: int) -> xr.Dataset:
    """The part of a table with a number of rows on the local bit line; raises MacroError where it holds none."""
    if "rows" in table.dims:
        grid = table["rows"].values.tolist()
        if wanted not in grid:
            held = ", ".join(map(str, grid))
            raise MacroError(f"rows_per_local_bitline={wanted} is not one of {held} of the table (conditions.rows)")
        return table.sel(rows=wanted, drop=True)
    rows = json.loads(table.attrs.get("readpath", "{}")).get("rows", wanted)
    if rows != wanted:
        raise MacroError(f"rows_per_local_bitline={wanted}, but the table's read path has {rows} rows")
    return table


def _over_states(table: xr.Dataset, name: str) -> xr.DataArray:
    """Mean over the stored states, taken as equally frequent.

    It is the metric itself, the worse state, if the table has no ``<name>_lobes``.
    """
    worse = _need(table, name)
    if f"{name}_lobes" not in table:
        return worse
    return table[f"{name}_lobes"].mean("lobe", skipna=False).transpose(*DIMS).drop_attrs()


def _spread(table: xr.Dataset, name: str) -> xr.DataArray:
    """Standard deviation of a variable; zero where the table counts at most one good sample."""
    std = _need(table, f"{name}_std")
    if f"{name}_n_ok" in table:
        std = std.where(_need(table, f"{name}_n_ok") != 1, 0.0)
    return std


def stage_delays(
    table: xr.Dataset, geometry: MacroGeometry, model: MacroModel, design: Design, k: float
) -> dict[str, xr.DataArray]:
    """Delay of each stage [s]: characterized ones at mean + ``k`` std, logic ones follow the fanout-of-four delay."""
    factor = logic.delay_factor(_need(table, "t_fo4")).drop_attrs()
    slow = [_need(table, name) + k * _spread(table, name) for name in design.delays]
    read = xr.concat(slow, "output").max("output", skipna=False)
    if design.precharge in table:
        precharge = _need(table, design.precharge) + k * _spread(table, design.precharge)
    else:
        precharge = model.precharge_per_read * read
    gates = {
        "merge": logic.tree_depth(geometry.strips) * PRIMITIVES["nand2"].delay,
        "adder_tree": logic.adder_tree(geometry.compartments, geometry.weight_bits).delay,
        "accumulate": logic.accumulator(geometry.tree_bits, geometry.sum_bits).delay,
        "register": PRIMITIVES["dff"].delay,
    }
    return {"precharge": precharge, "read": read} | {name: delay * factor for name, delay in gates.items()}


def cycle_of(delays: Mapping[str, xr.DataArray]) -> xr.DataArray:
    """Cycle time [s]: the longest sum of stages between two registers."""
    sums = [sum(delays[stage] for stage in group) for group in PIPELINE]
    return xr.concat(sums, "group").max("group", skipna=False)


def energies(
    table: xr.Dataset, geometry: MacroGeometry, model: MacroModel, design: Design
) -> tuple[dict[str, xr.DataArray], xr.DataArray]:
    """Dynamic energy of each component per cycle of one macro, all inputs and words in use, and the sum's std [J].

    Logic draws C VDD^2 per transition. The std is that of the array's reads, columns independent.
    """
    reads = min(model.reads_per_pass, geometry.input_bits) / geometry.input_bits
    array = _over_states(table, design.energy) * geometry.columns_read * reads
    std = _spread(table, design.energy) * math.sqrt(geometry.columns_read) * reads
    gates = geometry.columns_read * geometry.strips * design.outputs
    switched = dict.fromkeys(COMPONENTS, 0.0)
    switched["input_drivers"] = gates * model.gate_input * PRIMITIVES["nand2"].capacitance
    for part in parts(geometry, model, design):
        switched[part.component] += part.per_cycle * part.block.capacitance
    square = xr.ones_like(array) * table["vdd"] ** 2
    found = {name: capacitance * model.activity * square for name, capacitance in switched.items()}
    return found | {"array": array}, std


def areas(geometry: MacroGeometry, model: MacroModel, design: Design, cell_area: float) -> dict[str, float]:
    """Area of each component of one macro [m2]; ``cell_area`` is one bit cell's [m2]."""
    found = dict.fromkeys(COMPONENTS, 0.0)
    strips = geometry.columns_read * geometry.strips
    found["array"] = geometry.cells * cell_area + strips * model.strip_area
    for part in parts(geometry, model, design):
        found[part.component] += part.block.area
    return found


def leakage(
    table: xr.Dataset, geometry: MacroGeometry, model: MacroModel, design: Design
) -> tuple[xr.DataArray, xr.DataArray]:
    """Leakage of one macro, cells and modelled logic, and the std of the cells' sum [W]."""
    gates = sum(part.block.nand2_equivalents for part in parts(geometry, model, design))
    current = _over_states(table, "i_leak") * (geometry.cells + model.leakage_per_nand2 * gates)
    std = _spread(table, "i_leak") * math.sqrt(geometry.cells)
    return current * table["vdd"], std * table["vdd"]


def evaluate(
    table: xr.Dataset, geometry: MacroGeometry, cell_area: float, model: MacroModel | None = None
) -> xr.Dataset:
    """Performance, power and area of one macro in every design at every condition.

    Args:
        table: characterized means and ``_std`` [SI], dimensions ``process, vdd, temp`` (of offsets 0 is taken):
            ``t_read_p``, ``t_read_n``, ``e_read``, ``t_read_single``, ``e_read_single``, ``i_leak`` and ``t_fo4`` (mean
            only); ``t_precharge``, ``t_precharge_single`` and, for energies and leakage, ``_lobes`` (dimension
            ``lobe``) if it has them.
        geometry: the macro.
        cell_area: area of one bit cell [m2].
        model: the model's own numbers; the defaults if None.

    Returns:
        Dataset with dimensions ``design, process, vdd, temp`` (and ``stage`` or ``component``), all figures of one
        macro; ``VARIABLES`` lists them (``n_failed`` and ``n_unknown`` if the table counts). Attributes of the table
        are kept.

    Raises:
        MacroError: a variable is missing, ``cell_area`` is not positive, the table holds for another number of rows, or
            for offsets other than 0 alone.
        LogicError: the table does not reach the condition of the gate figures.
    """
    model = MacroModel() if model is None else model
    table = _of_rows(_without_offsets(table), geometry.rows_per_local_bitline)
    if not (math.isfinite(cell_area) and cell_area > 0):
        raise MacroError(f"cell_area={cell_area!r} m2 is not positive")
    each = [_evaluate_design(table, geometry, cell_area, model, design) for design in DESIGNS]
    macro = xr.concat(each, "design").assign_coords(design=[design.name for design in DESIGNS])
    macro = macro.transpose("design", *DIMS, "stage", "component")
    for name in macro.data_vars:
        unit, long_name = VARIABLES[name]
        macro[name].attrs = {"units": unit, "long_name": long_name}
    for dim in DIMS:
        macro[dim].attrs = dict(table[dim].attrs)
    names = {"design": "Q only, or Q and Q-bar", "stage": "stage of the cycle", "component": "part of the macro"}
    for dim, long_name in names.items():
        macro[dim].attrs = {"units": "1", "long_name": long_name}
    reference = logic.delay_factor(_need(table, "t_fo4")).attrs["reference_temp"]
    measured = all(design.precharge in table for design in DESIGNS)
    macro["cycle_time_stages"].attrs["precharge"] = (
        "characterized" if measured else f"assumed: {model.precharge_per_read:g} times the read"
    )
    own = {
        "title": "PIM macro",
        "macro_geometry": json.dumps(asdict(geometry)),
        "macro_model": json.dumps(asdict(model)),
        "cell_area": cell_area,
        "logic_reference": f"{logic.ZIGZAG}; tt, {logic.REFERENCE_VDD} V, {reference:g} K",
    }
    return macro.assign_attrs(table.attrs | own)


VARIABLES: Mapping[str, tuple[str, str]] = {
    "sigma_level": ("1", "standard deviations of the read delay that the cycle allows for"),
    "cycle_time": ("s", "cycle time, read at mean + sigma_level std"),
    "cycle_time_mean": ("s", "cycle time with every cell at the mean"),
    "cycle_time_stages": ("s", "delay of each stage, read at mean + sigma_level std"),
    "energy_per_cycle": ("J", "dynamic energy of one macro per cycle, without decoders and control"),
    "energy_per_cycle_std": ("J", "standard deviation between macros of the array's energy per cycle"),
    "energy_per_cycle_components": ("J", "dynamic energy of one macro per cycle by component"),
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


def _evaluate_design(
    table: xr.Dataset, geometry: MacroGeometry, cell_area: float, model: MacroModel, design: Design
) -> xr.Dataset:
    """Variables of one design, without attributes."""
    k = sigma_level(geometry, model, design)
    delays = stage_delays(table, geometry, model, design, k)
    cycle = cycle_of(delays)
    energy, energy_std = energies(table, geometry, model, design)
    leak, leak_std = leakage(table, geometry, model, design)
    area = areas(geometry, model, design, cell_area)
    total = sum(energy[name] for name in COMPONENTS)
    total_area = sum(area.values())
    bits = geometry.cells * design.outputs
    operations = 2 * geometry.compartments * geometry.words * design.outputs / geometry.input_bits
    values = {
        "sigma_level": k,
        "cycle_time": cycle,
        "cycle_time_mean": cycle_of(stage_delays(table, geometry, model, design, 0.0)),
        "cycle_time_stages": _stack(delays, "stage", STAGES),
        "energy_per_cycle": total,
        "energy_per_cycle_std": energy_std,
        "energy_per_cycle_components": _stack(energy, "component", COMPONENTS),
        "leakage_power": leak,
        "leakage_power_std": leak_std,
        "area": total_area,
        "area_components": ("component", [area[name] for name in COMPONENTS]),
        "capacity_bits": geometry.cells,
        "weight_bits_equivalent": bits,
        "weight_density": bits / total_area,
        "tops": operations / cycle * 1e-12,
        "tops_per_watt": operations / (total + leak * cycle) * 1e-12,
        "tops_per_mm2": operations / cycle / total_area * 1e-12 * 1e-6,
    }
    return xr.Dataset(values | left_out(table, design))


def left_out(table: xr.Dataset, design: Design) -> dict[str, xr.DataArray]:
    """Samples that are in no mean of the read, failed and unknown, the largest over its metrics [1].

    Empty if the table does not count.
    """
    found = {}
    for count in ("n_failed", "n_unknown"):
        names = [f"{metric}_{count}" for metric in (*design.delays, design.energy)]
        if all(name in table for name in names):
            found[count] = xr.concat([_need(table, name) for name in names], "metric").max("metric")
    return found


def _stack(by_name: Mapping[str, xr.DataArray], dim: str, names: tuple[str, ...]) -> xr.DataArray:
    """Arrays of one shape along a new, labelled dimension, in the order of ``names``."""
    return xr.concat([by_name[name] for name in names], dim).assign_coords({dim: list(names)})
