"""Normal distribution fitted to samples of which some are known only to lie beyond a bound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

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


def fit_normal(lower: np.ndarray, upper: np.ndarray) -> Fit:
    """Maximum-likelihood normal of censored samples.

    In the parameters 1/std and mean/std the log-likelihood is concave (Olsen, Econometrica 46, 1978), so that its one
    maximum is found from anywhere. Without a censored sample the fit is the plain mean and the deviation with n in
    the divisor. Standard errors are those of the observed information.

    Args:
        lower, upper: limits of each true value, shape (sample,): both the value where it is known, ``-inf`` and the
            bound where the value is only known to lie below it, the bound and ``inf`` where above. NaN is left out.

    Source: Cohen, Technometrics 1, 1959, for the problem; Tobin, Econometrica 26, 1958, for bounds of each sample.
    """
    known = lower == upper
    exact = lower[known & np.isfinite(lower)]
    if np.unique(exact).size < 2:
        return Fit()
    centre, scale = exact.mean(), exact.std()
    below = (upper[np.isneginf(lower) & np.isfinite(upper)] - centre) / scale
    above = (lower[np.isposinf(upper) & np.isfinite(lower)] - centre) / scale
    # A value above a bound is its mirror image below the mirrored bound, which has the sign of d turned as well.
    sign, bound = np.repeat([1.0, -1.0], [below.size, above.size]), np.concatenate([below, -above])
    x, n = (exact - centre) / scale, exact.size

    def loss(parameters: np.ndarray) -> float:
        h, d = parameters
        if h <= 0:
            return np.inf
        return 0.5 * np.sum((h * x - d) ** 2) - n * np.log(h) - np.sum(stats.norm.logcdf(h * bound - sign * d))

    def slope(parameters: np.ndarray) -> np.ndarray:
        h, d = parameters
        z, r = h * x - d, _hazard(h * bound - sign * d)
        return np.array([z @ x - n / h - r @ bound, -z.sum() + r @ sign])

    def curvature(parameters: np.ndarray) -> np.ndarray:
        h, d = parameters
        w = h * bound - sign * d
        k = _hazard(w) * (w + _hazard(w))
        mixed = -x.sum() - k @ (bound * sign)
        return np.array([[x @ x + n / h**2 + k @ bound**2, mixed], [mixed, n + k.sum()]])

    samples = n + bound.size
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
    return np.exp(stats.norm.logpdf(w) - stats.norm.logcdf(w))
