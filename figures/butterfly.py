"""Butterfly curves of the cell at hold and at read, with the largest square in each eye."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from scipy.interpolate import CubicSpline, PchipInterpolator

import figures
from analysis import plots
from analysis.plots import Condition, NothingToDraw
from charlib.metrics.butterfly import LOBES

PANELS = {"butterfly_hold": "hold: word line at 0", "butterfly_read": "read: word line and bit lines at VDD"}
"""Group of ``curves.nc`` to what its panel is called."""
VECTORS = ("v-sweep", "q", "qb")
FINE = 40
"""Points that the square search puts into each interval of the simulated sweep [1]."""


@dataclass(frozen=True)
class Square:
    """The largest square in one eye: the corner nearest to the origin and the opposite one lie on the two curves.

    Attributes:
        x, y: corner nearest to the origin, V(Q) and V(Q-bar) [V].
        side: side [V], the static noise margin.
    """

    x: float
    y: float
    side: float


def largest_squares(sweep: np.ndarray, q: np.ndarray, qb: np.ndarray) -> dict[str, Square | None]:
    """Largest square nested between the two curves of a butterfly, for each stored state.

    In axes turned by 45 degrees, ``u = (Q - Qb)/sqrt 2`` and ``v = (Q + Qb)/sqrt 2``, the curves' distance along v at
    one u is the diagonal of the square between them, so that its largest interior extremum over u gives the square.
    Search on a grid; written apart from ``charlib.metrics.butterfly``, which solves for the extremum.

    Args:
        sweep: common input of both halves [V], shape (point,), increasing.
        q, qb: outputs of the left and of the right half [V], shape (point,).

    Returns:
        Stored state (``charlib.metrics.butterfly.LOBES``) to its square; None where the eye is closed or a curve has
        NaN.
    """
    if not (np.isfinite(sweep).all() and np.isfinite(q).all() and np.isfinite(qb).all()):
        return dict.fromkeys(LOBES)
    x = np.linspace(sweep[0], sweep[-1], FINE * (sweep.size - 1) + 1)
    right, left = CubicSpline(sweep, qb)(x), CubicSpline(sweep, q)(x)
    u, v_right = _turn(x, right)
    u_left, v_left = _turn(left[::-1], x[::-1])
    shared = (u > u_left[0]) & (u < u_left[-1])
    u, v_right = u[shared], v_right[shared]
    v_left = PchipInterpolator(u_left, v_left)(u)
    return {
        lobe: _square(u, low, high) for lobe, low, high in zip(LOBES, (v_right, v_left), (v_left, v_right), strict=True)
    }


def _turn(q: np.ndarray, qb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points in axes turned by 45 degrees, ordered by u."""
    u, v = (q - qb) / np.sqrt(2), (q + qb) / np.sqrt(2)
    order = np.argsort(u, kind="stable")
    u, v = u[order], v[order]
    distinct = np.concatenate([[True], np.diff(u) > 0])
    return u[distinct], v[distinct]


def _square(u: np.ndarray, low: np.ndarray, high: np.ndarray) -> Square | None:
    """Square at the largest interior maximum of ``high - low``; None where it is not positive."""
    distance = high - low
    inner = distance[1:-1]
    peaks = 1 + np.flatnonzero((inner > distance[:-2]) & (inner >= distance[2:]))
    if peaks.size == 0:
        return None
    at = peaks[np.argmax(distance[peaks])]
    if distance[at] <= 0:
        return None
    corner = (low[at] + u[at]) / np.sqrt(2), (low[at] - u[at]) / np.sqrt(2)
    return Square(float(corner[0]), float(corner[1]), float(distance[at] / np.sqrt(2)))


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where curves are missing."""
    with plots.read(results_dir / "characterization.nc") as data:
        condition, about = plots.reference_condition(data), data.load()
    curves = {group: _curves(results_dir, group, condition) for group in PANELS}
    drawn = min(curve.sizes["sample"] for curve in curves.values()) if plots.samples(about) else 0
    caption = (
        f"{plots.provenance(about, condition, f'first {drawn} drawn')} Thick: nominal cell; "
        f"{'thin: Monte Carlo samples; ' if drawn else ''}grey squares: largest in each eye of the nominal curves, "
        "their side is the static noise margin (SNM) of that stored state."
    )
    figure = plots.new_figure(4.6, "A read narrows the eyes of the cell: its static noise margin shrinks", caption)
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    for ax, (group, title) in zip(axes, PANELS.items(), strict=True):
        _panel(ax, curves[group], condition.vdd, drawn)
        ax.set_title(title)
        plots.label_axis(ax.xaxis, "voltage of Q", "V")
    plots.label_axis(axes[0].yaxis, "voltage of Q-bar", "V")
    handles = [
        Line2D([], [], color="black", label="Q-bar driven by Q"),
        Line2D([], [], color="black", linestyle=plots.LOOKS[1].linestyle, label="Q driven by Q-bar"),
    ]
    if drawn:
        handles.append(Line2D([], [], color=plots.CLOUD, linewidth=0.8, label="samples"))
    axes[0].legend(handles=handles, loc="upper right", borderaxespad=0.0)
    return figure


def _curves(folder: Path, group: str, condition: Condition) -> xr.Dataset:
    """Curves of one testbench at a condition."""
    with plots.read(folder / "curves.nc", group) as stored:
        plots.require(stored, tuple(f"{name}{end}" for name in VECTORS for end in ("", "_nominal")), f"group {group}")
        found = stored.sel(condition.where).load()
    if not np.isfinite(found["q_nominal"]).all():
        raise NothingToDraw(f"{group} has no nominal curves at {condition}")
    return found


def _panel(ax: Axes, curves: xr.Dataset, vdd: float, drawn: int) -> None:
    """One butterfly with its cloud and its squares."""
    if drawn:
        for x, y in (("v-sweep", "qb"), ("q", "v-sweep")):
            lines = np.stack([curves[x].values, curves[y].values], axis=-1)[:drawn]
            cloud = LineCollection(lines, colors=plots.CLOUD, linewidths=0.4, alpha=0.6, rasterized=True, zorder=1)
            ax.add_collection(cloud)
    sweep, q, qb = (curves[f"{name}_nominal"].values.astype(float) for name in VECTORS)
    for lobe, square in largest_squares(sweep, q, qb).items():
        if square is not None:
            _draw_square(ax, square, "Q = 1" if lobe == "q" else "Q = 0", vdd)
    ax.plot(sweep, qb, color="black", linewidth=2.0, zorder=4)
    ax.plot(q, sweep, color="black", linewidth=2.0, linestyle=plots.LOOKS[1].linestyle, zorder=4)
    margin = 0.03 * vdd
    ax.set(xlim=(-margin, vdd + margin), ylim=(-margin, vdd + margin), aspect="equal")


def _draw_square(ax: Axes, square: Square, state: str, vdd: float) -> None:
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
