"""Where a layer's words, inputs and windows are on the macros, as index arrays: the functional model's loop nest.

It counts macros, parts and tiles on its own, where :mod:`analysis.mapping` has formulas, so that tests can hold either
against the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from analysis.architecture import Design, MacroGeometry
from analysis.fcc import NONE, Stored, integer, integers, pairing_groups
from analysis.mapping import Mapping
from analysis.workloads import Layer


class FunctionalError(ValueError):
    """A layer, its inputs or its weights that the functional macro cannot run."""


class Address(NamedTuple):
    """A row address: its tile, which of the tile's it is, the fill of the cells that holds it, and its row."""

    tile: int
    turn: int
    fill: int
    row: int


@dataclass(frozen=True)
class Layout:
    """Places on the macros; ``NONE`` where there is nothing.

    Attributes:
        words: stored word by place, shape ``(tile, macro, word, part)``; a tile is an output tile of a group.
        inputs: input of the window by place, shape ``(row address of a tile, macro, compartment)``.
        ends: first compartment behind each part of the adder tree; one part unless it is split.
        pixel: which of the windows that run at once a macro works on, shape ``(macro,)``.
        pixels: windows that run at once [1].
    """

    words: np.ndarray
    inputs: np.ndarray
    ends: tuple[int, ...]
    pixel: np.ndarray
    pixels: int

    def addresses(self, rows: int) -> list[Address]:
        """Every row address in the order in which they are opened.

        A tile that does not fit into the rows left begins a new fill: its partial sums stay in the accumulators.

        Args:
            rows: of a macro [1].
        """
        found, fill, row = [], 0, 0
        for tile in range(len(self.words)):
            if row and row + len(self.inputs) > rows:
                fill, row = fill + 1, 0
            for turn in range(len(self.inputs)):
                if row == rows:
                    fill, row = fill + 1, 0
                found.append(Address(tile, turn, fill, row))
                row += 1
        return found

    @property
    def part(self) -> np.ndarray:
        """Part of the tree that a compartment belongs to, shape ``(compartment,)``."""
        return np.minimum(np.searchsorted(self.ends, np.arange(self.inputs.shape[2]), "right"), len(self.ends) - 1)


def place(layer: Layer, stored: Stored, geometry: MacroGeometry, design: Design, mapping: Mapping) -> Layout:
    """Layout of a layer.

    Words go to the parts of a tree first, then to the words of a row, then to macros over channels, then to further
    tiles. Inputs of a window go to the compartments, then to macros over inputs, then to further row addresses.
    """
    deep = layer.type == "depthwise"
    count = layer.inputs_per_window
    groups = pairing_groups(layer)
    each = len(stored.words) // groups
    channels = geometry.macros // (mapping.pixel_macros * mapping.input_macros)
    used = _depthwise_macros(channels, design, mapping) if deep else channels
    width = mapping.depthwise_words if deep else geometry.words
    parts = _parts(geometry, mapping, count) if deep and design.splits else 1
    tiles = -(-each // (used * width * parts))
    slots = np.arange(tiles * used * width * parts).reshape(1, tiles, used, width, parts)
    own = np.where(slots < each, slots + each * np.arange(groups).reshape(-1, 1, 1, 1, 1), NONE)
    words = np.full((groups * tiles, channels, geometry.words, parts), NONE)
    words[:, :used, :width] = own.reshape(-1, used, width, parts)
    channel, pixel, turn = np.indices((channels, mapping.pixel_macros, mapping.input_macros)).reshape(3, -1)
    return Layout(
        words[:, channel],
        _inputs(count, parts, geometry.compartments, mapping.input_macros)[:, turn],
        tuple(count * part for part in range(1, parts)) + (geometry.compartments,),
        pixel,
        mapping.pixel_macros,
    )


def _depthwise_macros(channels: int, design: Design, mapping: Mapping) -> int:
    """Macros over channels that a depthwise layer uses [1]."""
    asked = mapping.depthwise_macros
    if design.outputs == 1 and mapping.baseline_depthwise_macros is not None:
        asked = mapping.baseline_depthwise_macros
    return channels if asked is None else asked


def _parts(geometry: MacroGeometry, mapping: Mapping, count: int) -> int:
    """Windows of a depthwise layer side by side in one tree [1]."""
    most = geometry.split_windows if mapping.depthwise_windows is None else mapping.depthwise_windows
    return max(min(geometry.compartments // count, most), 1)


def _inputs(count: int, parts: int, compartments: int, macros: int) -> np.ndarray:
    """Input of the window by row address, macro over inputs and compartment."""
    if parts > 1:
        found = np.full((1, macros, compartments), NONE)
        found[0, 0, : count * parts] = np.tile(np.arange(count), parts)
        return found
    turns = -(-count // (compartments * macros))
    found = np.arange(turns * macros * compartments).reshape(turns, macros, compartments)
    return np.where(found < count, found, NONE)


def cells(layout: Layout, stored: Stored, geometry: MacroGeometry) -> np.ndarray:
    """Bits in Q, shape ``(fill, macro, compartment, row, column)``; a fill is what the macros hold at one time.

    Bit b of word j is in column ``j weight_bits + b``, the least significant one first. Unused cells hold 0.
    """
    addresses = layout.addresses(geometry.rows)
    fills = addresses[-1].fill + 1
    macros = layout.words.shape[1]
    found = np.zeros((fills, macros, geometry.compartments, geometry.rows, geometry.columns), dtype=bool)
    for tile, turn, fill, row in addresses:
        words = layout.words[tile][:, :, layout.part].transpose(0, 2, 1)
        inputs = layout.inputs[turn][:, :, None]
        held = np.where((words != NONE) & (inputs != NONE), stored.words[words, inputs], 0)
        found[fill, :, :, row] = bits_of(held, geometry.weight_bits).reshape(*held.shape[:2], -1)
    return found


def bits_of(values: np.ndarray, bits: int) -> np.ndarray:
    """Bits of two's complement, least significant first, in a last dimension.

    >>> bits_of(np.array(-2), 3).tolist()
    [False, True, True]
    """
    return (values[..., None] >> np.arange(bits) & 1).astype(bool)


def windows(layer: Layer, values: np.ndarray, zero_point: int) -> np.ndarray:
    """Inputs of each window, padded with the zero point, shape ``(group, window, input)``.

    Args:
        values: integers of shape ``(image, channel, row, column)``.

    Raises:
        FunctionalError: another shape. FCCError: no integers, or a zero point that is not one.
    """
    shape = (layer.batch, layer.channels, layer.height, layer.width)
    found = integers(values, "inputs")
    if found.shape != shape:
        raise FunctionalError(f"layer {layer.name!r}: inputs of shape {found.shape} are not {shape}")
    step, sides = layer.stride, [(pad, pad) for pad in layer.pads]
    padded = np.pad(found, ((0, 0), (0, 0), *sides), constant_values=integer(zero_point, "zero_point"))
    views = np.lib.stride_tricks.sliding_window_view(padded, (layer.kernel_height, layer.kernel_width), axis=(2, 3))
    views = views[:, :, ::step, ::step]
    grouped = views.reshape(layer.batch, layer.groups, -1, *views.shape[2:])
    return grouped.transpose(1, 0, 3, 4, 2, 5, 6).reshape(layer.groups, layer.windows, layer.inputs_per_window)
