"""Correlation matrix of the metrics: Pearson's below the diagonal, Spearman's above."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

import figures
from analysis import correlation, plots
from analysis.plots import NothingToDraw

MOST = 14
"""Metrics there is room for."""
DARKEST = 0.45
"""Grey of a full correlation [1], 0 black: text on it stays readable."""


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw without two metrics that vary over samples."""
    with plots.read(results_dir / "characterization.nc") as data:
        here, condition, names, left_out = plots.reference_samples(data, MOST)
        found = correlation.correlate(here, names)
    varying = [name for name in names if np.isfinite(found["pearson"].sel(metric=name, other=name))]
    if len(varying) < 2:
        raise NothingToDraw(f"fewer than two metrics vary at {condition}")
    found = found.sel(metric=varying, other=varying)
    pairs = sorted({f"{n:.0f}" for n in (found["pearson_n"].min(), found["pearson_n"].max())}, key=int)
    caption = (
        f"{plots.provenance(here, condition)} Below the diagonal: Pearson's correlation of the {' to '.join(pairs)} "
        "samples with both values; above: Spearman's of the ranks, a failure at the worst one. Grey: size; hatched: "
        "negative; in parentheses: the 95 % interval (Fisher's transform) includes zero, or there are too few samples "
        f"for one.{left_out}"
    )
    figure = plots.new_figure(1.5 + 0.42 * len(varying), _title(found, varying), caption)
    legend, ax = figure.subplots(2, 1, height_ratios=(0.3, 0.42 * len(varying)))
    _matrix(ax, found, varying)
    handles = [Patch(facecolor=_grey(r), edgecolor="0.3", hatch=_hatch(r), label=_number(r)) for r in (1, 0.5, -0.5)]
    plots.legend_row(legend, handles, columns=3, title="correlation coefficient [1]")
    return figure


def _title(found: xr.Dataset, names: list[str]) -> str:
    """The message: the strongest link."""
    r = found["pearson"].values.copy()
    r[np.triu_indices(len(names))] = 0.0
    i, j = np.unravel_index(np.nanargmax(np.abs(r)), r.shape)
    return f"Strongest link between metrics: {names[j]} and {names[i]}, correlation {_number(r[i, j])}"


def _number(r: float) -> str:
    """Two digits and a true minus sign, none before zero."""
    return f"{round(r, 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")


def _grey(r: float) -> str:
    return f"{1 - (1 - DARKEST) * abs(r):.3f}"


def _hatch(r: float) -> str:
    return "////" if r < 0 else ""


def _matrix(ax: Axes, found: xr.Dataset, names: list[str]) -> None:
    """A square for each pair, rows from the top down."""
    for i in range(len(names)):
        for j in range(len(names)):
            kind = "pearson" if i >= j else "spearman"
            at = {"metric": i, "other": j}
            r, low, high = (float(found[f"{kind}{part}"][at]) for part in ("", "_ci_low", "_ci_high"))
            if np.isnan(r):
                continue
            ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor=_grey(r), edgecolor="0.75", linewidth=0.5,
                                   hatch=_hatch(r)))  # fmt: skip
            sure = low > 0 or high < 0
            text = _number(r) if sure else f"({_number(r)})"
            ground = {"facecolor": _grey(r), "edgecolor": "none", "pad": 0.8}
            ax.text(j, i, text, ha="center", va="center", fontsize=plots.SMALL - 0.5,
                    bbox=ground)  # fmt: skip
    places = range(len(names))
    ax.set_xticks(places, names, rotation=40, ha="right", rotation_mode="anchor")
    ax.set_yticks(places, names)
    ax.set_xlim(-0.5, len(names) - 0.5)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.grid(visible=False)


if __name__ == "__main__":
    sys.exit(figures.main("correlation"))
