"""Cycles, time and energy of layers and networks, one by one and at many design points at once."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis import macro, network, workloads
from analysis.architecture import MacroError, MacroGeometry
from analysis.mapping import Mapping
from analysis.network import Memories
from analysis.workloads import Layer

GEOMETRY = MacroGeometry()
SCHEDULE = Mapping()


@pytest.mark.parametrize(
    ("name", "windows", "low", "high"),
    [
        ("mobilenet_v2", 2, 2.3, 2.4),
        ("mobilenet_v2", 3, 2.4, 2.5),
        ("efficientnet_b0", 2, 2.1, 2.2),
        ("efficientnet_b0", 3, 2.1, 2.2),
        ("resnet18", 3, 1.99, 2.0),
        ("vgg16", 3, 1.99, 2.0),
        ("alexnet", 3, 1.99, 2.0),
    ],
)
def test_speedup_of_networks(macro_dataset, name, windows, low, high):
    found = network.evaluate(workloads.load(name), macro_dataset, Mapping(depthwise_windows=windows))
    assert low <= float(network.speedup(network.total(found)).sel(design="ddc")) <= high


def test_speedup_obeys_the_bound_of_the_depthwise_share(macro_dataset):
    found = network.evaluate(workloads.load("mobilenet_v2"), macro_dataset)
    baseline = found["cycles_compute"].sel(design="baseline")
    share = float(baseline.where(found["type"] == "depthwise", 0).sum() / baseline.sum())
    assert share == pytest.approx(0.32, abs=0.005)
    assert float(network.speedup(network.total(found)).sel(design="ddc")) < 2 / (1 - share)


@pytest.fixture
def mobilenet(macro_dataset):
    return network.evaluate(workloads.load("mobilenet_v2"), macro_dataset, name="mobilenet_v2")


def test_all_variables_have_unit_and_name(mobilenet):
    assert set(mobilenet.data_vars) == set(network.VARIABLES)
    for data in (mobilenet, network.total(mobilenet)):
        assert all(array.attrs["units"] and array.attrs["long_name"] for array in data.data_vars.values())
    assert mobilenet.attrs["technology"] == "synthetic"
    assert mobilenet.attrs["network"] == "mobilenet_v2"
    assert mobilenet["vdd"].attrs["units"] == "V"


def test_energy_components_sum_to_the_total(mobilenet):
    for data in (mobilenet, network.total(mobilenet)):
        np.testing.assert_allclose(data["energy_components"].sum("component"), data["energy"], rtol=1e-12)


def test_layers_sum_to_the_network(mobilenet):
    whole = network.total(mobilenet)
    assert int(whole["macs"]) == 300774272
    np.testing.assert_allclose(whole["time"], mobilenet["time"].sum("layer"))
    possible = 32 * 2 * 4 * whole["cycles_compute"].sel(design="baseline") / 8
    assert float(whole["utilization"].sel(design="baseline")) == pytest.approx(300774272 / float(possible))


def test_one_layer_by_hand(macro_dataset):
    layer = Layer("p", "pointwise", 1, 32, 4, 4, 16, 1, 1)
    found = network.evaluate([layer], macro_dataset).isel(layer=0)
    one = found.sel(process="tt", vdd=0.9).squeeze("temp")
    plain = macro_dataset.sel(process="tt", vdd=0.9).squeeze("temp")
    assert one["cycles_compute"].values.tolist() == [16 * 2 * 8, 16 * 8]
    assert one["cycles_load"].values.tolist() == [32 * 16 * 8 // (16 * 4), 32 * 8 * 8 // (16 * 4)]
    np.testing.assert_allclose(one["time"], plain["cycle_time"] * one["cycles"])
    energy = one["energy_components"]
    expected = 4 * plain["energy_per_cycle"] * one["cycles_compute"]
    np.testing.assert_allclose(energy.sel(component="macro"), expected)
    np.testing.assert_allclose(energy.sel(component="leakage"), 4 * plain["leakage_power"] * one["time"])
    weights, means, maps = 32 * 16 * 8, 8 * 8, (32 + 16) * 16 * 8
    dram = 7.91e-12 * np.array([weights + maps, weights / 2 + means + maps])
    np.testing.assert_allclose(energy.sel(component="dram"), dram)
    np.testing.assert_allclose(energy.sel(component="weight_write"), 0.026e-12 * np.array([weights, weights / 2]))


def test_maps_inside_the_buffer_do_not_pass_dram(macro_dataset):
    layers = [Layer(f"p{i}", "pointwise", 1, 32, 4, 4, 32, 1, 1) for i in range(3)]
    dram = network.evaluate(layers, macro_dataset)["energy_components"].sel(component="dram", design="baseline")
    dram = dram.isel(process=0, vdd=0, temp=0)
    weights, maps = 32 * 32 * 8, 32 * 16 * 8
    np.testing.assert_allclose(dram, 7.91e-12 * np.array([weights + maps, weights, weights + maps]))


def test_more_read_energy_costs_more(table, cell_area, mobilenet):
    for name in ("e_read", "e_read_single"):
        table[name] = 2 * table[name]
    dearer = macro.evaluate(table, GEOMETRY, cell_area)
    assert (network.evaluate(workloads.load("mobilenet_v2"), dearer)["energy"] > mobilenet["energy"]).all()


def test_gating_saves_energy(macro_dataset, mobilenet):
    gated = network.evaluate(workloads.load("mobilenet_v2"), macro_dataset, Mapping(idle_energy=0.0))
    before, after = (d["energy_components"].sel(component="macro").sum("layer") for d in (mobilenet, gated))
    assert (after < before).all()


def test_memories_do_not_depend_on_the_supply(mobilenet):
    fixed = mobilenet["energy_components"].sel(component=["weight_write", "input_buffer", "global_buffer", "dram"])
    assert (fixed == fixed.isel(vdd=0)).all()


def test_rows_of_the_csv(mobilenet, tmp_path):
    frame = network.to_frame(mobilenet)
    assert len(frame) == 2 * 3 * 4 * 1
    frame.to_csv(tmp_path / "network.csv", index=False)
    read = pd.read_csv(tmp_path / "network.csv")
    assert list(read.columns[:5]) == ["network", "design", "process", "vdd_v", "temp_k"]
    assert {"latency_s", "energy_j", "cycles", "speedup", "energy_dram_j"} <= set(read.columns)
    parts = read[[f"energy_{c}_j" for c in network.COMPONENTS]].sum(axis=1)
    np.testing.assert_allclose(parts, read["energy_j"])
    assert (read.loc[read["design"] == "baseline", "speedup"] == 1).all()


def test_layer_table(mobilenet):
    table = network.layer_table(mobilenet)
    assert len(table) == 53
    assert table["macs"].sum() == 300774272
    assert (table["cycles_baseline"] / table["speedup_ddc"] == table["cycles_ddc"]).all()
    assert table.loc[table["type"] != "depthwise", "speedup_ddc"].max() <= 2


DESIGN_POINTS = [
    (GEOMETRY, SCHEDULE),
    (GEOMETRY, Mapping(depthwise_windows=2, fill_cycles=3, recover_cycles=1, idle_energy=0.5)),
    (MacroGeometry(compartments=16, macros=2), Mapping(depthwise_macros=1, load_bits=128, double_buffered=True)),
    (MacroGeometry(columns=32, rows=16), Mapping(pixel_macros=2, input_macros=2, depthwise_words=3, output_bits=4)),
    (MacroGeometry(macros=8), Mapping(baseline_depthwise_macros=1, buffer_bits=64, dram_bits=16)),
]


@pytest.fixture(scope="module")
def macros(make_table, cell_area):
    """The macro of each design point, at two supplies."""
    table = make_table().sel(process=["tt"], vdd=[0.9, 1.0])
    return [macro.evaluate(table, geometry, cell_area) for geometry, _ in DESIGN_POINTS]


@pytest.mark.parametrize("name", ["efficientnet_b0", "alexnet"])
def test_a_sweep_equals_the_loop_over_its_points(name, macros):
    layers, (geometries, mappings) = workloads.load(name), zip(*DESIGN_POINTS, strict=True)
    each = [
        network.total(network.evaluate(layers, array, mapping, name=name))
        for array, mapping in zip(macros, mappings, strict=True)
    ]
    found = network.sweep(layers, xr.concat(macros, "geometry"), mappings, geometries, name=name)
    assert found["time"].dims == ("geometry", "design", "process", "vdd", "temp")
    for variable in network.VARIABLES:
        expected = xr.concat([one[variable] for one in each], "geometry")
        np.testing.assert_allclose(*xr.broadcast(found[variable], expected), rtol=1e-12)
        assert found[variable].attrs == each[0][variable].attrs
    assert len(np.unique(found["energy"].isel(design=1, process=0, vdd=0))) == len(DESIGN_POINTS)


def test_what_evaluate_all_gives_serves_as_it_is(macros, table, cell_area):
    layers, (geometries, mappings) = workloads.load("lenet5"), zip(*DESIGN_POINTS, strict=True)
    cells = table.sel(process=["tt"], vdd=[0.9, 1.0])
    found = network.sweep(layers, macro.evaluate_all(cells, geometries, cell_area), mappings, geometries)
    alone = [network.total(network.evaluate(layers, *each)) for each in zip(macros, mappings, strict=True)]
    np.testing.assert_allclose(found["energy"], xr.concat([one["energy"] for one in alone], "geometry"), rtol=1e-12)


def test_a_foreign_dimension_is_named(macros):
    several = xr.concat(macros, "point")
    with pytest.raises(MacroError, match="dimension 'point' of the macro Dataset is not one of geometry, design"):
        network.sweep(workloads.load("lenet5"), several, *zip(*[each[::-1] for each in DESIGN_POINTS], strict=True))


def test_one_macro_serves_all_points(macro_dataset):
    mappings = [Mapping(depthwise_windows=n) for n in (1, 2, 3)]
    found = network.sweep(workloads.load("mobilenet_v2"), macro_dataset, mappings)
    assert found.sizes["geometry"] == 3
    gain = network.speedup(found).sel(design="ddc")
    assert (gain.diff("geometry") > 0).all()


def test_waiting_for_memories(macro_dataset):
    layers = [Layer(f"p{i}", "pointwise", 1, 32, 4, 4, 8, 1, 1) for i in range(2)]

    def baseline(**choices):
        found = network.evaluate(layers, macro_dataset, Mapping(**choices)).sel(design="baseline")
        return [found[name].values.tolist() for name in ("cycles_compute", "cycles_stall", "cycles_load", "cycles")]

    assert baseline() == [[128, 128], [0, 0], [32, 32], [160, 160]]
    assert baseline(buffer_bits=16) == [[128, 128], [128, 128], [32, 32], [288, 288]]  # 16 x 32 x 8 bits / 16
    assert baseline(double_buffered=True)[2] == [32, 0]
    assert baseline(load_bits=64)[2] == [8, 8]
    assert baseline(dram_bits=16)[1:3] == [[128, 0], [128, 128]]  # the first map: 4096 bits; weights: 2048 bits


def test_errors(macro_dataset):
    layers = workloads.load("alexnet")
    with pytest.raises(MacroError, match="at least one layer"):
        network.evaluate([], macro_dataset)
    with pytest.raises(MacroError, match=r"variable leakage_power is missing in the macro Dataset \(macro\.nc\)"):
        network.evaluate(layers, macro_dataset.drop_vars("leakage_power"))
    with pytest.raises(MacroError, match="depthwise_windows=4 exceeds split_windows=3"):
        network.evaluate(layers, macro_dataset, Mapping(depthwise_windows=4))
    with pytest.raises(MacroError, match="depthwise_words=3 exceeds the 2 words of a row"):
        network.evaluate(layers, macro_dataset, Mapping(depthwise_words=3))
    with pytest.raises(MacroError, match="pixel_macros=3 times input_macros=1 does not divide macros=4"):
        network.evaluate(layers, macro_dataset, Mapping(pixel_macros=3))
    with pytest.raises(MacroError, match="depthwise_macros=3 exceeds the 2 macros over output channels"):
        network.evaluate(layers, macro_dataset, Mapping(pixel_macros=2, depthwise_macros=3))
    with pytest.raises(MacroError, match="fill_cycles=-1 is below 0"):
        Mapping(fill_cycles=-1)
    with pytest.raises(MacroError, match="2 and 3 of mappings, geometries or macros"):
        network.sweep(layers, macro_dataset, [SCHEDULE] * 3, [GEOMETRY] * 2)
    with pytest.raises(MacroError, match="output_bits=0 is below 1"):
        Mapping(output_bits=0)
    with pytest.raises(MacroError, match=r"idle_energy=2 is outside 0\.\.1"):
        Mapping(idle_energy=2)
    with pytest.raises(MacroError, match="dram=-1 is not a finite number"):
        Memories(dram=-1)


PARAMETERS = [(kind, item) for kind in (Mapping, Memories) for item in dataclasses.fields(kind)]


@pytest.mark.parametrize(("kind", "item"), PARAMETERS, ids=lambda x: getattr(x, "name", None))
def test_every_parameter_has_unit_source_and_documentation(kind, item):
    assert item.metadata["unit"]
    assert item.metadata["source"]
    page = Path(__file__).parents[2] / "docs" / "network.md"
    assert f"`{item.name}`" in page.read_text(encoding="utf-8")
