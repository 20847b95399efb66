"""What ``pimchar stats`` shows: a table of each metric, and the transistors behind them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterator, Sequence
from itertools import product

import numpy as np
import xarray as xr
from matplotlib.ticker import EngFormatter

from analysis import plots
from charlib.conditions import OPTIONAL
from pimchar.chain import Statistics
from pimchar.render import WIDTH, axis_cell, celsius, condition_cells, quantity, table

NORMAL = "normal p"
LARGEST = 4
"""Transistors shown of each metric."""


def statistics(found: Statistics) -> str:
    """Tables of a directory's statistics, units in the headers."""
    summary = found.summary
    percent = f"{100 * summary.attrs['confidence']:g} %"
    head = (
        f"{summary.attrs['samples']} samples per condition, seed {summary.attrs['seed']}. In parentheses: {percent} "
        "intervals; an open end has no limit. ±: Student; sigma: chi-square, for normal samples; quantiles: order "
        "statistics, for any distribution; failures: exact binomial, unknown samples counted both ways. "
        f"{NORMAL}: D'Agostino and Pearson, small where the samples are not normal"
    )
    parts = [textwrap.fill(head, WIDTH)]
    parts += [_metric(summary, metric) for metric in _metrics(summary)]
    parts.append(_worst(found.worst, _metrics(summary)))
    parts.append(_transistors(found.sensitivity) if found.sensitivity else f"no sensitivities: {found.remark}")
    return "\n\n".join(parts)


def _metrics(summary: xr.Dataset) -> list[str]:
    """Metrics of a summary without their parts per stored state."""
    names = (str(name) for name in summary.data_vars if str(name).endswith("_pass_rate"))
    return [name.removesuffix("_pass_rate") for name in names if "lobe" not in summary[name].dims]


def _metric(summary: xr.Dataset, metric: str) -> str:
    """One metric: what it is, and a row for each condition."""
    mean = summary[f"{metric}_mean"]
    unit = mean.attrs["units"]
    exponent = 0 if unit == "1" else plots.prefix_exponent(float(np.nanmax(np.abs(mean.values), initial=0.0)))
    label = f"[{EngFormatter.ENG_PREFIXES[exponent]}{unit}]"
    censored = bool((summary[f"{metric}_n_beyond"] + summary[f"{metric}_n_failed"]).any())
    levels = [f"{100 * q:g} %" for q in summary["quantile"].values]
    headers = [
        *_axes(summary),
        "n",
        f"mean {label}",
        f"± {label}",
        f"sigma {label}",
        *(f"{q} {label}" for q in levels),
    ]
    headers += ["skew", NORMAL, "failures", "unknown", "failing [%]"]
    headers += [f"fitted mean {label}", f"fitted sigma {label}"] if censored else []
    rows = []
    for place in _conditions(summary, _axes(summary)):
        here = summary.sel(place)
        rows.append([*condition_cells(**place), *_row(here, metric, exponent, censored)])
    limit = float(mean.attrs.get("fail_limit", math.nan))
    side = {"low": "at or below", "high": "at or above"}[mean.attrs["fails_when"]]
    fails = f"fails {side} {quantity(limit, unit)}" if math.isfinite(limit) else "fails where it did not happen"
    name = str(mean.attrs["long_name"]).removesuffix(", mean of the good samples")
    return f"{metric}: {name}; {fails}\n\n{table(headers, rows)}"


def _row(here: xr.Dataset, metric: str, exponent: int, censored: bool) -> list[str | int]:
    """Cells of one metric at one condition."""

    def get(name: str) -> float:
        return float(here[f"{metric}_{name}"])

    def number(value: float) -> str:
        return "-" if math.isnan(value) else f"{value / 10.0**exponent:.4g}"

    quantiles = [
        f"{number(q)} {_between(low, high, number)}"
        for q, low, high in zip(
            *(here[f"{metric}_quantiles{end}"].values for end in ("", "_ci_low", "_ci_high")), strict=True
        )
    ]
    failing = _between(1 - get("ci_high"), 1 - get("ci_low"), lambda share: f"{100 * share:.3g}")
    cells = [
        int(get("n_ok")),
        number(get("mean")),
        number((get("mean_ci_high") - get("mean_ci_low")) / 2),
        f"{number(get('std'))} {_between(get('std_ci_low'), get('std_ci_high'), number)}",
        *quantiles,
        *("-" if math.isnan(get(name)) else f"{get(name):.2g}" for name in ("skewness", "normality_p")),
        int(get("n_fails")),
        int(get("n_unknown")),
        f"{100 * (1 - get('pass_rate')):.3g} {failing}",
    ]
    fits = [f"{number(get(f'fit_{part}'))} ± {number(get(f'fit_{part}_se'))}" for part in ("mean", "std")]
    return cells + (fits if censored else [])


def _between(low: float, high: float, number: Callable[[float], str]) -> str:
    """An interval; an end that is not finite stays open."""
    ends = [number(end) if math.isfinite(end) else "" for end in (low, high)]
    return f"({ends[0]}..{ends[1]})"


def _axes(data: xr.Dataset) -> list[str]:
    """Axes of the conditions, optional ones last."""
    return [axis for axis in ("process", "vdd", "temp", *OPTIONAL) if axis in data.dims]


def _conditions(data: xr.Dataset, axes: Sequence[str]) -> Iterator[dict]:
    """Every condition as an argument of ``Dataset.sel``."""
    return (dict(zip(axes, place, strict=True)) for place in product(*(data[axis].values for axis in axes)))


def _worst(found: xr.Dataset, names: Sequence[str]) -> str:
    """Worst corner of each metric, by mean and at the sigma level; the worst temperature of each supply is marked."""
    axes = [axis for axis in _axes(found) if axis not in ("process", "temp")]
    rows, several = [], found.sizes["temp"] > 1
    for name in names:
        unit = found[f"{name}_corner_mean_value"].attrs["units"]
        for place in _conditions(found, [*axes, "temp"]):
            cells = [name, f"{place['vdd']:g} V", *(axis_cell(axis, place[axis]) for axis in axes if axis != "vdd")]
            cells.append(celsius(place["temp"]))
            for level in ("mean", "sigma"):
                here = found.sel(place)
                corner, value = (here[f"{name}_corner_{level}_{part}"].item() for part in ("process", "value"))
                worst = found[f"{name}_place_{level}_temp"].sel({axis: place[axis] for axis in axes})
                number = f"{corner} {'failed' if math.isnan(value) else quantity(value, unit)}" if corner else "unknown"
                marked = corner and several and float(worst) == place["temp"]
                cells.append(f"{number} *" if marked else number)
            rows.append(cells)
    sigma = f"{found.attrs['sigma']:g} sigma"
    headers = ["metric", *axes, "temp", "worst by mean", f"worst at {sigma}"]
    note = (
        f"worst corner of each metric at each temperature, by the mean and by mean and {sigma} of a normal "
        "distribution on the failing side; *: the worst of all temperatures"
    )
    return f"{textwrap.fill(note, WIDTH)}\n\n{table(headers, rows)}"


def _transistors(found: xr.Dataset) -> str:
    """Largest sensitivities of each metric, and of each stored state, at the condition that figures show."""
    condition = plots.reference_condition(found)
    here = found.sel(condition.where)
    rows = []
    for metric in (str(n).removesuffix("_r2") for n in found.data_vars if str(n).endswith("_r2")):
        lobes = [str(lobe) for lobe in here["lobe"].values] if "lobe" in here[f"{metric}_r2"].dims else [None]
        for lobe in lobes:
            one = here.sel(lobe=lobe) if lobe else here
            rows.append([metric, lobe or "-", int(one[f"{metric}_n"]), *_largest(one, metric)])
    headers = ["metric", "state", "n", "R2", *(f"number {i + 1}" for i in range(LARGEST))]
    note = (
        f"sensitivity at {condition}: change for one standard deviation of a transistor's |Vth| (or of what is named), "
        "and its share in the variance, by regression on the draws; every condition is in statistics.nc"
    )
    return f"{textwrap.fill(note, WIDTH)}\n\n{table(headers, rows)}"


def _largest(here: xr.Dataset, metric: str) -> list[str]:
    """R2 and the transistors with the largest shares."""
    slope, share = here[f"{metric}_slope"], here[f"{metric}_share"].values
    r2 = float(here[f"{metric}_r2"])
    if math.isnan(r2):
        return ["-"] * (1 + LARGEST)
    order = np.argsort(np.nan_to_num(-share, nan=1.0), kind="stable")[:LARGEST]
    cells = [
        f"{here['device'].values[i]} {quantity(float(slope[i]), slope.attrs['units'])} ({100 * share[i]:.0f} %)"
        for i in order
        if np.isfinite(share[i])
    ]
    return [f"{r2:.4f}", *cells, *["-"] * (LARGEST - len(cells))]
