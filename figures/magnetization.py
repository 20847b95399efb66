"""A write of an MRAM cell in both directions: lines and word line, and the magnetization with its cloud of samples.

Of a junction that leaves its axis all three components are drawn, of the others mz, which says it all.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import figures
from analysis import plots
from analysis.plots import Condition, NothingToDraw

GROUP = "mram_write"
STATES = {"p": "P to AP", "ap": "AP to P"}
LINES = {"stt1t1m": ("wl", "bl", "sl"), "sot2t1m": ("wwl", "wbl", "sl")}
"""Kind of a cell to its word line, write line and source line."""
ACROSS = ("mx", "my")
"""Components that only a junction with a field or a heavy metal has."""


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw without waveforms of a write."""
    with plots.read(results_dir / "characterization.nc") as data:
        condition, about = plots.reference_condition(data), data[[]].load()
    kind = json.loads(about.attrs.get("cell", "{}")).get("kind")
    lines = LINES.get(kind, LINES["stt1t1m"])
    names = [f"{node}_{state}" for state in STATES for node in (*lines, "mz")]
    across = [f"x{state}.xmtj.{node}" for state in STATES for node in ACROSS] if kind == "sot2t1m" else []
    found = _read(results_dir, condition, ["time", *names, *across])
    caption = (
        f"{plots.provenance(about, condition, 'first 50 drawn')} Cell of kind {kind}. On top voltages of the nominal "
        "cell; below mz, 1 in P and -1 in AP: thick the nominal cell, thin samples with their initial angles"
        f"{'; mx, along the field, and my of the nominal cell alone' if across else ''}."
    )
    flips = [float(found[f"mz_{state}_nominal"][-1]) * sign < 0 for state, sign in zip(STATES, (1, -1), strict=True)]
    verdict = "flips the cell both ways" if all(flips) else "does not flip the nominal cell both ways"
    figure = plots.new_figure(4.6, f"A write pulse {verdict}", caption)
    axes = figure.subplots(2, 2, sharex="col", sharey="row", height_ratios=(1.0, 1.3))
    for column, (state, text) in enumerate(STATES.items()):
        _lines(axes[0, column], found, lines, state)
        axes[0, column].set_title(text)
        _magnetization(axes[1, column], found, state)
    plots.label_axis(axes[0, 0].yaxis, "voltage", "V")
    axes[1, 0].set_ylabel("magnetization [1]" if across else "mz [1]")
    axes[0, 1].legend(loc="center", bbox_to_anchor=(0.33, 0.5))
    if across:
        axes[1, 0].legend(loc="upper right")
    return figure


def _read(folder: Path, condition: Condition, names: list[str]) -> xr.Dataset:
    """Waveforms of the samples and, without its padding, of the nominal cell."""
    with plots.read(folder / "curves.nc", GROUP) as stored:
        wanted = [f"{name}{end}" for name in names for end in ("", "_nominal")]
        plots.require(stored, tuple(wanted), f"curves.nc, group {GROUP},")
        found = stored[wanted].sel(condition.where).load()
    long = np.isfinite(found["time_nominal"].values)
    if not long.any():
        raise NothingToDraw(f"{GROUP} has no nominal curves at {condition}")
    nominal = {f"{name}_nominal": ("time_step", found[f"{name}_nominal"].values[long]) for name in names}
    return found.drop_vars(list(nominal)).assign(nominal)


def _lines(ax: Axes, found: xr.Dataset, lines: tuple[str, ...], state: str) -> None:
    for look, line, text in zip(plots.LOOKS, lines, ("word line", "write line", "source line"), strict=False):
        ax.plot(
            found["time_nominal"], found[f"{line}_{state}_nominal"], color=look.color, linestyle=look.linestyle,
            label=text,
        )  # fmt: skip


def _magnetization(ax: Axes, found: xr.Dataset, state: str) -> None:
    if found.sizes.get("sample", 0) > 1:
        plots.cloud(ax, found["time"].values, found[f"mz_{state}"].values)
    ax.axhline(0.0, color="0.5", linewidth=0.8)
    ax.plot(found["time_nominal"], found[f"mz_{state}_nominal"], color="black", zorder=3, label="mz")
    for look, node in zip(plots.LOOKS[1:], ACROSS, strict=False):
        if (name := f"x{state}.xmtj.{node}_nominal") in found:
            ax.plot(found["time_nominal"], found[name], color=look.color, linestyle=look.linestyle, label=node)
    ax.set_ylim(-1.1, 1.1)
    ax.set_yticks((-1, 0, 1))
    ax.set_xlim(0.0, float(np.nanmax(found["time_nominal"])))
    plots.label_axis(ax.xaxis, "time", "s")


if __name__ == "__main__":
    sys.exit(figures.main("magnetization"))
