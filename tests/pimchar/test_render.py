"""Text for a terminal."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
