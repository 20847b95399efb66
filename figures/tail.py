"""Distribution of each metric and its tail: histogram with a logarithmic axis, and share of samples beyond a value."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import special, stats

import figures
from analysis import intervals, passes, plots, samples, statistics
from analysis.censored import Fit
from analysis.plots import NothingToDraw

MOST = 3
"""Metrics there is room for."""
FEWEST = 1000
"""Samples that a tail takes: fewer are shown one by one by other figures."""
BEYOND = 10
"""Samples at least beyond the quantile that is told in numbers."""
BINS = 100
CONFIDENCE = 0.95
"""Probability of the band and of the interval [1]."""


@dataclass(frozen=True)
class _Tail:
    """One metric at the shown condition.

    Attributes:
        name, unit: of the metric. limit: at which it fails, in the unit; NaN or infinite where there is none.
        side: 1 where low values fail, -1 where high ones do.
        n, values: known samples, and those with a value. counts, edges: these in bins.
        ranks, beyond: some ranks of the known samples from the failing side, and the values there, all finite.
        cell: normal fitted to the metric. states: those fitted to it in each stored state, one if it has none.
        level: probability [1]. quantile, low, high: the value with so much on its failing side, and its interval.
    """

    name: str
    unit: str
    limit: float
    side: float
    n: int
    values: int
    counts: np.ndarray
    edges: np.ndarray
    ranks: np.ndarray
    beyond: np.ndarray
    cell: Fit
    states: tuple[Fit, ...]
    level: float
    quantile: float
    low: float
    high: float

    @property
    def expected(self) -> float:
        """The quantile of the normal fitted to the metric, in its unit."""
        return self.cell.mean + self.side * self.cell.std * float(special.ndtri(self.level))

    @property
    def probability(self) -> str:
        """The level as text: a power of ten."""
        return f"1e{round(np.log10(self.level))}"


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw without ``FEWEST`` samples of a metric."""
    with plots.read(results_dir / "characterization.nc") as data:
        if plots.samples(data) < FEWEST:
            raise NothingToDraw(f"a tail takes {FEWEST} Monte Carlo samples, the run has {plots.samples(data)}")
        condition, (names, left_out) = plots.reference_condition(data), plots.chosen_metrics(data, MOST)
        here = statistics.select(data, names).sel(condition.where)
        tails = [tail for tail in (_tail(here, name) for name in names) if tail]
    if not tails:
        raise NothingToDraw(
            f"no metric has {FEWEST} values that differ, of at least half of the samples, at {condition}"
        )
    caption = (
        f"{plots.provenance(here, condition)} Left: samples in {BINS} bins. Right: share of the samples at or beyond a "
        f"value on the failing side; band: where its probability lies with {100 * CONFIDENCE:g} % (exact binomial). "
        "Solid: normal distribution with mean and deviation of the samples. Dashed: stored states normal each by "
        "itself, and either of them beyond the value. In numbers: quantile by order statistics, with its interval."
        f"{left_out}"
    )
    figure = plots.new_figure(1.3 + 2.1 * len(tails), _title(tails[0]), caption)
    for tail, (left, right) in zip(tails, figure.subplots(len(tails), 2, squeeze=False), strict=True):
        _histogram(left, tail)
        _shares(right, tail)
    return figure


def _tail(here: xr.Dataset, name: str) -> _Tail | None:
    """The tail of a metric; None without values enough, or where all are alike."""
    column, attrs = samples.column(here, name), here[name].attrs
    side = 1.0 if attrs["fails_when"] == "low" else -1.0
    counts, known = samples.count(column), statistics.moments(column)
    n = counts.known
    if counts.n_ok < max(FEWEST, n / 2) or known.high == known.low:
        return None
    level = 10.0 ** np.ceil(np.round(np.log10(BEYOND / max(n, BEYOND)), 9))
    q = np.array([level if side > 0 else 1 - level])
    quantile, *limits = (float(number[0]) for number in statistics.quantiles(column, q, CONFIDENCE, n))
    ranks = intervals.shown_ranks(n)
    ranks = ranks[ranks <= n / 2]
    beyond, _ = statistics.plot_positions(column, ranks if side > 0 else n + 1 - ranks, n)
    there = np.isfinite(beyond)
    histogram = passes.histogram(passes.Each(lambda s: s.values, column), BINS, known.low, known.high)
    states = [Fit(**fit) for _, fit, _ in samples.states(here, name, lambda c: vars(statistics.normal_fits(c)))]
    return _Tail(
        name, attrs["units"], float(attrs.get("fail_limit", np.nan)), side, n, counts.n_ok, *histogram, ranks[there],
        beyond[there], statistics.normal_fits(column, counts), tuple(states), level, quantile, *sorted(limits),
    )  # fmt: skip


def _title(tail: _Tail) -> str:
    """The message: how far the tail of the first metric is from that of a normal distribution."""
    if not np.isfinite(tail.quantile):
        return f"{tail.name} has no value at a probability of {tail.probability}"
    if tail.low <= tail.expected <= tail.high:
        return f"At a probability of {tail.probability} {tail.name} is what a normal distribution says"
    side = "above" if tail.quantile > tail.expected else "below"
    apart = plots.quantity(abs(tail.quantile - tail.expected), tail.unit)
    return f"At a probability of {tail.probability} {tail.name} is {apart} {side} what a normal distribution says"


def _histogram(ax: Axes, tail: _Tail) -> None:
    """Samples per bin, with the normal curve."""
    counts, edges = tail.counts, tail.edges
    ax.stairs(counts, edges, fill=True, facecolor=plots.LIGHT, edgecolor="black", linewidth=0.6)
    x = np.linspace(edges[0], edges[-1], 400)
    density = stats.norm.pdf(x, tail.cell.mean, tail.cell.std)
    ax.plot(x, tail.values * np.diff(edges)[0] * density, color="black", linewidth=1.2)
    ax.set_yscale("log")
    ax.set_ylim(0.5, 2 * counts.max())
    ax.set_ylabel("samples per bin [1]")
    _axis(ax, tail)


def _shares(ax: Axes, tail: _Tail) -> None:
    """Share of the samples beyond each value, with its band and the normal distributions."""
    n, ranks, x = tail.n, tail.ranks, tail.beyond
    low, high = (special.ndtr(score) for score in intervals.normal_band(ranks, n, CONFIDENCE))
    ax.fill_between(x, low, high, color="0.8", linewidth=0)
    dots, dashes = plots.LOOKS[2], plots.LOOKS[1]
    ax.plot(x, ranks / n, dots.marker, color=dots.color, markersize=2.5, markerfacecolor="none", linestyle="none",
            zorder=1)  # fmt: skip
    grid = np.linspace(*sorted((x[0] - 0.05 * np.ptp(x) * tail.side, x[-1])), 400)
    ax.plot(grid, _beyond((tail.cell,), tail.side, grid), color="black", linewidth=1.0)
    if len(tail.states) > 1:
        ax.plot(grid, _beyond(tail.states, tail.side, grid), color=dashes.color, linestyle=dashes.linestyle)
    numbers = (tail.quantile, tail.low, tail.high, tail.expected)
    found, least, most, expected = (
        plots.quantity(number, tail.unit) if np.isfinite(number) else "no value" for number in numbers
    )
    told = f"{tail.probability}: {found}\n{least} to {most}\nnormal: {expected}"
    corner, align = (0.03, "left") if tail.side > 0 else (0.97, "right")
    ax.text(corner, 0.97, told, transform=ax.transAxes, ha=align, va="top", fontsize=plots.SMALL)
    ax.set_yscale("log")
    ax.set_ylim(0.2 / n, 1.5)
    ax.set_ylabel("share beyond [1]")
    _axis(ax, tail)


def _beyond(fits: tuple[Fit, ...], side: float, value: np.ndarray) -> np.ndarray:
    """Probability [1] that any of some independent normals is on the failing side of a value."""
    within = [special.ndtr(side * (fit.mean - value) / fit.std) for fit in fits]
    return 1 - np.prod(within, axis=0)


def _axis(ax: Axes, tail: _Tail) -> None:
    """Label the values, and draw the limit where it is in sight."""
    low, high = ax.get_xlim()
    if low <= tail.limit <= high:
        ax.axvline(tail.limit, color="black", linewidth=0.8, linestyle=":")
    plots.label_axis(ax.xaxis, tail.name, tail.unit)


if __name__ == "__main__":
    sys.exit(figures.main("tail"))
