"""What ``pimchar vmin`` shows: the lowest supply of each operation and of all together, with what limits it."""

from __future__ import annotations

import math
import textwrap
from itertools import product

import numpy as np
import xarray as xr

from charlib.conditions import OPTIONAL
from charlib.status import Status
from pimchar.render import WIDTH, axis_cell, celsius, table


def lowest_supply(found: xr.Dataset) -> str:
    """Tables of V_min over the conditions, and the worst of them in a sentence."""
    percent, sigma = f"{100 * found.attrs['confidence']:g} %", f"{found.attrs['sigma']:g} sigma"
    head = (
        f"lowest VDD at {sigma} (failure probability of an operation at most Phi(-{found.attrs['sigma']:g})), from "
        f"{found.attrs['samples']} samples per condition, seed {found.attrs['seed']}. Every metric is taken as normal "
        "at each supply, times in their logarithm; straight between supplies, never beyond them. In parentheses: "
        f"{percent} interval from the errors of mean and deviation, an open end lies beyond the simulated supplies"
    )
    judged = [
        f"{name}: {metric}" for name, metric in zip(found["operation"].values, found["metric"].values, strict=True)
    ]
    notes = ["judged by " + "; ".join(judged)]
    if found.attrs["not_judged"] != "none":
        notes.append(f"NOT judged, for want of a metric: {found.attrs['not_judged']}")
    axes = [axis for axis in ("process", "temp", *OPTIONAL) if axis in found.dims]
    operations = [str(name) for name in found["operation"].values]
    rows, reached = [], []
    for place in product(*(found[axis].values for axis in axes)):
        here = found.sel(dict(zip(axes, place, strict=True)))
        cells = [str(place[0]), celsius(place[1]), *map(axis_cell, axes[2:], place[2:])]
        cells += [_cell(here.sel(operation=name), "v_min") for name in operations]
        rows.append([*cells, _cell(here, "all_v_min"), here["all_limit"].item() or "-"])
        reached.append(float(here["all_v_min"].fillna(here["all_v_min_bound"])))
    parts = [textwrap.fill(head, WIDTH), "\n".join(textwrap.fill(note, WIDTH) for note in notes)]
    parts.append(table([*axes, *operations, "all", "limited by"], rows))
    if len(rows) > 1 and np.isfinite(reached).any():
        worst = rows[int(np.nanargmax(reached))]
        where, level, limit = ", ".join(worst[: len(axes)]), worst[-2], worst[-1]
        known = "worst of what is known" if np.isnan(reached).any() else "worst"
        parts.append(f"{known}: {level} at {where}" + (f", limited by {limit}" if limit != "-" else ""))
    return "\n\n".join(parts)


def _cell(here: xr.Dataset, name: str) -> str:
    """One V_min with its interval, or the bound it lies beyond."""
    value, bound, low, high = (float(here[f"{name}{part}"]) for part in ("", "_bound", "_ci_low", "_ci_high"))
    status = Status(int(here[f"{name}_status"]))
    if status == Status.ok:
        ends = [f"{end:.3f}" if math.isfinite(end) else "" for end in (low, high)]
        return f"{value:.3f} V ({ends[0]}..{ends[1]})"
    signs = {Status.censored_low: "<=", Status.censored_high: ">"}
    return f"{signs[status]} {bound:g} V" if status in signs else "unknown"
