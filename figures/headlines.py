"""Published speed-ups beside the model's: depthwise share and gain that meet them, and what each assumption changes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

import figures
from analysis import headlines, plots
from analysis.plots import NothingToDraw

FILE = "headlines.csv"
CURVE = "headlines_curve.csv"
COLUMNS = ("network", "assumption", "value", "published", "speedup", "share", "gain_depthwise")
MOST_GAIN = 200.0
"""Gain up to which the curve is drawn [1]."""


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw if a column is missing."""
    table, curve = _stored(results_dir / FILE, COLUMNS), _stored(results_dir / CURVE, ("network", "share", "gain"))
    networks = list(dict.fromkeys(table["network"]))
    ours = table[table["assumption"] == headlines.AS_ASSUMED.what].set_index("network")
    caption = (
        f"Published: {headlines.SOURCE}. Speed-up in all cycles over the same macro with Q alone, no factor fitted. "
        f"Top: lines meet the published figure with all other layers at {headlines.BOUND:g}; left of a line's end no "
        "gain is enough. Filled: all as assumed; open: one assumption replaced. Bottom: from all as assumed to one "
        "assumption replaced; dashed: published. Cycles follow from the mapping alone: the same at every condition and "
        "for every sample; no samples."
    )
    figure = plots.new_figure(8.4, _title(ours), caption)
    places = [["curve"] * len(networks), [f"bars_{name}" for name in networks]]
    axes = figure.subplot_mosaic(places, height_ratios=(1.0, 1.5))
    _curve(axes["curve"], table, curve, networks)
    for i, name in enumerate(networks):
        _bars(axes[f"bars_{name}"], table[table["network"] == name], labelled=i == 0)
        axes[f"bars_{name}"].set_xlim(0.96 * table["speedup"].min(), 1.04 * table["speedup"].max())
        plots.label_axis(axes[f"bars_{name}"].xaxis, "speed-up", "1")
    return figure


def _stored(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """A stored table; raises NothingToDraw if a column is missing."""
    table = plots.read_csv(path)
    if missing := [column for column in columns if column not in table]:
        raise NothingToDraw(f"{path.name} has no column {', '.join(missing)}")
    return table


def _title(ours: pd.DataFrame) -> str:
    """The message: what the mechanism gives of the published figures."""
    each = [f"{row['speedup']:.2f} of {row['published']:.2f} on {name}" for name, row in ours.iterrows()]
    return f"The mechanism gives {' and '.join(each)}"


def _curve(ax: Axes, table: pd.DataFrame, curve: pd.DataFrame, networks: list[str]) -> None:
    """Gain over share: the line that meets the published figure, and where the model is."""
    for name, look in zip(networks, plots.LOOKS[1:], strict=False):
        line = curve[(curve["network"] == name) & (curve["gain"] < MOST_GAIN)]
        own = table[table["network"] == name]
        label = f"{name}, {own['published'].iloc[0]:.2f}"
        ax.plot(line["share"], line["gain"], color=look.color, linestyle=look.linestyle, label=label)
        ax.plot(own["share"][1:], own["gain_depthwise"][1:], look.marker, color=look.color, linestyle="none",
                markerfacecolor="white", markeredgewidth=0.9)  # fmt: skip
        ax.plot(own["share"][:1], own["gain_depthwise"][:1], look.marker, color=look.color, markersize=9,
                markeredgecolor="black", zorder=5)  # fmt: skip
    ax.set_xlim(0.0, 1.0)
    ax.set_yscale("log")
    ax.set_ylim(0.9, MOST_GAIN)
    ax.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=None))
    ax.set_xlabel("share of depthwise layers in the baseline's cycles [%]")
    plots.label_axis(ax.yaxis, "gain of depthwise layers", "1", log=True)
    ax.legend(loc="upper right", title="meets the published speed-up of")


def _bars(ax: Axes, own: pd.DataFrame, labelled: bool) -> None:
    """A bar for each assumption from the speed-up as assumed to the one without it, in the order of the table."""
    reference, published = own["speedup"].iloc[0], own["published"].iloc[0]
    own = own.iloc[1:]
    y = np.arange(len(own))
    lower = (own["speedup"] < reference).to_numpy()
    for chosen, fill in ((lower, plots.LIGHT), (~lower, plots.DARK)):
        ax.barh(y[chosen], own["speedup"][chosen] - reference, 0.7, reference, facecolor=fill, edgecolor="black",
                linewidth=0.6)  # fmt: skip
    ax.axvline(reference, color="black", linewidth=0.8)
    ax.axvline(published, color=plots.LOOKS[1].color, linestyle="--", linewidth=1.2)
    ax.set_yticks(y, [f"{row.assumption}: {row.value}" for row in own.itertuples()] if labelled else [""] * len(own))
    ax.tick_params(axis="y", labelsize=plots.SMALL)
    ax.set_ylim(len(own) - 0.5, -0.5)
    ax.set_title(str(own["network"].iloc[0]))
    ax.grid(visible=False, axis="y")


if __name__ == "__main__":
    sys.exit(figures.main("headlines"))
