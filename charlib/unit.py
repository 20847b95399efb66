"""Units of work: one testbench at one condition with an aligned block of samples, and what comes out of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from charlib.lumped import lump_draws, off_currents
from charlib.metrics import testbench_metrics
from charlib.search import Searched, search
from charlib.session import Session, Solved, Unsolved
from charlib.status import Status
from charlib.variation import normals
from charlib.waveforms import Block, Measured, stack
from netlists.testbench import Testbench
from netlists.testbenches import TESTBENCHES

BLOCK = 64
"""Samples of a unit."""
CURVES = 50
"""Samples whose curves are kept."""
FORMAT = 4
"""Version of what a stored unit holds."""


@dataclass(frozen=True)
class Imposed:
    """Standard normals that somebody else chose.

    Attributes:
        paths: of the random numbers; those of other paths are 0.
        rows: one of each sample, values in the order of the paths.
    """

    paths: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]

    def normals(self, paths: Iterable[str], first: int, count: int) -> np.ndarray:
        """Those of some paths, shape (count, path), for samples ``first`` onwards."""
        rows = np.array(self.rows[first : first + count]).reshape(count, len(self.paths))
        place = {path: column for column, path in enumerate(self.paths)}
        columns = [rows[:, place[path]] if path in place else np.zeros(count) for path in paths]
        return np.stack(columns, axis=1) if columns else np.empty((count, 0))


@dataclass(frozen=True)
class Unit:
    """What decides a result.

    Attributes:
        testbench: circuit, condition and analysis.
        block: samples ``64 block`` to ``64 block + 63``; None is the nominal cell.
        seed: of the random numbers. local: mismatch is drawn. accuracy: key of ``charlib.session.ACCURACIES``.
        imposed: standard normals in place of drawn ones; they are then all of the samples, of block 0.
    """

    testbench: Testbench
    block: int | None
    seed: int
    local: bool
    accuracy: str
    imposed: Imposed | None = None

    @property
    def first(self) -> int:
        """Number of the first sample."""
        return (self.block or 0) * BLOCK

    def key(self, ngspice_version: str) -> str:
        """Content address: equal for equal results, whatever order, worker or run makes them."""
        testbench = self.testbench
        content = {
            "format": FORMAT,
            "deck": testbench.deck,
            "analysis": testbench.analysis.command,
            "probes": testbench.probes,
            "values": dict(testbench.values),
            "knobs": {path: knob.content for path, knob in testbench.knobs.items()},
            "metrics": {name: metric.version for name, metric in testbench_metrics(testbench.name).items()},
            "draws": None if self.block is None else [self.seed, self.block, self.local],
            "accuracy": self.accuracy,
            "ngspice": ngspice_version,
        }
        if self.imposed:
            content["draws"] = [self.imposed.paths, self.imposed.rows]
        if testbench.stored:
            content["stored"] = dict(testbench.stored)
        if testbench.osdi:
            content["osdi"] = [model.sha256 for model in testbench.osdi]
        if testbench.search:
            content["search"] = list(vars(testbench.search).values())
        if testbench.points:
            content["points"] = [testbench.points.parameters, testbench.points.rows]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def knob_values(self, session: Session, first: int, count: int) -> np.ndarray:
        """Parameters of samples ``first`` onwards, shape (count, knob).

        Args:
            session: measures what lumps need, where the testbench has any.
        """
        testbench = self.testbench
        draws = np.zeros((count, len(testbench.knobs)))
        if self.block is None:
            return testbench.knob_values(draws)
        if self.imposed:
            draws = self.imposed.normals(testbench.knobs, first, count)
            shared = self.imposed.normals(testbench.shared, first, count)
            return testbench.knob_values(draws, dict(zip(testbench.shared, shared.T, strict=True)))
        if self.local:
            draws = normals(testbench.knobs, self.seed, first, count)
            off = off_currents(session, testbench)
            for column, knob in enumerate(testbench.knobs.values()):
                if knob.lump:
                    draws[:, column] = lump_draws(knob.lump, off, self.seed, first, count)
        shared = normals(testbench.shared, self.seed, first, count)
        return testbench.knob_values(draws, dict(zip(testbench.shared, shared.T, strict=True)))


@dataclass(frozen=True)
class UnitResult:
    """Measured samples of a unit, in order from its first one.

    Attributes:
        count: number of samples.
        metrics: every metric of the testbench, arrays of shape (sample[, point][, what the metric has further]).
        failures: sample number to status, reason and the end of the log, for samples without an answer.
        retried: samples that needed another option line of the retry ladder.
        curves: probe to values, shape (curve, point), of those of the first ``CURVES`` samples that were solved; of a
            search, of the nominal cell's trials.
        curve_samples: the sample number of each curve, or the step of each trial.
    """

    count: int
    metrics: Mapping[str, Measured]
    failures: Mapping[int, tuple[str, str, tuple[str, ...]]] = field(default_factory=dict)
    retried: tuple[int, ...] = ()
    curves: Mapping[str, np.ndarray] = field(default_factory=dict)
    curve_samples: tuple[int, ...] = ()


def solve_unit(get_session: Callable[[str], Session], unit: Unit, first: int, count: int) -> UnitResult:
    """Simulate and measure ``count`` samples of a unit from sample ``first`` on.

    Args:
        get_session: gives this worker's session for an accuracy.
    """
    return solve_samples(get_session(unit.accuracy), unit, first, count)[0]


def solve_samples(
    session: Session, unit: Unit, first: int, count: int
) -> tuple[UnitResult, list[Solved | Unsolved], np.ndarray]:
    """As :func:`solve_unit`; also the solution of each sample, of a search its last trial, and its parameters.

    Returns:
        Result; solutions; parameters, shape (sample, knob), with those searched behind the others. Of a testbench with
        points, solutions and parameters of each point of a sample follow one another.
    """
    values, points = unit.knob_values(session, first, count), unit.testbench.points
    if points:
        each = np.array(points.rows)
        values = np.hstack([np.repeat(values, len(each), axis=0), np.tile(each, (count, 1))])
    if unit.testbench.search is None:
        solutions = session.solve(unit.testbench.settable if points else unit.testbench, values)
        return measure_unit(unit, first, solutions), solutions, values
    ((name, metric),) = testbench_metrics(unit.testbench.name).items()
    found = search(session, unit.testbench, values, metric.measure)
    return searched_unit(unit, first, name, found), found.solutions, found.rows


def searched_unit(unit: Unit, first: int, name: str, found: Searched) -> UnitResult:
    """Result of a search for one metric; the nominal cell keeps its trials where figures draw them."""
    good, failures, retried = _verdicts(first, found.solutions)
    parts = (getattr(found.measured, part)[good] for part in ("values", "status", "bound"))
    metrics = {name: _spread(Measured(*parts), good, _statuses(found.solutions), found.measured.values.shape)}
    kept = _drawn(unit) and unit.block is None
    curves = _trial_curves(found.trials) if kept and good else {}
    steps = tuple(range(len(found.trials))) if curves else ()
    return UnitResult(len(found.solutions), metrics, failures, retried, curves, steps)


def _drawn(unit: Unit) -> bool:
    """Whether figures show its curves; none does those of a gate, whose testbenches are in no table."""
    row = TESTBENCHES.get(unit.testbench.name)
    return row is not None and unit.imposed is None and row.drawn and (row.cloud or unit.block is None)


def _trial_curves(trials: Sequence[Block]) -> dict[str, np.ndarray]:
    """Waveforms of a single sample's trials, shape (step, point), continued with their last points to one length."""
    length = max(wave.shape[1] for block in trials for wave in block.vectors.values())

    def whole(wave: np.ndarray) -> np.ndarray:
        return np.pad(wave, ((0, 0), (0, length - wave.shape[1])), "edge").astype(np.float32)

    return {name: np.concatenate([whole(block[name]) for block in trials]) for name in trials[0].vectors}


def _verdicts(
    first: int, solutions: Sequence[Solved | Unsolved], points: int = 1
) -> tuple[list[int], dict[int, tuple[str, str, tuple[str, ...]]], tuple[int, ...]]:
    """Places of solutions, then what a result says of samples without an answer and of those tried again."""
    good = [i for i, s in enumerate(solutions) if isinstance(s, Solved)]
    failures = {
        first + i // points: (s.status.name, s.reason, s.log)
        for i, s in enumerate(solutions)
        if isinstance(s, Unsolved)
    }
    return good, failures, tuple(dict.fromkeys(first + i // points for i in good if solutions[i].retries))


def measure_unit(unit: Unit, first: int, solutions: Sequence[Solved | Unsolved]) -> UnitResult:
    """Measure the samples of a unit from sample ``first`` on, all points of one after those of the other."""
    points = len(unit.testbench.points.rows) if unit.testbench.points else 1
    good, failures, retried = _verdicts(first, solutions, points)
    block = stack(unit.testbench, [solutions[i].data for i in good]) if good else None
    return measure_block(unit, first, block, _statuses(solutions), failures, retried)


def measure_block(
    unit: Unit,
    first: int,
    block: Block | None,
    statuses: np.ndarray,
    failures: Mapping[int, tuple[str, str, tuple[str, ...]]],
    retried: tuple[int, ...] = (),
) -> UnitResult:
    """Measure curves of samples of a unit from sample ``first`` on, wherever they come from.

    Args:
        block: vectors of the solutions whose status is ``ok``, in order; None where there is none.
        statuses: of all solutions, shape (solution,), all points of a sample after those of the one before.
        failures, retried: as in :class:`UnitResult`.
    """
    testbench, good = unit.testbench, np.flatnonzero(statuses == Status.ok)
    points = len(testbench.points.rows) if testbench.points else 1
    samples = (len(statuses) // points, points) if testbench.points else (len(statuses),)
    metrics = {}
    for name, metric in testbench_metrics(testbench.name).items():
        measured, shape = metric.measure(block) if block else None, metric.shape(testbench)
        rows = _spread(measured, good, statuses, (len(statuses), *shape))
        parts = (getattr(rows, part).reshape(*samples, *shape) for part in ("values", "status", "bound"))
        metrics[name] = Measured(*parts)
    rows = np.flatnonzero(first + good < CURVES) if _drawn(unit) else []
    kept = [first + int(good[row]) for row in rows]
    curves = {name: wave[rows].astype(np.float32) for name, wave in block.vectors.items()} if kept else {}
    return UnitResult(samples[0], metrics, failures, retried, curves, tuple(kept))


def _statuses(solutions: Sequence[Solved | Unsolved]) -> np.ndarray:
    """Status of each solution, ``ok`` where there is one, shape (solution,)."""
    return np.array([s.status if isinstance(s, Unsolved) else Status.ok for s in solutions], dtype=np.int8)


def _spread(measured: Measured | None, good: Sequence[int], statuses: np.ndarray, shape: tuple[int, ...]) -> Measured:
    """Put the measured rows in their places in arrays of a shape; the others take the status of their simulation."""
    values, bound = np.full(shape, np.nan), np.full(shape, np.nan)
    status = np.empty(shape, dtype=np.int8)
    status[...] = statuses.reshape(-1, *[1] * (len(shape) - 1))
    if measured is not None:
        values[good], status[good], bound[good] = measured.values, measured.status, measured.bound
    return Measured(values, status, bound)


def merge(head: UnitResult, tail: UnitResult) -> UnitResult:
    """A stored result and the samples that follow it."""

    def join(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        points = max(a.shape[1], b.shape[1])
        return np.concatenate([np.pad(x, ((0, 0), (0, points - x.shape[1])), "edge") for x in (a, b)])

    metrics = {
        name: Measured(*(np.concatenate([getattr(r.metrics[name], f) for r in (head, tail)]) for f in
                         ("values", "status", "bound")))
        for name in head.metrics
    }  # fmt: skip
    curves = {name: join(head.curves[name], tail.curves[name]) for name in head.curves if name in tail.curves}
    return UnitResult(
        count=head.count + tail.count,
        metrics=metrics,
        failures={**head.failures, **tail.failures},
        retried=head.retried + tail.retried,
        curves=curves or head.curves or tail.curves,
        curve_samples=head.curve_samples + tail.curve_samples,
    )
