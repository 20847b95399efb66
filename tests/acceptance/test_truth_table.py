"""The truth table of both read paths over corners, supplies and temperatures, and both limits of their cycle.

``PIMCHAR_TRUTH`` limits the corners and temperatures, such as ``ss 25``; all if it is not set.
"""

import os

import numpy as np
import pytest

import charlib
from charlib import Conditions, characterize
from charlib.status import Status
from netlists import ReadPath

pytestmark = [pytest.mark.acceptance, pytest.mark.ngspice]

PROCESSES = ("tt", "ff", "ss", "fs", "sf")
SUPPLIES = (0.6, 0.7, 0.8, 0.9, 1.0)
CELSIUS = (-40.0, 25.0, 125.0)
CHOSEN = os.environ.get("PIMCHAR_TRUTH", "").split()


@pytest.fixture(scope="module")
def at():
    processes = [p for p in PROCESSES if p in CHOSEN] or list(PROCESSES)
    celsius = [t for t in CELSIUS if f"{t:g}" in CHOSEN] or list(CELSIUS)
    return Conditions(process=processes, vdd=SUPPLIES, temp=[round(t + 273.15, 2) for t in celsius])


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("pattern", ["half", "worst"])
@pytest.mark.parametrize("name", ["predictive28", "freepdk45/vtg"])
def test_every_combination_is_right_inside_both_limits(name, pattern, at):
    """At the cycle of a run, seven times the slowest of nominal read delays and precharge."""
    metrics = ["t_compute", "t_compute_single", "v_glitch", "v_glitch_single", "t_race_recovery", "t_race_sample"]
    found = characterize(technology=name, conditions=at, metrics=metrics, readpath=ReadPath(pattern=pattern))
    for metric in metrics:
        assert (found[f"{metric}_status"] == Status.ok).all(), metric
    for metric in ("v_glitch", "v_glitch_single"):
        assert (found[metric] < 0.25 * found["vdd"]).all()
    for metric in ("t_race_recovery", "t_race_sample"):
        assert (found[metric] > 0).all()
    assert (found["t_compute_single"] < 1.02 * found["t_compute"]).all()


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ["predictive28", "freepdk45/vtg"])
def test_both_limits_of_the_cycle_are_found_and_apart(name):
    """At the corners that are slowest and leak most."""
    for process, celsius in (("ss", -40.0), ("ff", 125.0)):
        where = Conditions(process=[process], vdd=[0.6, 1.0], temp=[round(celsius + 273.15, 2)])
        found = charlib.shmoo(technology=name, conditions=where)
        assert (found["cycle_min_status"] == Status.ok).all()
        assert np.isin(found["cycle_max_status"], (Status.ok, Status.censored_high)).all()
        assert (found["cycle_max"] > 10 * found["cycle_min"]).all()
        if process == "ff":
            assert (found["cycle_max_status"] == Status.ok).all()
