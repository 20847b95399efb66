"""What every testbench is built from: one condition of one cell, the stored states, and how sweeps are solved."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

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
class Condition:
    """Where a circuit is simulated.

    Attributes:
        technology, process, vdd [V], temp [K]: the condition; the technology's laws become those of the process.
    """

    technology: Technology
    process: str
    vdd: float
    temp: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "technology", self.technology.at(self.process))

    def circuit(self, title: str) -> Circuit:
        return new_circuit(title, self.technology, self.process, self.temp)


@dataclass(frozen=True)
class Setting(Condition):
    """One condition of a testbench of a cell.

    Attributes:
        cell: bit cell, sized for the technology.
        readpath: read path around it.
        window: time that a transient gives each phase [s].
        dv_wl: word line that is on, against VDD [V]; of a read through a port of its own, the read word line.
        dv_bl: bit lines against VDD where they are precharged [V], the read bit line of a read port among them; in a
            write the line that is pulled low, against 0, while both are precharged to VDD and the other one stays
            there.
        dv_cell: cell supply against VDD [V]. Everything else stays at VDD.
    """

    cell: Cell
    readpath: ReadPath = field(default_factory=ReadPath)
    window: float | None = None
    dv_wl: float = 0.0
    dv_bl: float = 0.0
    dv_cell: float = 0.0

    @property
    def v_wl(self) -> float:
        """Word line that is on [V]."""
        return moved(self.vdd, self.dv_wl)

    @property
    def v_bl(self) -> float:
        """Precharged bit line [V]."""
        return moved(self.vdd, self.dv_bl)

    @property
    def v_cell(self) -> float:
        """Supply of the cell [V]."""
        return moved(self.vdd, self.dv_cell)

    @property
    def offsets(self) -> dict[str, float]:
        """Lines that are not at VDD to their offsets [V]."""
        return {line: getattr(self, f"dv_{line}") for line in ("wl", "bl", "cell") if getattr(self, f"dv_{line}")}

    @property
    def written(self) -> Setting:
        """The same for the column of a write, where ``dv_bl`` is not the precharged level."""
        return replace(self, dv_bl=0.0)

    @property
    def levels(self) -> dict[str, float]:
        """Numbers for a measurement: ``v_wl``, ``v_bl`` and ``v_cell`` [V], each only where it is not VDD."""
        return {f"v_{line}": getattr(self, f"v_{line}") for line in self.offsets}

    def add_rails(self, circuit: Circuit, *lines: str) -> tuple[str, ...]:
        """A source of VDD, and one for each line of a testbench that is elsewhere; returns the lines' nodes.

        Args:
            lines: ``wl``, ``bl`` and ``cell``, and ``low`` for the bit line that a write pulls low.
        """
        circuit.V("dd", "vdd", "0", self.vdd)
        levels = {"wl": self.v_wl, "bl": self.v_bl, "cell": self.v_cell, "low": self.dv_bl}
        at_rest = {self.vdd: "vdd", 0.0: "0"}
        nodes = []
        for line in lines:
            if levels[line] not in at_rest:
                circuit.V(line, f"v{line}", "0", levels[line])
            nodes.append(at_rest.get(levels[line], f"v{line}"))
        return tuple(nodes)


def moved(vdd: float, offset: float) -> float:
    """A level [V] that lies apart from VDD, without the last digits that an addition leaves.

    >>> moved(0.7, 0.1), 0.7 + 0.1
    (0.8, 0.7999999999999999)
    """
    return round(vdd + offset, 12) if offset else vdd
