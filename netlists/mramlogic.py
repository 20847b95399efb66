"""Testbenches of sensing: one to three rows of MRAM cells at once against reference cells, by a StrongARM latch.

P is 1: it draws the larger current. Bit lines are precharged, the cells discharge them while their word lines are on,
and the latch decides whether a line or its reference is lower. A reference is two columns whose lines are shorted, so
it lies half-way between them; it serves two bit lines, as each latch disturbs its own line and half a reference alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from PySpice.Spice.Netlist import Circuit, SubCircuit

from netlists.analyses import Transient
from netlists.circuit import Transistor, add_subcircuit, add_transistors, deck_text, nanometres, transistor_knobs
from netlists.logic import add_gate
from netlists.mram import add_lines
from netlists.setting import Setting
from netlists.stimulus import steps
from netlists.technology import Technology
from netlists.testbench import Knob, Search, Testbench

PRECHARGED = 0.4
"""Level that bit lines begin at, in units of VDD [1]; the current then stays near the junctions' critical one for a
fraction of a nanosecond only."""
PRECHARGE_OFF, WORDLINE_ON = 0.1e-9, 0.2e-9
"""When precharge ends, and the word lines are driven [s]."""
SENSE = 1.0
"""From the word line to the latch, in time constants of the line and the cells in P [1]: about where the difference
of two discharging lines is largest."""
DIFFUSION = 0.8e-9
"""Capacitance of a transistor's diffusion per width [F/m] that sets the latch's time, assumed; no number is made of
it."""
DECIDED, RESET = 0.4e-9, 0.5e-9
"""From the latch's clock to the end of the word line, and to precharge and reset [s]."""
RECHARGE = 2e-9
"""Time that a testbench leaves to precharge again [s]; how long it takes is measured."""
OPTIONS = ".options chgtol=1e-18 reltol=3e-4"
"""Truncation error; against reltol 1e-5 levels move by less than 0.1 mV."""
FANOUT = 4.0
"""Width that a driver of a word line, clock or precharge drives, in its own [1]."""
HELD = 1.0
"""When magnetizations would be released [s]: never, a sense is too short to move them."""
OFFSET_RESOLUTION = 1e-4
"""Bracket of an offset at which its search ends [V]."""


@dataclass(frozen=True)
class Operation:
    """One way to sense.

    Attributes:
        rows: that are on at once.
        references: states of the cells in the two columns of a reference.
    """

    rows: int
    references: tuple[tuple[str, ...], tuple[str, ...]]

    @property
    def cases(self) -> tuple[str, ...]:
        """Bits of the cells, such as ``01``."""
        return tuple("".join(bits) for bits in product("01", repeat=self.rows))

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Cases whose bit lines share a reference."""
        half = len(self.cases) // 2
        return tuple(zip(self.cases[:half], self.cases[::-1], strict=False))

    def result(self, case: str) -> bool:
        """Whether a case draws more than the reference."""
        return 2 * case.count("1") > sum(column.count("p") for column in self.references)


OPERATIONS: Mapping[str, Operation] = {
    "sense": Operation(1, (("p",), ("ap",))),
    "and": Operation(2, (("p", "p"), ("p", "ap"))),
    "or": Operation(2, (("p", "ap"), ("ap", "ap"))),
    "and3": Operation(3, (("p", "p", "p"), ("p", "p", "ap"))),
    "maj3": Operation(3, (("p", "p", "ap"), ("p", "ap", "ap"))),
}
"""Name in metrics to the operation; ``sense`` is the read of one row, ``maj3`` the majority of three."""


def latch_transistors(technology: Technology, w: float) -> tuple[Transistor, ...]:
    """StrongARM latch with PMOS inputs, for lines far below the supply, reset while ``clk`` is high.

    Its output on the side of ``inp`` rises where that is the lower input. Inputs as wide as stated, the cross-coupled
    pairs half of it, the tail a quarter, so that the inputs decide most of the offset, resets an eighth (assumed).

    Args:
        w: width of each input transistor [m].
    """
    length, small = technology.length, max(w / 8, technology.w_n)
    sides = (("l", "inp", "out", "outb"), ("r", "ref", "outb", "out"))
    found = [Transistor("tail", "p", ("tail", "clk", "vdd", "vdd"), w / 4, length)]
    for side, gate, own, other in sides:
        x = f"x_{side}"
        found += [
            Transistor(f"in_{side}", "p", (x, gate, "tail", "vdd"), w, length),
            Transistor(f"p_{side}", "p", (own, other, x, "vdd"), w / 2, length),
            Transistor(f"n_{side}", "n", (own, other, "vss", "vss"), w / 2, length),
            Transistor(f"reset_{side}", "n", (own, "clk", "vss", "vss"), small, length),
            Transistor(f"drain_{side}", "n", (x, "clk", "vss", "vss"), small, length),
        ]
    return tuple(found)


def latch_area(technology: Technology, w: float) -> float:
    """Gate area, the sum of W L, of a latch [m2]; its layout is larger."""
    return sum(t.w * t.length for t in latch_transistors(technology, w))


def _add_latch(circuit: Circuit, technology: Technology, w: float) -> str:
    latch = SubCircuit(
        f"latch_{nanometres(w=w, l=technology.length)}", "inp", "ref", "clk", "out", "outb", "vdd", "vss"
    )
    add_transistors(latch, technology, latch_transistors(technology, w))
    add_subcircuit(circuit, latch)
    return latch.name


def _add_latches(circuit: Circuit, setting: Setting, inputs: Mapping[str, tuple[str, str]]) -> dict[str, Knob]:
    """A latch with an inverter on each output for every name in ``inputs``, which are its input and its reference."""
    technology, w = setting.technology, setting.cell.w_latch
    latch, load = _add_latch(circuit, technology, w), add_gate(circuit, technology, "inverter")
    for name, nodes in inputs.items():
        outputs = (f"out_{name}", f"outb_{name}")
        circuit.X(f"latch_{name}", latch, *nodes, "clk", *outputs, "vdd", "0")
        for node in outputs:
            circuit.X(f"load_{node}", load, node, f"{node}_b", "vdd", "0")
    instances = tuple(f"xlatch_{name}" for name in inputs)
    return transistor_knobs(technology, latch_transistors(technology, w), "latch", instances)


def _add_driver(circuit: Circuit, setting: Setting, node: str, source: str, width: float, supply: str) -> None:
    """An inverter onto a node that drives transistors of a total width [m], from a source of the inverse."""
    scale = max(1.0, width / setting.technology.w_n / FANOUT)
    circuit.V(f"{node}_b", f"{node}_b", "0", source)
    circuit.X(f"drive_{node}", add_gate(circuit, setting.technology, "inverter", scale), f"{node}_b", node, supply, "0")


def sense_time(setting: Setting, rows: int) -> float:
    """From the word line to the latch's clock [s], for cells that are on in ``rows`` rows."""
    cell, readpath = setting.cell, setting.readpath
    w = next(t.w for t in cell.transistors() if t.nodes[1] == cell.read.gate)
    capacitance = cell.wire(setting.technology, readpath.rows) + readpath.rows * w * DIFFUSION
    return SENSE * capacitance * cell.junction.r_p / rows + WORDLINE_ON / 2


def sensed(setting: Setting, name: str) -> Testbench:
    """An operation of ``OPERATIONS`` in all of its cases, each on a bit line of its own with its own latch.

    Probes: ``wl clk``, currents ``vpre#branch vdd#branch vgate#branch`` of precharge, of latches and their clock and
    precharge drivers, of the word line's driver; for each case ``line_<case> ref_<case> out_<case> outb_<case>``,
    where ``ref`` is the line of its reference.
    """
    operation, cell, technology, vdd = OPERATIONS[name], setting.cell, setting.technology, setting.vdd
    circuit = setting.circuit(f"{name}: cells against a reference, by a latch")
    fire = WORDLINE_ON + sense_time(setting, operation.rows)
    _add_rails(circuit, setting, operation, fire)
    knobs: dict[str, Knob] = {}
    latches, own = {}, {str(row): [] for row in range(operation.rows)}
    shared = [line for line in dict.fromkeys((cell.written.line, "sl")) if line != cell.read.line]
    references: dict[tuple[int, int], list[str]] = {}
    for number, pair in enumerate(operation.pairs):
        for case in pair:
            _add_column(circuit, setting, f"_{case}", shared, operation.rows)
            latches[case] = (f"{cell.read.line}_{case}", f"{cell.read.line}_ref{number}")
            for row, bit in enumerate(case):
                own[str(row)].append(_add_cell(circuit, setting, "p" if bit == "1" else "ap", f"_{case}", row))
        _add_column(circuit, setting, f"_ref{number}", shared, operation.rows, columns=2)
        for column, states in enumerate(operation.references):
            for row, state in enumerate(states):
                instance = _add_cell(circuit, setting, state, f"_ref{number}", 2 * row + column)
                references.setdefault((column, row), []).append(instance)
    for row, instances in own.items():
        path = f"row{row}" if row != "0" else "cell"
        knobs |= cell.cell_knobs(technology, tuple(instances), setting.temp, thermal=False, path=path)
    for (column, row), instances in references.items():
        path = f"ref_{name}{column}{row}"
        knobs |= cell.cell_knobs(technology, tuple(instances), setting.temp, thermal=False, path=path)
    knobs |= _add_latches(circuit, setting, latches)
    line = cell.read.line
    probes = ["wl", "clk", "vpre#branch", "vdd#branch", "vgate#branch"]
    probes += [node for case in operation.cases for node in (f"{line}_{case}", f"out_{case}", f"outb_{case}")]
    probes += [f"{line}_ref{number}" for number in range(len(operation.pairs))]
    stop = fire + RESET + RECHARGE
    return Testbench(
        name=f"mram_{name}", deck=deck_text(circuit, probes, (OPTIONS,)), analysis=Transient(stop, stop / 50),
        probes=tuple(probes), knobs=knobs,
        values={"vdd": vdd, "v_pre": PRECHARGED * vdd, "fire": fire, "reset": fire + RESET, **setting.levels},
        osdi=technology.osdi,
    )  # fmt: skip


def _add_rails(circuit: Circuit, setting: Setting, operation: Operation, fire: float) -> None:
    """Supplies, lines at 0, word line, precharge and clock; the latches are clocked at ``fire`` [s]."""
    cell, vdd, lines = setting.cell, setting.vdd, len(operation.cases) + 2 * len(operation.pairs)
    widths = {t.nodes[1]: t.w for t in cell.transistors()}
    for name, level in (("pre", PRECHARGED * vdd), ("dd", vdd), ("gate", setting.v_wl)):
        circuit.V(name, {"pre": "vpre", "dd": "vdd", "gate": "vgate"}[name], "0", level)
    for line in {cell.written.line, cell.written.gate, "sl"} - {cell.read.line, cell.read.gate}:
        circuit.V(line, line, "0", 0.0)
    on = steps(setting.v_wl, ((WORDLINE_ON, 0.0), (fire + DECIDED, setting.v_wl)))
    _add_driver(circuit, setting, "wl", on, widths[cell.read.gate] * operation.rows * lines, "vgate")
    pre = steps(0.0, ((PRECHARGE_OFF, vdd), (fire + RESET, 0.0)))
    _add_driver(circuit, setting, "pre", pre, max(widths.values()) * lines, "vdd")
    clock = steps(0.0, ((fire, vdd), (fire + RESET, 0.0)))
    _add_driver(circuit, setting, "clk", clock, cell.w_latch * len(operation.cases), "vdd")


def _add_column(
    circuit: Circuit, setting: Setting, suffix: str, shared: list[str], selected: int, columns: int = 1
) -> None:
    """Wire, unselected cells and precharge transistor of a bit line, or of several that are shorted."""
    cell, technology = setting.cell, setting.technology
    add_lines(circuit, setting, suffix, shared, selected, columns)
    w = max(t.w for t in cell.transistors()) * columns
    nodes = (f"{cell.read.line}{suffix}", "pre", "vpre", "0")
    add_transistors(circuit, technology, (Transistor(f"pre{suffix}", "n", nodes, w, technology.length),))


def _add_cell(circuit: Circuit, setting: Setting, state: str, suffix: str, number: int) -> str:
    """A selected cell of a column; returns its instance."""
    cell = setting.cell
    inner = {cell.read.line: f"{cell.read.line}{suffix}", cell.read.gate: "wl", "sl": "sl"}
    if cell.written.line != cell.read.line:
        inner |= {cell.written.line: cell.written.line, cell.written.gate: cell.written.gate}
    name = cell.add_cell(circuit, setting.technology, setting.temp, state, HELD)
    circuit.X(f"{number}{suffix}", name, *(inner.get(port, f"{port}{suffix}_{number}") for port in cell.ports))
    return f"x{number}{suffix}"


def latch_offset(setting: Setting) -> Testbench:
    """The latch alone between two sources; the one on its reference side is searched, once for each decision.

    The line's is at half of the precharged level. ``p`` is the latch whose output is to be 1, at a reference above it;
    ``ap`` has its inputs exchanged in sign: what is searched lies below.
    """
    vdd, middle = setting.vdd, PRECHARGED * setting.vdd / 2
    circuit = setting.circuit("sense latch between two sources")
    circuit.V("dd", "vdd", "0", vdd)
    _add_driver(circuit, setting, "clk", steps(0.0, ((WORDLINE_ON, vdd),)), 2 * setting.cell.w_latch, "vdd")
    inputs = {}
    for state in setting.cell.states:
        circuit.V(f"line_{state}", f"line_{state}", "0", middle)
        circuit.V(f"move_{state}", f"move_{state}", "0", middle)
        sign = {"p": 1.0, "ap": -1.0}[state]
        circuit.B(
            f"ref_{state}", f"ref_{state}", "0", voltage_expression=f"{middle!r}+{sign!r}*(V(move_{state})-{middle!r})"
        )
        inputs[state] = (f"line_{state}", f"ref_{state}")
    knobs = _add_latches(circuit, setting, inputs)
    probes = [f"{node}_{state}" for state in inputs for node in ("line", "ref", "out", "outb")]
    stop = WORDLINE_ON + 2 * RESET
    return Testbench(
        name="mram_offset", deck=deck_text(circuit, probes, (OPTIONS,)), analysis=Transient(stop, stop / 50),
        probes=tuple(probes), knobs=knobs, values={"vdd": vdd}, osdi=setting.technology.osdi,
        search=Search(
            tuple(f"vmove_{state}" for state in inputs), 0.0, 2 * middle, "high", 0.0, OFFSET_RESOLUTION
        ),
    )  # fmt: skip
