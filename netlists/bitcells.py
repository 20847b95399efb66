"""Bit cells: parametrized subcircuits with the nodes ``bl blb wl vdd vss`` and the storage nodes ``q qb``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol

from PySpice.Spice.Netlist import Circuit, SubCircuit

from netlists.circuit import Transistor, add_subcircuit, add_transistors, nanometres, transistor_knobs
from netlists.technology import Technology
from netlists.testbench import Knob

HALF_PORTS = ("inp", "out", "bl", "wl", "vdd", "vss")
CELL_PORTS = ("bl", "blb", "wl", "vdd", "vss", "q", "qb")
READ_PORTS = ("rbl", "rwl")
"""Further nodes of a cell with a read port of its own: read bit line and read word line."""
AT_REST = {"rbl": "vdd", "rwl": "vss"}
"""Where a read port is while it does not read: precharged and closed. Its leakage is then the cell supply's."""
SIZE_LIMIT = 1e-4
"""What no width and no length of a transistor reaches [m]."""
SIDES = {"l": ("qb", "q", "bl"), "r": ("q", "qb", "blb")}
"""Half cell to its input, output and bit line: the left half drives ``q`` and opens to ``bl``."""


def settled(transistor: Transistor, gate: int) -> Transistor:
    """A transistor of an idle inverter by the level of its gate: nodes that are no rails are at the rail they reach."""
    rails = ("vss", "vdd")
    drain, _, source, bulk = (node if node in rails else rails[1 - gate] for node in transistor.nodes)
    return replace(transistor, nodes=(drain, rails[gate], source, bulk))


class Cell(Protocol):
    """What testbenches need of a cell; :class:`Sram6T` says what each part does.

    Attributes:
        kind: as in run files.
        states: what it stores, by its high node.
        decoupled: it is read through a port of its own, so that reading leaves its storage nodes alone.
        size_name: part of a subcircuit's name that spells out its sizes.
    """

    kind: ClassVar[str]
    states: ClassVar[tuple[str, ...]]

    @property
    def decoupled(self) -> bool: ...

    @property
    def size_name(self) -> str: ...

    def sized(self, technology: Technology) -> Cell: ...

    def add_half(self, circuit: Circuit, technology: Technology, side: str) -> str: ...

    def add_cell(self, circuit: Circuit, technology: Technology, read_port: bool = False) -> str: ...

    def half_knobs(self, technology: Technology, instances: Mapping[str, tuple[str, ...]]) -> dict[str, Knob]: ...

    def cell_knobs(self, technology: Technology, instances: tuple[str, ...], path: str = "cell") -> dict[str, Knob]: ...

    def transistors(self) -> tuple[Transistor, ...]: ...

    def latch(self, bit: int) -> tuple[Transistor, ...]: ...

    def pass_gates(self) -> tuple[Transistor, ...]: ...

    def read_port(self) -> tuple[Transistor, ...]: ...


@dataclass(frozen=True)
class Sram6T:
    """Six-transistor SRAM cell; a size that is None is the technology's default.

    Attributes:
        w_pd, w_pu, w_pg: widths of pull-down, pull-up and pass gate [m].
        l: gate length of all six [m].
        shifts: systematic |Vth| shift [V] by transistor (``pd_l pu_l pg_l pd_r pu_r pg_r``; the left half drives Q),
            for skewed or aged cells. It adds to the random variation.
    """

    kind: ClassVar[str] = "sram6t"
    states: ClassVar[tuple[str, ...]] = ("q", "qb")
    decoupled: ClassVar[bool] = False
    widths: ClassVar[tuple[str, ...]] = ("w_pd", "w_pu", "w_pg")

    w_pd: float | None = None
    w_pu: float | None = None
    w_pg: float | None = None
    l: float | None = None  # noqa: E741 - the field's name
    shifts: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (*self.widths, "l"):
            size = getattr(self, name)
            if size is not None and not 0 < size < SIZE_LIMIT:
                raise ValueError(f"{name}={size!r} m is not a transistor size: 0 < {name} < 1e-4 m (cell.{name})")
        legal = self.transistor_names
        for name, shift in self.shifts.items():
            if name not in legal:
                raise ValueError(f"shifts: {name!r} is not one of {', '.join(legal)}")
            if not math.isfinite(shift):
                raise ValueError(f"shifts: {name}={shift!r} V is not a number")

    @property
    def transistor_names(self) -> tuple[str, ...]:
        """What the transistors are called, the left half first."""
        return tuple(f"{part}_{side}" for side in SIDES for part in ("pd", "pu", "pg"))

    def sized(self, technology: Technology) -> Sram6T:
        """The same cell with every size filled in."""
        defaults = {"w_pd": technology.w_pd, "w_pu": technology.w_pu, "w_pg": technology.w_pg, "l": technology.length}
        return replace(self, **{k: v for k, v in defaults.items() if getattr(self, k) is None})

    def half_transistors(self, side: str = "") -> tuple[Transistor, ...]:
        """The three transistors of a half cell, named ``pd pu pg`` or, with a side, ``pd_l ...``.

        Layout (thin cell): bit-line, supply and ground contacts are shared with the neighbouring cell, the storage
        node's n diffusion by pull-down and pass gate; the pull-up's drain stands alone.
        """
        name = f"_{side}" if side else ""
        return (
            Transistor(f"pd{name}", "pd", ("out", "inp", "vss", "vss"), self.w_pd, self.l),
            Transistor(f"pu{name}", "pu", ("out", "inp", "vdd", "vdd"), self.w_pu, self.l, drain="end"),
            Transistor(f"pg{name}", "pg", ("bl", "wl", "out", "vss"), self.w_pg, self.l),
        )

    def transistors(self) -> tuple[Transistor, ...]:
        """All transistors, as the knobs are named; nodes are those of the half or of the read port each is in."""
        return tuple(t for side in SIDES for t in self.half_transistors(side))

    def latch(self, bit: int) -> tuple[Transistor, ...]:
        """The transistors between supply and ground of an idle cell with Q at ``bit``, every node at a rail."""
        gates = {"l": 1 - bit, "r": bit}
        return tuple(settled(t, gates[side]) for side in SIDES for t in self.half_transistors(side)[:2])

    @property
    def size_name(self) -> str:
        return nanometres(pd=self.w_pd, pu=self.w_pu, pg=self.w_pg, l=self.l)

    def add_half(self, circuit: Circuit, technology: Technology, side: str) -> str:
        """Define the half cell of one side; returns the subcircuit's name (ports ``HALF_PORTS``)."""
        half = SubCircuit(f"half6t_{side}_{self.size_name}", *HALF_PORTS)
        add_transistors(half, technology, self.half_transistors(side))
        add_subcircuit(circuit, half)
        return half.name

    def add_cell(self, circuit: Circuit, technology: Technology, read_port: bool = False) -> str:
        """Define the whole cell.

        Args:
            read_port: with the nodes of its read port, for a cell that has one; else that port is at rest.

        Returns:
            The subcircuit's name (ports ``CELL_PORTS``, and then ``READ_PORTS``).
        """
        cell = SubCircuit(f"{self.kind}_{self.size_name}", *CELL_PORTS)
        self._add_halves(circuit, technology, cell)
        add_subcircuit(circuit, cell)
        return cell.name

    def _add_halves(self, circuit: Circuit, technology: Technology, cell: SubCircuit) -> None:
        for side, (inp, out, bl) in SIDES.items():
            cell.X(side, self.add_half(circuit, technology, side), inp, out, bl, "wl", "vdd", "vss")

    def half_knobs(
        self, technology: Technology, instances: Mapping[str, tuple[str, ...]], path: str = "cell"
    ) -> dict[str, Knob]:
        """Knobs ``cell.pd_l ...`` for instances of the half cells given by side."""
        knobs: dict[str, Knob] = {}
        for side, names in instances.items():
            knobs |= transistor_knobs(technology, self.half_transistors(side), path, names, dict(self.shifts))
        return knobs

    def cell_knobs(self, technology: Technology, instances: tuple[str, ...], path: str = "cell") -> dict[str, Knob]:
        """Knobs ``cell.pd_l ...`` for instances of the whole cell, all set alike.

        Args:
            path: path of the cell for random numbers.
        """
        return self.half_knobs(technology, {side: tuple(f"{i}.x{side}" for i in instances) for side in SIDES}, path)

    def pass_gates(self) -> tuple[Transistor, ...]:
        """Transistors that open to ``bl`` and to ``blb``, for columns of such cells."""
        return tuple(self.half_transistors(side)[2] for side in SIDES)

    def read_port(self) -> tuple[Transistor, ...]:
        """Driver and access transistor of the read port; empty for a cell without one."""
        return ()


@dataclass(frozen=True)
class Sram8T(Sram6T):
    """Eight-transistor cell with a decoupled read port (Chang et al., Symposium on VLSI Technology 2005).

    A six-transistor cell, which is written through, and two transistors in series from the read bit line to ground:
    ``ra``, opened by the read word line, and ``rd``, whose gate is the storage node Q-bar. RBL falls where Q is 0. A
    size that is None is the technology's default; it has none for the read port, so the pull-down's and the pass
    gate's are taken.

    Attributes:
        w_rd, w_ra: widths of read driver and read access transistor [m].
    """

    kind: ClassVar[str] = "sram8t"
    decoupled: ClassVar[bool] = True
    widths: ClassVar[tuple[str, ...]] = (*Sram6T.widths, "w_rd", "w_ra")

    w_rd: float | None = None
    w_ra: float | None = None

    @property
    def transistor_names(self) -> tuple[str, ...]:
        return (*super().transistor_names, "rd", "ra")

    def sized(self, technology: Technology) -> Sram8T:
        """The same cell with every size filled in."""
        cell = super().sized(technology)
        return replace(cell, w_rd=cell.w_rd or technology.w_pd, w_ra=cell.w_ra or technology.w_pg)

    def read_port(self) -> tuple[Transistor, ...]:
        """Driver and access transistor; the diffusion between them carries a shared contact, as the others."""
        return (
            Transistor("rd", "pd", ("read", "qb", "vss", "vss"), self.w_rd, self.l),
            Transistor("ra", "pg", ("rbl", "rwl", "read", "vss"), self.w_ra, self.l),
        )

    def transistors(self) -> tuple[Transistor, ...]:
        return (*super().transistors(), *self.read_port())

    def add_cell(self, circuit: Circuit, technology: Technology, read_port: bool = False) -> str:
        """Define the whole cell; see :meth:`Sram6T.add_cell`."""
        sizes = f"{self.size_name}_{nanometres(rd=self.w_rd, ra=self.w_ra)}"
        ports = (*CELL_PORTS, *READ_PORTS) if read_port else CELL_PORTS
        cell = SubCircuit(f"{self.kind}_{'r_' if read_port else ''}{sizes}", *ports)
        self._add_halves(circuit, technology, cell)
        names = {} if read_port else AT_REST
        port = (replace(t, nodes=tuple(names.get(n, n) for n in t.nodes)) for t in self.read_port())
        add_transistors(cell, technology, port)
        add_subcircuit(circuit, cell)
        return cell.name

    def cell_knobs(self, technology: Technology, instances: tuple[str, ...], path: str = "cell") -> dict[str, Knob]:
        """Knobs ``cell.pd_l ... cell.rd cell.ra`` for instances of the whole cell, all set alike."""
        knobs = super().cell_knobs(technology, instances, path)
        return knobs | transistor_knobs(technology, self.read_port(), path, instances, dict(self.shifts))
