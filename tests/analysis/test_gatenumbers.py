"""Gates of a macro from made-up tables whose numbers can be worked out by hand."""

import numpy as np
import pytest

from analysis import addertree, logic
from analysis.architecture import MacroError, MacroModel
from analysis.events import simulate
from analysis.gatenumbers import CELL_HEIGHT, cell_area, characterized, numbers, precharge_area
from analysis.gatetables import gate_tables
from analysis.logic import KINDS
from charlib import LogicTable, TableError
from netlists.gatebench import WIRE_PITCHES, drives
from netlists.logic import GATES
from netlists.technology import load

TECHNOLOGY = load("predictive28")
WIRE = TECHNOLOGY.geometry.wire_capacitance * TECHNOLOGY.geometry.gate_pitch * WIRE_PITCHES


def at(data, vdd=0.9):
    return data.sel(process="tt", vdd=vdd).squeeze("temp")


@pytest.mark.parametrize("vdd", [0.7, 0.9])
def test_numbers_by_hand(gates_table, flat, vdd):
    found = numbers(at(gates_table, vdd), TECHNOLOGY)
    energy = dict(zip(KINDS, found.energy, strict=True))
    for kind in ("nand2", "full_adder", "dff"):
        assert energy[kind] == pytest.approx(flat.energy * vdd**2, rel=1e-12)
    assert energy["sign"] == pytest.approx(2 * flat.energy * vdd**2, rel=1e-12)
    assert energy["input_load"] == pytest.approx(0.5 * (flat.pin + WIRE) * vdd**2, rel=1e-12)
    assert found.clock == pytest.approx(2 * flat.energy * vdd**2, rel=1e-12)
    assert found.clock_pin == pytest.approx((flat.pin + WIRE) * vdd**2, rel=1e-12)
    for hop in ("sum", "carry_out", "carry", "gate"):
        assert found.delay[hop] == pytest.approx(flat.delay / vdd, rel=1e-12)
    assert found.delay["register"] == pytest.approx((flat.delay + flat.setup) / vdd, rel=1e-12)
    assert found.leakage[KINDS.index("latch")] == pytest.approx(2 * flat.leakage * vdd, rel=1e-12)


def test_worst_arcs_set_the_delay_and_all_events_the_energy(gates_table, flat):
    slow = gates_table["arc"] == "full_adder ci rise a=0,b=1 co"
    costly = gates_table["event"] == "inverter a rise"
    gates_table["delay"] = gates_table["delay"].where(~slow, 3 * gates_table["delay"])
    gates_table["energy"] = gates_table["energy"].where(~costly, 3 * gates_table["energy"])
    found = numbers(at(gates_table), TECHNOLOGY)
    assert found.delay["carry"] == pytest.approx(3 * flat.delay / 0.9, rel=1e-12)
    assert found.delay["carry_out"] == pytest.approx(flat.delay / 0.9, rel=1e-12)
    assert found.energy[KINDS.index("inverter")] == pytest.approx(2 * flat.energy * 0.81, rel=1e-12)


def test_spread_of_gates_is_that_of_their_samples(gates_table, flat):
    """Adders of 10 %, all others of 20 %; what was not sampled has none."""
    kinds = ["full_adder", "nand2", "dff"]
    spread = np.array([0.1, 0.2, 0.2])
    samples = flat.delay * (1 + np.outer([-1.0, 0.0, 1.0], spread))
    point = at(gates_table)
    assert set(numbers(point, TECHNOLOGY).delay_std.values()) == {0.0}
    point = point.assign_coords(sampled_arc_gate=("sampled_arc", kinds))
    found = numbers(point.assign(delay_sampled=(("sample", "sampled_arc"), samples)), TECHNOLOGY)
    assert found.delay_std["carry"] == pytest.approx(0.1 * found.delay["carry"], rel=1e-9)
    assert found.delay_std["gate"] == pytest.approx(0.2 * found.delay["gate"], rel=1e-9)


def test_areas_are_pairs_of_fingers():
    pitch = TECHNOLOGY.geometry.gate_pitch
    row = CELL_HEIGHT * pitch**2
    pairs = {"inverter": 1, "nand2": 2, "full_adder": 14, "dff": 12, "wl_driver": 1 + 2, "input_driver": 1 + 2 + 5}
    for kind, count in pairs.items():
        assert cell_area(GATES[kind], TECHNOLOGY) == pytest.approx((count + 1) * row, rel=1e-12)
    assert precharge_area(2.0, TECHNOLOGY) == pytest.approx(4 * row, rel=1e-12)
    assert precharge_area(2.5, TECHNOLOGY) == pytest.approx(7 * row, rel=1e-12)


def test_gates_have_the_shape_of_the_table(characterized_gates, table):
    shape = tuple(table.sizes[dim] for dim in ("process", "vdd", "temp"))
    assert characterized_gates.energy.shape == (len(KINDS), *shape)
    assert characterized_gates.clock.shape == shape
    assert characterized_gates.source == "characterized: predictive28 (periphery.nc)"
    place = table.get_index("vdd").get_loc(0.7)
    slower = characterized_gates.delay["carry"][0, place, 0] / characterized_gates.delay["carry"][0, -1, 0]
    assert slower == pytest.approx(1 / 0.7, rel=1e-12)


def test_placement_is_in_the_area(gates_table, table, characterized_gates, monkeypatch):
    monkeypatch.setattr("analysis.gatenumbers.switching", lambda *_: {})
    dense = characterized(gates_table, table, TECHNOLOGY, MacroModel(placement=1.0))
    np.testing.assert_allclose(characterized_gates.area * 0.7, dense.area)


def test_activity_serves_another_tree(characterized_gates, gates_table):
    """The mean of 16 words of 8 bits by events, another seed, held and precharged."""
    data = at(gates_table, 1.0)
    timed = addertree.tree(16, 8, gate_tables(LogicTable(data)), TECHNOLOGY)
    count, rng = 40, np.random.default_rng(3)
    before, after = addertree.products(timed.netlist, 0.5, 0.5, count, rng)
    rest = {net: np.ones(count, dtype=np.int8) for net in timed.netlist.inputs}
    own = np.array([not drives(instance) for instance in timed.netlist.instances])
    held, rise, fall = (
        simulate(timed, *pair, 20e-12).energy[own].sum(axis=0).mean()
        for pair in ((before, after), (rest, after), (after, rest))
    )
    energy = numbers(data, TECHNOLOGY).energy
    for reading, events in (("held", held), ("precharged", rise + fall)):
        activity = characterized_gates.activity[reading]
        levels = enumerate(logic.adder_tree(16, 8), start=1)
        static = sum(activity[f"tree{level}"] * (block.counts * energy).sum() for level, block in levels)
        assert static == pytest.approx(events, rel=0.15)


def test_a_missing_gate_is_named(gates_table, table):
    data = gates_table.sel(gate=[kind for kind in gates_table["gate"].values if kind not in ("dff", "nor2")])
    with pytest.raises(MacroError, match=r"gates nor2, dff are missing in periphery\.nc, which has nand2, .*periphery"):
        characterized(data, table, TECHNOLOGY, MacroModel())


def test_a_missing_condition_is_named(gates_table, table):
    data = gates_table.sel(vdd=[0.7, 0.9, 1.0])
    with pytest.raises(MacroError, match=r"periphery\.nc lacks a condition of tables\.nc: vdd=0\.8 is not one of 0\.7"):
        characterized(data, table, TECHNOLOGY, MacroModel())


def test_nominal_gates_stand_for_those_with_global_variation(gates_table, table, monkeypatch):
    monkeypatch.setattr("analysis.gatenumbers.switching", lambda *_: {})
    drawn = table.sel(process=["tt"]).assign_coords(process=["mc"])
    gates = characterized(gates_table.sel(process=["tt"]), drawn, TECHNOLOGY, MacroModel())
    assert gates.energy.shape == (len(KINDS), 1, 4, 1)


def test_a_grid_that_does_not_reach_an_adder_is_refused(gates_table):
    narrow = gates_table.assign_coords(load=("load", [1e-17, 2e-17], {"units": "F"}))
    with pytest.raises(TableError, match=r"load=.* F is outside the table's 1e-17\.\.2e-17 F"):
        numbers(at(narrow), TECHNOLOGY)
