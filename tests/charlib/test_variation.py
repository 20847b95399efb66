"""Random numbers belong to devices."""

from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlib import Variation
from charlib.errors import InvalidPlan
from charlib.variation import normals


@given(st.integers(0, 3000), st.integers(1, 70))
def test_a_block_is_a_slice_of_the_stream(first, count):
    block = normals(["cell.pd_l", "cell.pg_r"], 5, first, count)
    for i in (0, count - 1):
        number = first + i
        for column, path in enumerate(("cell.pd_l", "cell.pg_r")):
            stream = np.random.default_rng([5, number // 1024, crc32(path.encode())]).standard_normal(1024)
            assert block[i, column] == stream[number % 1024]


def test_draws_are_standard_normal_and_independent():
    draws = normals([f"cell.{t}" for t in ("pd_l", "pu_l", "pg_l", "pd_r", "pu_r", "pg_r")], 1, 0, 20000)
    np.testing.assert_allclose(draws.mean(axis=0), 0.0, atol=0.03)
    np.testing.assert_allclose(np.cov(draws.T), np.eye(6), atol=0.04)


def test_seeds_differ():
    assert normals(["a"], 1, 0, 1) != normals(["a"], 2, 0, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"samples": 0}, "samples=0 is not a whole number of at least 1"),
        ({"samples": 1.5}, "samples=1.5"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 2**63}, "seed=9223372036854775808"),
    ],
)
def test_bad_requests_say_what_is_legal(arguments, message):
    with pytest.raises(InvalidPlan, match=message):
        Variation(**arguments)
