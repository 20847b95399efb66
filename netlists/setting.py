"""What every testbench is built from: one condition of one cell, the stored states, and how sweeps are solved."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySpice.Spice.Netlist import Circuit

from netlists.bitcells import Cell
from netlists.circuit import new_circuit
from netlists.readpath import ReadPath
from netlists.technology import Technology

STATES = {"q": (1, 0), "qb": (0, 1)}
"""Stored state, named after the node that is high, to the levels of ``q`` and ``qb`` in units of VDD."""

SWEEP_OPTIONS = ".options reltol=1e-4"
"""Newton tolerance of a sweep: the default of 1e-3 alone moves a noise margin by 0.3 mV."""


@dataclass(frozen=True)
class Setting:
    """One condition of a testbench.

    Attributes:
        technology, process, vdd [V], temp [K]: the condition; the technology's laws become those of the process.
        cell: bit cell, sized for the technology.
        readpath: read path around it.
        window: time that a transient gives each phase [s].
    """

    technology: Technology
    process: str
    vdd: float
    temp: float
    cell: Cell
    readpath: ReadPath = field(default_factory=ReadPath)
    window: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "technology", self.technology.at(self.process))

    def circuit(self, title: str) -> Circuit:
        return new_circuit(title, self.technology, self.process, self.temp)
