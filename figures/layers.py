"""Cycles of computation of each layer of a network in both designs, and what each type of layer gains."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import figures
from analysis import network, plots, workloads
from analysis.architecture import MacroError
from analysis.network import BASELINE, DDC
from analysis.plots import NothingToDraw


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory, for the first network of ``network.csv``; cycles follow from the mapping."""
    with plots.read(results_dir / "macro.nc") as macro:
        about = macro.load()
    names = plots.read_csv(results_dir / "network.csv")
    if missing := [column for column in ("network", "mapping") if column not in names]:
        raise NothingToDraw(f"network.csv has no column {', '.join(missing)}")
    name, mapping = str(names["network"].iloc[0]), network.Mapping(**json.loads(names["mapping"].iloc[0]))
    try:
        found = network.evaluate(workloads.load(name, results_dir / "layers"), about, mapping, name=name)
        table = network.layer_table(found)
    except (MacroError, workloads.WorkloadError) as error:
        raise NothingToDraw(f"no layers of {name}: {error}") from error
    geometry = network.MacroGeometry.of(about)
    caption = (
        f"{name} on {geometry.macros} macros of {geometry.compartments} compartments x {geometry.rows} rows x "
        f"{geometry.columns} columns, {geometry.weight_bits}-bit weights, {geometry.input_bits}-bit inputs. Cycles of "
        "computation follow from the mapping alone: the same at every condition and for every sample; no samples. "
        "Legend below: speed-up of all layers of a type, and their share of the baseline's cycles."
    )
    figure = plots.new_figure(4.6, _title(table), caption)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1.5, 1))
    _cycles(top, table)
    _gains(bottom, table)
    return figure


def _title(table: pd.DataFrame) -> str:
    """The message: which type of layer gains most."""
    gain, share = _types(table)
    best = gain.idxmax()
    gained, part = f"{gain[best]:.1f} times", f"{100 * share[best]:.0f} %"
    return f"{str(best).capitalize()} layers gain most: {gained}, on {part} of the baseline's cycles"


def _types(table: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Speed-up of each type of layer, and its share of the baseline's cycles."""
    sums = table.groupby("type", sort=False)[[f"cycles_{BASELINE}", f"cycles_{DDC}"]].sum()
    before = sums[f"cycles_{BASELINE}"]
    return before / sums[f"cycles_{DDC}"], before / before.sum()


def _cycles(ax: Axes, table: pd.DataFrame) -> None:
    """Bars of both designs, the faster one inside the slower one."""
    x = np.arange(1, len(table) + 1)
    ax.bar(x, table[f"cycles_{BASELINE}"], 0.85, color=plots.LIGHT, edgecolor="black", linewidth=0.4,
           label="baseline (Q only)")  # fmt: skip
    ax.bar(x, table[f"cycles_{DDC}"], 0.45, color=plots.DARK, label="DDC (Q and Q-bar)")
    plots.label_axis(ax.yaxis, "cycles", "1")
    ax.legend(loc="best")
    ax.grid(visible=False, axis="x")


def _gains(ax: Axes, table: pd.DataFrame) -> None:
    """Speed-up of each layer, one mark per type; the legend says what each type gains as a whole."""
    x = np.arange(1, len(table) + 1)
    gain, share = _types(table)
    for kind, look in zip(workloads.LAYER_TYPES, plots.LOOKS, strict=False):
        chosen = (table["type"] == kind).to_numpy()
        if chosen.any():
            label = f"{kind}: {gain[kind]:.2f}, {100 * share[kind]:.0f} %"
            ax.plot(x[chosen], table[f"speedup_{DDC}"][chosen], look.marker, color=look.color, linestyle="none",
                    markerfacecolor="white", markeredgewidth=1.1, label=label)  # fmt: skip
    ax.set_ylim(0.0, 1.15 * float(table[f"speedup_{DDC}"].max()))
    plots.label_axis(ax.yaxis, "speed-up", "1")
    ax.set_xlim(0.0, len(table) + 1.0)
    ax.set_xlabel("layer, in the order of the network [1]")
    ax.legend(loc="lower center", ncols=4)


if __name__ == "__main__":
    sys.exit(figures.main("layers"))
