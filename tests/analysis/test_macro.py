import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from analysis import logic, macro, parts
from analysis.architecture import DESIGNS, MacroError, MacroGeometry, MacroModel, described, ports
from analysis.column import HELD, OPERATION
from analysis.gatenumbers import CELL_HEIGHT
from netlists.gatebench import WIRE_PITCHES
from netlists.technology import load

GEOMETRY = MacroGeometry()


def at(data, **where):
    return data.sel(process="tt", vdd=0.9, **where).squeeze("temp", drop=True)


def test_all_variables_have_unit_and_name(macro_dataset):
    assert set(macro_dataset.data_vars) == set(macro.VARIABLES)
    for name, array in macro_dataset.data_vars.items():
        assert array.attrs["units"]
        assert array.attrs["long_name"]
        assert array.dims[0] == "design", name


def test_attributes_of_the_table_are_kept(macro_dataset):
    assert macro_dataset.attrs["technology"] == "synthetic"
    assert macro_dataset["vdd"].attrs["units"] == "V"
    assert MacroGeometry.of(macro_dataset) == GEOMETRY


def test_dataset_survives_netcdf(macro_dataset, tmp_path):
    macro_dataset.to_netcdf(tmp_path / "macro.nc")
    with xr.open_dataset(tmp_path / "macro.nc") as read:
        xr.testing.assert_identical(read.load(), macro_dataset)


@pytest.mark.parametrize("name", ["energy_per_cycle", "area"])
def test_components_sum_to_the_total(macro_dataset, name):
    parts = macro_dataset[f"{name}_components"].sum("component")
    np.testing.assert_allclose(parts, macro_dataset[name], rtol=1e-12)


def test_cycle_is_the_longest_sum_of_stages(macro_dataset):
    stages = macro_dataset["cycle_time_stages"]
    sums = [stages.sel(stage=list(group)).sum("stage") for group in macro.PIPELINE]
    np.testing.assert_allclose(macro_dataset["cycle_time"], np.maximum(*sums))


def test_stages_by_hand(macro_dataset, spread):
    stages, k = at(macro_dataset["cycle_time_stages"]), macro_dataset["sigma_level"]
    ddc = stages.sel(design="ddc")
    assert float(ddc.sel(stage="read")) == pytest.approx(105e-12 * (1 + spread * float(k.sel(design="ddc"))))
    assert float(ddc.sel(stage="precharge")) == float(ddc.sel(stage="read"))
    tree = 4 * 2 * 2.4 * 47.8e-12 + (2.4 + 2) * 47.8e-12 + 11 * 2 * 47.8e-12
    assert float(ddc.sel(stage="adder_tree")) == pytest.approx(tree)
    assert float(ddc.sel(stage="merge")) == pytest.approx(2 * 47.8e-12)


def test_sigma_level_covers_every_cell_and_output():
    for design in DESIGNS:
        k = macro.sigma_level(GEOMETRY, MacroModel(), design)
        n = 32 * 64 * 16 * 4 * design.outputs
        assert (1 - 0.5 * math.erfc(k / math.sqrt(2))) ** n == pytest.approx(0.99, abs=1e-6)


def test_energy_by_hand(macro_dataset):
    energy = at(macro_dataset["energy_per_cycle_components"])
    assert float(energy.sel(design="baseline", component="array")) == pytest.approx(512 * 2.5e-15 / 8)
    assert float(energy.sel(design="ddc", component="array")) == pytest.approx(512 * 3.0e-15 / 8)
    adders, registers = 2 * 274 * (3 * 0.7e-15 + 2 * 1.05e-15), 2 * 13 * 2.1e-15
    expected = 0.25 * 0.81 * (adders + registers)
    assert float(energy.sel(design="baseline", component="adder_tree")) == pytest.approx(expected)
    assert float(energy.sel(design="ddc", component="adder_tree")) == pytest.approx(2 * expected)
    assert float(energy.sel(design="baseline", component="recover")) == 0
    drivers = 0.25 * 0.81 * 512 * 4 * 0.35e-15
    assert float(energy.sel(design="baseline", component="drivers")) == pytest.approx(drivers, rel=1e-12)


def test_reading_for_every_bit_moves_energy_into_the_array(table, cell_area):
    often = macro.evaluate(table, GEOMETRY, cell_area, MacroModel(reads_per_pass=8))
    energy = at(often["energy_per_cycle_components"])
    assert float(energy.sel(design="baseline", component="array")) == pytest.approx(512 * 2.5e-15)
    once = at(macro.evaluate(table, GEOMETRY, cell_area)["energy_per_cycle_components"])
    multiply = {"design": "baseline", "component": "multiply"}
    assert float(energy.sel(multiply)) < float(once.sel(multiply))


def test_both_nodes_double_the_weights_and_not_the_area(macro_dataset):
    baseline, ddc = (macro_dataset.sel(design=name) for name in ("baseline", "ddc"))
    assert float(ddc["weight_bits_equivalent"]) == 2 * float(baseline["weight_bits_equivalent"])
    assert float(ddc["capacity_bits"]) == float(baseline["capacity_bits"])
    assert 1 < float(ddc["area"] / baseline["area"]) < 2
    assert (ddc["tops"] <= 2 * baseline["tops"]).all()


@pytest.mark.parametrize("factor", [1.01, 2.0])
def test_more_read_energy_means_more_energy(make_table, cell_area, factor):
    table, changed = make_table(), make_table()
    for name in ("e_read", "e_read_single"):
        changed[name] = changed[name] * factor
    before, after = (macro.evaluate(t, GEOMETRY, cell_area) for t in (table, changed))
    assert (after["energy_per_cycle"] > before["energy_per_cycle"]).all()
    assert (after["tops_per_watt"] < before["tops_per_watt"]).all()
    np.testing.assert_array_equal(after["cycle_time"], before["cycle_time"])


def test_slower_conditions_are_slower(macro_dataset):
    cycle = macro_dataset["cycle_time"]
    assert (cycle.diff("vdd") < 0).all()
    assert (cycle.sel(process="ss") > cycle.sel(process="tt")).all()
    assert (macro_dataset["cycle_time"] > macro_dataset["cycle_time_mean"]).all()


def test_a_nominal_table_has_no_spread(table, cell_area):
    nominal = table.copy()
    for name in list(table.data_vars):
        if name.endswith("_std"):
            nominal[name] = np.nan * table[name]
        if name.endswith("_n_ok"):
            nominal[name] = 0 * table[name] + 1
    found = macro.evaluate(nominal, GEOMETRY, cell_area)
    np.testing.assert_array_equal(found["cycle_time"], found["cycle_time_mean"])
    assert (found["energy_per_cycle_std"] == 0).all()


def test_conditions_without_numbers_stay_without(table, cell_area):
    table["t_read_p"] = table["t_read_p"].where(table["vdd"] != 0.7)
    found = macro.evaluate(table, GEOMETRY, cell_area)
    assert np.isnan(found["cycle_time"].sel(vdd=0.7, design="ddc")).all()
    assert np.isfinite(found["cycle_time"].sel(vdd=0.7, design="baseline")).all()
    assert np.isfinite(found["cycle_time"].sel(vdd=0.8)).all()


def test_samples_left_out_are_passed_on(table, cell_area):
    table["t_read_n_n_failed"] = table["t_read_n_n_failed"] + 7
    failed = macro.evaluate(table, GEOMETRY, cell_area)["n_failed"]
    assert (failed.sel(design="baseline") == 0).all()
    assert (failed.sel(design="ddc") == 7).all()


def test_a_characterized_precharge_is_used(table, cell_area):
    for name, factor in (("t_precharge", 2), ("t_precharge_single", 3)):
        table[name], table[f"{name}_std"] = factor * table["t_read_p"], 0 * table["t_read_p"]
    found = macro.evaluate(table, GEOMETRY, cell_area)
    for design, name in (("ddc", "t_precharge"), ("baseline", "t_precharge_single")):
        np.testing.assert_allclose(found["cycle_time_stages"].sel(design=design, stage="precharge"), table[name])
    assert found["cycle_time_stages"].attrs["precharge"] == "characterized"


def test_energy_and_leakage_are_means_over_the_stored_states(table, cell_area):
    worse = macro.evaluate(table, GEOMETRY, cell_area)
    for name in ("e_read_single", "i_leak"):
        table[f"{name}_lobes"] = xr.concat([table[name], 0.5 * table[name]], "lobe").transpose(..., "lobe")
    mean = macro.evaluate(table, GEOMETRY, cell_area)
    for design, share in (("baseline", 0.75), ("ddc", 1.0)):
        arrays = [m["energy_per_cycle_components"].sel(design=design, component="array") for m in (mean, worse)]
        np.testing.assert_allclose(arrays[0], share * arrays[1])
    np.testing.assert_allclose(mean["leakage_power"], 0.75 * worse["leakage_power"])


@pytest.mark.parametrize(
    "name", ["t_read_single", "t_read_n", "e_read", "e_read_single", "i_leak", "t_fo4", "i_leak_std"]
)
def test_a_missing_variable_is_named(table, cell_area, name):
    with pytest.raises(MacroError, match=rf"variable {name} is missing in the table \(tables\.nc\)"):
        macro.evaluate(table.drop_vars(name), GEOMETRY, cell_area)


def test_a_missing_dimension_is_named(table, cell_area):
    with pytest.raises(MacroError, match="variable i_leak has no dimension temp"):
        macro.evaluate(table.isel(temp=0), GEOMETRY, cell_area)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rows": 0}, r"rows=0 is not a positive integer \(macro\.rows\)"),
        ({"macros": 1.5}, r"macros=1\.5 is not a positive integer"),
        ({"columns": 12}, r"columns=12 is not a multiple of weight_bits=8"),
        ({"rows": 40}, r"rows=40 is not a multiple of rows_per_local_bitline=16"),
    ],
)
def test_geometries_that_cannot_be(fields, message):
    with pytest.raises(MacroError, match=message):
        MacroGeometry(**fields)


def test_models_that_cannot_be(table, cell_area):
    with pytest.raises(MacroError, match=r"activity=-1 is not a finite number"):
        MacroModel(activity=-1)
    with pytest.raises(MacroError, match="reads_per_pass=0 is below 1"):
        MacroModel(reads_per_pass=0)
    with pytest.raises(MacroError, match=r"timing_yield=1\.0 is outside 0\.\.1"):
        MacroModel(timing_yield=1.0)
    with pytest.raises(MacroError, match=r"placement=0 is not above 0 and at most 1"):
        MacroModel(placement=0)
    with pytest.raises(MacroError, match=r"cell_area=0 m2 is not positive"):
        macro.evaluate(table, GEOMETRY, 0)
    with pytest.raises(MacroError, match="macro_geometry is missing"):
        MacroGeometry.of(table)


@pytest.mark.parametrize("rows", [16, 128])
def test_other_sizes(table, cell_area, rows):
    found = macro.evaluate(table, MacroGeometry(compartments=20, rows=rows, columns=32, macros=1), cell_area)
    assert float(found["capacity_bits"][0]) == 20 * rows * 32
    np.testing.assert_allclose(found["area_components"].sum("component"), found["area"])


def one(data, design="baseline"):
    return at(data).sel(design=design)


def test_double_the_rows(table, cell_area, characterized_gates):
    """Twice the cells, strips and word-line drivers; accumulators one bit wider; as many products."""
    low, high = (
        macro.evaluate(table, MacroGeometry(rows=rows), cell_area, gates=characterized_gates) for rows in (32, 64)
    )
    for name in ("capacity_bits", "weight_bits_equivalent"):
        np.testing.assert_array_equal(high[name], 2 * low[name])
    for component in ("array", "drivers", "means"):
        doubled = high["area_components"].sel(component=component) / low["area_components"].sel(component=component)
        np.testing.assert_allclose(doubled[doubled.notnull()], 2, err_msg=component)
    trees = [m["area_components"].sel(component="adder_tree") for m in (low, high)]
    np.testing.assert_array_equal(*trees)
    registers = [(logic.accumulator(13, bits) * 2).gates["dff"] for bits in (26, 27)]
    clocks = [float(one(m["energy_per_cycle_components"]).sel(component="accumulator")) for m in (low, high)]
    assert 1 < clocks[1] / clocks[0] < registers[1] / registers[0] + 1e-9
    np.testing.assert_allclose(high["tops"] * high["cycle_time"], low["tops"] * low["cycle_time"])


def test_double_the_columns(table, cell_area, characterized_gates):
    """Twice the words: all but the recover unit's counters, and the drivers of rows and inputs, is there twice."""
    narrow, wide = (
        macro.evaluate(table, MacroGeometry(columns=columns), cell_area, gates=characterized_gates).sel(
            design="baseline"
        )
        for columns in (16, 32)
    )
    for name, component in (("area_components", "adder_tree"), ("energy_per_cycle_components", "accumulator")):
        np.testing.assert_allclose(
            wide[name].sel(component=component), 2 * narrow[name].sel(component=component), rtol=1e-12
        )
    np.testing.assert_allclose(wide["energy_per_cycle"], 2 * narrow["energy_per_cycle"], rtol=1e-12)
    np.testing.assert_allclose(wide["tops"] * wide["cycle_time"], 2 * narrow["tops"] * narrow["cycle_time"], rtol=1e-12)


def test_one_compartment_by_hand(table, cell_area, flat, characterized_gates):
    """One strip of 16 rows x 8 columns, no tree: 8 NOR2, a register of 8 bits and an accumulator of 20."""
    geometry = MacroGeometry(compartments=1, rows=16, columns=8, macros=1)
    found = macro.evaluate(table, geometry, cell_area, MacroModel(reads_per_pass=8), characterized_gates)
    vdd = 0.9
    unit = flat.energy * vdd**2
    pitch = load("predictive28").geometry
    wire = pitch.wire_capacitance * pitch.gate_pitch * WIRE_PITCHES
    clock = 2 * unit + (flat.pin + wire) * vdd**2
    active = characterized_gates.activity["precharged"]["accumulator"]
    energy = one(found["energy_per_cycle_components"])
    # 20 adders and flip-flops; 8 exclusive ors at the sum; NAND2 and inverter at 19 bits.
    accumulator = 20 * clock + active * (20 + 20 + 8 + 2 * 19) * unit
    assert float(energy.sel(component="accumulator")) == pytest.approx(accumulator, rel=1e-12)
    assert float(energy.sel(component="adder_tree")) == pytest.approx(8 * clock + 0.5 * 8 * unit, rel=1e-12)
    assert float(energy.sel(component="array")) == pytest.approx(8 * 2.5e-15, rel=1e-12)
    loads = 8 * 0.5 * 0.5 * (flat.pin + wire) * vdd**2
    assert float(energy.sel(component="drivers")) == pytest.approx(loads, rel=1e-12)
    assert float(energy.sel(component="multiply")) == 0
    read = 99e-12 * (1 + 0.05 * float(found["sigma_level"].sel(design="baseline")))
    register = (flat.delay + flat.setup) / vdd
    # Accumulator: carry into the upper part, and along its 11 further bits.
    accumulate = (1 + 11) * flat.delay / vdd + register
    assert float(one(found["cycle_time"])) == pytest.approx(max(2 * read + register, accumulate), rel=1e-9)
    row = CELL_HEIGHT * pitch.gate_pitch**2 / 0.7
    area = found["area_components"].sel(design="baseline")
    assert float(area.sel(component="array")) == pytest.approx(128 * cell_area + 8 * 4 * row, rel=1e-12)
    assert float(area.sel(component="drivers")) == pytest.approx(16 * 4 * row + 2 * 9 * row, rel=1e-12)
    assert float(area.sel(component="multiply")) == pytest.approx(8 * 3 * row, rel=1e-12)


@pytest.mark.parametrize("gates", [None, "characterized"])
def test_ddc_is_the_baseline_and_its_extra_parts(table, cell_area, characterized_gates, gates):
    """Twice the output gates, trees and accumulators, those of split trees besides; the unit and the means alone."""
    found = macro.evaluate(table, GEOMETRY, cell_area, gates=characterized_gates if gates else None)
    area = found["area_components"]
    baseline, ddc = area.sel(design="baseline"), area.sel(design="ddc")
    shared, twice = ["array"], ["multiply", "adder_tree"]
    np.testing.assert_allclose(ddc.sel(component=shared), baseline.sel(component=shared), rtol=1e-12)
    np.testing.assert_allclose(ddc.sel(component=twice), 2 * baseline.sel(component=twice), rtol=1e-12)
    words, split = 2, 3
    more = (2 * words + 2 * (split - 1)) / words
    accumulators = [design.sel(component="accumulator") for design in (baseline, ddc)]
    np.testing.assert_allclose(accumulators[1], more * accumulators[0], rtol=1e-12)
    assert float(baseline.sel(component=["recover", "means"]).sum()) == 0
    means = float(ddc.sel(component="means"))
    assert means >= 64 * 8 * split * cell_area  # one M for each part of a split tree
    energy = at(found["energy_per_cycle_components"])
    per_pass = float(energy.sel(design="ddc", component="means"))
    assert per_pass == pytest.approx(16 * 3.0e-15 / 8, rel=1e-12)


def test_a_tree_that_splits_has_a_sum_and_a_product_for_each_part_and_input():
    """Against one that does not split: 4 sums, 4 products, 2 additions to results and a mean in each row more."""
    ddc = next(design for design in DESIGNS if design.splits)

    def gates(split, kind):
        geometry = MacroGeometry(split_windows=split)
        found = [part.block for part in parts.recover_parts(geometry, ddc) if part.component == "recover"]
        return sum(block.gates.get(kind, 0) for block in found)

    more = gates(3, "dff") - gates(1, "dff")
    sum_bits, counted = GEOMETRY.sum_bits, GEOMETRY.sum_bits - GEOMETRY.weight_bits + 1
    assert more == 4 * counted + 4 * (sum_bits + GEOMETRY.weight_bits)
    assert gates(3, "full_adder") - gates(1, "full_adder") > 2 * (sum_bits - 1)
    cells = [parts.mean_cells(MacroGeometry(split_windows=split), ddc) for split in (1, 2, 3)]
    assert cells == [64 * 8 * 2, 64 * 8 * 2, 64 * 8 * 3]


def test_resting_accumulators_take_clock_energy_unless_gated(table, cell_area, characterized_gates):
    free, gated = (
        at(
            macro.evaluate(table, GEOMETRY, cell_area, MacroModel(idle_clock=share), characterized_gates)[
                "energy_per_cycle_components"
            ].sel(component="accumulator")
        )
        for share in (1.0, 0.0)
    )
    assert float(free.sel(design="baseline")) == float(gated.sel(design="baseline"))
    assert float(gated.sel(design="ddc")) == pytest.approx(2 * float(gated.sel(design="baseline")), rel=1e-12)
    resting = 2 * 2 * GEOMETRY.sum_bits
    clock = float(characterized_gates.clock[0, 2, 0])
    assert float(free.sel(design="ddc") - gated.sel(design="ddc")) == pytest.approx(resting * clock, rel=1e-9)


def test_gates_vary_independently_along_a_path(table, cell_area, characterized_gates):
    hops = logic.adder_tree_path(32, 8)
    shape = characterized_gates.clock.shape
    varying = dataclasses.replace(characterized_gates, delay_std=dict.fromkeys(logic.HOPS, np.full(shape, 1e-12)))
    still, found = (macro.evaluate(table, GEOMETRY, cell_area, gates=g) for g in (characterized_gates, varying))
    more = (found["cycle_time_stages"] - still["cycle_time_stages"]).sel(stage="adder_tree", design="baseline")
    k = float(found["sigma_level"].sel(design="baseline"))
    np.testing.assert_allclose(more, k * 1e-12 * math.sqrt(sum(hops.values())), rtol=1e-6)
    np.testing.assert_allclose(found["cycle_time_mean"], still["cycle_time_mean"])


@pytest.fixture
def at_work(table):
    """The table with the metrics of a column at work: 1 fJ, and 3 fJ a row, twice that on both nodes."""
    for suffix, times in (("_single", 1.0), ("", 2.0)):
        for name in (*OPERATION, *HELD):
            value = 3e-15 if name == "e_held_row" else 1e-15
            table[f"{name}{suffix}"] = times * value * xr.ones_like(table["e_read"])
            table[f"{name}{suffix}_std"] = 0 * table["e_read"]
    return table


def test_a_column_at_work_by_part(at_work, cell_area):
    every = macro.evaluate(at_work, GEOMETRY, cell_area, MacroModel(reads_per_pass=8))
    energy = one(every["energy_per_cycle_components"])
    assert float(energy.sel(component="array")) == pytest.approx(512 * 2e-15, rel=1e-12)
    assert float(energy.sel(component="drivers")) == pytest.approx(512 * 1e-15, rel=1e-12)
    merging = 0.25 * 0.81 * 512 * 2 * 0.7e-15
    assert float(energy.sel(component="multiply")) == pytest.approx(512 * 1e-15 + merging, rel=1e-12)
    assert "e_compute_single by part" in every.attrs["array_energy"]
    held = macro.evaluate(at_work, GEOMETRY, cell_area)
    energy = one(held["energy_per_cycle_components"])
    assert float(energy.sel(component="array")) == pytest.approx(512 * 3e-15 / 8, rel=1e-12)
    assert float(energy.sel(component="multiply")) == pytest.approx(512 * 1e-15 + merging, rel=1e-12)
    latches = 512 * 4 * 2 * 0.614e-12
    more = held["area_components"] - every["area_components"]
    np.testing.assert_allclose(more.sel(component="multiply"), latches, rtol=1e-9)
    assert float(one(held["cycle_time_stages"]).sel(stage="latch")) == pytest.approx(47.8e-12, rel=1e-12)
    assert float(one(every["cycle_time_stages"]).sel(stage="latch")) == 0


def test_many_macros_at_once_are_each_alone(at_work, cell_area, characterized_gates):
    geometries = [
        GEOMETRY, MacroGeometry(compartments=8, columns=32), MacroGeometry(rows=16, input_bits=4),
        MacroGeometry(compartments=20, macros=1),
    ]  # fmt: skip
    many = macro.evaluate_all(at_work, geometries, cell_area, gates=characterized_gates)
    for place, geometry in enumerate(geometries):
        alone = macro.evaluate(at_work, geometry, cell_area, gates=characterized_gates)
        for name in macro.VARIABLES:
            row = many[name].isel(geometry=place) if "geometry" in many[name].dims else many[name]
            np.testing.assert_array_equal(row, alone[name], err_msg=name)


PARAMETERS = [(kind, item) for kind in (MacroGeometry, MacroModel) for item in dataclasses.fields(kind)]


@pytest.mark.parametrize(("kind", "item"), PARAMETERS, ids=lambda x: getattr(x, "name", None))
def test_every_parameter_has_unit_source_and_documentation(kind, item):
    assert item.metadata["unit"]
    assert item.metadata["source"]
    page = Path(__file__).parents[2] / "docs" / "macro.md"
    assert f"`{item.name}`" in page.read_text(encoding="utf-8")


def test_of_several_offsets_none_is_taken_and_its_absence_told(table, macro_dataset, cell_area):
    swept = xr.concat([table * 2, table], "dv_wl").assign_coords(dv_wl=[-0.1, 0.0]).assign_attrs(table.attrs)
    for name in table.variables:
        swept[name].attrs = table[name].attrs
    xr.testing.assert_allclose(macro.evaluate(swept, GEOMETRY, cell_area), macro_dataset)
    with pytest.raises(MacroError, match=r"dv_wl=0 V, which the macro model refers to, is not one of -0.1 V"):
        macro.evaluate(swept.isel(dv_wl=[0]), GEOMETRY, cell_area)


def test_bounds_of_a_synchronous_macro(macro_dataset, table, characterized_gates):
    """Inputs are stable for all of the first pipeline stage; published gates have no clock, characterized ones have."""
    stages = macro_dataset["cycle_time_stages"]
    first = stages.sel(stage=list(macro.PIPELINE[0])).sum("stage")
    np.testing.assert_allclose(macro_dataset["setup_input"], first)
    np.testing.assert_array_equal(macro_dataset["clock_to_output"], stages.sel(stage="register"))
    assert np.isnan(macro_dataset["energy_clock"]).all()
    model = MacroModel(idle_clock=1.0)
    found = macro.evaluate(table, GEOMETRY, 1.2e-13, model, characterized_gates)
    (baseline,) = (design for design in DESIGNS if design.outputs == 1)
    flip_flops = GEOMETRY.words * (GEOMETRY.tree_bits + GEOMETRY.sum_bits)
    clock = flip_flops * characterized_gates.clock
    np.testing.assert_allclose(found["energy_clock"].sel(design=baseline.name), clock)
    assert (found["energy_clock"] < found["energy_per_cycle"]).all()


@pytest.mark.parametrize("geometry", [GEOMETRY, MacroGeometry(compartments=1, rows=16, columns=8, split_windows=1)])
def test_ports_are_as_wide_as_what_they_carry(geometry):
    """Sums have the bits that the accumulators' flip-flops have; an address of one place needs no port."""
    for design in DESIGNS:
        found = {port.name: port.bits for port in ports(geometry, design)}
        accumulators = [
            part.block.counts[logic.FLIP_FLOP]
            for part in parts.parts(geometry, design, 1, False, True)
            if part.component == "accumulator"
        ]
        assert sum(found[f"sum_{node}"] for node in "pn"[: design.outputs]) == sum(accumulators)
        assert ("inn" in found) == (design.outputs == 2)
        assert found["inp"] == geometry.compartments
        assert 2 ** found["row"] == geometry.rows
        assert 2 ** found.get("compartment", 0) == geometry.compartments
        assert found["data"] == geometry.columns
    assert json.loads(json.dumps(described(geometry)))["ddc"]["words"] == geometry.words
