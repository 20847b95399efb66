"""How layers run on the macros: passes, cycles, utilization, stored bits and traffic, as arrays over layers.

One pass is one row address with all input bits, one bit a cycle. In it a macro multiplies ``compartments`` inputs
with the words of one row, ``outputs`` times over. The schedule is a hypothesis about DDC-PIM (TCAD 43(3), 2024): its
abstract gives the broadcast of two inputs and the reconfigurable unit, not the schedule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.architecture import Design, MacroError, MacroGeometry, parameter
from analysis.workloads import Layer


@dataclass(frozen=True)
class Mapping:
    """Choices of the schedule.

    Attributes:
        depthwise_words: words of a row that a depthwise layer uses; the others idle [1].
        depthwise_windows: windows side by side in a tree that splits; None: as many as fit into the compartments, at
            most ``split_windows`` of the geometry [1].
        write_bits: bits written per macro and cycle; None: one row of one compartment [1].
        output_bits: length of an activation that leaves the macro [1].
        idle_energy: energy of the unused part of a macro over that of the used part [1].
    """

    depthwise_words: int = parameter(1, unit="1", source="assumed: a compartment broadcasts one input to all its words")
    depthwise_windows: int | None = parameter(None, unit="1", source="assumed: the tree splits wherever windows end")
    write_bits: int | None = parameter(None, unit="1", source="assumed: one write port, all macros at once")
    output_bits: int = parameter(8, unit="1", source="assumed: results are quantized again to INT8")
    idle_energy: float = parameter(1.0, unit="1", source="assumed: nothing is gated")

    def __post_init__(self) -> None:
        for name in ("depthwise_words", "depthwise_windows", "write_bits", "output_bits"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise MacroError(f"{name}={value!r} is below 1")
        if not 0 <= self.idle_energy <= 1:
            raise MacroError(f"idle_energy={self.idle_energy!r} is outside 0..1")


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


def side_by_side(shapes: Shapes, geometry: MacroGeometry, design: Design, mapping: Mapping) -> np.ndarray:
    """Windows of a depthwise layer that one tree takes at once [1], shape ``(layer,)``.

    Raises MacroError if the mapping asks for more parts than the geometry's tree has.
    """
    most = geometry.split_windows if mapping.depthwise_windows is None else mapping.depthwise_windows
    if most > geometry.split_windows:
        raise MacroError(
            f"depthwise_windows={most} exceeds split_windows={geometry.split_windows} (macro.split_windows)"
        )
    return np.clip(geometry.compartments // shapes.inputs, 1, most) if design.splits else np.ones_like(shapes.inputs)


def output_tiles(shapes: Shapes, geometry: MacroGeometry, design: Design, mapping: Mapping) -> np.ndarray:
    """Times that a window's inputs are processed because not all filters of a group fit side by side [1].

    Standard, pointwise, fc: ceil(filters / (words macros outputs)). Depthwise: ceil(channels / (depthwise_words macros
    outputs windows side by side)), where each repetition takes other channels.
    """
    standard = ceil_div(shapes.filters, geometry.words * geometry.macros * design.outputs)
    words = min(mapping.depthwise_words, geometry.words)
    together = words * geometry.macros * design.outputs * side_by_side(shapes, geometry, design, mapping)
    return np.where(shapes.depthwise, ceil_div(shapes.filters, together), standard)


def input_tiles(shapes: Shapes, geometry: MacroGeometry) -> np.ndarray:
    """Row addresses that one window needs, ceil(inputs / compartments) [1]."""
    return ceil_div(shapes.inputs, geometry.compartments)


def compute_cycles(shapes: Shapes, geometry: MacroGeometry, design: Design, mapping: Mapping) -> np.ndarray:
    """Cycles of computation [1], shape ``(layer,)``: passes times input bits; filling of the pipeline left out."""
    tiles = input_tiles(shapes, geometry) * output_tiles(shapes, geometry, design, mapping)
    return shapes.windows * shapes.groups * tiles * geometry.input_bits


def utilization(shapes: Shapes, geometry: MacroGeometry, design: Design, cycles: np.ndarray) -> np.ndarray:
    """Operations done over operations possible in ``cycles`` [1]."""
    peak = geometry.compartments * geometry.words * design.outputs * geometry.macros
    return shapes.macs * geometry.input_bits / (cycles * peak)


def stored_bits(shapes: Shapes, geometry: MacroGeometry, design: Design) -> np.ndarray:
    """Weight bits that are written into cells [1]: one filter of each pair where both nodes compute.

    Pairs lie within a group; channels of a depthwise layer pair with each other.
    """
    return shapes.groups * ceil_div(shapes.filters, design.outputs) * shapes.inputs * geometry.weight_bits


def mean_bits(shapes: Shapes, geometry: MacroGeometry, design: Design) -> np.ndarray:
    """Bits of the means of the pairs, one word each [1]; none for the baseline."""
    pairs = shapes.groups * ceil_div(shapes.filters, 2) if design.outputs == 2 else np.zeros_like(shapes.groups)
    return pairs * geometry.weight_bits


def load_cycles(shapes: Shapes, geometry: MacroGeometry, design: Design, mapping: Mapping) -> np.ndarray:
    """Cycles in which a layer's weights are written, once per network run, all macros at once [1].

    Rows are taken as full, and nothing is computed meanwhile (assumed).
    """
    bits = geometry.columns if mapping.write_bits is None else mapping.write_bits
    return ceil_div(stored_bits(shapes, geometry, design), bits * geometry.macros)


@dataclass(frozen=True)
class Traffic:
    """Bits moved for each layer [1], arrays of shape ``(layer,)``.

    Attributes:
        cell_write: into the cells.
        input_buffer: into and out of the input buffer.
        output_buffer: into and out of the output buffer, spilled partial sums included.
        global_read, global_write: out of and into the global buffer.
        dram: from and to DRAM.
    """

    cell_write: np.ndarray
    input_buffer: np.ndarray
    output_buffer: np.ndarray
    global_read: np.ndarray
    global_write: np.ndarray
    dram: np.ndarray


def traffic(shapes: Shapes, geometry: MacroGeometry, design: Design, mapping: Mapping, global_bits: int) -> Traffic:
    """Bits moved for each layer (assumed schedule).

    A layer's input map goes once from the global to the input buffer, and from there to the macros for every output
    tile. Partial sums stay in the accumulators unless a window needs more row addresses than a macro has rows. The
    output map goes once through the output buffer to the global buffer. Weights come from DRAM once per network run,
    through the global buffer. The first input, the last output and every map larger than the global buffer
    (``global_bits`` [1]) pass DRAM.
    """
    inputs, outputs = shapes.input_values * geometry.input_bits, shapes.output_values * mapping.output_bits
    again = np.where(shapes.depthwise, shapes.filters, output_tiles(shapes, geometry, design, mapping))
    to_macros = shapes.windows * shapes.groups * shapes.inputs * again * geometry.input_bits
    spills = ceil_div(input_tiles(shapes, geometry), geometry.rows) - 1
    partial = 2 * spills * shapes.output_values * geometry.sum_bits
    cells = stored_bits(shapes, geometry, design)
    weights = cells + mean_bits(shapes, geometry, design)
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
    )
