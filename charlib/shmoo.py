"""Between which cycle times a read path computes right: too short and it does not read, too long and a line is lost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr

from charlib import ngspice
from charlib.characterize import LAST_WINDOW, provenance, unit_at, windows_of
from charlib.conditions import Conditions, Place
from charlib.directory import write_whole
from charlib.execution import Runner, directory_runner, pool_starter
from charlib.plan import Plan, make_plan
from charlib.progress import Progress
from charlib.status import FLAG_ATTRS, Status
from charlib.unit import UnitResult
from charlib.variation import Variation
from netlists.bitcells import Cell
from netlists.readpath import ReadPath
from netlists.technology import Technology

FILE = "shmoo.nc"
METRIC, TESTBENCH = "t_compute", "truth"
RATIO = 1.05
"""Ratio of a cycle that is right to the next one that is wrong at which a search ends [1]."""
SHORTER, LONGER = 2.0, 4.0
"""Factors by which a limit is first looked for below and above cycles that are right [1]."""
FARTHEST_START = 64.0
"""Where the first cycle is wrong, longer ones are tried up to this multiple, then shorter ones down to this part [1].

Steps are as above: an interval of right cycles above the first one is missed if it is narrower than ``LONGER``, one
below if it is narrower than ``SHORTER``.
"""
PATTERN = "worst"
"""What the unselected rows store: whatever pulls down the line that must stay high."""


def wanted(start: float, tried: Mapping[float, bool | None]) -> list[float]:
    """Cycles to try next [s], at most one on each side; empty where both limits are found or cannot be.

    The cycles that are right are taken to be one interval.

    Args:
        start: first cycle to try. tried: cycle to whether all outputs were right; None: no answer.
    """
    if start not in tried:
        return [start]
    right = sorted(cycle for cycle, good in tried.items() if good)
    if not right:
        longer, shorter = _rounded(max(tried) * LONGER), _rounded(min(tried) / SHORTER)
        if longer <= start * FARTHEST_START:
            return [longer]
        return [shorter] if shorter >= _rounded(start / FARTHEST_START) else []
    below, above = _neighbours(tried)
    found = []
    if below is None:
        found.append(right[0] / SHORTER)
    elif right[0] / below > RATIO:
        found.append(math.sqrt(right[0] * below))
    if above is None:
        found += [right[-1] * LONGER] if right[-1] * LONGER <= LAST_WINDOW else []
    elif above / right[-1] > RATIO:
        found.append(math.sqrt(right[-1] * above))
    return [cycle for cycle in map(_rounded, found) if cycle not in tried]


def _rounded(cycle: float) -> float:
    return float(f"{cycle:.3e}")


def _neighbours(tried: Mapping[float, bool | None]) -> tuple[float | None, float | None]:
    """Cycles next to those that are right, shorter and longer, that are not right; None where none was tried."""
    right = [cycle for cycle, good in tried.items() if good]
    other = [cycle for cycle, good in tried.items() if not good]
    below = max((cycle for cycle in other if cycle < min(right)), default=None)
    return below, min((cycle for cycle in other if cycle > max(right)), default=None)


def shmoo(
    cell: Cell | None = None,
    technology: str | Technology = "predictive28",
    conditions: Conditions | None = None,
    variation: Variation | None = None,
    out: str | Path | None = None,
    workers: int | None = None,
    accuracy: str = "default",
    readpath: ReadPath | None = None,
    scheduler: str | None = None,
    timeout: float = ngspice.TIMEOUT,
    run_file: str | None = None,
) -> xr.Dataset:
    """Shortest and longest cycle time at which the nominal read path computes all eight combinations right.

    Every cycle has the shape of ``netlists.operation.PHASES``; the unselected rows store the worst pattern. Limits are
    searched by bisection, all conditions side by side; every trial is kept in the directory's store.

    Args:
        variation: of the directory's other results; nothing is drawn. The others as of :func:`charlib.characterize`.

    Returns:
        Dataset over the conditions: ``cycle_min`` and ``cycle_max`` [s], the last cycles that are right, with
        ``_wrong``, the next ones tried that are not, and ``_status`` (``censored_high``: right at the longest tried;
        ``not_performed``: none that was tried is right); ``trial_cycle`` [s] and ``trial_right`` (1, 0, -1: no
        answer) along dimension ``trial``. Also written to ``shmoo.nc`` of the directory.

    Raises:
        As :func:`charlib.characterize`.
    """
    plan = make_plan(cell, technology, conditions, variation, (METRIC,), "ngspice", accuracy, readpath, 1.0)
    start_pool = pool_starter(workers, scheduler, timeout)
    with directory_runner(plan, out, start_pool, Progress(0, False)) as (folder, version, runner):
        tried = _search(replace(plan, readpath=replace(plan.readpath, pattern=PATTERN)), runner)
        data = limits(plan, tried).assign_attrs(provenance(plan, version, run_file), pattern=PATTERN)
        if out is not None:
            write_whole(folder / FILE, lambda path: data.to_netcdf(path))
    return data


def _search(plan: Plan, runner: Runner) -> dict[Place, dict[float, bool | None]]:
    """Every condition's trials, in steps of at most two trials for each."""
    starts = windows_of(plan, runner, TESTBENCH)
    tried: dict[Place, dict[float, bool | None]] = {point: {} for point in starts}
    while todo := [(point, cycle) for point in starts for cycle in wanted(starts[point], tried[point])]:
        trials = runner.run([(unit_at(plan, TESTBENCH, *trial, None), 1) for trial in todo], trial=True)
        for (point, cycle), trial in zip(todo, trials, strict=True):
            tried[point][cycle] = _right(trial)
    return tried


def _right(trial: UnitResult) -> bool | None:
    status = Status(int(trial.metrics[METRIC].status[0]))
    if status in (Status.ok, Status.not_performed, Status.censored_high):
        return status == Status.ok
    return None


def _limits(tried: Mapping[float, bool | None]) -> dict[str, float]:
    """Both limits of a condition with the neighbours that are not right, and their status."""
    right = [cycle for cycle, good in tried.items() if good]
    found = dict.fromkeys(("cycle_min", "cycle_min_wrong", "cycle_max", "cycle_max_wrong"), math.nan)
    if not right:
        status = Status.not_performed if None not in tried.values() else Status.suspect
        return found | {"cycle_min_status": status, "cycle_max_status": status}
    below, above = _neighbours(tried)
    beyond = {"min": Status.censored_low, "max": Status.censored_high}
    for side, limit, other in (("min", min(right), below), ("max", max(right), above)):
        known = other is not None and tried[other] is False
        found[f"cycle_{side}"], found[f"cycle_{side}_wrong"] = limit, math.nan if other is None else other
        found[f"cycle_{side}_status"] = Status.ok if known else beyond[side] if other is None else Status.suspect
    return found


def limits(plan: Plan, tried: Mapping[Place, Mapping[float, bool | None]]) -> xr.Dataset:
    """Limits and trials over the axes of a plan's conditions; each place's trials as of :func:`wanted`."""
    axes = plan.conditions.axes
    shape, dims = tuple(len(values) for values in axes.values()), tuple(axes)
    every = [tried[point] for point in plan.conditions.points()]
    both = [_limits(trials) for trials in every]
    texts = {"cycle_min": "shortest cycle that is right", "cycle_max": "longest cycle that is right"}
    data = xr.Dataset(coords={axis: list(values) for axis, values in axes.items()})
    for name in both[0]:
        values = np.array([found[name] for found in both]).reshape(shape)
        if name.endswith("_status"):
            data[name] = (dims, values.astype(np.int8), {"long_name": f"status of {name[:-7]}", **FLAG_ATTRS})
        else:
            text = texts.get(name, f"cycle next to {name.removesuffix('_wrong')} that is not right")
            data[name] = (dims, values, {"units": "s", "long_name": text})
    most = max(map(len, every))
    cycles, right = np.full((len(every), most), np.nan), np.full((len(every), most), -1, dtype=np.int8)
    for i, trials in enumerate(every):
        for j, cycle in enumerate(sorted(trials)):
            good = trials[cycle]
            cycles[i, j], right[i, j] = cycle, -1 if good is None else int(good)
    about = {"trial_cycle": (cycles, "s", "cycle that was tried"), "trial_right": (right, "1", "all outputs right")}
    for name, (values, unit, text) in about.items():
        data[name] = ((*dims, "trial"), values.reshape(*shape, most), {"units": unit, "long_name": text})
    data["vdd"].attrs = {"units": "V", "long_name": "supply voltage"}
    data["temp"].attrs = {"units": "K", "long_name": "temperature"}
    return data
