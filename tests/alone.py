"""Transistors of a cell by themselves: the second route of several metrics at DC."""

from dataclasses import replace

from PySpice.Spice.Netlist import Circuit, SubCircuit

from netlists import Setting
from netlists.circuit import add_subcircuit, add_transistors, transistor_knobs
from netlists.testbench import Knob


def add_alone(circuit: Circuit, setting: Setting, name: str, nodes: tuple[str, str, str, str]) -> dict[str, Knob]:
    """Put a transistor of the left half, such as ``pd_l``, between drain, gate, source and bulk; returns its knobs."""
    (transistor,) = (t for t in setting.cell.half_transistors("l") if t.name == name)
    alone = SubCircuit(f"alone_{name}", "d", "g", "s", "b")
    add_transistors(alone, setting.technology, [replace(transistor, nodes=("d", "g", "s", "b"))])
    add_subcircuit(circuit, alone)
    circuit.X(name, alone.name, *nodes)
    return transistor_knobs(setting.technology, [transistor], "cell", (f"x{name}",), dict(setting.cell.shifts))
