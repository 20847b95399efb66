"""Rare failures of limit states with known answers: does the interval hold, and what does it cost?"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

import numpy as np
from tabulate import tabulate

from analysis.rare import RareFailure, Request, failure_probability
from analysis.rare_limitstate import LimitState, Simulations
from analysis.rare_regions import discover
from bench import limit_states
from bench.limit_states import Known

LEVELS = (1e-5, 1e-7, 1e-9)
SPOILT_AT = 1e-9
SPOILT_STATES = ("LS1", "LS5")
TWIN_STATES = ("LS1", "LS5")


@dataclass(frozen=True)
class Tally:
    """What runs with different seeds came to.

    Attributes:
        covered: share of intervals that hold the truth [1]. regions: share of runs with the right number [1].
        clean: share of runs without a warning or fault [1]. wrong: number of clean runs whose interval misses.
        simulations, most: median and largest number. cov: median [1]. used: methods that the runs ended with.
    """

    covered: float
    regions: float
    clean: float
    wrong: int
    simulations: float
    most: int
    cov: float
    used: str


def tally(state: Known, runs: list[RareFailure]) -> Tally:
    """Hold runs against the truth."""
    covered = np.array([r.interval[0] <= state.pf <= r.interval[1] for r in runs])
    clean = np.array([r.established and not r.warnings for r in runs])
    cost = [sum(r.simulations.values()) for r in runs]
    used = "/".join(sorted({r.method for r in runs}))
    right = float(np.mean([len(r.regions) == state.regions for r in runs]))
    cov = float(np.median([r.estimate.cov for r in runs]))
    wrong = int((clean & ~covered).sum())
    return Tally(covered.mean(), right, clean.mean(), wrong, float(np.median(cost)), max(cost), cov, used)


def runs(
    state: Known, limit_state: LimitState, method: str, seeds: int, hide: bool = False, twin: LimitState | None = None
) -> list[RareFailure]:
    """Runs with seeds 1 onwards; with ``hide`` the first region is all that the estimate is told of."""
    found = []
    for seed in range(1, seeds + 1):
        known = None
        if hide:
            known = discover(Simulations(limit_state, state.variables), np.random.default_rng(seed)).regions[:1]
        found.append(failure_probability(limit_state, state.variables, Request(method, seed=seed), known, twin))
    return found


def main(seeds: int) -> None:
    """Print all tables."""
    started, rows = time.monotonic(), []
    for method in ("auto", "surrogate"):
        for level in LEVELS:
            for state in limit_states.known(level):
                if method == "surrogate" and state.variables != limit_states.VARIABLES:
                    continue
                t = tally(state, runs(state, state, method, seeds))
                cells = (f"{t.covered:.2f}", f"{t.regions:.2f}", f"{t.clean:.2f}", f"{t.simulations:.0f}", t.most)
                rows.append((method, state.name, f"{level:.0e}", t.used, *cells, f"{100 * t.cov:.1f}"))
    heads = (
        "asked",
        "limit state",
        "Pf",
        "used",
        "covered",
        "regions right",
        "clean",
        "simulations",
        "most",
        "CoV [%]",
    )
    print(
        f"{seeds} seeds each; median and most simulations\n\n{tabulate(rows, heads, disable_numparse=True)}\n",
        flush=True,
    )
    print(tabulate(spoilt_rows(seeds), ("spoilt by", "limit state", "not established", "warned", "neither"),
                   disable_numparse=True))  # fmt: skip
    heads = ("twin", "limit state", "used", "covered", "clean", "simulations", "most", "CoV [%]")
    print(f"\n{tabulate(twin_rows(seeds), heads, disable_numparse=True)}")
    print(f"\n{time.monotonic() - started:.0f} s")


def twin_rows(seeds: int) -> list[tuple]:
    """What right and wrong twins of limit states come to."""
    rows = []
    for state in (s for s in limit_states.known(SPOILT_AT) if s.name in TWIN_STATES):
        for what, spoil in limit_states.TWINS.items():
            t = tally(state, runs(state, state, "twin", seeds, twin=partial(spoil, state)))
            cells = (f"{t.covered:.2f}", f"{t.clean:.2f}", f"{t.simulations:.0f}", t.most, f"{100 * t.cov:.1f}")
            rows.append((what, state.name, t.used, *cells))
    return rows


def spoilt_rows(seeds: int) -> list[tuple]:
    """Shares of runs on spoilt limit states that are not established, only warned of, or neither [1]."""
    states = [s for s in limit_states.known(SPOILT_AT) if s.name in SPOILT_STATES]
    rows = []
    for what, spoil in {"a region hidden": None, **limit_states.SPOILT}.items():
        for state in states:
            limit_state = partial(spoil, state) if spoil else state
            found = runs(state, limit_state, "auto", seeds, hide=spoil is None)
            failed = np.array([not r.established for r in found])
            warned = np.array([bool(r.warnings) for r in found])
            shares = (failed.mean(), (warned & ~failed).mean(), (~warned & ~failed).mean())
            rows.append((what, state.name, *(f"{share:.2f}" for share in shares)))
    return rows
