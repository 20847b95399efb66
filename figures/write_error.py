"""Write error rate of an STT cell against the pulse: closed forms, Fokker-Planck equation, counted macrospins."""

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

LEAST = 1e-15
"""Lowest probability drawn [1]."""
LINES = {
    "wer": "initial angle and noise (Fokker-Planck)",
    "wer_law": "the same, closed form",
    "wer_angle": "initial angle alone",
    "wer_spread": "with spread of barrier and current",
}
"""Variable to what it is."""


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw where no write errors are stored."""
    with plots.read(results_dir / FILE) as stored:
        plots.require(stored, tuple(LINES), FILE)
        data = stored.load()
    at = plots.reference_condition(data)
    here = data.sel(at.where)
    attrs = data.attrs
    counted = (
        f" Marks: {attrs['macrospins']} stochastic macrospins from {attrs['counted_state']}, seed "
        f"{attrs['macrospin_seed']}, bars {100 * attrs['confidence']:g} % intervals."
        if "counted" in here
        else ""
    )
    caption = (
        f"{plots.provenance(data, at)} Constant current, the mean of the samples.{counted} Spread: barrier "
        f"{100 * attrs['sigma_delta']:g} % (assumed), current as in the samples, normal. Upright line: the cell's "
        f"pulse. Junction: {attrs['junction']}."
    )
    figure = plots.new_figure(4.3, _title(here), caption)
    axes = figure.subplots(1, 2, sharey=True)
    for ax, state in zip(axes, here["lobe"].values, strict=True):
        _panel(ax, here.sel(lobe=state), str(state), at)
    axes[0].set_ylabel("probability that the write fails [1]")
    handles, labels = axes[0].get_legend_handles_labels()
    both = dict(zip(labels, handles, strict=True))
    handles, labels = axes[1].get_legend_handles_labels()
    both |= dict(zip(labels, handles, strict=True))
    axes[1].legend(both.values(), both.keys(), loc="upper right", frameon=True, framealpha=0.9)
    return figure


def _title(here: xr.Dataset) -> str:
    """The message, of the state that is written more slowly."""
    rate = here.attrs["rate"]
    slow = here.isel(lobe=int(np.argmin(here["drive"].values)))
    needed = [float(slow[name]) for name in ("pulse_at_rate", "pulse_at_rate_spread")]
    if not np.isfinite(needed[0]):
        return f"No pulse up to {plots.quantity(float(here['pulse'].max()), 's')} writes with errors below {rate:g}"
    more = f", with spread {plots.quantity(needed[1], 's')}" if np.isfinite(needed[1]) else ""
    return f"Write errors below {rate:g} need a pulse of {plots.quantity(needed[0], 's')}{more}"


def _panel(ax: Axes, here: xr.Dataset, state: str, at: plots.Condition) -> None:
    """One state before the write."""
    pulse = here["pulse"].values
    for look, (name, label) in zip(plots.LOOKS, LINES.items(), strict=False):
        ax.plot(pulse, here[name], color=look.color, linestyle=look.linestyle, label=label, zorder=3)
    if "counted" in here and here.attrs["counted_state"] == state:
        rate = here["counted"].values
        bars = np.maximum(np.stack([rate - here["counted_ci_low"], here["counted_ci_high"] - rate]), 0.0)
        ax.errorbar(
            here["counted_pulse"], rate, bars, linestyle="", marker="o", color=plots.DARK, markerfacecolor="white",
            capsize=2, linewidth=0.9, zorder=5, label="counted macrospins",
        )  # fmt: skip
    ax.axvline(here.attrs["pulse"], color=plots.DARK, linewidth=0.8, linestyle=":")
    ax.axhline(here.attrs["rate"], color=plots.DARK, linewidth=0.8, linestyle=":")
    ax.set_yscale("log")
    ax.set_ylim(LEAST, 1.6)
    last = here["wer_spread"].values
    ax.set_xlim(0, pulse[min(int((last > LEAST).sum()), pulse.size - 1)])
    times = f"{float(here['drive']):.3g} times the critical current"
    ax.set_title(f"from {state}: {plots.quantity(float(here['current']), 'A')}, {times}")
    plots.label_axis(ax.xaxis, "write pulse", "s")


if __name__ == "__main__":
    sys.exit(figures.main("write_error"))
