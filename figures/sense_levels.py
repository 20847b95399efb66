"""Levels of two or three rows of MRAM cells at the sense latch by how many are in P, with references between them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import figures
from analysis import plots
from analysis.plots import NothingToDraw

CELLS = {2: ("00", "01", "11"), 3: ("000", "001", "011", "111")}
"""Rows to the bits of their cells, P is 1."""
REFERENCES = {2: {"and": ("01", "11"), "or": ("00", "01")}, 3: {"and3": ("011", "111"), "maj3": ("001", "011")}}
"""Rows to operations, with the cells that each one's reference lies between."""
LOOKS = (*plots.LOOKS, plots.Look(plots.DARK, "-", "P"))
BINS = 14
"""Bins of the widest distribution."""


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw without samples of the levels."""
    with plots.read(results_dir / "characterization.nc") as data:
        rows = 3 if "v_level_000" in data else 2
        names = [f"v_level_{name}" for name in (*CELLS[rows], *REFERENCES[rows])]
        plots.require(data, tuple(names), "characterization.nc")
        if not plots.samples(data):
            raise NothingToDraw("the run has no Monte Carlo samples")
        condition = plots.reference_condition(data)
        wanted = [*names, *(name for name in ("v_offset_lobes",) if name in data)]
        here = data[wanted].sel(condition.where).load()
    levels = {name.removeprefix("v_level_"): here[name].values for name in names}
    if any(np.isfinite(values).sum() < 2 for values in levels.values()):
        raise NothingToDraw(f"no two samples of a level at {condition}")
    means = {name: float(np.nanmean(values)) for name, values in levels.items()}
    apart = min(
        min(means[above] - means[name], means[name] - means[below]) for name, (above, below) in REFERENCES[rows].items()
    )
    offset = _offset(here)
    caption = (
        f"{plots.provenance(here, condition)} Level of the line when the latch is clocked: cells as steps, "
        "references filled. Variation of RA and TMR as the run says (assumed), of transistors by the technology's law."
        + (" Bar: one standard deviation of the latch's offset to either side of a reference." if offset else "")
    )
    title = f"References lie {plots.quantity(apart, 'V')} or more from the levels"
    title += f"; one sigma of the offset is {plots.quantity(offset, 'V')}" if offset else ""
    figure = plots.new_figure(3.9, title, caption)
    _distributions(figure.subplots(), levels, tuple(REFERENCES[rows]), offset)
    return figure


def _offset(here: xr.Dataset) -> float:
    """Standard deviation of the latch's offset [V]; 0 where the run has none."""
    if "v_offset_lobes" not in here:
        return 0.0
    return float(here["v_offset_lobes"].isel(lobe=0).std("sample", ddof=1))


def _bits(name: str) -> str:
    """Bits of cells for the legend.

    >>> _bits("00"), _bits("011")
    ('00 (AP, AP)', '011')
    """
    states = ", ".join({"0": "AP", "1": "P"}[bit] for bit in name)
    return f"{name} ({states})" if len(set(name)) == 1 else name


def _distributions(ax: Axes, levels: dict[str, np.ndarray], references: tuple[str, ...], offset: float) -> None:
    width = max(np.ptp(values[np.isfinite(values)]) for values in levels.values()) / BINS
    highest = 0
    for look, (name, values) in zip(LOOKS, levels.items(), strict=False):
        good = values[np.isfinite(values)]
        edges = np.arange(np.floor(good.min() / width), np.ceil(good.max() / width) + 1.5) * width
        text = f"reference of {name.upper()}" if name in references else _bits(name)
        filled = {"alpha": 0.45, "histtype": "stepfilled"} if name in references else {"histtype": "step"}
        counts, _, _ = ax.hist(good, edges, color=look.color, linestyle=look.linestyle, label=text, **filled)
        highest = max(highest, counts.max())
    for name in references:
        mean = float(np.nanmean(levels[name]))
        ax.axvline(mean, color="black", linewidth=0.8)
        if offset:
            ax.errorbar(mean, 1.06 * highest, xerr=offset, color="black", capsize=3, linewidth=1.0)
    ax.set_ylim(0, 1.15 * highest)
    plots.label_axis(ax.xaxis, "line at the latch's clock", "V")
    plots.label_axis(ax.yaxis, "samples", "1")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=5 if len(levels) < 6 else 3)


if __name__ == "__main__":
    sys.exit(figures.main("sense_levels"))
