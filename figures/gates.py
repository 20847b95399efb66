"""Delay, output slew and energy of one logic gate over input slew and load."""

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
from analysis.plots import NothingToDraw

PREFERRED = ("nand2", "full_adder", "inverter")
"""Gates of which the first one in the results is drawn; any other if none of them is."""
PANELS = {"delay": "delay", "output_slew": "output slew", "energy": "energy of the event"}


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where there are no gates, or no arc with numbers."""
    with plots.read(results_dir / "periphery.nc") as data:
        plots.require(data, tuple(PANELS), "periphery.nc")
        condition = plots.reference_condition(data)
        here, about = data[list(PANELS)].sel(condition.where).load(), data[[]].load()
    arc = _arc(here)
    event = " ".join(arc.split(" ")[:-1])
    caption = (
        f"{plots.provenance(about, condition, 'none drawn')} Nominal gate, {event}: output {arc.split(' ')[-1]}. Delay "
        "from 50 % to 50 %, slew from 20 % to 80 % over 0.6, energy from the gate's own supply, leakage taken off. "
        "Each line is one input slew; dots: simulated."
    )
    figure = plots.new_figure(4.1, "Load and input slew set the delay of a gate, the load alone its energy", caption)
    legend, row = figure.subfigures(2, 1, height_ratios=(0.16, 1.0))
    looks = [plots.LOOKS[i % len(plots.LOOKS)] for i in range(here.sizes["slew"])]
    handles = [
        Line2D([], [], color=k.color, linestyle=k.linestyle, marker=k.marker, label=plots.quantity(float(slew), "s"))
        for k, slew in zip(looks, here["slew"].values, strict=True)
    ]
    plots.legend_row(legend.subplots(), handles, columns=len(handles), title="input slew")
    for ax, name in zip(row.subplots(1, len(PANELS)), PANELS, strict=True):
        values = here[name].sel(event=event) if name == "energy" else here[name].sel(arc=arc)
        _panel(ax, values, PANELS[name], looks)
    return figure


def _arc(here: xr.Dataset) -> str:
    """The first arc with a rising output of the gate to be drawn."""
    complete = np.isfinite(here["delay"]).all(("slew", "load")).values & (here["arc_output_edge"].values == "rise")
    for kind in (*PREFERRED, *here["arc_gate"].values[complete]):
        at = np.flatnonzero(complete & (here["arc_gate"].values == kind))
        if at.size:
            return str(here["arc"].values[at[0]])
    raise NothingToDraw("periphery.nc has no arc with a number at every slew and load")


def _panel(ax: Axes, values: xr.DataArray, name: str, looks: list[plots.Look]) -> None:
    loads = values["load"].values
    for look, line in zip(looks, values.transpose("slew", "load").values, strict=True):
        ax.plot(loads, line, color=look.color, linestyle=look.linestyle, marker=look.marker)
    ax.set_xlim(left=0.0)
    ax.set_ylim(bottom=min(0.0, float(values.min())))
    plots.label_axis(ax.xaxis, "load", "F")
    plots.label_axis(ax.yaxis, name, values.attrs["units"])


if __name__ == "__main__":
    sys.exit(figures.main("gates"))
