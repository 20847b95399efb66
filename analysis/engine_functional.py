"""The in-MRAM convolution engine at work, bit by bit: rows of cells, ANDs of row pairs, counts, shifts and sums.

Every sub-array is an array of bits. Slot s holds plane n of its filters in row ``s weight_bits + n``, and the planes of
a window's inputs are in the last rows. The pairs of planes go from the highest power of two down: an accumulator takes
``acc + count``, minus where one of both planes is that of a sign, and ``2 acc`` between two powers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from analysis.engine_mapping import COUNTS, Engine, Placement, Precision, copies, place
from analysis.fcc import integers
from analysis.functional import BLOCK
from analysis.functional_layout import FunctionalError, bits_of, windows
from analysis.workloads import Layer


@dataclass(frozen=True)
class EngineRun:
    """What a layer gave.

    Attributes:
        outputs: sums of products, shape ``(image, filter, row, column)``.
        counts: those of ``engine_mapping.COUNTS``, and ``wrong``, ANDs that erred [1].
    """

    outputs: np.ndarray
    counts: Mapping[str, int]


@dataclass
class _SubArray:
    """Cells of one tile and chunk, and what is done with them.

    Attributes:
        engine, precision: of the run. slots: rows of filters in use. ways: filters side by side in a row.
        used: whether a column of a slot belongs to a filter and an input, shape ``(slot, column)``.
        wrong, rng: share of ANDs that err [1], and what draws them.
    """

    engine: Engine
    precision: Precision
    ways: int
    used: np.ndarray
    wrong: float
    rng: np.random.Generator | None
    cells: np.ndarray = field(init=False)
    done: Counter = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.cells = np.zeros((self.engine.rows, self.engine.columns), dtype=bool)

    @property
    def width(self) -> int:
        """Columns of one filter [1]."""
        return self.engine.columns // self.ways

    def write_weights(self, planes: np.ndarray, many: int) -> None:
        """Planes of the filters, shape ``(slot, way, input, plane)``; 0 where there is none. Into ``many`` copies."""
        slots, _, inputs, bits = planes.shape
        rows = np.zeros((slots, bits, self.ways, self.width), dtype=bool)
        rows[..., :inputs] = planes.transpose(0, 3, 1, 2)
        self.cells[: slots * bits] = rows.reshape(slots * bits, -1)
        self.done.update(weight_rows=many * slots * bits, weight_writes=many * bits * int(self.used.sum()))

    def sums(self, planes: np.ndarray, repeated: int) -> np.ndarray:
        """Write a block of windows' inputs, one after the other, and take all pairs of planes with each.

        Args:
            planes: shape ``(window, input, plane)``. repeated: ways that the inputs are written to.

        Returns:
            Sums, shape ``(window, slot, way)``.
        """
        count, inputs, bits = planes.shape
        rows = np.zeros((count, bits, self.ways, self.width), dtype=bool)
        rows[:, :, :repeated, :inputs] = planes.transpose(0, 2, 1)[:, :, None]
        rows = rows.reshape(count, bits, -1)
        self.done.update(input_rows=count * bits, input_writes=count * bits * repeated * inputs)
        total = np.zeros((count, len(self.used), self.ways), dtype=np.int64)
        filters = int(self.used.reshape(len(self.used), self.ways, self.width).any(axis=2).sum())
        top = self.precision.weight_bits + bits - 2
        for place_value in range(top, -1, -1):
            if place_value < top:
                total *= 2
                self.done["shifts"] += count * filters
            for n in range(max(place_value - bits + 1, 0), min(place_value, self.precision.weight_bits - 1) + 1):
                total += self._sign(n, place_value - n) * self._count(n, rows[:, place_value - n])
                self.done["counts"] += count * filters
        return total

    def _count(self, n: int, row: np.ndarray) -> np.ndarray:
        """Open plane n of every slot with a row of inputs, one slot after the other: ones of each way."""
        sensed = self.cells[n : len(self.used) * self.precision.weight_bits : self.precision.weight_bits] & row[:, None]
        self.done.update(activations=sensed.shape[0] * sensed.shape[1], ands=len(row) * int(self.used.sum()))
        if self.wrong:
            erred = (self.rng.random(sensed.shape) < self.wrong) & self.used
            self.done["wrong"] += int(erred.sum())
            sensed = sensed ^ erred
        return sensed.reshape(*sensed.shape[:2], self.ways, self.width).sum(axis=3)

    def _sign(self, n: int, m: int) -> int:
        """Sign of a pair of planes."""
        at = self.precision
        negative = (at.signed_weights and n == at.weight_bits - 1) != (at.signed_inputs and m == at.input_bits - 1)
        return -1 if negative else 1


def run(
    layer: Layer,
    inputs: np.ndarray,
    weights: np.ndarray,
    precision: Precision,
    engine: Engine | None = None,
    *,
    wrong: float = 0.0,
    rng: np.random.Generator | None = None,
) -> EngineRun:
    """Run a layer on the sub-arrays, pair of rows by pair of rows.

    Args:
        inputs: integers of shape ``(image, channel, row, column)``. weights: of shape ``(filter, ...)``.
        precision: lengths and signs of both.
        engine: the defaults of its class if None.
        wrong: share of ANDs whose result is the other one [1]. rng: draws them.

    Raises:
        FunctionalError: inputs or weights of another shape or beyond their bits, or errors without a generator.
        MacroError: words that the engine is not built for.
    """
    engine = engine or Engine()
    at = place(layer, engine, precision)
    if not 0 <= wrong <= 1:
        raise FunctionalError(f"wrong={wrong!r} is outside 0..1")
    if wrong and rng is None:
        raise FunctionalError("errors need a generator, rng=numpy.random.default_rng(seed)")
    streams, flat = windows(layer, inputs, 0), integers(weights, "weights")
    if flat.size != layer.weights or len(flat) != layer.filters:
        raise FunctionalError(f"layer {layer.name!r}: weights of shape {flat.shape} are not the layer's")
    flat = flat.reshape(at.groups, at.filters, at.inputs)
    _in_range(layer, streams, precision.input_bits, precision.signed_inputs, "inputs")
    _in_range(layer, flat, precision.weight_bits, precision.signed_weights, "weights")
    done: Counter = Counter()
    sums = np.zeros((at.groups, at.filters, at.windows), dtype=np.int64)
    for group, tile, chunk in np.ndindex(at.groups, at.tiles, at.chunks):
        first = tile * at.slots * at.ways
        own = flat[group, first : first + at.slots * at.ways, chunk * engine.columns : (chunk + 1) * engine.columns]
        seen = streams[group, :, chunk * engine.columns : (chunk + 1) * engine.columns]
        array = _loaded(own, at, engine, precision, wrong, rng)
        for start in range(0, at.windows, BLOCK):
            some = array.sums(bits_of(seen[start : start + BLOCK], precision.input_bits), at.repeated)
            found = some.reshape(len(some), -1)[:, : len(own)].T
            sums[group, first : first + len(own), start : start + BLOCK] += found
            array.done["merges"] += found.size if chunk else 0
        done += array.done
    maps = sums.reshape(layer.filters, layer.batch, layer.output_height, layer.output_width).swapaxes(0, 1)
    return EngineRun(maps, {name: done[name] for name in (*COUNTS, "wrong")})


def _loaded(
    own: np.ndarray,
    at: Placement,
    engine: Engine,
    precision: Precision,
    wrong: float,
    rng: np.random.Generator | None,
) -> _SubArray:
    """A sub-array that holds filters, shape ``(filter, input)``, those of one row next to each other."""
    slots = -(-len(own) // at.ways)
    used = np.zeros((slots * at.ways, engine.columns // at.ways), dtype=bool)
    used[: len(own), : own.shape[1]] = True
    array = _SubArray(engine, precision, at.ways, used.reshape(slots, engine.columns), wrong, rng)
    words = np.zeros((slots * at.ways, own.shape[1]), dtype=np.int64)
    words[: len(own)] = own
    planes = bits_of(words, precision.weight_bits).reshape(slots, at.ways, own.shape[1], -1)
    array.write_weights(planes, copies(at, engine))
    return array


def _in_range(layer: Layer, values: np.ndarray, bits: int, signed: bool, what: str) -> None:
    """Raises FunctionalError for numbers that their bits do not hold."""
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if values.min() < low or values.max() > high:
        found = f"{what} reach from {values.min()} to {values.max()}"
        raise FunctionalError(f"layer {layer.name!r}: {found}, outside {low}..{high} ({bits} bits)")
