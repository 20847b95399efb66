"""Shmoo of the read path over supply and cycle: too short a cycle does not read, too long a one loses a line."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter, LogLocator

import figures
from analysis import plots
from analysis.plots import NothingToDraw
from charlib.shmoo import FILE
from charlib.status import Status

MOST = 6
"""Panels there is room for."""


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where no cycles were searched."""
    with plots.read(results_dir / FILE) as stored:
        plots.require(stored, ("cycle_min", "cycle_max", "trial_cycle", "trial_right"), FILE)
        data = stored.sel(plots.nearest_offsets(stored)).load()
    places = [(str(p), float(t)) for p in data["process"].values for t in data["temp"].values]
    left_out = ", ".join(f"{p} {plots.celsius(t)}" for p, t in places[MOST:])
    processes = ", ".join(map(str, data["process"].values))
    nominal = data.assign_attrs(samples=0)
    caption = (
        f"{plots.provenance(nominal, f'{processes}, temperatures as shown')} Outputs for every Q, INP and INN, checked "
        f"over whole waveforms; unselected rows store the {data.attrs['pattern']} pattern. The grey area ends at the "
        "last cycles tried that are right." + (f" Not drawn for want of room: {left_out}." if left_out else "")
    )
    places = places[:MOST]
    columns = 2 if len(places) == 4 else min(3, len(places))
    figure = plots.new_figure(1.6 + 2.1 * -(-len(places) // columns), _title(data), caption)
    axes = plots.panels(figure, len(places), columns, sharex=True, sharey=True)
    for ax, (process, temp) in zip(axes, places, strict=True):
        _panel(ax, data.sel(process=process, temp=temp), f"{process}, {plots.celsius(temp)}")
    for ax in axes:
        ax.yaxis.set_major_locator(LogLocator(numticks=20))
        ax.yaxis.set_major_formatter(EngFormatter())  # the limits are decades apart: a prefix on each tick
        ax.set_ylabel("cycle [s]")
        ax.set_xlabel("VDD [V]")
        ax.tick_params(labelbottom=True, labelleft=True)  # a panel may have none below it
    handles = [
        Line2D([], [], color="0.0", marker="o", linestyle="", label="right"),
        Line2D([], [], color="#d55e00", marker="x", linestyle="", label="wrong"),
        Patch(facecolor=plots.LIGHT, label="between both limits"),
    ]
    axes[-1].legend(handles=handles, loc="best", frameon=True, framealpha=0.9)
    return figure


def _title(data: xr.Dataset) -> str:
    """The message: where there is a cycle at all, and how far the limits are apart at worst."""
    works = data["cycle_min_status"] != Status.not_performed
    vdd = data["vdd"].values[works.all([dim for dim in works.dims if dim != "vdd"]).values]
    if not vdd.size:
        return f"Even at {float(data['vdd'].max()):g} V no cycle is right at every condition"
    ratio = float((data["cycle_max"] / data["cycle_min"]).min())
    if not np.isfinite(ratio):
        return f"The read path computes right from {vdd.min():g} V on"
    return f"Right from {vdd.min():g} V on; the longest cycle is at least {ratio:.0f} times the shortest"


def _panel(ax: Axes, here: xr.Dataset, title: str) -> None:
    """Trials and the area between both limits of one process and temperature."""
    order = np.argsort(here["vdd"].values)
    here = here.isel(vdd=order)
    vdd = here["vdd"].values
    low, high = here["cycle_min"].values, here["cycle_max"].values
    ax.set_yscale("log")
    if len(vdd) > 1:
        ax.fill_between(vdd, low, high, where=np.isfinite(low), color=plots.LIGHT, zorder=1)
    for flag, marker, color in ((1, "o", "0.0"), (0, "x", "#d55e00")):
        shown = here["trial_right"].transpose("vdd", "trial").values == flag
        supplies = np.broadcast_to(vdd[:, None], shown.shape)[shown]
        cycles = here["trial_cycle"].transpose("vdd", "trial").values[shown]
        ax.plot(supplies, cycles, color=color, marker=marker, linestyle="", markersize=3.2, zorder=3)
    if not np.isfinite(here["trial_cycle"]).any():
        raise NothingToDraw(f"{FILE} holds no trials at {title}")
    ax.set_title(title)


if __name__ == "__main__":
    sys.exit(figures.main("cycle_limits"))
