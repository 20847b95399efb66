"""All margins of an operation change sign where the operation itself fails, at DC and in time."""

import pytest

from charlib.metrics import METRICS
from charlib.status import Status
from netlists import TESTBENCHES

pytestmark = pytest.mark.ngspice


@pytest.fixture
def measured(solve, session):
    """A metric of the typical cell of a setting."""
    return lambda name, at: METRICS[name].measure(solve(session, TESTBENCHES[METRICS[name].testbench].build(at)))


def test_the_write_margins_change_sign_where_the_write_itself_fails(setting, measured):
    for shift, works in ((0.0, True), (0.1, True), (0.2, False), (0.3, False)):
        at = setting(vdd=0.7, window=20e-9, shifts={"pg_l": shift, "pg_r": shift})
        for name in ("snm_write", "wm_bl", "wm_wl"):
            margin = measured(name, at)
            assert (margin.values.ravel() > 0).tolist() == [works] * margin.values.size, name
        written = measured("t_write", at)
        assert (written.status == (Status.ok if works else Status.censored_high)).all()


def test_the_read_margins_change_sign_where_the_read_loses_the_bit(setting, measured):
    """Q is low in state qb, lobe 1, and is pulled up through its pass gate."""
    for shift, keeps in ((0.0, True), (0.1, True), (0.2, False), (0.3, False)):
        at = setting(vdd=0.7, window=20e-9, shifts={"pd_l": shift, "pg_l": -0.2})
        found = {name: measured(name, at) for name in ("snm_read", "sinm", "svnm", "i_read", "v_half")}
        for name in ("snm_read", "sinm"):
            assert (found[name].values[0] > 0).tolist() == [True, keeps], name
        for name in ("i_read", "v_half"):
            assert (found[name].status[0] == Status.ok).tolist() == [True, keeps], name
        assert (found["svnm"].status == Status.ok).tolist() == [[keeps, keeps]]
