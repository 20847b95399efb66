"""Subset simulation, a method that has nothing in common with those of the product, as a check of them near 1e-9.

Its settings are judged where the answer is known; then it runs beside the product's methods on real cells.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats
from tabulate import tabulate

import charlib
from analysis.rare import Request, failure_probability
from analysis.rare_limitstate import LimitState
from bench import limit_states

SHARE = 0.1
"""Share of the samples of a level from which the next one starts [1]."""
STEP = 1.0
"""A chain on a plane boundary fails again where a standard normal number is above this [standard deviations]."""
LEVELS = 20
SEED = 1
CELLS = {"predictive28": 0.7, "freepdk45": 0.6}
"""Technologies and supplies at which their default cells fail about once in 1e9 reads [V]."""
KNOWN_AT = 1e-9
KNOWN_STATES = ("LS1", "LS5")


@dataclass(frozen=True)
class Setting:
    """How much is sampled.

    Attributes:
        size: samples of a level. runs: independent ones, whose scatter is the error.
    """

    size: int
    runs: int


ON_NGSPICE = Setting(2000, 5)
ON_TWIN = Setting(5000, 10)


@dataclass(frozen=True)
class Found:
    """A failure probability, its 95 % interval [1], and the samples it took."""

    pf: float
    low: float
    high: float
    samples: int


def subset_simulation(
    limit_state: LimitState, variables: int, rng: np.random.Generator, size: int
) -> tuple[float, int]:
    """Failure probability of one run [1] and its samples.

    Chains of a level start from all its ancestors and move by steps that keep the normal distribution, the shorter
    the rarer the level is.

    Source: Au and Beck, Probabilistic Engineering Mechanics 16(4), 2001; Papaioannou et al., ibid. 41, 2015, for the
    steps.
    """
    u = rng.standard_normal((size, variables))
    margin, pf, samples = _margins(limit_state, u), 1.0, size
    seeds = round(SHARE * size)
    for _ in range(LEVELS):
        order = np.argsort(margin, kind="stable")
        bound = float(margin[order[seeds - 1]])
        if bound <= 0:
            break
        pf *= SHARE
        beta = float(stats.norm.isf(pf))
        memory = (beta**2 - STEP**2) / (beta**2 + STEP**2)
        now, at = u[order[:seeds]], margin[order[:seeds]]
        every, all_margins = [now], [at]
        for _ in range(size // seeds - 1):
            step = memory * now + math.sqrt(1 - memory**2) * rng.standard_normal(now.shape)
            there = _margins(limit_state, step)
            moved = there <= bound
            now, at = np.where(moved[:, None], step, now), np.where(moved, there, at)
            every.append(now)
            all_margins.append(at)
        u, margin = np.concatenate(every), np.concatenate(all_margins)
        samples += size - seeds
    return pf * float((margin <= 0).mean()), samples


def _margins(limit_state: LimitState, u: np.ndarray) -> np.ndarray:
    """Margins; what has none has passed, so that no chain goes there."""
    margin, _ = limit_state(u)
    return np.where(np.isnan(margin), np.inf, margin)


def estimate(limit_state: LimitState, variables: int, setting: Setting, seed: int) -> Found:
    """Mean of independent runs with Student's interval of its logarithm: the runs scatter to the high side."""
    rngs = (np.random.default_rng([seed, i]) for i in range(setting.runs))
    each, samples = zip(*(subset_simulation(limit_state, variables, rng, setting.size) for rng in rngs), strict=True)
    mean = float(np.mean(each))
    cov = float(np.std(each, ddof=1)) / mean / math.sqrt(setting.runs)
    factor = math.exp(float(stats.t.isf(0.025, setting.runs - 1)) * cov)
    return Found(mean, mean / factor, mean * factor, sum(samples))


def main(repetitions: int) -> None:
    """Print how the interval does where the truth is known, then what all methods say of real cells."""
    started = time.monotonic()
    print(f"{repetitions} repetitions at {KNOWN_AT:g}\n")
    heads = ("limit state", "samples of a level", "runs", "covered", "mean over truth", "samples")
    print(tabulate(known_rows(repetitions), heads, disable_numparse=True), flush=True)
    heads = ("technology", "VDD [V]", "method", "Pf", "95 % interval", "over mixture, joint 95 %", "simulations")
    rows = [row for technology, vdd in CELLS.items() for row in cell_rows(technology, vdd)]
    print(f"\n{tabulate(rows, heads, disable_numparse=True)}\n\n{time.monotonic() - started:.0f} s")


def known_rows(repetitions: int) -> Iterator[tuple]:
    """What both settings come to on limit states whose answer is known."""
    for setting in (ON_NGSPICE, ON_TWIN):
        for state in (s for s in limit_states.known(KNOWN_AT) if s.name in KNOWN_STATES):
            found = [estimate(state, state.variables, setting, seed) for seed in range(1, repetitions + 1)]
            covered = np.mean([f.low <= state.pf <= f.high for f in found])
            ratio = np.mean([f.pf for f in found]) / state.pf
            samples = np.median([f.samples for f in found])
            yield state.name, setting.size, setting.runs, f"{covered:.2f}", f"{ratio:.3f}", f"{samples:.0f}"


def cell_rows(technology: str, vdd: float) -> Iterator[tuple]:
    """Read margin of a technology's default cell at 25 degC by all methods."""
    at = charlib.Conditions(process=["tt"], vdd=[vdd], temp=[298.15])
    with charlib.limit_state({"snm_read": None}, technology=technology, conditions=at, workers=1, twin=True) as state:
        variables, found = len(state.variables), {}
        for method in ("mixture", "surrogate", "twin"):
            one = failure_probability(state, variables, Request(method, seed=SEED), twin=state.twin)
            found[f"{method} ({one.method})"] = Found(one.pf, *one.interval, sum(one.simulations.values()))
        found["subset on the twin"] = estimate(state.twin, variables, ON_TWIN, SEED)
        found["subset on ngspice"] = estimate(state, variables, ON_NGSPICE, SEED)
    first = next(iter(found.values()))
    for name, one in found.items():
        simulations = f"{one.samples}" if name != "subset on the twin" else f"0, {one.samples} from tables"
        yield technology, vdd, name, f"{one.pf:.2e}", f"{one.low:.2e}..{one.high:.2e}", over(one, first), simulations


def over(one: Found, other: Found) -> str:
    """Ratio of two independent probabilities with its 95 % interval; nothing of one and the same."""
    if one is other:
        return ""
    down = math.exp(-math.hypot(math.log(one.pf / one.low), math.log(other.high / other.pf)))
    up = math.exp(math.hypot(math.log(one.high / one.pf), math.log(other.pf / other.low)))
    ratio = one.pf / other.pf
    return f"{ratio:.2f} ({ratio * down:.2f}..{ratio * up:.2f})"
