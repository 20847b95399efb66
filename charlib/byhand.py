"""A sample as a deck that a person can run in ngspice by hand."""

from __future__ import annotations

from collections.abc import Sequence

from charlib.ngspice import Session, option_line
from charlib.unit import Unit

WAVEFORMS = "waveforms.txt"
"""File that such a deck writes, in the folder it is run in."""


def hand_deck(unit: Unit, sample: int, values: Sequence[float] | None = None) -> str:
    """Deck of one sample, or of the nominal cell, with its variation and commands, for ``ngspice -b``.

    Args:
        values: its parameters, with those searched behind the others; None draws them, and leaves what is searched as
            the deck has it.
    """
    testbench = unit.testbench
    row = _drawn(unit, sample) if values is None else values
    knobs = testbench.settable.knobs if testbench.search and values is not None else testbench.knobs
    commands = [
        *(f"pre_osdi '{model.path}'" for model in testbench.osdi),
        "set num_threads=1",
        *(
            command.format(repr(value))
            for knob, value in zip(knobs.values(), map(float, row), strict=True)
            for command in knob.commands
        ),
        testbench.analysis.command,
        "set wr_vecnames wr_singlescale numdgt=15",
        f"wrdata {WAVEFORMS} {' '.join(testbench.probes)}",
        "quit",
    ]
    lines = [testbench.deck.rstrip(), option_line(unit.accuracy, testbench), ".control", *commands, ".endc", ".end"]
    return "\n".join(line for line in lines if line) + "\n"


def _drawn(unit: Unit, sample: int) -> Sequence[float]:
    with Session(accuracy=unit.accuracy) as session:
        return unit.knob_values(session, sample, 1)[0]
