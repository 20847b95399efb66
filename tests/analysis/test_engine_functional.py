"""The in-MRAM engine bit by bit against numpy's convolution, and what it counts against the performance model."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from analysis import engine_functional, workloads
from analysis.architecture import MacroError
from analysis.engine_mapping import COUNTS, Engine, Precision, counts, place
from analysis.functional_layout import FunctionalError
from analysis.workloads import LAYER_TYPES, Layer


def drawn(rng, shape, bits, signed):
    low = -(1 << bits - 1) if signed else 0
    return rng.integers(low, low + (1 << bits), shape)


def operands(layer, precision, rng):
    inputs = drawn(
        rng, (layer.batch, layer.channels, layer.height, layer.width), precision.input_bits, precision.signed_inputs
    )
    shape = (layer.filters, layer.channels // layer.groups, layer.kernel_height, layer.kernel_width)
    return inputs, drawn(rng, shape, precision.weight_bits, precision.signed_weights)


def convolved(layer, inputs, weights):
    """Convolution by numpy, group by group."""
    pad = (layer.pad, layer.pad)
    padded = np.pad(inputs, ((0, 0), (0, 0), pad, pad))
    seen = sliding_window_view(padded, weights.shape[2:], axis=(2, 3))[:, :, :: layer.stride, :: layer.stride]
    each = np.split(seen, layer.groups, axis=1), np.split(weights, layer.groups)
    return np.concatenate([np.einsum("bcijrs,fcrs->bfij", x, w) for x, w in zip(*each, strict=True)], axis=1)


def agrees(layer, precision, engine, seed):
    inputs, weights = operands(layer, precision, np.random.default_rng(seed))
    found = engine_functional.run(layer, inputs, weights, precision, engine)
    assert np.array_equal(found.outputs, convolved(layer, inputs, weights))
    expected = counts(place(layer, engine, precision), engine, precision)
    assert {name: found.counts[name] for name in COUNTS} == expected
    return found


@st.composite
def layers(draw):
    kind = draw(st.sampled_from(LAYER_TYPES))
    kernel = (draw(st.integers(1, 4)), draw(st.integers(1, 4))) if kind in ("standard", "depthwise") else (1, 1)
    groups = draw(st.integers(1, 3)) if kind == "standard" else 1
    channels, filters = groups * draw(st.integers(1, 9)), groups * draw(st.integers(1, 9))
    if kind == "depthwise":
        groups = filters = channels
    pad = draw(st.integers(0, 2)) if kind in ("standard", "depthwise") else 0
    low = max(*kernel) - 2 * pad
    height, width = (1, 1) if kind == "fc" else (max(low, 1) + draw(st.integers(0, 4)) for _ in range(2))
    return Layer("x", kind, draw(st.integers(1, 2)), channels, height, width, filters, *kernel,
                 draw(st.integers(1, 3)), pad, groups)  # fmt: skip


@st.composite
def engines(draw):
    """Small sub-arrays, so that every kind of tile, chunk and way occurs."""
    segments = draw(st.sampled_from([1, 2, 4, 8]))
    return Engine(
        rows=draw(st.integers(16, 40)),
        columns=segments * draw(st.integers(2, 9)),
        bank_bits=draw(st.sampled_from([1 << 12, 1 << 16])),
        segments=segments,
        copies=draw(st.integers(1, 3)),
    )


precisions = st.builds(Precision, st.integers(1, 8), st.integers(1, 8), st.booleans(), st.booleans())


@settings(max_examples=120)
@given(layers(), engines(), precisions, st.integers(0, 2**32 - 1))
def test_results_are_those_of_a_convolution_and_counts_those_of_the_model(layer, engine, precision, seed):
    agrees(layer, precision, engine, seed)


@pytest.mark.parametrize("bits", [(1, 1), (1, 8), (2, 2), (4, 4), (8, 8)], ids=lambda b: f"{b[0]}:{b[1]}")
@pytest.mark.parametrize("layer", workloads.load("lenet5"), ids=lambda x: x.name)
def test_lenet5_on_whole_sub_arrays(layer, bits):
    agrees(layer, Precision(*bits), Engine(), 1)


@pytest.mark.parametrize("bits", [(1, 1), (8, 8)], ids=lambda b: f"{b[0]}:{b[1]}")
@pytest.mark.parametrize(
    "layer",
    [
        Layer("conv1", "standard", 1, 3, 35, 35, 96, 11, 11, 4, 0, 1),
        Layer("conv2", "standard", 1, 96, 5, 5, 64, 5, 5, 1, 2, 2),
        Layer("fc", "fc", 1, 2304, 1, 1, 48, 1, 1),
    ],
    ids=lambda x: x.name,
)
def test_layers_like_those_of_alexnet(layer, bits):
    agrees(layer, Precision(*bits), Engine(), 2)


def test_one_bit_of_each_counts_the_ands_of_its_inputs():
    layer = Layer("x", "fc", 1, 5, 1, 1, 1, 1, 1)
    precision = Precision(1, 1, signed_weights=False)
    inputs, weights = np.array([1, 0, 1, 1, 0]).reshape(1, 5, 1, 1), np.array([[1, 1, 0, 1, 1]])
    found = engine_functional.run(layer, inputs, weights, precision)
    assert found.outputs.ravel().tolist() == [2]
    assert (found.counts["activations"], found.counts["ands"], found.counts["shifts"]) == (1, 5, 0)


def test_every_and_that_errs_moves_a_one_bit_result_by_one():
    layer = Layer("x", "fc", 1, 300, 1, 1, 3, 1, 1)
    precision = Precision(1, 1, signed_weights=False)
    inputs, weights = np.zeros((1, 300, 1, 1), dtype=int), np.zeros((3, 300), dtype=int)
    found = engine_functional.run(layer, inputs, weights, precision, wrong=0.1, rng=np.random.default_rng(3))
    assert found.outputs.sum() == found.counts["wrong"] > 50
    assert found.counts["ands"] == 900


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"inputs": np.full((1, 2, 1, 1), 4)}, FunctionalError, "inputs reach from 4 to 4, outside 0..3 \\(2 bits\\)"),
        ({"weights": np.full((1, 2), -3)}, FunctionalError, "weights reach from -3 to -3, outside -2..1"),
        ({"weights": np.zeros((2, 2), dtype=int)}, FunctionalError, "weights of shape \\(2, 2\\) are not the layer's"),
        ({"wrong": 0.5}, FunctionalError, "errors need a generator"),
        ({"wrong": 1.5}, FunctionalError, "wrong=1.5 is outside 0..1"),
        ({"precision": Precision(9, 2)}, MacroError, "weight_bits=9 exceeds word_bits=8"),
        ({"engine": Engine(rows=2)}, MacroError, "rows=2 do not hold 2 planes of a filter and 2 of its inputs"),
    ],
)
def test_what_does_not_fit_is_named(change, error, message):
    given = {
        "inputs": np.ones((1, 2, 1, 1), dtype=int), "weights": np.ones((1, 2), dtype=int), "precision": Precision(2, 2),
    } | change  # fmt: skip
    with pytest.raises(error, match=message):
        engine_functional.run(Layer("x", "fc", 1, 2, 1, 1, 1, 1, 1), **given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"segments": 3}, "segments=3 is not a power of two that divides columns=256"),
        ({"copies": 0}, "copies=0 is not a positive integer"),
        ({"ones": 2.0}, "ones=2.0 is outside 0..1"),
        ({"bank_bits": 100}, "bank_bits=100 is less than one sub-array"),
    ],
)
def test_engines_that_cannot_be_are_named(change, message):
    with pytest.raises(MacroError, match=message):
        Engine(**change)
