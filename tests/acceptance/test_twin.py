"""The table twin against ngspice out to six standard deviations, every static metric: the limits of docs/twin.md."""

import pytest

from charlib import Conditions, twin_check
from charlib.twin import judge
from netlists import Sram8T

pytestmark = [pytest.mark.acceptance, pytest.mark.ngspice]

CONDITIONS = {
    "predictive28": {"process": ["tt"], "vdd": [0.6, 1.1], "temp": [298.15]},
    "freepdk45": {"process": ["tt"], "vdd": [0.6], "temp": [298.15]},
    "sky130": {"process": ["tt"], "vdd": [1.8], "temp": [298.15]},
}
"""Part of the grids of docs/runs/twin-*.toml that takes minutes."""
METRICS = {"sky130": ("snm_hold", "snm_read", "i_read", "i_leak")}
"""Metrics, where not all are checked: tables for the others take minutes more."""


@pytest.mark.parametrize("technology", CONDITIONS)
def test_every_static_metric_is_that_of_ngspice(technology, installed):
    conditions = Conditions(**CONDITIONS[technology])
    found = twin_check(technology=technology, conditions=conditions, metrics=METRICS.get(technology), judged=50)
    judge.refuse(found)
    assert (found["judged"] >= 25).all()


def test_half_cells_with_a_read_port_are_those_of_ngspice():
    found = twin_check(cell=Sram8T(), judged=50)
    judge.refuse(found)
    assert {"snm_hold", "snm_read", "snm_write"} <= set(found["metric"].values)
