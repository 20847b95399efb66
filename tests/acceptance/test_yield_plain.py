"""Rare failures by every method against a million plain Monte Carlo runs of ngspice, on a real cell.

``PIMCHAR_PLAIN`` names a folder for the results, so that a run which is broken off goes on later;
``PIMCHAR_PLAIN_SAMPLES`` the number of plain runs, ``1000000`` if it is not set.
"""

import json
import math
import os
import time
from pathlib import Path

import numpy as np
import pytest
from tabulate import tabulate

import charlib
from analysis.intervals import clopper_pearson
from analysis.rare import Request, failure_probability

pytestmark = [pytest.mark.acceptance, pytest.mark.ngspice]

SAMPLES = int(os.environ.get("PIMCHAR_PLAIN_SAMPLES", "1000000"))
LIMIT = 5e-3
"""Read margin that a cell must have [V]: about one in 2500 has less at this supply."""
SETTING = {
    "technology": "freepdk45",
    "conditions": charlib.Conditions(process=["tt"], vdd=[0.4], temp=[298.15]),
}
SEEDS = {"plain": 2, "estimate": 1}
METHODS = ("auto", "mixture", "surrogate")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the results go."""
    return Path(os.environ.get("PIMCHAR_PLAIN", tmp_path_factory.mktemp("plain")))


def counted(folder):
    """Share of plain runs that fail, its exact interval [1], and CPU time [s] of one of them."""
    data = charlib.characterize(
        metrics=["snm_read"], variation=charlib.Variation(samples=SAMPLES, seed=SEEDS["plain"]), out=folder, **SETTING
    )
    assert (data["snm_read_status"] == 0).all()
    failing = int((data["snm_read"].values <= LIMIT).sum())
    seconds = json.loads((folder / "manifest.json").read_text())["seconds_per_sample"]["butterfly_read"]
    return failing / SAMPLES, clopper_pearson(np.array(failing), np.array(SAMPLES)), seconds


def estimated(method, folder):
    """What a method says, and the wall time that it took [s]."""
    started = time.monotonic()
    with charlib.limit_state({"snm_read": LIMIT}, out=folder, twin=method == "auto", **SETTING) as state:
        found = failure_probability(
            state, len(state.variables), Request(method, seed=SEEDS["estimate"]), twin=state.twin
        )
    return found, time.monotonic() - started


def apart(one, ones_interval, other, others_interval):
    """How far two estimates are apart, in halves of the joint interval of their logarithms [1]."""
    sides = (1, 0) if one < other else (0, 1)
    reach = math.hypot(math.log(ones_interval[sides[0]] / one), math.log(others_interval[sides[1]] / other))
    return abs(math.log(one / other)) / reach


def test_estimates_agree_with_counting(folder, capsys):
    share, (low, high), seconds = counted(folder / "plain")
    rows = [["plain", SAMPLES, f"{share:.3e}", f"{low:.3e}..{high:.3e}", "", f"{seconds * SAMPLES:.0f}"]]
    differing = []
    for method in METHODS:
        found, wall = estimated(method, folder / method)
        assert not found.faults
        distance = apart(found.pf, found.interval, share, (float(low), float(high)))
        interval = "{:.3e}..{:.3e}".format(*found.interval)
        count = sum(found.simulations.values())
        rows.append(
            [f"{method} ({found.method})", count, f"{found.pf:.3e}", interval, f"{distance:.2f}", f"{wall:.0f}"]
        )
        if distance > 1:
            differing.append(method)
    headers = ("method", "simulations", "Pf", "95 %", "apart [joint intervals]", "time [s]")
    with capsys.disabled():
        print(f"\n{tabulate(rows, headers, disable_numparse=True)}")
    assert differing == []
