"""What ``pimchar errors`` shows: the cycles that a failure rate allows, and how often a column errs at some cycles."""

from __future__ import annotations

import math
import textwrap
from itertools import product

import numpy as np
import xarray as xr

from charlib.conditions import OPTIONAL
from charlib.status import Status
from pimchar.render import WIDTH, condition_cells, quantity, table

MOST = 5
"""Cycles there is room for; of more, this many are shown between the limits."""
LEAST = 1e-9
"""Extrapolated rates below are shown as below: no fit to a few hundred samples knows more."""
FAIR = 0.01
"""p-value of normality below which a fitted tail is not to be believed."""


def error_rates(found: xr.Dataset) -> str:
    """Tables of the limits of the cycle and of the error rates over the conditions."""
    rate, percent = found.attrs["rate"], f"{100 * found.attrs['confidence']:g} %"
    head = (
        f"errors of a column of {found.attrs['technology']}, {found.attrs['samples']} samples per condition, seed "
        f"{found.attrs['seed']}; in parentheses {percent} intervals. e: extrapolated by normal distributions fitted to "
        "each metric and stored state, times in their logarithm; all else is counted. !: the fit lies outside of the "
        "interval that is counted at the same cycle"
    )
    judged = [f"{part}: {names}" for part, names in zip(found["part"].values, found["metrics"].values, strict=True)]
    notes = ["judged by " + "; ".join(judged)]
    if found.attrs["not_judged"] != "none":
        notes.append(f"NOT judged, for want of a metric: {found.attrs['not_judged']}")
    axes = [axis for axis in ("process", "vdd", "temp", *OPTIONAL) if axis in found.dims]
    shown = _shown(found)
    limits, rates, parts = [], [], []
    for place in product(*(found[axis].values for axis in axes)):
        here = found.sel(dict(zip(axes, place, strict=True)))
        cells = condition_cells(**dict(zip(axes, place, strict=True)))
        sides = [cell for side in ("min", "max") for cell in (_limit(here, f"cycle_{side}"), _part(here, side))]
        limits.append([*cells, *sides, _tail(here)])
        rates.append([*cells, *(_rate(here.sel(cycle=cycle)) for cycle in shown)])
        parts.append([*cells, *_parts(here)])
    text = [textwrap.fill(head, WIDTH), "\n".join(textwrap.fill(note, WIDTH) for note in notes)]
    columns = [f"shortest cycle at {rate:g}", "limited by", f"longest at {rate:g}", "limited by", "least normal (p)"]
    text.append(table([*axes, *columns], limits))
    text.append("probability of an error at a cycle of")
    text.append(table([*axes, *(quantity(cycle, "s") for cycle in shown)], rates))
    text.append(
        "each way to err by itself, at the cycle looked at that is nearest to the shortest one: counted / fitted"
    )
    text.append(table([*axes, "cycle", *map(str, found["part"].values)], parts))
    return "\n\n".join(text)


def _parts(here: xr.Dataset) -> list[str]:
    """A cycle near the shortest one, or the first where there is none, and the rates of each part there."""
    shortest = float(here["cycle_min"])
    cycles = here["cycle"].values
    at = here.sel(cycle=cycles[0] if math.isnan(shortest) else cycles[np.argmin(np.abs(np.log(cycles / shortest)))])
    rates = zip(at["part_counted"].values, at["part_fitted"].values, strict=True)
    return [quantity(float(at["cycle"]), "s"), *(f"{_small(counted)} / {_small(fitted)}" for counted, fitted in rates)]


def _small(rate: float) -> str:
    """A rate that is not shown below ``LEAST``."""
    return "-" if math.isnan(rate) else f"< {LEAST:g}" if 0 < rate < LEAST else f"{rate:.2g}"


def _shown(found: xr.Dataset) -> np.ndarray:
    """Cycles of the second table [s]."""
    cycles = found["cycle"].values
    if cycles.size <= MOST:
        return cycles
    ends = [found[name].values[np.isfinite(found[name].values)] for name in ("cycle_min", "cycle_max")]
    if all(end.size for end in ends):
        # A factor of two beyond the limits, where errors are counted.
        inside = (cycles >= ends[0].min() / 2) & (cycles <= 2 * ends[1].max())
        cycles = cycles[inside]
    return cycles[np.unique(np.linspace(0, cycles.size - 1, MOST).round().astype(int))]


def _limit(here: xr.Dataset, name: str) -> str:
    """One limit with its interval, or the bound it lies beyond."""
    status, bound = Status(int(here[f"{name}_status"])), float(here[f"{name}_bound"])
    if status == Status.not_performed:
        return "no cycle"
    if status == Status.ok:
        ends = (float(here[f"{name}_ci_{end}"]) for end in ("low", "high"))
        low, high = (quantity(end, "s") if math.isfinite(end) else "" for end in ends)
        return f"{quantity(float(here[name]), 's')}{_mark(here[f'{name}_extrapolated'])} ({low}..{high})"
    signs = {Status.censored_low: "<", Status.censored_high: ">"}
    return f"{signs[status]} {quantity(bound, 's')}" if status in signs else "unknown"


def _part(here: xr.Dataset, side: str) -> str:
    return here[f"cycle_{side}_part"].item() or "-"


def _mark(extrapolated: xr.DataArray) -> str:
    return " e" if int(extrapolated) else ""


def _tail(here: xr.Dataset) -> str:
    """The metric whose samples are least like the distribution that is fitted to them."""
    p_values = here["normality_p"].values
    if not np.isfinite(p_values).any():
        return "-"
    worst = int(np.nanargmin(p_values))
    doubt = ": no fair fit" if p_values[worst] < FAIR else ""
    return f"{here['tail'].values[worst]} ({p_values[worst]:.2g}){doubt}"


def _rate(here: xr.Dataset) -> str:
    """Probability of an error at one condition and cycle."""
    kind = "fitted" if int(here["extrapolated"]) else "counted"
    value, low, high = (float(here[f"{kind}{end}"]) for end in ("", "_ci_low", "_ci_high"))
    if math.isnan(value):
        return "-"
    outside = not float(here["counted_ci_low"]) <= float(here["fitted"]) <= float(here["counted_ci_high"])
    doubt = "!" if outside and kind == "fitted" else ""
    if kind == "fitted" and value < LEAST:
        return f"< {LEAST:g} e{doubt}"
    return f"{value:.2g}{_mark(here['extrapolated'])}{doubt} ({low:.2g}..{high:.2g})"
