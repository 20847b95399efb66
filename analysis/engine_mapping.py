"""The in-MRAM convolution engine: what a bank consists of, where a layer's operands are, and what it does with them.

A convolution of words is a sum over their bit planes, ``sum of 2^(m+n) bitcount(C_n(W) AND C_m(I))``. A row of a
sub-array holds one bit plane of a filter, or of a window's inputs; both rows are opened together, the sense amplifiers
give the AND of every column, and a counter, a shifter and an adder behind them take the sum (He, Angizi, Fan, ISVLSI
2018; Angizi, He, Parveen, Fan, ASP-DAC 2018, whose abstracts name the steps and not the schedule).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from analysis.architecture import MacroError, parameter
from analysis.mapping import ceil_div
from analysis.workloads import Layer

_BANK = "Angizi et al. (analog or digital), ISVLSI 2019, read in a secondary source: 256 x 256 in a bank of 32 Mb"


LIMITS = {"idle_columns": 1.0, "ones": 1.0}
"""Fields of :class:`Engine` that are no counts, and the most that each may be."""


@dataclass(frozen=True)
class Engine:
    """A bank of computing sub-arrays, its logic the same for all word lengths, and its schedule.

    Attributes:
        rows, columns: of a sub-array, of one cell each [1].
        bank_bits: cells of the bank, all in computing sub-arrays [1].
        segments: equal parts of a row with a counter and an accumulator of their own, a power of two [1].
        word_bits: longest weight and input that the accumulators are built for [1].
        write_bits: columns of a sub-array that are written at once [1].
        copies: most copies of a layer's weights, each for other windows; as many as fit into the bank at once [1].
        idle_columns: energy of an AND of a column without operands over that of one with operands [1].
        ones: share of ones among the bits of weights and of inputs, for how often gates switch [1].
        result_bits: width of the adder of partial sums from several sub-arrays, and of such a sum [1].
    """

    rows: int = parameter(256, unit="1", source=_BANK)
    columns: int = parameter(256, unit="1", source=_BANK)
    bank_bits: int = parameter(32 * 1024 * 1024, unit="1", source=_BANK)
    segments: int = parameter(8, unit="1", source="assumed: rows of few inputs are shared by filters; 1 is one counter")
    word_bits: int = parameter(8, unit="1", source="assumed: the longest word of the comparison")
    write_bits: int = parameter(64, unit="1", source="assumed: write drivers that columns share")
    copies: int = parameter(1, unit="1", source="assumed: weights are written once, windows one after the other")
    idle_columns: float = parameter(1.0, unit="1", source="assumed: columns are not gated")
    ones: float = parameter(0.5, unit="1", source="assumed: random operands")
    result_bits: int = parameter(32, unit="1", source="assumed: holds every sum of 2^7 sub-arrays")

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if most := LIMITS.get(name):
                if not 0 <= value <= most:
                    raise MacroError(f"{name}={value!r} is outside 0..{most:g} (Engine.{name})")
            elif not isinstance(value, int) or value < 1:
                raise MacroError(f"{name}={value!r} is not a positive integer (Engine.{name})")
        if self.segments & (self.segments - 1) or self.columns % self.segments or self.segment < 2:
            legal = f"a power of two that divides columns={self.columns} into parts of 2 or more"
            raise MacroError(f"segments={self.segments} is not {legal} (Engine.segments)")
        if self.subarrays < 1:
            raise MacroError(f"bank_bits={self.bank_bits} is less than one sub-array (Engine.bank_bits)")

    @property
    def segment(self) -> int:
        """Columns of a segment [1]."""
        return self.columns // self.segments

    @property
    def subarrays(self) -> int:
        """Sub-arrays of the bank [1]."""
        return self.bank_bits // (self.rows * self.columns)

    @property
    def count_bits(self) -> int:
        """Width of the count of a whole row [1]."""
        return self.columns.bit_length()

    @property
    def sum_bits(self) -> int:
        """Width of an accumulator, sign included [1]."""
        return self.count_bits + 2 * self.word_bits

    @property
    def row_writes(self) -> int:
        """Write pulses that a row takes [1]."""
        return -(-self.columns // self.write_bits)


@dataclass(frozen=True)
class Precision:
    """Lengths of weights and inputs [bit]; two's complement where signed, whose highest plane counts negative."""

    weight_bits: int
    input_bits: int
    signed_weights: bool = True
    signed_inputs: bool = False

    def __post_init__(self) -> None:
        for name in ("weight_bits", "input_bits"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise MacroError(f"{name}={value!r} is not a positive integer")

    @property
    def planes(self) -> int:
        """Pairs of bit planes [1]."""
        return self.weight_bits * self.input_bits


@dataclass(frozen=True)
class Placement:
    """Where the operands of one layer are.

    A window's inputs take ``chunks`` rows side by side, each of another sub-array. Where they need few columns,
    ``ways`` filters share a row, their inputs repeated. A sub-array holds ``slots`` such rows of filters, each with
    ``weight_bits`` planes, and one window's planes; further filters are in further ``tiles``.

    Attributes:
        groups, windows, inputs, filters: of the layer; filters of one group [1].
        ways, slots, chunks, tiles: as above; tiles of one group [1].
    """

    groups: int
    windows: int
    inputs: int
    filters: int
    ways: int
    slots: int
    chunks: int
    tiles: int

    @property
    def occupied(self) -> int:
        """Sub-arrays that hold the layer's weights once [1]."""
        return self.groups * self.tiles * self.chunks

    @property
    def filled(self) -> int:
        """Slots in use in all tiles of one group and chunk [1]."""
        return -(-self.filters // self.ways)

    @property
    def repeated(self) -> int:
        """Times that a window's inputs stand in a row [1]."""
        return min(self.ways, self.filters)


def place(layer: Layer, engine: Engine, precision: Precision) -> Placement:
    """Placement of a layer; raises MacroError for words that the engine is not built for."""
    for name in ("weight_bits", "input_bits"):
        if getattr(precision, name) > engine.word_bits:
            raise MacroError(f"{name}={getattr(precision, name)} exceeds word_bits={engine.word_bits} of the engine")
    slots = (engine.rows - precision.input_bits) // precision.weight_bits
    if slots < 1:
        planes = f"{precision.weight_bits} planes of a filter and {precision.input_bits} of its inputs"
        raise MacroError(f"rows={engine.rows} do not hold {planes} (Engine.rows)")
    inputs, filters = layer.inputs_per_window, layer.filters // layer.groups
    parts = 1 << (ceil_div(min(inputs, engine.columns), engine.segment) - 1).bit_length()
    ways = max(engine.segments // parts, 1)
    return Placement(
        groups=layer.groups,
        windows=layer.windows,
        inputs=inputs,
        filters=filters,
        ways=ways,
        slots=slots,
        chunks=ceil_div(inputs, engine.columns),
        tiles=ceil_div(filters, slots * ways),
    )


COUNTS = {
    "activations": "pairs of rows opened and sensed",
    "ands": "ANDs of two cells that hold operands",
    "counts": "counts of ones that an accumulator took",
    "shifts": "shifts of an accumulator by one place",
    "merges": "partial sums added to one of another sub-array",
    "input_rows": "rows of inputs written",
    "input_writes": "cells of inputs written",
    "weight_rows": "rows of weights written, all copies",
    "weight_writes": "cells of weights written, all copies",
}
"""What the engine does in a layer [1]; the functional model counts the same by doing it."""


def copies(at: Placement, engine: Engine) -> int:
    """Copies of a layer's weights, one for some of the windows each [1]."""
    return max(min(engine.copies, at.windows, engine.subarrays // at.occupied), 1)


def counts(at: Placement, engine: Engine, precision: Precision) -> dict[str, int]:
    """``COUNTS`` of a layer."""
    rows = at.groups * at.chunks * at.filled
    windows = at.groups * at.windows
    results = windows * at.filters
    many = copies(at, engine)
    return {
        "activations": rows * at.windows * precision.planes,
        "ands": results * at.inputs * precision.planes,
        "counts": results * at.chunks * precision.planes,
        "shifts": results * at.chunks * (precision.weight_bits + precision.input_bits - 2),
        "merges": results * (at.chunks - 1),
        "input_rows": windows * at.tiles * at.chunks * precision.input_bits,
        "input_writes": windows * at.tiles * at.inputs * at.repeated * precision.input_bits,
        "weight_rows": rows * precision.weight_bits * many,
        "weight_writes": at.groups * at.filters * at.inputs * precision.weight_bits * many,
    }


@dataclass(frozen=True)
class Steps:
    """What a layer's time is made of [1].

    Attributes:
        operations: two-row operations one after the other. input_pulses, weight_pulses: write pulses one after the
            other.
    """

    operations: int
    input_pulses: int
    weight_pulses: int


def steps(at: Placement, engine: Engine, precision: Precision) -> Steps:
    """Steps of a layer (assumed schedule): sub-arrays work side by side, each on one row or pair of rows at a time.

    Where a layer needs more sub-arrays than there are, rounds follow one another, each as long as its fullest one.
    """
    many = copies(at, engine)
    rounds = ceil_div(at.occupied * many, engine.subarrays)
    fullest = min(at.slots, at.filled)
    windows = rounds * ceil_div(at.windows, many)
    return Steps(
        operations=windows * fullest * precision.planes,
        input_pulses=windows * precision.input_bits * engine.row_writes,
        weight_pulses=rounds * fullest * precision.weight_bits * engine.row_writes,
    )
