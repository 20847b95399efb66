"""How reliable a cell is over the supply, and the yield of an array of such cells."""

from __future__ import annotations

import sys
from itertools import cycle
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

import figures
from analysis import plots
from analysis.rare_data import FILE

MARKS = (("o", plots.DARK), ("s", "0.45"), ("^", "0.3"), ("D", "0.6"))
"""Marker and colour of each temperature."""


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where there are not two supplies with an estimate."""
    with plots.read(results_dir / FILE) as stored:
        plots.require(stored, ("pf", "array_yield"), FILE)
        data = stored.load()
    at = plots.reference_condition(data)
    whole = data.sel({name: value for name, value in at.where.items() if name not in ("vdd", "temp")})
    each = [_known(whole.isel(temp=i)) for i in np.argsort(whole["temp"].values)]
    here = _known(whole.sel(temp=at.where["temp"]))
    if here.sizes["vdd"] < 2:
        raise plots.NothingToDraw(f"{FILE} has a failure probability at {here.sizes['vdd']} supplies; 2 are needed")
    temps = ", ".join(plots.celsius(float(one["temp"])) for one in each)
    doubtful = sum(int((one["established"] == 0).sum()) for one in each)
    simulations = sum(int(one["simulations"].sum()) for one in each)
    caption = (
        f"{data.attrs['technology']}, {at.process}, {temps}{plots.offsets_text(at.offsets)}; {data.attrs['limits']}. "
        f"{data.attrs['array']}. Bars: 95 % intervals, of {simulations} simulations in all; hollow: not established "
        f"({doubtful} of {sum(one.sizes['vdd'] for one in each)})."
    )
    vdd, sigma = here["vdd"].values, here["sigma_level"].values
    title = f"From {vdd[0]:g} to {vdd[-1]:g} V a cell gains {sigma[-1] - sigma[0]:.1f} standard deviations"
    title += f" at {plots.celsius(at.temp)}" if len(each) > 1 else ""
    figure = plots.new_figure(4.2, title, caption)
    left, right = figure.subplots(1, 2)
    for one, (marker, color) in zip(each, cycle(MARKS), strict=False):
        look = {"marker": marker, "color": color, "label": plots.celsius(float(one["temp"]))}
        ends = [stats.norm.isf(one[name].values) for name in ("pf_ci_high", "pf_ci_low")]
        _series(left, one, one["sigma_level"].values, ends, look)
        limits = [one[f"array_yield_ci_{end}"].values for end in ("low", "high")]
        _series(right, one, one["array_yield"].values, limits, look)
    left.set_ylabel("level of a cell [1]")
    if len(each) > 1:
        left.legend(loc="lower right", fontsize=7)
    right.set_ylim(-0.03, 1.03)
    right.set_ylabel("yield of the array [1]")
    for ax in (left, right):
        plots.label_axis(ax.xaxis, "supply voltage", "V")
    return figure


def _known(here: xr.Dataset) -> xr.Dataset:
    """Supplies with an estimate, in their order."""
    here = here.sortby("vdd")
    return here.isel(vdd=np.flatnonzero(here["pf"].values > 0))


def _series(ax: Axes, here: xr.Dataset, values: np.ndarray, ends: list[np.ndarray], look: dict[str, str]) -> None:
    """Numbers over the supply with their intervals, those that are not established hollow."""
    vdd, sure = here["vdd"].values, here["established"].values == 1
    ax.plot(vdd, values, color="0.6", linewidth=0.8)
    reach = np.maximum([values - ends[0], ends[1] - values], 0.0)
    for where, face in ((sure, look["color"]), (~sure, "white")):
        shown = look if where is sure else look | {"label": None}
        ax.errorbar(vdd[where], values[where], reach[:, where], linestyle="", markersize=4, capsize=3,
                    markerfacecolor=face, **shown)  # fmt: skip


if __name__ == "__main__":
    sys.exit(figures.main("array_yield"))
