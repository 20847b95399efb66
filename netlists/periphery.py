"""Testbenches of logic gates: pulses over loads, leakage at rest, setup and hold of what a clock rules.

Nodes have the same names whatever the gate: inputs ``in0 in1 ...``, outputs ``out0 ...``, in the gate's order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySpice.Spice.Netlist import Circuit

from netlists.analyses import OperatingPoint, Transient
from netlists.arcs import EDGES, Pulse, rest_states
from netlists.circuit import deck_text, first_guesses
from netlists.logic import GATES, Memory, add_gate, gate_knobs
from netlists.setting import Condition
from netlists.stimulus import EDGE, steps
from netlists.testbench import Knob, Points, Search, Testbench

OPTIONS = ".options chgtol=1e-17 reltol=3e-4"
"""Tolerances of gates' transients, looser than those of a column: there are thousands of them.

Against reltol 3e-6, inverter, NAND2 and XOR2 of predictive28 at 1 V over the default grid: delay within 1.3 % (mean
0.3 %), output slew 7 % (mean 1.5 %), energy 0.03 fJ (mean 3 aJ). Timing is solved with ``bypass=1`` besides, as
``stimulus.FAST_OPTIONS``; setup and hold, which a latch decides, are not.
"""
MAX_STEP = 1 / 12
"""Largest step as a share of the simulated time: at rest there is nothing to see."""
PUSHED = 1.1
"""Clock-to-output delay at the setup or hold time, in units of the delay with data long in time [1]: customary."""
RESOLUTION = 0.01
"""How exactly setup and hold times are searched, in units of the slew [1]."""


def _nodes(prefix: str, names: Sequence[str]) -> list[str]:
    return [f"{prefix}{i}" for i in range(len(names))]


def _add_gate(circuit: Circuit, condition: Condition, kind: str, memory: Memory | None) -> tuple[list[str], list[str]]:
    """The gate on its own supply ``vdd``, its inputs on nodes ``in0 ...``.

    Returns:
        Its output nodes, and deck lines of what it stores.
    """
    gate = GATES[kind]
    outputs = _nodes("out", gate.outputs)
    circuit.V("dd", "vdd", "0", condition.vdd)
    name = add_gate(circuit, condition.technology, kind)
    circuit.X("gate", name, *_nodes("in", gate.inputs), *outputs, "vdd", "0")
    stored = _stored(condition, kind, memory, "xgate", dict(zip(gate.outputs, outputs, strict=True)))
    return outputs, first_guesses(stored)


def _stored(
    condition: Condition, kind: str, memory: Memory | None, instance: str, outputs: Mapping[str, str]
) -> dict[str, float]:
    """Nodes that store a clocked gate's bit, and their levels [V]."""
    return {outputs.get(n, f"{instance}.{n}"): at * condition.vdd for n, at in GATES[kind].held(memory).items()}


def _begins(kind: str, memory: Memory | None) -> dict[str, float]:
    """What the first output of a clocked gate must begin with, 0 or 1, for measurements."""
    gate = GATES[kind]
    return {} if memory is None else {"stored": float(gate.held(memory)[gate.outputs[0]])}


def _knobs(
    condition: Condition, kind: str, instances: Sequence[str] = ("xgate",), mismatch: bool = True
) -> dict[str, Knob]:
    return gate_knobs(condition.technology, kind, f"gate_{kind}", instances, mismatch=mismatch)


def gate_timing(
    condition: Condition,
    kind: str,
    memory: Memory | None,
    slew: float,
    window: float,
    points: Sequence[tuple[Pulse, float]],
) -> Testbench:
    """Pulses at a gate's inputs from ideal sources, all of one slew, each output with the same load.

    A ramp from 0 to VDD within ``slew``, a window, the ramp back, a window. Each input follows the node ``stim``
    straight, upside down or not at all.

    Args:
        memory: what a clocked gate begins with, else None.
        slew: of the inputs, 0 to 100 % [s]. window: time after each ramp [s].
        points: pulse and load of each output [F].

    Probes: ``stim``, the outputs, currents ``vdd#branch`` and of each input's source ``vin0#branch ...``.
    """
    vdd, inputs = condition.vdd, _nodes("in", GATES[kind].inputs)
    circuit = condition.circuit(f"{kind}, pulses")
    circuit.V("stim", "stim", "0", steps(0.0, ((EDGE, vdd), (EDGE + slew + window, 0.0)), slew))
    parameters = []
    for node in inputs:
        circuit.V(node, node, f"{node}_moved", 0.0)
        circuit.VCVS(node, f"{node}_moved", "0", "stim", "0", voltage_gain=0.0)
        parameters += [(f"v{node}",), (f"e{node} gain",)]
    outputs, guesses = _add_gate(circuit, condition, kind, memory)
    for node in outputs:
        circuit.C(node, node, "0", 0.0)
    parameters.append(tuple(f"c{node}" for node in outputs))
    stop = EDGE + 2 * (slew + window)
    probes = ("stim", *outputs, "vdd#branch", *(f"v{node}#branch" for node in inputs))
    return Testbench(
        name="gate_timing",
        deck=deck_text(circuit, probes, (*guesses, f"{OPTIONS} bypass=1")),
        analysis=Transient(stop, MAX_STEP * stop),
        probes=probes,
        knobs=_knobs(condition, kind),
        values={
            "vdd": vdd, "slew": slew, "window": window, "edges": 2, "inputs": len(inputs), "outputs": len(outputs),
            **_begins(kind, memory),
        },
        osdi=condition.technology.osdi,
        points=Points(tuple(parameters), tuple(_row(kind, pulse, load, vdd) for pulse, load in points)),
    )  # fmt: skip


def _row(kind: str, pulse: Pulse, load: float, vdd: float) -> tuple[float, ...]:
    """Level [V] before and gain over ``stim`` [1] of each input, then the load [F]."""
    row: list[float] = []
    for name, level in zip(GATES[kind].inputs, pulse.levels, strict=True):
        row += [level * vdd, (1.0 - 2.0 * level) if name == pulse.pin else 0.0]
    return (*row, load)


def gate_leakage(condition: Condition, kind: str, memory: Memory | None) -> Testbench:
    """A gate at rest in every state of its inputs, in the order of :func:`netlists.arcs.rest_states`.

    Probes: inputs, outputs, currents ``vdd#branch`` and of each input's source.
    """
    inputs = _nodes("in", GATES[kind].inputs)
    circuit = condition.circuit(f"{kind} at rest")
    for node in inputs:
        circuit.V(node, node, "0", 0.0)
    outputs, guesses = _add_gate(circuit, condition, kind, memory)
    probes = (*inputs, *outputs, "vdd#branch", *(f"v{node}#branch" for node in inputs))
    rows = tuple(tuple(level * condition.vdd for level in levels) for levels, m in rest_states(kind) if m == memory)
    return Testbench(
        name="gate_leakage",
        deck=deck_text(circuit, probes, guesses),
        analysis=OperatingPoint(),
        probes=probes,
        knobs=_knobs(condition, kind),
        values={"vdd": condition.vdd, "inputs": len(inputs), **_begins(kind, memory)},
        osdi=condition.technology.osdi,
        points=Points(tuple((f"v{node}",) for node in inputs), rows),
    )


def gate_setup(
    condition: Condition, kind: str, slew: float, window: float, load: float, delays: tuple[float, float]
) -> Testbench:
    """The latest data edge before a clock edge that still takes it; arguments of :func:`_constraint`."""
    return _constraint(condition, kind, slew, window, load, delays, hold=False)


def gate_hold(
    condition: Condition, kind: str, slew: float, window: float, load: float, delays: tuple[float, float]
) -> Testbench:
    """The earliest data edge after a clock edge that leaves what the edge took; arguments of :func:`_constraint`."""
    return _constraint(condition, kind, slew, window, load, delays, hold=True)


def _constraint(
    condition: Condition,
    kind: str,
    slew: float,
    window: float,
    load: float,
    delays: tuple[float, float],
    hold: bool,
) -> Testbench:
    """Two clocked gates, whose data ``rise`` and ``fall`` near a rising clock edge that flips what they store.

    Args:
        kind: clocked gate with one output. slew: of clock and data, 0 to 100 % [s]. window: as of a pulse [s].
        load: of the output [F]. delays: clock to output's rise and to its fall with data in time [s].

    Probes: ``clk``, then ``d_rise q_rise d_fall q_fall``.
    """
    vdd, gate, phase = condition.vdd, GATES[kind], slew + window
    clock = 1.5 * phase
    early, late = clock - phase, clock + phase
    circuit = condition.circuit(f"{kind}, {'hold' if hold else 'setup'} time")
    circuit.V("dd", "vdd", "0", vdd)
    circuit.V("clk", "clk", "0", steps(0.0, ((clock, vdd),), slew))
    name = add_gate(circuit, condition.technology, kind)
    held, parameters = [], []
    for edge, to in zip(EDGES, (1, 0), strict=True):
        taken = 1 - to if hold else to
        # The data moves where a first pulse ends: the solver stops there, as it does not where one begins.
        move = f"{to * vdd!r} {(1 - to) * vdd!r} 0 {EDGE!r} {slew!r} {{}} 2"
        circuit.V(f"d_{edge}", f"d_{edge}", "0", f"PULSE({move.format(early)})")
        parameters.append(f"@vd_{edge}[pulse] = [ {move} ]")
        inputs = (f"d_{edge}" if pin == gate.data else "clk" for pin in gate.inputs)
        circuit.X(edge, name, *inputs, f"q_{edge}", "vdd", "0")
        circuit.C(edge, f"q_{edge}", "0", load)
        stored = _stored(condition, kind, Memory(1 - taken, 0), f"x{edge}", {gate.outputs[0]: f"q_{edge}"})
        # Held until time zero; there is time to come to rest after it.
        held += [f".ic v({node})={level!r}" for node, level in stored.items()]
    probes = ("clk", *(f"{node}_{edge}" for edge in EDGES for node in "dq"))
    stop = clock + 2 * phase
    return Testbench(
        name="gate_hold" if hold else "gate_setup",
        deck=deck_text(circuit, probes, (*held, OPTIONS)),
        analysis=Transient(stop, MAX_STEP * stop),
        probes=probes,
        knobs=_knobs(condition, kind, ("xrise", "xfall"), mismatch=False),
        values={"vdd": vdd, "edges": 2, "delay_rise": delays[0], "delay_fall": delays[1]},
        osdi=condition.technology.osdi,
        search=Search(
            tuple(parameters), early, late, works="high" if hold else "low", relative=0.0, absolute=RESOLUTION * slew
        ),
    )
