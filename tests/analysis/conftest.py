"""Synthetic tables: no simulator, laws simple enough to check by hand."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from synthetic import CELL_AREA, FLAT, SPREAD, Flat, synthetic_gates, synthetic_table

from analysis import macro
from analysis.architecture import MacroGeometry, MacroModel
from analysis.gatenumbers import characterized
from analysis.logic import Gates
from netlists.technology import load


@pytest.fixture(scope="session")
def cell_area() -> float:
    return CELL_AREA


@pytest.fixture(scope="session")
def spread() -> float:
    return SPREAD


@pytest.fixture(scope="session")
def make_table() -> Callable[[], xr.Dataset]:
    return synthetic_table


@pytest.fixture
def table() -> xr.Dataset:
    return synthetic_table()


@pytest.fixture(scope="session")
def macro_dataset() -> xr.Dataset:
    return macro.evaluate(synthetic_table(), MacroGeometry(), CELL_AREA)


def synthetic_characterization(samples: int = 200) -> xr.Dataset:
    """SYNTHETIC: a normal margin that fails when low and a delay that fails when high, every status once or more."""
    rng = np.random.default_rng(3)
    shape = (1, 2, 1, samples)
    margin, delay = rng.normal(0.2, 0.02, shape), rng.normal(1e-10, 1e-11, shape)
    margin_status, delay_status = np.zeros(shape, np.int8), np.zeros(shape, np.int8)
    margin_status[0, 0, 0, :4] = [1, 2, 4, 6]
    delay_status[0, 0, 0, :6] = [1, 2, 3, 4, 5, 6]
    dims = ("process", "vdd", "temp", "sample")
    attrs = {
        "snm_read": {"units": "V", "long_name": "read static noise margin", "fails_when": "low", "fail_limit": 0.0},
        "t_read_p": {"units": "s", "long_name": "read delay", "fails_when": "high", "fail_limit": np.inf},
    }
    values = {"snm_read": (margin, margin_status), "t_read_p": (delay, delay_status)}
    found = xr.Dataset(coords={"process": ["tt"], "vdd": [0.8, 0.9], "temp": [300.15]}, attrs={"seed": 3})
    for name, (value, status) in values.items():
        found[name] = (dims, np.where(status == 0, value, np.nan), attrs[name])
        found[f"{name}_status"] = (dims, status)
    found["vdd"].attrs = {"units": "V"}
    return found


@pytest.fixture
def characterization() -> xr.Dataset:
    return synthetic_characterization()


@pytest.fixture(scope="session")
def flat() -> Flat:
    return FLAT


@pytest.fixture
def gates_table() -> xr.Dataset:
    return synthetic_gates()


@pytest.fixture(scope="session")
def characterized_gates() -> Gates:
    return characterized(synthetic_gates(), synthetic_table(), load("predictive28"), MacroModel())
