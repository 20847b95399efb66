"""Adder tree and accumulator bit by bit against whole numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import logic
from netlists.addertree import (
    CONTROLS,
    TreeError,
    adder_tree,
    clocked,
    controls,
    levels,
    multiply_accumulate,
    number,
    shift_accumulate,
    word,
)
from netlists.gatebench import driven
from netlists.gatenetlist import GateNetlist, Instance, evaluate


def signed(bits):
    """Numbers of a width in two's complement, its ends among them."""
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    return st.one_of(st.sampled_from([low, high, -1, 0]), st.integers(low, high))


def operands(inputs, bits):
    return {net: level for place, x in enumerate(inputs) for net, level in levels(f"x{place}", bits, x).items()}


def test_numbers_in_nets():
    for bits in (1, 4, 9):
        every = np.arange(-(1 << bits - 1), 1 << bits - 1)
        assert (number(word("a", bits), levels("a", bits, every)) == every).all()


@settings(max_examples=30)
@given(st.data())
def test_sum_of_any_words(data):
    count, bits = data.draw(st.integers(2, 64)), data.draw(st.integers(1, 8))
    inputs = data.draw(st.lists(signed(bits), min_size=count, max_size=count))
    tree = adder_tree(count, bits)
    assert number(tree.outputs, evaluate(tree, operands(inputs, bits))) == sum(inputs)


@pytest.mark.parametrize("count", [2, 3, 5, 8, 33, 64])
@pytest.mark.parametrize("value", [-128, 127])
def test_extremes_fit(count, value):
    tree = adder_tree(count, 8)
    assert number(tree.outputs, evaluate(tree, operands([value] * count, 8))) == count * value


def test_every_vector_of_a_small_tree():
    tree = adder_tree(3, 2)
    every = np.array(np.meshgrid(*[np.arange(-2, 2)] * 3)).reshape(3, -1)
    assert (number(tree.outputs, evaluate(tree, operands(every, 2))) == every.sum(axis=0)).all()


@pytest.mark.parametrize("count", [5, 8, 20, 32, 64])
def test_the_macro_model_counts_the_gates_of_the_drawn_tree(count):
    """A half adder, a full adder for each further bit and two exclusive ors for the sign at each adder."""
    drawn, composed = adder_tree(count, 8).gates, logic.adder_tree(count, 8)
    for kind in ("half_adder", "full_adder"):
        assert drawn[kind] == sum(level.gates[kind] for level in composed)
    assert drawn["xor2"] == 2 * sum(level.gates["sign"] for level in composed) == 2 * (count - 1)


@settings(max_examples=30)
@given(st.data())
def test_accumulated_bits(data):
    bits, cycles = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 8))
    sums = data.draw(st.lists(signed(bits), min_size=cycles, max_size=cycles))
    two, left_over = data.draw(st.booleans()), data.draw(st.integers(0, 1))
    netlist = shift_accumulate(word("s", bits), cycles)
    held, expected = dict.fromkeys(netlist.register_outputs, left_over), 0
    for cycle, total in enumerate(sums):
        settled = evaluate(netlist, levels("s", bits, total) | controls(cycle, two) | {"clk": 0} | held)
        held = clocked(netlist, settled)
        expected = 2 * expected + (-total if two and cycle == 0 else total)
        assert number(netlist.outputs, held) == expected


@settings(max_examples=20)
@given(st.lists(st.tuples(signed(4), signed(3)), min_size=5, max_size=5))
def test_dot_product(pairs):
    netlist = multiply_accumulate(5, 4, 3)
    held = dict.fromkeys(netlist.register_outputs, 1)
    for cycle in range(3):
        products = [weight * (value >> 2 - cycle & 1) for weight, value in pairs]
        settled = evaluate(netlist, operands(products, 4) | controls(cycle, True) | {"clk": 0} | held)
        held = clocked(netlist, settled)
    assert number(netlist.outputs, held) == sum(weight * value for weight, value in pairs)


def test_drivers_invert_and_grow_with_what_they_drive():
    netlist = driven(shift_accumulate(word("s", 4), 8))
    drivers = {instance.outputs[0]: instance for instance in netlist.instances if instance.gate == "inverter"}
    assert netlist.inputs == tuple(f"{net}_b" for net in (*word("s", 4), *CONTROLS))
    assert drivers["s_0"].scale == 1
    assert drivers["clk"].scale == 12 / 4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: adder_tree(1, 8), "an adder tree needs 2 words of 1 bit at least, not 1 of 8"),
        (lambda: adder_tree(8, 0), "an adder tree needs 2 words of 1 bit at least, not 8 of 0"),
        (
            lambda: shift_accumulate((), 4),
            "an accumulator needs 1 bit at least, not 0 of the sum and 4 of inputs",
        ),
    ],
)
def test_what_cannot_be_built(make, message):
    with pytest.raises(TreeError, match=message):
        make()


def test_netlists_that_are_none():
    gate = Instance("g", "xor2", ("a", "b"), ("y",))
    with pytest.raises(ValueError, match="g of n: nothing before it drives b"):
        GateNetlist("n", ("a",), ("y",), (gate,))
    with pytest.raises(ValueError, match="n: nothing drives the output z"):
        GateNetlist("n", ("a", "b"), ("z",), (gate,))
    with pytest.raises(ValueError, match="n: more than one gate drives y"):
        GateNetlist("n", ("a", "b", "y"), ("y",), (gate,))
