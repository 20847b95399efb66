"""Where corners lie on the ellipse of a technology's global variation.

``python -m charlib.corners NAME`` prints the table of docs/technologies.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charlib.devices import DeviceError
from charlib.metrics import METRICS
from charlib.session import Session, Solved
from charlib.waveforms import stack
from netlists.bitcells import Sram6T
from netlists.technology import Technology, load
from netlists.testbenches import TESTBENCHES, Setting

TEMP = 300.15
"""Temperature at which corners are compared [K]: 27 degC, as the figures of ``charlib.devices``."""

MEASURED = {"n": "vth_pd", "p": "vth_pu"}
"""Transistor type to the threshold that stands for it: that of the default cell's pull-down and pull-up."""


@dataclass(frozen=True)
class Corner:
    """A corner beside the typical cards.

    Attributes:
        process: its name.
        shift_n, shift_p: |Vth| of pull-down and pull-up less that of the typical ones [V].
        distance: from the mean of the law of global variation, in sigma [1]; None: the technology has no law.
    """

    process: str
    shift_n: float
    shift_p: float
    distance: float | None


def corners(technology: Technology) -> tuple[Corner, ...]:
    """Every corner but tt, measured: threshold at 100 nA W/L and |Vds| = 50 mV of the default cell's transistors.

    Raises:
        DeviceError: a threshold that was not found.
    """
    with Session(accuracy="reference") as session:
        found = {process: _thresholds(session, technology, process) for process in technology.cards}
    law, typical = technology.global_law, found.pop("tt")
    rows = []
    for process, thresholds in found.items():
        n, p = (thresholds[polarity] - typical[polarity] for polarity in "np")
        rows.append(Corner(process, n, p, law.distance(n, p) if law else None))
    return tuple(rows)


def _thresholds(session: Session, technology: Technology, process: str) -> dict[str, float]:
    """|Vth| [V] by transistor type, without variation."""
    setting = Setting(technology, process, technology.vdd_nominal, TEMP, Sram6T().sized(technology))
    testbench = TESTBENCHES["threshold"].build(setting)
    (solved,) = session.solve(testbench, testbench.knob_values(np.zeros((1, len(testbench.knobs)))))
    if not isinstance(solved, Solved):
        raise DeviceError(f"thresholds of {technology.name}, {process}: {solved.reason}")
    block = stack(testbench, [solved.data])
    measured = {polarity: METRICS[name].measure(block) for polarity, name in MEASURED.items()}
    if any(m.status.any() for m in measured.values()):
        raise DeviceError(f"thresholds of {technology.name}, {process}, lie outside the sweep of the gate")
    return {polarity: float(m.values[0]) for polarity, m in measured.items()}


def markdown(technology: Technology) -> str:
    """The corners as a Markdown table."""
    lines = ["| corner | |Vth| of n | |Vth| of p | distance |".replace("|Vth|", r"\|Vth\|"), "|---|---|---|---|"]
    for row in corners(technology):
        distance = "no law" if row.distance is None else f"{row.distance:.2f} sigma"
        lines.append(f"| {row.process} | {1e3 * row.shift_n:+.1f} mV | {1e3 * row.shift_p:+.1f} mV | {distance} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the corners of one technology."""
    parser = argparse.ArgumentParser(prog="python -m charlib.corners", description=__doc__)
    parser.add_argument("name", help="technology")
    sys.stdout.write(f"{markdown(load(parser.parse_args(arguments).name))}\n")


if __name__ == "__main__":
    main()
