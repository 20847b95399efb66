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
"""Metric to the name on its axis, and whether that axis is logarithmic where the numbers span ``WIDE``."""
WIDE = 4.0
"""Ratio of the largest to the smallest number from which on a logarithmic axis has ticks enough [1]."""


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where no metric has a number."""
    with plots.read(results_dir / "tables.nc") as data:
        table = data.load()
    names = [name for name in PANELS if name in table and np.isfinite(table[name]).any()]
    if not names:
        raise NothingToDraw(f"tables.nc has no number of {', '.join(PANELS)}")
    temp = plots.nearest_temperature(table["temp"].values)
    offsets = plots.nearest_offsets(table)
    here = table.sel(temp=temp, **offsets)
    where = f"{', '.join(map(str, table['process'].values))}, {plots.celsius(temp)}{plots.offsets_text(offsets)}"
    caption = f"{plots.provenance(table, where)} {_marks(table)} {_left_out(here, names)}"
    title = "A lower supply saves energy, costs delay and widens its spread"
    if table.sizes["vdd"] == 1:
        title = "Delay and energy of a read"
    figure = plots.new_figure(3.9, title, caption)
    axes = np.atleast_1d(figure.subplots(1, len(names)))
    for ax, name in zip(axes, names, strict=True):
        _panel(ax, here, name)
    if table.sizes["vdd"] > 1:
        axes[-1].legend(loc="best", title="process")
    return figure


def _marks(table: xr.Dataset) -> str:
    if not plots.samples(table):
        return "Marks: nominal cell."
    spread = "bands" if table.sizes["vdd"] > 1 else "bars"
    return f"Marks: mean; {spread}: mean ± one standard deviation of mismatch."


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
    """One metric against the supply, or against the process where there is one supply only."""
    axis_name, log = PANELS[name]
    vdd, mean, std = here["vdd"].values, here[name], here[f"{name}_std"]
    if plots.samples(here) < 2:
        std = std * 0.0
    if vdd.size == 1:
        _against_process(ax, mean.isel(vdd=0), std.isel(vdd=0), vdd[0])
    else:
        _against_supply(ax, mean, std)
        plots.label_axis(ax.xaxis, "supply voltage", "V")
    log = log and float(mean.max()) > WIDE * float(mean.min())
    if log:
        ax.set_yscale("log")
    else:
        ax.set_ylim(0.0, 1.1 * float((mean + std.fillna(0.0)).max()))
    plots.label_axis(ax.yaxis, axis_name, mean.attrs["units"], log=log)


def _against_supply(ax: Axes, mean: xr.DataArray, std: xr.DataArray) -> None:
    """One line per process with its band; dimensions (process, vdd)."""
    for index, process in enumerate(mean["process"].values):
        look = plots.LOOKS[index % len(plots.LOOKS)]
        middle, spread = mean.sel(process=process).values, std.sel(process=process).values
        # A logarithmic axis has no place for the lower edge of a band wider than its mean.
        ax.fill_between(mean["vdd"].values, np.maximum(middle - spread, 0.05 * middle), middle + spread,
                        color=look.color, alpha=0.15, linewidth=0)  # fmt: skip
        ax.plot(mean["vdd"].values, middle, color=look.color, linestyle=look.linestyle, marker=look.marker,
                label=str(process), markerfacecolor="white", markeredgewidth=1.0)  # fmt: skip


def _against_process(ax: Axes, mean: xr.DataArray, std: xr.DataArray, vdd: float) -> None:
    """One mark per process with its bar; dimension (process,)."""
    for index, process in enumerate(mean["process"].values):
        look = plots.LOOKS[index % len(plots.LOOKS)]
        ax.errorbar(index, float(mean[index]), float(std[index]), fmt=look.marker, color=look.color, capsize=3.0,
                    label=str(process))  # fmt: skip
    names = [str(process) for process in mean["process"].values]
    ax.set_xticks(range(len(names)), names)
    ax.set_xlim(-0.6, len(names) - 0.4)
    ax.set_xlabel(f"process, at VDD {vdd:g} V")


if __name__ == "__main__":
    sys.exit(figures.main("delay_energy"))
