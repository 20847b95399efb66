"""Failure rates between conditions: the level is interpolated, on the grid the run's own, never beyond or unsure."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from analysis.rare_table import FailureRates
from charlib.errors import TableError

VDD, TEMP = np.array([0.5, 0.6, 0.7, 0.8]), np.array([233.15, 298.15, 398.15])


def level(vdd, temp):
    """Nearly a plane, as that of a real cell."""
    return 10 * vdd - 0.8 * vdd**2 - 0.004 * (temp - 298.15)


def run(doubtful=(), endless=()):
    sigma = level(VDD[None, :, None], TEMP)
    numbers = {"sigma_level": sigma, "established": np.ones(sigma.shape)}
    numbers |= {"pf": stats.norm.sf(sigma), "pf_ci_low": stats.norm.sf(sigma + 0.02)}
    numbers |= {"pf_ci_high": stats.norm.sf(sigma - 0.01)}
    if endless:
        numbers["pf_ci_low"][0, endless[0], endless[1]] = 0.0
    for vdd, temp in doubtful:
        numbers["established"][0, vdd, temp] = 0
        numbers["sigma_level"][0, vdd, temp] = np.nan
    dims = ("process", "vdd", "temp")
    return xr.Dataset(
        {name: (dims, values) for name, values in numbers.items()},
        coords={"process": ["tt"], "vdd": ("vdd", VDD, {"units": "V"}), "temp": ("temp", TEMP, {"units": "K"})},
    )


def test_on_the_grid_the_numbers_are_those_of_the_run():
    found = FailureRates(run())(process="tt", vdd=0.6, temp=298.15)
    assert found["sigma_level"].item() == pytest.approx(level(0.6, 298.15))
    assert found["pf"].item() == pytest.approx(stats.norm.sf(level(0.6, 298.15)))
    assert found["pf_ci_low"].item() == pytest.approx(stats.norm.sf(level(0.6, 298.15) + 0.02))
    assert found["pf_ci_high"].item() == pytest.approx(stats.norm.sf(level(0.6, 298.15) - 0.01))
    assert found["pf"].attrs["units"] == "1"


def test_between_points_the_interval_covers_what_the_interpolation_errs_by():
    rates = FailureRates(run())
    vdd, temp = np.linspace(0.5, 0.8, 13), np.linspace(233.15, 398.15, 7)
    found = rates(process="tt", vdd=vdd, temp=temp)
    exact = level(vdd[:, None], temp)
    np.testing.assert_allclose(found["sigma_level"], exact, atol=0.01)
    assert (found["sigma_level_ci_low"] <= exact).all()
    assert (found["sigma_level_ci_high"] >= exact).all()
    np.testing.assert_allclose(found["pf"], stats.norm.sf(found["sigma_level"]))
    assert (np.diff(found["pf"], axis=0) < 0).all()
    at = found.sel(vdd=0.6, method="nearest").isel(temp=0)
    assert (at["sigma_level_ci_high"] - at["sigma_level_ci_low"]).item() == pytest.approx(0.03)


def test_a_row_of_conditions_goes_point_by_point():
    """The places of memories in a system: each at its own supply and temperature."""
    where = {"vdd": xr.DataArray([0.55, 0.7], dims="memory"), "temp": xr.DataArray([298.15, 350.0], dims="memory")}
    found = FailureRates(run())(process="tt", **where)
    assert found["pf"].dims == ("memory",)
    np.testing.assert_allclose(found["sigma_level"], level(where["vdd"].values, where["temp"].values), atol=0.01)


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ({"vdd": 0.45, "temp": 298.15}, "vdd=0.45"),
        ({"vdd": 0.6, "temp": 500.0}, "temp=500"),
        ({"vdd": 0.75, "temp": 300.0}, "next to process='tt', vdd=0.75, temp=300 is not established"),
    ],
)
def test_neither_beyond_the_run_nor_next_to_what_is_not_established(at, message):
    for data in (run(doubtful=[(3, 1)]), run(endless=(3, 1))):
        rates = FailureRates(data)
        assert rates(process="tt", vdd=0.65, temp=300.0)["pf"].item() > 0
        with pytest.raises(TableError, match=message):
            rates(process="tt", **at)


def test_two_points_tell_no_interval_between_them(tmp_path):
    run().isel(vdd=[0, 1]).to_netcdf(tmp_path / "yield.nc")
    rates = FailureRates.open(tmp_path)
    assert rates(process="tt", vdd=0.5, temp=250.0)["pf"].item() > 0
    with pytest.raises(TableError, match="vdd has 2 points: between them 3 are needed"):
        rates(process="tt", vdd=0.55, temp=298.15)
    with pytest.raises(TableError, match="has no failure probabilities"):
        FailureRates.open(tmp_path / "nothing")
