"""Butterfly curves of the cell at hold and at read, with the largest square in each eye."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from scipy.interpolate import make_interp_spline

import figures
from analysis import plots
from charlib.metrics.butterfly import LOBES

PANELS = {"butterfly_hold": "hold: word line at 0", "butterfly_read": "read: {lines}"}
"""Group of ``curves.nc`` to what its panel is called."""
SWEEP = "s"
"""Common sweep of both halves, ``q - qb`` [V]."""
HALVES = {"q_r": ("Q-bar driven by Q", "-"), "q_l": ("Q driven by Q-bar", plots.LOOKS[1].linestyle)}
"""Vector with the voltage of Q along the curve of each half, to the curve's name and line style."""
BEYOND = 0.005
"""How far beyond the supplies curves are drawn, as a share of VDD [1]: a line's width."""
FINE = 40
"""Points that drawing and the square search put into each interval of the simulated sweep [1]."""


@dataclass(frozen=True)
class Square:
    """The largest square in one eye: its corner nearest to the origin and the opposite one lie on the two curves.

    Attributes:
        x, y: corner nearest to the origin, voltages of Q and of Q-bar [V].
        side: side [V], the static noise margin.
    """

    x: float
    y: float
    side: float


def largest_squares(difference: np.ndarray, q_l: np.ndarray, q_r: np.ndarray) -> dict[str, Square | None]:
    """Largest square nested between the two curves of a butterfly, for each stored state.

    Points of equal ``q - qb`` lie on one diagonal, so that the points there of the two curves are opposite corners of
    a square between them; the largest interior one of an eye is its square (Seevinck, List, Lohstroh, JSSC 22(5),
    1987). Searched on a fine grid, apart from ``charlib.metrics.butterfly``, which solves for the extremum.

    Args:
        difference: ``q - qb`` [V], shape (point,), increasing.
        q_l, q_r: Q on the curve of the half that drives Q, and of the half that drives Q-bar [V], shape (point,).

    Returns:
        Stored state (``charlib.metrics.butterfly.LOBES``) to its square; None where the eye is closed or a curve has
        NaN.
    """
    if not (np.isfinite(difference).all() and np.isfinite(q_l).all() and np.isfinite(q_r).all()):
        return dict.fromkeys(LOBES)
    s, left = fine_curve(difference, q_l)
    _, right = fine_curve(difference, q_r)
    # The curve that drives Q-bar is the lower one in the eye of the state with Q high.
    return {lobe: _square(s, *pair) for lobe, pair in zip(LOBES, ((right, left), (left, right)), strict=True)}


def fine_curve(difference: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A curve on ``FINE`` times as many points along the diagonal: a quintic spline, as the margins are measured on."""
    knots = np.arange(difference.size)
    s = np.interp(np.linspace(0, knots[-1], FINE * knots[-1] + 1), knots, difference)
    return s, make_interp_spline(difference, q, k=5, axis=-1)(s)


def _square(s: np.ndarray, low: np.ndarray, high: np.ndarray) -> Square | None:
    """Square at the largest interior maximum of ``high - low``; None where it is not positive."""
    side = high - low
    peaks = 1 + np.flatnonzero((side[1:-1] > side[:-2]) & (side[1:-1] >= side[2:]))
    if peaks.size == 0:
        return None
    at = peaks[np.argmax(side[peaks])]
    return Square(float(low[at]), float(low[at] - s[at]), float(side[at])) if side[at] > 0 else None


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where curves are missing."""
    with plots.read(results_dir / "characterization.nc") as data:
        condition, about = plots.reference_condition(data), data[[]].load()
    curves = {group: plots.curves(results_dir, group, condition, (SWEEP, *HALVES)) for group in PANELS}
    drawn = min(curve.sizes["sample"] for curve in curves.values()) if plots.samples(about) else 0
    caption = (
        f"{plots.provenance(about, condition, f'first {drawn} drawn')} Thick: nominal cell; "
        f"{'thin: Monte Carlo samples; ' if drawn else ''}grey squares: largest in each eye of the nominal curves, "
        "their side is the static noise margin (SNM) of that stored state."
    )
    figure = plots.new_figure(4.6, "A read narrows the eyes of the cell: its static noise margin shrinks", caption)
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    for ax, (group, title) in zip(axes, PANELS.items(), strict=True):
        _panel(ax, curves[group], condition.level("cell"), drawn)
        ax.set_title(title.format(lines=condition.read_text), fontsize=plots.SMALL if condition.offsets else None)
        plots.label_axis(ax.xaxis, "voltage of Q", "V")
    plots.label_axis(axes[0].yaxis, "voltage of Q-bar", "V")
    handles = [Line2D([], [], color="black", linestyle=style, label=text) for text, style in HALVES.values()]
    if drawn:
        handles.append(Line2D([], [], color=plots.CLOUD, linewidth=0.8, label="samples"))
    axes[0].legend(handles=handles, loc="upper right", borderaxespad=0.0)
    return figure


def _panel(ax: Axes, curves: xr.Dataset, vdd: float, drawn: int) -> None:
    """One butterfly with its cloud and its squares."""
    sweep = curves[f"{SWEEP}_nominal"].values.astype(float)
    nominal = {name: curves[f"{name}_nominal"].values.astype(float) for name in HALVES}
    for name, (_, linestyle) in HALVES.items():
        if drawn:
            whole = np.isfinite(curves[name][:drawn]).all("point").values
            cloud = inside_points(sweep, curves[name].values[:drawn][whole].astype(float), vdd)
            plots.cloud(ax, cloud[..., 0], cloud[..., 1])
        x, y = inside_points(sweep, nominal[name][None], vdd)[0].T
        ax.plot(x, y, color="black", linewidth=2.0, linestyle=linestyle, zorder=4)
    for lobe, square in largest_squares(sweep, nominal["q_l"], nominal["q_r"]).items():
        if square is not None:
            draw_square(ax, square, "Q = 1" if lobe == "q" else "Q = 0", vdd)
    margin = 0.03 * vdd
    ax.set(xlim=(-margin, vdd + margin), ylim=(-margin, vdd + margin), aspect="equal")


def inside_points(sweep: np.ndarray, q: np.ndarray, vdd: float) -> np.ndarray:
    """Points (Q, Q-bar) of curves, shape (curve, point, 2), from Q along the sweep, shape (curve, point).

    NaN where the sweep drives an input beyond the supplies: nothing drives it there in the cell.
    """
    s, fine = fine_curve(sweep, q)
    points = np.stack([fine, fine - s], axis=-1)
    inside = (points > -BEYOND * vdd) & (points < (1 + BEYOND) * vdd)
    return np.where(inside.all(axis=-1, keepdims=True), points, np.nan)


def draw_square(ax: Axes, square: Square, state: str, vdd: float) -> None:
    """A square with its side beside or inside it."""
    ax.add_patch(
        Rectangle((square.x, square.y), square.side, square.side, facecolor=plots.LIGHT, edgecolor="black",
                  linewidth=1.0, alpha=0.9, zorder=3, gid="square")
    )  # fmt: skip
    text = f"{state}\n{plots.quantity(square.side, 'V')}"
    middle = (square.x + square.side / 2, square.y + square.side / 2)
    inside = square.side > 0.15 * vdd  # large enough for the text
    if inside:
        ax.text(*middle, text, ha="center", va="center", fontsize=plots.SMALL, zorder=6)
        return
    shift = 0.2 * vdd  # towards the empty corner of the eye's side
    sign = 1 if middle[0] > middle[1] else -1
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.0}
    ax.annotate(text, middle, (middle[0] + sign * shift, middle[1] - sign * shift), ha="center", va="center", zorder=6,
                fontsize=plots.SMALL, bbox=box, arrowprops={"arrowstyle": "-", "linewidth": 0.7})  # fmt: skip


if __name__ == "__main__":
    sys.exit(figures.main("butterfly"))
