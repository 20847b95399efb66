"""What ``pimchar yield`` shows: failure probabilities with all that tells how far to believe them."""

from __future__ import annotations

import textwrap
from itertools import product

import numpy as np
import xarray as xr

from charlib.conditions import OPTIONAL
from pimchar.render import WIDTH, axis_cell, celsius, table

SAID = {
    "not_established": "NOT ESTABLISHED",
    "array_not_established": "ARRAY YIELD NOT ESTABLISHED",
    "warnings": "warning",
    "array_warnings": "warning of the array yield",
}
"""What makes a number doubtful, and how it is said."""
CLOSE = 0.99
"""Yield from which on what is lost is shown [1]."""
SMALL = 1e-3
"""Yield below which it is shown by its power of ten [1]."""


def failures(found: xr.Dataset) -> str:
    """A row of numbers for each condition, then what makes some of them doubtful."""
    least = ", by the smallest margin of all" if "," in found.attrs["metrics"] else ""
    head = (
        f"failure probability of a cell of {found.attrs['technology']}: {found.attrs['limits']}{least}. "
        "Ranges are 95 % intervals"
    )
    axes = [axis for axis in ("process", "vdd", "temp", *OPTIONAL) if axis in found.dims]
    rows, notes = [], []
    for place in product(*(found[axis].values for axis in axes)):
        here = found.sel(dict(zip(axes, place, strict=True)))
        cells = [str(place[0]), f"{place[1]:g} V", celsius(place[2]), *map(axis_cell, axes[3:], place[3:])]
        rows.append([*cells, *_numbers(here)])
        where = " ".join(cells)
        for kind, title in SAID.items():
            text = here[kind].item() if kind in here else "none"
            notes += [textwrap.fill(f"{title} at {where}: {text}", WIDTH)] if text != "none" else []
        notes.append(textwrap.fill(f"{where}: {here['method'].item()}, {here['reason'].item()}", WIDTH))
        if "pf_dies" in here and np.isfinite(here["pf_dies"]):
            notes.append(textwrap.fill(f"{where}: {_dies(here)}", WIDTH))
    heads = [*axes, "Pf", "95 %", "sigma", "CoV", "ESS", "FORM/Pf", "simulations", "array yield"]
    notes.append(f"array: {found.attrs['array']}")
    return "\n\n".join([textwrap.fill(head, WIDTH), table(heads, rows), "\n".join(notes)])


def _numbers(here: xr.Dataset) -> list[str]:
    low, high = float(here["pf_ci_low"]), float(here["pf_ci_high"])
    return [
        f"{float(here['pf']):.3g}",
        f"{low:.3g}..{high:.3g}",
        f"{float(here['sigma_level']):.3f}",
        f"{100 * float(here['cov']):.1f} %",
        f"{float(here['ess']):.0f}",
        f"{float(here['form_ratio']):.2f}",
        f"{float(here['simulations']):.0f}",
        share(*(float(here[f"array_yield{end}"]) for end in ("", "_ci_low", "_ci_high"))),
    ]


def share(value: float, low: float, high: float) -> str:
    """A yield and its interval [1], in as many digits as the interval leaves; next to 1 what is lost.

    >>> print(share(0.98234, 0.98081, 0.98375), "|", share(1 - 3.01e-5, 1 - 3.23e-5, 1 - 2.76e-5), "|", share(1, 1, 1))
    0.982 (0.981..0.984) | 1 - 3.0e-5 (1 - 3.2e-5..1 - 2.8e-5) | 1
    """
    ends = (value, low, high)
    if not np.isfinite(ends).all():
        return "not established"
    if value < SMALL:
        texts = [f"{end:.1e}" for end in ends]
    elif value < CLOSE:
        digits = int(np.clip(-np.floor(np.log10((high - low) / 2 or 1e-3)), 3, 6))
        texts = [f"{end:.{digits}f}" for end in ends]
    else:
        lost = [f"{1 - end:.1e}".split("e") for end in ends]
        texts = [
            "1" if end == 1 else f"1 - {digits}e{int(power)}" for end, (digits, power) in zip(ends, lost, strict=True)
        ]
    return texts[0] if len(set(texts)) == 1 else f"{texts[0]} ({texts[1]}..{texts[2]})"


def _dies(here: xr.Dataset) -> str:
    """What was found on dies that differ."""
    mean, low, high = (float(here[f"pf_dies{end}"]) for end in ("", "_ci_low", "_ci_high"))
    alike = float(here["array_yield_alike"])
    return (
        f"mean Pf over dies {mean:.3g} ({low:.3g}..{high:.3g}), {int(here['die_simulations'])} simulations on dies, "
        f"fit within {float(here['die_error']):.2g} sigma; were all dies alike, the yield would be "
        f"{share(alike, alike, alike)}"
    )


def supplies(found: xr.Dataset) -> str:
    """The lowest supply of each condition, then every supply that was tried for it."""
    attrs = found.attrs
    head = (
        f"lowest supply at which an array of cells of {attrs['technology']} works with a probability of "
        f"{attrs['target_yield']:g}: {attrs['sigma_wanted']:.3f} sigma, cells fail by {attrs['limits']}. "
        f"{attrs['array']}. Ranges are 95 % intervals"
    )
    rows, notes = [], []
    for case in range(found.sizes["case"]):
        here = found.isel(case=case)
        where = f"{here['process'].item()}, {celsius(float(here['temp']))}"
        low, vdd, high = (1e3 * float(here[f"vdd_min{end}"]) for end in ("_ci_low", "", "_ci_high"))
        each = here[["tried_vdd", "tried_sigma", "tried_pf"]].dropna("try", subset=["tried_vdd"])
        rows.append([where, f"{vdd:.1f} mV", f"{low:.1f}..{high:.1f} mV", f"{float(here['slope']):.1f}",
                     f"{each.sizes['try']}", f"{int(here['simulated'])}"])  # fmt: skip
        tried = sorted(zip(*(each[name].values for name in each.data_vars), strict=True))
        text = ", ".join(f"{v:g} V {sigma:.3f} sigma (Pf {pf:.3g})" for v, sigma, pf in tried)
        notes.append(textwrap.fill(f"{where}: {text}", WIDTH))
    heads = ["condition", "VDD_min", "95 %", "sigma/V", "supplies", "simulations"]
    return "\n\n".join([textwrap.fill(head, WIDTH), table(heads, rows), "\n".join(notes)])
