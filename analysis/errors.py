"""How often a column computes wrong at a given cycle, and the cycles that a failure rate allows, from stored samples.

Every sample is right in one interval of cycles: longer than its reads and its precharge ask for, shorter than its
floating lines and its stored bit bear. A rate is a count of those intervals; where counts run out, it is the tail of
normal distributions fitted to each metric, times in their logarithm, and is called extrapolated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import or_

import numpy as np
import xarray as xr
from scipy import special

from analysis.censored import Fit
from analysis.cycles import Everywhere, right_everywhere
from analysis.intervals import StatisticsError, clopper_pearson, normality, tail
from analysis.passes import FEWEST, Each
from analysis.samples import Column, logarithmic, primary_metrics, states
from analysis.statistics import moments, normal_fits
from charlib.arrays import SAMPLE
from charlib.status import FLAG_ATTRS, Status
from netlists.operation import PHASES

FILE = "errors.nc"
"""File of a results directory that holds what :func:`error_rates` returns."""
WORDLINE = PHASES["wl_b"][1] - PHASES["wl_b"][0]
"""Share of a cycle for which the word line is on [1]: a line still high when it ends falls no further."""
PRECHARGE = 1 + PHASES["pre"][0] - PHASES["pre"][1]
"""Share for which precharge is on [1]."""
FLOATING = PHASES["pre"][1] - PHASES["pre"][0]
"""Share for which the lines float or are read [1]."""
ENOUGH = 5
"""Samples in error from which on a count is taken, not a fit: its standard error is then 45 % of it or less."""
SHORTEST, LONGEST = 1e-15, 1e3
"""Cycles between which an extrapolated limit is looked for [s]."""
HALVINGS = 50
"""Bisections of the logarithm of an extrapolated limit: to 1e-13."""
PER_DECADE = 10
"""Cycles per decade where none are asked for."""


@dataclass(frozen=True)
class Part:
    """One way to err.

    Attributes:
        text: what it is.
        shares: metric to the share of a cycle that it has to fit, or to hold for [1]; NaN: no matter of the cycle, its
            limit is its own.
        needed: a run must have its metrics.
        counts: it is an error of a column that computes.
    """

    text: str
    shares: Mapping[str, float]
    needed: bool = True
    counts: bool = True


PARTS: Mapping[str, Part] = {
    "read": Part("an output later than the word line's pulse", {"t_read_p": WORDLINE, "t_read_n": WORDLINE}),
    "precharge": Part("a line not back at its level", {"t_precharge": PRECHARGE}),
    "hold": Part("a floating line that is lost", {"t_hold_line": FLOATING}),
    "disturb": Part("a stored bit lost by reading", {"v_pim": np.nan, "t_pulse_read": WORDLINE}, needed=False),
    "half_select": Part("a stored bit lost in a half-selected column", {"v_half": np.nan}, False, counts=False),
}
"""Ways to err; a part that is not needed is judged by those of its metrics that a run has."""


@dataclass(frozen=True)
class Tail:
    """Normal distribution of one metric in one stored state, in its logarithm where its limit grows with the cycle.

    Attributes:
        label: metric and stored state. part: of :data:`PARTS`.
        sign: 1 where the metric fails high, else -1.
        share: of a cycle [1], NaN where the limit is 0.
        fit: arrays of shape (...); NaN with fewer than ``FEWEST`` values.
        p_value: of the hypothesis that the samples with a value are normal, shape (...).
    """

    label: str
    part: str
    sign: int
    share: float
    fit: Fit
    p_value: np.ndarray

    def rates(self, cycles: np.ndarray, score: float) -> np.ndarray:
        """Probability beyond the limit and its lower and upper end, shape (3, ...) of ``cycles`` [s].

        Args:
            cycles: shape that the fit's arrays spread to. score: standard errors of the distance to either side.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            limit = np.zeros_like(cycles) if np.isnan(self.share) else np.log(self.share * cycles)
            z = self.sign * (limit - self.fit.mean) / self.fit.std
            infinite = np.isinf(z)
            error = np.hypot(self.fit.mean_se, np.where(infinite, 0.0, z) * self.fit.std_se) / self.fit.std
        error = np.where(infinite, 0.0, error)
        return special.ndtr(-np.stack([z, z + score * error, z - score * error]))

    def at(self, *places: int) -> Tail:
        """The same with further dimensions of length 1 behind."""
        fit = Fit(*(getattr(self.fit, name)[(..., *places)] for name in ("mean", "std", "mean_se", "std_se")))
        return Tail(self.label, self.part, self.sign, self.share, fit, self.p_value)


def error_rates(
    characterization: xr.Dataset, rate: float = 1e-3, cycles: Sequence[float] = (), confidence: float = 0.95
) -> xr.Dataset:
    """Probability that a column errs against the cycle, and the shortest and longest cycle at a failure rate.

    Args:
        characterization: what ``charlib.characterize`` returns, with ``t_read_p``, ``t_read_n``, ``t_precharge`` and
            ``t_hold_line``, and what else of :data:`PARTS` there is.
        rate: failure rate [1] at which the limits of the cycle are looked for.
        cycles: [s]; none: ``PER_DECADE`` over all that the samples ask for and bear.
        confidence: confidence level of every interval [1].

    Returns:
        Dataset over the conditions: ``cycle_min`` and ``cycle_max`` [s], each with ``_status``, ``_bound``,
        ``_ci_low``, ``_ci_high``, ``_extrapolated`` and ``_part``, the likeliest error there. With ``cycle``:
        ``counted`` and ``fitted`` with ``_ci_low`` and ``_ci_high``, ``n_errors``, ``n_unknown``, ``extrapolated``.
        With ``part`` as well: ``part_counted``, ``part_fitted``. With ``tail``: ``normality_p``.

    Raises:
        StatisticsError: a metric is missing, a rate, cycle or level out of range.
    """
    data = characterization
    names = _judged(data, rate, cycles)
    dims = tuple(str(d) for d in data["t_read_p"].dims if d != SAMPLE)
    each = {part: right_everywhere(data, dims, own) for part, own in names.items()}
    counting = [own for part, own in names.items() if PARTS[part].counts]
    whole = right_everywhere(data, dims, reduce(or_, counting))
    tails = [one for part, own in names.items() for n, s in own.items() for one in _tails(data, part, n, s)]
    counted = [one for one in tails if PARTS[one.part].counts]
    grid = np.unique(np.asarray(cycles, dtype=float)) if len(cycles) else _grid(whole)
    variables = _over_cycles(whole, counted, grid, dims, confidence)
    for kind, side, sign in (("shortest", "min", 1), ("longest", "max", -1)):
        variables |= _limits(f"cycle_{side}", kind, whole, counted, sign, rate, dims, confidence)
    variables |= _by_part(each, tails, grid, dims, confidence)
    text = {"units": "1", "long_name": "p-value of normality of a metric, times in their logarithm"}
    variables["normality_p"] = (("tail", *dims), np.stack([one.p_value for one in tails]), text)
    coords = {dim: data[dim] for dim in dims} | {
        "cycle": ("cycle", grid, {"units": "s", "long_name": "cycle time"}),
        "part": ("part", list(names), {"units": "1", "long_name": "way to err"}),
        "metrics": ("part", [", ".join(own) for own in names.values()], {"units": "1", "long_name": "judged by"}),
        "tail": ("tail", [one.label for one in tails], {"units": "1", "long_name": "metric and stored state"}),
    }
    missing = ", ".join(part for part in PARTS if part not in names) or "none"
    own = {"title": "error rates of a column", "rate": rate, "confidence": confidence, "not_judged": missing}
    return xr.Dataset(variables, coords, data.attrs | own)


def _judged(data: xr.Dataset, rate: float, cycles: Sequence[float]) -> dict[str, dict[str, float]]:
    """Part to those of its metrics that are there, with their shares; raises StatisticsError for a bad question."""
    if not 0 < rate < 1:
        raise StatisticsError(f"rate={rate!r} is outside 0..1")
    for cycle in cycles:
        if not 0 < cycle < np.inf:
            raise StatisticsError(f"cycle={cycle!r} s is not above 0")
    held = primary_metrics(data)
    missing = [name for part in PARTS.values() if part.needed for name in part.shares if name not in held]
    if missing:
        raise StatisticsError(f"error rates need {', '.join(missing)} as well: add them to characterize.metrics")
    found = {key: {n: s for n, s in part.shares.items() if n in held} for key, part in PARTS.items()}
    return {part: own for part, own in found.items() if own}


def _tails(data: xr.Dataset, part: str, name: str, share: float) -> list[Tail]:
    """Fitted distributions of a metric in each stored state."""
    found = []
    timed = not np.isnan(share)
    for label, one, _ in states(data, name, partial(_fitted, timed=timed)):
        sign = 1 if data[name].attrs["fails_when"] == "high" else -1
        p_value = one.pop("p_value")
        found.append(Tail(label, part, sign, share, Fit(**one), p_value))
    return found


def _fitted(samples: Column, timed: bool) -> dict[str, float]:
    """Fit of samples at one condition, of their logarithms if ``timed``, and the p-value of normality."""
    samples = Each(logarithmic, samples) if timed else samples
    known = moments(samples)
    fit = normal_fits(samples) if known.n >= FEWEST else Fit()
    return vars(fit) | {"p_value": normality(known)}


def _grid(whole: Everywhere) -> np.ndarray:
    """Cycles [s] from half the shortest that a sample asks for to twice the longest that one bears."""
    least, most = np.inf, -np.inf
    for end in (end for pieces in whole.each for piece in pieces for end in (*piece.low, *piece.high)):
        cycles = end[np.isfinite(end) & (end > 0)]
        least, most = cycles.min(initial=least), cycles.max(initial=most)
    if least > most:
        raise StatisticsError("no sample is right at any cycle: name the cycles to look at")
    first, last = np.floor(PER_DECADE * np.log10(least / 2)), np.ceil(PER_DECADE * np.log10(2 * most))
    exponents = np.arange(first, last + 1) / PER_DECADE
    return np.array([float(f"{10**e:.2g}") for e in exponents])


def _lost(right: Everywhere, confidence: float) -> np.ndarray:
    """Share of samples that err at every cycle with its interval, shape (3, ...); 0 without one: it has no tail."""
    lost, n = right.lost(), right.n
    return np.where(lost > 0, np.stack([lost / n, *clopper_pearson(lost, n, confidence)]), 0.0)


def _together(tails: Sequence[Tail], lost: np.ndarray, cycles: np.ndarray, confidence: float) -> np.ndarray:
    """Rate of at least one error with lower and upper end, shape (3, ...): Boole's bound, and the largest part.

    Args:
        lost: what :func:`_lost` gives, shape (3, ...) of ``cycles``.
    """
    score = -special.ndtri(tail(confidence))
    rates = [one.rates(cycles, score) for one in tails]
    value, high = (np.minimum(1.0, lost[i] + sum(one[i] for one in rates)) for i in (0, 2))
    return np.stack([value, reduce(np.maximum, (one[1] for one in rates), lost[1]), high])


def _over_cycles(
    whole: Everywhere, tails: Sequence[Tail], grid: np.ndarray, dims: tuple, confidence: float
) -> dict[str, tuple]:
    """Variables over conditions and cycle."""
    errors, open_ = whole.errs(grid)
    n = whole.n
    low, high = clopper_pearson(errors, n, confidence)[0], clopper_pearson(errors + open_, n, confidence)[1]
    counted = errors / np.where(n > open_, n - open_, np.nan)
    cycles = np.broadcast_to(grid, errors.shape)
    lost = _lost(whole, confidence)[..., None]
    fitted = _together([one.at(None) for one in tails], lost, cycles, confidence)
    places = (*dims, "cycle")
    guess = (errors < ENOUGH) & np.isfinite(fitted[0])
    one = lambda values, text: (places, values, {"units": "1", "long_name": text})  # noqa: E731
    return {
        "counted": one(counted, "probability of an error, counted"),
        "counted_ci_low": one(low, "its lower limit, every unknown sample right"),
        "counted_ci_high": one(high, "its upper limit, every unknown sample wrong"),
        "n_errors": one(errors, "samples: in error"),
        "n_unknown": one(open_, "samples: unknown"),
        "fitted": one(fitted[0], "probability of an error, by fitted tails"),
        "fitted_ci_low": one(fitted[1], "its lower limit"),
        "fitted_ci_high": one(fitted[2], "its upper limit"),
        "extrapolated": one(guess.astype(np.int8), f"1: fewer than {ENOUGH} errors, take the fitted tails"),
    }


def _by_part(
    each: Mapping[str, Everywhere], tails: Sequence[Tail], grid: np.ndarray, dims: tuple, confidence: float
) -> dict[str, tuple]:
    """Rates of each part by itself over conditions and cycle."""
    counted, fitted = [], []
    for part, right in each.items():
        errors, open_ = right.errs(grid)
        n = right.n
        counted.append(errors / np.where(n > open_, n - open_, np.nan))
        own = [one.at(None) for one in tails if one.part == part]
        lost = _lost(right, confidence)[..., None]
        fitted.append(_together(own, lost, np.broadcast_to(grid, errors.shape), confidence)[0])
    places = ("part", *dims, "cycle")
    about = {"units": "1", "long_name": "probability of one way to err"}
    return {"part_counted": (places, np.stack(counted), about), "part_fitted": (places, np.stack(fitted), about)}


def _limits(
    name: str,
    kind: str,
    whole: Everywhere,
    tails: Sequence[Tail],
    sign: int,
    rate: float,
    dims: tuple,
    confidence: float,
) -> dict[str, tuple]:
    """Variables of the shortest (sign 1) or longest (-1) cycle at a failure rate."""
    n = whole.n
    by_count = whole.limits(sign, rate, confidence)
    own = [one for one in tails if np.isnan(one.share) or one.sign == sign]
    lost = _lost(whole, confidence)
    by_fit = _crossing(own, lost, sign, rate, confidence)
    by_fit[1:] = np.sort(by_fit[1:], axis=0)
    known = np.isfinite(_together(own, lost, np.ones(lost.shape[1:]), confidence)[0])
    guess = (rate * n < ENOUGH) & known
    counts = (by_count[0], *by_count[3:][::sign])
    value, low, high = (np.where(guess, fit, sign * count) for fit, count in zip(by_fit, counts, strict=True))
    status = np.where(guess, np.where(np.isinf(by_fit[0]), Status.not_performed, Status.ok), _turned(by_count[1], sign))
    value = np.where(status == Status.ok, value, np.nan)
    bound = np.where(guess, np.nan, sign * by_count[2])
    text = f"{kind} cycle at the failure rate"
    about = lambda what: {"units": "s", "long_name": f"{text}{what}"}  # noqa: E731
    plain = lambda what: {"units": "1", "long_name": what}  # noqa: E731
    return {
        name: (dims, value, about("") | {"ancillary_variables": f"{name}_status"}),
        f"{name}_status": (dims, status.astype(np.int8), plain(f"status of {name}") | FLAG_ATTRS),
        f"{name}_bound": (dims, bound, about(", bound where it is censored")),
        f"{name}_ci_low": (dims, low, about(", lower limit of the interval")),
        f"{name}_ci_high": (dims, high, about(", upper limit of the interval")),
        f"{name}_extrapolated": (dims, guess.astype(np.int8), plain(f"1: {text} by fitted tails")),
        f"{name}_part": (dims, _likeliest(own, value), plain(f"likeliest error at the {text}")),
    }


def _turned(status: np.ndarray, sign: int) -> np.ndarray:
    """Statuses of a number that was looked for with its sign turned."""
    swap = {Status.censored_low: Status.censored_high, Status.censored_high: Status.censored_low}
    return status if sign == 1 else np.vectorize(lambda s: swap.get(s, s), otypes=[np.int8])(status)


def _crossing(tails: Sequence[Tail], lost: np.ndarray, sign: int, rate: float, confidence: float) -> np.ndarray:
    """Cycles [s] at which fitted tails and both of their ends come down to a rate, shape (3, ...).

    Infinite where no cycle does.

    Args:
        sign: 1 where longer cycles err less, else -1.
    """

    def above(cycles: np.ndarray) -> np.ndarray:
        return np.stack([_together(tails, lost, one, confidence)[i] for i, one in enumerate(cycles)]) > rate

    good, bad = (np.full(lost.shape, np.log(end)) for end in (LONGEST, SHORTEST)[::sign])
    never = above(np.exp(good))
    for _ in range(HALVINGS):
        middle = (good + bad) / 2
        wrong = above(np.exp(middle))
        good, bad = np.where(wrong, good, middle), np.where(wrong, middle, bad)
    return np.where(never, sign * np.inf, np.exp(good))


def _likeliest(tails: Sequence[Tail], cycles: np.ndarray) -> np.ndarray:
    """Part whose fitted tail is largest at a cycle, shape (...); empty where there is none."""
    rates = np.stack([one.rates(np.nan_to_num(cycles, nan=1.0), 0.0)[0] for one in tails])
    known = np.isfinite(rates).any(axis=0) & np.isfinite(cycles)
    which = np.argmax(np.nan_to_num(rates, nan=-1.0), axis=0)
    return np.where(known, np.array([one.part for one in tails], dtype=object)[which], "")
