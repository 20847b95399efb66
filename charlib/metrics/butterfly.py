"""Static noise margin of butterfly curves, signed, per stored state, on blocks of curves."""

from __future__ import annotations

import numpy as np

from charlib.metrics.curves import eye_maxima
from charlib.status import Status
from charlib.waveforms import Block, Measured, measured
from netlists.margins import diagonal
from netlists.testbenches import butterfly_points

LOBES = ("q", "qb")
"""Stored states, named after the node that is high; the order of every ``lobe`` dimension."""


def noise_margins(difference: np.ndarray, q_l: np.ndarray, q_r: np.ndarray) -> Measured:
    """Signed static noise margin of both stored states from butterfly curves sampled along the diagonal.

    At one ``s = q - qb`` the two curves lie ``q_r - q_l`` apart in both coordinates, so that this is the side of the
    square between them; the largest square nested in an eye is its interior extremum (Seevinck, List, Lohstroh,
    JSSC 22(5), 1987, in turned axes). What is left of a lost state's eye is taken with its sign, so that the margin
    runs smoothly through zero when the state is lost.

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
    margins = eye_maxima(difference, apart)
    middle = -apart[difference.size // 2]
    bounds = np.stack([-middle, middle], axis=1)
    gone = np.isnan(margins)
    low, high = gone & (bounds <= 0), gone & (bounds > 0)
    return measured(margins, ((low, Status.censored_low, bounds), (high, Status.censored_high, bounds)))


def snm(block: Block) -> Measured:
    """Static noise margin per stored state of a butterfly block [V], shape (sample, lobe)."""
    # The places asked for, not the probe: that one is rounded anew in every sample.
    return noise_margins(butterfly_points() * block.values["vdd"], block["q_l"], block["q_r"])


def snm_write(block: Block) -> Measured:
    """Write noise margin per written state of a write butterfly [V], shape (sample, lobe).

    The side of the smallest square between the curve of the half whose bit line is at 0 and that of the other half at
    read: the margin of the state that is to be overwritten, which should be lost, with the opposite sign.
    """
    places = diagonal(block.values["vdd"])
    lost = (
        noise_margins(places, block["q_l_write"], block["q_r"]),
        noise_margins(places, block["q_l"], block["q_r_write"]),
    )
    values, status, bound = (
        np.stack([getattr(lost[1], part)[:, 1], getattr(lost[0], part)[:, 0]], axis=1)
        for part in ("values", "status", "bound")
    )
    low, high = status == Status.censored_low, status == Status.censored_high
    return measured(-values, ((low, Status.censored_high, -bound), (high, Status.censored_low, -bound)))
