"""Probabilities of rare failures with an interval that holds: regions first, then an estimate, then its checks.

A limit state is given as a function of standard normal variables (:mod:`analysis.rare_limitstate`); no simulator is
started here. What the checks find is in the result, and an estimate that fails one of them is not established.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from analysis.intervals import StatisticsError
from analysis.rare_limitstate import LimitState, Simulations
from analysis.rare_lines import RESIDUAL, LineEstimate, line_sampling, surrogate_lines
from analysis.rare_regions import MANY, RADIUS, Discovery, Region, discover
from analysis.rare_sampling import (
    LEAST_ESS,
    MOST_SHARE,
    Estimate,
    mixture_sampling,
    plain_sampling,
)
from analysis.rare_twin import twin_sampling

METHODS = ("auto", "twin", "mixture", "surrogate", "lines", "plain")
"""Chosen from what discovery finds; a twin corrected by simulations; mixture importance sampling; surrogate line
search; line sampling; Monte Carlo.
"""
COMMON = 1.0
"""Reliability index below which plain Monte Carlo costs no more than importance sampling [1]."""
ROUGH = 0.01
"""Departure of a margin from a parabola above which it is noisy or jumps [standard deviations]."""
UNKNOWN = 0.02
"""Share of simulations without an answer above which nothing is established [1]."""
STUCK = 0.05
"""Share of line searches that do not arrive above which nothing is established [1]."""
OVERLAP = 0.01
"""Share of failures in two regions at once above which lines would count them twice [1]."""
SHORT = 96
"""Samples of the short run of the default that a surrogate is compared with, and trained on."""
ALONE = "The interval is that of these lines alone: failures where none went are in the guards, not in it"
"""What a surrogate's interval does not hold."""
AGREE = 3.0
"""Standard errors that the two may differ by [1]."""


@dataclass(frozen=True)
class Request:
    """What is asked of an estimate.

    Attributes:
        method: one of ``METHODS``.
        target: CoV at which it ends [1]; 0.051 is an error of 10 % at 95 % confidence.
        most: samples of the estimate at most; what comes before it, and the end of what it has begun, are on top: see
            docs/yield.md.
        seed: of all random numbers.
    """

    method: str = "auto"
    target: float = 0.051
    most: int = 5000
    seed: int = 1

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise StatisticsError(f"method={self.method!r} is not one of {', '.join(METHODS)}")
        if not 0 < self.target < 1:
            raise StatisticsError(f"target={self.target:g} is outside 0..1")
        if self.most < 1:
            raise StatisticsError(f"most={self.most} is not a whole number of at least 1")


@dataclass(frozen=True)
class Samples:
    """Everything that was simulated, in order.

    Attributes:
        u: shape (simulation, variable) [standard deviations]. margin: shape (simulation,), its own unit.
        failed, unknown: shape (simulation,). phase: name, shape (simulation,).
    """

    u: np.ndarray
    margin: np.ndarray
    failed: np.ndarray
    unknown: np.ndarray
    phase: np.ndarray


@dataclass(frozen=True)
class RareFailure:
    """A failure probability with all that tells how far to believe it.

    Attributes:
        estimate: probability, interval, CoV, effective sample size, largest weight share, shares of the regions.
        regions: failure regions with their reliability indices, the nearest first.
        method, reason: how it was estimated, and why so.
        simulations: number by phase, those of a twin not among them. unknown: how many of them have no answer.
        warnings: what makes it doubtful. faults: for what it is not established.
        seed: of all random numbers.
        samples: everything that was simulated.
        twin_samples: samples of the twin, discovery included.
    """

    estimate: Estimate
    regions: tuple[Region, ...]
    method: str
    reason: str
    simulations: Mapping[str, int]
    unknown: int
    warnings: tuple[str, ...]
    faults: tuple[str, ...]
    seed: int
    samples: Samples
    twin_samples: int = 0

    @property
    def pf(self) -> float:
        return self.estimate.pf

    @property
    def interval(self) -> tuple[float, float]:
        """Of the probability, 95 % [1]."""
        return self.estimate.ci_low, self.estimate.ci_high

    @property
    def sigma(self) -> float:
        """Equivalent distance of a single limit in one normal variable [standard deviations]."""
        return float(stats.norm.isf(self.pf))

    @property
    def established(self) -> bool:
        return not self.faults

    @property
    def form_ratio(self) -> float:
        """Probability of all regions' half-spaces, which FORM alone would report, over the estimate [1]; else NaN."""
        form = sum(stats.norm.sf(r.beta) for r in self.regions)
        return float(form / self.pf) if self.regions and self.pf > 0 else np.nan


def failure_probability(
    limit_state: LimitState,
    variables: int,
    request: Request | None = None,
    regions: tuple[Region, ...] | None = None,
    twin: LimitState | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> RareFailure:
    """Probability that a limit state over independent standard normal variables fails.

    Args:
        limit_state: points of shape (sample, variable) to margins and statuses. variables: their number.
        request: method, accuracy and seed. regions: where it fails, if that is known; None: it is looked for.
        twin: a limit state that says nearly the same and costs next to nothing, for the methods auto and twin.
        tell: takes what is done now, in words.

    Raises:
        StatisticsError: there are no variables; the method twin without one.
    """
    request = request or Request()
    if variables < 1:
        raise StatisticsError("a failure probability needs at least one variable; nothing varies here")
    if request.method == "twin" and twin is None:
        raise StatisticsError("method='twin' needs a twin; there is none of this limit state")
    simulations, refused, tabled = Simulations(limit_state, variables, tell), "", 0
    if twin is not None and regions is None and request.method in ("auto", "twin"):
        tables = Simulations(twin, variables, lambda phase: tell(f"twin's {phase}"))
        found, outcome, refused = _from_twin(tables, simulations, request)
        tabled = tables.count
        if outcome:
            warnings, faults = checks(found, outcome, simulations, request)
            return _result(simulations, outcome, outcome.reason, warnings, faults, request, tabled)
        request = replace(request, method="auto")
    streams = [np.random.default_rng([request.seed, stream]) for stream in range(2)]
    found = _regions(simulations, streams[0], request, regions)
    method, reason = chosen(request, found, variables)
    reason = f"twin refused: {refused}" if refused else reason
    if method != "plain" and not found.regions:
        return _nothing(simulations, method, reason, request, tabled)
    outcome = _estimated(method, simulations, found.regions, streams[1], request)
    warnings, faults = checks(found, outcome, simulations, request)
    return _result(simulations, outcome, outcome.reason or reason, warnings, faults, request, tabled)


def _regions(
    simulations: Simulations, rng: np.random.Generator, request: Request, known: tuple[Region, ...] | None
) -> Discovery:
    """Regions as they are known, or looked for; plain Monte Carlo needs none."""
    if known is None and request.method == "plain":
        known = ()
    return discover(simulations, rng) if known is None else Discovery(known, len(known))


@dataclass(frozen=True)
class Outcome:
    """An estimate before its checks.

    Attributes:
        method: that was used in the end. reason: why, where it is not that of the choice.
        estimate: the probability. regions: all that are known. late: those that the estimate itself found.
        stuck: share of line searches that did not arrive [1].
    """

    method: str
    estimate: Estimate
    regions: tuple[Region, ...]
    late: int = 0
    stuck: float = 0.0
    reason: str = ""


def chosen(request: Request, found: Discovery, variables: int) -> tuple[str, str]:
    """Method and the reason for it."""
    if request.method != "auto":
        return request.method, "asked for"
    nearest = min((r.beta for r in found.regions), default=np.inf)
    if found.fails_at_origin or nearest < COMMON:
        return "plain", "failures are common: " + ("the nominal cell fails" if found.fails_at_origin else "near it")
    if variables > MANY:
        return "lines", f"{variables} variables, more than {MANY}: directions and weights tell little"
    return "mixture", f"{len(found.regions)} design points in {variables} variables"


def _from_twin(twin: Simulations, simulations: Simulations, request: Request) -> tuple[Discovery, Outcome | None, str]:
    """Regions of a twin and its corrected estimate; without one the reason why there is none."""
    streams = [np.random.default_rng([request.seed, stream]) for stream in (2, 3)]
    found = discover(twin, streams[0])
    method, reason = chosen(replace(request, method="auto"), found, twin.variables)
    if method != "mixture":
        return found, None, reason
    if not found.regions or not all(r.converged for r in found.regions):
        return found, None, "it has no failure region" if not found.regions else "it does not cross 0"
    done = twin_sampling(twin, simulations, found.regions, streams[1], request.target, request.most)
    if done.refused:
        return found, None, done.refused
    reason = f"{done.samples} samples of the twin, whose failures are within {done.off:.1g} sigma once corrected"
    return found, Outcome("twin", done.estimate, done.regions, done.late, reason=reason), ""


def _estimated(
    method: str, simulations: Simulations, regions: tuple[Region, ...], rng: np.random.Generator, request: Request
) -> Outcome:
    """Estimate by a method; a surrogate that its guards refuse is replaced by the mixture."""
    if method == "plain":
        return Outcome(method, plain_sampling(simulations, regions, rng, request.target, request.most), regions)
    if method == "lines":
        lines = line_sampling(simulations, regions, rng, request.target, request.most)
        return Outcome(method, lines.estimate, regions, stuck=lines.stuck)
    if method == "surrogate":
        refused = crowded(regions)
        if not refused:
            short = mixture_sampling(simulations, regions, rng, request.target, SHORT, "training")
            lines = surrogate_lines(simulations, short.regions, rng, request.target, request.most)
            refused = _refused(short.estimate, short.late, lines)
            if not refused:
                reason = f"asked for; within {lines.residual:.2g} sigma on {lines.estimate.n} lines. {ALONE}"
                return Outcome(method, lines.estimate, regions, stuck=lines.stuck, reason=reason)
        reason = f"surrogate line search refused: {refused}"
    sampled = mixture_sampling(simulations, regions, rng, request.target, request.most)
    reason = reason if method == "surrogate" else ""
    return Outcome("mixture", sampled.estimate, sampled.regions, sampled.late, reason=reason)


def crowded(regions: tuple[Region, ...]) -> str:
    """Why lines cannot be drawn from some regions, or nothing: one lobe has several, or two overlap."""
    if len({r.lobe for r in regions}) < len(regions):
        return "a lobe has more than one design point"
    whole = sum(stats.norm.sf(r.beta) for r in regions)
    for i, j in zip(*np.triu_indices(len(regions), 1), strict=True):
        rho = float(np.clip(regions[i].direction @ regions[j].direction, -0.999, 0.999))
        both = stats.multivariate_normal.cdf([-regions[i].beta, -regions[j].beta], cov=[[1.0, rho], [rho, 1.0]])
        if both > OVERLAP * whole:
            return "two regions overlap"
    return ""


def _refused(short: Estimate, late: int, lines: LineEstimate) -> str:
    """Why a surrogate's estimate is not to be believed, or nothing."""
    found = lines.estimate
    if late:
        return "the short run of the default found another region"
    if not lines.residual < RESIDUAL:
        return f"it is wrong by {lines.residual:.2g} standard deviations, {RESIDUAL:g} allowed"
    if not (short.pf > 0 and found.pf > 0):
        return "nothing failed in the short run of the default"
    if abs(np.log(found.pf / short.pf)) > AGREE * np.hypot(found.cov, short.cov):
        return f"a short run of the default gives {short.pf:.2e}, it {found.pf:.2e}"
    return ""


def checks(
    found: Discovery, outcome: Outcome, simulations: Simulations, request: Request
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Warnings, and faults for which an estimate is not established."""
    estimate, regions = outcome.estimate, outcome.regions
    lost = simulations.lost() / simulations.count
    bounds = f"Pf is between {estimate.pf_lost_pass:.2e} and {estimate.pf_lost_fail:.2e}"
    rough = max((r.roughness for r in regions), default=0.0)
    weighed = outcome.method != "plain"
    twice = crowded(regions) if outcome.method == "lines" else ""
    warnings = [
        (found.by_half != len(found.regions),
         f"half of the directions find {found.by_half} failure regions, all of them {len(found.regions)}"),
        (outcome.late > 0, f"{outcome.late} failure regions were found while estimating, not by discovery"),
        (weighed and not estimate.ess >= LEAST_ESS, f"effective sample size {estimate.ess:.0f}, below {LEAST_ESS:.0f}"),
        (weighed and not estimate.largest_share <= MOST_SHARE,
         f"one sample has {estimate.largest_share:.1%} of the weight, above {MOST_SHARE:.0%}"),
        (not estimate.cov <= request.target,
         f"CoV {estimate.cov:.1%} after {estimate.n} samples, {request.target:.1%} asked for"),
        (lost > 0 and not estimate.pf_lost_fail <= estimate.ci_high,
         f"{simulations.lost()} simulations without an answer: {bounds}"),
    ]  # fmt: skip
    faults = [
        (lost > UNKNOWN, f"{lost:.1%} of the simulations have no answer, {UNKNOWN:.0%} allowed: {bounds}"),
        (not rough <= ROUGH,
         f"the margin is noisy or jumps: {rough:.2g} standard deviations off a parabola at a design point"),
        (not all(r.converged for r in regions), "the margin does not cross 0 at a design point"),
        (bool(twice), f"lines count failures more than once: {twice}"),
        (outcome.stuck > STUCK, f"{outcome.stuck:.0%} of the line searches do not arrive"),
        (not estimate.pf > 0, f"none of {estimate.n} samples fails"),
    ]  # fmt: skip
    return tuple(text for is_so, text in warnings if is_so), tuple(text for is_so, text in faults if is_so)


def _nothing(simulations: Simulations, method: str, reason: str, request: Request, tabled: int) -> RareFailure:
    """Result of a search that found no region."""
    failing = sum(int(a.failed.sum()) for a in simulations.answers)
    how = f"{failing} simulations fail, but no search arrives" if failing else f"nothing fails at {RADIUS:g} sigma"
    estimate = Estimate(*(np.nan,) * 4, n=0, ess=0.0, largest_share=np.nan, pf_lost_pass=np.nan, pf_lost_fail=np.nan)
    faults = (f"no failure region: {how}",)
    return _result(simulations, Outcome(method, estimate, ()), reason, (), faults, request, tabled)


def _result(
    simulations: Simulations,
    outcome: Outcome,
    reason: str,
    warnings: tuple[str, ...],
    faults: tuple[str, ...],
    request: Request,
    tabled: int,
) -> RareFailure:
    answers = simulations.answers
    lengths = [len(u) for u in simulations.points]
    samples = Samples(
        np.concatenate(simulations.points),
        *(np.concatenate([getattr(a, name) for a in answers]) for name in ("margin", "failed", "unknown")),
        np.repeat(simulations.phases, lengths),
    )
    return RareFailure(
        outcome.estimate,
        outcome.regions,
        outcome.method,
        reason,
        simulations.by_phase(),
        simulations.lost(),
        warnings,
        faults,
        request.seed,
        samples,
        tabled,
    )
