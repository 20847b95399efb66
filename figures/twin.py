"""The table twin against ngspice: both numbers of every judged sample, and what they differ by, with the limits."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator

import figures
from analysis import plots
from analysis.plots import Look, NothingToDraw
from charlib.twin import judge
from charlib.twin.subset import FAR
from charlib.twincheck import FARTHEST

MOST = 6
"""Metrics there is room for."""
COLUMNS = 3
LOGARITHMIC = 30.0
"""Ratio of the largest to the smallest number [1] from which on the axis is logarithmic, if all are above 0."""
TICKS = (-1.0, -0.1, 0.0, 0.1, 1.0)
"""Where differences are labelled, as shares of the limit of any sample [1]."""
LINEAR = 0.01
"""Up to where their axis is linear, likewise [1]."""
KINDS: tuple[tuple[int, str, Look], ...] = (
    (0, "drawn evenly", plots.LOOKS[0]),
    (1, "drawn the more often the further out", plots.LOOKS[1]),
    (FAR, f"evenly out to {FARTHEST:g} sigma", plots.LOOKS[2]),
)
"""Value of ``tail`` to label and look of the samples."""


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where no sample has a number on both sides."""
    with plots.read(results_dir / judge.FILE) as stored:
        data = stored.load()
    known = data["judged"].values > 0
    shares = {str(name): _share(data, name) for name in np.unique(data["metric"].values[known])}
    names = sorted(shares, key=lambda name: -shares[name])
    if not names:
        raise NothingToDraw(f"{judge.FILE} has no sample with a number on both sides")
    shown, left_out = names[:MOST], ", ".join(names[MOST:])
    kinds = [kind for kind in KINDS if (data["tail"] == kind[0]).any()]
    moved = "each moved along its direction" if kinds[-1][0] == FAR else ""
    caption = (
        f"{plots.provenance(data, _conditions(data), moved)} {data.sizes['judged_sample']} samples for each metric and "
        "condition solved from tables and in ngspice at tight tolerances; of two stored states the one that differs "
        "more. Above: one over the other. Below: twin less ngspice, of a current as a share of it or of a fiftieth "
        "of the mean magnitude where that is more, on an axis that is straight to a hundredth of the limit and "
        "logarithmic beyond; dashed: limit of any sample, dotted: limit of the rms. Metrics nearest to their limits "
        "first." + (f" Not drawn for want of room: {left_out}." if left_out else "")
    )
    rows, columns = -(-len(shown) // COLUMNS), min(COLUMNS, len(shown))
    figure = plots.new_figure(1.4 + 3.2 * rows, _title(data, shares), caption)
    places = [*shown, *["."] * (rows * columns - len(shown))]
    lines = [places[i : i + columns] for i in range(0, len(places), columns)]
    panels = ("over", "off")
    layout = [[name if name == "." else f"{name} {panel}" for name in line] for line in lines for panel in panels]
    axes = figure.subplot_mosaic([["legend"] * columns, *layout], height_ratios=(0.12, *[1.0, 0.9] * rows))
    plots.legend_row(axes["legend"], [_handle(look, label) for _, label, look in kinds], columns=len(kinds))
    for name in shown:
        _metric(*(axes[f"{name} {panel}"] for panel in panels), data.isel(case=data["metric"].values == name))
    return figure


def _share(data: xr.Dataset, name: str) -> float:
    """Error of a metric over its limit, rms or at worst, at the condition where it is largest [1]."""
    here = data.isel(case=(data["metric"].values == name) & (data["judged"].values > 0))
    rms, largest, relative = judge.LIMITS[str(here["units"].values[0])]
    end = "_share" if relative else ""
    return max(float(here[part + end].max()) / limit for part, limit in (("rms", rms), ("largest", largest)))


def _conditions(data: xr.Dataset) -> str:
    """The one condition, or the values of each axis."""
    processes = ", ".join(dict.fromkeys(map(str, data["process"].values)))
    supplies = ", ".join(f"{vdd:g}" for vdd in np.unique(data["vdd"].values))
    temps = ", ".join(f"{temp - plots.ZERO_CELSIUS:g}" for temp in np.unique(data["temp"].values))
    return f"{processes}, VDD {supplies} V, {temps} °C"


def _title(data: xr.Dataset, shares: dict[str, float]) -> str:
    """The message: whether the twin is within its limits, and which metric is nearest to one."""
    nearest = max(shares, key=shares.get)
    where = f"{nearest} is nearest to a limit, at {100 * shares[nearest]:.0f} % of it"
    broken = [case for case in range(data.sizes["case"]) if judge.beyond(data.isel(case=case))]
    if broken:
        return f"ngspice does not confirm {len(broken)} of {data.sizes['case']} results of the twin; {where}"
    return f"ngspice confirms the twin: {where}"


def _metric(over: Axes, off: Axes, data: xr.Dataset) -> None:
    """One metric at all its conditions: both numbers, and their difference.

    Args:
        over, off: axes of either. data: the metric's cases.
    """
    name, unit = str(data["metric"].values[0]), str(data["units"].values[0])
    rms, largest, relative = judge.LIMITS[unit]
    least = judge.LEAST_SHARED * data["magnitude"]
    scale = np.maximum(np.abs(data["ngspice"]), least) if relative else 1.0
    ngspice, twin = data["ngspice"].values.ravel(), data["twin"].values.ravel()
    error = ((data["twin"] - data["ngspice"]) / scale).values.ravel()
    known = np.isfinite(error)
    for tail, _, look in KINDS:
        own = known & (data["tail"].values.ravel() == tail)
        if not own.any():
            continue
        style = {"color": look.color, "marker": look.marker, "markersize": 3.0, "markerfacecolor": "none",
                 "markeredgewidth": 0.7, "linestyle": "none", "rasterized": True}  # fmt: skip
        over.plot(ngspice[own], twin[own], **style)
        off.plot(ngspice[own], error[own], **style)
    ends = ngspice[known].min(), ngspice[known].max()
    over.plot(ends, ends, color="0.5", linewidth=0.8)
    for limit, line in ((largest, "--"), (rms, ":")):
        for sign in (1, -1):
            off.axhline(sign * limit, color="black", linewidth=0.8, linestyle=line)
    log = bool(ends[0] > 0 and ends[1] / ends[0] > LOGARITHMIC)
    off.set_yscale("symlog", linthresh=LINEAR * largest, linscale=0.5)
    end = max(2 * largest, 1.2 * np.abs(error[known]).max())
    off.set_ylim(-end, end)
    over.set_title(name)
    over.sharex(off)
    over.tick_params(labelbottom=False)
    if log:
        off.set_xscale("log")
        over.set_yscale("log")
    plots.label_axis(off.xaxis, "ngspice", unit, log)
    plots.label_axis(over.yaxis, "twin", unit, log)
    if log:
        off.xaxis.set_major_locator(LogLocator())
    if relative:
        off.set_ylabel("twin less ngspice [%]")
        off.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}"))
    else:
        plots.label_axis(off.yaxis, "twin less ngspice", unit)
    off.set_yticks([share * largest for share in TICKS])


def _handle(look: Look, label: str) -> Line2D:
    """A legend's entry."""
    return Line2D([], [], color=look.color, marker=look.marker, markerfacecolor="none", linestyle="none", label=label)


if __name__ == "__main__":
    sys.exit(figures.main("twin"))
