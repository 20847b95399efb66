"""Adder trees by events against all of their transistors: energy and latest arrival of every pair of vectors."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import figures
from analysis import plots
from analysis.addertree import latest
from analysis.plots import NothingToDraw

FILE = "tree_check.nc"


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where no tree was checked."""
    trees = _read(results_dir / FILE)
    name, first = next(iter(trees.items()))
    about = first.attrs
    where = sorted({f"{t.attrs['process']}, VDD {t.attrs['vdd']:g} V, {plots.celsius(t.attrs['temp'])}"
                    for t in trees.values()})  # fmt: skip
    caption = (
        f"{about['technology']}, {'; '.join(where)}; nominal gates; random vectors, seed {about['seed']}. Each dot is "
        "a pair of vectors: energy from all supplies over a period, and the last crossing of VDD/2 by any output after "
        "the inputs'. A pair whose outputs stay has no delay. Line: equal."
    )
    title = (
        f"Adder tree {name} by events: mean energy {about['energy_error']:+.1%}, "
        f"latest arrival {about['delay_error']:+.1%} from its transistors"
    ).replace("-", "\N{MINUS SIGN}")
    figure = plots.new_figure(4.6, title, caption)
    grid = figure.add_gridspec(2, 2, height_ratios=(0.22, 2.0))
    handles = [
        Line2D([], [], color=look.color, marker=look.marker, linestyle="", label=f"{key}, {tree.sizes['pair']} pairs")
        for (key, tree), look in zip(trees.items(), plots.LOOKS, strict=False)
    ]
    plots.legend_row(figure.add_subplot(grid[0, :]), handles, columns=4, title="words x bits")
    _scatter(figure.add_subplot(grid[1, 0]), trees, lambda tree: tree["pair_energy"].sum("supply"), "energy", "J")
    _scatter(figure.add_subplot(grid[1, 1]), trees, latest, "latest arrival", "s")
    return figure


def _read(path: Path) -> dict[str, xr.Dataset]:
    """Trees of a file, those with most pairs first."""
    plots.read(path).close()
    with xr.open_datatree(path) as stored:
        trees = {name: stored[name].to_dataset().load() for name in stored.children}
    for name, tree in trees.items():
        plots.require(tree, ("pair_energy", "arrival"), f"{path.name}, group {name},")
    if not trees:
        raise NothingToDraw(f"{path.name} holds no tree")
    ordered = sorted(trees.items(), key=lambda item: -item[1].sizes["pair"])
    return dict(ordered[: len(plots.LOOKS)])


def _scatter(
    ax: Axes, trees: dict[str, xr.Dataset], number: Callable[[xr.Dataset], xr.DataArray], name: str, unit: str
) -> None:
    """Events over transistors, and the line where both are equal."""
    ends = []
    for tree, look in zip(trees.values(), plots.LOOKS, strict=False):
        events, simulated = (number(tree).sel(source=source).values for source in ("events", "simulated"))
        ax.plot(simulated, events, look.marker, color=look.color, markersize=2.5, alpha=0.7)
        both = np.concatenate([events, simulated])
        ends += [np.nanmin(both), np.nanmax(both)]
    room = 0.04 * (max(ends) - min(ends))
    limits = (min(ends) - room, max(ends) + room)
    ax.plot(limits, limits, color="0.5", linewidth=0.8, zorder=0)
    ax.set_xlim(limits)
    ax.set_ylim(limits)
    ax.set_aspect("equal")
    plots.label_axis(ax.xaxis, f"{name}, transistors", unit)
    plots.label_axis(ax.yaxis, f"{name}, events", unit)


if __name__ == "__main__":
    sys.exit(figures.main("adder_tree"))
