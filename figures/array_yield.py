"""How reliable a cell is over the supply, and the yield of an array of such cells."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

import figures
from analysis import plots
from analysis.rare_data import FILE


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where there are not two supplies with an estimate."""
    with plots.read(results_dir / FILE) as stored:
        plots.require(stored, ("pf", "array_yield"), FILE)
        data = stored.load()
    at = plots.reference_condition(data)
    here = data.sel({name: value for name, value in at.where.items() if name != "vdd"}).sortby("vdd")
    here = here.isel(vdd=np.flatnonzero(here["pf"].values > 0))
    if here.sizes["vdd"] < 2:
        raise plots.NothingToDraw(f"{FILE} has a failure probability at {here.sizes['vdd']} supplies; 2 are needed")
    text = f"{at.process}, {plots.celsius(at.temp)}{plots.offsets_text(at.offsets)}"
    doubtful = int((here["established"] == 0).sum())
    caption = (
        f"{data.attrs['technology']}, {text}; {data.attrs['limits']}. "
        f"{data.attrs['array']}. Bars: 95 % intervals, of {int(here['simulations'].sum())} simulations in all; hollow: "
        f"not established ({doubtful} of {here.sizes['vdd']})."
    )
    vdd, sigma = here["vdd"].values, here["sigma_level"].values
    title = f"From {vdd[0]:g} to {vdd[-1]:g} V a cell gains {sigma[-1] - sigma[0]:.1f} standard deviations"
    figure = plots.new_figure(4.2, title, caption)
    left, right = figure.subplots(1, 2)
    ends = [stats.norm.isf(here[name].values) for name in ("pf_ci_high", "pf_ci_low")]
    _series(left, here, sigma, ends)
    left.set_ylabel("level of a cell [1]")
    _series(right, here, here["array_yield"].values, [here[f"array_yield_ci_{end}"].values for end in ("low", "high")])
    right.set_ylim(-0.03, 1.03)
    right.set_ylabel("yield of the array [1]")
    for ax in (left, right):
        plots.label_axis(ax.xaxis, "supply voltage", "V")
    return figure


def _series(ax: Axes, here: xr.Dataset, values: np.ndarray, ends: list[np.ndarray]) -> None:
    """Numbers over the supply with their intervals, those that are not established hollow."""
    vdd, sure = here["vdd"].values, here["established"].values == 1
    ax.plot(vdd, values, color="0.6", linewidth=0.8)
    reach = np.maximum([values - ends[0], ends[1] - values], 0.0)
    for where, face in ((sure, plots.DARK), (~sure, "white")):
        ax.errorbar(vdd[where], values[where], reach[:, where], linestyle="", marker="o", markersize=4, capsize=3,
                    color=plots.DARK, markerfacecolor=face)  # fmt: skip


if __name__ == "__main__":
    sys.exit(figures.main("array_yield"))
