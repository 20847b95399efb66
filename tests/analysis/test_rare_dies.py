"""Dies that differ: against limit states whose level on each die is known exactly, and what is not established."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from analysis.arrays import Array, array_yield, over_dies
from analysis.intervals import StatisticsError
from analysis.rare import Request, failure_probability
from analysis.rare_dies import ALLOWED, Dies, average, centre_of, design, fit, given, over_design, terms
from analysis.rare_supply import Level

ARRAY = Array(1 << 20)
LOCAL = 3
REQUEST = Request("mixture", seed=3)


def cell(beta, slope, bend=0.0):
    """Margin that is linear in three local variables, and over dies in its level but for a bend of the third order."""

    def level(z):
        return beta + z @ np.array(slope) * (1 + bend * z[:, 0] ** 2)

    def limit_state(u):
        margin = 0.02 * (level(u[:, LOCAL:]) - u[:, :LOCAL].sum(axis=1) / LOCAL**0.5)
        return margin, np.zeros(len(u), dtype=np.int8)

    return limit_state, level


def studied(limit_state, shared, request=REQUEST, whole=None):
    whole = whole or failure_probability(limit_state, LOCAL + shared, request)
    return over_design(limit_state, LOCAL, shared, ARRAY, request, whole), whole


@pytest.mark.parametrize(("beta", "slope"), [(5.2, (0.17, -0.16)), (5.6, (0.4,))])
def test_yield_and_mean_over_dies_are_those_of_the_closed_form(beta, slope):
    limit_state, level = cell(beta, slope)
    exact = over_dies(lambda z: stats.norm.sf(level(z)), len(slope), ARRAY)
    found, whole = studied(limit_state, len(slope))
    assert found.faults == ()
    assert found.array[1] < exact[0] < found.array[2]
    assert found.array[2] - found.array[1] < 0.05
    assert found.pf[1] < exact[1] < found.pf[2]
    assert found.pf[0] == pytest.approx(whole.pf, rel=0.2)
    np.testing.assert_allclose(found.dies.level(found.points), level(found.points), atol=0.03)
    assert found.array[0] > array_yield(np.array(found.pf[0]), ARRAY) + 0.01  # dies that differ are better than alike


def test_the_design_is_around_the_dies_of_failing_cells():
    """Half-space at distance beta over the length of all slopes: its design point, on the grid of centres."""
    limit_state, _ = cell(5.2, (0.4, -0.3))
    found, whole = studied(limit_state, 2)
    np.testing.assert_allclose(found.points[0], np.round(5.2 * np.array([-0.4, 0.3]) / 1.25 / 0.25) * 0.25)
    np.testing.assert_array_equal(centre_of(replace(whole, regions=()), 2), [0, 0])
    for points, checks in (design(np.zeros(1)), design(np.array([1.0, 0.5]))):
        assert np.linalg.matrix_rank(terms(points[~checks])) == terms(points).shape[1]
        assert len(np.unique(points, axis=0)) == len(points)


def test_what_is_no_quadratic_is_not_established():
    limit_state, _ = cell(5.2, (0.2, -0.2), bend=0.04)
    found, _ = studied(limit_state, 2)
    assert found.dies.error > ALLOWED
    assert "a quadratic over dies is off by" in found.faults[0]


def test_a_die_without_an_estimate_leaves_no_yield():
    """A die on which nothing fails, one on which everything does, and no estimate over all variables to begin with."""
    good, _ = cell(7.0, (-2.0,))
    found, whole = studied(good, 1)
    assert any("no failure region" in text for text in found.faults)
    assert np.isnan(found.array).all()
    assert found.dies is None
    lost, _ = studied(good, 1, whole=replace(whole, faults=("nothing is sure",)))
    assert lost.faults == ("the failure probability over all variables is not",)
    assert len(lost.found) == 0


def test_the_interval_has_the_estimates_errors_and_the_fits():
    """Levels on a plane, wrong by as much as a die that checks the fit shows; beyond the design that grows."""
    points, checks = design(np.zeros(2))
    levels = [Level(s, s - 0.01, s + 0.01) for s in 5 + points @ [0.2, -0.1]]
    exact = fit(points, checks, tuple(levels), np.zeros(2))
    assert exact.error == pytest.approx(0.0, abs=1e-12)
    assert exact.reach(np.zeros((1, 2)))[0] == pytest.approx(0.01, rel=0.01)  # the mean die alone shows the curvature
    levels[-1] = replace(levels[-1], sigma=levels[-1].sigma + 0.04)
    off = fit(points, checks, tuple(levels), np.zeros(2))
    assert off.error == pytest.approx(0.04)
    assert off.held == checks.sum() == 4
    at = np.array([[0.0, 0.0], [6.0, 0.0]])
    np.testing.assert_allclose(off.reach(at) ** 2 - exact.reach(at) ** 2, [0.04**2, (0.04 * 8) ** 2], rtol=1e-6)
    works, fails = average(off, ARRAY)
    assert works[1] < average(exact, ARRAY)[0][1] < works[0] < works[2]
    assert fails[1] < fails[0] < fails[2]


def test_a_level_that_is_hardly_known_neither_shapes_nor_judges_the_fit():
    points, checks = design(np.zeros(1))
    levels = [Level(s, s - 0.01, s + 0.01) for s in 5 + 0.2 * points[:, 0]]
    levels[0] = Level(levels[0].sigma + 0.3, levels[0].sigma - 0.7, levels[0].sigma + 1.3)
    found = fit(points, checks, tuple(levels), np.zeros(1))
    assert found.error < 1e-3
    assert found.held == 2
    assert isinstance(found, Dies)


def test_a_die_fixes_the_last_variables():
    asked = []

    def limit_state(u):
        asked.append(u)
        return u.sum(axis=1), np.zeros(len(u), dtype=np.int8)

    margin, _ = given(limit_state, np.array([1.0, -2.0]))(np.ones((2, 3)))
    np.testing.assert_array_equal(asked[0], [[1, 1, 1, 1, -2]] * 2)
    np.testing.assert_array_equal(margin, [2.0, 2.0])


def test_only_one_or_two_variables_are_averaged_over():
    with pytest.raises(StatisticsError, match="a die shares 3 variables; 1 or 2"):
        design(np.zeros(3))
