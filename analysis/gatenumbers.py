"""Gates of a macro from their characterization: area, energy, leakage, delays, and how often they switch.

Every gate stands for all of its kind at one slew and one load, those of a ripple-carry adder (``Edge``). How often
gates switch, glitches included, is measured by events on an adder tree and an accumulator at one condition
(:func:`switching`), as energies over those of single transitions; the ratio is used at all conditions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import xarray as xr

from analysis import addertree, logic
from analysis.architecture import MacroError, MacroModel
from analysis.column import DIMS, nearest
from analysis.events import simulate, timed
from analysis.gatetables import Tables, gate_tables
from analysis.logic import KINDS, Block, Gates, by_kind
from charlib import LogicTable, TableError
from charlib.logicdata import GATE_OF
from netlists.addertree import adder_tree, shift_accumulate
from netlists.gatebench import WIRE_PITCHES, driven, wires
from netlists.gatenetlist import GateNetlist
from netlists.logic import GATES, Gate
from netlists.readpath import ReadPath
from netlists.technology import Technology

NEEDED = tuple(kind for kind in KINDS if kind in GATES)
"""Gates that a table must hold."""
CELL_HEIGHT = 7.5
"""Height of a row of logic cells in gate pitches [1], assumed: nine tracks of metal, whose pitch is a sixth smaller."""
FINGER = 2.0
"""Widest finger of a transistor in unit widths [1], assumed: two in series, widened by their number, fit into a row."""


def cell_area(gate: Gate, technology: Technology) -> float:
    """Area of a gate in a row of logic cells [m2], assumed: a gate pitch for each pair of fingers, and one beside."""
    count = {"n": 0, "p": 0}
    for mos in gate.table:
        count[mos.role] += int(np.ceil(mos.width / FINGER))
    return (max(count.values()) + 1) * CELL_HEIGHT * technology.geometry.gate_pitch**2


def precharge_area(width: float, technology: Technology) -> float:
    """Area of precharge and equalizer of one local bit-line pair [m2], by the same rule.

    Args:
        width: of each of the three transistors in unit widths [1].
    """
    return (3 * int(np.ceil(width / FINGER)) + 1) * CELL_HEIGHT * technology.geometry.gate_pitch**2


HOP_GATES = {"sum": "full_adder", "carry_out": "full_adder", "carry": "full_adder", "gate": "nand2", "register": "dff"}
"""Hop to the gate that it goes through."""


@dataclass(frozen=True)
class Edge:
    """What every gate sees at a condition.

    Attributes:
        slew: of the carries of a ripple-carry adder, each behind the next one [s].
        carry: load of such a carry [F]. load: that of a sum, the next adder's input, taken for all other outputs [F].
        wire: its part that is wire, as ``netlists.gatebench`` has it [F].
    """

    slew: float
    carry: float
    load: float
    wire: float


@dataclass(frozen=True)
class Numbers:
    """Gates at one condition.

    Attributes:
        energy, leakage, delay, delay_std: as of ``logic.Gates``.
        clock: energy of a flip-flop in a cycle whose data rest, its clock pin apart [J].
        clock_pin: energy that charges that pin and its wire once [J].
    """

    energy: np.ndarray
    leakage: np.ndarray
    delay: Mapping[str, float]
    delay_std: Mapping[str, float]
    clock: float
    clock_pin: float


class Looked:
    """Tables of gates at one condition, looked up for all rows of a kind at once."""

    def __init__(self, data: xr.Dataset, technology: Technology) -> None:
        self.data, self.table, self.vdd = data, LogicTable(data), float(data["vdd"])
        self.values = {str(name): array.values for name, array in data.variables.items()}
        geometry = technology.geometry
        self.wire = geometry.wire_capacitance * geometry.gate_pitch * WIRE_PITCHES
        self.edge = self._edge()

    def capacitance(self, kind: str, *pins: str) -> float:
        """Mean input capacitance of pins of a gate [F]."""
        rows = self._rows("pin", kind) & np.isin(self.values["pin_name"], pins or GATES[kind].inputs)
        return float(self.values["capacitance"][rows].mean())

    def _rows(self, dim: str, kind: str, **columns: str) -> np.ndarray:
        found = self.values[f"{dim}_gate"] == kind
        for column, value in columns.items():
            found = found & (self.values[f"{dim}_{column}"] == value)
        return found

    def _edge(self) -> Edge:
        carry = self.wire + self.capacitance("full_adder", "ci")
        rows = self._rows("arc", "full_adder", pin="ci", output="co")
        slew = float(self.data["slew"].values[self.data.sizes["slew"] // 2])
        for _ in range(8):  # a chain's slew settles within some gates
            slew = float(self.table.numbers("output_slew", rows, slew, carry).mean())
        return Edge(slew, carry, self.wire + self.capacitance("full_adder", "a", "b"), self.wire)

    def delay(self, kind: str, load: float, output: str, *pins: str) -> float:
        """Longest delay of a gate from pins to an output [s]."""
        rows = self._rows("arc", kind, output=output) & np.isin(self.values["arc_pin"], pins)
        return float(self.table.numbers("delay", rows, self.edge.slew, load).max())

    def transition(self, kind: str) -> float:
        """Mean energy of the events of a gate that move an output [J]."""
        moving = {str(arc).rpartition(" ")[0] for arc in self.values["arc"]}
        return self._events(self._rows("event", kind) & np.isin(self.values["event"], list(moving)))

    def _events(self, rows: np.ndarray) -> float:
        return float(self.table.numbers("energy", rows, self.edge.slew, self.edge.load).mean())

    def leakage(self, kind: str) -> float:
        """Power at rest, mean over all states [W]."""
        return float(self.values["leakage"][self._rows("state", kind)].mean()) * self.vdd

    def clocking(self) -> tuple[float, float, float]:
        """Energy of a flip-flop in a cycle whose data rest, that of its clock pin, and what new data add [J]."""
        event = self.values["event"]
        rest, new = ([f"dff clk rise d={d},q={d ^ x}" for d in (0, 1)] for x in (0, 1))
        falls = self._rows("event", "dff", pin="clk", edge="fall")
        idle = self._events(np.isin(event, rest))
        pin = (self.capacitance("dff", "clk") + self.wire) * self.vdd**2
        data = self._events(self._rows("event", "dff", pin="d"))
        return idle + self._events(falls), pin, data + self._events(np.isin(event, new)) - idle

    def spread(self, kind: str) -> float:
        """Standard deviation of a gate's delay over its mean [1], mean of the arcs that were sampled; 0: none were."""
        if "delay_sampled" not in self.values:
            return 0.0
        samples = self.data["delay_sampled"].transpose("sampled_arc", "sample").values[self._rows("sampled_arc", kind)]
        return float((samples.std(axis=1, ddof=1) / samples.mean(axis=1)).mean())

    def setup(self) -> float:
        """Longer setup time of the flip-flop [s]."""
        rows = (self.values["constraint_gate"] == "dff") & (self.values["constraint_what"] == "setup")
        return float(self.values["constraint_time"][rows].max())


def numbers(data: xr.Dataset, technology: Technology) -> Numbers:
    """Gates at one condition of a table of gates; raises TableError where slews or loads are outside its grid."""
    at = Looked(data, technology)
    clock, pin, toggled = at.clocking()
    energy = {kind: at.transition(kind) for kind in NEEDED} | {"dff": toggled}
    energy["input_load"] = (at.capacitance("nor2") + at.wire) * at.vdd**2 / 2
    leakage = {kind: at.leakage(kind) for kind in NEEDED} | {"input_load": 0.0, "precharge": 0.0}
    adder, edge = "full_adder", at.edge
    delay = {
        "sum": at.delay(adder, edge.load, "s", "a", "b"),
        "carry_out": at.delay(adder, edge.carry, "co", "a", "b"),
        "carry": at.delay(adder, edge.carry, "co", "ci"),
        "gate": at.delay("nand2", edge.load, "y", "a", "b"),
        "register": at.delay("dff", edge.load, "q", "clk") + at.setup(),
    }
    std = {hop: delay[hop] * at.spread(kind) for hop, kind in HOP_GATES.items()}
    return Numbers(by_kind(energy | {"precharge": 0.0}), by_kind(leakage), delay, std, clock, pin)


INPUTS, BITS = 32, 8
"""Tree on which activity is measured: one for every level, and for every bit of a word [1]."""
OPERATIONS, DOT_PRODUCTS = 40, 4
"""Random operations of the tree, and dot products of ``ACCUMULATED`` inputs for the accumulator [1].

The energy of one operation spreads by a third; the mean of 40 is known within 5 %.
"""
ACCUMULATED = 4
SEED = 1
"""Of the operands."""
SLEW = 20e-12
"""Edges of the sources in front of the drivers [s], assumed, as in ``pimchar tree``."""
CLOCK = 1e-6
"""Period of the accumulator's clock [s], assumed: it need only let all nets settle, energies hold no leakage."""


def switching(data: xr.Dataset, technology: Technology, ones: float) -> dict[str, dict[str, float]]:
    """Activity of every role (``logic.Gates.activity``), by events at one condition.

    Args:
        data: table of gates at that condition.
        ones: share of ones among input bits and weight bits [1]; the accumulator's operands are uniform in any case.
    """
    at = numbers(data, technology)
    tables = gate_tables(LogicTable(_of_gates(data, _switched())))
    rng = np.random.default_rng(SEED)
    tree = addertree.tree(INPUTS, BITS, tables, technology)
    before, after = addertree.products(tree.netlist, ones, ones, OPERATIONS, rng)
    rest = {net: np.ones(OPERATIONS, dtype=np.int8) for net in tree.netlist.inputs}
    level = np.array([_level(instance.name) for instance in tree.netlist.instances])
    held, rise, fall = (
        simulate(tree, first, then, SLEW).energy.mean(axis=1)
        for first, then in ((before, after), (rest, after), (after, rest))
    )
    found = {}
    units = {f"tree{n}": _once(at, block) for n, block in enumerate(logic.adder_tree(INPUTS, BITS), start=1)}
    changes = {"held": 2 * ones**2 * (1 - ones), "precharged": 2 * ones**2}
    both = {"register": 0.5, "accumulator": _accumulator(at, tables, technology, rng)}
    for reading, energy in (("held", held), ("precharged", rise + fall)):
        trees = {role: energy[level == n].sum() / unit for n, (role, unit) in enumerate(units.items(), start=1)}
        found[reading] = {"product": changes[reading], **trees, **both}
    return found


def counter_activity(
    data: xr.Dataset, table: xr.Dataset, technology: Technology, netlist: GateNetlist, ones: float
) -> float:
    """Activity of a counter of ANDs, by events: energy of a new row over that of a transition of each of its gates [1].

    Args:
        data, table, technology: as of :func:`characterized`, whose condition for activity it takes.
        netlist: combinational; rows follow one another at its inputs, drivers in front of them apart.
        ones: share of ones among the bits of both operands of an AND [1].
    """
    point = _point(data, *_reference(table, technology))
    with_drivers = driven(netlist)
    tables = gate_tables(LogicTable(_of_gates(point, tuple(with_drivers.gates))))
    rng = np.random.default_rng(SEED)
    shape = 2, OPERATIONS, len(netlist.inputs)
    before, after = (
        dict(zip(with_drivers.inputs, levels.T.astype(np.int8), strict=True))
        for levels in (rng.random(shape) < ones) & (rng.random(shape) < ones)
    )
    found = simulate(timed(with_drivers, tables, wires(with_drivers, technology)), before, after, SLEW)
    _, energy = addertree.by_supply(with_drivers, found.energy)
    return float(energy.mean() / _once(numbers(point, technology), Block.of(**netlist.gates)))


def _once(at: Numbers, block: Block) -> float:
    """Energy of one transition of every gate of a block [J]."""
    return float((block.counts * at.energy).sum())


def _switched() -> tuple[str, ...]:
    """Kinds of gates of trees, accumulators and the drivers in front of them."""
    netlists = adder_tree(2, 2), shift_accumulate(("s0", "s1"), 2)
    return tuple(dict.fromkeys(("inverter", *(kind for netlist in netlists for kind in netlist.gates))))


def _level(name: str) -> int:
    """Level of a tree that an instance of ``netlists.addertree`` belongs to; 0: none.

    >>> _level("l3_0_s"), _level("drive_x0_1")
    (3, 0)
    """
    return int(name[1 : name.index("_")]) if name[:1] == "l" else 0


def _accumulator(at: Numbers, tables: Tables, technology: Technology, rng: np.random.Generator) -> float:
    """Activity of an accumulator: its energy beyond the clock's over that of a transition of all of its gates."""
    weights, values = (rng.integers(-(1 << BITS - 1), 1 << BITS - 1, (ACCUMULATED, DOT_PRODUCTS)) for _ in range(2))
    energy, _ = addertree.accumulation(ACCUMULATED, weights, values, (BITS, BITS), tables, technology, SLEW, CLOCK)
    cycle = energy[addertree.PARTS.index("accumulator")].mean() / BITS
    sum_bits = BITS + logic.tree_depth(ACCUMULATED)
    block = logic.accumulator(sum_bits, sum_bits + BITS)
    return float((cycle - block.gates["dff"] * at.clock) / _once(at, block))


def _of_gates(data: xr.Dataset, gates: tuple[str, ...]) -> xr.Dataset:
    """The part of a table for some gates."""
    for dim, gate in GATE_OF.items():
        if dim in data.dims:
            data = data.isel({dim: np.flatnonzero(np.isin(data[gate].values, gates))})
    return data


def characterized(data: xr.Dataset, table: xr.Dataset, technology: Technology, model: MacroModel) -> Gates:
    """Gates at the conditions of a table of cells.

    Activity is measured at the condition nearest to tt, the nominal supply and 25 degC.

    Args:
        data: of :func:`charlib.characterize_logic`.
        table: characterized cells, dimensions ``process, vdd, temp``.
        technology: of both.

    Raises:
        MacroError: ``data`` lacks a gate, or a condition of ``table``. TableError, GateTableError: its grid of slews
            and loads does not reach those of an adder, or holds points without a number.
    """
    if lacking := [kind for kind in NEEDED if kind not in data["gate"].values]:
        held = ", ".join(map(str, data["gate"].values))
        raise MacroError(f"gates {', '.join(lacking)} are missing in periphery.nc, which has {held} (periphery.gates)")
    shape = tuple(table.sizes[dim] for dim in DIMS)
    points = [_point(data, *at) for at in product(*(table[dim].values.tolist() for dim in DIMS))]
    each = [numbers(point, technology) for point in points]
    middle = _point(data, *_reference(table, technology))

    def stacked(numbers: Sequence[np.ndarray | float]) -> np.ndarray:
        return np.stack([np.asarray(one) for one in numbers], axis=-1).reshape(*np.shape(numbers[0]), *shape)

    area = {kind: cell_area(GATES[kind], technology) for kind in NEEDED} | {"input_load": 0.0}
    area["precharge"] = precharge_area(readpath_of(table).precharge, technology)
    return Gates(
        source=f"characterized: {technology.name} (periphery.nc)",
        area=by_kind(area) / model.placement,
        energy=stacked([one.energy for one in each]),
        leakage=stacked([one.leakage for one in each]),
        delay={hop: stacked([one.delay[hop] for one in each]) for hop in logic.HOPS},
        delay_std={hop: stacked([one.delay_std[hop] for one in each]) for hop in logic.HOPS},
        clock=stacked([one.clock + one.clock_pin for one in each]),
        activity=switching(middle, technology, model.ones),
    )


def readpath_of(table: xr.Dataset) -> ReadPath:
    """Read path that a table was made with; the default one where it does not say."""
    return ReadPath(**json.loads(table.attrs.get("readpath", "{}")))


def _point(data: xr.Dataset, process: str, vdd: float, temp: float) -> xr.Dataset:
    """Table of gates at one condition; raises MacroError, with what there is, for one that it does not hold.

    Nominal gates, which have no ``mc``, stand for those with global variation around them.
    """
    if process == "mc" and "mc" not in data["process"].values:
        process = "tt"
    try:
        return LogicTable.at(data, process, vdd, temp).data
    except TableError as error:
        raise MacroError(f"periphery.nc lacks a condition of tables.nc: {error}") from error


def _reference(table: xr.Dataset, technology: Technology) -> tuple[str, float, float]:
    """Condition of a table that is nearest to the typical one."""
    processes = [str(p) for p in table["process"].values]
    vdd, temp = (
        nearest(table["vdd"].values, technology.vdd_nominal),
        nearest(table["temp"].values, logic.REFERENCE_TEMP),
    )
    return "tt" if "tt" in processes else processes[0], vdd, temp
