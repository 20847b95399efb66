"""A characterization from tables: every sample of the plan solved, and the subset that ngspice judges."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from charlib.conditions import OFFSETS, Place
from charlib.dataset import Point, Results
from charlib.execution import Tally
from charlib.metrics import METRICS, testbench_metrics
from charlib.ngspice import Session
from charlib.plan import Plan
from charlib.status import Status
from charlib.twin import judge
from charlib.twin.cell import Twin
from charlib.unit import Unit, UnitResult, measure_block, measure_unit
from charlib.waveforms import Measured
from netlists.setting import Setting
from netlists.testbenches import TESTBENCHES

CHUNK = 4096
"""Samples that are solved and measured at a time: their curves stay in tens of megabytes."""
BEYOND = ("numerical_failure", "beyond the tables, or not solved from them", ())
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
    failures = {first + int(i): BEYOND for i in np.flatnonzero(~solved)}
    return measure_block(unit, first, block if solved.any() else None, statuses, failures)


def judge_samples(session: Session, unit: Unit, samples: np.ndarray) -> UnitResult:
    """The same samples in ngspice."""
    values = np.concatenate([unit.knob_values(session, int(sample), 1) for sample in samples])
    return measure_unit(unit, 0, session.solve(unit.testbench, values))


def simulate(plan: Plan, folder: Path, workers: int, size: int) -> Solution:
    """Solve a plan.

    Args:
        folder: where tables are kept. workers: threads. size: samples that are judged at each condition.

    Raises:
        CharacterizationError: a table that is not solved.
    """
    results, verdicts, tally = {}, [], Tally()
    with Session(accuracy="reference") as session, ThreadPoolExecutor(workers) as threads:
        for place in plan.conditions.points():
            twin, setting = Twin(session, folder), plan.setting(*place)
            for name in plan.testbenches:
                results[name, place], found = _testbench(plan, twin, setting, name, place, threads, size, tally)
                verdicts += found
    return Solution(results, tally, xr.concat(verdicts, "case"))


def _testbench(
    plan: Plan, twin: Twin, setting: Setting, name: str, place: Place, threads: ThreadPoolExecutor, size: int,
    tally: Tally,
) -> tuple[Point, list[xr.Dataset]]:  # fmt: skip
    bench, variation = TESTBENCHES[name].build(setting), plan.variation
    seed, local = (variation.seed, variation.local) if variation else (0, False)
    nominal_unit, unit = (Unit(bench, block, seed, local, "reference") for block in (None, 0))
    nominal = solve_samples(twin, setting, nominal_unit, 0, 1)
    if variation is None:
        blocks, judged_unit, whole = [nominal], nominal_unit, nominal
    else:
        parts = list(_parts(plan.samples))
        blocks = list(threads.map(lambda part: solve_samples(twin, setting, unit, *part), parts))
        judged_unit, whole = unit, _joined(blocks)
    for part in blocks:
        tally.add(judged_unit, part, part.count, 0)
    subset = judge.choose(whole, size, seed, name)
    started = time.perf_counter()
    reference = judge_samples(twin.session, judged_unit, subset.samples)
    tally.simulated += subset.samples.size
    tally.time(name, time.perf_counter() - started, subset.samples.size)
    return Point(nominal, blocks, None), [
        verdict(metric, name, place, whole, reference, subset)
        for metric in testbench_metrics(name)
        if metric in plan.metrics
    ]


def _parts(samples: int) -> Iterator[tuple[int, int]]:
    """First sample and count of every chunk."""
    return ((first, min(CHUNK, samples - first)) for first in range(0, samples, CHUNK))


def _joined(blocks: list[UnitResult]) -> UnitResult:
    """Numbers of all chunks as one."""
    metrics = {
        name: Measured(*(np.concatenate([getattr(b.metrics[name], part) for b in blocks]) for part in PARTS))
        for name in blocks[0].metrics
    }
    return UnitResult(sum(block.count for block in blocks), metrics)


PARTS = ("values", "status", "bound")


def verdict(
    metric: str, testbench: str, place: Place, whole: UnitResult, reference: UnitResult, subset: judge.Subset
) -> xr.Dataset:
    """Verdict on a metric as a Dataset of one case, with its samples: of two lobes the one that is further off."""
    pair = [Measured(*(getattr(whole.metrics[metric], part)[subset.samples] for part in PARTS))]
    pair.append(reference.metrics[metric])
    found = judge.verdict(*pair, subset.weights)
    twin, ngspice = (m.values.reshape(subset.samples.size, -1) for m in pair)
    lobe = np.nan_to_num(np.abs(twin - ngspice), nan=-1.0).argmax(axis=1)[:, None]
    about = {"metric": metric, "testbench": testbench, "units": METRICS[metric].unit}
    about |= dict(zip(("process", "vdd", "temp", *OFFSETS), place, strict=False))
    each = {"sample": subset.samples, "weight": subset.weights, "tail": subset.tail.astype(np.int8)}
    each |= {n: np.take_along_axis(v, lobe, axis=1)[:, 0] for n, v in (("twin", twin), ("ngspice", ngspice))}
    return xr.Dataset(
        {name: ("case", [value]) for name, value in (about | asdict(found)).items()}
        | {name: (("case", "judged_sample"), values[None]) for name, values in each.items()}
    )
