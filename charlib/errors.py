"""What can end a characterization, or make its numbers doubtful, each with a message a user can act on."""

from collections.abc import Sequence


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
    """Metrics solved from tables that ngspice, on a subset of the samples, does not confirm."""


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
