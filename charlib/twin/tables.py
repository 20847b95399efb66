"""Tables of device currents: made by ngspice once, kept by content, read as cubic splines."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from scipy.interpolate import make_interp_spline

from charlib import ngspice
from charlib.directory import write_whole
from charlib.errors import CharacterizationError
from charlib.ngspice import Session, Solved
from netlists.circuit import Transistor
from netlists.devicetable import DeviceGrid, Grid, device_bench, knob_rows
from netlists.setting import Condition

FORMAT = 1
"""Version of what a stored table holds."""
GUARD = 5
"""Steps of a grid at either end that no solution may reach [1]: the ends of splines are less exact."""


@dataclass(frozen=True)
class DeviceTable:
    """Currents of one transistor as the coefficients of cubic splines.

    Attributes:
        grid: where they were tabulated.
        coefficients: of the current into each measured terminal [A], shape (terminal, row, column, shift): those of
            :func:`splines`; between shifts the numbers themselves are interpolated.
    """

    grid: DeviceGrid
    coefficients: np.ndarray


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
        solved = session.solve(bench, knob_rows(bench, grid))
        lost = next((answer for answer in solved if not isinstance(answer, Solved)), None)
        if lost is not None:
            raise CharacterizationError(f"table of {transistor.name}: {lost.reason}")
        shape = (grid.rows.count, len(grid.measured), grid.shifts.count, grid.columns.count)
        currents = np.stack([answer.data for answer in solved]).reshape(shape).transpose(1, 0, 3, 2)
        stored = io.BytesIO()
        np.save(stored, currents)
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda partial: partial.write_bytes(stored.getbuffer()))
    return DeviceTable(grid, splines(-currents, grid))


def _read(path: Path, grid: DeviceGrid) -> np.ndarray | None:
    """A stored table, or None where there is none that is whole."""
    try:
        currents = np.load(path)
    except (OSError, ValueError, EOFError):
        return None
    whole = (len(grid.measured), grid.rows.count, grid.columns.count, grid.shifts.count)
    return currents if currents.shape == whole else None


def splines(values: np.ndarray, grid: DeviceGrid) -> np.ndarray:
    """Coefficients of cubic splines through numbers on rows and columns.

    Where drain and source are at one level there are two splines, one for the columns on either side: a single one
    would swing for ten steps.

    Args:
        values: shape (terminal, row, column, shift).

    Returns:
        Coefficients, such that ``k - 1`` to ``k + 2`` belong to the interval from point ``k`` on, shape as of
        ``values``; with two splines three columns more, and the intervals of the second one three coefficients on.
    """
    values = np.moveaxis(_coefficients(grid.rows, np.moveaxis(values, 1, 0))[1:-1], 0, 1)
    columns, at, lines = np.moveaxis(values, 2, 0), grid.level_at, grid.columns
    if at == lines.count:
        found = _coefficients(lines, columns)[1:-1]
    else:
        below = _coefficients(replace(lines, count=at + 1), columns[: at + 1])[1:]
        above = _coefficients(replace(lines, start=lines.values[at], count=lines.count - at), columns[at:])[:-1]
        found = np.concatenate([below, above])
    return np.ascontiguousarray(np.moveaxis(found, 0, 2))


def _coefficients(line: Grid, values: np.ndarray) -> np.ndarray:
    """Coefficients of a not-a-knot spline for the evenly spaced basis, one more at either end, along the first axis."""
    points, square = line.values, line.step**2
    bend = square * make_interp_spline(points, values, k=3)(points, nu=2)
    inner = values - bend / 6
    ends = [2 * inner[i] - inner[j] + bend[i] for i, j in ((0, 1), (-1, -2))]
    return np.concatenate([ends[0][None], inner, ends[1][None]])
