"""Lowest supply at which a cell works: every operation at a stated sigma level, from stored samples.

Each metric is taken as normal at every condition, times in their logarithm: mean and standard deviation come from the
samples, the tail from that assumption. Nothing is extrapolated along the supply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import xarray as xr
from scipy import stats

from analysis.intervals import StatisticsError, tail
from analysis.passes import Each
from analysis.samples import Column, count, logarithmic, primary_metrics, states
from analysis.statistics import normal_fits
from charlib.status import FLAG_ATTRS, Status

OPERATIONS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "read": (("snm_read",), ("sinm",)),
    "write": (("wm_bl",), ("wm_wl",), ("snm_write",)),
    "retention": (("snm_hold",), ("drv",)),
    "pim": (("v_pim", "t_read_p", "t_read_n"), ("v_pim",), ("t_read_p", "t_read_n")),
}
"""Operation to what can judge it, the first of which a run has all metrics. Of static margins one is enough, as those
of an operation change their sign together; the PIM operation has to leave the bit where it is and to come in time.
"""
PARTS = ("v_min", "v_min_status", "v_min_bound", "v_min_ci_low", "v_min_ci_high")


@dataclass(frozen=True)
class Headroom:
    """How far a metric at the sigma level is from its limit, positive where it holds, on a grid with VDD last.

    Attributes:
        label: metric and, where it has lobes, stored state.
        value: shape (..., vdd), in the metric's unit, in its logarithm for times; infinite where all samples lie beyond
            a bound on one side or too many did not perform, NaN where the samples do not tell.
        error: standard error of ``value``, 0 where that is infinite.
    """

    label: str
    value: np.ndarray
    error: np.ndarray


@dataclass(frozen=True)
class Lowest:
    """Lowest supply and its interval; every array has shape (...).

    Attributes:
        value: V_min [V], NaN where ``status`` is not ``ok``.
        status: ``censored_low``: at or below ``bound``; ``censored_high``: above it; ``suspect``: not known.
        bound: simulated supply [V], NaN where there is a value.
        low, high: confidence interval [V], infinite where it reaches beyond what was simulated.
    """

    value: np.ndarray
    status: np.ndarray
    bound: np.ndarray
    low: np.ndarray
    high: np.ndarray


def v_min(
    characterization: xr.Dataset,
    sigma: float,
    confidence: float = 0.95,
    metrics: Sequence[str] | None = None,
    t_read: float | None = None,
) -> xr.Dataset:
    """Lowest supply at which read, write, retention and the PIM operation hold, each by itself and all together.

    A cell fails in an operation where either stored state does, so that each state is given half of the probability
    that ``sigma`` leaves. V_min is where the metric's mean, less that many standard deviations, meets its limit on the
    way down from the highest supply; between two simulated supplies the distance to the limit is taken as straight.

    Args:
        characterization: what ``charlib.characterize`` returns, several supplies.
        sigma: level [1]: an operation fails with probability Phi(-sigma) at most.
        confidence: confidence level of the intervals [1], from the errors of mean and deviation.
        metrics: judge by these, all of them; None is the preference of :data:`OPERATIONS`.
        t_read: longest delay of the PIM read [s], never more than the window it was looked for in; None is the window.

    Returns:
        Dataset over the conditions without ``vdd``: ``all_v_min`` and ``all_limit`` (the metric that limits it); with
        the further dimension ``operation`` ``v_min`` and ``limit``; each ``v_min`` with ``_status``, ``_bound``,
        ``_ci_low``, ``_ci_high``. Attribute ``not_judged`` names operations of which no metric is there.

    Raises:
        StatisticsError: fewer than two supplies, no metric of any operation, a metric that would not count,
            an illegal level or delay.
    """
    if not 0 < sigma < np.inf:
        raise StatisticsError(f"sigma={sigma!r} is not above 0 and finite (--sigma)")
    if t_read is not None and not 0 < t_read < np.inf:
        raise StatisticsError(f"t_read={t_read!r} s is not above 0 and finite (--t-read)")
    vdd = np.sort(characterization["vdd"].values)
    if vdd.size < 2:
        raise StatisticsError(f"V_min needs two supplies or more, this run has vdd={vdd[0]:g} V alone")
    chosen = _chosen(characterization, metrics)
    score = stats.norm.isf(tail(confidence))
    data = characterization.sortby("vdd")
    dims = tuple(str(d) for d in data[chosen[next(iter(chosen))][0]].dims if d not in ("vdd", "sample"))
    found, limits = [], []
    for names in chosen.values():
        parts = headrooms(data, names, sigma, np.inf if t_read is None else t_read)
        each = [_lowest(vdd, part, score) for part in parts]
        highest, which = _highest(each)
        found.append(highest)
        limits.append(_labels([part.label for part in parts], which, highest.status))
    together, which = _highest(found)
    limit = np.take_along_axis(np.stack(limits), which[None], axis=0)[0]
    variables = _variables("v_min", _stacked(found), ("operation", *dims))
    variables |= _variables("all_v_min", together, dims)
    about = {"units": "1", "long_name": "metric that limits V_min, and stored state"}
    variables["limit"] = (("operation", *dims), np.stack(limits), about)
    variables["all_limit"] = (dims, limit, about)
    coords = {dim: data[dim] for dim in dims}
    coords["operation"] = ("operation", list(chosen), {"units": "1", "long_name": "operation"})
    coords["metric"] = ("operation", [", ".join(names) for names in chosen.values()], {"units": "1"})
    missing = ", ".join(name for name in OPERATIONS if name not in chosen)
    own = {"title": "lowest supply", "sigma": sigma, "confidence": confidence, "not_judged": missing or "none"}
    return xr.Dataset(variables, coords, characterization.attrs | own)


def _chosen(characterization: xr.Dataset, metrics: Sequence[str] | None) -> dict[str, tuple[str, ...]]:
    """Operation to the metrics that judge it."""
    held = primary_metrics(characterization)
    judges = list(dict.fromkeys(name for choices in OPERATIONS.values() for choice in choices for name in choice))
    for name in metrics or ():
        if name not in judges:
            raise StatisticsError(f"metric {name!r} judges no operation; legal: {', '.join(judges)}")
        if name not in held:
            raise StatisticsError(f"metric {name!r} is not one of {', '.join(held)}")
    legal = set(metrics or held) & set(held)
    found = {}
    for operation, choices in OPERATIONS.items():
        usable = [choice for choice in choices if legal.issuperset(choice)]
        if usable:
            found[operation] = usable[0]
    if not found:
        raise StatisticsError(f"no operation can be judged; V_min needs one of {_sets(OPERATIONS)}")
    taken = {name for choice in found.values() for name in choice}
    for name in metrics or ():
        if name not in taken:
            legal = _sets(operation for operation in OPERATIONS if any(name in c for c in OPERATIONS[operation]))
            problem = f"metric {name!r} would not count beside the others"
            raise StatisticsError(f"{problem}; legal: one of {legal} (--metric)")
    return found


def _sets(operations: Iterable[str]) -> str:
    """What can judge some operations, as text."""
    return "; ".join(" + ".join(choice) for operation in operations for choice in OPERATIONS[operation])


def headrooms(data: xr.Dataset, names: Sequence[str], sigma: float, t_read: float = np.inf) -> list[Headroom]:
    """Distances to the limits of all metrics and stored states of one operation, arrays of shape (..., vdd).

    Args:
        data: characterization, supplies rising. names: metrics of the operation.
        sigma: level of the operation [1], shared out among the parts. t_read: longest delay [s].
    """
    parts = []
    for name in names:
        limit = _limit(data, name, t_read)
        timed = data[name].attrs["units"] == "s"
        sign = 1.0 if data[name].attrs["fails_when"] == "low" else -1.0
        for label, found, dims in states(data, name, partial(_fitted, timed=timed)):
            here = limit.transpose(*dims).values
            distance = sign * (found["mean"] - (np.log(here) if timed else here))
            parts.append((label, found | {"distance": distance}, dims.index("vdd")))
    level = float(stats.norm.isf(stats.norm.sf(sigma) / len(parts)))
    return [_headroom(label, found, axis, level) for label, found, axis in parts]


def _fitted(samples: Column, timed: bool) -> dict[str, object]:
    """Fit of samples at one condition, of their logarithms if ``timed``, and what became of them."""
    counts = count(samples)
    fit = normal_fits(Each(logarithmic, samples) if timed else samples, counts)
    return vars(fit) | {
        "all_failed": 0 < counts.known == counts.n_failed,
        "all_beyond": 0 < counts.known == counts.n_beyond,
        "lost": counts.not_performed / max(counts.known, 1),
    }


def _limit(data: xr.Dataset, name: str, t_read: float) -> xr.DataArray:
    """Limit of a metric at every condition [its unit]; raises StatisticsError where it has none."""
    place, attrs = data[name].isel(sample=0, drop=True), data[name].attrs
    if name == "drv":  # the cell loses its bit where its supply is the retention voltage
        return xr.zeros_like(place) + data["vdd"]
    window = f"{attrs.get('testbench')}_window"
    own = float(attrs.get("fail_limit", np.nan))
    timed = attrs["units"] == "s" and window in data
    limit = xr.zeros_like(place) + (np.minimum(data[window], t_read) if timed else own)
    if not np.isfinite(limit).all():
        raise StatisticsError(f"{name} has no limit: the characterization has neither fail_limit nor {window}")
    return limit


def _headroom(label: str, found: Mapping[str, np.ndarray], axis: int, level: float) -> Headroom:
    """Headroom of one part.

    Args:
        found: what :func:`_fitted` tells at every condition, and ``distance`` of the mean to the limit. axis: the
            supply's among the conditions. level: in deviations [1].
    """
    value = found["distance"] - level * found["std"]
    error = np.hypot(found["mean_se"], level * found["std_se"])
    value = np.where(found["all_beyond"], np.inf, value)
    value = np.where(found["all_failed"] | (found["lost"] > stats.norm.sf(level)), -np.inf, value)
    error = np.where(np.isinf(value), 0.0, error)
    return Headroom(label, np.moveaxis(value, axis, -1), np.moveaxis(error, axis, -1))


def _lowest(vdd: np.ndarray, part: Headroom, score: float) -> Lowest:
    """Lowest supply of one part and its interval, ``score`` standard errors to either side."""
    value, status, bound = lowest_supply(vdd, part.value)
    ends = []
    for side, beyond, opposite in ((1, Status.censored_low, -np.inf), (-1, Status.censored_high, np.inf)):
        end, kind, at = lowest_supply(vdd, part.value + side * score * part.error)
        end = np.where(np.isin(kind, (Status.censored_low, Status.censored_high)), at, end)
        ends.append(np.where(kind == beyond, opposite, end))
    return Lowest(value, status, bound, *ends)


def lowest_supply(vdd: np.ndarray, headroom: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Supply from which on upwards a distance to a limit stays positive: value [V], status, bound [V], shape (...).

    Args:
        vdd: rising, shape (vdd,).
        headroom: shape (..., vdd). NaN does not count as holding. Between a supply that holds and the next lower one
            that does not the distance is a straight line; where either is infinite or NaN the upper one is the bound.

    >>> value, _, _ = lowest_supply(np.array([0.5, 0.6, 0.7]), np.array([-0.02, 0.06, 0.1]))
    >>> print(f"{value:.3f}")
    0.525
    """
    fails = ~(headroom >= 0)
    below = fails.shape[-1] - 1 - np.argmax(fails[..., ::-1], axis=-1)
    above = np.minimum(below + 1, vdd.size - 1)
    low, high = (np.take_along_axis(headroom, at[..., None], -1)[..., 0] for at in (below, above))
    with np.errstate(invalid="ignore", divide="ignore"):
        value = vdd[below] + (vdd[above] - vdd[below]) * (-low / (high - low))
    top = headroom[..., -1]
    status = np.where(np.isfinite(low) & np.isfinite(high), Status.ok, Status.censored_low)
    bound = vdd[above]
    for mask, flag, at in (
        (~fails.any(-1), Status.censored_low, vdd[0]),
        (top < 0, Status.censored_high, vdd[-1]),
        (np.isnan(top), Status.suspect, np.nan),
    ):
        status, bound = np.where(mask, flag, status), np.where(mask, at, bound)
    good = status == Status.ok
    return np.where(good, value, np.nan), status.astype(np.int8), np.where(good, np.nan, bound)


def _highest(each: Sequence[Lowest]) -> tuple[Lowest, np.ndarray]:
    """The part that limits, everywhere: all must hold; and its number. What is not known makes the whole unknown."""
    whole = _stacked(each)
    rank = np.select([whole.status == Status.suspect, whole.status == Status.censored_high], [3, 2], 1)
    number = np.nan_to_num(np.where(whole.status == Status.ok, whole.value, whole.bound), nan=np.inf)
    # At the same number a value says more than a bound that it may be below.
    exact = (whole.status == Status.ok).astype(int)
    which = np.lexsort((exact, number, rank), axis=0)[-1]

    def take(values: np.ndarray) -> np.ndarray:
        return np.take_along_axis(values, which[None], axis=0)[0]

    ends = (np.where(np.isnan(e).any(axis=0), np.nan, e.max(axis=0)) for e in (whole.low, whole.high))
    return Lowest(take(whole.value), take(whole.status), take(whole.bound), *ends), which


def _stacked(each: Sequence[Lowest]) -> Lowest:
    return Lowest(
        *(np.stack([vars(one)[name] for one in each]) for name in ("value", "status", "bound", "low", "high"))
    )


def _labels(labels: Sequence[str], which: np.ndarray, status: np.ndarray) -> np.ndarray:
    """Label of the limiting part; empty where V_min is below what was simulated, so that nothing limits there."""
    return np.where(status == Status.censored_low, "", np.array(labels, dtype=object)[which])


def _variables(name: str, lowest: Lowest, dims: tuple[str, ...]) -> dict[str, tuple]:
    """Variables of one result; ``name`` is what V_min is called in it."""
    label = "lowest supply at which every operation holds" if name.startswith("all") else "lowest supply"
    about: Callable[[str], dict] = lambda what: {"units": "V", "long_name": f"{label}{what}"}  # noqa: E731
    return {
        name: (dims, lowest.value, about("") | {"ancillary_variables": f"{name}_status"}),
        f"{name}_status": (dims, lowest.status, {"units": "1", "long_name": f"status of {name}", **FLAG_ATTRS}),
        f"{name}_bound": (dims, lowest.bound, about(", bound where it is censored")),
        f"{name}_ci_low": (dims, lowest.low, about(", lower limit of the interval")),
        f"{name}_ci_high": (dims, lowest.high, about(", upper limit of the interval")),
    }
