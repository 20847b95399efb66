"""A read path at work: waveforms of all eight combinations of the stored bit and both inputs."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import figures
from analysis import plots
from analysis.plots import Look, NothingToDraw
from charlib.waveforms import at
from netlists.operation import INPUTS, SAMPLED, TRUTH
from netlists.setting import STATES

GROUP = "truth"
LINES: dict[str, tuple[str, Look]] = {
    "wl": ("word line", plots.LOOKS[0]),
    "pre_b": ("precharge, low = on", Look("0.5", (0, (1, 1)), "")),
    "bl": ("BL", plots.LOOKS[1]),
    "blb": ("BLB", plots.LOOKS[2]),
}
OUTPUTS: dict[str, tuple[str, Look]] = {"p": ("output P", plots.LOOKS[3]), "n": ("output N", plots.LOOKS[4])}
"""Node to its name in the legend and its look."""


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where waveforms are missing."""
    with plots.read(results_dir / "characterization.nc") as data:
        condition, about = plots.reference_condition(data), data[[]].load()
    waves = nominal(results_dir, GROUP, condition, [f"{n}_{s}" for s in STATES for n in (*LINES, *OUTPUTS)])
    time = waves["time"].values[None]
    cycle = float(time[0, -1]) / len(TRUTH)
    right = True
    caption = (
        f"{plots.provenance(about, condition, 'not drawn')} Nominal cell, cycle {plots.quantity(cycle, 's')}. Inputs "
        "change at the grey lines. Marks: outputs where they are sampled, and the bit that is due."
    )
    figure = plots.new_figure(6.2, "", caption)
    grid = [["legend", "legend"], *([f"{row}_{state}" for state in STATES] for row in ("lines", "outputs"))]
    axes = figure.subplot_mosaic(grid, height_ratios=(0.2, 1.0, 1.0))
    for state, (q, qb) in STATES.items():
        for row, looks in (("lines", LINES), ("outputs", OUTPUTS)):
            ax = axes[f"{row}_{state}"]
            for node, (_, look) in looks.items():
                ax.plot(time[0], waves[f"{node}_{state}"], color=look.color, linestyle=look.linestyle)
            _cycles(ax, cycle, condition.vdd)
        axes[f"lines_{state}"].set_title(f"stored Q = {q}: lines")
        axes[f"outputs_{state}"].set_title(f"stored Q = {q}: P = INP and Q, N = INN and not Q")
        for output, side, bit in (("p", 0, q), ("n", 1, qb)):
            wave = waves[f"{output}_{state}"].values[None]
            right &= _bits(axes[f"outputs_{state}"], time, wave, cycle, condition.vdd, (output, side, bit))
    good = "All eight combinations of Q, INP and INN give the right outputs"
    figure.suptitle(good if right else "The nominal read path gives wrong outputs", x=0.012, ha="left")
    looks = (*LINES.values(), *OUTPUTS.values())
    handles = [Line2D([], [], color=look.color, linestyle=look.linestyle, label=text) for text, look in looks]
    plots.legend_row(axes["legend"], handles, columns=6)
    return figure


def nominal(folder: Path, group: str, condition: plots.Condition, names: list[str]) -> xr.Dataset:
    """Waveforms of the nominal cell on a testbench at a condition; raises NothingToDraw where they are missing."""
    with plots.read(folder / "curves.nc", group) as stored:
        plots.require(stored, ("time", *names), f"curves.nc, group {group},")
        found = stored[["time", *names]].sel(condition.where).isel(step=0).load()
    found = found.isel(point=np.isfinite(found["time"].values)).astype(float)
    if not found.sizes["point"]:
        raise NothingToDraw(f"{group} has no nominal waveforms at {condition}")
    return found


def _cycles(ax: Axes, cycle: float, vdd: float) -> None:
    """Where inputs change, and what they are."""
    for i, number in enumerate(TRUTH):
        ax.axvline(i * cycle, color="0.7", linewidth=0.8, zorder=0)
        text = "INP {} INN {}".format(*INPUTS[number])
        ax.text((i + 0.5) * cycle, 1.21 * vdd, text, ha="center", va="top", fontsize=plots.SMALL)
    ax.set_xlim(0.0, len(TRUTH) * cycle)
    ax.set_ylim(-0.1 * vdd, 1.23 * vdd)
    plots.label_axis(ax.xaxis, "time", "s")
    plots.label_axis(ax.yaxis, "voltage", "V")


def _bits(ax: Axes, time: np.ndarray, wave: np.ndarray, cycle: float, vdd: float, what: tuple[str, int, int]) -> bool:
    """Mark an output where it is sampled with the bit that is due; whether all are right.

    Args:
        what: output, the place of its input, its stored bit.
    """
    output, side, stored = what
    look, right = OUTPUTS[output][1], True
    for i, number in enumerate(TRUTH):
        when, due = (i + SAMPLED) * cycle, INPUTS[number][side] & stored
        level = float(at(time, wave, when)[0])
        right &= (level >= vdd / 2) == bool(due)
        ax.plot([when], [level], color=look.color, marker=look.marker, linestyle="", clip_on=False, zorder=5)
        offset = (7, 3) if output == "p" else (-7, 3)
        ax.annotate(f"{output.upper()} {due}", (when, level), offset, textcoords="offset points",
                    ha="left" if output == "p" else "right", fontsize=plots.SMALL, color=look.color)  # fmt: skip
    return right


if __name__ == "__main__":
    sys.exit(figures.main("operation"))
