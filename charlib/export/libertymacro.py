"""Liberty of macros: one library per process, supply and temperature, with a cell for each design.

A tool reads one library for a condition, so all designs of a condition are in one; a netlist takes the one it needs.
What no table holds is left out and listed in the library.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from charlib.errors import TableError
from charlib.export import macrotable, source
from charlib.export.libertytext import CORNERS, FJ, NW, PS, SCALAR, Group, head, library_name, number, table

UM2 = 1e12
"""Unit of area in that of SI."""
VARIABLES = (
    "area", "cycle_time", "setup_input", "clock_to_output", "energy_per_cycle", "energy_clock", "leakage_power",
    "sigma_level",
)  # fmt: skip
"""What a library is made of."""
CLOCK, INPUTS, SUMS = "clk", ("inp", "inn"), ("sum_p", "sum_n")
"""Ports with numbers of their own."""
STATES = {"energy_per_cycle": "compute & !write", "energy_clock": "!compute & !write"}
"""Energy per cycle to the state it belongs to: everything in use, and nothing but the clock at work."""
UNKNOWN = ("energy_clock",)
"""What need not have a number: published gates have no clock."""
LEFT_OUT = (
    "energy and timing of a write; setup of addresses and of compute; hold; slews of outputs; capacitances of pins",
    "leakage by state: the number is the mean over what cells store",
)
"""What no table holds."""


def libraries(directory: Path) -> list[Group]:
    """Libraries of the macros of a results directory, none without ``macro.nc``; raises TableError where it lacks
    something, or a number.
    """
    if not (directory / source.MACRO).is_file():
        return []
    data, found = macrotable.open_macro(directory, VARIABLES), []
    for corner in product(*(data[axis].values.tolist() for axis in CORNERS)):
        name = library_name(f"{macrotable.name(data)}_macro", *corner)
        found.append(library(data.sel(dict(zip(CORNERS, corner, strict=True))), name))
    return found


def library(data: xr.Dataset, name: str) -> Group:
    """The macros of all designs at one condition."""
    designs = macrotable.designs(data)
    widths = sorted({port["bits"] for design in designs.values() for port in design["ports"]} - {1})
    return Group("library", name, [
        *head(data, data.attrs.get("title", "PIM macro")),
        *(f"/* {key}: {data.attrs[key]} */" for key in ("gates", "array_energy") if key in data.attrs),
        *(f"/* left out: {text} */" for text in LEFT_OUT),
        *(_bus_type(width) for width in widths),
        *(_cell(data.sel(design=design), about["ports"]) for design, about in designs.items()),
    ])  # fmt: skip


def _bits(width: int) -> str:
    """Name of the type of a bus."""
    return f"bits_{width - 1}_0"


def _bus_type(width: int) -> Group:
    ends = (f"bit_width : {width};", f"bit_from : {width - 1};", "bit_to : 0;", "downto : true;")
    return Group("type", _bits(width), ["base_type : array;", "data_type : bit;", *ends])


def _cell(data: xr.Dataset, ports: Iterable[Mapping[str, Any]]) -> Group:
    """The macro of one design."""
    values = {name: _value(data, name) for name in VARIABLES}
    return Group("cell", f"pim_macro_{data['design'].item()}", [
        f"/* period, setup and clock to output: every stage at mean + {values['sigma_level']:.4g} std */",
        *(["/* left out: energy at rest */"] if np.isnan(values["energy_clock"]) else []),
        f"area : {number(values['area'] * UM2)};", "is_macro_cell : true;", "interface_timing : true;",
        f"cell_leakage_power : {number(values['leakage_power'] * NW)};",
        *(_port(values, port["name"], port["direction"], port["bits"]) for port in ports),
    ])  # fmt: skip


def _value(data: xr.Dataset, name: str) -> float:
    """A number of one design; raises TableError where it has none and must have one."""
    value = float(data[name])
    if name not in UNKNOWN and not np.isfinite(value):
        design, process, vdd, temp = (data[axis].item() for axis in ("design", *CORNERS))
        at = f"{design} at {process}, {vdd:g} V, {temp:g} K"
        raise TableError(f"{name} of {at} has no number: no library without")
    return value


def _port(values: Mapping[str, float], name: str, direction: str, bits: int) -> Group:
    """A pin, or a bus, with the numbers that belong to it."""
    statements: list[Group | str] = [f"direction : {direction};"]
    if name == CLOCK:
        statements += ["clock : true;", f"min_period : {number(values['cycle_time'] * PS)};"]
        known = {state: values[energy] * FJ for energy, state in STATES.items() if np.isfinite(values[energy])}
        for state, energy in known.items():
            statements.append(Group("internal_power", "", [f'when : "{state}";', *_edges("{}_power", energy, 0.0)]))
    elif name in INPUTS:
        setup = values["setup_input"] * PS
        statements.append(_timing("setup_rising", _edges("{}_constraint", setup, setup)))
    elif name in SUMS:
        delay = values["clock_to_output"] * PS
        statements.append(_timing("rising_edge", _edges("cell_{}", delay, delay)))
    if bits == 1:
        return Group("pin", name, statements)
    return Group("bus", name, [f"bus_type : {_bits(bits)};", *statements])


def _timing(kind: str, tables: Iterable[Group]) -> Group:
    return Group("timing", "", [f'related_pin : "{CLOCK}";', f"timing_type : {kind};", *tables])


def _edges(kind: str, rise: float, fall: float) -> list[Group]:
    """A number for the rising edge and one for the falling."""
    return [table(kind.format(edge), SCALAR, value) for edge, value in (("rise", rise), ("fall", fall))]
