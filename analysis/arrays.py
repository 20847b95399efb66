"""From a cell's failure probability to the yield of an array, with spare rows and error correction.

Cells of one die share its global variation: given the die they fail independently, so the yield is the mean over dies
of the yield of each, never the yield at the mean probability.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.intervals import StatisticsError

SIZES = ((1 << 30, "Gb"), (1 << 20, "Mb"), (1 << 10, "kb"), (1, "b"))
"""Bits of memories, in the units of the trade."""


@dataclass(frozen=True)
class Array:
    """An array of words.

    Attributes:
        words: that must work. word_bits: data bits of each.
        corrected: failing bits of a word that its code corrects, 0 or 1; the check bits are cells as well.
        spares: words that may replace failing ones, themselves without fault by test.
    """

    words: int
    word_bits: int = 1
    corrected: int = 0
    spares: int = 0

    def __post_init__(self) -> None:
        for name, low in (("words", 1), ("word_bits", 1), ("corrected", 0), ("spares", 0)):
            if getattr(self, name) < low:
                raise StatisticsError(f"{name}={getattr(self, name)} is below {low}")
        if self.corrected > 1:
            raise StatisticsError(f"corrected={self.corrected}: a code that corrects 0 or 1 bits is modelled")

    @property
    def stored_bits(self) -> int:
        """Cells of a word, check bits of a Hamming code included.

        Source: Hamming, Bell System Technical Journal 29(2), 1950.

        >>> Array(1, 64, corrected=1).stored_bits, Array(1, 64).stored_bits
        (71, 64)
        """
        if not self.corrected:
            return self.word_bits
        check = 2
        while 2**check < self.word_bits + check + 1:
            check += 1
        return self.word_bits + check

    def __str__(self) -> str:
        """In words.

        >>> print(Array(1 << 20))
        1 Mb: 1,048,576 words of 1 bit, no spares
        >>> print(Array(1 << 14, 64, corrected=1, spares=2))
        1 Mb: 16,384 words of 64 bits and 7 check bits, 1 failing bit of each corrected, 2 spares
        """
        bits = self.words * self.word_bits
        size, unit = next(pair for pair in SIZES if bits >= pair[0])
        check = f" and {self.stored_bits - self.word_bits} check bits, 1 failing bit of each corrected"
        return (
            f"{bits / size:.4g} {unit}: {_counted(self.words, 'word')} of {_counted(self.word_bits, 'bit')}"
            f"{check if self.corrected else ''}, {_counted(self.spares, 'spare')}"
        )


def _counted(number: int, what: str) -> str:
    """A number of things, in words."""
    return f"{f'{number:,}' if number else 'no'} {what}{'' if number == 1 else 's'}"


def array_yield(pf: np.ndarray, array: Array) -> np.ndarray:
    """Probability that an array works [1], where cells fail independently with a probability, any shape [1].

    A word fails with more failing cells than are corrected, the array with more failing words than there are spares.
    """
    failing_word = stats.binom.sf(array.corrected, array.stored_bits, pf)
    return stats.binom.cdf(array.spares, array.words, failing_word)


def over_dies(
    pf: Callable[[np.ndarray], np.ndarray], variables: int, array: Array, order: int = 64
) -> tuple[float, float]:
    """Yield over dies, and a cell's mean failure probability [1].

    Args:
        pf: failure probability of a cell on dies with given global variables, shape (die, variable) [standard
            deviations] to (die,). variables: their number, 1 or 2. order: of the Gauss-Hermite rule in each.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 25.4.46.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(order)
    weights = weights / weights.sum()
    dies = np.stack([axis.ravel() for axis in np.meshgrid(*[nodes] * variables, indexing="ij")], axis=1)
    shares = np.prod([axis.ravel() for axis in np.meshgrid(*[weights] * variables, indexing="ij")], axis=0)
    each = pf(dies)
    return float(shares @ array_yield(each, array)), float(shares @ each)
