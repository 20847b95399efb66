"""From unit results to labelled data: one Dataset of numbers, one group of curves per testbench."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from charlib import arrays
from charlib.arrays import Array
from charlib.conditions import OPTIONAL, Place
from charlib.metrics import METRICS, Metric
from charlib.metrics.butterfly import LOBES
from charlib.plan import Plan
from charlib.status import FLAG_ATTRS, Status, unknown
from charlib.unit import CURVES, UnitResult
from charlib.waveforms import Measured
from netlists.testbenches import TESTBENCHES
from netlists.variation import corner_of

PARTS = {"": "values", "_status": "status", "_bound": "bound"}
"""Suffix of a variable to the part of :class:`Measured` it holds."""


TYPES = {"values": float, "status": np.int8, "bound": float}
"""Part of :class:`Measured` to the type of its numbers."""


@dataclass(frozen=True)
class Point:
    """Results of one testbench at one condition, but for the numbers of its samples.

    Attributes:
        nominal: of the nominal cell. first: the first block of samples, whose curves are kept.
        window: time that a transient gave each phase [s], else None.
    """

    nominal: UnitResult
    first: UnitResult
    window: float | None


Results = Mapping[tuple[str, Place], Point]
"""Testbench and condition to what was found there."""


class Samples:
    """Numbers of all samples of a plan, put in block by block: in memory up to ``arrays.HELD``, else on disk.

    Args:
        folder: for files that pass.

    Raises OSError where the disk refuses.
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        self._index = dict(zip(plan.conditions.points(), np.ndindex(_shape(plan)), strict=True))
        whole = (*_shape(plan), plan.samples)
        shapes = dict.fromkeys(plan.metrics, whole)
        shapes |= {f"{n}_lobes": (*whole, len(plan.cell.states)) for n in plan.metrics if METRICS[n].per_lobe}
        size = sum(math.prod(shape) for shape in shapes.values()) * sum(np.dtype(t).itemsize for t in TYPES.values())
        on_disk = size > arrays.HELD
        self._parts: dict[str, dict[str, Array]] = {
            name: {
                part: arrays.OnDisk(folder, shape, kind) if on_disk else np.empty(shape, kind)
                for part, kind in TYPES.items()
            }
            for name, shape in shapes.items()
        }

    def put(self, place: Place, first: int, result: UnitResult) -> None:
        """Keep the samples of a testbench at a condition from number ``first`` on, as far as they are asked for."""
        for name in (n for n in self._plan.metrics if n in result.metrics):
            metric, measured = METRICS[name], result.metrics[name]
            if metric.per_lobe:
                self._put(f"{name}_lobes", place, first, measured)
                measured = worse(measured, metric.fails_when)
            self._put(name, place, first, measured)

    def _put(self, name: str, place: Place, first: int, measured: Measured) -> None:
        for part, array in self._parts[name].items():
            values = getattr(measured, part)[: self._plan.samples - first]
            arrays.put(array, self._index[place], first, values)

    def take(self, name: str, place: Place, samples: slice | np.ndarray) -> Measured:
        """Some samples of a metric at a condition, in each stored state where it has them."""
        parts = self._parts.get(f"{name}_lobes", self._parts[name])
        return Measured(*(arrays.take(parts[part], self._index[place], samples) for part in TYPES))

    def whole(self, name: str) -> dict[str, object]:
        """Part to what a variable of a Dataset is made of, over the conditions' axes and the samples."""
        return {part: arrays.lazily(array) for part, array in self._parts[name].items()}


def worse(measured: Measured, fails_when: str) -> Measured:
    """The worse of two lobes by the side that fails.

    A lobe that is a known failure decides, then one without an answer, then the worse number; a lobe known only to be
    better than a bound decides where no number is left.
    """
    low = fails_when == "low"
    failing = Status.censored_low if low else Status.censored_high
    rank = np.full(measured.status.shape, 1.0)  # beyond a bound on the good side
    rank[measured.status == Status.ok] = 2.0
    rank[unknown(measured.status)] = 3.0
    rank[measured.status == failing] = 4.0
    rank[measured.status == Status.not_performed] = 5.0
    number = np.where(np.isnan(measured.values), measured.bound, measured.values)
    badness = np.nan_to_num(-number if low else number, nan=0.0)
    lobe = np.lexsort((badness, rank), axis=-1)[..., -1:]
    parts = (np.take_along_axis(getattr(measured, p), lobe, axis=-1)[..., 0] for p in ("values", "status", "bound"))
    return Measured(*parts)


def characterization(plan: Plan, results: Results, samples: Samples) -> xr.Dataset:
    """All metrics over the conditions' axes and sample, with statuses, bounds, nominal values, windows and draws."""
    conditions = plan.conditions
    dataset = xr.Dataset(coords=_coordinates(plan, plan.samples))
    for name in plan.metrics:
        metric = METRICS[name]
        points = [results[metric.testbench, point] for point in conditions.points()]
        dataset = dataset.assign(_metric_variables(name, metric, points, plan, samples))
    for testbench in plan.testbenches:
        windows = [results[testbench, point].window for point in conditions.points()]
        if windows[0] is not None:
            attrs = {"units": "s", "long_name": f"time that {testbench} gives each phase; slower samples are censored"}
            dataset[f"{testbench}_window"] = (_dims(plan), np.reshape(windows, _shape(plan)), attrs)
    if any(METRICS[name].per_lobe for name in plan.metrics):
        states = plan.cell.states
        about = {"units": "1", "long_name": f"stored state{', by its high node' if states == LOBES else ''}"}
        dataset = dataset.assign_coords(lobe=("lobe", list(states), about))
    return dataset.merge(_draws(plan, results))


def _draws(plan: Plan, results: Results) -> xr.Dataset:
    """Which random numbers vary each testbench, the same at every condition: with the seed all that gives them back.

    Returns:
        Dataset with the dimension ``device``, the paths of :func:`charlib.variation.normals`: transistors, other
        parameters of theirs, and what a die shares. ``<testbench>_draws`` [1] says which of them a testbench draws,
        ``<testbench>_sigma`` [V] what one standard deviation is, for thresholds of single transistors.
    """
    points = list(plan.conditions.points())
    point = next((p for p in points if corner_of(p[0]) != p[0]), points[0])  # of a die with shared numbers, if any
    benches = {
        name: TESTBENCHES[name].build(plan.setting(*point, results[name, point].window)) for name in plan.testbenches
    }
    drawn = {
        name: {path: knob for path, knob in bench.knobs.items() if knob.sigma > 0 and not knob.lump}
        for name, bench in benches.items()
    }
    paths = list(dict.fromkeys(path for name in drawn for path in (*drawn[name], *benches[name].shared)))
    about = {"units": "1", "long_name": "transistor, other parameter of it, or what a die shares, by its random path"}
    dataset = xr.Dataset(coords={"device": ("device", paths, about)})
    for name, knobs in drawn.items():
        own = {*knobs, *benches[name].shared}
        about = {"units": "1", "long_name": f"drawn in {name}: 1, not drawn: 0"}
        dataset[f"{name}_draws"] = ("device", np.array([path in own for path in paths], dtype=np.int8), about)
        sigma = [knobs[p].sigma if p in knobs and ":" not in p else np.nan for p in paths]
        about = {"units": "V", "long_name": f"standard deviation of the local threshold variation in {name}"}
        dataset[f"{name}_sigma"] = ("device", sigma, about)
    return dataset


def _coordinates(plan: Plan, samples: int) -> dict[str, tuple]:
    conditions = plan.conditions
    return {
        "process": ("process", list(conditions.process), {"units": "1", "long_name": "process corner"}),
        "vdd": ("vdd", np.array(conditions.vdd, dtype=float), {"units": "V", "long_name": "supply voltage"}),
        "temp": ("temp", np.array(conditions.temp, dtype=float), {"units": "K", "long_name": "temperature"}),
        **{
            axis: (axis, np.array(conditions.axes[axis]), {"units": OPTIONAL[axis][0], "long_name": OPTIONAL[axis][1]})
            for axis in conditions.swept
        },
        "sample": ("sample", pd.RangeIndex(samples), {"units": "1", "long_name": "Monte Carlo sample"}),
    }


def _dims(plan: Plan) -> tuple[str, ...]:
    return tuple(plan.conditions.axes)


def _shape(plan: Plan) -> tuple[int, ...]:
    return tuple(len(values) for values in plan.conditions.axes.values())


def _metric_variables(
    name: str, metric: Metric, points: Sequence[Point], plan: Plan, samples: Samples
) -> dict[str, tuple]:
    attrs = {
        "units": metric.unit,
        "long_name": metric.long_name,
        "fails_when": metric.fails_when,
        "fail_limit": metric.fail_limit,
        "testbench": metric.testbench,
        "references": metric.source,
    }
    dims = (*_dims(plan), "sample")
    variables = _variables(name, samples.whole(name), attrs, dims)
    if metric.per_lobe:
        per_lobe = attrs | {"long_name": f"{metric.long_name} per stored state"}
        variables |= _variables(f"{name}_lobes", samples.whole(f"{name}_lobes"), per_lobe, (*dims, "lobe"))
    found = [point.nominal.metrics[name] for point in points]
    found = [worse(m, metric.fails_when) for m in found] if metric.per_lobe else found
    nominal = {
        part: np.reshape([getattr(m, part)[0] for m in found], _shape(plan)) for part in TYPES if part != "bound"
    }
    nominal_attrs = attrs | {"long_name": f"{metric.long_name}, nominal cell"}
    return variables | _variables(f"{name}_nominal", nominal, nominal_attrs, dims[:-1])


def _variables(name: str, parts: Mapping[str, object], attrs: dict, dims: Sequence[str]) -> dict[str, tuple]:
    """Variables of a metric: each part with what is said of it."""
    about = {
        "values": {**attrs, "ancillary_variables": f"{name}_status"},
        "status": {"long_name": f"status of {name}", "units": "1", **FLAG_ATTRS},
        "bound": {"units": attrs["units"], "long_name": f"bound of {name} where it is censored"},
    }
    return {f"{name}{end}": (dims, parts[part], about[part]) for end, part in PARTS.items() if part in parts}


def curves(plan: Plan, results: Results, testbench: str) -> xr.Dataset:
    """Curves of one testbench: the nominal cell's and the first samples', padded with NaN, single precision.

    Dimensions: the conditions' axes, sample, point; a nominal curve is ``<probe>_nominal`` without ``sample``.
    """
    points = [results[testbench, point] for point in plan.conditions.points()]
    count = min(CURVES, plan.samples)
    everything = [r for point in points for r in (point.nominal, point.first) if r.curves]
    if not everything:
        return xr.Dataset()
    names = [name for name in everything[0].curves if all(name in r.curves for r in everything)]
    length = max(r.curves[names[0]].shape[1] for r in everything)
    dataset = xr.Dataset(coords=_coordinates(plan, count))
    for name in names:
        sampled = np.stack([_padded(point.first, name, count, length) for point in points])
        nominal = np.stack([_padded(point.nominal, name, 1, length)[0] for point in points])
        shape, attrs = _shape(plan), _about(name)
        dataset[name] = ((*_dims(plan), "sample", "point"), sampled.reshape(*shape, count, length), attrs)
        dataset[f"{name}_nominal"] = ((*_dims(plan), "point"), nominal.reshape(*shape, length), attrs)
    return dataset


def trials(plan: Plan, results: Results, testbench: str) -> xr.Dataset:
    """Waveforms of the nominal cell, of every trial of a search, padded with NaN, single precision.

    Dimensions: the conditions' axes, step, point; steps in the order in which they were tried, one without a search.
    """
    found = [results[testbench, point].nominal for point in plan.conditions.points()]
    known = [result for result in found if result.curves]
    coordinates = _coordinates(plan, 0)
    dataset = xr.Dataset(coords={axis: coordinates[axis] for axis in _dims(plan)})
    for name in known[0].curves if known else ():
        steps, length = (max(result.curves[name].shape[axis] for result in known) for axis in (0, 1))
        waves = np.full((len(found), steps, length), np.nan, dtype=np.float32)
        for i, result in enumerate(found):
            wave = result.curves.get(name, np.empty((0, 0)))
            waves[i, : wave.shape[0], : wave.shape[1]] = wave
        dataset[name] = ((*_dims(plan), "step", "point"), waves.reshape(*_shape(plan), steps, length), _about(name))
    return dataset


def _about(name: str) -> dict[str, str]:
    """Attributes of a vector."""
    return {"units": "s" if name == "time" else "A" if name.endswith("#branch") else "V", "long_name": name}


def _padded(result: UnitResult, name: str, count: int, length: int) -> np.ndarray:
    rows = np.full((count, length), np.nan, dtype=np.float32)
    for sample, wave in zip(result.curve_samples, result.curves.get(name, ()), strict=bool(result.curves)):
        if sample < count:
            rows[sample, : wave.size] = wave
    return rows
