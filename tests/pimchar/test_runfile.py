"""The run file: defaults, conversions, and one message per mistake."""

import math
import re
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.mapping import Mapping
from charlib.metrics import METRICS
from netlists import ReadPath, Sram6T, Stt1T1M, technology
from pimchar import chain, runfile
from pimchar.runschema import ZERO_CELSIUS, MappingSection, RunFile, RunFileError


def refusal(text):
    with pytest.raises(RunFileError) as caught:
        runfile.parse(text, "run.toml")
    return str(caught.value)


def test_default_file_says_the_schemas_defaults():
    plan, text = runfile.default()
    assert plan == RunFile()
    assert text == runfile.default_text()


def test_default_file_sets_every_key_or_shows_it_in_a_comment():
    text = runfile.default_text()
    for section, field in RunFile.model_fields.items():
        assert f"[{field.alias or section}]" in text
        for name, key in field.annotation.model_fields.items():
            assert f"\n{key.alias or name} = " in text or f"\n# {key.alias or name} = " in text


def test_default_run_is_the_reference_design():
    plan, _ = runfile.default()
    assert plan.technology.name == "predictive28"
    assert plan.conditions.vdd == (0.6, 0.7, 0.8, 0.9, 1.0)
    assert plan.variation.samples == 50
    assert plan.network.names == ("mobilenet_v2",)


def test_an_empty_file_is_the_default():
    assert runfile.parse("", "run.toml") == RunFile()


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[2] / "docs" / "runs").glob("*.toml")), ids=lambda p: p.stem
)
def test_run_files_of_the_docs_are_legal_and_name_themselves(path):
    run, text = runfile.read(path)
    run.make_conditions()
    said = re.search(rf"pimchar (characterize|yield|twin-check) docs/runs/{re.escape(path.name)} ", text)
    assert said
    # No macro is made of a cell that is no SRAM, nor of what only a twin solves.
    for_macros = said[1] == "characterize" and run.characterize.engine == "ngspice"
    if for_macros and run.make_cell().states == Sram6T.states:
        chain.check(run, path.name)
    command = said[0]
    assert any(command in page.read_text(encoding="utf-8") for page in path.parents[1].glob("*.md"))


def test_every_metric_is_legal():
    listed = ", ".join(f'"{name}"' for name in METRICS)
    plan = runfile.parse(f"[characterize]\nmetrics = [{listed}]", "run.toml")
    assert plan.characterize.metrics == tuple(METRICS)


def test_kelvin_behind_the_border():
    plan = runfile.parse("[conditions]\ntemp_c = [-40, 25, 85.5]", "run.toml")
    assert plan.make_conditions().temp == pytest.approx([233.15, 298.15, 358.65])


@given(st.floats(-40.0, 125.0))
def test_any_temperature_survives_the_conversion(temp_c):
    plan = runfile.parse(f"[conditions]\ntemp_c = [{temp_c!r}]", "run.toml")
    assert math.isclose(plan.make_conditions().temp[0] - ZERO_CELSIUS, temp_c, abs_tol=1e-9)


def test_parts_carry_the_files_numbers():
    text = "[cell]\nw_pd = 2e-7\n[variation]\nsamples = 7\nseed = 0\nlocal = false\n[macro]\nrows = 16"
    plan = runfile.parse(text, "run.toml")
    assert plan.make_cell().w_pd == 2e-7
    assert plan.make_cell().w_pu is None
    variation = plan.make_variation()
    assert (variation.samples, variation.seed, variation.local, variation.global_) == (7, 0, False, False)
    assert plan.make_macro().rows == 16


def test_the_read_path_is_the_packages_unless_said():
    assert RunFile().make_readpath() == ReadPath()
    text = '[readpath]\nrows = 32\nprecharge = 3\ndriver = 2.5\nfanout = 2\nkeeper = 0.5\npattern = "random"\n'
    plan = runfile.parse(text + 'position = "near"\npattern_seed = 0', "run.toml")
    expected = ReadPath(rows=32, precharge=3, driver=2.5, fanout=2, keeper=0.5, pattern="random", position="near")
    assert plan.make_readpath() == replace(expected, pattern_seed=0)


def test_the_places_that_the_read_path_names_are_keys_of_a_run_file():
    for name in RunFile().readpath.model_dump():
        with pytest.raises(ValueError, match=rf"^{name}=-1 .* \(readpath\.{name}\)$"):
            ReadPath(**{name: -1})
    for name in {field.name for field in fields(ReadPath)} - set(RunFile().readpath.model_dump()):
        with pytest.raises(ValueError, match=rf"^{name}=-1 is not one of [^()]*$"):
            ReadPath(**{name: -1})


def test_offsets_reach_the_conditions():
    at = runfile.parse("[conditions]\ndv_wl = [-0.1, 0]\ndv_cell = [0.05]", "run.toml").make_conditions()
    assert (at.dv_wl, at.dv_bl, at.dv_cell) == ((-0.1, 0.0), (0.0,), (0.05,))
    assert at.swept == ("dv_wl", "dv_cell")


def test_global_variation_is_drawn_around_typical_cards():
    """Corners are the default only where nothing is drawn from die to die; what is written is left as it is."""
    plan = runfile.parse("[variation]\nglobal = true", "run.toml")
    assert plan.make_variation().global_
    assert plan.make_conditions().process == ("tt",)
    written = runfile.parse('[conditions]\nprocess = ["tt", "ss"]\n[variation]\nglobal = true', "run.toml")
    assert written.make_conditions().process == ("tt", "ss")


def test_technology_file_is_found_beside_the_run_file(tmp_path):
    from netlists import technology

    source = (technology.resources.files("netlists") / "technologies" / "predictive28.toml").read_text()
    (tmp_path / "mine.toml").write_text(source.replace('name = "predictive28"', 'name = "mine"'))
    path = tmp_path / "run.toml"
    path.write_text('[technology]\nfile = "mine.toml"\n')
    plan, _ = runfile.read(path)
    assert technology.load(plan.technology.name).name == "mine"


def test_global_variation_needs_a_law(tmp_path):
    from netlists import technology

    source = (technology.resources.files("netlists") / "technologies" / "predictive28.toml").read_text()
    lawless = re.sub(r"\[global\].*?(?=\[\[targets)", "", source, count=1, flags=re.DOTALL)
    (tmp_path / "mine.toml").write_text(lawless.replace('name = "predictive28"', 'name = "mine"'))
    path = tmp_path / "run.toml"
    path.write_text('[technology]\nfile = "mine.toml"\n[variation]\nglobal = true\n')
    message = r"global=true: mine states no law of global variation; legal: false \(variation.global in run.toml\)"
    with pytest.raises(RunFileError, match=message):
        runfile.read(path)


MISTAKES = {
    "[conditions]\nvdd = [1.4]": "vdd=1.4 V is outside 0.4..1.1 V for predictive28 (conditions.vdd in run.toml)",
    "[conditions]\ntemp_c = [400]": (
        "temp_c=400 degC is outside -40..125 degC for predictive28 (conditions.temp_c in run.toml)"
    ),
    '[conditions]\nprocess = ["tt", "xx"]': (
        "process='xx' is not a corner of predictive28; legal: tt, ff, ss, fs, sf (conditions.process in run.toml)"
    ),
    "[conditions]\nvdd = [0.9, 0.9]": "0.9 stands twice in the list (conditions.vdd in run.toml)",
    "[conditions]\nvdd = []": "vdd=[]: must have at least one item (conditions.vdd in run.toml)",
    "[conditions]\nvdd = 0.9": "vdd=0.9: must be a list, as in [0.9, 1.0] (conditions.vdd in run.toml)",
    "[conditions]\nvdd = [nan]": "vdd=nan: must be a finite number (conditions.vdd in run.toml)",
    "[conditions]\nvdd = [inf]": "vdd=inf: must be a finite number (conditions.vdd in run.toml)",
    '[conditions]\nvdd = ["0.9"]': "vdd='0.9': must be a valid number (conditions.vdd in run.toml)",
    "[conditions]\nvolt = [0.9]": (
        "unknown key 'volt' in [conditions] of run.toml; legal: process, vdd, temp_c, dv_wl, dv_bl, dv_cell, rows"
    ),
    "[conditions]\ndv_w = [0.1]": (
        "unknown key 'dv_w' in [conditions] of run.toml, did you mean 'dv_wl'? legal: "
        "process, vdd, temp_c, dv_wl, dv_bl, dv_cell, rows"
    ),
    "[conditions]\ndv_wl = 0.1": "dv_wl=0.1: must be a list, as in [0.9, 1.0] (conditions.dv_wl in run.toml)",
    "[conditions]\ndv_bl = [-0.6]": "dv_bl=-0.6 V is outside -0.5..0.5 V (conditions.dv_bl in run.toml)",
    "[conditions]\nvdd = [0.5]\ndv_cell = [-0.5]": (
        "dv_cell=-0.5 V leaves the cell supply nothing of vdd=0.5 V (conditions.dv_cell in run.toml)"
    ),
    "[readpath]\nrows = 0": "rows=0: must be greater than or equal to 1 (readpath.rows in run.toml)",
    "[readpath]\nprecharge = 0": "precharge=0: must be greater than 0 (readpath.precharge in run.toml)",
    "[readpath]\ndriver = inf": "driver=inf: must be a finite number (readpath.driver in run.toml)",
    "[readpath]\nfanout = 1.5": "fanout=1.5: must be a valid integer (readpath.fanout in run.toml)",
    "[readpath]\nkeeper = -1": "keeper=-1: must be greater than or equal to 0 (readpath.keeper in run.toml)",
    "[readpath]\npattern_seed = -1": (
        "pattern_seed=-1: must be greater than or equal to 0 (readpath.pattern_seed in run.toml)"
    ),
    '[readpath]\npattern = "wurst"': (
        "'wurst' is not a pattern, did you mean 'worst'? legal: half, zeros, ones, worst, random "
        "(readpath.pattern in run.toml)"
    ),
    '[readpath]\nposition = "middle"': ("'middle' is not a position; legal: near, far (readpath.position in run.toml)"),
    "[readpath]\nheld = true": (
        "unknown key 'held' in [readpath] of run.toml; legal: "
        "rows, precharge, driver, fanout, keeper, sensed, pattern, position, pattern_seed"
    ),
    "conditions = 3": "conditions=3: must be a section, as in [conditions] (conditions in run.toml)",
    "[variation]\nsamples = 0": "samples=0: must be greater than or equal to 1 (variation.samples in run.toml)",
    "[variation]\nsamples = 10.5": "samples=10.5: must be a valid integer (variation.samples in run.toml)",
    "[variation]\nseed = -1": "seed=-1: must be greater than or equal to 0 (variation.seed in run.toml)",
    "[variation]\nlocal = 1": "local=1: must be a valid boolean (variation.local in run.toml)",
    "[characterize]\nmetric = []": (
        "unknown key 'metric' in [characterize] of run.toml, did you mean 'metrics'? "
        "legal: metrics, engine, max_failed, timeout_s, judged"
    ),
    '[characterize]\nmetrics = ["snm_raed"]': (
        f"'snm_raed' is not a metric, did you mean 'snm_read'? legal: {', '.join(METRICS)} "
        "(characterize.metrics in run.toml)"
    ),
    '[characterize]\nengine = "spectre"': (
        "engine='spectre': must be 'ngspice' or 'twin' (characterize.engine in run.toml)"
    ),
    "[characterize]\nmax_failed = 2": (
        "max_failed=2: must be less than or equal to 1 (characterize.max_failed in run.toml)"
    ),
    "[macros]\nrows = 64": (
        "unknown key 'macros' in run.toml, did you mean 'macro'? "
        "legal: technology, cell, readpath, conditions, variation, characterize, periphery, yield, macro, mapping, "
        "network"
    ),
    "[macro]\nrows = 40": "rows=40 is not a multiple of rows_per_local_bitline=16 (macro.rows in run.toml)",
    "[cell]\nw_pd = 1.0": "w_pd=1.0 m is not a transistor size: 0 < w_pd < 1e-4 m (cell.w_pd in run.toml)",
    "[cell]\nw_pd = -1e-7": "w_pd=-1e-07: must be greater than 0 (cell.w_pd in run.toml)",
    '[cell]\nkind = "8t"': "kind='8t': must be 'sram6t', 'sram8t', 'stt1t1m' or 'sot2t1m' (cell.kind in run.toml)",
    '[cell]\nkind = "sram6t"\nw_rd = 1e-7': "w_rd is not for kind = 'sram6t' (cell in run.toml)",
    '[cell]\nq = "Q"': "q is for a netlist: file (cell in run.toml)",
    '[cell]\nfile = "cell.sp"': "file='cell.sp' needs subcircuit (cell in run.toml)",
    '[cell]\nfile = "cell.sp"\nsubcircuit = "c"': "file='cell.sp' needs ports (cell in run.toml)",
    '[cell]\nfile = "cell.sp"\nkind = "sram8t"': (
        "kind and file are both given; a netlist has its own, legal: file, subcircuit, ports, q, qb (cell in run.toml)"
    ),
    '[cell]\nfile = "cell.sp"\nsubcircuit = "c"\nports = 3': (
        "ports=3: must be a table, as in { key = value } (cell.ports in run.toml)"
    ),
    '[technology]\nname = "predictive82"': (
        "'predictive82' is not a technology, did you mean 'predictive28'? "
        f"legal: {', '.join(technology.names())} "
        "(technology.name in run.toml)"
    ),
    '[technology]\nname = "predictive28"\nfile = "x.toml"': (
        "name and file are both given; keep one (technology in run.toml)"
    ),
    '[network]\nnames = ["mobilenet"]': (
        "'mobilenet' is not a network, did you mean 'mobilenet_v2'? "
        "legal: alexnet, efficientnet_b0, lenet5, mobilenet_v2, resnet18, vgg16 (network.names in run.toml)"
    ),
    "[mapping]\ndepthwise_macros = 5": (
        "depthwise_macros=5 exceeds the 4 macros over output channels (mapping.depthwise_macros in run.toml)"
    ),
    "[mapping]\ninput_macros = 3": (
        "pixel_macros=1 times input_macros=3 does not divide macros=4 (mapping.pixel_macros in run.toml)"
    ),
    '[network]\nfiles = ["a/net.onnx", "b/net.onnx"]': (
        "a/net.onnx and b/net.onnx have one name; rename one (network.files in run.toml)"
    ),
    "[network]\nnames = []": "names and files are both empty; a network is needed (network in run.toml)",
    "[conditions\nvdd = [1.0]": (
        "run.toml is not valid TOML: Expected ']' at the end of a table declaration (at line 1, column 12)"
    ),
}


@pytest.mark.parametrize(("text", "message"), MISTAKES.items(), ids=[" ".join(key.split()) for key in MISTAKES])
def test_mistakes_are_named_with_place_and_legal_values(text, message):
    assert refusal(text).strip() == message


def test_the_mapping_has_a_key_for_each_of_its_choices():
    choices = {"depthwise_macros": 1, "buffer_bits": 64, "double_buffered": True}
    text = "\n".join(f"{name} = {str(value).lower()}" for name, value in choices.items())
    assert runfile.parse(f"[mapping]\n{text}", "run.toml").make_mapping() == Mapping(**choices)
    assert runfile.default()[0].make_mapping() == Mapping()
    assert set(MappingSection.model_fields) == {field.name for field in fields(Mapping)}


def test_files_of_networks_are_relative_to_the_run_file(tmp_path):
    (tmp_path / "run.toml").write_text('[network]\nfiles = ["net.onnx"]\n')
    plan, _ = runfile.read(tmp_path / "run.toml")
    assert plan.network.files == (str(tmp_path / "net.onnx"),)
    assert plan.network.names == ("mobilenet_v2",)


CELL = """\
.subckt my_cell BL BR WL VDD VSS
M1 Q QB VSS VSS nmos28 w=105n l=30n
M2 Q QB VDD VDD pmos28 w=50n l=30n
M3 QB Q VSS VSS nmos28 w=105n l=30n
M4 QB Q VDD VDD pmos28 w=50n l=30n
M5 BL WL Q VSS nmos28 w=72n l=30n
M6 BR WL QB VSS nmos28 w=72n l=30n
.ends
"""

NETLIST = """\
[cell]
file = "a cell.sp"
subcircuit = "my_cell"
[cell.ports]
bl = "BL"
blb = "BR"
wl = "WL"
vdd = "VDD"
gnd = ["VSS"]
"""


def test_a_netlist_is_found_beside_the_run_file(tmp_path):
    folder = tmp_path / "two words"
    folder.mkdir()
    (folder / "a cell.sp").write_text(CELL)
    (folder / "run.toml").write_text(NETLIST)
    plan, _ = runfile.read(folder / "run.toml")
    cell = plan.make_cell()
    assert (cell.kind, cell.subcircuit, cell.file, cell.text) == ("file", "my_cell", "a cell.sp", CELL)


@pytest.mark.parametrize(
    ("netlist", "text", "message"),
    [
        (CELL.replace("pmos28", "pfet"), NETLIST, "a cell.sp, line 3: model 'pfet' is no transistor of predictive28; "),
        (
            CELL,
            NETLIST.replace("BR", "BLB"),
            "blb='blb' is no port of my_cell; it has: bl, br, wl, vdd, vss (cell.ports",
        ),
        (
            CELL,
            NETLIST.replace('"WL"', "3"),
            "wl=3 is neither the name of a port nor a list of names (cell.ports in run.t",
        ),
        (
            CELL,
            NETLIST.replace("my_cell", "x"),
            "a cell.sp has no subcircuit 'x'; it has: my_cell (cell.subcircuit in ru",
        ),
        (
            CELL,
            NETLIST.replace("a cell", "b"),
            "b.sp cannot be read: No such file or directory (cell.file in run.toml)",
        ),
    ],
)
def test_a_netlist_that_is_not_understood_is_refused_with_the_place(tmp_path, netlist, text, message):
    (tmp_path / "a cell.sp").write_text(netlist)
    (tmp_path / "run.toml").write_text(text)
    with pytest.raises(RunFileError) as caught:
        runfile.read(tmp_path / "run.toml")
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).endswith(" in run.toml)")


def test_a_read_port_has_sizes():
    cell = runfile.parse('[cell]\nkind = "sram8t"\nw_rd = 2e-7', "run.toml").make_cell()
    assert (cell.kind, cell.w_rd, cell.w_ra) == ("sram8t", 2e-7, None)


def test_toml_errors_say_the_line():
    assert "line 2" in refusal("[conditions]\nvdd = = 3")


def test_two_problems_are_two_lines_and_more_are_counted():
    two = refusal("[variation]\nsamples = 0\nseed = -1")
    assert [line.split(":")[0] for line in two.splitlines()] == ["samples=0", "seed=-1"]
    three = refusal("[variation]\nsamples = 0\nseed = -1\nlocal = 3")
    assert three.splitlines()[1:] == ["and 2 more problems"]


def test_a_technology_file_that_is_not_there_is_named(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text('[technology]\nfile = "nowhere.toml"\n')
    with pytest.raises(RunFileError, match=r"nowhere\.toml' does not exist \(technology\.file in run\.toml\)"):
        runfile.read(path)


def test_a_run_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RunFileError, match="does not exist; `pimchar init"):
        runfile.read(tmp_path / "none.toml")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None], ids=["bytes", "folder"])
def test_what_is_no_text_file_is_refused(tmp_path, content):
    path = tmp_path
    if content is not None:
        path = tmp_path / "run.toml"
        path.write_bytes(content)
    with pytest.raises(RunFileError, match="cannot be read"):
        runfile.read(path)


def test_gates_are_characterized_only_where_their_section_is():
    assert not runfile.default()[0].gates_wanted
    plan = runfile.parse("[variation]\nseed = 7\n[periphery]\n", "run.toml")
    assert plan.gates_wanted
    assert (plan.make_gate_variation().seed, plan.make_gate_variation().samples) == (7, 100)
    assert runfile.parse("[periphery]\nsamples = 0\n", "run.toml").make_gate_variation() is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('gates = ["nand3"]', "'nand3' is not a gate, did you mean 'nand2'? legal: inverter, nand2"),
        ("slews = [2.0, 1.0]", "numbers above 0 that rise, not [2.0, 1.0] (periphery.slews in run.toml)"),
        ("loads = [0.0, 1.0]", "numbers above 0 that rise, not [0.0, 1.0] (periphery.loads in run.toml)"),
        ("sample = 3", "unknown key 'sample' in [periphery] of run.toml, did you mean 'samples'?"),
    ],
)
def test_a_mistake_in_the_periphery(line, message):
    assert message in refusal(f"[periphery]\n{line}\n")


def test_an_mram_cell_of_a_run_file_is_characterized_but_is_no_cell_of_the_macro():
    run = runfile.parse('[cell]\nkind = "stt1t1m"\npulse = 1e-8', "run.toml")
    assert run.make_cell() == Stt1T1M(pulse=1e-8)
    with pytest.raises(RunFileError, match=r"the macro model is of SRAM cells; .* \(cell\.kind in run\.toml\)"):
        chain.check(run, "run.toml")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("w_pd = 1e-7", r"w_pd is not for kind = 'stt1t1m' \(cell in run\.toml\)"),
        ('junction = "x"', r"junction='x' is not one of stt_40nm, sot_umn \(cell\.junction in run\.toml\)"),
        ("pulse = 1.0", r"pulse=1\.0 s is outside 1e-10\.\.1e-06 s \(cell\.pulse in run\.toml\)"),
    ],
)
def test_messages_of_an_mram_cell(lines, message):
    with pytest.raises(RunFileError, match=message):
        runfile.parse(f'[cell]\nkind = "stt1t1m"\n{lines}', "run.toml")
