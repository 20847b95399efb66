"""The commands as a user meets them: help, exit codes, messages, and nothing half-written."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest
from commandline import pimchar

import charlib
from charlib import ngspice, plan
from netlists import ReadPath, pdk, technology
from netlists.veriloga import CompiledModel
from pimchar import cli, doctor, runfile

COMMANDS = ["doctor", "init", "run", "characterize", "tech", "tech list", "tech show", "tech install"]
COMMANDS += [
    "column-check",
    "tables",
    "export",
    "stats",
    "vmin",
    "errors",
    "write-errors",
    "paths",
    "shmoo",
    "macro",
    "network",
    "figures",
    "reproduce",
]
COMMANDS += ["tree", "tree-check", "engine", "twin-check", "yield"]


def without_ngspice(folder, *arguments):
    """A process of its own: a version once found is remembered."""
    environment = os.environ | {"NGSPICE_LIBRARY_PATH": str(folder / "nowhere.so")}
    command = [sys.executable, "-m", "pimchar", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def refused(result, code):
    """Standard error, after checking the exit code, the length and that no traceback is shown."""
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    assert len(result.stderr.strip().splitlines()) <= 2
    return result.stderr


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    result = pimchar(*command.split(), "--help")
    assert result.exit_code == 0
    assert result.output.startswith("Usage: ")


def test_no_command_goes_untested():
    groups = {"tech": cli.tech.commands}
    assert {*cli.main.commands, *(f"tech {name}" for name in groups["tech"])} == set(COMMANDS)


def test_version():
    assert pimchar("--version").exit_code == 0


@pytest.mark.parametrize("arguments", [["run", "--help"], ["--help"]])
def test_help_loads_no_simulation(arguments):
    """Help comes at once: it must not wait for the packages behind it."""
    code = f"import sys\nsys.argv[1:] = {arguments!r}\nfrom pimchar.cli import main\ntry:\n    main()\nfinally:\n"
    code += "    print('xarray' in sys.modules, file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stderr.strip() == "False"


def test_init_writes_the_default_run_file(folder):
    result = pimchar("init")
    assert result.exit_code == 0
    assert (folder / "run.toml").read_text() == runfile.default_text()
    assert runfile.read(folder / "run.toml")[0] == runfile.default()[0]


def test_init_writes_the_run_file_of_lookup_tables(folder):
    result = pimchar("init", "--tables", "tables.toml")
    assert "pimchar characterize tables.toml --out results" in result.output
    grid = runfile.read(folder / "tables.toml")[0].conditions
    assert (len(grid.vdd), len(grid.temp_c), grid.rows) == (5, 5, (16, 64, 256))


def test_init_takes_a_name(folder):
    assert pimchar("init", "mine.toml").exit_code == 0
    assert (folder / "mine.toml").is_file()


def test_init_overwrites_nothing(folder):
    (folder / "run.toml").write_text("kept")
    assert "run.toml exists already" in refused(pimchar("init"), 2)
    assert (folder / "run.toml").read_text() == "kept"


def test_init_in_a_folder_that_is_not_there():
    assert "cannot be written" in refused(pimchar("init", "no/where.toml"), 2)


BAD = {
    "[variation]\nsamples = 0": "samples=0",
    "[conditions]\nvdd = [1.4]": "vdd=1.4 V is outside",
    '[conditions]\nprocess = ["zz"]': "process='zz'",
    '[characterize]\nmetrics = ["snm_raed"]': "did you mean 'snm_read'",
    "[characterize]\nmetric = 1": "unknown key 'metric'",
    "not toml": "not valid TOML",
}


@pytest.mark.parametrize("command", ["run", "characterize"])
@pytest.mark.parametrize(("text", "message"), BAD.items(), ids=list(BAD.values()))
def test_bad_run_files_exit_2_and_write_nothing(folder, command, text, message):
    (folder / "bad.toml").write_text(text)
    assert message in refused(pimchar(command, "bad.toml", "--out", "out"), 2)
    assert [path.name for path in folder.iterdir()] == ["bad.toml"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[conditions]\nprocess = ["ss"]', "process lacks 'tt'"),
        ("[conditions]\nvdd = [0.6, 0.7]", "vdd=0.6..0.7 V lacks 0.9 V"),
        ("[readpath]\nrows = 32", "rows lack 16, which a local bit line of the macro has; `pimchar characterize` does"),
        ("[conditions]\nrows = [8, 32]", "does without (conditions.rows in narrow.toml)"),
        (
            '[periphery]\ngates = ["inverter", "dff", "xor2"]',
            "gates lack nand2, nor2, half_adder, full_adder, wl_driver",
        ),
    ],
)
def test_run_refuses_what_the_macro_could_not_use_before_it_simulates(folder, text, message):
    (folder / "narrow.toml").write_text(text)
    assert message in refused(pimchar("run", "narrow.toml"), 2)
    assert [path.name for path in folder.iterdir()] == ["narrow.toml"]


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("characterize", "charlib.characterize"),
        ("shmoo", "charlib.shmoo"),
        ("column-check", "charlib.columncheck.column_check"),
    ],
)
def test_the_read_path_of_the_run_file_is_handed_on(folder, monkeypatch, command, place):
    (folder / "mine.toml").write_text('[readpath]\nkeeper = 0.5\npattern = "zeros"')
    given = []

    def stop(*positional, **named):
        given.extend(value for value in (*positional, *named.values()) if isinstance(value, ReadPath))
        raise charlib.CharacterizationError("far enough")

    monkeypatch.setattr(place, stop)
    assert "far enough" in refused(pimchar(command, "mine.toml", "--out", "out"), 1)
    assert given == [ReadPath(keeper=0.5, pattern="zeros")]


def test_a_run_file_that_is_not_there():
    assert "none.toml does not exist" in refused(pimchar("run", "none.toml"), 2)


@pytest.mark.parametrize("workers", ["0", "two"])
def test_workers_are_a_count(workers):
    assert pimchar("run", "--workers", workers).exit_code == 2


@pytest.mark.parametrize(
    "command", ["tables", "stats", "vmin", "errors", "write-errors", "macro", "network", "figures"]
)
def test_a_directory_without_results_is_named(folder, command):
    (folder / "empty").mkdir()
    for name in ("empty", "absent"):
        assert f"{name} has no " in refused(pimchar(command, name), 2)
    assert list((folder / "empty").iterdir()) == []


def test_tech_list_shows_every_technology():
    assert "predictive28" in pimchar("tech", "list").output


def test_tech_show_of_an_unknown_name():
    assert "'nix' is not one of freepdk45, freepdk45/vtg, " in refused(pimchar("tech", "show", "nix"), 2)


def test_tech_list_says_what_is_installed_and_what_could_be(installed, monkeypatch, folder):
    for line in pimchar("tech", "list").output.splitlines():
        if line.startswith("freepdk45/"):
            assert "yes" in line
            assert "Apache-2.0" in line
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    output = pimchar("tech", "list").output
    assert "North Carolina State University" in output
    assert "to install: pimchar tech install freepdk45" in output


@pytest.mark.parametrize("name", ["freepdk45", "freepdk45/vtl"])
def test_tech_show_of_a_technology_without_targets(name, monkeypatch, folder):
    """All it says is in the technology file: it works before the models are there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    output = pimchar("tech", "show", name).output
    flavour = name.partition("/")[2] or "vtg"
    for word in (
        f"freepdk45/{flavour}",
        "no; pimchar tech install freepdk45",
        f"NMOS_{flavour.upper()}",
        "0.4..1.1 V",
    ):
        assert word in output
    for word in ("tt, ff, ss, fs, sf", "-40..125 degC", "3 mV um (pair)", "assumed 1", "Apache-2.0"):
        assert word in output


def test_tech_install(installed):
    assert "freepdk45 1.2.48 is installed" in pimchar("tech", "install", "freepdk45/vth").output
    assert "needs no installation" in pimchar("tech", "install", "predictive28").output
    assert "'nix' is not one of freepdk45" in refused(pimchar("tech", "install", "nix"), 2)


def test_an_interrupted_installation_says_that_nothing_was_installed(folder, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(pdk, "install", interrupted)
    assert "nothing was installed" in refused(pimchar("tech", "install", "freepdk45"), 1)


@pytest.fixture
def no_osdi(monkeypatch):
    """A simulator that loads no compiled models."""

    def refuse(models):
        if models:
            raise charlib.SimulatorMissing("this ngspice (39) loads no Verilog-A models (OSDI): install ngspice 46")

    monkeypatch.setattr(ngspice, "check_models", refuse)


def test_what_the_simulator_lacks_is_said_where_a_technology_is_met(no_osdi, monkeypatch):
    monkeypatch.setattr(pdk, "install", lambda *_: True)
    lacks = "this ngspice (39) loads no Verilog-A models (OSDI): install ngspice 46"
    assert f"to use it: {lacks}" in pimchar("tech", "install", "ihp_sg13g2").output
    assert f"simulator: {lacks}" in pimchar("tech", "show", "ihp_sg13g2").output
    assert "simulator:" not in pimchar("tech", "show", "freepdk45").output


def test_doctor_is_content_with_a_simulator_that_lacks_what_one_technology_needs(no_osdi, monkeypatch):
    compiled = replace(technology.load("predictive28"), osdi=(CompiledModel("/none/m.osdi"),))
    monkeypatch.setattr(technology, "load", lambda _: compiled)
    check = doctor._technology("ihp_sg13g2")
    assert check.ok
    assert str(check).splitlines()[1].strip().startswith("to use it: this ngspice (39) loads no Verilog-A models")


def test_a_run_that_the_simulator_cannot_do_exits_1_and_writes_nothing(no_osdi, monkeypatch, folder):
    compiled = replace(technology.load("predictive28"), osdi=(CompiledModel("/none/m.osdi"),))
    monkeypatch.setattr(plan, "load", lambda _: compiled)
    (folder / "run.toml").write_text("")
    message = refused(pimchar("characterize", "run.toml", "--out", "out"), 1)
    assert "install ngspice 46" in message
    assert not (folder / "out").exists()


def test_a_run_on_a_technology_that_is_not_installed(monkeypatch, folder):
    technology._shipped.cache_clear()
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    (folder / "run.toml").write_text('[technology]\nname = "freepdk45/vtl"')
    message = "freepdk45 is not installed: pimchar tech install freepdk45"
    assert message in refused(pimchar("run", "run.toml"), 2)
    assert not (folder / "results").exists()


@pytest.mark.ngspice
def test_a_size_that_a_library_does_not_cover(installed, folder):
    (folder / "run.toml").write_text('[technology]\nname = "sky130"\n[cell]\nw_pu = 1e-7\n[conditions]\nvdd = [1.8]')
    message = "w=0.1 um, l=0.15 um is outside every bin of sky130_fd_pr__special_pfet_latch"
    line = refused(pimchar("characterize", "run.toml", "--out", "out"), 2)
    assert message in line
    assert "legal w 0.1395..0.1405 um at this l" in line
    assert not (folder / "out").exists()


@pytest.mark.ngspice
def test_tech_show_holds_the_cards_against_their_targets():
    result = pimchar("tech", "show", "predictive28")
    assert result.exit_code == 0, result.output
    for word in ("ion_n", "ioff_p", "t_fo4", "assumed", "IEDM", "met"):
        assert word in result.output
    assert "MISSED" not in result.output


@pytest.mark.ngspice
def test_doctor_is_content():
    result = pimchar("doctor")
    assert result.exit_code == 0, result.output
    assert "leakage of a nominal cell" in result.output
    assert "missing" not in result.output


@pytest.mark.ngspice
def test_doctor_does_not_ask_for_libraries_that_nobody_uses(monkeypatch, folder):
    technology._shipped.cache_clear()
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    result = pimchar("doctor")
    assert result.exit_code == 0
    assert "technology freepdk45: not installed\n         to use it: pimchar tech install" in result.output


def test_doctor_says_how_to_get_ngspice(folder):
    result = without_ngspice(folder, "doctor")
    assert result.returncode == 1
    assert "missing  libngspice" in result.stdout
    assert "apt-get install libngspice0" in result.stdout
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", ["run", "characterize"])
def test_without_ngspice_a_run_exits_1_and_writes_nothing(folder, command):
    (folder / "run.toml").write_text("")
    result = without_ngspice(folder, command, "run.toml", "--out", "out")
    assert result.returncode == 1
    assert result.stderr.startswith("pimchar: ")
    assert len(result.stderr.strip().splitlines()) <= 2
    assert not (folder / "out").exists()


def test_an_interrupted_run_says_how_to_go_on(folder, monkeypatch):
    from pimchar import chain

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(chain, "characterize", interrupted)
    (folder / "run.toml").write_text("")
    assert "the same command goes on" in refused(pimchar("characterize", "run.toml", "--out", "out"), 1)


@pytest.mark.ngspice
def test_a_sample_is_reproduced(folder):
    lines = ["[conditions]", 'process = ["tt"]', "vdd = [0.9]", "[variation]", "samples = 3"]
    (folder / "run.toml").write_text("\n".join([*lines, "[characterize]", 'metrics = ["snm_hold"]']))
    assert pimchar("characterize", "run.toml", "--out", "out").exit_code == 0
    place = ["--process", "tt", "--vdd", 0.9, "--temp-c", 25, "--metric", "snm_hold"]
    result = pimchar("reproduce", "out", *place, "--sample", 2)
    assert result.exit_code == 0, result.output
    assert "identical in every bit" in result.output
    assert "0..2" in refused(pimchar("reproduce", "out", *place, "--sample", 3), 2)


@pytest.mark.ngspice
def test_draws_on_top_of_a_total_corner_are_warned_about_in_a_line(folder):
    text = '[conditions]\nprocess = ["tt", "ss"]\nvdd = [0.9]\n[variation]\nsamples = 1\nglobal = true\n'
    (folder / "run.toml").write_text(f'{text}[characterize]\nmetrics = ["vth_pd"]\n')
    result = pimchar("characterize", "run.toml", "--out", "r", "--workers", 1)
    assert result.exit_code == 0, result.output
    (warning,) = [line for line in result.stderr.splitlines() if "warning" in line]
    assert warning.startswith("pimchar: warning: process=ss: total corners hold global variation already")
    again = pimchar("reproduce", "r", "--metric", "vth_pd", "--process", "mc_ss", "--vdd", 0.9, "--temp-c", 25,
                    "--sample", 0)  # fmt: skip
    assert again.exit_code == 0, again.output
    shown = pimchar("tech", "show", "predictive28").output
    assert "distance [sigma]" in shown
    assert "correlation 0.01" in shown
