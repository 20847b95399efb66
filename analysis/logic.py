"""Digital logic of a macro: how many gates its blocks have, their longest paths, and what a gate costs.

Blocks and paths count gates and hops; :class:`Gates` says what each costs at every condition. Its numbers are either
published ones (:func:`published`), carried to other conditions with the technology's own fanout-of-four delay
(:func:`delay_factor`), or those of characterized gates (``analysis.gatenumbers``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import xarray as xr

REFERENCE_PROCESSES = ("tt", "mc")
"""Processes that may stand for the published one: typical, or the mean over global variation around it."""
REFERENCE_VDD = 0.9
"""Supply of the published gate figures [V] (ZigZag, see ``ZIGZAG``)."""
REFERENCE_TEMP = 298.15
"""Temperature of the published gate figures [K]: assumed, the source gives none."""

ZIGZAG = (
    "ZigZag-IMC, 28 nm figures fitted to published in-memory macros: zigzag-dse 3.9.1 (MIT licence), "
    "zigzag/hardware/architecture/imc_unit.py, TECH_PARAM_28NM"
)


class LogicError(ValueError):
    """A block that cannot be built, or a table that does not reach the reference condition of the gate figures."""


COMPOSED: Mapping[str, Mapping[str, int]] = {
    "sign": {"xor2": 2},
    "invert": {"xor2": 1},
    "clear": {"nand2": 1, "inverter": 1},
    "latch": {"nand2": 2},
}
"""Kinds that are made of gates: highest sum bit of a signed adder, which takes the words' signs once more; a bit of an
addend that may count negative; a bit of an accumulator that may be dropped; latch of a row that is read once and held.
"""
KINDS = (
    *("nand2", "nor2", "xor2", "inverter", "half_adder", "full_adder", "dff", "wl_driver", "input_driver"),
    *COMPOSED,
    *("input_load", "precharge"),
)
"""Kinds of gates: those of ``netlists.logic``, composed ones, the input of one local bit line's output gate, and the
precharge and equalizing transistors of one local bit-line pair.
"""
FLIP_FLOP = KINDS.index("dff")
"""Place of the kind that has a clock."""
HOPS = ("sum", "carry_out", "carry", "gate", "register")
"""Steps of a path: full adder, input to sum, input to carry, carry to carry; a two-input gate; a register from clock
edge to output, and its setup.
"""
Path = Mapping[str, int]
"""Hop to how often a path takes it [1]."""


@dataclass(frozen=True, eq=False)
class Block:
    """A piece of logic.

    Attributes:
        counts: gates of each of ``KINDS`` [1].
    """

    counts: np.ndarray

    @classmethod
    def of(cls, **gates: int) -> Block:
        """A block of gates by kind.

        >>> (Block.of(nand2=2) + Block.of(dff=1) * 3).gates
        {'nand2': 2, 'dff': 3}
        """
        return cls(np.array([gates.get(kind, 0) for kind in KINDS]))

    def __add__(self, other: Block) -> Block:
        """Both blocks side by side."""
        return Block(self.counts + other.counts)

    def __mul__(self, count: int) -> Block:
        """``count`` copies side by side."""
        return Block(self.counts * count)

    @property
    def gates(self) -> dict[str, int]:
        """Kinds that it has, and their number."""
        return {kind: int(number) for kind, number in zip(KINDS, self.counts, strict=True) if number}


def tree_depth(inputs: int) -> int:
    """Levels of an adder tree [1]."""
    return (inputs - 1).bit_length()


@lru_cache(maxsize=4096)
def adder_tree(inputs: int, bits: int) -> tuple[Block, ...]:
    """Tree of ripple-carry adders that sums ``inputs`` numbers of ``bits`` bits each, a block for each of its levels.

    Each adder has a half adder and a full adder for every further bit, and two exclusive ors for the signs, as in
    ``netlists.addertree``; an odd word passes a level. For a power of two half and full adders are together
    ``inputs (bits + 1) - (bits + depth + 1)``, those of the regular adder trees of ZigZag-IMC, ``imc_array.py``.

    >>> sum(level.gates["half_adder"] + level.gates["full_adder"] for level in adder_tree(32, 8))
    274
    """
    if inputs < 1 or bits < 1:
        raise LogicError(f"an adder tree of {inputs} inputs of {bits} bits cannot be built")
    levels, left, width = [], inputs, bits
    while left > 1:
        levels.append((adder(width) + Block.of(sign=1)) * (left // 2))
        left, width = left - left // 2, width + 1
    return tuple(levels)


def adder_tree_path(inputs: int, bits: int) -> Path:
    """Longest path of :func:`adder_tree`: through the sums of all levels but the last, into that level's carry chain
    and along it (ZigZag-IMC, ``imc_array.py``, ``get_tclk``).
    """
    depth = tree_depth(inputs)
    return {"sum": depth - 1, "carry_out": 1, "carry": max(bits + depth - 2, 0)} if depth else {}


def adder(bits: int) -> Block:
    """Ripple-carry adder of ``bits`` bits."""
    return Block.of(half_adder=1, full_adder=bits - 1)


def register(bits: int) -> Block:
    """Register of ``bits`` flip-flops."""
    return Block.of(dff=bits)


@lru_cache(maxsize=4096)
def accumulator(input_bits: int, bits: int) -> Block:
    """Shift-and-add accumulator: an adder and a register of ``bits`` bits that takes numbers of ``input_bits``.

    The numbers may count negative, for the sign bit of signed inputs, and what is stored may be dropped, as in
    ``netlists.addertree.shift_accumulate``.
    """
    if not 0 < input_bits <= bits:
        raise LogicError(f"an accumulator of {bits} bits cannot take numbers of {input_bits} bits")
    return adder(bits) + register(bits) + Block.of(invert=input_bits, clear=bits - 1)


def accumulator_path(input_bits: int, bits: int) -> Path:
    """Longest path of :func:`accumulator`, its register apart.

    The carry of the addend ripples through the remaining ``bits - input_bits`` positions (ZigZag-IMC, ``imc_array.py``,
    ``get_tclk``). Behind a register that is what an adder reaches whose upper part is there for both carries; the
    second upper part is not among the gates (assumed).
    """
    return {"carry_out": 1, "carry": max(bits - input_bits - 1, 0)}


@dataclass(frozen=True)
class Gates:
    """What gates cost at the conditions of a table, the last dimensions ``process, vdd, temp`` unless said otherwise.

    Attributes:
        source: where the numbers are from, a sentence.
        area: placed area of each of ``KINDS`` [m2], shape (kind,).
        energy: of a transition [J], shape (kind, process, vdd, temp). leakage: power at rest [W], same shape.
        delay, delay_std: hop to its delay and that's standard deviation from gate to gate [s].
        clock: energy that a flip-flop takes in a cycle in which its data rest [J].
        activity: role of a gate (``analysis.macro.Part``) to transitions per operation [1], where products are held
            from one input bit to the next, and where lines are precharged in between.
    """

    source: str
    area: np.ndarray
    energy: np.ndarray
    leakage: np.ndarray
    delay: Mapping[str, np.ndarray]
    delay_std: Mapping[str, np.ndarray]
    clock: np.ndarray
    activity: Mapping[str, Mapping[str, float]]


def by_kind(numbers: Mapping[str, float | np.ndarray]) -> np.ndarray:
    """Numbers of each of ``KINDS``, shape (kind, ...); a composed kind has the sum of what it is made of."""
    composed = {kind: sum(n * numbers[gate] for gate, n in gates.items()) for kind, gates in COMPOSED.items()}
    return np.array([(numbers | composed if kind in COMPOSED else numbers)[kind] for kind in KINDS])


READINGS = ("held", "precharged")
"""Products stay from one input bit to the next, or return to 0 in between because the array is read for each."""
READING_NAMES: Mapping[str, str] = {"held": "row held", "precharged": "read each bit"}
"""Reading of the array to what texts and figures call it."""
MEASURED_LEVELS = 5
"""Levels of a tree that have an activity of their own [1]; deeper ones are taken to switch as the last of them."""
ROLES = ("product", *(f"tree{level}" for level in range(1, MEASURED_LEVELS + 1)), "register", "accumulator")
"""Places of gates that switch alike: product bits, levels of the trees, their results' registers, accumulators."""

# NAND2 [m2], [F], [s]: ZIGZAG. A NOR2 is taken as a NAND2 there, an XOR2 has 2.4 times area and delay and 1.5 times
# capacitance, a flip-flop 6 times area and 3 times capacitance.
_AREA, _CAPACITANCE, _DELAY = 0.614e-12, 0.7e-15, 47.8e-12
NAND2S: Mapping[str, float] = {"nand2": 1.0, "nor2": 1.0, "xor2": 2.4, "dff": 6.0, "full_adder": 7.8, "half_adder": 7.8,
                               "latch": 2.0}  # fmt: skip
"""Area in NAND2 [1]. A one-bit adder is 3 NAND2 and 2 XOR2 (``get_1b_adder_area``), the lowest one as any."""
CAPACITANCES: Mapping[str, float] = {"nand2": 1.0, "nor2": 1.0, "xor2": 1.5, "dff": 3.0, "full_adder": 6.0,
                                     "half_adder": 6.0, "latch": 2.0}  # fmt: skip
"""Capacitance that one transition switches, in those of a NAND2 [1]."""
DELAYS: Mapping[str, float] = {"sum": 4.8, "carry_out": 4.4, "carry": 2.0, "gate": 1.0, "register": 1.0}
"""Hop in NAND2 delays [1]: ``get_1b_adder_dly_in2sum``, ``_in2cout``, ``_cin2cout``; the register's is assumed."""


def published(t_fo4: xr.DataArray, leakage: np.ndarray, activity: float, gate_input: float, strip_area: float) -> Gates:
    """Gates of ZigZag-IMC.

    The source has unsigned adders and no drivers, so kinds that it does not have cost nothing.

    Args:
        t_fo4: as of :func:`delay_factor`.
        leakage: of a NAND2 [W], shape (process, vdd, temp).
        activity: transitions that draw energy, per gate and cycle [1].
        gate_input: capacitance of one gate input over a NAND2's switched capacitance [1].
        strip_area: precharge devices of one local bit-line pair [m2].

    Raises:
        LogicError: as of :func:`delay_factor`.
    """
    factor = delay_factor(t_fo4)
    square = (xr.ones_like(t_fo4) * t_fo4["vdd"] ** 2).transpose(*t_fo4.dims).values
    switched = {**CAPACITANCES, "input_load": gate_input}
    reference = f"tt, {REFERENCE_VDD} V, {factor.attrs['reference_temp']:g} K"
    return Gates(
        source=f"published: {ZIGZAG}; {reference}",
        area=np.array([{**NAND2S, "precharge": strip_area / _AREA}.get(kind, 0.0) * _AREA for kind in KINDS]),
        energy=np.array([switched.get(kind, 0.0) * _CAPACITANCE * square for kind in KINDS]),
        leakage=np.array([NAND2S.get(kind, 0.0) * leakage for kind in KINDS]),
        delay={hop: DELAYS[hop] * _DELAY * factor.values for hop in HOPS},
        delay_std={hop: np.zeros(t_fo4.shape) for hop in HOPS},
        clock=np.zeros(t_fo4.shape),
        activity={reading: dict.fromkeys(ROLES, activity) for reading in READINGS},
    )


def delay_factor(t_fo4: xr.DataArray) -> xr.DataArray:
    """Delay at each condition over the delay at the reference condition [1].

    Args:
        t_fo4: fanout-of-four inverter delay [s], dimensions ``process, vdd, temp``. Gate delays are taken to follow it.

    Returns:
        Array of the same shape. The reference lies at process ``tt``, else ``mc``, at 0.9 V (log-linear between the
        grid's neighbours if it is no grid point) and the grid temperature nearest to 298.15 K, kept in the attributes.

    Raises:
        LogicError: the table holds neither ``tt`` nor ``mc``, or its supplies do not span 0.9 V.
    """
    held = [str(process) for process in t_fo4["process"].values]
    process = next((name for name in REFERENCE_PROCESSES if name in held), None)
    if process is None:
        legal = " or ".join(REFERENCE_PROCESSES)
        raise LogicError(f"t_fo4 has process {', '.join(held)}, but the gate figures need {legal} (conditions.process)")
    ordered = t_fo4.sel(process=process).sortby(["vdd", "temp"])
    nearest = ordered.sel(temp=REFERENCE_TEMP, method="nearest")
    vdd = nearest["vdd"].values
    if not _spans(vdd, REFERENCE_VDD):
        raise LogicError(
            f"vdd={REFERENCE_VDD} V, where the gate figures hold, is outside {vdd[0]:g}..{vdd[-1]:g} V "
            "of the table (conditions.vdd)"
        )
    reference = float(np.exp(np.interp(REFERENCE_VDD, vdd, np.log(nearest.values))))
    if not math.isfinite(reference):
        known = nearest.values.tolist()
        raise LogicError(f"t_fo4 is not known around process={process}, vdd={REFERENCE_VDD} V: {known} s")
    return (t_fo4 / reference).assign_attrs(
        units="1", long_name="logic delay over the gate figures' condition", reference_temp=float(nearest["temp"])
    )


def _spans(grid: np.ndarray, value: float) -> bool:
    """Whether a sorted grid holds a value, with room for rounding of its ends."""
    return bool(grid[0] - 1e-9 <= value <= grid[-1] + 1e-9)
