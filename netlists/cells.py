"""The table of cells, and cells as data: what a results directory keeps of one, and the cell made of that again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from netlists.bitcells import Cell, Sram6T, Sram8T
from netlists.mramcells import MramCell, Sot2T1M, Stt1T1M
from netlists.netlistcell import CellError, NetlistCell

PARAMETRIZED: Mapping[str, type[Sram6T | MramCell]] = {cell.kind: cell for cell in (Sram6T, Sram8T, Stt1T1M, Sot2T1M)}
"""Kind in a run file to cell."""

CELL_FILE = "cell.sp"
"""Copy of a cell's netlist in a results directory."""


def description(cell: Cell | MramCell) -> dict[str, Any]:
    """All that makes a cell what it is, ready for JSON; a netlist by the hash of its file."""
    if isinstance(cell, NetlistCell):
        ports = {role: names if isinstance(names, str) else list(names) for role, names in cell.ports.items()}
        kept = {"subcircuit": cell.subcircuit, "ports": ports, "q": cell.q, "qb": cell.qb, "sha256": cell.sha256}
        return {"kind": cell.kind, **kept, "shifts": dict(cell.shifts)}
    return {"kind": cell.kind, **asdict(cell)}


def restored(content: Mapping[str, Any], folder: Path) -> Cell | MramCell:
    """The cell of a description.

    Args:
        content: what :func:`description` gave.
        folder: results directory, with the copy of the cell's netlist.

    Raises:
        CellError: the copy is missing or has changed.
    """
    values = dict(content)
    kind = values.pop("kind")
    if kind in PARAMETRIZED:
        return PARAMETRIZED[kind](**values)
    digest, shifts = values.pop("sha256"), values.pop("shifts")
    read = NetlistCell.read(folder / CELL_FILE, **values)
    if read.sha256 != digest:
        raise CellError(f"{folder / CELL_FILE} is not the cell of these results")
    return NetlistCell(read.text, **values, shifts=shifts)
