"""Tornado plot: how much one standard deviation of each transistor's threshold voltage moves each metric."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

import figures
from analysis import plots, sensitivity
from analysis.intervals import StatisticsError
from analysis.plots import NothingToDraw

MOST = 8
"""Panels there is room for."""
BARS = 6
"""Transistors of a panel: those that move the metric most."""
FILLS = {"q": (plots.DARK, ""), "qb": ("white", "////"), "": ("0.55", "")}
"""Fill and hatch of each stored state, and of a metric without one."""
STATES = {"q": "stored Q = 1", "qb": "stored Q = 0", "": "one value for the cell"}
"""What the legend calls them."""
ERRORS = 2.0
"""Length of the error bars to either side in standard errors [1], about 95 %."""
ERROR_BAR = {"elinewidth": 0.8, "ecolor": plots.LOOKS[1].color, "capsize": 1.5}
"""How an error bar looks."""


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where no metric can be regressed on its transistors."""
    with plots.read(results_dir / "characterization.nc") as data:
        here, condition, names, left_out = plots.reference_samples(data, MOST)
        try:
            found = sensitivity.sensitivity(here, names)
        except StatisticsError as reason:
            raise NothingToDraw(str(reason)) from reason
    fitted = [name for name in names if np.isfinite(found[f"{name}_r2"]).any()]
    if not fitted:
        raise NothingToDraw(f"no metric has more samples than transistors, and two more, at {condition}")
    few = ", ".join(name for name in names if name not in fitted)
    caption = (
        f"{plots.provenance(here, condition)} Least-squares slopes over the draws of all transistors of a testbench, "
        f"the {BARS} largest of each metric; thin: {ERRORS:g} standard errors. R²: share of the variance that is "
        "linear in the threshold voltages. Metrics of each stored state apart, as the worse of the two is not linear."
        + (f" Too few samples, or no spread: {few}." if few else "") + left_out
    )  # fmt: skip
    unit = here[fitted[0]].attrs["units"]
    rows = -(-len(fitted) // 2)
    figure = plots.new_figure(1.6 + 1.75 * rows, _title(found, fitted[0], unit), caption)
    places = [*fitted, *["."] * (len(fitted) % 2)]
    axes = figure.subplot_mosaic(
        [["legend", "legend"], *(places[i : i + 2] for i in range(0, len(places), 2))],
        height_ratios=(0.16, *[1.0] * rows),
    )
    kinds = {"lobe" in found[f"{name}_r2"].dims for name in fitted}
    states = [state for state in FILLS if bool(state) in kinds]
    handles = [Patch(facecolor=FILLS[s][0], hatch=FILLS[s][1], edgecolor="black", label=STATES[s]) for s in states]
    plots.legend_row(axes["legend"], handles, columns=3)
    for name in fitted:
        _panel(axes[name], found, name, here[name].attrs["units"])
    return figure


def _title(found: xr.Dataset, name: str, unit: str) -> str:
    """The message: what moves the first metric most."""
    slope = found[f"{name}_slope"].transpose(..., "device").values.reshape(-1, found.sizes["device"])
    row, device = np.unravel_index(np.nanargmax(np.abs(slope)), slope.shape)
    by, path = plots.quantity(float(slope[row, device]), unit), found["device"].values[device]
    return f"One sigma of {path} moves {name} by {by}, more than that of any other transistor"


def _panel(ax: Axes, found: xr.Dataset, name: str, unit: str) -> None:
    """Bars of one metric from the largest down, those of both stored states side by side."""
    parts = [found[f"{name}_{part}"] for part in ("slope", "slope_se", "r2")]
    states = [str(lobe) for lobe in found["lobe"].values] if "lobe" in parts[0].dims else [""]
    if states == [""]:
        parts = [part.expand_dims(lobe=[""]) for part in parts]
    slope, error, r2 = (part.transpose("lobe", ...).values for part in parts)
    size = np.nan_to_num(np.abs(slope)).max(axis=0)
    order = np.argsort(-size, kind="stable")[:BARS]
    order = order[size[order] > 0]
    height = 0.8 / len(states)
    for i, state in enumerate(states):
        fill, hatch = FILLS[state]
        y = np.arange(len(order)) + (i - (len(states) - 1) / 2) * height
        ax.barh(y, slope[i, order], height, facecolor=fill, hatch=hatch, edgecolor="black", linewidth=0.6,
                xerr=ERRORS * error[i, order], error_kw=ERROR_BAR)  # fmt: skip
    ax.axvline(0.0, color="black", linewidth=0.8)
    ax.set_yticks(range(len(order)), [str(found["device"].values[k]).removeprefix("cell.") for k in order])
    ax.set_ylim(len(order) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    shown = sorted({f"{value:.3f}" for value in r2 if np.isfinite(value)})
    ax.set_title(f"{name}, R² = {' and '.join(shown)}")
    plots.label_axis(ax.xaxis, "change per sigma of |Vth|", unit)


if __name__ == "__main__":
    sys.exit(figures.main("tornado"))
