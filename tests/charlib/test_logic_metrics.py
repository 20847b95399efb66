"""FO4 inverter."""

import numpy as np
import pytest
from decks import loaded

from charlib.metrics import logic
from charlib.status import Status
from netlists import TESTBENCHES
from netlists.analyses import Sweep
from netlists.circuit import deck_text
from netlists.logic import add_gate
from netlists.testbench import Testbench

pytestmark = pytest.mark.ngspice

BUILD = TESTBENCHES["fo4"].build


def test_delay_and_energy_fall_and_rise_with_vdd(setting, solve, session):
    blocks = {vdd: solve(session, BUILD(setting(vdd=vdd, window=2e-9))) for vdd in (0.6, 0.8, 1.0)}
    delays = [logic.t_fo4(b).values[0] for b in blocks.values()]
    energies = [logic.e_fo4(b).values[0] for b in blocks.values()]
    assert delays == sorted(delays, reverse=True)
    assert energies == sorted(energies)
    assert energies[0] / energies[2] == pytest.approx(0.36, rel=0.25)  # C V^2


def test_the_window_does_not_matter(setting, solve, session):
    short, long = (logic.t_fo4(solve(session, BUILD(setting(window=w)))).values[0] for w in (0.2e-9, 2e-9))
    assert short == pytest.approx(long, rel=3e-3)


def test_a_window_too_short_is_censored(setting, solve, session):
    block = solve(session, BUILD(setting(vdd=0.4, window=20e-12)))
    assert logic.t_fo4(block).status[0] == Status.censored_high
    assert logic.e_fo4(block).status[0] == Status.not_performed


def discharging(setting, high):
    """A unit inverter by itself, its input at a rail, an ideal source at its output from where that was to half."""
    circuit = setting.circuit("current of an inverter")
    circuit.V("dd", "vdd", "0", setting.vdd)
    circuit.V("in", "in", "0", setting.vdd if high else 0.0)
    circuit.V("out", "out", "0", 0.0)
    circuit.X("1", add_gate(circuit, setting.technology, "inverter"), "in", "out", "vdd", "0")
    sweep = Sweep("vout", setting.vdd if high else 0.0, setting.vdd / 2, 101)
    return Testbench("discharging", deck_text(circuit, ("out", "vout#branch")), sweep, ("out", "vout#branch"), {}, {})


def test_a_heavy_output_is_driven_in_the_integral_of_its_capacitance_over_the_current(setting, solve, session):
    """Second route: by how much a second 100 fF delays the mean of both edges, C dV / I at DC."""
    expected = []
    for high in (True, False):
        slow = solve(session, discharging(setting(), high), np.zeros((1, 0)))
        expected.append(abs(100e-15 * np.trapezoid(1 / slow["vout#branch"][0], slow["out"][0])))
    bench = BUILD(setting(window=20e-9))
    delays = [logic.t_fo4(solve(session, loaded(bench, "n3", farad))).values[0] for farad in (100e-15, 200e-15)]
    assert delays[1] - delays[0] == pytest.approx(np.mean(expected), rel=0.02)


def test_a_further_capacitor_costs_its_charge(setting, solve, session):
    bench = BUILD(setting(window=2e-9))
    plain, more = (logic.e_fo4(solve(session, b)).values[0] for b in (bench, loaded(bench, "n3", 5e-15)))
    assert more - plain == pytest.approx(5e-15 * bench.values["vdd"] ** 2, rel=0.02)


@pytest.mark.parametrize(("weak", "edge"), [("n", 0), ("p", 1)])
def test_a_weak_transistor_delays_the_edge_that_it_drives_and_a_closed_one_fails(setting, solve, session, weak, edge):
    bench = BUILD(setting(window=2e-9))
    draws = np.zeros((3, len(bench.knobs)))
    knob = bench.knobs[f"fo4.{weak}"]
    draws[1:, list(bench.knobs).index(f"fo4.{weak}")] = np.array([0.1, 3.0]) / knob.sigma
    block = solve(session, bench, draws)
    plain, slow, _ = logic._delays(block)
    assert slow[edge] > 1.15 * plain[edge]
    assert slow[1 - edge] < 1.02 * plain[1 - edge]
    assert logic.t_fo4(block).status.tolist() == [Status.ok, Status.ok, Status.censored_high]
    assert logic.e_fo4(block).status.tolist() == [Status.ok, Status.ok, Status.not_performed]
