"""Static CMOS gates as tables of transistors: unit widths come from the technology."""

from __future__ import annotations

from PySpice.Spice.Netlist import Circuit, SubCircuit

from netlists.circuit import Transistor, add_subcircuit, add_transistors, nanometres
from netlists.technology import Technology

PORTS = {"inverter": ("a", "y", "vdd", "vss"), "nor2": ("a", "b", "y", "vdd", "vss")}
"""Gate to the ports of its subcircuit."""


def inverter(technology: Technology, scale: float = 1.0) -> tuple[Transistor, ...]:
    """Inverter of ``scale`` times the unit widths."""
    wn, wp, length = technology.w_n * scale, technology.w_p * scale, technology.length
    return (
        Transistor("n", "n", ("y", "a", "vss", "vss"), wn, length, drain="end"),
        Transistor("p", "p", ("y", "a", "vdd", "vdd"), wp, length, drain="end"),
    )


def nor2(technology: Technology, scale: float = 1.0) -> tuple[Transistor, ...]:
    """Two-input NOR; the two PMOS in series are twice as wide as an inverter's, input ``a`` next to the output."""
    wn, wp, length = technology.w_n * scale, 2 * technology.w_p * scale, technology.length
    return (
        Transistor("na", "n", ("y", "a", "vss", "vss"), wn, length),
        Transistor("nb", "n", ("y", "b", "vss", "vss"), wn, length),
        Transistor("pa", "p", ("y", "a", "x", "vdd"), wp, length, drain="end"),
        Transistor("pb", "p", ("x", "b", "vdd", "vdd"), wp, length),
    )


GATES = {"inverter": inverter, "nor2": nor2}


def add_gate(circuit: Circuit, technology: Technology, kind: str, scale: float = 1.0) -> str:
    """Define a gate of ``GATES``; returns the subcircuit's name, derived from its sizes."""
    widths = nanometres(n=technology.w_n * scale, p=technology.w_p * scale, l=technology.length)
    gate = SubCircuit(f"{kind}_{widths}", *PORTS[kind])
    add_transistors(gate, technology, GATES[kind](technology, scale))
    add_subcircuit(circuit, gate)
    return gate.name
