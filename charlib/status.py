"""Status of one measured value: a missing number always says why it is missing."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Status(IntEnum):
    """Flag stored next to every value (CF ``flag_values``, ``flag_meanings``)."""

    ok = 0
    censored_low = 1
    """True value below a bound that was looked at."""
    censored_high = 2
    """True value above a bound that was looked at."""
    not_performed = 3
    """The operation did not happen, so its delay or energy does not exist: the cell failed."""
    numerical_failure = 4
    timeout = 5
    suspect = 6


UNKNOWN = (Status.numerical_failure, Status.timeout, Status.suspect)
"""Statuses that say nothing about the cell."""

FLAG_ATTRS = {
    "flag_values": np.array([s.value for s in Status], dtype=np.int8),
    "flag_meanings": " ".join(s.name for s in Status),
}


def known_failures(status: np.ndarray, fails_when: str) -> np.ndarray:
    """True where a value is missing because the cell failed.

    Args:
        status: flags, any shape.
        fails_when: ``low`` or ``high``, the failing side of the metric.
    """
    censored = Status.censored_low if fails_when == "low" else Status.censored_high
    return (status == Status.not_performed) | (status == censored)


def unknown(status: np.ndarray) -> np.ndarray:
    """True where the simulator gave no trustworthy answer."""
    return np.isin(status, UNKNOWN)
