"""What ``pimchar yield`` shows: failure probabilities with all that tells how far to believe them."""

from __future__ import annotations

import textwrap
from itertools import product

import xarray as xr

from charlib.conditions import OPTIONAL
from pimchar.render import WIDTH, axis_cell, celsius, table


def failures(found: xr.Dataset) -> str:
    """A row of numbers for each condition, then what makes some of them doubtful."""
    head = (
        f"failure probability of a cell of {found.attrs['technology']} by {found.attrs['metrics']} (limits: "
        f"{found.attrs['limits']}), smallest margin of all. Ranges are 95 % intervals"
    )
    axes = [axis for axis in ("process", "vdd", "temp", *OPTIONAL) if axis in found.dims]
    rows, notes = [], []
    for place in product(*(found[axis].values for axis in axes)):
        here = found.sel(dict(zip(axes, place, strict=True)))
        cells = [str(place[0]), f"{place[1]:g} V", celsius(place[2]), *map(axis_cell, axes[3:], place[3:])]
        rows.append([*cells, *_numbers(here)])
        where = " ".join(cells)
        for kind, title in (("not_established", "NOT ESTABLISHED"), ("warnings", "warning")):
            text = here[kind].item()
            notes += [textwrap.fill(f"{title} at {where}: {text}", WIDTH)] if text != "none" else []
        notes.append(textwrap.fill(f"{where}: {here['method'].item()}, {here['reason'].item()}", WIDTH))
    heads = [*axes, "Pf", "95 %", "sigma", "CoV", "ESS", "FORM/Pf", "simulations"]
    if "array_yield" in found:
        heads.append("array yield")
        notes.append(f"array: {found.attrs['array']}")
    return "\n\n".join([textwrap.fill(head, WIDTH), table(heads, rows), "\n".join(notes)])


def _numbers(here: xr.Dataset) -> list[str]:
    low, high = float(here["pf_ci_low"]), float(here["pf_ci_high"])
    cells = [
        f"{float(here['pf']):.3g}",
        f"{low:.3g}..{high:.3g}",
        f"{float(here['sigma_level']):.3f}",
        f"{100 * float(here['cov']):.1f} %",
        f"{float(here['ess']):.0f}",
        f"{float(here['form_ratio']):.2f}",
        f"{float(here['simulations']):.0f}",
    ]
    if "array_yield" in here:
        ends = (float(here[f"array_yield{end}"]) for end in ("", "_ci_low", "_ci_high"))
        cells.append("{:.6f} ({:.6f}..{:.6f})".format(*ends))
    return cells
