"""Slimmed libraries in decks: what is drawn is what is cut, kept in the cache, made anew when anything has changed."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from netlists import TESTBENCHES, Setting, Sram6T, pdk, slimmed, technology
from netlists.circuit import Transistor, add_transistors, deck_text, drawn_sizes, new_circuit
from netlists.library import LibraryError, folder_source, models
from netlists.slim import Size, SizeError
from netlists.slimmed import SlimmedLibrary
from netlists.technology import TechnologyError

FAKE = Path(__file__).with_name("fake_library")
FILE = """
[technology]
name = "fake"
vdd_nominal = 1.0
vdd_range = [0.5, 1.2]
temp_range = [233.15, 398.15]
length = 150e-9
[library]
folder = "models"
slim = true
[library.corners]
tt = [{ file = "fake.lib", section = "tt" }]
ss = [{ file = "fake.lib", section = "ss" }]
[devices.n]
model = "fake_nfet"
instance = "X"
unit = "um"
avt = 3e-9
avt_of = "device"
shift_sign = 1
[devices.p]
model = "fake_pfet"
instance = "X"
unit = "um"
alter = "@m.{path}.x{name}.m0[delvto]"
avt = 3e-9
avt_of = "device"
shift_sign = -1
[cell]
w_pd = 0.6e-6
w_pu = 0.3e-6
w_pg = 0.4e-6
[logic]
w_n = 0.3e-6
w_p = 0.3e-6
[geometry]
cell_width = 1e-6
cell_height = 1e-6
gate_pitch = 0.4e-6
diffusion_end = 0.2e-6
diffusion_shared = 0.1e-6
wire_resistance = 1e6
wire_capacitance = 1e-10
"""
SMALL, WIDE = Size(0.3e-6, 0.15e-6), Size(0.6e-6, 0.15e-6)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache directory of the user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pimchar" / "slimmed"


@pytest.fixture
def file(tmp_path):
    """A technology file beside its library."""
    shutil.copytree(FAKE, tmp_path / "models")
    (tmp_path / "fake.toml").write_text(FILE)
    return tmp_path / "fake.toml"


def library(folder):
    return SlimmedLibrary(folder_source(folder), {"tt": (("fake.lib", "tt"),), "ss": (("fake.lib", "ss"),)})


def leakage(tech, **sizes):
    """Testbench of a cell."""
    return TESTBENCHES["leakage"].build(Setting(tech, "tt", 1.0, 300.15, Sram6T(**sizes).sized(tech)))


def cuts(monkeypatch):
    """Counts how often a library is cut."""
    counted = []
    monkeypatch.setattr(slimmed, "slim", lambda *arguments: counted.append(1) or REAL(*arguments))
    return counted


REAL = slimmed.slim


def test_a_deck_holds_what_it_draws_and_no_more(file):
    tech = technology.load(str(file))
    deck = leakage(tech).deck
    assert models(deck)["fake_pfet"] == "subckt"
    assert "fake_nfet__model.1 " in deck  # 0.6 um
    assert "fake_nfet__model.3 " not in deck
    assert "scale" not in deck
    only_n = new_circuit("n", tech, "tt", 300.15)
    add_transistors(only_n, tech, [Transistor("a", "pg", ("d", "g", "0", "0"), 0.4e-6, 0.15e-6)])
    ((name, (size,)),) = drawn_sizes(only_n).items()
    assert (name, *size) == ("fake_nfet", pytest.approx(0.4e-6), pytest.approx(0.15e-6))
    assert {"fake_nfet", "fake_nfet__model"} <= set(models(deck_text(only_n, ["d"]))) <= set(models(deck))
    assert "fake_pfet" not in models(deck_text(only_n, ["d"]))


def test_a_size_outside_every_bin(file):
    tech = technology.load(str(file))
    message = r"'fake': w=1.5 um, l=0.15 um is outside every bin of fake_nfet__model: legal w 0.2..1 um or 2..5 um"
    with pytest.raises(TechnologyError, match=message):
        leakage(tech, w_pd=1.5e-6)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('model = "fake_nfet"', 'model = "fake_mfet"', "no subcircuit or model 'fake_mfet' in the library"),
        ('instance = "X"\nunit = "um"\n', "", "devices.pd: 'fake_nfet' is a subckt in corner tt, not a nmos"),
        ('section = "tt"', 'section = "tx"', "fake.lib has no section 'tx'; it has: cards, mc, ss, tt"),
        ('file = "fake.lib"', 'file = "none.lib"', "none.lib cannot be read: No such file"),
        ("slim = true", "slim = 1", "library.slim=1: must be a valid boolean"),
        ("slim = true", "", r"line 1: '\.option' would hold for the whole deck; slim = true"),
    ],
)
def test_a_file_that_cannot_be_used_gives_one_clear_line(file, old, new, message):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(TechnologyError, match=message) as caught:
        leakage(technology.load(str(file)))
    assert "\n" not in str(caught.value)


def test_a_second_load_cuts_nothing(file, monkeypatch):
    counted = cuts(monkeypatch)
    first, again = (library(file.parent / "models") for _ in range(2))
    text = first.text("tt", {"fake_nfet": [SMALL]})
    assert again.text("tt", {"fake_nfet": {SMALL}}) == text
    assert len(counted) == 1
    assert again.text("tt", {"fake_nfet": [WIDE]}) != text
    assert again.text("ss", {"fake_nfet": [SMALL]}) != text
    assert len(counted) == 3


def test_a_changed_file_gives_a_new_entry(file, monkeypatch):
    counted, folder = cuts(monkeypatch), file.parent / "models"
    sizes = {"fake_nfet": [SMALL]}
    before, sha256 = library(folder).text("tt", sizes), library(folder).sha256
    common = folder / "device cards" / "common.spice"
    common.write_text(common.read_text().replace("n_vth", "n_vth", 1) + "\n.param half_vth=0.22\n")
    after = library(folder)
    assert after.text("tt", sizes) != before
    assert "half_vth=0.22" in after.text("tt", sizes)
    assert after.sha256 != sha256
    assert len(counted) > 2
    common.unlink()
    with pytest.raises(LibraryError, match=r"common.spice cannot be read"):
        library(folder).text("tt", sizes)


def test_changed_code_gives_a_new_entry(file, monkeypatch):
    counted = cuts(monkeypatch)
    library(file.parent / "models").text("tt", {"fake_nfet": [SMALL]})
    monkeypatch.setattr(slimmed, "_code", lambda: "another version")
    library(file.parent / "models").text("tt", {"fake_nfet": [SMALL]})
    assert len(counted) == 2


@pytest.mark.parametrize("damage", [lambda text: text[:-9], lambda _: b"", lambda text: text.replace(b"vth", b"vtx")])
def test_a_damaged_entry_is_made_anew(file, cache, monkeypatch, damage):
    counted = cuts(monkeypatch)
    text = library(file.parent / "models").text("tt", {"fake_nfet": [SMALL]})
    (entry,) = cache.iterdir()
    assert json.loads(entry.read_bytes().partition(b"\n")[2])["text"] == text
    entry.write_bytes(damage(entry.read_bytes()))
    assert library(file.parent / "models").text("tt", {"fake_nfet": [SMALL]}) == text
    assert len(counted) == 2
    assert library(file.parent / "models").text("tt", {"fake_nfet": [SMALL]}) == text
    assert len(counted) == 2
    assert len(list(cache.iterdir())) == 1


def test_a_cache_that_cannot_be_written_does_no_harm(file, cache):
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    assert library(file.parent / "models").text("tt", {"fake_nfet": [SMALL]})


def test_errors_are_not_kept(file, cache):
    with pytest.raises(SizeError):
        library(file.parent / "models").text("tt", {"fake_nfet": [Size(9e-6, 9e-6)]})
    assert not cache.exists()


def test_the_hash_is_that_of_the_files(file):
    """It does not follow sizes, but the files of every corner and the choice of sections."""
    folder = file.parent / "models"
    sha256 = library(folder).sha256
    used = library(folder)
    used.text("tt", {"fake_nfet": [SMALL]})
    assert used.sha256 == sha256
    swapped = SlimmedLibrary(folder_source(folder), {"tt": (("fake.lib", "ss"),), "ss": (("fake.lib", "tt"),)})
    assert swapped.sha256 != sha256
    assert technology.load(str(file)).model_sha256 == sha256


def test_an_outline_reads_no_library(file):
    shutil.rmtree(file.parent / "models")
    assert tuple(technology.outline(str(file)).cards) == ("tt", "ss")
    assert tomllib.loads(file.read_text())["library"]["slim"]


def test_commands_are_refused(file, tmp_path):
    lib = file.parent / "models" / "fake.lib"
    lib.write_text(f".control\nshell touch {tmp_path}/injected\n.endc\n{lib.read_text()}".replace(".LIB tt", ".lib tt"))
    folder = file.parent / "models"
    bad = SlimmedLibrary(folder_source(folder), {"tt": (("fake.lib", ""),)})
    with pytest.raises(LibraryError, match=r"fake.lib, line 1: '\.control' has no place"):
        bad.text("tt", {})


def test_another_process_finds_the_entry(file, cache):
    """The path has no part in it that changes from process to process."""
    library(file.parent / "models").text("tt", {"fake_nfet": [SMALL]})
    (entry,) = cache.iterdir()
    before = entry.stat().st_mtime_ns
    code = (
        "import sys; from pathlib import Path; from netlists.library import folder_source; "
        "from netlists.slim import Size; from netlists.slimmed import SlimmedLibrary; "
        "parts = {name: (('fake.lib', name),) for name in ('tt', 'ss')}; "
        "SlimmedLibrary(folder_source(Path(sys.argv[1])), parts).text('tt', {'fake_nfet': [Size(0.3e-6, 0.15e-6)]})"
    )
    command = [sys.executable, "-c", code, str(file.parent / "models")]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(Path(pdk.__file__).parents[1])})
    assert [(path, path.stat().st_mtime_ns) for path in cache.iterdir()] == [(entry, before)]
