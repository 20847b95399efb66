"""MRAM cells: a junction and its select transistors, between lines that are driven from both ends.

Stored states are ``p`` and ``ap``. Both cells show the magnetization as a node ``mz`` and the junction's two sides, so
that testbenches and measurements need not know what is between them and the lines.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from PySpice.Spice.Netlist import Circuit, SubCircuit

from netlists.bitcells import SIZE_LIMIT
from netlists.circuit import Transistor, add_subcircuit, add_transistors, nanometres, transistor_knobs
from netlists.mtj import JUNCTIONS, STATES, Junction, add_junction, junction_knobs
from netlists.technology import Technology
from netlists.testbench import Knob

RANGES = {
    "pulse": (1e-10, 1e-6, " s"),
    "v_read": (1e-3, 1.0, " V"),
    "sigma_ra": (0, 0.2, ""),
    "sigma_tmr": (0, 0.2, ""),
}
"""Least and largest value of a cell's numbers, and their units: what its testbenches are made for."""

PITCH = 2.0
"""Length of a cell along its lines in gate pitches for each of its transistors [1], assumed: line, gate, junction."""

ISOLATION = 1.0
"""Room beside a diffusion in gate pitches [1], assumed."""

LATCH = 400.0
"""Width of a sense latch's input transistors in gate lengths [1] unless stated; docs/mram.md has the rule behind it."""


def strip_area(technology: Technology, width: float) -> float:
    """Area of a transistor of a width [m] with what a line needs beside its gate, ``PITCH``, and ``ISOLATION`` [m2]."""
    pitch = technology.geometry.gate_pitch
    return PITCH * pitch * (width + ISOLATION * pitch)


@dataclass(frozen=True)
class Access:
    """How a cell is written or read.

    Attributes:
        line: that the current comes by or goes by; the other end is ``sl``.
        gate: line that opens the transistor.
    """

    line: str
    gate: str


@dataclass(frozen=True)
class Stt1T1M:
    """One transistor, one junction, written by the current through the junction (STT).

    The free layer is on the bit line BL, the reference layer on the transistor, whose other side is the source line SL.
    BL high writes P, SL high writes AP: there the transistor is a source follower, and the weaker way is the one that
    meets the lower resistance first. A size that is None is the technology's by rule: the width ``ACCESS`` gate
    lengths, which gives at least 1.5 critical currents both ways at nominal supply.

    ``beyond`` leads from an inner node to the line on the junction's or metal's other side.

    Attributes:
        w_access: width of the select transistor [m].
        l: gate length [m].
        w_latch: width of each input transistor of the latch that senses the cell [m].
        junction: at the temperature of its numbers; or the name of one of ``JUNCTIONS``.
        pulse: how long a write has its word line on [s].
        v_read: line voltage of a read [V].
        sigma_ra, sigma_tmr: relative standard deviations of RA and TMR from junction to junction [1]; assumed.
        shifts: systematic |Vth| shift [V] by transistor.
    """

    kind: ClassVar[str] = "stt1t1m"
    states: ClassVar[tuple[str, ...]] = tuple(STATES)
    decoupled: ClassVar[bool] = False
    ports: ClassVar[tuple[str, ...]] = ("bl", "sl", "wl", "mid", "mz")
    written: ClassVar[Access] = Access("bl", "wl")
    read: ClassVar[Access] = Access("bl", "wl")
    across: ClassVar[tuple[str, str]] = ("bl", "mid")
    beyond: ClassVar[Mapping[str, str]] = {"mid": "bl"}
    widths: ClassVar[Mapping[str, float]] = {"w_access": 20.0}

    w_access: float | None = None
    l: float | None = None  # noqa: E741 - the field's name
    w_latch: float | None = None
    junction: Junction | str = "stt_40nm"
    pulse: float = 20e-9
    v_read: float = 0.1
    sigma_ra: float = 0.02
    sigma_tmr: float = 0.05
    shifts: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "junction", _junction(self.junction))
        if (self.junction.strip is None) != (self.kind == Stt1T1M.kind):
            lacks = "is written without a heavy metal" if self.junction.strip else "needs a junction with a heavy metal"
            raise ValueError(f"a cell of kind {self.kind!r} {lacks} (cell.junction)")
        if self.w_access is not None and "w_access" not in self.widths:
            raise ValueError(f"w_access is of kind {Stt1T1M.kind!r}, not {self.kind!r} (cell.w_access)")
        for name in (*self.widths, "l", "w_latch"):
            size = getattr(self, name)
            if size is not None and not 0 < size < SIZE_LIMIT:
                raise ValueError(f"{name}={size!r} m is not a transistor size: 0 < {name} < 1e-4 m (cell.{name})")
        for name, (low, high, unit) in RANGES.items():
            if not low <= (value := getattr(self, name)) <= high:
                raise ValueError(f"{name}={value!r}{unit} is outside {low:g}..{high:g}{unit} (cell.{name})")
        legal = [t.name for t in self.transistors()]
        for name, shift in self.shifts.items():
            if name not in legal:
                raise ValueError(f"shifts: {name!r} is not one of {', '.join(legal)}")
            if not math.isfinite(shift):
                raise ValueError(f"shifts: {name}={shift!r} V is not a number")

    def sized(self, technology: Technology) -> Stt1T1M:
        """The same cell with every size filled in."""
        lengths = {**self.widths, "l": 1.0, "w_latch": LATCH}
        sizes = {name: times * technology.length for name, times in lengths.items()}
        return replace(self, **{name: size for name, size in sizes.items() if getattr(self, name) is None})

    def transistors(self) -> tuple[Transistor, ...]:
        """The select transistor; its line's contact is shared with a neighbour, the junction's is its own."""
        return (Transistor("access", "n", ("mid", "wl", "sl", "vss"), self.w_access, self.l, drain="end"),)

    def unselected(self, count: int) -> tuple[Transistor, ...]:
        """Transistors of so many other cells on the lines, off, as one each; junctions are short beside what is off."""
        if count < 1:
            return ()
        ends = ((t, self.beyond.get(t.nodes[0], t.nodes[0]), t.nodes[2]) for t in self.transistors())
        return tuple(replace(t, nodes=(d, "0", s, "0"), multiplier=count) for t, d, s in ends)

    def wire(self, technology: Technology, rows: int) -> float:
        """Capacitance of a line's wire [F]: ``PITCH`` gate pitches for each transistor of each cell."""
        length = PITCH * technology.geometry.gate_pitch * len(self.transistors()) * rows
        return technology.geometry.wire_capacitance * length

    def area(self, technology: Technology) -> float:
        """Estimated area of a cell [m2]: as long as its part of a line's wire, as wide as its widest transistor."""
        return len(self.transistors()) * strip_area(technology, max(getattr(self, name) for name in self.widths))

    @property
    def size_name(self) -> str:
        return nanometres(**{name.removeprefix("w_"): getattr(self, name) for name in (*self.widths, "l")})

    @property
    def nodes_of_junction(self) -> tuple[str, ...]:
        return ("bl", "mid", "mz")

    def levels(self, state: str) -> tuple[int, int]:
        """Levels of the write line and of SL that lead a state to the other one, in units of VDD."""
        line = int(STATES[state] * self.junction.polarity < 0)
        return line, 1 - line

    def add_cell(self, circuit: Circuit, technology: Technology, temp: float, state: str, release: float) -> str:
        """Define the cell in a state.

        Args:
            temp: of its junction [K]. state: key of ``netlists.mtj.STATES``. release: see
                :func:`netlists.mtj.add_junction`.

        Returns:
            The subcircuit's name, ports ``ports``.
        """
        junction = add_junction(circuit, self.junction.at(temp), state, release)
        cell = SubCircuit(f"{self.kind}_{self.size_name}_{junction}", *self.ports)
        grounded = (replace(t, nodes=(*t.nodes[:3], "0")) for t in self.transistors())
        add_transistors(cell, technology, grounded)
        cell.X("mtj", junction, *self.nodes_of_junction)
        add_subcircuit(circuit, cell)
        return cell.name

    def cell_knobs(
        self, technology: Technology, instances: tuple[str, ...], temp: float, thermal: bool, path: str = "cell"
    ) -> dict[str, Knob]:
        """Knobs ``cell.access ... cell.mtj:ra`` for instances of the cell, all set alike.

        Args:
            temp: of its junction [K]. thermal: with its initial direction. path: of its random numbers.
        """
        knobs = transistor_knobs(technology, self.transistors(), path, instances, dict(self.shifts))
        junctions, spreads = tuple(f"{i}.xmtj" for i in instances), (self.sigma_ra, self.sigma_tmr)
        return knobs | junction_knobs(self.junction.at(temp), f"{path}.mtj", junctions, *spreads, thermal)


@dataclass(frozen=True)
class Sot2T1M(Stt1T1M):
    """Two transistors, one junction on a heavy metal, written by the current in the metal (SOT).

    The write transistor connects the write bit line WBL to one end of the metal, whose other end is SL; the read
    transistor connects the read bit line RBL to the junction's reference layer. WBL high writes P where the junction's
    field is positive, SL high AP. Sizes by rule, in gate lengths: the write transistor as that of :class:`Stt1T1M`; the
    read transistor so wide that thresholds of read transistors move no margin of AND or OR farther than RA and TMR do.
    It takes no more area, as the write transistor makes the cell as wide as it is.

    Attributes:
        w_write, w_read: widths of the two transistors [m]. Others as of :class:`Stt1T1M`.
    """

    kind: ClassVar[str] = "sot2t1m"
    ports: ClassVar[tuple[str, ...]] = ("wbl", "rbl", "sl", "wwl", "rwl", "mid", "strip", "mz")
    written: ClassVar[Access] = Access("wbl", "wwl")
    read: ClassVar[Access] = Access("rbl", "rwl")
    across: ClassVar[tuple[str, str]] = ("mid", "strip")
    beyond: ClassVar[Mapping[str, str]] = {"mid": "sl", "end": "sl"}
    widths: ClassVar[Mapping[str, float]] = {"w_write": 20.0, "w_read": 14.0}

    junction: Junction | str = "sot_umn"
    pulse: float = 2e-9
    w_write: float | None = None
    w_read: float | None = None

    def transistors(self) -> tuple[Transistor, ...]:
        """Write and read transistor; contacts to the lines are shared with a neighbour."""
        return (
            Transistor("write", "n", ("end", "wwl", "wbl", "vss"), self.w_write, self.l, drain="end"),
            Transistor("read", "n", ("mid", "rwl", "rbl", "vss"), self.w_read, self.l, drain="end"),
        )

    @property
    def nodes_of_junction(self) -> tuple[str, ...]:
        return ("mid", "end", "sl", "strip", "mz")


MramCell = Stt1T1M
"""Either MRAM cell; what testbenches of one need."""


def _junction(given: Junction | str | Mapping) -> Junction:
    """A junction as it is, by its name, or as a results directory keeps it."""
    if isinstance(given, Mapping):
        return Junction(**given)
    if isinstance(given, str):
        if given not in JUNCTIONS:
            raise ValueError(f"junction={given!r} is not one of {', '.join(JUNCTIONS)} (cell.junction)")
        return JUNCTIONS[given]
    return given
