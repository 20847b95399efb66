"""Read paths: dynamic local bit lines on both sides of the cell, and a NOR gate on one of them or on each.

A precharged line is high until it falls, so an AND gate on it would start with a false 1. Both outputs are therefore
NOR gates on active-low inputs, ``p = NOR(inp_b, blb)`` and ``n = NOR(inn_b, bl)``: they can only rise, and only after
their line has fallen. BLB falls if Q = 1, hence ``p = INP and Q``, ``n = INN and not Q``. A macro that computes with Q
alone has output P only; its word line opens both sides all the same, so both lines are precharged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from PySpice.Spice.Netlist import Circuit, SubCircuit

from netlists.bitcells import Cell
from netlists.circuit import Transistor, add_subcircuit, add_transistors, nanometres, transistor_knobs
from netlists.column import Array
from netlists.logic import GATES, add_gate, gate_knobs
from netlists.technology import Technology
from netlists.testbench import Knob

SUPPLIES = {
    "vdd": "bitline", "vbl": "bitline", "vpre": "precharge", "vdrv": "drivers", "vlatch": "latch", "vp": "gates",
    "vn": "gates", "vr": "gates",
}  # fmt: skip
"""Supply of a column to the part of the energy that it gives.

Cells; what charges the bit lines, keepers included; driver of the precharge signal; drivers of word line and inputs;
latch; output gate of each side with its load.
"""
RISES = {"wl": "vdrv", "bl": "vbl", "cell": "vdd"}
"""Line that may be apart from VDD to the supply that is then lifted; that of the bit lines drives precharge as well."""
SIDES = {"p": ("blb", "wb", "inp"), "n": ("bl", "w", "inn")}
"""Output to its bit line, to the latch's node that takes the line's place where it is held, and to its input."""

_DRIVERS = {"wl": "wl_driver", "bl": "pre_driver"}
"""Line to the driver that shares its level."""


@dataclass(frozen=True)
class ReadPath:
    """A local bit-line pair with one selected cell.

    Attributes:
        rows: cells on the local bit line; 16 in the 28 nm macro of Yan et al., ISSCC 2022 11.7 (secondary source).
        precharge: width of the precharge and equalizing transistors in unit PMOS widths [1], assumed.
        driver: scale of the column's share of the drivers of word line, precharge and inputs in unit inverters [1],
            assumed.
        fanout: load of each output in unit inverters [1]; four is the usual gate load, assumed for the adder's input.
        pattern, position, representation, pattern_seed: of the unselected rows, see :class:`netlists.column.Array`.
        outputs: ``pn`` (complementary: P from Q and N from Q-bar at once) or ``p`` (single-sided: Q alone).
        keeper: width of the keeper of each line that is read, in unit PMOS widths [1]; 0: none. The usual keeper of
            domino logic, a PMOS gated by an inverter on the line itself: gated by the output, it would fight the cell
            wherever the input is 0.
        held: the lines set a latch of two cross-coupled NAND gates, which a precharged pair leaves alone, and the
            output gates look at the latch: a row is read once for all input bits.
        sensed: difference of the bit lines that counts as read, as a share of VDD [1], assumed: 100 mV at 1 V, twice or
            three times what a sense amplifier's offset usually asks for.
        variants: legal ``outputs``. word: word line. chargers: precharge transistor to its line and its other end,
            the supply where that is empty.
    """

    variants: ClassVar[tuple[str, ...]] = ("pn", "p")
    word: ClassVar[str] = "wl"
    chargers: ClassVar[Mapping[str, tuple[str, str]]] = {
        "pre_l": ("bl", ""), "pre_r": ("blb", ""), "eq": ("bl", "blb"),
    }  # fmt: skip

    rows: int = 16
    precharge: float = 2.0
    driver: float = 1.0
    fanout: int = 4
    pattern: str = "half"
    position: str = "far"
    representation: str = "equivalent"
    pattern_seed: int = 1
    outputs: str = "pn"
    keeper: float = 0.0
    held: bool = False
    sensed: float = 0.1

    def __post_init__(self) -> None:
        if not isinstance(self.fanout, int) or self.fanout < 1:
            raise ValueError(f"fanout={self.fanout!r} is not a whole number of at least 1 (readpath.fanout)")
        _ = self.array  # which refuses what is no array
        for name in ("precharge", "driver"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"{name}={value!r} is not above 0 (readpath.{name})")
        if not 0 <= self.keeper < math.inf:
            raise ValueError(f"keeper={self.keeper!r} is not at least 0 (readpath.keeper)")
        if not 0 < self.sensed < 1:
            raise ValueError(f"sensed={self.sensed!r} is not between 0 and 1 (readpath.sensed)")
        if self.outputs not in self.variants:
            raise ValueError(f"outputs={self.outputs!r} is not one of {', '.join(self.variants)}")
        if not isinstance(self.held, bool):
            raise ValueError(f"held={self.held!r} is not one of true, false")

    @property
    def inputs(self) -> tuple[str, ...]:
        """Nodes of the inputs, high where the input is 1."""
        return tuple(SIDES[output][2] for output in self.outputs)

    @property
    def supplies(self) -> tuple[str, ...]:
        """Those of ``SUPPLIES`` that the column has."""
        optional = {"vlatch": self.held} | {f"v{output}": output in self.outputs for output in "pnr"}
        return tuple(supply for supply in SUPPLIES if optional.get(supply, True))

    @property
    def nodes(self) -> tuple[str, ...]:
        """Nodes of the column to look at."""
        lines = (line for line, end in self.chargers.values() if not end)
        return (self.word, "pre_b", *lines, *self.outputs, "q", "qb")

    @property
    def ports(self) -> tuple[str, ...]:
        """Controls, supplies, ground, then nodes to look at."""
        return ("wl_b", "pre", *self.inputs, *self.supplies, "vss", *self.nodes)

    @property
    def driven(self) -> tuple[str, ...]:
        """Nodes that a driver of the column drives."""
        return (self.word, "pre_b", *(f"{name}_b" for name in self.inputs))

    @property
    def lines(self) -> tuple[str, ...]:
        """Bit lines that something looks at."""
        return ("bl", "blb") if self.held else tuple(SIDES[output][0] for output in self.outputs)

    @property
    def gates(self) -> dict[str, tuple[str, float, tuple[str, ...]]]:
        """Instance to its gate, scale and nodes; where a gate has a late input, next to its output, it is the line."""
        found = {
            "wl_driver": ("inverter", self.driver, ("wl_b", self.word, "vdrv", "vss")),
            "pre_driver": ("inverter", self.driver, ("pre", "pre_b", "vpre", "vss")),
            **self.readers,
        }
        if self.keeper:
            found |= {f"keep_{line}": ("inverter", 1.0, (line, f"{line}_kept", "vbl", "vss")) for line in self.lines}
        return found

    @property
    def readers(self) -> dict[str, tuple[str, float, tuple[str, ...]]]:
        """Those of ``gates`` that look at the lines, and the drivers of their inputs."""
        found = {}
        if self.held:
            found["latch_w"] = ("nand2", 1.0, ("blb", "wb", "w", "vlatch", "vss"))
            found["latch_wb"] = ("nand2", 1.0, ("bl", "w", "wb", "vlatch", "vss"))
        for output in self.outputs:
            line, latched, name = SIDES[output]
            found[f"{name}_driver"] = ("inverter", self.driver, (name, f"{name}_b", "vdrv", "vss"))
            read = latched if self.held else line
            found[f"nor_{output}"] = ("nor2", 1.0, (read, f"{name}_b", output, f"v{output}", "vss"))
        return found

    def line_transistors(self, technology: Technology, supply: str = "vbl") -> tuple[Transistor, ...]:
        """Those of ``chargers``, gates on ``pre_b``; then the keepers."""
        w, weak, length = self.precharge * technology.w_p, self.keeper * technology.w_p, technology.length
        kept = self.lines if self.keeper else ()
        charged = self.chargers.items()
        return (
            *(Transistor(n, "p", (line, "pre_b", end or supply, supply), w, length) for n, (line, end) in charged),
            *(Transistor(f"keep_{n}", "p", (n, f"{n}_kept", supply, supply), weak, length) for n in kept),
        )

    @property
    def array(self) -> Array:
        """The cells on the bit lines and their wires."""
        return Array(self.rows, self.pattern, self.position, self.representation, self.pattern_seed)

    def add_column(
        self,
        circuit: Circuit,
        technology: Technology,
        cell: Cell,
        state: str,
        offsets: Mapping[str, float] | None = None,
        metered: bool = False,
    ) -> str:
        """Define the column around a cell that stores a state; returns the subcircuit's name (ports ``ports``).

        Args:
            offsets: what lifts a line above its supply port [V]: ``wl`` the word line's driver, ``bl`` precharge and
                its driver, ``cell`` all cells of the column. Source ``rise_<line>`` does, so that its energy is known.
            metered: source ``meter_<node>`` of 0 V is between each driver and what it drives.
        """
        sizes = nanometres(
            pre=self.precharge * technology.w_p, drv=self.driver * technology.w_n, keep=self.keeper * technology.w_p
        )
        array = self.array.add(circuit, technology, cell, state)
        kind = "_".join((self.outputs, *(["held"] if self.held else []), *(["metered"] if metered else [])))
        column = SubCircuit(f"column_{kind}_f{self.fanout}_{sizes}_{array}", *self.ports)
        on = dict(RISES)
        gates = self.gates
        for line, offset in (offsets or {}).items():
            column.V(f"rise_{line}", f"v{line}_risen", on[line], offset)
            on[line] = f"v{line}_risen"
            if line in _DRIVERS:
                gate, scale, nodes = gates[_DRIVERS[line]]
                gates[_DRIVERS[line]] = (gate, scale, (*nodes[:2], on[line], *nodes[3:]))
        add_transistors(column, technology, self.line_transistors(technology, on["bl"]))
        at = {node: node for node in self.nodes} | {"vdd": on["cell"], "vss": "vss"}
        at_rest = {"bl": on["bl"], "blb": on["bl"], "wl": "vss"}
        column.X("array", array, *((at_rest | at)[port] for port in self.array.ports))
        for name, (gate, scale, nodes) in gates.items():
            if metered and name.endswith("_driver"):
                column.V(f"meter_{nodes[1]}", f"{nodes[1]}_driver", nodes[1], 0.0)
                nodes = (nodes[0], f"{nodes[1]}_driver", *nodes[2:])
            column.X(name, add_gate(circuit, technology, gate, scale), *nodes)
        load = add_gate(circuit, technology, "inverter", float(self.fanout))
        for output in self.outputs:
            column.X(f"load_{output}", load, output, f"{output}_load", f"v{output}", "vss")
        add_subcircuit(circuit, column)
        return column.name

    def knobs(self, technology: Technology, cell: Cell, columns: Mapping[str, Sequence[str]]) -> dict[str, Knob]:
        """Knobs of the array, the precharge, the drivers and the output gates; loads' where the whole die is shifted.

        Args:
            columns: stored state to the instances of the column around a cell that stores it.
        """
        arrays = {state: tuple(f"{name}.xarray" for name in names) for state, names in columns.items()}
        instances = tuple(name for names in columns.values() for name in names)
        knobs = self.array.knobs(technology, cell, arrays)
        knobs |= transistor_knobs(technology, self.line_transistors(technology), "precharge", instances)
        for name, (kind, scale, _) in self.gates.items():
            knobs |= gate_knobs(technology, kind, name, tuple(f"{i}.x{name}" for i in instances), scale)
        loads = tuple(f"{i}.xload_{output}" for i in instances for output in self.outputs)
        return knobs | gate_knobs(technology, "inverter", "load", loads, float(self.fanout), mismatch=False)

    def transistors(self, technology: Technology) -> tuple[Transistor, ...]:
        """All that the path adds to the cells, loads aside: precharge, keepers, drivers' shares, latch, gates."""
        gates = [t for kind, scale, _ in self.gates.values() for t in GATES[kind].transistors(technology, scale)]
        return (*self.line_transistors(technology), *gates)
