"""Limit state of a cell: signed margins over standard normal variables, through the engine and the store.

The variables are the random numbers behind the transistors that vary (and those that a die shares), by the paths of
:mod:`charlib.variation`; what they do to a transistor is the technology's law. A margin is positive where the cell
passes. Simulations are stored by what they are: the same point is simulated once, whatever limit it is held against.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from charlib import ngspice
from charlib.arrays import spans
from charlib.characterize import unit_at, windows_of
from charlib.conditions import Conditions
from charlib.errors import InvalidPlan
from charlib.execution import Runner, Tally, directory_runner, pool_starter
from charlib.metrics import METRICS
from charlib.plan import Plan, make_plan
from charlib.progress import Progress
from charlib.session import Session
from charlib.status import Status, unknown
from charlib.twin.coverage import uncovered
from charlib.unit import BLOCK, Imposed, Unit
from charlib.variation import Variation
from charlib.waveforms import Measured
from netlists.bitcells import Cell
from netlists.readpath import ReadPath
from netlists.setting import Setting
from netlists.technology import Technology

AMOUNTS = ("i_read", "r_ap", "tmr", "v_tmr_half", "i_sense", "i_write", "t_hold_line", "t_pulse_read")
"""Metrics that end at 0, which no cell passes by a margin: they fail somewhere above it, and where is asked for."""


@dataclass(frozen=True)
class Criterion:
    """What a metric has to hold.

    Attributes:
        metric: its name. limit: where it fails, in its unit. scale: what its margin is divided by, same unit or 1.
    """

    metric: str
    limit: float
    scale: float = 1.0

    def __str__(self) -> str:
        """What fails, with its unit.

        >>> print(Criterion("snm_read", 0.041))
        snm_read at 0.041 V or less
        """
        beyond = "less" if METRICS[self.metric].fails_when == "low" else "more"
        return f"{self.metric} at {self.limit:g} {METRICS[self.metric].unit} or {beyond}"

    def margins(self, measured: Measured) -> tuple[np.ndarray, np.ndarray]:
        """Signed margins and their statuses in the margin's sense, shape as measured; a censored one is its bound."""
        sign = 1.0 if METRICS[self.metric].fails_when == "low" else -1.0
        status = measured.status.copy()
        if sign < 0:
            low, high = measured.status == Status.censored_low, measured.status == Status.censored_high
            status[low], status[high] = Status.censored_high, Status.censored_low
        value = np.where(measured.status == Status.ok, measured.values, measured.bound)
        margin = sign * (value - self.limit) / self.scale
        return np.where(unknown(status) | (status == Status.not_performed), np.nan, margin), status


class CellLimitState:
    """Callable limit state: points of shape (sample, variable) to margins and statuses of shape (sample,).

    Attributes:
        units: a unit of each testbench, with nothing imposed.
        variables: paths of the random numbers, in the order of the points' columns.
        shared: those of them that a die's cells share, which come last.
        tell: takes what is done now, in words, for the progress that is shown.
        criteria: what has to hold; the margin is the smallest of all, in the metric's unit for a single one and as
            a share of the nominal cell's margin for several.
        twin: the same limit state solved from tables, which has no answer beyond them; None where there is none.
        uncovered: why there is none.
    """

    def __init__(
        self, runner: Runner, units: Sequence[Unit], criteria: Sequence[Criterion], tell: Callable[[str], None]
    ) -> None:
        self._runner = runner
        self.tell = tell
        self.units = tuple(units)
        self.criteria = tuple(criteria)
        knobs = {path: knob for unit in units for path, knob in unit.testbench.knobs.items()}
        local = [path for path, knob in knobs.items() if knob.sigma > 0] if units[0].local else []
        self.shared = tuple(dict.fromkeys(path for unit in units for path in unit.testbench.shared))
        self.variables = (*dict.fromkeys(local), *self.shared)

        self.twin: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]] | None = None
        self.uncovered = "it was not asked for"

    def __call__(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Simulate what the store has not; any number of points."""
        chunks = [u[span] for span in spans(len(u), BLOCK)]
        wanted = [
            (replace(unit, block=0, imposed=Imposed(self.variables, tuple(map(tuple, chunk.tolist())))), len(chunk))
            for unit in self.units
            for chunk in chunks
        ]
        results = iter(self._runner.run(wanted))
        by_name = {unit.testbench.name: [next(results).metrics for _ in chunks] for unit in self.units}
        return _least(self.criteria, by_name, len(u))

    @property
    def deck_sha256(self) -> str:
        """Of all that is simulated, model cards included."""
        return hashlib.sha256("".join(unit.testbench.deck for unit in self.units).encode()).hexdigest()

    @property
    def tally(self) -> Tally:
        """Samples simulated and found so far."""
        return self._runner.tally


def _least(
    criteria: Sequence[Criterion], by_name: Mapping[str, Sequence[Mapping[str, Measured]]], count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Smallest margin of each of ``count`` points, from the metrics of all chunks of each testbench."""
    parts = []
    for criterion in criteria:
        metrics = by_name[METRICS[criterion.metric].testbench]
        pairs = zip(*(criterion.margins(m[criterion.metric]) for m in metrics), strict=True)
        parts.append([np.concatenate(each).reshape(count, -1) for each in pairs])
    return smallest(*(np.concatenate(each, axis=1) for each in zip(*parts, strict=True)))


def smallest(margin: np.ndarray, status: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smallest of several margins of each sample, shape (sample, part), and its status.

    A known failure decides alone: of those with a margin the smallest, else ``not_performed``. Otherwise one part
    without an answer leaves the sample without one.

    >>> margin = np.array([[0.1, 0.2], [0.1, -0.3], [0.1, np.nan], [-0.1, np.nan]])
    >>> found, status = smallest(margin, np.array([[0, 0], [0, 1], [0, 4], [0, 4]]))
    >>> found.tolist(), status.tolist()
    ([0.1, -0.3, nan, -0.1], [0, 1, 4, 0])
    """
    failed = (margin <= 0) | (status == Status.censored_low) | (status == Status.not_performed)
    order = np.where(np.isnan(margin), np.inf, margin)
    lost = unknown(status)
    order = np.where(failed.any(axis=1, keepdims=True), np.where(failed, order, np.inf), np.where(lost, -np.inf, order))
    least = np.argmin(order, axis=1)[:, None]
    # Where all that failed has no margin, the first of it.
    alone = failed.any(axis=1) & ~np.isfinite(np.take_along_axis(order, least, axis=1)[:, 0])
    least = np.where(alone[:, None], np.argmax(failed, axis=1)[:, None], least)
    return np.take_along_axis(margin, least, axis=1)[:, 0], np.take_along_axis(status, least, axis=1)[:, 0]


@contextmanager
def limit_state(
    metrics: Mapping[str, float | None],
    cell: Cell | None = None,
    technology: str | Technology = "predictive28",
    conditions: Conditions | None = None,
    variation: Variation | None = None,
    out: str | Path | None = None,
    workers: int | None = None,
    accuracy: str = "default",
    readpath: ReadPath | None = None,
    scheduler: str | None = None,
    timeout: float = ngspice.TIMEOUT,
    progress: bool = False,
    twin: bool = False,
) -> Iterator[CellLimitState]:
    """Limit state of a cell at one condition, while simulators run.

    Args:
        metrics: name to the limit at which it fails, in its unit; None is the metric's own.
        conditions: of one process, supply [V] and temperature [K]. variation: which variables there are; its samples
            are not drawn. progress: it is shown. twin: also a limit state from tables, where they cover the metrics.
            The others as of :func:`charlib.characterize`.

    Raises:
        InvalidPlan: several conditions, a metric without a limit, a testbench whose transistors are lumped, nothing
            that varies, a nominal cell without a margin. Others as of :func:`charlib.characterize`.
    """
    variation = variation or Variation()
    plan = make_plan(
        cell, technology, conditions, variation, tuple(metrics), "ngspice", accuracy, readpath, max_failed=1.0
    )
    limits = _limits(plan, variation, metrics)
    start_pool = pool_starter(workers, scheduler, timeout)
    shown = Progress(None, progress)
    try:
        with directory_runner(plan, out, start_pool, shown) as (folder, _, runner), ExitStack() as stack:
            found = _started(plan, limits, runner, shown.tell)
            if twin:
                _add_twin(found, plan, folder / "units", stack)
            yield found
    finally:
        shown.close()


def _add_twin(found: CellLimitState, plan: Plan, folder: Path, stack: ExitStack) -> None:
    """Give a limit state its twin, if there is one; ``folder`` is that of stored tables."""
    found.uncovered = uncovered(plan.cell, plan.technology, plan.testbenches)
    if not found.uncovered:
        (place,) = plan.conditions.points()
        session = stack.enter_context(Session(accuracy="reference"))
        found.twin = partial(_solved, found, session, folder, plan.setting(*place), [])


def _solved(
    found: CellLimitState, session: Session, folder: Path, setting: Setting, made: list, u: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Margins and statuses from tables; ``made`` keeps them, so that they are made when first asked."""
    from charlib.twin.cell import Twin  # compiled code, which takes a second to load
    from charlib.twin.engine import CHUNK, solve_samples

    if not made:
        made.append(Twin(session, folder))
    chunks = [u[span] for span in spans(len(u), CHUNK)]
    by_name = {}
    for unit in found.units:
        imposed = (Imposed(found.variables, tuple(map(tuple, chunk.tolist()))) for chunk in chunks)
        at = (replace(unit, block=0, imposed=each) for each in imposed)
        by_name[unit.testbench.name] = [
            solve_samples(made[0], setting, each, 0, len(each.imposed.rows)).metrics for each in at
        ]
    return _least(found.criteria, by_name, len(u))


def _limits(plan: Plan, variation: Variation, metrics: Mapping[str, float | None]) -> dict[str, float]:
    """Limit of each metric, in its unit, after what a limit state needs of a plan."""
    places = list(plan.conditions.points())
    if len(places) != 1:
        raise InvalidPlan(f"{len(places)} conditions are given, and a limit state has one (conditions)")
    if not (variation.local or variation.global_):
        raise InvalidPlan("nothing varies: local=false and global=false (variation)")
    own = {name: np.inf if name in AMOUNTS else METRICS[name].fail_limit for name in metrics}
    limits = {name: own[name] if limit is None else limit for name, limit in metrics.items()}
    for name, limit in limits.items():
        if not math.isfinite(limit):
            raise InvalidPlan(f"metric {name!r} has no limit of its own; give one (yield.limits)")
    return limits


def _started(plan: Plan, limits: Mapping[str, float], runner: Runner, tell: Callable[[str], None]) -> CellLimitState:
    """Limit state of a plan's only condition, its margins scaled with the nominal cell's where there are several."""
    (point,) = plan.conditions.points()
    units = [unit_at(plan, name, point, windows_of(plan, runner, name).get(point), None) for name in plan.testbenches]
    for unit in units:
        lumped = [path for path, knob in unit.testbench.knobs.items() if knob.lump]
        if lumped:
            what = f"{unit.testbench.name} draws {lumped[0]} for several transistors"
            raise InvalidPlan(f"{what}, which have variables of their own (readpath.rows)")
    nominal = dict(zip(plan.testbenches, runner.run([(unit, 1) for unit in units], trial=True), strict=True))
    criteria = []
    for name, limit in limits.items():
        measured = nominal[METRICS[name].testbench].metrics[name]
        margin = float(np.min(Criterion(name, limit).margins(measured)[0]))
        if math.isnan(margin):
            raise InvalidPlan(f"the nominal cell has no {name}: {Status(int(measured.status.max())).name}")
        criteria.append(Criterion(name, limit, abs(margin) or 1.0 if len(limits) > 1 else 1.0))
    return CellLimitState(runner, units, criteria, tell)
