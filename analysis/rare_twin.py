"""Failure probabilities from a twin of the simulator: it searches and averages, the simulator corrects it.

Sampling in two phases: many samples from the mixture over the twin's failure regions, then a few of them in the
simulator, from three strata. Those that clearly fail in the twin say what share of its failures is real; those that
pass, what it misses; those in a thin shell around the boundary are the ones that the least error turns over, and cost
no more than the shell's probability when it does. Drawn by their weights, all are plain shares, whose exact binomial
intervals do not close where simulator and twin never disagree. Some wide samples, and the errors of all margins, tell
whether the twin may be believed beyond the strata; where not, it is refused.

Source: Neyman, Journal of the American Statistical Association 33, 1938, for sampling in two phases; Zou and Donner,
Statistics in Medicine 27(10), 2008, for the interval of a sum from the intervals of its parts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.intervals import clopper_pearson
from analysis.rare_limitstate import Answers, Simulations
from analysis.rare_regions import RADIUS, Region
from analysis.rare_sampling import (
    ROUNDED,
    WIDER,
    WIDEST,
    Estimate,
    log_interval,
    mixture_of,
    mixture_sampling,
    region_shares,
)

FINER = 3.0
"""CoV asked for over that of the twin's own estimate [1]: it widens the interval by a twentieth."""
MOST = 400_000
"""Samples of the twin at most."""
PILOT = 6
"""Failing samples of each region from which the twin's error is learnt."""
FAR = 20
"""Wide samples, in all directions, at which the twin has to be right within ``OFF``."""
OFF = 0.3
"""Error of the twin's margin above which it is refused [standard deviations]."""
FIRST = (48, 4, 16)
"""Samples of the first correction: of what fails, of the shell, of what nearly fails. With no disagreement the first
and the last leave 8 % of interval on either side."""
THIN = 0.08
"""Probability of the shell at most, as a share of what fails [1]: its first samples then leave 5 % of interval."""
BAND = 0.35
"""Probability of what passes in the shell and of what nearly fails, as a share of what fails at least [1]."""
SAFE = 3.0
"""The shell and what nearly fails reach as far as so many times the largest error that is left of the twin [1]."""


@dataclass(frozen=True)
class Twinned:
    """Result of a twin's estimate and its correction.

    Attributes:
        estimate: the probability, corrected. regions: those of the twin. late: how many its sampling found.
        samples: of the twin. off: largest error of its margin in any region, corrected [standard deviations].
        refused: why it is not to be believed, or nothing.
    """

    estimate: Estimate
    regions: tuple[Region, ...]
    late: int
    samples: int
    off: float = math.nan
    refused: str = ""


@dataclass(frozen=True)
class Cloud:
    """Samples of the twin, arrays of shape (sample,) unless said.

    Attributes:
        u: shape (sample, variable). weights: standard normal density over that of the mixture.
        region: number of the nearest. distance: margin over the region's slope [standard deviations], 0 fails; NaN
            where the twin has no answer.
    """

    u: np.ndarray
    weights: np.ndarray
    region: np.ndarray
    distance: np.ndarray

    def draw(self, rng: np.random.Generator, among: np.ndarray, n: int) -> np.ndarray:
        """Numbers of ``n`` samples among some, by their weights, with replacement; none where there are none."""
        total = np.cumsum(np.where(among, self.weights, 0.0))
        if not total[-1] > 0:
            return np.empty(0, dtype=int)
        return np.searchsorted(total, rng.random(n) * total[-1], side="right")


def twin_sampling(
    twin: Simulations,
    simulations: Simulations,
    regions: tuple[Region, ...],
    rng: np.random.Generator,
    target: float,
    most: int,
) -> Twinned:
    """Estimate from a twin, corrected with simulations until the CoV is reached.

    Args:
        twin, simulations: limit states of twin and simulator. regions: the twin's, at least one.
        target: CoV to be reached [1]. most: simulations at most.
    """
    first = mixture_sampling(twin, regions, rng, target, MOST)
    regions, found = first.regions, first.estimate

    def ended(refused: str) -> Twinned:
        return Twinned(found, regions, first.late, twin.count, refused=refused)

    if not found.pf > 0:
        return ended("none of its samples fails")
    wanted = math.ceil(found.n * (found.cov * FINER / target) ** 2 / ROUNDED) * ROUNDED
    cloud = _cloud(twin, regions, rng, min(wanted, MOST))
    failing = np.where(cloud.distance <= 0, cloud.weights, 0.0)
    own = float(failing.std() / failing.mean()) / math.sqrt(len(failing)) if failing.any() else math.inf
    if own > target / 2:
        return ended(f"its own estimate has a CoV of {own:.1%} after {len(failing)} samples")
    shift, off, refused = _learnt(cloud, simulations, regions, rng)
    refused = refused or _astray(twin, simulations, regions, rng)
    if refused:
        return ended(refused)
    cloud = Cloud(cloud.u, cloud.weights, cloud.region, cloud.distance + shift[cloud.region])
    estimate = _corrected(cloud, simulations, regions, rng, off, target, most)
    return Twinned(estimate, regions, first.late, twin.count, off)


def _distances(answers: Answers, u: np.ndarray, regions: tuple[Region, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Number of the nearest region, and the margin over its slope [standard deviations], shape (sample,).

    A failure without a margin is far beyond; what has no answer has no distance.
    """
    points, slopes = np.array([r.point for r in regions]), np.array([r.slope for r in regions])
    nearest = np.argmin(((u[:, None] - points) ** 2).sum(-1), axis=1)
    distance = answers.margin / slopes[nearest]
    return nearest, np.where(answers.failed & np.isnan(distance), -RADIUS, distance)


def _cloud(twin: Simulations, regions: tuple[Region, ...], rng: np.random.Generator, n: int) -> Cloud:
    """Samples of the twin from the mixture over its regions."""
    mixture = mixture_of(regions, twin.variables)
    u = mixture.draw(rng, n)
    region, distance = _distances(twin.ask(u, "twin"), u, regions)
    return Cloud(u, np.exp(mixture.log_weight(u)), region, distance)


def _learnt(
    cloud: Cloud, simulations: Simulations, regions: tuple[Region, ...], rng: np.random.Generator
) -> tuple[np.ndarray, float, str]:
    """Error of the twin in each region, shape (region,), the largest that is left [standard deviations]; a refusal."""
    failing = cloud.distance <= 0
    drawn = np.concatenate([cloud.draw(rng, failing & (cloud.region == r), PILOT) for r in range(len(regions))])
    answers = simulations.ask(cloud.u[drawn], "pilot")
    slopes = np.array([r.slope for r in regions])[cloud.region[drawn]]
    error = np.where(answers.exact, answers.margin, np.nan) / slopes - cloud.distance[drawn]
    known = np.isfinite(error)
    if known.mean() < 0.5:
        return np.zeros(len(regions)), math.nan, f"{(~known).sum()} of {known.size} of its failures have no margin"
    by_region = [error[known & (cloud.region[drawn] == r)] for r in range(len(regions))]
    shift = np.array([np.median(each) if each.size else 0.0 for each in by_region])
    left = float(np.abs(error - shift[cloud.region[drawn]])[known].max())
    worst = max(float(np.abs(shift).max()), left)
    refused = f"its failures are off by {worst:.2g} standard deviations, {OFF:g} allowed" if worst > OFF else ""
    return shift, left, refused


def _astray(twin: Simulations, simulations: Simulations, regions: tuple[Region, ...], rng: np.random.Generator) -> str:
    """Why the twin is not to be believed far from its regions, or nothing; samples that it has no answer to are left.

    The samples are those of the mixture's component around the origin, which goes everywhere.
    """
    width = np.clip(RADIUS / math.sqrt(twin.variables), WIDER, WIDEST)
    wide = width * rng.standard_normal((4 * FAR, twin.variables))
    said = twin.ask(wide, "twin")
    kept = np.flatnonzero(~said.unknown)[:FAR]
    wide, said = wide[kept], said.at(kept)
    answers = simulations.ask(wide, "wide")
    slopes = np.array([r.slope for r in regions])[_distances(said, wide, regions)[0]]
    both = said.exact & answers.exact
    error = np.where(both, np.abs(answers.margin - said.margin) / slopes, 0.0)
    if both.any() and error.max() > OFF:
        return f"far from its regions it is off by {error.max():.2g} standard deviations, {OFF:g} allowed"
    if (~both & ~answers.unknown & (answers.failed != said.failed)).any():
        return "far from its regions a sample fails in one and passes in the other"
    return ""


def _corrected(
    cloud: Cloud,
    simulations: Simulations,
    regions: tuple[Region, ...],
    rng: np.random.Generator,
    off: float,
    target: float,
    most: int,
) -> Estimate:
    """Simulate samples of all strata until the CoV is reached."""
    strata = _strata(cloud, SAFE * off)
    failed, lost, asked = (np.zeros(len(strata), int) for _ in range(3))
    wanted, history = np.array(FIRST), []
    while True:
        drawn = [cloud.draw(rng, among, n) for among, n in zip(strata, wanted, strict=True)]
        answers = simulations.ask(cloud.u[np.concatenate(drawn)], "estimate")
        of = np.repeat(range(len(strata)), [len(each) for each in drawn])
        for counts, which in ((asked, of), (failed, of[answers.failed]), (lost, of[answers.unknown])):
            counts += np.bincount(which, minlength=len(strata))
        found, spread = _combined(cloud, strata, failed, lost, asked)
        history.append((asked.sum(), found.pf, found.ci_low, found.ci_high))
        left = most - int(asked.sum())
        if found.cov <= target or left <= 0:
            break
        ends = np.rint(min(ROUNDED, left) * np.cumsum(spread) / spread.sum()).astype(int)
        wanted = np.diff(ends, prepend=0)
    fails = cloud.distance <= 0
    shares = region_shares(cloud.u[fails], cloud.weights[fails], regions)
    return Estimate(**(vars(found) | {"shares": shares, "history": np.array(history)}))


def _strata(cloud: Cloud, safe: float) -> np.ndarray:
    """What fails, the shell on both sides of the boundary, what nearly fails, shape (stratum, sample), none in two.

    What the twin has no answer to nearly fails, so that the simulator decides.

    Args:
        safe: distance from the boundary beyond which the twin is believed [standard deviations].
    """
    away, fails, lost = np.abs(cloud.distance), cloud.distance <= 0, np.isnan(cloud.distance)
    whole = cloud.weights[fails].sum()
    shell = away <= min(safe, _within(away, cloud.weights, THIN * whole))
    reach = max(safe, _within(away, np.where(fails, 0.0, cloud.weights), BAND * whole))
    return np.stack([fails & ~shell, shell, ~fails & ~shell & (away <= reach) | lost])


def _within(away: np.ndarray, weights: np.ndarray, mass: float) -> float:
    """Distance within which samples have a given mass, or all of them [standard deviations]."""
    order = np.argsort(away, kind="stable")[: np.isfinite(away).sum()]
    return float(away[order[min(np.searchsorted(np.cumsum(weights[order]), mass), len(order) - 1)]])


def _combined(
    cloud: Cloud, strata: np.ndarray, failed: np.ndarray, lost: np.ndarray, asked: np.ndarray
) -> tuple[Estimate, np.ndarray]:
    """Estimate from what the simulator says of each stratum, and by how much each of them still spreads.

    Args:
        strata: members, shape (stratum, sample). failed, lost, asked: simulations of each, shape (stratum,).
    """
    weights = cloud.weights
    n, known = len(weights), np.maximum(asked - lost, 1)
    mass, square = strata @ weights / n, strata @ weights**2 / n
    share = failed / known
    pf = float(mass @ share)
    low, high = clopper_pearson(failed, known)
    own = math.sqrt(max(float(square @ share) - pf**2, 0.0) / n)
    fails = weights[cloud.distance <= 0]
    ess, largest = float(fails.sum() ** 2 / (fails**2).sum()), float(fails.max() / fails.sum())
    bounds = (float(mass @ (failed / np.maximum(asked, 1))), float(mass @ ((failed + lost) / np.maximum(asked, 1))))
    likely = (failed + 1) / (known + 2)
    spread = mass * np.sqrt(likely * (1 - likely))
    if pf == 0.0:
        return Estimate(0.0, 0.0, float(mass @ high), math.inf, n, ess, largest, *bounds), spread
    ends = log_interval(pf, own / pf)
    ci_low = pf - math.hypot(*(mass * (share - low)), pf - ends[0])
    ci_high = pf + math.hypot(*(mass * (high - share)), ends[1] - pf)
    wider = max(math.log(ci_high / pf), math.log(pf / ci_low) if ci_low > 0 else math.inf)
    cov = wider / float(stats.norm.isf(0.025))
    return Estimate(pf, max(ci_low, 0.0), ci_high, cov, n, ess, largest, *bounds), spread
