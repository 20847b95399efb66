"""The read path: truth, waveforms, energy balance and what is not believed."""

import numpy as np
import pytest

from charlib.metrics import readpath
from charlib.status import Status
from netlists import TESTBENCHES
from netlists.analyses import Transient
from netlists.circuit import deck_text
from netlists.testbench import Testbench

pytestmark = pytest.mark.ngspice

BUILD = TESTBENCHES["read_path"].build


@pytest.fixture
def cycle(setting, solve, session):
    def run(vdd=1.0, window=1e-9, **arguments):
        return solve(session, BUILD(setting(vdd=vdd, window=window, **arguments)))

    return run


@pytest.mark.parametrize(("vdd", "window"), [(0.6, 9e-9), (1.0, 1e-9)])
def test_outputs_are_input_and_stored_bit_and_never_fire_falsely(cycle, vdd, window):
    block = cycle(vdd, window)
    for state, (rises, stays, falls) in readpath.OUTPUTS.items():
        assert block[f"{rises}_{state}"].max() > 0.95 * vdd
        assert block[f"{stays}_{state}"].max() < 0.1 * vdd
        assert block[f"{falls}_{state}"].min() < 0.05 * vdd
        for output in "pn":
            wave = block[f"{output}_{state}"][0]
            assert abs(wave[0]) < 0.01 * vdd
            assert abs(wave[-1]) < 0.05 * vdd


def test_no_output_moves_before_the_word_line(cycle):
    block = cycle()
    before = block["time"][0] < 0.2e-9
    for state in ("q", "qb"):
        for output in "pn":
            assert np.abs(block[f"{output}_{state}"][0, before]).max() < 0.05


def test_both_sides_of_a_symmetric_cell_are_equally_fast(cycle):
    block = cycle()
    p, n = readpath.t_read_p(block).values[0], readpath.t_read_n(block).values[0]
    assert p == pytest.approx(n, rel=2e-3)
    energy = readpath.e_read(block).values[0]
    assert energy[0] == pytest.approx(energy[1], rel=2e-3)


def test_a_weak_pull_down_slows_the_output_of_its_side_only(cycle):
    """Q-bar's pull-down discharges BLB, which makes P."""
    skewed, symmetric = cycle(shifts={"pd_r": 0.15}), cycle()
    assert readpath.t_read_p(skewed).values[0] > 1.05 * readpath.t_read_p(symmetric).values[0]
    assert readpath.t_read_n(skewed).values[0] == pytest.approx(readpath.t_read_n(symmetric).values[0], rel=0.02)


def test_a_window_too_short_is_censored_at_the_window(cycle):
    block = cycle(vdd=0.6, window=0.1e-9)
    result = readpath.t_read_p(block)
    assert result.status[0] == Status.censored_high
    assert 0.05e-9 < result.bound[0] < 0.1e-9  # from the word line on
    assert readpath.e_read(block).status[0].tolist() == [Status.not_performed, Status.not_performed]


def test_a_cell_that_loses_its_bit_gives_no_delay(cycle):
    result = readpath.t_read_p(cycle(vdd=0.7, window=9e-9, shifts={"pd_r": 0.7, "pg_r": -0.25, "pu_l": 0.3}))
    assert result.status[0] == Status.not_performed
    assert np.isnan(result.values[0])


def test_nothing_depends_on_the_window(cycle):
    """A window fifty times as long moves no number, but for what the floating lines leak in the meantime.

    Delays are as exact as the solver's steps, 0.2 %.
    """
    short, long = cycle(0.8, 0.4e-9), cycle(0.8, 20e-9)
    for measure, tolerance in ((readpath.t_read_n, 2e-3), (readpath.t_precharge, 0.015), (readpath.e_read, 0.01)):
        np.testing.assert_allclose(measure(long).values, measure(short).values, rtol=tolerance)


def test_the_array_gives_the_charge_of_the_line_that_fell(setting, solve, session, cycle):
    """The charge of BLB from a slow ramp of an ideal source on it, precharge off, against what the cycle takes."""
    at = setting()
    circuit = at.circuit("charge of a bit line")
    column = at.readpath.add_column(circuit, at.technology, at.cell, "q")
    circuit.V("dd", "dd", "0", at.vdd)
    circuit.V("ramp", "blb", "0", f"PWL(0 0 1n {at.vdd})")
    for node, level in (("wl_b", at.vdd), ("pre", 0.0), ("bl", at.vdd)):
        circuit.V(node, node, "0", level)
    supplies = ["dd"] * len(at.readpath.supplies)
    circuit.X("1", column, "wl_b", "pre", "dd", "dd", *supplies, "0", *at.readpath.nodes)
    probes = ("blb", "vramp#branch")
    nodeset = (".nodeset v(q)=1 v(qb)=0", ".options chgtol=1e-18 reltol=1e-5")
    bench = Testbench("charge", deck_text(circuit, probes, nodeset), Transient(1e-9, 1e-11), probes, {}, {})
    ramp = solve(session, bench)
    charge = -np.trapezoid(ramp["vramp#branch"], ramp["time"])[0]  # leakage is a thousandth of it
    block = cycle(at.vdd)
    current = -block["vvdd_q#branch"] - block["vvbl_q#branch"]
    taken = np.trapezoid(current - current[:, :1], block["time"])[0]
    assert taken == pytest.approx(charge, rel=0.15)


def test_energy_follows_the_square_of_the_supply(cycle):
    energy = readpath.e_read(cycle(1.0)).values[0].mean()
    assert readpath.e_read(cycle(0.8, 2e-9)).values[0].mean() == pytest.approx(energy * 0.64, rel=0.15)


def test_supplies_give_what_capacitors_and_transistors_take(setting, solve, session):
    """A capacitor through a resistor from a ramp of half their time constant: the closed form, near C V^2."""
    deck = "rc\nvdd a 0 PWL(0 0 1p 1)\nr1 a b 1k\nc1 b 0 2f\n.options chgtol=1e-18 reltol=1e-4\n.save b vdd#branch\n"
    block = solve(session, Testbench("rc", deck, Transient(1e-10, 1e-12), ("b", "vdd#branch"), {}, {}))
    power = -block["vdd#branch"] * np.clip(block["time"] / 1e-12, 0, 1)
    slow = 2.0  # r c over the ramp
    expected = 2e-15 * (0.5 + slow * (1 - slow * (1 - np.exp(-1 / slow))))
    assert np.trapezoid(power[0], block["time"][0]) == pytest.approx(expected, rel=0.01)


def test_more_rows_are_slower_and_cost_more(setting, solve, session):
    from dataclasses import replace

    from netlists import ReadPath

    times, energies = [], []
    for rows in (1, 16, 64):
        block = solve(session, BUILD(replace(setting(window=3e-9), readpath=ReadPath(rows=rows))))
        times.append(readpath.t_read_p(block).values[0])
        energies.append(readpath.e_read(block).values[0].mean())
    assert times == sorted(times)
    assert energies == sorted(energies)


def test_default_step_control_is_within_half_a_percent_of_reference(setting, solve, session, reference):
    testbench = BUILD(setting(window=1e-9))
    fine = Testbench(
        testbench.name, testbench.deck, Transient(testbench.analysis.stop, testbench.analysis.stop / 2000),
        testbench.probes, testbench.knobs, testbench.values,
    )  # fmt: skip
    draws = np.random.default_rng(5).standard_normal((4, len(testbench.knobs)))
    ours, exact = solve(session, testbench, draws), solve(reference, fine, draws)
    for measure in (readpath.t_read_p, readpath.t_read_n, readpath.t_precharge, readpath.e_read):
        np.testing.assert_allclose(measure(ours).values, measure(exact).values, rtol=5e-3)
