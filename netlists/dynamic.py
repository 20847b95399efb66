"""Testbenches of what a cell does in time: write, critical pulses, half-selection, PIM, a dip of the supply."""

from __future__ import annotations

from PySpice.Spice.Netlist import Circuit

from netlists.setting import STATES, Setting
from netlists.stimulus import (
    EDGE,
    LONG_OPTIONS,
    ON,
    add_columns,
    add_shaped,
    high,
    pulse,
    rail,
    steps,
    swing,
    transient,
)
from netlists.testbench import Knob, Search, Testbench
from netlists.writepath import add_write_driver, write_driver_knobs

LINES = {"q": ("bl", "blb"), "qb": ("blb", "bl")}
"""Stored state to the line that a write of the other one pulls down, and the one that it holds up."""
WRITE_WINDOW = 40.0
"""Window of a write in nominal write delays [1]: in a fifth of it a bit line falls, in one it comes back."""
PULSE_GUESS = 1.2
"""Critical pulse of a write in nominal write delays [1], where its search begins: 1.1 to 1.3 on predictive28."""
PULSE_RESOLUTION = 0.005
"""Bracket of a critical pulse width over the width at which its bisection ends [1]."""
PULSE_FLOOR = 1e-4
"""The same for widths near 0, as a share of the window [1]."""
PIM_WINDOW = 2.0
"""Word-line and precharge phase of an activation at speed, in the slowest of nominal read delays and precharge time
[1]; assumed, what a clock with a guard band of two would give.
"""
PATTERNS = ((0, 0), (0, 1), (1, 1), (1, 0))
"""Inputs INP and INN of successive activations: all four, one input changing at a time."""
ROUNDS = 2
"""How often the row goes through all patterns."""
DIP = 1e-6
"""Duration of a dip of the supply [s], assumed: what a regulator takes to answer a step of its load."""
DIP_EDGE = 10e-9
"""Edges of the dip [s], assumed: slow for the cell, short against the dip."""
DIP_RESOLUTION = 1e-3
"""Bracket at which the search for the lowest level ends [V]."""


def _add_write_drivers(
    circuit: Circuit, setting: Setting, span: tuple[float, float] | None = None
) -> tuple[dict[str, Knob], list[str]]:
    """A write driver on each column that writes the state it does not store.

    Where the low line is not at 0, a source moves the driver's foot from 0 to that level while the driver is on, so
    that at rest the driver is as tight as any.

    Args:
        span: when the driver is on [s], by node ``we_b``; None: always.

    Returns:
        Knobs; vectors of that source, ``low_<state>`` and ``vlow_<state>#branch``, if there is one.
    """
    low, probes, enable = setting.dv_bl, [], "we_b" if span else "0"
    driver = add_write_driver(circuit, setting.technology, grounded=not low)
    for state, lines in LINES.items():
        nodes = [*(f"{line}_{state}" for line in lines), enable, f"vdrv_{state}", "0"]
        if low:
            foot = f"low_{state}"
            circuit.V(foot, foot, "0", pulse(0.0, low, *span) if span else low)
            nodes.append(foot)
            probes += [foot, f"v{foot}#branch"]
        circuit.X(f"write_{state}", driver, *nodes)
    return write_driver_knobs(setting.technology, {f"xwrite_{state}": lines for state, lines in LINES.items()}), probes


def write(setting: Setting) -> Testbench:
    """One write cycle of a column in both stored states: each cell is written to the state it does not store.

    The cycle starts and ends precharged, inputs INP = INN = 0. In windows: precharge off at 0.1, write driver on from
    0.2 to 1.5, word line on from 0.4 to 1.4, precharge on from 1.6 to 2.6.
    """
    window, at = setting.window, setting.written
    circuit = setting.circuit("write cycle of both stored states")
    times = {"pre": (0.1, 1.6), "we_b": (0.2, 1.5), "wl_b": (0.4, 1.4)}
    times = {control: (start * window, end * window) for control, (start, end) in times.items()}
    knobs = add_shaped(circuit, at, {control: pulse(0.0, swing(at, control), *span) for control, span in times.items()})
    controls = dict.fromkeys(STATES, ("wl_b", "pre", "0", "0"))
    probes, guesses, of_columns = add_columns(circuit, at, controls)
    of_drivers, feet = _add_write_drivers(circuit, setting, times["we_b"])
    values = {"window": window, "wordline_off": times["wl_b"][1], "precharge_on": times["pre"][1]}
    knobs, guesses = of_columns | of_drivers | knobs, guesses | high(at, times)
    return transient("write", circuit, at, 2.6 * window, probes + feet, guesses, knobs, values)


def _pulses(setting: Setting, start: float, works: str, guess: float | None = None) -> tuple[dict[str, str], Search]:
    """Sources of the inverted word line of each state from a time on [s], and the search for their pulse's width."""
    window, level = setting.window, setting.v_wl
    widest = window - EDGE
    sources, parameters = {}, []
    for state in STATES:
        sources[f"wl_b_{state}"] = f"PULSE(0 {level!r} {start!r} {EDGE!r} {EDGE!r} {widest!r} 1)"
        parameters.append(f"@vwl_b_{state}_in[pulse] = [ 0 {level!r} {start!r} {EDGE!r} {EDGE!r} {{}} 1 ]")
    return sources, Search(tuple(parameters), EDGE, widest, works, PULSE_RESOLUTION, PULSE_FLOOR * window, guess)


def write_pulse(setting: Setting) -> Testbench:
    """A write with a word-line pulse of its own for each stored state, whose width is searched.

    Each cell is written to the state it does not store. It starts at rest with precharge off and write driver on, which
    stays so. In windows: word line on at 0.02 and off at 1.02 at the latest, end at 2.02. The pulse comes through the
    column's own word-line driver; its width is that at the word line.
    """
    window, at = setting.window, setting.written
    circuit = setting.circuit("write by a word-line pulse of searched width")
    pulses, search = _pulses(at, 0.02 * window, "high", max(EDGE, PULSE_GUESS * window / WRITE_WINDOW))
    knobs = add_shaped(circuit, at, pulses)
    controls = {state: (f"wl_b_{state}", "0", "0", "0") for state in STATES}
    levels = {state: {"pre_b": 1, low: 0} for state, (low, _) in LINES.items()}
    _, guesses, of_columns = add_columns(circuit, at, controls, levels=levels)
    of_drivers, _ = _add_write_drivers(circuit, setting)
    knobs = of_columns | of_drivers | knobs
    probes = [f"{node}_{state}" for state in STATES for node in ("wl", "q", "qb")]
    guesses |= high(at, pulses)
    values = {"window": window}
    return transient(
        "write_pulse", circuit, at, 2.02 * window, probes, guesses, knobs, values, search, options=LONG_OPTIONS
    )


def read_pulse(setting: Setting) -> Testbench:
    """A read, inputs INP = INN = 1, with a word-line pulse of its own for each stored state, whose width is searched.

    In windows: precharge off at 0.1, word line on at 0.2 and off at 1.2 at the latest, end at 2.2. The bit lines float
    as in the read path, from the precharged level on.
    """
    window = setting.window
    circuit = setting.circuit("read by a word-line pulse of searched width")
    pulses, search = _pulses(setting, 0.2 * window, "low")
    knobs = add_shaped(circuit, setting, pulses | {"pre": steps(0.0, [(0.1 * window, swing(setting, "pre"))])})
    controls = {state: (f"wl_b_{state}", "pre", ON, ON) for state in STATES}
    _, guesses, of_columns = add_columns(circuit, setting, controls)
    probes = [f"{node}_{state}" for state in STATES for node in ("wl", "q", "qb")]
    guesses |= high(setting, (*pulses, "pre"))
    knobs = of_columns | knobs
    return transient("read_pulse", circuit, setting, 2.2 * window, probes, guesses, knobs, {"window": window}, search)


def half_select(setting: Setting) -> Testbench:
    """Columns whose row is open while they themselves are not accessed, in both stored states.

    The precharge stays on, so that nothing relieves the bit lines: the hardest case. In windows: word line on from 0.1
    to 1.1, end at 1.6.
    """
    window = setting.window
    circuit = setting.circuit("half-selected columns in both stored states")
    knobs = add_shaped(circuit, setting, {"wl_b": pulse(0.0, swing(setting, "wl_b"), 0.1 * window, 1.1 * window)})
    # Precharge is on while its control is high.
    controls = dict.fromkeys(STATES, ("wl_b", rail(setting, "pre"), "0", "0"))
    _, guesses, of_columns = add_columns(circuit, setting, controls)
    probes = [f"{node}_{state}" for state in STATES for node in ("wl", "q", "qb")]
    knobs = of_columns | knobs
    guesses |= high(setting, ("wl_b",))
    return transient("half_select", circuit, setting, 1.6 * window, probes, guesses, knobs, {"window": window})


def pim_row(setting: Setting) -> Testbench:
    """A row that computes again and again at speed, in both stored states, with every pattern of the inputs.

    In windows, each activation: inputs at 0, precharge off at 0.1, word line on from 0.2 to 1.2, precharge on from 1.3
    to 2.4, where the next one starts. The window is ``PIM_WINDOW`` times the slowest nominal phase.
    """
    vdd, window = setting.vdd, setting.window
    circuit = setting.circuit("row that is activated again and again")
    patterns = PATTERNS * ROUNDS
    cycle = 2.4 * window
    starts = [cycle * (i + 0.05) for i in range(len(patterns))]

    def repeated(control: str, on: float, off: float) -> str:
        levels = ((on, swing(setting, control)), (off, 0.0))
        return steps(0.0, [(start + at * window, level) for start in starts for at, level in levels])

    sources = {"pre": repeated("pre", 0.1, 1.3), "wl_b": repeated("wl_b", 0.2, 1.2)}
    for side, name in enumerate(("inp", "inn")):
        inputs = [(1 - pattern[side]) * vdd for pattern in patterns]
        sources[name] = steps(inputs[0], list(zip(starts[1:], inputs[1:], strict=True)))
    knobs = add_shaped(circuit, setting, sources)
    controls = dict.fromkeys(STATES, ("wl_b", "pre", "inp", "inn"))
    _, guesses, of_columns = add_columns(circuit, setting, controls)
    probes = [f"{node}_{state}" for state in STATES for node in ("wl", "bl", "blb", "p", "n", "q", "qb")]
    on = [name for name, level in zip(("inp", "inn"), patterns[0], strict=True) if level]
    guesses |= high(setting, ("pre", "wl_b", *on))
    stop = cycle * (len(patterns) + 0.05)
    values = {"window": window, "cycle": cycle, "activations": float(len(patterns))}
    knobs = of_columns | knobs
    return transient("pim_row", circuit, setting, stop, probes, guesses, knobs, values, options=LONG_OPTIONS)


def supply_dip(setting: Setting) -> Testbench:
    """The cell in both stored states at hold while its supply dips for ``DIP`` to a level that is searched.

    The word line is at 0, both bit lines stay precharged: only the cell's supply dips, from its own level.
    """
    technology, cell, supply = setting.technology, setting.cell, setting.v_cell
    circuit = setting.circuit("dip of the cell's supply in both stored states")
    circuit.V("line", "line", "0", setting.v_bl)
    subcircuit = cell.add_cell(circuit, technology)
    dip = f"{0.1 * DIP!r} {DIP_EDGE!r} {DIP_EDGE!r} {DIP - DIP_EDGE!r} 1"
    probes, guesses, parameters = [], {}, []
    for state, levels in STATES.items():
        nodes = {port: f"{port}_{state}" for port in ("vdd", "q", "qb")}
        circuit.V(nodes["vdd"], nodes["vdd"], "0", f"PULSE({supply!r} {supply!r} {dip})")
        circuit.X(state, subcircuit, "line", "line", "0", nodes["vdd"], "0", nodes["q"], nodes["qb"])
        probes += nodes.values()
        parameters.append(f"@vvdd_{state}[pulse] = [ {supply!r} {{}} {dip} ]")
        guesses |= {nodes[node]: level * supply for node, level in zip(("q", "qb"), levels, strict=True)}
    search = Search(tuple(parameters), 0.0, supply, "high", 0.0, DIP_RESOLUTION)
    knobs = cell.cell_knobs(technology, tuple(f"x{state}" for state in STATES))
    return transient("supply_dip", circuit, setting, 1.5 * DIP, probes, guesses, knobs, {}, search)
