"""Static testbenches solved from tables: the same vectors at the same places as ngspice would return."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from charlib.session import Session
from charlib.twin import kernels
from charlib.twin.coverage import INVERTER, ROLES
from charlib.twin.grids import (
    DEVIATIONS,
    FAINT,
    REST_SMOOTH,
    SIGMAS,
    SMOOTH,
    device_grid,
    inside,
    left_transistor,
    shift_reach,
)
from charlib.twin.tables import DeviceTable, as_shift, device_table, smooth_shifts
from charlib.waveforms import Block
from netlists.bitcells import SIDES
from netlists.devicetable import Chebyshev, Further, Grid
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

REACH = 0.05
"""Largest Newton step of a storage node [V]: a transistor's curve is nearly straight over it or flat."""


def _fixed(base: float) -> tuple[float, float, float, float]:
    """Wiring of a pass gate between a fixed bit line and a storage node whose word line is fixed as well."""
    return base, 0.0, -1.0, 0.0


LINE = (0.0, 1.0, 1.0, 1.0)
"""Wiring of a pass gate whose bit line is the line: with the node it counts from the threshold."""
WORDLINE = (0.0, 1.0, -1.0, 0.0)
"""Wiring of a pass gate whose word line is the line."""


@dataclass(frozen=True)
class Twin:
    """Tables of one cell, and what is solved from them.

    Attributes:
        session: ngspice at accuracy ``reference``. folder: of stored tables.
        read: tables that are at hand, so that each is read and turned into splines once for a testbench.
        varying, shifts: further parameters of transistors, and shifts of tables, so that each is looked for once.
    """

    session: Session
    folder: Path
    read: dict[str, DeviceTable] = field(default_factory=dict)
    varying: dict[str, Further | None] = field(default_factory=dict)
    shifts: dict[str, Grid] = field(default_factory=dict)

    def table(
        self,
        setting: Setting,
        role: str,
        gate: float | None = None,
        line: float | None = None,
        *,
        rest: bool = False,
    ) -> DeviceTable:
        """Table of a transistor.

        Args:
            role: ``pd``, ``pu`` or ``pg``.
            gate, line: of the pass gate, whichever is fixed [V]; the other one is the row. Where both are, a few rows
                lie around the line.
            rest: for a cell at rest. Of an inverter's transistor of which more varies than its threshold there is no
                such table, which would be too large.
        """
        transistor = left_transistor(setting, role)
        further = self.further(setting, role)
        rest = rest and not (further and role != "pg")
        grid = device_grid(setting, role, gate, line, rest, further)
        key = f"{role} {rest} {setting.process} {setting.temp!r} {grid!r}"
        if key not in self.read:
            if grid.overdrive:
                if key not in self.shifts:
                    smooth, faint = (REST_SMOOTH, 0.0) if rest else (SMOOTH, FAINT)
                    self.shifts[key] = smooth_shifts(self.session, setting, transistor, grid, smooth, faint)
                grid = replace(grid, shifts=self.shifts[key])
            self.read[key] = device_table(self.session, self.folder, setting, transistor, grid)
        return self.read[key]

    def begin(self, setting: Setting) -> None:
        """Let go, before a testbench, of tables that it does not share with the one before.

        Inverters serve all testbenches and supplies of a corner and temperature; most tables of pass gates serve one.
        """
        condition = f"{setting.process} {setting.temp!r} "
        shared = tuple(f"{role} {rest} {condition}" for role in INVERTER for rest in (False, True))
        for key in [key for key in self.read if not key.startswith(shared)]:
            del self.read[key]

    def further(self, setting: Setting, role: str) -> Further | None:
        """What of a transistor varies besides its threshold, as far as its table holds it."""
        key = f"{role} {setting.process} {setting.temp!r}"
        if key not in self.varying:
            self.varying[key] = self._further(setting, role)
        return self.varying[key]

    def _further(self, setting: Setting, role: str) -> Further | None:
        technology, t = setting.technology, left_transistor(setting, role)
        device = technology.devices[role]
        if not device.mismatch:
            return None
        (law,) = device.mismatch
        nominal = technology.nominal(device, law, *t.size)
        sigma = device.sigma(law, nominal, t.w, t.length)
        volts = as_shift(self.session, setting, t, law, sigma)
        return Further(law, nominal, Chebyshev(SIGMAS * sigma, DEVIATIONS), volts)

    def block(self, setting: Setting, testbench: Testbench, values: np.ndarray) -> tuple[Block, np.ndarray]:
        """Vectors of samples of a testbench.

        Args:
            testbench: of the setting, from the testbench table.
            values: its knobs' parameters, shape (sample, knob), as for ngspice.

        Returns:
            Block of the samples that were solved, and which ones they are, shape (sample,): a threshold or a node
            beyond the tables is no solution.
        """
        varied, held = self._varied(setting, testbench, values)
        vectors = SOLVERS[testbench.name](self, setting, varied[held])
        good = inside(setting, testbench.name, vectors)
        held[held] = good
        return Block({name: wave[good] for name, wave in vectors.items()}, testbench.values), held

    def _varied(self, setting: Setting, testbench: Testbench, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """|Vth| shift as tables count it [V] and deviation of the further parameter of the six transistors, the left
        half first, shape (sample, 2, 6); which samples the tables hold, shape (sample,).
        """
        column = dict(zip(testbench.knobs, range(len(testbench.knobs)), strict=True))
        varied, held = np.zeros((len(values), 2, 6)), np.ones(len(values), dtype=bool)
        for i, (side, role) in enumerate((side, role) for side in SIDES for role in ROLES):
            path, further = f"cell.{role}_{side}", self.further(setting, role)
            shift = values[:, column[path]] * testbench.knobs[path].sign
            held &= np.abs(shift) <= shift_reach(setting, role)
            varied[:, 0, i] = shift
            if further:
                deviation = values[:, column[f"{path}:{further.law.name}"]] - further.nominal
                held &= np.abs(deviation) <= further.deviations.stop
                varied[:, 0, i] += further.as_shift * deviation
                varied[:, 1, i] = deviation
        return varied, held


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


def wired(
    twin: Twin, setting: Setting, left: tuple, right: tuple, supply: tuple[float, float], rest: bool = False
) -> Wired:
    """A cell's tables.

    Args:
        left, right: of either pass gate, its table and its wiring, ``LINE``, ``WORDLINE`` or :func:`_fixed`.
        supply: ``[0] + [1] line`` [V]. rest: see :meth:`Twin.table`.
    """
    pd, pu = twin.table(setting, "pd", rest=rest), twin.table(setting, "pu", rest=rest)
    gates = [t.coefficients[1] for t in (pd, pu)]
    leaky = pd.second or pu.second  # a model without gate tunnelling draws exactly nothing
    tables = (pd.coefficients[0], pu.coefficients[0], *gates, left[0].coefficients[0], right[0].coefficients[0])
    axes = tuple(t.axes for t in (pd, pu, left[0], right[0]))
    return Wired(tables, axes, np.array([[*row, *supply] for row in (left[1], right[1])]), leaky)


def _butterfly(twin: Twin, setting: Setting, varied: np.ndarray, wordline: float) -> dict[str, np.ndarray]:
    s = butterfly_points() * setting.v_cell
    q_l, q_r = _halves(twin, setting, varied, setting.v_bl, wordline, s)
    return {"s": np.broadcast_to(s, q_l.shape), "q_l": q_l, "q_r": q_r}


def _halves(
    twin: Twin, setting: Setting, varied: np.ndarray, line: float, wordline: float, s: np.ndarray
) -> list[np.ndarray]:
    """Q on the curves of both halves at ``s = q - qb`` with the bit lines at a level, each of shape (sample, point)."""
    pd, pu, pg = twin.table(setting, "pd"), twin.table(setting, "pu"), twin.table(setting, "pg", line=line)
    # The source between input and output carries the gates' current.
    tables = pd.summed, pd.axes, pu.summed, pu.axes, pg.coefficients[0], pg.axes
    found = []
    for way, own in ((-1.0, varied[:, :, :3]), (1.0, varied[:, :, 3:])):
        out = kernels.half_cells(
            *tables, (wordline, setting.v_cell), _limits(setting, line), way * s, np.ascontiguousarray(own)
        )
        found.append(out if way < 0 else out + s)
    return found


def _limits(setting: Setting, line: float) -> tuple[float, float]:
    """Between which an undriven storage node lies, with both bit lines at a level [V]: a margin beyond all levels."""
    levels, margin = (0.0, setting.v_cell, line), 0.05 * setting.v_cell
    return min(levels) - margin, max(levels) + margin


def _write_butterfly(twin: Twin, setting: Setting, varied: np.ndarray) -> dict[str, np.ndarray]:
    s, found = diagonal(setting.v_cell), {}
    for name, level in (("", setting.vdd), ("_write", setting.dv_bl)):
        for side, q in zip(SIDES, _halves(twin, setting, varied, level, setting.v_wl, s), strict=True):
            found[f"q_{side}{name}"] = q
    return {"s": np.broadcast_to(s, found["q_l"].shape), **found}


def _n_curve(twin: Twin, setting: Setting, varied: np.ndarray) -> dict[str, np.ndarray]:
    s = diagonal(setting.v_cell)
    line = twin.table(setting, "pg", line=setting.v_bl), _fixed(setting.v_wl)
    w = wired(twin, setting, line, line, (setting.v_cell, 0.0))
    limits = _limits(setting, setting.v_bl)
    found = {"s": np.broadcast_to(s, (len(varied), s.size))}
    for side, state in ((1, "q"), (0, "qb")):
        driven, into = kernels.driven_cells(w.tables, w.axes, w.wiring, w.leaky, side, s, limits, varied)
        found |= {f"driven_{state}": driven, f"e{state}#branch": -into}
    return found


def _followed(
    w: Wired, setting: Setting, varied: np.ndarray, places: np.ndarray, law: tuple[float, ...], high: float, state: str
) -> np.ndarray:
    place = list(STATES).index(state)
    law = tuple(float(number) for number in law)
    return kernels.followed_cells(w.tables, w.axes, w.wiring, w.leaky, law, place, places, float(high), varied)


def _lines(
    twin: Twin, setting: Setting, varied: np.ndarray, places: np.ndarray, law: tuple, high: float, wire: Callable
) -> dict[str, np.ndarray]:
    """Vectors of a testbench of :func:`netlists.margins.followed`; ``wire``: state to the cell's tables."""
    found = {"s": np.broadcast_to(places, (len(varied), places.size))}
    for state in STATES:
        q, qb, line = _followed(wire(state), setting, varied, places, law, high, state)
        found |= {f"line_{state}": line, f"q_{state}": q, f"qb_{state}": qb}
    return found


def _write_bl(twin: Twin, setting: Setting, varied: np.ndarray) -> dict[str, np.ndarray]:
    moved = twin.table(setting, "pg", gate=setting.v_wl), LINE
    fixed = twin.table(setting, "pg", line=setting.vdd), _fixed(setting.v_wl)
    sides = {"q": (moved, fixed), "qb": (fixed, moved)}
    limit = setting.vdd
    return _lines(
        twin, setting, varied, write_places(setting.v_cell, limit), (WRITE_GAIN, limit, HOLD, 0.0, 1.0, REACH),
        setting.v_cell, lambda state: wired(twin, setting, *sides[state], (setting.v_cell, 0.0)),
    )  # fmt: skip


def _write_wl(twin: Twin, setting: Setting, varied: np.ndarray) -> dict[str, np.ndarray]:
    low, high = ((twin.table(setting, "pg", line=level), WORDLINE) for level in (setting.dv_bl, setting.vdd))
    sides = {"q": (low, high), "qb": (high, low)}
    on = setting.v_wl
    return _lines(
        twin, setting, varied, write_places(setting.v_cell, on), (WRITE_GAIN, on, HOLD, on, -1.0, REACH),
        setting.v_cell, lambda state: wired(twin, setting, *sides[state], (setting.v_cell, 0.0)),
    )  # fmt: skip


def _retention(twin: Twin, setting: Setting, varied: np.ndarray) -> dict[str, np.ndarray]:
    highest = setting.technology.vdd_range[1]
    both = twin.table(setting, "pg", gate=0.0, rest=True), LINE
    w = wired(twin, setting, both, both, (0.0, 1.0), rest=True)
    law = (RETENTION_GAIN, highest, HOLD, 0.0, 1.0, REACH)
    found = _lines(twin, setting, varied, retention_places(highest), law, highest, lambda state: w)
    # One state after the other, as in ngspice: what rests is at its first place.
    for name, wave in found.items():
        rest = np.broadcast_to(wave[:, :1], wave.shape)
        found[name] = np.concatenate([rest, wave] if name.endswith("_qb") else [wave, rest], axis=1)
    return found


def _read_current(twin: Twin, setting: Setting, varied: np.ndarray) -> dict[str, np.ndarray]:
    passing = twin.table(setting, "pg", line=setting.v_bl), WORDLINE
    return _at_dc(twin, setting, varied, passing, np.linspace(0.0, setting.v_wl, READ_RAMP_POINTS), rest=False)


def _leakage(twin: Twin, setting: Setting, varied: np.ndarray) -> dict[str, np.ndarray]:
    closed = twin.table(setting, "pg", gate=0.0, line=setting.v_bl, rest=True), (setting.v_bl, 0.0, 0.0, 0.0)
    return _at_dc(twin, setting, varied, closed, np.zeros(1), rest=True)


def _at_dc(
    twin: Twin, setting: Setting, varied: np.ndarray, passing: tuple, wordlines: np.ndarray, rest: bool
) -> dict[str, np.ndarray]:
    """Both states at rest; ``passing``: of either pass gate, its table and its wiring.

    What the supply gives through a pull-up that conducts is what leaves its node through all the others: by itself it
    is as coarse as a float of the node's voltage times its conductance, some 1e-20 A.
    """
    table, (base, by_line, by_shift, _) = passing
    v_cell = setting.v_cell
    w = wired(twin, setting, passing, passing, (v_cell, 0.0), rest)
    a_pd, a_pu, a_pg, _ = w.axes
    pd, pu, pd_gate, pu_gate, pg, _ = w.tables
    found = {}
    for state in STATES:
        q, qb, line = _followed(w, setting, varied, wordlines, (0, 0, 0, 0, 0, REACH), setting.v_cell, state)
        lines, supply = {}, 0.0
        sides = [[np.ascontiguousarray(varied[:, :, 3 * side + i]) for i in range(3)] for side in (0, 1)]
        for side, (out, gate) in enumerate(((q, qb), (qb, q))):
            own, other = sides[side], sides[1 - side]
            row = base + by_line * line
            lines[side] = -kernels.looked_up(table.coefficients[1], a_pg, row, out, by_shift, own[2])
            if STATES[state][side]:
                through = -kernels.looked_up(pd, a_pd, gate, out, -1.0, own[0])
                through -= kernels.looked_up(pg, a_pg, row, out, by_shift, own[2])
                through -= kernels.looked_up(pd_gate, a_pd, out, gate, -1.0, other[0])
                through -= kernels.looked_up(pu_gate, a_pu, out - v_cell, gate - v_cell, 1.0, other[1])
            else:
                through = kernels.looked_up(pu, a_pu, gate - v_cell, out - v_cell, 1.0, own[1])
            supply += through + kernels.looked_up(pu_gate, a_pu, gate - v_cell, out - v_cell, 1.0, own[1])
        branches = {"bl": lines[0], "blb": lines[1], "vdd": supply}
        found |= {f"v{name}_{state}#branch": current for name, current in branches.items()}
        found |= {f"q_{state}": q, f"qb_{state}": qb}
    return found


SOLVERS: Mapping[str, Callable[[Twin, Setting, np.ndarray], dict[str, np.ndarray]]] = {
    "butterfly_hold": lambda twin, setting, varied: _butterfly(twin, setting, varied, 0.0),
    "butterfly_read": lambda twin, setting, varied: _butterfly(
        twin, setting, varied, 0.0 if setting.cell.decoupled else setting.v_wl
    ),
    "write_butterfly": _write_butterfly,
    "n_curve": _n_curve,
    "write_bl": _write_bl,
    "write_wl": _write_wl,
    "retention": _retention,
    "read_current": _read_current,
    "leakage": _leakage,
}
"""Row of the testbench table to what solves it."""
