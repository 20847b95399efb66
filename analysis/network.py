"""Networks on the macros: cycles, time and energy of every layer, for every design and condition at once."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
import pandas as pd
import xarray as xr

from analysis import mapping as schedule
from analysis.architecture import DESIGNS, Design, MacroError, MacroGeometry, parameter
from analysis.mapping import Mapping, Points, Shapes
from analysis.workloads import Layer

DIMS = ("layer", "design", "process", "vdd", "temp")
POINT = "geometry"
"""Dimension of design points, as ``macro.evaluate_all`` calls it; geometries may repeat with other schedules."""
WEIGHED = ("cycle_time", "energy_per_cycle", "leakage_power")
"""Variables of a macro that a network needs."""
COMPONENTS = ("macro", "leakage", "weight_write", "input_buffer", "output_buffer", "global_buffer", "dram")
"""Energy by place. All from ``weight_write`` on are fixed energies per bit, not scaled with VDD, process or temp."""
BASELINE, DDC = (design.name for design in DESIGNS)
"""Names of the designs: Q alone, and Q and Q-bar, which is held against it."""

_PER_BIT = "default of later 28 nm digital PIM work at 0.9 V (secondary source)"


@dataclass(frozen=True)
class Memories:
    """Memories around the macros, energies per bit at 28 nm and 0.9 V.

    Attributes:
        dram: read or write [J].
        global_read, global_write: global buffer [J].
        input_buffer, output_buffer: read or write [J].
        cell_write: write into a macro [J].
        global_bits: capacity of the global buffer [1].
    """

    dram: float = parameter(7.91e-12, unit="J", source=_PER_BIT)
    global_read: float = parameter(0.198e-12, unit="J", source=f"{_PER_BIT}, 256 KB")
    global_write: float = parameter(0.143e-12, unit="J", source=f"{_PER_BIT}, 256 KB")
    input_buffer: float = parameter(0.05e-12, unit="J", source=f"{_PER_BIT}: 0.03 to 0.05 pJ, the upper end")
    output_buffer: float = parameter(0.05e-12, unit="J", source=f"{_PER_BIT}: 0.03 to 0.05 pJ, the upper end")
    cell_write: float = parameter(0.026e-12, unit="J", source=_PER_BIT)
    global_bits: int = parameter(256 * 1024 * 8, unit="1", source=f"{_PER_BIT}, 256 KB")

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not (math.isfinite(value) and value >= 0):
                raise MacroError(f"{item.name}={value!r} is not a finite number of at least 0")


VARIABLES = {
    "macs": ("1", "multiply-accumulate operations"),
    "cycles_compute": ("1", "cycles of computation"),
    "cycles_stall": ("1", "cycles of waiting for feature buffers and for feature maps from DRAM"),
    "cycles_load": ("1", "cycles of writing weights while nothing is computed"),
    "cycles": ("1", "cycles of computation, of waiting and of writing weights"),
    "utilization": ("1", "operations done over operations possible in the cycles of computation"),
    "time": ("s", "time"),
    "energy": ("J", "energy, macros, buffers and DRAM"),
    "energy_components": ("J", "energy by place"),
}
"""Variables of a network Dataset: unit and long name."""


def evaluate(
    layers: Sequence[Layer],
    macro: xr.Dataset,
    mapping: Mapping | None = None,
    memories: Memories | None = None,
    name: str = "",
) -> xr.Dataset:
    """Cycles, time and energy of every layer, layers running one after the other.

    Args:
        layers: the network, for example ``workloads.load("mobilenet_v2")``.
        macro: what ``macro.evaluate`` returns; it carries its geometry.
        mapping: choices of the schedule; the defaults if None.
        memories: energies per bit around the macros; the defaults if None.
        name: name of the network, kept in the attributes.

    Returns:
        Dataset with ``macs (layer)``; ``cycles_compute``, ``cycles_stall``, ``cycles_load``, ``cycles``,
        ``utilization (layer, design)``; ``time``, ``energy (layer, design, process, vdd, temp)`` and
        ``energy_components`` with the last dimension ``component``. Coordinates ``layer`` and ``type``. Attributes of
        ``macro`` are kept.

    Raises:
        MacroError: no layers, macros that the mapping does not fit, or a variable or the geometry is missing in
            ``macro``.
    """
    mapping, memories = mapping or Mapping(), memories or Memories()
    geometry, shapes = MacroGeometry.of(macro), Shapes.of(layers)
    mapping.check(geometry)
    counts = [_count(shapes, geometry, design, mapping, memories) for design in DESIGNS]
    found = _weigh(counts, macro, "layer")
    found["macs"] = ("layer", shapes.macs)
    found = found.assign_coords(layer=[x.name for x in layers], type=("layer", [x.type for x in layers]))
    found = _label(found.transpose(*DIMS, "component"), macro)
    return found.assign_attrs(macro.attrs | _own(name, memories) | {"mapping": json.dumps(asdict(mapping))})


def sweep(
    layers: Sequence[Layer],
    macro: xr.Dataset,
    mappings: Sequence[Mapping],
    geometries: Sequence[MacroGeometry] | None = None,
    memories: Memories | None = None,
    name: str = "",
) -> xr.Dataset:
    """Totals of a network at many design points at once, equal to those of ``evaluate`` at each.

    Args:
        layers: the network.
        macro: what ``macro.evaluate`` returns, for all points; or what ``macro.evaluate_all`` returns, one for
            each point.
        mappings: schedule of each point.
        geometries: macro of each point; that of ``macro`` for all if None.
        memories: energies per bit around the macros; the defaults if None.
        name: name of the network, kept in the attributes.

    Returns:
        The variables of ``evaluate`` summed over the layers, with the dimension ``geometry`` in place of ``layer``.

    Raises:
        MacroError: as ``evaluate``, a dimension of ``macro`` that is none of these, or lengths that do not agree.
    """
    memories = memories or Memories()
    if geometries is None:
        geometries = [MacroGeometry.of(macro)] * len(mappings)
    foreign = sorted(map(str, {d for name in WEIGHED if name in macro for d in macro[name].dims} - {*DIMS, POINT}))
    if foreign:
        legal = ", ".join((POINT, *DIMS[1:]))
        raise MacroError(f"dimension {foreign[0]!r} of the macro Dataset is not one of {legal}")
    lengths = {len(mappings), len(geometries)} | ({macro.sizes[POINT]} if POINT in macro.dims else set())
    if len(lengths) > 1:
        raise MacroError(f"points: {' and '.join(map(str, sorted(lengths)))} of mappings, geometries or macros")
    for mapping, geometry in zip(mappings, geometries, strict=True):
        mapping.check(geometry)
    shapes, many = Shapes.of(layers), (Points(geometries), Points(mappings))
    counts = [_count(shapes, many[0], design, many[1], memories) for design in DESIGNS]
    summed = [{name: array.sum(axis=-1) for name, array in each.items()} for each in counts]
    for each, design in zip(summed, DESIGNS, strict=True):
        each["utilization"] = schedule.utilization(shapes, many[0], design, each["cycles_compute"][:, None]).sum(
            axis=-1
        )
    found = _weigh(summed, macro, POINT)
    found["macs"] = shapes.macs.sum()
    return _label(found.transpose(POINT, *DIMS[1:], "component"), macro).assign_attrs(
        macro.attrs | _own(name, memories)
    )


def _own(name: str, memories: Memories) -> dict[str, str]:
    """Attributes of a network Dataset, besides those of the macro."""
    return {
        "title": f"network {name} on PIM macros".replace("  ", " "),
        "network": name,
        "memories": json.dumps(asdict(memories)),
        "memory_energies": f"{_PER_BIT}; not scaled with VDD, process or temperature",
    }


def _label(found: xr.Dataset, macro: xr.Dataset) -> xr.Dataset:
    """The same Dataset with units and long names."""
    for dim in DIMS[1:]:
        found[dim].attrs = dict(macro[dim].attrs)
    return found.assign({n: found[n].assign_attrs(units=u, long_name=text) for n, (u, text) in VARIABLES.items()})


def _count(
    shapes: Shapes, geometry: schedule.Geometry, design: Design, mapping: schedule.Choices, memories: Memories
) -> dict[str, np.ndarray]:
    """What a design does in each layer, whatever the condition; arrays of shape ``(layer,)`` or ``(point, layer)``.

    ``cycles_compute``, ``cycles_stall``, ``cycles_load``, ``cycles``, ``utilization`` [1]; ``active``, cycles of all
    macros with the unused part at its share of the energy, and ``present``, cycles of all macros [1]; and the energy of
    each component of the memories [J].
    """
    moved = schedule.traffic(shapes, geometry, design, mapping, memories.global_bits)
    spent = schedule.cycles(shapes, geometry, design, mapping, moved)
    used = schedule.utilization(shapes, geometry, design, spent.compute)
    found = {
        "cycles_compute": spent.compute,
        "cycles_stall": spent.stall,
        "cycles_load": spent.load,
        "cycles": spent.total,
        "utilization": used,
        "active": geometry.macros * spent.compute * (used + mapping.idle_energy * (1 - used)),
        "present": geometry.macros * spent.total,
        "weight_write": memories.cell_write * moved.cell_write,
        "input_buffer": memories.input_buffer * moved.input_buffer,
        "output_buffer": memories.output_buffer * moved.output_buffer,
        "global_buffer": memories.global_read * moved.global_read + memories.global_write * moved.global_write,
        "dram": memories.dram * moved.dram,
    }
    return dict(zip(found, np.broadcast_arrays(*found.values()), strict=True))


def _weigh(counts: Sequence[dict[str, np.ndarray]], macro: xr.Dataset, dim: str) -> xr.Dataset:
    """Counts of each design along ``dim`` with what a cycle takes at each condition; without attributes."""
    for needed in WEIGHED:
        if needed not in macro:
            raise MacroError(f"variable {needed} is missing in the macro Dataset (macro.nc)")
    plain = macro[list(WEIGHED)].drop_attrs()
    plain = plain.sel(design=[design.name for design in DESIGNS])
    n = {name: xr.DataArray(np.stack([c[name] for c in counts]), dims=("design", dim)) for name in counts[0]}
    time = plain["cycle_time"] * n["cycles"]
    energy = {name: n[name] for name in COMPONENTS if name in n} | {
        "macro": plain["energy_per_cycle"] * n["active"],
        "leakage": plain["leakage_power"] * plain["cycle_time"] * n["present"],
    }
    components = xr.concat([energy[name].broadcast_like(time) for name in COMPONENTS], "component")
    cycles = {name: n[name] for name in VARIABLES if name in n}
    found = xr.Dataset(
        cycles | {"time": time, "energy": components.sum("component", skipna=False), "energy_components": components}
    )
    return found.assign_coords(component=list(COMPONENTS))


def total(network: xr.Dataset) -> xr.Dataset:
    """The whole network: everything summed over its layers, utilization weighted with the cycles of computation."""
    summed = network.drop_vars("type").sum("layer", skipna=False, keep_attrs=True)
    weighted = (network["utilization"] * network["cycles_compute"]).sum("layer") / summed["cycles_compute"]
    return summed.assign(utilization=weighted.assign_attrs(network["utilization"].attrs))


def speedup(network: xr.Dataset, cycles: str = "cycles_compute") -> xr.DataArray:
    """Cycles of the baseline over those of each design [1], of whatever ``network`` holds, layers or the total.

    Args:
        network: what ``evaluate``, ``sweep`` or ``total`` returns.
        cycles: ``cycles_compute``, ``cycles_load`` or ``cycles``.
    """
    ratio = network[cycles].sel(design=BASELINE, drop=True) / network[cycles]
    return ratio.rename("speedup").assign_attrs(
        units="1", long_name=f"{cycles} of the baseline over those of the design"
    )


def to_frame(network: xr.Dataset) -> pd.DataFrame:
    """Rows of ``network.csv``: one per design and condition, totals over the layers, units in the column names.

    Columns: network, design, process, vdd_v, temp_k, macs, cycles, cycles_compute, cycles_stall, cycles_load,
    speedup (of ``cycles_compute``), speedup_with_load, utilization, latency_s, energy_j and ``energy_<component>_j``,
    and mapping (JSON).
    """
    whole = total(network) if "layer" in network.dims else network
    columns = {
        **{name: whole[name] for name in ("macs", "cycles", "cycles_compute", "cycles_stall", "cycles_load")},
        "speedup": speedup(whole),
        "speedup_with_load": speedup(whole, "cycles"),
        "utilization": whole["utilization"],
        "latency_s": whole["time"],
        "energy_j": whole["energy"],
        **{f"energy_{c}_j": whole["energy_components"].sel(component=c, drop=True) for c in COMPONENTS},
    }
    shape = whole["time"].dims
    flat = xr.Dataset({name: array.broadcast_like(whole["time"]).transpose(*shape) for name, array in columns.items()})
    frame = flat.to_dataframe(dim_order=[d for d in DIMS if d in shape]).reset_index()
    frame.insert(0, "network", network.attrs["network"])
    frame["mapping"] = network.attrs["mapping"]
    return frame.rename(columns={"vdd": "vdd_v", "temp": "temp_k"})


def layer_table(network: xr.Dataset) -> pd.DataFrame:
    """Cycles of computation by layer for a figure: ``layer, type, macs``, then for each design ``cycles_<design>`` and
    ``utilization_<design>``, and ``speedup_<design>`` for all but the baseline.
    """
    table = {"layer": network["layer"].values, "type": network["type"].values, "macs": network["macs"].values}
    gain = speedup(network)
    for name in network["design"].values:
        one = network.sel(design=name)
        table |= {f"cycles_{name}": one["cycles_compute"].values, f"utilization_{name}": one["utilization"].values}
        if name != BASELINE:
            table[f"speedup_{name}"] = gain.sel(design=name).values
    return pd.DataFrame(table)
