"""Write butterfly: the curve of the half that is written against the read curve of the other half."""

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
from figures.butterfly import SWEEP, Square, draw_square, fine_curve

GROUP = "write_butterfly"
PANELS = {"write Q = 0: BL at {low}": ("q_l_write", "q_r"), "write Q = 1: BLB at {low}": ("q_r_write", "q_l")}
"""Panel to the probes of the half that is written and of the other half, which is read."""
STYLES = {"written half, its bit line at {low}": plots.LOOKS[1].linestyle, "other half, at read": "-"}
PROBES = ("q_l", "q_r", "q_l_write", "q_r_write")
ROOM = 0.3
"""How far beyond the supplies curves are drawn, as a share of VDD [1]: the margin adds noise to both inputs."""


def smallest_square(difference: np.ndarray, low: np.ndarray, high: np.ndarray) -> Square | None:
    """Smallest square between two curves at an interior minimum of their distance; None without one.

    Args:
        difference: ``q - qb`` [V], shape (point,). low, high: Q on either curve there [V], shape (point,).
    """
    s, below = fine_curve(difference, low)
    _, above = fine_curve(difference, high)
    side = above - below
    turns = 1 + np.flatnonzero((side[1:-1] < side[:-2]) & (side[1:-1] <= side[2:]))
    if turns.size == 0:
        return None
    at = turns[np.argmin(side[turns])]
    return Square(float(below[at]), float(below[at] - s[at]), float(side[at]))


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where curves are missing."""
    with plots.read(results_dir / "characterization.nc") as data:
        condition, about = plots.reference_condition(data), data[[]].load()
    curves = plots.curves(results_dir, GROUP, condition, (SWEEP, *PROBES))
    drawn = curves.sizes["sample"] if plots.samples(about) else 0
    caption = (
        f"{plots.provenance(about, condition, f'first {drawn} drawn')} Word line at {condition.level_text('wl')}. "
        f"Thick: nominal cell; {'thin: Monte Carlo samples; ' if drawn else ''}grey squares: smallest between the "
        "nominal curves, their side is the write noise margin. Beyond the supplies curves go where only noise in "
        "series with an input leads."
    )
    figure = plots.new_figure(4.6, "A write closes one eye of the cell: the gap it leaves is its margin", caption)
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    low = f"{condition.offsets['dv_bl']:g} V" if condition.offsets.get("dv_bl") else "0"
    for ax, (title, probes) in zip(axes, PANELS.items(), strict=True):
        _panel(ax, curves, probes, condition.level("cell"), drawn)
        ax.set_title(title.format(low=low))
        plots.label_axis(ax.xaxis, "voltage of Q", "V")
    plots.label_axis(axes[0].yaxis, "voltage of Q-bar", "V")
    handles = [
        Line2D([], [], color="black", linestyle=style, label=text.format(low=low)) for text, style in STYLES.items()
    ]
    if drawn:
        handles.append(Line2D([], [], color=plots.CLOUD, linewidth=0.8, label="samples"))
    axes[1].legend(handles=handles, loc="upper right", borderaxespad=0.0)
    return figure


def _panel(ax: Axes, curves: xr.Dataset, probes: tuple[str, str], vdd: float, drawn: int) -> None:
    """One written state with its cloud and its square."""
    sweep = curves[f"{SWEEP}_nominal"].values.astype(float)
    nominal = [curves[f"{probe}_nominal"].values.astype(float) for probe in probes]
    for probe, q, linestyle in zip(probes, nominal, STYLES.values(), strict=True):
        if drawn:
            samples = curves[probe].values[:drawn].astype(float)
            plots.cloud(ax, samples, samples - sweep)
        s, fine = fine_curve(sweep, q)
        ax.plot(fine, fine - s, color="black", linewidth=2.0, linestyle=linestyle, zorder=4)
    square = smallest_square(sweep, *nominal)
    if square is not None:
        draw_square(ax, square, "margin", vdd)
    ax.set(xlim=(-ROOM * vdd, (1 + ROOM) * vdd), ylim=(-ROOM * vdd, (1 + ROOM) * vdd), aspect="equal")


if __name__ == "__main__":
    sys.exit(figures.main("write_butterfly"))
