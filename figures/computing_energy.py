"""Energy of computing: a table over pairs of successive inputs for each stored bit, and the parts on both paths."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import figures
from analysis import plots
from analysis.plots import Condition, NothingToDraw
from charlib.conditions import OFFSETS
from charlib.metrics.operation import COMPUTED, pair_energies
from charlib.waveforms import Block
from figures.operation import nominal
from netlists.operation import INPUTS
from netlists.readpath import ReadPath
from netlists.setting import STATES

GROUP = "compute"
PARTS = {"bitline": "bit lines, cells", "precharge": "precharge signal", "drivers": "word line, inputs",
         "gates": "output gates", "leak": "leakage"}  # fmt: skip
"""Part of the energy, as metrics' names end, to its name in the figure."""
FILLS = ("0.25", "0.45", "0.62", "0.78", "0.92")
PATHS = {"": "both outputs", "_single": "P alone"}


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where waveforms or metrics are missing."""
    with plots.read(results_dir / "characterization.nc") as data:
        condition = plots.reference_condition(data)
        names = [f"e_compute_{part}{path}_lobes" for path in PATHS for part in PARTS]
        plots.require(data, tuple(names), "characterization.nc")
        parts = data[names].sel(condition.where).load()
    pairs = {state: _pairs(results_dir, condition, state) for state in STATES}
    caption = (
        f"{plots.provenance(parts, condition, 'mean in the bars')} Energy from the supplies. Tables: nominal cell, "
        "without leakage, inputs INP INN of a cycle (columns) after those of the cycle before (rows). Bars: mean over "
        "all pairs and both stored bits; leakage is that at rest over one cycle."
    )
    totals = {path: sum(_mean(parts, part, path) for part in PARTS) for path in PATHS}
    ratio = totals[""] / totals["_single"]
    figure = plots.new_figure(3.6, f"Computing on both nodes costs {ratio:.2f} times the energy of Q alone", caption)
    axes = figure.subplots(1, 3, width_ratios=(1.0, 1.0, 1.0))
    largest = max(table.max() for table in pairs.values())
    for ax, (state, (q, _)) in zip(axes, STATES.items(), strict=False):
        _table(ax, pairs[state], largest, f"stored Q = {q} [fJ]")
    _bars(axes[2], parts)
    return figure


def _pairs(folder: Path, condition: Condition, state: str) -> np.ndarray:
    """Energy [J] by numbers of the inputs before and of those of the cycle, shape (4, 4)."""
    if any(condition.offsets.get(axis) for axis in OFFSETS):
        raise NothingToDraw(f"{GROUP} is drawn without offsets only, not at {condition}")
    waves = nominal(folder, GROUP, condition, [f"v{supply}_{state}#branch" for supply in ReadPath().supplies])
    vectors = {str(name): waves[name].values[None] for name in waves.data_vars}
    cycle = float(vectors["time"][0, -1]) / len(COMPUTED)
    energies = pair_energies(Block(vectors, {"vdd": condition.vdd, "cycle": cycle}), state)[:, 0]
    table = np.full((4, 4), np.nan)
    for before, number, energy in zip(COMPUTED, COMPUTED[1:], energies, strict=False):
        table[before, number] = energy
    return table


def _mean(parts: xr.Dataset, part: str, path: str) -> float:
    """Mean energy [J] of a part over samples and stored bits."""
    return float(parts[f"e_compute_{part}{path}_lobes"].mean())


def _table(ax: Axes, energies: np.ndarray, largest: float, title: str) -> None:
    ax.imshow(energies, cmap="Greys", vmin=0.0, vmax=1.6 * largest)
    for (i, j), energy in np.ndenumerate(energies):
        ax.text(j, i, f"{energy * 1e15:.2f}", ha="center", va="center", fontsize=plots.SMALL)
    labels = ["{} {}".format(*pair) for pair in INPUTS]
    ax.set_xticks(range(4), labels)
    ax.set_yticks(range(4), labels)
    ax.set_xlabel("inputs [1]")
    ax.set_ylabel("inputs before [1]")
    ax.set_title(title)
    ax.grid(visible=False)


def _bars(ax: Axes, parts: xr.Dataset) -> None:
    below = np.zeros(len(PATHS))
    for (part, text), fill in zip(PARTS.items(), FILLS, strict=True):
        heights = np.array([_mean(parts, part, path) for path in PATHS])
        ax.bar(range(len(PATHS)), heights, bottom=below, color=fill, edgecolor="0.0", linewidth=0.5, label=text)
        below += heights
    ax.set_xticks(range(len(PATHS)), list(PATHS.values()))
    ax.set_ylim(0.0, 1.75 * below.max())
    plots.label_axis(ax.yaxis, "energy per cycle", "J")
    ax.set_xlabel("read path [1]")
    ax.legend(loc="upper right", fontsize=plots.SMALL)


if __name__ == "__main__":
    sys.exit(figures.main("computing_energy"))
