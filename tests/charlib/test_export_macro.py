"""Exports of a macro: packages that run where this suite is not, loaded from where they are written."""

import ast
import importlib
import json
import subprocess
import sys
import types
from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
import xarray as xr
import yaml
from scipy.interpolate import PchipInterpolator

from analysis.architecture import MacroGeometry, described
from charlib import TableError
from charlib.export import FORMATS, export
from charlib.export.standalone.table import OutsideTable, Table, cubic

DESIGNS, PROCESSES, PARTS = ("baseline", "ddc"), ("tt", "ss"), ("array", "adder_tree", "means")
VDD, TEMP = (0.6, 0.75, 0.9, 1.0), (233.15, 298.15, 398.15)
GEOMETRY = {
    "compartments": 32, "rows": 64, "columns": 16, "macros": 4, "rows_per_local_bitline": 16, "weight_bits": 8,
    "input_bits": 8, "split_windows": 3,
}  # fmt: skip
MEMORIES = {
    "dram": 8e-12, "global_read": 0.2e-12, "global_write": 0.1e-12, "input_buffer": 0.05e-12, "cell_write": 0.026e-12,
    "global_bits": 4096,
}  # fmt: skip


def macro():
    """A macro with numbers as smooth as real ones; a part that one design has not costs nothing."""
    design, process, vdd, temp = np.ix_([1.0, 2.0], [1.0, 0.7], VDD, TEMP)
    cycle = 2e-10 * np.exp(3 / vdd) / process * (temp / 300) ** -0.3
    share = np.array([0.2, 0.8, 0.0])
    energy = (1e-12 * design * process * vdd**2 * (temp / 300) ** 0.1)[..., None] * share
    energy[1, ..., 2] = 1e-15
    axes = ("design", "process", "vdd", "temp")
    return xr.Dataset(
        {
            "cycle_time": (axes, np.broadcast_to(cycle, energy.shape[:-1])),
            "leakage_power": (axes, 1e-6 * design * process * np.exp(vdd + (temp - 300) / 40)),
            "energy_per_cycle_components": ((*axes, "component"), energy),
            "area_components": (("design", "component"), np.array([[5e-9, 4e-9, 0.0], [5e-9, 8e-9, 1e-10]])),
        },
        {"design": list(DESIGNS), "process": list(PROCESSES), "vdd": list(VDD), "temp": list(TEMP),
         "component": list(PARTS)},
        {"title": "PIM macro", "technology": "freepdk45/vtg", "macro_geometry": json.dumps(GEOMETRY),
         "macro_designs": json.dumps(described(MacroGeometry(**GEOMETRY))), "memories": json.dumps(MEMORIES),
         "memory_sources": json.dumps({"dram": "a test"})},
    )  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    macro().to_netcdf(folder / "macro.nc")
    return folder


@pytest.fixture(scope="module")
def packages(results, tmp_path_factory):
    """The folder of both packages."""
    dest = tmp_path_factory.mktemp("packages")
    for to in ("zigzag", "hwcomponents"):
        export(results, to, dest)
    return dest


@pytest.fixture(scope="module")
def table(packages):
    return Table.read(packages / "zigzag_pimchar_freepdk45_vtg" / "table.csv")


@pytest.fixture
def plugin(packages, monkeypatch):
    """The plug-in with stand-ins for the classes of hwcomponents."""

    @dataclass
    class ActionCost:
        energy: float
        latency: float
        throughput: float

    class ComponentModel:
        def __init__(self, leak_power, area):
            self.leak_power, self.area = leak_power, area

    stand_in = types.ModuleType("hwcomponents")
    stand_in.ActionCost, stand_in.ComponentModel, stand_in.action = (
        ActionCost,
        ComponentModel,
        lambda function: function,
    )
    monkeypatch.setitem(sys.modules, "hwcomponents", stand_in)
    monkeypatch.syspath_prepend(packages)
    yield importlib.import_module("hwcomponents_pimchar_freepdk45_vtg")
    for name in [name for name in sys.modules if name.startswith("hwcomponents_pimchar")]:
        del sys.modules[name]


def test_the_table_is_exact_on_the_grid(table):
    data = macro()
    for design, process, vdd, temp in product(DESIGNS, PROCESSES, VDD, TEMP):
        found = table.at(design, process, vdd, temp - 273.15)
        here = data.sel(design=design, process=process, vdd=vdd, temp=temp)
        assert found["cycle_time_s"] == here["cycle_time"]
        assert found["leakage_power_w"] == here["leakage_power"]
        for part in PARTS:
            assert found[f"energy_{part}_j"] == here["energy_per_cycle_components"].sel(component=part)
            assert found[f"area_{part}_m2"] == here["area_components"].sel(component=part)


@pytest.mark.parametrize("vdd", [0.61, 0.7, 0.82, 0.99])
def test_between_the_grid_it_is_the_cubic_of_scipy(table, vdd):
    """At a temperature of the grid; an independent implementation of the same slopes."""
    line = macro()["cycle_time"].sel(design="ddc", process="ss", temp=298.15)
    expected = np.exp(PchipInterpolator(VDD, np.log(line.values))(vdd))
    assert table.at("ddc", "ss", vdd, 25.0)["cycle_time_s"] == pytest.approx(expected, rel=1e-12)


def test_both_axes_between_the_grid(table):
    """Within a per cent of the law that the numbers follow."""
    found = table.at("baseline", "tt", 0.82, 60.0)["cycle_time_s"]
    assert found == pytest.approx(2e-10 * np.exp(3 / 0.82) * (333.15 / 300) ** -0.3, rel=0.01)


@pytest.mark.parametrize(
    "values", [[1.0, 2.0, 2.0, 9.0], [9.0, 1.0, 4.0, 3.0], [0.0, 0.0, 5.0, -1.0], [1.0, 0.0, 0.0, 1.0]]
)
def test_slopes_at_extrema_and_ends_are_those_of_scipy(values):
    grid = [0.0, 1.0, 3.0, 4.0]
    scaled = np.log(values) if min(values) > 0 else np.array(values)
    expected = PchipInterpolator(grid, scaled)(np.linspace(0, 4, 33))
    expected = np.exp(expected) if min(values) > 0 else expected
    assert [cubic(grid, values, x) for x in np.linspace(0, 4, 33)] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("at", "message"),
    [
        (("mram", "tt", 0.9, 25.0), r"design='mram' is not one of baseline, ddc \(table.csv\)"),
        (("ddc", "ff", 0.9, 25.0), r"process='ff' is not one of tt, ss \(table.csv\)"),
        (("ddc", "tt", 1.2, 25.0), r"vdd=1.2 V is outside 0.6..1 V of the table \(table.csv\)"),
        (("ddc", "tt", 0.9, 126.0), r"temp_c=126 degC is outside -40..125 degC of the table \(table.csv\)"),
        (("ddc", "tt", float("nan"), 25.0), r"vdd=nan V is outside"),
    ],
)
def test_what_the_table_does_not_hold_is_refused(table, at, message):
    with pytest.raises(OutsideTable, match=message):
        table.at(*at)


def test_a_condition_without_a_number_is_refused_and_others_are_not(tmp_path):
    data = macro()
    data["cycle_time"] = data["cycle_time"].copy()
    data["cycle_time"].loc[{"process": "ss", "vdd": 0.6}] = np.nan
    data.to_netcdf(tmp_path / "macro.nc")
    export(tmp_path, "hwcomponents", tmp_path / "out")
    table = Table.read(tmp_path / "out" / "hwcomponents_pimchar_freepdk45_vtg" / "table.csv")
    with pytest.raises(OutsideTable, match=r"cycle_time_s has no number at ss, 0.65 V, 25 degC"):
        table.at("ddc", "ss", 0.65, 25.0)
    assert table.at("ddc", "ss", 0.75, 25.0)["cycle_time_s"] > 0


def test_component_models_add_up(plugin):
    """The macro is the sum of its parts and of its multipliers; a multiplication takes a cycle for each input bit."""
    at = {"design": "'ddc'", "process": '"ss"', "vdd": 0.75, "temp_c": 25.0}
    whole, share = plugin.PimcharMacro(**at), plugin.PimcharMac(**at)
    parts = [plugin.PimcharPart(part, **at) for part in PARTS]
    here = macro().sel(design="ddc", process="ss", vdd=0.75, temp=298.15)
    assert whole.compute().energy == pytest.approx(float(here["energy_per_cycle_components"].sum()), rel=1e-14)
    assert whole.compute().energy == pytest.approx(sum(part.compute().energy for part in parts), rel=1e-14)
    assert whole.area == pytest.approx(sum(part.area for part in parts), rel=1e-14)
    assert whole.leak_power == float(here["leakage_power"])
    assert whole.compute().latency == float(here["cycle_time"])
    assert share.lanes == 32 * 2 * 2
    assert share.compute().energy * share.lanes == pytest.approx(8 * whole.compute().energy, rel=1e-14)
    assert share.compute().latency == pytest.approx(8 * whole.compute().latency, rel=1e-14)
    assert share.compute().throughput == pytest.approx(1 / share.compute().latency, rel=1e-14)
    assert (share.area * share.lanes, share.leak_power * share.lanes) == pytest.approx((whole.area, whole.leak_power))
    assert whole.read() == whole.compute()


def test_component_models_refuse(plugin):
    with pytest.raises(ValueError, match=r"vdd=1.2 V is outside 0.6..1 V"):
        plugin.PimcharMacro(vdd=1.2)
    with pytest.raises(ValueError, match=r"part='decoder' is not one of array, adder_tree, means \(table.csv\)"):
        plugin.PimcharPart("decoder")


@pytest.mark.parametrize(("design", "outputs"), [("baseline", 1), ("ddc", 2)])
def test_the_accelerator_of_a_design(packages, design, outputs):
    """Costs per bit are those of the memories; a word that serves two filters is written once."""
    text = (packages / "zigzag_pimchar_freepdk45_vtg" / f"{design}.yaml").read_text()
    assert "$" not in text
    data = yaml.safe_load(text)
    assert data["operational_array"]["sizes"] == [2 * outputs, 32, 4]
    memories = data["memories"]
    assert memories["cells"]["size"] == 64 * 8
    assert memories["accumulator"]["size"] == 27  # 8 bits, 32 of them, 8 input bits, 64 rows
    assert memories["global_buffer"]["size"] == MEMORIES["global_bits"]

    def per_bit(name, cost):
        return memories[name][cost] / memories[name]["ports"][0]["bandwidth_max"]

    assert per_bit("cells", "w_cost") * outputs == pytest.approx(0.026)
    assert per_bit("input_buffer", "r_cost") == pytest.approx(0.05)
    assert (per_bit("global_buffer", "r_cost"), per_bit("global_buffer", "w_cost")) == pytest.approx((0.2, 0.1))
    assert per_bit("dram", "r_cost") == pytest.approx(8.0)


@pytest.mark.parametrize("to", ["zigzag", "hwcomponents"])
def test_a_package_is_whole(packages, to):
    folder = packages / f"{to}_pimchar_freepdk45_vtg"
    for path in folder.glob("*.py"):
        ast.parse(path.read_text())
    about = json.loads((folder / "macro.json").read_text())
    assert about["geometry"] == GEOMETRY
    assert about["technology"] == "freepdk45/vtg"


def broken(folder, **changes):
    """A results directory whose macro lacks variables (``drop``) or attributes (``without``)."""
    data = macro().drop_vars(changes.get("drop", []))
    data.attrs = {key: value for key, value in data.attrs.items() if key not in changes.get("without", [])}
    data.to_netcdf(folder / "macro.nc")


def refused(directory, to, dest, message):
    with pytest.raises(TableError, match=message) as caught:
        export(directory, to, dest)
    assert "\n" not in str(caught.value)


def test_every_mistake_is_one_line(tmp_path, results, packages):
    out = tmp_path / "out"
    refused(tmp_path, "zigzag", out, r"has no macro.nc, which `pimchar run` makes")
    refused(results, "timeloop", out, r"format 'timeloop' is not one of .*zigzag, hwcomponents")
    refused(results, "zigzag", packages, r"zigzag_pimchar_freepdk45_vtg exists: remove it or choose another --dest")
    broken(tmp_path, drop=["leakage_power"])
    refused(tmp_path, "hwcomponents", out, r"has no leakage_power; `pimchar macro .*` makes it anew")
    broken(tmp_path, without=["memories"])
    refused(tmp_path, "zigzag", out, r"has no memories; `pimchar macro .*` makes it anew")


@pytest.mark.parametrize(
    ("to", "name"),
    [
        ("netcdf", "tables.nc"),
        ("csv", "tables.nc"),
        ("csv", "periphery.nc"),
        ("liberty", "periphery.nc"),
        ("liberty", "macro.nc"),
        ("zigzag", "macro.nc"),
        ("hwcomponents", "macro.nc"),
    ],
)
def test_a_broken_file_is_named_and_nothing_is_written(results, tmp_path, to, name):
    whole = (results / "macro.nc").read_bytes()
    for content in (whole[: len(whole) // 2], b"nothing", b""):
        (tmp_path / name).write_bytes(content)
        refused(tmp_path, to, tmp_path / "out", f"{name} is not readable: ")
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("to", FORMATS)
def test_a_destination_that_is_no_folder(results, tmp_path, to):
    for name in FORMATS[to].sources:
        (tmp_path / name).write_bytes((results / "macro.nc").read_bytes())
    (tmp_path / "file").write_text("")
    refused(tmp_path, to, tmp_path / "file", f"file is not a folder: name one for the files of {to}")
    refused(tmp_path, to, tmp_path / "file" / "below", "below cannot be made: Not a directory")


def test_a_package_says_what_it_needs(packages, tmp_path):
    """Where ZigZag is not installed: one line, whether it is started or imported."""
    command = [sys.executable, "-m", "zigzag_pimchar_freepdk45_vtg", "mobilenetv2"]
    done = subprocess.run(command, cwd=packages, capture_output=True, text=True, env={"PYTHONPATH": str(packages)})
    needs = "zigzag_pimchar_freepdk45_vtg needs zigzag-dse 3.9.1 and six: pip install zigzag-dse==3.9.1 six"
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert needs in done.stderr
