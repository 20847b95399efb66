"""Failure probabilities from lines: how far it is to failure along a region's direction, at random places beside it.

A line parallel to the direction of a design point, at a place ``v`` in the plane across it, fails from a distance
``b(v)`` on; given the line, the probability of failure is Phi(-b). Line sampling takes the mean of it over random
lines. The surrogate line search draws lines where a surrogate of the margin says the failures are, searches each with
the simulator, and corrects what the surrogate says by the ratio.

Source: Koutsourelakis, Pradlwarter, Schueller, Probabilistic Engineering Mechanics 19, 2004, for line sampling.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import linalg, special, stats

from analysis.rare_limitstate import Simulations
from analysis.rare_regions import Region
from analysis.rare_sampling import Estimate, enough, log_interval

ARRIVED = 0.05
"""Last step of a line search [standard deviations]; what is left is a small part of it."""
LONGEST = 1.0
"""Longest step of a line search [standard deviations]."""
SLOPES = (0.4, 2.5)
"""Range of a line's slope around that of its region [1]: noise else makes secants of any slope."""
SEARCHES = 6
"""Simulations of a line at most."""
LINES = 52
"""Lines that are added at a time."""
SETTLED = 1e-3
"""CoV that is claimed at best [1]: the last step of a line search leaves so much."""
RESIDUAL = 0.05
"""What a surrogate may be wrong by where the failures are [standard deviations]."""
CLOUD = 4096
"""Places at which the surrogate is averaged, a power of 2."""
NEAR = 2.5
"""Points that train a surrogate: distance from the design point along its direction at most [standard deviations]."""
ACROSS = 6.0
"""The same across it."""
TRAINING = 160
"""Points that train a surrogate at most, the nearest of them."""
POLYNOMIAL, BUMPS, REACH, NOISE = 1.0, 0.2, 3.0, 1e-3
"""Prior deviation of a surrogate's quadratic part and of the rest, correlation length and deviation of the rest's
noise [standard deviations]."""


@dataclass(frozen=True)
class Lines:
    """Lines of one region after their searches, arrays of shape (line,).

    Attributes:
        distance: from the plane through the origin to failure, as far as the search came; NaN where it is unknown
            [standard deviations].
        arrived: the search has ended well.
    """

    distance: np.ndarray
    arrived: np.ndarray


def across(region: Region) -> np.ndarray:
    """Orthonormal vectors across a region's direction, shape (variable - 1, variable)."""
    return linalg.null_space(region.direction[None]).T


def search_lines(simulations: Simulations, region: Region, places: np.ndarray, guess: np.ndarray, phase: str) -> Lines:
    """Distances at which lines begin to fail, by secants of bounded steps and slopes.

    Args:
        places: of the lines, shape (line, variable), across the region's direction. guess: distances, shape (line,).
    """
    at, distance = guess.astype(float), np.full(len(guess), np.nan)
    slope = np.full(len(guess), region.slope)
    before_at, before_margin = np.full(len(guess), np.nan), np.full(len(guess), np.nan)
    going, arrived = np.arange(len(guess)), np.zeros(len(guess), bool)
    for _ in range(SEARCHES):
        answers = simulations.search(places[going] + at[going, None] * region.direction, phase)
        margin = np.where(answers.failed & np.isnan(answers.margin), -LONGEST * region.slope, answers.margin)
        with np.errstate(invalid="ignore", divide="ignore"):
            secant = -(margin - before_margin[going]) / (at[going] - before_at[going])
        bounded = np.clip(secant, SLOPES[0] * region.slope, SLOPES[1] * region.slope)
        slope[going] = np.where(np.isnan(bounded), slope[going], bounded)
        step = np.clip(margin / slope[going], -LONGEST, LONGEST)
        before_at[going], before_margin[going] = at[going], margin
        at[going] += step
        done = np.abs(step) < ARRIVED
        arrived[going[done]] = True
        distance[going] = at[going]
        going = going[~done & ~np.isnan(step)]
        if not going.size:
            break
    return Lines(distance, arrived)


@dataclass(frozen=True)
class LineEstimate:
    """What lines say.

    Attributes:
        estimate: the probability. stuck: share of lines whose search did not arrive [1].
        residual: root mean square of what the surrogate's distances were wrong by [standard deviations]; 0 without one.
    """

    estimate: Estimate
    stuck: float
    residual: float = 0.0


def line_sampling(
    simulations: Simulations, regions: tuple[Region, ...], rng: np.random.Generator, target: float, most: int
) -> LineEstimate:
    """Line sampling around every region's direction until the CoV is reached.

    Args:
        target: CoV to be reached [1]. most: simulations at most.
    """
    parts: list[list[np.ndarray]] = [[] for _ in regions]
    guesses, searched, history, begun = [r.beta for r in regions], [], [], simulations.count
    while True:
        for region, part, number in zip(regions, parts, range(len(regions)), strict=True):
            places = rng.standard_normal((LINES, simulations.variables))
            places -= (places @ region.direction)[:, None] * region.direction
            lines = search_lines(simulations, region, places, np.full(LINES, guesses[number]), "estimate")
            searched.append(lines)
            part.append(special.ndtr(-lines.distance))
            guesses[number] = float(np.nanmedian(lines.distance)) if lines.arrived.any() else guesses[number]
        found = stratified([np.concatenate(part) for part in parts], np.ones(len(parts)))
        history.append((found.n, found.pf, found.ci_low, found.ci_high))
        simulations.so_far(found.pf, found.cov)
        spent = simulations.count - begun
        if enough(found, target) or spent + SEARCHES * LINES * len(regions) > most:
            return LineEstimate(_with_history(found, history), 1 - np.mean([lines.arrived for lines in searched]))


def stratified(parts: list[np.ndarray], scales: np.ndarray, error: float = 0.0) -> Estimate:
    """Sum over regions of the mean of what their lines say.

    Args:
        parts: of each region, shape (line,) [1]; NaN is unknown. scales: what they are multiplied with, (region,).
        error: standard error of what was known without lines [1].
    """
    pairs = [(s * part[~np.isnan(part)], int(np.isnan(part).sum())) for s, part in zip(scales, parts, strict=True)]
    if any(len(known) < 2 for known, _ in pairs):
        return Estimate(math.nan, math.nan, math.nan, math.inf, sum(map(len, parts)), 0.0, math.nan, math.nan, math.nan)
    means = np.array([known.mean() for known, _ in pairs])
    pf = float(means.sum())
    variance = sum(known.var(ddof=1) / len(known) for known, _ in pairs) + error**2 + (SETTLED * pf) ** 2
    each = np.concatenate([known / len(known) for known, _ in pairs])
    low_high = log_interval(pf, math.sqrt(variance) / pf) if pf > 0 else (0.0, math.nan)
    lost = np.array([lost / (lost + len(known)) for known, lost in pairs])
    return Estimate(
        pf,
        *low_high,
        cov=math.sqrt(variance) / pf if pf > 0 else math.inf,
        n=sum(map(len, parts)),
        ess=float(each.sum() ** 2 / (each**2).sum()) if pf > 0 else 0.0,
        largest_share=float(each.max() / each.sum()) if pf > 0 else math.nan,
        pf_lost_pass=float((means * (1 - lost)).sum()),
        pf_lost_fail=float(min((means * (1 - lost) + lost).sum(), 1.0)),
        shares=tuple(float(m) for m in means / pf) if pf > 0 else (0.0,) * len(parts),
    )


def _with_history(found: Estimate, history: list[tuple]) -> Estimate:
    return Estimate(**(vars(found) | {"history": np.array(history)}))


@dataclass(frozen=True)
class Surrogate:
    """Gaussian process of a region's margin over its slope, with a quadratic part, around its design point.

    Attributes:
        region: whose. points: what it was trained with, along (first) and across the region's direction, shape
            (point, variable) [standard deviations]. weights: shape (point,).
    """

    region: Region
    points: np.ndarray
    weights: np.ndarray

    def __call__(self, along: np.ndarray, beside: np.ndarray) -> np.ndarray:
        """Margin over slope at distances along, shape (line,), and places across, shape (line, variable - 1)."""
        z = np.column_stack([along - self.region.beta, beside])
        return kernel(z, self.points) @ self.weights - z[:, 0]

    def distance(self, beside: np.ndarray) -> np.ndarray:
        """Distance to failure of lines at places across, by secants, shape (line,)."""
        at = np.full(len(beside), self.region.beta)
        margin = self(at, beside)
        step = np.clip(margin, -LONGEST, LONGEST)
        for _ in range(3):
            further = self(at + step, beside)
            with np.errstate(invalid="ignore", divide="ignore"):
                slope = np.clip((margin - further) / step, *SLOPES)
            at, margin = at + step, further
            step = np.clip(margin / np.where(np.isnan(slope), 1.0, slope), -LONGEST, LONGEST)
            step = np.where(step == 0, 1e-9, step)
        return at + step


def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Covariance of a quadratic polynomial with normal coefficients and of a smooth rest, shape (a, b)."""
    inner = a @ b.T
    square = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * inner
    rest = BUMPS**2 * np.exp(-np.maximum(square, 0.0) / (2 * REACH**2))
    return POLYNOMIAL**2 * (1 + inner / REACH**2) ** 2 + rest


def train(simulations: Simulations, region: Region) -> Surrogate:
    """Surrogate of a region from all that was simulated near its design point.

    Source: Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, algorithm 2.1.
    """
    u = np.concatenate(simulations.points)
    margin = np.concatenate([a.margin for a in simulations.answers])
    exact = np.concatenate([a.exact for a in simulations.answers])
    z = np.column_stack([u @ region.direction - region.beta, u @ across(region).T])
    size = (z[:, 0] / NEAR) ** 2 + (z[:, 1:] ** 2).sum(1) / ACROSS**2
    near = np.flatnonzero(exact & (size < 1))
    chosen = near[np.argsort(size[near], kind="stable")[:TRAINING]]
    z, target = z[chosen], margin[chosen] / region.slope + z[chosen, 0]
    factor = linalg.cho_factor(kernel(z, z) + NOISE**2 * np.eye(len(z)))
    return Surrogate(region, z, linalg.cho_solve(factor, target))


def surrogate_lines(
    simulations: Simulations, regions: tuple[Region, ...], rng: np.random.Generator, target: float, most: int
) -> LineEstimate:
    """Surrogate line search until the CoV is reached, or the surrogate is too wrong to go on.

    The surrogate is trained with what was simulated near the boundary before.

    Lines are drawn where the surrogate has the failures, from a cloud of places; the mean of the ratio of what the
    simulator and what the surrogate say corrects the surrogate's probability without bias.

    Args:
        target: CoV to be reached [1]. most: simulations at most.
    """
    drawn = [_cloud(train(simulations, region), rng) for region in regions]
    levels, errors = (np.array([getattr(c, name) for c in drawn]) for name in ("pf", "error"))
    ratios: list[list[np.ndarray]] = [[] for _ in regions]
    wrong, arrived, history, begun = [], [], [], simulations.count
    each = np.maximum(np.round(LINES * levels / levels.sum()), 8).astype(int)
    while True:
        for region, cloud, ratio, n in zip(regions, drawn, ratios, each, strict=True):
            which = rng.choice(CLOUD, size=n, p=cloud.shares)
            places, guess = cloud.beside[which] @ across(region), cloud.distance[which]
            lines = search_lines(simulations, region, places, guess, "estimate")
            ratio.append(np.exp(special.log_ndtr(-lines.distance) - special.log_ndtr(-guess)))
            wrong.append(lines.distance - guess)
            arrived.append(lines.arrived)
        found = stratified([np.concatenate(r) for r in ratios], levels, float(np.hypot.reduce(errors)))
        history.append((found.n, found.pf, found.ci_low, found.ci_high))
        simulations.so_far(found.pf, found.cov)
        residual = float(np.sqrt(np.nanmean(np.concatenate(wrong) ** 2)))
        if enough(found, target) or residual > RESIDUAL or simulations.count - begun + 2 * LINES > most:
            return LineEstimate(_with_history(found, history), 1 - np.concatenate(arrived).mean(), residual)


@dataclass(frozen=True)
class Cloud:
    """Places across a region's direction, and what its surrogate says of them.

    Attributes:
        beside: shape (place, variable - 1). distance: to failure, shape (place,). shares: of each in the probability,
            shape (place,). pf, error: the mean over the places and its standard error [1].
    """

    beside: np.ndarray
    distance: np.ndarray
    shares: np.ndarray
    pf: float
    error: float


def _cloud(surrogate: Surrogate, rng: np.random.Generator) -> Cloud:
    """Scrambled Sobol places; the error is that of independent ones, which is larger."""
    variables = len(surrogate.region.point) - 1
    uniform = stats.qmc.Sobol(variables, scramble=True, rng=rng).random(CLOUD)
    beside = special.ndtri(np.clip(uniform, 1e-12, 1 - 1e-12))
    distance = surrogate.distance(beside)
    each = special.ndtr(-distance)
    return Cloud(beside, distance, each / each.sum(), float(each.mean()), float(each.std() / math.sqrt(CLOUD)))
