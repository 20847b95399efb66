"""Bit cells: parametrized subcircuits with the nodes ``bl blb wl vdd vss`` and the storage nodes ``q qb``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from PySpice.Spice.Netlist import Circuit, SubCircuit

from netlists.circuit import Transistor, add_subcircuit, add_transistors, nanometres, transistor_knobs
from netlists.technology import Technology
from netlists.testbench import Knob

HALF_PORTS = ("inp", "out", "bl", "wl", "vdd", "vss")
CELL_PORTS = ("bl", "blb", "wl", "vdd", "vss", "q", "qb")
SIDES = {"l": ("qb", "q", "bl"), "r": ("q", "qb", "blb")}
"""Half cell to its input, output and bit line: the left half drives ``q`` and opens to ``bl``."""


@dataclass(frozen=True)
class Sram6T:
    """Six-transistor SRAM cell; a size that is None is the technology's default.

    Attributes:
        w_pd, w_pu, w_pg: widths of pull-down, pull-up and pass gate [m].
        l: gate length of all six [m].
        shifts: systematic |Vth| shift [V] by transistor (``pd_l pu_l pg_l pd_r pu_r pg_r``; the left half drives Q),
            for skewed or aged cells. It adds to the random variation.
    """

    w_pd: float | None = None
    w_pu: float | None = None
    w_pg: float | None = None
    l: float | None = None  # noqa: E741 - the field's name
    shifts: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("w_pd", "w_pu", "w_pg", "l"):
            size = getattr(self, name)
            if size is not None and not 0 < size < 1e-4:
                raise ValueError(f"{name}={size!r} m is not a transistor size: 0 < {name} < 1e-4 m (cell.{name})")
        legal = [f"{part}_{side}" for side in SIDES for part in ("pd", "pu", "pg")]
        for name, shift in self.shifts.items():
            if name not in legal:
                raise ValueError(f"shifts: {name!r} is not one of {', '.join(legal)}")
            if not math.isfinite(shift):
                raise ValueError(f"shifts: {name}={shift!r} V is not a number")

    def sized(self, technology: Technology) -> Sram6T:
        """The same cell with every size filled in."""
        defaults = {"w_pd": technology.w_pd, "w_pu": technology.w_pu, "w_pg": technology.w_pg, "l": technology.length}
        return replace(self, **{k: v for k, v in defaults.items() if getattr(self, k) is None})

    def half_transistors(self, side: str = "") -> tuple[Transistor, ...]:
        """The three transistors of a half cell, named ``pd pu pg`` or, with a side, ``pd_l ...``.

        Layout (thin cell): bit-line, supply and ground contacts are shared with the neighbouring cell, the storage
        node's n diffusion by pull-down and pass gate; the pull-up's drain stands alone.
        """
        name = f"_{side}" if side else ""
        return (
            Transistor(f"pd{name}", "pd", ("out", "inp", "vss", "vss"), self.w_pd, self.l),
            Transistor(f"pu{name}", "pu", ("out", "inp", "vdd", "vdd"), self.w_pu, self.l, drain="end"),
            Transistor(f"pg{name}", "pg", ("bl", "wl", "out", "vss"), self.w_pg, self.l),
        )

    @property
    def size_name(self) -> str:
        return nanometres(pd=self.w_pd, pu=self.w_pu, pg=self.w_pg, l=self.l)

    def add_half(self, circuit: Circuit, technology: Technology, side: str) -> str:
        """Define the half cell of one side; returns the subcircuit's name (ports ``HALF_PORTS``)."""
        half = SubCircuit(f"half6t_{side}_{self.size_name}", *HALF_PORTS)
        add_transistors(half, technology, self.half_transistors(side))
        add_subcircuit(circuit, half)
        return half.name

    def add_cell(self, circuit: Circuit, technology: Technology) -> str:
        """Define the whole cell; returns the subcircuit's name (ports ``CELL_PORTS``)."""
        cell = SubCircuit(f"sram6t_{self.size_name}", *CELL_PORTS)
        for side, (inp, out, bl) in SIDES.items():
            cell.X(side, self.add_half(circuit, technology, side), inp, out, bl, "wl", "vdd", "vss")
        add_subcircuit(circuit, cell)
        return cell.name

    def half_knobs(self, technology: Technology, instances: Mapping[str, tuple[str, ...]]) -> dict[str, Knob]:
        """Knobs ``cell.pd_l ...`` for instances of the half cells given by side."""
        knobs: dict[str, Knob] = {}
        for side, names in instances.items():
            knobs |= transistor_knobs(technology, self.half_transistors(side), "cell", names, dict(self.shifts))
        return knobs

    def cell_knobs(self, technology: Technology, instances: tuple[str, ...]) -> dict[str, Knob]:
        """Knobs ``cell.pd_l ...`` for instances of the whole cell, all set alike."""
        return self.half_knobs(technology, {side: tuple(f"{i}.x{side}" for i in instances) for side in SIDES})
