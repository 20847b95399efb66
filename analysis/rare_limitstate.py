"""Limit states over standard normal variables, asked in batches, every simulation counted and kept.

A limit state is a function ``limit_state(u) -> margins, statuses`` of points ``u``, shape (sample, variable) [standard
deviations]. Margins are signed and continuous at 0, which fails as everything below it does; their unit is their own.
Statuses are those of :class:`charlib.status.Status`, in the margin's sense: ``censored_low`` and ``not_performed`` are
known failures, and a censored margin is the bound it lies beyond. What the simulator gave no answer to is unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from charlib.status import Status, known_failures, unknown

LimitState = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]

NUDGE = 0.02
"""How far a search steps aside where there is no answer [standard deviations]: little beside what it looks for."""
NUDGES = 3
"""Times that it does so."""


@dataclass(frozen=True)
class Answers:
    """What a limit state says of some points, arrays of shape (sample,).

    Attributes:
        margin: in its own unit; NaN where there is none.
        failed, unknown: what is neither has passed.
        exact: the margin is that of the point, not the bound of a censored one.
    """

    margin: np.ndarray
    failed: np.ndarray
    unknown: np.ndarray
    exact: np.ndarray

    def at(self, where: np.ndarray) -> Answers:
        """Those of some of the points."""
        return Answers(self.margin[where], self.failed[where], self.unknown[where], self.exact[where])


class Simulations:
    """A limit state with the record of all that was asked.

    Args:
        limit_state: see the module. variables: their number. tell: takes what is done now, in words.
    """

    def __init__(
        self, limit_state: LimitState, variables: int, tell: Callable[[str], None] = lambda text: None
    ) -> None:
        self._limit_state = limit_state
        self._tell, self._estimate = tell, ""
        self.variables = variables
        self.phases: list[str] = []
        self.points: list[np.ndarray] = []
        self.answers: list[Answers] = []

    def ask(self, u: np.ndarray, phase: str) -> Answers:
        """Answers at points, shape (sample, variable), counted to a phase."""
        self._tell(f"{phase}{self._estimate}")
        margin, status = self._limit_state(u)
        lost = unknown(status) | (np.isnan(margin) & (status == Status.ok))
        margin = np.where(lost, np.nan, margin)
        failed = ~lost & ((margin <= 0) | known_failures(status, "low"))
        answers = Answers(margin, failed, lost, ~lost & (status == Status.ok))
        self.phases.append(phase)
        self.points.append(u)
        self.answers.append(answers)
        return answers

    def search(self, u: np.ndarray, phase: str) -> Answers:
        """As :meth:`ask` for a search, which steps a little aside where there is no answer."""
        answers = self.ask(u, phase)
        for step in range(1, NUDGES + 1):
            lost = np.flatnonzero(answers.unknown)
            if not lost.size:
                break
            again = self.ask(u[lost] + NUDGE * step / np.sqrt(self.variables), phase)
            parts = (np.array(getattr(answers, name)) for name in vars(answers))
            answers = Answers(*parts)
            for name, values in vars(again).items():
                getattr(answers, name)[lost] = values
        return answers

    def so_far(self, pf: float, cov: float) -> None:
        """Take a probability and its CoV [1], to be told with what is simulated next."""
        self._estimate = f", Pf {pf:.2e}, CoV {cov:.1%}"

    @property
    def count(self) -> int:
        return sum(len(u) for u in self.points)

    def by_phase(self) -> dict[str, int]:
        """Simulations of each phase, in the order in which they were first asked."""
        found = dict.fromkeys(self.phases, 0)
        for phase, u in zip(self.phases, self.points, strict=True):
            found[phase] += len(u)
        return found

    def lost(self) -> int:
        """Simulations without an answer, of all phases."""
        return sum(int(a.unknown.sum()) for a in self.answers)


def to_boundary(simulations: Simulations, directions: np.ndarray, high: np.ndarray, steps: int = 5) -> np.ndarray:
    """Points short of where rays from the origin begin to fail, by halving, shape (ray, variable).

    Args:
        directions: unit vectors, shape (ray, variable). high: a distance at which each fails, shape (ray,).
    """
    low, high = np.zeros_like(high), high.copy()
    for _ in range(steps):
        middle = (low + high) / 2
        failed = simulations.search(middle[:, None] * directions, "FORM").failed
        high, low = np.where(failed, middle, high), np.where(failed, low, middle)
    return low[:, None] * directions
