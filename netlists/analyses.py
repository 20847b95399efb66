"""What the simulator is asked to do with a circuit, as small frozen data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OperatingPoint:
    """One DC solution."""

    axis: str | None = None

    @property
    def command(self) -> str:
        return "op"


@dataclass(frozen=True)
class Sweep:
    """A DC sweep of one voltage source, end points included.

    Attributes:
        source: name of the voltage source as the deck spells it.
        start, stop: first and last value [V].
        points: number of points.

    What is swept is no vector of its own: a testbench that needs it probes it.
    """

    source: str
    start: float
    stop: float
    points: int

    axis = None

    @property
    def command(self) -> str:
        # A thousandth of a step beyond the end keeps rounding from losing the last point.
        step = (self.stop - self.start) / (self.points - 1)
        return f"dc {self.source} {self.start!r} {self.stop + 1e-3 * step!r} {step!r}"


@dataclass(frozen=True)
class Transient:
    """A transient analysis from the operating point at time zero.

    Attributes:
        stop: end [s].
        max_step: largest time step [s].
    """

    stop: float
    max_step: float

    axis = "time"

    @property
    def command(self) -> str:
        return f"tran {self.max_step!r} {self.stop!r} 0 {self.max_step!r}"


Analysis = OperatingPoint | Sweep | Transient
