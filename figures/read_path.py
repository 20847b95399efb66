"""Waveforms of one read-and-precharge cycle of the complementary read path, in both stored states."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import figures
from analysis import plots
from analysis.plots import Condition, Look, NothingToDraw
from charlib.metrics.readpath import OUTPUTS
from charlib.waveforms import crossing

GROUP = "read_path"
STATES = {"q": "stored Q = 1", "qb": "stored Q = 0"}
ROWS = ("cycle", "event", "cell")
"""Rows of panels, from top to bottom."""
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
AFTER, LONGEST = 2.2, 5.0
"""Time shown after the word line rises, and at most for the sake of slow samples, in nominal delays [1]."""
BEFORE = 0.27
"""Time shown before the word line rises over that after it [1]."""


@dataclass(frozen=True)
class _Waves:
    """Waveforms of one stored state, time zero where each one's word line crosses 50 %.

    Attributes:
        time: [s], shape (sample, point); row 0 is the nominal cell. NaN beyond a waveform's end.
        nodes: node to its voltage [V], same shape.
        delays: word line to the output that must rise, 50 % to 50 % [s], shape (sample,); NaN where it does not rise.
        quiet: largest voltage of the other output of the nominal cell [V].
    """

    time: np.ndarray
    nodes: dict[str, np.ndarray]
    delays: np.ndarray
    quiet: float

    @property
    def delay(self) -> float:
        """Delay of the nominal cell [s]."""
        return float(self.delays[0])


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where waveforms are missing."""
    with plots.read(results_dir / "characterization.nc") as data:
        condition, about = plots.reference_condition(data), data[[]].load()
    stored = _read(results_dir, condition)
    drawn = stored.sizes["sample"] if plots.samples(about) else 0
    waves = {state: _waves(stored, state, condition, drawn) for state in STATES}
    if not any(np.isfinite(w.delay) for w in waves.values()):
        raise NothingToDraw(f"no output of the nominal read path rises at {condition}")
    thin = "; thin: samples" if drawn else ""
    caption = (
        f"{plots.provenance(about, condition, f'first {drawn} drawn')} Thick: nominal cell{thin}. "
        f"Inputs INP = INN = 1. Time zero: word line of the same cell at {condition.level_text('wl')}/2. Arrow: "
        "nominal read delay, to VDD/2 of the output. Grey background on top: what the panels below show."
    )
    works = all(np.isfinite(w.delay) and w.quiet < condition.vdd / 2 for w in waves.values())
    good = "Each stored bit lets its own bit line fall and raises its own output only"
    title = good if works else "The nominal read path does not read both bits correctly"
    figure = plots.new_figure(7.4, title, caption)
    rows = figure.subplot_mosaic(
        [["legend", "legend"], *([f"{row}_{state}" for state in STATES] for row in ROWS)],
        height_ratios=(0.28, 1.0, 1.9, 1.0),
    )
    end = max(_event_end(w) for w in waves.values())
    for state in STATES:
        _column([rows[f"{row}_{state}"] for row in ROWS], waves[state], state, condition.vdd, end)
    handles = [Line2D([], [], color=k.color, linestyle=k.linestyle, label=text) for text, k in NODES.values()]
    plots.legend_row(rows["legend"], handles, columns=4)
    return figure


def _read(folder: Path, condition: Condition) -> xr.Dataset:
    """Waveforms at a condition."""
    with plots.read(folder / "curves.nc", GROUP) as stored:
        names = ["time", *(f"{node}_{state}" for state in STATES for node in NODES)]
        wanted = [f"{name}{end}" for name in names for end in ("", "_nominal")]
        plots.require(stored, tuple(wanted), f"curves.nc, group {GROUP},")
        return stored[wanted].sel(condition.where).load()


def _waves(stored: xr.Dataset, state: str, condition: Condition, drawn: int) -> _Waves:
    def rows(name: str) -> np.ndarray:
        samples = stored[name].values[:drawn].astype(float)
        return np.concatenate([stored[f"{name}_nominal"].values[None].astype(float), samples])

    time, nodes = rows("time"), {node: rows(f"{node}_{state}") for node in NODES}
    start = crossing(time, nodes["wl"], condition.level("wl") / 2, rising=True)
    rising, quiet, _ = OUTPUTS[state]
    fired = crossing(time, nodes[rising], condition.vdd / 2, rising=True)
    return _Waves(time - start[:, None], nodes, fired - start, float(np.nanmax(nodes[quiet][0], initial=-np.inf)))


def _column(axes: Sequence[Axes], waves: _Waves, state: str, vdd: float, end: float) -> None:
    """Whole cycle, event and cell of one stored state, from top to bottom; the event is shown up to ``end`` [s]."""
    cycle, event, cell = axes
    rising, _, falling = OUTPUTS[state]
    shown = (-BEFORE * end, end)
    _lines(cycle, waves, tuple(NODES), cloud=False)
    cycle.axvspan(*shown, color="0.88", zorder=0)
    cycle.set_xlim(np.nanmin(waves.time[0]), np.nanmax(waves.time[0]))
    cycle.set_title(f"{STATES[state]}: whole cycle")
    _lines(event, waves, EVENT, cloud=True)
    event.set_title(f"{falling.upper()} falls, {rising.upper()} rises")
    _name_lines(event, waves, rising, falling, vdd)
    _lines(cell, waves, CELL, cloud=True)
    cell.set_title("what the cell notices")
    for ax in (event, cell):
        ax.set_xlim(*shown)
    for ax in axes:
        ax.set_ylim(-0.07 * vdd, 1.15 * vdd)
        plots.label_axis(ax.xaxis, "time after word line", "s")
        plots.label_axis(ax.yaxis, "voltage", "V")


def _event_end(waves: _Waves) -> float:
    """End of the event [s]: the nominal output has risen, and the samples' unless they are far slower."""
    if not np.isfinite(waves.delay):
        return 0.0
    slowest = 1.25 * float(np.nanmax(waves.delays))
    return float(np.clip(slowest, AFTER * waves.delay, LONGEST * waves.delay))


def _lines(ax: Axes, waves: _Waves, nodes: tuple[str, ...], cloud: bool) -> None:
    for node in nodes:
        look = NODES[node][1]
        if cloud and len(waves.time) > 1:
            lines = np.stack([waves.time[1:], waves.nodes[node][1:]], axis=-1)
            lines = [line[np.isfinite(line).all(axis=1)] for line in lines]
            pale = 1 - 0.5 * (1 - np.array(to_rgb(look.color)))
            ax.add_collection(LineCollection(lines, colors=[pale], linewidths=0.3, rasterized=True, zorder=1))
        width = 1.9 if cloud else 1.2
        ax.plot(waves.time[0], waves.nodes[node][0], color=look.color, linestyle=look.linestyle, linewidth=width)


def _name_lines(ax: Axes, waves: _Waves, rising: str, falling: str, vdd: float) -> None:
    """Names beside the nominal lines that move, and the delay between their crossings of VDD/2."""
    time = waves.time[:1]
    for node, level, up, offset, ha in (
        ("wl", 0.75, True, -6, "right"),
        (falling, 0.88, False, 8, "left"),
        (rising, 0.75, True, 9, "left"),
    ):
        when = crossing(time, waves.nodes[node][:1], level * vdd, rising=up, after=0.0 if node != "wl" else -np.inf)
        if np.isfinite(when[0]):
            plots.label_point(ax, NODES[node][0], (when[0], level * vdd), (offset, 0), ha)
    if np.isfinite(waves.delay):
        ax.annotate("", (0.0, vdd / 2), (waves.delay, vdd / 2), zorder=8,
                    arrowprops={"arrowstyle": "<->", "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0})  # fmt: skip
        text = f"t_read_{rising} =\n{plots.quantity(waves.delay, 's')}"
        plots.label_point(ax, text, (waves.delay, vdd / 2), (9, 0))


if __name__ == "__main__":
    sys.exit(figures.main("read_path"))
