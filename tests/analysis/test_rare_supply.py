"""Lowest supply of an array: on levels that are known exactly, straight and bent, and its messages."""

import math

import numpy as np
import pytest
from scipy import stats

from analysis.arrays import Array, array_yield
from analysis.intervals import StatisticsError
from analysis.rare_supply import Level, allowed_pf, lowest_supply

ERROR = 0.01


def level_of(sigma, asked):
    def level(vdd):
        asked.append(vdd)
        value = sigma(vdd)
        return Level(value, value - ERROR, value + 2 * ERROR)

    return level


@pytest.mark.parametrize(
    ("sigma", "exact"),
    [
        (lambda v: 10 * v - 1.0, 0.65),
        (lambda v: math.sqrt(max(v - 0.4, 0)) * 11, 0.4 + (5.5 / 11) ** 2),
        (lambda v: 10 * v - 1.0 if v < 0.68 else math.inf, 0.65),
        (lambda v: 40 * (v - 0.55) - 2 if v < 0.9 else math.inf, 0.7375),
    ],
)
def test_the_answer_and_its_interval_by_the_slope(sigma, exact):
    asked = []
    found = lowest_supply(level_of(sigma, asked), 0.5, 1.1, 5.5)
    assert found.vdd == pytest.approx(exact, abs=2e-3)
    assert found.ci_low == pytest.approx(found.vdd - 2 * ERROR / found.slope)
    assert found.ci_high == pytest.approx(found.vdd + ERROR / found.slope)
    assert len(asked) == len(set(asked)) <= 12
    assert list(found.tried) == asked
    np.testing.assert_allclose(np.array(asked[1:]) * 1e3, np.round(np.array(asked[1:]) * 1e3))


def test_what_is_not_bracketed_says_so():
    with pytest.raises(StatisticsError, match=r"5.60 sigma at the lowest supply, 0.66 V, already reach the 5.50"):
        lowest_supply(level_of(lambda v: 10 * v - 1.0, []), 0.66, 1.1, 5.5)
    with pytest.raises(StatisticsError, match=r"5.50 sigma are not reached up to 0.64 V, where it is 5.40"):
        lowest_supply(level_of(lambda v: 10 * v - 1.0, []), 0.5, 0.64, 5.5)


def test_a_jump_across_what_is_wanted_has_no_slope():
    with pytest.raises(StatisticsError, match="do not rise where they are reached"):
        lowest_supply(level_of(lambda v: 1.0 if v < 0.7 else math.inf, []), 0.5, 1.1, 5.5)


@pytest.mark.parametrize("array", [Array(1 << 20), Array(1 << 14, 64, corrected=1, spares=2)])
@pytest.mark.parametrize("target", [0.5, 0.99])
def test_the_allowed_probability_gives_the_yield(array, target):
    assert float(array_yield(np.array(allowed_pf(array, target)), array)) == pytest.approx(target, rel=1e-6)


def test_a_megabit_by_hand():
    assert allowed_pf(Array(1 << 20), 0.99) == pytest.approx(1 - 0.99 ** (2.0**-20), rel=1e-6)
    assert stats.norm.isf(allowed_pf(Array(1 << 20), 0.99)) == pytest.approx(5.62, abs=0.01)
    with pytest.raises(StatisticsError, match="target_yield=1 is outside"):
        allowed_pf(Array(8), 1.0)
