"""A bit-serial digital macro at work, bit by bit: what columns, trees, accumulators and recover units hold.

Each cycle broadcasts one bit of the inputs, the most significant first. A column gives ``P = INP AND Q`` and, where
both nodes compute, ``N = INN AND Q-bar`` (:mod:`netlists.readpath`). A tree sums the words of the compartments, the
sign bit's column negative; an accumulator takes ``2 acc + sum`` as :mod:`netlists.addertree` does, in the first cycle
``-sum`` for signed inputs. Row addresses of one window add up in a total, and the recover unit adds M sum(x).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import xarray as xr

from analysis.architecture import Design, MacroGeometry
from analysis.fcc import NONE, Stored
from analysis.functional_layout import Address, FunctionalError, Layout, bits_of, cells, place, windows
from analysis.logic import tree_depth
from analysis.mapping import Mapping
from analysis.workloads import Layer

LONGEST = 63
"""Longest sum [bit]: with a bias it fits into 64 bits."""
BLOCK = 64
"""Windows that are computed together: bounds the memory, and fixes in which order errors are drawn."""

DIMS: Dictionary[str, tuple[str, ...]] = {
    "input": ("cycle", "macro", "compartment", "word", "output"),
    "column": ("cycle", "macro", "compartment", "column", "output"),
    **dict.fromkeys(
        ("tree", "accumulator", "total", "result", "ones", "input_sum", "input_total"),
        ("cycle", "macro", "word", "part", "output"),
    ),
}
"""Variables of a trace with their dimensions."""
RECOVERY = ("ones", "input_sum", "input_total")
"""Those of the recover unit, which only a macro with two outputs has."""
TEXTS: Dictionary[str, str] = {
    "input": "input bit that a word of a compartment sees",
    "column": "output of the column: input bit AND cell node",
    "tree": "sum of the words over the compartments of a part",
    "accumulator": "shift-accumulator of the row address, behind this cycle",
    "total": "sum of the window's finished row addresses",
    "ones": "input bits that are 1",
    "input_sum": "shift-accumulator of the ones, behind this cycle",
    "input_total": "sum of the inputs of the window's finished row addresses",
    "result": "total and M times input_total in the last cycle of a window, 0 before",
}
"""What each variable of a trace is."""


@dataclass(frozen=True)
class ReadErrors:
    """Probabilities that a read errs [1].

    Attributes:
        missed: an output that is due stays low.
        false: an output rises although its node is 0. Its input is 1: a gate whose input is 0 cannot.
        lost: a cell's bit turns over when its row is first read, and stays so; drawn once for each cell.
        fixed: the outputs that err are drawn once for each cell, and err whenever they can, as a slow cell does.
            Otherwise every operation (output and cycle) draws anew.
    """

    missed: float = 0.0
    false: float = 0.0
    lost: float = 0.0
    fixed: bool = False

    def __post_init__(self) -> None:
        for name in ("missed", "false", "lost"):
            if not 0 <= getattr(self, name) <= 1:
                raise FunctionalError(f"{name}={getattr(self, name)!r} is outside 0..1")

    @property
    def draws(self) -> bool:
        """Whether anything can err."""
        return any((self.missed, self.false, self.lost))

    @classmethod
    def of(cls, rates: xr.Dataset, at: Dictionary[str, Hashable], fixed: bool = True) -> ReadErrors:
        """Rates of a characterized column: ``read`` is missed, ``precharge`` and ``hold`` are false, ``disturb`` lost.

        A rate is the share of columns that err, both outputs and stored states together, so taken for each output it
        is an upper bound; and a column that errs does so at every cycle, hence ``fixed``.

        Args:
            rates: what :func:`analysis.errors.error_rates` returns; counted where errors are enough, else fitted.
            at: dimension to its value, ``cycle`` [s] with the others.

        Raises:
            FunctionalError: a value that is not on its axis, a dimension not chosen, a rate that is unknown.
        """
        for dim, value in at.items():
            if dim not in rates.coords or value not in rates[dim].values:
                there = ", ".join(map(str, np.atleast_1d(rates[dim].values))) if dim in rates.coords else "no axis"
                raise FunctionalError(f"{dim}={value!r} is not one of {there} (errors.nc)")
        here = rates.sel(dict(at)).squeeze(drop=True)
        parts = xr.where(here["extrapolated"] == 1, here["part_fitted"], here["part_counted"])
        if open_ := [str(dim) for dim in parts.dims if dim != "part"]:
            raise FunctionalError(f"{', '.join(open_)}: more than one value, choose one (errors.nc)")
        found = {str(part): float(parts.sel(part=part)) for part in rates["part"].values}
        if unknown := [part for part, rate in found.items() if not np.isfinite(rate) and part != "half_select"]:
            raise FunctionalError(f"rate of {', '.join(unknown)} is not known (errors.nc)")
        false = 1.0 - (1.0 - found["precharge"]) * (1.0 - found["hold"])
        return cls(found["read"], false, found.get("disturb", 0.0), fixed)


@dataclass(frozen=True)
class Run:
    """What a layer gave.

    Attributes:
        outputs: sums of products, zero point and bias included, shape ``(image, filter, row, column)``.
        cycles: cycles of computation that were executed [1].
        counts: ``due``, outputs due 1, with ``missed`` of them; ``idle``, outputs due 0 whose input is 1, with
            ``false`` of them; ``cells`` that hold a word, with ``lost`` of them [1].
        trace: contents in every cycle, see ``DIMS``, None unless asked for; ``window`` is ``NONE`` where a macro rests.
    """

    outputs: np.ndarray
    cycles: int
    counts: Dictionary[str, int]
    trace: xr.Dataset | None = None


@dataclass
class _Machine:
    """State of a run: contents that change, and the way there."""

    layer: Layer
    stored: Stored
    geometry: MacroGeometry
    layout: Layout
    streams: np.ndarray
    signed: bool
    errors: ReadErrors
    rng: np.random.Generator | None
    keep: bool
    q: np.ndarray = field(init=False)
    faults: dict[str, np.ndarray] = field(default_factory=dict)
    counts: Counter = field(default_factory=Counter)
    rows: list[dict[str, np.ndarray]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.q = cells(self.layout, self.stored, self.geometry)
        used = [
            self.geometry.weight_bits * self._there(at.tile, at.turn).any(-1).sum()
            for at in self.layout.addresses(self.geometry.rows)
        ]
        self.counts.update(cells=int(sum(used)))
        if self.errors.lost:
            self._lose()
        if self.errors.fixed and self.errors.draws:
            shape = (*self.q.shape, self.stored.outputs)
            self.faults = {kind: self.rng.random(shape) < getattr(self.errors, kind) for kind in ("missed", "false")}

    def _words(self, tile: int) -> np.ndarray:
        """Stored word by macro, compartment and word."""
        return self.layout.words[tile][:, :, self.layout.part].transpose(0, 2, 1)

    def _there(self, tile: int, turn: int) -> np.ndarray:
        """Whether an output belongs to a filter and an input, shape ``(macro, compartment, word, output)``."""
        words = self._words(tile)
        filters = np.where(words[..., None] == NONE, NONE, self.stored.filters[words])
        return (filters != NONE) & (self.layout.inputs[turn] != NONE)[:, :, None, None]

    def _lose(self) -> None:
        """Turn bits over."""
        for tile, turn, fill, row in self.layout.addresses(self.geometry.rows):
            there = np.repeat(self._there(tile, turn).any(-1), self.geometry.weight_bits, axis=-1)
            lost = there & (self.rng.random(there.shape) < self.errors.lost)
            self.q[fill, :, :, row] ^= lost
            self.counts["lost"] += int(lost.sum())

    def operands(self, tile: int, turn: int, at: np.ndarray) -> np.ndarray:
        """Inputs of shape ``(window, macro, compartment, word, output)``, 0 where nothing is to be computed.

        Args:
            at: window of each macro, ``NONE`` where it rests, shape ``(window, macro)``.
        """
        words = self._words(tile)
        stream = self.stored.filters[words] // (self.layer.filters // self.layer.groups)
        there = self._there(tile, turn) & (at != NONE)[:, :, None, None, None]
        found = self.streams[stream, at[:, :, None, None, None], self.layout.inputs[turn][:, :, None, None]]
        return np.where(there, found, 0)

    def columns(self, bit: np.ndarray, fill: int, row: int) -> np.ndarray:
        """Column outputs, errors included, shape ``(window, macro, compartment, column, output)``."""
        q = self.q[fill, :, :, row]
        nodes = np.stack([q, ~q], axis=-1)[..., : self.stored.outputs]
        bit = np.repeat(bit, self.geometry.weight_bits, axis=3)
        due = bit & nodes
        found = due.copy()
        idle = bit & ~nodes
        self.counts.update(due=int(due.sum()), idle=int(idle.sum()))
        for kind, able in (("missed", due), ("false", idle)):
            if rate := getattr(self.errors, kind):
                drawn = self.faults[kind][fill, :, :, row] if self.faults else self.rng.random(able.shape) < rate
                wrong = able & drawn
                found ^= wrong
                self.counts[kind] += int(wrong.sum())
        return found

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sums over the compartments of each part of the tree, which takes the compartments' place as last but one."""
        starts = (0, *self.layout.ends[:-1])
        found = [values[:, :, a:b].sum(axis=2, dtype=np.int64) for a, b in zip(starts, self.layout.ends, strict=True)]
        return np.stack(found, axis=-2)

    def tree(self, columns: np.ndarray) -> np.ndarray:
        """Sums of words, shape ``(window, macro, word, part, output)``; a word's highest column counts negative."""
        geometry = self.geometry
        counts = self.sums(columns.reshape(*columns.shape[:3], geometry.words, geometry.weight_bits, -1))
        place = 1 << np.arange(geometry.weight_bits)
        place[-1] *= -1
        return (counts * place[:, None, None]).sum(axis=3)

    def address(
        self, opened: Address, at: np.ndarray, start: np.ndarray, total: np.ndarray, input_total: np.ndarray
    ) -> None:
        """One row address for a block of windows, all input bits; adds to both totals in place.

        Args:
            opened: the row address. at: as of :meth:`operands`. start: cycle of each window's first bit.
            total, input_total: shape ``(window, macro, word, part, output)``.
        """
        tile, turn, fill, row = opened
        values = self.operands(tile, turn, at)
        bits = bits_of(values, self.geometry.input_bits)
        acc, input_acc = np.zeros_like(total), np.zeros_like(total)
        last = self.geometry.input_bits - 1
        for step in range(last + 1):
            bit = bits[..., last - step]
            columns = self.columns(bit, fill, row)
            sign = -1 if self.signed and step == 0 else 1
            tree, ones = self.tree(columns), self.sums(bit)
            acc, input_acc = 2 * acc + sign * tree, 2 * input_acc + sign * ones
            if step == last:
                total += acc
                input_total += input_acc
            if self.keep:
                done = step == last and turn == len(self.layout.inputs) - 1
                result = self.recovered(tile, total, input_total) if done else np.zeros_like(total)
                held = (bit, columns, tree, acc, total.copy(), result, ones, input_acc, input_total.copy())
                about = {
                    "cycle": start + step,
                    "window": at,
                    "row": np.full(len(at), row),
                    "fill": np.full(len(at), fill),
                }
                self.rows.append(dict(zip(DIMS, held, strict=True)) | about)

    def recovered(self, tile: int, total: np.ndarray, input_total: np.ndarray) -> np.ndarray:
        """Totals with M sum(x)."""
        words = self.layout.words[tile]
        return total + np.where(words == NONE, 0, self.stored.means[words])[..., None] * input_total


def run(
    layer: Layer,
    inputs: np.ndarray,
    stored: Stored,
    design: Design,
    geometry: MacroGeometry | None = None,
    mapping: Mapping | None = None,
    *,
    bias: np.ndarray | None = None,
    zero_point: int = 0,
    signed: bool = False,
    errors: ReadErrors | None = None,
    rng: np.random.Generator | None = None,
    trace: bool = False,
) -> Run:
    """Run a layer on the macros, cycle by cycle.

    Fills of the cells follow one another; within one, windows, then row addresses, then input bits. The loop counts
    its own cycles: one for each bit, and those of recovery and of filling the pipeline where the mapping has them.

    Args:
        inputs: integers of shape ``(image, channel, row, column)``, of ``input_bits`` bits.
        stored: what the cells hold, of :func:`analysis.fcc.plain` or :func:`analysis.fcc.complementary`.
        geometry, mapping: the defaults of their classes if None.
        bias: added to each filter's sum, in units of product, shape ``(filter,)``. zero_point: input that stands for 0,
            also that of the padding. signed: whether inputs are in two's complement.
        errors: of the read path. rng: draws them. trace: whether to keep what everything holds in every cycle.

    Raises:
        FunctionalError: inputs, weights, design or errors that do not go together, or sums beyond 64 bits. FCCError:
            inputs, bias or zero point that are no integers, or a bias that is not one per filter. MacroError: a
            mapping that the geometry cannot do.
    """
    geometry, mapping, errors = geometry or MacroGeometry(), mapping or Mapping(), errors or ReadErrors()
    mapping.check(geometry)
    streams = windows(layer, inputs, zero_point)
    _check(layer, streams, stored, design, geometry, zero_point, signed)
    offsets = stored.offsets(bias, zero_point)
    if errors.draws and rng is None:
        raise FunctionalError("errors need a generator, rng=numpy.random.default_rng(seed)")
    layout = place(layer, stored, geometry, design, mapping)
    machine = _Machine(layer, stored, geometry, layout, streams, signed, errors, rng, trace)
    sums, cycles = _execute(machine, mapping)
    outputs = stored.by_filter(sums) + offsets[:, None]
    maps = outputs.reshape(-1, layer.batch, layer.output_height, layer.output_width).swapaxes(0, 1)
    kinds = ("due", "missed", "idle", "false", "cells", "lost")
    return Run(maps, cycles, {kind: machine.counts[kind] for kind in kinds}, _dataset(machine) if trace else None)


def _check(
    layer: Layer,
    streams: np.ndarray,
    stored: Stored,
    design: Design,
    geometry: MacroGeometry,
    zero_point: int,
    signed: bool,
) -> None:
    """Raises FunctionalError for what does not go together."""
    where = f"layer {layer.name!r}"
    width = geometry.weight_bits + 1 + geometry.input_bits + tree_depth(layer.inputs_per_window)
    if (width := max(width, geometry.sum_bits)) > LONGEST:
        raise FunctionalError(f"{where}: sums of {width} bits, more than the {LONGEST} that are computed exactly")
    if stored.outputs != design.outputs:
        raise FunctionalError(f"{where}: words for {stored.outputs} outputs do not suit design {design.name!r}")
    if stored.bits != geometry.weight_bits:
        raise FunctionalError(f"{where}: words of {stored.bits} bits, but weight_bits={geometry.weight_bits}")
    shape = (int(stored.filters.max()) + 1, stored.words.shape[1])
    if shape != (layer.filters, layer.inputs_per_window):
        raise FunctionalError(f"{where}: weights of {shape[0]} filters and {shape[1]} inputs are not the layer's")
    bits = geometry.input_bits
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    least, most = min(streams.min(), zero_point), max(streams.max(), zero_point)
    if least < low or most > high:
        found = f"inputs or zero_point reach from {least} to {most}"
        raise FunctionalError(f"{where}: {found}, outside {low}..{high} ({'signed' if signed else 'unsigned'})")
    _check_groups(layer, stored)


def _check_groups(layer: Layer, stored: Stored) -> None:
    """Raises FunctionalError if filters of a word see different inputs, or groups differ in their number of words.

    Only in a depthwise layer may they; its channels run together.
    """
    group = stored.filters // (layer.filters // layer.groups)
    crossing = (stored.filters != NONE).all(axis=1) & (group.min(axis=1) != group.max(axis=1))
    if layer.type != "depthwise" and (crossing.any() or not np.array_equal(group[:, 0], np.sort(group[:, 0]))):
        raise FunctionalError(f"layer {layer.name!r}: pairs cross its groups or are not in their order")
    words = np.bincount(group[:, 0], minlength=layer.groups)
    if layer.type != "depthwise" and words.min() != words.max():
        raise FunctionalError(f"layer {layer.name!r}: {words.tolist()} words in its groups, not as many in each")


def _execute(machine: _Machine, mapping: Mapping) -> tuple[np.ndarray, int]:
    """Sums of products by word and output, shape ``(word, output, window)``, and the cycles executed."""
    layout, geometry, layer = machine.layout, machine.geometry, machine.layer
    turns = len(layout.inputs)
    steps = -(-layer.windows // layout.pixels)
    held = np.zeros((len(layout.words), steps, *layout.words.shape[1:], machine.stored.outputs), dtype=np.int64)
    input_held = np.zeros_like(held)
    at = layout.pixels * np.arange(steps)[:, None] + layout.pixel
    at = np.where(at < layer.windows, at, NONE)
    cycle = 0
    for _, found in groupby(layout.addresses(geometry.rows), key=lambda address: address.fill):
        addresses = tuple(found)
        cycle += mapping.fill_cycles
        waits = [mapping.recover_cycles * (a.turn == turns - 1 and machine.stored.outputs == 2) for a in addresses]
        begins = np.concatenate([[0], np.cumsum([geometry.input_bits + wait for wait in waits])])
        for block in range(0, steps, BLOCK):
            some = slice(block, min(block + BLOCK, steps))
            for address, begin in zip(addresses, begins, strict=False):
                start = cycle + begins[-1] * np.arange(some.stop - some.start) + begin
                totals = held[address.tile, some], input_held[address.tile, some]
                machine.address(address, at[some], start, *totals)
            cycle += int(begins[-1]) * (some.stop - some.start)
    return _collect(machine, at, held, input_held), cycle


def _collect(machine: _Machine, at: np.ndarray, held: np.ndarray, input_held: np.ndarray) -> np.ndarray:
    """Recovered totals in the order of words and windows; macros over inputs add up."""
    layout = machine.layout
    outputs = machine.stored.outputs
    found = np.zeros((len(machine.stored.words), outputs, machine.layer.windows), dtype=np.int64)
    for tile in range(len(layout.words)):
        result = machine.recovered(tile, held[tile], input_held[tile])
        words = np.broadcast_to(layout.words[tile], result.shape[:-1])
        window = np.broadcast_to(at[:, :, None, None], words.shape)
        there = (words != NONE) & (window != NONE)
        for output in range(outputs):
            np.add.at(found[:, output], (words[there], window[there]), result[..., output][there])
    return found


def _dataset(machine: _Machine) -> xr.Dataset:
    """Trace in the order of the cycles."""
    joined = {name: np.concatenate([row[name] for row in machine.rows]) for name in machine.rows[0]}
    order = np.argsort(joined["cycle"])
    variables = {
        name: (dims, joined[name][order], {"units": "1", "long_name": TEXTS[name]})
        for name, dims in DIMS.items()
        if machine.stored.outputs == 2 or name not in RECOVERY
    }
    coords = {
        "cycle": ("cycle", joined["cycle"][order], {"units": "1", "long_name": "number of the cycle"}),
        "window": (("cycle", "macro"), joined["window"][order], {"units": "1", "long_name": "window of a macro"}),
        "row": ("cycle", joined["row"][order], {"units": "1", "long_name": "open row"}),
        "fill": ("cycle", joined["fill"][order], {"units": "1", "long_name": "fill of the cells"}),
        "output": ["p", "n"][: machine.stored.outputs],
    }
    return xr.Dataset(variables, coords, {"layer": machine.layer.name, "input_bits": machine.geometry.input_bits})
