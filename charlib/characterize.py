"""From a request to labelled numbers: plan, units of work, one Dataset, one results directory."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr

from charlib import arrays, ngspice, tables
from charlib import dataset as build
from charlib.byhand import hand_deck
from charlib.conditions import OFFSETS, Conditions, Place
from charlib.dataset import Point, Results, Samples
from charlib.directory import MANIFEST, open_directory, read_manifest, write_json, write_whole
from charlib.errors import InvalidPlan, TooManyFailures, TwinRefused
from charlib.execution import DaskPool, LocalPool, Runner, Tally, account, pool_starter
from charlib.metrics import METRICS, testbench_metrics
from charlib.plan import Plan, make_plan
from charlib.progress import Progress
from charlib.status import Status
from charlib.store import Store
from charlib.twin import judge
from charlib.unit import BLOCK, FORMAT, Unit, UnitResult
from charlib.variation import Variation
from netlists.bitcells import Cell, Sram6T
from netlists.cells import CELL_FILE
from netlists.netlistcell import NetlistCell
from netlists.readpath import ReadPath
from netlists.technology import Technology
from netlists.testbenches import TESTBENCHES
from netlists.variation import corner_of

FIRST_WINDOW = 0.2e-9
"""First guess of a transient's window [s]."""
LAST_WINDOW = 1e-3
"""Longest window that is tried [s]: an operation that takes longer is censored there."""
KEPT_DECKS = 3
"""Failed samples whose decks are kept when a run stops."""
GROWTH = 4.0
"""Factor between guesses, and how much shorter than its window a nominal operation must be to be believed [1]."""


def characterize(
    cell: Cell | None = None,
    technology: str | Technology = "predictive28",
    conditions: Conditions | None = None,
    variation: Variation | None = None,
    metrics: Sequence[str] = ("snm_hold", "snm_read"),
    out: str | Path | None = None,
    workers: int | None = None,
    engine: str = "ngspice",
    accuracy: str = "default",
    readpath: ReadPath | None = None,
    max_failed: float = 0.02,
    run_file: str | None = None,
    progress: bool = False,
    scheduler: str | None = None,
    timeout: float = ngspice.TIMEOUT,
    judged: int = judge.SIZE,
) -> xr.Dataset:
    """Characterize a bit cell and its read path.

    Args:
        cell: bit cell; None is the technology's default 6T.
        technology: name or :class:`Technology`.
        conditions: grid of process, vdd [V], temp [K] and offsets [V]; None is tt at the nominal supply and 25 degC.
        variation: Monte Carlo; None is the nominal cell alone, as one sample. With global variation the results'
            process is ``mc`` in place of ``tt``, and ``mc_ss`` in place of ``ss``, which counts twice: a warning.
        metrics: names from ``METRICS``.
        out: results directory, made or extended; None keeps nothing.
        workers: simulators at a time; None is one per core.
        engine: ``ngspice``, or ``twin``: static metrics of all samples from tables of device currents that ngspice
            made, judged by ngspice on ``judged`` samples; it answers as at accuracy ``reference``.
        accuracy: ``default`` or ``reference``.
        readpath: read path around the cell.
        max_failed: share of samples without an answer that stops the run [1].
        run_file: text of the run file, kept with the results.
        progress: show progress on standard error.
        scheduler: address of a Dask scheduler whose workers simulate instead of this machine's.
        timeout: wall-clock limit of one sample [s]; a simulator that exceeds it is killed and the sample tried again.
        judged: samples of each testbench and condition that ngspice simulates to judge a twin.

    Returns:
        Dataset over (process, vdd, temp[, dv_wl][, dv_bl][, dv_cell][, rows], sample[, lobe]), of what was asked for;
        the files of a directory that is extended hold the union with what was there. Each metric with ``_status``,
        ``_bound``, ``_nominal`` and, where it exists per stored state, ``_lobes``; units in attrs. Samples that take
        more than ``charlib.arrays.HELD`` bytes are read from disk as they are asked for.

    Raises:
        InvalidPlan, TechnologyError, CellError: an illegal value. SimulatorMissing: no ngspice. PlanMismatch,
        DirectoryInUse: the directory. TooManyFailures: more samples without an answer than allowed. TwinRefused:
        ngspice does not confirm what the twin found.
    """
    plan = make_plan(cell, technology, conditions, variation, metrics, engine, accuracy, readpath, max_failed)
    start_pool = pool_starter(workers, scheduler, timeout)
    if engine == "twin":
        judge.check_size(judged)
        if scheduler:
            raise InvalidPlan(f"scheduler={scheduler!r}: engine='twin' solves on this machine; leave it out")
    version = ngspice.version()
    ngspice.check_models(plan.technology.osdi)
    with open_directory(out, plan.identity()) as folder:
        solve = (
            partial(_solve_twin, workers=workers, timeout=timeout, judged=judged, show=progress)
            if engine == "twin"
            else partial(_simulate, start_pool=start_pool, show=progress)
        )
        data = _extend(folder, out is not None, plan, version, solve, run_file)
    return _asked_for(data, plan)


def _extend(
    folder: Path,
    kept: bool,
    asked: Plan,
    version: str,
    solve: Callable[..., tuple[Results, Tally, dict[str, xr.Dataset]]],
    run_file: str | None,
) -> xr.Dataset:
    """Simulate what a results directory lacks of a plan; the Dataset of the plan and of what was there before.

    Args:
        folder: the directory, or a passing one. kept: it stays. version: of ngspice. solve: the engine, from plan,
            store, a place for the samples and seconds per sample known so far to results, what was done, and further
            files by name.
    """
    started = time.time()
    known = read_manifest(folder) or {}
    plan = asked.united(known.get("grid", {}))
    manifest = {"plan": known.get("plan", {}) | plan.identity(), "started": started, "complete": False}
    if kept:
        write_json(folder / MANIFEST, known | manifest)
    store = Store(folder / "units", version)
    samples = Samples(plan, folder)
    try:
        results, tally, files = solve(plan, store, samples, known=known.get("seconds_per_sample"))
    except TooManyFailures as error:
        raise TooManyFailures(f"{error}{_keep_decks(error, folder if kept else None)}", error.samples) from error
    except TwinRefused as error:
        raise TwinRefused(f"{error}{_keep_verdicts(error, folder if kept else None)}", error.judged) from error
    data = build.characterization(plan, results, samples).assign_attrs(provenance(plan, version, run_file))
    if kept:
        _write(folder, plan, data, results, run_file)
        for name, dataset in files.items():
            write_whole(folder / name, dataset.assign_attrs(data.attrs).to_netcdf)
        (folder / judge.REFUSED).unlink(missing_ok=True)
        # The grid is that of the files: a run that is broken off leaves the directory's as it was.
        write_json(
            folder / MANIFEST, manifest | {"grid": plan.grid()} | account(tally, plan.testbenches, version, started)
        )
    return data


def _asked_for(data: xr.Dataset, plan: Plan) -> xr.Dataset:
    """The part of a directory's Dataset that a plan asks for, its conditions in the plan's order."""
    axes = plan.conditions.axes
    part = data.sel({axis: list(values) for axis, values in axes.items()})
    usual = dict.fromkeys(OFFSETS, 0.0) | {"rows": plan.readpath.rows}
    unasked = {axis: value for axis, value in usual.items() if axis in data.dims and axis not in axes}
    return part.sel(unasked, drop=True).isel(sample=slice(plan.samples))


def _keep_decks(error: TooManyFailures, folder: Path | None) -> str:
    """Write decks of the first failed samples next to the results, to be run by hand; returns where, as a remark."""
    if folder is None or not error.samples:
        return ""
    failed = folder / "failed"
    failed.mkdir(exist_ok=True)
    for unit, sample in error.samples[:KEPT_DECKS]:
        name = f"{unit.testbench.name}-{'nominal' if unit.block is None else sample}.cir"
        (failed / name).write_text(hand_deck(unit, sample))
    return f"; decks of the first are in {failed}"


def _keep_verdicts(error: TwinRefused, folder: Path | None) -> str:
    """Write the verdicts for which a twin is refused next to the results; returns where, as a remark."""
    if folder is None:
        return ""
    write_whole(folder / judge.REFUSED, error.judged.to_netcdf)
    return f"; the verdicts are in {folder / judge.REFUSED}"


def _solve_twin(
    plan: Plan,
    store: Store,
    samples: Samples,
    known: dict[str, float] | None,
    workers: int | None,
    timeout: float,
    judged: int,
    show: bool,
) -> tuple[Results, Tally, dict[str, xr.Dataset]]:
    """A plan from tables, with the judge's verdicts as a file."""
    del known  # nothing is simulated that a guess of its time could order
    from charlib.twin.engine import simulate  # compiled code, which takes a second to load

    solution = simulate(plan, store.folder, samples, workers or os.cpu_count() or 1, timeout, judged, show)
    return solution.results, solution.tally, {judge.FILE: solution.judged}


def _simulate(
    plan: Plan,
    store: Store,
    samples: Samples,
    known: dict[str, float] | None,
    start_pool: Callable[[], LocalPool | DaskPool],
    show: bool,
) -> tuple[Results, Tally, dict[str, xr.Dataset]]:
    """A plan in ngspice, what the store has not simulated again."""
    pool = start_pool()
    conditions = list(plan.conditions.points())
    per_condition = 1 + (plan.samples if plan.variation else 0)
    total = len(plan.testbenches) * len(conditions) * per_condition
    progress = Progress(total, show)
    try:
        with Runner(store, pool, progress, plan.max_failed * total, known) as runner:
            windows = {name: windows_of(plan, runner, name) for name in plan.testbenches}
            places = [(name, point) for name in plan.testbenches for point in conditions]
            nominal = [unit_at(plan, name, point, windows[name].get(point), None) for name, point in places]
            nominal_results = runner.run([(unit, 1) for unit in nominal])
            blocks = [_blocks(plan, unit) for unit in nominal]
            sampled = iter(runner.run([block for group in blocks for block in group], announce=True))
            results = {}
            for place, only, group in zip(places, nominal_results, blocks, strict=True):
                name, point = place
                parts = [next(sampled) for _ in group] or [only]
                for block, part in enumerate(parts):
                    samples.put(point, block * BLOCK, part)
                results[place] = Point(only, parts[0], windows[name].get(point))
            return results, runner.tally, {}
    finally:
        progress.close()


def unit_at(plan: Plan, name: str, point: Place, window: float | None, block: int | None) -> Unit:
    """Unit of a testbench of a plan at a condition; window [s], block as in :class:`Unit`."""
    testbench = TESTBENCHES[name].build(plan.setting(*point, window))
    variation = plan.variation
    seed, local = (variation.seed, variation.local) if variation else (0, False)
    return Unit(testbench, block, seed, local, plan.accuracy)


def _blocks(plan: Plan, nominal: Unit) -> list[tuple[Unit, int]]:
    """Blocks of samples at the place of a nominal unit, with their sample counts; none for a nominal plan."""
    if not plan.variation:
        return []
    return [
        (replace(nominal, block=block), min(BLOCK, plan.samples - block * BLOCK))
        for block in range(math.ceil(plan.samples / BLOCK))
    ]


def windows_of(plan: Plan, runner: Runner, name: str) -> dict[Place, float]:
    """Window [s] of a transient at each condition, from its nominal delays: a row's multiple of the slowest.

    The nominal operation is tried in windows that grow until it is done well inside one.
    """
    row = TESTBENCHES[name]
    if not row.timed_by:
        return {}
    windows: dict[Place, float] = {}
    pending, guess = list(plan.conditions.points()), FIRST_WINDOW
    while pending:
        tried = row.timed_on or name
        trials = runner.run([(unit_at(plan, tried, point, guess, None), 1) for point in pending], trial=True)
        for point, trial in zip(pending, trials, strict=True):
            slowest = _slowest(trial, row.timed_by)
            if slowest is not None and slowest * GROWTH <= guess:
                windows[point] = float(f"{row.window * slowest:.1e}") if slowest > 0 else guess
            elif guess >= LAST_WINDOW:
                windows[point] = LAST_WINDOW
        pending = [point for point in pending if point not in windows]
        guess = min(guess * GROWTH, LAST_WINDOW)
    return windows


def _slowest(trial: UnitResult, metrics: Sequence[str]) -> float | None:
    """Longest of some times [s] of a nominal cell; None where one may still come in a longer window.

    An operation that went wrong never comes, in whatever window; the others then count, and 0 if there are none.
    """
    measured = [trial.metrics[name] for name in metrics]
    status = np.concatenate([m.status.ravel() for m in measured])
    if not np.isin(status, (Status.ok, Status.not_performed)).all():
        return None
    return max((float(v) for m in measured for v in m.values.ravel() if np.isfinite(v)), default=0.0)


def provenance(plan: Plan, version: str, run_file: str | None) -> dict[str, object]:
    """Attributes that say where a Dataset comes from; version of ngspice, text of the run file."""
    variation = plan.variation
    return {
        "title": f"pimchar characterization, {plan.technology.name}",
        "Conventions": "CF-1.11",
        "technology": plan.technology.name,
        "model_sha256": plan.technology.model_sha256,
        "cell": json.dumps(plan.identity()["cell"]),
        "readpath": json.dumps(plan.identity()["readpath"]),
        **_cell_area(plan),
        "samples": plan.samples if variation else 0,
        "seed": variation.seed if variation else "none: nominal cell",
        "local_variation": str(bool(variation and variation.local)),
        "global_law": _global_law(plan),
        "accuracy": "reference" if plan.engine == "twin" else plan.accuracy,
        "engine": plan.engine,
        "ngspice_version": version,
        "measurement_version": measurement_version(plan),
        "run_file": run_file or "none: called from Python",
    }


def _cell_area(plan: Plan) -> dict[str, object]:
    """Area of the technology's SRAM cell; nothing for another one, whose layout no technology states."""
    if plan.cell.states != Sram6T.states:
        return {}
    return {"cell_area": plan.technology.geometry.cell_area, "cell_area_units": "m2"}


def _global_law(plan: Plan) -> str:
    """The law that was drawn from, as JSON."""
    if all(corner_of(process) == process for process in plan.conditions.process):
        return "none: not drawn"
    return json.dumps(asdict(plan.technology.global_law))


def measurement_version(plan: Plan) -> str:
    """Versions of the format of units and of every metric on the testbenches in use."""
    names = (n for t in plan.testbenches for n in testbench_metrics(t))
    return f"{FORMAT}; " + ", ".join(f"{n} {METRICS[n].version}" for n in names)


def _write(folder: Path, plan: Plan, data: xr.Dataset, results: Results, run_file: str | None) -> None:
    write_whole(folder / "characterization.nc", lambda p: arrays.write(p, data))
    write_whole(folder / "tables.nc", lambda p: tables.write(p, data))
    write_whole(folder / "curves.nc", lambda p: _write_curves(p, plan, data, results))
    if isinstance(plan.cell, NetlistCell):
        write_whole(folder / CELL_FILE, lambda p: p.write_text(plan.cell.text, encoding="utf-8"))
    if run_file is not None:
        write_whole(folder / "run.toml", lambda p: p.write_text(run_file))


def _write_curves(path: Path, plan: Plan, data: xr.Dataset, results: Results) -> None:
    """One group per testbench that figures draw, compressed."""
    xr.Dataset(attrs=data.attrs).to_netcdf(path)
    for name in plan.testbenches:
        if TESTBENCHES[name].drawn:
            of = build.curves if TESTBENCHES[name].cloud else build.trials
            group = of(plan, results, name).assign_attrs(data.attrs)
            packed = {v: {"zlib": True, "complevel": 4} for v in group.data_vars}
            group.to_netcdf(path, mode="a", group=name, encoding=packed)
