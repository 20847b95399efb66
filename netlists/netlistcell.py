"""A cell of the user: any subcircuit with one bit, its transistors found, drawn as written and given mismatch.

To cut the loop a half is the whole cell with a voltage source in series with every gate of the input's net: the
source's voltage is the half's input less the storage node itself. That is the noise source of Seevinck's definition
(JSSC 22(5), 1987, figure 2): where input and node agree the sources are zero and the half is the uncut cell, whatever
resistors lie between storage node and gates and whatever current the gates take. So the two curves of a butterfly meet
in the states of the whole cell, and nowhere else.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from PySpice.Spice.Netlist import Circuit, SubCircuit

from netlists.bitcells import AT_REST, CELL_PORTS, HALF_PORTS, READ_PORTS, SIDES, SIZE_LIMIT, settled
from netlists.cellfile import CellError, Part, flat_cell
from netlists.circuit import Transistor, add_subcircuit, add_transistors, transistor_knobs
from netlists.storage import GATE, Storage, find_storage
from netlists.technology import Technology
from netlists.testbench import Knob

ROLES = {"bl": "bl", "blb": "blb", "wl": "wl", "vdd": "vdd", "gnd": "vss", "rbl": "rbl", "rwl": "rwl"}
"""Role of a port, as a user names it, to the node of the cell's subcircuit."""

LARGEST = 1_000_000
"""Longest file that is read [characters]: an extracted cell has some ten thousand."""


@dataclass(frozen=True)
class Drawn:
    """A cell as it goes into a deck, on the nodes ``bl blb wl vdd vss q qb`` and those of a read port.

    Attributes:
        transistors: drawn as written.
        parasitics: ``r`` or ``c``, name, nodes and value [ohm, F].
        gates: the nodes with gates on the net of ``q`` and on that of ``qb``.
        passes: the transistors that open to ``bl`` and to ``blb``; empty where they are not one each.
        port: driver and access transistor of a read port of two NMOS in series; empty where it is not that.
    """

    transistors: tuple[Transistor, ...]
    parasitics: tuple[tuple[str, str, str, str, float], ...]
    gates: Mapping[str, tuple[str, ...]]
    passes: tuple[Transistor, ...]
    port: tuple[Transistor, ...]


@dataclass(frozen=True)
class NetlistCell:
    """A cell as a SPICE subcircuit; :meth:`sized` reads it and refuses what it does not understand.

    Attributes:
        text: of the file.
        subcircuit: name of the cell in it.
        ports: role (``bl blb wl vdd gnd``, and ``rbl rwl`` of a read port) to the port or ports that have it.
        q, qb: storage nodes inside; empty: they are found. Nodes of an inner subcircuit have its instance in front,
            as in ``x1.q``.
        file: name of the file, for messages.
        shifts: systematic |Vth| shift [V] by transistor, as its path after ``cell.`` says.
    """

    kind: ClassVar[str] = "file"
    states: ClassVar[tuple[str, ...]] = ("q", "qb")

    text: str
    subcircuit: str
    ports: Mapping[str, str | Sequence[str]]
    q: str = ""
    qb: str = ""
    file: str = "cell.sp"
    shifts: Mapping[str, float] = field(default_factory=dict)
    drawn: Drawn | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        for role, names in self.ports.items():
            if role not in ROLES:
                raise CellError(f"role {role!r} of a port is not one of {', '.join(ROLES)} (cell.ports)")
            listed = _listed(names) if isinstance(names, (str, list, tuple)) else ()
            if not listed or not all(isinstance(name, str) and name for name in listed):
                raise CellError(f"{role}={names!r} is neither the name of a port nor a list of names (cell.ports)")
        read = [role for role in READ_PORTS if role in self.ports]
        for role in [r for r in ROLES if r not in READ_PORTS] + (list(READ_PORTS) if read else []):
            if role not in self.ports:
                raise CellError(f"no port has the role {role!r} (cell.ports)")
        for name, shift in self.shifts.items():
            if not math.isfinite(shift):
                raise CellError(f"{name}={shift!r} V is not a number (cell.shifts)")

    @classmethod
    def read(
        cls, path: str | Path, subcircuit: str, ports: Mapping[str, str | Sequence[str]], q: str = "", qb: str = ""
    ) -> NetlistCell:
        """The cell of a file; raises CellError for one that cannot be read."""
        try:
            with Path(path).open(encoding="utf-8", errors="replace") as file:
                text = file.read(LARGEST + 1)
        except (OSError, ValueError) as error:
            raise CellError(
                f"{path} cannot be read: {getattr(error, 'strerror', None) or error} (cell.file)"
            ) from error
        if len(text) > LARGEST:
            raise CellError(f"{path} is longer than {LARGEST} characters, which no cell is (cell.file)")
        return cls(text, subcircuit, dict(ports), q, qb, Path(path).name)

    @property
    def sha256(self) -> str:
        """Hash of the file's content."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def decoupled(self) -> bool:
        """Whether it is read through a port of its own."""
        return "rbl" in self.ports

    @property
    def size_name(self) -> str:
        return re.sub(r"\W", "_", self.subcircuit.lower(), flags=re.ASCII)

    def sized(self, technology: Technology) -> NetlistCell:
        """The same cell, read and understood.

        Raises:
            CellError: what cannot be understood, with file and line.
        """
        cell = flat_cell(self.text, self.file, self.subcircuit, technology)
        ports = self._roles(cell.ports, cell.place)
        storage = find_storage(cell, ports, self.q.lower(), self.qb.lower())
        names = _node_names(cell.parts, ports, storage)
        transistors = {part.name: _transistor(part, names, technology) for part in cell.parts if part.kind == "m"}
        for name in self.shifts:
            if name not in transistors:
                raise CellError(f"{name!r} is not one of {', '.join(transistors)} (cell.shifts)")
        port = tuple(transistors[part.name] for part in storage.port)
        rest = [part for part in cell.parts if part.kind != "m"]
        gates = {
            node: tuple(dict.fromkeys(t.nodes[GATE] for t in transistors.values() if t.nodes[GATE] in inside))
            for node, inside in zip(("q", "qb"), ({names[n] for n in net} for net in storage.nets), strict=True)
        }
        for part in filter(None, storage.passes):
            if technology.devices[transistors[part.name].role].polarity == "p":
                raise CellError(f"{part.place}: {part.name!r} opens to a bit line at a low word line (cell.file)")
        drawn = Drawn(
            transistors=tuple(transistors.values()),
            parasitics=tuple((p.kind, p.name, *(names[n] for n in p.nodes), p.values[p.kind]) for p in rest),
            gates=gates,
            passes=tuple(transistors[part.name] for part in storage.passes) if all(storage.passes) else (),
            port=port if all(technology.devices[t.role].polarity == "n" for t in port) else (),
        )
        return replace(self, drawn=drawn)

    def _roles(self, ports: Sequence[str], place: str) -> dict[str, str]:
        """Port to role; raises CellError for ports without one and roles without a port."""
        roles = {name.lower(): role for role, names in self.ports.items() for name in _listed(names)}
        for name, role in roles.items():
            if name not in ports:
                legal = ", ".join(ports)
                raise CellError(f"{role}={name!r} is no port of {self.subcircuit}; it has: {legal} (cell.ports)")
        storage = {self.q.lower(), self.qb.lower()}
        for port in ports:
            if port not in roles and port not in storage:
                raise CellError(f"{place}: port {port!r} has no role, and is neither q nor qb (cell.ports)")
        return {port: roles[port] for port in ports if port in roles}

    def add_half(self, circuit: Circuit, technology: Technology, side: str) -> str:
        """Define the half cell of one side; returns the subcircuit's name (ports ``HALF_PORTS``).

        The other bit line is at the supply.
        """
        inp, out, line = SIDES[side]
        half = SubCircuit(f"half_{side}_{self.size_name}", *HALF_PORTS)
        other = "blb" if line == "bl" else "bl"
        names = AT_REST | {out: "out", line: "bl", other: "vdd"}
        cut = {node: f"cut_{names.get(node, node)}" for node in self.drawn.gates[inp]}
        for number, (node, gate) in enumerate(cut.items()):
            half.VCVS(f"cut{number}", gate, names.get(node, node), "inp", inp, voltage_gain=1.0)
        self._draw(half, technology, names, cut)
        add_subcircuit(circuit, half)
        return half.name

    def add_cell(self, circuit: Circuit, technology: Technology, read_port: bool = False) -> str:
        """Define the whole cell; see :meth:`netlists.bitcells.Cell.add_cell`."""
        ports = (*CELL_PORTS, *READ_PORTS) if read_port else CELL_PORTS
        cell = SubCircuit(f"cell_{'r_' if read_port else ''}{self.size_name}", *ports)
        self._draw(cell, technology, {} if read_port else AT_REST, {})
        add_subcircuit(circuit, cell)
        return cell.name

    def _draw(
        self, subcircuit: SubCircuit, technology: Technology, names: Mapping[str, str], gates: Mapping[str, str]
    ) -> None:
        """Draw all elements, nodes renamed, gates at the nodes of ``gates`` moved."""
        for t in self.drawn.transistors:
            nodes = [names.get(node, node) for node in t.nodes]
            nodes[GATE] = gates.get(t.nodes[GATE], nodes[GATE])
            add_transistors(subcircuit, technology, (replace(t, nodes=tuple(nodes)),))
        for kind, name, a, b, value in self.drawn.parasitics:
            add = subcircuit.R if kind == "r" else subcircuit.C
            add(name, names.get(a, a), names.get(b, b), value)

    def half_knobs(self, technology: Technology, instances: Mapping[str, tuple[str, ...]]) -> dict[str, Knob]:
        """Knobs ``cell.NAME`` for instances of the half cells; every half draws all transistors."""
        return self.cell_knobs(technology, tuple(name for names in instances.values() for name in names))

    def cell_knobs(self, technology: Technology, instances: tuple[str, ...], path: str = "cell") -> dict[str, Knob]:
        """Knobs ``cell.NAME`` for instances of the whole cell, all set alike; NAME is that of the flat cell."""
        return transistor_knobs(technology, self.drawn.transistors, path, instances, dict(self.shifts))

    def transistors(self) -> tuple[Transistor, ...]:
        """All transistors of the flat cell."""
        return self.drawn.transistors

    def latch(self, bit: int) -> tuple[Transistor, ...]:
        """Transistors with gates on a storage net of an idle cell with Q at ``bit``, every node at a rail.

        Of transistors in series the one next to the rail leaks as if it were alone.
        """
        levels = {node: level for net, level in (("q", bit), ("qb", 1 - bit)) for node in self.drawn.gates[net]}
        of_latch = (t for t in self.drawn.transistors if t.nodes[GATE] in levels)
        return tuple(settled(t, levels[t.nodes[GATE]]) for t in of_latch)

    def pass_gates(self) -> tuple[Transistor, ...]:
        """Transistors that open to ``bl`` and to ``blb``; empty where they are not one each."""
        return self.drawn.passes

    def read_port(self) -> tuple[Transistor, ...]:
        """Driver and access transistor of a read port; empty where it is not two NMOS in series, or there is none."""
        return self.drawn.port


def _listed(names: str | Sequence[str]) -> Sequence[str]:
    return (names,) if isinstance(names, str) else names


def _node_names(parts: Sequence[Part], ports: Mapping[str, str], storage: Storage) -> dict[str, str]:
    """Flat node to its name in the deck: a node of the testbenches, or letters, digits and underscores.

    Node 0 is the cell's ground, which a testbench may put elsewhere.
    """
    names = {port: ROLES[role] for port, role in ports.items()} | {storage.q: "q", storage.qb: "qb", "0": "vss"}
    taken = {*HALF_PORTS, *CELL_PORTS, *READ_PORTS, "0", "gnd"}
    for node in dict.fromkeys(node for part in parts for node in part.nodes):
        if node not in names:
            name = "n_" + re.sub(r"\W", "_", node, flags=re.ASCII)
            while name in taken:
                name += "_"
            taken.add(name)
            names[node] = name
    return names


def _transistor(part: Part, names: Mapping[str, str], technology: Technology) -> Transistor:
    """A transistor with its size [m]; of several roles with its model the first one counts."""
    role, device = next((r, d) for r, d in technology.devices.items() if d.model.lower() == part.model)
    called = {key: name.lower() for key, name in device.parameters.items()}
    copies = [part.values[name] for name in {called.get("m", "m"), "m"} if name in part.values]
    sizes = {key: part.values.get(called[key], math.nan) * device.unit for key in ("w", "l")}
    for name, value in sizes.items():
        if not 0 < value < SIZE_LIMIT:
            stated = f"is {value:g} m" if called[name] in part.values else "is not stated"
            raise CellError(f"{part.place}: {name} {stated}; legal: 0 < {name} < {SIZE_LIMIT:g} m (cell.file)")
    counts = {"m": math.prod(copies), "nf": part.values.get("nf", 1.0)}
    for name, value in counts.items():
        if not value >= 1:
            raise CellError(f"{part.place}: {name}={value:g}; legal: at least 1 (cell.file)")
    spelled = {name.lower(): name for name in (*device.parameters.values(), *device.fixed)}
    return Transistor(
        part.name, role, tuple(names[node] for node in part.nodes), sizes["w"], sizes["l"],
        multiplier=counts["m"], fingers=counts["nf"],
        written={spelled.get(name, name): value for name, value in part.values.items()},
    )  # fmt: skip
