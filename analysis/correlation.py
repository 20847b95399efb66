"""Correlation between metrics: which margins and delays go together from cell to cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import xarray as xr
from scipy import stats

from analysis.intervals import StatisticsError, tail
from analysis.passes import Each
from analysis.samples import Column, column, metrics_in, primary_metrics
from charlib.arrays import SAMPLE

FEWEST = 4
"""Pairs that an interval needs: its standard error has n - 3 in the divisor."""
RANKED = 1 << 20
"""Samples, the first ones, of which ranks are correlated: they have to be sorted at once. The coefficient's standard
error is then 0.001 at most."""


def pearson(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> float:
    """Linear correlation [1] of pairs; NaN below two of them or where one side does not vary.

    Args:
        pairs: both sides, of equal length, in pieces that can be gone over twice.
    """
    n, total, low, high = 0, np.zeros(2), np.full(2, np.inf), np.full(2, -np.inf)
    for pair in pairs:
        n, total = n + pair[0].size, total + [side.sum() for side in pair]
        low = np.minimum(low, [side.min(initial=np.inf) for side in pair])
        high = np.maximum(high, [side.max(initial=-np.inf) for side in pair])
    if n < 2 or not (high > low).all():
        return np.nan
    # Standardized first, because picoseconds times femtojoules would lose digits.
    mean, width, sums = total / n, high - low, np.zeros(3)
    for pair in pairs:
        a, b = ((side - mean[i]) / width[i] for i, side in enumerate(pair))
        sums += np.sum(a * b), np.sum(a * a), np.sum(b * b)
    return float(np.clip(sums[0] / np.sqrt(sums[1] * sums[2]), -1.0, 1.0))


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Rank correlation [1]: Pearson's of the ranks, ties with their mean rank; infinite values have ranks too."""
    return pearson([(stats.rankdata(x), stats.rankdata(y))])


def fisher_interval(r: float, n: int, confidence: float = 0.95, ranks: bool = False) -> tuple[float, float]:
    """Interval of a correlation [1] in Fisher's transform, where it is nearly normal.

    Args:
        r: correlation of ``n`` pairs; NaN comes back below ``FEWEST`` of them.
        confidence: confidence level [1].
        ranks: Spearman's; its variance is larger by 1 + r^2 / 2.

    Source: Fisher, Metron 1, 1921; Bonett and Wright, Psychometrika 65, 2000, for ranks.
    """
    if n < FEWEST or not np.isfinite(r):
        return np.nan, np.nan
    error = np.sqrt((1 + r * r / 2 if ranks else 1.0) / (n - 3))
    half = stats.norm.ppf(1 - tail(confidence)) * error
    with np.errstate(divide="ignore"):
        z = np.arctanh(r)
    return float(np.tanh(z - half)), float(np.tanh(z + half))


KINDS = {
    "pearson": "Pearson's correlation of the samples with both values",
    "spearman": f"Spearman's correlation of the samples known in both, failures at the worst rank; of {RANKED} at most",
}
"""Correlations and what they are of."""


def correlate(
    characterization: xr.Dataset, metrics: Sequence[str] | None = None, confidence: float = 0.95
) -> xr.Dataset:
    """Correlation of every pair of metrics at every condition.

    Args:
        characterization: what ``charlib.characterize`` returns.
        metrics: which; None is all.
        confidence: confidence level of the intervals [1].

    Returns:
        Dataset with the dimensions of the conditions and ``metric``, ``other``: ``pearson`` and ``spearman`` with
        ``_ci_low``, ``_ci_high`` and ``_n``, the number of pairs; Spearman's is of the first ``RANKED`` samples. A
        metric that does not vary correlates with nothing: NaN.

    Raises:
        StatisticsError: a metric is not there, or no two of them share their dimensions.
    """
    names = tuple(metrics or primary_metrics(characterization))
    if lacking := set(names) - set(metrics_in(characterization)):
        raise StatisticsError(f"metric {min(lacking)!r} is not in the characterization")
    if not names or len({characterization[name].dims for name in names}) > 1:
        raise StatisticsError(f"metrics {', '.join(names) or 'none'} have no dimensions in common to correlate over")
    sizes = {str(d): n for d, n in characterization[names[0]].sizes.items() if d != SAMPLE}
    dims, shape = tuple(sizes), tuple(sizes.values())
    parts = [f"{kind}{part}" for kind in KINDS for part in ("", "_ci_low", "_ci_high", "_n")]
    found = np.full((len(parts), *shape, len(names), len(names)), np.nan)
    for place in np.ndindex(shape):
        here = [column(characterization, name, dict(zip(dims, place, strict=True))) for name in names]
        ranks = [_first(one) for one in here]
        for i, j in zip(*np.tril_indices(len(names)), strict=True):
            numbers = (*_values(here[i], here[j], confidence), *_ranks(ranks[i], ranks[j], confidence))
            found[(slice(None), *place, i, j)] = found[(slice(None), *place, j, i)] = numbers
    coords = {dim: characterization[dim] for dim in dims if dim in characterization.coords}
    for axis in ("metric", "other"):
        coords[axis] = (axis, list(names), {"units": "1", "long_name": "metric"})
    variables = {
        part: ((*dims, "metric", "other"), values, {"units": "1", "long_name": _label(part)})
        for part, values in zip(parts, found, strict=True)
    }
    about = {"title": "correlation between metrics", "confidence": confidence}
    return xr.Dataset(variables, coords=coords, attrs=characterization.attrs | about)


def _label(part: str) -> str:
    kind, _, rest = part.partition("_")
    ends = {"": "", "ci_low": ": lower limit", "ci_high": ": upper limit", "n": ": number of pairs"}
    return KINDS[kind] + ends[rest]


def _values(a: Column, b: Column, confidence: float) -> tuple[float, float, float, int]:
    """Pearson's correlation of the values of two metrics at one condition, its limits and number of pairs."""
    pairs = Each(lambda s, t: tuple(one.value[s.good & t.good] for one in (s, t)), a, b)
    n = sum(x.size for x, _ in pairs)
    r = pearson(pairs)
    return r, *fisher_interval(r, n, confidence), n


def _first(samples: Column) -> np.ndarray:
    """What the first ``RANKED`` samples are ranked by, NaN where that is unknown."""
    found, size = [], 0
    for piece in samples:
        found, size = [*found, piece.ranked], size + piece.status.size
        if size >= RANKED:
            break
    return np.concatenate(found)[:RANKED]


def _ranks(a: np.ndarray, b: np.ndarray, confidence: float) -> tuple[float, float, float, int]:
    """Spearman's correlation of the same."""
    known = ~np.isnan(a) & ~np.isnan(b)
    r, n = spearman(a[known], b[known]), int(known.sum())
    return r, *fisher_interval(r, n, confidence, ranks=True), n
