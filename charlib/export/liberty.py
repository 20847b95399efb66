"""Liberty: logic cells as non-linear delay tables, and macros, a library of each per process, supply and temperature.

Units are those of ``libertytext``. Slews in the tables of gates run from rail to rail, measured from 20 to 80 %, which
``slew_derate_from_library`` says.

The form is what liberty-parser and najaeda accept; no timing tool has been run on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path

import numpy as np
import xarray as xr

from charlib.errors import TableError
from charlib.export import libertymacro, macrotable, source
from charlib.export.libertytext import (
    CORNERS,
    FF,
    FJ,
    NW,
    PS,
    SCALAR,
    Group,
    head,
    library_name,
    listed,
    number,
    save,
    table,
)  # fmt: skip
from netlists.logic import GATES, Gate

TEMPLATE, INPUT_TEMPLATE = "slew_load", "slew"
ENERGY_TEMPLATE = "energy_slew_load"


def write(directory: Path, dest: Path) -> list[Path]:
    """A ``.lib`` of gates for each condition of ``periphery.nc`` and one of macros for each of ``macro.nc``.

    As far as there are such files. Raises TableError where one is broken or lacks a number, and writes nothing then.
    """
    return [save(one, dest) for one in (*_gates(directory / source.GATES), *libertymacro.libraries(directory))]


def _gates(path: Path) -> list[Group]:
    """Libraries of gates, none without their file."""
    if not path.is_file():
        return []
    data, found = source.load(path), []
    for process, vdd, temp in product(*(data[axis].values.tolist() for axis in CORNERS)):
        name = library_name(macrotable.name(data), process, vdd, temp)
        found.append(library(data.sel(process=process, vdd=vdd, temp=temp), name))
    return found


def library(data: xr.Dataset, name: str) -> Group:
    """All gates at one condition."""
    slews, loads = data["slew"].values * PS, data["load"].values * FF
    axes = ('variable_1 : input_net_transition;', 'variable_2 : total_output_net_capacitance;')  # fmt: skip
    index = (f"index_1 ({listed(slews)});", f"index_2 ({listed(loads)});")
    power = ("variable_1 : input_transition_time;", axes[1])
    return Group("library", name, [
        *head(data, data.attrs["title"]),
        Group("lu_table_template", TEMPLATE, [*axes, *index]),
        Group("power_lut_template", ENERGY_TEMPLATE, [*power, *index]),
        Group("power_lut_template", INPUT_TEMPLATE, [power[0], index[0]]),
        *(_cell(data, str(kind)) for kind in data["gate"].values),
    ])  # fmt: skip


def _cell(data: xr.Dataset, kind: str) -> Group:
    gate, mine = GATES[kind], _Gate(data, kind)
    vdd = float(data["vdd"])
    states = [(row, data["state_levels"].values[row]) for row in mine.rows("state")]
    watts = {levels: mine.number("leakage", row, f"at {levels}") * vdd * NW for row, levels in states}
    storage = [Group("ff", "IQ, IQN", [f'clocked_on : "{gate.clock}";', f'next_state : "{gate.data}";'])]
    return Group("cell", kind, [
        "area : 0;", f"cell_leakage_power : {number(np.mean(list(watts.values())))};",
        *(Group("leakage_power", "", [f'when : "{condition(levels)}";', f"value : {number(value)};"])
          for levels, value in watts.items()),
        *(storage if gate.clock else []),
        *(_input(mine, gate, pin) for pin in gate.inputs),
        *(_output(mine, gate, pin) for pin in gate.outputs),
    ])  # fmt: skip


@dataclass(frozen=True)
class _Gate:
    """What the tables hold of one gate."""

    data: xr.Dataset
    kind: str

    def rows(self, dim: str, **columns: str) -> list[int]:
        """Places along a dimension that belong to the gate and have given further coordinates."""
        mine = self.data[f"{dim}_gate"].values == self.kind
        for column, value in columns.items():
            mine = mine & (self.data[f"{dim}_{column}"].values == value)
        return np.flatnonzero(mine).tolist()

    def number(self, name: str, row: int, label: str) -> np.ndarray:
        """A row of a variable; raises TableError where it has no number."""
        values = self.data[name].values[row]
        if not np.isfinite(values).all():
            raise TableError(f"{name} of {self.kind} {label} has no number at some slew and load: no library without")
        return values


def _input(mine: _Gate, gate: Gate, pin: str) -> Group:
    """An input pin: capacitance, constraints of a clocked gate's data, and energy of events that no output answers."""
    data = mine.data
    (row,) = mine.rows("pin", name=pin)
    silent = {}
    answered = {data["arc"].values[arc].rsplit(" ", 1)[0] for arc in mine.rows("arc")}
    for event in mine.rows("event", pin=pin):
        if data["event"].values[event] not in answered:
            silent.setdefault(data["event_side"].values[event], {})[data["event_edge"].values[event]] = event
    middle = (data.sizes["load"] - 1) // 2
    power = [
        Group("internal_power", "", [
            *([f'when : "{condition(side)}";'] if side else []),
            *(table(f"{edge}_power", INPUT_TEMPLATE, mine.number("energy", event, pin)[:, middle] * FJ)
              for edge, event in edges.items()),
        ]) for side, edges in silent.items()
    ]  # fmt: skip
    constraints = []
    if gate.clock and pin == gate.data:
        for what in ("setup", "hold"):
            rows = {data["constraint_data_edge"].values[r]: r for r in mine.rows("constraint", what=what)}
            times = [table(f"{edge}_constraint", SCALAR, mine.number("constraint_time", r, what) * PS)
                     for edge, r in rows.items()]  # fmt: skip
            head = [f'related_pin : "{gate.clock}";', f"timing_type : {what}_rising;"]
            constraints.append(Group("timing", "", [*head, *times]))
    clock = ["clock : true;"] if pin == gate.clock else []
    farads = f"capacitance : {number(mine.number('capacitance', row, pin) * FF)};"
    return Group("pin", pin, ["direction : input;", farads, *clock, *constraints, *power])


def _output(mine: _Gate, gate: Gate, pin: str) -> Group:
    """An output pin: its function, delays and slews from each input in each state of the others, and energies.

    The energy of an event that several outputs answer is the first one's, with none for the others.
    """
    data, groups = mine.data, []
    arcs: dict[tuple[str, str], dict[str, int]] = {}
    for row in mine.rows("arc", output=pin):
        side = _side(gate, data["arc_pin"].values[row], data["arc_side"].values[row], pin)
        arcs.setdefault((data["arc_pin"].values[row], side), {})[data["arc_output_edge"].values[row]] = row
    for (related, side), edges in arcs.items():
        head = [f'related_pin : "{related}";', *([f'when : "{condition(side)}";'] if side else [])]
        groups.append(Group("timing", "", [*head, _sense(data, gate, edges), *_delays(mine, edges)]))
        if powers := _energies(mine, gate, pin, edges):
            groups.append(Group("internal_power", "", [*head, *powers]))
    function = "IQ" if gate.clock else boolean(gate, gate.outputs.index(pin))
    most = f"max_capacitance : {number(data['load'].values[-1] * FF)};"
    return Group("pin", pin, ["direction : output;", f'function : "{function}";', most, *groups])


def _side(gate: Gate, related: str, side: str, output: str) -> str:
    """State of an arc without what its edge tells: a clocked gate's arcs are one group, not one for each edge."""
    return "" if gate.clock and related == gate.clock else side


def _sense(data: xr.Dataset, gate: Gate, edges: Mapping[str, int]) -> str:
    if gate.clock:
        return "timing_type : rising_edge;"
    same = all(data["arc_edge"].values[row] == edge for edge, row in edges.items())
    return f"timing_sense : {'positive' if same else 'negative'}_unate;"


def _delays(mine: _Gate, edges: Mapping[str, int]) -> list[Group]:
    tables = []
    for edge, row in edges.items():
        label = str(mine.data["arc"].values[row])
        tables.append(table(f"cell_{edge}", TEMPLATE, mine.number("delay", row, label) * PS))
        tables.append(table(f"{edge}_transition", TEMPLATE, mine.number("output_slew", row, label) * PS))
    return tables


def _energies(mine: _Gate, gate: Gate, pin: str, edges: Mapping[str, int]) -> list[Group]:
    """Energy inside the gate: what its supply gives less what charges the outputs that rise."""
    data, tables = mine.data, []
    charge = data["load"].values * float(data["vdd"]) ** 2
    for edge, row in edges.items():
        event = data["arc"].values[row].rsplit(" ", 1)[0]
        answers = {data["arc_output"].values[r]: data["arc_output_edge"].values[r] for r in mine.rows("arc")
                   if data["arc"].values[r].rsplit(" ", 1)[0] == event}  # fmt: skip
        if pin == next(output for output in gate.outputs if output in answers):
            rising = sum(answer == "rise" for answer in answers.values())
            values = mine.number("energy", data.get_index("event").get_loc(event), event) - rising * charge
            tables.append(table(f"{edge}_power", ENERGY_TEMPLATE, values * FJ))
    return tables


def condition(levels: str) -> str:
    """Levels of pins as a Boolean expression.

    >>> condition("a=0,b=1")
    '!a & b'
    """
    pairs = [part.split("=") for part in levels.split(",")]
    return " & ".join(name if level == "1" else f"!{name}" for name, level in pairs)


def boolean(gate: Gate, output: int) -> str:
    """An output of a gate without memory as a sum of its prime implicants.

    >>> boolean(GATES["nand2"], 0)
    '!a | !b'
    >>> boolean(GATES["xor2"], 0)
    '(!a & b) | (a & !b)'
    """
    terms = {levels for levels in product((0, 1), repeat=len(gate.inputs)) if gate.function(*levels)[output]}
    prime: set[tuple] = set()
    while terms:
        joined, used = set(), set()
        for one, other in combinations(sorted(terms, key=str), 2):
            differing = [i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
            if len(differing) == 1 and None not in (one[differing[0]], other[differing[0]]):
                joined.add((*one[: differing[0]], None, *one[differing[0] + 1 :]))
                used |= {one, other}
        prime |= terms - used
        terms = joined
    texts = []
    for term in sorted(prime, key=lambda term: [2 if level is None else level for level in term]):
        parts = [n if level else f"!{n}" for n, level in zip(gate.inputs, term, strict=True) if level is not None]
        texts.append(" & ".join(parts) if len(prime) == 1 or len(parts) == 1 else f"({' & '.join(parts)})")
    return " | ".join(texts)
