"""Digital logic of a macro, composed of published gate figures: area, switched capacitance and delay of blocks.

All figures hold at one of ``REFERENCE_PROCESSES``, ``REFERENCE_VDD`` and ``REFERENCE_TEMP``; :func:`delay_factor`
carries delays to other conditions with the technology's own fanout-of-four delay.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

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


@dataclass(frozen=True)
class Primitive:
    """One gate.

    Attributes:
        area: placed area [m2].
        capacitance: capacitance that one transition of the gate switches [F].
        delay: propagation delay under a typical load [s].
        source: citation; what is assumed is said.
    """

    area: float
    capacitance: float
    delay: float
    source: str


_AREA, _CAPACITANCE, _DELAY = 0.614e-12, 0.7e-15, 47.8e-12  # NAND2 [m2], [F], [s]: ZIGZAG

PRIMITIVES: Mapping[str, Primitive] = {
    "nand2": Primitive(_AREA, _CAPACITANCE, _DELAY, ZIGZAG),
    "nor2": Primitive(_AREA, _CAPACITANCE, _DELAY, f"{ZIGZAG}; a NOR2 is taken as a NAND2 there"),
    "xor2": Primitive(2.4 * _AREA, 1.5 * _CAPACITANCE, 2.4 * _DELAY, ZIGZAG),
    "dff": Primitive(
        6 * _AREA, 3 * _CAPACITANCE, _DELAY, f"{ZIGZAG}; delay assumed: set-up and clock-to-output as one NAND2"
    ),
}
"""Gates at the reference condition."""


@dataclass(frozen=True)
class Block:
    """A piece of logic: how many gates of each kind it has, and its longest path.

    Attributes:
        gates: kind of gate (see ``PRIMITIVES``) to its number [1].
        delay: longest path at the reference condition [s].
    """

    gates: Mapping[str, int] = field(default_factory=dict)
    delay: float = 0.0

    def __add__(self, other: Block) -> Block:
        """Both blocks side by side: gates add, the longer path counts."""
        return Block(dict(Counter(self.gates) + Counter(other.gates)), max(self.delay, other.delay))

    def __mul__(self, count: int) -> Block:
        """``count`` copies side by side."""
        return Block({kind: count * number for kind, number in self.gates.items()}, self.delay if count else 0.0)

    @property
    def area(self) -> float:
        """Placed area [m2]."""
        return sum(number * PRIMITIVES[kind].area for kind, number in self.gates.items())

    @property
    def capacitance(self) -> float:
        """Capacitance that is switched if every gate makes one transition [F]."""
        return sum(number * PRIMITIVES[kind].capacitance for kind, number in self.gates.items())

    @property
    def nand2_equivalents(self) -> float:
        """Area in units of a NAND2 [1]."""
        return self.area / PRIMITIVES["nand2"].area


FULL_ADDER: Mapping[str, int] = {"nand2": 3, "xor2": 2}
"""Gates of a one-bit full adder (ZIGZAG, ``get_1b_adder_area``)."""

INPUT_TO_SUM = 2 * PRIMITIVES["xor2"].delay
"""Full adder, input to sum [s] (ZIGZAG, ``get_1b_adder_dly_in2sum``)."""
INPUT_TO_CARRY = PRIMITIVES["xor2"].delay + 2 * PRIMITIVES["nand2"].delay
"""Full adder, input to carry [s] (ZIGZAG, ``get_1b_adder_dly_in2cout``)."""
CARRY_TO_CARRY = 2 * PRIMITIVES["nand2"].delay
"""Full adder, carry to carry [s] (ZIGZAG, ``get_1b_adder_dly_cin2cout``)."""


def _adders(bits: int, delay: float) -> Block:
    """``bits`` one-bit full adders whose longest path is ``delay`` [s]."""
    return Block({kind: bits * number for kind, number in FULL_ADDER.items()}, delay)


def tree_depth(inputs: int) -> int:
    """Levels of an adder tree [1]."""
    return (inputs - 1).bit_length()


def adder_tree(inputs: int, bits: int) -> Block:
    """Tree of ripple-carry adders that sums ``inputs`` numbers of ``bits`` bits each; an odd one passes a level.

    For a power of two it has ``inputs (bits + 1) - (bits + depth + 1)`` full adders. The longest path goes through
    the sums of all levels but the last, into that level's carry chain and along it. Source: ZigZag-IMC,
    ``imc_array.py``, ``get_area`` and ``get_tclk`` (regular adder trees).

    >>> adder_tree(32, 8).gates["nand2"] // FULL_ADDER["nand2"]
    274
    """
    if inputs < 1 or bits < 1:
        raise LogicError(f"an adder tree of {inputs} inputs of {bits} bits cannot be built")
    depth, adders, left, width = tree_depth(inputs), 0, inputs, bits
    while left > 1:
        adders += left // 2 * width
        left, width = left - left // 2, width + 1
    chain = max(bits + depth - 2, 0) * CARRY_TO_CARRY
    return _adders(adders, (depth - 1) * INPUT_TO_SUM + INPUT_TO_CARRY + chain if depth else 0.0)


def adder(bits: int) -> Block:
    """Ripple-carry adder of ``bits`` bits."""
    return _adders(bits, INPUT_TO_CARRY + max(bits - 1, 0) * CARRY_TO_CARRY)


def register(bits: int) -> Block:
    """Register of ``bits`` flip-flops."""
    return Block({"dff": bits}, PRIMITIVES["dff"].delay)


def accumulator(input_bits: int, bits: int) -> Block:
    """Shift-and-add accumulator: an adder and a register of ``bits`` bits that takes numbers of ``input_bits``.

    The carry of the addend ripples through the remaining ``bits - input_bits`` positions, which bounds the path as in
    ZigZag-IMC, ``imc_array.py``, ``get_tclk`` (accumulators). The register's own delay is not in it.
    """
    if not 0 < input_bits <= bits:
        raise LogicError(f"an accumulator of {bits} bits cannot take numbers of {input_bits} bits")
    path = INPUT_TO_CARRY + max(bits - input_bits - 1, 0) * CARRY_TO_CARRY
    return Block(_adders(bits, 0.0).gates, path) + Block(register(bits).gates)


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
