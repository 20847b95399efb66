"""The check of the equivalent column as text for a terminal."""

from __future__ import annotations

import numpy as np
import xarray as xr
from tabulate import tabulate

from charlib import columncheck
from pimchar.render import quantity

HEADERS = ("case", "rows", "position", "pattern", "delay", "energy", "precharge", "leakage", "delay", "full", "faster")


def column_check(data: xr.Dataset) -> str:
    """Largest errors of each column over samples and stored states, and whether they are within the limits."""
    found = columncheck.errors(data)
    worst = np.abs(found).max(("sample", "lobe"))
    rows = []
    for case, count, position, pattern in np.ndindex(*(found.sizes[name] for name in columncheck.DIMS[:4])):
        place = {"case": case, "rows": count, "position": position, "pattern": pattern}
        here, errors = data.isel(place), worst.isel(place)
        full = here.sel(representation="full")
        names = [str(here[axis].values) for axis in columncheck.DIMS[:4]]
        shown = [_percent(float(errors[name])) for name in columncheck.MEASURED]
        delay, seconds = float(full["t_read"].mean()), float(full["seconds"])
        ratio = f"{float(errors['speed_up']):.0f}x"
        rows.append([*names, *shown, quantity(delay, "s"), quantity(seconds, "s"), ratio])
    title = (
        "Largest error of the equivalent column over samples and stored states; delay and time per sample of the full"
    )
    labels = [f"{name}: {data.attrs[f'case_{name}']}" for name in data["case"].values]
    return "\n".join([title, "; ".join(labels), tabulate(rows, HEADERS, disable_numparse=True), verdict(data)])


def verdict(data: xr.Dataset) -> str:
    """One line: the largest errors beside their limits, the speed of the longest column, and what has no pair."""
    found, parts = columncheck.errors(data), []
    for name, error in columncheck.largest(data).items():
        limit = columncheck.LIMITS[name]
        parts.append(f"{name} {_percent(error)} ({'within' if error <= limit else 'BEYOND'} {limit:.0%})")
    longest = found["speed_up"].sel(rows=found["rows"].max())
    speed = f"{float(longest.min()):.0f} to {float(longest.max()):.0f} times faster at {int(found['rows'].max())} rows"
    lone = columncheck.unmatched(data)
    missing = f"; {lone} numbers MISSING from one column or both" if lone else ""
    return f"largest errors: {', '.join(parts)}; {speed}{missing}"


def _percent(error: float) -> str:
    return "-" if np.isnan(error) else f"{100 * error:.3f} %"
