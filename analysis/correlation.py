"""Correlation between metrics: which margins and delays go together from cell to cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy import stats

from analysis.intervals import StatisticsError, tail
from analysis.statistics import SAMPLE, Samples, metric_samples, metrics_in, primary_metrics
from charlib.status import unknown

FEWEST = 4
"""Pairs that an interval needs: its standard error has n - 3 in the divisor."""


def pearson(x: np.ndarray, y: np.ndarray) -> float:
    """Linear correlation [1] of two samples of equal length; NaN below two pairs or where one does not vary."""
    if x.size < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    # Standardized first, because picoseconds times femtojoules would lose digits.
    a, b = ((v - v.mean()) / np.ptp(v) for v in (x, y))
    return float(np.clip(np.sum(a * b) / np.sqrt(np.sum(a * a) * np.sum(b * b)), -1.0, 1.0))


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Rank correlation [1]: Pearson's of the ranks, ties with their mean rank; infinite values have ranks too."""
    return pearson(stats.rankdata(x), stats.rankdata(y))


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
    "spearman": "Spearman's correlation of the samples known in both, failures at the worst rank",
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
        ``_ci_low``, ``_ci_high`` and ``_n``, the number of pairs. A metric that does not vary correlates with nothing:
        NaN.

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
        at = dict(zip(dims, place, strict=True))
        for i, name in enumerate(names):
            a, _ = metric_samples(characterization, name, at)
            for j, other in enumerate(names[: i + 1]):
                numbers = _pair(a, metric_samples(characterization, other, at)[0], confidence)
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


def _pair(a: Samples, b: Samples, confidence: float) -> tuple[float, ...]:
    """Both correlations of two metrics at one condition, each with limits and number of pairs."""
    both = a.good & b.good
    known = ~unknown(a.status) & ~unknown(b.status)
    r = pearson(a.value[both], b.value[both])
    rank = spearman(a.ranked[known], b.ranked[known])
    n, m = int(both.sum()), int(known.sum())
    return (r, *fisher_interval(r, n, confidence), n, rank, *fisher_interval(rank, m, confidence, ranks=True), m)
