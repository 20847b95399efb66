"""Where the currents of a cell's transistors are tabulated: how far, how finely, and what lies within."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from charlib.twin.tables import GUARD
from netlists.bitcells import SIDES
from netlists.circuit import Transistor
from netlists.devicetable import COLUMN, ROW, DeviceGrid, Further, Grid
from netlists.setting import STATES, Setting

SIGMAS = 7.0
"""Standard deviations of |Vth| that tables hold on either side [1]."""
STEP, LEVEL_STEP, LINE_LEVEL_STEP, REST_LEVEL_STEP = 0.42, 0.35, 0.5, 0.25
"""Step of a gate, of a drain or source, of both where a line moves, which takes no part in a current that is measured,
and of a drain or source where a cell is at rest, in a table in thermal voltages kT/q [1]. A current is exponential in
all, in a gate's but for the factor that the body takes off. The leakage of a cell that hardly holds its bit, and the
peak of an N-curve where little of it is left, are ten times as far off as currents are: with gates 0.5 apart a `wti` of
a two-hundredth of the mean is 0.7 % off. A state that fades away at a supply of kT/q is 0.24 mV off with 0.35.
"""
SHIFT_STEP, FAINT = 150e-3, 1e-3
"""Of curves: largest step between the threshold shifts of a table whose gate counts from the threshold [V], from which
:func:`charlib.twin.tables.smooth_shifts` starts, and currents that do not matter to it [1].
"""
SMOOTH, REST_SMOOTH = 4e-5, 3e-5
"""Largest error of a current between two shifts, of curves and of cells at rest, where faint currents count as well,
as a share of itself [1]. A state that fades away is where 1e-5 of a current moves a node by microvolts, and those its
retention voltage by a hundred times as much: of SKY130 at 125 degC by 0.31 mV with 1.5e-4 for the closed pass gate.
"""
LINE_STEP = 80e-3
"""The step where line and node count from the threshold instead: there the body effect of the shift is in the currents.
"""
REST_STEP, REST_LINE_STEP = 40e-3, 20e-3
"""The two steps of tables for cells at rest, leakage and retention, where every current matters and a part of it goes
by the gate's own voltage [V]: with 40 mV for a closed pass gate, too, a retention voltage of FreePDK45 is 0.21 mV off.
"""
DEVIATIONS = 7
"""Deviations of a further parameter in a table, as far out as the shifts [1]. SKY130's currents are within 4e-5 of the
polynomial through seven over the oxide's thickness; of six 2e-4.
"""
BOLTZMANN = 1.380649e-23 / 1.602176634e-19
"""k/q [V/K] (SI)."""
BEYOND = (1.1, 0.6)
"""Highest levels below 0 and above the cell's supply to which an inverter's gate is tabulated [1]: a half cell that is
written is solved with its input that far down, one that is read with its input above the supply by what the read lifts
its output.
"""
NODES = (0.3, 0.55)
"""Highest levels below 0 and above the cell's supply to which a storage node is tabulated [1]."""
RESTING, AT_REST = (0.1, 0.55), ("leakage", "retention")
"""The same of a cell at rest, its gates included, and the testbenches whose cells rest: a supply that falls begins far
below the node.
"""
OVER_WORDLINE, BELOW_LINE = 0.5, 0.6
"""How far above its level a word line, and how far below 0 a bit line may have to go until a cell is written [V]."""


def inside(setting: Setting, name: str, vectors: Mapping[str, np.ndarray]) -> np.ndarray:
    """Samples of a testbench that have a solution, with every node and line within the tables, shape (sample,)."""
    highest = highest_level(setting)
    good = np.ones(len(next(iter(vectors.values()))), dtype=bool)
    for vector, wave in vectors.items():
        kind, _, state = vector.partition("_")
        if kind == "line":
            good &= ((wave >= -BELOW_LINE) & (wave <= highest + OVER_WORDLINE)).all(axis=1)
        elif kind in ("q", "qb", "driven"):
            below, above = RESTING if name in AT_REST else NODES if state in STATES else BEYOND
            supply = vectors[f"line_{state}"] if name == "retention" else setting.v_cell
            # On a butterfly Q is the output of one half and the input of the other, and so is Q-bar.
            for node in (wave, wave - vectors["s"]) if state.partition("_")[0] in SIDES else (wave,):
                inner = (node >= lowest_line(setting) - below * highest) & (node <= supply + above * highest)
                good &= inner.all(axis=1)
    return good


def highest_level(setting: Setting) -> float:
    """Highest level of a supply or line that tables are made for [V]: of all supplies of a technology the same."""
    return max(setting.technology.vdd_range[1], setting.v_cell, setting.v_bl, setting.v_wl)


def lowest_line(setting: Setting) -> float:
    """Lowest level of a bit line [V]: that of a write, 0 or negative."""
    return min(setting.dv_bl, 0.0)


def left_transistor(setting: Setting, role: str) -> Transistor:
    """The one of the left half; that of the right half is its like."""
    return next(t for t in setting.cell.half_transistors("l") if t.role == role)


def shift_reach(setting: Setting, role: str) -> float:
    """Largest |Vth| shift of a transistor that its table holds [V]: of all six the same for the two of a role."""
    device, t = setting.technology.devices[role], left_transistor(setting, role)
    systematic = max((abs(v) for name, v in setting.cell.shifts.items() if name.startswith(role)), default=0.0)
    drawn = np.sqrt(device.sigma_vth(t.w, t.length) ** 2 + sum(each**2 for _, each in device.shared))
    return abs(device.shift) + systematic + SIGMAS * float(drawn)


def device_grid(
    setting: Setting, role: str, gate: float | None, line: float | None, rest: bool, further: Further | None
) -> DeviceGrid:
    """Where a transistor's currents are tabulated; arguments as :meth:`charlib.twin.cell.Twin.table`."""
    thermal, reach = BOLTZMANN * setting.temp, shift_reach(setting, role)
    if further:
        reach += abs(further.as_shift) * further.deviations.stop
    highest = highest_level(setting)
    below, above = RESTING if rest else NODES
    node = lowest_line(setting) - below * highest, (1 + above) * highest
    below, above = RESTING if rest else BEYOND
    inputs = -below * highest - reach, (1 + above) * highest + reach
    fine = rest and not further  # over a further parameter as well, tables would be too large
    if rest:
        step = REST_LINE_STEP if fine and gate is not None else REST_STEP
    else:
        step = SHIFT_STEP if gate is None else LINE_STEP
    shifts = Grid.over(-reach, reach, reach / max(2, np.ceil(reach / step)))
    if role == "pd":
        at, rows, columns = {"d": COLUMN, "g": ROW, "s": 0.0, "b": 0.0}, inputs, node
    elif role == "pu":  # against its supply
        at, rows = {"d": COLUMN, "g": ROW, "s": 0.0, "b": 0.0}, tuple(level - highest for level in inputs)
        columns = tuple(level - highest for level in node)
    elif gate is None:
        at, columns = {"d": line, "g": ROW, "s": COLUMN, "b": 0.0}, node
        rows = -reach, highest + OVER_WORDLINE + reach
    elif line is None:
        at, columns = {"d": ROW, "g": gate, "s": COLUMN, "b": 0.0}, (node[0] - reach, node[1] + reach)
        rows = (0.0 if rest else -BELOW_LINE) - reach, highest + reach
    else:
        at, columns, rows = {"d": ROW, "g": gate, "s": COLUMN, "b": 0.0}, node, (line, line)
        shifts = Grid.over(-reach, reach, LEVEL_STEP * thermal)
    measured = ("d", "g") if role != "pg" else ("s",) if line is None else ("s", "d")
    level = line if role == "pg" else 0.0
    levels = LEVEL_STEP
    if fine:
        levels = REST_LEVEL_STEP
    elif gate is not None and not rest:  # of wm_bl
        levels = LINE_LEVEL_STEP
    columns = Grid.over(*columns, levels * thermal, GUARD, through=level or 0.0)
    apart, through = (STEP, 0.0) if gate is None else (levels, line or 0.0)
    rows = Grid.over(*rows, apart * thermal, GUARD, through)
    return DeviceGrid(rows, columns, shifts, at, gate is None or line is None, measured, level, further)
