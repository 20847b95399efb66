"""Small results directories in the real format."""

import shutil

import pandas as pd
import pytest
import xarray as xr

import charlib
from analysis import macro, network, workloads
from analysis.architecture import MacroGeometry
from charlib import METRICS
from charlib.characterize import provenance
from charlib.plan import make_plan
from charlib.shmoo import limits, wanted
from netlists import TESTBENCHES, Sram6T

SAMPLES = 12
"""Enough for a regression on the six transistors of the cell, too few for one on those of the read path."""
NOT_DRAWN = ("read_pulse", "half_select", "pim_row", "supply_dip", "truth_single", "held", "held_single", "line_hold")
"""Testbenches that take time; one figure shows some of them, and has tests of its own."""
AT_WORK = ("truth", "compute", "compute_single")
"""Testbenches of which figures show the nominal cell alone, and which take longest."""


def results(folder, vdd, samples, without):
    """Characterize tt at some supplies, then macro and network; the cell alone where ``samples`` is 0.

    Args:
        without: testbenches that are left out.
    """
    charlib.characterize(
        conditions=charlib.Conditions(process=["tt"], vdd=vdd),
        variation=charlib.Variation(samples=samples, seed=5) if samples else None,
        metrics=[
            name
            for name, metric in METRICS.items()
            if metric.testbench not in without and not TESTBENCHES[metric.testbench].missing(Sram6T())
        ],
        out=folder,
        workers=1,
    )
    charlib.characterize_logic(
        conditions=charlib.Conditions(process=["tt"], vdd=[vdd[-1]]),
        variation=charlib.Variation(samples=samples, seed=5) if samples else None,
        gates=["nand2"],
        slews=[1.0, 4.0],
        loads=[1.0, 6.0],
        out=folder,
        workers=1,
    )
    tables = xr.load_dataset(folder / "tables.nc")
    array = macro.evaluate(tables, MacroGeometry(), tables.attrs["cell_area"])
    array.to_netcdf(folder / "macro.nc")
    each = [network.evaluate(workloads.load(name), array, name=name) for name in ("mobilenet_v2", "resnet18")]
    pd.concat([network.to_frame(one) for one in each]).to_csv(folder / "network.csv", index=False)
    return folder


@pytest.fixture(scope="session")
def sampled(tmp_path_factory):
    """Two supplies, Monte Carlo, without what takes longer than all the rest; read only."""
    without = (*NOT_DRAWN, *AT_WORK, "write_pulse")
    return results(tmp_path_factory.mktemp("figures") / "sampled", [0.9, 1.0], SAMPLES, without)


@pytest.fixture(scope="session")
def nominal(tmp_path_factory):
    """One supply, the nominal cell alone; read only."""
    folder = results(tmp_path_factory.mktemp("figures") / "nominal", [0.9], 0, NOT_DRAWN)
    cycles().to_netcdf(folder / "shmoo.nc")
    return folder


def cycles():
    """SYNTHETIC limits of the cycle: ``1 ns / VDD^3`` and 1 us, none at 0.5 V."""
    at = charlib.Conditions(process=["tt", "ff"], vdd=[0.5, 0.7, 0.9], temp=[298.15])
    plan = make_plan(None, "predictive28", at, None, ("t_compute",), "ngspice", "default", None, 1.0)
    tried = {point: {} for point in at.points()}
    for (_, vdd, *_), trials in tried.items():
        while todo := wanted(2e-9 / vdd**3, trials):
            trials |= {cycle: vdd > 0.6 and 1e-9 / vdd**3 < cycle < 1e-6 for cycle in todo}
    return limits(plan, tried).assign_attrs(provenance(plan, "none", None), pattern="worst")


@pytest.fixture
def copy(sampled, tmp_path):
    """A copy of the sampled directory that a test may damage."""
    return shutil.copytree(sampled, tmp_path / "copy", ignore=shutil.ignore_patterns("units"))


@pytest.fixture
def change():
    """Rewrite a file of results, or one group of it, with a function of its Dataset."""

    def rewrite(path, how, groups=()):
        if not groups:
            how(xr.load_dataset(path)).to_netcdf(path)
            return
        changed = {group: how(xr.load_dataset(path, group=group)) for group in groups}
        xr.Dataset().to_netcdf(path)
        for group, data in changed.items():
            data.to_netcdf(path, mode="a", group=group)

    return rewrite
