"""Gates: what each computes, how its diffusions are laid out."""

from itertools import product

import numpy as np
import pytest

from netlists.analyses import OperatingPoint, Transient
from netlists.circuit import deck_text, new_circuit
from netlists.logic import GATES, Gate, Mos, add_gate
from netlists.stimulus import TRANSIENT_OPTIONS
from netlists.technology import load
from netlists.testbench import Knob, Testbench

STATIC = [kind for kind, gate in GATES.items() if not gate.clock]


def bench(kind, process, vdd, sources, analysis):
    """A gate with a source at each input; sources are knobs."""
    technology = load("predictive28")
    circuit = new_circuit(kind, technology, process, 298.15)
    circuit.V("dd", "vdd", "0", vdd)
    gate = GATES[kind]
    for name in gate.inputs:
        circuit.V(name, name, "0", sources.get(name, 0.0))
    circuit.X("gate", add_gate(circuit, technology, kind), *gate.ports[:-1], "0")
    knobs = {name: Knob((f"v{name}",), 0.0, 1) for name in gate.inputs if name not in sources}
    return Testbench(kind, deck_text(circuit, gate.outputs, (TRANSIENT_OPTIONS,)), analysis, gate.outputs, knobs, {})


@pytest.mark.ngspice
@pytest.mark.parametrize("process", ["ss", "fs"])
@pytest.mark.parametrize("kind", STATIC)
def test_truth_table(session, kind, process):
    gate, vdd = GATES[kind], 0.7
    rows = np.array(list(product((0, 1), repeat=len(gate.inputs))))
    solved = session.solve(bench(kind, process, vdd, {}, OperatingPoint()), vdd * rows)
    levels = np.array([solution.data[:, 0] for solution in solved]) / vdd
    assert levels == pytest.approx(np.array([gate.function(*row) for row in rows]), abs=0.01)


@pytest.mark.ngspice
@pytest.mark.parametrize("process", ["ss", "fs"])
def test_a_flip_flop_takes_its_data_at_the_rising_clock_only(session, process):
    """Data 1, 0, 1 at clocks at 2, 6 and 10 ns, changed twice in between with the clock high and with it low."""
    vdd = 0.7
    sources = {
        "d": f"PWL(0 0 1n 0 1.05n {vdd} 3n {vdd} 3.05n 0 7n 0 7.05n {vdd})",
        "clk": f"PULSE(0 {vdd} 2n 0.05n 0.05n 2n 4n)",
    }
    (solved,) = session.solve(bench("dff", process, vdd, sources, Transient(12e-9, 0.1e-9)), np.zeros((1, 0)))
    q = np.interp(np.array([1.9, 2.5, 3.9, 5.9, 6.5, 7.9, 9.9, 10.5]) * 1e-9, solved.vectors["time"], solved.data[0])
    assert q / vdd == pytest.approx([q[0] / vdd, 1, 1, 1, 0, 0, 0, 1], abs=0.01)


def test_diffusions_are_shared_in_pairs_and_with_the_neighbour_on_rails():
    three = (Mos("a", "n", "y", "a", "x"), Mos("b", "n", "y", "b", "x"), Mos("c", "n", "vss", "c", "x"))
    drawn = Gate(("a", "b", "c"), ("y",), lambda *_: (0,), three).transistors(load("predictive28"), 2.0)
    assert [(t.drain, t.source) for t in drawn] == [("shared", "shared"), ("shared", "shared"), ("shared", "end")]
    assert drawn[0].w == 2 * load("predictive28").w_n


@pytest.mark.parametrize("kind", GATES)
def test_what_drives_a_gate_does_not_see_its_load(kind):
    """Inputs go to gates of transistors only, elements have names of their own, and every net is driven."""
    gate = GATES[kind]
    channel = {net for mos in gate.table for net in (mos.drain, mos.source)}
    assert not channel & set(gate.inputs)
    assert {mos.gate for mos in gate.table} | set(gate.outputs) <= channel | set(gate.inputs)
    assert len({mos.name for mos in gate.table}) == len(gate.table)
