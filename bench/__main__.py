"""Command line of the benchmarks."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace

from bench import designs, lookup, memory, rare, report, startup, subset, twin, workloads
from bench.contenders import ONE, OWN
from bench.rounds import OtherWork, Turn, measure, taking_part
from bench.workloads import Workload

OVERHEAD_ROUNDS, OVERHEAD_SAMPLES = 30, 1280
"""Rounds of ``python -m bench overhead``, and samples of each."""


def compare(workload: Workload, turns: Mapping[str, Turn]) -> None:
    """Measure one workload and print its part of the table."""
    others = OtherWork()
    costs, numbers = measure(workload, turns)
    busy = f"other work kept {others.cores():.1f} of {os.cpu_count()} cores busy"
    exact = workload.references()
    errors = {name: workload.errors(found, exact) for name, found in numbers.items()}
    print(f"\n{workload.name}: per sample, medians of {workload.rounds} rounds; {busy}\n")
    print(report.table(costs, errors, f"{workload.metric} [{workload.error_unit}]"))
    print(f"\n{report.claims(costs)}", flush=True)


def speed(quick: bool) -> None:
    """Both workloads with everyone who can take part."""
    started = time.monotonic()
    names, remarks = taking_part()
    print("\n".join(remarks))
    with ExitStack() as stack:
        turns = {name: stack.enter_context(Turn(name)) for name in names}
        for build in (workloads.butterfly, workloads.read_path):
            workload = build()
            compare(workload.quick() if quick else workload, turns)
    print(f"\n{time.monotonic() - started:.0f} s")


def overhead(quick: bool) -> None:
    """The butterfly in one worker beside ngspice's own solve, for as long as a noisy machine takes to tell."""
    workload = replace(workloads.butterfly(), rounds=OVERHEAD_ROUNDS, size=OVERHEAD_SAMPLES)
    workload = workload.quick() if quick else workload
    with ExitStack() as stack:
        turns = {name: stack.enter_context(Turn(name)) for name in (OWN, ONE)}
        others = OtherWork()
        costs, _ = measure(workload, turns)
    print(f"other work kept {others.cores():.1f} of {os.cpu_count()} cores busy")
    print(report.overhead(costs))


def main() -> None:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    benchmarks = ("speed", "overhead", "memory", "startup", "lookup", "designs", "rare", "subset", "twin")
    parser.add_argument("what", nargs="?", choices=benchmarks, default="speed")
    parser.add_argument("--quick", action="store_true", help="one round of short runs, for a first impression")
    arguments = parser.parse_args()
    if arguments.what == "memory":
        memory.main(10_000 if arguments.quick else 100_000)
        return
    if arguments.what in ("startup", "lookup"):
        {"startup": startup, "lookup": lookup}[arguments.what].main()
        return
    if arguments.what == "designs":
        designs.main(1_000 if arguments.quick else 10_000)
        return
    if arguments.what == "rare":
        rare.main(5 if arguments.quick else 100)
        return
    if arguments.what == "subset":
        subset.main(5 if arguments.quick else 100)
        return
    if arguments.what == "twin":
        twin.main(100_000 if arguments.quick else 1_000_000)
        return
    {"speed": speed, "overhead": overhead}[arguments.what](arguments.quick)


if __name__ == "__main__":
    main()
