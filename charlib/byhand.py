"""A sample as a deck that a person can run in ngspice by hand."""

from __future__ import annotations

from collections.abc import Sequence

from charlib.session import Session
from charlib.unit import Unit
from netlists.testbench import Testbench

WAVEFORMS = "waveforms.txt"
"""File that such a deck writes, in the folder it is run in."""


def hand_deck(unit: Unit, sample: int) -> str:
    """Deck of one sample, or of the nominal cell, with its variation and commands, for ``ngspice -b``.

    What is searched is as the testbench has it.
    """
    with Session(accuracy=unit.accuracy) as session:
        values = unit.knob_values(session, sample, 1)[0]
        session.prepare(unit.testbench)
        return deck_of(unit.testbench, values, session.lines)


def deck_of(testbench: Testbench, values: Sequence[float], lines: str) -> str:
    """The same of any parameters; ``lines``: of the deck that was solved, beside the testbench's."""
    commands = [
        *(f"pre_osdi '{model.path}'" for model in testbench.osdi),
        "set num_threads=1",
        *(
            command.format(repr(value))
            for knob, value in zip(testbench.knobs.values(), map(float, values), strict=True)
            for command in knob.commands
        ),
        testbench.analysis.command,
        "set wr_vecnames wr_singlescale numdgt=15",
        f"wrdata {WAVEFORMS} {' '.join(testbench.probes)}",
        "quit",
    ]
    deck = [testbench.deck.rstrip(), lines, ".control", *commands, ".endc", ".end"]
    return "\n".join(line for line in deck if line) + "\n"
