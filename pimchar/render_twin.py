"""The table twin against ngspice as text for a terminal."""

from __future__ import annotations

import numpy as np
import xarray as xr
from tabulate import tabulate

from charlib.twin import judge
from charlib.twincheck import FARTHEST

HEADERS = ("metric", "conditions", "mean", "rms", "at worst", "rms / sigma", "other status", "limits")
PERCENT, MILLI = 100.0, 1e3


def twin_check(data: xr.Dataset) -> str:
    """Errors of every metric at the condition where each is largest, and whether they are within the limits."""
    rows = []
    for metric in dict.fromkeys(data["metric"].values.tolist()):
        cases = data.isel(case=np.flatnonzero(data["metric"].values == metric))
        relative = judge.LIMITS[str(cases["units"].values[0])][2]
        suffix, scale = ("_share", PERCENT) if relative else ("", MILLI)
        unit = "%" if relative else f"m{cases['units'].values[0]}"
        errors = [_largest(cases[part + suffix] * scale) for part in ("mean", "rms", "largest")]
        broken = [reason for i in range(cases.sizes["case"]) if (reason := judge.beyond(cases.isel(case=i)))]
        rows.append(
            [metric, cases.sizes["case"], *(f"{error:.4f} {unit}" for error in errors),
             f"{_largest(cases['sigmas']):.1e}", f"{float(cases['differing'].max()):.1%}",
             f"BEYOND at {len(broken)}" if broken else "within"]
        )  # fmt: skip
    size = data.sizes["judged_sample"]
    title = f"Twin less ngspice at tight tolerances, {size} samples a condition out to {FARTHEST:g} sigma;"
    return "\n".join(
        [f"{title} each at the condition where it is largest", tabulate(rows, HEADERS, disable_numparse=True)]
    )


def _largest(values: xr.DataArray) -> float:
    """The one of largest magnitude; NaN where there is none."""
    known = values.values[np.isfinite(values.values)]
    return float(known[np.abs(known).argmax()]) if known.size else float("nan")
