"""What the table twin covers; everything else is refused."""

from __future__ import annotations

from collections.abc import Iterable

from netlists.bitcells import Cell, Sram6T, Sram8T
from netlists.technology import Technology

INVERTER = ("pd", "pu")
"""Transistors of an inverter."""
ROLES = (*INVERTER, "pg")
"""Those of a half cell, in the order of its knobs."""

SOLVED = (
    "butterfly_hold", "butterfly_read", "write_butterfly", "n_curve", "write_bl", "write_wl", "retention",
    "read_current", "leakage",
)  # fmt: skip
"""Rows of the testbench table that are solved from tables."""
HALVES = ("butterfly_hold", "butterfly_read", "write_butterfly")
"""Those of half cells, which of a cell with a read port are the same: the port loads whole cells only."""


def uncovered(cell: Cell, technology: Technology, testbenches: Iterable[str]) -> str:
    """Why a cell or testbench cannot be solved from tables; empty where it can."""
    if type(cell) not in (Sram6T, Sram8T):
        return f"it solves cells of kind '{Sram6T.kind}' and '{Sram8T.kind}', not {cell.kind!r}"
    for role in ROLES:
        if len(laws := technology.devices[role].mismatch) > 1:
            names = " and ".join(law.name for law in laws)
            return f"its tables have one axis besides the threshold, and {technology.name} varies {names} of {role!r}"
    solved = HALVES if cell.decoupled else SOLVED
    for name in testbenches:
        if name not in solved:
            of = f" of a cell of kind {cell.kind!r}" if name in SOLVED else ""
            return f"it does not solve the testbench {name!r}{of}, only {', '.join(solved)}"
    return ""
