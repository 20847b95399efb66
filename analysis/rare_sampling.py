"""Failure probabilities by sampling: importance sampling from a mixture over failure regions, plain Monte Carlo."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy import special, stats

from analysis.intervals import clopper_pearson, tail
from analysis.rare_limitstate import Answers, Simulations
from analysis.rare_regions import RADIUS, Region, regions_at

DEFENSIVE = 0.05
"""Share of samples in wider copies of the components at design points, and share in the one around the origin [1]."""
WIDER = 1.5
"""Width of those copies [standard deviations]."""
WIDEST = 3.5
"""Width of the one around the origin at most: it reaches ``RADIUS`` in few variables [standard deviations]."""
LEAST_SHARE = 0.1
"""Samples of a region at least, as a share of those of the most probable one [1]."""
FIRST = 1024
"""Samples before an estimate may end."""
ROUNDED = 64
"""Samples come in multiples of this, the samples of a unit of work."""
LEAST_ESS = 100.0
"""Effective number of failing samples below which an estimate is not believed [1]."""
MOST_SHARE = 0.02
"""Share of one sample above which an estimate is not believed [1]."""
ASIDE = 0.5
"""A failing sample is looked into if it is below this share of every region's reliability index, along it [1]."""
LOOKS = 4
"""Samples at most that are looked into."""


@dataclass(frozen=True)
class Estimate:
    """A failure probability.

    Attributes:
        pf, ci_low, ci_high: and its interval [1]. cov: standard error over it [1].
        n: samples or lines that it is the mean of. ess: effective number of the failing ones.
        largest_share: largest share of one of them in it [1].
        pf_lost_pass, pf_lost_fail: with all samples without an answer passing, and failing [1].
        shares: share of each region in it [1].
        history: columns n, pf, ci_low, ci_high after each batch, shape (batch, 4).
    """

    pf: float
    ci_low: float
    ci_high: float
    cov: float
    n: int
    ess: float
    largest_share: float
    pf_lost_pass: float
    pf_lost_fail: float
    shares: tuple[float, ...] = ()
    history: np.ndarray = field(default_factory=lambda: np.empty((0, 4)))


@dataclass(frozen=True)
class Mixture:
    """Normal distributions of equal width in every variable.

    Attributes:
        centres: shape (component, variable). widths, shares: shape (component,) [standard deviations; 1].
    """

    centres: np.ndarray
    widths: np.ndarray
    shares: np.ndarray

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Points, shape (n, variable): the same ones however many are drawn at a time, in multiples of ``ROUNDED``."""
        blocks = []
        for _ in range(math.ceil(n / ROUNDED)):
            which = rng.choice(len(self.shares), size=ROUNDED, p=self.shares)
            normal = rng.standard_normal((ROUNDED, self.centres.shape[1]))
            blocks.append(self.centres[which] + self.widths[which, None] * normal)
        return np.concatenate(blocks)[:n]

    def log_weight(self, u: np.ndarray) -> np.ndarray:
        """Logarithm of the standard normal density over that of the mixture, at points of shape (n, variable)."""
        square = ((u[:, None] - self.centres) ** 2).sum(-1)
        scaled = -square / (2 * self.widths**2) - u.shape[1] * np.log(self.widths)
        return -(u**2).sum(1) / 2 - special.logsumexp(scaled, b=self.shares, axis=1)


def mixture_of(regions: tuple[Region, ...], variables: int) -> Mixture:
    """Components at every design point by the probability of its half-space, and two kinds of defensive ones.

    Source: Hesterberg, Technometrics 37(2), 1995, for defensive components.
    """
    points = np.array([r.point for r in regions])
    probable = stats.norm.sf([r.beta for r in regions])
    each = np.maximum(probable, LEAST_SHARE * probable.max())
    each = each / each.sum()
    around = np.clip(RADIUS / math.sqrt(variables), WIDER, WIDEST)
    return Mixture(
        centres=np.concatenate([points, points, np.zeros((1, variables))]),
        widths=np.concatenate([np.ones(len(points)), np.full(len(points), WIDER), [around]]),
        shares=np.concatenate([(1 - 2 * DEFENSIVE) * each, DEFENSIVE * each, [DEFENSIVE]]),
    )


def log_interval(pf: float, cov: float, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of a positive estimate, whose logarithm is nearer to normal than it is itself [1].

    >>> low, high = log_interval(1e-9, 0.05)
    >>> print(f"{low:.3g} {high:.3g}")
    9.07e-10 1.1e-09
    """
    half = float(stats.norm.isf(tail(confidence))) * math.sqrt(math.log1p(cov**2))
    return pf * math.exp(-half), pf * math.exp(half)


def weighted(weights: np.ndarray, answers: Answers, confidence: float = 0.95) -> Estimate:
    """Estimate from weighted samples, shape (sample,); what has no answer is taken to be like the others."""
    n, known = len(weights), int((~answers.unknown).sum())
    failing = np.where(answers.failed, weights, 0.0)
    total, square = float(failing.sum()), float((failing**2).sum())
    lost = float(weights[answers.unknown].sum())
    if total == 0.0:
        return Estimate(0.0, 0.0, math.nan, math.inf, n, 0.0, math.nan, 0.0, lost / n)
    pf = total / known
    cov = math.sqrt(max(square / known - pf**2, 0.0) / max(known - 1, 1)) / pf
    low, high = log_interval(pf, cov, confidence)
    return Estimate(
        pf, low, high, cov, n, total**2 / square, float(failing.max()) / total, total / n, (total + lost) / n
    )


@dataclass(frozen=True)
class Sampled:
    """Result of mixture sampling.

    Attributes:
        estimate: the probability. regions: all that are known now. late: how many of them it found itself.
    """

    estimate: Estimate
    regions: tuple[Region, ...]
    late: int


def mixture_sampling(
    simulations: Simulations,
    regions: tuple[Region, ...],
    rng: np.random.Generator,
    target: float,
    most: int,
    phase: str = "estimate",
) -> Sampled:
    """Importance sampling from the mixture over failure regions until the CoV is reached.

    A failing sample far from every region is followed by FORM to where it belongs; a region found so is added, and
    the sampling begins anew.

    Args:
        target: CoV to be reached [1]. most: samples at most. phase: that they are counted to.
    """
    mixture, late, looked = mixture_of(regions, simulations.variables), 0, 0
    u, weights, answers, history = np.empty((0, simulations.variables)), np.empty(0), [], []
    n, left = min(FIRST, most), most
    while n > 0:
        left -= n
        drawn = mixture.draw(rng, n)
        answers.append(simulations.ask(drawn, phase))
        u, weights = np.concatenate([u, drawn]), np.concatenate([weights, np.exp(mixture.log_weight(drawn))])
        whole = _joined(answers)
        starts = _aside(u[-n:][answers[-1].failed], regions)[: LOOKS - looked]
        looked += len(starts)
        more = regions_at(simulations, starts, regions) if len(starts) else regions
        if len(more) > len(regions):
            late += len(more) - len(regions)
            regions, mixture = more, mixture_of(more, simulations.variables)
            u, weights, answers, history = u[:0], weights[:0], [], []
            n = min(FIRST, max(left, ROUNDED))
            continue
        found = weighted(weights, whole)
        history.append((found.n, found.pf, found.ci_low, found.ci_high))
        simulations.so_far(found.pf, found.cov)
        n = _further(found, target, left)
    shares = region_shares(u[whole.failed], weights[whole.failed], regions)
    return Sampled(_told(found, shares, history), regions, late)


def _told(found: Estimate, shares: tuple[float, ...], history: list[tuple]) -> Estimate:
    return Estimate(**(vars(found) | {"shares": shares, "history": np.array(history).reshape(-1, 4)}))


def _joined(answers: list[Answers]) -> Answers:
    return Answers(*(np.concatenate([getattr(a, name) for a in answers]) for name in vars(answers[0])))


def enough(found: Estimate, target: float) -> bool:
    """Whether an estimate may end."""
    return found.cov <= target and found.ess >= LEAST_ESS and found.largest_share <= MOST_SHARE


def _further(found: Estimate, target: float, left: int) -> int:
    """Samples still to be drawn: as many as the CoV so far asks for, at most as many again as there are."""
    if enough(found, target):
        return 0
    wanted = found.n * min((found.cov / target) ** 2, 2.0) - found.n
    return min(math.ceil(max(wanted, 1) / ROUNDED) * ROUNDED, left)


def _aside(failing: np.ndarray, regions: tuple[Region, ...]) -> np.ndarray:
    """Failing samples that no region explains, the most probable first."""
    along = failing @ np.array([r.direction / r.beta for r in regions]).T
    far = failing[along.max(axis=1) < ASIDE] if len(failing) else failing
    return far[np.argsort((far**2).sum(1), kind="stable")]


def region_shares(failing: np.ndarray, weights: np.ndarray, regions: tuple[Region, ...]) -> tuple[float, ...]:
    """Share of each region in the failures [1]: a sample is with the design point that is nearest."""
    points = np.array([r.point for r in regions])
    nearest = np.argmin(((failing[:, None] - points) ** 2).sum(-1), axis=1)
    each = np.bincount(nearest, weights, len(regions))
    return tuple(float(s) for s in each / each.sum()) if each.sum() else (0.0,) * len(regions)


def plain_sampling(
    simulations: Simulations, regions: tuple[Region, ...], rng: np.random.Generator, target: float, most: int
) -> Estimate:
    """Plain Monte Carlo until the CoV is reached, with the exact binomial interval; arguments as above."""
    answers, history, points = [], [], []
    n = min(FIRST, most)
    while n > 0:
        points.append(rng.standard_normal((n, simulations.variables)))
        answers.append(simulations.ask(points[-1], "estimate"))
        whole = _joined(answers)
        found = weighted(np.ones(len(whole.failed)), whole)
        known = np.array((~whole.unknown).sum())
        low, high = (float(end) for end in clopper_pearson(np.array(whole.failed.sum()), known))
        found = Estimate(**(vars(found) | {"ci_low": low, "ci_high": high}))
        history.append((found.n, found.pf, low, high))
        simulations.so_far(found.pf, found.cov)
        n = _further(found, target, most - found.n)
    u = np.concatenate(points)
    shares = region_shares(u[whole.failed], np.ones(int(whole.failed.sum())), regions) if regions else ()
    return _told(found, shares, history)
