"""Histograms of the hold and the read margin over a normal-probability plot on the same axis."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

import figures
from analysis import intervals, passes, plots, samples, statistics
from analysis.plots import Condition, NothingToDraw

METRICS = {"snm_hold": "hold", "snm_read": "read"}
FILLS = {"snm_hold": (plots.LIGHT, ""), "snm_read": ("white", "////")}
"""Fill and hatch of each histogram."""
PERCENT = (0.1, 1, 10, 50, 90, 99, 99.9)
"""Lines of the probability plot [%]."""


@dataclass(frozen=True)
class _Distribution:
    """One metric at the shown condition.

    Attributes:
        metric, label: its name, and what the figure calls it.
        values: margins of the good samples [V], in pieces. low, high: the least and the greatest [V].
        sorted_values, scores: probability plot, [V] and [1], of the ranks that are shown.
        mean, std: of the good samples [V]; NaN where there are too few.
        counts: what became of all samples, as text.
    """

    metric: str
    label: str
    values: passes.Pieces
    low: float
    high: float
    sorted_values: np.ndarray
    scores: np.ndarray
    mean: float
    std: float
    counts: str


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw without Monte Carlo samples of a margin."""
    with plots.read(results_dir / "characterization.nc") as data:
        wanted = [name for name in METRICS if name in statistics.primary_metrics(data)]
        found = statistics.select(data, wanted)
        if not plots.samples(found):
            raise NothingToDraw("the run has no Monte Carlo samples")
        names = [name for name in METRICS if name in found]
        if not names:
            raise NothingToDraw(f"characterization.nc has neither {' nor '.join(METRICS)}")
        condition = plots.reference_condition(found)
        return _drawn(found, condition, names)


def _drawn(found: xr.Dataset, condition: Condition, names: Sequence[str]) -> Figure:
    """The figure of some margins at a condition."""
    distributions = [_distribution(found, name, condition) for name in names]
    if not any(d.high >= d.low for d in distributions):
        raise NothingToDraw(f"no sample has a static noise margin at {condition}")
    caption = (
        f"{plots.provenance(found, condition)} Margin: the worse of both stored states of each cell, hence "
        "the short upper tail. "
        f"{'; '.join(f'{d.label}: {d.counts}' for d in distributions)}. "
        "Lines: normal distributions of the same mean and standard deviation; dots on a line are normally distributed."
    )
    figure = plots.new_figure(5.6, _title(distributions), caption)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.2))
    _histograms(top, distributions)
    _probability(bottom, distributions)
    plots.label_axis(bottom.xaxis, "static noise margin", "V")
    bottom.legend(loc="best")
    top.legend(loc="best")
    return figure


def _title(distributions: list[_Distribution]) -> str:
    worst = min(distributions, key=lambda d: d.mean / d.std if d.std > 0 else np.inf)
    if not worst.std > 0:
        return "Static noise margins of the sampled cells"
    return f"The mean {worst.label} margin is {worst.mean / worst.std:.1f} standard deviations of mismatch above zero"


def _distribution(data: xr.Dataset, metric: str, condition: Condition) -> _Distribution:
    here = statistics.select(data, [metric]).sel(condition.where)
    column = samples.column(here, metric)
    counts, known = samples.count(column), statistics.moments(column)
    ranks = intervals.shown_ranks(counts.known)
    sorted_values, scores = statistics.plot_positions(column, ranks, counts.known)
    return _Distribution(
        metric=metric,
        label=METRICS[metric],
        values=passes.Each(lambda s: s.values, column),
        low=known.low,
        high=known.high,
        sorted_values=sorted_values,
        scores=scores,
        mean=known.mean,
        std=known.std,
        counts=f"{counts.n_ok} with a value, {counts.n_failed} failed (censored low), "
        f"{counts.n_beyond} censored high, {counts.n_unknown} unknown",
    )


def _histograms(ax: Axes, distributions: list[_Distribution]) -> None:
    """Histograms with one bin width, and the normal curves."""
    low, high = min(d.low for d in distributions), max(d.high for d in distributions)
    smallest = min((d.std for d in distributions if d.std > 0), default=0.0)
    bins = int(np.clip(np.ceil((high - low) / (smallest / 2)), 8, 120)) if smallest > 0 else 10
    for d in distributions:
        fill, hatch = FILLS[d.metric]
        counts, edges = passes.histogram(d.values, bins, low, high)
        ax.hist(edges[:-1], edges, weights=counts, facecolor=fill, hatch=hatch, edgecolor="black", linewidth=0.7,
                label=d.label)  # fmt: skip
        if d.std > 0:
            x = np.linspace(d.mean - 3.5 * d.std, d.mean + 3.5 * d.std, 200)
            ax.plot(x, counts.sum() * np.diff(edges)[0] * stats.norm.pdf(x, d.mean, d.std), color="black", linewidth=1)
    ax.set_ylabel("samples per bin [1]")
    ax.margins(x=0.02)


def _probability(ax: Axes, distributions: list[_Distribution]) -> None:
    """Sorted margins against normal scores, with the straight lines of the fitted normals."""
    low = min(-2.6, *(float(np.nanmin(d.scores, initial=0.0)) - 0.2 for d in distributions))
    for d, look in zip(distributions, plots.LOOKS, strict=False):
        moments = f": mean {plots.quantity(d.mean, 'V')}, std {plots.quantity(d.std, 'V')}" if d.std > 0 else ""
        ax.plot(d.sorted_values, d.scores, look.marker, color=look.color, markersize=3.5, markerfacecolor="none",
                linestyle="none", label=f"{d.label}{moments}")  # fmt: skip
        if d.std > 0:
            ends = np.array([low, -low])
            ax.plot(d.mean + d.std * ends, ends, color=look.color, linewidth=1.0, linestyle=look.linestyle)
    ax.set_ylim(low, -low)
    levels = [p for p in PERCENT if low < stats.norm.ppf(p / 100) < -low]
    ax.set_yticks(stats.norm.ppf(np.array(levels) / 100), [f"{p:g}" for p in levels])
    ax.set_ylabel("cells below [%]")


if __name__ == "__main__":
    sys.exit(figures.main("margins"))
