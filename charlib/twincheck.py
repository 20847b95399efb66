"""The table twin against ngspice, metric by metric and condition by condition, with nothing refused."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

import numpy as np
import xarray as xr

from charlib import ngspice
from charlib.characterize import measurement_version, provenance
from charlib.conditions import OFFSETS, Conditions
from charlib.directory import MANIFEST, open_directory, write_json, write_whole
from charlib.metrics import METRICS, testbench_metrics
from charlib.plan import Plan, make_plan
from charlib.progress import Progress
from charlib.session import Session
from charlib.twin import judge, subset
from charlib.twin.coverage import HALVES, SOLVED
from charlib.unit import Unit, measure_unit
from charlib.variation import Variation, normals
from netlists import devicetable
from netlists.bitcells import Cell
from netlists.technology import Technology
from netlists.testbench import Testbench
from netlists.testbenches import TESTBENCHES

COVERED = tuple(name for name, metric in METRICS.items() if metric.testbench in SOLVED)
"""Metrics that the twin solves."""
TABLES = "tables-"
"""Beginning of the names of folders with the tables of a check under way."""
FARTHEST = 6.0
"""Distance of the last sample from the typical cell, in standard deviations of all that varies together [1]."""


def far_values(testbench: Testbench, seed: int, count: int) -> np.ndarray:
    """Parameters of samples evenly out to ``FARTHEST`` standard deviations, shape (count, knob), in their units.

    Sample ``i`` of ``n`` is at ``6 (i + 1) / n`` standard deviations from the typical cell. Every other one is in the
    direction of its random numbers, the rest in that of their cubes, where one or two transistors are far out and the
    others hardly off.
    """
    draws = normals(testbench.knobs, seed, 0, count)
    draws[1::2] **= 3
    length = np.sqrt(np.cumsum(draws**2, axis=1)[:, -1:])
    return testbench.knob_values(draws * (FARTHEST * np.arange(1, count + 1)[:, None] / count / length))


def twin_check(
    cell: Cell | None = None,
    technology: str | Technology = "predictive28",
    conditions: Conditions | None = None,
    variation: Variation | None = None,
    metrics: Sequence[str] | None = None,
    out: str | Path | None = None,
    workers: int = 1,
    judged: int = judge.SIZE,
    progress: bool = False,
) -> xr.Dataset:
    """Solve samples out to six standard deviations from tables and in ngspice, at every condition.

    Args:
        cell, technology, conditions: as :func:`charlib.characterize`.
        variation: its seed draws the directions of the samples; nothing else of it is asked for.
        metrics: what is held against ngspice; None is every one that the twin solves of the cell.
        out: directory of the answer, ``twin.nc``, which gains every condition as soon as it is done: what a broken run
            did is not done again. None keeps nothing.
        workers: corners and temperatures that are checked at a time. judged: samples of each testbench and condition.
        progress: show progress on standard error.

    Returns:
        Dataset over ``case``, see :class:`charlib.twin.engine.Solution`; every sample counts alike.

    Raises:
        InvalidPlan, TechnologyError, CellError: an illegal value, or what the twin does not cover.
    """
    judge.check_size(judged)
    seed = Variation(samples=judged, seed=variation.seed if variation else 1)
    plan = make_plan(cell, technology, conditions, seed, metrics or of_cell(cell), "twin", "reference", None, 1.0)
    version = ngspice.version()
    identity = plan.identity() | {"judged": judged, "metrics": list(plan.metrics), "ngspice": version}
    identity |= {"measurement": measurement_version(plan), "solver": _solver()}
    with open_directory(out, identity) as folder:
        for left in folder.glob(f"{TABLES}*"):  # by a run that was killed
            shutil.rmtree(left)
        write_json(folder / MANIFEST, {"plan": identity})
        done, lock = _kept(folder / judge.FILE), Lock()

        def keep(place: tuple, cases: xr.Dataset) -> None:
            with lock:
                done[place] = cases
                every = xr.concat(done.values(), "case").assign_attrs(provenance(plan, version, None))
                write_whole(folder / judge.FILE, every.to_netcdf)

        # How many rows a column has says nothing of a cell by itself.
        wanted = dict.fromkeys(place[:-1] for place in plan.conditions.points())
        groups: dict[tuple[str, float], list[tuple]] = {}
        for place in wanted:
            if place not in done:
                groups.setdefault((place[0], place[2]), []).append(place)
        shown = Progress(judged * len(plan.testbenches) * sum(map(len, groups.values())), progress)
        with contextlib.closing(shown), ThreadPoolExecutor(workers) as threads:
            for _ in threads.map(lambda places: _check(plan, places, judged, folder, keep, shown), groups.values()):
                pass
    return xr.concat([done[place] for place in wanted], "case")


def of_cell(cell: Cell | None) -> tuple[str, ...]:
    """Metrics of ``COVERED`` that the twin solves of a cell; None is the default 6T cell."""
    solved = HALVES if cell is not None and cell.decoupled else SOLVED
    return tuple(name for name in COVERED if METRICS[name].testbench in solved)


def _solver() -> str:
    """Hash of all that solves a cell from tables, its constants among it: another solver's verdicts are not kept."""
    sources = [*sorted(Path(judge.__file__).parent.glob("*.py")), Path(devicetable.__file__)]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def _kept(path: Path) -> dict[tuple, xr.Dataset]:
    """What a file of verdicts holds, by condition; nothing where there is no file."""
    if not path.exists():
        return {}
    cases = xr.load_dataset(path)
    found: dict[tuple, list[int]] = {}
    for i in range(cases.sizes["case"]):
        place = (str(cases["process"].values[i]), *(float(cases[axis].values[i]) for axis in ("vdd", "temp", *OFFSETS)))
        found.setdefault(place, []).append(i)
    return {place: cases.isel(case=rows) for place, rows in found.items()}


def _check(
    plan: Plan, places: Sequence[tuple], count: int, folder: Path, keep: Callable[[tuple, xr.Dataset], None],
    progress: Progress,
) -> None:  # fmt: skip
    """Verdicts at some conditions of one corner and temperature, each handed over as soon as it is there.

    Their tables are in ``folder`` meanwhile.
    """
    from charlib.twin.cell import Twin  # compiled code, which takes a second to load
    from charlib.twin.engine import solve_values, verdict

    with Session(accuracy="reference") as session, TemporaryDirectory(prefix=TABLES, dir=folder) as made:
        twin = Twin(session, Path(made))
        for place in places:
            setting, cases, drawn = plan.setting(*place), [], subset.everyone(count, subset.FAR)
            for name in plan.testbenches:
                twin.begin(setting)
                bench = TESTBENCHES[name].build(setting)
                unit = Unit(bench, 0, plan.variation.seed, True, plan.accuracy)
                values = far_values(bench, plan.variation.seed, count)
                solved = solve_values(twin, setting, unit, 0, values)
                reference = measure_unit(unit, 0, session.solve(bench, values))
                progress.advance(count, 0)
                cases += [
                    verdict(metric, place, solved.metrics[metric], reference.metrics[metric], drawn)
                    for metric in testbench_metrics(name)
                    if metric in plan.metrics
                ]
            keep(place, xr.concat(cases, "case"))
