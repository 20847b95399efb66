"""The write driver of a column: one bit line is pulled down, the other one held up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from PySpice.Spice.Netlist import Circuit, SubCircuit

from netlists.circuit import Transistor, add_subcircuit, add_transistors, nanometres, transistor_knobs
from netlists.logic import add_gate, gate_knobs
from netlists.technology import Technology
from netlists.testbench import Knob

WRITE_DRIVER_PORTS = ("low", "high", "we_b", "vdrv", "vss")
"""Line that is pulled down, line that is held up, write enable (active low), supply, ground."""
LOW_PORT = "vlow"
"""Further port where the line is not pulled down to ground: what it is pulled to."""
SCALE = 4.0
"""Transistors on a bit line in unit widths [1], assumed: strong for a bit line of 16 cells."""


def write_transistors(technology: Technology, low: str = "vss") -> tuple[Transistor, ...]:
    """Both transistors of both lines; those that would write the other value stay off and load the lines.

    Args:
        low: node that the line is pulled down to.
    """
    wn, wp, length = SCALE * technology.w_n, SCALE * technology.w_p, technology.length
    return (
        Transistor("down", "n", ("low", "we", low, "vss"), wn, length, drain="end"),
        Transistor("up", "p", ("high", "we_n", "vdrv", "vdrv"), wp, length, drain="end"),
        Transistor("down_off", "n", ("high", "vss", "vss", "vss"), wn, length, drain="end"),
        Transistor("up_off", "p", ("low", "vdrv", "vdrv", "vdrv"), wp, length, drain="end"),
    )


def add_write_driver(circuit: Circuit, technology: Technology, grounded: bool = True) -> str:
    """Define the write driver with its two gate drivers.

    Args:
        grounded: a line is pulled down to ground; if not, to ``LOW_PORT``.

    Returns:
        The subcircuit's name (ports ``WRITE_DRIVER_PORTS``, and then ``LOW_PORT``).
    """
    sizes = nanometres(n=SCALE * technology.w_n, p=SCALE * technology.w_p, l=technology.length)
    ports = WRITE_DRIVER_PORTS if grounded else (*WRITE_DRIVER_PORTS, LOW_PORT)
    driver = SubCircuit(f"write_driver_{sizes}", *ports)
    add_transistors(driver, technology, write_transistors(technology, ports[-1]))
    gate = add_gate(circuit, technology, "inverter")
    driver.X("gate_down", gate, "we_b", "we", "vdrv", "vss")
    driver.X("gate_up", gate, "we", "we_n", "vdrv", "vss")
    add_subcircuit(circuit, driver)
    return driver.name


def write_driver_knobs(technology: Technology, instances: Mapping[str, tuple[str, str]]) -> dict[str, Knob]:
    """Knobs of one driver that is drawn once for each value it writes, named by the line each transistor is on.

    A transistor that pulls its line in one instance is off in the other: both are one transistor with one draw.

    Args:
        instances: of the write driver, to the line that each pulls down and the one that it holds up.

    Returns:
        ``write_driver.down_bl ...``, and ``write_gate_down_bl.<transistor> ...`` of what drives its gate.
    """
    knobs: dict[str, Knob] = {}
    for instance, (low, high) in instances.items():
        lines = {"down": low, "up": high, "down_off": high, "up_off": low}
        for name, knob in transistor_knobs(technology, write_transistors(technology), "", (instance,)).items():
            transistor, law, rest = name.removeprefix(".").partition(":")
            path = f"write_driver.{transistor.removesuffix('_off')}_{lines[transistor]}{law}{rest}"
            known = knobs[path].parameters if path in knobs else ()
            knobs[path] = replace(knob, parameters=known + knob.parameters)
        for name in ("down", "up"):
            inside = (f"{instance}.xgate_{name}",)
            knobs |= gate_knobs(technology, "inverter", f"write_gate_{name}_{lines[name]}", inside)
    return knobs
