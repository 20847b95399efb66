"""Resistances and TMR of a junction against its bias: simulated, with the law that rolls the TMR off."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import figures
from analysis import plots
from netlists.cells import restored
from netlists.mtj import Junction

GROUP = "mram_bias"
STATES = ("p", "ap")


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory; raises NothingToDraw without curves over the bias."""
    with plots.read(results_dir / "characterization.nc") as data:
        plots.require(data, ("v_tmr_half",), "characterization.nc")
        condition, about = plots.reference_condition(data), data[["v_tmr_half_nominal"]].load()
    names = [f"{node}_{state}{end}" for state in STATES for node, end in (("across", ""), ("vmeter", "#branch"))]
    found = plots.curves(results_dir, GROUP, condition, names)
    cell = json.loads(about.attrs["cell"])
    junction = restored(cell, results_dir).junction.at(condition.temp)
    half = float(about["v_tmr_half_nominal"].sel(condition.where))
    caption = (
        f"{plots.provenance(about, condition, 'first 50 drawn')} Junction of a cell of kind {cell['kind']}, alone, "
        f"without its transistor: {junction.source}. Thick: nominal; thin: samples of RA and TMR. Dashed: TMR / (1 + "
        f"V² / ({junction.v_half:g} V)²) with TMR {junction.tmr:.3g} at no bias, mz = ±1.{_lean(junction)}"
    )
    figure = plots.new_figure(4.0, f"A bias of {plots.quantity(half, 'V')} halves the TMR", caption)
    left, right = figure.subplots(1, 2)
    drawn = plots.samples(about) > 0
    _resistances(left, found, drawn)
    _ratio(right, found, junction, drawn)
    return figure


def _lean(junction: Junction) -> str:
    """What an in-plane field takes from the TMR, for the caption."""
    if not junction.field_x:
        return ""
    upright = np.sqrt(1 - (junction.field_x / junction.h_k) ** 2)
    return f" The field of {junction.field_x * 1e3:g} mT leans the magnetization, |mz| {upright:.3f}, which costs TMR."


def _resistance(found: xr.Dataset, state: str, end: str = "") -> tuple[np.ndarray, np.ndarray]:
    """Bias [V] and resistance [ohm] of a state, of the samples or, with ``_nominal``, of the nominal junction."""
    bias = found[f"across_{state}{end}"].values
    return bias, bias / np.abs(found[f"vmeter_{state}#branch{end}"].values)


def _tmr(found: xr.Dataset, end: str = "") -> tuple[np.ndarray, np.ndarray]:
    """Bias [V] and TMR [1], P at the bias of AP."""
    (at_p, r_p), (bias, r_ap) = (_resistance(found, state, end) for state in STATES)
    same = np.stack([np.interp(*row) for row in zip(*map(np.atleast_2d, (bias, at_p, r_p)), strict=True)])
    return bias, r_ap / same.reshape(r_ap.shape) - 1


def _resistances(ax: Axes, found: xr.Dataset, drawn: bool) -> None:
    for look, state in zip(plots.LOOKS, STATES, strict=False):
        if drawn:
            plots.cloud(ax, *_resistance(found, state))
        bias, resistance = _resistance(found, state, "_nominal")
        ax.plot(bias, resistance, color=look.color, label=f"r_{state}", zorder=3)
    ax.set_xlim(0.0, float(bias.max()))
    ax.set_ylim(0.0, None)
    plots.label_axis(ax.xaxis, "bias of the junction", "V")
    plots.label_axis(ax.yaxis, "resistance", "ohm")
    ax.legend(loc="upper right")


def _ratio(ax: Axes, found: xr.Dataset, junction: Junction, drawn: bool) -> None:
    if drawn:
        plots.cloud(ax, *_tmr(found))
    bias, ratio = _tmr(found, "_nominal")
    ax.plot(bias, ratio, color="black", label="simulated", zorder=3)
    look = plots.LOOKS[1]
    ax.plot(bias, junction.tmr_at(bias), color=look.color, linestyle=look.linestyle, label="law", zorder=4)
    ax.axvline(junction.v_half, color=plots.DARK, linestyle=":", linewidth=0.8)
    ax.set_xlim(0.0, float(bias.max()))
    ax.set_ylim(0.0, None)
    plots.label_axis(ax.xaxis, "bias of the junction", "V")
    ax.set_ylabel("TMR [1]")
    ax.legend(loc="upper right")


if __name__ == "__main__":
    sys.exit(figures.main("tmr_bias"))
