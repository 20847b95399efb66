"""Interpolation of tables."""

import math

import numpy as np
import pytest
import xarray as xr
from scipy.interpolate import PchipInterpolator

from charlib import METRICS
from charlib.tables import left_out_error


def lookup_data(name, function):
    vdd = np.array([0.6, 0.7, 0.8, 0.9])
    return xr.Dataset(
        {name: (("process", "vdd", "temp"), function(vdd)[None, :, None], {"units": METRICS[name].unit})},
        coords={
            "process": ["tt"],
            "vdd": ("vdd", vdd, {"units": "V"}),
            "temp": ("temp", [298.15], {"units": "K"}),
        },
    )


def test_a_straight_line_has_no_interpolation_error():
    assert left_out_error(lookup_data("snm_hold", lambda vdd: 2.0 * vdd), "snm_hold") < 1e-12


def test_an_exponential_has_no_interpolation_error_in_its_logarithm():
    assert left_out_error(lookup_data("i_leak", lambda vdd: np.exp(-20 * vdd)), "i_leak") < 1e-12


def test_the_left_out_error_is_the_largest_relative_one():
    vdd, known = np.array([0.6, 0.7, 0.8, 0.9]), np.array([1.0, 1.0, 2.0, 2.0])
    expected = [abs(PchipInterpolator(np.delete(vdd, i), np.delete(known, i))(vdd[i]) / known[i] - 1.0) for i in (1, 2)]
    found = left_out_error(lookup_data("snm_hold", lambda _: known), "snm_hold")
    assert found == pytest.approx(max(expected))
    assert found > min(expected) * 1.1


def test_two_supplies_say_nothing_about_interpolation():
    data = lookup_data("i_leak", lambda vdd: vdd).isel(vdd=[0, 1])
    assert math.isnan(left_out_error(data, "i_leak"))
