"""From results of logic gates to labelled tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from charlib.conditions import Conditions
from charlib.logicplan import LogicPlan
from charlib.logicrun import LogicResults, Place, Point, grid_points, middle, typical_memories, typical_pulses
from charlib.metrics.periphery import QUANTITIES
from charlib.status import FLAG_ATTRS, Status
from charlib.waveforms import Measured
from netlists.arcs import EDGES, Arc, Event, levels_text, pulses, rest_states
from netlists.logic import GATES, Memory

DIMS = ("process", "vdd", "temp")
GATE_OF = {
    "arc": "arc_gate", "event": "event_gate", "state": "state_gate", "pin": "pin_gate", "gate": "gate",
    "constraint": "constraint_gate", "sampled_arc": "sampled_arc_gate", "sampled_event": "sampled_event_gate",
}  # fmt: skip
"""Dimension to the coordinate that says which gate each of its places belongs to."""


def dataset(plan: LogicPlan, results: LogicResults) -> xr.Dataset:
    """Tables over process, vdd and temp.

    ``delay``, ``output_slew`` (arc, slew, load); ``energy`` (event, slew, load); ``leakage`` (state); ``capacitance``
    (pin); ``constraint_time`` (constraint); ``window`` (gate); with mismatch, at the middle slew and load,
    ``delay_sampled``, ``output_slew_sampled`` (sample, sampled_arc), ``energy_sampled`` (sample, sampled_event) and
    ``leakage_sampled`` (sample, state). An *event* is one edge of one input in one state of all else; an *arc* is what
    an event does to one output; a *state* is a gate at rest. Each but ``window`` with ``_status``.
    """
    points = plan.points
    data = xr.Dataset(coords=_coordinates(plan, results))
    timing = [_timing(plan, results, point) for point in points]
    data = data.assign(_joined("delay", ("arc", "slew", "load"), [t["delay"] for t in timing], plan))
    data = data.assign(_joined("output_slew", ("arc", "slew", "load"), [t["output_slew"] for t in timing], plan))
    data = data.assign(_joined("energy", ("event", "slew", "load"), [t["energy"] for t in timing], plan))
    data = data.assign(_joined("capacitance", ("pin",), [_capacitance(plan, results, p) for p in points], plan))
    data = data.assign(_joined("leakage", ("state",), [_leakage(plan, results, p, False) for p in points], plan))
    if any(GATES[kind].clock for kind in plan.gates):
        constraints = [_constraints(plan, results, point) for point in points]
        data = data.assign(_joined("constraint_time", ("constraint",), constraints, plan))
    if plan.variation:
        data = data.assign(_samples(plan, results, points))
    windows = [[results.windows[kind, point] for kind in plan.gates] for point in points]
    about = {"units": "s", "long_name": "time after each edge; slower outputs are censored"}
    data["window"] = ((*DIMS, "gate"), np.reshape(windows, (*_shape(plan), len(plan.gates))), about)
    return data


LABELS = {
    "delay": ("s", QUANTITIES["delay"].long_name), "output_slew": ("s", QUANTITIES["output_slew"].long_name),
    "energy": ("J", QUANTITIES["energy"].long_name), "leakage": ("A", QUANTITIES["leakage"].long_name),
    "capacitance": ("F", "input capacitance, charge of a full swing over VDD, mean of the pin's events"),
    "constraint_time": ("s", "setup or hold time at the middle slew and load"),
}  # fmt: skip
"""Variable to its unit and name."""


def _shape(plan: LogicPlan) -> tuple[int, int, int]:
    conditions = plan.conditions
    return len(conditions.process), len(conditions.vdd), len(conditions.temp)


def _joined(
    name: str, dims: Sequence[str], points: Sequence[Measured], plan: LogicPlan, suffix: str = ""
) -> dict[str, tuple]:
    """A variable and its status from what was measured at each condition."""
    unit, long_name = LABELS[name]
    values, status = (np.stack([getattr(m, part) for m in points]) for part in ("values", "status"))
    shape, full = (*_shape(plan), *values.shape[1:]), f"{name}{suffix}"
    about = {"units": unit, "long_name": long_name, "ancillary_variables": f"{full}_status"}
    flags = {"units": "1", "long_name": f"status of {full}", **FLAG_ATTRS}
    return {
        full: ((*DIMS, *dims), values.reshape(shape), about),
        f"{full}_status": ((*DIMS, *dims), status.astype(np.int8).reshape(shape), flags),
    }


def gate_events(kind: str) -> list[Event]:
    """Events of a gate in the order of the tables."""
    return [event for pulse in pulses(kind) for event in pulse.events]


def gate_arcs(kind: str) -> list[Arc]:
    """Arcs of a gate in the order of the tables."""
    return [arc for event in gate_events(kind) for arc in event.arcs]


def _sampled_events(kind: str) -> list[Event]:
    return [
        event for memory in GATES[kind].memories for pulse in typical_pulses(kind, memory) for event in pulse.events
    ]


def _filled(*shape: int) -> Measured:
    """Numbers yet to come: an arc that no simulation filled is one that did not happen."""
    return Measured(np.full(shape, np.nan), np.full(shape, Status.not_performed), np.full(shape, np.nan))


def _put(target: Measured, at: tuple, source: Measured, place: tuple) -> None:
    target.values[at], target.status[at] = source.values[place], source.status[place]


def _timing(plan: LogicPlan, results: LogicResults, point: Point) -> dict[str, Measured]:
    """Delay, output slew and energy of all gates at one condition."""
    arcs = {arc.name: i for i, arc in enumerate(a for kind in plan.gates for a in gate_arcs(kind))}
    events = {event.name: i for i, event in enumerate(e for kind in plan.gates for e in gate_events(kind))}
    shape = len(results.axes.slews), len(results.axes.loads)
    found = {name: _filled(len(arcs), *shape) for name in ("delay", "output_slew")}
    found["energy"] = _filled(len(events), *shape)
    for kind, memory, slew in _timings(plan, shape[0]):
        metrics = results.units[Place(kind, memory, point, "timing", slew)][0].metrics
        for row, (pulse, load) in enumerate(grid_points(kind, memory, shape[1])):
            loads = slice(None) if load is None else load
            for edge, event in enumerate(pulse.events):
                _put(found["energy"], (events[event.name], slew, loads), metrics["energy"], (0, row, edge))
                for arc in event.arcs:
                    output = GATES[kind].outputs.index(arc.output)
                    for name in ("delay", "output_slew"):
                        _put(found[name], (arcs[arc.name], slew, loads), metrics[name], (0, row, edge, output))
    return found


def _timings(plan: LogicPlan, slews: int) -> Iterator[tuple[str, int | None, int]]:
    return ((kind, m, slew) for kind in plan.gates for m in GATES[kind].memories for slew in range(slews))


def _capacitance(plan: LogicPlan, results: LogicResults, point: Point) -> Measured:
    """Input capacitance of every pin at the middle of the grid [F], shape (pin,)."""
    slew, load = middle(len(results.axes.slews)), middle(len(results.axes.loads))
    values, status = [], []
    for kind in plan.gates:
        charges: dict[str, list[float]] = {pin: [] for pin in GATES[kind].inputs}
        for memory in GATES[kind].memories:
            metric = results.units[Place(kind, memory, point, "timing", slew)][0].metrics["input_charge"]
            for row, (pulse, at) in enumerate(grid_points(kind, memory, len(results.axes.loads))):
                if at in (None, load):
                    charges[pulse.pin] += list(metric.values[0, row, :, GATES[kind].inputs.index(pulse.pin)])
        values += [float(np.mean(np.abs(charge))) / point[1] for charge in charges.values()]
    status = np.where(np.isfinite(values), Status.ok, Status.suspect)
    return Measured(np.array(values), status, np.full(len(values), np.nan))


def _leakage(plan: LogicPlan, results: LogicResults, point: Point, sampled: bool) -> Measured:
    """Leakage by state, shape (state,), or (sample, state) with mismatch."""
    places = [Place(kind, m, point, "leakage", sampled=sampled) for kind in plan.gates for m in GATES[kind].memories]
    parts = [_of_samples(plan, results, place, "leakage") for place in places]
    return _pick(_beside(parts), (slice(None),) if sampled else (0,))


def _of_samples(plan: LogicPlan, results: LogicResults, place: Place, name: str) -> Measured:
    """A quantity of the blocks of a place, samples first."""
    blocks = [result.metrics[name] for result in results.units[place]]
    parts = (np.concatenate([getattr(b, part) for b in blocks]) for part in ("values", "status", "bound"))
    return _pick(Measured(*parts), (slice(plan.samples if place.sampled else 1),))


def _pick(measured: Measured, at: tuple) -> Measured:
    return Measured(measured.values[at], measured.status[at], measured.bound[at])


def _beside(parts: Sequence[Measured]) -> Measured:
    """Joined along the second dimension."""
    return Measured(*(np.concatenate([getattr(m, p) for m in parts], axis=1) for p in ("values", "status", "bound")))


def _constraints(plan: LogicPlan, results: LogicResults, point: Point) -> Measured:
    """Setup and hold times of clocked gates, shape (constraint,)."""
    kinds = [kind for kind in plan.gates if GATES[kind].clock]
    parts = [results.units[Place(k, None, point, w)][0].metrics[w] for k in kinds for w in ("setup", "hold")]
    return _pick(_beside(parts), (0,))


def _samples(plan: LogicPlan, results: LogicResults, points: Sequence[Point]) -> dict[str, tuple]:
    """Variables with mismatch."""
    variables = {}
    for name, dim in (("delay", "sampled_arc"), ("output_slew", "sampled_arc"), ("energy", "sampled_event")):
        found = [_sampled(plan, results, point, name) for point in points]
        variables |= _joined(name, ("sample", dim), found, plan, "_sampled")
    found = [_leakage(plan, results, point, True) for point in points]
    return variables | _joined("leakage", ("sample", "state"), found, plan, "_sampled")


def _sampled(plan: LogicPlan, results: LogicResults, point: Point, name: str) -> Measured:
    """A quantity of the typical pulses with mismatch, shape (sample, event or arc)."""
    columns = []
    for kind in plan.gates:
        for memory in typical_memories(kind):
            found = _of_samples(plan, results, Place(kind, memory, point, "timing", sampled=True), name)
            for row, pulse in enumerate(typical_pulses(kind, memory)):
                for edge, event in enumerate(pulse.events):
                    rest = [(GATES[kind].outputs.index(a.output),) for a in event.arcs] if name != "energy" else [()]
                    columns += [_pick(found, (slice(None), row, edge, *output)) for output in rest]
    parts = (np.stack([getattr(c, part) for c in columns], axis=1) for part in ("values", "status", "bound"))
    return Measured(*parts)


def _coordinates(plan: LogicPlan, results: LogicResults) -> dict[str, tuple]:
    conditions, axes = plan.conditions, results.axes
    coordinates = {
        "process": ("process", list(conditions.process), {"units": "1", "long_name": "process corner"}),
        "vdd": ("vdd", np.array(conditions.vdd), {"units": "V", "long_name": "supply voltage"}),
        "temp": ("temp", np.array(conditions.temp), {"units": "K", "long_name": "temperature"}),
        "slew": ("slew", np.array(axes.slews), {"units": "s", "long_name": "input slew, 0 to 100 %"}),
        "load": ("load", np.array(axes.loads), {"units": "F", "long_name": "load of each output"}),
        "gate": ("gate", list(plan.gates), {"units": "1", "long_name": "gate"}),
    }
    coordinates |= _event_labels("event", [e for kind in plan.gates for e in gate_events(kind)])
    coordinates |= _arc_labels("arc", [a for kind in plan.gates for a in gate_arcs(kind)])
    states = [(kind, _state_text(kind, *state)) for kind in plan.gates for state in rest_states(kind)]
    coordinates |= _labels("state", [f"{k} {s}" for k, s in states], gate=[k for k, _ in states],
                           levels=[s for _, s in states])  # fmt: skip
    pins = [(kind, pin) for kind in plan.gates for pin in GATES[kind].inputs]
    coordinates |= _labels("pin", [f"{k} {p}" for k, p in pins], gate=[k for k, _ in pins], name=[p for _, p in pins])
    clocked = [(k, w, e) for k in plan.gates if GATES[k].clock for w in ("setup", "hold") for e in EDGES]
    if clocked:
        kinds, whats, edges = (list(part) for part in zip(*clocked, strict=True))
        names = [" ".join(place) for place in clocked]
        coordinates |= _labels("constraint", names, gate=kinds, what=whats, data_edge=edges)
    if plan.variation:
        events = [event for kind in plan.gates for event in _sampled_events(kind)]
        coordinates |= _event_labels("sampled_event", events)
        coordinates |= _arc_labels("sampled_arc", [arc for event in events for arc in event.arcs])
        coordinates["sample"] = ("sample", np.arange(plan.samples), {"units": "1", "long_name": "Monte Carlo sample"})
    return coordinates


def _state_text(kind: str, levels: Sequence[int], memory: Memory | None) -> str:
    gate = GATES[kind]
    held = gate.held(memory)
    return levels_text([*zip(gate.inputs, levels, strict=True), *((y, held[y]) for y in gate.outputs if y in held)])


def _labels(dim: str, names: Sequence[str], **columns: Sequence[str]) -> dict[str, tuple]:
    """A dimension of names and further coordinates along it."""
    about = {"units": "1", "long_name": dim.replace("_", " ")}
    found = {dim: (dim, list(names), about)}
    for column, values in columns.items():
        found[f"{dim}_{column}"] = (dim, list(values), {"units": "1", "long_name": f"{dim} {column}".replace("_", " ")})
    return found


def _event_labels(dim: str, events: Sequence[Event]) -> dict[str, tuple]:
    return _labels(
        dim, [e.name for e in events], gate=[e.kind for e in events], pin=[e.pin for e in events],
        edge=[e.edge for e in events], side=[e.state for e in events],
    )  # fmt: skip


def _arc_labels(dim: str, arcs: Sequence[Arc]) -> dict[str, tuple]:
    return _event_labels(dim, [arc.event for arc in arcs]) | _labels(
        dim, [arc.name for arc in arcs], output=[a.output for a in arcs], output_edge=[a.edge for a in arcs]
    )


def selected(data: xr.Dataset, conditions: Conditions, gates: Sequence[str], samples: int) -> xr.Dataset:
    """The part of a directory's tables for some conditions, gates and samples."""
    part = data.sel(process=list(conditions.process), vdd=list(conditions.vdd), temp=list(conditions.temp))
    for dim, gate in GATE_OF.items():
        if dim in part.dims:
            part = part.isel({dim: np.flatnonzero(np.isin(part[gate].values, gates))})
    return part.isel(sample=slice(samples)) if "sample" in part.dims else part
