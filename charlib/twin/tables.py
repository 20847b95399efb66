"""Tables of device currents: made by ngspice once, kept by content, read as cubic splines."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.interpolate import make_interp_spline

from charlib import ngspice
from charlib.arrays import spans
from charlib.directory import write_whole
from charlib.errors import CharacterizationError
from charlib.session import Session, Solved
from netlists.circuit import Transistor
from netlists.devicetable import COLUMN, Chebyshev, DeviceGrid, Further, Grid, device_bench, knob_rows
from netlists.setting import Condition
from netlists.testbench import Testbench
from netlists.variation import MismatchLaw

FORMAT = 3
"""Version of what a stored table holds."""
SINGLE = np.float32
"""What numbers of tables are kept in: 6e-8 of a current is a thousandth of what a spline leaves, in half the memory."""
GUARD = 5
"""Steps of a grid at either end that no solution may reach [1]: the ends of splines are less exact."""
GATE_STEP = 10e-3
"""Step of the gate where :func:`as_shift` looks for the steepest rise [V]."""
LOOKED_AT = 41, 13
"""Rows and columns of a table, evenly over it, at which :func:`smooth_shifts` looks [1]."""
SMALL = 0.05
"""Share of a row's largest current below which an error of :func:`smooth_shifts` is a share of that [1]."""
LEAST_STEP = 12e-3
"""Step of shifts that is not halved any more [V]."""
PART = 32
"""Variations whose splines are made at a time."""


@dataclass(frozen=True)
class DeviceTable:
    """Currents of one transistor as the coefficients of cubic splines.

    Attributes:
        grid: where they were tabulated.
        coefficients: of the current into each measured terminal [A], ``SINGLE``, shape (terminal, row, column,
            variation): those of :func:`splines`. A variation is a shift at a deviation of the further parameter, all
            shifts of the first deviation first; between them the numbers themselves are interpolated.
    """

    grid: DeviceGrid
    coefficients: np.ndarray

    @cached_property
    def summed(self) -> np.ndarray:
        """Coefficients of the current into all measured terminals together [A]."""
        return self.coefficients.sum(axis=0)

    @cached_property
    def second(self) -> bool:
        """Whether any current flows into the second measured terminal: the spline through zeros is zero."""
        return bool(self.coefficients[1].any())

    @cached_property
    def axes(self) -> np.ndarray:
        """Its axes as kernels take them, see :func:`charlib.twin.kernels.current`, shape (10 + deviation,)."""
        grid = self.grid
        lines = [n for line in (grid.rows, grid.columns, grid.shifts) for n in (line.start, line.step, line.count)]
        deviations = grid.further.deviations.values if grid.further else np.zeros(1)
        return np.array([*lines, grid.level_at, *deviations], dtype=float)


def device_table(
    session: Session, folder: Path, condition: Condition, transistor: Transistor, grid: DeviceGrid
) -> DeviceTable:
    """The table of a transistor on a grid, found in a folder or made there.

    Args:
        session: at accuracy ``reference``.
        folder: of stored tables.

    Raises:
        CharacterizationError: ngspice does not solve a point of the grid.
    """
    bench = device_bench(condition, transistor, grid)
    content = {
        "format": FORMAT, "deck": bench.deck, "grid": asdict(grid), "ngspice": ngspice.version(),
        "osdi": [model.sha256 for model in bench.osdi],
    }  # fmt: skip
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    path = folder / f"device_table-{key[:40]}.npy"
    currents = _read(path, grid)
    if currents is None:
        currents = np.empty(_stored_shape(grid), SINGLE)
        deviations, count = grid.shape[0], grid.shifts.count
        for i, rows in enumerate(np.split(knob_rows(bench, grid), deviations)):
            found = _simulated(session, bench, rows, transistor.name).reshape(grid.shape[1:])
            currents[..., i * count : (i + 1) * count] = found.transpose(1, 0, 3, 2)
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda partial: _save(partial, currents))
    found = splines(currents, grid)
    return DeviceTable(grid, np.negative(found, out=found))


def _save(path: Path, currents: np.ndarray) -> None:
    with path.open("wb") as file:
        np.save(file, currents)


def _read(path: Path, grid: DeviceGrid) -> np.ndarray | None:
    """A stored table, or None where there is none that is whole."""
    try:
        currents = np.load(path)
    except (OSError, ValueError, EOFError):
        return None
    return currents if currents.shape == _stored_shape(grid) else None


def _stored_shape(grid: DeviceGrid) -> tuple[int, int, int, int]:
    """Terminal, row, column and variation."""
    deviations, rows, terminals, shifts, columns = grid.shape
    return terminals, rows, columns, deviations * shifts


def as_shift(session: Session, condition: Condition, transistor: Transistor, law: MismatchLaw, sigma: float) -> float:
    """What a unit of deviation of a parameter does to the gate, as a shift of |Vth| [V].

    Where the current of the typical transistor rises steepest with its gate: there it depends on what the transistor's
    threshold is and on little else.

    Args:
        sigma: standard deviation of the parameter, in its unit.

    Raises:
        CharacterizationError: ngspice does not solve it.
    """
    technology = condition.technology
    device = technology.devices[transistor.role]
    highest = {"n": 1.0, "p": -1.0}[device.polarity] * technology.vdd_range[1]
    nominal = technology.nominal(device, law, *transistor.size)
    gate = Grid(0.0, math.copysign(GATE_STEP, highest), 1 + int(abs(highest) / GATE_STEP))
    at = {"d": highest / 2, "g": COLUMN, "s": 0.0, "b": 0.0}
    further = Further(law, nominal, Chebyshev(sigma, 3))
    grid = DeviceGrid(Grid(0.0, 1.0, 1), gate, Grid(0.0, 1.0, 1), at, False, ("d",), None, further)
    bench = device_bench(condition, transistor, grid)
    low, typical, high = np.log(np.abs(_simulated(session, bench, knob_rows(bench, grid), transistor.name)[:, 0]))
    slope = np.gradient(typical, GATE_STEP)
    steepest = slope[1:-1].argmax() + 1
    return float(-(high - low)[steepest] / (2 * sigma) / slope[steepest])


def smooth_shifts(
    session: Session, condition: Condition, transistor: Transistor, grid: DeviceGrid, smooth: float, faint: float
) -> Grid:
    """Shifts of a grid, halved until the cubic through four of them meets the currents between them.

    What a model limits bends the current over the shift: FreePDK45 in the cold (BSIM4).

    Args:
        smooth: largest error of a current between two shifts, as a share of itself [1].
        faint: share of the largest current of all [1]: an error of less current than that is a share of it.

    Raises:
        CharacterizationError: ngspice does not solve it.
    """
    lines = zip((grid.rows, grid.columns), LOOKED_AT, strict=True)
    rows, columns = (Grid(line.start, (line.stop - line.start) / (n - 1), n) for line, n in lines)
    further = replace(grid.further, deviations=Chebyshev(0.0, 1)) if grid.further else None
    shifts = grid.shifts
    while shifts.step > LEAST_STEP:
        closer = Grid(shifts.start, shifts.step / 2, 2 * shifts.count - 1)
        look = replace(grid, rows=rows, columns=columns, shifts=closer, level=None, further=further)
        bench = device_bench(condition, transistor, look)
        currents = _simulated(session, bench, knob_rows(bench, look), transistor.name)
        each = np.moveaxis(currents.reshape(look.shape)[0, :, 0], 1, 0)
        at, between = each[::2], each[1::2]
        first, last = ((5 * a + 15 * b - 5 * c + d) / 16 for a, b, c, d in (at[:4], at[:-5:-1]))
        middle = (9 * (at[1:-2] + at[2:-1]) - at[:-3] - at[3:]) / 16
        size = np.abs(between)
        least = np.maximum(SMALL * size.max(axis=2, keepdims=True), faint * size.max())
        error = np.abs(np.stack([first, *middle, last]) - between) / np.maximum(size, least)
        if grid.fixed_gate:  # levels are as far below the row and column as the shift; below 0 a junction conducts
            below = closer.values[1::2, None]
            error *= (rows.values >= below)[:, :, None] & (columns.values >= below)[:, None]
        if error.max() <= smooth:
            break
        shifts = closer
    return shifts


def _simulated(session: Session, bench: Testbench, rows: np.ndarray, name: str) -> np.ndarray:
    """Currents of a transistor at rows of its bench's knobs, shape (row, terminal x shift, column) [A]."""
    solved = session.solve(bench, rows)
    lost = next((answer for answer in solved if not isinstance(answer, Solved)), None)
    if lost is not None:
        raise CharacterizationError(f"table of {name}: {lost.reason}")
    return np.stack([answer.data for answer in solved])


def splines(values: np.ndarray, grid: DeviceGrid) -> np.ndarray:
    """Coefficients of cubic splines through numbers on rows and columns.

    Where drain and source are at one level there are two splines, one for the columns on either side: a single one
    would swing for ten steps.

    Args:
        values: shape (terminal, row, column, variation).

    Returns:
        Coefficients, such that ``k - 1`` to ``k + 2`` belong to the interval from point ``k`` on, ``SINGLE``, shape as
        of ``values``; with two splines three columns more, and the intervals of the second one three coefficients on.
    """
    rows, columns = _operator(grid.rows)[1:-1], _over_columns(grid)
    found = np.empty((*values.shape[:2], len(columns), values.shape[3]), SINGLE)
    for terminal, each in enumerate(values):
        for span in spans(values.shape[3], PART):
            over_rows = np.tensordot(rows, each[:, :, span].astype(float), 1)
            found[terminal, :, :, span] = columns @ over_rows
    return found


def _over_columns(grid: DeviceGrid) -> np.ndarray:
    """What takes numbers on the columns to coefficients, one spline or two, shape (coefficient, column)."""
    at, lines = grid.level_at, grid.columns
    if at == lines.count:
        return _operator(lines)[1:-1]
    below, above = replace(lines, count=at + 1), replace(lines, start=lines.values[at], count=lines.count - at)
    first, second = _operator(below)[1:], _operator(above)[:-1]
    both = np.zeros((len(first) + len(second), lines.count))
    both[: len(first), : at + 1], both[len(first) :, at:] = first, second
    return both


def _operator(line: Grid) -> np.ndarray:
    """What takes numbers on a line to the coefficients of their not-a-knot spline, shape (count + 2, count).

    The basis is the evenly spaced one, with one more at either end. A product with a matrix is three to five times as
    fast as a spline of every column by itself.
    """
    unit = np.eye(line.count)
    bend = line.step**2 * make_interp_spline(line.values, unit, k=3)(line.values, nu=2)
    inner = unit - bend / 6
    ends = [2 * inner[i] - inner[j] + bend[i] for i, j in ((0, 1), (-1, -2))]
    return np.concatenate([ends[0][None], inner, ends[1][None]])
