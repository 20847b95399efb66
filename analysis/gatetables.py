"""Tables of gates at one condition, from what ``charlib.characterize_logic`` measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.interpolate import PchipInterpolator

from charlib import LogicTable
from netlists.logic import GATES, Gate


@dataclass(frozen=True)
class Inertia:
    """How a gate answers to changes of its inputs that follow each other closely.

    Attributes:
        width: length of the output pulse that swings to half of VDD, in delays of the gate [1].
        rest: part of the gate's own energy that a pulse takes of which nothing reaches the output [1].
    """

    width: float
    rest: float


INERTIA: Mapping[str, Inertia] = {"full_adder": Inertia(0.75, 0.2), "half_adder": Inertia(1.0, 0.45)}
OTHER = Inertia(1.0, 0.35)
"""Inertia by kind of gate, and that of kinds that are not named, which is that of the exclusive or.

Measured on gates by themselves by ``python -m charlib.inertia predictive28``, rounded: docs/adder-tree.md.
"""


class GateTableError(ValueError):
    """A gate, a load, a slew or a number that the tables do not hold."""


@dataclass(frozen=True)
class GateTable:
    """What one gate does when one of its inputs changes.

    A state is the levels of :func:`state_nets` before the change, the first one's as the lowest bit.

    Attributes:
        delay: half of VDD to half of VDD [s], shape (input, state, output, slew, load); NaN where an output stays.
        slew: of the output from rail to rail [s], same shape.
        energy: from the supply, without what charges the loads [J], shape (input, state, slew, load).
        leakage: power at rest [W], shape (state,).
        capacitance: of each input [F], shape (input,).
    """

    delay: np.ndarray
    slew: np.ndarray
    energy: np.ndarray
    leakage: np.ndarray
    capacitance: np.ndarray


def state_nets(gate: Gate) -> tuple[str, ...]:
    """What the state of a gate is made of: its inputs and, where it stores something, its outputs."""
    return (*gate.inputs, *(gate.outputs if gate.clock else ()))


@dataclass(frozen=True)
class Tables:
    """Gates at one condition.

    Attributes:
        vdd: supply [V].
        slews, loads: grid of the tables [s], [F], rising.
        gates: kind of gate to its table.
    """

    vdd: float
    slews: np.ndarray
    loads: np.ndarray
    gates: Mapping[str, GateTable]


LEVELS = {"rise": 0, "fall": 1}
"""Edge of an input to its level before."""
FINER = 4
"""Steps that a step of a measured grid is divided into [1], so that straight lines follow its cubics."""


def gate_tables(measured: LogicTable) -> Tables:
    """Tables of every gate at one condition, on a finer grid: monotone cubics are laid along load, then along slew."""
    data = measured.data
    slews, loads = (_finer(data[axis].values) for axis in ("slew", "load"))
    kinds = [str(kind) for kind in data["gate"].values]
    vdd = float(data["vdd"])
    return Tables(vdd, slews, loads, {kind: _gate_table(data, kind, vdd, slews, loads) for kind in kinds})


def _finer(grid: np.ndarray) -> np.ndarray:
    """A grid with further points between its own, in equal ratios."""
    places = np.arange(len(grid))
    finer = np.linspace(0, len(grid) - 1, FINER * (len(grid) - 1) + 1)
    found = np.exp(np.interp(finer, places, np.log(grid)))
    found[::FINER] = grid
    return found


def _state(gate: Gate, side: str, levels: Mapping[str, int]) -> int:
    """Number of a state from the text of levels, such as ``b=1,ci=0``, and further levels."""
    known = {name: int(level) for name, level in (part.split("=") for part in side.split(",") if part)} | levels
    return sum(known[name] << place for place, name in enumerate(state_nets(gate)))


def _rows(data: xr.Dataset, dim: str, kind: str, *columns: str) -> list[tuple]:
    """Place along a dimension, and its columns there, of all that belong to a gate."""
    mine = np.flatnonzero(data[f"{dim}_gate"].values == kind)
    found = (data[f"{dim}_{column}"].values[mine].astype(str) for column in columns)
    return list(zip(mine, *found, strict=True))


def _gate_table(data: xr.Dataset, kind: str, vdd: float, slews: np.ndarray, loads: np.ndarray) -> GateTable:
    """Table of one gate; the energy without what charges the outputs that rise."""
    gate = GATES[kind]
    grid, states = (len(slews), len(loads)), 1 << len(state_nets(gate))

    def fine(name: str, row: int) -> np.ndarray:
        values = data[name].values[row]
        if not np.isfinite(values).all():
            label = data[data[name].dims[0]].values[row]
            raise GateTableError(f"{name} of {label} has no number at some slew and load: see {name}_status")
        along_load = PchipInterpolator(data["load"].values, values, axis=1)(loads)
        return PchipInterpolator(data["slew"].values, along_load, axis=0)(slews)

    energy = np.full((len(gate.inputs), states, *grid), np.nan)
    delay = np.full((len(gate.inputs), states, len(gate.outputs), *grid), np.nan)
    slew, leakage = delay.copy(), np.full(states, np.nan)
    for row, pin, edge, side in _rows(data, "event", kind, "pin", "edge", "side"):
        energy[gate.inputs.index(pin), _state(gate, side, {pin: LEVELS[edge]})] = fine("energy", row)
    for row, pin, edge, side, output, to in _rows(data, "arc", kind, "pin", "edge", "side", "output", "output_edge"):
        place = gate.inputs.index(pin), _state(gate, side, {pin: LEVELS[edge]})
        out = gate.outputs.index(output)
        delay[(*place, out)], slew[(*place, out)] = fine("delay", row), fine("output_slew", row)
        if to == "rise":
            energy[place] -= loads * vdd**2
    for row, levels in _rows(data, "state", kind, "levels"):
        leakage[_state(gate, levels, {})] = data["leakage"].values[row] * vdd
    pins = {name: data["capacitance"].values[row] for row, name in _rows(data, "pin", kind, "name")}
    return GateTable(delay, slew, energy, leakage, np.array([pins[name] for name in gate.inputs]))
