"""Pages of docs/, carried out as they stand: the files they show are written, their commands run in order."""

import itertools
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import charlib

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs"
NAMES = ("technologies", "cells", "periphery", "fcc", "lookup-tables", "export-tables", "engine")
TECHNOLOGIES, CELLS, GATES, FCC, TABLES, EXPORTS, ENGINE = (PAGES / f"{name}.md" for name in NAMES)
MRAM, WRITES, YIELD = PAGES / "mram.md", PAGES / "mram-statistics.md", PAGES / "yield.md"
PROGRAM = 'set -e; pimchar() { "$PYTHON" -m pimchar "$@"; }; python() { "$PYTHON" "$@"; }; pip() { :; }\n'
"""What commands of a page mean in the tests, which install nothing."""


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def carried_out(page, folder):
    """Names of the files that a page shows, written into a folder, and what its commands say there."""
    for text in (*blocks(page, "toml"), *blocks(page, "spice")):
        if title := re.match(r"[#*] (\S+\.(?:toml|sp))\n", text):
            (folder / title[1]).write_text(text)
    written = {path.name for path in folder.iterdir()}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = os.environ | {"PYTHON": sys.executable, "PYTHONPATH": path}
    command = ["bash", "-c", PROGRAM + "".join(blocks(page, "sh"))]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return written, ran.stdout


@pytest.mark.ngspice
def test_a_cell_of_yours(tmp_path):
    """In a folder with a space in its name."""
    folder = tmp_path / "my cells"
    folder.mkdir()
    written, said = carried_out(CELLS, folder)
    assert written == {"cell.sp", "run.toml"}
    assert "identical" in said
    stored = xr.load_dataset(folder / "results" / "characterization.nc")
    (example,) = blocks(CELLS, "python")
    scope = {}
    exec(example.replace('"cell.sp"', repr(str(folder / "cell.sp"))), scope)
    at, variation = charlib.Conditions(vdd=[0.9]), charlib.Variation(samples=8)
    for metric in ("snm_read", "t_read_p"):
        found = charlib.characterize(
            cell=scope["cell"], conditions=at, variation=variation, metrics=[metric], workers=1
        )
        assert (found[metric].values == stored[metric].values).all()
        assert np.isfinite(found[metric].values).all()


@pytest.mark.ngspice
def test_gates_and_their_tables(tmp_path):
    written, _ = carried_out(GATES, tmp_path)
    assert written == {"gates.toml"}
    (example,) = blocks(GATES, "python")
    scope = {}
    exec(example.replace("results/", f"{tmp_path}/results/"), scope)
    table = scope["table"]
    assert 5e-12 < table.delay("nand2 b rise a=1 y", slew=20e-12, load=0.5e-15) < 20e-12
    assert table.energy("nand2 b rise a=0", slew=20e-12, load=0.5e-15) < 0 < table.leakage("nand2 a=0,b=1")
    assert table.data.sizes["sample"] == 8


def test_a_layer_on_the_functional_macro(capsys):
    (example,) = blocks(FCC, "python")
    scope = {}
    exec(example, scope)
    said = capsys.readouterr().out
    run, plain, noisy = scope["run"], scope["plain"], scope["noisy"]
    assert f"{run.cycles} {plain.cycles}" in example
    assert said.startswith(f"{run.cycles} {plain.cycles}\n")
    assert 0 < noisy.counts["missed"] < 2e-3 * noisy.counts["due"]
    middle = scope["inputs"][0, :, 1:4, 1:4].reshape(-1)
    assert run.outputs[0, :, 2, 2].tolist() == (scope["paired"] @ middle).tolist()
    assert 0 < scope["before"]["distance"] < 128


def test_a_layer_on_the_in_mram_engine():
    (example,) = blocks(ENGINE, "python")
    scope = {}
    exec(example, scope)
    layer, found = scope["layer"], scope["found"]
    first = scope["inputs"][0, :, :5, :5].reshape(-1)
    assert found.outputs[0, :, 0, 0].tolist() == (scope["weights"] @ first).tolist()
    assert found.counts["ands"] == 4 * layer.macs


@pytest.mark.ngspice
def test_writes_of_mram_cells_by_their_page():
    _, example = blocks(MRAM, "python")
    scope = {}
    exec(example, scope)
    delays, energies = (1e9 * scope["written"]["t_switch_lobes"], 1e12 * scope["written"]["e_switch_lobes"])
    told = "predictive28 {:.1f} and {:.1f} ns, `e_switch` (of the whole 20 ns) {:.1f} and {:.1f} pJ"
    assert told.format(*delays.values.ravel(), *energies.values.ravel()) in MRAM.read_text(encoding="utf-8")


def test_numbers_of_write_errors_are_those_of_their_page():
    (example,) = blocks(WRITES, "python")
    scope = {}
    exec(example, scope)
    text = WRITES.read_text(encoding="utf-8")
    assert "Rayleigh {:.4f} and {:.4f}".format(*scope["rayleigh"]) in text
    assert "Boltzmann {:.4f} and {:.4f}".format(*scope["boltzmann"]) in text
    assert "with noise {:.3f} and {:.3f}".format(*scope["thermal"]) in text
    counts = zip(scope["counted"], scope["expected"], strict=True)
    told = "{} were unflipped at 3 t_0 where the equation expects {:.1f}, {} of {:.1f} at 4 t_0, {} of {:.1f} at 5 t_0"
    assert told.format(*itertools.chain(*counts)) in text
    assert scope["offsets"][1] == pytest.approx(2.1, abs=0.05)


@pytest.mark.ngspice
def test_a_rare_failure():
    """The number of the page's table, within what another version of ngspice may change."""
    (example,) = blocks(YIELD, "python")
    scope = {}
    exec(example, scope)
    found = scope["found"]
    assert found.established
    assert found.pf == pytest.approx(2.69e-7, rel=0.03)
    assert "| `surrogate` | 2.69e-7 |" in YIELD.read_text(encoding="utf-8")


@pytest.mark.ngspice
def test_lookup_tables(tmp_path):
    written, said = carried_out(TABLES, tmp_path)
    assert written == {"table.toml"}
    assert "t_fo4.csv" in said
    (example,) = blocks(TABLES, "python")
    scope = {}
    exec(example.replace("results/", f"{tmp_path}/results/"), scope)
    assert scope["delay"].attrs["units"] == "s"
    assert scope["sweep"].sizes == {"vdd": 31, "temp": 2}
    assert (scope["sweep"].diff("vdd") < 0).all()
    assert scope["points"].dims == ("time",)
    assert scope["slope"] < 0 < scope["spread"] < scope["delay"] < scope["slow"]
    assert scope["cells"].sizes == {"draw": 1000}
    _, said = carried_out(EXPORTS, tmp_path)
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", EXPORTS.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    shown = "".join(text for language, text in fences if not language)
    assert "[s]" in shown
    assert [line for line in shown.splitlines() if not any(alike(line, other) for other in said.splitlines())] == []


def alike(one, other):
    """Whether lines have the same words, numbers within a per cent: simulators of other versions round otherwise."""
    pairs = list(itertools.zip_longest(one.split(), other.split(), fillvalue=""))
    number = re.compile(r"[-+.\de]*\d")
    return all(
        math.isclose(float(a), float(b), rel_tol=0.01) if number.fullmatch(a) and number.fullmatch(b) else a == b
        for a, b in pairs
    )


def test_every_metric_is_defined_and_every_picture_is_there():
    pages = [ROOT / "docs" / name for name in ("metrics.md", "metrics-dynamic.md", "read-path.md", "mram.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    assert [name for name in charlib.METRICS if f"`{name}`" not in text] == []
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", text)
    assert pictures
    assert all((ROOT / "docs" / picture).is_file() for picture in pictures)


@pytest.mark.ngspice
def test_bring_your_own(installed, tmp_path):
    written, said = carried_out(TECHNOLOGIES, tmp_path)
    assert written == {"mytech.toml", "run.toml"}
    assert "mytech: our 45 nm process" in said
    mine = xr.load_dataset(tmp_path / "results" / "characterization.nc")
    at = charlib.Conditions(process=["tt", "ss"], vdd=[1.0], temp=[300.15])
    variation = charlib.Variation(samples=4, seed=1)
    metrics = ("snm_hold", "snm_read", "i_read", "i_leak")
    open_one = charlib.characterize(
        technology="freepdk45", conditions=at, variation=variation, metrics=metrics, workers=1
    )
    for metric in metrics:
        assert (mine[metric].values == open_one[metric].values).all()
