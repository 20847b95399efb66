"""A cell at DC: low node and current as its word line rises, leakage by path, thresholds of its transistors."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import figures
from analysis import plots
from analysis.plots import Condition, NothingToDraw
from charlib.metrics.threshold import I_THRESHOLD

STATES = {"q": "Q = 1", "qb": "Q = 0"}
"""Stored state to its name."""
PATHS = {"vdd": ("cell supply", "0.25", ""), "bl": ("BL", "0.6", ""), "blb": ("BLB", "white", "////")}
"""Where leakage comes from: its name, fill and hatch."""
ROLES = {"pd": "pull-down", "pu": "pull-up", "pg": "pass gate"}
"""Transistor to its name."""


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory with the panels it has; raises NothingToDraw where it has none."""
    with plots.read(results_dir / "characterization.nc") as data:
        condition, about = plots.reference_condition(data), data[[]].load()
        thresholds = {role: float(data[name].sel(condition.where)) for role in ROLES if (name := _vth(role)) in data}
    found, reasons = plots.readable(PANELS, lambda group: plots.curves(results_dir, group, condition, PANELS[group][0]))
    if not found:
        raise NothingToDraw(reasons[0])
    drawn = next(iter(found.values())).sizes["sample"] if plots.samples(about) else 0
    caption = (
        f"{plots.provenance(about, condition, f'first {drawn} drawn')} Thick, bars: nominal cell"
        f"{'; thin: Monte Carlo samples' if drawn else ''}. State Q = 1, of leakage both. Right end of v_bump "
        f"and i_read: the cell at read, {condition.read_text}. Leakage: word line at 0, bit lines at "
        f"{condition.level_text('bl')}."
    )
    if "threshold" in found:
        caption += f" Dots: thresholds, |Vgs| at {plots.quantity(I_THRESHOLD, 'A')} W/L and |Vds| = 50 mV."
    width = {group: 2 if group == "read_current" else 1 for group in found}
    total = sum(width.values())
    height = 1.1 + 2.1 * -(-total // 2)
    figure = plots.new_figure(height, "What a cell draws at rest, and what a read takes from it", caption)
    axes = iter(plots.panels(figure, total, columns=2))
    for group, curves in found.items():
        PANELS[group][1]([next(axes) for _ in range(width[group])], curves, condition, drawn, thresholds)
    return figure


def _vth(role: str) -> str:
    return f"vth_{role}_nominal"


def _read(axes: list[Axes], curves: xr.Dataset, condition: Condition, drawn: int, _: Mapping[str, float]) -> None:
    """Low node and bit-line current of the state with Q high over the word line."""
    wordline = np.linspace(0.0, condition.level("wl"), curves.sizes["point"])
    for ax, probe, sign, metric, unit in zip(axes, READ, (1.0, -1.0), ("v_bump", "i_read"), ("V", "A"), strict=True):
        if drawn:
            samples = sign * curves[probe].values[:drawn].astype(float)
            plots.cloud(ax, np.broadcast_to(wordline, samples.shape), samples)
        nominal = sign * curves[f"{probe}_nominal"].values.astype(float)
        ax.plot(wordline, nominal, color="black", linewidth=2.0, zorder=4)
        ax.plot(wordline[-1], nominal[-1], "o", color="black", markersize=5.5, zorder=6)
        plots.label_point(ax, plots.quantity(nominal[-1], unit), (wordline[-1], nominal[-1]), (-8, 0), ha="right")
        ax.set_title(metric)
        plots.label_axis(ax.xaxis, "word line", "V")
        plots.label_axis(ax.yaxis, {"V": "low node Q-bar", "A": "from BLB"}[unit], unit)


def _leak(axes: list[Axes], curves: xr.Dataset, condition: Condition, drawn: int, _: Mapping[str, float]) -> None:
    """What flows in by each path, for both states, on top of each other."""
    (ax,) = axes
    for place, state in enumerate(STATES):
        base = 0.0
        for path, (name, fill, hatch) in PATHS.items():
            current = -float(curves[f"v{path}_{state}#branch_nominal"].values[-1])
            ax.bar(place, current, 0.55, base, color=fill, hatch=hatch, edgecolor="black", linewidth=0.7,
                   label=name if not place else None)  # fmt: skip
            base += current
        plots.label_point(ax, plots.quantity(base, "A"), (place, base), (0, 7), ha="center")
    ax.set_xticks(range(len(STATES)), STATES.values())
    ax.set_xlim(-0.6, 3.1)
    ax.set_ylim(0.0, 1.2 * base)
    ax.grid(False, axis="x")
    ax.legend(loc="center right", borderaxespad=0.0)
    ax.set_title("i_leak, by where it comes from")
    plots.label_axis(ax.yaxis, "into the cell", "A")


def _gates(
    axes: list[Axes], curves: xr.Dataset, condition: Condition, drawn: int, thresholds: Mapping[str, float]
) -> None:
    """Drain currents of the left half's transistors over their gates, and where each has its threshold."""
    (ax,) = axes
    gate = curves["gate_nominal"].values.astype(float)
    for (role, name), look in zip(ROLES.items(), plots.LOOKS, strict=False):
        if drawn:
            samples = np.abs(curves[f"v{role}#branch"].values[:drawn].astype(float))
            plots.cloud(ax, np.broadcast_to(gate, samples.shape), samples)
        current = np.abs(curves[f"v{role}#branch_nominal"].values.astype(float))
        ax.plot(gate, current, color=look.color, linestyle=look.linestyle, label=name, zorder=4)
        if np.isfinite(thresholds.get(role, np.nan)):
            at = thresholds[role], float(np.exp(np.interp(thresholds[role], gate, np.log(current))))
            ax.plot(*at, look.marker, color=look.color, markersize=5.0, zorder=6)
    ax.set_yscale("log")
    ax.legend(loc="lower right", borderaxespad=0.0)
    ax.set_title("thresholds vth_pd, vth_pu, vth_pg")
    plots.label_axis(ax.xaxis, "|Vgs|", "V")
    ax.set_ylabel("drain current [A]")  # over eight decades, powers of ten


READ = ("qb_q", "vblb_q#branch")
"""Low node, and source of the line that it is read through, of the state with Q high."""
PANELS: Mapping[str, tuple[tuple[str, ...], Callable]] = {
    "read_current": (READ, _read),
    "leakage": (tuple(f"v{path}_{state}#branch" for state in STATES for path in PATHS), _leak),
    "threshold": (("gate", *(f"v{role}#branch" for role in ROLES)), _gates),
}
"""Testbench to the probes that are drawn, and what draws them."""


if __name__ == "__main__":
    sys.exit(figures.main("at_dc"))
