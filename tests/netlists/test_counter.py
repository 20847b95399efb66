"""Bit counters count, with as many adders as it takes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlists.addertree import TreeError
from netlists.counter import bit_counter
from netlists.gatenetlist import evaluate


@given(st.integers(2, 20), st.sampled_from([1, 2, 4, 8]), st.integers(0, 2**32 - 1))
def test_counts_are_those_of_the_ones(length, segments, seed):
    netlist = bit_counter(length * segments, segments)
    bits = np.random.default_rng(seed).integers(0, 2, (length * segments, 20))
    bits[:, 0], bits[:, 1] = 1, 0
    levels = evaluate(netlist, dict(zip(netlist.inputs, bits, strict=True)))
    assert sum(levels[net].astype(int) << place for place, net in enumerate(netlist.outputs)).tolist() == (
        bits.sum(axis=0).tolist()
    )


@pytest.mark.parametrize("segments", [1, 2, 4, 8])
def test_a_full_adder_takes_one_bit_away(segments):
    """Of 256 bits of one place 9 of different places are left, whatever the order; half adders take none away."""
    assert bit_counter(256, segments).gates["full_adder"] == 256 - 9


@pytest.mark.parametrize(("columns", "segments"), [(256, 3), (255, 2), (8, 8), (8, 0)])
def test_parts_that_cannot_be_are_named(columns, segments):
    with pytest.raises(TreeError, match=f"columns={columns} are not segments={segments}"):
        bit_counter(columns, segments)
