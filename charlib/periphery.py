"""Characterization of logic gates over input slew and load, in the form of the non-linear delay model."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import xarray as xr

from charlib import ngspice
from charlib.conditions import Conditions
from charlib.directory import PERIPHERY, open_directory, read_manifest, write_json, write_whole
from charlib.execution import DaskPool, LocalPool, Runner, account, pool_starter
from charlib.logicdata import dataset, selected
from charlib.logicplan import CHARACTERIZED, LOADS, SLEWS, LogicPlan, make_logic_plan
from charlib.logicrun import count_samples, run_logic
from charlib.metrics.periphery import QUANTITIES
from charlib.progress import Progress
from charlib.store import Store
from charlib.unit import FORMAT
from charlib.variation import Variation
from netlists.technology import Technology

TABLE = "periphery.nc"
"""File of a results directory."""


def characterize_logic(
    technology: str | Technology = "predictive28",
    conditions: Conditions | None = None,
    variation: Variation | None = None,
    gates: Sequence[str] = CHARACTERIZED,
    slews: Sequence[float] = SLEWS,
    loads: Sequence[float] = LOADS,
    out: str | Path | None = None,
    workers: int | None = None,
    accuracy: str = "default",
    max_failed: float = 0.02,
    run_file: str | None = None,
    progress: bool = False,
    scheduler: str | None = None,
    timeout: float = ngspice.TIMEOUT,
) -> xr.Dataset:
    """Characterize logic gates: delay, output slew and energy over slew and load, leakage, capacitance, setup, hold.

    Args:
        technology: name or :class:`Technology`.
        conditions: grid of process, vdd [V] and temp [K]; None is tt at the nominal supply and 25 degC. Offsets are
            those of a cell's lines: gates are simulated at VDD, once.
        variation: mismatch, drawn at the middle slew and load for the typical pulses; None: nominal alone.
        gates: names from ``netlists.logic.GATES``.
        slews, loads: ascending, in units of the technology's fanout-of-four delay and unit inverter's input [1].
        out: results directory, made or extended, also that of a cell; None keeps nothing.
        workers, accuracy, max_failed, run_file, progress, scheduler, timeout: as of :func:`charlib.characterize`.

    Returns:
        Dataset of :func:`charlib.logicdata.dataset`, of what was asked for; ``periphery.nc`` of a directory that is
        extended holds the union with what was there.

    Raises:
        InvalidPlan, TechnologyError: an illegal value. SimulatorMissing: no ngspice. PlanMismatch, DirectoryInUse: the
        directory. TooManyFailures: more samples without an answer than allowed.
    """
    plan = make_logic_plan(technology, conditions, variation, gates, slews, loads, accuracy, max_failed)
    start_pool = pool_starter(workers, scheduler, timeout)
    version = ngspice.version()
    ngspice.check_models(plan.technology.osdi)
    with open_directory(out, plan.identity(), PERIPHERY) as folder:
        data = _extend(folder, out is not None, plan, version, start_pool, progress, run_file)
    return selected(data, plan.conditions, plan.gates, plan.samples)


def _extend(
    folder: Path,
    kept: bool,
    asked: LogicPlan,
    version: str,
    start_pool: Callable[[], LocalPool | DaskPool],
    progress: bool,
    run_file: str | None,
) -> xr.Dataset:
    """Simulate what a directory lacks of a plan; the Dataset of the plan and of what was there before."""
    started = time.time()
    known = read_manifest(folder, PERIPHERY) or {}
    plan = asked.united(known.get("grid", {}))
    manifest = {"plan": known.get("plan", {}) | plan.identity(), "started": started, "complete": False}
    if kept:
        write_json(folder / PERIPHERY, known | manifest)
    total = count_samples(plan)
    shown = Progress(total, progress)
    try:
        store, costs = Store(folder / "units", version), known.get("seconds_per_sample")
        with Runner(store, start_pool(), shown, plan.max_failed * total, costs) as runner:
            data = dataset(plan, run_logic(plan, runner)).assign_attrs(_provenance(plan, version, run_file))
    finally:
        shown.close()
    if kept:
        write_whole(folder / TABLE, data.to_netcdf)
        names = sorted({quantity.testbench for quantity in QUANTITIES.values()})
        write_json(
            folder / PERIPHERY, manifest | {"grid": plan.grid()} | account(runner.tally, names, version, started)
        )
    return data


def _provenance(plan: LogicPlan, version: str, run_file: str | None) -> dict[str, object]:
    variation = plan.variation
    measures = ", ".join(f"{name} {quantity.version}" for name, quantity in QUANTITIES.items())
    return {
        "title": f"pimchar characterization of logic gates, {plan.technology.name}",
        "Conventions": "CF-1.11",
        "technology": plan.technology.name,
        "model_sha256": plan.technology.model_sha256,
        "slew_definition": "20 % to 80 % of VDD over 0.6; ramps of inputs from 0 to 100 %",
        "delay_definition": "50 % to 50 % of VDD",
        "slews": json.dumps(plan.slews),
        "loads": json.dumps(plan.loads),
        "samples": plan.samples,
        "seed": variation.seed if variation else "none: nominal gates",
        "local_variation": str(bool(variation and variation.local)),
        "accuracy": plan.accuracy,
        "ngspice_version": version,
        "measurement_version": f"{FORMAT}; {measures}",
        "run_file": run_file or "none: called from Python",
    }
