"""Yield of arrays: closed forms, limits, the mean over dies."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from analysis.arrays import Array, array_yield, over_dies
from analysis.intervals import StatisticsError


def test_cells_alone():
    """(1 - p)^N, also where p is far below the spacing of numbers near 1."""
    for pf, words in ((1e-3, 1000), (1e-9, 1 << 20), (1e-19, 1 << 30)):
        assert array_yield(np.array(pf), Array(words)) == pytest.approx(math.exp(words * math.log1p(-pf)), rel=1e-12)
    assert 1 - array_yield(np.array(1e-9), Array(1 << 20)) == pytest.approx(1.048e-3, rel=1e-3)


def test_words_spares_and_correction():
    pf, words = 1e-4, 500
    word = 1 - (1 - pf) ** 32
    spared = (1 - word) ** words + words * word * (1 - word) ** (words - 1)
    assert array_yield(np.array(pf), Array(words, 32, spares=1)) == pytest.approx(spared)
    coded = Array(words, 32, corrected=1)
    assert coded.stored_bits == 38
    both = (1 - pf) ** 38 + 38 * pf * (1 - pf) ** 37
    assert array_yield(np.array(pf), coded) == pytest.approx(both**words)
    assert array_yield(np.array(pf), coded) > array_yield(np.array(pf), Array(words, 32))


@pytest.mark.parametrize(("bits", "stored"), [(1, 3), (4, 7), (8, 12), (11, 15), (26, 31), (57, 63)])
def test_check_bits_of_hamming(bits, stored):
    assert Array(1, bits, corrected=1).stored_bits == stored


def test_yield_over_dies_is_the_mean_of_their_yields():
    """A die's shift moves beta: the mean probability has a closed form, the yield a quadrature; never (1 - mean)^N."""
    beta, shift, cells = 5.0, 0.5, Array(1 << 16)
    found, mean = over_dies(lambda z: stats.norm.sf(beta + shift * z[:, 0]), 1, cells)
    assert mean == pytest.approx(stats.norm.sf(beta / math.hypot(1, shift)), rel=1e-6)
    exact, _ = integrate.quad(
        lambda z: stats.norm.pdf(z) * float(array_yield(stats.norm.sf(beta + shift * z), cells)), -9, 9, epsrel=1e-10
    )
    assert found == pytest.approx(exact, abs=2e-5)
    assert found > float(array_yield(np.array(mean), cells)) + 0.02


def test_two_shared_variables_are_as_one_of_their_sum():
    both, _ = over_dies(lambda z: stats.norm.sf(4.5 + 0.3 * z[:, 0] + 0.4 * z[:, 1]), 2, Array(1 << 14))
    one, _ = over_dies(lambda z: stats.norm.sf(4.5 + 0.5 * z[:, 0]), 1, Array(1 << 14))
    assert both == pytest.approx(one, abs=2e-5)


@pytest.mark.parametrize(("sizes", "message"), [({"words": 0}, "words=0"), ({"words": 1, "corrected": 2}, "0 or 1")])
def test_messages(sizes, message):
    with pytest.raises(StatisticsError, match=message):
        Array(**sizes)
