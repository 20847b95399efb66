"""Adder tree and shift-accumulate of a bit-serial macro, as netlists of gates.

``inputs`` words of ``bits`` bits, each a weight in two's complement or zero, as the input bit of its row says, are
summed by a binary tree of ripple-carry adders; words grow by one bit per level, so nothing overflows. A register then
takes ``2 acc + sum`` for each bit of the inputs, the most significant first, which counts negative where inputs are in
two's complement too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from netlists.gatenetlist import FANOUT, GateNetlist, Instance

Word = tuple[str, ...]
"""Nets of a number in two's complement, least significant first."""


CONTROLS = ("keep", "minus", "clk")
"""Controls of an accumulator: 0 in the first cycle, so that what is stored does not count; 1 where the sum counts
negative, in the first cycle of signed inputs; clock.
"""


class TreeError(ValueError):
    """A tree that cannot be built, or whose events do not come to what it computes."""


def word(name: str, bits: int) -> Word:
    """Nets of a word of a name.

    >>> word("x3", 2)
    ('x3_0', 'x3_1')
    """
    return tuple(f"{name}_{bit}" for bit in range(bits))


def _adder(name: str, a: Word, b: Word) -> tuple[list[Instance], Word]:
    """Ripple-carry adder of two words of one width; the sum is one bit wider.

    The lowest bit has a half adder. No carry leaves the highest bit, whose operands are the words' signs once more, so
    it is the exclusive or of both and the carry.
    """
    width = len(a)
    total, carry = word(f"{name}_s", width + 1), word(f"{name}_c", width + 1)
    gates = [Instance(f"{name}_0", "half_adder", (a[0], b[0]), (total[0], carry[1]))]
    gates += [
        Instance(f"{name}_{i}", "full_adder", (a[i], b[i], carry[i]), (total[i], carry[i + 1])) for i in range(1, width)
    ]
    sign = f"{name}_h"
    gates.append(Instance(f"{name}_h", "xor2", (a[-1], b[-1]), (sign,)))
    gates.append(Instance(f"{name}_{width}", "xor2", (carry[-1], sign), (total[-1],)))
    return gates, total


def adder_tree(inputs: int, bits: int) -> GateNetlist:
    """Binary tree of ripple-carry adders.

    Args:
        inputs: words that are summed [1]. A word without a partner passes a level, extended by its sign.
        bits: width of a word [1].

    Returns:
        Netlist with inputs ``x<word>_<bit>``, and the sum's bits from the least significant up as outputs.

    Raises:
        TreeError: fewer than two words, or no bits.
    """
    if inputs < 2 or bits < 1:
        raise TreeError(f"an adder tree needs 2 words of 1 bit at least, not {inputs} of {bits}")
    words = [word(f"x{number}", bits) for number in range(inputs)]
    pins = tuple(net for nets in words for net in nets)
    gates: list[Instance] = []
    level = 0
    while len(words) > 1:
        level += 1
        pairs = [words[i : i + 2] for i in range(0, len(words), 2)]
        words = []
        for place, pair in enumerate(pairs):
            if len(pair) == 2:
                added, total = _adder(f"l{level}_{place}", *pair)
                gates += added
            else:
                total = (*pair[0], pair[0][-1])
            words.append(total)
    return GateNetlist(f"adder_tree_{inputs}x{bits}", pins, words[0], tuple(gates))


def shift_accumulate(total: Word, input_bits: int) -> GateNetlist:
    """Register and adder that take ``2 acc + sum`` at each clock edge, or ``-sum`` or ``sum`` at the first.

    Args:
        total: nets of the sum.
        input_bits: bits of an input, most significant first, one per clock [1].

    Returns:
        Netlist whose inputs are the sum and ``CONTROLS``, and whose outputs are the accumulated bits ``acc_<bit>``,
        as many as hold every value: those of the sum and of an input.

    Raises:
        TreeError: no bits.
    """
    if not total or input_bits < 1:
        raise TreeError(f"an accumulator needs 1 bit at least, not {len(total)} of the sum and {input_bits} of inputs")
    sum_bits = len(total)
    width = sum_bits + input_bits
    acc, held, carry = word("acc", width), word("held", width - 1), word("carry", width)
    signed, following = word("signed", sum_bits), word("next", width)
    # The sign goes to an adder of every bit of the input besides its own.
    sizes = [1.0] * (sum_bits - 1) + [max((input_bits + 1) / FANOUT, 1.0)]
    gates = [Instance(f"signed_{i}", "xor2", (total[i], "minus"), (signed[i],), size) for i, size in enumerate(sizes)]
    addend = signed + (signed[-1],) * input_bits
    gates.append(Instance("add_0", "half_adder", (addend[0], "minus"), (following[0], carry[1])))
    for i in range(1, width):
        gates += [
            Instance(f"held_{i - 1}_b", "nand2", (acc[i - 1], "keep"), (f"held_b_{i - 1}",)),
            Instance(f"held_{i - 1}", "inverter", (f"held_b_{i - 1}",), (held[i - 1],)),
        ]
        if i < width - 1:
            pins = (held[i - 1], addend[i], carry[i])
            gates.append(Instance(f"add_{i}", "full_adder", pins, (following[i], carry[i + 1])))
    gates.append(Instance("half", "xor2", (held[-1], addend[-1]), ("half",)))
    gates.append(Instance(f"add_{width - 1}", "xor2", (carry[-1], "half"), (following[-1],)))
    gates += [Instance(f"acc_{i}", "dff", (following[i], "clk"), (acc[i],)) for i in range(width)]
    return GateNetlist(f"accumulator_{sum_bits}x{input_bits}", (*total, *CONTROLS), acc, tuple(gates))


def multiply_accumulate(inputs: int, bits: int, input_bits: int) -> GateNetlist:
    """An adder tree with the accumulator behind it; arguments and errors as of its parts."""
    tree = adder_tree(inputs, bits)
    accumulator = shift_accumulate(tree.outputs, input_bits)
    gates = (*tree.instances, *accumulator.instances)
    name = f"multiply_accumulate_{inputs}x{bits}x{input_bits}"
    return GateNetlist(name, (*tree.inputs, *CONTROLS), accumulator.outputs, gates)


def levels(name: str, bits: int, numbers: np.ndarray) -> dict[str, np.ndarray]:
    """Levels of the nets of a word that hold numbers, whole ones of any shape; two's complement.

    >>> {net: int(level) for net, level in levels("x0", 3, -2).items()}
    {'x0_0': 0, 'x0_1': 1, 'x0_2': 1}
    """
    return {net: (np.asarray(numbers) >> bit & 1).astype(np.int8) for bit, net in enumerate(word(name, bits))}


def number(nets: Sequence[str], held: Mapping[str, np.ndarray]) -> np.ndarray:
    """Number in two's complement that nets hold, least significant first."""
    weights = [1 << bit for bit in range(len(nets))]
    weights[-1] *= -1
    return sum(np.asarray(held[net], dtype=np.int64) * weight for net, weight in zip(nets, weights, strict=True))


def controls(cycle: int, signed: bool) -> dict[str, int]:
    """Levels of ``keep`` and ``minus`` in a cycle; ``signed``: inputs are in two's complement."""
    return {"keep": int(cycle > 0), "minus": int(signed and cycle == 0)}


def clocked(netlist: GateNetlist, levels: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What every register holds after a clock edge, from the settled levels before it."""
    return {register.outputs[0]: levels[register.inputs[0]] for register in netlist.registers}
