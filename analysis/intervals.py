"""Confidence intervals and the test of normality, from counts, ranks and moments of samples."""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from analysis.passes import FEWEST, Moments

SHOWN = 500
"""Ranks of sorted samples that a picture shows at most: marks of neighbours then touch."""


class StatisticsError(ValueError):
    """A Dataset that does not say what the statistics need to know, or a level out of range."""


def tail(confidence: float) -> float:
    """Probability on either side of a two-sided interval [1]; raises StatisticsError outside 0..1."""
    if not 0 < confidence < 1:
        raise StatisticsError(f"confidence={confidence!r} is outside 0..1")
    return (1 - confidence) / 2


def clopper_pearson(passed: np.ndarray, total: np.ndarray, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Exact two-sided binomial interval of a pass rate [1].

    Args:
        passed: number of passes, any shape.
        total: number of trials, same shape; NaN comes back where it is 0.
        confidence: confidence level [1], between 0 and 1.

    Source: Clopper and Pearson, Biometrika 26, 1934.

    >>> low, high = clopper_pearson(np.array(100), np.array(100))
    >>> print(f"{low:.4f} {high:.1f}")
    0.9638 1.0
    """
    outside = tail(confidence)
    passed, total = np.broadcast_arrays(np.asarray(passed), np.asarray(total))
    failed = total - passed
    low = np.where(passed > 0, stats.beta.ppf(outside, np.maximum(passed, 1), failed + 1), 0.0)
    high = np.where(failed > 0, stats.beta.ppf(1 - outside, passed + 1, np.maximum(failed, 1)), 1.0)
    return np.where(total > 0, low, np.nan), np.where(total > 0, high, np.nan)


def mean_interval(
    mean: np.ndarray, std: np.ndarray, n: np.ndarray, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Student's interval of a mean: exact for normal samples, asymptotic for others.

    Args:
        mean, std: of ``n`` samples, n - 1 in the deviation, same unit and any shape; NaN comes back below two samples.
        confidence: confidence level [1].

    Source: Student, Biometrika 6, 1908.
    """
    some = np.where(n > 1, n, np.nan)
    half = stats.t.ppf(1 - tail(confidence), some - 1) * std / np.sqrt(some)
    return mean - half, mean + half


def std_interval(std: np.ndarray, n: np.ndarray, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Chi-square interval of a standard deviation, for normal samples only: heavy tails make it too narrow.

    Args:
        std: of ``n`` samples, n - 1 in the divisor, any shape; NaN comes back below two samples.
        confidence: confidence level [1].

    Source: Helmert, Zeitschrift fuer Mathematik und Physik 21, 1876, for the distribution of the variance.
    """
    outside, freedom = tail(confidence), np.where(n > 1, n - 1, np.nan)
    low, high = (std * np.sqrt(freedom / stats.chi2.ppf(p, freedom)) for p in (1 - outside, outside))
    return low, high


def quantile_ranks(n: int, q: np.ndarray, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Ranks of the two order statistics between which quantiles lie, whatever the samples are distributed like.

    The number of samples below the true quantile is binomial; the ranks are the closest ones that leave no more than
    half of the rest on either side.

    Args:
        n: number of samples. q: quantiles [1], any shape. confidence: level [1]; the interval covers at least as much.

    Returns:
        Lower and upper rank from 1, of the shape of ``q``; 0 and n + 1 where there are too few samples for a limit on
        that side.

    Source: David and Nagaraja, Order Statistics, 3rd ed., 2003, section 7.1.
    """
    outside = tail(confidence)
    below, above = (stats.binom.ppf(p, n, q).astype(int) for p in (outside, 1 - outside))
    return np.maximum(below, 0), np.minimum(above + 1, n + 1)


def normality(found: Moments) -> float:
    """The p-value [1] of the hypothesis that samples are normal, from their moments; scipy's takes the samples.

    The test is K2 of D'Agostino and Pearson: it adds the deviations of skewness and kurtosis up, so that a rejection
    can be read. It sees no other departure, and with thousands of samples it rejects departures that do not matter.

    Args:
        found: of the samples; NaN comes back where fewer than ``FEWEST`` of them are different.

    Source: D'Agostino and Pearson, Biometrika 60, 1973; D'Agostino, Belanger, D'Agostino Jr., Am. Stat. 44, 1990.
    """
    if found.different < FEWEST:
        return np.nan
    n = float(found.n)
    y = found.skewness * np.sqrt((n + 1) * (n + 3) / (6 * (n - 2)))
    flatness = 3 * (n**2 + 27 * n - 70) * (n + 1) * (n + 3) / ((n - 2) * (n + 5) * (n + 7) * (n + 9))
    w2 = np.sqrt(2 * (flatness - 1)) - 1
    lean = np.arcsinh(y / np.sqrt(2 / (w2 - 1))) / np.sqrt(np.log(w2) / 2)

    variance = 24 * n * (n - 2) * (n - 3) / ((n + 1) ** 2 * (n + 3) * (n + 5))
    x = (found.kurtosis + 3 - 3 * (n - 1) / (n + 1)) / np.sqrt(variance)
    skew = 6 * (n**2 - 5 * n + 2) / ((n + 7) * (n + 9)) * np.sqrt(6 * (n + 3) * (n + 5) / (n * (n - 2) * (n - 3)))
    a = 6 + 8 / skew * (2 / skew + np.sqrt(1 + 4 / skew**2))
    ratio = (1 - 2 / a) / (1 + x * np.sqrt(2 / (a - 4)))
    weight = (1 - 2 / (9 * a) - np.cbrt(ratio)) / np.sqrt(2 / (9 * a))
    return float(stats.chi2.sf(lean**2 + weight**2, 2))


def shown_ranks(n: int) -> np.ndarray:
    """Ranks of n sorted samples that a picture shows: all of them, of more than ``SHOWN`` some at even normal scores.

    Both ends are whole: there the scores of neighbouring ranks are further apart than those shown.
    """
    if n <= SHOWN:
        return np.arange(1, n + 1)
    end = special.ndtri(0.5 / n)
    return np.unique(np.ceil(n * special.ndtr(np.linspace(end, -end, SHOWN))).astype(int))


def normal_band(ranks: np.ndarray, n: int, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Normal scores [1] between which order statistics of n normal samples lie with a probability.

    Pointwise, for a known mean and deviation: the i-th of n uniform samples has the distribution Beta(i, n + 1 - i).
    Of samples from any distribution the shares [1] that lie below them, :func:`scipy.special.ndtr` of the limits.

    Args:
        ranks: from 1, shape (rank,). confidence: probability [1].
    """
    outside = tail(confidence)
    low, high = (special.ndtri(stats.beta.ppf(p, ranks, n + 1 - ranks)) for p in (outside, 1 - outside))
    return low, high
