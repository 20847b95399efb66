"""Exported macros in the tools that they are for: a network in ZigZag, component models in hwcomponents, AccelForge."""

import json
import os
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

from analysis import macro, network, workloads
from analysis.architecture import MacroGeometry
from bench import zigzag
from charlib.export import export
from pimchar import chain

pytestmark = pytest.mark.acceptance

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "matrix_product.py"
AT = {"process": "tt", "vdd": 0.9, "temp": 298.15}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A macro from a table of round numbers: what is tested is where they arrive."""
    folder = tmp_path_factory.mktemp("results")
    axes = ("process", "vdd", "temp")
    numbers = {"t_fo4": 1.5e-11, "i_leak": 5e-12, "i_leak_std": 1e-12}
    for metric in ("t_read_p", "t_read_n", "t_read_single"):
        numbers |= {metric: 2e-10, f"{metric}_std": 1e-11}
    for metric in ("e_read", "e_read_single"):
        numbers |= {metric: 5e-15, f"{metric}_std": 1e-16}
    table = xr.Dataset(
        {name: (axes, [[[1.1 * value], [value], [0.95 * value]]], {"units": "1"}) for name, value in numbers.items()},
        {"process": ["tt"], "vdd": [0.8, 0.9, 1.0], "temp": [298.15]},
        {"technology": "predictive28", "readpath": json.dumps({"rows": 16})},
    )
    made = macro.evaluate(table, MacroGeometry(), 1.2e-13).assign_attrs(chain.memory_attrs())
    made.to_netcdf(folder / "macro.nc")
    return folder


@pytest.fixture(scope="module")
def packages(results, tmp_path_factory):
    dest = tmp_path_factory.mktemp("packages")
    for to in ("zigzag", "hwcomponents"):
        export(results, to, dest)
    return dest


def run(python, folder, *arguments, path=""):
    """Outcome of a Python program that starts in a folder, whose packages it finds.

    ``path``: folder of further programs, looked for after all others.
    """
    env = {"PYTHONPATH": str(folder), "HOME": str(folder), "PATH": f"{os.environ['PATH']}:{path}"}
    return subprocess.run([python, *arguments], cwd=folder, env=env, capture_output=True, text=True)


@pytest.mark.parametrize("design", ["baseline", "ddc"])
def test_mobilenet_in_zigzag(environment, packages, results, design, tmp_path):
    """Operations are counted as in our model but for depthwise layers; energy and area of the array are the table's."""
    python = environment("zigzag", (3, 11))
    done = run(python, packages, "-m", "zigzag_pimchar_predictive28", "mobilenetv2", "--design", design,
               "--csv", tmp_path / "layers.csv")  # fmt: skip
    assert done.returncode == 0, done.stderr
    found, data = pd.read_csv(tmp_path / "layers.csv"), xr.load_dataset(results / "macro.nc")
    layers, here = list(workloads.load("mobilenet_v2")), data.sel(design=design, **AT)
    table = zigzag.compare(layers, MacroGeometry.of(data), found)
    allowed = {zigzag.SAME} if design == "baseline" else {zigzag.SAME, zigzag.ONE_CHANNEL}
    assert set(table["reason"]) == allowed
    assert set(table["type"][table["reason"] == zigzag.ONE_CHANNEL]) <= {"depthwise"}
    assert not zigzag.maps(layers, data, found)["reason"].str.contains(zigzag.UNKNOWN).any()
    energy = float(here["energy_per_cycle"]) * 4 * 8 * found["operations"].sum()
    assert found["array_energy_j"].sum() == pytest.approx(energy, rel=1e-9)
    if design == "baseline":
        ours = network.total(network.evaluate(layers, data)).sel(design=design, **AT)["energy_components"]
        assert energy == pytest.approx(float(ours.sel(component="macro")), rel=1e-9)
    assert f"{float(here['cycle_time']) * 1e9:.4f} ns" in done.stdout
    assert f"{float(here['area']) * 4e6:.4f} mm2" in done.stdout


def test_zigzag_refuses_what_the_table_does_not_hold(environment, packages):
    done = run(environment("zigzag", (3, 11)), packages, "-m", "zigzag_pimchar_predictive28", "alexnet", "--vdd", "1.3")
    assert done.returncode == 2
    assert done.stderr.strip().endswith("vdd=1.3 V is outside 0.8..1 V of the table (table.csv)")


QUERIES = """
import json, hwcomponents
models = hwcomponents.get_models()
cost = hwcomponents.get_action_cost("PimcharMacro", {"design": "'ddc'", "vdd": 0.9}, "compute", {}, models)
area = hwcomponents.get_area("PimcharMacro", {"vdd": 0.9}, models)
leak = hwcomponents.get_leak_power("PimcharMacro", {"vdd": 0.9}, models)
try:
    hwcomponents.get_area("PimcharMacro", {"vdd": 1.3}, models)
    refused = ""
except Exception as error:
    refused = str(error)
names = [model.__name__ for model in models if "pimchar" in model.__module__]
plain = [cost.energy, cost.latency, area, leak]
print(json.dumps({"names": names, "plain": plain, "refused": refused}))
"""


def test_component_models_in_hwcomponents(environment, packages, results):
    """The tool finds them by their package's name; numbers are the macro's; a refusal says ours."""
    done = run(environment("hwcomponents", (3, 12)), packages, "-c", QUERIES)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    here = xr.load_dataset(results / "macro.nc").sel(design="ddc", **AT)
    assert found["names"] == ["PimcharMac", "PimcharMacro", "PimcharPart"]
    names = ("energy_per_cycle", "cycle_time", "area", "leakage_power")
    assert found["plain"] == pytest.approx([float(here[name]) for name in names], rel=1e-12)
    assert "vdd=1.3 V is outside 0.8..1 V of the table (table.csv)" in found["refused"]


def test_a_matrix_product_in_accelforge(environment, packages, results, tmp_path):
    """Each multiplication takes eight cycles and one multiplier's share of the macro's energy and leakage.

    AccelForge draws with graphviz whatever is asked; where ``dot`` is missing, a program that draws nothing stands in.
    """
    dot = tmp_path / "dot"
    dot.write_text('#!/bin/sh\ncat > /dev/null\necho "<svg/>"\n')
    dot.chmod(0o755)
    done = run(environment("hwcomponents", (3, 12)), packages, EXAMPLE, path=tmp_path)
    assert done.returncode == 0, done.stderr
    found = {
        line.split()[0]: float(line.split()[1]) for line in done.stdout.splitlines() if line.endswith((" s", " J"))
    }
    here = xr.load_dataset(results / "macro.nc").sel(design="ddc", **AT)
    products, lanes = 64 * 128 * 128, 32 * 2 * 2
    latency = products * 8 * float(here["cycle_time"])
    energy = products * 8 * float(here["energy_per_cycle"]) / lanes + latency * float(here["leakage_power"]) / lanes
    assert found["latency"] == pytest.approx(latency, rel=1e-5)
    assert found["Multiplier"] == pytest.approx(energy, rel=1e-5)
