"""Levels of two rows of MRAM cells at the sense latch, for 00, 01 and 11, with the references between them."""

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

CELLS = {"00": "00 (AP, AP)", "01": "01", "11": "11 (P, P)"}
"""Bits of the two cells to what the legend says."""
REFERENCES = {"and": "reference of AND", "or": "reference of OR"}
BINS = 14
"""Bins of the widest distribution."""


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw without samples of the levels."""
    names = [f"v_level_{name}" for name in (*CELLS, *REFERENCES)]
    with plots.read(results_dir / "characterization.nc") as data:
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
    apart = min(means["00"] - means["or"], means["or"] - means["01"], means["01"] - means["and"],
                means["and"] - means["11"])  # fmt: skip
    offset = _offset(here)
    caption = (
        f"{plots.provenance(here, condition)} Level of the line when the latch is clocked: cells as steps, references "
        "filled. Variation of RA and TMR as the run says (assumed), of transistors by the technology's law."
        + (" Bar: one standard deviation of the latch's offset to either side of a reference." if offset else "")
    )
    title = f"References lie {plots.quantity(apart, 'V')} or more from the levels"
    title += f"; one sigma of the offset is {plots.quantity(offset, 'V')}" if offset else ""
    figure = plots.new_figure(3.9, title, caption)
    _distributions(figure.subplots(), levels, means, offset)
    return figure


def _offset(here: xr.Dataset) -> float:
    """Standard deviation of the latch's offset [V]; 0 where the run has none."""
    if "v_offset_lobes" not in here:
        return 0.0
    return float(here["v_offset_lobes"].isel(lobe=0).std("sample", ddof=1))


def _distributions(ax: Axes, levels: dict[str, np.ndarray], means: dict[str, float], offset: float) -> None:
    width = max(np.ptp(values[np.isfinite(values)]) for values in levels.values()) / BINS
    highest = 0
    for look, (name, text) in zip(plots.LOOKS, {**CELLS, **REFERENCES}.items(), strict=True):
        good = levels[name][np.isfinite(levels[name])]
        edges = np.arange(np.floor(good.min() / width), np.ceil(good.max() / width) + 1.5) * width
        filled = {"alpha": 0.45, "histtype": "stepfilled"} if name in REFERENCES else {"histtype": "step"}
        counts, _, _ = ax.hist(good, edges, color=look.color, linestyle=look.linestyle, label=text, **filled)
        highest = max(highest, counts.max())
    for name in REFERENCES:
        ax.axvline(means[name], color="black", linewidth=0.8)
        if offset:
            ax.errorbar(means[name], 1.06 * highest, xerr=offset, color="black", capsize=3, linewidth=1.0)
    ax.set_ylim(0, 1.15 * highest)
    plots.label_axis(ax.xaxis, "line at the latch's clock", "V")
    plots.label_axis(ax.yaxis, "samples", "1")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=5)


if __name__ == "__main__":
    sys.exit(figures.main("sense_levels"))
