"""Sensitivity of each metric to each transistor: regression on the draws of the Monte Carlo run.

The draws are standard normals that belong to device paths, so that the seed gives them back. A metric that exists per
stored state is regressed per stored state: one state's margin is nearly linear in the threshold voltages, while the
worse of the two has a kink where they are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from analysis.intervals import StatisticsError
from analysis.passes import Each, Pieces
from analysis.samples import place_by_place, primary_metrics
from charlib.arrays import SAMPLE, spans
from charlib.variation import normals

ROWS = 1 << 16
"""Samples of a step of the regression: some megabytes for each random number."""


class NoDraws(StatisticsError):
    """A Dataset that does not tell the draws behind its samples."""


@dataclass(frozen=True)
class Draws:
    """Standard normals behind samples, made as they are asked for.

    Attributes:
        paths: random numbers. seed: of the run. numbers: of the samples, shape (sample,); None is 0 onwards.
    """

    paths: Sequence[str]
    seed: int
    numbers: np.ndarray | None = None

    @property
    def shape(self) -> tuple[None, int]:
        """As of an array, but for the number of samples."""
        return None, len(self.paths)

    def __getitem__(self, span: slice) -> np.ndarray:
        """Those of some samples, shape (sample, path)."""
        own = np.arange(span.start, span.stop) if self.numbers is None else self.numbers[span]
        first = int(own.min())
        return normals(self.paths, self.seed, first, int(own.max()) - first + 1)[own - first]


@dataclass(frozen=True)
class Regression:
    """Least-squares plane through samples over standard normals.

    Attributes:
        slope: change of the value for one standard deviation of each variable, shape (variable,), the value's unit.
        slope_se: standard error of each slope, same unit.
        share: share of each variable in the variance [1], slope squared over the sum of all of them and of the
            residual's variance: the variables are independent and have variance 1.
        rest: share of the residual [1], what is not linear in the variables; with ``share`` it sums up to 1.
        r2: share of the samples' own variance that the plane explains [1].
        n: samples used.
    """

    slope: np.ndarray
    slope_se: np.ndarray
    share: np.ndarray
    rest: float
    r2: float
    n: int


def regress(values: Pieces, draws: np.ndarray | Draws) -> Regression:
    """Ordinary least squares with an intercept, ``ROWS`` samples at a time.

    Args:
        values: pieces of shape (sample,), NaN where there is none; left out.
        draws: standard normals [1], shape (sample, variable).

    Returns:
        NaN in every number but ``n`` with fewer samples than variables and two more, or values all equal.

    Source: any textbook, e.g. Draper and Smith, Applied Regression Analysis, 3rd ed., 1998, chapter 5. Errors suppose
    a residual of the same variance everywhere.
    """
    n, low, high, variables = 0, np.inf, -np.inf, draws.shape[1]
    for piece in values:
        good = piece[np.isfinite(piece)]
        n, low, high = n + good.size, good.min(initial=low), good.max(initial=high)
    freedom, scale = n - variables - 1, high - low
    if freedom < 1 or scale == 0:
        nothing = np.full(variables, np.nan)
        return Regression(nothing, nothing, nothing, np.nan, np.nan, n)
    # The triangular factor of all rows (1, draws, value) is that of the rows so far, with those that follow below it.
    factor, first = np.empty((0, variables + 2)), 0
    for piece in values:
        for span in spans(piece.size, ROWS):
            here = np.isfinite(piece[span])
            drawn = draws[first + span.start : first + span.stop][here]
            rows = np.column_stack([np.ones(here.sum()), drawn, piece[span][here] / scale])
            factor = np.linalg.qr(np.vstack([factor, rows]), mode="r")
        first += piece.size
    design, seen, residual = factor[:-1, :-1], factor[:-1, -1], factor[-1, -1] ** 2
    found, variance = np.linalg.solve(design, seen), residual / freedom
    errors = np.sqrt(variance * np.sum(np.linalg.inv(design) ** 2, axis=1))
    square = found[1:] ** 2
    whole = square.sum() + variance
    r2 = 1 - residual / (np.sum(seen[1:] ** 2) + residual)
    return Regression(scale * found[1:], scale * errors[1:], square / whole, variance / whole, r2, n)


def devices(characterization: xr.Dataset, metric: str) -> xr.DataArray:
    """Standard deviation of the threshold [V] of each random number behind a metric, over ``device``.

    NaN where a random number is no single transistor's threshold: another parameter, or what a die shares.

    Raises:
        NoDraws: the characterization does not record them, or drew nothing.
    """
    attrs = characterization.attrs
    if not isinstance(attrs.get("seed"), int | np.integer):
        raise NoDraws("the run drew no transistors, so that no sensitivity can be found")
    testbench = characterization[metric].attrs.get("testbench")
    name = f"{testbench}_draws"
    if name not in characterization:
        raise NoDraws(
            f"{metric}: the characterization has no {name}, the random numbers of {testbench}; an older version "
            "wrote it: run the same command again, nothing will be simulated"
        )
    drawn = characterization[name].values.astype(bool)
    if str(attrs.get("local_variation")) != "True":
        drawn &= [str(path).startswith("global.") for path in characterization["device"].values]
    if not drawn.any():
        raise NoDraws("the run drew no transistors, so that no sensitivity can be found")
    return characterization[f"{testbench}_sigma"][drawn]


def sensitivity(characterization: xr.Dataset, metrics: Sequence[str] | None = None) -> xr.Dataset:
    """Regression of every metric at every condition on the draws of its transistors.

    Args:
        characterization: what ``charlib.characterize`` returns, with mismatch drawn.
        metrics: which; None is all.

    Returns:
        Dataset over the conditions, ``lobe`` where the metric exists per stored state, and ``device``; for each metric
        M the variables of :data:`REPORT`, as ``M_slope``. Transistors that the metric's testbench lacks are NaN. Only
        samples with a value count, ``M_n`` of them.

    Raises:
        StatisticsError: a metric is not there.
        NoDraws: no mismatch was drawn, or the transistors are not on record.
    """
    names = tuple(metrics or primary_metrics(characterization))
    if not names:
        raise StatisticsError("the characterization has no metric over samples")
    found = xr.Dataset(attrs=characterization.attrs | {"title": "sensitivity of metrics to transistors"})
    for name in names:
        found = found.merge(_sensitivity(characterization, name), compat="no_conflicts", join="exact")
    return found


@dataclass(frozen=True)
class Quantity:
    """One number of a sensitivity: what it means, whether it exists for each device, and its unit if not the metric's.

    ``V`` in ``per`` is what the metric's unit is divided by.
    """

    meaning: str
    each: bool
    unit: str | None = None
    per: str | None = None


REPORT = {
    "slope": Quantity("change for one standard deviation", each=True),
    "slope_se": Quantity("standard error of the change for one standard deviation", each=True),
    "slope_per_volt": Quantity("change for one volt of |Vth|", each=True, per="V"),
    "share": Quantity("share of the variance that is linear in it", each=True, unit="1"),
    "rest": Quantity("share of the variance that is not linear in anything drawn", each=False, unit="1"),
    "r2": Quantity("R2 of the regression on the draws", each=False, unit="1"),
    "n": Quantity("samples in the regression", each=False, unit="1"),
}
"""What is found of each metric, by the suffix of its variables."""


def _sensitivity(characterization: xr.Dataset, metric: str) -> xr.Dataset:
    """Variables of one metric."""
    name = f"{metric}_lobes" if f"{metric}_lobes" in characterization else metric
    sigma = devices(characterization, metric)
    paths = [str(path) for path in sigma["device"].values]
    numbers = characterization[SAMPLE].values if SAMPLE in characterization.coords else None
    draws = Draws(paths, int(characterization.attrs["seed"]), numbers)
    fits, dims = place_by_place(
        characterization, name, lambda c: vars(regress(Each(lambda s: np.where(s.good, s.value, np.nan), c), draws))
    )
    attrs = characterization[name].attrs
    variables = {}
    for suffix, quantity in REPORT.items():
        array = fits[suffix.removesuffix("_per_volt")]
        if quantity.per:
            array = array / np.where(sigma.values > 0, sigma.values, np.nan)
        unit = quantity.unit or _ratio(str(attrs["units"]), quantity.per)
        about = {"units": unit, "long_name": f"{attrs.get('long_name', metric)}: {quantity.meaning}"}
        variables[f"{metric}_{suffix}"] = ((*dims, "device") if quantity.each else dims, array, about)
    kept = {dim: characterization[dim] for dim in dims if dim in characterization.coords}
    found = xr.Dataset(variables, coords={**kept, "device": sigma["device"]})
    return found.reindex(device=characterization["device"])


def _ratio(unit: str, per: str | None) -> str:
    """A unit over another one.

    >>> _ratio("V", "V"), _ratio("s", "V"), _ratio("s", None)
    ('1', 's/V', 's')
    """
    return unit if per is None else "1" if unit == per else f"{unit}/{per}"
