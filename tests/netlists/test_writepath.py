"""The write driver of a column: its transistors by line, one draw each whatever is written."""

import pytest

from netlists.dynamic import LINES
from netlists.technology import load
from netlists.writepath import write_driver_knobs

INSTANCES = {f"xwrite_{state}": lines for state, lines in LINES.items()}
PULLS = {"down": 0, "up": 1}
"""Transistor to the place of its line in ``LINES``; the one that is off is on the other line."""


@pytest.fixture(scope="module", params=["predictive28", "freepdk45"])
def technology(request, installed):
    return load(request.param)


def test_every_transistor_belongs_to_one_line_in_both_states(technology):
    knobs = write_driver_knobs(technology, INSTANCES)
    for kind, place in PULLS.items():
        device = technology.devices["n" if kind == "down" else "p"]
        for line in ("bl", "blb"):
            drawn = {
                device.knob(instance, kind if lines[place] == line else f"{kind}_off")
                for instance, lines in INSTANCES.items()
            }
            assert set(knobs[f"write_driver.{kind}_{line}"].parameters) == drawn
    assert {name.partition(":")[0] for name in knobs if name.startswith("write_driver.")} == {
        f"write_driver.{kind}_{line}" for kind in PULLS for line in ("bl", "blb")
    }


def test_no_parameter_is_set_twice_and_none_is_left_out(technology):
    parameters = [p for knob in write_driver_knobs(technology, INSTANCES).values() for p in knob.parameters]
    assert len(parameters) == len(set(parameters))
    laws = {len(technology.devices[role].mismatch) for role in ("n", "p")}
    # Four transistors and two inverters in each of two states.
    assert len(parameters) == 2 * (4 + 2 * 2) * (1 + max(laws))


def test_the_gates_of_a_pull_down_differ_between_the_lines(technology):
    knobs = write_driver_knobs(technology, INSTANCES)
    for name, knob in knobs.items():
        if name.startswith("write_gate_"):
            assert len(knob.parameters) == 1
            place, line = PULLS[name.split("_")[2]], name.split(".")[0].split("_")[3]
            (instance,) = [i for i, lines in INSTANCES.items() if lines[place] == line]
            assert instance in knob.parameters[0]
