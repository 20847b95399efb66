"""Testbenches of the read path: one read, every input on both stored bits, a row held in latches, a floating line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from netlists.readport import read_port_of
from netlists.setting import STATES, Setting
from netlists.stimulus import (
    EDGE,
    FAST_OPTIONS,
    ON,
    SHORTEST,
    add_columns,
    add_shaped,
    high,
    pulse,
    steps,
    swing,
    transient,
)
from netlists.testbench import Testbench

VARIANTS = {"pn": "", "p": "_single"}
"""Outputs of a read path to the ending of its testbenches' and metrics' names."""
PHASES = {"pre": (0.15, 0.72), "wl_b": (0.20, 0.50)}
"""Shares of a cycle [1], assumed, in which precharge is off and in which the word line is on; inputs change at 0.

The word line's pulse is shorter than the time for which the outputs are used: the adder tree behind them takes most of
a cycle, and a cell need not be disturbed so long. In between the lines hold what was read.
"""
SAMPLED = 0.70
"""Share of a cycle [1] after which the outputs are sampled, assumed."""
CYCLE = 7.0
"""Cycle in the slowest of nominal read delays and precharge time [1]: the word line is on for twice as long, assumed
as for ``PIM_WINDOW``.
"""
HOLD_WINDOW = 20.0
"""Window in which lines float, in nominal times that they hold [1]: mismatch slows some down a few times."""
SMALL_CURRENTS = "abstol=1e-15"
"""A solver's option for lines that leak away: at -40 degC their currents are as small as its usual tolerance of 1 pA.

With it the time that a line holds is within 0.5 % (rms) of that at reltol 1e-6 and 2,000 steps, without it within 8 %.
"""
INPUTS = ((0, 0), (0, 1), (1, 0), (1, 1))
"""Inputs INP and INN by number."""
PAIRS = (0, 0, 1, 0, 2, 0, 3, 1, 1, 2, 1, 3, 2, 2, 3, 3)
"""Numbers of inputs in an order, read in a circle, in which each of the 16 pairs follows once (de Bruijn, 1946)."""
TRUTH = (3, 0, 1, 2)
"""Each input once, the one in which both outputs' gates are open first."""


def _variant(setting: Setting, outputs: str, held: bool = False) -> Setting:
    """A setting with another read path of the same sizes."""
    return replace(setting, readpath=replace(setting.readpath, outputs=outputs, held=held))


def read_path(setting: Setting, outputs: str = "pn") -> Testbench:
    """One read-and-precharge cycle of a local column in both stored states, inputs INP = INN = 1.

    The cycle starts and ends precharged. In windows: precharge off at 0.1, word line on from 0.2 to 1.2, precharge on
    from 1.3 to 2.3. Inputs are stable throughout. Word line and precharge have drivers of their own on counted
    supplies; inverters in front of them, on a supply that is not counted, give the drivers a real input edge, so that
    nothing measured depends on the window. Each of these inverters is on the level of the line that is driven.
    """
    return _read(f"read_path{VARIANTS[outputs]}", _variant(setting, outputs))


def read_port(setting: Setting) -> Testbench:
    """The same cycle of a column that is read through the cells' read ports: RBL falls where Q is 0, output R rises."""
    return _read("read_port", replace(setting, readpath=read_port_of(setting.readpath)))


def _read(name: str, setting: Setting) -> Testbench:
    window = setting.window
    circuit = setting.circuit("read path, one cycle in each stored state")
    times = {"pre": (0.1, 1.3), "wl_b": (0.2, 1.2)}
    times = {control: (start * window, end * window) for control, (start, end) in times.items()}
    sources = {control: pulse(0.0, swing(setting, control), *span) for control, span in times.items()}
    shapers = add_shaped(circuit, setting, sources)
    probes, guesses, knobs = add_columns(circuit, setting, dict.fromkeys(STATES, ("wl_b", "pre", ON, ON)))
    values = {
        "window": window,
        "wordline_on": times["wl_b"][0],
        "wordline_off": times["wl_b"][1],
        "precharge_on": times["pre"][1],
        "sensed": setting.readpath.sensed,
    }
    guesses |= high(setting, times)
    return transient(
        name, circuit, setting, 2.3 * window, probes, guesses, knobs | shapers, values, options=FAST_OPTIONS
    )


def _cycles(setting: Setting, inputs: Sequence[int], reads: int) -> dict[str, str]:
    """Sources of the controls' inverses over cycles of a window each, the first ``reads`` of which read the array.

    Args:
        inputs: numbers of the inputs of each cycle.
    """
    cycle = setting.window
    edge = max(EDGE, SHORTEST * len(inputs) * cycle)

    def repeated(control: str) -> str:
        on, off = PHASES[control]
        levels = ((on, swing(setting, control)), (off, 0.0))
        return steps(0.0, [((i + share) * cycle, level) for i in range(reads) for share, level in levels], edge)

    sources = {control: repeated(control) for control in PHASES}
    for side, name in enumerate(setting.readpath.inputs):
        levels = [(1 - INPUTS[number][side]) * setting.vdd for number in inputs]
        sources[name] = steps(levels[0], [(i * cycle, level) for i, level in enumerate(levels) if i], edge)
    return sources


def _operate(
    name: str, setting: Setting, inputs: Sequence[int], reads: int, latched: Mapping[str, float] | None = None
) -> Testbench:
    """Cycles of a window each in both stored states; arguments as of :func:`_cycles`."""
    circuit = setting.circuit(f"{len(inputs)} cycles in each stored state")
    sources = _cycles(setting, inputs, reads)
    shapers = add_shaped(circuit, setting, sources)
    controls = dict.fromkeys(STATES, ("wl_b", "pre", "inp", "inn"))
    probes, guesses, knobs = add_columns(circuit, setting, controls, metered=True)
    probes += [f"x{state}.{node}_b" for state in STATES for node in setting.readpath.inputs]
    at_rest = [node for side, node in enumerate(setting.readpath.inputs) if INPUTS[inputs[0]][side]]
    guesses |= (latched or {}) | high(setting, (*PHASES, *at_rest))
    values = {"cycle": setting.window}
    return transient(name, circuit, setting, len(inputs) * setting.window, probes, guesses, knobs | shapers, values)


def truth(setting: Setting, outputs: str = "pn") -> Testbench:
    """A row that computes with each of the four inputs, in both stored states: the eight combinations."""
    return _operate(f"truth{VARIANTS[outputs]}", _variant(setting, outputs), TRUTH, len(TRUTH))


def compute(setting: Setting, outputs: str = "pn") -> Testbench:
    """A row that computes with every pair of successive inputs, in both stored states.

    A first cycle brings the inputs to where the circle of pairs begins and ends, so the 16 cycles behind it are a
    period that ends in its initial state.
    """
    inputs = (PAIRS[-1], *PAIRS)
    return _operate(f"compute{VARIANTS[outputs]}", _variant(setting, outputs), inputs, len(inputs))


def held(setting: Setting, outputs: str = "pn") -> Testbench:
    """A row that is read once into its latch, inputs at 0, and then computes with every pair of successive inputs.

    The latch holds the other bit before, as if the row before had stored it.
    """
    setting = _variant(setting, outputs, held=True)
    levels = {state: (qb, q) for state, (q, qb) in STATES.items()}
    latches = {
        f"x{state}.{node}": level * setting.vdd
        for state, before in levels.items()
        for node, level in zip(("w", "wb"), before, strict=True)
    }
    return _operate(f"held{VARIANTS[outputs]}", setting, (0, *PAIRS[1:], PAIRS[0]), 1, latches)


def line_hold(setting: Setting) -> Testbench:
    """Bit lines that float after their precharge, inputs INP = INN = 1, no word line open.

    In windows: precharge off at 0.1, end at 1.1. The selected row stays closed, so that nothing but a keeper helps the
    line that must stay high; every cell but that one pulls it down.
    """
    setting = replace(setting, readpath=replace(setting.readpath, pattern="worst"))
    window = setting.window
    circuit = setting.circuit("floating bit lines in both stored states")
    off = steps(0.0, [(0.1 * window, swing(setting, "pre"))], max(EDGE, SHORTEST * 1.1 * window))
    shapers = add_shaped(circuit, setting, {"pre": off})
    closed = ON if "wl" not in setting.offsets else f"{ON}_wl"
    _, guesses, knobs = add_columns(circuit, setting, dict.fromkeys(STATES, (closed, "pre", ON, ON)))
    probes = [f"{n}_{state}" for state in STATES for n in ("pre_b", "bl", "blb", *setting.readpath.outputs, "q", "qb")]
    guesses |= high(setting, ("pre",))
    values, options = {"window": window}, f"{FAST_OPTIONS} {SMALL_CURRENTS}"
    return transient(
        "line_hold", circuit, setting, 1.1 * window, probes, guesses, knobs | shapers, values, options=options
    )
