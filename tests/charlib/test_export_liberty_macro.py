"""Liberty of macros, read back by a parser and elaborated in a netlist."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from liberty.parser import parse_liberty
from liberty.types import select_cell
from najaeda import netlist
from synthetic import CELL_AREA, synthetic_table

from analysis import macro
from analysis.architecture import MacroGeometry
from charlib import TableError
from charlib.export import export
from charlib.export.libertytext import DIGITS

EXACT = 0.5 * 10 ** (1 - DIGITS)
GEOMETRY = MacroGeometry(compartments=20, rows=48, columns=24, macros=1, split_windows=2)
WIDTHS = {"row": 6, "compartment": 5, "data": 24, "inp": 20, "inn": 20}
"""By hand, with a tree of 20 words of 8 bits (13), 8 input bits and 48 rows (6): sums of 27 bits."""
LANES = {"baseline": 3, "ddc": 4}
TOP = """
module top (input clk, input compute, input write, input [5:0] row, input [4:0] place, input [23:0] word,
            input [{high}:0] x, input [19:0] y, output [80:0] s, output [107:0] p, output [107:0] n);
  pim_macro_baseline one (.clk(clk), .compute(compute), .write(write), .row(row), .compartment(place), .data(word),
                          .inp(x), .sum_p(s));
  pim_macro_ddc both (.clk(clk), .compute(compute), .write(write), .row(row), .compartment(place), .data(word),
                      .{input}(x), .inn(y), .sum_p(p), .sum_n(n));
endmodule
"""


@pytest.fixture(scope="module")
def data():
    """A macro at two corners and supplies, with a clock's energy, which published gates do not have."""
    found = macro.evaluate(synthetic_table(), GEOMETRY, CELL_AREA).sel(process=["tt", "ss"], vdd=[0.8, 0.9])
    clock = 0.2 * found["energy_per_cycle"]
    return found.assign(energy_clock=clock.assign_attrs(found["energy_clock"].attrs))


@pytest.fixture(scope="module")
def libraries(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    data.to_netcdf(folder / "macro.nc")
    return {path.name: path for path in export(folder, "liberty", folder / "lib")}


def text(group, name):
    return str(group[name]).strip('"')


def scalars(group):
    """Kind of table to its number."""
    return {table.group_name: float(table.get_array("values").item()) for table in group.groups}


def ports(cell):
    return {str(g.args[0]).strip('"'): g for g in cell.groups if g.group_name in ("pin", "bus")}


def test_one_library_for_each_condition_with_both_designs(libraries):
    assert set(libraries) == {f"synthetic_macro_{p}_0v{v}_27c.lib" for p in ("tt", "ss") for v in (8, 9)}
    for path in libraries.values():
        cells = parse_liberty(path.read_text()).get_groups("cell")
        assert [str(cell.args[0]) for cell in cells] == ["pim_macro_baseline", "pim_macro_ddc"]


@pytest.mark.parametrize("design", ["baseline", "ddc"])
@pytest.mark.parametrize(("process", "vdd"), [("tt", 0.8), ("ss", 0.9)])
def test_every_number_comes_back(libraries, data, design, process, vdd):
    library = parse_liberty(libraries[f"synthetic_macro_{process}_{str(vdd).replace('.', 'v')}_27c.lib"].read_text())
    here = data.sel(design=design, process=process, vdd=vdd, temp=300.15)
    known = {name: float(here[name]) for name in macro.VARIABLES if here[name].ndim == 0}
    cell = select_cell(library, f"pim_macro_{design}")
    assert float(cell["area"]) == pytest.approx(known["area"] * 1e12, rel=EXACT)
    assert float(cell["cell_leakage_power"]) == pytest.approx(known["leakage_power"] * 1e9, rel=EXACT)
    clk = ports(cell)["clk"]
    assert text(clk, "clock") == "true"
    assert float(clk["min_period"]) == pytest.approx(known["cycle_time"] * 1e12, rel=EXACT)
    powers = {text(group, "when"): scalars(group) for group in clk.get_groups("internal_power")}
    for when, name in (("compute & !write", "energy_per_cycle"), ("!compute & !write", "energy_clock")):
        assert powers.pop(when) == {"rise_power": pytest.approx(known[name] * 1e15, rel=EXACT), "fall_power": 0.0}
    assert not powers
    timed = {name: group.get_groups("timing") for name, group in ports(cell).items()}
    nodes = "pn" if design == "ddc" else "p"
    for kind, port, tables, name in (
        ("setup_rising", "in{}", ("rise_constraint", "fall_constraint"), "setup_input"),
        ("rising_edge", "sum_{}", ("cell_rise", "cell_fall"), "clock_to_output"),
    ):
        for node in nodes:
            (arc,) = timed.pop(port.format(node))
            assert (text(arc, "related_pin"), text(arc, "timing_type")) == ("clk", kind)
            assert scalars(arc) == dict.fromkeys(tables, pytest.approx(known[name] * 1e12, rel=EXACT))
    assert not any(timed.values())


@pytest.mark.parametrize("design", ["baseline", "ddc"])
def test_buses_are_as_wide_as_the_macro(libraries, data, design):
    library = parse_liberty(libraries["synthetic_macro_tt_0v9_27c.lib"].read_text())
    types = {str(group.args[0]): int(group["bit_width"]) for group in library.get_groups("type")}
    cell = select_cell(library, f"pim_macro_{design}")
    found = {str(bus.args[0]): types[text(bus, "bus_type")] for bus in cell.get_groups("bus")}
    nodes = "pn" if design == "ddc" else "p"
    expected = {name: bits for name, bits in WIDTHS.items() if name != "inn" or design == "ddc"}
    assert found == expected | {f"sum_{node}": LANES[design] * 27 for node in nodes}
    stored = json.loads(data.attrs["macro_designs"])[design]["ports"]
    assert found == {port["name"]: port["bits"] for port in stored if port["bits"] > 1}


def elaborated(library, folder, **changes):
    """Instances of a design around both macros, as najaeda finds them."""
    (folder / "top.v").write_text(TOP.format(**({"high": 19, "input": "inp"} | changes)))
    netlist.reset()
    netlist.load_liberty([str(library)])
    top = netlist.load_gate_level_verilog([str(folder / "top.v")])
    found = {i.get_name(): i.get_model_name() for i in top.get_child_instances()}
    netlist.reset()
    return found


def test_macros_are_elaborated_on_every_library(libraries, tmp_path):
    for library in libraries.values():
        assert elaborated(library, tmp_path) == {"one": "pim_macro_baseline", "both": "pim_macro_ddc"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"high": 18}, r"term \(width: 20\) and net share same width \(width: 19\)"),
        ({"high": 20}, r"term \(width: 20\) and net share same width \(width: 21\)"),
        ({"input": "inq"}, "inq port cannot be found in pim_macro_ddc"),
    ],
)
def test_a_wrong_width_or_port_is_caught(libraries, tmp_path, changes, message):
    with pytest.raises(RuntimeError, match=message):
        elaborated(libraries["synthetic_macro_tt_0v9_27c.lib"], tmp_path, **changes)


def test_what_is_unknown_is_left_out_and_said(tmp_path):
    """Published gates have no clock: nothing is said of a macro at rest."""
    macro.evaluate(synthetic_table(), GEOMETRY, CELL_AREA).to_netcdf(tmp_path / "macro.nc")
    written = export(tmp_path, "liberty", tmp_path / "lib")[0].read_text()
    for cell in parse_liberty(written).get_groups("cell"):
        powers = ports(cell)["clk"].get_groups("internal_power")
        assert [text(group, "when") for group in powers] == ["compute & !write"]
    assert "left out: energy at rest" in written
    assert "left out: energy and timing of a write" in written


def test_a_condition_without_a_number_makes_no_library(data, tmp_path):
    broken = data.copy(deep=True)
    broken["cycle_time"].loc[{"design": "ddc", "process": "ss", "vdd": 0.8}] = np.nan
    broken.to_netcdf(tmp_path / "macro.nc")
    with pytest.raises(TableError, match=r"cycle_time of ddc at ss, 0.8 V, 300.15 K has no number: no library without"):
        export(tmp_path, "liberty", tmp_path / "lib")
    assert not list((tmp_path / "lib").iterdir())


def test_a_macro_of_an_earlier_version_is_made_anew(data, tmp_path):
    old = data.drop_vars("setup_input")
    old.attrs = {key: value for key, value in data.attrs.items() if key != "macro_designs"}
    old.to_netcdf(tmp_path / "macro.nc")
    with pytest.raises(TableError, match=r"has no setup_input, macro_designs; `pimchar macro .*` makes it anew"):
        export(tmp_path, "liberty", tmp_path / "lib")


def test_the_page_of_the_export(tmp_path, monkeypatch, capfd):
    """Its program reads a library of its default macro, and instantiates it in its netlist."""
    page = (Path(__file__).parents[2] / "docs" / "export-liberty.md").read_text(encoding="utf-8")
    for language, name in (("verilog", "top.v"), ("python", "read.py")):
        (block,) = re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        (tmp_path / name).write_text(block)
    made = macro.evaluate(synthetic_table(), MacroGeometry(), CELL_AREA).assign_coords(temp=[298.15])
    made.assign_attrs(technology="predictive28").sel(process=["tt"], vdd=[0.9]).to_netcdf(tmp_path / "macro.nc")
    export(tmp_path, "liberty", tmp_path / "lib")
    monkeypatch.chdir(tmp_path)
    netlist.reset()
    exec((tmp_path / "read.py").read_text(), {})
    netlist.reset()
    said = capfd.readouterr().out.splitlines()
    (shown,) = re.findall(r"^```\n(pim_macro.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert [line for line in said if line.startswith("pim_macro")][2] == shown.splitlines()[2]
    cycle = made["cycle_time"].sel(design="baseline", process="tt", vdd=0.9).item()
    assert f"pim_macro_baseline: {cycle * 1e12:.8g} ps, " in said[0]
