"""The equivalent column against the full one: waveforms over each other, errors and speed over the number of rows."""

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
from charlib import columncheck

NODES = {"wl": "word line", "bl": "BL", "blb": "BLB", "p": "output P"}
"""Node to its name in the legend, in the order of ``plots.LOOKS``."""
METRICS = {"t_read": "delay", "e_read": "energy", "t_precharge": "precharge time", "i_leak": "leakage"}
FULL_WIDTH = 4.0
"""Width of the lines of the full column [pt], wide enough to show behind the others."""
SMALLEST = 1e-6
"""What an error of 0 is drawn at [1]."""


def draw(results_dir: Path) -> Figure:
    """The figure of a directory with a check; raises NothingToDraw where there is none."""
    with plots.read(results_dir / columncheck.FILE) as stored:
        data = stored.load()
    found = columncheck.errors(data)
    does = "does what the full one does" if columncheck.agrees(data) else "differs from the full one"
    title = f"The equivalent column {does}"
    rows, position, pattern = (data[axis].values[-1] for axis in ("rows", "position", "pattern"))
    caption = (
        f"{data.attrs['technology']}; ngspice {data.attrs['ngspice_version']}. On top: read cycle with Q = 1, {rows} "
        f"rows, selected row {position}, pattern {pattern}; grey: full column, lines: equivalent. Below: errors over "
        f"{data.sizes['position']} positions, {data.sizes['pattern']} patterns, both states and, with mismatch, "
        f"{data.attrs['samples']} samples of seed {data.attrs['seed']}; marks: the largest, bars: down to the "
        f"smallest, {SMALLEST:g} for what is less. Dotted: limits of delay and energy."
    )
    figure = plots.new_figure(6.0, title, caption)
    axes = figure.subplot_mosaic(
        [["legend", "legend"], ["wave0", "wave1"], ["error", "speed"]], height_ratios=(0.2, 1.5, 1.5)
    )
    for number, case in enumerate(data["case"].values):
        _waves(axes[f"wave{number}"], data.sel(case=case), data.attrs[f"case_{case}"])
    looks = zip(NODES.values(), plots.LOOKS, strict=False)
    handles = [Line2D([], [], color=look.color, linestyle=look.linestyle, label=text) for text, look in looks]
    plots.legend_row(axes["legend"], handles, columns=len(handles))
    _errors(axes["error"], found)
    _speed(axes["speed"], data, found)
    return figure


def _waves(ax: Axes, data: xr.Dataset, label: str) -> None:
    for node, look in zip(NODES, plots.LOOKS, strict=False):
        ax.plot(data["time_full"], data[f"{node}_full"], color=plots.LIGHT, linewidth=FULL_WIDTH, zorder=1)
        ax.plot(
            data["time_equivalent"], data[f"{node}_equivalent"], color=look.color, linestyle=look.linestyle, zorder=2
        )
    ax.set_title(label, loc="left")
    ax.set_xlim(0.0, float(data["time_full"].max()))
    plots.label_axis(ax.xaxis, "time", "s")
    plots.label_axis(ax.yaxis, "voltage", "V")


def _errors(ax: Axes, found: xr.Dataset) -> None:
    """Errors of all columns by their number of rows."""
    each = [axis for axis in columncheck.DIMS if axis in found.dims and axis != "rows"]
    places = found["rows"].values
    for number, (name, text) in enumerate(METRICS.items()):
        look, error = plots.LOOKS[number], np.abs(found[name])
        low, high = (np.maximum(getattr(error, edge)(each).values, SMALLEST) for edge in ("min", "max"))
        x = places * 1.06 ** (number - 1.5)
        ax.vlines(x, low, high, color=look.color, linewidth=1.2)
        ax.plot(x, high, color=look.color, linestyle="none", marker=look.marker, label=text)
        if name in columncheck.LIMITS:
            ax.axhline(columncheck.LIMITS[name], color=look.color, linestyle=":", linewidth=1.0)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xticks(places, [str(place) for place in places])
    ax.set_xlabel("rows [1]")
    ax.set_ylabel("error [1]")
    ax.set_ylim(SMALLEST / 2, 1.0)
    ax.legend(loc="upper center", ncols=2)


def _speed(ax: Axes, data: xr.Dataset, found: xr.Dataset) -> None:
    """How many times faster the equivalent column is, one mark per column."""
    for number, case in enumerate(data["case"].values):
        look, of_case = plots.LOOKS[number], found["speed_up"].sel(case=case)
        for place in of_case["rows"].values:
            ratios = of_case.sel(rows=place).values.ravel()
            label = str(case) if place == of_case["rows"].values[0] else None
            ax.plot(np.full(ratios.size, place * 1.04 ** (2 * number - 1)), ratios, color=look.color, linestyle="none",
                    marker=look.marker, label=label)  # fmt: skip
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    places = found["rows"].values
    ax.set_xticks(places, [str(place) for place in places])
    ax.set_xlabel("rows [1]")
    ax.set_ylabel("time of full over equivalent [1]")
    ax.legend(loc="upper left")


if __name__ == "__main__":
    sys.exit(figures.main("column_check"))
