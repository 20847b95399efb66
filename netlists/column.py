"""The array part of a macro column: the selected cell, the rows that share its bit lines, and their wires."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySpice.Spice.Netlist import Circuit, SubCircuit

from netlists.bitcells import CELL_PORTS, Cell
from netlists.circuit import Transistor, add_subcircuit, add_transistors, transistor_knobs
from netlists.technology import Technology
from netlists.testbench import Knob


@dataclass(frozen=True)
class Array:
    """The cells on a pair of local bit lines, one of them selected.

    Attributes:
        rows: cells on the bit lines, the selected one among them.
    """

    rows: int = 16

    def __post_init__(self) -> None:
        if not isinstance(self.rows, int) or self.rows < 1:
            raise ValueError(f"rows={self.rows!r} is not a whole number of at least 1 (readpath.rows)")

    def neighbours(self, cell: Cell) -> tuple[Transistor, ...]:
        """Closed pass gates of the unselected cells, half of them storing 0 and half 1 (one more 1 if odd).

        Each is a nominal device whose far side sits at the stored level: exact in capacitance, without the higher
        mean that mismatch gives to leakage. Diffusions follow the layout rule.
        """
        zeros = (self.rows - 1) // 2
        ones = self.rows - 1 - zeros
        parts = []
        counts = (("bl", zeros, ones), ("blb", ones, zeros))
        for (line, low, high), gate in zip(counts, cell.pass_gates(), strict=True):
            for level, count in (("vss", low), ("vdd", high)):
                if count:
                    nodes = (line, "vss", level, "vss")
                    many = count * gate.multiplier
                    parts.append(
                        Transistor(f"row_{line}_{level}", gate.role, nodes, gate.w, gate.length, multiplier=many)
                    )
        return tuple(parts)

    def add(self, circuit: Circuit, technology: Technology, cell: Cell, state: str) -> str:
        """Define the array around a cell that stores a state; returns the subcircuit's name (ports ``CELL_PORTS``).

        The bit lines' ports are at the sense end, ``vdd`` supplies all cells; ``wl``, ``q`` and ``qb`` are those of the
        selected one.
        """
        array = SubCircuit(f"array_{state}_r{self.rows}_{cell.size_name}", *CELL_PORTS)
        add_transistors(array, technology, self.neighbours(cell))
        array.X("cell", cell.add_cell(circuit, technology), *CELL_PORTS)
        geometry = technology.geometry
        line = geometry.wire_capacitance * geometry.cell_height * self.rows
        for name, capacitance in (("bl", line), ("blb", line), ("wl", geometry.wire_capacitance * geometry.cell_width)):
            array.C(f"wire_{name}", name, "vss", capacitance)
        add_subcircuit(circuit, array)
        return array.name

    def knobs(self, technology: Technology, cell: Cell, instances: Mapping[str, Sequence[str]]) -> dict[str, Knob]:
        """Knobs of the selected cell and of the unselected ones.

        Args:
            instances: stored state to the hierarchical names of the arrays around a cell that stores it.
        """
        every = tuple(name for names in instances.values() for name in names)
        knobs = cell.cell_knobs(technology, tuple(f"{i}.xcell" for i in every))
        return knobs | transistor_knobs(technology, self.neighbours(cell), "column", every, mismatch=False)
