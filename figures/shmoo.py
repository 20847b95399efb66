"""Shmoo plot: pass rate of each metric over supply and temperature, or over supply and process at one temperature."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import figures
from analysis import intervals, plots, statistics
from analysis.plots import NothingToDraw

MOST = 4
"""Metrics there is room for."""
COLUMNS = 5
"""Panels side by side at most."""


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where no metric could have failed."""
    with plots.read(results_dir / "characterization.nc") as data:
        data = statistics.select(data, statistics.primary_metrics(data))
        offsets = plots.nearest_offsets(data)
        rates = statistics.pass_rates(data.sel(offsets))
    names = _worth(rates)
    if not names:
        raise NothingToDraw("no metric of the run has a known sample and a limit or a failure")
    names, left_out = names[:MOST], ", ".join(names[MOST:])
    by_process = rates.sizes["temp"] == 1
    where = plots.celsius(float(rates["temp"][0])) if by_process else "temperatures as shown"
    where += plots.offsets_text(offsets)
    processes = ", ".join(map(str, rates["process"].values))
    caption = (
        f"{plots.provenance(data, f'{processes}, {where}')} Numbers: samples per hundred that pass, of those with an "
        f"answer; white passes, black fails. {_limits(data, names)} "
        f"{_surest(data)}" + _unknown(rates, names) + (f" Not drawn for want of room: {left_out}." if left_out else "")
    )
    panels = [(name, None) for name in names] if by_process else [
        (name, process) for name in names for process in rates["process"].values
    ]  # fmt: skip
    columns = 2 if by_process else min(COLUMNS, rates.sizes["process"])
    rows, lines = -(-len(panels) // columns), rates.sizes["process" if by_process else "temp"]
    figure = plots.new_figure(1.2 + rows * (0.75 + 0.24 * lines), _title(rates, names), caption)
    for ax, (name, process) in zip(plots.panels(figure, len(panels), columns), panels, strict=True):
        _panel(ax, rates, name, process, plots.samples(data))
    return figure


def _worth(rates: xr.Dataset) -> list[str]:
    """Metrics that can fail, those that do first: a limit of their own, or a failure, and an answer somewhere."""
    found = {}
    for name in (str(n).removesuffix("_pass_rate") for n in rates.data_vars if str(n).endswith("_pass_rate")):
        rate = rates[f"{name}_pass_rate"]
        can_fail = np.isfinite(rate.attrs["fail_limit"]) or float(rate.min()) < 1
        if "lobe" not in rate.dims and rate.notnull().any() and can_fail:
            found[name] = float(rate.mean())
    return sorted(found, key=found.get)


def _title(rates: xr.Dataset, names: list[str]) -> str:
    """The message: the lowest supply at which everything drawn passes."""
    every = np.stack([rates[f"{name}_pass_rate"].transpose("vdd", ...).values for name in names], axis=-1)
    good = (every == 1).all(axis=(1, 2, 3))
    vdd = np.sort(rates["vdd"].values[good])
    if vdd.size == rates.sizes["vdd"]:
        return "Every sampled cell passes at every supply"
    bad = rates["vdd"].values[~good]
    above = vdd[vdd > bad.max()]
    if not above.size:
        return f"Sampled cells fail even at the highest supply, {bad.max():g} V"
    return f"Every sampled cell passes from {above.min():g} V on"


def _limits(data: xr.Dataset, names: list[str]) -> str:
    """What it takes to fail, as a sentence."""
    told = []
    for name in names:
        side = "at or below" if data[name].attrs["fails_when"] == "low" else "at or above"
        limit, unit = float(data[name].attrs["fail_limit"]), data[name].attrs["units"]
        how = f"{side} {plots.quantity(limit, unit)}" if np.isfinite(limit) else "where it does not happen"
        told.append(f"{name} fails {how}")
    return f"{'; '.join(told)}."


def _surest(data: xr.Dataset) -> str:
    """How much a full count says, as a sentence."""
    count = plots.samples(data)
    if not count:
        return "One cell says nothing about a rate."
    low = float(intervals.clopper_pearson(np.array(count), np.array(count))[0])
    return f"Where all {count} pass, the rate is above {_percent(low, count)} % (exact binomial, 95 % interval)."


def _percent(share: float, count: int) -> str:
    """A share in per cent, rounded down, with as many digits as tell one of some samples.

    >>> _percent(0.9999, 100), _percent(0.99995, 20_000), _percent(1.0, 20_000)
    ('99.9', '99.995', '100')
    """
    digits = max(1, int(np.ceil(np.log10(max(count, 1)))) - 2)
    return f"{np.floor(100 * share * 10**digits + 1e-6) / 10**digits:.{digits + 2}g}"


def _unknown(rates: xr.Dataset, names: list[str]) -> str:
    counts = {name: int(rates[f"{name}_n_unknown"].sum()) for name in names}
    told = [f"{count} of {name}" for name, count in counts.items() if count]
    return f" Samples without an answer, left out: {', '.join(told)}." if told else ""


def _panel(ax: Axes, rates: xr.Dataset, name: str, process: str | None, count: int) -> None:
    """Cells of one metric of ``count`` samples; rows are temperatures of one process, or processes."""
    rate = rates[f"{name}_pass_rate"]
    if process is None:
        grid = rate.isel(temp=0).transpose("process", "vdd").values
        labels = [str(p) for p in rates["process"].values]
    else:
        grid = rate.sel(process=process).transpose("temp", "vdd").values
        labels = [f"{t - plots.ZERO_CELSIUS:g}" for t in rates["temp"].values]
    for (i, j), share in np.ndenumerate(grid):
        grey = "1.0" if np.isnan(share) else f"{share:.3f}"
        ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor=grey, edgecolor="0.6", linewidth=0.5))
        text = "?" if np.isnan(share) else _percent(share, count)
        ax.text(
            j, i, text, ha="center", va="center", fontsize=plots.SMALL, color="black" if not share < 0.5 else "white"
        )
    ax.set_xticks(range(grid.shape[1]), [f"{v:g}" for v in rates["vdd"].values])
    ax.set_yticks(range(grid.shape[0]), labels)
    ax.set_xlim(-0.5, grid.shape[1] - 0.5)
    ax.set_ylim(-0.5, grid.shape[0] - 0.5)
    ax.grid(visible=False)
    ax.set_title(name if process is None else f"{name}, {process}")
    ax.set_xlabel("VDD [V]")
    if process is not None:
        ax.set_ylabel("temperature [°C]")


if __name__ == "__main__":
    sys.exit(figures.main("shmoo"))
