"""The table twin against ngspice, metric by metric and condition by condition, with nothing refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from charlib import ngspice
from charlib.conditions import Conditions
from charlib.directory import open_directory, write_whole
from charlib.errors import InvalidPlan
from charlib.metrics import METRICS
from charlib.plan import make_plan
from charlib.store import Store
from charlib.twin import judge
from charlib.twin.coverage import SOLVED
from charlib.variation import Variation
from netlists.bitcells import Cell
from netlists.technology import Technology

COVERED = tuple(name for name, metric in METRICS.items() if metric.testbench in SOLVED)
"""Metrics that the twin solves."""


def twin_check(
    cell: Cell | None = None,
    technology: str | Technology = "predictive28",
    conditions: Conditions | None = None,
    variation: Variation | None = None,
    metrics: Sequence[str] = COVERED,
    out: str | Path | None = None,
    workers: int = 1,
    judged: int = judge.SIZE,
) -> xr.Dataset:
    """Solve samples from tables and judge them, as a run with ``engine="twin"`` does.

    Args:
        cell, technology, conditions, variation, metrics: as :func:`charlib.characterize`.
        out: directory that keeps tables and the answer, ``twin.nc``; None keeps nothing.
        workers: threads. judged: samples that ngspice simulates for each testbench and condition.

    Returns:
        Dataset over ``case``, see :class:`charlib.twin.engine.Solution`.

    Raises:
        InvalidPlan, TechnologyError, CellError: an illegal value, or what the twin does not cover.
    """
    if judged < 1:
        raise InvalidPlan(f"judged={judged!r} is not a whole number of at least 1 (characterize.judged)")
    plan = make_plan(cell, technology, conditions, variation, metrics, "twin", "reference", None, 1.0)
    from charlib.twin.engine import simulate  # compiled code, which takes a second to load

    with open_directory(out, plan.identity()) as folder:
        found = simulate(plan, Store(folder / "units", ngspice.version()).folder, workers, judged).judged
        write_whole(folder / judge.FILE, found.to_netcdf)
    return found
