"""What can end a characterization, each with a message a user can act on."""


class CharacterizationError(RuntimeError):
    """A characterization that cannot be started or finished."""


class SimulatorMissing(CharacterizationError):
    """libngspice cannot be loaded."""


class InvalidPlan(CharacterizationError, ValueError):
    """A request with an illegal value; the message names it, its place and the legal set."""


class PlanMismatch(CharacterizationError):
    """A results directory that belongs to another plan."""


class DirectoryInUse(CharacterizationError):
    """A results directory that another run holds."""


class TooManyFailures(CharacterizationError):
    """More samples without an answer than the run allows."""
