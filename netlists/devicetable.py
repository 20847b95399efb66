"""One transistor by itself on a grid of voltages and threshold shifts: what its currents are tabulated from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.polynomial.chebyshev import chebpts1
from PySpice.Spice.Netlist import SubCircuit

from netlists.analyses import Sweep
from netlists.circuit import Transistor, add_subcircuit, add_transistors, deck_text, nanometres
from netlists.setting import Condition
from netlists.testbench import Knob, Testbench
from netlists.variation import MismatchLaw

TERMINALS = ("d", "g", "s", "b")
"""Drain, gate, source and bulk, in the order of :attr:`netlists.circuit.Transistor.nodes`."""

TABLE_OPTIONS = ".options bypass=1"
"""Every voltage is a source's: what a transistor draws need not be looked at again to know that it is at rest. A fifth
less time, currents within 4e-6.
"""
ROW, COLUMN = "row", "column"
"""The two voltages of a grid."""


@dataclass(frozen=True)
class Grid:
    """Evenly spaced numbers [V].

    Attributes:
        start: the first one. step: between two. count: how many.
    """

    start: float
    step: float
    count: int

    @classmethod
    def over(cls, low: float, high: float, step: float, guard: int = 0, through: float = 0.0) -> Grid:
        """Numbers that hold ``low`` to ``high``, and ``guard`` more at either end, ``through`` among them.

        >>> Grid.over(-0.1, 0.25, 0.1).values.round(3).tolist()
        [-0.1, 0.0, 0.1, 0.2, 0.3]
        """
        first = int(np.floor((low - through) / step + 1e-9)) - guard
        last = int(np.ceil((high - through) / step - 1e-9)) + guard
        return cls(through + first * step, step, last - first + 1)

    @property
    def stop(self) -> float:
        return self.start + (self.count - 1) * self.step

    @property
    def values(self) -> np.ndarray:
        """The numbers, shape (count,)."""
        return self.start + self.step * np.arange(self.count)


@dataclass(frozen=True)
class Chebyshev:
    """Numbers through which one polynomial is as good as any: Chebyshev's points of the first kind, drawn out to the
    ends.

    Attributes:
        stop: the last one; the first is as far below 0. count: how many; a single one is 0.
    """

    stop: float
    count: int

    @property
    def values(self) -> np.ndarray:
        """The numbers, shape (count,)."""
        points = chebpts1(self.count)
        return self.stop * points / points[-1] if self.count > 1 else np.zeros(1)


@dataclass(frozen=True)
class Further:
    """A parameter besides the threshold over which currents are tabulated.

    Attributes:
        law: of its mismatch. nominal: value of the parameter, in its unit.
        deviations: from the nominal value, in the same unit; a polynomial through all of them lies in between.
        as_shift: what a unit of deviation does to the gate, as a shift of |Vth| [V]. A grid's shifts hold it already:
            a row counts from the threshold that a transistor seems to have.
    """

    law: MismatchLaw
    nominal: float
    deviations: Chebyshev
    as_shift: float = 0.0


@dataclass(frozen=True)
class DeviceGrid:
    """Where the currents of one transistor are tabulated.

    Attributes:
        rows, columns: the two voltages that vary [V].
        shifts: of |Vth| [V].
        terminals: ``d g s b`` to ``row``, to ``column`` or to the level that it is at [V].
        overdrive: voltages count from the threshold. A gate at the row or column is above it, for a PMOS below it, by
            the shift; where the gate is fixed, what is at the row and column is as far below. What a transistor then
            does depends little on the shift, by body effect and mobility, and a few shifts are enough.
        measured: terminals whose currents are tabulated.
        level: column at which drain and source are at one level [V]: a model may have a bend there, which BSIM4's
            current has in its second derivative. None: at no column.
        further: parameter that varies as well; None: there is none.
    """

    rows: Grid
    columns: Grid
    shifts: Grid
    terminals: Mapping[str, str | float]
    overdrive: bool
    measured: tuple[str, ...]
    level: float | None
    further: Further | None = None

    @property
    def fixed_gate(self) -> bool:
        """Whether the gate is at a level of its own."""
        return not isinstance(self.terminals["g"], str)

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """Counts of deviations, rows, measured terminals, shifts and columns, as they are simulated."""
        deviations = self.further.deviations.count if self.further else 1
        return deviations, self.rows.count, len(self.measured), self.shifts.count, self.columns.count

    @property
    def level_at(self) -> int:
        """Number of the column where drain and source are at one level; the number of columns where there is none."""
        columns = self.columns
        return columns.count if self.level is None else round((self.level - columns.start) / columns.step)


def device_bench(condition: Condition, transistor: Transistor, grid: DeviceGrid) -> Testbench:
    """One transistor for each shift of a grid, all on the same voltages; the columns are swept, a knob sets the row.

    Probes: the current out of each measured terminal [A], all shifts of the first terminal first. The knobs are the
    row, then the shift of each transistor, then the further parameter of all; :func:`knob_rows` has their values.
    """
    technology = condition.technology
    device = technology.devices[transistor.role]
    circuit = condition.circuit(f"currents of {transistor.name}")
    alone = replace(transistor, nodes=TERMINALS)
    subcircuit = SubCircuit(f"alone_{transistor.name}_{nanometres(w=transistor.w, l=transistor.length)}", *TERMINALS)
    add_transistors(subcircuit, technology, (alone,))
    add_subcircuit(circuit, subcircuit)
    circuit.V(ROW, ROW, "0", 0.0)
    circuit.V(COLUMN, COLUMN, "0", 0.0)
    knobs = {ROW: Knob((f"v{ROW}",), 0.0, 1)}
    sign = {"n": 1.0, "p": -1.0}[device.polarity]
    for i, shift in enumerate(grid.shifts.values):
        nodes = {terminal: f"{terminal}{i}" for terminal in TERMINALS}
        for terminal, level in grid.terminals.items():
            at, more = (level, 0.0) if isinstance(level, str) else ("0", level)
            if grid.overdrive and isinstance(level, str) and (terminal == "g" or grid.fixed_gate):
                more += (-sign if grid.fixed_gate else sign) * float(shift)
            if more or terminal in grid.measured:
                circuit.V(nodes[terminal], nodes[terminal], at, more)
            else:
                nodes[terminal] = at
        circuit.X(f"{i}", subcircuit.name, *nodes.values())
        knobs[f"shift{i}"] = Knob((device.knob(f"x{i}", alone.name),), 0.0, device.shift_sign)
    if grid.further:
        law = grid.further.law
        parameters = (device.knob(f"x{i}", alone.name, law.parameter) for i in range(grid.shifts.count))
        knobs["further"] = Knob(tuple(parameters), 0.0, 1, nominal=grid.further.nominal, card=law.card)
    probes = [f"v{terminal}{i}#branch" for terminal in grid.measured for i in range(grid.shifts.count)]
    columns = grid.columns
    return Testbench(
        name="device_table",
        deck=deck_text(circuit, probes, (TABLE_OPTIONS,)),
        analysis=Sweep(f"v{COLUMN}", columns.start, columns.stop, columns.count),
        probes=tuple(probes),
        knobs=knobs,
        values={},
        osdi=technology.osdi,
    )


def knob_rows(testbench: Testbench, grid: DeviceGrid) -> np.ndarray:
    """Parameters of every row of a grid, all rows of the first deviation first.

    Args:
        testbench: of :func:`device_bench`.

    Returns:
        Shape (deviation x row, knob).
    """
    signs = np.array([knob.sign for knob in testbench.knobs.values()][1 : 1 + grid.shifts.count])
    further, rows = grid.further, grid.rows
    parts = []
    for deviation in further.deviations.values if further else (0.0,):
        own = grid.shifts.values - (further.as_shift * deviation if further else 0.0)
        values = [rows.values, np.broadcast_to(signs * own, (rows.count, grid.shifts.count))]
        if further:
            values.append(np.full(rows.count, further.nominal + deviation))
        parts.append(np.column_stack(values))
    return np.concatenate(parts)
