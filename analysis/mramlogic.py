"""How often sensing MRAM cells goes wrong, from stored samples, and the latch that a stated rate asks for.

A sample errs where the latch says something wrong or nothing in any case of an operation; that is counted. Where counts
run out, what the latch's offset leaves of the margin at its inputs, ``v_<operation> - v_offset`` of the same sample,
has normal distributions fitted to it, one for each result, and the rate is their tail: then it is extrapolated. XOR is
OR without AND, sensed one after the other by the same latch on the same cells, so its samples are those of both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from scipy import special, stats

from analysis.errors import ENOUGH
from analysis.intervals import StatisticsError, clopper_pearson, normality, tail
from analysis.passes import FEWEST, moments
from charlib.arrays import SAMPLE
from charlib.status import Status, unknown
from netlists.mramlogic import OPERATIONS, latch_area
from netlists.technology import Technology

JUDGED: Mapping[str, tuple[str, ...]] = {name: (name,) for name in OPERATIONS} | {"xor": ("and", "or")}
"""Operation to those that it is made of."""


def sense_errors(characterization: xr.Dataset, confidence: float = 0.95) -> xr.Dataset:
    """Error rates of the operations whose metrics a run has, for a column drawn at random and its worst inputs.

    Args:
        characterization: what ``charlib.characterize`` returns, with ``t_<operation>`` and, for what is extrapolated,
            ``v_<operation>`` and ``v_offset``. confidence: of every interval [1].

    Returns:
        Dataset over ``operation`` and the conditions: ``n_errors``, ``n_unknown``; ``counted`` with ``_ci_low`` and
        ``_ci_high``; ``fitted`` with the same; ``extrapolated`` 1 where fewer than ``ENOUGH`` samples err;
        ``normality_p``, the least of the results' p-values. NaN where there is nothing to fit.

    Raises:
        StatisticsError: no operation has its metrics, or a level is out of range.
    """
    data = characterization
    names = [name for name, parts in JUDGED.items() if all(f"t_{part}_lobes" in data for part in parts)]
    if not names:
        wanted = ", ".join(f"t_{name}" for name in OPERATIONS)
        raise StatisticsError(f"error rates of sensing need one of {wanted}: add it to characterize.metrics")
    dims = tuple(str(d) for d in data[f"t_{JUDGED[names[0]][0]}"].dims if d != SAMPLE)
    columns = [_counted(data, JUDGED[name], confidence) | _fitted(data, JUDGED[name], confidence) for name in names]
    variables = {
        key: (("operation", *dims), np.stack([column[key] for column in columns]), {"units": "1", "long_name": text})
        for key, text in _TEXTS.items()
    }
    coords = {dim: data[dim] for dim in dims} | {"operation": names}
    found = xr.Dataset(variables, coords, data.attrs | {"title": "error rates of sensing", "confidence": confidence})
    few = (found["n_errors"] < ENOUGH) & np.isfinite(found["fitted"])
    text = f"1: fewer than {ENOUGH} errors, take the fitted tails"
    return found.assign(extrapolated=few.astype(np.int8).assign_attrs(units="1", long_name=text))


_TEXTS = {
    "n_errors": "samples: in error",
    "n_unknown": "samples: unknown",
    "counted": "probability of an error, counted",
    "counted_ci_low": "its lower limit, every unknown sample right",
    "counted_ci_high": "its upper limit, every unknown sample wrong",
    "fitted": "probability of an error, by fitted tails",
    "fitted_ci_low": "its lower limit",
    "fitted_ci_high": "its upper limit",
    "normality_p": "p-value of normality of what the offset leaves",
}


def _counted(data: xr.Dataset, parts: Sequence[str], confidence: float) -> dict[str, np.ndarray]:
    """Samples in which any result of any part is wrong."""
    status = [data[f"t_{part}_lobes_status"].values for part in parts]
    wrong = np.any([np.isin(s, (Status.not_performed, Status.censored_high)).any(-1) for s in status], axis=0)
    open_ = np.any([unknown(s).any(-1) for s in status], axis=0) & ~wrong
    errors, left, n = wrong.sum(-1), open_.sum(-1), wrong.shape[-1]
    return {
        "n_errors": errors,
        "n_unknown": left,
        "counted": errors / np.where(n > left, n - left, np.nan),
        "counted_ci_low": clopper_pearson(errors, n, confidence)[0],
        "counted_ci_high": clopper_pearson(errors + left, n, confidence)[1],
    }


def left_over(data: xr.Dataset, operation: str) -> np.ndarray | None:
    """What the offset leaves of an operation's margin [V], shape (..., sample, lobe); None without the metrics."""
    if f"v_{operation}_lobes" not in data or "v_offset_lobes" not in data:
        return None
    return data[f"v_{operation}_lobes"].values - data["v_offset_lobes"].values


def _fitted(data: xr.Dataset, parts: Sequence[str], confidence: float) -> dict[str, np.ndarray]:
    """Normal tails of every result of every part, and of any of them."""
    margins = [left_over(data, part) for part in parts]
    shape = data[f"t_{parts[0]}_lobes"].shape[:-2]
    keys = ("fitted", "fitted_ci_low", "fitted_ci_high", "normality_p")
    found = {key: np.full(shape, np.nan) for key in keys}
    if all(margin is not None for margin in margins):
        together = np.concatenate(margins, axis=-1)
        for place in np.ndindex(shape):
            good = together[place][np.isfinite(together[place]).all(axis=-1)]
            if len(good) >= FEWEST:
                p_value = np.min([normality(moments([margin])) for margin in good.T])
                for key, value in zip(keys, (*any_below(good, confidence), p_value), strict=True):
                    found[key][place] = value
    return found


def any_below(margins: np.ndarray, confidence: float) -> tuple[float, float, float]:
    """Probability that any of several jointly normal margins is below 0 [1], with lower and upper end.

    Hunter's bound: the sum of their tails less what the pairs of a spanning tree, the likeliest pairs, have in common;
    margins that fall together are not counted twice. The interval reaches from the largest tail's lower end to the sum
    of the upper ones.

    Args:
        margins: [V], shape (sample, margin).

    Source: Hunter, J. Appl. Prob. 13, 1976.
    """
    n, score = len(margins), -special.ndtri(tail(confidence))
    z = margins.mean(axis=0) / margins.std(axis=0, ddof=1)
    error = np.sqrt(1 / n + z**2 / (2 * (n - 1)))
    single, low, high = (special.ndtr(-each) for each in (z, z + score * error, z - score * error))
    correlation = np.atleast_2d(np.corrcoef(margins.T))
    joint = np.zeros_like(correlation)
    for i, j in zip(*np.triu_indices(len(z), 1), strict=True):
        both = [[1.0, correlation[i, j]], [correlation[i, j], 1.0]]
        joint[i, j] = joint[j, i] = stats.multivariate_normal.cdf(-z[[i, j]], cov=both, allow_singular=True)
    return single.sum() - _tree(joint), low.max(), min(1.0, high.sum())


def _tree(weights: np.ndarray) -> float:
    """Weight of the heaviest spanning tree of a complete graph, by Prim's algorithm."""
    best, out, total = weights[0].copy(), set(range(1, len(weights))), 0.0
    while out:
        chosen = max(out, key=lambda i: best[i])
        total += best[chosen]
        out.remove(chosen)
        best = np.maximum(best, weights[chosen])
    return float(total)


def latch_width(
    characterization: xr.Dataset, technology: Technology, rate: float, operations: Sequence[str] = ("and", "or")
) -> xr.Dataset:
    """Width of the sense latch's inputs at which each result errs no more often than a rate.

    The offset's deviation falls with the square root of the width, all of the latch in proportion; margins stay as they
    are. With the mean m and deviation s of a margin, ``m / sqrt(s^2 + o^2)`` must be the normal score of the rate.

    Args:
        characterization: with ``v_offset`` and the margins of the operations, at the width of its cell.
        technology: sizes the gate area. rate: of one result of one operation [1].

    Returns:
        ``w_latch`` [m], the widest that any result asks for, infinite where the margin's own spread is too large, and
        ``latch_area`` [m2], the sum of W L, over the conditions.

    Raises:
        StatisticsError: the rate is outside 0..0.5.
    """
    if not 0 < rate < 0.5:
        raise StatisticsError(f"rate={rate!r} is outside 0..0.5")
    score = -special.ndtri(rate)
    width = json.loads(characterization.attrs["cell"])["w_latch"]
    offset = characterization["v_offset_lobes"].var("sample", ddof=1).max("lobe")
    wanted = []
    for operation in operations:
        margin = characterization[f"v_{operation}_lobes"]
        allowed = (margin.mean("sample") / score) ** 2 - margin.var("sample", ddof=1)
        enough = (allowed > 0) & (margin.mean("sample") > 0)
        wanted.append(xr.where(enough, width * offset / allowed.where(enough), np.inf).max("lobe"))
    w = xr.concat(wanted, "operation").max("operation")
    area = xr.apply_ufunc(lambda each: latch_area(technology, each), w, vectorize=True)
    return xr.Dataset(
        {
            "w_latch": w.assign_attrs(units="m", long_name="width of a sense latch's input transistors"),
            "latch_area": area.assign_attrs(units="m2", long_name="gate area of a sense latch"),
        }
    )
