"""Testbenches at transistor level: a netlist of gates that takes one vector after the other; a gate changed twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from netlists.analyses import Transient
from netlists.circuit import deck_text
from netlists.gatenetlist import FANOUT, GateNetlist, Instance
from netlists.logic import GATES, add_gate
from netlists.setting import Condition
from netlists.stimulus import steps
from netlists.technology import Technology
from netlists.testbench import Testbench

DRIVER = "inverter"
"""Gate in front of every input: what drives it is a circuit, whose delay and energy are of the circuit's."""

OPTIONS = ".options chgtol=1e-18"
"""Truncation error for femtofarad nodes.

Against reltol 1e-4 as in transients of a column, a vector pair of the 8 x 4 bit tree on predictive28 at 1 V: energy
within 0.2 %, arrivals within 0.1 ps, at 30 % of the time.
"""

STEPS = 10
"""Smallest number of time steps in a period [1]: what settles is resolved by the truncation error."""

WIRE_PITCHES = 12
"""Wire of each connection in gate pitches [1], assumed: from one adder of 24 transistors a type to the next one."""


def driven(netlist: GateNetlist) -> GateNetlist:
    """The netlist with an inverter in front of every input, whose own input is ``<input>_b``.

    It is a unit inverter for up to ``FANOUT`` gates that the input goes to, and larger by their number for more.
    """
    sizes = {net: max(len(netlist.readers.get(net, ())) / FANOUT, 1.0) for net in netlist.inputs}
    drivers = tuple(Instance(f"drive_{net}", DRIVER, (f"{net}_b",), (net,), size) for net, size in sizes.items())
    inputs = tuple(f"{net}_b" for net in netlist.inputs)
    return GateNetlist(netlist.name, inputs, netlist.outputs, (*drivers, *netlist.instances))


def drives(instance: Instance) -> bool:
    """Whether an instance is one of the drivers of :func:`driven`."""
    return instance.name.startswith("drive_")


def wires(netlist: GateNetlist, technology: Technology) -> dict[str, float]:
    """Capacitance of the wire of every net that a gate drives [F]: a length for each gate that it goes to, or one."""
    each = technology.geometry.wire_capacitance * technology.geometry.gate_pitch * WIRE_PITCHES
    nets = (net for instance in netlist.instances for net in instance.outputs)
    return {net: each * max(len(netlist.readers.get(net, ())), 1) for net in nets}


def gate_bench(
    netlist: GateNetlist, condition: Condition, vectors: Mapping[str, np.ndarray], period: float, slew: float
) -> Testbench:
    """A driven netlist whose inputs take one vector after the other, each two in a row a pair.

    The first vector holds from the operating point on, for half a period; each of the others for a period. Drivers and
    the rest have supplies of their own, ``drive`` and ``gates``.

    Args:
        netlist: of :func:`driven`, without registers.
        vectors: input to levels, 0 or 1, shape (vector,).
        period: time between vectors [s].
        slew: of the sources, from rail to rail [s].

    Returns:
        Testbench whose probes are both supplies' currents and the outputs.
    """
    circuit, vdd = condition.circuit(f"{netlist.name}, vectors"), condition.vdd
    supplies = {True: "drive", False: "gates"}
    for supply in supplies.values():
        circuit.V(supply, supply, "0", vdd)
    for net in netlist.inputs:
        circuit.V(net, net, "0", _source(np.asarray(vectors[net]) * vdd, period, slew))
    for instance in netlist.instances:
        gate = add_gate(circuit, condition.technology, instance.gate, instance.scale)
        circuit.X(instance.name, gate, *instance.inputs, *instance.outputs, supplies[drives(instance)], "0")
    for net, capacitance in wires(netlist, condition.technology).items():
        circuit.C(net, net, "0", capacitance)
    probes = (*(f"v{supply}#branch" for supply in supplies.values()), *netlist.outputs)
    pairs = len(vectors[netlist.inputs[0]]) - 1
    # A little more than the last period, so that its end is inside.
    stop = (pairs + 0.51) * period
    return Testbench(
        name="gate_bench",
        deck=deck_text(circuit, probes, (OPTIONS,)),
        analysis=Transient(stop, period / STEPS),
        probes=probes,
        knobs={},
        values={
            "vdd": vdd, "period": period, "first": period / 2, "slew": slew, "pairs": pairs,
            "supplies": len(supplies), "outputs": len(netlist.outputs),
        },
        osdi=condition.technology.osdi,
    )  # fmt: skip


def _source(levels: np.ndarray, period: float, slew: float) -> str:
    """Piecewise-linear source that takes each level [V] for a period, the first one for half of it."""
    turns = np.flatnonzero(np.diff(levels)).tolist()
    return steps(float(levels[0]), [((turn + 0.5) * period, float(levels[turn + 1])) for turn in turns], slew)


@dataclass(frozen=True)
class Twice:
    """Two changes of a gate's inputs, one after the other.

    Attributes:
        state: levels of the inputs before, the first input's as the lowest bit.
        first, second: places of the inputs that change; the same one is pulsed.
        apart: time between them [s].
    """

    state: int
    first: int
    second: int
    apart: float


def twice_bench(
    kind: str, condition: Condition, cases: Sequence[Twice], slew: float, load: float, period: float
) -> Testbench:
    """A gate whose inputs change twice, case after case, from ideal sources; each output has the same load.

    Each case takes a period: inputs go to its state at once, and the first change comes after half of it.

    Args:
        slew: of the inputs, from rail to rail [s]. load: of each output [F]. period: of a case [s].

    Probes: current of the supply ``vdd#branch``, then the outputs ``out0 ...``.
    """
    circuit, vdd, gate = condition.circuit(f"{kind}, inputs that change twice"), condition.vdd, GATES[kind]
    circuit.V("dd", "vdd", "0", vdd)
    level, changes = [0] * len(gate.inputs), [[] for _ in gate.inputs]

    def change(place: int, to: int, time: float) -> None:
        if level[place] != to:
            changes[place].append((time, to * vdd))
            level[place] = to

    for number, case in enumerate(cases):
        start, middle = (number + 0.01) * period, (number + 0.5) * period
        for place in range(len(level)):
            change(place, case.state >> place & 1, start)
        change(case.first, 1 - level[case.first], middle)
        change(case.second, 1 - level[case.second], middle + case.apart)
    inputs, outputs = (
        [f"{side}{i}" for i in range(len(of))] for side, of in (("in", gate.inputs), ("out", gate.outputs))
    )
    for node, turns in zip(inputs, changes, strict=True):
        circuit.V(node, node, "0", steps(0.0, turns, slew))
    circuit.X("gate", add_gate(circuit, condition.technology, kind), *inputs, *outputs, "vdd", "0")
    for node in outputs:
        circuit.C(node, node, "0", load)
    probes = ("vdd#branch", *outputs)
    return Testbench(
        name="twice_bench",
        deck=deck_text(circuit, probes, (OPTIONS,)),
        analysis=Transient(len(cases) * period, period / STEPS),
        probes=probes,
        knobs={},
        values={"vdd": vdd, "period": period, "slew": slew},
        osdi=condition.technology.osdi,
    )
