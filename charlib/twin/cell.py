"""Static testbenches solved from tables: the same vectors at the same places as ngspice would return."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from charlib.ngspice import Session
from charlib.twin import kernels
from charlib.twin.coverage import ROLES
from charlib.twin.tables import GUARD, DeviceTable, device_table
from charlib.waveforms import Block
from netlists.devicetable import COLUMN, ROW, DeviceGrid, Grid
from netlists.margins import (
    HOLD,
    RETENTION_GAIN,
    WRITE_GAIN,
    diagonal,
    retention_places,
    write_places,
)
from netlists.setting import STATES, Setting
from netlists.testbench import Testbench
from netlists.testbenches import READ_RAMP_POINTS, butterfly_points

SIGMAS = 7.0
"""Standard deviations of |Vth| that tables hold on either side [1]."""
STEP = 0.5
"""Step of a table's voltages in thermal voltages kT/q [1]: where a current is exponential, splines err by 2e-4."""
SHIFT_STEP = 80e-3
"""Step between the threshold shifts of a table whose gate counts from the threshold [V]."""
BOLTZMANN = 1.380649e-23 / 1.602176634e-19
"""k/q [V/K] (SI)."""
BEYOND = (1.1, 1.6)
"""Supplies below 0 and up to which an inverter's gate is tabulated [1]: a half cell that is written is solved with its
input that far down, one that is read with its input above the supply by what the read lifts its output.
"""
NODES = (0.3, 1.55)
"""Supplies below 0 and up to which a storage node is tabulated [1]."""
OVER_WORDLINE, BELOW_LINE = 0.5, 0.6
"""How far above its level a word line, and how far below 0 a bit line may have to go until a cell is written [V]."""
REACH = 0.05
"""Largest Newton step of a storage node [V]: a transistor's curve is nearly straight over it or flat."""


def _fixed(base: float) -> tuple[float, float, float]:
    """Row of a pass gate whose word line is fixed: it counts from the threshold."""
    return base, 0.0, 1.0


LINE = (0.0, 1.0, 0.0)
"""Row of a pass gate that is the line itself."""
WORDLINE = (0.0, 1.0, 1.0)
"""Row of a pass gate whose word line is the line."""


@dataclass(frozen=True)
class Twin:
    """Tables of one cell at one process and temperature, and what is solved from them.

    Attributes:
        session: ngspice at accuracy ``reference``. folder: of stored tables.
        read: tables that are at hand, so that each is read and turned into splines once.
    """

    session: Session
    folder: Path
    read: dict[str, DeviceTable] = field(default_factory=dict)

    def table(self, setting: Setting, role: str, gate: float | None = None, line: float | None = None) -> DeviceTable:
        """Table of a transistor.

        Args:
            role: ``pd``, ``pu`` or ``pg``.
            gate, line: of the pass gate, whichever is fixed [V]; the other one is the row.
        """
        transistor = next(t for t in setting.cell.half_transistors("l") if t.role == role)
        grid = device_grid(setting, role, gate, line)
        key = f"{role} {setting.process} {setting.temp!r} {grid!r}"
        if key not in self.read:
            self.read[key] = device_table(self.session, self.folder, setting, transistor, grid)
        return self.read[key]

    def block(self, setting: Setting, testbench: Testbench, values: np.ndarray) -> tuple[Block, np.ndarray]:
        """Vectors of samples of a testbench.

        Args:
            testbench: of the setting, from the testbench table.
            values: its knobs' parameters, shape (sample, knob), as for ngspice.

        Returns:
            Block of the samples that were solved, and which ones they are, shape (sample,): a threshold or a node
            beyond the tables is no solution.
        """
        shifts = np.ascontiguousarray(values * np.array([knob.sign for knob in testbench.knobs.values()]))
        limits = np.tile([shift_reach(setting, role) for role in ROLES], 2)
        held = (np.abs(shifts) <= limits).all(axis=1)
        vectors = SOLVERS[testbench.name](self, setting, shifts[held])
        good = _inside(setting, vectors)
        held[held] = good
        return Block({name: wave[good] for name, wave in vectors.items()}, testbench.values), held


def _inside(setting: Setting, vectors: Mapping[str, np.ndarray]) -> np.ndarray:
    """Samples that have a solution, with every node and line within the tables, shape (sample,)."""
    highest = highest_level(setting)
    lines = BELOW_LINE / highest, 1.0 + OVER_WORDLINE / highest
    # On a butterfly Q is the output of one half and the input of the other one.
    ranges = {"q_l": BEYOND, "q_r": BEYOND, "q": NODES, "driven": NODES, "line": lines}
    good = np.ones(len(next(iter(vectors.values()))), dtype=bool)
    for name, wave in vectors.items():
        below, above = next((r for start, r in ranges.items() if name.startswith(start)), (np.inf, np.inf))
        good &= ((wave >= -below * highest) & (wave <= above * highest)).all(axis=1)
    return good


def highest_level(setting: Setting) -> float:
    """Highest level of a supply or line that tables are made for [V]: of all supplies of a technology the same."""
    return max(setting.technology.vdd_range[1], setting.v_cell, setting.v_bl, setting.v_wl)


def shift_reach(setting: Setting, role: str) -> float:
    """Largest |Vth| shift of a transistor that its table holds [V]: of all six the same for the two of a role."""
    device = setting.technology.devices[role]
    t = next(t for t in setting.cell.half_transistors("l") if t.role == role)
    systematic = max((abs(v) for name, v in setting.cell.shifts.items() if name.startswith(role)), default=0.0)
    drawn = np.sqrt(device.sigma_vth(t.w, t.length) ** 2 + sum(each**2 for _, each in device.shared))
    return abs(device.shift) + systematic + SIGMAS * float(drawn)


def device_grid(setting: Setting, role: str, gate: float | None, line: float | None) -> DeviceGrid:
    """Where a transistor's currents are tabulated; arguments as :meth:`Twin.table`."""
    step, reach = STEP * BOLTZMANN * setting.temp, shift_reach(setting, role)
    highest = highest_level(setting)
    node = -NODES[0] * highest, NODES[1] * highest
    shifts = Grid.over(-reach, reach, reach / max(2, np.ceil(reach / SHIFT_STEP)))
    inputs = -BEYOND[0] * highest - reach, BEYOND[1] * highest + reach
    if role == "pd":
        at, rows, columns = {"d": COLUMN, "g": ROW, "s": 0.0, "b": 0.0}, inputs, node
    elif role == "pu":  # against its supply
        at, rows = {"d": COLUMN, "g": ROW, "s": 0.0, "b": 0.0}, (inputs[0] - highest, inputs[1])
        columns = node[0] - highest, node[1]
    elif line is not None:
        at, columns = {"d": line, "g": ROW, "s": COLUMN, "b": 0.0}, node
        rows = -reach, highest + OVER_WORDLINE + reach
    else:
        at, columns = {"d": ROW, "g": gate, "s": COLUMN, "b": 0.0}, node
        rows = -BELOW_LINE, highest
        shifts = Grid.over(-reach, reach, step)
    measured = ("s", "d") if role == "pg" else ("d", "g")
    level = line if role == "pg" else 0.0
    columns = Grid.over(*columns, step, GUARD, through=level or 0.0)
    return DeviceGrid(Grid.over(*rows, step, GUARD), columns, shifts, at, gate is None, measured, level)


@dataclass(frozen=True)
class Wired:
    """Tables of a cell as kernels take them.

    Attributes:
        tables, axes, wiring, leaky: see :func:`charlib.twin.kernels._cell`.
    """

    tables: tuple[np.ndarray, ...]
    axes: tuple[np.ndarray, ...]
    wiring: np.ndarray
    leaky: bool


def axes_of(grid: DeviceGrid) -> np.ndarray:
    """Start, step and count of rows, columns and shifts, and the column where a second spline begins, shape (10,)."""
    lines = (n for g in (grid.rows, grid.columns, grid.shifts) for n in (g.start, g.step, g.count))
    return np.array([*lines, grid.level_at], dtype=float)


def wired(twin: Twin, setting: Setting, left: tuple, right: tuple, supply: tuple[float, float]) -> Wired:
    """A cell's tables.

    Args:
        left, right: of either pass gate, its table and its row, ``LINE``, ``WORDLINE`` or :func:`_fixed`.
        supply: ``[0] + [1] line`` [V].
    """
    pd, pu = twin.table(setting, "pd"), twin.table(setting, "pu")
    gates = [t.coefficients[1] for t in (pd, pu)]
    # A model without gate tunnelling draws exactly nothing, and the spline through zeros is zero.
    leaky = any(bool(g.any()) for g in gates)
    tables = (pd.coefficients[0], pu.coefficients[0], *gates, left[0].coefficients[0], right[0].coefficients[0])
    axes = tuple(axes_of(t.grid) for t in (pd, pu, left[0], right[0]))
    return Wired(tables, axes, np.array([[*row, *supply] for row in (left[1], right[1])]), leaky)


def _butterfly(twin: Twin, setting: Setting, shifts: np.ndarray, wordline: float) -> dict[str, np.ndarray]:
    s = butterfly_points() * setting.v_cell
    line = twin.table(setting, "pg", line=setting.v_bl)
    q_l, q_r = _halves(twin, setting, shifts, {"l": line, "r": line}, wordline, s)
    return {"s": np.broadcast_to(s, q_l.shape), "q_l": q_l, "q_r": q_r}


def _halves(
    twin: Twin, setting: Setting, shifts: np.ndarray, lines: Mapping[str, DeviceTable], wordline: float, s: np.ndarray
) -> list[np.ndarray]:
    """Q on the curves of both halves at ``s = q - qb``, each of shape (sample, point)."""
    pd, pu = twin.table(setting, "pd"), twin.table(setting, "pu")
    found = []
    for side, way in (("l", -1.0), ("r", 1.0)):
        # The source between input and output carries the gates' current.
        both = [(t.coefficients[0] + t.coefficients[1], axes_of(t.grid)) for t in (pd, pu)]
        line = lines[side].coefficients[0], axes_of(lines[side].grid)
        own = np.ascontiguousarray(shifts[:, :3] if side == "l" else shifts[:, 3:])
        out = kernels.half_cells(*both[0], *both[1], *line, wordline, setting.v_cell, way * s, own)
        found.append(out if side == "l" else out + s)
    return found


def _write_butterfly(twin: Twin, setting: Setting, shifts: np.ndarray) -> dict[str, np.ndarray]:
    s, found = diagonal(setting.v_cell), {}
    for name, level in (("", setting.vdd), ("_write", setting.dv_bl)):
        line = twin.table(setting, "pg", line=level)
        for side, q in zip("lr", _halves(twin, setting, shifts, {"l": line, "r": line}, setting.v_wl, s), strict=True):
            found[f"q_{side}{name}"] = q
    return {"s": np.broadcast_to(s, found["q_l"].shape), **found}


def _n_curve(twin: Twin, setting: Setting, shifts: np.ndarray) -> dict[str, np.ndarray]:
    s = diagonal(setting.v_cell)
    line = twin.table(setting, "pg", line=setting.v_bl), _fixed(setting.v_wl)
    w = wired(twin, setting, line, line, (setting.v_cell, 0.0))
    found = {"s": np.broadcast_to(s, (len(shifts), s.size))}
    for side, state in ((1, "q"), (0, "qb")):
        driven, into = kernels.driven_cells(w.tables, w.axes, w.wiring, w.leaky, side, s, setting.v_cell, shifts)
        found |= {f"driven_{state}": driven, f"e{state}#branch": -into}
    return found


def _followed(
    w: Wired, setting: Setting, shifts: np.ndarray, places: np.ndarray, law: tuple[float, ...], high: float, state: str
) -> np.ndarray:
    place = list(STATES).index(state)
    law = tuple(float(number) for number in law)
    return kernels.followed_cells(w.tables, w.axes, w.wiring, w.leaky, law, place, places, float(high), shifts)


def _lines(
    twin: Twin, setting: Setting, shifts: np.ndarray, places: np.ndarray, law: tuple, high: float, wire: Callable
) -> dict[str, np.ndarray]:
    """Vectors of a testbench of :func:`netlists.margins.followed`; ``wire``: state to the cell's tables."""
    found = {"s": np.broadcast_to(places, (len(shifts), places.size))}
    for state in STATES:
        q, qb, line = _followed(wire(state), setting, shifts, places, law, high, state)
        found |= {f"line_{state}": line, f"q_{state}": q, f"qb_{state}": qb}
    return found


def _write_bl(twin: Twin, setting: Setting, shifts: np.ndarray) -> dict[str, np.ndarray]:
    moved = twin.table(setting, "pg", gate=setting.v_wl), LINE
    fixed = twin.table(setting, "pg", line=setting.vdd), _fixed(setting.v_wl)
    sides = {"q": (moved, fixed), "qb": (fixed, moved)}
    limit = setting.vdd
    return _lines(
        twin, setting, shifts, write_places(setting.v_cell, limit), (WRITE_GAIN, limit, HOLD, 0.0, 1.0, REACH),
        setting.v_cell, lambda state: wired(twin, setting, *sides[state], (setting.v_cell, 0.0)),
    )  # fmt: skip


def _write_wl(twin: Twin, setting: Setting, shifts: np.ndarray) -> dict[str, np.ndarray]:
    low, high = ((twin.table(setting, "pg", line=level), WORDLINE) for level in (setting.dv_bl, setting.vdd))
    sides = {"q": (low, high), "qb": (high, low)}
    on = setting.v_wl
    return _lines(
        twin, setting, shifts, write_places(setting.v_cell, on), (WRITE_GAIN, on, HOLD, on, -1.0, REACH),
        setting.v_cell, lambda state: wired(twin, setting, *sides[state], (setting.v_cell, 0.0)),
    )  # fmt: skip


def _retention(twin: Twin, setting: Setting, shifts: np.ndarray) -> dict[str, np.ndarray]:
    highest = setting.technology.vdd_range[1]
    both = twin.table(setting, "pg", gate=0.0), LINE
    w = wired(twin, setting, both, both, (0.0, 1.0))
    law = (RETENTION_GAIN, highest, HOLD, 0.0, 1.0, REACH)
    return _lines(twin, setting, shifts, retention_places(highest), law, highest, lambda state: w)


def _at_dc(twin: Twin, setting: Setting, shifts: np.ndarray, wordlines: np.ndarray) -> dict[str, np.ndarray]:
    table = twin.table(setting, "pg", line=setting.v_bl)
    w = wired(twin, setting, (table, WORDLINE), (table, WORDLINE), (setting.v_cell, 0.0))
    _, a_pu, a_pg, _ = w.axes
    found = {}
    for state in STATES:
        q, qb, line = _followed(w, setting, shifts, wordlines, (0, 0, 0, 0, 0, REACH), setting.v_cell, state)
        lines, supply = {}, 0.0
        for side, (out, gate) in enumerate(((q, qb), (qb, q))):
            own = [np.ascontiguousarray(shifts[:, 3 * side + i]) for i in range(3)]
            lines[side] = -kernels.looked_up(table.coefficients[1], a_pg, line, out, 1.0, own[2])
            for inverter in (w.tables[1], w.tables[3]):
                v = setting.v_cell
                supply = supply + kernels.looked_up(inverter, a_pu, gate - v, out - v, -1.0, own[1])
        branches = {"bl": lines[0], "blb": lines[1], "vdd": supply}
        found |= {f"v{name}_{state}#branch": current for name, current in branches.items()}
        found |= {f"q_{state}": q, f"qb_{state}": qb}
    return found


SOLVERS: Mapping[str, Callable[[Twin, Setting, np.ndarray], dict[str, np.ndarray]]] = {
    "butterfly_hold": lambda twin, setting, shifts: _butterfly(twin, setting, shifts, 0.0),
    "butterfly_read": lambda twin, setting, shifts: _butterfly(twin, setting, shifts, setting.v_wl),
    "write_butterfly": _write_butterfly,
    "n_curve": _n_curve,
    "write_bl": _write_bl,
    "write_wl": _write_wl,
    "retention": _retention,
    "read_current": lambda twin, setting, shifts: _at_dc(
        twin, setting, shifts, np.linspace(0.0, setting.v_wl, READ_RAMP_POINTS)
    ),
    "leakage": lambda twin, setting, shifts: _at_dc(twin, setting, shifts, np.zeros(1)),
}
"""Row of the testbench table to what solves it."""
