"""ngspice as the judge: a subset of a twin's samples simulated at tight tolerances, and how far the twin is off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from charlib.conditions import OFFSETS
from charlib.errors import InvalidPlan, TwinRefused
from charlib.status import Status
from charlib.waveforms import Measured

FILE, REFUSED = "twin.nc", "twin-refused.nc"
"""Files of a results directory with the verdicts, and with those for which a run was refused."""
SIZE = 200
"""Samples that are judged where nobody says how many."""
LIMITS: Mapping[str, tuple[float, float, bool]] = {"V": (0.05e-3, 0.2e-3, False), "A": (5e-4, 2e-3, True)}
"""Unit of a metric to the largest error that is accepted, rms and of any sample, and whether it is a share of each
number instead of in its unit.
"""
LEAST_SHARED = 0.02
"""Share of a metric's mean magnitude below which a number's error is a share of that [1]: a current that is next to
nothing has no relative error. Tables give currents within 4e-5, which is 0.2 % of 0.02.
"""
DIFFERING = 0.01
"""Share of the judged samples that may have another status than in ngspice [1]: some lie on the edge of one."""
ANSWERED = 0.9
"""Share of the judged samples that must have an answer in ngspice [1]: what it does not answer it does not confirm."""


@dataclass(frozen=True)
class Verdict:
    """How far one metric is off ngspice at one condition.

    Attributes:
        mean, rms: over all samples, as the subset estimates it; largest: of any judged sample, in the metric's unit.
        mean_share, rms_share, largest_share: the same with each error as a share of its number in ngspice [1], or of
            ``LEAST_SHARED`` times ``magnitude`` where that is more.
        sigmas: ``rms`` in standard deviations of the metric [1]; NaN without any spread.
        magnitude: mean magnitude of the metric in ngspice.
        judged: lobes and samples with a number on both sides. differing: share with another status [1], of those with
            an answer in ngspice. answered: share with one [1].
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
    answered: float


def verdict(twin: Measured, ngspice: Measured, weights: np.ndarray) -> Verdict:
    """Compare one metric of judged samples, parts of shape (judged[, lobe])."""
    columns = (weights.size, -1)
    error = (twin.values - ngspice.values).reshape(columns)
    answered = ngspice.status < Status.numerical_failure
    differing = float((twin.status != ngspice.status)[answered].mean()) if answered.any() else 0.0
    known = np.isfinite(error)
    if not known.any():
        return Verdict(*[float("nan")] * 8, 0, differing, float(answered.mean()))
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
    return Verdict(*numbers, sigmas, magnitude, int(known.sum()), differing, float(answered.mean()))


def beyond(case: xr.Dataset) -> str:
    """What of a case of :func:`charlib.twin.engine.simulate` is beyond the limits; empty where nothing is."""
    name, unit = str(case["metric"].values), str(case["units"].values)
    rms, largest, relative = LIMITS[unit]
    part, shown = ("_share", "of its value") if relative else ("", unit)
    offsets = [f"{axis} {float(case[axis]):+g} V" for axis in OFFSETS if case.get(axis)]
    place = f"{case['process'].values}", f"{float(case['vdd']):g} V", f"{float(case['temp']) - 273.15:.4g} degC"
    where = ", ".join((*place, *offsets))
    for kind, value, limit in (("rms", case[f"rms{part}"], rms), ("at worst", case[f"largest{part}"], largest)):
        if case["judged"] and not value <= limit:
            return f"{name} at {where} is {float(value):.3g} {shown} {kind} off ngspice, beyond {limit:g}"
    if case["answered"] < ANSWERED:
        share = f"{float(case['answered']):.1%} of the judged samples, not {ANSWERED:.0%}"
        return f"{name} at {where} has an answer in ngspice in {share}"
    if case["differing"] > DIFFERING:
        share = f"{float(case['differing']):.1%} of the judged samples, beyond {DIFFERING:.0%}"
        return f"{name} at {where} has another status than ngspice in {share}"
    return ""


def agrees(judged: xr.Dataset) -> bool:
    """Whether every metric is within its limits at every condition."""
    return not any(beyond(judged.isel(case=case)) for case in range(judged.sizes["case"]))


def refuse(judged: xr.Dataset) -> None:
    """Raise TwinRefused where a metric is further off than ``LIMITS`` allow, at any condition."""
    for case in range(judged.sizes["case"]):
        if reason := beyond(judged.isel(case=case)):
            raise TwinRefused(f"engine='twin': {reason}; use engine='ngspice' (characterize.engine)", judged)


def check_size(judged: int) -> None:
    """Raise InvalidPlan unless it is a number of samples that can be judged."""
    if not isinstance(judged, int) or judged < 1:
        raise InvalidPlan(f"judged={judged!r} is not a whole number of at least 1 (characterize.judged)")
