"""N-curve: current into the storage node Q of a cell at read while a source drives it from low to high."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.interpolate import CubicSpline

import figures
from analysis import plots

GROUP = "n_curve"
DRIVEN, CURRENT = "driven_qb", "eqb#branch"
"""Voltage of Q and current of the source that drives it; ngspice counts a current into a source."""
ROOM = 1.35
"""Limit of the current axis over the nominal extrema [1]."""


@dataclass(frozen=True)
class Crossings:
    """What the letters of an N-curve stand at.

    Attributes:
        low, trip, high: voltages of the zero crossings A, B and C [V].
        peak, trough: the extrema between them as (voltage, current) [V], [A].
    """

    low: float
    trip: float
    high: float
    peak: tuple[float, float]
    trough: tuple[float, float]


def crossings(voltage: np.ndarray, current: np.ndarray) -> Crossings | None:
    """Crossings and extrema of one curve by a cubic spline over the voltage; None unless there are three crossings.

    Apart from ``charlib.metrics.ncurve``, which works along the diagonal of the cell's two nodes.

    Args:
        voltage: rising [V]. current: into the node [A]; both of shape (point,).
    """
    curve = CubicSpline(voltage, current)
    roots, turns = curve.roots(extrapolate=False), curve.derivative().roots(extrapolate=False)
    if roots.size != 3:
        return None
    peaks, troughs = (turns[(turns > a) & (turns < b)] for a, b in ((roots[0], roots[1]), (roots[1], roots[2])))
    if not peaks.size or not troughs.size:
        return None
    top, bottom = peaks[np.argmax(curve(peaks))], troughs[np.argmin(curve(troughs))]
    return Crossings(*map(float, roots), (float(top), float(curve(top))), (float(bottom), float(curve(bottom))))


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where curves are missing."""
    with plots.read(results_dir / "characterization.nc") as data:
        condition, about = plots.reference_condition(data), data[[]].load()
    curves = plots.curves(results_dir, GROUP, condition, (DRIVEN, CURRENT))
    drawn = curves.sizes["sample"] if plots.samples(about) else 0
    at = condition.read_text.replace("word", "Word", 1)
    caption = (
        f"{plots.provenance(about, condition, f'first {drawn} drawn')} {at}. Thick: nominal "
        f"cell; {'thin: Monte Carlo samples; ' if drawn else ''}A: Q low at read, B: trip point, C: Q high. The state "
        "with Q low bears SVNM and SINM; to write Q low takes WTV and WTI."
    )
    title = "What a cell at read bears before it flips, and what a write has to take"
    figure = plots.new_figure(3.8, title, caption)
    ax = figure.subplots()
    if drawn:
        plots.cloud(ax, curves[DRIVEN].values[:drawn].astype(float), -curves[CURRENT].values[:drawn].astype(float))
    voltage, current = (curves[f"{name}_nominal"].values.astype(float) for name in (DRIVEN, CURRENT))
    curve = CubicSpline(voltage, -current)
    fine = np.linspace(voltage[0], voltage[-1], 2001)
    ax.plot(fine, curve(fine), color="black", linewidth=2.0, zorder=4)
    ax.axhline(0.0, color="black", linewidth=0.8)
    ax.set_xlim(max(voltage[0], -0.03 * condition.vdd), 1.06 * condition.level("cell"))
    found = crossings(voltage, -current)
    if found is not None:
        _mark(ax, found)
    plots.label_axis(ax.xaxis, "voltage of Q", "V")
    plots.label_axis(ax.yaxis, "current into Q", "A")
    handles = [Line2D([], [], color="black", linewidth=2.0, label="nominal")]
    if drawn:
        handles.append(Line2D([], [], color=plots.CLOUD, linewidth=0.8, label="samples"))
    ax.legend(handles=handles, loc="upper right", borderaxespad=0.0)
    return figure


def _mark(ax: Axes, found: Crossings) -> None:
    """Crossings with their letters, the four quantities with arrows."""
    top_i, low_i = found.peak[1], found.trough[1]
    span = top_i - low_i
    ax.set_ylim(low_i - (ROOM - 1) * span, top_i + (ROOM - 1) * span)
    for letter, v in (("A", found.low), ("B", found.trip), ("C", found.high)):
        ax.plot([v], [0.0], "o", color="black", markersize=4.5, zorder=6)
        plots.label_point(ax, letter, (v, 0.0), (4, 8), weight="bold")
    arrow = {"arrowstyle": "<->", "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0}
    level = low_i - 0.17 * span
    for name, start, end in (("SVNM", found.low, found.trip), ("WTV", found.trip, found.high)):
        ax.annotate("", (end, level), (start, level), arrowprops=arrow)
        text = f"{name} {plots.quantity(end - start, 'V')}"
        plots.label_point(ax, text, ((start + end) / 2, level), (0, -9), ha="center")
    for name, (v, i), at, offset, ha in (
        ("SINM", found.peak, found.peak[1] / 2, (6, 0), "left"),
        ("WTI", found.trough, 0.0, (0, 9), "center"),
    ):
        ax.annotate("", (v, i), (v, 0.0), arrowprops=arrow, zorder=7)
        plots.label_point(ax, f"{name} {plots.quantity(abs(i), 'A')}", (v, at), offset, ha=ha)


if __name__ == "__main__":
    sys.exit(figures.main("n_curve"))
