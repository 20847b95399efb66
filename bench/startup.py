"""What a model library costs to load: in full, slimmed for the first time, and slimmed from the cache."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import psutil
from tabulate import tabulate

from bench.memory import resident
from charlib.session import Session, Solved
from netlists import TESTBENCHES, Setting, Sram6T, Testbench, pdk
from netlists.technology import load, outline

NAMES = ("freepdk45", "sky130", "gf180mcu")
"""Technologies whose models are a published library."""
ROUNDS = 5
"""Repetitions of what takes milliseconds."""
TIMEOUT = 600.0
"""Longest that a full library may take [s]."""
TEMP = 300.15
"""Temperature [K]."""
HEADERS = ("library", "", "models to text [ms]", "deck to solution [ms]", "CPU [ms]", "memory [MB]")


def leakage(name: str) -> Testbench:
    """A bit cell at the typical corner, in both of its states: twelve transistors, one operating point."""
    technology = load(name)
    cell = Sram6T().sized(technology)
    return TESTBENCHES["leakage"].build(Setting(technology, "tt", technology.vdd_nominal, TEMP, cell))


def in_full(name: str, testbench: Testbench) -> Testbench:
    """The same testbench, with all of the library's typical corner for its models."""
    library = load(name).library
    title, _, rest = testbench.deck.partition("\n")
    folder = pdk.package(outline(name).package).folder / library.source.place.partition("/")[2]
    lines = [
        f'.lib "{folder / file}" {section}' if section else f'.include "{folder / file}"'
        for file, section in library.corners["tt"]
    ]
    options = rest[rest.index(".options gmin") :]
    return replace(testbench, deck="\n".join([title, *lines, options]))


def nominal(testbench: Testbench) -> np.ndarray:
    """Knob values of the nominal cell, shape (1, knob)."""
    return testbench.knob_values(np.zeros((1, len(testbench.knobs))))


def solve(testbench: Testbench) -> tuple[float, float, float]:
    """Time and CPU time [ms] from a deck to its solution in a simulator of its own, and memory of that [MB].

    The only child of this process must be that simulator.
    """
    with Session(timeout=TIMEOUT) as session:
        (simulator,) = psutil.Process().children()
        started, before = time.perf_counter(), sum(simulator.cpu_times()[:2])
        (result,) = session.solve(testbench, nominal(testbench))
        seconds, cpu = time.perf_counter() - started, sum(simulator.cpu_times()[:2]) - before
        if not isinstance(result, Solved):
            raise RuntimeError(f"{testbench.name} is not solved: {result.reason}")
        return 1e3 * seconds, 1e3 * cpu, resident(psutil.Process())[1]


def alone(function: Callable, *arguments: object) -> object:
    """What a function returns in a process that has done nothing else."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def text_time(name: str, cache: str) -> float:
    """Time [ms] from a technology's name to the text of a deck."""
    os.environ["XDG_CACHE_HOME"] = cache
    leakage("predictive28")  # what is imported and read for any technology does not count
    started = time.perf_counter()
    leakage(name)
    return 1e3 * (time.perf_counter() - started)


def rows(name: str) -> Iterable[tuple[object, ...]]:
    """Rows of the table for one library."""
    testbench = leakage(name)
    with TemporaryDirectory() as folder:
        # A cache with the installed libraries and nothing that was cut out of them.
        cache = Path(folder, "pimchar")
        cache.mkdir()
        (cache / outline(name).package).symlink_to(pdk.package(outline(name).package).folder.parent)
        first = alone(text_time, name, folder)
        again = median(alone(text_time, name, folder) for _ in range(ROUNDS))
    slimmed = [median(column) for column in zip(*(alone(solve, testbench) for _ in range(ROUNDS)), strict=True)]
    if load(name).library is None:
        yield name, "as it is", again, *slimmed
        return
    yield name, "in full", "-", *alone(solve, in_full(name, testbench))
    yield name, "slimmed, first time", first, *slimmed
    yield name, "slimmed, from then on", again, *slimmed


def main() -> None:
    """Print the table."""
    found = [[n if isinstance(n, str) else f"{n:.0f}" for n in row] for name in NAMES for row in rows(name)]
    print(f"a 6T cell in both states, typical corner; medians of {ROUNDS}, full libraries once\n")
    print(tabulate(found, HEADERS, tablefmt="github"))
