"""Waveforms of one read-and-precharge cycle of the complementary read path, in both stored states."""

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

import figures
from analysis import plots
from analysis.plots import Condition, Look, NothingToDraw
from charlib.metrics.readpath import OUTPUTS
from charlib.waveforms import crossing

GROUP = "read_path"
STATES = {"q": "stored Q = 1: BLB falls, P rises", "qb": "stored Q = 0: BL falls, N rises"}
NODES: dict[str, tuple[str, Look]] = {
    "wl": ("word line", plots.LOOKS[0]),
    "pre_b": ("precharge, low = on", Look("0.5", (0, (1, 1)), "")),
    "bl": ("BL", plots.LOOKS[1]),
    "blb": ("BLB", plots.LOOKS[2]),
    "p": ("output P", plots.LOOKS[3]),
    "n": ("output N", plots.LOOKS[4]),
    "q": ("cell node Q", Look("#b8860b", "-", "")),
    "qb": ("cell node Q-bar", Look("#b8860b", (0, (4, 2)), "")),
}
"""Node to its name in the legend and its look."""
EVENT = ("wl", "bl", "blb", "p", "n")
CELL = ("q", "qb")
BEFORE, AFTER = 0.6, 2.2
"""Time shown before and after the word line rises, in nominal delays of the slower output [1]."""


@dataclass(frozen=True)
class _Waves:
    """Waveforms of one stored state, time zero where each one's word line crosses 50 %.

    Attributes:
        time: [s], shape (sample, point); row 0 is the nominal cell. NaN beyond a waveform's end.
        nodes: node to its voltage [V], same shape.
        delay: word line to the rising output of the nominal cell, 50 % to 50 % [s]; NaN where it does not rise.
    """

    time: np.ndarray
    nodes: dict[str, np.ndarray]
    delay: float


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where waveforms are missing."""
    with plots.read(results_dir / "characterization.nc") as data:
        condition, about = plots.reference_condition(data), data.load()
    stored = _read(results_dir, condition)
    drawn = stored.sizes["sample"] if plots.samples(about) else 0
    waves = {state: _waves(stored, state, condition.vdd, drawn) for state in STATES}
    if not any(np.isfinite(w.delay) for w in waves.values()):
        raise NothingToDraw(f"no output of the nominal read path rises at {condition}")
    caption = (
        f"{plots.provenance(about, condition, f'first {drawn} drawn')} Thick: nominal cell{'; thin: samples' * (drawn > 0)}. "
        "Inputs INP = INN = 1. Time zero: word line of the same cell at VDD/2. Arrow: nominal read delay, VDD/2 to VDD/2. "
        "Grey background on top: what the panels below show."
    )
    figure = plots.new_figure(8.2, "Each stored bit lets its own bit line fall and raises its own output only", caption)
    axes = figure.subplots(3, 2, height_ratios=(1.0, 1.9, 1.0), sharey="row")
    for column, (state, title) in enumerate(STATES.items()):
        _column(axes[:, column], waves[state], state, condition.vdd)
        axes[0, column].set_title(title)
    for row, title in enumerate(("whole cycle", "the event", "disturbance of the cell")):
        plots.label_axis(axes[row, 0].yaxis, f"{title}: voltage", "V")
    handles = [Line2D([], [], color=k.color, linestyle=k.linestyle, label=text) for text, k in NODES.values()]
    figure.legend(handles=handles, loc="outside right upper")
    return figure


def _read(folder: Path, condition: Condition) -> xr.Dataset:
    """Waveforms at a condition."""
    with plots.read(folder / "curves.nc", GROUP) as stored:
        names = ["time", *(f"{node}_{state}" for state in STATES for node in NODES)]
        wanted = [f"{name}{end}" for name in names for end in ("", "_nominal")]
        plots.require(stored, tuple(wanted), f"group {GROUP}")
        return stored[wanted].sel(condition.where).load()


def _waves(stored: xr.Dataset, state: str, vdd: float, drawn: int) -> _Waves:
    def rows(name: str) -> np.ndarray:
        samples = stored[name].values[:drawn].astype(float)
        return np.concatenate([stored[f"{name}_nominal"].values[None].astype(float), samples])

    time, nodes = rows("time"), {node: rows(f"{node}_{state}") for node in NODES}
    start = crossing(time, nodes["wl"], vdd / 2, rising=True)
    fired = crossing(time, nodes[OUTPUTS[state][0]], vdd / 2, rising=True)
    return _Waves(time - start[:, None], nodes, float(fired[0] - start[0]))


def _column(axes: np.ndarray, waves: _Waves, state: str, vdd: float) -> None:
    """Whole cycle, event and cell of one stored state, from top to bottom."""
    cycle, event, cell = axes
    _lines(cycle, waves, tuple(NODES), cloud=False)
    _lines(event, waves, EVENT, cloud=True)
    _lines(cell, waves, CELL, cloud=True)
    delay = waves.delay if np.isfinite(waves.delay) else float(np.nanmax(waves.time[0])) / 10
    shown = (-BEFORE * delay, AFTER * delay)
    cycle.axvspan(*shown, color="0.88", zorder=0)
    cycle.set_xlim(np.nanmin(waves.time[0]), np.nanmax(waves.time[0]))
    for ax in (event, cell):
        ax.set_xlim(*shown)
    for ax in axes:
        ax.set_ylim(-0.07 * vdd, 1.12 * vdd)
        plots.label_axis(ax.xaxis, "time after word line", "s")
    if np.isfinite(waves.delay):
        _arrow(event, waves.delay, OUTPUTS[state][0], vdd)


def _lines(ax: Axes, waves: _Waves, nodes: tuple[str, ...], cloud: bool) -> None:
    for node in nodes:
        look = NODES[node][1]
        if cloud and len(waves.time) > 1:
            lines = np.stack([waves.time[1:], waves.nodes[node][1:]], axis=-1)
            lines = [line[np.isfinite(line).all(axis=1)] for line in lines]
            ax.add_collection(
                LineCollection(lines, colors=look.color, linewidths=0.35, alpha=0.35, rasterized=True, zorder=1)
            )
        width = 1.9 if cloud else 1.2
        ax.plot(waves.time[0], waves.nodes[node][0], color=look.color, linestyle=look.linestyle, linewidth=width)


def _arrow(ax: Axes, delay: float, output: str, vdd: float) -> None:
    """The delay between the two crossings of VDD/2."""
    ax.annotate("", (0.0, vdd / 2), (delay, vdd / 2), zorder=8,
                arrowprops={"arrowstyle": "<->", "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0})  # fmt: skip
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.9, "pad": 1.0}
    ax.annotate(f"t_read_{output} = {plots.quantity(delay, 's')}", (delay, vdd / 2), (6, 0), ha="left", va="center",
                textcoords="offset points", fontsize=plots.SMALL, bbox=box, zorder=9)  # fmt: skip


if __name__ == "__main__":
    sys.exit(figures.main("read_path"))
