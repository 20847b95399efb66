"""From costs to the table and to what is claimed of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from tabulate import tabulate

from bench.contenders import (
    CONTENDERS,
    DASK_ONE,
    DASK_TWO,
    ONE,
    OWN,
    OWN_TWICE,
    PYSPICE,
    TWO,
    UNIFORM,
    UNIFORM_TIGHT,
)
from bench.rounds import Cost

HEADERS = ("", "CPU [ms]", "min-max", "wall [ms]", "CPU / own", "wall / own")


def ratio(costs: Mapping[str, Sequence[Cost]], a: str, b: str, clock: str = "cpu") -> np.ndarray:
    """What ``a`` takes per sample in units of ``b`` [1], round by round as far as both took part."""
    return np.array([getattr(x, clock) / getattr(y, clock) for x, y in zip(costs[a], costs[b], strict=False)])


def spread(values: np.ndarray, form: str) -> str:
    """Median and range."""
    return f"{np.median(values):{form}} ({values.min():{form}} to {values.max():{form}})"


def table(costs: Mapping[str, Sequence[Cost]], errors: Mapping[str, np.ndarray], number: str) -> str:
    """One workload: medians over the rounds of CPU and wall per sample, and each contender's error of a number."""
    rows = []
    for name, rounds in costs.items():
        cpu, wall = (1e3 * np.array([getattr(cost, clock) for cost in rounds]) for clock in ("cpu", "wall"))
        row = [CONTENDERS[name].title, f"{np.median(cpu):.3g}", f"{cpu.min():.3g}-{cpu.max():.3g}"]
        row += [f"{np.median(wall):.3g}", *(f"{np.median(ratio(costs, name, OWN, c)):.2f}" for c in ("cpu", "wall"))]
        if name in errors:
            row += [f"{np.sqrt(np.mean(errors[name] ** 2)):.3f}", f"{np.abs(errors[name]).max():.3f}"]
        rows.append(row)
    return tabulate(
        rows, (*HEADERS, f"error of {number}: rms", "max"), disable_numparse=True, colalign=("left", *["right"] * 7)
    )


def claims(costs: Mapping[str, Sequence[Cost]]) -> str:
    """What follows from one workload: median and range over the rounds, and the limit where there is one."""
    sweeps, dask = UNIFORM in costs, DASK_ONE in costs
    rows = [
        ("CPU over ngspice's own solve [%]", 100 * (ratio(costs, ONE, OWN) - 1), "at most 15"),
        ("two workers against one", ratio(costs, ONE, TWO, "wall"), "at least 1.8"),
        ("two ngspice against one", ratio(costs, OWN, OWN_TWICE, "wall"), "what the machine gives"),
        ("samples per CPU second against PySpice, one thread", ratio(costs, PYSPICE, ONE), "at least 2.5" * sweeps),
    ]
    if dask:
        rows += [
            ("Dask, 1 worker: CPU over ngspice's own solve [%]", 100 * (ratio(costs, DASK_ONE, OWN) - 1), ""),
            ("Dask: two workers against one", ratio(costs, DASK_ONE, DASK_TWO, "wall"), ""),
        ]
    if sweeps:
        rows += [
            ("solver time, 33 points against 101 uniform ones", ratio(costs, OWN, UNIFORM), "at most 0.5"),
            ("the same with equal tolerance", ratio(costs, OWN, UNIFORM_TIGHT), "at most 0.5"),
        ]
    found = [(text, spread(values, ".1f" if "%" in text else ".2f"), limit) for text, values, limit in rows]
    return tabulate(found, ("", "median (range)", "limit"), disable_numparse=True)


def overhead(costs: Mapping[str, Sequence[Cost]]) -> str:
    """CPU of one worker over ngspice's own solve: median of the rounds, its standard error by resampling, quartiles."""
    own, over = 1e3 * np.array([cost.cpu for cost in costs[OWN]]), 100 * (ratio(costs, ONE, OWN) - 1)
    resampled = np.random.default_rng(1).choice(over, (10_000, over.size))
    error = np.std(np.median(resampled, axis=1))
    low, high = np.quantile(over, [0.25, 0.75])
    return (
        f"read butterfly, {over.size} rounds; ngspice's own solve {spread(own, '.2f')} ms a sample\n"
        f"CPU over ngspice's own solve: {np.median(over):.1f} +- {error:.1f} % (quartiles {low:.1f} and {high:.1f} %)"
    )
