"""The search for both limits of a cycle, on made-up laws; docs/read-path.md tells the simulated limits."""

import math
import sys

import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from charlib import Conditions
from charlib import shmoo as function
from charlib.characterize import LAST_WINDOW
from charlib.shmoo import RATIO, _limits, wanted
from charlib.status import Status

MOST = 60
"""Trials that no search of these laws needs."""


def searched(start, right):
    """Trials of a law ``right`` of the cycle."""
    tried = {}
    for _ in range(MOST):
        cycles = wanted(start, tried)
        if not cycles:
            return tried
        assert len(cycles) <= 2
        tried |= {cycle: right(cycle) for cycle in cycles}
    raise AssertionError(f"no end after {len(tried)} trials")


@given(st.floats(-11, -9), st.floats(0.3, 5), st.floats(0.05, 0.9))
def test_both_limits_are_within_the_ratio(exponent, width, place):
    shortest, longest = 10**exponent, 10 ** (exponent + width)
    start = float(f"{10 ** (exponent + place * width):.1e}")
    if not shortest <= start <= longest:
        return
    found = _limits(searched(start, lambda cycle: shortest <= cycle <= longest))
    for side, limit in (("min", shortest), ("max", longest)):
        right, wrong = found[f"cycle_{side}"], found[f"cycle_{side}_wrong"]
        assert found[f"cycle_{side}_status"] == Status.ok
        assert min(right, wrong) <= limit * 1.001
        assert max(right, wrong) >= limit * 0.999
        assert max(right, wrong) / min(right, wrong) <= RATIO * 1.002


def test_where_the_first_cycle_is_too_short_longer_ones_are_tried():
    found = _limits(searched(1e-10, lambda cycle: 1e-9 <= cycle <= 1e-6))
    assert found["cycle_min"] == pytest.approx(1e-9, rel=0.06)
    assert found["cycle_max"] == pytest.approx(1e-6, rel=0.06)


@pytest.mark.parametrize("start", [1e-8, 1.7e-8, 6e-8])
def test_where_the_first_cycle_is_too_long_shorter_ones_are_tried(start):
    found = _limits(searched(start, lambda cycle: 1e-9 <= cycle <= 2.5e-9))
    assert found["cycle_min_status"] == found["cycle_max_status"] == Status.ok
    assert found["cycle_min"] == pytest.approx(1e-9, rel=0.06)
    assert found["cycle_max"] == pytest.approx(2.5e-9, rel=0.06)


def test_no_cycle_that_is_right_is_told_after_longer_and_shorter_ones():
    tried = searched(1e-10, lambda _: False)
    assert max(tried) == pytest.approx(6.4e-9, rel=0.01, abs=0)
    assert min(tried) == pytest.approx(1e-10 / 64, rel=0.01, abs=0)
    found = _limits(tried)
    assert found["cycle_min_status"] == found["cycle_max_status"] == Status.not_performed
    assert math.isnan(found["cycle_min"])


def test_a_line_that_never_falls_is_censored_at_the_longest_cycle():
    tried = searched(1e-10, lambda cycle: cycle >= 5e-11)
    found = _limits(tried)
    assert found["cycle_max_status"] == Status.censored_high
    assert LAST_WINDOW / 4 < found["cycle_max"] == max(tried) <= LAST_WINDOW


def test_a_trial_without_an_answer_is_no_limit():
    found = _limits(searched(1e-10, lambda cycle: None if cycle > 1e-8 else cycle > 5e-11))
    assert found["cycle_max_status"] == Status.suspect
    assert found["cycle_min_status"] == Status.ok


@pytest.mark.ngspice
def test_limits_of_a_real_read_path(tmp_path, monkeypatch):
    """In coarse steps, at the hottest corner, where both limits are closest."""
    module = sys.modules["charlib.shmoo"]
    for name, value in (("RATIO", 17.0), ("SHORTER", 4.0), ("LONGER", 16.0)):
        monkeypatch.setattr(module, name, value)
    at = Conditions(process=["ff"], vdd=[1.0], temp=[398.15])
    found = function(conditions=at, out=tmp_path / "r", workers=1).squeeze()
    assert (found["cycle_min_status"], found["cycle_max_status"]) == (Status.ok, Status.ok)
    assert found["cycle_min_wrong"] < 0.15e-9 < found["cycle_min"] * 4
    assert found["cycle_max"] < 0.1e-6 < found["cycle_max_wrong"] * 2
    with xr.open_dataset(tmp_path / "r" / "shmoo.nc") as stored:
        xr.testing.assert_equal(stored.squeeze()["trial_right"], found["trial_right"])
