"""Dies that differ: a cell's level given what its die shares, estimated on some dies, fitted, averaged over all.

Given the die the cells fail independently, with p(die). The level in standard deviations, isf(p), is nearly a plane
over the die's variables where p spans decades; a quadratic is fitted to it on a design of dies and held against dies
between those. The design is around the dies that most failing cells are on.

Source: Box and Wilson, Journal of the Royal Statistical Society B 13(1), 1951, for the central composite design.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from analysis.arrays import Array, over_dies
from analysis.intervals import StatisticsError
from analysis.rare import RareFailure, Request, failure_probability
from analysis.rare_limitstate import LimitState
from analysis.rare_supply import Level

REACH = 3.0
"""Distance of the outer dies of the design from its centre [standard deviations]: failing cells are spread over dies
by one standard deviation around it, so that a hundredth of them is on dies beyond."""
GRID = 0.25
"""Centres are multiples of it, so that another limit finds the same dies again [standard deviations]."""
CHECKED = REACH / 3**0.5
"""Distance of the dies that check the fit: there a cubic that the outer dies do not show is largest."""
ALLOWED = 0.05
"""What the fit may be wrong by on any of the dies [standard deviations]: a seventh of the probability at 1e-6."""
MOST = 640
"""Simulations of the estimate on a die at most where there is a twin. Only on dies whose cells hardly ever fail do
its tables end before the failures do; there it is not worth more."""
ORDERS = (64, 48)
"""Of the quadrature, and of the one that tells how exact it is."""


@dataclass(frozen=True)
class Dies:
    """Levels of a cell on some dies, and their fit.

    Attributes:
        points: the dies, shape (die, variable) [standard deviations]. levels: of each, its interval included.
        checks: which dies are not in the fit, shape (die,).
        centre: of the design, shape (variable,) [standard deviations].
        coefficients, covariance: of the quadratic, shape (term,) and (term, term).
        error: largest difference between fit and estimate on the dies whose level is known within ``ALLOWED``
            [standard deviations]. held: how many of those that check the fit are known so well.
    """

    points: np.ndarray
    levels: tuple[Level, ...]
    checks: np.ndarray
    centre: np.ndarray
    coefficients: np.ndarray
    covariance: np.ndarray
    error: float
    held: int

    def level(self, dies: np.ndarray) -> np.ndarray:
        """Fitted level of dies of shape (die, variable) [standard deviations]."""
        return terms(dies - self.centre) @ self.coefficients

    def reach(self, dies: np.ndarray) -> np.ndarray:
        """Half of the 95 % interval of the level [standard deviations]: the estimates' error and the fit's.

        The latter is the largest difference on a die, and grows with the third power of the distance beyond them.
        """
        x = terms(dies - self.centre)
        spread = stats.norm.isf(0.025) * np.sqrt(np.einsum("ij,jk,ik->i", x, self.covariance, x))
        beyond = np.maximum(np.linalg.norm(dies - self.centre, axis=1) / REACH, 1.0) ** 3
        return np.hypot(spread, self.error * beyond)


@dataclass(frozen=True)
class OverDies:
    """What is known of an array whose dies differ.

    Attributes:
        points: dies of the design, shape (die, variable) [standard deviations]. checks: those that are not in the fit.
        found: estimate on each die. dies: the fit; None where a die has no estimate.
        array, pf: yield of the array and a cell's failure probability, means over dies with the ends of their 95 %
            intervals [1]; NaN where there is no fit.
        warnings: what makes the yield doubtful. faults: for what it is not established.
    """

    points: np.ndarray
    checks: np.ndarray
    found: tuple[RareFailure, ...]
    dies: Dies | None
    array: tuple[float, float, float]
    pf: tuple[float, float, float]
    warnings: tuple[str, ...]
    faults: tuple[str, ...]


def centre_of(whole: RareFailure, shared: int) -> np.ndarray:
    """Die that most failing cells are on, shape (variable,) [standard deviations]: the die's part of design points."""
    weights = np.array([stats.norm.sf(region.beta) for region in whole.regions])
    if not weights.sum() > 0:
        return np.zeros(shared)
    points = np.array([region.point[-shared:] for region in whole.regions])
    return np.round((weights[:, None] * points).sum(axis=0) / weights.sum() / GRID) * GRID + 0.0


def design(centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Dies, shape (die, variable) [standard deviations], and which of them check the fit, shape (die,).

    Two variables: the centre and eight dies around it, and four between them at angles of their own.

    Raises:
        StatisticsError: another number of variables than 1 or 2.
    """
    variables = len(centre)
    if variables == 1:
        fitted, checks = REACH * np.linspace(-1, 1, 5)[:, None], CHECKED * np.array([[-1.0], [1.0]])
    elif variables == 2:
        around, between = np.arange(8) * np.pi / 4, (np.arange(4) + 0.25) * np.pi / 2
        ring, inner = (np.stack([np.cos(angle), np.sin(angle)], axis=1) for angle in (around, between))
        fitted, checks = np.concatenate([np.zeros((1, 2)), REACH * ring]), CHECKED * inner
    else:
        raise StatisticsError(f"a die shares {variables} variables; 1 or 2 are averaged over")
    points = np.round(centre + np.concatenate([fitted, checks]), 6) + 0.0
    return points, np.arange(len(points)) >= len(fitted)


def terms(dies: np.ndarray) -> np.ndarray:
    """Terms of a quadratic at dies of shape (die, variable), shape (die, term)."""
    square = [dies[:, i] * dies[:, j] for i in range(dies.shape[1]) for j in range(i + 1)]
    return np.stack([np.ones(len(dies)), *dies.T, *square], axis=1)


def level_of(found: RareFailure) -> Level:
    """Level of a result and its interval [standard deviations]."""
    return Level.of(found.pf, *found.interval)


def given(limit_state: LimitState, die: np.ndarray) -> LimitState:
    """A limit state whose last variables are those of a die."""

    def conditional(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return limit_state(np.hstack([u, np.broadcast_to(die, (len(u), len(die)))]))

    return conditional


def fit(points: np.ndarray, checks: np.ndarray, levels: tuple[Level, ...], centre: np.ndarray) -> Dies:
    """Quadratic through the levels, weighted by their intervals.

    Args:
        points: shape (die, variable) [standard deviations]. checks: dies that are not fitted, shape (die,).
        levels: of each die. centre: of the design, shape (variable,).
    """
    sigma = np.array([level.sigma for level in levels])
    half = np.array([level.high - level.low for level in levels]) / 2
    error, x = half / stats.norm.isf(0.025), terms(points - centre)
    scaled = x[~checks] / error[~checks, None]
    covariance = np.linalg.inv(scaled.T @ scaled)
    coefficients = covariance @ scaled.T @ (sigma / error)[~checks]
    known = half < ALLOWED
    off = float(np.abs(x @ coefficients - sigma)[known].max(initial=0.0))
    return Dies(points, levels, checks, centre, coefficients, covariance, off, int((known & checks).sum()))


def average(dies: Dies, array: Array) -> np.ndarray:
    """Yield of an array and a cell's failure probability, means over normally distributed dies: shape (2, 3) [1].

    Behind each mean the ends of its interval: with every die's level at the same end of its own, and with the error
    of the quadrature.
    """
    variables = dies.points.shape[1]

    def means(side: float, order: int = ORDERS[0]) -> np.ndarray:
        def pf(at: np.ndarray) -> np.ndarray:
            return stats.norm.sf(dies.level(at) + side * dies.reach(at))

        return np.array(over_dies(pf, variables, array, order))

    centre, ends = means(0.0), np.stack([means(-1.0), means(1.0)])
    rounding = np.abs(means(0.0, ORDERS[1]) - centre)
    return np.clip(np.stack([centre, ends.min(axis=0) - rounding, ends.max(axis=0) + rounding], axis=1), 0.0, 1.0)


def over_design(
    limit_state: LimitState,
    local: int,
    shared: int,
    array: Array,
    request: Request,
    whole: RareFailure,
    twin: LimitState | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> OverDies:
    """Estimates on the dies of a design, each with random numbers of its own, their fit, and the means over dies.

    Args:
        limit_state, request, twin: as of :func:`analysis.rare.failure_probability`, over all variables.
        local, shared: number of a cell's own variables, and of the die's, which come last.
        whole: estimate over all variables, to compare with. tell: takes what is done now.
    """
    centre, nothing = centre_of(whole, shared), (np.nan,) * 3
    points, checks = design(centre)
    found: list[RareFailure] = []
    if not whole.established:
        fault = "the failure probability over all variables is not"
        return OverDies(points[:0], checks[:0], (), None, nothing, nothing, (), (fault,))
    for number, die in enumerate(points):
        where = f"die {number + 1} of {len(points)}"
        seed = int(np.random.default_rng([request.seed, number]).integers(2**62))
        asked = replace(request, seed=seed, most=request.most if twin is None else min(MOST, request.most))
        tables = None if twin is None else given(twin, die)
        found.append(
            failure_probability(
                given(limit_state, die),
                local,
                asked,
                twin=tables,
                tell=lambda text, where=where: tell(f"{where}, {text}"),
            )
        )
    names = [f"die ({', '.join(f'{z:g}' for z in die)})" for die in points]
    said = list(zip(names, found, strict=True))
    doubts = [f"{name}: {text}" for name, one in said for text in one.warnings]
    doubtful = sum(bool(one.warnings) for one in found)
    warnings = [f"{doubtful} of {len(found)} dies have warnings, as {doubts[0]}"] if doubts else []
    faults = [f"{name}: {text}" for name, one in said for text in one.faults]
    faults += [f"{name}: {one.pf:g} of the cells fail" for name, one in said if one.pf in (0.0, 1.0)]
    if faults:
        return OverDies(points, checks, tuple(found), None, nothing, nothing, tuple(warnings), tuple(faults))
    dies = fit(points, checks, tuple(map(level_of, found)), centre)
    if 2 * dies.held < checks.sum():
        faults.append(f"{dies.held} of {checks.sum()} dies that check the fit are known within {ALLOWED:g} sigma")
    if dies.error > ALLOWED:
        faults.append(f"a quadratic over dies is off by {dies.error:.2g} standard deviations, {ALLOWED:g} allowed")
    works, fails = average(dies, array)
    if fails[1] > whole.interval[1] or fails[2] < whole.interval[0]:
        warnings.append(f"the mean Pf over dies is {fails[0]:.2e}, over all variables {whole.pf:.2e}")
    means = (tuple(float(each) for each in row) for row in (works, fails))
    return OverDies(points, checks, tuple(found), dies, *means, tuple(warnings), tuple(faults))
