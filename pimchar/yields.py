"""Rare failures of the cell of a run file: the limit state of each condition, its estimate, and the array's yield."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr
from scipy import stats

import charlib
from analysis import rare_data
from analysis.arrays import Array, array_yield
from analysis.intervals import StatisticsError
from analysis.rare import RareFailure, Request, failure_probability
from analysis.rare_dies import over_design
from analysis.rare_supply import Level, allowed_pf, equal_level, lowest_supply
from charlib.conditions import OPTIONAL, Conditions, Place
from charlib.directory import write_whole
from charlib.errors import InvalidPlan
from charlib.limitstate import CellLimitState
from charlib.metrics import METRICS
from netlists.technology import load
from netlists.variation import drawn
from pimchar.chain import Workers
from pimchar.runschema import RunFile

SUPPLIES = "yield_vmin.nc"
"""File of a results directory with the lowest supplies."""


def evaluate(run: RunFile, text: str, out: Path, workers: Workers) -> xr.Dataset:
    """Failure probabilities at the conditions of a run file, also stored; see :func:`analysis.rare_data.dataset`.

    Returns:
        The numbers of ``analysis.rare_data.SUMMARY`` and ``ARRAY`` over the conditions, those of ``DIES`` where dies
        differ, and the text of warnings and faults. The file has these, and a group for each condition.
    """
    conditions = run.make_conditions()
    places = list(conditions.points())
    counted = [f"condition {number} of {len(places)}" for number in range(1, len(places) + 1)]
    found = [_one(run, place, out, workers, what) for place, what in zip(places, counted, strict=True)]
    data = _summary(run, conditions, found).assign_attrs(
        technology=run.technology.name,
        metrics=", ".join(run.yield_.metrics),
        limits=found[0].attrs["limits"],
        array=str(run.make_array()),
        run_file=text,
    )

    def write(path: Path) -> None:
        data.to_netcdf(path)
        for place, one in zip(places, found, strict=True):
            one.to_netcdf(
                path, mode="a", group=rare_data.group(*place[:3], dict(zip(OPTIONAL, place[3:], strict=True)))
            )

    write_whole(out / rare_data.FILE, write)
    return data


def established(found: xr.Dataset) -> bool:
    """Whether every probability is, and where dies differ every yield."""
    faults = [found[name] for name in ("not_established", "array_not_established") if name in found]
    return all(bool((text == "none").all()) for text in faults)


def search_supply(run: RunFile, text: str, out: Path, workers: Workers) -> xr.Dataset:
    """Lowest supplies at which the array of a run file reaches its yield, also stored.

    Returns:
        ``vdd_min`` with its limits over the conditions other than the supply [V], and over ``try`` every supply of the
        search with its level [standard deviations] and failure probability, NaN behind the last one.

    Raises:
        StatisticsError: the yield is not bracketed in the technology's range, or an estimate is not established.
    """
    array, target = run.make_array(), run.yield_.target_yield
    wanted = float(stats.norm.isf(allowed_pf(array, target)))
    places = list(dict.fromkeys((place[0], None, *place[2:]) for place in run.make_conditions().points()))
    rows = [_search(run, place, wanted, out, workers) for place in places]
    data = xr.concat(rows, "case", join="outer", combine_attrs="drop_conflicts").assign_attrs(
        technology=run.technology.name,
        metrics=", ".join(run.yield_.metrics),
        limits=rows[0].attrs["limits"],
        array=str(array),
        target_yield=target,
        sigma_wanted=wanted,
        run_file=text,
    )
    write_whole(out / SUPPLIES, data.to_netcdf)
    return data


def _search(run: RunFile, place: tuple, wanted: float, out: Path, workers: Workers) -> xr.Dataset:
    """Lowest supply of a process at a temperature, and all that was tried."""
    simulations, probable, limits = [], [], []

    def level(vdd: float) -> Level:
        found = _one(run, (place[0], vdd, *place[2:]), out, workers, f"supply {len(probable) + 1}, {vdd:g} V")
        simulations.append(found.attrs["simulated"])
        probable.append(float(found["pf"]))
        limits.append(found.attrs["limits"])
        if not found.sizes["region"] and not found["failed"].any():
            return Level(np.inf, np.inf, np.inf)
        for name in ("not_established", "array_not_established"):
            if found.attrs.get(name, "none") != "none":
                raise StatisticsError(f"not established at {vdd:g} V: {found.attrs[name]}")
        if run.variation.global_:
            return equal_level([float(found[name]) for name in rare_data.ARRAY], run.make_array())
        return Level.of(*(float(found[name]) for name in ("pf", "pf_ci_low", "pf_ci_high")))

    low, high = load(run.technology.name).vdd_range
    found = lowest_supply(level, low, high, wanted)
    each = list(found.tried.values())
    volts, one = {"units": "V"}, {"units": "1"}
    return xr.Dataset(
        {
            "vdd_min": ((), found.vdd, volts | {"long_name": "lowest supply at the yield"}),
            "vdd_min_ci_low": ((), found.ci_low, volts | {"long_name": "lower limit of its 95 % interval"}),
            "vdd_min_ci_high": ((), found.ci_high, volts | {"long_name": "upper limit of its 95 % interval"}),
            "slope": ((), found.slope, {"units": "1/V", "long_name": "standard deviations per supply there"}),
            "simulated": ((), sum(simulations), one | {"long_name": "simulations that were not stored before"}),
            "tried_vdd": ("try", list(found.tried), volts | {"long_name": "supply"}),
            "tried_pf": ("try", probable, one | {"long_name": "failure probability"}),
            **{
                f"tried_{name}": ("try", [getattr(one, name) for one in each], {"units": "1", "long_name": text})
                for name, text in (("sigma", "level"), ("low", "lower limit"), ("high", "upper limit"))
            },
        },
        coords={"process": place[0], "temp": place[2], "try": range(len(each))},
        attrs={"limits": limits[0]},
    )


def _one(run: RunFile, place: Place, out: Path, workers: Workers, what: str) -> xr.Dataset:
    """Result at one condition; ``what`` it is goes before the progress that is shown."""
    metrics = {name: run.yield_.limits.get(name) for name in run.yield_.metrics}
    request = run.make_request()
    with charlib.limit_state(
        metrics,
        cell=run.make_cell(),
        technology=run.technology.name,
        conditions=Conditions(*(() if value is None else (value,) for value in place)),
        variation=run.make_variation(),
        out=out,
        workers=workers.count,
        readpath=run.make_readpath(),
        scheduler=workers.scheduler,
        timeout=run.characterize.timeout_s,
        progress=True,
        twin=request.method in ("auto", "twin"),
    ) as limit_state:
        if request.method == "twin" and limit_state.uncovered:
            raise InvalidPlan(f"method='twin': {limit_state.uncovered}; use 'auto' (yield.method)")

        def tell(text: str) -> None:
            limit_state.tell(f"{what}, {text}")

        found = failure_probability(limit_state, len(limit_state.variables), request, twin=limit_state.twin, tell=tell)
        parts = [
            rare_data.dataset(found, limit_state.variables, unit_of(tuple(metrics))),
            _array(limit_state, run.make_array(), request, found, tell),
        ]
        return xr.merge(parts, combine_attrs="no_conflicts").assign_attrs(
            limits=", ".join(map(str, limit_state.criteria)),
            simulated=limit_state.tally.simulated,
            deck_sha256=limit_state.deck_sha256,
        )


def unit_of(metrics: tuple[str, ...]) -> str:
    """Unit of a margin: of several metrics they are shares."""
    return METRICS[metrics[0]].unit if len(metrics) == 1 else "1"


def _array(
    limit_state: CellLimitState, array: Array, request: Request, found: RareFailure, tell: Callable[[str], None]
) -> xr.Dataset:
    """Yield of an array: of cells that all fail alike, of dies whose cells are all the same, of dies that differ."""
    shared, local = len(limit_state.shared), len(limit_state.variables) - len(limit_state.shared)
    pf = np.array((found.pf, *found.interval[::-1]))
    if not shared or not local:
        return rare_data.array_numbers(1 - pf if shared else array_yield(pf, array))
    over = over_design(limit_state, local, shared, array, request, found, limit_state.twin, tell)
    return rare_data.dies_dataset(over, array, limit_state.shared)


def _summary(run: RunFile, conditions: Conditions, found: list[xr.Dataset]) -> xr.Dataset:
    """Numbers of all conditions over their axes, and what is said of them."""
    axes = conditions.axes
    if run.variation.global_:
        axes = axes | {"process": tuple(drawn(process) for process in conditions.process)}
    shape, dims = tuple(len(values) for values in axes.values()), tuple(axes)
    data = xr.Dataset(coords={axis: list(values) for axis, values in axes.items()})
    for name in (*rare_data.SUMMARY, *rare_data.ARRAY, *rare_data.DIES):
        if name in found[0]:
            values = np.array([float(one[name]) for one in found]).reshape(shape)
            data[name] = (dims, values, found[0][name].attrs)
    for name in rare_data.TEXTS:
        if name in found[0].attrs:
            data[name] = (dims, np.array([one.attrs[name] for one in found], dtype=object).reshape(shape))
    return data
