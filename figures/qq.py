"""Q-Q plot of each metric: sorted samples against normal scores, with a normal distribution's line and band."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import special

import figures
from analysis import intervals, plots, samples, statistics
from analysis.plots import Condition, NothingToDraw

MOST = 12
"""Panels there is room for."""
CONFIDENCE = 0.95
"""Probability of the band at each rank [1]."""
REJECTED = 0.05
"""Chance that the title names any metric as not normal if all are [1], shared out among them (Bonferroni)."""


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw without Monte Carlo samples of a metric."""
    with plots.read(results_dir / "characterization.nc") as data:
        here, condition, names, left_out = plots.reference_samples(data, MOST)
        return _drawn(here, condition, names, left_out)


def _drawn(here: xr.Dataset, condition: Condition, names: Sequence[str], left_out: str) -> Figure:
    """The figure of some metrics at a condition; ``left_out`` says which there is no room for."""
    summary = statistics.summarize(here)
    names = [name for name in names if int(summary[f"{name}_n_ok"]) > 1 and float(summary[f"{name}_std"]) > 0]
    if not names:
        raise NothingToDraw(f"no metric has two different values at {condition}")
    caption = (
        f"{plots.provenance(here, condition)} Line: normal distribution fitted to the samples, censored ones at their "
        f"bounds; band: where each rank of such a sample lies with {100 * CONFIDENCE:g} % probability. p: test of "
        "normality by skewness and kurtosis (D'Agostino and Pearson), from "
        f"{intervals.FEWEST} samples on; the title names those below {REJECTED / len(names):.2g}. A sample "
        f"that failed has a rank, but no dot.{_lost(summary, names)}{left_out}"
    )
    figure = plots.new_figure(1.1 + 1.9 * -(-len(names) // 3), _title(summary, names), caption)
    for ax, name in zip(plots.panels(figure, len(names)), names, strict=True):
        _panel(ax, here, summary, name)
    return figure


def _title(summary: xr.Dataset, names: list[str]) -> str:
    """The message: what is not normal."""
    p_values = {name: float(summary[f"{name}_normality_p"]) for name in names}
    if not any(np.isfinite(p) for p in p_values.values()):
        return "Samples against normal scores: too few for a test of normality"
    odd = [name for name, p in p_values.items() if p < REJECTED / len(names)]
    return f"Not normally distributed: {', '.join(odd)}" if odd else "No metric is shown not to be normally distributed"


def _lost(summary: xr.Dataset, names: list[str]) -> str:
    """Samples without a dot, as a sentence."""
    lost = {name: [int(summary[f"{name}_{n}"]) for n in ("n_failed", "n_beyond", "n_unknown")] for name in names}
    told = [f"{name}: {a} failed, {b} beyond a bound, {c} unknown" for name, (a, b, c) in lost.items() if a + b + c]
    return f" {'; '.join(told)}." if told else ""


def _panel(ax: Axes, here: xr.Dataset, summary: xr.Dataset, name: str) -> None:
    ranked = sum(int(summary[f"{name}_{n}"]) for n in ("n_ok", "n_failed", "n_beyond"))
    ranks = intervals.shown_ranks(ranked)
    value, score = statistics.plot_positions(samples.column(here, name), ranks, ranked)
    mean, std = (float(summary[f"{name}_{part}"]) for part in ("fit_mean", "fit_std"))
    if np.isfinite(mean):
        low, high = intervals.normal_band(ranks, ranked, CONFIDENCE)
        ax.fill_between(score, mean + std * low, mean + std * high, color="0.85", linewidth=0)
        ax.plot(score, mean + std * score, color="black", linewidth=1.0)
    look = plots.LOOKS[2]
    ax.plot(score, value, look.marker, color=look.color, markersize=3.0, markerfacecolor="none", linestyle="none")
    span = float(special.ndtri(1 - 0.3 / ranked))
    ax.set_xlim(-max(span, 1.0), max(span, 1.0))
    p_value = float(summary[f"{name}_normality_p"])
    ax.set_title(name if np.isnan(p_value) else f"{name}, p = {p_value:.2g}")
    plots.label_axis(ax.xaxis, "normal score", "1")
    plots.label_axis(ax.yaxis, "value", here[name].attrs["units"])


if __name__ == "__main__":
    sys.exit(figures.main("qq"))
