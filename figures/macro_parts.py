"""What energy per cycle and area of a macro are made of: both designs, rows held or read for every input bit."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

import figures
from analysis import plots
from analysis.architecture import MacroGeometry
from analysis.logic import READING_NAMES, READINGS
from analysis.plots import NothingToDraw

DESIGNS = {"baseline": "Q only", "ddc": "DDC"}
LOOKS = {
    "array": ("0.2", "", "array"),
    "means": ("white", "xxxx", "means M"),
    "drivers": ("white", "....", "drivers"),
    "multiply": ("0.75", "", "output gates"),
    "adder_tree": ("0.5", "", "adder trees"),
    "accumulator": ("white", "////", "accumulators"),
    "recover": ("0.9", "", "recover unit"),
}
"""Component to fill, hatch and name."""


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where no macro has numbers."""
    macros = stored(results_dir)
    first = macros[READINGS[0]]
    condition = plots.reference_condition(first)
    bars = {
        f"{DESIGNS[design]},\n{READING_NAMES[reading]}": data.sel(condition.where).sel(design=design)
        for reading, data in macros.items()
        for design in DESIGNS
    }
    energy, area = (
        {label: _parts(one, f"{name}_components") for label, one in bars.items()}
        for name in ("energy_per_cycle", "area")
    )
    if not any(sum(parts.values()) > 0 for parts in energy.values()):
        raise NothingToDraw(f"macro.nc has no energy at {condition}")
    g = MacroGeometry.of(first)
    caption = (
        f"{plots.provenance(first, condition)} One macro of {g.compartments} compartments x {g.rows} rows x "
        f"{g.columns} columns, all in use; without decoders, control, write circuits. Row held: read once for "
        f"{g.input_bits} input bits. Gates {first.attrs['gates'].partition(':')[0]}."
    )
    figure = plots.new_figure(4.3, _title(energy), caption)
    axes = figure.subplot_mosaic([["legend", "legend"], ["energy", "area"]], height_ratios=(0.28, 1.0))
    _bars(axes["energy"], energy)
    plots.label_axis(axes["energy"].yaxis, "energy per cycle", "J")
    _bars(axes["area"], {label: {n: v * 1e6 for n, v in parts.items()} for label, parts in area.items()})
    axes["area"].set_ylabel("area [mm²]")
    handles = [Patch(facecolor=f, hatch=h, edgecolor="0.0", lw=0.5, label=t) for f, h, t in LOOKS.values()]
    plots.legend_row(axes["legend"], handles, 4)
    return figure


def stored(folder: Path) -> dict[str, xr.Dataset]:
    """Macros of a results directory by reading of the array, those that it has."""
    path, found = folder / "macro.nc", {}
    for reading in READINGS:
        try:
            with plots.read(path, None if reading == READINGS[0] else reading) as data:
                plots.require(data, ("energy_per_cycle_components", "area_components"), "macro.nc")
                found[reading] = data.load()
        except NothingToDraw:
            if not found:
                raise
    return found


def _parts(one: xr.Dataset, name: str) -> dict[str, float]:
    return {component: float(one[name].sel(component=component)) for component in LOOKS}


def _title(energy: dict[str, dict[str, float]]) -> str:
    """The message: what takes most energy in the first bar."""
    label, parts = next(iter(energy.items()))
    largest = max(parts, key=lambda name: np.nan_to_num(parts[name]))
    share = parts[largest] / sum(parts.values())
    where = label.replace("\n", " ")
    return f"{LOOKS[largest][2].capitalize()} take {100 * share:.0f} % of the energy ({where})"


def _bars(ax: Axes, bars: dict[str, dict[str, float]]) -> None:
    below = np.zeros(len(bars))
    for component, (fill, hatch, _) in LOOKS.items():
        heights = np.array([parts[component] for parts in bars.values()])
        ax.bar(range(len(bars)), heights, 0.7, below, color=fill, hatch=hatch, edgecolor="0.0", linewidth=0.5)
        below += heights
    ax.set_xticks(range(len(bars)), list(bars), fontsize=plots.SMALL)
    ax.set_xlabel("design, reading [1]")
    ax.grid(visible=False, axis="x")


if __name__ == "__main__":
    sys.exit(figures.main("macro_parts"))
