"""How layers run on the macros: passes, cycles, utilization, stored bits and traffic, as arrays over layers.

One pass is one row address with all input bits, one bit a cycle. In it a macro multiplies ``compartments`` inputs
with the words of one row, ``outputs`` times over. The schedule is a hypothesis about DDC-PIM (TCAD 43(3), 2024): its
abstract gives the broadcast of two inputs and the reconfigurable unit, not the schedule.

Every function takes one geometry and one mapping, or ``Points`` of either; then the shape is ``(geometry, layer)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.architecture import Design, MacroError, MacroGeometry, parameter
from analysis.workloads import Layer

_HYPOTHESIS = "hypothesis about DDC-PIM"


@dataclass(frozen=True)
class Mapping:
    """Choices of the schedule; each is assumed, none is published.

    Attributes:
        depthwise_words: words of a row that a depthwise layer uses; the others idle [1].
        depthwise_macros: macros over channels that a depthwise layer uses; None: all of them [1].
        baseline_depthwise_macros: the same for the baseline alone; None: as ``depthwise_macros`` [1].
        depthwise_windows: most windows side by side in a tree that splits; None: ``split_windows`` of the geometry [1].
        pixel_macros: macros that work on different windows with the same weights [1].
        input_macros: macros that work on different inputs of a window, their results added [1]. The macros are
            ``pixel_macros`` x ``input_macros`` x those over output channels.
        fill_cycles: cycles until the pipeline is full, each time that computing starts on newly written rows [1].
        recover_cycles: cycles that DDC waits for M sum(x), for each window, group and output tile [1].
        load_bits: bits written per macro and cycle; None: one row of one compartment [1].
        double_buffered: whether weights are written while the layer before computes, into rows of their own.
        buffer_bits: bits per cycle out of the input buffer, and as many into the output buffer; None: no limit [1].
        dram_bits: bits of weights per cycle from DRAM, and as many of feature maps; None: no limit [1].
        output_bits: length of an activation that leaves the macro [1].
        idle_energy: energy of the unused part of a macro over that of the used part [1].
    """

    depthwise_words: int = parameter(1, unit="1", source="assumed: a compartment broadcasts one input to all its words")
    depthwise_macros: int | None = parameter(
        None, unit="1", source=f"assumed ({_HYPOTHESIS}): one channel a macro, all"
    )
    baseline_depthwise_macros: int | None = parameter(None, unit="1", source="assumed: the baseline places as DDC does")
    depthwise_windows: int | None = parameter(None, unit="1", source="assumed: the tree splits wherever windows end")
    pixel_macros: int = parameter(1, unit="1", source=f"assumed ({_HYPOTHESIS}): macros run over output channels")
    input_macros: int = parameter(1, unit="1", source=f"assumed ({_HYPOTHESIS}): macros run over output channels")
    fill_cycles: int = parameter(0, unit="1", source="assumed: few against a layer's cycles")
    recover_cycles: int = parameter(0, unit="1", source="assumed: hidden behind the pass that follows")
    load_bits: int | None = parameter(None, unit="1", source="assumed: one write port, all macros at once")
    double_buffered: bool = parameter(False, unit="1", source="assumed: a macro computes or is written")
    buffer_bits: int | None = parameter(None, unit="1", source=f"assumed ({_HYPOTHESIS}): buffers always keep up")
    dram_bits: int | None = parameter(None, unit="1", source=f"assumed ({_HYPOTHESIS}): DRAM always keeps up")
    output_bits: int = parameter(8, unit="1", source="assumed: results are quantized again to INT8")
    idle_energy: float = parameter(1.0, unit="1", source="assumed: nothing is gated")

    def __post_init__(self) -> None:
        for name in ("fill_cycles", "recover_cycles"):
            if getattr(self, name) < 0:
                raise MacroError(f"{name}={getattr(self, name)!r} is below 0 (mapping.{name})")
        for name in _COUNTS:
            value = getattr(self, name)
            if value is not None and value < 1:
                raise MacroError(f"{name}={value!r} is below 1 (mapping.{name})")
        if not 0 <= self.idle_energy <= 1:
            raise MacroError(f"idle_energy={self.idle_energy!r} is outside 0..1 (mapping.idle_energy)")

    def check(self, geometry: MacroGeometry) -> None:
        """Raises MacroError if the macros cannot do what the mapping asks for."""
        g = geometry
        if g.macros % (self.pixel_macros * self.input_macros):
            asked = f"pixel_macros={self.pixel_macros} times input_macros={self.input_macros}"
            raise MacroError(f"{asked} does not divide macros={g.macros} (mapping.pixel_macros)")
        most = g.macros // (self.pixel_macros * self.input_macros)
        limits = {
            "depthwise_windows": (g.split_windows, f"split_windows={g.split_windows}"),
            "depthwise_words": (g.words, f"the {g.words} words of a row"),
            "depthwise_macros": (most, f"the {most} macros over output channels"),
            "baseline_depthwise_macros": (most, f"the {most} macros over output channels"),
        }
        for name, (limit, what) in limits.items():
            asked = getattr(self, name)
            if asked is not None and asked > limit:
                raise MacroError(f"{name}={asked} exceeds {what} (mapping.{name})")


_COUNTS = (
    "depthwise_words",
    "depthwise_macros",
    "baseline_depthwise_macros",
    "depthwise_windows",
    "pixel_macros",
    "input_macros",
    "load_bits",
    "buffer_bits",
    "dram_bits",
    "output_bits",
)


class Points:
    """Objects of one class side by side: each attribute is an array of shape ``(point, 1)``, to go with layers.

    >>> Points([Mapping(), Mapping(output_bits=4)]).output_bits.tolist()
    [[8], [4]]
    """

    def __init__(self, items: Sequence[Any]) -> None:
        self._items = tuple(items)

    def __len__(self) -> int:
        return len(self._items)

    def __getattr__(self, name: str) -> np.ndarray:
        if name.startswith("_"):
            raise AttributeError(name)
        found = np.array([getattr(item, name) for item in self._items])[:, None]
        setattr(self, name, found)
        return found


Geometry = MacroGeometry | Points
Choices = Mapping | Points


def given(value: Any, otherwise: Any) -> np.ndarray:
    """``value`` as integers, and ``otherwise`` where it is None; both may be arrays.

    >>> given(np.array([2, None]), 7).tolist()
    [2, 7]
    """
    return np.where(np.equal(value, None), otherwise, value).astype(np.int64)


@dataclass(frozen=True)
class Shapes:
    """Layers as integer arrays of shape ``(layer,)``: windows, inputs per window, filters and channels per group, ...

    Attributes:
        windows: positions of the kernel [1].
        inputs: inputs of one window and filter [1].
        filters: output channels of one group [1].
        groups: groups that run one after the other; 1 for a depthwise layer, whose channels run together [1].
        depthwise: whether the layer has one filter per channel.
        macs: multiply-accumulate operations [1].
        input_values, output_values: values of the feature maps [1].
    """

    windows: np.ndarray
    inputs: np.ndarray
    filters: np.ndarray
    groups: np.ndarray
    depthwise: np.ndarray
    macs: np.ndarray
    input_values: np.ndarray
    output_values: np.ndarray

    @classmethod
    def of(cls, layers: Sequence[Layer]) -> Shapes:
        """Shapes of a sequence of layers; raises MacroError if there are none."""
        if not layers:
            raise MacroError("a network needs at least one layer")
        depthwise = np.array([layer.type == "depthwise" for layer in layers])
        groups = np.where(depthwise, 1, [layer.groups for layer in layers])
        return cls(
            windows=np.array([layer.windows for layer in layers]),
            inputs=np.array([layer.inputs_per_window for layer in layers]),
            filters=np.array([layer.filters for layer in layers]) // groups,
            groups=groups,
            depthwise=depthwise,
            macs=np.array([layer.macs for layer in layers]),
            input_values=np.array([x.batch * x.channels * x.height * x.width for x in layers]),
            output_values=np.array([x.windows * x.filters for x in layers]),
        )


def ceil_div(a: np.ndarray, b: np.ndarray | int) -> np.ndarray:
    """Quotient of positive integers, rounded up.

    >>> int(ceil_div(np.array(9), 4))
    3
    """
    return -(-a // b)


def side_by_side(shapes: Shapes, geometry: Geometry, design: Design, mapping: Choices) -> np.ndarray:
    """Windows of a depthwise layer that one tree takes at once [1]; as many as fit into the compartments."""
    fit = np.maximum(geometry.compartments // shapes.inputs, 1)
    most = given(mapping.depthwise_windows, geometry.split_windows) if design.splits else 1
    return np.minimum(fit, most)


def channel_macros(shapes: Shapes, geometry: Geometry, design: Design, mapping: Choices) -> np.ndarray:
    """Macros that work on different output channels [1]."""
    macros = geometry.macros // (mapping.pixel_macros * mapping.input_macros)
    deep = given(mapping.depthwise_macros, macros)
    if design.outputs == 1:
        deep = given(mapping.baseline_depthwise_macros, deep)
    return np.where(shapes.depthwise, deep, macros)


def output_tiles(shapes: Shapes, geometry: Geometry, design: Design, mapping: Choices) -> np.ndarray:
    """Times that a window's inputs are processed because not all filters of a group fit side by side [1].

    Standard, pointwise, fc: ceil(filters / (words macros outputs)). Depthwise: ceil(channels / (depthwise_words macros
    outputs windows side by side)), where each repetition takes other channels. Macros are those over channels.
    """
    words = np.where(shapes.depthwise, mapping.depthwise_words, geometry.words)
    windows = np.where(shapes.depthwise, side_by_side(shapes, geometry, design, mapping), 1)
    together = words * channel_macros(shapes, geometry, design, mapping) * design.outputs * windows
    return ceil_div(shapes.filters, together)


def input_tiles(shapes: Shapes, geometry: Geometry, mapping: Choices) -> np.ndarray:
    """Row addresses that one window needs, ceil(inputs / (compartments input_macros)) [1]."""
    return ceil_div(shapes.inputs, geometry.compartments * mapping.input_macros)


def row_addresses(shapes: Shapes, geometry: Geometry, design: Design, mapping: Choices) -> np.ndarray:
    """Row addresses of a macro that a layer's weights take [1]; each is one pass for each window."""
    tiles = input_tiles(shapes, geometry, mapping) * output_tiles(shapes, geometry, design, mapping)
    return shapes.groups * tiles


def fills(shapes: Shapes, geometry: Geometry, design: Design, mapping: Choices) -> np.ndarray:
    """Times that the rows are written anew for a layer [1].

    An output tile that does not fit into the rows left begins a new fill, so that its partial sums stay in the
    accumulators; one of more row addresses than there are rows takes fills of its own.
    """
    addresses = input_tiles(shapes, geometry, mapping)
    tiles = shapes.groups * output_tiles(shapes, geometry, design, mapping)
    return ceil_div(tiles, np.maximum(geometry.rows // addresses, 1)) * ceil_div(addresses, geometry.rows)


def compute_cycles(shapes: Shapes, geometry: Geometry, design: Design, mapping: Choices) -> np.ndarray:
    """Cycles of computation [1]: every pass takes the input bits; recovery and filling of the pipeline as mapped.

    ``windows / pixel_macros`` (row addresses x input_bits + groups x output tiles x recover_cycles) + fills x
    fill_cycles. Only DDC recovers.
    """
    each = row_addresses(shapes, geometry, design, mapping) * geometry.input_bits
    if design.outputs == 2:
        tiles = shapes.groups * output_tiles(shapes, geometry, design, mapping)
        each = each + tiles * mapping.recover_cycles
    filling = fills(shapes, geometry, design, mapping) * mapping.fill_cycles
    return ceil_div(shapes.windows, mapping.pixel_macros) * each + filling


def utilization(shapes: Shapes, geometry: Geometry, design: Design, cycles: np.ndarray) -> np.ndarray:
    """Operations done over operations possible in ``cycles`` [1]."""
    peak = geometry.compartments * geometry.words * design.outputs * geometry.macros
    return shapes.macs * geometry.input_bits / (cycles * peak)


def stored_bits(shapes: Shapes, geometry: Geometry, design: Design, mapping: Choices) -> np.ndarray:
    """Weight bits that are written into cells [1]: one filter of each pair where both nodes compute.

    Pairs lie within a group; channels of a depthwise layer pair with each other. Macros over windows store copies.
    """
    filters = shapes.groups * ceil_div(shapes.filters, design.outputs)
    return filters * shapes.inputs * geometry.weight_bits * mapping.pixel_macros


def mean_bits(shapes: Shapes, geometry: Geometry, design: Design) -> np.ndarray:
    """Bits of the means of the pairs, one word each [1]; none for the baseline."""
    pairs = shapes.groups * ceil_div(shapes.filters, 2) if design.outputs == 2 else np.zeros_like(shapes.groups)
    return pairs * geometry.weight_bits


def load_cycles(shapes: Shapes, geometry: Geometry, design: Design, mapping: Choices) -> np.ndarray:
    """Cycles in which a layer's weights are written, once per network run, all macros at once [1].

    Each row of a compartment that holds a weight is written whole. The macro with the most of them counts: inputs of a
    window go to all compartments of one macro, then of the next one, then to the next row address. In a split tree
    the last output tile may have fewer channels than there are windows side by side.
    """
    c, tiles = geometry.compartments, output_tiles(shapes, geometry, design, mapping)
    before = input_tiles(shapes, geometry, mapping) - 1
    rows = before * c + np.minimum(shapes.inputs - before * c * mapping.input_macros, c)
    windows = np.where(shapes.depthwise, side_by_side(shapes, geometry, design, mapping), 1)
    slots = channel_macros(shapes, geometry, design, mapping) * windows
    slots = slots * np.where(shapes.depthwise, mapping.depthwise_words, geometry.words)
    last = ceil_div(shapes.filters, design.outputs) - (tiles - 1) * slots
    rows = rows * shapes.groups * ((tiles - 1) * windows + np.minimum(last, windows))
    return ceil_div(rows * geometry.columns, given(mapping.load_bits, geometry.columns))


@dataclass(frozen=True)
class Traffic:
    """Bits moved for each layer [1].

    Attributes:
        cell_write: into the cells.
        input_buffer: into and out of the input buffer.
        output_buffer: into and out of the output buffer, spilled partial sums included.
        global_read, global_write: out of and into the global buffer.
        dram: from and to DRAM.
        to_macros: out of the input buffer, part of ``input_buffer``.
        weights: from DRAM, part of ``dram``.
    """

    cell_write: np.ndarray
    input_buffer: np.ndarray
    output_buffer: np.ndarray
    global_read: np.ndarray
    global_write: np.ndarray
    dram: np.ndarray
    to_macros: np.ndarray
    weights: np.ndarray


def traffic(shapes: Shapes, geometry: Geometry, design: Design, mapping: Choices, global_bits: int) -> Traffic:
    """Bits moved for each layer (assumed schedule).

    A layer's input map goes once from the global to the input buffer, and from there to the macros for every output
    tile; windows that overlap fetch their inputs again. Partial sums stay in the accumulators unless a window needs
    more row addresses than a macro has rows. The output map goes once through the output buffer to the global buffer.
    Weights come from DRAM once per network run, through the global buffer. The first input, the last output and every
    map larger than the global buffer (``global_bits`` [1]) pass DRAM.
    """
    inputs, outputs = shapes.input_values * geometry.input_bits, shapes.output_values * mapping.output_bits
    again = np.where(shapes.depthwise, shapes.filters, output_tiles(shapes, geometry, design, mapping))
    to_macros = shapes.windows * shapes.groups * shapes.inputs * again * geometry.input_bits
    spills = ceil_div(input_tiles(shapes, geometry, mapping), geometry.rows) - 1
    partial = 2 * spills * shapes.output_values * geometry.sum_bits
    cells = stored_bits(shapes, geometry, design, mapping)
    weights = cells // mapping.pixel_macros + mean_bits(shapes, geometry, design)
    first, last = np.zeros_like(shapes.depthwise), np.zeros_like(shapes.depthwise)
    first[0] = last[-1] = True
    maps = np.where(first | (inputs > global_bits), inputs, 0) + np.where(last | (outputs > global_bits), outputs, 0)
    return Traffic(
        cell_write=cells,
        input_buffer=inputs + to_macros,
        output_buffer=2 * outputs + partial,
        global_read=inputs + weights,
        global_write=outputs + weights,
        dram=weights + maps,
        to_macros=to_macros,
        weights=weights,
    )


@dataclass(frozen=True)
class Cycles:
    """Cycles of each layer [1].

    Attributes:
        compute: of computation.
        stall: in which macros wait for the feature buffers or for feature maps from DRAM.
        load: in which weights are written or awaited and nothing is computed.
    """

    compute: np.ndarray
    stall: np.ndarray
    load: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """All of them [1]."""
        return self.compute + self.stall + self.load


_NO_LIMIT = np.iinfo(np.int64).max
"""Bits per cycle of what never makes anyone wait."""


def cycles(shapes: Shapes, geometry: Geometry, design: Design, mapping: Choices, moved: Traffic) -> Cycles:
    """Cycles of each layer, with what the memories make the macros wait.

    A layer takes the longest of computation, its bits out of the input buffer, its bits into the output buffer, and
    its feature maps from and to DRAM. Before that its weights are written, no faster than DRAM brings them; double
    buffering hides this behind all that the layer before takes.
    """
    compute = compute_cycles(shapes, geometry, design, mapping)
    buffer_bits, dram_bits = given(mapping.buffer_bits, _NO_LIMIT), given(mapping.dram_bits, _NO_LIMIT)
    longest = np.maximum(compute, ceil_div(moved.to_macros, buffer_bits))
    longest = np.maximum(longest, ceil_div(moved.output_buffer // 2, buffer_bits))
    longest = np.maximum(longest, ceil_div(moved.dram - moved.weights, dram_bits))
    load = np.maximum(load_cycles(shapes, geometry, design, mapping), ceil_div(moved.weights, dram_bits))
    before = np.concatenate([np.zeros_like(longest[..., :1]), longest[..., :-1]], axis=-1)
    load = np.where(mapping.double_buffered, np.maximum(load - before, 0), load)
    return Cycles(compute, longest - compute, load)
