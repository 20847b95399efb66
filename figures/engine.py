"""What an inference takes by place on in-MRAM engines and SRAM macros, for short and long words."""

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
from analysis.plots import NothingToDraw

LOOKS = {
    "AND of two rows": (("and",), "0.2", ""),
    "SRAM macros": (("macro",), "white", "xxxx"),
    "counters": (("counter",), "0.55", ""),
    "accumulators": (("accumulator",), "white", "////"),
    "writing inputs": (("input_write",), "0.8", ""),
    "writing weights": (("weight_write",), "white", "...."),
    "leakage": (("leakage",), "0.4", ""),
    "buffers": (("input_buffer", "output_buffer", "global_buffer"), "white", "||||"),
}
"""Name to components, fill and hatch; DRAM is told beside the bar, which it would hide."""
LENGTHS = ((1, 1), (8, 8))
"""Lengths of weights and inputs of the columns of panels [bit]."""
NEEDED = ("network", "design", "layers", "weight_bits", "input_bits", "energy_j", "energy_without_dram_j")


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw without rows at any of ``LENGTHS``."""
    frame = plots.read_csv(results_dir / "engine.csv")
    if missing := [column for column in NEEDED if column not in frame]:
        raise NothingToDraw(f"engine.csv has no column {', '.join(missing)}")
    network, design = frame.iloc[0][["network", "design"]]
    with plots.read(results_dir / "engine.nc", f"{network}/{design}") as data:
        condition, about = plots.reference_condition(data), data[[]].load()
    here = frame[frame["layers"] == "all"]
    here = here.groupby(["network", "design"], sort=False, group_keys=False)[here.columns].apply(_nearest, condition)
    lengths = [pair for pair in LENGTHS if len(_of(here, pair))]
    if not lengths:
        raise NothingToDraw("engine.csv has none of " + ", ".join(f"{w}:{a}" for w, a in LENGTHS))
    networks = list(dict.fromkeys(here["network"]))
    caption = (
        f"{plots.provenance(about, condition)} One inference, all layers at the lengths of weights and inputs named. "
        "Gates of counters characterized; buffers and DRAM are published energies per bit that do not scale with VDD. "
        "Beside a bar: its energy, in brackets that with DRAM. SRAM macros at their own nearest condition."
    )
    height = 2.3 + 0.42 * len(here["design"].unique()) * len(networks)
    figure = plots.new_figure(height, _title(here, lengths[-1]), caption)
    places = [[f"{name}_{w}:{a}" for w, a in lengths] for name in networks]
    axes = figure.subplot_mosaic([["legend"] * len(lengths), *places], height_ratios=(0.5, *[1.0] * len(networks)))
    for name in networks:
        for pair in lengths:
            ax = axes[f"{name}_{pair[0]}:{pair[1]}"]
            rows = _of(here, pair)
            _bars(ax, rows[rows["network"] == name])
            plots.label_axis(ax.xaxis, f"{name}, W:A {pair[0]}:{pair[1]}", "J")
    handles = [
        Patch(facecolor=fill, hatch=hatch, edgecolor="black", linewidth=0.6, label=text)
        for text, (parts, fill, hatch) in LOOKS.items()
        if any(f"energy_{part}_j" in here for part in parts)
    ]
    plots.legend_row(axes["legend"], handles, 4)
    return figure


def _nearest(rows: pd.DataFrame, at: plots.Condition) -> pd.DataFrame:
    """Rows of one design at its condition nearest to another design's."""
    process = at.process if at.process in set(rows["process"]) else rows["process"].iloc[0]
    rows = rows[rows["process"] == process]
    for column, value in (("vdd_v", at.vdd), ("temp_k", at.temp)):
        apart = (rows[column] - value).abs()
        rows = rows[apart == apart.min()]
    return rows


def _of(rows: pd.DataFrame, pair: tuple[int, int]) -> pd.DataFrame:
    return rows[(rows["weight_bits"] == pair[0]) & (rows["input_bits"] == pair[1])]


def _title(here: pd.DataFrame, pair: tuple[int, int]) -> str:
    """The message: what takes most of the first design's energy at the longest words."""
    row = _of(here, pair).iloc[0]
    shares = {text: _energy(row, parts) / row["energy_without_dram_j"] for text, (parts, _, _) in LOOKS.items()}
    largest = max(shares, key=shares.get)
    what = largest if largest[:3].isupper() else largest[0].upper() + largest[1:]
    verb = "takes" if largest in ("AND of two rows", "leakage") or largest.startswith("writing") else "take"
    share = f"{100 * shares[largest]:.0f} %"
    return f"{what} {verb} {share} of the energy of {row['network']} at {pair[0]}:{pair[1]} on {row['design']}"


def _energy(row: pd.Series, parts: tuple[str, ...]) -> float:
    """Energy of components [J]; 0 of those that a design does not have."""
    return float(np.nansum([row.get(f"energy_{part}_j", np.nan) for part in parts]))


def _bars(ax: Axes, rows: pd.DataFrame) -> None:
    """Stacked horizontal bars, one per design from the top down."""
    y, left = np.arange(len(rows)), np.zeros(len(rows))
    for parts, fill, hatch in LOOKS.values():
        length = np.array([_energy(row, parts) for _, row in rows.iterrows()])
        ax.barh(y, length, 0.7, left, facecolor=fill, hatch=hatch, edgecolor="black", linewidth=0.6)
        left += length
    for place, (_, row) in enumerate(rows.iterrows()):
        chip, whole = (plots.quantity(row[name], "J") for name in ("energy_without_dram_j", "energy_j"))
        plots.label_point(ax, f"{chip} ({whole})", (left[place], y[place]), (4, 0))
    ax.set_yticks(y, list(rows["design"]), fontsize=plots.SMALL)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlim(0.0, 1.75 * max(float(left.max()), np.finfo(float).tiny))
    ax.grid(visible=False, axis="y")


if __name__ == "__main__":
    sys.exit(figures.main("engine"))
