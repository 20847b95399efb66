"""Read delay of the slower output and energy of a read cycle against the rows of the column, for each supply."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

import figures
from analysis import plots
from analysis.plots import NothingToDraw

PANELS = {
    "t_read_p": "delay, word line to P",
    "t_read_n": "delay, word line to N",
    "e_read": "energy of a read cycle",
}
"""Metric to the name on its axis."""
LEAST = 0.05
"""Lower edge of a band wider than its mean, as a share of the mean [1]: a logarithmic axis has no place for 0."""


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where rows were not swept or no metric has a number."""
    with plots.read(results_dir / "tables.nc") as data:
        table = data.load()
    if "rows" not in table.dims or table.sizes["rows"] < 2:
        raise NothingToDraw("tables.nc has no axis of several rows (conditions.rows)")
    names = [name for name in PANELS if name in table and np.isfinite(table[name]).any()]
    if not names:
        raise NothingToDraw(f"tables.nc has no number of {', '.join(PANELS)}")
    at = plots.reference_condition(table)
    offsets = {axis: value for axis, value in at.offsets.items() if axis != "rows"}
    here = table.sel(process=at.process, temp=at.temp, **offsets).sortby("vdd").sortby("rows")
    where = f"{at.process}, {plots.celsius(at.temp)}{plots.offsets_text(offsets)}"
    marks = "Marks: mean; bands: mean ± one standard deviation of mismatch."
    failed = sum(int(here[f"{name}_{end}"].max()) for name in names for end in ("n_failed", "n_unknown"))
    left_out = " No sample failed." if not failed else " Samples that failed or are unknown are left out."
    drawn = f"{marks}{left_out}" if plots.samples(table) else "Marks: nominal cell."
    figure = plots.new_figure(3.9, _title(here, names), f"{plots.provenance(table, where)} {drawn}")
    axes = np.atleast_1d(figure.subplots(1, len(names)))
    chosen = np.unique(np.linspace(0, here.sizes["vdd"] - 1, len(plots.LOOKS)).round().astype(int))
    for ax, name in zip(axes, names, strict=True):
        for look, place in zip(plots.LOOKS, chosen, strict=False):
            _series(ax, here.isel(vdd=place), name, look)
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.set_xticks(here["rows"].values, [f"{rows:g}" for rows in here["rows"].values])
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xlabel("rows of the column [1]")
        plots.label_axis(ax.yaxis, PANELS[name], here[name].attrs["units"], log=True)
    axes[-1].legend(loc="best", title="VDD")
    return figure


def _title(here: xr.Dataset, names: list[str]) -> str:
    """The message: how much less than in proportion a longer column costs, at the highest supply."""
    first, last = (here[names].isel(vdd=-1, rows=end) for end in (0, -1))
    what = {name: "energy" if name.startswith("e") else "delay" for name in (names[0], names[-1])}
    grown = [f"{float(last[name] / first[name]):.2g} times the {text}" for name, text in what.items()]
    rows = float(last["rows"] / first["rows"])
    return f"{rows:g} times the rows: {', '.join(dict.fromkeys(grown))} at {float(here['vdd'][-1]):g} V"


def _series(ax: Axes, line: xr.Dataset, name: str, look: plots.Look) -> None:
    """One supply: means with their band."""
    rows, mean = line["rows"].values, line[name].values
    std = line[f"{name}_std"].fillna(0.0).values if plots.samples(line) > 1 else 0.0 * mean
    ax.fill_between(rows, np.maximum(mean - std, LEAST * mean), mean + std, color=look.color, alpha=0.15, linewidth=0)
    ax.plot(rows, mean, color=look.color, linestyle=look.linestyle, marker=look.marker, markerfacecolor="white",
            markeredgewidth=1.0, label=f"{float(line['vdd']):g} V")  # fmt: skip


if __name__ == "__main__":
    sys.exit(figures.main("rows"))
