"""Bit counter of a row of bits, as a netlist of gates: compressors in each segment of the row, then a tree of adders.

In a segment, full adders make one bit of the same and one of the next higher place out of three (two of them are a 4:2
compressor), half adders out of the last two. The counts of neighbouring segments are added up in pairs, so that counts
of one, two, four ... segments are there to be taken.
"""

from __future__ import annotations

from collections import deque

from netlists.addertree import TreeError, Word, word
from netlists.gatenetlist import GateNetlist, Instance


def _compressed(name: str, bits: Word) -> tuple[list[Instance], Word]:
    """Count of single bits; those that are there first are taken first, which keeps the longest path short."""
    gates: list[Instance] = []
    places, count = deque(bits), []
    while places:
        carries: deque[str] = deque()
        while len(places) > 1:
            taken = tuple(places.popleft() for _ in range(min(3, len(places))))
            label = f"{name}_{len(gates)}"
            kind = "full_adder" if len(taken) == 3 else "half_adder"
            gates.append(Instance(label, kind, taken, (f"{label}_s", f"{label}_c")))
            places.append(f"{label}_s")
            carries.append(f"{label}_c")
        count.append(places.popleft())
        places = carries
    return gates, tuple(count)


def _added(name: str, a: Word, b: Word) -> tuple[list[Instance], Word]:
    """Ripple-carry adder of two counts of one width; the sum is one bit wider, its highest bit the last carry."""
    total, carry = word(f"{name}_s", len(a)), word(f"{name}_c", len(a) + 1)
    gates = [Instance(f"{name}_0", "half_adder", (a[0], b[0]), (total[0], carry[1]))]
    gates += [
        Instance(f"{name}_{i}", "full_adder", (a[i], b[i], carry[i]), (total[i], carry[i + 1]))
        for i in range(1, len(a))
    ]
    return gates, (*total, carry[-1])


def bit_counter(columns: int, segments: int) -> GateNetlist:
    """Counter of the ones among ``columns`` bits, in ``segments`` parts of one length that are added up in pairs.

    Returns:
        Netlist with inputs ``x_<column>``, and the count's bits from the least significant up as outputs.

    Raises:
        TreeError: segments that are no power of two or do not divide the columns, or shorter than two columns.

    >>> bit_counter(32, 1).gates
    {'full_adder': 26, 'half_adder': 5}
    """
    if segments < 1 or segments & (segments - 1) or columns % segments or columns // segments < 2:
        raise TreeError(f"columns={columns} are not segments={segments}, a power of two, of 2 columns at least")
    pins, length = word("x", columns), columns // segments
    gates: list[Instance] = []
    counts = []
    for place in range(segments):
        own, count = _compressed(f"c{place}", pins[place * length : (place + 1) * length])
        gates += own
        counts.append(count)
    level = 0
    while len(counts) > 1:
        level += 1
        pairs = zip(counts[::2], counts[1::2], strict=True)
        added = [_added(f"l{level}_{place}", *pair) for place, pair in enumerate(pairs)]
        gates += [gate for own, _ in added for gate in own]
        counts = [count for _, count in added]
    return GateNetlist(f"bit_counter_{columns}x{segments}", pins, counts[0], tuple(gates))
