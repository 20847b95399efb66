"""Energy, latency and area of the in-MRAM engine from MADE-UP numbers of cells and gates, simple enough to check."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from synthetic import CELL_AREA, FLAT, made_up_mram, synthetic_gates, synthetic_table

from analysis import engine, engine_tables, gatenumbers, logic, macro, network, workloads
from analysis.architecture import MacroError, MacroGeometry
from analysis.engine import COMPONENTS, LENGTHS
from analysis.engine_cell import Operations
from analysis.engine_mapping import Engine, Precision, copies, place, steps
from analysis.logic import COMPOSED, KINDS, Gates, by_kind
from analysis.mapping import Mapping
from analysis.network import Memories
from analysis.workloads import Layer
from netlists import Sot2T1M, technology

TECHNOLOGY = technology.load("predictive28")
VDDS = (0.9, 1.0)
ACTIVITY = 0.6


@pytest.fixture(scope="module")
def table():
    return made_up_mram(VDDS)


@pytest.fixture(scope="module")
def cell(table):
    return Operations.of(table, TECHNOLOGY, 256)


@pytest.fixture(scope="module")
def gates():
    """MADE-UP: every gate the same, a composed one as many as it has."""
    vdd = np.reshape(VDDS, (1, -1, 1))
    each = {kind: 0.0 if kind in ("input_load", "precharge") else 1.0 for kind in KINDS if kind not in COMPOSED}
    counted = by_kind(each)
    many = counted[:, None, None, None]
    delay = dict.fromkeys(logic.HOPS, FLAT.delay / vdd)
    activity = dict.fromkeys(logic.ROLES, 0.5) | {"accumulator": 0.8}
    return Gates("made up", counted * 1e-12, many * FLAT.energy * vdd**2, many * FLAT.leakage * vdd, delay,
                 dict.fromkeys(logic.HOPS, 0 * vdd), 3 * FLAT.energy * vdd**2,
                 {"held": activity, "precharged": activity})  # fmt: skip


@pytest.fixture(scope="module")
def networks(table, cell, gates):
    return {
        name: engine.evaluate(workloads.load(name), table, cell, gates, ACTIVITY, name=name)
        for name in ("alexnet", "lenet5")
    }


def of(data, component, **at):
    return float(data["energy_components"].sel(component=component, vdd=1.0, **at).squeeze())


@pytest.mark.parametrize("name", ["alexnet", "lenet5"])
def test_the_energy_balance_closes_and_times_add_up(networks, name):
    data = networks[name]
    assert (data["energy_components"] >= 0).all()
    xr.testing.assert_allclose(data["energy_components"].sum("component"), data["energy"], rtol=1e-12)
    xr.testing.assert_allclose(data["time_phases"].sum("phase"), data["time"], rtol=1e-12)
    rows = engine_tables.rows(data)
    parts = sum(rows[f"energy_{component}_j"] for component in COMPONENTS)
    assert np.allclose(parts, rows["energy_j"], rtol=1e-12)
    whole = rows[rows["layers"] == "all"]
    assert whole["energy_j"].sum() == pytest.approx(float(data["energy"].sum()), rel=1e-12)
    assert set(rows["layers"]) == set(engine_tables.SCOPES)
    assert len(rows) == 3 * len(LENGTHS) ** 2 * len(VDDS)


def test_ands_are_macs_times_planes_and_idle_columns_cost_as_many(networks, table, cell, gates):
    data = networks["alexnet"]
    planes = data["weight_bits"] * data["input_bits"]
    assert (data["ands"] == data["macs"] * planes).all()
    gated = engine.evaluate(
        workloads.load("alexnet"), table, cell, gates, ACTIVITY, Engine(idle_columns=0.0), lengths=(8,)
    )
    energy = gated["energy_components"].sel(component="and", vdd=1.0).sum()
    macs = sum(layer.macs for layer in workloads.load("alexnet"))
    assert float(energy) == pytest.approx(64 * macs * 20e-15, rel=1e-12)
    own = data["energy_components"].sel(component="and", vdd=1.0, weight_bits=8, input_bits=8).sum()
    rows = data["activations"].sel(weight_bits=8, input_bits=8).sum()
    assert float(own) == pytest.approx(256 * float(rows) * 20e-15, rel=1e-12)


def test_one_layer_by_hand(table, cell, gates):
    """300 inputs, 40 filters, 2:2: two chunks; 127 slots of one filter each hold all 40."""
    layer, memories = Layer("x", "fc", 1, 300, 1, 1, 40, 1, 1), Memories()
    at = place(layer, Engine(), Precision(2, 2))
    assert (at.chunks, at.ways, at.slots, at.tiles, at.occupied) == (2, 1, 127, 1, 2)
    taken = steps(at, Engine(), Precision(2, 2))
    assert (taken.operations, taken.input_pulses, taken.weight_pulses) == (40 * 4, 2 * 4, 40 * 2 * 4)
    data = engine.evaluate([layer], table, cell, gates, ACTIVITY, lengths=(2,))
    assert of(data, "input_write") == pytest.approx(300 * 2 * 1e-12)
    assert of(data, "weight_write") == 0  # they fit and stay
    assert float(data["programming_energy"].sel(vdd=1.0).squeeze()) == pytest.approx(300 * 40 * 2 * 1e-12)
    assert of(data, "and") == pytest.approx(2 * 40 * 4 * 256 * 20e-15)
    assert of(data, "input_buffer") == pytest.approx((300 * 2 + 300 * 2) * memories.input_buffer)
    assert of(data, "output_buffer") == pytest.approx(2 * (40 * 2 + 40 * 32) * memories.output_buffer)
    assert of(data, "dram") == pytest.approx((300 * 2 + 40 * 2) * memories.dram)
    phases = data["time_phases"].sel(vdd=1.0).squeeze().values
    cycle = float(data["cycle_stages"].sel(vdd=1.0).max())
    assert phases.tolist() == pytest.approx([160 * cycle, 8 * 10e-9, 0.0])


def test_logic_of_flat_gates_by_hand(cell, gates):
    """Every transition of a made-up gate takes the same energy."""
    unit, hardware = engine.unit_energies(cell, gates, ACTIVITY, Engine()), Engine()
    flat = FLAT.energy  # at 1 V
    adders = 247 + 47
    latches = 256 * 2 * 2 * (1 / 4) * (3 / 4)
    assert unit["activations"][0, 1, 0] == pytest.approx((adders * ACTIVITY + latches) * flat)
    assert unit["merges"][0, 1, 0] == pytest.approx(32 * 0.8 * flat)
    width = 9 + 16  # adders, registers, three of a multiplexer; signs of 9 bits; two to drop what is stored
    block = width + width + 3 * width + 9 + 2 * (width - 1)
    assert unit["counts"][0, 1, 0] == pytest.approx((0.8 * block + 0.5 * 9 + 3 * (width + 9)) * flat)
    delays = engine.stage_delays(cell, gates, hardware)
    netlist = engine.counter(hardware)
    hops = {hop: np.array(1.0) for hop in logic.HOPS}
    depth = engine.arrival(netlist, hops)
    assert depth >= np.log2(256)
    count = (depth + 2) * FLAT.delay  # latch and register
    assert delays["count"][0, 1, 0] == pytest.approx(float(count))
    assert delays["and"][0, 1, 0] == pytest.approx(3e-9)  # and precharge


def test_arrival_at_the_end_of_a_chain_of_carries():
    hops = {"sum": np.array(3.0), "carry_out": np.array(2.0), "carry": np.array(1.0)}
    netlist = engine.bit_counter(16, 4)
    one = engine.arrival(netlist, hops)
    assert engine.arrival(netlist, {hop: 2 * delay for hop, delay in hops.items()}) == 2 * one
    assert engine.arrival(engine.bit_counter(2, 1), hops) == 3.0
    assert engine.arrival(engine.bit_counter(3, 1), hops) == 3.0


def test_weights_stay_where_all_fit_and_only_there(networks):
    small, large = networks["lenet5"], networks["alexnet"]
    assert (small["resident"] == 1).all()
    assert (large["resident"] == 0).all()
    assert float(small["energy_components"].sel(component="weight_write").sum()) == 0
    written = large["energy_components"].sel(component="weight_write", vdd=1.0).squeeze(drop=True)
    assert np.allclose(written, large["weight_writes"] * 1e-12)
    assert (large["sub_arrays"].sel(layer="fc6") > Engine().subarrays).any()


def test_copies_share_the_windows_as_far_as_they_fit(table, cell, gates):
    layers = workloads.load("lenet5")
    one = engine.evaluate(layers, table, cell, gates, ACTIVITY)
    many = engine.evaluate(layers, table, cell, gates, ACTIVITY, Engine(copies=1000))
    assert (many["energy_components"].sel(component="and") == one["energy_components"].sel(component="and")).all()
    first = many["time"].sel(layer="c1") / one["time"].sel(layer="c1")
    at = place(layers[0], Engine(), Precision(8, 8))
    assert copies(at, Engine(copies=1000)) == 512
    assert float(first.sel(weight_bits=8, input_bits=8, vdd=1.0).squeeze()) == pytest.approx(2 / 784)
    assert many["time"].sel(layer="output").equals(one["time"].sel(layer="output"))


def test_area_and_its_parts(networks, cell):
    data = networks["alexnet"]
    assert float(data["area"]) == pytest.approx(float(data["area_components"].sum()), rel=1e-12)
    cells = float(data["area_components"].sel(part="cells"))
    pitch = TECHNOLOGY.geometry.gate_pitch
    assert cell.cell_area == pytest.approx((600e-9 + pitch) * 2 * pitch)
    assert cells == pytest.approx(32 * 2**20 * cell.cell_area)


def test_areas_of_two_transistors_and_a_latch(table, cell):
    kind = {"kind": "sot2t1m", "w_write": 600e-9, "w_read": 90e-9, "w_latch": 3e-6, "l": 30e-9, "pulse": 2e-9}
    found = Operations.of(table.assign_attrs(cell=json.dumps(kind)), TECHNOLOGY, 256)
    pitch = TECHNOLOGY.geometry.gate_pitch
    lines = TECHNOLOGY.geometry.wire_capacitance * 4 * pitch
    assert Sot2T1M().sized(TECHNOLOGY).wire(TECHNOLOGY, 1) == pytest.approx(lines)  # as long as its wire
    assert found.cell_area == pytest.approx((600e-9 + pitch) * 4 * pitch)
    assert found.sense_area == pytest.approx((4.75 * 3e-6 + pitch) * 2 * pitch)
    narrow = Operations.of(table.assign_attrs(cell=json.dumps(kind | {"w_latch": 0.4e-6})), TECHNOLOGY, 256)
    # resets are no narrower than a gate's transistor
    widths = 4.25 * 0.4e-6 + 4 * TECHNOLOGY.w_n
    assert narrow.sense_area == pytest.approx((widths + pitch) * 2 * pitch)
    assert (found.rows_driven, cell.rows_driven, found.t_write) == (2, 1, 2e-9)


def test_states_are_averaged_and_the_slower_result_counts(table):
    given = table.copy()
    given["t_and_lobes"] = xr.concat([table["t_and"], 0.5 * table["t_and"]], "lobe")
    given["e_switch_lobes"] = xr.concat([table["e_switch"], 3 * table["e_switch"]], "lobe")
    found = Operations.of(given, TECHNOLOGY, 256)
    assert found.e_write[0, 1, 0] == pytest.approx(2e-12)
    assert found.t_and[0, 1, 0] == 1e-9  # the slower result
    assert found.wrong.ravel().tolist() == pytest.approx([0.02, 0.02])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: t.drop_vars("e_and"),
            r"e_and missing in tables.nc: the engine needs e_and, t_and, t_recharge_and, e_switch",
        ),
        (lambda t: t.assign(e_switch=t["e_switch"] * np.nan), "e_switch has no number at any condition"),
        (lambda t: t.assign_attrs(cell=json.dumps({"kind": "sram6t"})), "'sram6t' has no write pulse"),
        (lambda t: t.assign_attrs(readpath=json.dumps({"rows": 64})), r"has 64 rows: set rows = 256 in \[readpath\]"),
    ],
)
def test_what_a_run_lacks_is_named(table, change, message):
    with pytest.raises(MacroError, match=message):
        Operations.of(change(table), TECHNOLOGY, 256)


def test_no_layers_are_refused(table, cell, gates):
    with pytest.raises(MacroError, match="at least one layer"):
        engine.evaluate([], table, cell, gates, ACTIVITY)


def test_edges_at_8_bits_and_inner_layers(networks):
    data = networks["alexnet"]
    rows = engine_tables.rows(data).set_index(["layers", "weight_bits", "input_bits", "vdd_v"])["energy_j"]
    energy = data["energy"].squeeze(drop=True)
    inner = energy.sel(weight_bits=1, input_bits=2, vdd=1.0)[1:-1].sum()
    edges = energy.sel(weight_bits=8, input_bits=8, vdd=1.0)[[0, -1]].sum()
    assert rows["inner", 1, 2, 1.0] == pytest.approx(float(inner))
    assert rows["edges 8:8", 1, 2, 1.0] == pytest.approx(float(inner + edges))
    assert rows["edges 8:8", 8, 8, 1.0] == pytest.approx(rows["all", 8, 8, 1.0])
    short = engine_tables.rows(data.sel(weight_bits=[1], input_bits=[1]).isel(layer=[0, 1]))
    assert set(short["layers"]) == {"all"}


def test_published_energy_beside_ours(networks):
    rows = pd.concat([engine_tables.rows(data) for data in networks.values()], ignore_index=True)
    found = engine_tables.beside(rows)
    assert set(found["network"]) == {"alexnet"}
    same = rows[rows["network"] == "alexnet"].reset_index(drop=True)
    assert np.allclose(found["over_published"] * 785.25e-6, same["energy_j"])
    assert np.allclose(found["over_published_without_dram"] * 785.25e-6, same["energy_without_dram_j"])


def test_sram_macros_on_the_same_network():
    table = synthetic_table().sel(process=["tt"])
    layers, own = workloads.load("lenet5"), MacroGeometry(input_bits=1)
    found = engine_tables.sram(layers, engine_tables.macros(table, own, CELL_AREA, None, (1, 8)), "lenet5")
    built = macro.evaluate(table, own, CELL_AREA)
    assert (built["cycle_time"] > built["cycle_time_mean"]).all()
    mean = built.assign(cycle_time=built["cycle_time_mean"])  # as the engine: cells and gates at the mean
    alone = network.evaluate(layers, mean, Mapping(output_bits=1))
    mine = found["sram ddc"]["energy_components"].sel(weight_bits=8, input_bits=1)
    assert np.array_equal(mine, alone["energy_components"].sel(design="ddc"))
    time = found["sram ddc"]["time"].sel(weight_bits=8, input_bits=1)
    assert np.array_equal(time, alone["time"].sel(design="ddc"))
    assert list(found) == ["sram baseline", "sram ddc"]
    rows = engine_tables.rows(found["sram ddc"]).set_index(["layers", "weight_bits", "input_bits", "vdd_v"])
    assert rows.loc[("all", 8, 8, 0.9), "energy_j"] > rows.loc[("all", 1, 1, 0.9), "energy_j"]
    assert rows.loc[("all", 8, 8, 0.9), "macs"] == 416520
    places = ("macro", "leakage", "weight_write", "input_buffer", "output_buffer", "global_buffer", "dram")
    parts = [f"energy_{place}_j" for place in places]
    assert np.allclose(rows[parts].sum(axis=1), rows["energy_j"], rtol=1e-12)


def test_activity_of_a_counter_is_measured_by_events(table):
    """More ones among operands switch more; never more than every gate twice is far from what one row makes."""
    data = synthetic_gates(vdds=VDDS, processes=("tt",))
    netlist = engine.bit_counter(32, 1)
    few, half = (gatenumbers.counter_activity(data, table, TECHNOLOGY, netlist, ones) for ones in (0.2, 0.5))
    assert 0 < few < half < 3
