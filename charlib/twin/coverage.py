"""What the table twin covers; everything else is refused."""

from __future__ import annotations

from collections.abc import Iterable

from netlists.bitcells import Cell, Sram6T
from netlists.technology import Technology

ROLES = ("pd", "pu", "pg")
"""Transistors of a half cell, in the order of its knobs."""

SOLVED = (
    "butterfly_hold", "butterfly_read", "write_butterfly", "n_curve", "write_bl", "write_wl", "retention",
    "read_current", "leakage",
)  # fmt: skip
"""Rows of the testbench table that are solved from tables."""


def uncovered(cell: Cell, technology: Technology, testbenches: Iterable[str]) -> str:
    """Why a cell or testbench cannot be solved from tables; empty where it can."""
    if type(cell) is not Sram6T:
        return f"it solves cells of kind '{Sram6T.kind}', not {cell.kind!r}"
    for role in ROLES:
        for law in technology.devices[role].mismatch:
            return f"its tables have no axis for the variation of {law.name!r} in {technology.name}"
    for name in testbenches:
        if name not in SOLVED:
            return f"it does not solve the testbench {name!r}, only {', '.join(SOLVED)}"
    return ""
