"""Adder trees as text for a terminal."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pimchar.render import quantity, table
from pimchar.runschema import ZERO_CELSIUS


def energies(found: xr.Dataset) -> str:
    """Mean energy of an operation and its standard deviation against the share of ones."""
    headers = ["ones", "products", "drivers", "gates", "gates, std"]
    rows = []
    for ones in found["ones"].values:
        for products in found["products"].values:
            here = found.sel(ones=ones, products=products)
            means = [quantity(float(here["energy"].sel(supply=supply)), "J") for supply in ("drive", "gates")]
            spread = quantity(float(here["energy_std"].sel(supply="gates")), "J")
            rows.append([f"{ones:g}", str(products), *means, spread])
    about = f"{found.attrs['netlist']}, {found.attrs['operations']} operations each, energy of one input bit"
    about += f"; {found.attrs['process']}, {found.attrs['vdd']:g} V, {found.attrs['temp'] - ZERO_CELSIUS:g} degC"
    return f"{about}\n\n{table(headers, rows)}"


def accumulated(found: xr.Dataset, input_bits: int) -> str:
    """Mean energy of a dot product by part, and its standard deviation."""
    rows = [
        [str(part), *(quantity(float(f(found["energy"].sel(part=part).values)), "J") for f in (np.mean, np.std))]
        for part in found["part"].values
    ]
    about = f"dot product with signed inputs of {input_bits} bits, {found.sizes['operation']} operations"
    return f"{about}\n\n{table(['part', 'energy', 'std'], rows)}"


def check(found: xr.Dataset) -> str:
    """Events beside the transistor level."""
    a = found.attrs
    rows = [
        ["mean energy", *(quantity(a[f"energy_{side}"], "J") for side in ("events", "simulated")),
         f"{a['energy_error']:+.1%}", f"{a['energy_scatter']:.1%}"],
        ["latest arrival", *(quantity(a[f"delay_{side}"], "s") for side in ("events", "simulated")),
         f"{a['delay_error']:+.1%}", f"{a['delay_scatter']:.1%}"],
        ["  in the pair of the latter", *(quantity(a[f"delay_{side}"], "s") for side in ("same_pair", "simulated")),
         f"{a['delay_same_pair'] / a['delay_simulated'] - 1:+.1%}", "-"],
    ]  # fmt: skip
    headers = ["", "events", "transistors", "error", "scatter of a pair"]
    pairs, outputs = found.sizes["pair"], found.sizes["output"]
    where = f"{a['technology']}, {a['process']}, {a['vdd']:g} V, {a['temp']:g} K"
    bits = f"output bits that differ: {a['wrong_levels']} of {pairs * outputs}"
    moved = f"pairs that move outputs in only one of the two: {a['moved_in_one']} of {pairs}"
    return f"{where}, {a['gates']} gates, {pairs} pairs\n\n{table(headers, rows)}\n\n{moved}\n{bits}"
