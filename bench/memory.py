"""Memory of a long run: many samples through one worker."""

from __future__ import annotations

import time
from multiprocessing import get_context

import psutil

import charlib
from bench.workloads import CONDITIONS, SEED

INTERVAL = 1.0
"""Time between readings [s]."""
SETTLED = 5.0
"""Time after which a run is under way and growth counts [s]."""
LINES = 10
"""Readings that are printed."""


def butterflies(samples: int) -> None:
    """Read noise margins of a number of samples through one worker."""
    variation = charlib.Variation(samples=samples, seed=SEED)
    charlib.characterize(conditions=CONDITIONS, variation=variation, metrics=["snm_read"], workers=1)


def resident(process: psutil.Process) -> tuple[float, float]:
    """Resident memory [MB] of a process and of its children."""
    try:
        children = sum(child.memory_info().rss for child in process.children(recursive=True))
        return process.memory_info().rss / 1e6, children / 1e6
    except psutil.NoSuchProcess:
        return 0.0, 0.0


def readings(samples: int) -> list[tuple[float, float, float]]:
    """Time [s], memory of the parent and of its simulator child [MB], while both live."""
    worker = get_context("spawn").Process(target=butterflies, args=(samples,))
    worker.start()
    started, process, found = time.monotonic(), psutil.Process(worker.pid), []
    while worker.is_alive():
        parent, child = resident(process)
        if child:
            found.append((time.monotonic() - started, parent, child))
        worker.join(INTERVAL)
    if worker.exitcode:
        raise SystemExit(f"the run failed, exit code {worker.exitcode}")
    return found


def main(samples: int) -> None:
    """Print memory over time and its growth."""
    found = readings(samples)
    print(f"{samples} samples of the read butterfly through one worker; resident memory [MB]\n")
    print("time [s]   parent   simulator")
    for when, parent, child in found[:: max(len(found) // LINES, 1)]:
        print(f"{when:8.0f} {parent:8.1f} {child:11.1f}")
    settled = [(parent, child) for when, parent, child in found if when >= SETTLED]
    growth = [max(column) - column[0] for column in zip(*settled, strict=True)]
    total = [sum(pair) for pair in settled]
    print(f"\nlargest growth after {SETTLED:g} s: parent {growth[0]:.1f} MB, simulator {growth[1]:.1f} MB, "
          f"both together {max(total) - total[0]:.1f} MB (limit 20 MB)")  # fmt: skip
