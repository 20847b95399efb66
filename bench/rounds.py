"""Measuring: contenders take turns, and the CPU time of all their processes counts."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection

import numpy as np
import psutil

from bench.contenders import CONTENDERS
from bench.workloads import Workload

PATIENCE = 60.0
"""Total time after which a contender gets no further turn [s]."""


@dataclass(frozen=True)
class Cost:
    """Time per sample [s]: CPU of all processes, and wall clock."""

    cpu: float
    wall: float


def serve(name: str, pipe: Connection) -> None:
    """A contender's process: solves as many samples of a workload as asked for, until asked for None."""
    os.environ.update(CONTENDERS[name].environment)
    with CONTENDERS[name].start() as solve:
        for request in iter(pipe.recv, None):
            pipe.send(solve(*request))


def family(process: psutil.Process) -> list[psutil.Process]:
    """A process and its living descendants."""
    return [process, *process.children(recursive=True)]


def cpu_time(process: psutil.Process) -> float:
    """CPU time [s] so far of a process and its descendants, those that have ended and were waited for included."""
    parts = ("user", "system", "children_user", "children_system")
    return sum(getattr(member.cpu_times(), part) for member in family(process) for part in parts)


class OtherWork:
    """How busy everything else keeps this machine, from now on."""

    def __init__(self) -> None:
        self._start = self._clocks()

    @staticmethod
    def _clocks() -> np.ndarray:
        times = psutil.cpu_times()
        busy = sum(getattr(times, part, 0.0) for part in ("user", "nice", "system", "irq", "softirq", "steal"))
        return np.array([time.monotonic(), busy, cpu_time(psutil.Process())])

    def cores(self) -> float:
        """Number of cores that other work took on average."""
        wall, busy, own = self._clocks() - self._start
        return max(busy - own, 0.0) / wall


class Turn:
    """A contender in a process of its own, to be entered.

    Between its runs all of its processes stand still: waiting threads spin and schedulers tick at others' cost.
    """

    def __init__(self, name: str) -> None:
        self._pipe, theirs = get_context("spawn").Pipe()
        self._process = get_context("spawn").Process(target=serve, args=(name, theirs))
        self._process.start()
        theirs.close()
        self._root = psutil.Process(self._process.pid)
        self._contender = CONTENDERS[name]

    def __enter__(self) -> Turn:
        return self

    def __exit__(self, *_: object) -> None:
        self._let_all("resume")
        if self._process.is_alive():
            self._pipe.send(None)
        self._process.join()

    def _let_all(self, act: str) -> None:
        for member in family(self._root):
            getattr(member, act)()

    def solve(self, workload: Workload, count: int) -> np.ndarray | None:
        """Numbers of the first samples; raises EOFError where the contender's process dies, with its own message."""
        self._let_all("resume")
        self._pipe.send((workload, count))
        numbers = self._pipe.recv()
        self._let_all("suspend")
        return numbers

    def samples(self, workload: Workload) -> int:
        """Samples of a run: its share of the workload's size, in its steps."""
        contender = self._contender
        return max(round(contender.work * workload.size / contender.step), 1) * contender.step

    def cost(self, workload: Workload) -> Cost:
        """Time per sample of a run, what a run itself costs taken off."""
        count, start_up = self.samples(workload), self._contender.start_up
        if start_up is None:
            taken = self._timed(workload, count)
        else:
            taken = -self._timed(workload, start_up) + self._timed(workload, start_up + count)
        return Cost(*(taken / count).tolist())

    def _timed(self, workload: Workload, count: int) -> np.ndarray:
        wall, cpu = time.perf_counter(), cpu_time(self._root)
        self.solve(workload, count)
        return np.array([cpu_time(self._root) - cpu, time.perf_counter() - wall])


def taking_part() -> tuple[list[str], list[str]]:
    """Names of the contenders, and remarks about those that cannot take part here."""
    obstacles = {name: contender.obstacle() for name, contender in CONTENDERS.items()}
    remarks = [f"{CONTENDERS[name].title}: left out, {why}" for name, why in obstacles.items() if why]
    return [name for name, why in obstacles.items() if why is None], remarks


def measure(workload: Workload, turns: Mapping[str, Turn]) -> tuple[dict[str, list[Cost]], dict[str, np.ndarray]]:
    """Costs of each contender in each round, and the numbers of its first samples.

    A contender that has taken longer than ``PATIENCE`` gets no further turn. Numbers are fewer where a run has fewer
    samples, and missing where it is a loop inside ngspice.
    """
    if workload.same_tolerance is None:
        turns = {name: turn for name, turn in turns.items() if not CONTENDERS[name].only_sweeps}
    numbers = {
        name: turn.solve(workload, min(workload.checked, turn.samples(workload))) for name, turn in turns.items()
    }
    costs: dict[str, list[Cost]] = {name: [] for name in turns}
    for _ in range(workload.rounds):
        for name, turn in turns.items():
            if sum(cost.wall for cost in costs[name]) * turn.samples(workload) < PATIENCE:
                costs[name].append(turn.cost(workload))
    return costs, {name: found for name, found in numbers.items() if found is not None}
