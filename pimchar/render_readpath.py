"""What ``pimchar paths`` and ``pimchar shmoo`` show: the two read paths side by side, and the limits of the cycle."""

from __future__ import annotations

import math
import textwrap
from itertools import product

import xarray as xr

from charlib.conditions import OPTIONAL
from charlib.status import Status
from pimchar.render import WIDTH, condition_cells, quantity, table


def _conditions(found: xr.Dataset) -> tuple[list[str], list[tuple]]:
    """Axes of the conditions, and every place on them."""
    axes = [axis for axis in ("process", "vdd", "temp", *OPTIONAL) if axis in found.dims]
    return axes, list(product(*(found[axis].values for axis in axes)))


def read_paths(found: xr.Dataset) -> str:
    """Tables of the comparison: times and energies with their spread, then transistors and area."""
    axes, places = _conditions(found)
    rows = []
    for name, place in product(found["quantity"].values, places):
        here = found.sel(dict(zip(axes, place, strict=True))).sel(quantity=name)
        unit = here["unit"].item()
        sides = [f"{_spread(here.sel(path=path), unit)}" for path in found["path"].values]
        ratio = f"{float(here['ratio_mean']):.3f}" + _deviation(float(here["ratio_std"]), "{:.3f}".format)
        rows.append(
            [
                here["long_name"].item(),
                *condition_cells(**dict(zip(axes, place, strict=True))),
                *sides,
                ratio,
                int(here["n"]),
            ]
        )
    samples = f"{found.attrs['samples']} samples" if found.attrs["samples"] else "the nominal cell"
    head = (
        f"read path of a local column on {found.attrs['technology']}, {samples} per condition, mean +- standard "
        "deviation; energies are means over both stored bits and without leakage; n: samples good on both paths"
    )
    parts = [textwrap.fill(head, WIDTH), table(["quantity", *axes, *found["path"].values, "ratio", "n"], rows)]
    rows = []
    for held in (False, True):
        here = found.sel(held=held)
        counts, areas = here["transistors"].values, here["area"].values
        what = "row held in a latch" if held else "array read for every input bit"
        rows.append([f"transistors, {what}", *counts, f"{counts[0] / counts[1]:.3f}"])
        rows.append([f"area, {what}", *(quantity(area, "m2") for area in areas), f"{areas[0] / areas[1]:.3f}"])
    parts += [table(["cost", *found["path"].values, "ratio"], rows)]
    note = (
        "area is assumed: drawn channels and diffusions, placed as densely as the bit cell. Counted are precharge, "
        "keepers, the column's share of drivers, latch and output gates; not the cells, not the outputs' loads."
    )
    return "\n\n".join([*parts, textwrap.fill(note, WIDTH)])


def _spread(here: xr.Dataset, unit: str) -> str:
    return quantity(float(here["mean"]), unit) + _deviation(float(here["std"]), lambda value: quantity(value, unit))


def _deviation(value: float, show: object) -> str:
    return "" if math.isnan(value) else f" +- {show(value)}"


def cycle_limits(found: xr.Dataset) -> str:
    """Table of the shortest and the longest cycle that is right at each condition."""
    axes, places = _conditions(found)
    rows = []
    for place in places:
        here = found.sel(dict(zip(axes, place, strict=True)))
        rows.append(
            [
                *condition_cells(**dict(zip(axes, place, strict=True))),
                *(_limit(here, f"cycle_{side}") for side in ("min", "max")),
            ]
        )
    head = (
        f"cycles in which the nominal read path of {found.attrs['technology']} gives the right outputs for every Q, "
        f"INP and INN, unselected rows storing the {found.attrs['pattern']} pattern; in parentheses the next cycle "
        "tried that is wrong"
    )
    return "\n\n".join([textwrap.fill(head, WIDTH), table([*axes, "shortest", "longest"], rows)])


def _limit(here: xr.Dataset, name: str) -> str:
    value, wrong = float(here[name]), float(here[f"{name}_wrong"])
    status = Status(int(here[f"{name}_status"]))
    if status == Status.not_performed:
        return "no cycle is right"
    if status == Status.ok:
        return f"{quantity(value, 's')} ({quantity(wrong, 's')})"
    beyond = {Status.censored_high: f"{quantity(value, 's')} and longer", Status.censored_low: "shorter than tried"}
    return beyond.get(status, "unknown")
