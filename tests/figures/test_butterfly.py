"""The largest squares: on both curves, as large as the margin, in the right lobe."""

import numpy as np
import pytest
from scipy.optimize import brentq

from charlib.metrics.butterfly import LOBES, noise_margins
from figures.butterfly import largest_squares

VDD = 1.0


def inverter(x, shift=0.0, gain=12.0):
    return VDD / 2 * (1 - np.tanh(gain * (x - VDD / 2 - shift) / VDD))


def curves(points=101, shift_l=0.0, shift_r=0.0):
    """Diagonal sweep of two inverters: q - qb, Q on the left half's curve, Q on the right half's."""
    s = np.linspace(-VDD, VDD, points)
    left = [brentq(lambda q, d=d: q - inverter(q - d, shift_l), -1, 2) for d in s]
    right = [brentq(lambda q, d=d: q - d - inverter(q, shift_r), -1, 2) for d in s]
    return s, np.array(left), np.array(right)


@pytest.mark.parametrize(("shift_l", "shift_r"), [(0.0, 0.0), (0.05, 0.0), (0.0, 0.1), (-0.03, 0.08)])
def test_corners_lie_on_both_curves_and_the_side_is_the_margin(shift_l, shift_r):
    s, left, right = curves(shift_l=shift_l, shift_r=shift_r)
    margins = noise_margins(s, left[None], right[None]).values[0]
    found = largest_squares(s, left, right)
    for lobe, margin in zip(LOBES, margins, strict=True):
        square = found[lobe]
        assert square.side == pytest.approx(margin, abs=1e-5)
        # Q high: the lower corner lies on the curve of the half that drives Q-bar, the upper one on the other.
        corners = [(square.x, square.y), (square.x + square.side, square.y + square.side)]
        on_right, on_left = corners if lobe == "q" else corners[::-1]
        assert on_right[1] == pytest.approx(inverter(on_right[0], shift_r), abs=1e-3)
        assert on_left[0] == pytest.approx(inverter(on_left[1], shift_l), abs=1e-3)
    assert found["q"].x > found["q"].y
    assert found["qb"].x < found["qb"].y


def test_no_larger_square_fits():
    s, left, right = curves(shift_r=0.05)
    square = largest_squares(s, left, right)["q"]
    x = np.linspace(0.0, VDD, 801)
    # A square with lower left corner (a, inverter(a)) on the lower curve fits if its upper right corner does.
    best = 0.0
    for a in x:
        b = inverter(a, 0.05)
        sides = np.linspace(0.0, VDD, 2001)
        fits = a + sides <= inverter(b + sides)
        if a > b and fits[0]:
            best = max(best, sides[fits.argmin() - 1] if not fits.all() else sides[-1])
    assert square.side == pytest.approx(best, abs=2e-3)


def test_a_closed_eye_has_no_square():
    s, left, right = curves(shift_l=0.45, shift_r=-0.45)
    found = largest_squares(s, left, right)
    assert any(square is None for square in found.values())
    assert largest_squares(s, np.full_like(left, np.nan), right) == dict.fromkeys(LOBES)
