"""Running units of work: what the store has is not run again, the rest goes to an executor, each result is kept."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial

from charlib.errors import TooManyFailures
from charlib.ngspice import Session
from charlib.progress import Progress
from charlib.store import Store
from charlib.unit import Unit, UnitResult, merge, solve_unit


class LocalSessions:
    """One simulator session per worker thread; the simulators are processes, so threads are enough to wait for them."""

    def __init__(self) -> None:
        self._thread = threading.local()
        self._all: list[Session] = []

    def __call__(self, accuracy: str) -> Session:
        """This thread's session."""
        sessions = self._thread.__dict__.setdefault("sessions", {})
        if accuracy not in sessions:
            sessions[accuracy] = Session(accuracy=accuracy)
            self._all.append(sessions[accuracy])
        return sessions[accuracy]

    def close(self) -> None:
        """End every simulator and wait for it."""
        for session in self._all:
            session.close()


@dataclass
class Tally:
    """What a run has done so far: samples simulated and found, and those without an answer."""

    simulated: int = 0
    reused: int = 0
    unknown: int = 0
    retried: int = 0
    failures: list[tuple[Unit, int, str, str]] = field(default_factory=list)

    def add(self, unit: Unit, result: UnitResult, wanted: int, simulated: int) -> None:
        """Count the wanted samples of a unit, of which some were simulated now."""
        end = unit.first + wanted
        failures = [(unit, i, status, why) for i, (status, why, _) in result.failures.items() if i < end]
        self.simulated += simulated
        self.reused += wanted - simulated
        self.retried += sum(i < end for i in result.retried)
        self.unknown += len(failures)
        self.failures += failures


class Runner:
    """Runs units through a store and an executor.

    Args:
        store: what is found there is not run again.
        workers: number of simulators; None takes one per core.
        progress: told of every sample.
        max_unknown: number of samples without an answer that stops the run.
    """

    def __init__(self, store: Store, workers: int | None, progress: Progress, max_unknown: float) -> None:
        self._store = store
        self._sessions = LocalSessions()
        self._executor: Executor = ThreadPoolExecutor(workers or os.cpu_count() or 1)
        self._progress = progress
        self._max_unknown = max_unknown
        self.tally = Tally()

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._sessions.close()
        self._executor.shutdown(wait=True)

    def run(self, wanted: Sequence[tuple[Unit, int]], trial: bool = False) -> list[UnitResult]:
        """Results of units, each with at least the wanted number of samples, in the order given.

        A trial looks for a setting: a failure is an answer there, and it is no part of the progress.

        Raises:
            TooManyFailures: more samples without an answer than allowed.
        """
        results: list[UnitResult | None] = [None] * len(wanted)
        futures: dict[Future, tuple[int, UnitResult | None]] = {}
        for i, (unit, count) in enumerate(wanted):
            stored = self._store.read(unit)
            have = stored.count if stored else 0
            if have >= count:
                results[i] = stored
                self._account(unit, stored, count, 0, trial)
            else:
                futures[self._submit(unit, unit.first + have, count - have)] = (i, stored)
        for future in as_completed(futures):
            i, stored = futures[future]
            unit, count = wanted[i]
            fresh = future.result()
            results[i] = merge(stored, fresh) if stored else fresh
            self._store.write(unit, results[i])
            self._account(unit, results[i], count, fresh.count, trial)
        return results

    def _submit(self, unit: Unit, first: int, count: int) -> Future:
        task: Callable[..., UnitResult] = partial(solve_unit, self._sessions)
        return self._executor.submit(task, unit, first, count)

    def _account(self, unit: Unit, result: UnitResult, wanted: int, simulated: int, trial: bool) -> None:
        if trial:
            self.tally.simulated += simulated
            return
        self.tally.add(unit, result, wanted, simulated)
        self._progress.advance(wanted, self.tally.unknown)
        if self.tally.unknown > self._max_unknown:
            raise TooManyFailures(_summary(self.tally, self._max_unknown))


def _summary(tally: Tally, limit: float) -> str:
    """Message of a run that stops: how many failed, why, and where the first one stands."""
    reasons: dict[str, int] = {}
    for _, _, _, reason in tally.failures:
        reasons[reason] = reasons.get(reason, 0) + 1
    common = "; ".join(f"{n} x {r}" for r, n in sorted(reasons.items(), key=lambda item: -item[1])[:3])
    unit, sample, status, _ = tally.failures[0]
    return (
        f"{tally.unknown} samples without an answer, more than the {limit:g} allowed (characterize.max_failed): "
        f"{common}. First: {unit.testbench.name}, sample {sample}, {status}"
    )
