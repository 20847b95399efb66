"""Stored bits at the start of a transient: where ngspice loses them on its way to an operating point they are held."""

from dataclasses import replace

import numpy as np
import pytest

from charlib import metrics
from charlib.ngspice import LADDER
from charlib.status import Status
from charlib.waveforms import stack
from netlists import TESTBENCHES, Setting, Sram6T
from netlists.technology import load
from netlists.testbench import FORGOTTEN, HELD

pytestmark = pytest.mark.ngspice

BENCHES = ("read_path", "write", "half_select")
FORGETFUL = {"pd_l": -0.3, "pu_l": 0.4}
"""At 0.5 V Q = 1 is no state of this cell."""


def drawn(testbench, count=2):
    return testbench.knob_values(np.random.default_rng(2).standard_normal((count, len(testbench.knobs))))


@pytest.mark.parametrize("name", ["read_path", "write"])
def test_a_bit_that_is_lost_by_stepping_is_held_until_the_transient_begins(installed, session, name):
    """Columns of SKY130 need gmin stepped at ff and 1.8 V, and then begin with both nodes of the cell at one level."""
    technology = load("sky130/sram")
    cell = Sram6T().sized(technology)
    testbench = TESTBENCHES[name].build(Setting(technology, "ff", 1.8, 298.15, cell, window=3e-9))
    without = replace(testbench, stored={})
    (lost,), (found,) = (session.solve(each, drawn(testbench, 1)) for each in (without, testbench))
    assert testbench.from_stored(lost.data) > FORGOTTEN
    assert testbench.from_stored(found.data) < HELD
    assert (lost.retries, found.retries) == (0, len(LADDER) + 1)
    block = stack(testbench, [found.data])
    for metric, row in metrics.testbench_metrics(name).items():
        assert (row.measure(block).status == Status.ok).all(), metric


@pytest.mark.parametrize("name", BENCHES)
def test_holding_changes_no_number_where_the_bit_is_there_by_itself(setting, session, name):
    testbench = TESTBENCHES[name].build(setting(vdd=0.9, window=2e-9))
    held = replace(testbench, deck=f"{testbench.deck}\n{testbench.holders}")
    blocks = [stack(each, [s.data for s in session.solve(each, drawn(each))]) for each in (testbench, held)]
    for metric, row in metrics.testbench_metrics(name).items():
        plain, other = (row.measure(block).values for block in blocks)
        np.testing.assert_allclose(other, plain, rtol=1e-3, err_msg=metric)


def test_a_cell_without_a_state_is_left_as_it_was_found(setting, session):
    testbench = TESTBENCHES["half_select"].build(setting(vdd=0.5, window=2e-9, shifts=FORGETFUL))
    (found,) = session.solve(testbench, testbench.knob_values(np.zeros((1, len(testbench.knobs)))))
    assert found.retries == 0
    assert testbench.from_stored(found.data) > FORGOTTEN
    status = metrics.testbench_metrics("half_select")["v_half"].measure(stack(testbench, [found.data])).status
    assert status[0].tolist() == [Status.not_performed, Status.ok]
