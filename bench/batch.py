"""ngspice as a program: a loop inside one process, or a process per sample."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.workloads import Vectors, alterations
from netlists import Testbench


def program(testbench: Testbench, rows: np.ndarray, repeats: int, write: bool = False) -> str:
    """Deck with a control section that sets each sample's knobs once and solves it a number of times.

    Args:
        testbench: what to solve.
        rows: knob values [V], shape (sample, knob).
        repeats: solutions of each sample that are thrown away.
        write: solve once more and write the vectors as text into a file named after the sample's number.
    """
    command = testbench.analysis.command
    lines = [testbench.deck, ".control", "set num_threads=1", "set wr_singlescale", "set numdgt=12"]
    for i, row in enumerate(rows):
        lines += alterations(testbench, row)
        if repeats:
            lines += [f"repeat {repeats}", command, "destroy all", "end"]
        if write:
            lines += [command, f"wrdata {i} {' '.join(testbench.vectors)}", "destroy all"]
    return "\n".join([*lines, "quit", ".endc", ".end", ""])


def run(text: str, folder: Path) -> None:
    """Run a program in ngspice's batch mode in a folder; raises CalledProcessError where that fails."""
    (folder / "deck.cir").write_text(text)
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(["ngspice", "-b", "deck.cir"], cwd=folder, check=True, **silent)


def loop(testbench: Testbench, rows: np.ndarray, repeats: int) -> None:
    """Solve each sample a number of times inside one ngspice."""
    with TemporaryDirectory() as folder:
        run(program(testbench, rows, repeats), Path(folder))


def solutions(testbench: Testbench, rows: Sequence[np.ndarray] | np.ndarray) -> list[Vectors]:
    """Vectors of samples that one ngspice solves."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        run(program(testbench, rows, 0, write=True), folder)
        tables = [np.loadtxt(folder / str(i)) for i in range(len(rows))]
    return [dict(zip(testbench.vectors, table.T[1:], strict=True)) for table in tables]
