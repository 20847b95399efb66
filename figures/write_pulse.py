"""The shortest word-line pulse that writes: waveforms around it, and the bisection that finds it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

import figures
from analysis import plots
from analysis.plots import Condition, Look, NothingToDraw
from charlib.metrics.dynamic import pulse_width
from charlib.waveforms import Block, crossing

GROUP = "write_pulse"
STATE = "q"
"""Stored state that is overwritten: Q = 1, so that Q falls where the write succeeds."""
NODES = {
    "wl": ("word line", Look("0.55", (0, (1, 1)), "")),
    "q": ("Q", plots.LOOKS[2]),
    "qb": ("Q-bar", plots.LOOKS[1]),
}
"""Node to its name and look."""
AROUND = 3
"""Trials drawn on either side of the critical width."""
BEFORE, AFTER = 1.0, 6.0
"""Time shown before and after the word line rises, in critical widths [1]."""


@dataclass(frozen=True)
class _Trials:
    """Trials of the search, in order; those that repeat a width are left out.

    Attributes:
        time: [s] from the word line at 50 %, shape (step, point).
        nodes: node to its voltage [V], same shape.
        width: of the pulse at the word line [s], shape (step,).
        written: the cell was written, shape (step,).
    """

    time: np.ndarray
    nodes: dict[str, np.ndarray]
    width: np.ndarray
    written: np.ndarray

    @property
    def critical(self) -> float:
        """Shortest width that writes [s]."""
        return float(self.width[self.written].min())


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where the search is missing or found no width."""
    with plots.read(results_dir / "characterization.nc") as data:
        condition, about = plots.reference_condition(data), data[[]].load()
    trials = _read(results_dir, condition)
    if trials.written.all() or not trials.written.any():
        raise NothingToDraw(f"no width of the nominal cell's word-line pulse is critical at {condition}")
    written, lost = (plots.quantity(w, "s") for w in (trials.critical, float(trials.width[~trials.written].max())))
    half = f"{condition.level_text('wl')}/2"
    caption = (
        f"{plots.provenance(about, condition, 'none drawn')} Nominal cell: write of 0 over a stored 1, one transient "
        f"per trial; time zero: word line at {half}. Width: of the word line's pulse at {half}. On top the trials "
        f"nearest to the critical width, below all but those whose word line does not reach {half}; grey: the bracket."
    )
    figure = plots.new_figure(6.2, f"A word-line pulse of {written} writes, one of {lost} does not", caption)
    legend, waves, steps = figure.subplots(3, 1, height_ratios=(0.25, 2.0, 1.3))
    handles = [Line2D([], [], color=k.color, linestyle=k.linestyle, label=text) for text, k in NODES.values()]
    handles.append(Line2D([], [], color="black", linewidth=0.7, label="thin: not written"))
    plots.legend_row(legend, handles, columns=4)
    _waveforms(waves, trials, max(condition.level("wl"), condition.level("cell")))
    _bracket(steps, trials)
    return figure


def _read(folder: Path, condition: Condition) -> _Trials:
    names = {node: f"{node}_{STATE}" for node in NODES}
    with plots.read(folder / "curves.nc", GROUP) as stored:
        plots.require(stored, ("time", *names.values()), f"curves.nc, group {GROUP},")
        found = stored[["time", *names.values()]].sel(condition.where).load()
    return _trials(found.dropna("step", how="all"), names, condition.level("wl"))


def _trials(found: xr.Dataset, names: dict[str, str], v_wl: float) -> _Trials:
    vectors = {name: found[name].values.astype(float) for name in found}
    if not vectors["time"].size or not all(np.isfinite(wave).all() for wave in vectors.values()):
        raise NothingToDraw("the nominal cell has no search for the width of a pulse")
    width = pulse_width(Block(vectors, {"vdd": v_wl}), STATE)
    _, first = np.unique(width, return_index=True)
    kept = np.sort(first)
    nodes = {node: vectors[name][kept] for node, name in names.items()}
    start = crossing(vectors["time"][kept], nodes["wl"], v_wl / 2, rising=True)
    return _Trials(vectors["time"][kept] - start[:, None], nodes, width[kept], nodes["q"][:, -1] < nodes["qb"][:, -1])


def _waveforms(ax: Axes, trials: _Trials, highest: float) -> None:
    """The trials next to the critical width; the highest level [V] sets the scale."""
    order = np.argsort(trials.width)
    edge = int(trials.written[order].argmax())
    for place in order[max(edge - AROUND, 0) : edge + AROUND]:
        for node, (_, look) in NODES.items():
            ax.plot(
                trials.time[place], trials.nodes[node][place], color=look.color, linestyle=look.linestyle,
                linewidth=1.5 if trials.written[place] else 0.7,
            )  # fmt: skip
    ax.set_xlim(-BEFORE * trials.critical, AFTER * trials.critical)
    ax.set_ylim(-0.12 * highest, 1.15 * highest)
    plots.label_axis(ax.xaxis, "time after word line", "s")
    plots.label_axis(ax.yaxis, "voltage", "V")


def _bracket(ax: Axes, trials: _Trials) -> None:
    """Width of every trial, and the bracket after each."""
    number = np.arange(1, trials.width.size + 1)
    written = np.where(trials.written, trials.width, np.inf)
    failed = np.where(trials.written, 0.0, trials.width)
    upper, lower = np.minimum.accumulate(written), np.maximum.accumulate(failed)
    known = np.isfinite(upper)
    bottom = 0.5 * trials.width[trials.width > 0].min()
    ax.set_yscale("log")
    ax.fill_between(number[known], np.maximum(lower, bottom)[known], upper[known], color=plots.LIGHT, step="post", lw=0)
    ax.set_ylim(bottom=bottom)
    for mask, name, fill in ((trials.written, "written", "black"), (~trials.written, "not written", "white")):
        shown = mask & (trials.width > 0)
        ax.plot(number[shown], trials.width[shown], "o", color="black", markerfacecolor=fill, label=name)
    ax.legend(loc="upper right")
    ax.set_xlim(0.5, number[-1] + 0.5)
    plots.label_axis(ax.xaxis, "trial", "1")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    plots.label_axis(ax.yaxis, "pulse width", "s", log=True)


if __name__ == "__main__":
    sys.exit(figures.main("write_pulse"))
