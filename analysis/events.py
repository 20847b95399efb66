"""Event-driven simulation of netlists of gates: delay, energy and glitches from tables over slew and load.

A transition of a net is a ramp from rail to rail, known by the time at which it crosses half of VDD and by its slew.
Each of them makes every gate that the net goes to look up, for this input and the levels of all others, what its
outputs do. Where a transition follows the one before it on the same net by less than the gate's inertia asks for, the
pulse between the two swings only in part: it goes on, shortened, if it crosses half of VDD, and is filtered otherwise.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.gatetables import INERTIA, OTHER, GateTableError, Tables, state_nets
from netlists.gatenetlist import GateNetlist, Instance, evaluate
from netlists.logic import GATES, Gate

SHORTEST = 1e-15
"""Shortest delay that an event may have [s]: behind a slow edge a table's delay can be negative, an effect cannot."""


@dataclass(frozen=True)
class Reaction:
    """One output that changes, at each slew of the tables.

    Attributes:
        net: its place among the netlist's. delay: [s]. slew: from rail to rail [s].
        energy: part of the response's that it does not take where it stays after all: what charges its load, and an
            equal share of what the gate's inertia says [J].
    """

    net: int
    delay: list[float]
    slew: list[float]
    energy: list[float]


@dataclass(frozen=True)
class Response:
    """What a gate in its place does at a change of an input.

    Attributes:
        state: afterwards.
        energy: from the supply, with what charges the loads [J], at each slew of the tables.
        outputs: what each that changes does.
        width: of the gate's :class:`Inertia` [1].
    """

    state: int
    energy: list[float]
    outputs: tuple[Reaction, ...]
    width: float


@dataclass(frozen=True)
class Timed:
    """A netlist whose gates have looked up their loads.

    Attributes:
        netlist: what it is.
        nets: all of them; numbers of nets are places in it.
        readers: net to the gates that it goes to, as pairs of a gate's place and an input's.
        slews: grid of the tables [s].
        responses: by gate, input and state.
        leakage: power at rest of each gate [W], by gate and state.
        loads: of each net that a gate drives [F].
    """

    netlist: GateNetlist
    nets: tuple[str, ...]
    readers: tuple[tuple[tuple[int, int], ...], ...]
    slews: list[float]
    responses: tuple[tuple[tuple[Response, ...], ...], ...]
    leakage: tuple[np.ndarray, ...]
    loads: Mapping[str, float]


@dataclass(frozen=True)
class Operations:
    """What happened between pairs of vectors.

    Attributes:
        energy: from the supply of each gate [J], shape (instance, pair), without leakage.
        leakage: power of each gate once all has settled [W], shape (instance, pair).
        arrival: last crossing of half of VDD of each output after the inputs' [s], shape (output, pair); NaN where it
            does not move.
        last: the same of every net, shape (net, pair).
        transitions: crossings of half of VDD of each net, shape (net, pair).
        filtered: pulses of each net that did not reach half of VDD, same shape.
    """

    energy: np.ndarray
    leakage: np.ndarray
    arrival: np.ndarray
    last: np.ndarray
    transitions: np.ndarray
    filtered: np.ndarray


def timed(netlist: GateNetlist, tables: Tables, wires: Mapping[str, float]) -> Timed:
    """Look up the loads of a netlist.

    Args:
        tables: hold every kind of gate in it.
        wires: capacitance of the wire of nets [F].

    Raises:
        GateTableError: a kind of gate or a load that the tables do not hold.
    """
    if lacking := sorted(set(netlist.gates) - set(tables.gates)):
        raise GateTableError(
            f"{netlist.name}: the tables lack {', '.join(lacking)}; they hold {', '.join(tables.gates)}"
        )
    nets = tuple(dict.fromkeys((*netlist.inputs, *(net for i in netlist.instances for net in i.outputs))))
    place = {net: number for number, net in enumerate(nets)}
    loads = {net: wires.get(net, 0.0) + _input_load(netlist, tables, net) for net in nets}
    return Timed(
        netlist=netlist,
        nets=nets,
        readers=tuple(netlist.readers.get(net, ()) for net in nets),
        slews=tables.slews.tolist(),
        responses=tuple(_responses(i, tables, loads, place) for i in netlist.instances),
        leakage=tuple(i.scale * tables.gates[i.gate].leakage for i in netlist.instances),
        loads=loads,
    )


def _input_load(netlist: GateNetlist, tables: Tables, net: str) -> float:
    """Capacitance of the inputs that a net goes to [F]."""
    readers = ((netlist.instances[gate], pin) for gate, pin in netlist.readers.get(net, ()))
    return sum(i.scale * tables.gates[i.gate].capacitance[pin] for i, pin in readers)


def _following(gate: Gate, state: int, pin: int) -> int:
    """State of a gate after a change of an input."""
    after = state ^ 1 << pin
    if gate.clock and gate.inputs[pin] == gate.clock and after >> pin & 1:
        stored = gate.function(*(after >> place & 1 for place in range(len(gate.inputs))))
        inputs = after & (1 << len(gate.inputs)) - 1
        after = inputs | sum(level << len(gate.inputs) + place for place, level in enumerate(stored))
    return after


def _outputs(gate: Gate, state: int) -> np.ndarray:
    """Levels of a gate's outputs in a state."""
    levels = [state >> place & 1 for place in range(len(state_nets(gate)))]
    inputs, stored = levels[: len(gate.inputs)], levels[len(gate.inputs) :]
    return np.array(stored if gate.clock else gate.function(*inputs))


def _responses(
    instance: Instance, tables: Tables, loads: Mapping[str, float], place: Mapping[str, int]
) -> tuple[tuple[Response, ...], ...]:
    """Responses of a gate by input and state; one of twice the size has half the load on each unit."""
    table, gate = tables.gates[instance.gate], GATES[instance.gate]
    load = np.array([loads[net] for net in instance.outputs])
    weights = [_weights(tables.loads, each / instance.scale, instance.name) for each in load]
    delay, slew = (
        np.stack([part[:, :, o] @ weight for o, weight in enumerate(weights)], axis=2)
        for part in (table.delay, table.slew)
    )
    energy = [instance.scale * (table.energy @ weight) for weight in weights]
    inertia = INERTIA.get(instance.gate, OTHER)
    rows = []
    for pin in range(len(gate.inputs)):
        row = []
        for state in range(1 << len(state_nets(gate))):
            following = _following(gate, state, pin)
            before, after = _outputs(gate, state), _outputs(gate, following)
            moving = np.flatnonzero(before != after)
            own = np.mean([energy[o][pin, state] for o in (moving if len(moving) else range(len(load)))], axis=0)
            charged = load * (after > before) * tables.vdd**2
            outputs = tuple(
                Reaction(
                    net=place[instance.outputs[o]],
                    delay=delay[pin, state, o].tolist(),
                    slew=slew[pin, state, o].tolist(),
                    energy=((1.0 - inertia.rest) * own / len(moving) + charged[o]).tolist(),
                )
                for o in moving
            )
            row.append(Response(following, (own + charged.sum()).tolist(), outputs, inertia.width))
        rows.append(tuple(row))
    return tuple(rows)


def _weights(grid: np.ndarray, value: float, where: str) -> np.ndarray:
    """Weights of the grid's points in a linear interpolation."""
    if not grid[0] <= value <= grid[-1]:
        raise GateTableError(f"load={value:.3g} F of {where} is outside {grid[0]:.3g}..{grid[-1]:.3g} F of the tables")
    return np.array([np.interp(value, grid, unit) for unit in np.eye(len(grid))])


@dataclass
class Ramp:
    """A transition of a net, under way or over.

    Attributes:
        time: at which it crosses half of VDD, or would [s].
        slew: from rail to rail [s].
        gate: place of the gate that makes it. energy: that the supply gives for it [J].
        delay: of the gate [s]. inertia: length of a pulse ended by it that swings to half of VDD [s].
        alive: it is an event, which a filtered one is not.
    """

    time: float
    slew: float
    gate: int = -1
    energy: float = 0.0
    delay: float = 0.0
    inertia: float = 0.0
    alive: bool = True


def simulate(
    at: Timed,
    before: Mapping[str, np.ndarray],
    after: Mapping[str, np.ndarray],
    slew: float,
    toggles: Sequence[tuple[float, str]] = (),
) -> Operations:
    """Change all inputs at once from one vector to another, for pairs of vectors.

    Args:
        before: input, or output of a register, to levels, 0 or 1, shape (pair,).
        after: input to levels, of the same shape.
        slew: of the inputs from rail to rail [s].
        toggles: time [s] and input of further changes, such as those of a clock.

    Raises:
        GateTableError: a slew that the tables do not hold.
    """
    netlist = at.netlist
    settled = evaluate(netlist, before)
    states = np.array([_state(instance, settled) for instance in netlist.instances])
    changed = np.array([np.asarray(before[net]) != np.asarray(after[net]) for net in netlist.inputs])
    later = [(time, at.nets.index(net)) for time, net in toggles]
    shape = (len(at.nets), states.shape[1])
    energy, leakage = np.zeros(states.shape), np.zeros(states.shape)
    transitions, filtered, last = np.zeros(shape, int), np.zeros(shape, int), np.full(shape, np.nan)
    for pair in range(shape[1]):
        columns = (part[:, pair] for part in (energy, transitions, filtered, last))
        first = [(0.0, net) for net in np.flatnonzero(changed[:, pair]).tolist()]
        final = _operate(at, states[:, pair].tolist(), first + later, slew, *columns)
        leakage[:, pair] = [power[state] for power, state in zip(at.leakage, final, strict=True)]
    places = [at.nets.index(net) for net in netlist.outputs]
    return Operations(energy, leakage, last[places], last, transitions, filtered)


def _state(instance: Instance, settled: Mapping[str, np.ndarray]) -> np.ndarray:
    """State of a gate at the levels of its nets, shape (pair,)."""
    nets = (*instance.inputs, *(instance.outputs if GATES[instance.gate].clock else ()))
    return sum(settled[net].astype(int) << place for place, net in enumerate(nets))


def _operate(
    at: Timed,
    state: list[int],
    changes: Sequence[tuple[float, int]],
    slew: float,
    energy: np.ndarray,
    transitions: np.ndarray,
    filtered: np.ndarray,
    last: np.ndarray,
) -> list[int]:
    """One pair of vectors: fills in energy by gate, and transitions, filtered pulses and last crossing by net.

    Returns:
        State of every gate in the end.
    """
    # Inputs are the first nets. Serial numbers keep events of one time in the order in which they were found.
    events = [(time, serial, net, Ramp(time, slew)) for serial, (time, net) in enumerate(changes)]
    heapq.heapify(events)
    serial = len(events)
    ramps: dict[int, Ramp] = {}
    grid, responses, readers = at.slews, at.responses, at.readers
    while events:
        now, _, net, ramp = heapq.heappop(events)
        if not ramp.alive:
            continue
        transitions[net] += 1
        last[net] = now
        place, rest = _between(grid, ramp.slew, at.nets[net])
        for gate, pin in readers[net]:
            response = responses[gate][pin][state[gate]]
            state[gate] = response.state
            energy[gate] += _value(response.energy, place, rest)
            for reaction in response.outputs:
                output, delay = reaction.net, max(_value(reaction.delay, place, rest), SHORTEST)
                new = Ramp(
                    now + delay, _value(reaction.slew, place, rest), gate, _value(reaction.energy, place, rest), delay,
                    delay * response.width,
                )  # fmt: skip
                known = ramps.get(output)
                if known is not None and _collide(known, new, now, energy):
                    filtered[output] += 1
                    new.alive = known.alive = False
                ramps[output] = new
                if new.alive:
                    serial += 1
                    heapq.heappush(events, (new.time, serial, output, new))
    return state


def _collide(known: Ramp, new: Ramp, now: float, energy: np.ndarray) -> bool:
    """Shorten the pulse between two ramps of a net as the gate's inertia says.

    Returns:
        Whether it stays below half of VDD, so that neither ramp is an event.
    """
    swing = min(max(0.5 + (new.time - known.time - new.inertia) / new.delay, 0.0), 1.0)
    energy[new.gate] -= (1.0 - swing) * (known.energy + new.energy)
    new.energy *= swing
    new.time -= 2.0 * (1.0 - swing) * new.inertia
    pending = known.alive and known.time > now
    if swing > 0.5 or not pending:
        new.time = max(new.time, now)
        return False
    return True


def _between(grid: list[float], value: float, where: str) -> tuple[int, float]:
    """Place of a value in a grid, and the share of the way to the next place."""
    if not grid[0] <= value <= grid[-1]:
        raise GateTableError(f"slew={value:.3g} s of {where} is outside {grid[0]:.3g}..{grid[-1]:.3g} s of the tables")
    place = min(bisect_right(grid, value), len(grid) - 1) - 1
    return place, (value - grid[place]) / (grid[place + 1] - grid[place])


def _value(values: list[float], place: int, rest: float) -> float:
    return values[place] + rest * (values[place + 1] - values[place])
