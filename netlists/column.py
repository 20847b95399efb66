"""The array part of a macro column: the selected cell, the rows that share its bit lines, and their wires.

Two circuits for one column. The ``full`` one draws every cell and every pitch of wire. The ``equivalent`` one draws the
unselected rows as two lumps, each a whole cell per stored level that stands for many; docs/column.md derives where the
lumps sit and how they get the mean and the spread of the leakage of all the cells they stand for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PySpice.Spice.Netlist import Circuit, SubCircuit

from netlists.bitcells import CELL_PORTS, Cell
from netlists.circuit import add_subcircuit
from netlists.technology import Technology
from netlists.testbench import Knob, Lump

PATTERNS: Mapping[str, Callable[[int, int, int], Sequence[int]]] = {
    "half": lambda rows, own, seed: [row % 2 for row in range(1, rows)],
    "zeros": lambda rows, own, seed: [0] * (rows - 1),
    "ones": lambda rows, own, seed: [1] * (rows - 1),
    "worst": lambda rows, own, seed: [1 - own] * (rows - 1),
    "random": lambda rows, own, seed: np.random.default_rng(seed).integers(2, size=rows - 1).tolist(),
}
"""Stored pattern to the bits of the unselected rows, nearest to the selected one first: of the rows, the selected
cell's bit and a seed. ``half``: every other one. ``worst``: all opposite to the selected cell, so that they pull the
line that must stay high down, and as their other node is high, the line that falls up.
"""
POSITIONS = ("near", "far")
"""Where the selected row is: the first or the last one from the end of the bit lines that has the read path."""
REPRESENTATIONS = ("equivalent", "full")


@dataclass(frozen=True)
class Drawn:
    """A cell of the array as it is drawn: ``count`` equal ones [1] that store ``bit``; ``row`` 0 is the selected one.

    Attributes:
        name: of the instance.
    """

    name: str
    row: int
    bit: int
    count: float = 1

    @property
    def storage(self) -> tuple[str, str]:
        """Nodes ``q`` and ``qb`` of an unselected cell."""
        return f"q_{self.name}", f"qb_{self.name}"


@dataclass(frozen=True)
class Place:
    """A place on the bit lines with the cells that are there.

    Attributes:
        pitches: wire to it from the selected row, or, on the lines, from the sense end, in cell pitches [1].
    """

    pitches: float
    cells: tuple[Drawn, ...]


def lumps(bits: Sequence[int]) -> list[Place]:
    """The two places, seen from the selected row, that the unselected rows are lumped in, half of them in each.

    With them the resistance that each end sees in front of the mean of the capacitance, and the resistance between the
    ends, are those of the ladder of all rows, so that a ramp of current or voltage finds the same delays; for one and
    two unselected rows they are that ladder. docs/column.md derives it.
    """
    n = len(bits)
    if n < 2:
        return [Place(float(row), (Drawn(f"row{row}", row, bit),)) for row, bit in enumerate(bits, start=1)]
    first = (n + 1) * (n + 2) / (6 * n)
    places = (first, first + 2 * (n * n - 1) / (3 * n))
    counts = {bit: bits.count(bit) / 2 for bit in sorted(set(bits))}
    return [
        Place(place, tuple(Drawn(f"stored{bit}_{i}", 1, bit, count) for bit, count in counts.items()))
        for i, place in enumerate(places, start=1)
    ]


@dataclass(frozen=True)
class Array:
    """The cells on a pair of local bit lines, one of them selected.

    Attributes:
        rows: cells on the bit lines, the selected one among them.
        pattern: what the unselected cells store, a key of ``PATTERNS``.
        position: where the selected row is, of ``POSITIONS``.
        representation: how the unselected rows are drawn, of ``REPRESENTATIONS``.
        pattern_seed: of the pattern ``random``.
    """

    rows: int = 16
    pattern: str = "half"
    position: str = "far"
    representation: str = "equivalent"
    pattern_seed: int = 1

    def __post_init__(self) -> None:
        for name, low in (("rows", 1), ("pattern_seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < low:
                raise ValueError(f"{name}={value!r} is not a whole number of at least {low} (readpath.{name})")
        for name, legal in (("pattern", PATTERNS), ("position", POSITIONS), ("representation", REPRESENTATIONS)):
            value = getattr(self, name)
            if value not in legal:
                raise ValueError(f"{name}={value!r} is not one of {', '.join(legal)} (readpath.{name})")

    def stored(self, state: str) -> tuple[int, ...]:
        """Bits of the unselected rows, nearest to the selected one first, where that one stores a state."""
        return tuple(PATTERNS[self.pattern](self.rows, _bit(state), self.pattern_seed))

    def places(self, state: str) -> list[Place]:
        """Places from the sense end on, where the selected cell stores a state: the first row is half a pitch away."""
        bits = self.stored(state)
        every = [Place(float(row), (Drawn(f"row{row}", row, bit),)) for row, bit in enumerate(bits, start=1)]
        unselected = every if self.representation == "full" else lumps(bits)
        places = [Place(0.0, (Drawn("cell", 0, _bit(state)),)), *unselected]
        if self.position == "far":
            places = [replace(place, pitches=len(bits) - place.pitches) for place in reversed(places)]
        return [replace(place, pitches=place.pitches + 0.5) for place in places]

    def add(self, circuit: Circuit, technology: Technology, cell: Cell, state: str) -> str:
        """Define the array around a cell that stores a state; returns the subcircuit's name (ports ``CELL_PORTS``).

        The bit lines' ports are at the sense end, ``vdd`` supplies all cells; ``wl``, ``q`` and ``qb`` are those of the
        selected one. Word lines of the others are at ``vss``. The wire of each pitch of bit line and word line has its
        capacitance in the middle.
        """
        geometry, places = technology.geometry, self.places(state)
        contents = "_".join(f"{c.bit}x{c.count!r}" for p in places for c in p.cells if self.representation != "full")
        name = f"array_{self.representation}_{self.position}_r{self.rows}_{contents}_{cell.size_name}"
        array = SubCircuit(name.replace(".", "p"), *CELL_PORTS)
        share = geometry.wire_capacitance * geometry.cell_width
        word = _add_wire(array, "wl", "wl", 0, geometry.wire_resistance * geometry.cell_width / 2, share)
        nodes, reached = {"bl": "bl", "blb": "blb"}, 0.0
        for number, place in enumerate(places):
            resistance = geometry.wire_resistance * geometry.cell_height * (place.pitches - reached)
            load = geometry.wire_capacitance * geometry.cell_height * sum(c.count for c in place.cells)
            for line, node in nodes.items():
                nodes[line] = _add_wire(array, line, node, number, resistance, load)
            reached = place.pitches
            for c in place.cells:
                own = (word, "vdd", "vss", "q", "qb") if c.row == 0 else ("vss", "vdd", "vss", *c.storage)
                array.X(c.name, cell.add_cell(circuit, technology, count=c.count), *nodes.values(), *own)
        add_subcircuit(circuit, array)
        return array.name

    def levels(self, state: str) -> dict[str, int]:
        """Levels at rest of the storage nodes of unselected cells inside the array, in units of the cells' supply."""
        unselected = [c for place in self.places(state) for c in place.cells if c.row]
        return {node: level for c in unselected for node, level in zip(c.storage, (c.bit, 1 - c.bit), strict=True)}

    def knobs(self, technology: Technology, cell: Cell, instances: Mapping[str, Sequence[str]]) -> dict[str, Knob]:
        """Knobs of the selected cell, ``cell.pd_l ...``, and of the unselected ones, which are not skewed.

        In the full array ``row7.pd_l ...`` are those of the seventh row from the selected one. In the equivalent one
        ``stored0.pd_l ...`` are thresholds of the lumped cells that store 0, made from the draws of these very rows.

        Args:
            instances: stored state to the hierarchical names of the arrays around a cell that stores it.
        """
        plain = replace(cell, shifts={})
        drawn: dict[str, list[str]] = {}
        rows: dict[str, list[int]] = {}
        for state, names in instances.items():
            bits = self.stored(state)
            for c in (c for place in self.places(state) for c in place.cells if c.row):
                path = c.name.split("_")[0]
                drawn.setdefault(path, []).extend(f"{name}.x{c.name}" for name in names)
                rows[path] = [row for row, bit in enumerate(bits, start=1) if bit == c.bit]
        every = tuple(f"{name}.xcell" for names in instances.values() for name in names)
        knobs = cell.cell_knobs(technology, every)
        for path, names in drawn.items():
            of_path = plain.cell_knobs(technology, tuple(names), path)
            knobs |= of_path if path.startswith("row") else _lumped(of_path, rows[path])
        return knobs


def _bit(state: str) -> int:
    """What the selected cell stores, by its high node."""
    return {"q": 1, "qb": 0}[state]


def _add_wire(array: SubCircuit, line: str, node: str, number: int, resistance: float, capacitance: float) -> str:
    """Wire from a node on [ohm] with a capacitance at its end [F]; returns that end: the node where it is ideal."""
    end = f"{line}_{number}" if resistance else node
    if resistance:
        array.R(f"wire_{end}", node, end, resistance)
    array.C(f"wire_{line}_{number}", end, "vss", capacitance)
    return end


def _lumped(knobs: Mapping[str, Knob], rows: Sequence[int]) -> dict[str, Knob]:
    """Thresholds of a cell that stands for some rows; what else varies in these is left out."""
    lumped = {}
    for path, knob in knobs.items():
        name = path.partition(".")[2]
        if ":" not in name:
            lump = Lump(tuple(f"row{row}.{name}" for row in rows), f"cell.{name}")
            lumped[path] = replace(knob, lump=lump if knob.sigma > 0 else None)
    return lumped
