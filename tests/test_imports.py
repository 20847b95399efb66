"""The one way through the packages, read from the source: who may import whom, and who may start the simulator."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LAYERS = ("netlists", "charlib", "analysis", "figures", "pimchar")
"""Each package may import itself and those before it."""

SIMULATOR_FILES = {"charlib/ngspice.py", "charlib/simulator.py"}
"""What starts the child process, and its program, the only files that may start programs or load libraries."""

INSTALLERS = {"netlists/pdk.py", "netlists/veriloga.py"}
"""The installer of model libraries starts pip and the Verilog-A compiler, and nothing else."""

STARTERS = {"subprocess", "ctypes", "cffi", "pty"}

STANDALONE = "charlib/export/standalone"
"""Modules that exports copy, to run where this suite is not."""

SOURCES = sorted(
    path
    for package in LAYERS
    for path in (ROOT / package).rglob("*.py")
    if path.parent.relative_to(ROOT).as_posix() != STANDALONE
)


def imported(tree):
    """Full names of all modules that a syntax tree imports, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the layer they come from"
            yield node.module
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in {"import_module", "__import__"}:
            yield from (arg.value for arg in node.args if isinstance(arg, ast.Constant))


def violations(place, source):
    """What a source file imports and should not, as sentences.

    ``place`` is its path relative to the repository, with forward slashes.
    """
    package = place.split("/")[0]
    allowed = LAYERS[: LAYERS.index(package) + 1]
    for name in imported(ast.parse(source)):
        top = name.split(".")[0]
        if top in LAYERS and top not in allowed:
            yield f"{place} imports {name}: {package} may import {', '.join(allowed)} only"
        if top == "PySpice" and package != "netlists":
            yield f"{place} imports {name}: PySpice belongs into netlists/"
        if place in INSTALLERS and top == "subprocess":
            continue
        if top in STARTERS and place not in SIMULATOR_FILES:
            yield f"{place} imports {name}: ngspice is started in charlib/ngspice.py"


def test_there_are_sources():
    assert {path.relative_to(ROOT).parts[0] for path in SOURCES} == set(LAYERS)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_go_one_way(path):
    place = path.relative_to(ROOT).as_posix()
    assert list(violations(place, path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("netlists/bitcells.py", "import charlib.store"),
        ("charlib/store.py", "def f():\n    from analysis import macro"),
        ("analysis/macro.py", "import figures"),
        ("figures/butterfly.py", "from pimchar.cli import main"),
        ("charlib/store.py", "from PySpice.Spice.Netlist import Circuit"),
        ("charlib/store.py", "import subprocess"),
        ("analysis/macro.py", "import ctypes.util"),
        ("netlists/pdk.py", "import ctypes"),
        ("netlists/technology.py", "import subprocess"),
        ("charlib/store.py", "import importlib\nimportlib.import_module('analysis')"),
    ],
)
def test_a_broken_rule_is_found(place, source):
    assert len(list(violations(place, source))) == 1


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("netlists/bitcells.py", "from PySpice.Spice.Netlist import Circuit"),
        ("charlib/ngspice.py", "import ctypes.util, subprocess"),
        ("netlists/pdk.py", "import subprocess"),
        ("pimchar/chain.py", "import netlists, charlib, analysis.macro, figures"),
    ],
)
def test_what_the_rules_allow(place, source):
    assert list(violations(place, source)) == []


def test_what_exports_copy_needs_nothing_of_the_suite():
    """Their own modules, which lie beside them, they import relatively."""
    copied = sorted((ROOT / STANDALONE).glob("*.py"))
    assert copied
    for path in copied:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not {str(name).split(".")[0] for name in names} & {*LAYERS, *STARTERS}, path


def test_no_program_starts_the_shared_library_of_pyspice():
    """PySpice builds text; its own simulator interface is not used anywhere."""
    for path in SOURCES:
        assert "NgSpiceShared" not in path.read_text(encoding="utf-8"), path
