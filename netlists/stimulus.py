"""What transients of a column share: edges, step control, controls with a real edge, columns at rest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from PySpice.Spice.Netlist import Circuit, SubCircuit

from netlists.analyses import OperatingPoint, Transient
from netlists.circuit import add_subcircuit, add_transistors, deck_text, first_guesses, transistor_knobs
from netlists.logic import add_gate, gate_knobs
from netlists.setting import STATES, Setting
from netlists.testbench import Knob, Search, Testbench

PRECHARGED = {"wl": 0, "pre_b": 0, "bl": 1, "blb": 1, "p": 0, "n": 0, "rwl": 0, "rbl": 1, "r": 0}
"""Levels of a column's nodes at rest, in units of what is high there. As first guesses they let the first operating
point converge at once; where ngspice has to step gmin instead, it forgets the stored state and ends with both nodes of
the cell equal.
"""
ON = "shape"
"""Node that is always at VDD: the supply of the inverters that shape controls, and an input INP or INN at 1."""
CONTROLLED = {"wl_b": "wl", "pre": "bl"}
"""How a control's name begins to the line whose driver it drives: it is then as high as that driver's supply."""
EDGE = 1e-12
"""Edge of an ideal source [s]; always followed by an inverter that makes the edge of the circuit."""
MAX_STEP = 1 / 20
"""Largest transient step as a share of the simulated time: edges are resolved by the truncation error below."""
TRANSIENT_OPTIONS = ".options chgtol=1e-18 reltol=1e-4"
"""Truncation error for femtofarad nodes: the default charge tolerance of 1e-14 C switches step control off here.

Against reltol 1e-6 and 4,000 steps, read path of predictive28 at 0.6 and 1.0 V: delay within 0.11 %, energy within
0.2 %, precharge time within 0.4 %; without it the same number of steps errs by 8 % and more.
"""
FAST_OPTIONS = ".options chgtol=1e-17 reltol=1e-4 bypass=1"
"""The same with steps a tenth longer and without evaluating a transistor whose voltages have not moved by more than the
tolerance since it was last evaluated.

A read takes a fifth less time. Against reltol 1e-6 and 3,000 steps, predictive28 at 0.6 and 1.0 V: delays within 0.2 %,
precharge times within 0.4 %, energies within 0.2 %, about as without it. Not for what a fraction of a millivolt
decides, as a symmetric cell's bit after a deep dip of its supply, which then stays.
"""
LONG_OPTIONS = f"{FAST_OPTIONS} trtol=14"
"""The same with twice the usual truncation error, a fifth fewer steps, for what takes many edges or many trials.

Against reltol 1e-5 at 0.6 V, ss, -40 degC, margins of a state are within 0.3 mV; with four times the usual truncation
error one of twenty is off by 1.4 mV.
"""
STORED = re.compile(r"qb?_\w+|\w+\.xarray\.\w+")
"""Storage nodes of the cells of columns, the unselected ones' as well."""
SHORTEST = 1e-4 * MAX_STEP
"""Least edge as a share of the simulated time: ngspice takes corners that are closer than 5e-5 of its largest step for
one, and then steps over the edge; twice that is safe.
"""


def steps(first: float, changes: Sequence[tuple[float, float]], edge: float = EDGE) -> str:
    """Piecewise-linear source: a level [V], then from each time [s] on another one, in edges of ``edge`` [s].

    The solver stops at every corner of it; at the first one of a PULSE it does not.

    >>> steps(0.0, [(2e-9, 1.0)])
    'PWL(0.0 0.0 2e-09 0.0 2.001e-09 1.0)'
    """
    points, level = [(0.0, first)], first
    for time, following in changes:
        points += [(time, level), (time + edge, following)]
        level = following
    return f"PWL({' '.join(f'{t!r} {v!r}' for t, v in points)})"


def pulse(first: float, second: float, start: float, end: float) -> str:
    """Piecewise-linear source: one level [V], another from ``start`` to ``end`` [s], and back."""
    return steps(first, ((start, second), (end, first)))


def _line(setting: Setting, control: str) -> str:
    """Line whose driver a control drives, where that line is not at VDD; else empty."""
    line = next((line for stem, line in CONTROLLED.items() if control.startswith(stem)), "")
    return line if line in setting.offsets else ""


def swing(setting: Setting, control: str) -> float:
    """Level of a control that is high [V]: that of the line whose driver it drives."""
    line = _line(setting, control)
    return getattr(setting, f"v_{line}") if line else setting.vdd


def rail(setting: Setting, control: str) -> str:
    """Node that is always where a control is when it is high; :func:`add_shaped` makes it."""
    line = _line(setting, control)
    return f"{ON}_{line}" if line else ON


def high(setting: Setting, controls: Iterable[str]) -> dict[str, float]:
    """First guesses of controls that are high at rest [V]."""
    return {control: swing(setting, control) for control in controls}


def add_shaped(circuit: Circuit, setting: Setting, sources: Mapping[str, str]) -> dict[str, Knob]:
    """Controls from ideal sources through inverters on supplies that are not counted: real edges, whatever the window.

    Args:
        sources: node of the control to the source of its inverse, which drives node ``<control>_in``.

    Returns:
        Knobs of the inverters, without mismatch.
    """
    technology, scale = setting.technology, setting.readpath.driver
    circuit.V(ON, ON, "0", setting.vdd)
    for line in dict.fromkeys(line for line in CONTROLLED.values() if line in setting.offsets):
        circuit.V(f"{ON}_{line}", f"{ON}_{line}", "0", getattr(setting, f"v_{line}"))
    shaper = add_gate(circuit, technology, "inverter", scale)
    for control, source in sources.items():
        circuit.V(f"{control}_in", f"{control}_in", "0", source)
        circuit.X(f"shape_{control}", shaper, f"{control}_in", control, rail(setting, control), "0")
    instances = tuple(f"xshape_{control}" for control in sources)
    return gate_knobs(technology, "inverter", "shape", instances, scale, mismatch=False)


def add_state(
    circuit: Circuit,
    setting: Setting,
    state: str,
    controls: Sequence[str],
    metered: bool = False,
    levels: Mapping[str, int] | None = None,
) -> tuple[list[str], dict[str, float]]:
    """One column at rest that stores a state, each supply with a source of its own.

    Args:
        controls: nodes of ``wl_b pre inp inn``; the last is left out where the read path has no such input.
        metered: the currents of its drivers are measured.
        levels: of nodes that are elsewhere than in ``PRECHARGED``.

    Returns:
        Vectors of its nodes and supplies, ``<node>_<state>`` and ``v<supply>_<state>#branch``, then of what lifts its
        lines, ``v.x<state>.vrise_<line>#branch``, and of the meters, ``v.x<state>.vmeter_<line>#branch``; and first
        guesses of its nodes [V].
    """
    readpath = setting.readpath
    q, qb = STATES[state]
    at_rest = PRECHARGED | {"q": q, "qb": qb} | dict(levels or {})
    levels = {node: at_rest[node] for node in readpath.nodes}
    rest = dict.fromkeys(("bl", "blb", "rbl"), setting.v_bl) | dict.fromkeys(("q", "qb"), setting.v_cell)
    supplies = [f"{supply}_{state}" for supply in readpath.supplies]
    nodes = [f"{node}_{state}" for node in levels]
    for supply in supplies:
        circuit.V(supply, supply, "0", setting.vdd)
    subcircuit = readpath.add_column(circuit, setting.technology, setting.cell, state, setting.offsets, metered)
    circuit.X(state, subcircuit, *controls[: 2 + len(readpath.inputs)], *supplies, "0", *nodes)
    guesses = {f"{node}_{state}": level * rest.get(node, setting.vdd) for node, level in levels.items()}
    inside = setting.readpath.array.levels(state).items()
    guesses |= {f"x{state}.xarray.{node}": level * setting.v_cell for node, level in inside}
    rises = [f"v.x{state}.vrise_{line}#branch" for line in setting.offsets]
    meters = [f"v.x{state}.vmeter_{line}#branch" for line in readpath.driven] if metered else []
    return nodes + [f"v{supply}#branch" for supply in supplies] + rises + meters, guesses


def off_currents(setting: Setting) -> Testbench:
    """Each transistor of the cell alone, gate and source together, the cell's supply from drain to source.

    Probes are the currents of their drains, knobs their thresholds, in the order of the cell's transistors.
    """
    technology = setting.technology
    circuit = setting.circuit("transistors of a cell, off")
    knobs, probes = {}, []
    for number, t in enumerate(setting.cell.transistors()):
        sign = {"n": 1, "p": -1}[technology.devices[t.role].polarity]
        alone = replace(t, nodes=("d", "s", "s", "s"))
        subcircuit = SubCircuit(f"off_{number}", "d", "s")
        add_transistors(subcircuit, technology, (alone,))
        add_subcircuit(circuit, subcircuit)
        circuit.V(str(number), f"d{number}", "0", sign * setting.v_cell)
        circuit.X(str(number), subcircuit.name, f"d{number}", "0")
        of_alone = transistor_knobs(technology, (alone,), "cell", (f"x{number}",))
        knobs |= {path: knob for path, knob in of_alone.items() if ":" not in path}
        probes.append(f"v{number}#branch")
    deck = deck_text(circuit, probes)
    return Testbench("off", deck, OperatingPoint(), tuple(probes), knobs, {}, osdi=technology.osdi)


def add_columns(
    circuit: Circuit,
    setting: Setting,
    controls: Mapping[str, Sequence[str]],
    metered: bool = False,
    levels: Mapping[str, Mapping[str, int]] | None = None,
) -> tuple[list[str], dict[str, float], dict[str, Knob]]:
    """A column for each stored state; vectors, first guesses of nodes [V] and knobs.

    Args:
        controls: stored state to the nodes of its column's ``wl_b pre inp inn``.
        metered: as of :func:`add_state`. levels: the same, of each stored state.
    """
    probes, guesses = [], {}
    for state, nodes in controls.items():
        vectors, of_column = add_state(circuit, setting, state, nodes, metered, (levels or {}).get(state))
        probes += vectors
        guesses |= of_column
    columns = {state: (f"x{state}",) for state in controls}
    return probes, guesses, setting.readpath.knobs(setting.technology, setting.cell, columns)


def transient(
    name: str,
    circuit: Circuit,
    setting: Setting,
    stop: float,
    probes: Sequence[str],
    guesses: Mapping[str, float],
    knobs: Mapping[str, Knob],
    values: Mapping[str, float],
    search: Search | None = None,
    options: str = TRANSIENT_OPTIONS,
) -> Testbench:
    """Testbench of a transient up to a time [s], with the step control that columns need.

    Args:
        guesses: nodes to their levels at rest [V], from which the operating point is looked for.
        options: of the solver.
    """
    lumped = any(knob.lump for knob in knobs.values())
    return Testbench(
        name=name,
        deck=deck_text(circuit, probes, (*first_guesses(guesses), options)),
        analysis=Transient(stop, MAX_STEP * stop),
        probes=tuple(probes),
        knobs=knobs,
        values={"vdd": setting.vdd, **values, **setting.levels},
        osdi=setting.technology.osdi,
        search=search,
        off=off_currents(setting) if lumped else None,
        stored={node: level for node, level in guesses.items() if STORED.fullmatch(node)},
    )
