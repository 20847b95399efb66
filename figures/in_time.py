"""A cell in time: what writes, reads, half-selections, PIM activations and dips of the supply do to its nodes.

Beside them the read port of a cell that has one, and the inverter that drives four, if they were measured.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.integrate import cumulative_trapezoid

import figures
from analysis import plots
from analysis.plots import Condition, Look, NothingToDraw
from charlib.metrics.dynamic import pulse_width
from charlib.metrics.energy import energy
from charlib.metrics.readpath import OUTPUTS, RECOVERED
from charlib.waveforms import Block, crossing
from netlists.readpath import ReadPath

STATE = "q"
"""Stored state before the operation."""
NODES = {
    "line": ("word line, precharge; in a dip the supply", Look("0.55", (0, (1, 1)), "")),
    "q": ("Q", plots.LOOKS[2]),
    "qb": ("Q-bar", plots.LOOKS[1]),
}
"""Node to its name and look."""
BIT_LINES = {"bl": ("BL", plots.LOOKS[3]), "blb": ("BLB", plots.LOOKS[4])}
"""The same of the bit lines."""
PORT = {
    "rbl_qb": ("RBL, Q = 0", plots.LOOKS[3]),
    "rbl_q": ("RBL, Q = 1", plots.LOOKS[4]),
    "r_qb": ("output R, Q = 0", plots.LOOKS[0]),
}
"""Vector of a read port to its name and look."""
INVERTER = {"n2": ("input", NODES["line"][1], True, -6, "right"), "n3": ("output", plots.LOOKS[0], False, 8, "left")}
"""Node of the inverter to its name and look, and how the name stands beside its edge: the edge rises, offset, side."""
ENERGIES = 400
"""Times at which energy so far is drawn."""


@dataclass(frozen=True)
class Panel:
    """One operation.

    Attributes:
        group: testbench. title: what happens. metric: what is marked, and told with its value.
        draw: draws it and marks the metric. line: node in place of the word line. state: stored before.
    """

    group: str
    title: str
    metric: str
    draw: Callable[[Axes, Panel, xr.Dataset, Condition, str], None]
    line: str = "wl"
    state: str = STATE


def draw(results_dir: Path) -> Figure:
    """The figure of a results directory with the panels it has; raises NothingToDraw where it has none."""
    with plots.read(results_dir / "characterization.nc") as data:
        condition, about = plots.reference_condition(data), data[[]].load()
        values = {p.metric: _told(data, p.metric, condition) for p in PANELS if f"{p.metric}_nominal" in data}
    sensed = ReadPath(**json.loads(about.attrs["readpath"])).sensed
    groups = dict.fromkeys(panel.group for panel in PANELS)
    waves, reasons = plots.readable(
        groups, lambda group: _waves(results_dir, group, condition).assign_attrs(sensed=sensed)
    )
    if not waves.keys() - {"read_path", "fo4"}:
        raise NothingToDraw(reasons[0])
    found = [panel for panel in PANELS if panel.group in waves]
    caption = (
        f"{plots.provenance(about, condition, 'none drawn')} Nominal cell with Q = 1 before; numbers: worse state. "
        "Energies: from all supplies of the column, less what leaks at the start; grey: precharge on. Pulse and dip: "
        "the hardest that the bit survives; thin: the hardest tried, which it does not; not reached: it survives all. "
        f"Bit lines: from the word line at half its level to {sensed:.3g} VDD between them, from the precharge "
        f"signal at half its level to both at {RECOVERED:.0%} of theirs."
    )
    if "read_port" in waves:
        caption += (
            " Read port, Q = 0: from the read word line at half its level to RBL fallen by as much, and to half of VDD "
            "of output R; from the precharge signal to RBL back."
        )
    if "fo4" in waves:
        caption += (
            " Inverter: from half of VDD to half of VDD, t_fo4 is the mean of both edges; energy from its own supply."
        )
    rows = -(-len(found) // 2)
    figure = plots.new_figure(1.5 + 1.6 * rows, "What an operation does to the stored bit, and what it costs", caption)
    names = [str(i) if i < len(found) else "." for i in range(2 * rows)]
    grid = [["legend", "legend"], *(names[i : i + 2] for i in range(0, 2 * rows, 2))]
    axes = figure.subplot_mosaic(grid, height_ratios=(0.25, *[1.0] * rows))
    for name, panel in zip(names, found, strict=False):
        panel.draw(axes[name], panel, waves[panel.group], condition, values.get(panel.metric, ""))
        axes[name].set_title(panel.title)
        plots.label_axis(axes[name].xaxis, "time", "s")
    lines = [nodes.values() for group, nodes in (("read_path", BIT_LINES), ("read_port", PORT)) if group in waves]
    shown = [*NODES.values(), *(line for nodes in lines for line in nodes)]
    handles = [Line2D([], [], color=k.color, linestyle=k.linestyle, label=text) for text, k in shown]
    plots.legend_row(axes["legend"], handles, columns=3)
    return figure


def _told(data: xr.Dataset, metric: str, condition: Condition) -> str:
    """A metric of the nominal cell with its name."""
    value = float(data[f"{metric}_nominal"].sel(condition.where))
    return f"{metric} = {plots.quantity(value, str(data[metric].attrs['units']))}" if np.isfinite(value) else ""


def _waves(folder: Path, group: str, condition: Condition) -> xr.Dataset:
    """Waveforms of the nominal cell, of every trial of a search, double precision, dimensions step and point."""
    with plots.read(folder / "curves.nc", group) as stored:
        plots.require(stored, ("time",), f"curves.nc, group {group},")
        found = stored.sel(condition.where)
        if "step" not in found.dims:  # of a testbench whose samples are kept, too
            ends = {name: name.removesuffix("_nominal") for name in found if str(name).endswith("_nominal")}
            found = found[list(ends)].rename(ends).expand_dims("step")
        found = found.load()
    found = found.dropna("step", how="all").astype(float)
    found = found.isel(point=np.isfinite(found["time"].values).all(axis=0))
    if not found["time"].size:
        raise NothingToDraw(f"{group} has no nominal waveforms at {condition}")
    return found


def _lines(ax: Axes, panel: Panel, waves: xr.Dataset, width: float = 1.5) -> None:
    """Nodes of one trial over time."""
    for node, (_, look) in NODES.items():
        name = f"{panel.line if node == 'line' else node}_{STATE}"
        ax.plot(waves["time"], waves[name], color=look.color, linestyle=look.linestyle, linewidth=width)


def _parted(ax: Axes, panel: Panel, waves: xr.Dataset, condition: Condition, told: str) -> None:
    """From the word line at half its level to the difference of the bit lines that counts as read."""
    waves = waves.isel(step=-1)
    time, lines = _bit_lines(ax, waves, f"wl_{STATE}")
    start = float(crossing(time, waves[f"wl_{STATE}"].values[None], condition.level("wl") / 2, rising=True)[0])
    falling = OUTPUTS[STATE][2]
    other = next(line for line in BIT_LINES if line != falling)
    end = float(crossing(time, lines[other] - lines[falling], waves.attrs["sensed"] * condition.vdd, rising=True)[0])
    _interval(ax, start, end, condition, told)


def _recovered(ax: Axes, panel: Panel, waves: xr.Dataset, condition: Condition, told: str) -> None:
    """From the precharge signal at half its level to both bit lines back at theirs."""
    waves, level = waves.isel(step=-1), condition.level("bl")
    time, lines = _bit_lines(ax, waves, f"pre_b_{STATE}")
    read = float(crossing(time, waves[f"wl_{STATE}"].values[None], condition.level("wl") / 2, rising=True)[0])
    start = float(crossing(time, waves[f"pre_b_{STATE}"].values[None], level / 2, rising=False, after=read)[0])
    back = crossing(time, np.minimum(*lines.values()), RECOVERED * level, rising=True, after=start)
    _interval(ax, start, float(back[0]), condition, told)


def _bit_lines(ax: Axes, waves: xr.Dataset, control: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Draw both bit lines and what drives them; time and the lines' voltages, shape (1, point)."""
    look = NODES["line"][1]
    ax.plot(waves["time"], waves[control], color=look.color, linestyle=look.linestyle)
    for line, (_, look) in BIT_LINES.items():
        ax.plot(waves["time"], waves[f"{line}_{STATE}"], color=look.color, linestyle=look.linestyle)
    return waves["time"].values[None], {line: waves[f"{line}_{STATE}"].values[None] for line in BIT_LINES}


def _through_port(ax: Axes, panel: Panel, waves: xr.Dataset, condition: Condition, told: str) -> None:
    """From read word line or precharge signal at half its level to what the metric wants of RBL or output R."""
    waves, v_bl, look = waves.isel(step=-1), condition.level("bl"), NODES["line"][1]
    wanted, level, rising = {
        "t_read_port": ("r", condition.vdd / 2, True),
        "t_rbl": ("rbl", v_bl - waves.attrs["sensed"] * condition.vdd, False),
        "t_precharge_port": ("rbl", RECOVERED * v_bl, True),
    }[panel.metric]
    time, control = waves["time"].values[None], f"{panel.line}_{panel.state}"
    ax.plot(time[0], waves[control], color=look.color, linestyle=look.linestyle)
    for name, (_, look) in PORT.items():
        ax.plot(time[0], waves[name], color=look.color, linestyle=look.linestyle)

    def when(name: str, level: float, rising: bool, after: float = 0.0) -> float:
        return float(crossing(time, waves[f"{name}_{panel.state}"].values[None], level, rising, after)[0])

    start = read = when("rwl", condition.level("wl") / 2, True)
    if panel.line == "pre_b":
        start = when("pre_b", v_bl / 2, False, read)
    _interval(ax, start, when(wanted, level, rising, start), condition, told)


def _interval(ax: Axes, start: float, end: float, condition: Condition, told: str) -> None:
    """Mark a time, look closely around it, and tell its metric."""
    if np.isfinite(start) and np.isfinite(end):
        ax.set_xlim(start - 4 * (end - start), start + 8 * (end - start))
        ax.axvspan(start, end, color="0.88", zorder=0)
        plots.label_point(ax, told, (end, 1.18 * condition.vdd), (6, 0))
    _levels(ax, condition)


def _levels(ax: Axes, condition: Condition) -> None:
    highest = max(condition.level(line) for line in ("wl", "bl", "cell"))
    ax.set_ylim(-0.1 * highest, 1.3 * highest)
    plots.label_axis(ax.yaxis, "voltage", "V")


def _write(ax: Axes, panel: Panel, waves: xr.Dataset, condition: Condition, told: str) -> None:
    """From the word line at half its level to the crossing of the nodes."""
    waves = waves.isel(step=-1)
    _lines(ax, panel, waves)
    time, line = waves["time"].values[None], waves[f"wl_{STATE}"].values[None]
    start = float(crossing(time, line, condition.level("wl") / 2, rising=True)[0])
    apart = (waves[f"q_{STATE}"] - waves[f"qb_{STATE}"]).values[None]
    _interval(ax, start, float(crossing(time, apart, 0.0, rising=False)[0]), condition, told)


def _least(ax: Axes, panel: Panel, waves: xr.Dataset, condition: Condition, told: str) -> None:
    """Where the nodes are closest."""
    waves = waves.isel(step=-1)
    _lines(ax, panel, waves)
    q, qb = waves[f"q_{STATE}"].values, waves[f"qb_{STATE}"].values
    at = int((q - qb).argmin())
    when = float(waves["time"].values[at])
    ax.annotate("", (when, qb[at]), (when, q[at]), zorder=8,
                arrowprops={"arrowstyle": "<->", "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0})  # fmt: skip
    left = when < 0.6 * float(waves["time"].values[-1])
    place = (when, 1.18 * condition.vdd), (0, 0), "left" if left else "right"
    plots.label_point(ax, told or f"{panel.metric}: bit lost", *place)
    _levels(ax, condition)


def _hardest(ax: Axes, panel: Panel, waves: xr.Dataset, condition: Condition, told: str) -> None:
    """The hardest trial of a search that the bit survives, and the hardest of all where it does not."""
    kept = (waves[f"q_{STATE}"] > waves[f"qb_{STATE}"]).isel(point=-1).values
    if panel.line == "wl":
        block = Block({str(name): wave.values for name, wave in waves.items()}, {"vdd": condition.level("wl")})
        hard = pulse_width(block, STATE)
    else:
        hard = -waves[f"{panel.line}_{STATE}"].min("point").values
    if kept.any():
        _lines(ax, panel, waves.isel(step=int(np.where(kept, hard, -np.inf).argmax())))
    if not kept[hard.argmax()]:
        _lines(ax, panel, waves.isel(step=int(hard.argmax())), width=0.7)
    corner = 0.98 * float(waves["time"].max()), 1.18 * condition.vdd
    plots.label_point(ax, told or f"{panel.metric}: not reached", corner, (0, 0), "right")
    _levels(ax, condition)


def _spent(ax: Axes, panel: Panel, waves: xr.Dataset, condition: Condition, told: str) -> None:
    """Energy from the start to each time."""
    vectors = {str(name): wave.values[-1:] for name, wave in waves.items()}
    levels = {f"v_{line}": condition.level(line) for line in ("wl", "bl", "cell") if f"dv_{line}" in condition.offsets}
    block = Block(vectors, {"vdd": condition.vdd} | {k: v for k, v in levels.items() if v != condition.vdd})
    time = vectors["time"][0]
    places = time[np.unique(np.linspace(0, time.size - 1, ENERGIES).astype(int))]
    spent = [float(energy(block, panel.state, spans=((0.0, place),))[0]) for place in places]
    precharge = vectors[f"pre_b_{panel.state}"][0] < condition.vdd / 2
    ax.fill_between(time, 0.0, 1.0, where=precharge, transform=ax.get_xaxis_transform(), color="0.9", linewidth=0)
    part = f" of {plots.quantity(spent[-1], 'J')}" if told and panel.group == "read_path" else ""
    _so_far(ax, places, spent, told + part)


def _so_far(ax: Axes, time: np.ndarray, spent: Sequence[float], told: str) -> None:
    """Draw energy spent until each time, and tell its metric."""
    ax.plot(time, spent, color="black")
    plots.label_point(ax, told, (0.98 * time[-1], 1.15 * max(spent)), (0, 0), "right")
    ax.set_ylim(min(0.0, 1.1 * min(spent)), 1.3 * max(spent))
    plots.label_axis(ax.yaxis, "energy so far", "J")


def _switched(ax: Axes, panel: Panel, waves: xr.Dataset, condition: Condition, told: str) -> None:
    """Input and falling output of the inverter, each at half of VDD."""
    waves = waves.isel(step=-1)
    time, crossed = waves["time"].values[None], []
    for node, (name, look, rising, offset, side) in INVERTER.items():
        wave = waves[node].values
        ax.plot(time[0], wave, color=look.color, linestyle=look.linestyle)
        crossed.append(float(crossing(time, wave[None], condition.vdd / 2, rising=rising)[0]))
        if np.isfinite(crossed[-1]):
            plots.label_point(ax, name, (crossed[-1], condition.vdd / 2), (offset, 0), side)
    _interval(ax, *crossed, condition, told)


def _drawn(ax: Axes, panel: Panel, waves: xr.Dataset, condition: Condition, told: str) -> None:
    """Energy that the inverter has taken from its supply up to each time."""
    waves = waves.isel(step=-1)
    time, current = waves["time"].values, -waves["vmeasured#branch"].values
    _so_far(ax, time, condition.vdd * cumulative_trapezoid(current - current[0], time, initial=0.0), told)


PANELS = (
    Panel("write", "write of 0 over Q = 1", "t_write", _write),
    Panel("write", "write cycle", "e_write", _spent),
    Panel("read_path", "read, bit lines part", "t_bl", _parted),
    Panel("read_path", "precharge, bit lines come back", "t_precharge", _recovered),
    Panel("read_pulse", "longest read pulse survived", "t_pulse_read", _hardest),
    Panel("read_path", "read cycle, INP = INN = 1", "e_precharge", _spent),
    Panel("half_select", "row open, column not accessed", "v_half", _least),
    Panel("pim_row", "row computes eight times", "v_pim", _least),
    Panel("supply_dip", "dip of the cell's supply", "v_dip", _hardest, "vdd"),
    Panel("read_port", "read port, RBL falls", "t_rbl", _through_port, "rwl", "qb"),
    Panel("read_port", "read port, output rises", "t_read_port", _through_port, "rwl", "qb"),
    Panel("read_port", "read port, RBL comes back", "t_precharge_port", _through_port, "pre_b", "qb"),
    Panel("read_port", "read cycle through the port, Q = 0", "e_read_port", _spent, "rwl", "qb"),
    Panel("fo4", "inverter drives four, output falls", "t_fo4", _switched),
    Panel("fo4", "its energy, one fall and one rise", "e_fo4", _drawn),
)
"""What is shown, in order; of a read path or an inverter alone nothing is."""


if __name__ == "__main__":
    sys.exit(figures.main("in_time"))
