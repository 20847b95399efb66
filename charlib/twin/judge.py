"""ngspice as the judge: a subset of a twin's samples simulated at tight tolerances, and how far the twin is off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import xarray as xr

from charlib.errors import TwinRefused
from charlib.status import Status
from charlib.unit import UnitResult
from charlib.waveforms import Measured

FILE = "twin.nc"
"""File of a results directory with the verdicts."""
SIZE = 200
"""Samples that are judged where nobody says how many."""
LIMITS: Mapping[str, tuple[float, float, bool]] = {"V": (0.05e-3, 0.2e-3, False), "A": (5e-4, 2e-3, True)}
"""Unit of a metric to the largest error that is accepted, rms and of any sample, and whether it is a share of each
number instead of in its unit.
"""
LEAST_SHARED = 0.01
"""Share of a metric's mean magnitude below which a number's error is a share of that [1]: a current that is next to
nothing has no relative error.
"""
DIFFERING = 0.01
"""Share of the judged samples that may have another status than in ngspice [1]: some lie on the edge of one."""


@dataclass(frozen=True)
class Subset:
    """Samples for the judge.

    Attributes:
        samples: their numbers, shape (judged,); the same one may be drawn twice.
        weights: such that weighted means over the subset estimate means over all samples; they sum to 1.
        tail: those drawn by how far out they are, shape (judged,).
    """

    samples: np.ndarray
    weights: np.ndarray
    tail: np.ndarray


def distance(result: UnitResult) -> np.ndarray:
    """How far out each sample is in any metric or lobe of a testbench, in standard deviations, shape (sample,)."""
    far = np.zeros(result.count)
    for measured in result.metrics.values():
        values = measured.values.reshape(result.count, -1)
        for column in values.T:
            known = np.isfinite(column)
            if known.any() and column[known].std() > 0:
                z = np.abs(column - column[known].mean()) / column[known].std()
                far = np.fmax(far, z)
    return far


def choose(result: UnitResult, size: int, seed: int, name: str) -> Subset:
    """Draw the samples of a testbench that are judged, half of them evenly, half the more often the further out.

    The chance of the latter goes by the fourth power of :func:`distance`, and they are drawn with replacement.

    Args:
        size: how many, at most as many as there are samples: then each is judged once.
        seed: of the run. name: of the testbench, which has random numbers of its own.
    """
    count = result.count
    if size >= count:
        return Subset(np.arange(count), np.full(count, 1 / count), np.zeros(count, dtype=bool))
    rng = np.random.default_rng([seed, crc32(f"judge {name}".encode())])
    tail = size // 2
    even = rng.choice(count, size - tail, replace=False)
    chance = distance(result) ** 4 + 1e-3
    chance = chance / chance.sum()
    far = rng.choice(count, tail, p=chance)
    # Two estimates of the same mean, by their sizes: plain, and Hansen and Hurwitz's (Ann. Math. Stat. 14(4), 1943).
    weights = np.concatenate([np.full(even.size, 1.0), 1 / (count * chance[far])]) / size
    return Subset(np.concatenate([even, far]), weights, np.arange(size) >= even.size)


@dataclass(frozen=True)
class Verdict:
    """How far one metric is off ngspice at one condition.

    Attributes:
        mean, rms: over all samples, as the subset estimates it; largest: of any judged sample, in the metric's unit.
        mean_share, rms_share, largest_share: the same with each error as a share of its number in ngspice [1], or of
            ``LEAST_SHARED`` times ``magnitude`` where that is more.
        sigmas: ``rms`` in standard deviations of the metric [1]; NaN without any spread.
        magnitude: mean magnitude of the metric in ngspice.
        judged: lobes and samples with a number on both sides. differing: share with another status [1].
    """

    mean: float
    rms: float
    largest: float
    mean_share: float
    rms_share: float
    largest_share: float
    sigmas: float
    magnitude: float
    judged: int
    differing: float


def verdict(twin: Measured, ngspice: Measured, weights: np.ndarray) -> Verdict:
    """Compare one metric of judged samples, parts of shape (judged[, lobe])."""
    columns = (weights.size, -1)
    error = (twin.values - ngspice.values).reshape(columns)
    answered = ngspice.status < Status.numerical_failure
    differing = float((twin.status != ngspice.status)[answered].mean()) if answered.any() else 0.0
    known = np.isfinite(error)
    if not known.any():
        return Verdict(*[float("nan")] * 8, 0, differing)
    share = np.broadcast_to(weights[:, None], error.shape)[known]
    share, off, value = share / share.sum(), error[known], ngspice.values.reshape(columns)[known]
    spread = float(np.sqrt(max((share * value**2).sum() - (share * value).sum() ** 2, 0.0)))
    magnitude = float((share * np.abs(value)).sum())
    relative = off / np.maximum(np.abs(value), LEAST_SHARED * magnitude) if magnitude else np.full(off.shape, np.nan)
    numbers = []
    for error in (off, relative):
        rms = float(np.sqrt((share * error**2).sum()))
        numbers += [float((share * error).sum()), rms, float(np.abs(error).max())]
    sigmas = numbers[1] / spread if spread > 0 else float("nan")
    return Verdict(*numbers, sigmas, magnitude, int(known.sum()), differing)


def beyond(case: xr.Dataset) -> str:
    """What of a case of :func:`charlib.twin.engine.simulate` is beyond the limits; empty where nothing is."""
    name, unit = str(case["metric"].values), str(case["units"].values)
    rms, largest, relative = LIMITS[unit]
    part, shown = ("_share", "of its value") if relative else ("", unit)
    where = f"{case['process'].values}, {float(case['vdd']):g} V, {float(case['temp']):g} K"
    for kind, value, limit in (("rms", case[f"rms{part}"], rms), ("at worst", case[f"largest{part}"], largest)):
        if case["judged"] and not value <= limit:
            return f"{name} at {where} is {float(value):.3g} {shown} {kind} off ngspice, beyond {limit:g}"
    if case["differing"] > DIFFERING:
        share = f"{float(case['differing']):.1%} of the judged samples, beyond {DIFFERING:.0%}"
        return f"{name} at {where} has another status than ngspice in {share}"
    return ""


def refuse(judged: xr.Dataset) -> None:
    """Raise TwinRefused where a metric is further off than ``LIMITS`` allow, at any condition."""
    for case in range(judged.sizes["case"]):
        if reason := beyond(judged.isel(case=case)):
            raise TwinRefused(f"engine='twin': {reason}; use engine='ngspice' (characterize.engine)")
