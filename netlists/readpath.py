"""The complementary read path: dynamic local bit lines on both sides of the cell and one NOR gate on each.

A precharged line is high until it falls, so an AND gate on it would start with a false 1. Both outputs are therefore
NOR gates on active-low inputs, ``p = NOR(inp_b, blb)`` and ``n = NOR(inn_b, bl)``: they can only rise, and only after
their line has fallen. BLB falls if Q = 1, hence ``p = INP and Q``, ``n = INN and not Q``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySpice.Spice.Netlist import Circuit, SubCircuit

from netlists.bitcells import Cell
from netlists.circuit import Transistor, add_subcircuit, add_transistors, nanometres, transistor_knobs
from netlists.column import Array
from netlists.logic import add_gate, gate_knobs
from netlists.technology import Technology
from netlists.testbench import Knob

COLUMN_PORTS = ("wl_b", "pre", "inp_b", "inn_b", "vdd", "vdrv", "vp", "vn", "vss", "wl", "pre_b", "bl", "blb", "p", "n",
                "q", "qb")  # fmt: skip
"""Controls, supplies (array and precharge, drivers, output gate of each side), ground, then nodes to look at."""

_GATES = {
    "wl_driver": ("inverter", ("wl_b", "wl", "vdrv", "vss")),
    "pre_driver": ("inverter", ("pre", "pre_b", "vdrv", "vss")),
    "nor_p": ("nor2", ("blb", "inp_b", "p", "vp", "vss")),
    "nor_n": ("nor2", ("bl", "inn_b", "n", "vn", "vss")),
}
"""Instance to its gate and nodes; the input next to the output is the late one, the bit line."""

_DRIVERS = {"wl": "wl_driver", "bl": "pre_driver"}
"""Line to the driver that shares its level."""


@dataclass(frozen=True)
class ReadPath:
    """A local bit-line pair with one selected cell.

    Attributes:
        rows: cells on the local bit line; 16 in the 28 nm macro of Yan et al., ISSCC 2022 11.7 (secondary source).
        precharge: width of the precharge and equalizing transistors in unit PMOS widths [1], assumed.
        driver: scale of the column's share of word-line and precharge driver in unit inverters [1], assumed.
        fanout: load of each output in unit inverters [1]; four is the usual gate load, assumed for the adder's input.
        pattern, position, representation, pattern_seed: of the unselected rows, see :class:`netlists.column.Array`.
    """

    rows: int = 16
    precharge: float = 2.0
    driver: float = 1.0
    fanout: int = 4
    pattern: str = "half"
    position: str = "far"
    representation: str = "equivalent"
    pattern_seed: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.fanout, int) or self.fanout < 1:
            raise ValueError(f"fanout={self.fanout!r} is not a whole number of at least 1 (readpath.fanout)")
        _ = self.array  # which refuses what is no array
        for name in ("precharge", "driver"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"{name}={value!r} is not above 0 (readpath.{name})")

    def precharge_transistors(self, technology: Technology, supply: str = "vdd") -> tuple[Transistor, ...]:
        """Two precharge transistors and one equalizer, gates on ``pre_b``."""
        w, length = self.precharge * technology.w_p, technology.length
        return (
            Transistor("pre_l", "p", ("bl", "pre_b", supply, supply), w, length),
            Transistor("pre_r", "p", ("blb", "pre_b", supply, supply), w, length),
            Transistor("eq", "p", ("bl", "pre_b", "blb", supply), w, length),
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
    ) -> str:
        """Define the column around a cell that stores a state; returns the subcircuit's name (``COLUMN_PORTS``).

        Args:
            offsets: what lifts a line above its supply port [V]: ``wl`` the word line's driver, ``bl`` precharge and
                its driver, ``cell`` all cells of the column. Source ``rise_<line>`` does, so that its energy is known.
        """
        sizes = nanometres(pre=self.precharge * technology.w_p, drv=self.driver * technology.w_n)
        array = self.array.add(circuit, technology, cell, state)
        column = SubCircuit(f"column_f{self.fanout}_{sizes}_{array}", *COLUMN_PORTS)
        on = {"wl": "vdrv", "bl": "vdd", "cell": "vdd"}
        gates = dict(_GATES)
        for line, offset in (offsets or {}).items():
            column.V(f"rise_{line}", f"v{line}", on[line], offset)
            on[line] = f"v{line}"
            if line in _DRIVERS:
                kind, nodes = _GATES[_DRIVERS[line]]
                gates[_DRIVERS[line]] = (kind, (*nodes[:2], on[line], *nodes[3:]))
        add_transistors(column, technology, self.precharge_transistors(technology, on["bl"]))
        column.X("array", array, "bl", "blb", "wl", on["cell"], "vss", "q", "qb")
        for name, (kind, nodes) in gates.items():
            scale = self.driver if name.endswith("driver") else 1.0
            column.X(name, add_gate(circuit, technology, kind, scale), *nodes)
        load = add_gate(circuit, technology, "inverter", float(self.fanout))
        for output, supply in (("p", "vp"), ("n", "vn")):
            column.X(f"load_{output}", load, output, f"{output}_load", supply, "vss")
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
        knobs |= transistor_knobs(technology, self.precharge_transistors(technology), "precharge", instances)
        for name, (kind, _) in _GATES.items():
            scale = self.driver if name.endswith("driver") else 1.0
            inside = tuple(f"{i}.x{name}" for i in instances)
            knobs |= gate_knobs(technology, kind, name, inside, scale)
        loads = tuple(f"{i}.xload_{output}" for i in instances for output in "pn")
        return knobs | gate_knobs(technology, "inverter", "load", loads, float(self.fanout), mismatch=False)
