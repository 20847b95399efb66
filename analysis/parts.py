"""Logic of a macro part by part: which gates it has, and how often they switch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from analysis import logic
from analysis.architecture import Design, MacroGeometry, MacroModel
from analysis.column import Column
from analysis.logic import Block, Gates

COMPONENTS = ("array", "multiply", "drivers", "adder_tree", "accumulator", "recover", "means")
"""Parts of the macro. Decoders, control and write circuits are left out."""


@dataclass(frozen=True)
class Part:
    """Logic that belongs to a component.

    Attributes:
        component: of ``COMPONENTS``.
        role: of ``logic.ROLES``, how often its gates switch at an operation.
        block: its gates.
        per_cycle: operations per cycle [1]. Its flip-flops are clocked in any case.
    """

    component: str
    role: str
    block: Block
    per_cycle: float = 1.0


@lru_cache(maxsize=4096)
def parts(
    geometry: MacroGeometry, design: Design, reads_per_pass: int, complete: bool, latched: bool
) -> tuple[Part, ...]:
    """All modelled logic of one macro.

    Each local bit line has a NOR gate as multiplier; a tree of two-input gates merges the strips of a column. Every
    word and output has an adder tree with a register behind it and an accumulator; a tree that splits has one
    accumulator more for each further part, of one word, which rests while the tree is whole; what separates its parts
    is free (assumed).

    Args:
        reads_per_pass: as of ``MacroModel``.
        complete, latched: as of ``analysis.column.Column``. Where the column's energy is complete, that of NOR gates,
            latches and input lines is in it.
    """
    g, outputs = geometry, design.outputs
    lines = g.columns_read * g.strips
    held = max(g.input_bits - reads_per_pass, 0) / g.input_bits
    found = [
        Part("multiply", "product", Block.of(nor2=lines * outputs), 0.0 if complete else held / g.strips),
        Part("drivers", "product", Block.of(input_load=lines * outputs), 0.0 if complete else 1.0),
        Part("drivers", "product", drivers(g, outputs), 0.0),
        Part("array", "product", Block.of(precharge=lines), 0.0),
        *tree_parts("adder_tree", g.compartments, g.weight_bits, g.words * outputs),
        Part("adder_tree", "register", logic.register(g.tree_bits) * (g.words * outputs)),
        Part("accumulator", "accumulator", logic.accumulator(g.tree_bits, g.sum_bits) * (g.words * outputs)),
    ]
    if latched:
        found.append(Part("multiply", "product", Block.of(latch=lines), 0.0))
    if design.splits:
        resting = logic.accumulator(g.tree_bits, g.sum_bits) * (outputs * (g.split_windows - 1))
        found.append(Part("accumulator", "accumulator", resting, 0.0))
    if g.strips > 1:
        merge = Block.of(nand2=(g.strips - 1) * g.columns_read * outputs)
        found.append(Part("multiply", "product", merge, logic.tree_depth(g.strips) / (g.strips - 1)))
    return (*found, *(recover_parts(g, design) if outputs == 2 else ()))


def drivers(geometry: MacroGeometry, outputs: int) -> Block:
    """Drivers of one macro: of each row of each compartment, of its inputs in every strip, and of its precharge."""
    strips = geometry.compartments * geometry.strips
    return Block.of(wl_driver=geometry.compartments * geometry.rows, input_driver=strips * (outputs + 1))


def tree_parts(component: str, inputs: int, bits: int, count: int) -> list[Part]:
    """Levels of ``count`` adder trees."""
    levels = enumerate(logic.adder_tree(inputs, bits), start=1)
    return [Part(component, f"tree{min(level, logic.MEASURED_LEVELS)}", block * count) for level, block in levels]


def pairs_at_once(geometry: MacroGeometry, design: Design) -> int:
    """Pairs of filters that one row address holds, with a mean M each: words, or parts of a split tree [1]."""
    return max(geometry.words, geometry.split_windows if design.splits else 1)


def recover_parts(geometry: MacroGeometry, design: Design) -> tuple[Part, ...]:
    """The unit that adds M sum(x) to both results of a pair (assumed structure), and where M is stored.

    For each of the two inputs the set bits are counted and accumulated to sum(x); for each pair M sum(x) is multiplied
    bit by bit and added to both results, once per pass. A tree that splits has a sum for each part and input, and as
    its two inputs differ a product for each; what it has more than a whole tree rests while it is whole. The means of
    all rows fill cells beside the array (assumed), which are read once per pass.
    """
    g, pairs = geometry, pairs_at_once(geometry, design)
    count_bits = 1 + logic.tree_depth(g.compartments)
    count = logic.accumulator(count_bits, g.sum_bits - g.weight_bits + 1)
    multiply = logic.accumulator(g.sum_bits, g.sum_bits) + logic.register(g.weight_bits)
    split = g.split_windows if design.splits else 1
    products = max(2 * split if split > 1 else g.words, g.words)
    resting = (
        count * (2 * (split - 1)) + multiply * (products - g.words) + logic.adder(g.sum_bits) * (2 * (pairs - g.words))
    )
    return (
        *tree_parts("recover", g.compartments, 1, 2),
        Part("recover", "accumulator", count * 2 + multiply * g.words),
        Part("recover", "accumulator", logic.adder(g.sum_bits) * (2 * g.words), 1 / g.input_bits),
        Part("recover", "accumulator", resting, 0.0),
        Part("means", "product", Block.of(precharge=pairs * g.weight_bits * g.strips, wl_driver=g.rows), 0.0),
    )


def mean_cells(geometry: MacroGeometry, design: Design) -> int:
    """Cells that hold the means M of one macro [1]."""
    return geometry.rows * geometry.weight_bits * pairs_at_once(geometry, design) if design.outputs == 2 else 0


@dataclass(frozen=True)
class Counts:
    """Gates of macros, shape (geometry, component, kind) [1].

    Attributes:
        placed: all of them.
        switched: transitions in a cycle.
        clocked: flip-flops, shape (geometry, component).
    """

    placed: np.ndarray
    switched: np.ndarray
    clocked: np.ndarray


def count_gates(
    at: Column, gates: Gates, geometries: Sequence[MacroGeometry], model: MacroModel, design: Design
) -> Counts:
    """Gates of macros of one design, and how often they switch."""
    shape = len(geometries), len(COMPONENTS), len(logic.KINDS)
    placed, switched = np.zeros(shape), np.zeros(shape)
    clocked = np.zeros(shape[:2])
    place = {name: number for number, name in enumerate(COMPONENTS)}
    for number, g in enumerate(geometries):
        activity = gates.activity["precharged" if model.reads_per_pass >= g.input_bits else "held"]
        for part in parts(g, design, model.reads_per_pass, at.complete, at.latched):
            counts, where = part.block.counts, place[part.component]
            placed[number, where] += counts
            if part.per_cycle:
                switched[number, where] += part.per_cycle * activity[part.role] * counts
            if flip_flops := counts[logic.FLIP_FLOP]:
                clocked[number, where] += flip_flops * (1.0 if part.per_cycle else model.idle_clock)
    return Counts(placed, switched, clocked)
