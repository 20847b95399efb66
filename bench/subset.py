"""Subset simulation, a method that has nothing in common with those of the product, as a check of them near 1e-9."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

import charlib
from analysis.rare import Request, failure_probability
from analysis.rare_limitstate import LimitState

SHARE = 0.1
"""Share of the samples of a level from which the next one starts [1]."""
SIZE = 2000
"""Samples of a level."""
RUNS = 10
"""Independent runs, whose scatter is the error."""
MEMORY = 0.8
"""Correlation of a step of a chain with where it is [1]."""
LEVELS = 20
VDD = 0.7
"""Supply at which the default cell of predictive28 fails about once in 1e9 reads [V]."""


def subset_simulation(limit_state: LimitState, variables: int, rng: np.random.Generator, size: int = SIZE) -> float:
    """Failure probability of one run [1].

    Chains of a level start from all its ancestors and move by steps that keep the normal distribution.

    Source: Au and Beck, Probabilistic Engineering Mechanics 16(4), 2001; Papaioannou et al., ibid. 41, 2015, for the
    steps.
    """
    u = rng.standard_normal((size, variables))
    margin, pf = _margins(limit_state, u), 1.0
    seeds = round(SHARE * size)
    for _ in range(LEVELS):
        order = np.argsort(margin, kind="stable")
        bound = float(margin[order[seeds - 1]])
        if bound <= 0:
            break
        pf *= SHARE
        now, at = u[order[:seeds]], margin[order[:seeds]]
        every, all_margins = [now], [at]
        for _ in range(size // seeds - 1):
            step = MEMORY * now + math.sqrt(1 - MEMORY**2) * rng.standard_normal(now.shape)
            there = _margins(limit_state, step)
            moved = there <= bound
            now, at = np.where(moved[:, None], step, now), np.where(moved, there, at)
            every.append(now)
            all_margins.append(at)
        u, margin = np.concatenate(every), np.concatenate(all_margins)
    return pf * float((margin <= 0).mean())


def _margins(limit_state: LimitState, u: np.ndarray) -> np.ndarray:
    """Margins; what has none has passed, so that no chain goes there."""
    margin, _ = limit_state(u)
    return np.where(np.isnan(margin), np.inf, margin)


def estimate(limit_state: LimitState, variables: int, seed: int, runs: int = RUNS) -> tuple[float, float, float]:
    """Mean of independent runs and its 95 % interval by Student [1]."""
    each = np.array([subset_simulation(limit_state, variables, np.random.default_rng([seed, i])) for i in range(runs)])
    half = float(stats.t.isf(0.025, runs - 1)) * each.std(ddof=1) / math.sqrt(runs)
    return float(each.mean()), float(each.mean() - half), float(each.mean() + half)


def main(seed: int, workers: int = 1) -> None:
    """Print what the product and subset simulation, on the twin, say of the read margin of a real cell."""
    at = charlib.Conditions(process=["tt"], vdd=[VDD], temp=[298.15])
    with charlib.limit_state({"snm_read": None}, conditions=at, workers=workers, twin=True) as state:
        variables = len(state.variables)
        found = failure_probability(state, variables, Request("twin", seed=seed), twin=state.twin)
        low, high = found.interval
        print(f"twin and {sum(found.simulations.values())} simulations: {found.pf:.3e} ({low:.3e}..{high:.3e})")
        print("subset simulation on the twin: {:.3e} ({:.3e}..{:.3e})".format(*estimate(state.twin, variables, seed)))
