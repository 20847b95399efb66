"""Text for a terminal."""

import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

from pimchar import render


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.19951, "V", "199.5 mV"),
        (9.9999e-10, "s", "1.000 ns"),
        (999.96e-12, "s", "1.000 ns"),
        (0.0, "J", "0 J"),
        (-3.21e-12, "s", "\N{MINUS SIGN}3.210 ps"),
        (1.2e-13, "m2", "0.12 um2"),
        (1e-9, "F/m", "1.000 fF/um"),
        (math.nan, "s", "-"),
        (math.inf, "s", "+inf"),
        (0.115, "1", "0.115"),
    ],
)
def test_quantities(value, unit, text):
    assert render.quantity(value, unit) == text


@given(st.floats(1e-17, 1e3))
def test_a_quantity_reads_back_within_its_four_digits(value):
    prefixes = {"a": 1e-18, "f": 1e-15, "p": 1e-12, "n": 1e-9, "\u00b5": 1e-6, "m": 1e-3, "k": 1e3}
    number, unit = render.quantity(value, "s").split()
    assert float(number) * prefixes.get(unit.removesuffix("s"), 1.0) == pytest.approx(value, rel=5.1e-4)


def test_numbers_stand_right_and_words_left():
    text = render.table(("name", "value"), [("a", "1.5 V"), ("28 nm words, long", "-22 mV")])
    assert text.splitlines()[2:] == ["a                    1.5 V", "28 nm words, long   -22 mV"]


def test_a_table_without_rows_is_its_headers():
    assert render.table(("a", "b"), []).splitlines()[0].split() == ["a", "b"]


def lookup_data(function):
    vdd = np.array([0.6, 0.7, 0.8, 0.9])
    return xr.Dataset(
        {"i_leak": (("process", "vdd", "temp"), function(vdd)[None, :, None])},
        coords={
            "process": ["tt"],
            "vdd": ("vdd", vdd, {"units": "V"}),
            "temp": ("temp", [298.15], {"units": "K"}),
        },
    )


def test_a_straight_line_has_no_interpolation_error():
    assert render.left_out_error(lookup_data(lambda vdd: 2.0 * vdd), "i_leak") < 1e-12


def test_the_left_out_error_is_the_largest_relative_one():
    vdd, known = np.array([0.6, 0.7, 0.8, 0.9]), np.array([1.0, 1.0, 2.0, 2.0])
    expected = [abs(PchipInterpolator(np.delete(vdd, i), np.delete(known, i))(vdd[i]) / known[i] - 1.0) for i in (1, 2)]
    found = render.left_out_error(lookup_data(lambda _: known), "i_leak")
    assert found == pytest.approx(max(expected))
    assert found > min(expected) * 1.1


def test_two_supplies_say_nothing_about_interpolation():
    data = lookup_data(lambda vdd: vdd).isel(vdd=[0, 1])
    assert math.isnan(render.left_out_error(data, "i_leak"))
