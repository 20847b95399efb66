"""Where a flat cell stores its bit: the loop of two nodes that hold each other, and what opens to the bit lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from netlists.cellfile import CellError, FlatCell, Part

DRAIN, GATE, SOURCE, BULK = range(4)


@dataclass(frozen=True)
class Storage:
    """The loop of a cell.

    Attributes:
        q, qb: flat nodes at which the bit is looked at; ``q`` is the one that opens to ``bl``.
        nets: all nodes that resistors join to ``q``, and to ``qb``.
        passes: to ``bl`` and to ``blb``: the one transistor between bit line and storage net, or None.
        port: driver and access transistor of a read port, or nothing where it is made otherwise or there is none.
    """

    q: str
    qb: str
    nets: tuple[frozenset[str], frozenset[str]]
    passes: tuple[Part | None, Part | None]
    port: tuple[Part, ...]


def find_storage(cell: FlatCell, ports: Mapping[str, str], q: str, qb: str) -> Storage:
    """The storage nodes of a cell.

    Two nets hold each other if each has a gate whose transistor's channel ends at the other. A net is what resistors
    join; it ends at a port.

    Args:
        cell: flat cell.
        ports: its ports to their roles.
        q, qb: storage nodes as the user names them; empty: they are found.

    Raises:
        CellError: no such nodes, no loop or several, or a bit line that does not open to its storage node.
    """
    wires = Wires(cell.parts, ports)
    pairs = _loops(cell, wires)
    for name, key in ((q, "q"), (qb, "qb")):
        if name and name not in wires.net:
            legal = ", ".join(sorted(wires.net))
            raise CellError(f"{key}={name!r} is no node inside the cell; there are: {legal} (cell.{key})")
    if len(pairs) > 1:
        loops = "; ".join(" and ".join(sorted(min(net) for net in pair)) for pair in pairs)
        raise _at(cell, f"{len(pairs)} loops of nodes that hold each other ({loops}), one is understood")
    if not pairs:
        raise _at(cell, "no storage nodes: there are no two nodes inside of which each drives the other by its gates")
    left, right = _sides(cell, wires, ports, pairs[0])
    for name, net, key in ((q, left, "q"), (qb, right, "qb")):
        if name and name not in net:
            line, there = ("bl", left) if key == "q" else ("blb", right)
            raise CellError(
                f"{key}={name!r}: {line} opens to {min(there)!r}, which is {key} in this loop "
                f"({cell.place}; cell.{key})"
            )
    _check_bulks(cell, (left, right))
    lines = [next(port for port, role in ports.items() if role == line) for line in ("bl", "blb")]
    passes = tuple(_pass(cell, wires, line, net) for line, net in zip(lines, (left, right), strict=True))
    port = _port(cell, wires, ports, right)
    return Storage(q or wires.busiest(left), qb or wires.busiest(right), (left, right), passes, port)


def _at(cell: FlatCell, reason: str) -> CellError:
    return CellError(f"{cell.place}: {reason} (cell.file)")


class Wires:
    """Nodes inside a cell, joined to nets by its resistors.

    Args:
        parts: of the cell.
        ports: where nets end.

    Attributes:
        net: node to all nodes of its net; ports and ground are none.
    """

    def __init__(self, parts: Sequence[Part], ports: Collection[str]) -> None:
        self._outside = {*ports, "0"}
        self._meeting = Counter(node for part in parts if part.kind == "m" for node in _channel(part))
        self._meeting.update(node for part in parts if part.kind == "r" for node in part.nodes)
        self._joined: dict[str, set[str]] = {}
        for part in parts:
            for node in part.nodes:
                self._joined.setdefault(node, set())
        for a, b in (part.nodes for part in parts if part.kind == "r"):
            self._joined[a].add(b)
            self._joined[b].add(a)
        self.net: dict[str, frozenset[str]] = {}
        for node in self._joined:
            if node not in self._outside and node not in self.net:
                net = frozenset(self.reached({node}))
                self.net |= dict.fromkeys(net, net)

    def reached(self, start: Iterable[str]) -> set[str]:
        """Nodes inside that resistors join to some nodes, and those themselves."""
        found, todo = set(start), list(start)
        while todo:
            for node in self._joined.get(todo.pop(), ()):
                if node not in found and node not in self._outside:
                    found.add(node)
                    todo.append(node)
        return found

    def busiest(self, net: frozenset[str]) -> str:
        """The node of a net where most channels and resistors meet, of equals the one with the shortest name."""
        return min(net, key=lambda node: (-self._meeting[node], len(node), node))


def _transistors(cell: FlatCell) -> list[Part]:
    return [part for part in cell.parts if part.kind == "m"]


def _channel(part: Part) -> tuple[str, str]:
    return part.nodes[DRAIN], part.nodes[SOURCE]


def _loops(cell: FlatCell, wires: Wires) -> list[tuple[frozenset[str], frozenset[str]]]:
    """Pairs of nets that drive each other through gates, in the order of the file."""
    drives = {
        (wires.net[part.nodes[GATE]], wires.net[end])
        for part in _transistors(cell)
        for end in _channel(part)
        if part.nodes[GATE] in wires.net and end in wires.net
    }
    nets = list(dict.fromkeys(wires.net.values()))
    return [(a, b) for a, b in combinations(nets, 2) if (a, b) in drives and (b, a) in drives]


def _sides(
    cell: FlatCell, wires: Wires, ports: Mapping[str, str], pair: tuple[frozenset[str], frozenset[str]]
) -> tuple[frozenset[str], frozenset[str]]:
    """The pair in order: the net that opens to ``bl``, then the one that opens to ``blb``."""
    found = []
    for line in ("bl", "blb"):
        port = next(port for port, role in ports.items() if role == line)
        reached = _opened(cell, wires, port, pair)
        if len(reached) != 1:
            to = "both storage nodes" if reached else "no storage node"
            raise _at(cell, f"through transistors {line} ({port!r}) reaches {to} of {' and '.join(map(min, pair))}")
        found.append(reached.pop())
    if found[0] == found[1]:
        raise _at(cell, f"bl and blb both open to {min(found[0])!r}")
    return found[0], found[1]


def _opened(
    cell: FlatCell, wires: Wires, port: str, pair: tuple[frozenset[str], frozenset[str]]
) -> set[frozenset[str]]:
    """Storage nets that a bit line reaches through channels and resistors, not through a storage net or a port."""
    seen, hit = wires.reached({port}), set()
    grown = True
    while grown:
        grown = False
        for ends in map(_channel, _transistors(cell)):
            for here, there in (ends, ends[::-1]):
                if here not in seen or there not in wires.net or there in seen:
                    continue
                if wires.net[there] in pair:
                    hit.add(wires.net[there])
                else:
                    seen |= wires.reached({there})
                    grown = True
    return hit


def _pass(cell: FlatCell, wires: Wires, port: str, net: frozenset[str]) -> Part | None:
    """The one transistor between a bit line and its storage net; None where there is none or are several."""
    line = wires.reached({port})
    found = [
        part
        for part in _transistors(cell)
        if any(here in line and there in net for here, there in (_channel(part), _channel(part)[::-1]))
    ]
    return found[0] if len(found) == 1 else None


def _port(cell: FlatCell, wires: Wires, ports: Mapping[str, str], net: frozenset[str]) -> tuple[Part, ...]:
    """Transistors in series from ground to the read bit line, gates on a storage net and on the read word line.

    Nothing where they are not one each.
    """
    line, word, ground = (
        wires.reached({port for port, role in ports.items() if role == wanted}) for wanted in ("rbl", "rwl", "gnd")
    )
    ground |= wires.reached({"0"})

    def ending(inside: set[str]) -> list[Part]:
        return [part for part in _transistors(cell) if not inside.isdisjoint(_channel(part))]

    opened = ending(line)
    inner = wires.reached({node for part in opened for node in _channel(part)} - line)
    driving = [part for part in ending(inner) if part not in opened]
    if len(opened) != 1 or len(driving) != 1 or ground.isdisjoint(_channel(driving[0])):
        return ()
    gates = driving[0].nodes[GATE], opened[0].nodes[GATE]
    return (*driving, *opened) if gates[0] in net and gates[1] in word else ()


def _check_bulks(cell: FlatCell, nets: tuple[frozenset[str], frozenset[str]]) -> None:
    """The loop is cut at gates, so a body must not close it."""
    for part in _transistors(cell):
        if any(part.nodes[BULK] in net for net in nets):
            raise CellError(f"{part.place}: the body of {part.name!r} is at a storage node (cell.file)")
