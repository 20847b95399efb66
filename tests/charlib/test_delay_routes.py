"""Delays of reads and writes against charges moved by currents at DC: a second route without any transient.

With a picofarad or more on the nodes that move all else of a cell or line is little. By how much as much again delays
them, edges and gates aside, is an integral over currents that are simulated at DC.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.interpolate import PchipInterpolator, RectBivariateSpline

from charlib.metrics import dynamic, readpath
from netlists import TESTBENCHES, ReadPath
from netlists.analyses import Sweep
from netlists.circuit import deck_text, first_guesses
from netlists.logic import add_gate
from netlists.testbench import Knob, Testbench

pytestmark = pytest.mark.ngspice


def delayed(measure, solve, session, bench, further, farad):
    """By how much a second ``farad`` [F] on nodes delays a metric [s]."""
    decks = (bench.deck + further.format(n * farad) for n in (1, 2))
    first, second = (measure(solve(session, replace(bench, deck=deck))).values.ravel()[0] for deck in decks)
    return second - first


def open_cell(setting):
    """A cell that stores Q = 1 with its word line on, over BLB [A]."""
    circuit, vdd = setting.circuit("current into a line that falls"), setting.vdd
    for node, level in {"on": vdd, "bl": vdd, "blb": vdd}.items():
        circuit.V(node, node, "0", level)
    cell = setting.cell.add_cell(circuit, setting.technology)
    circuit.X("cell", cell, "bl", "blb", "on", "on", "0", "q", "qb")
    probes, sweep = ("blb", "vblb#branch"), Sweep("vblb", vdd, 0.0, 201)
    knobs = setting.cell.cell_knobs(setting.technology, ("xcell",))
    deck = deck_text(circuit, probes, first_guesses({"q": vdd, "qb": 0.0}))
    return Testbench("open_cell", deck, sweep, probes, knobs, {})


def output_gate(setting):
    """The gate of an output with its input on, over its line [V]."""
    circuit = setting.circuit("output gate")
    circuit.V("dd", "vdd", "0", setting.vdd)
    circuit.V("line", "line", "0", setting.vdd)
    circuit.X("gate", add_gate(circuit, setting.technology, "nor2"), "line", "0", "out", "vdd", "0")
    probes, sweep = ("line", "out"), Sweep("vline", setting.vdd, 0.0, 401)
    return Testbench("output_gate", deck_text(circuit, probes), sweep, probes, {}, {})


@pytest.mark.parametrize("vdd", [1.0, 0.7])
def test_an_output_rises_when_the_read_current_has_brought_its_line_to_where_the_gate_trips(
    setting, solve, session, vdd
):
    at, farad = setting(vdd=vdd, window=1.2e-6), 3e-12
    gate, cell = solve(session, output_gate(at), np.zeros((1, 0))), solve(session, open_cell(at))
    (trips,) = PchipInterpolator(gate["line"][0][::-1], gate["out"][0][::-1] - vdd / 2).roots(extrapolate=False)
    line, current = cell["blb"][0][::-1], -cell["vblb#branch"][0][::-1]
    expected = farad * PchipInterpolator(line, 1 / current).integrate(trips, vdd)
    found = delayed(
        readpath.t_read_p, solve, session, TESTBENCHES["read_path"].build(at), "cmore blb_q 0 {!r}\n", farad
    )
    assert found == pytest.approx(expected, rel=5e-3)


def forced_cell(setting):
    """Currents into both storage nodes of a cell that is written to 0, over Q-bar, at a level of Q that a knob sets."""
    circuit, vdd = setting.circuit("currents of a write"), setting.vdd
    for node, level in {"on": vdd, "bl": 0.0, "blb": vdd, "q": vdd, "qb": 0.0}.items():
        circuit.V(node, node, "0", level)
    cell = setting.cell.add_cell(circuit, setting.technology)
    circuit.X("cell", cell, "bl", "blb", "on", "on", "0", "q", "qb")
    probes, sweep = ("qb", "vq#branch", "vqb#branch"), Sweep("vqb", -0.05, vdd, 101)
    knobs = {"q": Knob(("vq",), 1.0, 1)} | setting.cell.cell_knobs(setting.technology, ("xcell",))
    return Testbench("forced_cell", deck_text(circuit, probes), sweep, probes, knobs, {})


@pytest.mark.parametrize(("vdd", "shifts"), [(1.0, {}), (0.7, {}), (1.0, {"pg_l": 0.1, "pu_r": -0.05})])
def test_a_write_takes_what_the_cell_s_currents_take_to_move_both_nodes(setting, solve, session, vdd, shifts):
    at, farad = replace(setting(vdd=vdd, window=1e-6, shifts=shifts), readpath=ReadPath(position="near")), 1e-12
    map_ = forced_cell(at)
    q = np.linspace(-0.05, vdd, 101)
    rows = map_.knob_values(np.zeros((q.size, len(map_.knobs))))
    rows[:, 0] = q
    solved = [answer.vectors for answer in session.solve(map_, rows)]
    qb = solved[0]["qb"]
    into_q, into_qb = (
        RectBivariateSpline(q, qb, np.stack([each[f"v{node}#branch"] for each in solved])) for node in ("q", "qb")
    )

    def crossed(_, nodes):
        return nodes[0] - nodes[1]

    crossed.terminal = True
    path = solve_ivp(
        lambda _, nodes: [into_q(*nodes)[0, 0] / farad, into_qb(*nodes)[0, 0] / farad],
        (0.0, 1e-5), (vdd, 0.0), method="LSODA", events=crossed, rtol=1e-7, atol=1e-9,
    )  # fmt: skip
    expected = float(path.t_events[0][0])
    ideal = f"vlow bl_q 0 0.0\nvhigh blb_q 0 {vdd!r}\n"
    both = "cmoreq q_q 0 {0!r}\ncmoreqb qb_q 0 {0!r}\n"
    found = delayed(dynamic.t_write, solve, session, TESTBENCHES["write"].build(at), ideal + both, farad)
    assert found == pytest.approx(expected, rel=5e-3)
