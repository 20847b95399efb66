"""Exports, each read back by a tool that takes the format."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from liberty.parser import parse_liberty
from liberty.types import select_cell, select_pin
from najaeda import netlist

from charlib import Conditions, LogicTable, LookupTable, TableError, Variation, characterize, characterize_logic
from charlib.export import FORMATS, export
from charlib.export.liberty import boolean
from charlib.export.libertytext import DIGITS
from netlists.logic import GATES

pytestmark = pytest.mark.ngspice

KINDS = ("inverter", "nand2", "half_adder", "dff")
HERE = Conditions(process=["ss"], vdd=[0.9], temp=[298.15])
EXACT = 0.5 * 10 ** (1 - DIGITS)
TOP = """
module top (input a, input b, input clk, output q, output co);
  wire s, n, m;
  half_adder ha (.a(a), .b(b), .s(s), .co(co));
  nand2 g (.a(s), .b(a), .y(n));
  inverter i (.a(n), .y(m));
  dff f (.d(m), .clk(clk), .q(q));
endmodule
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "results"
    characterize(conditions=HERE, variation=Variation(samples=3), metrics=["i_leak", "i_read"], out=folder, workers=1)
    characterize_logic(gates=KINDS, conditions=HERE, out=folder, workers=2, slews=(0.5, 4.0), loads=(1.0, 6.0))
    return folder


@pytest.fixture(scope="module")
def libraries(results, tmp_path_factory):
    """Of the corner that was measured, and of one with the same numbers under another name."""
    folder = tmp_path_factory.mktemp("liberty")
    measured = xr.load_dataset(results / "periphery.nc")
    xr.concat([measured.assign_coords(process=["tt"]), measured], "process", data_vars="minimal", compat="equals",
              join="exact", coords="minimal").to_netcdf(folder / "periphery.nc")  # fmt: skip
    return export(folder, "liberty", folder / "lib")


@pytest.fixture(scope="module")
def slow(results, libraries):
    """Gates at ss as they were measured, and as the parser reads them."""
    data = xr.load_dataset(results / "periphery.nc").sel(process="ss", vdd=0.9, temp=298.15)
    (path,) = (path for path in libraries if "_ss_" in path.name)
    return data, parse_liberty(path.read_text())


def text(group, name):
    """An attribute without its quotes, empty where there is none."""
    found = group[name]
    return "" if found is None else str(found).strip('"')


def when(side):
    return " & ".join(part[:-2] if part.endswith("1") else f"!{part[:-2]}" for part in side.split(",") if part)


def table(group, kind):
    (found,) = group.get_groups(kind)
    return np.squeeze(found.get_array("values"))


def arc_group(library, kind, cell, related, side, output):
    groups = select_pin(select_cell(library, cell), output).get_groups(kind)
    side = "" if cell == "dff" else when(side)
    (found,) = (g for g in groups if text(g, "related_pin") == related and text(g, "when") == side)
    return found


def test_one_library_for_each_corner(libraries):
    assert [path.name for path in libraries] == ["predictive28_tt_0v9_25c.lib", "predictive28_ss_0v9_25c.lib"]


def test_every_delay_and_slew_comes_back(slow):
    data, library = slow
    assert data.sizes["arc"] == 20
    for i in range(data.sizes["arc"]):
        cell, pin, side, output, edge = (
            str(data[f"arc_{c}"].values[i]) for c in ("gate", "pin", "side", "output", "output_edge")
        )
        group = arc_group(library, "timing", cell, pin, side, output)
        np.testing.assert_allclose(table(group, f"cell_{edge}"), data["delay"].values[i] * 1e12, rtol=EXACT)
        np.testing.assert_allclose(table(group, f"{edge}_transition"), data["output_slew"].values[i] * 1e12, rtol=EXACT)


def test_every_energy_comes_back_less_what_charges_loads(slow):
    """Each event once: with the first output that answers, else with the input."""
    data, library = slow
    arcs = {}
    for arc, output, edge in zip(*(data[n].values for n in ("arc", "arc_output", "arc_output_edge")), strict=True):
        arcs.setdefault(arc.rsplit(" ", 1)[0], {})[str(output)] = str(edge)
    tables = 0
    for i, event in enumerate(data["event"].values):
        cell, pin, side, edge = (str(data[f"event_{c}"].values[i]) for c in ("gate", "pin", "side", "edge"))
        expected = data["energy"].values[i] * 1e15
        if event in arcs:
            output = next(o for o in GATES[cell].outputs if o in arcs[event])
            group = arc_group(library, "internal_power", cell, pin, side, output)
            rising = sum(e == "rise" for e in arcs[event].values())
            found = table(group, f"{arcs[event][output]}_power")
            charge = rising * data["load"].values * 1e15 * 0.9**2
            np.testing.assert_allclose(found + charge, expected, rtol=1e-6, atol=1e-6)
        else:
            groups = select_pin(select_cell(library, cell), pin).get_groups("internal_power")
            (group,) = (g for g in groups if text(g, "when") == when(side))
            np.testing.assert_allclose(table(group, f"{edge}_power"), expected[:, 0], rtol=EXACT)
        tables += 1
    groups = [g for cell in library.get_groups("cell") for pin in cell.get_groups("pin")
              for power in pin.get_groups("internal_power") for g in power.groups]  # fmt: skip
    assert tables == len(groups) == data.sizes["event"]


def test_pins_leakage_and_constraints_come_back(slow):
    data, library = slow
    for kind, name, farads in zip(*(data[n].values for n in ("pin_gate", "pin_name", "capacitance")), strict=True):
        found = select_pin(select_cell(library, str(kind)), str(name))["capacitance"]
        assert float(found) == pytest.approx(farads * 1e15, rel=EXACT)
    for kind, levels, amperes in zip(*(data[n].values for n in ("state_gate", "state_levels", "leakage")), strict=True):
        groups = select_cell(library, str(kind)).get_groups("leakage_power")
        (group,) = (g for g in groups if text(g, "when") == when(str(levels)))
        assert float(group["value"]) == pytest.approx(amperes * 0.9 * 1e9, rel=EXACT)
    timings = {text(g, "timing_type"): g for g in select_pin(select_cell(library, "dff"), "d").get_groups("timing")}
    for what, edge, seconds in zip(
        *(data[n].values for n in ("constraint_what", "constraint_data_edge", "constraint_time")), strict=True
    ):
        assert table(timings[f"{what}_rising"], f"{edge}_constraint") == pytest.approx(seconds * 1e12, rel=EXACT)


def test_a_tool_that_interpolates_the_library_finds_the_delay_of_the_table(slow, results):
    """At the grid's points, in the library's own units and axes."""
    _, library = slow
    (template,) = (g for g in library.get_groups("lu_table_template") if g.args[0] == "slew_load")
    slews, loads = (template.get_array(f"index_{i}").ravel() for i in (1, 2))
    ours = LogicTable.open(results / "periphery.nc", "ss", 0.9, 298.15)
    group = arc_group(library, "timing", "nand2", "b", "a=1", "y")
    for i, slew in enumerate(slews):
        for j, load in enumerate(loads):
            known = ours.delay("nand2 b rise a=1 y", slew * 1e-12, load * 1e-15)
            assert table(group, "cell_fall")[i, j] == pytest.approx(known * 1e12, rel=1e-6)


def test_logic_is_elaborated_on_every_library(libraries, tmp_path):
    (tmp_path / "top.v").write_text(TOP)
    for library in libraries:
        netlist.reset()
        netlist.load_liberty([str(library)])
        top = netlist.load_gate_level_verilog([str(tmp_path / "top.v")])
        cells = {instance.get_name(): instance for instance in top.get_child_instances()}
        assert {name: cell.get_model_name() for name, cell in cells.items()} == {
            "ha": "half_adder", "g": "nand2", "i": "inverter", "f": "dff",
        }  # fmt: skip
        assert cells["g"].is_nand()
        assert cells["i"].is_inv()
        assert cells["f"].is_sequential()
        assert not cells["ha"].is_sequential()
        assert {net.get_name() for net in top.get_nets()} >= {"a", "b", "clk", "q", "co", "s", "n", "m"}
        assert {term.get_name() for term in cells["f"].get_input_terms()} == {"d", "clk"}
    netlist.reset()


@pytest.mark.parametrize("kind", [kind for kind, gate in GATES.items() if not gate.clock])
def test_functions_are_those_of_the_gates(kind):
    gate = GATES[kind]
    for place in range(len(gate.outputs)):
        expression = boolean(gate, place).replace("!", " not ").replace("&", "and").replace("|", "or")
        for code in range(1 << len(gate.inputs)):
            levels = [code >> i & 1 for i in range(len(gate.inputs))]
            found = eval(expression, dict(zip(gate.inputs, map(bool, levels), strict=True)))
            assert int(found) == gate.function(*levels)[place]


def test_values_in_columns(results, tmp_path):
    names = {path.name for path in export(results, "csv", tmp_path / "new" / "csv")}
    assert {"i_leak.csv", "i_leak_lobes.csv", "i_read.csv", "gate_delay.csv", "gate_leakage.csv"} <= names
    frame = pd.read_csv(tmp_path / "new" / "csv" / "i_leak.csv")
    assert list(frame.columns) == ["process", "vdd [V]", "temp [K]", "mean [A]", "std [A]", "nominal [A]", "n_ok",
                                   "n_failed", "n_unknown"]  # fmt: skip
    lut = LookupTable.open(results / "tables.nc")
    for row in frame.to_dict("records"):
        known = lut("i_leak", process=row["process"], vdd=row["vdd [V]"], temp=row["temp [K]"])
        assert row["mean [A]"] == float(known)
    delay = pd.read_csv(tmp_path / "new" / "csv" / "gate_delay.csv")
    stored = xr.load_dataset(results / "periphery.nc")["delay"]
    assert delay["delay [s]"].to_numpy().tolist() == stored.values.ravel().tolist()
    assert set(delay["status"]) == {"ok"}
    assert {"slew [s]", "load [F]"} <= set(delay.columns)


def test_tables_as_they_are(results, tmp_path):
    export(results, "netcdf", tmp_path)
    there, here = (LookupTable.open(folder / "tables.nc") for folder in (tmp_path, results))
    at = {"process": "ss", "vdd": 0.9, "temp": 298.15}
    assert there.data.identical(here.data)
    assert there.samples("i_leak", **at).identical(here.samples("i_leak", **at))
    assert xr.load_dataset(tmp_path / "periphery.nc").identical(xr.load_dataset(results / "periphery.nc"))


def test_what_cannot_be_exported_says_why(results, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    for arguments, message in (
        ((results, "lef", tmp_path), f"format 'lef' is not one of {', '.join(FORMATS)}"),
        ((tmp_path / "empty", "liberty", tmp_path), "empty has no periphery.nc, which a run file with a section"),
        (
            (tmp_path / "empty", "csv", tmp_path),
            "tables.nc, which `pimchar characterize` makes, and no periphery.nc",
        ),
        ((results, "csv", tmp_path / "file"), "file is not a folder"),
    ):
        with pytest.raises(TableError, match=message):
            export(*arguments)


def test_an_arc_without_a_number_makes_no_library(results, tmp_path):
    broken = xr.load_dataset(results / "periphery.nc")
    broken["delay"][0, 0, 0, 0, 0, 0] = np.nan
    broken.to_netcdf(tmp_path / "periphery.nc")
    with pytest.raises(TableError, match="delay of inverter inverter a rise y has no number at some slew and load"):
        export(tmp_path, "liberty", tmp_path / "lib")
    assert not list((tmp_path / "lib").iterdir())
