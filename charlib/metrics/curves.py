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
    places, fine, slopes = _refine(difference, values)
    both = [_maxima(np.diff(places), sign * fine, sign * slopes) for sign in (1, -1)]
    return np.stack([_largest(values.shape[1], sample, peaks) for _, sample, peaks in both], axis=1)


def eye_maxima(difference: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Largest local maximum in the eye of each of two states, of curves that are zero where a cell can rest.

    From below, such a curve rises through zero at the metastable point and falls through it at the stable point of the
    state with Q high; between them lies its eye. A state that is lost has no eye: its maximum, now negative, is what is
    left of it beyond the point where the curve falls. The same holds from above, upside down, for Q-bar high.

    Args:
        difference: Q less Q-bar where the curves are known, shape (point,).
        values: of the curves, shape (point, sample).

    Returns:
        Maxima for Q and for Q-bar high, shape (sample, 2); NaN where there is none.
    """
    places, fine, slopes = _refine(difference, values)
    steps = np.diff(places)
    return np.stack([_eye_maximum(steps, fine, slopes), _eye_maximum(steps[::-1], -fine[::-1], slopes[::-1])], axis=1)


def _eye_maximum(steps: np.ndarray, values: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Largest maximum in the last eye of each curve, shape (sample,), from values and slopes (place, sample)."""
    rises, falls = ((a <= 0) & (b > 0) for a, b in ((values[:-1], values[1:]), (-values[:-1], -values[1:])))
    begin = np.where(rises.any(axis=0), _last(rises), _last(falls))
    at, sample, peaks = _maxima(steps, values, slopes)
    eye = at >= begin[sample]
    within = _largest(values.shape[1], sample[eye], peaks[eye])
    # The only state that is left needs no metastable point: its eye may begin anywhere.
    return np.where(np.isfinite(within), within, _largest(values.shape[1], sample, peaks))


def _refine(difference: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Finer places, shape (place,), and values and slopes there, shape (place, sample)."""
    places, neighbours, to_value, to_slope = refined(tuple(difference.tolist()))
    return places, weighted(values, neighbours, to_value), weighted(values, neighbours, to_slope)


def _maxima(steps: np.ndarray, values: np.ndarray, slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Interior local maxima of curves: the place on the left of each, its sample and its value."""
    # Up on the left and not on the right: few places, so that what follows is done for few numbers.
    at, sample = np.nonzero((slopes[:-1] > 0) & (slopes[1:] <= 0))
    rise = slopes[at, sample] * steps[at], slopes[at + 1, sample] * steps[at]
    return at, sample, _cubic_maximum(values[at, sample], values[at + 1, sample], *rise)


def _largest(samples: int, sample: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Largest of the peaks of each sample, shape (sample,); NaN for a sample without any."""
    largest = np.full(samples, -np.inf)
    np.maximum.at(largest, sample, peaks)
    return np.where(np.isfinite(largest), largest, np.nan)


def _last(mask: np.ndarray) -> np.ndarray:
    """Last row that is true in each column; -1 where none is."""
    return np.where(mask.any(axis=0), len(mask) - 1 - mask[::-1].argmax(axis=0), -1)


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
