"""A cell's netlist as written by others, flattened: hierarchy resolved, every parameter a number, nothing ignored.

What comes out is made of words and numbers that this module wrote itself, so that nothing in a file reaches the
simulator as it stands. What is not understood is refused with file and line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from netlists.expressions import evaluate
from netlists.library import CELL, LibraryError, Statement, statements
from netlists.modellibrary import Library, Subcircuit, assignments, index
from netlists.technology import Technology

DEPTH = 20
"""Subcircuits inside subcircuits that are followed."""

GROUND = ("0", "gnd")
"""Names of the simulator's ground, where they are no ports."""

SIZES = ("w", "l", "m", "nf", "ad", "as", "pd", "ps", "nrd", "nrs", "sa", "sb", "sd", "sc")
"""Parameters that a transistor may have besides those that its technology names."""

PARASITIC = {"r": "resistance", "c": "capacitance"}
"""Elements of an extracted netlist, and the parameter that may state their value instead of a bare number."""


class CellError(ValueError):
    """A cell's netlist that cannot be used; the message names file and line, or the key of the run file."""


@dataclass(frozen=True)
class Part:
    """One element of the flat cell.

    Attributes:
        name: instance names from the top down, joined by underscores.
        kind: ``m``, a transistor of the technology; ``r`` or ``c``.
        nodes: flat nodes; of a transistor drain, gate, source, bulk.
        model: of a transistor.
        values: parameters as stated, in the model's own unit; ``r`` or ``c`` of a parasitic [ohm, F].
        place: file and line.
    """

    name: str
    kind: str
    nodes: tuple[str, ...]
    model: str
    values: Mapping[str, float]
    place: str


@dataclass(frozen=True)
class FlatCell:
    """A subcircuit without hierarchy, everything in lower case.

    Attributes:
        ports: of the subcircuit, in order.
        parts: elements in the order of the file.
        place: file and line of its header.
    """

    ports: tuple[str, ...]
    parts: tuple[Part, ...]
    place: str


def flat_cell(text: str, file: str, subcircuit: str, technology: Technology) -> FlatCell:
    """Flatten a subcircuit of a file.

    Args:
        text: of the file.
        file: its name, for messages.
        subcircuit: name of the cell.
        technology: whose transistors it may consist of.

    Raises:
        CellError: no such subcircuit, or anything in it that is not understood.
    """
    try:
        known = index(statements(lambda _: text, ((file, ""),), CELL))
    except LibraryError as error:
        raise CellError(f"{error} (cell.file)") from error
    name = subcircuit.lower()
    if name not in known.subcircuits:
        legal = ", ".join(known.subcircuits) or "none"
        raise CellError(f"{file} has no subcircuit {subcircuit!r}; it has: {legal} (cell.subcircuit)")
    top = known.subcircuits[name]
    ports, _ = _header(top)
    parts = tuple(_Expansion(known, technology).parts(top, dict(zip(ports, ports, strict=True)), (), {}))
    taken: dict[str, Part] = {}
    for part in parts:
        other = taken.setdefault(part.name, part)
        if other is not part:
            raise _refused(part.place, f"{part.name!r} is the flat name of the element at {other.place} too")
    return FlatCell(ports, parts, top.header.place)


def _refused(place: str, reason: str) -> CellError:
    return CellError(f"{place}: {reason} (cell.file)")


def _header(subcircuit: Subcircuit) -> tuple[tuple[str, ...], dict[str, str]]:
    """Ports and default parameters; raises CellError for a port that stands twice."""
    head, pairs = assignments(subcircuit.header.text)
    ports = tuple(word for word in head.split()[2:] if word != "params:")
    for port in ports:
        if ports.count(port) > 1:
            raise _refused(subcircuit.header.place, f"port {port!r} stands twice")
    return ports, dict(pairs)


@dataclass(frozen=True)
class _Expansion:
    """Walk through the subcircuits of a file."""

    known: Library
    technology: Technology
    instances: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        letters = {device.model.lower(): device.instance.lower() for device in self.technology.devices.values()}
        object.__setattr__(self, "instances", letters)

    def parts(
        self, subcircuit: Subcircuit, nodes: Mapping[str, str], path: tuple[str, ...], given: Mapping[str, str]
    ) -> Iterator[Part]:
        """Elements of one instance of a subcircuit.

        Args:
            nodes: port to flat node.
            path: instance names that lead here.
            given: parameters that the instance states.
        """
        _, defaults = _header(subcircuit)
        for name in given:
            if name not in defaults:
                raise _refused(subcircuit.header.place, f"subcircuit {subcircuit.name} has no parameter {name!r}")
        if subcircuit.name in self.instances:
            raise _refused(subcircuit.header.place, f"{subcircuit.name!r} is a transistor of {self.technology.name}")
        local = [pair for s in subcircuit.body if s.keyword.startswith(".param") for pair in assignments(s.text)[1]]
        parameters = {**self.known.parameters, **defaults, **given, **dict(local)}
        for statement in subcircuit.body:
            if statement.keyword.startswith(".param"):
                continue
            kind = statement.keyword[0]
            if kind == "x" and _words(statement)[-1] not in self.instances:
                yield from self._instance(statement, nodes, path, parameters)
            elif kind in "mx":
                yield self._transistor(statement, nodes, path, parameters)
            elif kind in PARASITIC:
                yield _parasitic(statement, nodes, path, parameters)
            else:
                raise _unknown(statement)

    def _instance(
        self, statement: Statement, nodes: Mapping[str, str], path: tuple[str, ...], parameters: Mapping[str, str]
    ) -> Iterator[Part]:
        """Elements of a subcircuit inside."""
        words, place = _words(statement), statement.place
        if len(words) < 2:
            raise _refused(place, f"{statement.text[:60]!r}: an instance has a name, nodes and a subcircuit")
        name, *outer, inner = words
        if inner not in self.known.subcircuits:
            legal = ", ".join([*self.known.subcircuits, *self._drawn_as("x")])
            raise _refused(place, f"{inner!r} is no subcircuit of the file and no transistor; there are: {legal}")
        if len(path) >= DEPTH:
            raise _refused(place, f"subcircuits inside subcircuits, {DEPTH} deep: {inner!r} may hold itself")
        subcircuit = self.known.subcircuits[inner]
        ports, _ = _header(subcircuit)
        if len(ports) != len(outer):
            raise _refused(place, f"{len(outer)} nodes for the {len(ports)} ports of subcircuit {inner!r}")
        inside = (*path, name)
        flat = {port: _flat(node, nodes, path) for port, node in zip(ports, outer, strict=True)}
        given = {key: repr(_number(value, parameters, place)) for key, value in assignments(statement.text)[1]}
        yield from self.parts(subcircuit, flat, inside, given)

    def _transistor(
        self, statement: Statement, nodes: Mapping[str, str], path: tuple[str, ...], parameters: Mapping[str, str]
    ) -> Part:
        """A transistor of the technology, with its parameters as stated."""
        words, place = _words(statement), statement.place
        if len(words) != 6:
            raise _refused(place, f"{statement.text[:60]!r}: a transistor has a name, four nodes and a model")
        name, *ends, model = words
        letter = self.instances.get(model)
        if letter is None:
            legal = ", ".join(self._drawn_as("m") + self._drawn_as("x"))
            raise _refused(place, f"model {model!r} is no transistor of {self.technology.name}; it has: {legal}")
        if letter != name[0]:
            raise _refused(place, f"{model!r} is drawn with the letter {letter.upper()} in {self.technology.name}")
        device = next(d for d in self.technology.devices.values() if d.model.lower() == model)
        legal = {*SIZES, *device.parameters.values(), *device.fixed}
        values = {}
        for key, value in assignments(statement.text)[1]:
            if key not in {parameter.lower() for parameter in legal}:
                raise _refused(place, f"parameter {key!r} of a transistor; legal: {', '.join(sorted(legal))}")
            values[key] = _number(value, parameters, place)
        flat = tuple(_flat(node, nodes, path) for node in ends)
        return Part(_name(path, name), "m", flat, model, values, place)

    def _drawn_as(self, letter: str) -> list[str]:
        return sorted(model for model, drawn in self.instances.items() if drawn == letter)


def _unknown(statement: Statement) -> CellError:
    if statement.keyword == ".error":
        name = statement.text.removeprefix(".error ")
        return _refused(statement.place, f"a subcircuit that is {name}")
    if statement.keyword.startswith("."):
        return _refused(statement.place, f"{statement.keyword!r} has no place inside a subcircuit")
    return _refused(statement.place, f"{statement.text[:60]!r}: an element is M, X, R or C")


def _name(path: tuple[str, ...], name: str) -> str:
    """Flat name of an element, of letters, digits and underscores."""
    return re.sub(r"\W", "_", "_".join((*path, name)), flags=re.ASCII)


def _words(statement: Statement) -> list[str]:
    return [word for word in assignments(statement.text)[0].split() if word != "params:"]


def _flat(node: str, nodes: Mapping[str, str], path: tuple[str, ...]) -> str:
    """Flat name of a node as a subcircuit calls it."""
    if node in nodes:
        return nodes[node]
    return "0" if node in GROUND else ".".join((*path, node))


def _number(expression: str, parameters: Mapping[str, str], place: str) -> float:
    """Value of an expression; raises CellError for one that is none, or is not finite."""
    try:
        value = evaluate(expression, parameters)
    except (LibraryError, RecursionError, MemoryError) as error:
        raise _refused(place, f"{expression[:60]!r} cannot be worked out: {error}") from error
    if not math.isfinite(value):
        raise _refused(place, f"{expression[:60]!r} is {value}")
    return float(f"{value:.15g}")  # 30n is 30 times 1e-9, rounded, which a bin's edge need not forgive


def _parasitic(
    statement: Statement, nodes: Mapping[str, str], path: tuple[str, ...], parameters: Mapping[str, str]
) -> Part:
    """A resistor or capacitor with a value and nothing else."""
    head, pairs = assignments(statement.text)
    name, *rest = head.split(None, 3)
    kind, place, stated = name[0], statement.place, dict(pairs)
    if len(rest) == 2 and len(stated) == 1 and stated.keys() <= {kind, PARASITIC[kind]}:
        rest.append(*stated.values())
    elif len(rest) != 3 or stated:
        raise _refused(place, f"{statement.text[:60]!r}: a parasitic has a name, two nodes and one value")
    value = _number(rest[2], parameters, place)
    if value < 0 or (kind == "r" and value == 0):
        least = "above 0" if kind == "r" else "at least 0"
        raise _refused(place, f"{PARASITIC[kind]} {value:g} is not {least}")
    flat = tuple(_flat(node, nodes, path) for node in rest[:2])
    return Part(_name(path, name), kind, flat, "", {kind: value}, place)
