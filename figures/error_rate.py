"""Probability that a column errs, against the supply for some cycles and against the cycle for each supply."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import figures
from analysis import plots
from analysis.errors import ENOUGH, FILE

LEAST = 1e-9
"""Lowest probability drawn [1]: no fit to a few hundred samples knows more."""
LIMIT = 1.6
"""Top of the axis of probabilities [1]."""
TINY = 1e-300
"""What stands for 0 on a logarithmic axis [1]."""
MOST = len(plots.LOOKS)
"""Supplies and cycles there is room for."""


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where no error rates are stored."""
    with plots.read(results_dir / FILE) as stored:
        plots.require(stored, ("counted", "fitted", "extrapolated"), FILE)
        data = stored.load()
    at = plots.reference_condition(data)
    where = {name: value for name, value in at.where.items() if name != "vdd"}
    here = data.sel(where).sortby("vdd")
    text = f"{at.process}, {plots.celsius(at.temp)}{plots.offsets_text(at.offsets)}"
    percent = f"{100 * data.attrs['confidence']:g} %"
    caption = (
        f"{plots.provenance(data, text)} Full marks and lines: counted, at least {ENOUGH} samples err; hollow marks "
        "and dashed lines: extrapolated, by normal distributions fitted to the logarithm of each time. Bars and "
        f"bands: {percent} intervals. Judged by {', '.join(data['metrics'].values)}."
    )
    figure = plots.new_figure(4.2, _title(here), caption)
    supplies = here["vdd"].values[np.unique(np.linspace(0, here.sizes["vdd"] - 1, MOST).round().astype(int))]
    left, right = figure.subplots(1, 2, sharey=True)
    for look, cycle in zip(plots.LOOKS, _cycles(here), strict=False):
        _series(left, here.sel(cycle=cycle), "vdd", look, plots.quantity(float(cycle), "s"))
    for look, vdd in zip(plots.LOOKS, supplies, strict=False):
        _series(right, here.sel(vdd=vdd), "cycle", look, f"{vdd:g} V")
    right.set_xscale("log")
    plots.label_axis(left.xaxis, "supply voltage", "V")
    right.set_xlabel("cycle [s]")
    right.xaxis.set_major_formatter(plots.EngFormatter())  # decades apart: a prefix on each tick
    left.set_ylabel("probability of an error [1]")
    for ax, title in ((left, "cycle"), (right, "VDD")):
        ax.set_yscale("log")
        ax.set_ylim(LEAST, LIMIT)
        ax.axhline(data.attrs["rate"], color=plots.DARK, linewidth=0.8, linestyle=":")
        handles, _ = ax.get_legend_handles_labels()
        ax.legend(handles=handles, title=title, loc="best", frameon=True, framealpha=0.9)
    return figure


def _cycles(here: xr.Dataset) -> np.ndarray:
    """Cycles to compare the supplies at: between the shortest ones, where errors depend on the supply."""
    cycles, shortest = here["cycle"].values, here["cycle_min"].values
    known = shortest[np.isfinite(shortest)]
    if known.size and cycles.size > MOST:
        inside = cycles[(cycles >= known.min()) & (cycles <= 1.3 * known.max())]
        cycles = inside if inside.size else cycles
    return cycles[np.unique(np.linspace(0, cycles.size - 1, MOST).round().astype(int))]


def _title(here: xr.Dataset) -> str:
    """The message."""
    rate, shortest, longest = here.attrs["rate"], here["cycle_min"].values, here["cycle_max"].values
    if here.sizes["vdd"] < 2 or not np.isfinite(shortest[[0, -1]]).all():
        return "How often a column errs, by supply and cycle"
    ends = [f"{plots.quantity(shortest[i], 's')} at {here['vdd'].values[i]:g} V" for i in (0, -1)]
    lines = f"; lines are lost beyond {plots.quantity(np.nanmin(longest), 's')}" if np.isfinite(longest).any() else ""
    return f"Errors below {rate:g} need a cycle of {ends[0]}, {ends[1]}{lines}"


def _series(ax: Axes, line: xr.Dataset, axis: str, look: plots.Look, label: str) -> None:
    """Rates along an axis: counted points with bars, extrapolated ones with a band, and the lines between them."""
    x = line[axis].values
    guess = line["extrapolated"].values == 1
    rate = np.where(guess, line["fitted"], line["counted"])
    ends = [np.where(guess, line[f"fitted_ci_{e}"], line[f"counted_ci_{e}"]) for e in ("low", "high")]
    few = axis == "vdd"
    for chosen, face in ((~guess, look.color), (guess, "white")):
        inside = chosen & (rate > LEAST)
        if few or face != "white":
            bars = np.abs(np.stack([rate - ends[0], ends[1] - rate]))[:, inside]
            ax.errorbar(x[inside], rate[inside], bars, linestyle="", color=look.color, linewidth=0.8, zorder=2)
            ax.plot(x[inside], rate[inside], linestyle="", marker=look.marker, color=look.color, markerfacecolor=face,
                    markersize=4.5 if few else 3.0, zorder=4)  # fmt: skip
    drawn = np.maximum(rate, TINY)
    if not few:
        ax.fill_between(x, *np.maximum(ends, TINY), where=guess, linewidth=0, color=look.color, alpha=0.15)
    for i in range(x.size - 1):
        style = "--" if guess[i : i + 2].any() else "-"
        ax.plot(x[i : i + 2], drawn[i : i + 2], color=look.color, linestyle=style, linewidth=1.1, zorder=3)
    ax.add_line(Line2D([], [], color=look.color, marker=look.marker, label=label))


if __name__ == "__main__":
    sys.exit(figures.main("error_rate"))
