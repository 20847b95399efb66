"""Read delay of both outputs and energy of a read cycle against the supply, for each process corner."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import figures
from analysis import plots
from analysis.plots import NothingToDraw

PANELS = {
    "t_read_p": ("delay, word line to P", True),
    "t_read_n": ("delay, word line to N", True),
    "e_read": ("energy of a read cycle", False),
}
"""Metric to the name on its axis, and whether that axis is logarithmic."""


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where no metric has a number."""
    with plots.read(results_dir / "tables.nc") as data:
        table = data.load()
    names = [name for name in PANELS if name in table and np.isfinite(table[name]).any()]
    if not names:
        raise NothingToDraw(f"tables.nc has no number of {', '.join(PANELS)}")
    temp = plots.nearest_temperature(table["temp"].values)
    here = table.sel(temp=temp)
    where = f"{', '.join(map(str, table['process'].values))}, {plots.celsius(temp)}"
    caption = f"{plots.provenance(table, where)} {_marks(table)} {_left_out(here, names)}"
    title = "A lower supply trades energy for delay, and spreads the delay"
    if table.sizes["vdd"] == 1:
        title = "Delay and energy of a read"
    figure = plots.new_figure(3.9, title, caption)
    axes = np.atleast_1d(figure.subplots(1, len(names)))
    for ax, name in zip(axes, names, strict=True):
        _panel(ax, here, name)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", title="process")
    return figure


def _marks(table: xr.Dataset) -> str:
    if not plots.samples(table):
        return "Marks: nominal cell."
    return "Marks: mean; bands: mean ± one standard deviation of mismatch."


def _left_out(here: xr.Dataset, names: list[str]) -> str:
    """What became of the samples that no mean counts."""
    counts = {}
    for suffix in ("n_failed", "n_unknown"):
        known = [here[f"{name}_{suffix}"] for name in names if f"{name}_{suffix}" in here]
        counts[suffix] = int(max((count.max() for count in known), default=0))
    if not any(counts.values()):
        return "No sample failed."
    return f"Left out at the worst condition: {counts['n_failed']} failed and {counts['n_unknown']} unknown samples."


def _panel(ax: Axes, here: xr.Dataset, name: str) -> None:
    """One metric against the supply."""
    axis_name, log = PANELS[name]
    vdd = here["vdd"].values
    for index, process in enumerate(here["process"].values):
        look = plots.LOOKS[index % len(plots.LOOKS)]
        one = here.sel(process=process)
        mean, std = one[name].values, one[f"{name}_std"].values
        if plots.samples(here) > 1:
            # A logarithmic axis has no place for the lower edge of a band wider than its mean.
            lower = np.maximum(mean - std, 0.05 * mean) if log else mean - std
            ax.fill_between(vdd, lower, mean + std, color=look.color, alpha=0.15, linewidth=0)
        ax.plot(vdd, mean, color=look.color, linestyle=look.linestyle, marker=look.marker, label=str(process),
                markerfacecolor="white", markeredgewidth=1.0)  # fmt: skip
    if log:
        ax.set_yscale("log")
    else:
        ax.set_ylim(bottom=0.0)
    if vdd.size == 1:
        ax.set_xlim(vdd[0] - 0.1, vdd[0] + 0.1)
    plots.label_axis(ax.xaxis, "supply voltage", "V")
    plots.label_axis(ax.yaxis, axis_name, here[name].attrs["units"], log=log)


if __name__ == "__main__":
    sys.exit(figures.main("delay_energy"))
