"""Timing arcs of gates: every edge of every input in every state of the others, and what the outputs make of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

from netlists.logic import GATES, Gate, Memory

EDGES = ("rise", "fall")
"""Names of the edges, that to level 1 first."""


@dataclass(frozen=True)
class Event:
    """An edge of one input of a gate at rest, the other inputs constant.

    Attributes:
        kind: gate. pin: input. edge: ``rise`` or ``fall``.
        side: levels of the other inputs and, of a clocked gate, of its outputs before the edge.
        outputs: each output that changes, to its edge.
    """

    kind: str
    pin: str
    edge: str
    side: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, str], ...]

    @property
    def state(self) -> str:
        """The side state as text, such as ``b=1,ci=0``."""
        return levels_text(self.side)

    @property
    def name(self) -> str:
        """Such as ``full_adder a rise b=1,ci=0``."""
        return " ".join(filter(None, (self.kind, self.pin, self.edge, self.state)))

    @property
    def arcs(self) -> tuple[Arc, ...]:
        return tuple(Arc(self, output, edge) for output, edge in self.outputs)


@dataclass(frozen=True)
class Arc:
    """What an event does to one output, which takes its ``edge``."""

    event: Event
    output: str
    edge: str

    @property
    def name(self) -> str:
        """Such as ``full_adder a rise b=1,ci=0 co``."""
        return f"{self.event.name} {self.output}"


@dataclass(frozen=True)
class Pulse:
    """One input of a gate goes to its other level and comes back: two events, a state apart.

    Attributes:
        pin: input. levels: of every input before, in the gate's order. memory: what a clocked gate begins with.
        events: both edges in time.
    """

    pin: str
    levels: tuple[int, ...]
    memory: Memory | None
    events: tuple[Event, Event]

    @property
    def timed(self) -> bool:
        """Whether it moves an output."""
        return any(event.outputs for event in self.events)


def levels_text(levels: Iterable[tuple[str, int]]) -> str:
    """Levels as text.

    >>> levels_text((("b", 1), ("ci", 0)))
    'b=1,ci=0'
    """
    return ",".join(f"{name}={level}" for name, level in levels)


def settled(gate: Gate, levels: Mapping[str, int], before: tuple[int, ...] | None, rises: str) -> tuple[int, ...]:
    """Levels of a gate's outputs once an input has changed.

    Args:
        levels: of the inputs, after the change. before: outputs before it, for a clocked gate.
        rises: input that rose; empty where one fell.
    """
    if gate.clock and rises != gate.clock:
        return before
    return gate.function(*(levels[name] for name in gate.inputs))


def pulses(kind: str) -> tuple[Pulse, ...]:
    """Pulses whose events are all events of a gate, each once.

    A pulse starts at level 0. A clock's starts at 1: both of its edges are then seen with what was stored before and
    data that may differ, and the gate takes the data at the second edge, the rising one.
    """
    gate = GATES[kind]
    found = []
    for pin in gate.inputs:
        others = [name for name in gate.inputs if name != pin]
        for memory, *side in product(gate.memories, *((0, 1) for _ in others)):
            start = {**dict(zip(others, side, strict=True)), pin: int(pin == gate.clock)}
            if memory is None or start[gate.clock] == memory.clock:
                found.append(_pulse(kind, gate, pin, start, memory))
    return tuple(found)


def _pulse(kind: str, gate: Gate, pin: str, start: dict[str, int], memory: Memory | None) -> Pulse:
    first, side = start[pin], {name: level for name, level in start.items() if name != pin}
    held = gate.held(memory)
    before = tuple(held[y] for y in gate.outputs) if gate.clock else settled(gate, start, None, "")
    events = []
    for level in (1 - first, first):
        after = settled(gate, {**side, pin: level}, before, pin if level else "")
        seen = {**side, **dict(zip(gate.outputs, before, strict=True))} if gate.clock else side
        changed = tuple((y, EDGES[0] if a else EDGES[1]) for y, a, b in zip(gate.outputs, after, before, strict=True)
                        if a != b)  # fmt: skip
        events.append(Event(kind, pin, EDGES[0] if level else EDGES[1], tuple(seen.items()), changed))
        before = after
    return Pulse(pin, tuple(start[name] for name in gate.inputs), memory, (events[0], events[1]))


def typical(kind: str) -> tuple[Pulse, ...]:
    """The first pulse with each edge of each output, no pulse twice: those that mismatch is drawn for."""
    everything = pulses(kind)
    chosen = [
        next(p for p in everything if any((output, edge) in event.outputs for event in p.events))
        for output, edge in product(GATES[kind].outputs, EDGES)
    ]
    return tuple(dict.fromkeys(chosen))


def rest_states(kind: str) -> tuple[tuple[tuple[int, ...], Memory | None], ...]:
    """Every state of a gate at rest: levels of its inputs, and what it holds."""
    gate = GATES[kind]
    clock = gate.inputs.index(gate.clock) if gate.clock else 0
    everything = product(gate.memories, product((0, 1), repeat=len(gate.inputs)))
    return tuple((levels, m) for m, levels in everything if m is None or levels[clock] == m.clock)
