"""The table twin against ngspice out to six standard deviations, every static metric: the limits of docs/twin.md."""

import pytest

from charlib import Conditions, twin_check
from charlib.twin import judge
from netlists import Sram8T

pytestmark = [pytest.mark.acceptance, pytest.mark.ngspice]

SUPPLIES = {"predictive28": (0.6, 0.9, 1.1), "freepdk45": (0.6, 0.8, 1.1), "sky130": (0.9, 1.35, 1.8)}
"""Lowest, middle and highest supply of the grids of docs/runs/twin-*.toml [V]."""
COLD, ROOM, HOT = 233.15, 298.15, 398.15
CORNERS = [
    ("tt", 0, ROOM), ("tt", 1, ROOM), ("tt", 2, ROOM), ("ss", 0, COLD), ("ff", 0, HOT), ("sf", 0, ROOM), ("fs", 1, HOT),
]  # fmt: skip
"""Process, which of the supplies and temperature [K]: the part of the grids that takes minutes."""


@pytest.mark.parametrize(("process", "supply", "temp"), CORNERS)
@pytest.mark.parametrize("technology", SUPPLIES)
def test_every_static_metric_is_that_of_ngspice(technology, process, supply, temp, installed):
    conditions = Conditions(process=[process], vdd=[SUPPLIES[technology][supply]], temp=[temp])
    found = twin_check(technology=technology, conditions=conditions, judged=50)
    judge.refuse(found)
    assert (found["judged"] >= 25).all()


def test_half_cells_with_a_read_port_are_those_of_ngspice():
    found = twin_check(cell=Sram8T(), judged=50)
    judge.refuse(found)
    assert {"snm_hold", "snm_read", "snm_write"} <= set(found["metric"].values)
