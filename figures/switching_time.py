"""Write delay of an STT junction against the current, by closed forms and by the Fokker-Planck equation."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import figures
from analysis import plots
from analysis.writeerrors import FILE


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where no write errors are stored."""
    with plots.read(results_dir / FILE) as stored:
        plots.require(stored, ("curve_mean", "curve_kramers", "current"), FILE)
        data = stored.load()
    at = plots.reference_condition(data)
    curve = data.sel(temp=at.temp)
    cells = "simulated_mean" in data
    marks = (
        " Marks: simulated cells at their mean current before the flip, one for each supply, bars one standard "
        "deviation; their current falls on the way to AP, and thresholds, RA and TMR vary."
        if cells
        else ""
    )
    condition = f"{plots.celsius(at.temp)}, Delta {float(_barrier(data, at)):.3g}"
    caption = (
        f"{plots.provenance(data, condition)} Lines: one junction at constant current, critical current "
        f"{plots.quantity(_critical(curve), 'A')} (dotted upright line); bands one standard deviation where it is "
        f"below half of the mean. Initial angles: Boltzmann's law at rest, no noise afterwards. Junction: "
        f"{data.attrs['junction']}."
    )
    figure = plots.new_figure(4.4, _title(curve), caption + marks)
    ax = figure.subplots()
    _lines(ax, curve)
    if cells:
        _cells(ax, data.sel(process=at.process, temp=at.temp, **at.offsets))
    ax.set_xscale("log")
    ax.set_yscale("log")
    mean = curve["curve_mean"].sel(law="thermal")
    ax.set_ylim(0.5 * float(mean.min()), 2 * float(mean.max()))
    ax.set_xlim(*curve["curve_current"].values[[0, -1]])
    plots.label_axis(ax.xaxis, "current against the state", "A", log=True)
    ax.set_ylabel("time to mz = 0 [s]")
    ax.yaxis.set_major_formatter(plots.EngFormatter())  # decades apart: a prefix on each tick
    ax.legend(loc="upper right")
    return figure


def _barrier(data: xr.Dataset, at: plots.Condition) -> xr.DataArray:
    """Barrier over k_B T at the drawn temperature, the same in both states."""
    return data["delta"].sel(at.where).isel(lobe=0)


def _critical(curve: xr.Dataset) -> float:
    return float(curve["curve_current"][0] / curve["overdrive"][0])


def _title(curve: xr.Dataset) -> str:
    """The message, at the current that is nearest to twice the critical one."""
    two = curve.sel(overdrive=2.0, method="nearest")["curve_mean"]
    share = 1 - float(two.sel(law="thermal") / two.sel(law="boltzmann"))
    return (
        f"Thermal agitation during the pulse makes a write at twice the critical current {100 * share:.0f} % faster "
        "than by its initial angle alone"
    )


def _lines(ax: Axes, curve: xr.Dataset) -> None:
    """Means with bands of one deviation, and the law of high barriers."""
    current = curve["curve_current"].values
    labels = {"thermal": "initial angle and noise (Fokker-Planck)", "boltzmann": "initial angle alone (closed form)"}
    for look, (law, label) in zip(plots.LOOKS, labels.items(), strict=False):
        mean, std = (curve[f"curve_{name}"].sel(law=law).values for name in ("mean", "std"))
        ax.plot(current, mean, color=look.color, linestyle=look.linestyle, label=label, zorder=3)
        narrow = std < 0.5 * mean  # of a rare event it is as large as the mean
        ax.fill_between(
            current, mean - std, mean + std, where=narrow, color=look.color, alpha=0.12, linewidth=0, zorder=1
        )
    look = plots.LOOKS[2]
    ax.plot(
        current, curve["curve_kramers"], color=look.color, linestyle=look.linestyle, label="over the barrier (Brown)"
    )
    ax.axvline(_critical(curve), color=plots.DARK, linestyle=":", linewidth=0.8)


def _cells(ax: Axes, here: xr.Dataset) -> None:
    """Simulated cells of both states at every supply."""
    for look, state in zip(plots.LOOKS[3:], here["lobe"].values, strict=False):
        one = here.sel(lobe=state)
        ax.errorbar(
            np.atleast_1d(one["current"]), np.atleast_1d(one["simulated_mean"]), np.atleast_1d(one["simulated_std"]),
            linestyle="", marker=look.marker, color=look.color, capsize=2, linewidth=0.9, zorder=5,
            label=f"simulated cells, from {state}",
        )  # fmt: skip


if __name__ == "__main__":
    sys.exit(figures.main("switching_time"))
