import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis import fcc
from analysis.fcc import NONE, FCCError, Stored
from analysis.workloads import Layer


@st.composite
def weighted(draw):
    """Weights of 2 to 12 bits with their bits and groups, extremes included."""
    bits, groups = draw(st.integers(2, 12)), draw(st.integers(1, 3))
    shape = (groups * draw(st.integers(1, 7)), draw(st.integers(1, 9)))
    limit = 1 << bits - 1
    return draw(arrays(np.int64, shape, elements=st.integers(-limit, limit - 1))), bits, groups


def pairings(nodes):
    """Every way to pair an even number of nodes."""
    if not nodes:
        yield []
        return
    first, *rest = nodes
    for other in rest:
        for more in pairings([node for node in rest if node != other]):
            yield [(first, other), *more]


def change(weights, pairs, bits):
    return int(((fcc.complementary(weights, pairs, bits).weights() - weights) ** 2).sum())


@settings(max_examples=30)
@given(weighted())
def test_pairs_are_bitwise_complementary_around_their_mean(given_):
    weights, bits, groups = given_
    for pairs in (fcc.adjacent(len(weights), groups), fcc.matched(weights, groups, bits)):
        stored = fcc.complementary(weights, pairs, bits)
        after = stored.weights()
        for (a, b), word, mean in zip(stored.filters, stored.words, stored.means, strict=True):
            if b == NONE:
                assert mean == 0
                assert (after[a] == weights[a]).all()
                continue
            assert a // (len(weights) // groups) == b // (len(weights) // groups)
            mask = (1 << bits) - 1
            assert (((after[a] - mean) & mask) ^ ((after[b] - mean) & mask) == mask).all()
            assert (after[a] - mean == word).all()
            assert (after[a] + after[b] == 2 * mean - 1).all()


@settings(max_examples=30)
@given(weighted(), st.data())
def test_recovered_sums_are_those_of_the_paired_weights(given_, data):
    weights, bits, groups = given_
    stored = fcc.complementary(weights, fcc.matched(weights, groups, bits), bits)
    x = data.draw(arrays(np.int64, (2, 5, weights.shape[1]), elements=st.integers(-128, 255)))
    products = np.stack([stored.words @ one.T for one in x], axis=1)
    inputs = np.broadcast_to(x.sum(axis=2), products.shape)
    found = stored.by_filter(fcc.recover(products, inputs, stored.means))
    direct = stored.weights() @ np.moveaxis(x, 2, 1)
    side = stored.by_filter(np.broadcast_to([0, 1], stored.filters.shape))
    assert (found == direct[side, np.arange(len(weights))]).all()


@settings(max_examples=30)
@given(weighted())
def test_nothing_saturates_and_means_fit_their_words(given_):
    weights, bits, groups = given_
    limit = 1 << bits - 1
    stored = fcc.complementary(weights, fcc.adjacent(len(weights), groups), bits)
    assert -limit <= stored.words.min()
    assert stored.words.max() < limit
    assert np.abs(stored.means).max() < limit
    assert np.abs(stored.weights()).max() <= 2 * limit - 1


@settings(max_examples=30)
@given(st.integers(2, 4), st.data())
def test_no_other_complementary_pair_is_nearer(bits, data):
    limit = 1 << bits - 1
    weights = data.draw(arrays(np.int64, (2, 2), elements=st.integers(-limit, limit - 1)))
    best = min(
        sum(min((c + mean - u) ** 2 + (mean - 1 - c - v) ** 2 for c in range(-limit, limit)) for u, v in weights.T)
        for mean in range(-limit, limit)
    )
    assert change(weights, fcc.adjacent(2), bits) == best


@settings(max_examples=30)
@given(weighted())
def test_costs_of_the_matching_are_the_changes_of_weights(given_):
    weights, bits, _ = given_
    costs = fcc._distances(weights)
    for a, b in itertools.combinations(range(len(weights)), 2):
        assert costs[a, b] == costs[b, a] == change(weights[[a, b]], fcc.adjacent(2), bits)


@pytest.mark.parametrize("filters", [1, 2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("seed", range(4))
def test_matching_is_the_best_of_all_pairings(filters, seed):
    weights = np.random.default_rng(seed).integers(-128, 128, (filters, 3))
    ways = pairings(list(range(filters + filters % 2)))
    best = min(change(weights, np.array([(a, NONE if b == filters else b) for a, b in way]), 8) for way in ways)
    assert change(weights, fcc.matched(weights), 8) == best


def test_matching_finds_complementary_filters_among_others():
    rng = np.random.default_rng(5)
    half = rng.integers(-100, 100, (20, 9))
    order = rng.permutation(40)
    weights = np.concatenate([half, 3 - half])[order]
    pairs = fcc.matched(weights)
    assert all(set(order[pair] % 20) == {order[pair[0]] % 20} for pair in pairs)
    assert fcc.distances(weights, pairs)["distance"] == 0
    assert fcc.distances(weights, pairs)["correlation"] == pytest.approx(-1)
    assert fcc.distances(weights, fcc.adjacent(40))["distance"] > 10


def test_ends_of_the_range():
    lowest, highest = np.full((2, 3), -128), np.full((2, 3), 127)
    assert fcc.complementary(lowest, fcc.adjacent(2)).means.tolist() == [-127]
    assert fcc.complementary(highest, fcc.adjacent(2)).means.tolist() == [127]
    far = np.array([[127, 127, 127, 127], [-128, 127, 127, 127]])
    stored = fcc.complementary(far, fcc.adjacent(2))
    assert stored.words[0].tolist() == [127, 0, 0, 0]
    assert stored.means.tolist() == [96]
    assert stored.weights()[0, 0] == 223
    assert fcc.distances(far, fcc.adjacent(2))["outside"] == 1


def test_distance_by_hand():
    found = fcc.distances(np.array([[3, 5], [-4, -2]]), fcc.adjacent(2))
    assert found["distance"] == pytest.approx(np.sqrt((1 + 1 + 1 + 1) / 4))  # to (4, 4) and (-3, -3), M = 1
    assert found["relative"] == pytest.approx(np.sqrt(4 / (9 + 25 + 16 + 4)))
    assert found["correlation"] == pytest.approx(1)


def test_table_of_layers():
    rng = np.random.default_rng(2)
    layers = [Layer("conv", "standard", 1, 4, 5, 5, 7, 3, 3), Layer("deep", "depthwise", 1, 6, 5, 5, 6, 3, 3, groups=6)]
    weights = {"conv": rng.integers(-90, 90, (7, 4, 3, 3)), "deep": rng.integers(-90, 90, (6, 1, 3, 3))}
    table = fcc.layer_table(layers, weights).set_index("layer")
    assert table.loc["conv", "inputs"] == 36
    assert (table["distance_matched"] <= table["distance_adjacent"]).all()
    assert (table["distance_after"] == 0).all()
    np.testing.assert_allclose(table["correlation_after"], -1)
    assert (
        table.loc["deep", "distance_matched"]
        == fcc.distances(weights["deep"], fcc.matched(weights["deep"]))["distance"]
    )
    few = fcc.layer_table(layers, weights, most=6).set_index("layer")
    assert few["distance_matched"].isna().tolist() == [True, False]
    assert (few["distance_after"] == 0).all()


def test_layers_pair_within_groups_but_channels_of_a_depthwise_layer_with_one_another():
    grouped = Layer("g", "standard", 1, 6, 4, 4, 6, 3, 3, groups=2)
    deep = Layer("d", "depthwise", 1, 6, 4, 4, 6, 3, 3, groups=6)
    assert fcc.adjacent(6, fcc.pairing_groups(grouped)).tolist() == [[0, 1], [2, NONE], [3, 4], [5, NONE]]
    assert fcc.adjacent(6, fcc.pairing_groups(deep)).tolist() == [[0, 1], [2, 3], [4, 5]]


def test_baseline_stores_weights_as_they_are():
    weights = np.random.default_rng(1).integers(-128, 128, (5, 2, 3, 3))
    assert (fcc.plain(weights).weights() == weights.reshape(5, -1)).all()


def test_zero_point_and_bias_are_a_number_per_filter():
    weights = np.random.default_rng(1).integers(-128, 128, (4, 6))
    stored = fcc.complementary(weights, fcc.adjacent(4))
    x = np.random.default_rng(2).integers(0, 256, 6)
    bias = np.array([5, -6, 7, -8])
    real = stored.weights() @ (x - 131) + bias
    assert (stored.weights() @ x + stored.offsets(bias, 131) == real).all()


def test_means_are_the_nearest_integers_halves_towards_zero():
    for inputs, total in itertools.product(range(1, 9), range(-70, 71)):
        exact = (Fraction(total, inputs) + 1) / 2
        nearest = math.ceil(abs(exact) - Fraction(1, 2)) * (1 if exact > 0 else -1)
        assert fcc._means(np.array(total), inputs) == nearest


@pytest.mark.parametrize(
    ("bias", "zero_point", "message"),
    [
        (np.ones((4, 1), int), 0, r"bias of shape \(4, 1\) is not one number for each of 4 filters"),
        (np.ones(1, int), 0, r"bias of shape \(1,\) is not"),
        (np.ones(2, int), 0, r"bias of shape \(2,\) is not"),
        (3, 0, r"bias of shape \(\) is not"),
        (np.ones(4), 0, "bias is of type float64, not of integers"),
        (np.array([0, 0, -(2**63), 0]), 0, r"bias -9223372036854775808 is outside -2\^62\.\.2\^62 - 1"),
        (None, 1.5, "zero_point is of type float64, not of integers"),
        (None, np.array([1, 2, 3, 4]), r"zero_point of shape \(4,\) is not one number"),
    ],
)
def test_bias_is_one_integer_per_filter_and_the_zero_point_one(bias, zero_point, message):
    with pytest.raises(FCCError, match=message):
        fcc.plain(np.ones((4, 6), int)).offsets(bias, zero_point)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({}, "layer 'c' has no weights; there are those of none"),
        ({"d": np.ones((6, 18), int)}, "layer 'c' has no weights; there are those of d"),
        ({"c": np.ones((6, 3, 3, 2), int)}, r"layer 'c': weights of shape \(6, 3, 3, 2\), legal are .*\(6, 2, 3, 3\)"),
        (
            {"c": np.ones((18, 6), int)},
            r"layer 'c': weights of shape \(18, 6\), legal are \[\(6, 2, 3, 3\), \(6, 18\)\]",
        ),
        ({"c": np.ones((6, 2, 3), int)}, r"layer 'c': weights of shape \(6, 2, 3\)"),
    ],
)
def test_table_of_layers_takes_the_weights_of_each_layer(weights, message):
    with pytest.raises(FCCError, match=message):
        fcc.layer_table([Layer("c", "standard", 1, 4, 5, 5, 6, 3, 3, groups=2)], weights)


def test_table_of_layers_takes_convolutions_in_one_dimension():
    layer = Layer("c", "standard", 1, 2, 5, 1, 6, 3, 1)
    weights = np.random.default_rng(1).integers(-9, 9, (6, 2, 3))
    one, two = (fcc.layer_table([layer], {"c": found}) for found in (weights, weights[..., None]))
    assert one.equals(two)


def test_quantize():
    weights = np.random.default_rng(1).normal(0.0, 0.1, (8, 9))
    found, scale = fcc.quantize(weights, 6)
    assert np.abs(found).max() == 31
    assert np.abs(found * scale - weights).max() <= scale / 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fcc.plain(np.array([[128]])), r"weight 128 is outside -128\.\.127, 8 bits"),
        (lambda: fcc.plain(np.array([[1.0]])), "weights is of type float64, not of integers: quantize it first"),
        (lambda: fcc.plain(np.array([1, 2])), r"weights of shape \(2,\) are not \(filter, input\)"),
        (lambda: fcc.plain(np.array([[1]]), 1), r"bits=1 is outside 2\.\.16"),
        (lambda: fcc.adjacent(5, 2), "5 filters do not make groups=2 of one size"),
        (lambda: fcc.complementary(np.ones((3, 1), int), fcc.adjacent(4)), "up to 3 are not those of 3 filters"),
        (lambda: fcc.complementary(np.ones((2, 1), int), [[1, 1]]), "not each filter once"),
        (lambda: fcc.quantize(np.zeros((2, 2))), r"weights reach up to 0\.0"),
        (lambda: Stored(np.array([[0, 1]]), np.array([[0]]), np.array([128])), r"mean 128 is outside -128\.\.127"),
        (lambda: fcc.plain(np.array([[2**64 - 1]], np.uint64)), "weights 18446744073709551615 is beyond 64 bits"),
        (lambda: Stored(np.array([[0], [1]]), np.ones((2, 3), int), np.array([0])), r"means \(1,\) are no shapes"),
        (lambda: Stored(np.array([0, 1]), np.ones((2, 3), int), np.array([0, 0])), r"filters \(2,\), words \(2, 3\)"),
        (lambda: Stored(np.array([[0, 1, 2]]), np.ones((1, 3), int), np.array([0])), r"filters \(1, 3\), words"),
        (lambda: Stored(np.array([[0]]), np.ones(1, int), np.array([0])), r"words \(1,\) and means"),
        (lambda: Stored(np.array([[0]]), np.ones((1, 1)), np.array([0])), "words is of type float64"),
    ],
)
def test_errors(call, message):
    with pytest.raises(FCCError, match=message):
        call()
