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


def supplies(found: xr.Dataset) -> str:
    """The lowest supply of each condition, then every supply that was tried for it."""
    attrs = found.attrs
    head = (
        f"lowest supply at which an array of cells of {attrs['technology']} works with a probability of "
        f"{attrs['target_yield']:g}: {attrs['sigma_wanted']:.3f} sigma of {attrs['metrics']}; {attrs['array']}. "
        "Ranges are 95 % intervals"
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
