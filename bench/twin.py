"""The table twin beside the ngspice engine: CPU time of all processes for a sample of the read butterfly."""

from __future__ import annotations

import resource
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection

from tabulate import tabulate

import charlib
from bench.workloads import CONDITIONS, SEED

NGSPICE_SAMPLES = 2000
"""Samples of the ngspice engine: enough for three seconds."""
WARM = 200
"""Samples of the runs that compile the kernels and load the packages."""


def run(engine: str, samples: int, workers: int) -> None:
    """Read noise margins of a number of samples with nothing kept: a twin makes its tables and is judged."""
    charlib.characterize(
        conditions=CONDITIONS,
        variation=charlib.Variation(samples=samples, seed=SEED),
        metrics=["snm_read"],
        engine=engine,
        workers=workers,
    )


def timed(answer: Connection, engine: str, samples: int, workers: int) -> None:
    """Send wall-clock and CPU time [s] of a run and of all of its processes, and its largest resident size [MB]."""
    run(engine, WARM, workers)

    def spent() -> float:
        usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(usage.ru_utime + usage.ru_stime for usage in usages)

    started, before = time.perf_counter(), spent()
    run(engine, samples, workers)
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    answer.send((time.perf_counter() - started, spent() - before, size))


def measure(engine: str, samples: int, workers: int) -> tuple[float, float, float]:
    """:func:`timed` in a process of its own."""
    context = get_context("spawn")
    here, there = context.Pipe()
    worker = context.Process(target=timed, args=(there, engine, samples, workers))
    worker.start()
    there.close()
    try:
        return here.recv()
    except EOFError:
        raise SystemExit(f"the run with engine={engine!r} failed") from None
    finally:
        worker.join()


def main(samples: int, workers: int = 2) -> None:
    """Print both engines and their ratio."""
    rows = []
    for engine, count in (("ngspice", NGSPICE_SAMPLES), ("twin", samples)):
        wall, cpu, size = measure(engine, count, workers)
        rows.append((engine, count, wall, cpu, 1e6 * cpu / count, size))
    headers = ("engine", "samples", "wall [s]", "CPU [s]", "CPU per sample [us]", "memory [MB]")
    print("read butterfly, both lobes; tables, judge, metric and Dataset included, packages and compiling not\n")
    print(tabulate(rows, headers, floatfmt=".4g"))
    print(f"\nsamples per CPU second, twin over ngspice: {rows[0][4] / rows[1][4]:.1f} (limit at least 25)")
