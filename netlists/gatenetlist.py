"""Netlists of gates: instances of the gates of :mod:`netlists.logic` and the nets between them, as frozen data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from netlists.logic import GATES

FANOUT = 4
"""Gates that a unit gate drives where one is sized by what it drives [1], the usual load."""


@dataclass(frozen=True)
class Instance:
    """One gate.

    Attributes:
        name: of the instance.
        gate: key of ``netlists.logic.GATES``.
        inputs, outputs: net of each input and each output, in the order of the gate's own.
        scale: size in units of the gate [1].
    """

    name: str
    gate: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    scale: float = 1.0


@dataclass(frozen=True)
class GateNetlist:
    """Gates and the nets between them.

    Attributes:
        name: what it is, such as ``adder_tree_8x8``.
        inputs, outputs: nets that come from outside and nets that go there.
        instances: gates in an order in which each stands behind those that drive it; registers stand anywhere.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    instances: tuple[Instance, ...]

    def __post_init__(self) -> None:
        known = set(self.inputs) | set(self.register_outputs)
        for instance in self.instances:
            missing = [] if GATES[instance.gate].clock else [net for net in instance.inputs if net not in known]
            if missing:
                raise ValueError(f"{instance.name} of {self.name}: nothing before it drives {', '.join(missing)}")
            known.update(instance.outputs)
        if undriven := [net for net in self.outputs if net not in known]:
            raise ValueError(f"{self.name}: nothing drives the output {', '.join(undriven)}")
        driven = Counter(net for instance in self.instances for net in instance.outputs) + Counter(self.inputs)
        if twice := [net for net, count in driven.items() if count > 1]:
            raise ValueError(f"{self.name}: more than one gate drives {', '.join(twice)}")

    @cached_property
    def registers(self) -> tuple[Instance, ...]:
        """Flip-flops."""
        return tuple(instance for instance in self.instances if GATES[instance.gate].clock)

    @property
    def register_outputs(self) -> tuple[str, ...]:
        """Nets that flip-flops drive."""
        return tuple(net for register in self.registers for net in register.outputs)

    @cached_property
    def readers(self) -> Mapping[str, tuple[tuple[int, int], ...]]:
        """Net to the gates that it drives, as pairs of a place in ``instances`` and a place in the gate's inputs."""
        found: dict[str, list[tuple[int, int]]] = {}
        for place, instance in enumerate(self.instances):
            for pin, net in enumerate(instance.inputs):
                found.setdefault(net, []).append((place, pin))
        return {net: tuple(pins) for net, pins in found.items()}

    @property
    def gates(self) -> Mapping[str, int]:
        """Number of gates of each kind."""
        return dict(Counter(instance.gate for instance in self.instances))


def evaluate(netlist: GateNetlist, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Level of every net once all has settled.

    Args:
        values: input, or output of a register, to levels, 0 or 1, arrays of one shape.

    Returns:
        Net to levels, of that shape.

    Raises:
        KeyError: an input or a register's output has no level.
    """
    levels = {net: np.asarray(values[net], dtype=np.int8) for net in (*netlist.inputs, *netlist.register_outputs)}
    for instance in netlist.instances:
        gate = GATES[instance.gate]
        if not gate.clock:
            found = gate.function(*(levels[net] for net in instance.inputs))
            levels.update(zip(instance.outputs, found, strict=True))
    return levels
