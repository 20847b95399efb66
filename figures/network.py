"""Latency and energy of each network on the baseline macros and on those that use both nodes of the cell."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

import figures
from analysis import plots
from analysis.network import BASELINE, COMPONENTS
from analysis.plots import NothingToDraw

DESIGNS = {"baseline": "baseline", "ddc": "DDC"}
OFF_CHIP = "dram"
FILLS = (
    ("0.25", ""),
    ("white", ""),
    ("0.5", ""),
    ("0.82", ""),
    ("white", "||||"),
    ("0.65", ""),
    ("white", "////"),
)
"""Fill and hatch of each component of the energy."""
COLUMNS = ("network", "design", "process", "vdd_v", "temp_k", "latency_s", "energy_j", "speedup")


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw without both designs at the shown condition."""
    with plots.read(results_dir / "macro.nc") as macro:
        condition, about = plots.reference_condition(macro), macro[[]].load()
    frame = plots.read_csv(results_dir / "network.csv")
    missing = [column for column in COLUMNS if column not in frame]
    if missing:
        raise NothingToDraw(f"network.csv has no column {', '.join(missing)}")
    here = frame[
        (frame["process"] == condition.process)
        & np.isclose(frame["vdd_v"], condition.vdd)
        & np.isclose(frame["temp_k"], condition.temp)
    ]
    designs = [name for name in DESIGNS if name in set(here["design"])]
    if BASELINE not in designs or len(designs) < 2 or not np.isfinite(here["latency_s"]).any():
        raise NothingToDraw(f"network.csv has no numbers of two designs at {condition}")
    gains = here[here["design"] != BASELINE]
    cycles = ", ".join(f"{n} {s:.2f}" for n, s in zip(gains["network"], gains["speedup"], strict=True))
    caption = (
        f"{plots.provenance(about, condition)} Baseline: Q only; DDC: Q and Q-bar; ÷: baseline over DDC. Latency: "
        "cycle time for the slowest cell, weights written once. Energies of buffers and DRAM are published figures per "
        f"bit that do not scale with VDD. Speed-up in cycles of computation alone: {cycles}."
    )
    networks = list(dict.fromkeys(here["network"]))
    figure = plots.new_figure(1.9 + 1.25 * len(networks), _title(here), caption)
    _panels(figure, here.set_index(["network", "design"]), networks, designs)
    return figure


def _title(here: pd.DataFrame) -> str:
    """The message: by how much the networks gain."""
    ratios = _ratio(here, "latency_s").to_numpy()
    low, high = f"{np.nanmin(ratios):.2f}", f"{np.nanmax(ratios):.2f}"
    times = low if low == high else f"{low} to {high}"
    names = here["network"].unique()
    who = f"{names[0]} runs" if len(names) == 1 else "networks run"
    return f"Both nodes of the cell compute: {who} {times} times as fast"


def _ratio(here: pd.DataFrame, column: str) -> pd.Series:
    """Baseline over the other design, by network."""
    wide = here.pivot_table(index="network", columns="design", values=column, sort=False)
    return wide[BASELINE] / wide[next(d for d in DESIGNS if d != BASELINE)]


def _panels(figure: Figure, table: pd.DataFrame, networks: list[str], designs: list[str]) -> None:
    """One row per network: latency, energy on chip by component, and energy with DRAM; ``table`` by network, design."""
    parts = {
        f"energy_{component}_j": (*fill, component.replace("_", " ").replace("dram", "DRAM"))
        for component, fill in zip(COMPONENTS, FILLS, strict=True)
        if f"energy_{component}_j" in table
    }
    inside = {column: look for column, look in parts.items() if column != f"energy_{OFF_CHIP}_j"}
    columns = {
        "latency": ({"latency_s": (plots.LOOKS[2].color, "", "")}, "latency of one inference", "s"),
        "chip": (inside, "energy without DRAM", "J"),
        "whole": (parts or {"energy_j": (plots.DARK, "", "")}, "energy with DRAM", "J"),
    }
    columns = {name: column for name, column in columns.items() if column[0]}
    places = [[f"{column}_{network}" for column in columns] for network in networks]
    axes = figure.subplot_mosaic(
        [["legend"] * len(columns), *places], height_ratios=(0.5, *[1.0] * len(networks)), empty_sentinel=None
    )
    for network in networks:
        for index, (name, (own, label, unit)) in enumerate(columns.items()):
            ax = axes[f"{name}_{network}"]
            _bars(ax, table.loc[network].reindex(designs), own)
            plots.label_axis(ax.xaxis, label, unit)
            ax.set_ylabel(network if index == 0 else "")
            if index:
                ax.tick_params(axis="y", labelleft=False)
    handles = [Patch(facecolor=f, hatch=h, edgecolor="black", linewidth=0.6, label=t) for f, h, t in parts.values()]
    plots.legend_row(axes["legend"], handles, columns=4, title="energy by place")


def _bars(ax: Axes, table: pd.DataFrame, parts: dict[str, tuple[str, str, str]]) -> None:
    """Stacked horizontal bars, one per design from the top down, with the gain beside each but the baseline.

    Args:
        table: one row per design.
        parts: column to fill, hatch and label, from the left.
    """
    y, left = np.arange(len(table)), np.zeros(len(table))
    for column, (fill, hatch, _) in parts.items():
        length = np.nan_to_num(table[column].to_numpy(dtype=float))
        ax.barh(y, length, 0.72, left, facecolor=fill, hatch=hatch, edgecolor="black", linewidth=0.6)
        left += length
    for i in range(1, len(table)):
        if left[i] > 0:
            plots.label_point(ax, f"÷ {left[0] / left[i]:.2f}", (left[i], y[i]), (4, 0), weight="bold")
    ax.set_yticks(y, [DESIGNS[design] for design in table.index])
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set_xlim(0.0, 1.12 * max(float(left.max()), np.finfo(float).tiny))
    ax.grid(visible=False, axis="y")


if __name__ == "__main__":
    sys.exit(figures.main("network"))
