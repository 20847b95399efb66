"""Where a state is lost: line voltage at which the cell is in it, over the difference of the storage nodes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import figures
from analysis import plots
from analysis.plots import Condition, NothingToDraw
from netlists.margins import LEAST_DIFFERENCE


@dataclass(frozen=True)
class Panel:
    """One testbench.

    Attributes:
        title: what happens. line: name of the line on the axis. metric: what is read off, per lobe.
        rising: the line rises until the state is lost, else it falls.
        span: of both axes that is shown, as a share of VDD [1].
        least: difference of the nodes that still counts as the state [V].
    """

    title: str
    line: str
    metric: str
    rising: bool
    span: float
    least: float = 0.0


PANELS = {
    "write_bl": Panel("bit line falls: write Q = 0", "bit line BL", "wm_bl", False, 1.05),
    "write_wl": Panel("word line rises: write Q = 0", "word line", "wm_wl", True, 1.05),
    "retention": Panel("supply falls: Q = 1 is kept", "supply", "drv", False, 0.35, LEAST_DIFFERENCE),
}
PROBES = ("line_q", "q_q", "qb_q")
"""The line and both storage nodes of the cell with Q high."""


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory with the panels it has; raises NothingToDraw where it has none."""
    with plots.read(results_dir / "characterization.nc") as data:
        condition, about = plots.reference_condition(data), data[[]].load()
    found, reasons = plots.readable(PANELS, lambda group: plots.curves(results_dir, group, condition, PROBES))
    if not found:
        raise NothingToDraw(reasons[0])
    drawn = next(iter(found.values())).sizes["sample"] if plots.samples(about) else 0
    caption = (
        f"{plots.provenance(about, condition, f'first {drawn} drawn')} Thick: nominal cell; "
        f"{'thin: Monte Carlo samples; ' if drawn else ''}dot: where the nominal cell loses the state. Beyond it no "
        "state with Q above Q-bar is left, at retention none that is far enough above; the rest of a curve is unstable."
    )
    figure = plots.new_figure(3.6, "Where a line has gone far enough, the stored state ceases to exist", caption)
    axes = figure.subplots(1, len(found), squeeze=False)[0]
    for ax, (group, curves) in zip(axes, found.items(), strict=True):
        _panel(ax, PANELS[group], curves, condition, drawn)
    handles = [Line2D([], [], color="black", linewidth=2.0, label="nominal")]
    if drawn:
        handles.append(Line2D([], [], color=plots.CLOUD, linewidth=0.8, label="samples"))
    axes[0].legend(handles=handles, loc="upper center", borderaxespad=0.0)
    return figure


def turning_point(difference: np.ndarray, line: np.ndarray, rising: bool, least: float = 0.0) -> tuple[float, float]:
    """Difference of the nodes and line [V] where a curve with Q high turns, or the nodes are ``least`` apart.

    Args:
        difference, line: [V], along the curve, shape (point,).
    """
    end = int(np.logical_and.accumulate(difference > least).sum())
    if 0 < end < len(difference):
        last = slice(end, end - 2 if end > 1 else None, -1)
        reached = np.interp(least, difference[last], line[last])
        difference, line = np.append(difference[:end], least), np.append(line[:end], reached)
    at = (-line if rising else line).argmin()
    return float(difference[at]), float(line[at])


def _panel(ax: Axes, panel: Panel, curves: xr.Dataset, condition: Condition, drawn: int) -> None:
    line, q, qb = (curves[f"{probe}_nominal"].values.astype(float) for probe in PROBES)
    if drawn:
        lines, qs, qbs = (curves[probe].values[:drawn].astype(float) for probe in PROBES)
        plots.cloud(ax, *_unbroken(qs - qbs, lines, condition.vdd))
    x, y = _unbroken((q - qb)[None], line[None], condition.vdd)
    ax.plot(x[0], y[0], color="black", linewidth=2.0, zorder=4)
    point = turning_point(q - qb, line, panel.rising, panel.least)
    ax.plot(*point, "o", color="black", markersize=5.5, zorder=6)
    plots.label_point(ax, plots.quantity(point[1], "V"), point, (0, 10 if panel.rising else -10), ha="center")
    span = panel.span * condition.vdd
    ax.set(xlim=(-0.05 * span, span), ylim=(-0.05 * span, span), title=panel.title)
    plots.label_axis(ax.xaxis, "Q less Q-bar", "V")
    plots.label_axis(ax.yaxis, panel.line, "V")


def _unbroken(difference: np.ndarray, line: np.ndarray, vdd: float) -> tuple[np.ndarray, np.ndarray]:
    """Curves up to where the line jumps to its limit, continued with their last point; shape (sample, point)."""
    jumps = np.abs(np.diff(difference, axis=1)) > 0.3 * vdd
    kept = np.concatenate([np.zeros((len(line), 1), dtype=bool), np.logical_or.accumulate(jumps, axis=1)], axis=1)
    last = np.maximum((~kept).sum(axis=1) - 1, 0)[:, None]
    fill = [np.where(kept, np.take_along_axis(values, last, axis=1), values) for values in (difference, line)]
    return fill[0], fill[1]


if __name__ == "__main__":
    sys.exit(figures.main("lost_states"))
