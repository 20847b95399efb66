"""What a characterization is asked to do, checked before anything is touched."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from charlib.conditions import OFFSETS, OPTIONAL, Conditions
from charlib.errors import CountedTwice, InvalidPlan
from charlib.metrics import METRICS, check_metrics
from charlib.session import ACCURACIES
from charlib.twin.coverage import uncovered
from charlib.variation import Variation
from netlists.bitcells import Cell, Sram6T
from netlists.cells import description
from netlists.readpath import ReadPath
from netlists.technology import Technology, load
from netlists.testbenches import TESTBENCHES, Setting
from netlists.variation import corner_of, drawn

ENGINES = ("ngspice", "twin")


@dataclass(frozen=True)
class Plan:
    """A checked request.

    Attributes:
        technology, cell, readpath: what is simulated; the cell has every size.
        conditions: where; processes are named as in the results.
        variation: None is the nominal cell alone, as one sample.
        metrics: what is asked for.
        accuracy: key of ``charlib.session.ACCURACIES``.
        max_failed: share of samples without an answer that stops the run [1].
        engine: one of ``ENGINES``.
    """

    technology: Technology
    cell: Cell
    readpath: ReadPath
    conditions: Conditions
    variation: Variation | None
    metrics: tuple[str, ...]
    accuracy: str
    max_failed: float
    engine: str = ENGINES[0]

    @property
    def samples(self) -> int:
        return self.variation.samples if self.variation else 1

    @property
    def testbenches(self) -> tuple[str, ...]:
        """Rows of the testbench table that the metrics need, in the table's order."""
        needed = {METRICS[m].testbench for m in self.metrics}
        return tuple(name for name in TESTBENCHES if name in needed)

    def setting(
        self,
        process: str,
        vdd: float,
        temp: float,
        dv_wl: float = 0.0,
        dv_bl: float = 0.0,
        dv_cell: float = 0.0,
        rows: int | None = None,
        window: float | None = None,
    ) -> Setting:
        path = replace(self.readpath, rows=rows) if rows else self.readpath
        return Setting(self.technology, process, vdd, temp, self.cell, path, window, dv_wl, dv_bl, dv_cell)

    def grid(self) -> dict[str, object]:
        """What a results directory holds and may be extended in."""
        conditions = {axis: list(values) for axis, values in self.conditions.axes.items()}
        return {**conditions, "samples": self.samples if self.variation else 0, "metrics": list(self.metrics)}

    def united(self, grid: Mapping[str, Any]) -> Plan:
        """This plan and what a directory holds already, axes in order, so that nothing is lost from its files.

        Raises InvalidPlan where one of them has an offset that a metric of the other refuses.
        """
        if not grid:
            return self
        metrics = {*self.metrics, *grid["metrics"]}
        variation = self.variation
        if variation and grid["samples"] > variation.samples:
            variation = replace(variation, samples=grid["samples"])
        whole = replace(
            self,
            conditions=united_conditions(self.conditions, grid, self.technology, (self.readpath.rows,)),
            variation=variation,
            metrics=tuple(name for name in METRICS if name in metrics),
        )
        _check_offsets(whole)
        return whole

    def identity(self) -> dict[str, object]:
        """What a results directory belongs to: more conditions, metrics or samples extend it, these may not change.

        A nominal run draws nothing, so it fits any seed.
        """
        draws = {"seed": self.variation.seed, "local": self.variation.local} if self.variation else {}
        return {
            "technology": self.technology.name,
            "model_sha256": self.technology.model_sha256,
            "laws_sha256": self.technology.laws_sha256,
            "cell": description(self.cell),
            "readpath": asdict(self.readpath),
            "accuracy": self.accuracy,
            **({"engine": self.engine} if self.engine != ENGINES[0] else {}),
            **draws,
        }


def make_plan(
    cell: Cell | None,
    technology: str | Technology,
    conditions: Conditions | None,
    variation: Variation | None,
    metrics: Sequence[str],
    engine: str,
    accuracy: str,
    readpath: ReadPath | None,
    max_failed: float,
) -> Plan:
    """Check a request; raises InvalidPlan, TechnologyError or CellError with the value, its place and the legal set."""
    if engine not in ENGINES:
        raise InvalidPlan(f"engine={engine!r} is not one of {', '.join(ENGINES)} (characterize.engine)")
    technology, conditions = checked(technology, conditions, variation, accuracy, max_failed)
    plan = Plan(
        technology=technology,
        cell=(cell or Sram6T()).sized(technology),
        readpath=readpath or ReadPath(),
        conditions=conditions,
        variation=variation,
        metrics=check_metrics(metrics),
        accuracy=accuracy,
        max_failed=max_failed,
        engine=engine,
    )
    _check_cell(plan)
    _check_engine(plan)
    _check_offsets(plan)
    _check_sizes(plan)
    return plan


def checked(
    technology: str | Technology,
    conditions: Conditions | None,
    variation: Variation | None,
    accuracy: str,
    max_failed: float,
) -> tuple[Technology, Conditions]:
    """What every request says, checked: its technology and conditions, the nominal one if None; errors as of a plan."""
    if accuracy not in ACCURACIES:
        raise InvalidPlan(f"accuracy={accuracy!r} is not one of {', '.join(ACCURACIES)}")
    if not 0 <= max_failed <= 1:
        raise InvalidPlan(f"max_failed={max_failed:g} is outside 0..1 (characterize.max_failed)")
    technology = load(technology) if isinstance(technology, str) else technology
    conditions = conditions or Conditions(vdd=(technology.vdd_nominal,))
    conditions.check(technology)
    if variation and variation.global_:
        conditions = drawn_conditions(conditions, technology)
    return technology, conditions


def _check_cell(plan: Plan) -> None:
    """Raise InvalidPlan for a metric that the cell does not have."""
    lacks = {name: TESTBENCHES[metric.testbench].missing(plan.cell) for name, metric in METRICS.items()}
    for name in plan.metrics:
        if lacks[name]:
            legal = ", ".join(metric for metric, reason in lacks.items() if not reason)
            where = f"a cell of kind {plan.cell.kind!r} has: {legal} (characterize.metrics)"
            raise InvalidPlan(f"metric {name!r}: {lacks[name]}; {where}")


def _check_engine(plan: Plan) -> None:
    """Raise InvalidPlan for what the table twin does not cover, or would solve twice."""
    if plan.engine == "twin" and len(plan.conditions.rows) > 1:
        raise InvalidPlan("engine='twin' solves cells, of which rows change nothing: leave them out (conditions.rows)")
    if plan.engine == "twin" and (reason := uncovered(plan.cell, plan.technology, plan.testbenches)):
        raise InvalidPlan(f"engine='twin': {reason}; use engine='ngspice' (characterize.engine)")


def _check_offsets(plan: Plan) -> None:
    """Raise InvalidPlan for an offset that has no meaning for a metric, of this run or of its directory."""
    for axis in plan.conditions.swept:
        for name in plan.metrics:
            if reason := TESTBENCHES[METRICS[name].testbench].refuses.get(axis):
                given = ", ".join(f"{value:g}" for value in getattr(plan.conditions, axis))
                raise InvalidPlan(f"{axis}={given} V has no meaning for metric {name!r}: {reason} (conditions.{axis})")


def _check_sizes(plan: Plan) -> None:
    """Raise TechnologyError for a transistor that library or mismatch law do not cover, before anything is touched."""
    for process in plan.conditions.process:
        for name in plan.testbenches:
            TESTBENCHES[name].build(plan.setting(process, plan.conditions.vdd[0], plan.conditions.temp[0], window=1e-9))


def united_conditions(
    conditions: Conditions, grid: Mapping[str, Any], technology: Technology, rows: tuple[int, ...] = ()
) -> Conditions:
    """Conditions and those of a directory's grid, axes in order.

    Args:
        rows: of the one that has no such axis, where the other has it.
    """
    asked = asdict(conditions)
    unswept = dict.fromkeys(OFFSETS, (0.0,)) | {"rows": ()}
    held = {axis: grid.get(axis, unswept[axis]) if axis in OPTIONAL else grid[axis] for axis in asked}
    if bool(asked["rows"]) != bool(held["rows"]):
        asked["rows"], held["rows"] = (given or rows for given in (asked["rows"], held["rows"]))
    axes = {axis: {*values, *held[axis]} for axis, values in asked.items()}
    corners = list(technology.cards)
    process = sorted(axes.pop("process"), key=lambda p: (p != corner_of(p), corners.index(corner_of(p))))
    return Conditions(process, **{axis: sorted(values) for axis, values in axes.items()})


def drawn_conditions(conditions: Conditions, technology: Technology) -> Conditions:
    """Conditions with global variation drawn; warns of corners that hold it already."""
    if technology.global_law is None:
        lacks = f"{technology.name} states no law of global variation ([global] in a technology file)"
        raise InvalidPlan(f"global=true: {lacks}; legal: false (variation.global)")
    twice = [process for process in conditions.process if process != "tt"]
    if twice:
        text = "total corners hold global variation already; with global=true it counts twice (conditions.process)"
        warnings.warn(f"process={', '.join(twice)}: {text}", CountedTwice, stacklevel=4)
    return replace(conditions, process=[drawn(process) for process in conditions.process])
