"""Bisection inside a unit: the number at which an operation just works, for all its samples at once.

A search begins at both ends of its range, or, where most samples are known to be somewhere, there and in growing steps.

Each step is one solve of all samples that are not done, each with numbers of its own, so a sample goes through the
same steps in whatever company.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from charlib.session import Session, Solved, Unsolved
from charlib.status import Status
from charlib.waveforms import Block, Measured, stack
from netlists.testbench import Testbench

STEPS = 40
"""Trials after which a search is given up: halving that often leaves nothing of any bracket."""
GALLOP = 1.25
"""Ratio of the second trial to the first, a guess; squared from one trial to the next until the edge is between two."""


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
        works, fails: parameter that works and one that does not, the closest so far; the easiest and the hardest before
            one has been tried.
        tried_works, tried_fails: whether such a one has been tried.
        value, status, bound: of the trial at ``works``. limit: number of the trial at ``fails``.
        searching: not yet done.
        stride: ratio to the next trial, from a guess on, while all have gone the same way.
    """

    def __init__(self, testbench: Testbench, values: np.ndarray, measure: Callable[[Block], Measured]) -> None:
        self._testbench, self._search, self._measure = testbench.settable, testbench.search, measure
        shape = (len(values), len(testbench.search.parameters))
        self._easiest, self._hardest = testbench.search.bounds
        self.works, self.fails = np.full(shape, self._easiest), np.full(shape, self._hardest)
        self.tried_works, self.tried_fails = np.full(shape, False), np.full(shape, False)
        self.stride = np.full(shape, GALLOP)
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

    def settings(self) -> np.ndarray:
        """What to try next, shape (sample, lobe): ends or steps from a guess up to them, then what is in between."""
        search, both = self._search, self.tried_works & self.tried_fails
        between = np.sqrt(self.works * self.fails) if search.low > 0 else (self.works + self.fails) / 2
        if search.guess is None:
            outside = np.where(self.tried_works, self._hardest, self._easiest)
        else:
            ratio = self.stride if search.works == "low" else 1 / self.stride
            further = np.where(self.tried_works, self.works * ratio, self.fails / ratio)
            outside = np.where(self.tried_works | self.tried_fails, further, search.guess)
        tried = np.where(both, between, np.clip(outside, search.low, search.high))
        return np.where(self.searching, tried, self.works)

    def step(self, session: Session) -> None:
        """One trial of every sample that is not done.

        Beyond an end of the range there is nothing to look for, nor where the cell is not in its state to begin with.
        """
        settings = self.settings()
        trial = self.attempt(session, settings)
        worked = self.searching & (trial.status == Status.ok)
        failed = self.searching & ~worked
        last = worked & (settings == self._hardest)
        never = failed & ((settings == self._easiest) | (trial.status == Status.not_performed))
        self._take(worked | never, trial)
        self.status[last] = Status.censored_low if self._search.works == "high" else Status.censored_high
        self.bound[last] = trial.values[last]
        self.works, self.fails = np.where(worked, settings, self.works), np.where(failed, settings, self.fails)
        self.limit = np.where(failed, trial.bound, self.limit)
        onward = self.searching & (self.tried_works ^ self.tried_fails)
        self.stride = np.where(onward, self.stride**2, self.stride)
        self.tried_works, self.tried_fails = self.tried_works | worked, self.tried_fails | failed
        self.searching &= ~(last | never)
        self.close()

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
        measure: number of a trial per sample and lobe, ``ok`` where the operation worked, else its bound;
            ``not_performed`` where it cannot work, whatever is tried.

    Returns:
        The number of the trial closest to failure among those that worked; its failing neighbour is within the
        search's tolerance. Where the operation does not work even where it is easiest, that trial's status; where it
        works everywhere, ``censored_low`` or ``censored_high`` at the hardest. Where what works has the number 0 though
        it is a share of itself that is asked for, as a pulse that never reaches half of its line, nothing works:
        ``censored_low`` at the least that does not, or at the tolerance. ``suspect`` where ``STEPS`` did not do.
    """
    samples = _Samples(testbench, values, measure)
    for _ in range(STEPS):
        if not samples.searching.any():
            break
        samples.step(session)
    nothing = (samples.status == Status.ok) & (samples.value == 0) & (testbench.search.relative > 0)
    status = np.where(nothing, np.int8(Status.censored_low), samples.status)
    status = np.where(samples.searching, np.int8(Status.suspect), status)
    number = np.where(status == Status.ok, samples.value, np.nan)
    least = np.maximum(samples.limit, testbench.search.absolute)
    bound = np.where(status == Status.suspect, np.nan, np.where(nothing, least, samples.bound))
    return Searched(Measured(number, status, bound), samples.solutions, samples.rows, samples.trials)
