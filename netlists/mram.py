"""Testbenches of MRAM cells: read and write at DC, a write in time, critical pulse and current, constant current.

Each holds the cell in both of its states, ``p`` and ``ap``; a write leads each to the other one. Lines have the
capacitance of their wire and of the other cells; what resists is in the cell, as lines of a write current are wide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from PySpice.Spice.Netlist import Circuit

from netlists.analyses import OperatingPoint, Sweep, Transient
from netlists.circuit import add_transistors, deck_text
from netlists.logic import add_gate, gate_knobs
from netlists.mtj import STATES, add_junction, junction_knobs
from netlists.setting import SWEEP_OPTIONS, Setting
from netlists.stimulus import EDGE, TRANSIENT_OPTIONS, pulse
from netlists.testbench import Knob, Search, Testbench

LINES_ON, WORDLINE_ON = 0.1e-9, 0.3e-9
"""When a write's lines are driven, and its word line is on [s]."""
RELAXATION = 2e-9
"""How long a magnetization is left alone after a pulse [s]: several precessions, until its hemisphere is its own."""
DRIVER = 2.0
"""Pull-down of a line's driver in widths of the cell's write transistor [1], assumed: most of the resistance is then in
the cell."""
PULSE_RESOLUTION = 0.002
"""Bracket of a critical pulse or current over its value at which its search ends [1]."""
OPEN = 1e9
"""What an open end sees [ohm], so that it has a level."""
LEAST_CURRENT, MOST_CURRENT = 0.25, 16.0
"""Where a critical current is looked for, in critical currents of an endless pulse [1]."""
BIASES = (0.01, 0.8, 80)
"""First and last voltage [V] at which :func:`mram_bias` looks at a junction, and how many in all; its laws are even."""
CONSTANT_DRIVE = 2.0
"""Current of :func:`mram_constant` in critical currents of an endless pulse [1]."""


def _testbench(
    name: str,
    setting: Setting,
    circuit: Circuit,
    probes: Sequence[str],
    knobs: Mapping[str, Knob],
    stop: float | None = None,
    search: Search | None = None,
    **values: float,
) -> Testbench:
    """A testbench at DC, or of a transient up to a time [s] with steps that a macrospin needs."""
    step = setting.cell.junction.at(setting.temp).max_step
    return Testbench(
        name=name,
        deck=deck_text(circuit, probes, (TRANSIENT_OPTIONS,) if stop else ()),
        analysis=Transient(stop, min(step, stop / 20)) if stop else OperatingPoint(),
        probes=tuple(probes),
        knobs=knobs,
        values={"vdd": setting.vdd, **values, **setting.levels},
        osdi=setting.technology.osdi,
        search=search,
        trapezoidal=True,
    )


def _add_cells(circuit: Circuit, setting: Setting, shared: Sequence[str], release: float) -> None:
    """The cell in each of its states; nodes ``<port>_<state>``, but for shared ones, which keep their names."""
    cell = setting.cell
    for state in STATES:
        name = cell.add_cell(circuit, setting.technology, setting.temp, state, release)
        circuit.X(state, name, *(port if port in shared else f"{port}_{state}" for port in cell.ports))


def _knobs(setting: Setting, thermal: bool) -> dict[str, Knob]:
    instances = tuple(f"x{state}" for state in STATES)
    return setting.cell.cell_knobs(setting.technology, instances, setting.temp, thermal)


def _idle(setting: Setting, access: str) -> list[str]:
    """Lines of a cell that a write or a read leaves at 0: those of the other port, where there are two."""
    used = getattr(setting.cell, access)
    other = setting.cell.read if access == "written" else setting.cell.written
    return [line for line in (other.line, other.gate) if line not in (used.line, used.gate)]


def _at_dc(setting: Setting, name: str, access: str, levels: Mapping[str, tuple[float, float]]) -> Testbench:
    """Both states at DC, the gate on; ``levels`` [V] of line and SL by state."""
    used = getattr(setting.cell, access)
    circuit = setting.circuit(f"{name} at DC in both states")
    circuit.V(used.gate, used.gate, "0", setting.v_wl)
    idle = _idle(setting, access)
    for line in idle:
        circuit.V(line, line, "0", 0.0)
    probes = []
    for state, (line, source) in levels.items():
        circuit.V(f"line_{state}", f"{used.line}_{state}", "0", line)
        circuit.V(f"sl_{state}", f"sl_{state}", "0", source)
        probes += [f"vline_{state}#branch", *(f"{node}_{state}" for node in setting.cell.across), f"mz_{state}"]
    _add_cells(circuit, setting, (used.gate, *idle), 0.0)
    return _testbench(name, setting, circuit, list(dict.fromkeys(probes)), _knobs(setting, thermal=False))


def mram_read(setting: Setting) -> Testbench:
    """A read at DC: read line at the cell's read voltage, SL at 0, read gate on."""
    return _at_dc(setting, "mram_read", "read", dict.fromkeys(STATES, (setting.cell.v_read, 0.0)))


def mram_drive(setting: Setting) -> Testbench:
    """A write at DC with the magnetization held where it begins: the current that is there to move it."""
    levels = {state: tuple(level * setting.vdd for level in setting.cell.levels(state)) for state in STATES}
    return _at_dc(setting, "mram_drive", "written", levels)


def mram_bias(setting: Setting) -> Testbench:
    """The junction alone in both states, between one source that is swept; ``across_<state>`` is what it has itself."""
    cell, junction = setting.cell, setting.cell.junction.at(setting.temp)
    held = 2 * BIASES[1]  # in a sweep the simulator's time is what is swept
    circuit = setting.circuit("junction over its bias")
    circuit.V("bias", "bias", "0", 0.0)
    probes = []
    for state in STATES:
        circuit.V(f"meter_{state}", "bias", f"in_{state}", 0.0)
        nodes, low = (f"in_{state}", "0", f"mz_{state}"), "0"
        if junction.strip is not None:  # both ends of the strip at 0
            low = f"fl_{state}"
            nodes = (f"in_{state}", "0", "0", low, f"mz_{state}")
        circuit.X(f"mtj_{state}", add_junction(circuit, junction, state, held), *nodes)
        circuit.VCVS(f"across_{state}", f"across_{state}", "0", f"in_{state}", low, voltage_gain=1.0)
        probes += [f"vmeter_{state}#branch", f"across_{state}"]
    instances = tuple(f"xmtj_{state}" for state in STATES)
    return Testbench(
        name="mram_bias", deck=deck_text(circuit, probes, (SWEEP_OPTIONS,)), analysis=Sweep("vbias", *BIASES),
        probes=tuple(probes),
        knobs=junction_knobs(junction, "cell.mtj", instances, cell.sigma_ra, cell.sigma_tmr, thermal=False),
        values={"vdd": setting.vdd}, osdi=setting.technology.osdi,
    )  # fmt: skip


def add_lines(
    circuit: Circuit, setting: Setting, suffix: str, shared: Sequence[str], selected: int = 1, columns: int = 1
) -> None:
    """Wires and unselected cells of the lines of one column, or of several whose lines are shorted.

    Args:
        suffix: of the nodes of its lines. shared: lines without one, which something holds.
        selected: cells that are on in each column. columns: number of them.
    """
    cell, rows, technology = setting.cell, setting.readpath.rows, setting.technology
    lines = (cell.written.line, cell.read.line, "sl")
    at = {"0": "0"} | {line: line if line in shared else f"{line}{suffix}" for line in lines}
    for line in sorted(set(at) - {"0", *shared}):
        circuit.C(f"wire_{line}{suffix}", at[line], "0", columns * cell.wire(technology, rows))
    for t in cell.unselected(columns * (rows - selected)):
        named = replace(t, name=f"{t.name}_rows{suffix}", nodes=tuple(at[node] for node in t.nodes))
        add_transistors(circuit, technology, (named,))


def _driver_scales(setting: Setting) -> tuple[float, float]:
    """Scales of the inverters that drive a line and the word line."""
    wide = max(t.w for t in setting.cell.transistors())
    return DRIVER * wide / setting.technology.w_n, max(1.0, wide / setting.technology.w_n / 4)


def _add_writes(setting: Setting, title: str, gates: Mapping[str, str], lines_off: float) -> tuple[Circuit, list, dict]:
    """Cell and drivers of a write in both states.

    Args:
        gates: state to the source of the inverted word line. lines_off: when the lines go back to 0 [s].

    Returns:
        Circuit; probes; knobs.
    """
    technology, used, vdd = setting.technology, setting.cell.written, setting.vdd
    circuit = setting.circuit(title)
    scale, gate_scale = _driver_scales(setting)
    driver = add_gate(circuit, technology, "inverter", scale)
    gate_driver = add_gate(circuit, technology, "inverter", gate_scale)
    idle, probes = _idle(setting, "written"), []
    for line in idle:
        circuit.V(line, line, "0", 0.0)
    for state in STATES:
        circuit.V(f"drv_{state}", f"drv_{state}", "0", vdd)
        circuit.V(f"gate_{state}", f"gate_{state}", "0", setting.v_wl)
        for line, level in zip((used.line, "sl"), setting.cell.levels(state), strict=True):
            source = pulse(vdd, (1 - level) * vdd, LINES_ON, lines_off)
            circuit.V(f"{line}_{state}_b", f"{line}_{state}_b", "0", source)
            circuit.X(f"{line}_{state}", driver, f"{line}_{state}_b", f"{line}_{state}", f"drv_{state}", "0")
        circuit.V(f"wl_b_{state}", f"wl_b_{state}", "0", gates[state])
        circuit.X(f"wl_{state}", gate_driver, f"wl_b_{state}", f"{used.gate}_{state}", f"gate_{state}", "0")
        add_lines(circuit, setting, f"_{state}", idle)
        nodes = [used.gate, used.line, "sl", *setting.cell.across, "mz"]
        probes += [f"{node}_{state}" for node in nodes] + [f"vdrv_{state}#branch", f"vgate_{state}#branch"]
        if not setting.cell.junction.axisymmetric:
            probes += [f"x{state}.xmtj.{component}" for component in ("mx", "my")]
    _add_cells(circuit, setting, idle, WORDLINE_ON + EDGE / 2)
    knobs = _knobs(setting, thermal=True)
    for line in (used.line, "sl"):
        instances = tuple(f"x{line}_{state}" for state in STATES)
        knobs |= gate_knobs(technology, "inverter", f"driver_{line}", instances, scale)
    instances = tuple(f"xwl_{state}" for state in STATES)
    knobs |= gate_knobs(technology, "inverter", "driver_wl", instances, gate_scale)
    return circuit, list(dict.fromkeys(probes)), knobs


def mram_write(setting: Setting) -> Testbench:
    """A write of each state to the other one, by drivers of both lines and of the word line, then a rest.

    Lines are driven from ``LINES_ON`` on, the word line is on from ``WORDLINE_ON`` for the cell's pulse, and the lines
    go back as long after it as they came before it.
    """
    end = WORDLINE_ON + setting.cell.pulse
    off = end + WORDLINE_ON - LINES_ON
    gates = dict.fromkeys(STATES, pulse(setting.v_wl, 0.0, WORDLINE_ON, end))
    circuit, probes, knobs = _add_writes(setting, "write of both states", gates, off)
    return _testbench("mram_write", setting, circuit, probes, knobs, off + RELAXATION, wordline_off=end)


def mram_pulse(setting: Setting) -> Testbench:
    """A write as :func:`mram_write`, by a word-line pulse of each state whose width is searched up to the cell's."""
    widest = setting.cell.pulse - EDGE
    shape = f"{setting.v_wl!r} 0 {WORDLINE_ON!r} {EDGE!r} {EDGE!r}"
    gates = dict.fromkeys(STATES, f"PULSE({shape} {widest!r} 1)")
    parameters = tuple(f"@vwl_b_{state}[pulse] = [ {shape} {{}} 1 ]" for state in STATES)
    end = WORDLINE_ON + setting.cell.pulse
    off = end + WORDLINE_ON - LINES_ON
    circuit, probes, knobs = _add_writes(setting, "write by a pulse of searched width", gates, off)
    search = Search(parameters, 50 * EDGE, widest, "high", PULSE_RESOLUTION, 0.0)
    return _testbench("mram_pulse", setting, circuit, probes, knobs, off + RELAXATION, search)


def _driven(setting: Setting, height: float) -> tuple[Circuit, list[str], dict[str, Knob], list[str]]:
    """The junction alone in both states, each driven towards the other by a current pulse as long as the cell's.

    Through the junction or, where there is one, in its heavy metal.

    Args:
        height: of the pulse in critical currents of an endless one, each state's own [1].

    Returns:
        Circuit; probes; knobs; parameter of the height in each state.
    """
    cell, junction = setting.cell, setting.cell.junction.at(setting.temp)
    strip = junction.strip is not None
    circuit = setting.circuit("junction driven by a current")
    shape = f"{WORDLINE_ON!r} {EDGE!r} {EDGE!r} {cell.pulse - EDGE!r} 1"
    probes, parameters = [], []
    for state, sign in STATES.items():
        unit = junction.critical_strip_current if strip else junction.critical_current(state)
        name = add_junction(circuit, junction, state, WORDLINE_ON + EDGE / 2)
        circuit.V(f"unit_{state}", f"unit_{state}", "0", f"PULSE(0 {height!r} {shape})")
        gain = -sign * unit * junction.polarity
        circuit.VCCS(state, "0", f"meter_{state}", f"unit_{state}", "0", transconductance=gain)
        circuit.V(f"meter_{state}", f"meter_{state}", f"in_{state}", 0.0)
        nodes = (f"in_{state}", "0", f"mz_{state}")
        if strip:  # the junction itself is left open
            circuit.R(f"open_{state}", f"open_{state}", "0", OPEN)
            nodes = (f"open_{state}", f"in_{state}", "0", f"fl_{state}", f"mz_{state}")
        circuit.X(f"mtj_{state}", name, *nodes)
        parameters.append(f"@vunit_{state}[pulse] = [ 0 {{}} {shape} ]")
        probes += [f"vmeter_{state}#branch", f"mz_{state}"]
    instances = tuple(f"xmtj_{state}" for state in STATES)
    knobs = junction_knobs(junction, "cell.mtj", instances, cell.sigma_ra, cell.sigma_tmr, thermal=True)
    return circuit, probes, knobs, parameters


def mram_critical(setting: Setting) -> Testbench:
    """The junction alone, driven by a current pulse as long as the cell's, whose height is searched."""
    circuit, probes, knobs, parameters = _driven(setting, 1)
    search = Search(tuple(parameters), LEAST_CURRENT, MOST_CURRENT, "high", PULSE_RESOLUTION, 0.0)
    stop = WORDLINE_ON + setting.cell.pulse + RELAXATION
    return _testbench("mram_critical", setting, circuit, probes, knobs, stop, search)


def mram_constant(setting: Setting) -> Testbench:
    """The junction alone, driven by ``CONSTANT_DRIVE`` critical currents for the cell's pulse: theory has its delay."""
    circuit, probes, knobs, _ = _driven(setting, CONSTANT_DRIVE)
    stop = WORDLINE_ON + setting.cell.pulse + RELAXATION
    start = WORDLINE_ON + EDGE / 2
    return _testbench("mram_constant", setting, circuit, probes, knobs, stop, start=start)
