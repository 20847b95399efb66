"""Write butterfly, N-curve and lost states: constructions on curves of closed form."""

import numpy as np
import pytest

from figures.lost_states import turning_point
from figures.n_curve import crossings
from figures.write_butterfly import smallest_square


def test_closed_forms():
    v = np.linspace(-0.2, 1.2, 57)
    found = crossings(v, v * (v - 0.5) * (v - 1))
    assert [found.low, found.trip, found.high] == pytest.approx([0.0, 0.5, 1.0], abs=1e-12)
    assert found.peak[1] == pytest.approx(np.sqrt(3) / 36)
    assert crossings(v, v - 0.3) is None
    square = smallest_square(v, np.zeros_like(v), 0.1 + (v - 0.4) ** 2)
    assert square.side == pytest.approx(0.1, abs=1e-4)
    assert smallest_square(v, np.zeros_like(v), v) is None
    d = np.linspace(1.0, -0.2, 25)
    assert turning_point(d, (d - 0.5) ** 2, rising=False) == (pytest.approx(0.5), pytest.approx(0.0, abs=1e-12))
    assert turning_point(d, d, rising=False, least=0.13) == pytest.approx((0.13, 0.13))
    assert turning_point(d, -((d - 0.5) ** 2), rising=True) == (pytest.approx(0.5), pytest.approx(0.0, abs=1e-12))
