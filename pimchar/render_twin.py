"""The table twin against ngspice as text for a terminal."""

from __future__ import annotations

import numpy as np
import xarray as xr
from tabulate import tabulate

from charlib.twin import judge
from charlib.twincheck import FARTHEST

HEADERS = (
    "metric", "conditions", "mean", "rms", "at worst", "rms / sigma", "at worst / sigma", "other status", "limits",
)  # fmt: skip
PERCENT, MILLI = 100.0, 1e3


def twin_check(data: xr.Dataset) -> str:
    """Errors of samples far out, :func:`charlib.twin_check`."""
    return _errors(data, f"{data.sizes['judged_sample']} samples a condition out to {FARTHEST:g} sigma")


def judged(data: xr.Dataset) -> str:
    """Errors of a run, as its judge estimates them from a subset of its samples."""
    return _errors(data, f"{data.sizes['judged_sample']} judged samples a condition")


def _errors(data: xr.Dataset, samples: str) -> str:
    """Errors of every metric at the condition where each is largest, and whether they are within the limits."""
    rows, reasons = [], []
    for metric in dict.fromkeys(data["metric"].values.tolist()):
        cases = data.isel(case=np.flatnonzero(data["metric"].values == metric))
        relative = judge.LIMITS[str(cases["units"].values[0])][2]
        suffix, scale = ("_share", PERCENT) if relative else ("", MILLI)
        unit = "%" if relative else f"m{cases['units'].values[0]}"
        errors = [_largest(cases[part + suffix] * scale) for part in ("mean", "rms", "largest")]
        broken = [reason for i in range(cases.sizes["case"]) if (reason := judge.beyond(cases.isel(case=i)))]
        rows.append(
            [metric, cases.sizes["case"], *(f"{error:.4f} {unit}" for error in errors),
             *(f"{_largest(cases['sigmas'] * share):.1e}" for share in (1.0, cases["largest"] / cases["rms"])),
             f"{float(cases['differing'].max()):.1%}",
             f"BEYOND at {len(broken)}" if broken else "within" if cases["judged"].any() else "not compared"]
        )  # fmt: skip
        reasons += broken
    title = f"Twin less ngspice at tight tolerances, {samples}; each at the condition where it is largest"
    return "\n".join((title, tabulate(rows, HEADERS, disable_numparse=True), *reasons))


def _largest(values: xr.DataArray) -> float:
    """The one of largest magnitude; NaN where there is none."""
    known = values.values[np.isfinite(values.values)]
    return float(known[np.abs(known).argmax()]) if known.size else float("nan")
