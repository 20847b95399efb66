"""Bisection inside a unit: the number at which an operation just works, for all its samples at once.

Each step is one solve of all samples that are not done, each with numbers of its own, so a sample goes through the
same steps in whatever company.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from charlib.ngspice import Session, Solved, Unsolved
from charlib.status import Status
from charlib.waveforms import Block, Measured, stack
from netlists.testbench import Testbench

STEPS = 40
"""Trials after which a search is given up: halving that often leaves nothing of any bracket."""


@dataclass(frozen=True)
class Searched:
    """What came out of a search.

    Attributes:
        measured: of the samples, shape (sample, lobe); anything where ``solutions`` has no answer.
        solutions: last trial of each sample, with the most retries that any of its trials needed; where a trial had no
            answer, that one.
        rows: parameters of that trial, shape (sample, knob of ``testbench.settable``).
        trials: waveforms of every step, each of the samples that took part in it.
    """

    measured: Measured
    solutions: list[Solved | Unsolved]
    rows: np.ndarray
    trials: list[Block]


class _Samples:
    """Samples under search; arrays of shape (sample, lobe).

    Attributes:
        works, fails: parameter that works and one that does not, the closest so far.
        value, status, bound: of the trial at ``works``. limit: number of the trial at ``fails``.
        searching: not yet done.
    """

    def __init__(self, testbench: Testbench, values: np.ndarray, measure: Callable[[Block], Measured]) -> None:
        self._testbench, self._search, self._measure = testbench.settable, testbench.search, measure
        shape = (len(values), len(testbench.search.parameters))
        easy, hard = testbench.search.bounds
        self.works, self.fails = np.full(shape, easy), np.full(shape, hard)
        self.value, self.bound, self.limit = (np.full(shape, np.nan) for _ in range(3))
        self.status = np.full(shape, Status.suspect, dtype=np.int8)
        self.searching = np.full(shape, True)
        self.solutions: list[Solved | Unsolved | None] = [None] * len(values)
        self.rows = np.concatenate([values, self.works], axis=1)
        self.trials: list[Block] = []

    def attempt(self, session: Session, settings: np.ndarray) -> Measured:
        """Trial of every sample that is not done, at settings of shape (sample, lobe); NaN for the others.

        A sample without an answer is done.
        """
        at = np.flatnonzero(self.searching.any(axis=1))
        self.rows[at, -settings.shape[1] :] = settings[at]
        solutions = session.solve(self._testbench, self.rows[at])
        for i, solution in zip(at, solutions, strict=True):
            before = self.solutions[i]
            if isinstance(solution, Solved) and before is not None:
                solution = replace(solution, retries=max(solution.retries, before.retries))
            self.solutions[i] = solution
            self.searching[i] &= isinstance(solution, Solved)
        good = [i for i in at if isinstance(self.solutions[i], Solved)]
        found = Measured(*(np.full(settings.shape, np.nan) for _ in range(3)))
        if good:
            block = stack(self._testbench, [self.solutions[i].data for i in good])
            self.trials.append(block)
            trial = self._measure(block)
            found.values[good], found.status[good], found.bound[good] = trial.values, trial.status, trial.bound
        return found

    def easiest(self, session: Session) -> None:
        """Where the operation is easiest; what does not work there is done, beyond that bound."""
        trial = self.attempt(session, self.works)
        failed = self.searching & (trial.status != Status.ok)
        self._take(self.searching, trial)
        self.searching &= ~failed

    def hardest(self, session: Session) -> None:
        """Where it is hardest; what works even there is done, censored at that bound."""
        trial = self.attempt(session, np.where(self.searching, self.fails, self.works))
        worked = self.searching & (trial.status == Status.ok)
        beyond = Status.censored_low if self._search.works == "high" else Status.censored_high
        self._take(worked, trial)
        self.status[worked], self.bound[worked] = beyond, trial.values[worked]
        self.searching &= ~worked
        self.limit = np.where(self.searching, trial.bound, self.limit)

    def halve(self, session: Session) -> None:
        """One step of bisection."""
        by_ratio = self._search.low > 0
        between = np.sqrt(self.works * self.fails) if by_ratio else (self.works + self.fails) / 2
        middle = np.where(self.searching, between, self.works)
        trial = self.attempt(session, middle)
        worked = self.searching & (trial.status == Status.ok)
        failed = self.searching & ~worked
        self._take(worked, trial)
        self.works = np.where(worked, middle, self.works)
        self.fails = np.where(failed, middle, self.fails)
        self.limit = np.where(failed, trial.bound, self.limit)

    def close(self) -> None:
        """Whose bracket is narrow enough is done."""
        width = self._search.relative * np.abs(self.value) + self._search.absolute
        self.searching &= ~(np.abs(self.value - self.limit) <= width)

    def _take(self, where: np.ndarray, trial: Measured) -> None:
        self.value = np.where(where, trial.values, self.value)
        self.status = np.where(where & np.isfinite(trial.status), trial.status, self.status).astype(np.int8)
        self.bound = np.where(where, trial.bound, self.bound)


def search(
    session: Session, testbench: Testbench, values: np.ndarray, measure: Callable[[Block], Measured]
) -> Searched:
    """Find the number at which the operation of a testbench just works.

    Args:
        testbench: has a ``search``.
        values: knob parameters, shape (sample, knob).
        measure: number of a trial per sample and lobe, ``ok`` where the operation worked, else its bound.

    Returns:
        The number of the trial closest to failure among those that worked; its failing neighbour is within the
        search's tolerance. Where the operation does not work even where it is easiest, that trial's status; where it
        works everywhere, ``censored_low`` or ``censored_high`` at the hardest. ``suspect`` where ``STEPS`` did not do.
    """
    samples = _Samples(testbench, values, measure)
    samples.easiest(session)
    if samples.searching.any():
        samples.hardest(session)
    samples.close()
    for _ in range(STEPS):
        if not samples.searching.any():
            break
        samples.halve(session)
        samples.close()
    status = np.where(samples.searching, np.int8(Status.suspect), samples.status)
    number = np.where(status == Status.ok, samples.value, np.nan)
    bound = np.where(status == Status.suspect, np.nan, samples.bound)
    return Searched(Measured(number, status, bound), samples.solutions, samples.rows, samples.trials)
