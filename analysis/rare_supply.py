"""Lowest supply at which cells are reliable enough, from estimates at as few supplies as it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from analysis.arrays import Array, array_yield
from analysis.intervals import StatisticsError

GRID = 1e-3
"""Supplies that are tried are multiples of it, so that another target finds some of them again [V]."""
STRIDE = 0.05
"""First step upwards, and twice that is the largest [V]."""
BASE = 0.01
"""Distance of two supplies at least between which a slope is taken [V]: their own scatter is then small beside it."""
LEAST = 1e-18
"""Failure probability of a cell below which no array notices it [1]."""
TRIES = 24
"""Supplies at most."""


@dataclass(frozen=True)
class Level:
    """Reliability at a supply: equivalent distance of the limit, and its interval [standard deviations]."""

    sigma: float
    low: float
    high: float

    @classmethod
    def of(cls, pf: float, low: float, high: float) -> Level:
        """Level of a failure probability and of the ends of its interval [1].

        >>> level = Level.of(1e-9, 0.9e-9, 1.1e-9)
        >>> print(f"{level.sigma:.3f} ({level.low:.3f} to {level.high:.3f})")
        5.998 (5.982 to 6.015)
        """
        return cls(*(float(stats.norm.isf(each)) for each in (pf, high, low)))


@dataclass(frozen=True)
class LowestSupply:
    """The answer.

    Attributes:
        vdd, ci_low, ci_high: supply and its interval [V]. slope: of the level there [standard deviations/V].
        tried: supply [V] to its level, in the order of the search.
    """

    vdd: float
    ci_low: float
    ci_high: float
    slope: float
    tried: dict[float, Level]


def allowed_pf(array: Array, target: float) -> float:
    """Failure probability of a cell at which an array has a yield [1].

    Raises:
        StatisticsError: ``target`` is outside 0..1.

    >>> print(f"{allowed_pf(Array(1 << 20), 0.99):.3e}")
    9.585e-09
    """
    if not 0 < target < 1:
        raise StatisticsError(f"target_yield={target:g} is outside 0..1")

    def over(log_pf: float) -> float:
        return float(array_yield(np.exp(log_pf), array)) - target

    return float(np.exp(optimize.brentq(over, np.log(LEAST), 0.0, xtol=1e-10)))


def equal_level(works: Sequence[float], array: Array) -> Level:
    """Level at which cells that all fail alike give an array a yield, and its interval [standard deviations].

    Args:
        works: yield and the ends of its interval [1]; at 0 the level is negatively infinite, next to 1 infinite.
    """

    def level(share: float) -> float:
        if share <= 0:
            return -np.inf
        if share >= array_yield(LEAST, array):
            return np.inf
        return float(stats.norm.isf(allowed_pf(array, share)))

    return Level(*map(level, works))


def lowest_supply(level: Callable[[float], Level], low: float, high: float, wanted: float) -> LowestSupply:
    """Search upwards from the lowest supply until the level is bracketed, then by secants, else by halving.

    Args:
        level: of a supply [V]; infinite where nothing fails. low, high: where to look [V].
        wanted: level to be reached [standard deviations].

    Raises:
        StatisticsError: the level is reached at ``low`` already, or nowhere up to ``high``.
    """
    tried = {low: level(low)}
    if tried[low].sigma >= wanted:
        raise StatisticsError(
            f"{tried[low].sigma:.2f} sigma at the lowest supply, {low:g} V, already reach the {wanted:.2f} wanted"
        )
    while len(tried) < TRIES:
        found, bracketed = _between(tried, wanted), any(each.sigma >= wanted for each in tried.values())
        if bracketed and found and abs(found.vdd - _nearest(tried, wanted)) <= GRID:
            return found
        vdd = _next(tried, wanted, found, high)
        if vdd in tried and not bracketed:
            reached = tried[vdd].sigma
            raise StatisticsError(f"{wanted:.2f} sigma are not reached up to {high:g} V, where it is {reached:.2f}")
        if vdd in tried:  # the bracket is as narrow as the grid
            break
        tried[vdd] = level(vdd)
    if bracketed and found:
        return found
    raise StatisticsError(f"{wanted:.2f} sigma: levels at {len(tried)} supplies do not rise where they are reached")


def _finite(tried: dict[float, Level]) -> dict[float, Level]:
    return {vdd: level for vdd, level in tried.items() if np.isfinite(level.sigma)}


def _nearest(tried: dict[float, Level], wanted: float) -> float:
    """Supply whose level is nearest to what is wanted [V]."""
    return min(_finite(tried), key=lambda vdd: abs(tried[vdd].sigma - wanted))


def _between(tried: dict[float, Level], wanted: float) -> LowestSupply | None:
    """Answer on the straight line through the supply that is nearest and the next one that is some way off."""
    known = _finite(tried)
    if not known:
        return None
    at = _nearest(tried, wanted)
    others = [vdd for vdd in known if abs(vdd - at) >= BASE - GRID / 2]
    if not others:
        return None
    other = min(others, key=lambda vdd: abs(known[vdd].sigma - wanted))
    slope = (known[other].sigma - known[at].sigma) / (other - at)
    if not slope > 0:
        return None
    here = known[at]
    ends = (at + (wanted - sigma) / slope for sigma in (here.sigma, here.high, here.low))
    return LowestSupply(*ends, slope, dict(tried))


def _next(tried: dict[float, Level], wanted: float, found: LowestSupply | None, high: float) -> float:
    """Supply to be tried next, on the grid: within the bracket, or upwards [V]."""
    below = max(vdd for vdd, level in tried.items() if level.sigma < wanted)
    above = min((vdd for vdd, level in tried.items() if level.sigma >= wanted and vdd > below), default=None)
    if above is None:
        step = found.vdd - below if found else STRIDE
        return min(_on_grid(below + float(np.clip(step, BASE, 2 * STRIDE))), high)
    inside = found and below < found.vdd < above
    return float(np.clip(_on_grid(found.vdd if inside else (below + above) / 2), below, above))


def _on_grid(vdd: float) -> float:
    """Nearest supply of the grid [V], in the fewest digits: what is simulated there has one address."""
    return round(round(vdd / GRID) * GRID, 6)
