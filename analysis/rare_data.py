"""A rare failure's result as labelled numbers: what yield.nc holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from analysis.arrays import Array, array_yield
from analysis.rare import RareFailure
from analysis.rare_dies import OverDies, level_of

FILE = "yield.nc"
SUMMARY: Mapping[str, tuple[str, str]] = {
    "pf": ("1", "failure probability of a cell"),
    "pf_ci_low": ("1", "lower limit of its 95 % interval"),
    "pf_ci_high": ("1", "upper limit of its 95 % interval"),
    "sigma_level": ("1", "equivalent distance of a single limit in one normal variable"),
    "cov": ("1", "standard error over failure probability"),
    "ess": ("1", "effective number of failing samples"),
    "largest_share": ("1", "largest share of one sample"),
    "unknown": ("1", "simulations without an answer"),
    "pf_unknown_pass": ("1", "failure probability with all of them passing"),
    "pf_unknown_fail": ("1", "failure probability with all of them failing"),
    "form_ratio": ("1", "failure probability by FORM over the estimate"),
    "simulations": ("1", "simulations of all phases"),
    "twin_samples": ("1", "samples of the twin"),
    "established": ("1", "no check failed"),
}
"""Numbers of a result: unit and what they are."""
ARRAY: Mapping[str, tuple[str, str]] = {
    "array_yield": ("1", "yield of the array"),
    "array_yield_ci_low": ("1", "lower limit of its 95 % interval"),
    "array_yield_ci_high": ("1", "upper limit of its 95 % interval"),
}
"""Those of an array."""
DIES: Mapping[str, tuple[str, str]] = {
    "pf_dies": ("1", "mean failure probability of a cell over dies"),
    "pf_dies_ci_low": ("1", "lower limit of its 95 % interval"),
    "pf_dies_ci_high": ("1", "upper limit of its 95 % interval"),
    "array_yield_alike": ("1", "yield of an array whose cells all fail with that mean, which dies that differ exceed"),
    "die_error": ("1", "largest difference of the fitted level on a die from its estimate"),
    "die_simulations": ("1", "simulations on all dies"),
}
"""Those of dies that differ."""


TEXTS = ("method", "reason", "warnings", "not_established", "array_warnings", "array_not_established")
"""What is said of a result, and of an array whose dies differ."""


def group(process: str, vdd: float, temp: float, others: Mapping[str, float | None]) -> str:
    """Name of a condition's group in the file: supply [V], temperature [K], and what else is not 0, by its axis.

    >>> group("tt", 0.6, 298.15, {"dv_wl": 0.05, "dv_bl": 0.0, "rows": None})
    'tt 0.6 V 298.15 K dv_wl 0.05'
    """
    return f"{process} {vdd:g} V {temp:g} K" + "".join(f" {axis} {value:g}" for axis, value in others.items() if value)


def summary(found: RareFailure) -> dict[str, float]:
    """Numbers of a result by the names of ``SUMMARY``."""
    estimate = found.estimate
    low, high = found.interval
    values = (
        found.pf, low, high, found.sigma, estimate.cov, estimate.ess, estimate.largest_share, found.unknown,
        estimate.pf_lost_pass, estimate.pf_lost_fail, found.form_ratio, sum(found.simulations.values()),
        found.twin_samples, found.established,
    )  # fmt: skip
    return {name: float(value) for name, value in zip(SUMMARY, values, strict=True)}


def _named(rows: Mapping[str, tuple[str, str]], values: Sequence[float]) -> dict[str, tuple]:
    """Numbers with their units and texts, as a Dataset takes them."""
    return {
        name: ((), float(value), {"units": unit, "long_name": text})
        for (name, (unit, text)), value in zip(rows.items(), values, strict=True)
    }


def array_numbers(works: Sequence[float]) -> xr.Dataset:
    """Yield of an array and the ends of its interval."""
    return xr.Dataset(_named(ARRAY, works))


def dies_dataset(found: OverDies, array: Array, shared: Sequence[str]) -> xr.Dataset:
    """Everything of dies that differ.

    Args:
        shared: paths of the random numbers of a die.

    Returns:
        The numbers of ``ARRAY`` and ``DIES``; ``die`` (die, shared); ``die_level`` with its limits, ``die_fitted`` and
        ``die_checks`` (die). Warnings and faults in attrs.
    """
    dies, levels = found.dies, [level_of(one) for one in found.found]
    fitted = np.full(len(levels), np.nan) if dies is None else dies.level(found.points)
    numbers = (
        *found.pf,
        float(array_yield(np.array(found.pf[0]), array)),
        np.nan if dies is None else dies.error,
        sum(sum(one.simulations.values()) for one in found.found),
    )
    one = {"units": "1"}
    return xr.Dataset(
        {
            **_named(ARRAY, found.array),
            **_named(DIES, numbers),
            "die": (("die_number", "shared"), found.points, one | {"long_name": "standard normals of a die"}),
            "die_level": ("die_number", [each.sigma for each in levels], one | {"long_name": "level of a cell"}),
            "die_level_ci_low": ("die_number", [each.low for each in levels], one | {"long_name": "its lower limit"}),
            "die_level_ci_high": ("die_number", [each.high for each in levels], one | {"long_name": "its upper limit"}),
            "die_fitted": ("die_number", fitted, one | {"long_name": "level by the fit over dies"}),
            "die_checks": ("die_number", found.checks.astype(np.int8), one | {"long_name": "not in the fit"}),
        },
        coords={"shared": list(shared)},
        attrs={
            "array_warnings": "; ".join(found.warnings) or "none",
            "array_not_established": "; ".join(found.faults) or "none",
        },
    )


def dataset(found: RareFailure, variables: Sequence[str], unit: str) -> xr.Dataset:
    """Everything of one result.

    Args:
        variables: paths of the random numbers. unit: of the margin.

    Returns:
        The numbers of ``SUMMARY``; ``region_point`` (region, variable), ``region_beta``, ``region_share`` and
        ``region_lobe`` (region); ``history`` (batch, column); ``u`` (simulation, variable), ``margin``, ``failed`` and
        ``phase`` (simulation), a number into the attribute ``phases``. Method, reason, warnings and faults in attrs.
    """
    numbers = _named(SUMMARY, list(summary(found).values()))
    shares = found.estimate.shares or (np.nan,) * len(found.regions)
    points = np.array([r.point for r in found.regions]).reshape(-1, len(variables))
    phases = list(found.simulations)
    samples = found.samples
    one = {"units": "1"}
    return xr.Dataset(
        {
            **numbers,
            "region_point": (("region", "variable"), points, one | {"long_name": "design point"}),
            "region_beta": ("region", [r.beta for r in found.regions], one | {"long_name": "reliability index"}),
            "region_share": ("region", np.array(shares), one | {"long_name": "share of the failures"}),
            "region_lobe": ("region", [r.lobe for r in found.regions], one | {"long_name": "connected part"}),
            "history": (("batch", "column"), found.estimate.history, one | {"long_name": "estimate after each batch"}),
            "u": (("simulation", "variable"), samples.u, one | {"long_name": "standard normals"}),
            "margin": ("simulation", samples.margin, {"units": unit, "long_name": "margin"}),
            "failed": ("simulation", samples.failed.astype(np.int8), one | {"long_name": "failed"}),
            "phase": ("simulation", [phases.index(p) for p in samples.phase], one | {"long_name": "phase"}),
        },
        coords={"variable": list(variables), "column": ["n", "pf", "ci_low", "ci_high"]},
        attrs={
            "method": found.method,
            "reason": found.reason,
            "seed": found.seed,
            "phases": " ".join(phases),
            **{f"simulations_{phase}": number for phase, number in found.simulations.items()},
            "warnings": "; ".join(found.warnings) or "none",
            "not_established": "; ".join(found.faults) or "none",
        },
    )
