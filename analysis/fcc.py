"""Filter-wise complementary correlation (FCC): filters in pairs that share their cells, in exact integers.

A pair computes with ``w1 = wc + M`` and ``w2 = ~wc + M = M - 1 - wc``. Cells hold the word ``wc``, in Q, and with it
``~wc``, in Q-bar; the mean M is one number per pair. Hence, summed over the inputs of a window, ``y1 = sum(x wc) +
M sum(x)`` and ``y2 = -sum(x) - sum(x wc) + M sum(x)``. That filters are paired and a mean is kept per pair is a
hypothesis about DDC-PIM (Duan et al., TCAD 43(3), 2024), of which the abstract was read; the algebra is our own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import rustworkx

from analysis.workloads import Layer

NONE = -1
"""In place of a filter where an output has none."""
LARGEST = 16
"""Longest weight [bit]."""


class FCCError(ValueError):
    """Weights that do not fit into their words, or pairs that do not fit the filters."""


@dataclass(frozen=True)
class Stored:
    """What the cells and the recover unit hold for a layer.

    Attributes:
        filters: filter whose results the outputs of a word give, Q first, then, if it computes, Q-bar; ``NONE`` where
            a filter has no partner. Shape ``(word, output)``.
        words: content of Q, in two's complement, shape ``(word, input)``; ``~words`` is in Q-bar.
        means: M of each pair, 0 where there is no pair, shape ``(word,)``.
        bits: length of a word and of a mean [bit].

    Raises:
        FCCError: no integers, shapes that do not go together, a word or a mean that needs more bits, or filters that
            are not each there once.
    """

    filters: np.ndarray
    words: np.ndarray
    means: np.ndarray
    bits: int = 8

    def __post_init__(self) -> None:
        for name in ("filters", "words", "means"):
            object.__setattr__(self, name, integers(getattr(self, name), name))
        filters, words, means = self.filters.shape, self.words.shape, self.means.shape
        if len(words) != 2 or filters not in ((words[0], 1), (words[0], 2)) or means != words[:1]:
            raise FCCError(f"filters {filters}, words {words} and means {means} are no shapes of the same words")
        _in_range(self.words, self.bits, "stored word")
        _in_range(self.means, self.bits, "mean")
        found = np.sort(self.filters[self.filters != NONE])
        if not np.array_equal(found, np.arange(found.size)) or NONE in self.filters[:, 0]:
            raise FCCError(f"filters={self.filters.tolist()} are not each filter once, the first of each word given")

    @property
    def outputs(self) -> int:
        """Nodes of a cell that compute, 1 or 2 [1]."""
        return self.filters.shape[1]

    def by_filter(self, values: np.ndarray) -> np.ndarray:
        """Values of shape (word, output, ...) in the order of the filters, shape (filter, ...)."""
        there = self.filters != NONE
        return values[there][np.argsort(self.filters[there])]

    def weights(self) -> np.ndarray:
        """Weights that are computed with, ``wc + M`` and ``~wc + M``, shape ``(filter, input)``."""
        both = np.stack([self.words, ~self.words], axis=1)[:, : self.outputs]
        return self.by_filter(both + self.means[:, None, None])

    def offsets(self, bias: np.ndarray | None = None, zero_point: int = 0) -> np.ndarray:
        """What is added to each filter's sum of products: its bias, less zero point times its weights [1].

        The quantized input q stands for ``scale (q - zero_point)``; with padding at ``zero_point`` this number is the
        same for all windows.

        Args:
            bias: integers, one per filter, shape ``(filter,)``; 0 if None. zero_point: an integer.

        Raises:
            FCCError: no integers, another shape, or a bias of more than 63 bits.
        """
        sums = self.weights().sum(axis=1)
        biases = np.zeros_like(sums) if bias is None else integers(bias, "bias")
        if biases.shape != sums.shape:
            raise FCCError(f"bias of shape {biases.shape} is not one number for each of {len(sums)} filters")
        if (wrong := biases[(biases < -(1 << 62)) | (biases >= 1 << 62)]).size:
            raise FCCError(f"bias {wrong[0]} is outside -2^62..2^62 - 1: sums would not fit into 64 bits")
        return biases - integer(zero_point, "zero_point") * sums


def integers(values: np.ndarray, what: str) -> np.ndarray:
    """The same numbers as 64-bit integers; raises FCCError for another type or numbers that need more bits."""
    found = np.asarray(values)
    if found.dtype.kind not in "iu":
        raise FCCError(f"{what} is of type {found.dtype}, not of integers: quantize it first")
    if found.size and found.max() > np.iinfo(np.int64).max:
        raise FCCError(f"{what} {found.max()} is beyond 64 bits in two's complement")
    return found.astype(np.int64)


def integer(value: int, what: str) -> int:
    """One number as an integer; raises FCCError for anything else."""
    found = integers(np.asarray(value), what)
    if found.ndim:
        raise FCCError(f"{what} of shape {found.shape} is not one number")
    return int(found)


def _in_range(values: np.ndarray, bits: int, what: str) -> None:
    """Raises FCCError if a number does not fit into two's complement of ``bits``."""
    if not 2 <= bits <= LARGEST:
        raise FCCError(f"bits={bits} is outside 2..{LARGEST}")
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    wrong = values[(values < low) | (values > high)]
    if wrong.size:
        raise FCCError(f"{what} {wrong.flat[0]} is outside {low}..{high}, {bits} bits in two's complement")


def _flat(weights: np.ndarray, bits: int) -> np.ndarray:
    """Weights as integers of shape ``(filter, input)``; raises FCCError for what does not fit into ``bits``."""
    found = integers(weights, "weights")
    if found.ndim < 2 or not found.size:
        raise FCCError(f"weights of shape {found.shape} are not (filter, input) or (filter, channel, row, column)")
    found = found.reshape(len(found), -1)
    _in_range(found, bits, "weight")
    return found


def quantize(weights: np.ndarray, bits: int = 8) -> tuple[np.ndarray, float]:
    """Nearest multiples of one scale for all weights, symmetric about zero: integers and the scale.

    >>> integers, scale = quantize(np.array([[0.5, -1.27]]))
    >>> integers.tolist(), round(scale, 9)
    ([[50, -127]], 0.01)
    """
    highest = float(np.abs(weights).max())
    if not 0 < highest < np.inf:
        raise FCCError(f"weights reach up to {highest}: they have no scale")
    scale = highest / ((1 << bits - 1) - 1)
    return np.rint(np.asarray(weights) / scale).astype(np.int64), scale


def pairing_groups(layer: Layer) -> int:
    """Groups of filters within which a layer's pairs lie [1].

    Filters of a pair see the same input, so pairs do not cross the groups of a convolution. Channels of a depthwise
    layer pair with one another: each of a pair has an input of its own (INP, INN).
    """
    return 1 if layer.type == "depthwise" else layer.groups


def adjacent(filters: int, groups: int = 1) -> np.ndarray:
    """Pairs of neighbours within each group, the last filter of an odd number alone; shape ``(pair, 2)``.

    >>> adjacent(6, groups=2).tolist()
    [[0, 1], [2, -1], [3, 4], [5, -1]]
    """
    each = _group_size(filters, groups)
    own = np.full(2 * -(-each // 2), NONE)
    own[:each] = np.arange(each)
    starts = each * np.arange(groups)[:, None, None]
    return np.where(own.reshape(1, -1, 2) == NONE, NONE, own.reshape(1, -1, 2) + starts).reshape(-1, 2)


def matched(weights: np.ndarray, groups: int = 1, bits: int = 8) -> np.ndarray:
    """Pairs within each group whose squared distances have the least sum, by minimum-weight perfect matching.

    In a group with an odd number of filters, the one that is best left alone stays alone.

    Args:
        weights: shape ``(filter, ...)``. groups: as :func:`pairing_groups`. bits: length of a weight [bit].

    Returns:
        Pairs in the order of their first filters, shape ``(pair, 2)``.

    Raises:
        FCCError: weights that do not fit, or groups that do not divide the filters.
    """
    flat = _flat(weights, bits)
    each = _group_size(len(flat), groups)
    found = []
    for start in range(0, len(flat), each):
        costs = _distances(flat[start : start + each])
        if each % 2:
            costs = np.pad(costs, ((0, 1), (0, 1)))
        own = sorted(tuple(sorted(pair)) for pair in _matching(costs))
        found += [(start + a, NONE if b == each else start + b) for a, b in own]
    return np.array(found)


def _group_size(filters: int, groups: int) -> int:
    """Filters of a group; raises FCCError if they are not as many in each."""
    if filters < 1 or groups < 1 or filters % groups:
        raise FCCError(f"{filters} filters do not make groups={groups} of one size")
    return filters // groups


def _matching(costs: np.ndarray) -> set[tuple[int, int]]:
    """Perfect matching of the least total cost, ``costs`` whole numbers of shape ``(node, node)``, nodes even."""
    graph = rustworkx.PyGraph()
    graph.add_nodes_from(range(len(costs)))
    a, b = np.triu_indices(len(costs), 1)
    graph.add_edges_from(list(zip(a.tolist(), b.tolist(), (-costs[a, b]).tolist(), strict=True)))
    return rustworkx.max_weight_matching(graph, max_cardinality=True, weight_fn=int)


def _means(total: np.ndarray, inputs: int) -> np.ndarray:
    """Means M of pairs: ``(total / inputs + 1) / 2`` to the nearest integer, halves towards zero.

    So a mean never needs more bits than a weight.

    Args:
        total: sum of all weights of both filters.
    """
    above = np.abs(total + inputs)
    return np.sign(total + inputs) * ((above + inputs - 1) // (2 * inputs))


def _distances(flat: np.ndarray) -> np.ndarray:
    """Squared distance of every two filters from their nearest complementary pair [LSB^2], shape (filter, filter).

    With s = w1 + w2 it is the sum over the inputs of ``(s - 2 M + 1)^2 / 2``, and 1/2 more wherever s is even, as
    ``w1 + w2 = 2 M - 1`` is odd. The products are whole numbers below 2^53, which floating point adds up exactly.
    """
    inputs, odd = flat.shape[1], (flat & 1).astype(float)
    single, squares = flat.sum(axis=1), (flat * flat).sum(axis=1)
    products = (flat.astype(float) @ flat.T.astype(float)).astype(np.int64)
    alike = (odd @ odd.T + (1 - odd) @ (1 - odd).T).astype(np.int64)
    total = single[:, None] + single
    aim = 2 * _means(total, inputs) - 1
    return (squares[:, None] + squares + 2 * products - 2 * aim * total + inputs * aim**2 + alike) // 2


def complementary(weights: np.ndarray, pairs: np.ndarray, bits: int = 8) -> Stored:
    """The complementary pairs nearest to a layer's filters (least sum of squared changes over integers wc and M).

    ``wc = floor((w1 - w2) / 2)`` and M is the mean of both filters plus 1/2, rounded. Weights within ``bits`` give wc
    and M within ``bits``, always: nothing saturates. The weights that are computed with, ``wc + M``, may need one bit
    more; no cell stores them. A filter alone is stored as it is.

    Args:
        weights: shape ``(filter, ...)``. pairs: shape ``(pair, 2)``, of :func:`adjacent` or :func:`matched`.
        bits: length of a weight [bit].

    Raises:
        FCCError: weights that do not fit, pairs that are not each filter once.
    """
    flat = _flat(weights, bits)
    pairs = _pairs(pairs, len(flat))
    first, second = flat[pairs[:, 0]], flat[pairs[:, 1]]
    alone = pairs[:, 1] == NONE
    words = np.where(alone[:, None], first, (first - second) >> 1)
    means = np.where(alone, 0, _means((first + second).sum(axis=1), flat.shape[1]))
    return Stored(pairs, words, means, bits)


def plain(weights: np.ndarray, bits: int = 8) -> Stored:
    """A layer's filters as the baseline stores them: each in cells of its own, Q alone computes."""
    flat = _flat(weights, bits)
    return Stored(np.arange(len(flat))[:, None], flat, np.zeros(len(flat), dtype=np.int64), bits)


def _pairs(pairs: np.ndarray, filters: int) -> np.ndarray:
    """Pairs as an array; raises FCCError if they do not hold each filter once."""
    found = np.asarray(pairs)
    if found.ndim != 2 or found.shape[1] != 2 or found.max() + 1 != filters:
        raise FCCError(
            f"pairs of shape {found.shape} up to {found.max(initial=NONE)} are not those of {filters} filters"
        )
    return found


def recover(products: np.ndarray, inputs: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Results of both filters of each pair from the sums that cells and counters give.

    Args:
        products: ``sum(x wc)`` of the inputs of the first and of the second filter, shape ``(pair, 2, ...)``.
        inputs: ``sum(x)`` of either, same shape; both are equal where the filters share their input.
        means: M, shape ``(pair,)``.

    Returns:
        ``y1 = sum(x wc) + M sum(x)`` and ``y2 = -sum(x) - sum(x wc) + M sum(x)``, same shape.
    """
    means = means.reshape(-1, *[1] * (products.ndim - 2))
    first = products[:, 0] + means * inputs[:, 0]
    second = -inputs[:, 1] - products[:, 1] + means * inputs[:, 1]
    return np.stack([first, second], axis=1)


def distances(weights: np.ndarray, pairs: np.ndarray, bits: int = 8) -> Mapping[str, float]:
    """How far a layer's filters are from complementary pairs.

    Returns:
        ``distance``: root mean square, over all weights of the layer, of the change to the nearest complementary
        pairs [LSB]. ``relative``: the same over the root mean square of the weights [1]. ``correlation``: mean of
        Pearson's correlation of the two filters of a pair [1], -1 where all are complementary, NaN where no pair has
        two filters that vary. ``outside``: weights after the change that need one bit more [1].
    """
    flat = _flat(weights, bits)
    stored = complementary(flat, pairs, bits)
    after = stored.weights()
    change = int(((after - flat) ** 2).sum())
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    both = stored.filters[stored.filters[:, 1] != NONE]
    first, second = (flat[both[:, side]] - flat[both[:, side]].mean(axis=1, keepdims=True) for side in (0, 1))
    scale = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    varied = scale > 0
    correlation = (first * second).sum(axis=1)[varied] / scale[varied]
    squares = int((flat**2).sum())
    return {
        "distance": float(np.sqrt(change / flat.size)),
        "relative": float(np.sqrt(change / squares)) if squares else np.nan,
        "correlation": float(correlation.mean()) if varied.any() else np.nan,
        "outside": int(((after < low) | (after > high)).sum()),
    }


def layer_table(
    layers: Sequence[Layer], weights: Mapping[str, np.ndarray], bits: int = 8, most: int = 512
) -> pd.DataFrame:
    """Distances of each layer before, with adjacent and with matched pairs, and after, one line a layer.

    Args:
        layers: of a network. weights: integers by the layer's name, filters first. bits: length of a weight [bit].
        most: filters of a group up to which pairs are matched; the time grows with their fourth power [1].

    Returns:
        Columns ``layer``, ``type``, ``filters``, ``inputs`` and what :func:`distances` gives: with ``_adjacent``,
        with ``_matched``, NaN above ``most``, and with ``_after`` of the weights that complementary pairs compute
        with, matched ones where there are any.

    Raises:
        FCCError: a layer without weights, or weights whose shape is not the layer's.
    """
    rows = []
    for layer in layers:
        flat = _flat(_own(layer, weights), bits)
        groups = pairing_groups(layer)
        pairs = {"adjacent": adjacent(len(flat), groups)}
        if len(flat) // groups <= most:
            pairs["matched"] = matched(flat, groups, bits)
        best = pairs.get("matched", pairs["adjacent"])
        found = {way: distances(flat, chosen, bits) for way, chosen in pairs.items()}
        found["after"] = distances(complementary(flat, best, bits).weights(), best, bits + 1)
        row = {"layer": layer.name, "type": layer.type, "filters": flat.shape[0], "inputs": flat.shape[1]}
        rows.append(row | {f"{key}_{way}": value for way, each in found.items() for key, value in each.items()})
    return pd.DataFrame(rows)


def _own(layer: Layer, weights: Mapping[str, np.ndarray]) -> np.ndarray:
    """A layer's weights; raises FCCError if there are none or they have another shape."""
    if layer.name not in weights:
        raise FCCError(f"layer {layer.name!r} has no weights; there are those of {', '.join(weights) or 'none'}")
    found = np.asarray(weights[layer.name])
    kernel = (layer.filters, layer.channels // layer.groups, layer.kernel_height, layer.kernel_width)
    legal = {kernel, (layer.filters, layer.inputs_per_window)} | ({kernel[:3]} if layer.kernel_width == 1 else set())
    if found.shape not in legal:
        raise FCCError(f"layer {layer.name!r}: weights of shape {found.shape}, legal are {sorted(legal)}")
    return found
