"""Monotone cubics over grids."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

from charlib.interpolation import Field, left_out, slopes

VDD, TEMP, ROWS = np.linspace(0.6, 1.0, 5), np.linspace(233.15, 398.15, 4), np.array([16.0, 64.0, 256.0])
STEPS = st.lists(st.floats(0.01, 10.0), min_size=2, max_size=7)


def delay(vdd, temp, rows):
    return np.exp(-6 * vdd - 0.002 * temp) * (20 + rows * (1 + 0.1 * vdd))


@pytest.fixture(scope="module")
def field():
    grid = np.meshgrid(VDD, TEMP, ROWS, indexing="ij")
    return Field((VDD, TEMP, ROWS), delay(*grid), True, (False, False, True))


def queries(field, count, seed=1):
    rng = np.random.default_rng(seed)
    return [rng.uniform(grid[0], grid[-1], count) for grid in field.grids]


def test_straight_axes_have_the_slopes_of_pchip():
    rng = np.random.default_rng(1)
    grid, values = np.sort(rng.random(6)), rng.normal(size=(6, 40))
    expected = PchipInterpolator(grid, values, axis=0).derivative()(grid)
    np.testing.assert_allclose(slopes(grid, values, True), expected, rtol=1e-9, atol=1e-9)


def test_a_polynomial_of_fourth_degree_has_its_own_slopes():
    grid = np.array([1.0, 1.1, 1.3, 1.4, 1.6, 1.7])
    np.testing.assert_allclose(slopes(grid, grid**4, False), 4 * grid**3, rtol=1e-10)


@given(STEPS, STEPS, st.booleans(), st.booleans())
def test_monotone_numbers_stay_monotone(widths, rises, straight, logarithm):
    count = min(len(widths), len(rises))
    grid, values = np.cumsum(widths[:count]), np.cumsum(rises[:count])
    at = np.linspace(grid[0], grid[-1], 400)
    found = Field((grid,), values, logarithm, (straight,)).at([at])
    assert (np.diff(found) >= -1e-9 * values[-1]).all()
    assert found.min() == values[0]
    assert found.max() == values[-1]


def test_numbers_on_the_grid_are_the_stored_ones(field):
    nodes = [grid.ravel() for grid in np.meshgrid(*field.grids, indexing="ij")]
    assert (field.at(nodes) == field.values.ravel()).all()


def test_what_is_straight_over_rows_and_exponential_else_is_met(field):
    points = queries(field, 500)
    np.testing.assert_allclose(field.at(points), delay(*points), rtol=1e-8)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("logarithm", [True, False])
def test_gradients_are_those_of_finite_differences(field, axis, logarithm):
    field = Field(field.grids, field.values + 0.3 * field.values.max(), logarithm, field.straight)
    grid, points = field.grids[axis], queries(field, 300)
    step = 1e-5 * (grid[-1] - grid[0])
    points[axis] = np.clip(points[axis], grid[0] + step, grid[-1] - step)
    beside = [[p + sign * step if i == axis else p for i, p in enumerate(points)] for sign in (-1, 1)]
    expected = (field.at(beside[1]) - field.at(beside[0])) / (2 * step)
    np.testing.assert_allclose(field.at(points, axis), expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())


def test_a_number_does_not_depend_on_its_company(field):
    points = queries(field, 20_000)
    together = field.at(points)
    for i in (0, 17, 16_383, 16_384, 19_999):
        assert field.at([p[i : i + 1] for p in points])[0] == together[i]


def test_only_cells_with_a_corner_without_a_number_are_void():
    grid, values = np.arange(6.0), np.array([1.0, 2.0, np.nan, 4.0, 5.0, 6.0])
    field, at = Field((grid,), values, False, (False,)), [np.array([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.5])]
    assert field.void(at).tolist() == [False, False, False, True, True, True, False, False]
    np.testing.assert_allclose(field.at(at)[[0, 1, 2, 6, 7]], [1.0, 1.5, 2.0, 4.0, 5.5])


def test_off_the_grid_straight_axes_need_their_first_number():
    values = np.array([[np.nan, 2.0, 4.0], [1.0, 2.0, 4.0]])
    field = Field((np.array([0.0, 1.0]), ROWS), values, True, (False, True))
    at = [np.array([0.0, 0.0, 1.0]), np.array([64.0, 100.0, 100.0])]
    assert field.void(at).tolist() == [False, True, False]
    assert field.at(at)[0] == 2.0


def test_a_straight_line_and_an_exponential_have_no_error_left_out():
    assert left_out(Field((VDD,), 2.0 * VDD, False, (False,)), 0).error < 1e-12
    assert left_out(Field((VDD,), np.exp(-20 * VDD), True, (False,)), 0).error < 1e-12


def test_the_error_left_out_is_the_largest_relative_one():
    known = np.array([1.0, 1.0, 2.0, 2.0])
    grid = np.arange(4.0)
    expected = [abs(PchipInterpolator(np.delete(grid, i), np.delete(known, i))(i) / known[i] - 1.0) for i in (1, 2)]
    found = left_out(Field((grid,), known, False, (True,)), 0)
    assert found.error == pytest.approx(max(expected))
    assert found.at == 1.0
    assert found.error > min(expected) * 1.1


def test_two_points_say_nothing_about_interpolation():
    found = left_out(Field((VDD[:2],), VDD[:2], False, (False,)), 0)
    assert math.isnan(found.error)
    assert math.isnan(found.at)
