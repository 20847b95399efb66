"""Testbenches of write margins, of the N-curve and of data retention: the cell held away from its stable states.

Where a state is lost, a sweep of a line jumps, and what it says depends on its step. These testbenches sweep how far
the storage nodes are apart instead and let the line be what it must be, so that every curve runs smoothly through the
point where the state is lost and beyond it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from PySpice.Spice.Netlist import Circuit

from netlists.bitcells import SIDES
from netlists.circuit import add_places, deck_text, first_guesses
from netlists.setting import STATES, SWEEP_OPTIONS, Setting
from netlists.testbench import Testbench

DIAGONAL_POINTS = 49
"""Points of a write butterfly and of an N-curve along the diagonal: voltages within 0.2 mV, currents within 0.2 % of
401 points at tight tolerances.
"""
DIAGONAL_OPTIONS = ".options reltol=1e-5"
"""Newton tolerance along the diagonal: with 1e-4 the lobes of a symmetric cell differ by 30 uV."""
WRITE_POINTS, RETENTION_POINTS = 41, 81
"""Points on which a state is followed: write margins within 0.02 mV, the larger retention voltage within 0.1 mV of six
times as many at tight tolerances.
"""
FOLLOWED_OPTIONS = f"{SWEEP_OPTIONS} gminsteps=10"
"""Of a write: where a line reaches its limit the solver has to step gmin; in steps of a fixed number it is three times
as fast. Of retention such steps leave currents behind that are those of a cell at a few tens of millivolts.
"""
HOLD = 1e-3
"""Conductance by which a line at its limit goes on holding the storage nodes apart [S]: a tenth of a volt gives the
current of a cell, and the solver need not flip it. Before the limit nothing of it flows.
"""
WRITE_GAIN, RETENTION_GAIN = 5.0, 10.0
"""Volt of a line per volt that the storage nodes are off [1]: steeper than the curves bend back, up to where they stand
upright, and little enough that a step of the sweep is one that the solver follows.
"""
EVEN_BELOW = 0.02
"""Difference of the storage nodes below which a falling supply is looked at in even steps, above in even ratios [V]."""
LEAST_DIFFERENCE = 10e-3
"""Difference of the storage nodes that still counts as a retained bit [V], assumed: below a sense amplifier's offset,
above the thermal noise sqrt(2 kT/C) of two nodes of 1 fF, 3 mV. The retention voltage of a symmetric cell is up to
0.6 mV above the supply where its two states meet. Where a preferred state fades, 1e-5 of a current moves it by 0.06 mV
at worst, and at 2 mV by 0.7 mV.
"""


def diagonal(vdd: float) -> np.ndarray:
    """Differences ``s = q - qb`` from -VDD to VDD [V], 0 in the middle, shape (point,)."""
    return vdd * np.linspace(-1.0, 1.0, DIAGONAL_POINTS)


def write_places(v_cell: float, limit: float) -> np.ndarray:
    """Differences asked for along a write [V], falling, shape (point,); cell supply and limit of the line in [V]."""
    return limit * np.linspace(v_cell / limit + 1 / WRITE_GAIN, -1 / WRITE_GAIN, WRITE_POINTS)


def retention_places(highest: float) -> np.ndarray:
    """Differences asked for while the supply falls from the highest one [V], falling, shape (point,)."""
    ends = np.arcsinh(np.array([(1 + 1 / RETENTION_GAIN) * highest, LEAST_DIFFERENCE]) / EVEN_BELOW)
    return EVEN_BELOW * np.sinh(np.linspace(*ends, RETENTION_POINTS))


def write_butterfly(setting: Setting) -> Testbench:
    """Both halves of the cell with the loop cut, each at read and with its bit line at 0, swept along the diagonal.

    As the ordinary butterfly: a source of ``s`` volts between a half's input and its output finds the point of its
    curve with ``q - qb = s``. The word line is on.

    Probes: ``s``, then for each half Q on the curve with its bit line at VDD (``q_l``, ``q_r``) and with it pulled low
    (``q_l_write``, ``q_r_write``).
    """
    technology, cell, vdd = setting.technology, setting.cell, setting.v_cell
    circuit = setting.circuit("6T write butterfly")
    supply, wordline, low = setting.add_rails(circuit, "cell", "wl", "low")
    sweep = add_places(circuit, diagonal(vdd))
    probes, instances = ["s"], {}
    for side, (inp, output, _) in SIDES.items():
        half = cell.add_half(circuit, technology, side)
        names = {f"{side}": "vdd", f"{side}_write": low}
        for name, line in names.items():
            nodes = {node: f"{node}_{name}" for node in ("q", "qb")}
            circuit.X(name, half, nodes[inp], nodes[output], line, wordline, supply, "0")
            circuit.VCVS(name, nodes["q"], nodes["qb"], "s", "0", voltage_gain=1.0)
            probes.append(nodes["q"])
        instances[side] = tuple(f"x{name}" for name in names)
    return Testbench(
        name="write_butterfly",
        deck=deck_text(circuit, probes, (DIAGONAL_OPTIONS,)),
        analysis=sweep,
        probes=tuple(probes),
        knobs=cell.half_knobs(technology, instances),
        values={"vdd": vdd},
        osdi=technology.osdi,
    )


def n_curve(setting: Setting) -> Testbench:
    """The cell with word line on and bit lines precharged, one storage node driven by an ideal source, in both states.

    In state ``q`` the low node Q-bar is driven, in state ``qb`` Q. The source follows the other node at a distance of
    ``s`` volts, from -VDD to VDD: the driven node rises all the way while ``s`` does, and where the other node falls
    steeply the points stay apart.

    Probes: ``s``, then for each state the driven node ``driven_q``, ``driven_qb`` and its source's current.
    """
    technology, cell, vdd = setting.technology, setting.cell, setting.v_cell
    circuit = setting.circuit("6T N-curve, word line and bit lines at VDD")
    supply, wordline, line = setting.add_rails(circuit, "cell", "wl", "bl")
    sweep = add_places(circuit, diagonal(vdd))
    subcircuit = cell.add_cell(circuit, technology)
    probes = ["s"]
    for state in STATES:
        driven, other, ahead = f"driven_{state}", f"other_{state}", f"ahead_{state}"
        q, qb = (other, driven) if state == "q" else (driven, other)
        circuit.X(state, subcircuit, line, line, wordline, supply, "0", q, qb)
        # Two sources in series to ground, so that none of the current flows into the other node.
        circuit.VCVS(f"ahead_{state}", driven, ahead, "s", "0", voltage_gain=1.0)
        circuit.VCVS(state, ahead, "0", other, "0", voltage_gain=1.0)
        probes += [driven, f"e{state}#branch"]
    return Testbench(
        name="n_curve",
        deck=deck_text(circuit, probes, (DIAGONAL_OPTIONS,)),
        analysis=sweep,
        probes=tuple(probes),
        knobs=cell.cell_knobs(technology, tuple(f"x{state}" for state in STATES)),
        values={"vdd": vdd},
        osdi=technology.osdi,
    )


def followed(
    setting: Setting,
    circuit: Circuit,
    name: str,
    places: Iterable[float],
    ports: Callable[[str, str], Mapping[str, str]],
    law: str,
    gain: float,
    limit: float,
    stored: float,
    values: Mapping[str, float],
    options: str = FOLLOWED_OPTIONS,
    in_turn: bool = False,
) -> Testbench:
    """The cell in both states, each followed from where it is safe to where it is lost by what one line does to it.

    The line's source asks for a difference of the storage nodes of ``s`` volts and answers what is missing with
    ``gain``, up to ``limit``. On the curve of the states that the cell can be in, line over difference of the nodes, it
    so finds the points on straight lines of that slope, one after the other, also where the curve bends back. Where
    the state is lost for good, the line stays at its limit, and a current holds the nodes instead.

    Args:
        circuit: has the sources of all that is no line.
        places: ``s`` [V], falling.
        ports: state and name of the line to the nodes at ``bl blb wl vdd``.
        law: voltage of the line, with ``{answer}`` for the source's answer.
        gain: volt of answer per volt that is missing [1]. It moves the points along the curve, not the curve.
        limit: of the answer [V].
        stored: level of the high storage node at rest [V].
        values: numbers that the measurement needs besides the limit, which is its ``vdd``.
        options: line of the solver's options.
        in_turn: first the one state is followed, while the other rests at the first place, then the other one.

    Probes: ``s``, then for each state the line ``line_q`` and the storage nodes ``q_q qb_q``, and so on.
    """
    technology, cell = setting.technology, setting.cell
    places = np.asarray(places, dtype=float)
    rest = np.full(places.size, places[0])
    turns = [np.concatenate([places, rest]), np.concatenate([rest, places])]
    sweep = add_places(circuit, turns[0], s_qb=turns[1]) if in_turn else add_places(circuit, places)
    subcircuit = cell.add_cell(circuit, technology)
    probes, lines = ["s"], [options]
    for state, levels in STATES.items():
        q, qb, line = f"q_{state}", f"qb_{state}", f"line_{state}"
        asked = "s_qb" if in_turn and state == "qb" else "s"
        at = ports(state, line)
        circuit.X(state, subcircuit, at["bl"], at["blb"], at["wl"], at["vdd"], "0", q, qb)
        high, low = (q, qb) if state == "q" else (qb, q)
        missing = f"{gain!r}*(v({asked})-v({high})+v({low}))"
        answer = f"min({missing},{limit!r})"
        circuit.B(f"hold_{state}", low, high, current_expression=f"{HOLD!r}*max({missing}-{limit!r},0)")
        circuit.B(line, line, "0", voltage_expression=law.format(answer=answer))
        probes += [line, q, qb]
        lines += first_guesses({node: level * stored for node, level in zip((q, qb), levels, strict=True)})
    return Testbench(
        name=name,
        deck=deck_text(circuit, probes, lines),
        analysis=sweep,
        probes=tuple(probes),
        knobs=cell.cell_knobs(technology, tuple(f"x{state}" for state in STATES)),
        values={"vdd": limit, **values},
        osdi=technology.osdi,
    )


def _followed_circuit(setting: Setting, name: str) -> Circuit:
    return setting.circuit(f"6T cell followed until a state is lost, {name}")


def _written(
    setting: Setting,
    circuit: Circuit,
    name: str,
    ports: Callable[[str, str], Mapping[str, str]],
    law: str,
    limit: float,
    values: Mapping[str, float],
) -> Testbench:
    """A write followed: differences asked for from a state untouched to one beyond the middle, wherever the line is."""
    places = write_places(setting.v_cell, limit)
    return followed(setting, circuit, name, places, ports, law, WRITE_GAIN, limit, setting.v_cell, values)


def _lowered(state: str) -> tuple[str, str]:
    """The bit line at the high node, which a write pulls down, and the other one."""
    return ("bl", "blb") if state == "q" else ("blb", "bl")


def write_bl(setting: Setting) -> Testbench:
    """Word line on: the bit line at the high node falls from VDD, below 0 if it must, the other stays at VDD.

    Value ``low`` is what a write pulls the line to [V], where that is not 0.
    """
    circuit = _followed_circuit(setting, "write_bl")
    supply, wordline = setting.add_rails(circuit, "cell", "wl")

    def ports(state: str, line: str) -> dict[str, str]:
        lowered, other = _lowered(state)
        return {lowered: line, other: "vdd", "wl": wordline, "vdd": supply}

    values = {"low": setting.dv_bl} if setting.dv_bl else {}
    return _written(setting, circuit, "write_bl", ports, "{answer}", setting.vdd, values)


def write_wl(setting: Setting) -> Testbench:
    """Bit line at the high node pulled low, the other at VDD: the word line rises from 0, beyond where it is on if it
    must.
    """
    circuit = _followed_circuit(setting, "write_wl")
    supply, low = setting.add_rails(circuit, "cell", "low")

    def ports(state: str, line: str) -> dict[str, str]:
        lowered, other = _lowered(state)
        return {lowered: low, other: "vdd", "wl": line, "vdd": supply}

    on = setting.v_wl
    return _written(setting, circuit, "write_wl", ports, f"{on!r}-{{answer}}", on, {})


def retention(setting: Setting) -> Testbench:
    """Word line at 0: the cell's supply falls from the technology's highest, and both bit lines with it.

    One state after the other: where one is lost the solver starts anew, and takes the other one, whose currents are
    then femtoamperes, for solved where it is not.

    The word line is never on, so ``dv_wl`` does not matter; other offsets contradict the definition.
    """
    highest = setting.technology.vdd_range[1]
    circuit = _followed_circuit(setting, "retention")
    circuit.V("dd", "vdd", "0", highest)
    places = retention_places(highest)

    def ports(state: str, line: str) -> dict[str, str]:
        return {"bl": line, "blb": line, "wl": "0", "vdd": line}

    return followed(
        setting, circuit, "retention", places, ports, "{answer}", RETENTION_GAIN, highest, highest, {},
        SWEEP_OPTIONS, in_turn=True,
    )  # fmt: skip
