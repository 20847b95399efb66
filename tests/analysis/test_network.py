import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import macro, mapping, network, workloads
from analysis.architecture import DESIGNS, MacroError, MacroGeometry
from analysis.mapping import Mapping, Shapes
from analysis.network import Memories
from analysis.workloads import Layer

GEOMETRY = MacroGeometry()
BASELINE, DDC = DESIGNS
SCHEDULE = Mapping()


def cycles(layer, design, schedule=SCHEDULE, geometry=GEOMETRY):
    return int(mapping.compute_cycles(Shapes.of([layer]), geometry, design, schedule)[0])


def brute_force(layer, design, geometry):
    """Passes counted one by one: every window, every row address, every load of outputs or of channels."""
    count = 0
    windows = itertools.product(range(layer.batch), range(layer.output_height), range(layer.output_width))
    for _ in windows:
        if layer.type == "depthwise":
            fit = 1
            while design.splits and fit < geometry.split_windows and (
                (fit + 1) * layer.inputs_per_window <= geometry.compartments
            ):  # fmt: skip
                fit += 1
            blocks = [(layer.channels, geometry.macros * design.outputs * fit)]
        else:
            blocks = [(layer.filters // layer.groups, geometry.macros * geometry.words * design.outputs)] * layer.groups
        for outputs, together in blocks:
            for _ in range(0, outputs, together):
                for _ in range(0, layer.inputs_per_window, geometry.compartments):
                    count += geometry.input_bits
    return count


@st.composite
def layers(draw):
    kind = draw(st.sampled_from(workloads.LAYER_TYPES))
    kernel = draw(st.sampled_from([1, 2, 3, 5, 7])) if kind in ("standard", "depthwise") else 1
    groups = draw(st.integers(1, 3)) if kind == "standard" else 1
    channels, filters = groups * draw(st.integers(1, 40)), groups * draw(st.integers(1, 40))
    if kind == "depthwise":
        groups = filters = channels
    size = 1 if kind == "fc" else draw(st.integers(1, 6))
    stride = draw(st.integers(1, 2))
    return Layer("x", kind, 1, channels, size, size, filters, kernel, kernel, stride, kernel // 2, groups)


@st.composite
def geometries(draw):
    return MacroGeometry(
        compartments=draw(st.integers(1, 40)),
        columns=8 * draw(st.integers(1, 3)),
        macros=draw(st.integers(1, 5)),
        split_windows=draw(st.integers(1, 4)),
    )


@given(layer=layers(), geometry=geometries(), design=st.sampled_from(DESIGNS))
def test_cycles_equal_counted_passes(layer, geometry, design):
    assert cycles(layer, design, geometry=geometry) == brute_force(layer, design, geometry)


@given(layer=layers(), geometry=geometries())
def test_gain_is_at_most_two_without_depthwise(layer, geometry):
    gain = cycles(layer, BASELINE, geometry=geometry) / cycles(layer, DDC, geometry=geometry)
    assert 1 <= gain <= (2 * geometry.split_windows if layer.type == "depthwise" else 2)


@given(layer=layers(), geometry=geometries(), design=st.sampled_from(DESIGNS))
def test_utilization_is_at_most_one(layer, geometry, design):
    shapes = Shapes.of([layer])
    used = mapping.utilization(shapes, geometry, design, np.array([cycles(layer, design, geometry=geometry)]))
    assert 0 < used[0] <= 1


@pytest.mark.parametrize("design", DESIGNS, ids=lambda d: d.name)
def test_the_smallest_layer_takes_one_pass(design):
    assert cycles(Layer("x", "pointwise", 1, 1, 1, 1, 1, 1, 1), design) == 8
    assert cycles(Layer("x", "depthwise", 1, 1, 1, 1, 1, 1, 1), design) == 8


def test_published_formulas():
    point = Layer("p", "pointwise", 1, 96, 56, 56, 24, 1, 1)
    assert cycles(point, BASELINE) == 56 * 56 * 3 * 3 * 8
    assert cycles(point, DDC) == 56 * 56 * 3 * 2 * 8
    deep = Layer("d", "depthwise", 1, 96, 56, 56, 96, 3, 3, pad=1, groups=96)
    assert cycles(deep, BASELINE) == 56 * 56 * 24 * 8
    assert cycles(deep, DDC) == 56 * 56 * 4 * 8
    assert cycles(deep, DDC, Mapping(depthwise_windows=2)) == 56 * 56 * 6 * 8
    five = Layer("d", "depthwise", 1, 96, 56, 56, 96, 5, 5, pad=2, groups=96)
    assert cycles(five, DDC) == 56 * 56 * 12 * 8


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


def test_partial_sums_spill_only_beyond_the_rows():
    shapes = Shapes.of([Layer("f", "fc", 1, 32 * 64, 1, 1, 8, 1, 1), Layer("g", "fc", 1, 32 * 64 + 1, 1, 1, 8, 1, 1)])
    moved = mapping.traffic(shapes, GEOMETRY, BASELINE, SCHEDULE, 10**9)
    assert (moved.output_buffer - 2 * 8 * 8).tolist() == [0, 2 * 8 * GEOMETRY.sum_bits]


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
