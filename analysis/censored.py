"""Normal distribution fitted to samples of which some are known only to lie beyond a bound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize, special

from analysis.passes import Moments

TOLERANCE = 1e-5
"""Slope of the log-likelihood per sample [1] at which the search ends; below, its changes drown in rounding."""
POLISH = 2
"""Newton steps from there; each squares the error."""


@dataclass(frozen=True)
class Fit:
    """Mean and standard deviation of the fitted normal, with standard errors, in the samples' unit.

    All NaN where fewer than two different values are known, for then the likelihood has no maximum, or none was found.
    """

    mean: float = np.nan
    std: float = np.nan
    mean_se: float = np.nan
    std_se: float = np.nan


def fit_normal(exact: Moments, bounds: Iterable[tuple[np.ndarray, np.ndarray]]) -> Fit:
    """Maximum-likelihood normal of censored samples.

    In the parameters 1/std and mean/std the log-likelihood is concave (Olsen, Econometrica 46, 1978), so that its one
    maximum is found from anywhere. Without a censored sample the fit is the plain mean and the deviation with n in
    the divisor. Standard errors are those of the observed information.

    Args:
        exact: moments of the samples that are known: the likelihood asks no more of them.
        bounds: of the others, in pieces that are gone over at each step: bounds below which a sample is only known to
            lie, and bounds above which one is; each shape (sample,).

    Source: Cohen, Technometrics 1, 1959, for the problem; Tobin, Econometrica 26, 1958, for bounds of each sample.
    """
    if exact.different < 2:
        return Fit()
    n, centre, scale = exact.n, exact.mean, np.sqrt(exact.squares / exact.n)

    def pieces() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for low, high in bounds:
            below, above = (low - centre) / scale, (high - centre) / scale
            # A value above a bound is its mirror image below the mirrored bound, which has the sign of d turned too.
            yield np.repeat([1.0, -1.0], [below.size, above.size]), np.concatenate([below, -above])

    @lru_cache(maxsize=1)
    def sums(h: float, d: float) -> np.ndarray:
        """What bounds add to the loss, to its slope (2) and to its curvature (3); their number."""
        total = np.zeros(7)
        for sign, bound in pieces():
            w = h * bound - sign * d
            r = _hazard(w)
            k = r * (w + r)
            slopes, bends = (-(r @ bound), r @ sign), (k @ bound**2, -(k @ (bound * sign)), k.sum())
            total += -special.log_ndtr(w).sum(), *slopes, *bends, w.size
        return total

    # In units of the scale from the centre the known samples add up to 0, and their squares to n.
    def loss(parameters: np.ndarray) -> float:
        h, d = map(float, parameters)
        return np.inf if h <= 0 else 0.5 * n * (h * h + d * d) - n * np.log(h) + sums(h, d)[0]

    def slope(parameters: np.ndarray) -> np.ndarray:
        h, d = map(float, parameters)
        return np.array([n * h - n / h, n * d]) + sums(h, d)[1:3]

    def curvature(parameters: np.ndarray) -> np.ndarray:
        h, d = map(float, parameters)
        straight, mixed, turned = sums(h, d)[3:6]
        return np.array([[n + n / h**2 + straight, mixed], [mixed, n + turned]])

    samples = n + sums(1.0, 0.0)[6]
    found = optimize.minimize(
        loss, (1.0, 0.0), method="trust-exact", jac=slope, hess=curvature, options={"gtol": TOLERANCE * samples}
    )
    if not found.success:
        return Fit()
    best = found.x
    for _ in range(POLISH):
        best = best - np.linalg.solve(curvature(best), slope(best))
    h, d = best
    jacobian = np.array([[-d / h**2, 1 / h], [-1 / h**2, 0.0]])
    covariance = jacobian @ np.linalg.inv(curvature(best)) @ jacobian.T
    errors = scale * np.sqrt(np.diag(covariance))
    return Fit(float(centre + scale * d / h), float(scale / h), float(errors[0]), float(errors[1]))


def _hazard(w: np.ndarray) -> np.ndarray:
    """Standard normal density over distribution function, without overflow in the far tail."""
    return np.exp(-0.5 * (w * w + np.log(2 * np.pi)) - special.log_ndtr(w))
