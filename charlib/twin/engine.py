"""A characterization from tables: every sample of the plan solved, and the subset that ngspice judges."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr

from charlib.arrays import spans
from charlib.conditions import OFFSETS, Place
from charlib.dataset import Point, Results, Samples
from charlib.errors import TooManyFailures
from charlib.execution import Tally
from charlib.metrics import METRICS, testbench_metrics
from charlib.plan import Plan
from charlib.progress import Progress
from charlib.session import Session
from charlib.status import Status
from charlib.twin import judge
from charlib.twin.cell import Twin
from charlib.twin.subset import Subset, choose
from charlib.unit import Unit, UnitResult, measure_block, measure_unit
from charlib.waveforms import Measured
from netlists.setting import Setting
from netlists.testbenches import TESTBENCHES

CHUNK = 4096
"""Samples that are solved and measured at a time: their curves stay in tens of megabytes."""
AHEAD = 2
"""Chunks of each thread that are solved or wait to be at a time, before the oldest is handed on."""
NO_SOLUTION = "beyond the tables, or not solved from them"
"""What is said of a sample without a solution."""


@dataclass(frozen=True)
class Solution:
    """What a twin made of a plan.

    Attributes:
        results: as ngspice's. tally: what was simulated for the judge.
        judged: Dataset over ``case``, a metric at a condition, with the parts of :class:`charlib.twin.judge.Verdict`,
            and over ``case, judged_sample`` with the samples, their weights and both numbers of each.
    """

    results: Results
    tally: Tally
    judged: xr.Dataset


def solve_samples(twin: Twin, setting: Setting, unit: Unit, first: int, count: int) -> UnitResult:
    """Solve and measure samples ``first`` to ``first + count - 1`` of a unit, whatever its block."""
    return solve_values(twin, setting, unit, first, unit.knob_values(twin.session, first, count))


def solve_values(twin: Twin, setting: Setting, unit: Unit, first: int, values: np.ndarray) -> UnitResult:
    """Solve and measure samples from number ``first`` on of parameters ``values``, shape (sample, knob)."""
    block, solved = twin.block(setting, unit.testbench, values)
    statuses = np.where(solved, Status.ok, Status.numerical_failure).astype(np.int8)
    failures = {first + int(i): ("numerical_failure", NO_SOLUTION, ()) for i in np.flatnonzero(~solved)}
    return measure_block(unit, first, block if solved.any() else None, statuses, failures)


def judge_samples(session: Session, unit: Unit, samples: np.ndarray) -> UnitResult:
    """The same samples in ngspice, each of them once."""
    each, places = np.unique(samples, return_inverse=True)
    values = np.concatenate([unit.knob_values(session, int(sample), 1) for sample in each])
    solved = session.solve(unit.testbench, values)
    return measure_unit(unit, 0, [solved[place] for place in places])


def simulate(
    plan: Plan, folder: Path, samples: Samples, workers: int, timeout: float, size: int, show: bool
) -> Solution:
    """Solve a plan.

    Args:
        folder: where tables are kept. samples: take the numbers of each chunk as soon as it is solved.
        workers: threads. timeout: of one simulation [s]. size: samples that are judged at each condition. show:
            progress on standard error.

    Raises:
        CharacterizationError: a table that is not solved. TooManyFailures: more samples beyond the tables than allowed.
        TwinRefused: ngspice does not confirm the metrics of a testbench. Neither goes on.
    """
    total = len(plan.testbenches) * len(list(plan.conditions.points())) * plan.samples
    allowed, progress = math.floor(plan.max_failed * total), Progress(total, show)
    results, verdicts, tally = {}, [], Tally()
    with closing(progress), Session(timeout, "reference") as session, ThreadPoolExecutor(workers) as threads:
        twin = Twin(session, folder)
        # Supplies of a corner and temperature share tables.
        for place in sorted(plan.conditions.points(), key=lambda place: (place[0], place[2])):
            for name in plan.testbenches:
                twin.begin(plan.setting(*place))
                unit = _unit(plan, name, place)
                progress.tell(f"{name}, {place[0]}, {place[1]:g} V, {place[2] - 273.15:.4g} degC")
                results[name, place] = _solve(plan, twin, unit, place, samples, (threads, workers), tally, progress)
                if tally.unknown > allowed:
                    raise TooManyFailures(
                        f"stopped: {tally.unknown} samples {NO_SOLUTION}, {allowed} allowed (characterize.max_failed)"
                    )
                found = _judge(plan, twin.session, unit, place, samples, size, tally)
                judge.refuse(xr.concat(found, "case"))
                verdicts += found
    return Solution(results, tally, xr.concat(verdicts, "case"))


def _unit(plan: Plan, name: str, place: Place) -> Unit:
    """All samples of a testbench at a condition; the nominal cell of a plan without variation."""
    bench, variation = TESTBENCHES[name].build(plan.setting(*place)), plan.variation
    if variation is None:
        return Unit(bench, None, 0, False, "reference")
    return Unit(bench, 0, variation.seed, variation.local, "reference")


def _solve(
    plan: Plan, twin: Twin, unit: Unit, place: Place, samples: Samples, pool: tuple[ThreadPoolExecutor, int],
    tally: Tally, progress: Progress,
) -> Point:  # fmt: skip
    """Solve the nominal cell and all samples, and hand the latter on in order."""
    threads, workers = pool
    setting = plan.setting(*place)
    nominal = solve_samples(twin, setting, replace(unit, block=None), 0, 1)
    tally.unknown += len(nominal.failures)
    first, pending = None, deque()

    def hand_on() -> UnitResult:
        start, part = pending.popleft()
        solved = part.result()
        samples.put(place, start, solved)
        tally.unknown += len(solved.failures)
        progress.advance(solved.count, tally.unknown)
        return first or replace(solved, metrics={})

    for span in spans(plan.samples, CHUNK):
        count = span.stop - span.start
        pending.append((span.start, threads.submit(solve_samples, twin, setting, unit, span.start, count)))
        if len(pending) > AHEAD * workers:
            first = hand_on()
    while pending:
        first = hand_on()
    return Point(nominal, first, None)


def _judge(
    plan: Plan, session: Session, unit: Unit, place: Place, samples: Samples, size: int, tally: Tally
) -> list[xr.Dataset]:
    """Verdicts on the metrics of a testbench at a condition."""
    name = unit.testbench.name
    metrics = [metric for metric in testbench_metrics(name) if metric in plan.metrics]

    def pieces() -> Iterator[np.ndarray]:
        for span in spans(plan.samples):
            found = [samples.take(metric, place, span).values for metric in metrics]
            yield np.concatenate([values.reshape(len(values), -1) for values in found], axis=1)

    subset = choose(pieces, plan.samples, size, unit.seed, name)
    started = time.perf_counter()
    reference = judge_samples(session, unit, subset.samples)
    simulated = np.unique(subset.samples).size
    tally.simulated += simulated
    tally.time(name, time.perf_counter() - started, simulated)
    return [
        verdict(metric, place, samples.take(metric, place, subset.samples), reference.metrics[metric], subset)
        for metric in metrics
    ]


def verdict(metric: str, place: Place, solved: Measured, reference: Measured, subset: Subset) -> xr.Dataset:
    """Verdict on a metric of the judged samples as a Dataset of one case: of two lobes the one that is further off."""
    found = judge.verdict(solved, reference, subset.weights)
    twin, ngspice = (m.values.reshape(subset.samples.size, -1) for m in (solved, reference))
    lobe = np.nan_to_num(np.abs(twin - ngspice), nan=-1.0).argmax(axis=1)[:, None]
    about = {"metric": metric, "testbench": METRICS[metric].testbench, "units": METRICS[metric].unit}
    about |= dict(zip(("process", "vdd", "temp", *OFFSETS), place, strict=False))
    each = {"sample": subset.samples, "weight": subset.weights, "tail": subset.tail.astype(np.int8)}
    each |= {n: np.take_along_axis(v, lobe, axis=1)[:, 0] for n, v in (("twin", twin), ("ngspice", ngspice))}
    return xr.Dataset(
        {name: ("case", [value]) for name, value in (about | asdict(found)).items()}
        | {name: (("case", "judged_sample"), values[None]) for name, values in each.items()}
    )
