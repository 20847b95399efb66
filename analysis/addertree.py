"""Adder trees by events: energy and arrivals of vectors, energy against activity, and the check at transistor level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from analysis.events import Operations, Timed, simulate, timed
from analysis.gatetables import Tables
from netlists.addertree import (
    TreeError,
    adder_tree,
    clocked,
    controls,
    levels,
    multiply_accumulate,
    number,
    shift_accumulate,
)
from netlists.gatebench import driven, drives, wires
from netlists.gatenetlist import GateNetlist, evaluate
from netlists.technology import Technology

SUPPLIES = ("drive", "gates")
"""Supply of the drivers in front of the inputs, which charge the first gates' pins, and of all other gates."""

PARTS = ("drive", "tree", "accumulator")
"""Parts of an accumulation: drivers, with those of clock and controls; adder tree; adder and register behind it."""

Vectors = dict[str, np.ndarray]
"""Input of a driven netlist to levels, 0 or 1, shape (vector,)."""


def tree(inputs: int, bits: int, tables: Tables, technology: Technology) -> Timed:
    """An adder tree with drivers and wires, its gates' loads looked up; errors as of the functions it calls."""
    netlist = driven(adder_tree(inputs, bits))
    return timed(netlist, tables, wires(netlist, technology))


def random_vectors(netlist: GateNetlist, count: int, rng: np.random.Generator) -> Vectors:
    """Vectors all of whose bits are 0 or 1 with equal probability."""
    levels = rng.integers(0, 2, (len(netlist.inputs), count), dtype=np.int8)
    return dict(zip(netlist.inputs, levels, strict=True))


def products(
    netlist: GateNetlist, ones: float, weight_ones: float, count: int, rng: np.random.Generator
) -> tuple[Vectors, Vectors]:
    """Pairs of vectors of one-bit products: input bits change between them, weights do not.

    Args:
        netlist: driven adder tree.
        ones, weight_ones: probability of a 1 among input bits and among weight bits [1].
        count: number of pairs.

    Returns:
        Vectors before and after, inverted as drivers take them.
    """
    rows = list(dict.fromkeys(net.partition("_")[0] for net in netlist.inputs))
    weights = {net: rng.random(count) < weight_ones for net in netlist.inputs}
    found = []
    for _ in range(2):
        bits = {row: rng.random(count) < ones for row in rows}
        found.append({net: np.int8(1) - (bits[net.partition("_")[0]] & w) for net, w in weights.items()})
    return found[0], found[1]


def by_supply(netlist: GateNetlist, values: np.ndarray) -> np.ndarray:
    """Sums over the gates of each supply, shape (supply, pair), of values of shape (instance, pair)."""
    own = np.array([drives(instance) for instance in netlist.instances])
    return np.stack([_total(values[own]), _total(values[~own])])


def _total(values: np.ndarray) -> np.ndarray:
    """Sum over the first dimension, term by term: it rounds alike whatever the number of pairs."""
    return np.cumsum(values, axis=0)[-1]


def activity(
    at: Timed, ones: Sequence[float], count: int, slew: float, rng: np.random.Generator, weight_ones: float = 0.5
) -> xr.Dataset:
    """Energy of an operation against the share of ones among the input bits.

    An operation is one input bit of every row. ``held``: products stay until the next ones come. ``precharged``: they
    return to 0 in between, as those of a dynamic read path do, so that two changes make an operation.

    Args:
        at: of :func:`tree`.
        ones: shares of ones [1].
        count: operations of each share.
        slew: of the sources in front of the drivers, from rail to rail [s].
        weight_ones: share of ones among the weights' bits [1].

    Returns:
        Dataset over ``ones``, ``products`` and ``supply``: ``energy`` and ``energy_std``, mean and standard deviation
        over operations [J], without leakage.
    """
    rest = {net: np.ones(count, dtype=np.int8) for net in at.netlist.inputs}
    mean, std = [], []
    for share in ones:
        before, after = products(at.netlist, share, weight_ones, count, rng)
        held, rise, fall = (
            by_supply(at.netlist, simulate(at, first, second, slew).energy)
            for first, second in ((before, after), (rest, after), (after, rest))
        )
        both = np.stack([held, rise + fall])
        mean.append(both.mean(axis=-1))
        std.append(both.std(axis=-1, ddof=1))
    dims = ("ones", "products", "supply")
    text = "of an operation of the adder tree"
    return xr.Dataset(
        {
            "energy": (dims, np.array(mean), {"units": "J", "long_name": f"mean energy {text}"}),
            "energy_std": (dims, np.array(std), {"units": "J", "long_name": f"spread of the energy {text}"}),
        },
        {
            "ones": ("ones", list(ones), {"units": "1", "long_name": "share of ones among input bits"}),
            "products": ["held", "precharged"],
            "supply": list(SUPPLIES),
        },
        {"netlist": at.netlist.name, "operations": count, "weight_ones": weight_ones},
    )


def accumulation(
    inputs: int,
    weights: np.ndarray,
    values: np.ndarray,
    bits: tuple[int, int],
    tables: Tables,
    technology: Technology,
    slew: float,
    period: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Dot products by events, tree and accumulator together, one operation behind another.

    Args:
        inputs: words of the tree [1].
        weights, values: whole numbers in two's complement, shape (input, operation); all operations at once, each
            behind one of its own that is not counted.
        bits: width of a weight and of a value [1].
        slew: of the sources in front of the drivers, from rail to rail [s].
        period: of the clock [s].

    Returns:
        Energy of an operation, all cycles [J], shape (part, operation), parts ``PARTS``, without leakage; the
        accumulated numbers, shape (operation,).

    Raises:
        TreeError: a net that moves later than a period behind the clock's edge, or events that do not end where logic
            does. GateTableError: a load or slew that the tables do not hold.
    """
    whole = multiply_accumulate(inputs, bits[0], bits[1])
    netlist = driven(whole)
    at = timed(netlist, tables, wires(netlist, technology))
    count = weights.shape[1]
    vectors = [_operands(weights, values, bits, cycle, count) for cycle in range(bits[1])]
    idle = np.zeros(count, dtype=np.int8)
    held = dict.fromkeys(netlist.register_outputs, idle)
    toggles = ((0.0, "clk_b"), (period / 2, "clk_b"))
    energy = np.zeros((len(netlist.instances), count))
    now = vectors[-1]
    for edge in range(2 * bits[1] + 1):
        then = vectors[edge % bits[1]]
        settled = evaluate(netlist, now | held)
        following = clocked(netlist, settled)
        if bits[1] <= edge < 2 * bits[1]:
            found = simulate(at, now | held, then, slew, toggles)
            if not (latest := np.nanmax(found.last)) < period:
                raise TreeError(f"{netlist.name}: nets move until {latest:.3g} s, beyond the clock's {period=:g} s")
            _reached(at, found, settled, evaluate(netlist, then | following))
            energy += found.energy
        now, held = then, following
    own = {instance.name for instance in shift_accumulate(adder_tree(inputs, bits[0]).outputs, bits[1]).instances}
    part = np.array([0 if drives(i) else 1 + (i.name in own) for i in netlist.instances])
    return np.stack([_total(energy[part == p]) for p in range(len(PARTS))]), number(netlist.outputs, held)


def _reached(at: Timed, found: Operations, before: Vectors, after: Vectors) -> Vectors:
    """Levels of every net where events end; raises TreeError where they are not those of logic.

    Args:
        before, after: settled levels of all nets, shape (pair,).
    """
    ends = {net: before[net] ^ (found.transitions[place] & 1) for place, net in enumerate(at.nets)}
    if wrong := [net for net, level in ends.items() if (level != after[net]).any()]:
        raise TreeError(f"{at.netlist.name}: events leave {', '.join(wrong[:5])} at another level than logic does")
    return ends


def _operands(
    weights: np.ndarray, values: np.ndarray, bits: tuple[int, int], cycle: int, count: int
) -> dict[str, np.ndarray]:
    """Inputs of drivers in a cycle: inverted products, controls, and the clock at rest."""
    bit = values >> (bits[1] - 1 - cycle) & 1
    found = {}
    for row, (weight, one) in enumerate(zip(weights, bit, strict=True)):
        found |= levels(f"x{row}", bits[0], weight * one)
    found |= {name: np.full(count, level, dtype=np.int8) for name, level in controls(cycle, signed=True).items()}
    found["clk"] = np.zeros(count, dtype=np.int8)
    return {f"{net}_b": 1 - level for net, level in found.items()}


def event_pairs(at: Timed, vectors: Vectors, period: float, slew: float) -> xr.Dataset:
    """Every two vectors in a row by events, in the form of ``charlib.simulate_pairs``.

    Args:
        period: time that each pair has, for leakage [s].

    Raises:
        TreeError: events that do not end where logic does. GateTableError: a slew that the tables do not hold.
    """
    before = {net: levels[:-1] for net, levels in vectors.items()}
    after = {net: levels[1:] for net, levels in vectors.items()}
    found: Operations = simulate(at, before, after, slew)
    energy = by_supply(at.netlist, found.energy + found.leakage * period)
    ends = _reached(at, found, evaluate(at.netlist, before), evaluate(at.netlist, after))
    level = np.array([ends[net] for net in at.netlist.outputs], dtype=float)
    return xr.Dataset(
        {
            "pair_energy": (("supply", "pair"), energy, {"units": "J"}),
            "arrival": (("output", "pair"), found.arrival, {"units": "s"}),
            "level": (("output", "pair"), level, {"units": "1"}),
        },
        {"supply": list(SUPPLIES), "output": list(at.netlist.outputs)},
    )


def latest(pairs: xr.Dataset) -> xr.DataArray:
    """Arrival of the last output of each pair [s]; NaN where none moves."""
    return pairs["arrival"].max("output")


def compare(events: xr.Dataset, simulated: xr.Dataset) -> Mapping[str, float]:
    """How events fare against the transistor level.

    Returns:
        ``energy_events``, ``energy_simulated``: mean over pairs [J]. ``energy_error``: of the mean [1].
        ``energy_scatter``, ``energy_worst``: standard deviation and largest size of the error of a pair over the mean
        energy [1]. ``delay_events``, ``delay_simulated``: latest arrival of all pairs [s]; ``delay_error`` [1].
        ``delay_same_pair``: that of events in the pair that is the latest with transistors [s].
        ``delay_scatter``: standard deviation of the error of a pair's latest arrival over the latest of all [1], of
        pairs whose outputs move in both. ``moved_in_one``: pairs whose outputs move in only one of the two [1].
        ``wrong_levels``: output levels that differ [1].
    """
    e, s = (pairs["pair_energy"].sum("supply").values for pairs in (events, simulated))
    a, b = (latest(pairs).values for pairs in (events, simulated))
    moving = np.isfinite(a) & np.isfinite(b)
    error = (e - s) / s.mean()
    return {
        "energy_events": e.mean(),
        "energy_simulated": s.mean(),
        "energy_error": e.mean() / s.mean() - 1.0,
        "energy_scatter": error.std(ddof=1),
        "energy_worst": np.abs(error).max(),
        "delay_events": np.nanmax(a),
        "delay_simulated": np.nanmax(b),
        "delay_error": np.nanmax(a) / np.nanmax(b) - 1.0,
        "delay_same_pair": a[np.nanargmax(b)],
        "delay_scatter": ((a - b)[moving] / np.nanmax(b)).std(ddof=1),
        "moved_in_one": int((np.isfinite(a) != np.isfinite(b)).sum()),
        "wrong_levels": int((events["level"].values != simulated["level"].values).sum()),
    }
