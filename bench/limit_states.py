"""Limit states whose failure probability is known exactly, over standard normal variables, for rare failures.

Each is rotated at random (the same rotation always), so that no axis is special. Margins are in standard deviations,
or in units of one cell's current.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import integrate, optimize, stats

from charlib.status import Status

VARIABLES = 6
CORRELATION = -0.85
"""Of the margins of the two lobes of LS1 [1]."""
BENDING = 0.03
"""Of the boundary of LS2 [1/standard deviation]."""
UNEQUAL = 0.4
"""Difference of the two reliability indices of LS3 [1]."""
HALF_ANGLE = np.radians(20.0)
"""Between the axis of a lobe of LS5 and the normals of its two planes [rad]."""
ROTATION = stats.ortho_group.rvs(VARIABLES, random_state=np.random.default_rng(6))
"""Axes of the rotated space, one a row."""
CELLS = 128
SPREAD = 0.15
"""Standard deviation of the logarithm of a cell's current [1]."""
NOISE = 0.03
"""Standard deviation of a noisy margin [standard deviations]: 0.5 mV where one sigma moves it by 17 mV."""
LOST = 0.05
"""Share of simulations without an answer [1]."""
TWIN_SHIFT = 0.12
"""Error of a twin [standard deviations]: 2 mV where one sigma moves the margin by 17 mV."""
TWIN_GAIN = 1.02
"""Of all variables in a twin [1]."""
TWIN_WAVE = 0.03
"""Amplitude of a twin's error that goes up and down [standard deviations]."""
JUMP = 0.1
"""Half of a margin's jump [standard deviations]."""


@dataclass(frozen=True)
class Known:
    """A limit state with its answer.

    Attributes:
        name, variables: what it is called, and their number.
        margin: of points, shape (sample, variable), to shape (sample,).
        pf: exact failure probability [1].
        regions, lobes: numbers of design points, and of connected parts of what fails.
    """

    name: str
    variables: int
    margin: Callable[[np.ndarray], np.ndarray]
    pf: float
    regions: int
    lobes: int

    def __call__(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Margins and statuses, as a limit state gives them."""
        return self.margin(u), np.full(len(u), Status.ok, np.int8)


def planes(normals: np.ndarray, betas: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Distance to the nearest of some planes, positive before it; unit normals of shape (plane, variable)."""
    return (betas - u @ normals.T).min(axis=1)


def in_plane(angles: np.ndarray) -> np.ndarray:
    """Unit vectors at angles [rad] of one plane, in the rotated space, shape (angle, variable)."""
    return np.cos(angles)[:, None] * ROTATION[0] + np.sin(angles)[:, None] * ROTATION[1]


def pf_in_plane(angles: np.ndarray, betas: np.ndarray) -> float:
    """Exact probability to be beyond any of some lines of a plane: in each direction the first one counts [1]."""

    def beyond(angle: float) -> float:
        along = np.cos(angle - angles)
        nearest = np.min(np.where(along > 0, betas / np.where(along > 0, along, 1.0), np.inf))
        return float(np.exp(-(nearest**2) / 2))

    corners = np.unique(np.mod(np.concatenate([angles, (angles + np.roll(angles, 1)) / 2]), 2 * np.pi))
    edges = np.concatenate([[0.0], corners, [2 * np.pi]])
    parts = (integrate.quad(beyond, a, b, epsabs=0, epsrel=1e-9)[0] for a, b in itertools.pairwise(edges))
    return sum(parts) / (2 * np.pi)


def linear(name: str, angles: np.ndarray, extra: np.ndarray, lobes: int, pf: float) -> Known:
    """Planes at angles [rad] of one plane, at a common distance and what each has more, for a failure probability."""
    beta = optimize.brentq(lambda b: np.log(pf_in_plane(angles, b + extra) / pf), 2.0, 8.0, xtol=1e-12)
    return Known(name, VARIABLES, partial(planes, in_plane(angles), beta + extra), pf, len(angles), lobes)


def bent_margin(beta: float, u: np.ndarray) -> np.ndarray:
    """LS2: fails where the first rotated variable is beyond a boundary that bends towards the origin."""
    return beta - BENDING * np.sum(u**2, axis=1) - np.abs(u @ ROTATION[0])


def bent_pf(beta: float) -> float:
    """Its exact failure probability [1]: the other variables' sum of squares is chi-square."""

    def beyond(v: float) -> float:
        return stats.norm.pdf(v) * stats.chi2.sf((beta - v) / BENDING - v * v, VARIABLES - 1)

    edge = (np.sqrt(1 + 4 * BENDING * beta) - 1) / (2 * BENDING)
    return 2 * (integrate.quad(beyond, 0, edge, epsabs=0, epsrel=1e-9, limit=200)[0] + stats.norm.sf(edge))


def bent(pf: float) -> Known:
    """LS2 for a failure probability."""
    beta = optimize.brentq(lambda b: np.log(bent_pf(b) / pf), 2.0, 12.0, xtol=1e-12)
    return Known("LS2", VARIABLES, partial(bent_margin, beta), pf, 2, 2)


def current_margin(limit: float, u: np.ndarray) -> np.ndarray:
    """Current of a column of cells, each log-normal, over a limit, in units of the median current of one cell."""
    return np.exp(SPREAD * u).sum(axis=1) - limit


def tilted_current(tilt: float) -> tuple[float, float]:
    """Limit in units of one cell's median current, and logarithm of the probability that the sum is below it.

    One cell's density times exp(-tilt x) has the limit as the mean of its sum; folding this density with itself, as a
    power of its Fourier transform, and taking the factor back keeps all digits of a small probability.
    """
    points = 1 << 16
    step = 2.0 * CELLS / points
    x = (np.arange(points) + 0.5) * step
    weights = stats.lognorm.pdf(x, SPREAD) * step * np.exp(-tilt * x)
    whole = weights.sum()
    limit = CELLS * float(np.sum(x * weights)) / whole
    folded = np.fft.irfft(np.fft.rfft(weights / whole) ** CELLS, points)
    total = (np.arange(points) + CELLS / 2) * step
    below = total <= limit + step / 2
    share = np.minimum((limit - total[below]) / step + 0.5, 1.0)
    rest = np.sum(share * folded[below] * np.exp(tilt * (total[below] - limit)))
    return limit, float(np.log(rest) + CELLS * np.log(whole) + tilt * limit)


def currents(pf: float) -> Known:
    """A column's sum of currents for a failure probability."""
    tilt = optimize.brentq(lambda a: tilted_current(a)[1] - np.log(pf), 0.1 / SPREAD**2 / CELLS**0.5, 2 / SPREAD**2)
    return Known("128 cells", CELLS, partial(current_margin, tilted_current(tilt)[0]), pf, 1, 1)


def known(pf: float) -> tuple[Known, ...]:
    """All of them for one failure probability [1]."""
    apart = np.arccos(CORRELATION)
    lobe = np.array([-HALF_ANGLE, HALF_ANGLE])
    return (
        linear("LS1", np.array([0.0, apart]), np.zeros(2), 2, pf),
        bent(pf),
        linear("LS3", np.array([0.0, np.pi]), np.array([0.0, UNEQUAL]), 2, pf),
        linear("LS5", np.concatenate([lobe, np.pi + lobe]), np.zeros(4), 2, pf),
        currents(pf),
    )


def scatter(u: np.ndarray) -> np.ndarray:
    """A number between 0 and 1 that is anything, but always the same for a point, shape (sample,)."""
    factors = np.random.default_rng(9).integers(1, 1 << 62, u.shape[1], dtype=np.uint64) * 2 + 1
    mixed = (np.ascontiguousarray(u).view(np.uint64) * factors).sum(axis=1, dtype=np.uint64)
    for _ in range(2):  # the factor as in splitmix64, Steele et al., OOPSLA 2014
        mixed = (mixed ^ (mixed >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
    return ((mixed >> np.uint64(11)) + 0.5) / 2.0**53


def noisy(state: Known, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """With noise on its margin, as of a simulator whose steps depend on everything."""
    margin, status = state(u)
    return margin + NOISE * stats.norm.ppf(scatter(u)), status


def losing(state: Known, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """With simulations that give no answer."""
    margin, _ = state(u)
    lost = scatter(u) < LOST
    return np.where(lost, np.nan, margin), np.where(lost, Status.numerical_failure, Status.ok)


def jumping(state: Known, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """With a jump of its margin at 0."""
    margin, status = state(u)
    return margin + np.where(margin > 0, JUMP, -JUMP), status


def two_valued(state: Known, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """With nothing but pass or fail."""
    margin, status = state(u)
    return np.where(margin > 0, 1.0, -1.0), status


SPOILT = {"noise of 0.03 sigma": noisy, "5 % without an answer": losing, "jump of 0.2 sigma": jumping,
          "pass or fail": two_valued}  # fmt: skip
"""What makes a limit state one that no probability can be established from, by what is wrong with it."""


def shifted(state: Known, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A twin whose margin is too large by a little."""
    margin, status = state(u)
    return margin + TWIN_SHIFT, status


def stretched(state: Known, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A twin in which everything moves the margin by too much."""
    return state(TWIN_GAIN * u)


def wavy(state: Known, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A twin whose error goes up and down from one sample to the next."""
    margin, status = state(u)
    return margin + TWIN_WAVE * np.sin(u.sum(axis=1)), status


def blind(state: Known, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A twin of LS1 or LS3 that knows nothing of the last plane."""
    normals, betas = state.margin.args
    return planes(normals[:-1], betas[:-1], u), np.full(len(u), Status.ok, np.int8)


TWINS = {"exact": Known.__call__, "shifted": shifted, "stretched": stretched, "wavy": wavy, "blind": blind}
"""Twins of a limit state, by what is wrong with them."""
