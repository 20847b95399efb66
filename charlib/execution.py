"""Running units of work: what the store has is not run again, the rest goes to an executor, each result is kept."""

from __future__ import annotations

import math
import os
import platform
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from charlib import ngspice
from charlib.directory import MANIFEST, open_directory, read_manifest, write_json
from charlib.errors import CharacterizationError, InvalidPlan, TooManyFailures
from charlib.ngspice import TIMEOUT
from charlib.plan import Plan
from charlib.progress import Progress
from charlib.session import Session
from charlib.store import Store
from charlib.unit import Unit, UnitResult, merge, solve_unit

SHARES = 8
"""Tasks that each worker gets at least: the last one to finish is then waited for no longer than that share."""

CONNECT_SECONDS = 10
"""How long a scheduler may take to answer [s]."""


@dataclass(frozen=True)
class Job:
    """Samples ``first`` to ``first + count - 1`` of a unit; ``place`` is the unit's number in the request."""

    place: int
    unit: Unit
    first: int
    count: int


class WorkerSessions:
    """One simulator session per thread; the simulators are processes, so threads are enough to wait for them.

    Args:
        timeout: wall-clock limit of one sample [s].
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._thread = threading.local()
        self._all: list[Session] = []

    def __call__(self, accuracy: str) -> Session:
        """This thread's session for an accuracy."""
        sessions = self._thread.__dict__.setdefault("sessions", {})
        if accuracy not in sessions:
            sessions[accuracy] = Session(self._timeout, accuracy)
            self._all.append(sessions[accuracy])
        return sessions[accuracy]

    def close(self) -> None:
        """End every simulator and wait for it."""
        for session in self._all:
            session.close()


def solve_jobs(get_session: Callable[[str], Session], jobs: Sequence[Job]) -> list[tuple[UnitResult, float]]:
    """Results of jobs and how long each took [s], starting a simulator and loading a deck aside."""
    found = []
    for job in jobs:
        get_session(job.unit.accuracy).prepare(job.unit.testbench)
        started = time.perf_counter()
        result = solve_unit(get_session, job.unit, job.first, job.count)
        found.append((result, time.perf_counter() - started))
    return found


class LocalPool:
    """Simulators on this machine.

    Args:
        workers: how many at a time; None is one per core.
        timeout: wall-clock limit of one sample [s].
    """

    task_seconds = 0.05
    """Work that one task should hold [s]: a thread takes 0.1 ms for each."""

    def __init__(self, workers: int | None, timeout: float = TIMEOUT) -> None:
        self.workers = workers or os.cpu_count() or 1
        self._sessions = WorkerSessions(timeout)
        self._executor: Executor = ThreadPoolExecutor(self.workers)

    def submit(self, jobs: Sequence[Job]) -> Future:
        """Solve jobs one after the other."""
        return self._executor.submit(partial(solve_jobs, self._sessions), jobs)

    def close(self) -> None:
        """Drop what has not begun, end the simulators and wait for them."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._sessions.close()
        self._executor.shutdown(wait=True)


def _on_worker(timeout: float, jobs: Sequence[Job]) -> list[tuple[UnitResult, float]]:
    """Solve jobs on a Dask worker, whose simulators live as long as the run."""
    from distributed import get_worker

    by_timeout = get_worker().__dict__.setdefault("pimchar_sessions", {})
    return solve_jobs(by_timeout.setdefault(timeout, WorkerSessions(timeout)), jobs)


def _end_simulators(dask_worker: object) -> None:
    """End the simulators of a Dask worker."""
    for sessions in dask_worker.__dict__.pop("pimchar_sessions", {}).values():
        sessions.close()


class DaskPool:
    """Simulators on the workers of a Dask cluster, which runs a lost worker's jobs again elsewhere.

    Args:
        address: of the scheduler, such as ``tcp://host:8786``.
        timeout: wall-clock limit of one sample [s].

    Raises:
        InvalidPlan: the package ``distributed`` is missing. CharacterizationError: no scheduler or no worker there.
    """

    task_seconds = 0.25
    """Work that one task should hold [s]: a cluster takes 6 to 9 ms for each."""

    def __init__(self, address: str, timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        try:
            from distributed import Client
        except ImportError:
            raise InvalidPlan("a scheduler needs the optional packages: pip install 'pimchar[dask]'") from None
        try:
            self._client = Client(address, timeout=CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            raise CharacterizationError(f"no Dask scheduler answers at {address}: {error}") from error
        threads = self._client.nthreads()
        if not threads:
            self._client.close()
            raise CharacterizationError(f"the Dask scheduler at {address} has no workers")
        self.workers = sum(threads.values())
        self._executor: Executor = self._client.get_executor(pure=False)

    def submit(self, jobs: Sequence[Job]) -> Future:
        """Solve jobs one after the other on some worker."""
        return self._executor.submit(_on_worker, self._timeout, jobs)

    def close(self) -> None:
        """Drop what has not begun, end the workers' simulators and leave the cluster."""
        self._executor.shutdown(wait=False)
        with suppress(OSError):  # a worker that is lost has no simulator left to end
            self._client.run(_end_simulators, on_error="ignore")
        self._client.close()


@dataclass
class Tally:
    """What a run has done so far.

    Attributes:
        simulated, reused: samples run now, and samples found.
        unknown, retried: samples without an answer, and samples that needed the retry ladder.
        failures: unit, sample, status and reason of each sample without an answer.
        seconds: time and number of the samples simulated, by testbench.
        known: seconds per sample by testbench, from an earlier run.
    """

    simulated: int = 0
    reused: int = 0
    unknown: int = 0
    retried: int = 0
    failures: list[tuple[Unit, int, str, str]] = field(default_factory=list)
    seconds: dict[str, tuple[float, int]] = field(default_factory=dict)
    known: Mapping[str, float] = field(default_factory=dict)

    def add(self, unit: Unit, result: UnitResult, wanted: int, simulated: int) -> None:
        """Count the wanted samples of a unit, of which some were simulated now."""
        end = unit.first + wanted
        failures = [(unit, i, status, why) for i, (status, why, _) in result.failures.items() if i < end]
        self.simulated += simulated
        self.reused += max(wanted - simulated, 0)
        self.retried += sum(i < end for i in result.retried)
        self.unknown += len(failures)
        self.failures += failures

    def time(self, name: str, seconds: float, samples: int) -> None:
        """Add the time of some samples of a testbench."""
        total, count = self.seconds.get(name, (0.0, 0))
        self.seconds[name] = (total + seconds, count + samples)

    def per_sample(self, name: str) -> float | None:
        """Time of one sample of a testbench [s], of this run or an earlier one; None where none is known."""
        seconds, count = self.seconds.get(name, (0.0, 0))
        return seconds / count if count else self.known.get(name)


def pool_starter(workers: int | None, scheduler: str | None, timeout: float) -> Callable[[], LocalPool | DaskPool]:
    """What starts simulators: on this machine, or on the workers of a Dask scheduler's address.

    Raises:
        InvalidPlan: the limit of one sample, ``timeout`` [s], is not above 0.
    """
    if not timeout > 0:
        raise InvalidPlan(f"timeout={timeout:g} s is not above 0 (characterize.timeout_s)")
    return partial(DaskPool, scheduler, timeout) if scheduler else partial(LocalPool, workers, timeout)


class Runner:
    """Runs units through a store and a pool.

    Args:
        store: what is found there is not run again.
        pool: where the rest runs.
        progress: told of every sample.
        max_unknown: number of samples without an answer that stops the run.
        known: seconds per sample by testbench, from an earlier run.
    """

    def __init__(
        self,
        store: Store,
        pool: LocalPool | DaskPool,
        progress: Progress,
        max_unknown: float,
        known: dict[str, float] | None = None,
    ) -> None:
        self._store = store
        self._pool = pool
        self._progress = progress
        self._max_unknown = max_unknown
        self.tally = Tally(known=known or {})

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

    def run(self, wanted: Sequence[tuple[Unit, int]], trial: bool = False, announce: bool = False) -> list[UnitResult]:
        """Results of units, each with at least the wanted number of samples, in the order given.

        Args:
            wanted: units and their sample counts.
            trial: looks for a setting: a failure is an answer there, and it is no part of the progress.
            announce: say beforehand how much there is to do.

        Raises:
            TooManyFailures: more samples without an answer than allowed.
        """
        results: list[UnitResult | None] = [self._store.read(unit) for unit, _ in wanted]
        jobs: dict[Path, Job] = {}
        again: list[tuple[int, Job]] = []
        for place, ((unit, count), stored) in enumerate(zip(wanted, results, strict=True)):
            have = stored.count if stored else 0
            if have >= count:
                continue
            # Conditions that a testbench does not depend on share a unit: it is simulated for the first of them.
            own = Job(place, unit, unit.first + have, count - have)
            job = jobs.setdefault(self._store.path(unit), own)
            if job is not own:
                again.append((place, job))
        if announce:
            self._announce(list(jobs.values()), sum(count for _, count in wanted))
        todo = {job.place for job in jobs.values()} | {place for place, _ in again}
        for place, (unit, count) in enumerate(wanted):
            if place not in todo:
                self._account(unit, results[place], count, 0, trial)
        tasks = {self._pool.submit(task): task for task in self._tasks(list(jobs.values()))}
        for future in as_completed(tasks):
            for job, (fresh, seconds) in zip(tasks[future], future.result(), strict=True):
                stored = results[job.place]
                results[job.place] = merge(stored, fresh) if stored else fresh
                self._store.write(job.unit, results[job.place])
                self.tally.time(job.unit.testbench.name, seconds, fresh.count)
                self._account(job.unit, results[job.place], wanted[job.place][1], fresh.count, trial)
        for place, job in again:
            results[place] = results[job.place]
            self._account(job.unit, results[place], wanted[place][1], 0, trial)
        return results

    def _announce(self, jobs: Sequence[Job], total: int) -> None:
        costs = [self.tally.per_sample(job.unit.testbench.name) for job in jobs]
        known = all(cost is not None for cost in costs)
        seconds = sum(c * job.count for c, job in zip(costs, jobs, strict=True)) / self._pool.workers if known else None
        self._progress.announce(sum(job.count for job in jobs), total, seconds, self._pool.workers)

    def _tasks(self, jobs: Sequence[Job]) -> list[list[Job]]:
        """Jobs in tasks of about the pool's ``task_seconds`` by measured cost, the testbenches evenly mixed.

        Even mixing makes the time left that progress shows believable: testbenches differ a hundredfold in cost.
        """
        by_name: dict[str, list[Job]] = {}
        for job in jobs:
            by_name.setdefault(job.unit.testbench.name, []).append(job)
        total = sum((self.tally.per_sample(job.unit.testbench.name) or 0.0) * job.count for job in jobs)
        seconds = min(self._pool.task_seconds, total / (SHARES * self._pool.workers))
        placed = []
        for name, group in by_name.items():
            cost = self.tally.per_sample(name)
            limit = max(seconds / cost, 1.0) if cost else 1.0
            tasks: list[list[Job]] = []
            room = 0.0
            for job in group:
                if job.count > room:
                    tasks.append([])
                    room = limit
                tasks[-1].append(job)
                room -= job.count
            placed += [((i + 0.5) / len(tasks), task) for i, task in enumerate(tasks)]
        return [task for _, task in sorted(placed, key=lambda item: item[0])]

    def _account(self, unit: Unit, result: UnitResult, wanted: int, simulated: int, trial: bool) -> None:
        if trial:
            self.tally.simulated += simulated
            return
        self.tally.add(unit, result, wanted, simulated)
        self._progress.advance(wanted, self.tally.unknown)
        if self.tally.unknown > self._max_unknown:
            samples = [(failed, sample) for failed, sample, _, _ in self.tally.failures]
            raise TooManyFailures(_summary(self.tally, math.floor(self._max_unknown)), samples)


@contextmanager
def directory_runner(
    plan: Plan, out: str | Path | None, start_pool: Callable[[], LocalPool | DaskPool], progress: Progress
) -> Iterator[tuple[Path, str, Runner]]:
    """A results directory of which a plan only uses the store, with the version of ngspice and what runs units there.

    Failed samples are answers there: no number of them stops it.

    Args:
        out: results directory, made if missing; None is a passing one.

    Raises:
        SimulatorMissing: no ngspice. PlanMismatch, DirectoryInUse: the directory.
    """
    version = ngspice.version()
    ngspice.check_models(plan.technology.osdi)
    with open_directory(out, plan.identity()) as folder:
        if out is not None and read_manifest(folder) is None:
            write_json(folder / MANIFEST, {"plan": plan.identity()})
        with Runner(Store(folder / "units", version), start_pool(), progress, math.inf) as runner:
            yield folder, version, runner


def _summary(tally: Tally, limit: int) -> str:
    """Message of a run that stops: how many failed, and the commonest reasons."""
    reasons: dict[str, int] = {}
    for _, _, _, reason in tally.failures:
        reasons[reason] = reasons.get(reason, 0) + 1
    common = "; ".join(f"{n} x {r}" for r, n in sorted(reasons.items(), key=lambda item: -item[1])[:3])
    unit, sample, status, _ = tally.failures[0]
    which = "the nominal cell" if unit.block is None else f"sample {sample}"
    return (
        f"stopped: {tally.unknown} samples without an answer, {limit} allowed (characterize.max_failed): {common}. "
        f"First: {unit.testbench.name}, {which}, {status}"
    )


def account(tally: Tally, testbenches: Iterable[str], version: str, started: float) -> dict[str, object]:
    """What a manifest says of a run that is complete: by which ngspice, when, how long, and how many samples."""
    costs = {name: tally.per_sample(name) for name in testbenches}
    return {
        "complete": True,
        "ngspice_version": version,
        "python": platform.python_version(),
        "finished": time.time(),
        "seconds": round(time.time() - started, 3),
        "seconds_per_sample": {name: float(f"{cost:.3g}") for name, cost in costs.items() if cost is not None},
        "simulated": tally.simulated,
        "reused": tally.reused,
        "unknown": tally.unknown,
        "retried": tally.retried,
    }
