"""Static noise margin of butterfly curves, signed, per stored state, on blocks of curves."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy.interpolate import KroghInterpolator

from charlib.status import Status
from charlib.waveforms import Block, Measured, measured
from netlists.testbenches import butterfly_points

LOBES = ("q", "qb")
"""Stored states, named after the node that is high; the order of every ``lobe`` dimension."""


REFINEMENT = 2
"""Parts each step between two points of a curve is looked at in; over a part a cubic is exact to nanovolts."""

REACH = 4
"""Points on either side of a place that decide the curve there: between points it is a polynomial through eight."""


@lru_cache(maxsize=64)
def _refined(points: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Finer places, and how values at ``points`` give values and slopes there.

    Returns:
        Places, shape (place,); the points that each depends on and their weights for its value and for its slope, all
        of shape (neighbour, place). Sums over them are no matrix products: BLAS rounds a sample differently in other
        company, and its threads spin on afterwards.
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


def _largest_maxima(difference: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Largest interior local maximum of each curve and of the same turned upside down.

    Args:
        difference: where the curves are known, shape (point,).
        values: of the curves, shape (point, sample).

    Returns:
        Maxima, shape (sample, 2); NaN where there is none.
    """
    places, neighbours, to_value, to_slope = _refined(tuple(difference.tolist()))

    def weighted(weights: np.ndarray) -> np.ndarray:
        return sum(values[points] * row[:, None] for points, row in zip(neighbours, weights, strict=True))

    fine, slopes = weighted(to_value), weighted(to_slope)
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


def noise_margins(difference: np.ndarray, q_l: np.ndarray, q_r: np.ndarray) -> Measured:
    """Signed static noise margin of both stored states from butterfly curves sampled along the diagonal.

    At one ``s = q - qb`` the two curves lie ``q_r - q_l`` apart in both coordinates, so that this is the side of the
    square between them; the largest square nested in an eye is its interior extremum (Seevinck, List, Lohstroh,
    JSSC 22(5), 1987, in turned axes). Each state's extremum is taken with its sign, so that the margin runs smoothly
    through zero when the state is lost.

    Args:
        difference: ``s`` [V], shape (point,), increasing, an odd number with 0 in the middle.
        q_l: Q on the curve of the half that drives Q [V], shape (sample, point).
        q_r: Q on the curve of the half that drives Q-bar [V], shape (sample, point).

    Returns:
        Margins [V], shape (sample, lobe), lobes ``LOBES``. Where the curves have drawn so far apart that the two
        extrema have met and vanished, the lost state is ``censored_low`` and the other ``censored_high``, both with
        the distance at ``s = 0`` as bound: its sign says on which side the one crossing left lies.
    """
    # The curve that drives Q-bar is the upper one in the eye of the state with Q-bar high.
    apart = np.ascontiguousarray((q_l - q_r).T)
    margins = _largest_maxima(difference, apart)
    middle = -apart[difference.size // 2]
    bounds = np.stack([-middle, middle], axis=1)
    gone = np.isnan(margins)
    low, high = gone & (bounds <= 0), gone & (bounds > 0)
    return measured(margins, ((low, Status.censored_low, bounds), (high, Status.censored_high, bounds)))


def snm(block: Block) -> Measured:
    """Static noise margin per stored state of a butterfly block [V], shape (sample, lobe)."""
    # The places asked for, not the probe: that one is rounded anew in every sample.
    return noise_margins(butterfly_points() * block.values["vdd"], block["q_l"], block["q_r"])
