"""How gates answer to changes of their inputs that follow each other closely, each gate by itself.

``python -m charlib.inertia NAME`` prints, for gates of an adder tree, the length of the output pulse that swings to
half of VDD, and what a pulse takes that never reaches the output, as a Markdown table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from charlib.errors import CharacterizationError
from charlib.session import Session, Solved
from netlists.gatebench import Twice, twice_bench
from netlists.logic import GATES
from netlists.setting import Condition
from netlists.technology import load

KINDS = ("full_adder", "half_adder", "xor2")
APART = tuple(5e-12 * step for step in range(1, 13))
"""Times between the changes [s]."""
PERIOD = 1e-9
"""Time of a case [s]; the changes of its reference are a quarter of it apart: each then has the gate at rest."""
POINTS = ((20e-12, 2e-15), (10e-12, 0.5e-15))
"""Slew of the inputs [s] and load of each output [F]."""
NEVER = 0.2
"""Longest pulse, in delays of the gate, of which nothing is taken to reach the output [1]."""
TIMEOUT = 600.0
"""Wall-clock limit of a transient [s]."""


@dataclass(frozen=True)
class Answers:
    """What a gate did, a number for each state, pair of changes and output that they pulse.

    Attributes:
        width: length of the pulse that swings to half of VDD, in delays of the second change [1].
        rest: part of the gate's own energy that pulses take of which nothing reaches the output, of all of them where
            no other output moves [1].
    """

    width: np.ndarray
    rest: float


def _levels(kind: str, state: int) -> tuple[int, ...]:
    gate = GATES[kind]
    return tuple(gate.function(*(state >> place & 1 for place in range(len(gate.inputs)))))


def _pulsed(kind: str, state: int, first: int, second: int) -> tuple[list[int], bool]:
    """Outputs that two changes pulse, and whether they are all that moves."""
    before, middle, after = (_levels(kind, s) for s in (state, state ^ 1 << first, state ^ 1 << first ^ 1 << second))
    pulsed = [o for o in range(len(before)) if before[o] == after[o] != middle[o]]
    return pulsed, before == after and len(pulsed) == 1


def measure(session: Session, kind: str, condition: Condition, slew: float, load_each: float) -> Answers:
    """Change two inputs of a gate, or pulse one, from every state, ever closer; raises CharacterizationError.

    Args:
        slew: of the inputs from rail to rail [s]. load_each: load of each output [F].
    """
    places = range(len(GATES[kind].inputs))
    found = [p for p in product(range(1 << len(places)), places, places) if _pulsed(kind, *p)[0]]
    apart = {p: [PERIOD / 4, *(t for t in APART if p[1] != p[2] or t > slew)] for p in found}
    cases = [Twice(*p, t) for p in found for t in apart[p]]
    testbench = twice_bench(kind, condition, cases, slew, load_each, PERIOD)
    solved = session.solve(testbench, np.zeros((1, 0)))[0]
    if not isinstance(solved, Solved):
        raise CharacterizationError(f"{kind}: {solved.reason}")
    widths, taken, own, number = [], 0.0, 0.0, 0
    for place in found:
        times, (outputs, alone) = np.array(apart[place]), _pulsed(kind, *place)
        for output in outputs:
            seen = np.array([_seen(solved.vectors, number + i, output, testbench.values) for i in range(len(times))])
            swing, first, last, energy = seen.T
            delay = last[0] - times[0]
            length = (times + delay - first[0]) / delay
            if swing[1] < 0.5 < swing[-1]:
                widths.append(float(np.interp(0.5, swing[1:], length[1:])))
            never = (length < NEVER) & alone
            taken += energy[never].sum()
            own += never.sum() * (energy[0] - load_each * condition.vdd**2)
        number += len(times)
    return Answers(np.array(widths), taken / own)


def _seen(
    vectors: Mapping[str, np.ndarray], number: int, output: int, values: Mapping[str, float]
) -> tuple[float, float, float, float]:
    """What a case did: swing of the output [1], its first and last crossing of half of VDD after 50 % of the first
    change [s], NaN where there is none, and the energy from there on [J].
    """
    period, vdd = values["period"], values["vdd"]
    start = (number + 0.5) * period
    here = (vectors["time"] >= start) & (vectors["time"] < start + 0.5 * period)
    time, wave, current = (vectors[name][here] for name in ("time", f"out{output}", "vdd#branch"))
    swing = np.abs(wave - vdd * round(wave[0] / vdd)).max() / vdd
    distance = wave - vdd / 2
    at = np.flatnonzero((distance[1:] > 0) != (distance[:-1] > 0))
    crossings = time[at] - distance[at] * (time[at + 1] - time[at]) / (distance[at + 1] - distance[at])
    ends = crossings[[0, -1]] - start - values["slew"] / 2 if len(at) else np.full(2, np.nan)
    energy = -vdd * np.sum(np.diff(time) * (current[1:] + current[:-1]) / 2)
    return swing, ends[0], ends[1], energy


def report(name: str) -> str:
    """Markdown table of the gates of a technology at tt, its nominal supply and 25 degC."""
    technology = load(name)
    condition = Condition(technology, "tt", technology.vdd_nominal, 298.15)
    lines = ["| gate | slew | load | width, mean (min..max) | rest |", "|---|---|---|---|---|"]
    with Session(TIMEOUT) as session:
        for kind, (slew, load_each) in product(KINDS, POINTS):
            found = measure(session, kind, condition, slew, load_each)
            width = f"{found.width.mean():.2f} ({found.width.min():.2f}..{found.width.max():.2f})"
            point = f"{slew * 1e12:g} ps | {load_each * 1e15:g} fF"
            lines.append(f"| {kind} | {point} | {width} | {found.rest:.2f} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m charlib.inertia", description=__doc__.splitlines()[0])
    parser.add_argument("name", metavar="NAME", help="technology")
    print(report(parser.parse_args(arguments).name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
