"""Worst corners: SYNTHETIC samples whose worst corner differs by mean, at a level, and between temperatures."""

import numpy as np
import pytest
import xarray as xr

from analysis.intervals import StatisticsError
from analysis.worst import worst_corners
from charlib.status import Status


def characterization(mean, std, fails_when="low"):
    """Samples at means and deviations of shape (process, temp), one supply."""
    z = np.array([-1.0, 0.0, 1.0])
    values = (np.asarray(mean)[..., None] + np.asarray(std)[..., None] * z)[:, None]
    dims = ("process", "vdd", "temp", "sample")
    attrs = {"units": "V", "long_name": "margin", "fails_when": fails_when, "fail_limit": 0.0}
    return xr.Dataset(
        {"m": (dims, values, attrs), "m_status": (dims, np.zeros(values.shape, np.int8))},
        {"process": ["tt", "ss"], "vdd": [0.9], "temp": [233.15, 398.15]},
    )


def test_mean_and_level_may_name_different_corners():
    data = characterization([[0.20, 0.20], [0.19, 0.25]], [[0.03, 0.01], [0.01, 0.01]])
    found = worst_corners(data, 3.0).isel(vdd=0)
    assert found["m_corner_mean_process"].values.tolist() == ["ss", "tt"]
    assert found["m_corner_sigma_process"].values.tolist() == ["tt", "tt"]
    assert found["m_corner_sigma_value"].values == pytest.approx([0.11, 0.17])
    assert found["m_place_mean_process"].item() == "ss"
    assert found["m_place_mean_temp"].item() == 233.15
    assert found["m_corner_mean_value"].attrs["units"] == "V"


@pytest.mark.parametrize(("slow", "temp"), [("hot", 398.15), ("cold", 233.15)])
def test_nothing_is_presumed_about_temperature(slow, temp):
    delay = np.array([[1.0, 1.2], [1.1, 1.4]])
    data = characterization(delay if slow == "hot" else delay[:, ::-1], np.full((2, 2), 0.1), "high")
    found = worst_corners(data, 3.0).isel(vdd=0)
    assert (found["m_place_sigma_process"].item(), found["m_place_sigma_temp"].item()) == ("ss", temp)
    assert found["m_place_sigma_value"].item() == pytest.approx(1.7)


def test_a_corner_in_which_all_failed_is_the_worst_and_an_unknown_one_is_none():
    data = characterization([[0.2, 0.2], [0.3, 0.1]], np.full((2, 2), 0.01))
    data["m_status"][1, 0, 0] = Status.not_performed
    data["m_status"][1, 0, 1] = Status.numerical_failure
    data["m"] = data["m"].where(data["m_status"] == 0)
    data["m"].attrs = {"units": "V", "long_name": "margin", "fails_when": "low", "fail_limit": 0.0}
    found = worst_corners(data, 3.0).isel(vdd=0)
    assert found["m_corner_mean_process"].values.tolist() == ["ss", "tt"]
    assert np.isnan(found["m_corner_mean_value"].values[0])
    data["m_status"][:] = Status.timeout
    data["m"][:] = np.nan
    assert worst_corners(data, 3.0)["m_corner_mean_process"].values.ravel().tolist() == ["", ""]


def test_a_level_below_zero_is_refused():
    with pytest.raises(StatisticsError, match="sigma=-1 is below 0"):
        worst_corners(characterization(np.ones((2, 2)), np.ones((2, 2))), -1)
