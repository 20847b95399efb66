"""Who takes part: each contender solves the first samples of a workload in a process of its own."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec

import numpy as np

import charlib
from bench import batch
from bench.workloads import CONDITIONS, SEED, Workload
from charlib.ngspice import library_path
from netlists import Testbench

LOOP_SAMPLES = 32
"""Different samples that a loop inside ngspice goes through."""

Solve = Callable[[Workload, int], np.ndarray | None]
"""Solves a number of samples of a workload, from the first one on; gives the workload's number of each."""


@contextmanager
def own_solve(choose: Callable[[Workload], Testbench], copies: int = 1) -> Iterator[Solve]:
    """A loop inside ``ngspice -b``: each sample is set once and solved again and again; copies run side by side."""

    def solve(workload: Workload, count: int) -> None:
        rows, repeats = workload.samples(LOOP_SAMPLES), count // (LOOP_SAMPLES * copies)
        with ThreadPoolExecutor(copies) as threads:
            list(threads.map(lambda _: batch.loop(choose(workload), rows, repeats), range(copies)))

    yield solve


@contextmanager
def pimchar(workers: int) -> Iterator[Solve]:
    """``charlib.characterize`` on this machine, metrics included."""
    yield partial(_characterize, workers=workers)


@contextmanager
def pimchar_dask(workers: int) -> Iterator[Solve]:
    """``charlib.characterize`` on a Dask cluster of single-threaded worker processes."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster:
        yield partial(_characterize, scheduler=cluster.scheduler_address)


def _characterize(workload: Workload, count: int, **where: object) -> np.ndarray:
    variation = charlib.Variation(samples=count, seed=SEED)
    data = charlib.characterize(conditions=CONDITIONS, variation=variation, metrics=[workload.metric], **where)
    return data[workload.metric].values.ravel()


@contextmanager
def pyspice() -> Iterator[Solve]:
    """PySpice's shared ngspice, one analysis per sample."""
    logging.getLogger("PySpice").setLevel(logging.ERROR)  # it warns of every ngspice later than its own release
    os.environ["NGSPICE_LIBRARY_PATH"] = library_path()  # PySpice's own guess is a file that few systems have
    from bench.pyspice_loop import solve

    yield solve


@contextmanager
def process_per_sample() -> Iterator[Solve]:
    """``ngspice -b`` started for each sample, its text output read back."""

    def solve(workload: Workload, count: int) -> np.ndarray:
        rows = workload.samples(count)
        return np.array([workload.measure(batch.solutions(workload.plain, row[None])[0]) for row in rows])

    yield solve


@dataclass(frozen=True)
class Contender:
    """One row of the table.

    Attributes:
        title: what the table says.
        start: makes the solving function and ends what it has started.
        work: work per round in units of the workload's size [1]; less for those that take longer.
        step: its samples come in multiples of this.
        start_up: samples of a run that is taken off, so that only the cost of further samples counts; None if a run
            has no cost of its own. 0 is a loop inside ngspice, which gives no numbers.
        environment: variables of its process.
        needs: modules without which it cannot take part.
        only_sweeps: for workloads whose ``same_tolerance`` exists.
    """

    title: str
    start: Callable[[], AbstractContextManager[Solve]]
    work: float = 1.0
    step: int = 1
    start_up: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    only_sweeps: bool = False

    def obstacle(self) -> str | None:
        """Why it cannot take part here, or None."""
        missing = [name for name in self.needs if find_spec(name) is None]
        if missing:
            return f"{', '.join(missing)} is not installed"
        return None


def _pimchar_testbench(workload: Workload) -> Testbench:
    return workload.testbench


def _plain(workload: Workload) -> Testbench:
    return workload.plain


def _same_tolerance(workload: Workload) -> Testbench:
    return workload.same_tolerance


ONE_THREAD = {"OMP_THREAD_LIMIT": "1"}
OWN, OWN_TWICE, ONE, TWO, DASK_ONE, DASK_TWO = "own", "own-2", "local-1", "local-2", "dask-1", "dask-2"
PYSPICE, UNIFORM, UNIFORM_TIGHT = "pyspice-1", "uniform", "uniform-tight"
_DASK = {"start_up": 1, "needs": ("distributed",)}
_LOOP = {"start_up": 0, "step": LOOP_SAMPLES}

CONTENDERS: Mapping[str, Contender] = {
    OWN: Contender("ngspice's own solve", partial(own_solve, _pimchar_testbench), **_LOOP),
    OWN_TWICE: Contender(
        "the same, two at a time", partial(own_solve, _pimchar_testbench, copies=2), 2.0, 2 * LOOP_SAMPLES, start_up=0
    ),
    ONE: Contender("pimchar, 1 worker", partial(pimchar, 1), start_up=1),
    TWO: Contender("pimchar, 2 workers", partial(pimchar, 2), 2.0, 128, start_up=1),
    DASK_ONE: Contender("pimchar, Dask, 1 worker", partial(pimchar_dask, 1), **_DASK),
    DASK_TWO: Contender("pimchar, Dask, 2 workers", partial(pimchar_dask, 2), 2.0, 128, **_DASK),
    PYSPICE: Contender("PySpice loop, one thread", pyspice, 0.25, environment=ONE_THREAD),
    "pyspice": Contender("PySpice loop, default threads", pyspice, 0.01),
    "processes": Contender("ngspice -b per sample", process_per_sample, 0.1, environment=ONE_THREAD),
    UNIFORM: Contender("own solve, 101 uniform points", partial(own_solve, _plain), 0.5, only_sweeps=True, **_LOOP),
    UNIFORM_TIGHT: Contender(
        "own solve, 101, equal tolerance", partial(own_solve, _same_tolerance), 0.5, only_sweeps=True, **_LOOP
    ),
}
"""Everyone, in the order of the table. Two workers get whole units of 64 samples each, so that both have work."""
