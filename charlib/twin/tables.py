"""Tables of device currents: made by ngspice once, kept by content, read as cubic splines."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.interpolate import make_interp_spline

from charlib import ngspice
from charlib.directory import write_whole
from charlib.errors import CharacterizationError
from charlib.ngspice import Session, Solved
from netlists.circuit import Transistor
from netlists.devicetable import DeviceGrid, device_bench, knob_rows
from netlists.setting import Condition

FORMAT = 1
"""Version of what a stored table holds."""
GUARD = 5
"""Steps of a grid at either end that splines need and no solution may reach [1]: from there on inwards the basis of a
spline with plain ends is that of evenly spaced knots.
"""


@dataclass(frozen=True)
class DeviceTable:
    """Currents of one transistor as the coefficients of cubic splines.

    Attributes:
        grid: where they were tabulated.
        coefficients: of the current into each measured terminal [A], shape (terminal, row, column, shift): splines
            over rows and columns; between shifts the numbers themselves are interpolated.
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
    """Coefficients of cubic splines through numbers on rows and columns, shapes (terminal, row, column, shift).

    Of the spline with not-a-knot ends; ``GUARD`` steps from the ends its basis is the evenly spaced one, where
    coefficient ``k - 1`` to ``k + 2`` belong to the interval from point ``k`` on.
    """
    for axis, line in ((1, grid.rows), (2, grid.columns)):
        values = np.moveaxis(make_interp_spline(line.values, np.moveaxis(values, axis, 0), k=3).c, 0, axis)
    return np.ascontiguousarray(values)
