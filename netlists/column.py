"""The array part of a macro column: the selected cell, the rows that share its bit lines, and their wires.

Two circuits for one column. The ``full`` one draws every cell and every pitch of wire. The ``equivalent`` one draws of
the unselected rows what the bit lines and the supply see: their closed pass gates in two places of the wire, apart by
line and stored level, and the transistors of their latches, at rest. Of cells that are read through a port of their
own the line is RBL, and their closed ports take the place of the pass gates. docs/column.md derives the places, and how
a transistor that stands for many gets the mean and the spread of their leakage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PySpice.Spice.Netlist import Circuit, SubCircuit

from netlists.bitcells import CELL_PORTS, READ_PORTS, Cell
from netlists.circuit import Transistor, add_subcircuit, add_transistors, transistor_knobs
from netlists.technology import Technology
from netlists.testbench import Knob, Lump

PATTERNS: Mapping[str, Callable[[int, int, int], Sequence[int]]] = {
    "half": lambda rows, own, seed: [row % 2 for row in range(1, rows)],
    "zeros": lambda rows, own, seed: [0] * (rows - 1),
    "ones": lambda rows, own, seed: [1] * (rows - 1),
    "worst": lambda rows, own, seed: [1 - own] * (rows - 1),
    "random": lambda rows, own, seed: np.random.default_rng(seed).integers(2, size=rows - 1).tolist(),
}
"""Stored pattern to the bits of the unselected rows, nearest to the selected one first: of the number of rows, the
selected cell's bit and a seed. ``half``: every other one is 1. ``worst``: all opposite to the selected cell; they pull
the line that must stay high down and, as their other node is high, the line that falls up.
"""
POSITIONS = ("near", "far")
"""Where the selected row is: the first or the last one from the end of the bit lines that has the read path."""
REPRESENTATIONS = ("equivalent", "full")
INNER = "read"
"""Node between the two transistors of closed read ports."""


@dataclass(frozen=True)
class Place:
    """A place on the bit lines: a row, or a lump of rows.

    Attributes:
        pitches: wire to it from the selected row, or from the sense end, in cell pitches [1].
        row: number of the row, counted from the selected one, which is 0; None: a lump.
        share: of the unselected rows that is lumped in it [1].
    """

    pitches: float
    row: int | None
    share: float = 0.0


@dataclass(frozen=True)
class Group:
    """Transistors of unselected cells that are drawn as one.

    Attributes:
        transistor: one of them, with the nodes of the array and the diffusions of the layout rule.
        members: their paths.
        like: path of the selected cell's.
    """

    transistor: Transistor
    members: tuple[str, ...]
    like: str

    def drawn(self, share: float, name: str, nodes: Mapping[str, str]) -> Transistor:
        """A share of them [1] under another name, nodes renamed; their number need not be whole."""
        t, count = self.transistor, share * len(self.members)
        renamed = tuple(nodes.get(node, node) for node in t.nodes)
        return replace(t, name=name, nodes=renamed, multiplier=t.multiplier * count)


@dataclass(frozen=True)
class Array:
    """The cells on a pair of local bit lines, or on one read bit line, one of them selected.

    Attributes:
        rows: cells on the bit lines, the selected one among them.
        pattern: what the unselected cells store, a key of ``PATTERNS``.
        position: where the selected row is, of ``POSITIONS``.
        representation: how the unselected rows are drawn, of ``REPRESENTATIONS``.
        pattern_seed: of the pattern ``random``.
        read_port: line and word line are those of the cells' read ports; the bit lines are at rest, without wires.
    """

    rows: int = 16
    pattern: str = "half"
    position: str = "far"
    representation: str = "equivalent"
    pattern_seed: int = 1
    read_port: bool = False

    def __post_init__(self) -> None:
        for name, low in (("rows", 1), ("pattern_seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < low:
                raise ValueError(f"{name}={value!r} is not a whole number of at least {low} (readpath.{name})")
        for name, legal in (("pattern", PATTERNS), ("position", POSITIONS), ("representation", REPRESENTATIONS)):
            value = getattr(self, name)
            if value not in legal:
                place = "" if name == "representation" else f" (readpath.{name})"  # no key of a run file
                raise ValueError(f"{name}={value!r} is not one of {', '.join(legal)}{place}")

    @property
    def ports(self) -> tuple[str, ...]:
        """Those of the subcircuit, which are the cells'."""
        return (*CELL_PORTS, *READ_PORTS) if self.read_port else CELL_PORTS

    def stored(self, state: str) -> tuple[int, ...]:
        """Bits of the unselected rows, nearest to the selected one first, where that one stores a state."""
        own = {"q": 1, "qb": 0}[state]
        return tuple(PATTERNS[self.pattern](self.rows, own, self.pattern_seed))

    @property
    def places(self) -> list[Place]:
        """Places from the sense end on; the first row is half a pitch away from it."""
        full = self.representation == "full"
        unselected = [Place(float(row), row) for row in range(1, self.rows)] if full else lumps(self.rows - 1)
        places = [Place(0.0, 0), *unselected]
        if self.position == "far":
            places = [replace(place, pitches=self.rows - 1 - place.pitches) for place in reversed(places)]
        return [replace(place, pitches=place.pitches + 0.5) for place in places]

    def groups(self, cell: Cell, state: str) -> tuple[list[Group], list[Group]]:
        """What the lines see of the unselected rows by line and stored level, and the transistors of their latches."""
        bits = self.stored(state)
        closed, latches = [], {}
        for bit in sorted(set(bits)):
            rows = [row for row, stored in enumerate(bits, start=1) if stored == bit]
            for t, line, end in _read_port(cell, bit) if self.read_port else _pass_gates(cell, bit):
                one = replace(t, name=f"row_{line}_{end}", nodes=(line, "vss", end, "vss"), written=None)
                closed.append(Group(one, _members(rows, t), f"cell.{t.name}"))
            for t in cell.latch(bit):
                latches.setdefault((t.role, t.w, t.length, t.nodes), []).append((t, _members(rows, t)))
        merged = []
        for number, equal in enumerate(latches.values()):
            first = equal[0][0]
            members = tuple(path for _, paths in equal for path in paths)
            merged.append(Group(replace(first, name=f"row_latch{number}", written=None), members, f"cell.{first.name}"))
        return closed, merged

    def add(self, circuit: Circuit, technology: Technology, cell: Cell, state: str) -> str:
        """Define the array around a cell that stores a state; returns the subcircuit's name (ports ``ports``).

        The lines' ports are at the sense end, ``vdd`` supplies all cells; word line, ``q`` and ``qb`` are those of the
        selected one. Word lines of the others are at ``vss``. The wire of each pitch, along and across, has its
        capacitance in the middle.
        """
        (*lines, word) = READ_PORTS if self.read_port else ("bl", "blb", "wl")
        geometry, full = technology.geometry, self.representation == "full"
        pattern = "" if full else f"_{sum(self.stored(state))}ones"
        port = "port_" if self.read_port else ""
        name = f"array_{port}{self.representation}_{self.position}_r{self.rows}{pattern}_{cell.size_name}"
        array = SubCircuit(name, *self.ports)
        per_metre = (geometry.wire_resistance, geometry.wire_capacitance)
        ohm, farad = (value * geometry.cell_width for value in per_metre)
        opened = _add_wire(array, word, word, 0, ohm / 2, farad)
        ohm, farad = (value * geometry.cell_height for value in per_metre)
        closed, latches = self.groups(cell, state)
        nodes, reached = dict(zip(lines, lines, strict=True)), 0.0
        for number, place in enumerate(self.places):
            lumped = place.row is None
            pitches = place.share * (self.rows - 1) if lumped else 1
            for line, node in nodes.items():
                nodes[line] = _add_wire(array, line, node, number, ohm * (place.pitches - reached), farad * pitches)
            reached = place.pitches
            if lumped:
                of_place = nodes | {INNER: f"{INNER}_{number}"}
                drawn = (g.drawn(place.share, f"{g.transistor.name}_{number}", of_place) for g in closed)
                add_transistors(array, technology, drawn)
            else:
                own = {word: opened} if place.row == 0 else dict(zip(("q", "qb"), _inside(place.row), strict=True))
                at = {"wl": "vss", "rwl": "vss"} | nodes | own
                subcircuit = cell.add_cell(circuit, technology, self.read_port)
                array.X(_name(place.row), subcircuit, *(at.get(port, port) for port in self.ports))
        if not full:
            add_transistors(array, technology, (g.drawn(1.0, g.transistor.name, {}) for g in latches))
        add_subcircuit(circuit, array)
        return array.name

    def levels(self, state: str) -> dict[str, int]:
        """Storage nodes of unselected cells inside the array to their levels, in units of the cells' supply."""
        if self.representation != "full":
            return {}
        bits = enumerate(self.stored(state), start=1)
        return {node: level for row, bit in bits for node, level in zip(_inside(row), (bit, 1 - bit), strict=True)}

    def knobs(self, technology: Technology, cell: Cell, instances: Mapping[str, Sequence[str]]) -> dict[str, Knob]:
        """Knobs of the selected cell, ``cell.pd_l ...``, and of the unselected ones, which are not skewed.

        In the full array ``row7.pd_l ...`` are those of the seventh row from the selected one. In the equivalent one
        ``rows_q.row_bl_vss ...`` are thresholds that are made from the draws of these very rows.

        Args:
            instances: stored state to the hierarchical names of the arrays around a cell that stores it.
        """
        every = [name for names in instances.values() for name in names]
        knobs = cell.cell_knobs(technology, tuple(f"{name}.xcell" for name in every))
        if self.representation == "full":
            plain = replace(cell, shifts={})
            for row in range(1, self.rows):
                knobs |= plain.cell_knobs(technology, tuple(f"{name}.x{_name(row)}" for name in every), _name(row))
            return knobs
        lumped = [str(number) for number, place in enumerate(self.places) if place.row is None]
        for state, names in instances.items():
            closed, latches = self.groups(cell, state)
            for group in closed:
                knobs |= _lump_knob(technology, group, f"rows_{state}", names, [f"_{number}" for number in lumped])
            for group in latches:
                knobs |= _lump_knob(technology, group, f"rows_{state}", names, [""])
        return knobs


def lumps(unselected: int) -> list[Place]:
    """The two places, seen from the selected row, that the unselected rows are lumped in, half of them in each.

    With them the resistance that each end sees in front of the mean of the capacitance, and the resistance between the
    ends, are those of the ladder of all rows, so that a ramp of current or voltage finds the same delays; for one and
    two unselected rows they are that ladder. docs/column.md derives it.
    """
    n = unselected
    if n < 2:
        return [Place(1.0, None, 1.0)] * n
    first = (n + 1) * (n + 2) / (6 * n)
    return [Place(place, None, 0.5) for place in (first, first + 2 * (n * n - 1) / (3 * n))]


def _pass_gates(cell: Cell, bit: int) -> Iterator[tuple[Transistor, str, str]]:
    """Pass gates of an idle cell with Q at a bit, with their line and the rail that their other end is at."""
    for t, line, level in zip(cell.pass_gates(), ("bl", "blb"), (bit, 1 - bit), strict=True):
        yield t, line, "vdd" if level else "vss"


def _read_port(cell: Cell, bit: int) -> Iterator[tuple[Transistor, str, str]]:
    """The same of its read port: where Q is 0 the driver conducts, else two transistors in series block."""
    driver, access = cell.read_port()
    yield access, "rbl", INNER if bit else "vss"
    if bit:
        yield driver, INNER, "vss"


def _name(row: int) -> str:
    """Instance of a row's cell, and its path for random numbers."""
    return f"row{row}" if row else "cell"


def _inside(row: int) -> tuple[str, str]:
    """Storage nodes of an unselected row's cell."""
    return f"q_{row}", f"qb_{row}"


def _members(rows: Iterable[int], transistor: Transistor) -> tuple[str, ...]:
    return tuple(f"{_name(row)}.{transistor.name}" for row in rows)


def _add_wire(array: SubCircuit, line: str, node: str, number: int, resistance: float, capacitance: float) -> str:
    """Wire from a node on [ohm] with a capacitance at its end [F]; returns that end: the node where it is ideal."""
    end = f"{line}_{number}" if resistance else node
    if resistance:
        array.R(f"wire_{end}", node, end, resistance)
    array.C(f"wire_{line}_{number}", end, "vss", capacitance)
    return end


def _lump_knob(
    technology: Technology, group: Group, path: str, instances: Sequence[str], suffixes: Sequence[str]
) -> dict[str, Knob]:
    """Threshold of a group wherever it is drawn; what else varies in its members is left out."""
    t = group.transistor
    drawn = [
        knob
        for suffix in suffixes
        for name, knob in transistor_knobs(technology, (replace(t, name=t.name + suffix),), path, instances).items()
        if ":" not in name
    ]
    parameters = tuple(parameter for knob in drawn for parameter in knob.parameters)
    lump = Lump(group.members, group.like) if drawn[0].sigma > 0 else None
    return {f"{path}.{t.name}": replace(drawn[0], parameters=parameters, lump=lump)}
