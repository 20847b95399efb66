"""Density against efficiency: both designs of ours, and published macros carried to our node and supply."""

from __future__ import annotations

import sys
from itertools import cycle
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import figures
from analysis import comparison, plots
from analysis.column import nearest
from analysis.logic import READING_NAMES
from analysis.plots import NothingToDraw
from analysis.silicon import MEGABIT, YAN
from figures.macro_parts import stored

OURS = {("baseline", "held"): ("o", "0.0"), ("baseline", "precharged"): ("o", "white"), ("ddc", "held"): ("s", "0.0"),
        ("ddc", "precharged"): ("s", "white")}  # fmt: skip
"""Design and reading to marker and fill."""
NAMES = {"baseline": "ours, Q only", "ddc": "ours, DDC"}


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where no macro has numbers or the node is not known."""
    macros = stored(results_dir)
    first = next(iter(macros.values()))
    vdd = nearest(first["vdd"].values, YAN.vdd)
    frame = comparison.beside({reading: found.sel(vdd=[vdd]) for reading, found in macros.items()})
    if frame["carried_efficiency"].isna().all():
        raise NothingToDraw(f"technology={first.attrs.get('technology')!r} has no node that others could be carried to")
    if not np.isfinite(frame["efficiency"]).any():
        raise NothingToDraw(f"macro.nc has no efficiency at VDD {vdd:g} V")
    shown = comparison.at_supply(first, vdd)
    at = plots.Condition(str(shown["process"].values), vdd, float(shown["temp"]))
    caption = (
        f"{plots.provenance(first, at)} Operations of one bit by one bit; two weight bits per cell of DDC. Published "
        "macros are carried to our node and supply: energy with node x VDD squared, area with node squared; those "
        "whose density is not known are marks at the bottom. Ours is without decoders, control and write circuits, at "
        f"random operands; gates {first.attrs['gates'].partition(':')[0]}. Nothing is fitted."
    )
    row = frame[(frame["macro"] == YAN.name) & (frame["design"] == "baseline")].iloc[0]
    title = (
        f"Our baseline has {row.density_carried_ratio:.1f} times the density and "
        f"{row.efficiency_carried_ratio:.2f} times the efficiency of {YAN.name}"
    )
    figure = plots.new_figure(4.4, title, caption)
    axes = figure.subplot_mosaic([["legend"], ["plane"]], height_ratios=(0.2, 1.0))
    _panel(axes["plane"], frame)
    plots.legend_row(axes["legend"], axes["plane"].get_lines()[: len(OURS) + 1], 3)
    return figure


def _panel(ax: Axes, frame: pd.DataFrame) -> None:
    """Ours first, then the published ones with a density, then the others as marks on the lower axis."""
    dense = 1e-6 / MEGABIT
    for (design, reading), (marker, fill) in OURS.items():
        mine = frame[(frame["design"] == design) & (frame["reading"] == reading)]
        label = f"{NAMES[design]}, {READING_NAMES[reading]}"
        ax.plot(mine["efficiency"][:1], dense * mine["density"][:1], marker, color="0.0", mfc=fill, ms=7, label=label)
    look = {"color": plots.LOOKS[1].color, "linestyle": "none"}
    others = frame.drop_duplicates("macro")
    known, rest = (others[others["carried_density"].notna() == having] for having in (True, False))
    ax.plot(known["carried_efficiency"], dense * known["carried_density"], marker="^", ms=7, label="published", **look)
    ax.set_xscale("log")
    ax.set_yscale("log")
    bottom = 0.35 * dense * known["carried_density"].min()
    ax.set_ylim(bottom, 2 * dense * frame["density"].max())
    for row in known.itertuples():
        plots.label_point(ax, row.macro, (row.carried_efficiency, dense * row.carried_density), (0, 10), ha="center")
    ax.plot(rest["carried_efficiency"], np.full(len(rest), bottom), marker="|", ms=12, mew=1.6, clip_on=False, **look)
    places = {"right": -2, "left": 2}
    for side, row in zip(cycle(places), rest.sort_values("carried_efficiency").itertuples(), strict=False):
        ax.annotate(row.macro, (row.carried_efficiency, bottom), (places[side], 9), textcoords="offset points",
                    rotation=90, ha=side, va="bottom", fontsize=plots.SMALL)  # fmt: skip
    plots.label_axis(ax.xaxis, "efficiency", "1", log=True)
    plots.label_axis(ax.yaxis, "weight density", "1", log=True)
    ax.set_xlabel("efficiency, one bit by one bit [TOPS/W]")
    ax.set_ylabel("weight density [Mb/mm²]")
    ax.yaxis.set_major_formatter("{x:g}")


if __name__ == "__main__":
    sys.exit(figures.main("silicon"))
