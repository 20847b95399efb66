"""Private libraries: sections and includes, subcircuits for transistors, and files that are refused in a line."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from charlib import devices
from charlib.metrics import METRICS
from netlists import TESTBENCHES, Setting, Sram6T, pdk, technology
from netlists.library import LibraryError, library_text, models
from netlists.technology import TechnologyError

EXAMPLE = re.search(
    r"```toml\n(# mytech\.toml\n.*?)```", (Path(__file__).parents[2] / "docs/technologies.md").read_text(), re.DOTALL
)[1]
"""The technology file of docs/technologies.md."""

MODELS = "* n and p\n.model NMOS_VTG nmos\n+ level=54 vth0=0.4\n.model PMOS_VTG pmos level=54\n"


def refusal(folder, text):
    """The one line that says what is wrong with a technology file."""
    (folder / "mytech.toml").write_text(text)
    with pytest.raises(TechnologyError) as caught:
        technology.load(str(folder / "mytech.toml"))
    assert "\n" not in str(caught.value)
    assert "mytech.toml" in str(caught.value)
    return str(caught.value)


@pytest.fixture
def private(tmp_path):
    """A folder with the example's models, and its technology file's text."""
    for corner in ("nom", "ff", "ss"):
        folder = tmp_path / "my models" / f"models_{corner}"
        folder.mkdir(parents=True)
        for kind in "NP":
            (folder / f"{kind}MOS_VTG.inc").write_text(f".model {kind}MOS_VTG {kind.lower()}mos level=54\n")
    return tmp_path


def test_the_example_loads(private):
    (private / "mytech.toml").write_text(EXAMPLE)
    mine = technology.load(str(private / "mytech.toml"))
    assert (mine.name, tuple(mine.cards)) == ("mytech", ("tt", "ss", "sf"))
    assert mine.model_text("tt", {}) == ".model NMOS_VTG nmos level=54\n.model PMOS_VTG pmos level=54"


BAD = {
    "a key is missing": ("length = 50e-9", "", "lacks the key 'technology.length'"),
    "a key is misspelt": ("cell_width", "cell_widht", "'geometry.cell_widht', did you mean 'cell_width'? (and 1 more)"),
    "a key too many": ("[cell]", "[cell]\nw_ax = 1e-7", "unknown key 'cell.w_ax'"),
    "text for a number": ("avt = 3.0e-9", 'avt = "3 mV"', "devices.n.avt='3 mV': must be a valid number"),
    "neither pair nor device": ('avt_of = "pair"', 'avt_of = "both"', "devices.n.avt_of='both': must be 'pair' or"),
    "temperatures in degC": ("[233.15, 398.15]", "[-40, 125]", "temp_range.0=-40: must be greater than 0"),
    "range and nominal disagree": ("[0.4, 1.1]", "[0.4, 0.9]", "vdd_nominal=1 V is outside vdd_range=[0.4, 0.9]"),
    "an unknown corner": ("ss = [", "slow = [", "library.corners.slow"),
    "no typical corner": ("tt = [", "ff = [", "there must be a corner tt"),
    "a file that is not there": ("models_ss/NMOS", "models_ss/MMOS", "models_ss/MMOS_VTG.inc cannot be read: No such"),
    "a model that is not there": ('"NMOS_VTG"', '"NMOS_X"', "corner tt defines no nmos 'NMOS_X'; it has: nmos_vtg"),
    "a model of the other type": ('"NMOS_VTG"', '"PMOS_VTG"', "'PMOS_VTG' is a pmos in corner tt, not a nmos"),
    "micrometres for a model": ("avt_of", 'unit = "um"\navt_of', "a model (instance = 'M') takes metres"),
    "no source of models": ("[library]\n", "[misc]\n", "has the unknown key 'misc'"),
    "commands in a name": ('"NMOS_VTG"', '"x\\n.control\\nshell touch x\\n.endc"', "devices.n.model="),
    "a command in a name": ('"NMOS_VTG"', '"x; shell touch x"', "devices.n.model="),
    "commands in a path": (
        "models_nom/NMOS_VTG.inc",
        "a\\n.control\\nshell touch x",
        "one line of printable characters",
    ),
    "a backquote in a path": ("models_nom/NMOS_VTG.inc", "`touch x`", "must be a path without any of"),
    "a command in the folder": ('folder = "my models"', 'folder = "x; shell touch x"', "must be a path without any of"),
    "a command in a title": ('name = "mytech"', 'name = "x\\n.control"', "technology.name="),
    "commands in alter": ("avt_of", 'alter = "@m.{path}.m[delvto]\\nshell touch x"\navt_of', "devices.n.alter="),
    "attributes in alter": ("avt_of", 'alter = "@m.{path.__class__}[delvto]"\navt_of', "devices.n.alter="),
    "a parameter that is a command": ("avt_of", 'fixed = {"nf=1 ; shell" = 1}\navt_of', "devices.n.fixed"),
    "nanometres for metres": (
        "length = 50e-9",
        "length = 50.0",
        "technology.length=50.0: must be less",
    ),
    "millivolts for a coefficient": ("avt = 3.0e-9", "avt = 3.0", "devices.n.avt=3.0: must be less than or equal to"),
    "flavours without a default": ("[cell]", "[flavours.x.cell]\n[cell]", "flavours and no technology.flavour"),
    "no TOML": ("[cell]", "[cell", "is not valid TOML"),
}
"""What is wrong to what is replaced in the example (once), by what, and what the line says."""


@pytest.mark.parametrize(("old", "new", "message"), BAD.values(), ids=list(BAD))
def test_a_bad_file_gives_one_clear_line(private, old, new, message):
    assert old in EXAMPLE
    assert message in refusal(private, EXAMPLE.replace(old, new, 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{MODELS}.control\nshell touch x\n.endc\n", r"all.lib, line 5: '\.control' has no place in a model library"),
        (f"{MODELS}.option scale=1u\n", r"line 5: '\.option' would hold for the whole deck; slim = true takes it in"),
        (f"{MODELS}.tran 1p 1n\n", r"line 5: '\.tran' has no place"),
        (f"{MODELS}v1 a 0 1\n", "'v1 a 0 1' stands outside of a subcircuit"),
        (".ends\nr1 a b 1\n.subckt x a\n", r"all.lib, line 1: '\.ends' without '\.subckt'"),
        (".subckt x a\nr1 a 0 1\n", r"\.subckt without \.ends \(all.lib, line 1\)"),
        (".subckt x a\na1 [a] [a] clk null proc\n.ends\n", "line 2: element 'a1' is one of a code model"),
        (f"{MODELS}.include\n", "line 5: an include without a file"),
        (f"{MODELS}.include all.lib\n", "all.lib includes itself"),
        (f"{MODELS}.include 'other.lib'\n", "other.lib cannot be read"),
        (f".lib tt\n{MODELS}.endl tt\n.lib 'all.lib' ff\n", "all.lib has no section 'ff'; it has: tt"),
        (f"{MODELS}.param a='\x07'\n", "a character that cannot be printed"),
    ],
)
def test_a_library_that_is_more_than_models_is_refused(text, message):
    def read(file):
        if file != "all.lib":
            raise FileNotFoundError(2, "No such file or directory")
        return text

    with pytest.raises(LibraryError, match=message):
        library_text(read, [("all.lib", "")])


def test_sections_includes_and_comments():
    """A comment that begins with *# would be obeyed by ngspice; a section may take another file's."""
    files = {
        "lib/all.lib": "*# shell touch x\n.lib TT\n.param a=1\n.include '../cards/n p.inc'\n.endl\n"
        '.lib ff\n.lib "all.lib" tt\n.param a=2\n.endl ff\n.param b=3 $ gone\n',
        "cards/n p.inc": MODELS,
    }
    cards = [".model NMOS_VTG nmos", "+ level=54 vth0=0.4", ".model PMOS_VTG pmos level=54"]
    expected = {"tt": [".param a=1", *cards], "": [".param b=3"]}
    expected["ff"] = [*expected["tt"], ".param a=2"]
    for section, lines in expected.items():
        assert library_text(files.__getitem__, [("lib/all.lib", section)]).splitlines() == lines


def test_models_know_bins_and_subcircuits():
    text = ".model n.1 nmos level=54\n.MODEL n.2 NMOS\n.subckt nfet d g s b w=1\nm1 d g s b n\n.ends\n.model d d"
    assert models(text) == {"n": "nmos", "nfet": "subckt", "d": "d"}


WRAPPED = """
.subckt {kind}fet d g s b width=1 l=1 ad=0 as=0 pd=0 ps=0 nf=2
m{kind}fet d g s b {model} w={{width*1u}} l={{l*1u}} ad={{ad*1p}} as={{as*1p}} pd={{pd*1u}} ps={{ps*1u}}
.ends
"""
SUBCIRCUITS = """
instance = "X"
unit = "um"
fixed = { nf = 1 }
parameters = { w = "width" }
"""


@pytest.fixture
def wrapped(installed, tmp_path):
    """FreePDK45 as a foundry would wrap it: subcircuits that take micrometres, corners as sections of one file."""
    folder = tmp_path / "my models"
    folder.mkdir()
    package, text = pdk.package("freepdk45"), ""
    for corner, section in (("nom", "tt"), ("ss", "ss")):
        text += f".lib {section}\n"
        for kind in "np":
            model = f"{kind.upper()}MOS_VTG"
            root = "openram/technology/freepdk45/models/tran_models"
            text += package.read(f"{root}/models_{corner}/{model}.inc") + WRAPPED.format(kind=kind, model=model)
        text += f".endl {section}\n"
    (folder / "all.lib").write_text(text)
    corners = "".join(f'{name} = [{{ file = "all.lib", section = "{name}" }}]\n' for name in ("tt", "ss"))
    data = re.sub(r"\[library.corners\].*?(?=\[devices.n\])", f"[library.corners]\n{corners}", EXAMPLE, flags=re.DOTALL)
    for kind in "np":
        data = data.replace(f'model = "{kind.upper()}MOS_VTG"\n', f'model = "{kind}fet"{SUBCIRCUITS}', 1)
    (tmp_path / "wrapped.toml").write_text(data)
    assert tomllib.loads(data)["devices"]["p"]["instance"] == "X"
    return technology.load(str(tmp_path / "wrapped.toml"))


@pytest.mark.ngspice
@pytest.mark.parametrize("metric", ["snm_read", "i_leak", "t_read_p"])
def test_subcircuits_are_the_same_transistors(wrapped, reference, solve, metric):
    """Wrapped or not, in micrometres or metres, with the same threshold shifts: the same cell."""
    row, found = METRICS[metric], []
    for tech in (technology.load("freepdk45"), wrapped):
        setting = Setting(tech, "ss", 1.0, 300.15, Sram6T().sized(tech), window=2e-9)
        testbench = TESTBENCHES[row.testbench].build(setting)
        draws = np.random.default_rng(5).standard_normal((3, len(testbench.knobs)))
        measured = row.measure(solve(reference, testbench, draws))
        assert not measured.status.any()
        found.append(measured.values)
    assert len(np.unique(found[0])) >= 3
    assert found[1] == pytest.approx(found[0], rel=1e-4)


def test_instances_of_subcircuits(wrapped):
    setting = Setting(wrapped, "tt", 1.0, 300.15, Sram6T().sized(wrapped))
    testbench = TESTBENCHES["leakage"].build(setting)
    (line,) = [line for line in testbench.deck.splitlines() if line.startswith("Xpd_l")]
    assert line.split()[:6] == ["Xpd_l", "out", "inp", "vss", "vss", "nfet"]
    assert {"l=0.05", "width=0.205", "nf=1", "ad=0.01435", "pd=0.345", "m=1"} <= set(line.split())
    assert testbench.knobs["cell.pd_l"].parameters[0] == "@m.xq.xl.xpd_l.mnfet[delvto]"


@pytest.mark.ngspice
@pytest.mark.parametrize("polarity", ["n", "p"])
def test_figures_of_subcircuits_are_those_of_their_models(wrapped, session, polarity):
    plain = technology.load("freepdk45")
    for shift in (0.0, 0.05):
        found, expected = (devices.currents(session, tech, polarity, shift=shift) for tech in (wrapped, plain))
        assert vars(found) == pytest.approx(vars(expected), rel=1e-4)
    for figures in (devices.gate_charges, devices.drain_charges):
        found, expected = (vars(figures(session, tech, polarity)) for tech in (wrapped, plain))
        assert found == pytest.approx(expected, rel=1e-3)


def test_a_transistor_too_small_for_its_mismatch_law():
    device = technology.Device("nfet", "n", 1e-9, "device", 1, avt_dl=-0.15e-6)
    with pytest.raises(TechnologyError, match="is too small for the mismatch law of nfet"):
        device.sigma_vth(1e-6, 0.1e-6)
    wide, narrow = device.sigma_vth(1e-6, 0.25e-6), device.sigma_vth(1e-6, 0.16e-6)
    assert narrow == pytest.approx(wide * 10**0.5)
