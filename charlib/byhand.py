"""A sample as a deck that a person can run in ngspice by hand."""

from __future__ import annotations

from charlib.ngspice import ACCURACIES
from charlib.unit import Unit

WAVEFORMS = "waveforms.txt"
"""File that such a deck writes, in the folder it is run in."""


def hand_deck(unit: Unit, sample: int) -> str:
    """Deck of one sample, or of the nominal cell, with its variation and commands, for ``ngspice -b``."""
    testbench = unit.testbench
    (row,) = unit.knob_values(sample, 1).tolist()
    commands = [
        *(f"pre_osdi '{model.path}'" for model in testbench.osdi),
        "set num_threads=1",
        *(
            f"{command} = {value!r}"
            for knob, value in zip(testbench.knobs.values(), row, strict=True)
            for command in knob.commands
        ),
        testbench.analysis.command,
        "set wr_vecnames wr_singlescale numdgt=15",
        f"wrdata {WAVEFORMS} {' '.join(testbench.probes)}",
        "quit",
    ]
    lines = [testbench.deck.rstrip(), ACCURACIES[unit.accuracy], ".control", *commands, ".endc", ".end"]
    return "\n".join(line for line in lines if line) + "\n"
