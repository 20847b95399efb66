"""Stored bits at the start of a transient: operating points are looked for from nodes at which the bits are there."""

from dataclasses import replace

import numpy as np
import pytest

from charlib import metrics
from charlib.session import LADDER, Session
from charlib.status import Status
from charlib.waveforms import stack
from netlists import TESTBENCHES, Setting, Sram6T
from netlists.technology import load
from netlists.testbench import FORGOTTEN

pytestmark = pytest.mark.ngspice

BENCHES = ("read_path", "write", "half_select")
FORGETFUL = {"pd_l": -0.3, "pu_l": 0.4}
"""At 0.5 V Q = 1 is no state of this cell."""
AT_REST = 1e-3
"""How far from its level a node is that stores a bit, at most, as a share of the supply [1]."""


def drawn(testbench, count=2):
    return testbench.knob_values(np.random.default_rng(2).standard_normal((count, len(testbench.knobs))))


@pytest.fixture
def forgetting(installed):
    """Columns of SKY130 need gmin stepped at ff and 1.8 V, and then begin with both nodes of the cell at one level."""
    technology = load("sky130/sram")
    return Setting(technology, "ff", 1.8, 298.15, Sram6T().sized(technology), window=3e-9)


@pytest.mark.parametrize("name", ["read_path", "write"])
def test_a_bit_that_stepping_would_lose_is_there_from_first_guesses(forgetting, session, name):
    testbench = TESTBENCHES[name].build(forgetting)
    without = replace(testbench, stored={})
    (lost,), (found,) = (session.solve(each, drawn(testbench, 1)) for each in (without, testbench))
    assert testbench.from_stored(lost.data) > FORGOTTEN
    assert testbench.from_stored(found.data) < AT_REST
    assert (lost.retries, found.retries) == (0, 0)
    block = stack(testbench, [found.data])
    for metric, row in metrics.testbench_metrics(name).items():
        assert (row.measure(block).status == Status.ok).all(), metric


def test_a_sample_that_loses_its_bit_all_the_same_begins_from_first_guesses_of_its_own(
    forgetting, session, monkeypatch
):
    testbench = TESTBENCHES["write"].build(forgetting)
    (expected,) = session.solve(testbench, drawn(testbench, 1))
    monkeypatch.setattr(Session, "_of_typical", lambda *_: "")
    (found,) = session.solve(testbench, drawn(testbench, 1))
    assert found.retries == len(LADDER) + 1
    for metric, row in metrics.testbench_metrics("write").items():
        of_typical, own = (row.measure(stack(testbench, [s.data])).values for s in (expected, found))
        np.testing.assert_allclose(own, of_typical, rtol=1e-3, err_msg=metric)


def test_first_guesses_survive_a_simulator_that_is_killed(setting, session, monkeypatch):
    testbench = TESTBENCHES["half_select"].build(setting(vdd=0.9, window=2e-9))
    expected = session.first_guesses(testbench, drawn(testbench, 1)[0])
    ask, asked = Session._ask, []

    def killed_once(self, *request):
        asked.append(request)
        if len(asked) == 1:
            self._child._process.kill()
        ask(self, *request)

    monkeypatch.setattr(Session, "_ask", killed_once)
    assert session.first_guesses(testbench, drawn(testbench, 1)[0]) == expected
    assert len(asked) == 2


def test_a_sample_without_an_answer_once_its_bit_is_there_has_none(forgetting, session, monkeypatch):
    testbench = TESTBENCHES["write"].build(forgetting)
    monkeypatch.setattr(Session, "_of_typical", lambda *_: "")
    monkeypatch.setattr(Session, "_again", lambda *_: None)
    (found,) = session.solve(testbench, drawn(testbench, 1))
    assert found.status == Status.numerical_failure
    assert "stored bits" in found.reason


@pytest.mark.parametrize("name", BENCHES)
def test_first_guesses_change_no_number_where_the_bit_is_there_by_itself(setting, session, name):
    testbench = TESTBENCHES[name].build(setting(vdd=0.9, window=2e-9))
    without = replace(testbench, stored={})
    blocks = [stack(each, [s.data for s in session.solve(each, drawn(each))]) for each in (testbench, without)]
    for metric, row in metrics.testbench_metrics(name).items():
        guessed, plain = (row.measure(block) for block in blocks)
        assert (plain.status == Status.ok).all(), metric
        np.testing.assert_allclose(guessed.values, plain.values, rtol=4e-3, err_msg=metric)  # of time steps


def test_first_guesses_are_every_node_at_its_level(setting, session):
    testbench = TESTBENCHES["half_select"].build(setting(vdd=0.9, window=2e-9))
    lines = session.first_guesses(testbench, drawn(testbench, 1)[0]).splitlines()
    levels = {line.split("(")[1].split(")")[0]: float(line.split("=")[1]) for line in lines}
    assert len(levels) > 50
    for node, level in testbench.stored.items():
        assert levels[node] == pytest.approx(level, abs=1e-3)
    (found,) = session.solve(testbench, drawn(testbench, 1))
    for node, wave in found.vectors.items():
        if node in levels:
            assert wave[0] == pytest.approx(levels[node], abs=1e-3)


@pytest.mark.parametrize("name", ["half_select", "write"])
def test_a_cell_without_a_state_is_left_as_it_was_found(setting, session, name):
    testbench = TESTBENCHES[name].build(setting(vdd=0.5, window=2e-9, shifts=FORGETFUL))
    (found,) = session.solve(testbench, testbench.knob_values(np.zeros((1, len(testbench.knobs)))))
    assert found.retries == 0
    assert testbench.from_stored(found.data) > FORGOTTEN
    if name == "half_select":
        status = metrics.testbench_metrics(name)["v_half"].measure(stack(testbench, [found.data])).status
        assert status[0].tolist() == [Status.not_performed, Status.ok]
