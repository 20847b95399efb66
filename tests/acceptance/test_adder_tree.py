"""Adder trees by events against all of their transistors, and the inertia of gates that events take for granted."""

import pytest

import charlib
from analysis.gatetables import INERTIA, OTHER
from charlib import inertia
from charlib.session import Session
from netlists.setting import Condition
from netlists.technology import load
from pimchar import trees

pytestmark = [pytest.mark.acceptance, pytest.mark.ngspice]

GATES = ("inverter", "xor2", "half_adder", "full_adder")


@pytest.mark.parametrize("name", ["predictive28", "freepdk45"])
def test_a_tree(installed, name, tmp_path):
    charlib.characterize_logic(technology=name, gates=GATES, out=tmp_path / "results")
    found = trees.check(tmp_path / "results", trees.Case(8, 4), pairs=40, seed=1, workers=None)
    about = found.attrs
    assert about["wrong_levels"] == 0
    assert abs(about["energy_error"]) < 0.1
    assert abs(about["delay_error"]) < 0.1
    assert about["energy_scatter"] < 0.15


@pytest.mark.parametrize("kind", inertia.KINDS)
def test_inertia(kind):
    condition = Condition(load("predictive28"), "tt", 1.0, 298.15)
    known = INERTIA.get(kind, OTHER)
    with Session(inertia.TIMEOUT) as session:
        for point in inertia.POINTS:
            found = inertia.measure(session, kind, condition, *point)
            assert found.width.mean() == pytest.approx(known.width, abs=0.1)
            assert found.rest == pytest.approx(known.rest, abs=0.1)
