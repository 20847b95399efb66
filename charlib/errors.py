"""What can end a characterization, or make its numbers doubtful, each with a message a user can act on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr


class CharacterizationError(RuntimeError):
    """A characterization that cannot be started or finished."""


class SimulatorMissing(CharacterizationError):
    """libngspice cannot be loaded."""


class TableError(LookupError):
    """A question that a table cannot answer."""


class InvalidPlan(CharacterizationError, ValueError):
    """A request with an illegal value; the message names it, its place and the legal set."""


class CountedTwice(UserWarning):
    """Global variation is drawn on top of a corner that holds it already."""


class TwinRefused(CharacterizationError):
    """Metrics solved from tables that ngspice, on a subset of the samples, does not confirm.

    Attributes:
        judged: verdicts on the metrics of one testbench at one condition, see :class:`charlib.twin.engine.Solution`.
    """

    def __init__(self, message: str, judged: xr.Dataset) -> None:
        super().__init__(message)
        self.judged = judged


class PlanMismatch(CharacterizationError):
    """A results directory that belongs to another plan."""


class DirectoryInUse(CharacterizationError):
    """A results directory that another run holds."""


class StorageFailed(CharacterizationError):
    """A result that could not be written; what was stored before is whole."""


class TooManyFailures(CharacterizationError):
    """More samples without an answer than the run allows.

    Attributes:
        samples: unit and sample number of each.
    """

    def __init__(self, message: str, samples: Sequence[tuple] = ()) -> None:
        super().__init__(message)
        self.samples = samples
