"""Where a cell fails, in the two most important directions of its variables, and how its probability converged."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import figures
from analysis import plots
from analysis.rare_data import FILE, group

NEW = 0.1
"""What a direction must have across the first one to count as a second [1]."""
LABEL = 11.5
"""Distance of the labels of design points from the origin [standard deviations]."""


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where no failure probability was estimated."""
    with plots.read(results_dir / FILE) as stored:
        plots.require(stored, ("pf", "cov"), FILE)
        at, attrs = plots.reference_condition(stored), dict(stored.attrs)
    with plots.read(results_dir / FILE, group(at.process, at.vdd, at.temp, at.offsets)) as stored:
        here = stored.load()
    if not here.sizes["region"] or not np.isfinite(here["pf"]):
        raise plots.NothingToDraw(f"{FILE} has no failure region at {at}")
    phases = ", ".join(f"{name} {here.attrs[f'simulations_{name}']}" for name in here.attrs["phases"].split())
    verdict = "established" if here["established"] else "NOT ESTABLISHED"
    caption = (
        f"{attrs['technology']}, {at}; {attrs['metrics']} by {here.attrs['method']}, seed {here.attrs['seed']}, "
        f"{verdict}. Simulations: {phases}. Left: all of them, projected on the plane of the design points; circle: "
        "distance of the nearest one. Right: estimate over its samples or lines, 95 % interval shaded."
    )
    low, high = (float(here[f"pf_ci_{end}"]) for end in ("low", "high"))
    title = f"A cell fails with probability {float(here['pf']):.2e} ({low:.2e} to {high:.2e})"
    figure = plots.new_figure(4.2, title, caption)
    left, right = figure.subplots(1, 2)
    _regions(left, here)
    _convergence(right, here)
    return figure


def plane(here: xr.Dataset) -> np.ndarray:
    """Two orthonormal directions, shape (2, variable): of the nearest design point, and across it of what is next.

    That is another design point, or where failing samples spread most if all are on one line.
    """
    points, failing = here["region_point"].values, here["u"].values[here["failed"].values == 1]
    first = points[0] / np.linalg.norm(points[0])
    spread = np.linalg.svd(failing - np.outer(failing @ first, first), full_matrices=False)[2][0]
    for candidate in (*(point / np.linalg.norm(point) for point in points[1:]), spread):
        rest = candidate - (candidate @ first) * first
        if np.linalg.norm(rest) > NEW:
            break
    return np.stack([first, rest / np.linalg.norm(rest)])


def _regions(ax: Axes, here: xr.Dataset) -> None:
    """Every simulation and the design points."""
    axes = plane(here)
    x, y = (here["u"].values @ axes.T).T
    failed = here["failed"].values == 1
    for mask, color, label in ((~failed, "0.7", "passes"), (failed, plots.DARK, "fails")):
        ax.plot(x[mask], y[mask], ".", color=color, markersize=3, label=label, rasterized=True)
    points, beta = here["region_point"].values @ axes.T, here["region_beta"].values
    ax.plot(*points.T, linestyle="", marker="*", markersize=11, color="white", markeredgecolor=plots.DARK, zorder=5,
            label="design point")  # fmt: skip
    for point, b, share in zip(points, beta, here["region_share"].values, strict=True):
        outside = LABEL * point / max(np.linalg.norm(point), NEW)
        ax.annotate(f"{b:.2f} sigma\n{100 * share:.0f} %", outside, fontsize=7, ha="center", va="center")
    turn = np.linspace(0, 2 * np.pi, 200)
    ax.plot(beta.min() * np.cos(turn), beta.min() * np.sin(turn), color=plots.DARK, linewidth=0.8, linestyle=":")
    ax.set_aspect("equal", adjustable="datalim")
    ax.legend(loc="lower right", frameon=True, framealpha=0.9, fontsize=7)
    plots.label_axis(ax.xaxis, "along the nearest design point", "1")
    plots.label_axis(ax.yaxis, "across it", "1")


def _convergence(ax: Axes, here: xr.Dataset) -> None:
    """Estimate after each batch."""
    history = here["history"].transpose("column", "batch").values
    n, pf, low, high = history
    ax.fill_between(n, low, high, color="0.85")
    ax.plot(n, pf, color=plots.DARK, marker="o", markersize=4)
    ax.errorbar(n[-1:], pf[-1:], [pf[-1:] - low[-1:], high[-1:] - pf[-1:]], color=plots.DARK, capsize=4)
    ax.set_xlim(0, 1.1 * n[-1])
    plots.label_axis(ax.xaxis, "samples or lines", "1")
    ax.set_ylabel("failure probability [1]")
    ax.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))


if __name__ == "__main__":
    sys.exit(figures.main("rare_failure"))
