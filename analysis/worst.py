"""Worst corner of each metric, found from its samples: by the mean, and at a sigma level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from analysis.intervals import StatisticsError
from analysis.samples import Column, count, place_by_place, primary_metrics
from analysis.statistics import normal_fits

SCOPES = {"corner": ("process",), "place": ("process", "temp")}
"""What is looked over: the corners at each temperature; corners and temperatures together."""


def worst_corners(characterization: xr.Dataset, sigma: float) -> xr.Dataset:
    """Worst corner of every metric at each supply and temperature, and worst corner and temperature at each supply.

    Which side is worse says the metric's ``fails_when``, and nothing else is presumed. Mean and deviation are those of
    :func:`analysis.statistics.normal_fits`. Where all samples failed a corner is worse than any number; where nothing
    is known it is no candidate.

    Args:
        characterization: what ``charlib.characterize`` returns. sigma: level [1].

    Returns:
        Dataset; of metric M by the mean and at the level (``level`` is ``mean`` or ``sigma``)
        ``M_corner_<level>_process``, over the conditions without process, ``M_place_<level>_process`` and ``..._temp``
        [K], without temp as well, and the number there, ``..._value``, NaN where it failed.

    Raises:
        StatisticsError: ``sigma`` is negative, or a metric does not say which side fails.
    """
    if not sigma >= 0:
        raise StatisticsError(f"sigma={sigma!r} is below 0")
    variables = {}
    for metric in primary_metrics(characterization):
        found, dims = place_by_place(characterization, metric, _fitted)
        attrs = characterization[metric].attrs
        sign = -1.0 if attrs["fails_when"] == "low" else 1.0
        mean, std, failed = found["mean"], found["std"], found["failed"]
        labels = {dim: characterization[dim].values for dim in dims}
        for level, number in (("mean", mean), ("sigma", mean + sign * sigma * std)):
            badness = np.where(failed, np.inf, np.nan_to_num(sign * number, nan=-np.inf))
            for scope, over in SCOPES.items():
                for part, (rest, values) in _worst(number, badness, labels, over).items():
                    about = {"units": {"process": "1", "temp": "K"}.get(part, attrs["units"])}
                    about["long_name"] = f"{attrs['long_name']}, worst by {level}, {part}"
                    variables[f"{metric}_{scope}_{level}_{part}"] = (rest, values, about)
    own = {"title": "worst corners", "sigma": sigma}
    found = xr.Dataset(variables, attrs=characterization.attrs | own)
    return found.assign_coords({dim: characterization[dim] for dim in found.dims})


def _fitted(samples: Column) -> dict[str, object]:
    """Mean and deviation of samples at one condition, and whether all that are known failed."""
    counts = count(samples)
    fit = normal_fits(samples, counts)
    return {"mean": fit.mean, "std": fit.std, "failed": counts.n_failed > 0 and not counts.n_ok}


def _worst(
    number: np.ndarray, badness: np.ndarray, labels: Mapping[str, np.ndarray], over: Sequence[str]
) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Number and labels of the worst place along some dimensions; an empty process where none is known.

    Args:
        number, badness: of all places, dimensions those of ``labels``; larger is worse, ``-inf`` is not known.
        labels: dimension to its coordinates. over: what is looked over.
    """
    dims = list(labels)
    order = [d for d in dims if d not in over] + list(over)
    rest = tuple(order[: -len(over)])
    shape = tuple(labels[d].size for d in rest)
    flat, rank = (
        np.moveaxis(a, [dims.index(d) for d in order], range(a.ndim)).reshape(*shape, -1) for a in (number, badness)
    )
    at = rank.argmax(-1)
    value, worst = (np.take_along_axis(a, at[..., None], -1)[..., 0] for a in (flat, rank))
    known = worst > -np.inf
    places = dict(zip(over, np.unravel_index(at, [labels[d].size for d in over]), strict=True))
    found = {"value": (rest, np.where(known, value, np.nan))}
    for dim, place in places.items():
        nothing = "" if dim == "process" else np.nan
        found[dim] = (rest, np.where(known, labels[dim][place].astype(object), nothing))
    if "temp" in found:
        found["temp"] = (rest, found["temp"][1].astype(float))
    return found
