"""Smooth curves from few points: values and slopes between them, extrema and zero crossings, on blocks of curves."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy.interpolate import KroghInterpolator

REFINEMENT = 2
"""Parts each step between two points of a curve is looked at in; over a part a cubic is exact to nanovolts."""

REACH = 4
"""Points on either side of a place that decide the curve there: between points it is a polynomial through eight."""


@lru_cache(maxsize=64)
def refined(points: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Finer places, and how values at ``points`` give values and slopes there.

    Returns:
        Places, shape (place,); the points that each depends on and their weights for its value and for its slope, all
        of shape (neighbour, place).
    """
    s = np.array(points)
    fine = np.unique(np.concatenate([np.linspace(a, b, REFINEMENT + 1) for a, b in pairwise(s)]))
    neighbours = np.zeros((2 * REACH, fine.size), dtype=int)
    to_value, to_slope = np.zeros((2, 2 * REACH, fine.size))
    for i, place in enumerate(fine):
        left, right = np.searchsorted(s, place, "right") - 1, np.searchsorted(s, place, "left")
        # A point itself has as many neighbours on either side, so that mirrored curves give mirrored numbers.
        on_point = left == right
        near = np.arange(max(right - REACH + on_point, 0), min(left + REACH + (not on_point), s.size))
        weights = KroghInterpolator(s[near], np.eye(near.size)).derivatives(place, 2)
        neighbours[: near.size, i], to_value[: near.size, i], to_slope[: near.size, i] = near, *weights
    return fine, neighbours, to_value, to_slope


def weighted(values: np.ndarray, neighbours: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sums over the neighbours of each place: ``values`` (point, sample), result (place, sample).

    No matrix product: BLAS rounds a sample differently in other company, and its threads spin on afterwards.
    """
    return sum(values[points] * row[:, None] for points, row in zip(neighbours, weights, strict=True))


def largest_maxima(difference: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Largest interior local maximum of each curve and of the same turned upside down.

    Args:
        difference: where the curves are known, shape (point,).
        values: of the curves, shape (point, sample).

    Returns:
        Maxima, shape (sample, 2); NaN where there is none.
    """
    places, neighbours, to_value, to_slope = refined(tuple(difference.tolist()))
    fine, slopes = (weighted(values, neighbours, weights) for weights in (to_value, to_slope))
    maxima = np.full((values.shape[1], 2), -np.inf)
    for column, sign in enumerate((1, -1)):
        # Up on the left and not on the right: few places, so that what follows is done for few numbers.
        at, sample = np.nonzero((sign * slopes[:-1] > 0) & (sign * slopes[1:] <= 0))
        h = (places[1:] - places[:-1])[at]
        ends = fine[at, sample], fine[at + 1, sample], slopes[at, sample] * h, slopes[at + 1, sample] * h
        np.maximum.at(maxima[:, column], sample, _cubic_maximum(*(sign * end for end in ends)))
    return np.where(np.isfinite(maxima), maxima, np.nan)


def _cubic_maximum(d0: np.ndarray, d1: np.ndarray, m0: np.ndarray, m1: np.ndarray) -> np.ndarray:
    """Maximum on 0..1 of cubics with values ``d0``, ``d1`` and slopes ``m0`` > 0, ``m1`` <= 0 at the ends."""
    # The derivative m0 + 2 c s + 3 e s^2 has one root there, written so that nothing cancels when e vanishes.
    c, e = 3 * (d1 - d0) - 2 * m0 - m1, m0 + m1 - 2 * (d1 - d0)
    s = np.clip(m0 / (-c + np.sqrt(np.maximum(c * c - 3 * e * m0, 0.0))), 0.0, 1.0)
    return d0 + s * (m0 + s * (c + s * e))


def between(start: np.ndarray, end: np.ndarray, slopes: tuple[np.ndarray, np.ndarray], at: np.ndarray) -> np.ndarray:
    """Cubics from values and slopes at both ends of an interval of length 1, at places 0 to 1; all of one shape."""
    c, e = 3 * (end - start) - 2 * slopes[0] - slopes[1], slopes[0] + slopes[1] - 2 * (end - start)
    return start + at * (slopes[0] + at * (c + at * e))


HALVINGS = 45
"""Bisections of an interval: its length in the last bits of a number."""


def root(function: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Roots between ``low`` and ``high``, element by element, of functions that change sign there, by bisection."""
    rising = function(high) >= function(low)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        below = (function(middle) < 0) == rising
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2
