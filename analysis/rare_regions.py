"""Where a limit state fails: directions of the sphere, design points by FORM, and which of them share a lobe."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from analysis.rare_limitstate import Simulations, to_boundary

RADIUS = 9.0
"""Distance at which directions are tried [standard deviations]."""
REACH = 1.5 * RADIUS
"""How far FORM may go [standard deviations]; what ends there is no design point."""
DIRECTIONS = 128
"""Directions that are tried, and again as many to check."""
MANY = 32
"""Variables from which on directions tell nothing: each then moves every one of them by little."""
ROUND = 4
"""Searches that are begun together."""
SEARCHES = 48
"""Searches at most from one half of the directions; they end with twice as many as there are regions, and a round at
least, that find nothing new."""
APART = np.cos(np.radians(30.0))
"""Cosine of the angle between searches that are begun [1]."""
STEP = 0.2
"""Step of finite differences [standard deviations]: large beside the noise of a margin, small beside its curvature."""
ITERATIONS = 12
TOLERANCE = 0.1
"""Step at which FORM has arrived [standard deviations]."""
SAME = 1.5
"""Distance within which two design points are one [standard deviations]: a component of the mixture covers both."""
FAR = 2.5
"""Reliability index above the smallest one from which on a region does not count [1]: a thousandth in failures."""
PROBES = np.linspace(-0.3, 0.3, 9)
"""Where a margin is looked at on the line through a design point [standard deviations]."""


@dataclass(frozen=True)
class Region:
    """A failure region.

    Attributes:
        point: its design point, the most probable one that fails, shape (variable,) [standard deviations].
        slope: how much the margin falls there for one standard deviation [the margin's unit].
        roughness: how far margins near there are from a parabola [standard deviations], root mean square.
        converged: FORM arrived there, and the margin changes its sign.
        lobe: number of the connected part of what fails.
    """

    point: np.ndarray
    slope: float
    roughness: float
    converged: bool
    lobe: int = 0

    @property
    def beta(self) -> float:
        """Reliability index: distance of the design point from the origin [standard deviations]."""
        return float(np.linalg.norm(self.point))

    @property
    def direction(self) -> np.ndarray:
        return self.point / self.beta


@dataclass(frozen=True)
class Discovery:
    """Failure regions, the nearest first.

    Attributes:
        regions: all that were found.
        by_half: how many of them the first half of the directions found by itself.
        fails_at_origin: the nominal cell fails.
    """

    regions: tuple[Region, ...]
    by_half: int
    fails_at_origin: bool = False


def discover(simulations: Simulations, rng: np.random.Generator) -> Discovery:
    """Find the failure regions of a limit state.

    Scrambled Sobol directions at 9 standard deviations; from the lowest margins that are 30 degrees apart, failing or
    not, FORM goes to a design point. Again as many directions check that this finds nothing more. Beyond ``MANY``
    variables FORM begins at the origin and opposite of where that led.
    """
    origin = np.zeros((1, simulations.variables))
    nominal = simulations.search(origin, "discovery")
    if nominal.failed[0]:
        return Discovery((), 0, fails_at_origin=True)
    if simulations.variables > MANY:
        points = _from_origin(simulations, origin)
        by_half = points
    else:
        sphere = _sphere(simulations.variables, rng)
        by_half = _halves_regions(simulations, sphere[:DIRECTIONS], np.empty((0, simulations.variables)))
        points = _halves_regions(simulations, sphere[DIRECTIONS:], by_half)
    regions = _examined(simulations, points)
    kept = sum(_known(r.point, by_half) for r in regions)
    return Discovery(_with_lobes(simulations, regions), kept)


def regions_at(simulations: Simulations, starts: np.ndarray, known: tuple[Region, ...]) -> tuple[Region, ...]:
    """Regions that FORM finds from points, shape (start, variable), and that are not among those known; by lobes."""
    points = np.array([r.point for r in known])
    found = _examined(simulations, form(simulations, starts, points)[len(points) :])
    nearest = min(r.beta for r in known)
    fresh = [r for r in found if r.converged and r.beta < nearest + FAR]
    return _with_lobes(simulations, sorted((*known, *fresh), key=lambda r: r.beta)) if fresh else known


def _sphere(variables: int, rng: np.random.Generator) -> np.ndarray:
    """Twice ``DIRECTIONS`` points at ``RADIUS``, shape (direction, variable); one variable has two directions."""
    sobol = stats.qmc.Sobol(variables, scramble=True, rng=rng).random(2 * DIRECTIONS)
    normal = stats.norm.ppf(np.clip(sobol, 1e-9, 1 - 1e-9))
    return RADIUS * normal / np.linalg.norm(normal, axis=1, keepdims=True)


def _halves_regions(simulations: Simulations, sphere: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Design points from one half of the directions, behind those known, shape (point, variable)."""
    answers = simulations.search(sphere, "discovery")
    starts = _starts(sphere, np.where(answers.failed & np.isnan(answers.margin), -np.inf, answers.margin))
    points, quiet = known, 0
    for begin in range(0, min(len(starts), SEARCHES), ROUND):
        batch = starts[begin : begin + ROUND]
        before = len(points)
        points = form(simulations, batch, points)
        quiet = quiet + len(batch) if len(points) == before else 0
        if quiet >= max(ROUND, 2 * len(points)):
            break
    return points


def _starts(sphere: np.ndarray, margin: np.ndarray) -> np.ndarray:
    """Points in rising order of their margins, those left out that are too near one before."""
    directions = sphere / RADIUS
    chosen: list[int] = []
    for i in np.argsort(margin, kind="stable"):
        if np.isnan(margin[i]) or (chosen and (directions[chosen] @ directions[i]).max() > APART):
            continue
        chosen.append(i)
    return sphere[chosen]


def _from_origin(simulations: Simulations, origin: np.ndarray) -> np.ndarray:
    """Design points that FORM finds from the origin and, where it fails there, opposite of the first."""
    points = form(simulations, origin, np.empty((0, simulations.variables)))
    if not len(points):
        return points
    opposite = -RADIUS * points[:1] / np.linalg.norm(points[0])
    fails = simulations.search(opposite, "discovery").failed[0]
    return form(simulations, opposite, points) if fails else points


def slopes(simulations: Simulations, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Margins, shape (point,), and their gradients by forward differences, shape (point, variable); NaN where none."""
    points, variables = u.shape
    steps = np.concatenate([np.zeros((1, variables)), STEP * np.eye(variables)])
    answers = simulations.search((u[:, None] + steps).reshape(-1, variables), "FORM")
    margin = np.where(answers.exact, answers.margin, np.nan).reshape(points, 1 + variables)
    return margin[:, 0], (margin[:, 1:] - margin[:, :1]) / STEP


def form(simulations: Simulations, starts: np.ndarray, known: np.ndarray) -> np.ndarray:
    """First-order reliability method from many starts: known design points and those found, (point, variable).

    Gradients are differences at the start and, except of many variables, at the end; in between they are updated. A
    start where the margin is only a bound is first drawn towards the origin until it passes. Starts that come within
    ``SAME`` of a point that is there, or of one another, end. What has not arrived after ``ITERATIONS`` is no
    design point.

    Source: Hasofer and Lind, J. Eng. Mech. Div. 100, 1974; Rackwitz and Fiessler, Computers & Structures 9, 1978.
    """
    found, u = list(known), starts.copy()
    margin, gradient = _first_slopes(simulations, u)
    for iteration in range(ITERATIONS):
        new = _projected(u, margin, gradient, damped=iteration > 3)
        step = new - u
        moved = np.linalg.norm(step, axis=1)
        going: list[int] = []
        for i in np.flatnonzero(np.isfinite(moved)):
            if not _known(new[i], found) and not _known(new[i], new[going]):
                going.append(i)
        arrived = [i for i in going if moved[i] < TOLERANCE]
        found += list(_confirmed(simulations, new[arrived]))
        going = [i for i in going if moved[i] >= TOLERANCE]
        if not going:
            break
        u = new[going]
        margin, gradient = _updated(simulations, u, step[going], margin[going], gradient[going])
    return np.array(found).reshape(-1, starts.shape[1])


def _confirmed(simulations: Simulations, points: np.ndarray) -> np.ndarray:
    """Design points after a last step with gradients that are differences; those that move by much are none."""
    if not len(points) or simulations.variables > MANY:
        return points
    new = _projected(points, *slopes(simulations, points), damped=False)
    return new[np.linalg.norm(new - points, axis=1) < SAME]


def _first_slopes(simulations: Simulations, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Margins and gradients at starts; where a margin is only a bound ``u`` becomes a point that passes."""
    margin, gradient = slopes(simulations, u)
    blind = np.flatnonzero(np.isnan(margin) | np.isnan(gradient).any(1) | ~gradient.any(1))
    lengths = np.linalg.norm(u[blind], axis=1)
    blind, lengths = blind[lengths > 0], lengths[lengths > 0]
    if blind.size:
        u[blind] = to_boundary(simulations, u[blind] / lengths[:, None], lengths)
        margin[blind], gradient[blind] = slopes(simulations, u[blind])
    return margin, gradient


def _updated(
    simulations: Simulations, u: np.ndarray, step: np.ndarray, before: np.ndarray, gradient: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Margins after a step, shape (point, variable), and gradients that agree with it.

    Source: Broyden, Math. Comp. 19, 1965.
    """
    answers = simulations.search(u, "FORM")
    margin = np.where(answers.exact, answers.margin, np.nan)
    missed = margin - before - (gradient * step).sum(1)
    return margin, gradient + (missed / (step**2).sum(1))[:, None] * step


def _projected(u: np.ndarray, margin: np.ndarray, gradient: np.ndarray, damped: bool) -> np.ndarray:
    """Next points: those of the linearised boundaries that are nearest to the origin; NaN beyond reach."""
    square = np.sum(gradient**2, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        new = ((np.sum(gradient * u, axis=1) - margin) / square)[:, None] * gradient
    length = np.linalg.norm(new, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        new = new * np.minimum(1.0, REACH / length)[:, None]
    return (u + new) / 2 if damped else new


def _known(point: np.ndarray, points: list[np.ndarray] | np.ndarray) -> bool:
    return len(points) > 0 and bool(np.linalg.norm(np.asarray(points) - point, axis=1).min() < SAME)


def _examined(simulations: Simulations, points: np.ndarray) -> list[Region]:
    """Regions of design points that count, the nearest first: each margin along its line, fitted with a parabola."""
    betas = np.linalg.norm(points, axis=1)
    points = points[betas < min(betas.min() + FAR, 0.99 * REACH)] if len(points) else points
    if not len(points):
        return []
    lengths = np.linalg.norm(points, axis=1)
    directions = points / lengths[:, None]
    along = (lengths[:, None] + PROBES)[..., None] * directions[:, None]
    answers = simulations.search(along.reshape(-1, points.shape[1]), "FORM")
    shape = (len(points), len(PROBES))
    margins, failed, exact = (a.reshape(shape) for a in (answers.margin, answers.failed, answers.exact))
    regions = [_region(*row) for row in zip(directions, lengths, margins, failed, exact, strict=True)]
    return _nearest(simulations, sorted(regions, key=lambda r: r.beta))


def _nearest(simulations: Simulations, regions: list[Region]) -> list[Region]:
    """Regions but for corners, where two boundaries meet: on the way to a nearer region, no farther out, they fail."""
    kept: list[Region] = []
    for region in regions:
        near = [r.direction for r in kept if r.direction @ region.direction > 0]
        aside = [region.direction + (direction - region.direction) / 4 for direction in near]
        if aside:
            inside = 0.99 * region.beta * np.array(aside) / np.linalg.norm(aside, axis=1)[:, None]
            if simulations.search(inside, "FORM").failed.any():
                continue
        kept.append(region)
    return kept


def _region(direction: np.ndarray, beta: float, margin: np.ndarray, failed: np.ndarray, exact: np.ndarray) -> Region:
    """A region from its margins on the line through its design point, shape (probe,)."""
    crosses = bool(failed[-1] and not failed[0])
    if exact.sum() < 6:
        return Region(beta * direction, np.nan, np.nan, converged=False)
    bend, slope, level = np.polyfit(PROBES[exact], margin[exact], 2)
    residual = margin[exact] - np.polyval((bend, slope, level), PROBES[exact])
    scale = abs(slope) if slope else np.nan
    roughness = float(np.sqrt(np.sum(residual**2) / (exact.sum() - 3)) / scale)
    shift = float(np.clip(-level / slope, PROBES[0], PROBES[-1])) if slope else 0.0
    return Region((beta + shift) * direction, float(-slope), roughness, crosses and bool(slope < 0))


def _with_lobes(simulations: Simulations, regions: list[Region]) -> tuple[Region, ...]:
    """Regions with the numbers of their lobes: two are in one if the arc between them, a little outside, fails."""
    lobes = list(range(len(regions)))
    for i, j in zip(*np.triu_indices(len(regions), 1), strict=True):
        one, other = regions[i], regions[j]
        sides = [one.direction + share * (other.direction - one.direction) for share in (0.25, 0.5, 0.75)]
        lengths = np.linalg.norm(sides, axis=1)
        if lengths.min() < 0.5:  # opposite of one another
            continue
        arc = 1.2 * max(one.beta, other.beta) * np.array(sides) / lengths[:, None]
        if simulations.search(arc, "FORM").failed.all():
            lobes = [lobes[i] if lobe == lobes[j] else lobe for lobe in lobes]
    number = {lobe: n for n, lobe in enumerate(dict.fromkeys(lobes))}
    return tuple(replace(region, lobe=number[lobe]) for region, lobe in zip(regions, lobes, strict=True))
