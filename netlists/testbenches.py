"""Testbenches of bit cells, of their read path and of logic: circuit, stimulus, analysis, probes and knobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from PySpice.Spice.Netlist import SubCircuit

from netlists.analyses import Analysis, OperatingPoint, Sweep, Transient
from netlists.bitcells import CELL_PORTS, READ_PORTS, SIDES, Cell, Sram6T
from netlists.circuit import (
    add_places,
    add_subcircuit,
    add_transistors,
    deck_text,
    first_guesses,
    nanometres,
    transistor_knobs,
)
from netlists.dynamic import (
    PIM_WINDOW,
    WRITE_WINDOW,
    half_select,
    pim_row,
    read_pulse,
    supply_dip,
    write,
    write_pulse,
)
from netlists.logic import add_gate, gate_knobs
from netlists.margins import n_curve, retention, write_bl, write_butterfly, write_wl
from netlists.mram import mram_bias, mram_constant, mram_critical, mram_drive, mram_pulse, mram_read, mram_write
from netlists.mramcells import MramCell
from netlists.mramlogic import latch_offset, sensed
from netlists.operation import CYCLE, HOLD_WINDOW, compute, held, line_hold, read_path, read_port, truth
from netlists.setting import STATES, SWEEP_OPTIONS, Setting
from netlists.stimulus import FAST_OPTIONS, MAX_STEP, pulse
from netlists.testbench import Testbench

BUTTERFLY_POINTS = 33
"""Points of a butterfly; with them the noise margin is within 0.05 mV of 1,001 points at tight tolerances."""
EYES = (0.28, 0.78, 2.5)
"""Where both curves bend most, in units of VDD along the diagonal, and how much denser the points are there [1]."""
READ_RAMP_POINTS = 21
"""Word-line steps from hold to read on which a cell is followed at DC."""
VDS_LINEAR = 0.05
"""Drain voltage of the linear threshold voltage [V], the customary one."""
VGS_STEP = 10e-3
"""Largest step of the gate where a threshold is looked for [V]; in between, currents are straight on a logarithm."""


def butterfly_points() -> np.ndarray:
    """Places along the diagonal, ``(q - qb) / VDD`` from -1 to 1, dense where the eyes are; shape (point,)."""
    low, high, density = EYES
    bend = np.array([0.0, low, low + density * (high - low), density * (high - low) + low + 1 - high])
    half = np.interp(np.linspace(0, bend[-1], BUTTERFLY_POINTS // 2 + 1), bend, (0.0, low, high, 1.0))
    return np.concatenate([-half[:0:-1], half])


def butterfly(setting: Setting, wordline: float, name: str) -> Testbench:
    """Both halves of the cell with the loop cut, swept along the diagonal: ``s = q - qb`` from -VDD to VDD.

    A source of ``s`` volts between a half's input and its output makes it find the one point of its transfer curve
    with ``q - qb = s`` (the turned axes of Seevinck, List, Lohstroh, JSSC 22(5), 1987). A curve is smooth in ``s``
    where its output is steep in its input, so a third of the points give the accuracy of a sweep of the input.

    Probes: ``s``, then Q on the left half's curve ``q_l`` and on the right half's ``q_r``; Q-bar is ``q - s``. The bit
    lines are precharged. VDD of the diagonal is the cell's supply.

    Args:
        wordline: level of the word line [V].
    """
    technology, cell, vdd = setting.technology, setting.cell, setting.v_cell
    circuit = setting.circuit(f"butterfly, word line at {wordline:g} V")
    supply, line = setting.add_rails(circuit, "cell", "bl")
    circuit.V("wl", "wl", "0", wordline)
    sweep = add_places(circuit, butterfly_points() * vdd)
    probes = ["s"]
    for side, (inp, output, _) in SIDES.items():
        nodes = {node: f"{node}_{side}" for node in ("q", "qb")}
        circuit.X(side, cell.add_half(circuit, technology, side), nodes[inp], nodes[output], line, "wl", supply, "0")
        circuit.VCVS(side, nodes["q"], nodes["qb"], "s", "0", voltage_gain=1.0)
        probes.append(nodes["q"])
    return Testbench(
        name=name,
        deck=deck_text(circuit, probes, (SWEEP_OPTIONS,)),
        analysis=sweep,
        probes=tuple(probes),
        knobs=cell.half_knobs(technology, {side: (f"x{side}",) for side in SIDES}),
        values={"vdd": vdd},
        osdi=technology.osdi,
    )


def butterfly_hold(setting: Setting) -> Testbench:
    """Butterfly with the word line at 0."""
    return butterfly(setting, 0.0, "butterfly_hold")


def butterfly_read(setting: Setting) -> Testbench:
    """Butterfly with the word line on and both bit lines precharged; a cell with a read port reads with it at 0."""
    return butterfly(setting, 0.0 if setting.cell.decoupled else setting.v_wl, "butterfly_read")


def static_cell(
    setting: Setting, analysis: Analysis, name: str, read_port: bool = False, ground: float = 0.0
) -> Testbench:
    """The cell in both of its states at DC from word line 0 on, lines precharged, every supply with its own source.

    Args:
        read_port: it has one, with the read bit line precharged and the read word line at 0; else that is at rest.
        ground: level of the cell from which the simulator's voltages count [V]. Near it they are resolved as finely as
            floats are near 0; at 1 V a float's step times the conductance of a transistor that is on is 1e-20 A.
    """
    technology, cell = setting.technology, setting.cell
    circuit = setting.circuit("cell at DC in both states")
    lines, supplies = ("wl",), {"bl": setting.v_bl, "blb": setting.v_bl, "vdd": setting.v_cell}
    if read_port:
        lines, supplies = (*lines, "rwl"), {**supplies, "rbl": setting.v_bl}
    for line in lines:
        circuit.V(line, line, "0", 0.0 - ground)
    if ground:
        circuit.V("ss", "vss", "0", -ground)
    subcircuit = cell.add_cell(circuit, technology, read_port)
    probes, guesses = [], {}
    for state, levels in STATES.items():
        nodes = {port: f"{port}_{state}" for port in (*supplies, "q", "qb")}
        for supply, level in supplies.items():
            circuit.V(nodes[supply], nodes[supply], "0", level - ground)
            probes.append(f"v{nodes[supply]}#branch")
        at = nodes | {"vss": "vss" if ground else "0"} | dict(zip(lines, lines, strict=True))
        circuit.X(state, subcircuit, *(at[port] for port in CELL_PORTS + (READ_PORTS if read_port else ())))
        for node, level in zip(("q", "qb"), levels, strict=True):
            probes.append(nodes[node])
            guesses[nodes[node]] = level * setting.v_cell - ground
    return Testbench(
        name=name,
        deck=deck_text(circuit, probes, first_guesses(guesses)),
        analysis=analysis,
        probes=tuple(probes),
        knobs=cell.cell_knobs(technology, tuple(f"x{state}" for state in STATES)),
        values={"vdd": setting.v_cell},
        osdi=technology.osdi,
    )


def read_current(setting: Setting) -> Testbench:
    """The cell at DC in both states while its word line rises from 0 until it is on: the last point is the read.

    Ramped, because an operating point asked for at once may settle in the other state of a cell that holds both. Of a
    cell with a read port it is the read word line that rises.
    """
    ramp = Sweep("vrwl" if setting.cell.decoupled else "vwl", 0.0, setting.v_wl, READ_RAMP_POINTS)
    return static_cell(setting, ramp, "read_current", read_port=setting.cell.decoupled)


def leakage(setting: Setting) -> Testbench:
    """The cell at DC in both states with its word line at 0; a read port rests at the precharged level, closed.

    Voltages count from the cell's supply: what it gives through a pull-up that is on is some 1e-18 A in the cold.
    """
    apart = setting.cell.decoupled and setting.v_bl != setting.v_cell  # else it rests at the cell's own supply
    return static_cell(setting, OperatingPoint(), "leakage", read_port=apart, ground=setting.v_cell)


def fo4(setting: Setting) -> Testbench:
    """A chain of unit inverters, each of which drives four; the third one is measured, on its own supply.

    Two stages in front of it make its input edge, whatever the source's.
    """
    technology, vdd, window = setting.technology, setting.vdd, setting.window
    circuit = setting.circuit("fanout-of-four inverter")
    circuit.V("dd", "vdd", "0", vdd)
    circuit.V("measured", "vm", "0", vdd)
    circuit.V("in", "n0", "0", pulse(0.0, vdd, 0.1 * window, 1.1 * window))
    unit, rest = add_gate(circuit, technology, "inverter"), add_gate(circuit, technology, "inverter", 3.0)
    for stage in range(4):
        output = f"n{stage + 1}"
        circuit.X(f"{stage}", unit, f"n{stage}", output, "vm" if stage == 2 else "vdd", "0")
        circuit.X(f"{stage}_rest", rest, output, f"{output}_rest", "vdd", "0")
    circuit.X("last", unit, "n4", "n4_last", "vdd", "0")
    probes = ("n2", "n3", "vmeasured#branch")
    stop = 2.1 * window
    knobs = gate_knobs(technology, "inverter", "fo4", ("x2",))
    others = tuple(f"x{stage}" for stage in (0, 1, 3, "last"))
    knobs |= gate_knobs(technology, "inverter", "fo4_chain", others, mismatch=False)
    loads = tuple(f"x{stage}_rest" for stage in range(4))
    knobs |= gate_knobs(technology, "inverter", "fo4_load", loads, 3.0, mismatch=False)
    return Testbench(
        name="fo4",
        deck=deck_text(circuit, probes, (FAST_OPTIONS,)),
        analysis=Transient(stop, MAX_STEP * stop),
        probes=probes,
        knobs=knobs,
        values={"vdd": vdd, "window": window, "edge": 1.1 * window},
        osdi=technology.osdi,
    )


def threshold(setting: Setting) -> Testbench:
    """The left half cell's transistors each by itself: gate swept at a drain voltage of 50 mV, source and bulk at 0.

    The gates of PMOS are swept down, so that the probe ``gate`` is |Vgs| of all; ``values`` hold W/L of each.
    """
    technology = setting.technology
    circuit = setting.circuit("threshold voltages of a half cell's transistors")
    circuit.V("gate", "gate", "0", 0.0)
    circuit.VCVS("down", "gate_p", "0", "gate", "0", voltage_gain=-1.0)
    knobs, probes, ratios = {}, ["gate"], {}
    for t in setting.cell.half_transistors("l"):
        sign = {"n": 1, "p": -1}[technology.devices[t.role].polarity]
        alone = replace(t, nodes=("d", "g", "s", "s"))
        subcircuit = SubCircuit(f"alone_{t.name}_{nanometres(w=t.w, l=t.length)}", "d", "g", "s")
        add_transistors(subcircuit, technology, (alone,))
        add_subcircuit(circuit, subcircuit)
        circuit.V(t.role, t.role, "0", sign * VDS_LINEAR)
        circuit.X(t.role, subcircuit.name, t.role, "gate" if sign > 0 else "gate_p", "0")
        knobs |= transistor_knobs(technology, (alone,), "cell", (f"x{t.role}",), dict(setting.cell.shifts))
        probes.append(f"v{t.role}#branch")
        ratios[f"ratio_{t.role}"] = t.w / t.length
    highest = technology.vdd_range[1]
    return Testbench(
        name="threshold",
        deck=deck_text(circuit, probes, (SWEEP_OPTIONS,)),
        analysis=Sweep("vgate", 0.0, highest, 1 + round(highest / VGS_STEP)),
        probes=tuple(probes),
        knobs=knobs,
        values={"vdd": setting.vdd, "highest": highest, **ratios},
        osdi=technology.osdi,
    )


def _not_for_column(cell: Cell) -> str:
    return "" if cell.pass_gates() else "one transistor must open to each bit line"


def _not_read_by_column(cell: Cell) -> str:
    if cell.decoupled:
        return "it is read through both bit lines, not through a read port"
    return _not_for_column(cell)


def _not_read_by_port(cell: Cell) -> str:
    return "" if cell.read_port() else "it is read through RBL, an NMOS on RWL and one on Q-bar in series"


def _not_parametrized(cell: Cell) -> str:
    return "" if isinstance(cell, Sram6T) else "the transistors of a netlist have no roles"


@dataclass(frozen=True)
class Row:
    """One row of the testbench table.

    Attributes:
        build: makes the testbench of a setting.
        timed_by: for a transient, the metrics whose nominal values set its window; empty where none does.
        timed_on: row that gives these metrics, if it is another one.
        window: window in units of the slowest of them [1]; samples slower than the window are censored there.
        drawn: figures show its curves, so they are kept.
        cloud: the first samples' as well as the nominal cell's; of a search, the nominal cell's trials alone.
        lacks: says what a cell of these states lacks that the testbench needs; empty for a cell that it is for.
        refuses: offset that has no meaning on it to why; any other one either moves a line of it or, where that line
            is at 0 or not there, leaves it as it is.
        states: of the cells that it is for; empty: no cell is in it.
    """

    build: Callable[[Setting], Testbench]
    timed_by: tuple[str, ...] = ()
    window: float = 20.0
    drawn: bool = False
    cloud: bool = True
    lacks: Callable[[Cell], str] = lambda _: ""
    timed_on: str = ""
    refuses: Mapping[str, str] = field(default_factory=dict)
    states: tuple[str, ...] = tuple(STATES)

    def missing(self, cell: Cell | MramCell) -> str:
        """What a cell lacks that the testbench needs; empty for a cell that it is for."""
        if self.states and self.states != cell.states:
            return f"it is of a cell that stores {' or '.join(self.states)}, not {' or '.join(cell.states)}"
        return self.lacks(cell)


RETENTION_REFUSES = {
    "dv_bl": "the bit lines fall with the supply",
    "dv_cell": "what is looked for is itself a level of the cell's supply",
}
"""Offsets that contradict what a data retention voltage is."""

_MRAM = {
    "states": ("p", "ap"),
    "refuses": {
        "dv_bl": "its lines are driven from both ends, to 0, VDD and the read voltage",
        "dv_cell": "an MRAM cell has no supply",
    },
}
"""Row of an MRAM cell."""

_AT_SPEED = {
    "timed_by": ("t_read_p", "t_read_n", "t_precharge"), "window": CYCLE, "timed_on": "read_path",
    "lacks": _not_read_by_column,
}  # fmt: skip
"""Row of a read path at work, its cycle set by the nominal read."""

TESTBENCHES: Mapping[str, Row] = {
    "butterfly_hold": Row(butterfly_hold, drawn=True),
    "butterfly_read": Row(butterfly_read, drawn=True),
    "read_current": Row(read_current, drawn=True),
    "leakage": Row(leakage, drawn=True),
    "read_path": Row(read_path, ("t_read_p", "t_read_n", "t_precharge"), drawn=True, lacks=_not_read_by_column),
    "read_path_single": Row(
        partial(read_path, outputs="p"), ("t_read_single", "t_precharge_single"), lacks=_not_read_by_column
    ),
    "read_port": Row(read_port, ("t_read_port", "t_precharge_port"), drawn=True, lacks=_not_read_by_port),
    "truth": Row(truth, drawn=True, cloud=False, **_AT_SPEED),
    "truth_single": Row(partial(truth, outputs="p"), **_AT_SPEED),
    "compute": Row(compute, drawn=True, cloud=False, **_AT_SPEED),
    "compute_single": Row(partial(compute, outputs="p"), **_AT_SPEED),
    "held": Row(held, **_AT_SPEED),
    "held_single": Row(partial(held, outputs="p"), **_AT_SPEED),
    "line_hold": Row(line_hold, ("t_hold_line",), window=HOLD_WINDOW, lacks=_not_read_by_column),
    "fo4": Row(fo4, ("t_fo4",), drawn=True, cloud=False, states=()),
    "threshold": Row(threshold, drawn=True, lacks=_not_parametrized),
    "write_butterfly": Row(write_butterfly, drawn=True),
    "n_curve": Row(n_curve, drawn=True),
    "write_bl": Row(write_bl, drawn=True),
    "write_wl": Row(write_wl, drawn=True),
    "retention": Row(retention, drawn=True, refuses=RETENTION_REFUSES),
    "write": Row(write, ("t_write",), window=WRITE_WINDOW, drawn=True, cloud=False, lacks=_not_for_column),
    "write_pulse": Row(
        write_pulse,
        ("t_write",),
        window=WRITE_WINDOW,
        timed_on="write",
        drawn=True,
        cloud=False,
        lacks=_not_for_column,
    ),
    "read_pulse": Row(read_pulse, ("t_bl",), timed_on="read_path", drawn=True, cloud=False, lacks=_not_read_by_column),
    "half_select": Row(half_select, ("t_bl",), timed_on="read_path", drawn=True, cloud=False, lacks=_not_for_column),
    "pim_row": Row(
        pim_row,
        ("t_read_p", "t_read_n", "t_precharge"),
        window=PIM_WINDOW,
        timed_on="read_path",
        drawn=True,
        cloud=False,
        lacks=_not_read_by_column,
    ),
    "supply_dip": Row(supply_dip, drawn=True, cloud=False),
    "mram_read": Row(mram_read, **_MRAM),
    "mram_bias": Row(mram_bias, drawn=True, **_MRAM),
    "mram_drive": Row(mram_drive, **_MRAM),
    "mram_sense": Row(partial(sensed, name="sense"), drawn=True, **_MRAM),
    "mram_and": Row(partial(sensed, name="and"), drawn=True, **_MRAM),
    "mram_or": Row(partial(sensed, name="or"), drawn=True, **_MRAM),
    "mram_and3": Row(partial(sensed, name="and3"), **_MRAM),
    "mram_maj3": Row(partial(sensed, name="maj3"), **_MRAM),
    "mram_offset": Row(latch_offset, **_MRAM),
    "mram_write": Row(mram_write, drawn=True, **_MRAM),
    "mram_pulse": Row(mram_pulse, **_MRAM),
    "mram_critical": Row(mram_critical, **_MRAM),
    "mram_constant": Row(mram_constant, **_MRAM),
}
