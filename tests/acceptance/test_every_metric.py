"""Every metric of a cell on three technologies at 45 conditions of 50 samples: no sample without an answer.

Of the 6T cell all, of the 8T cell those of its read port.

``PIMCHAR_GRID`` names a folder for the results, so that a run which is broken off goes on later and the times of all
testbenches stay in its manifests; ``PIMCHAR_TESTBENCHES`` limits what is measured, such as ``write_wl retention``.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from charlib import METRICS, Conditions, Status, Variation, characterize
from netlists.bitcells import Sram6T, Sram8T
from netlists.technology import load
from netlists.testbenches import TESTBENCHES

pytestmark = [pytest.mark.acceptance, pytest.mark.ngspice, pytest.mark.usefixtures("installed")]

SUPPLIES = {"predictive28": (0.6, 0.8, 1.0), "freepdk45/vtg": (0.6, 0.8, 1.0), "sky130/sram": (1.2, 1.5, 1.8)}
"""Technology to its supplies [V]."""
KELVIN = (233.15, 298.15, 398.15)
SAMPLES = 50
UNKNOWN = (Status.numerical_failure, Status.timeout, Status.suspect)
AT_WORK = ("truth", "compute", "held", "line_hold", "read_path_single")
"""Beginnings of the testbenches of a read path at work, which have checks of their own."""


def asked_for(cell):
    """Metrics of a cell and its column, of another than the 6T cell those that this one has not."""
    chosen = os.environ.get("PIMCHAR_TESTBENCHES", "").split()
    lacks = {name: row.missing(Sram6T()) for name, row in TESTBENCHES.items()}
    benches = [
        name
        for name, row in TESTBENCHES.items()
        if not row.missing(cell) and bool(lacks[name]) == (cell != Sram6T())
        and not name.startswith(AT_WORK) and (not chosen or name in chosen)
    ]  # fmt: skip
    return [name for name, metric in METRICS.items() if metric.testbench in benches]


@pytest.mark.parametrize("cell", [Sram6T(), Sram8T()], ids=lambda cell: cell.kind)
@pytest.mark.parametrize("name", SUPPLIES)
def test_every_sample_has_an_answer(name, cell, tmp_path, capsys):
    folder = Path(os.environ.get("PIMCHAR_GRID", tmp_path)) / f"{name.replace('/', '-')}-{cell.kind}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    processes = [process for process in ("tt", "ff", "ss", "fs", "sf") if process in load(name).cards]
    metrics = asked_for(cell)
    if not metrics:
        pytest.skip("none of its metrics is asked for")
    found = characterize(
        cell=cell,
        technology=name,
        conditions=Conditions(process=processes, vdd=SUPPLIES[name], temp=KELVIN),
        variation=Variation(samples=SAMPLES, seed=1),
        metrics=metrics,
        out=folder,
        max_failed=1.0,
        progress=True,
    )
    unknown = {metric: int(np.isin(found[f"{metric}_status"], UNKNOWN).sum()) for metric in metrics}
    manifest = json.loads((folder / "manifest.json").read_text())
    with capsys.disabled():
        print(
            f"\n{name}, {cell.kind}: {len(processes) * 9} conditions, {SAMPLES} samples, retried: {manifest['retried']}"
        )
        for bench, seconds in manifest["seconds_per_sample"].items():
            print(f"{bench:16} {1e3 * seconds:8.2f} ms a sample")
    assert len(processes) == 5
    assert not any(unknown.values()), {metric: count for metric, count in unknown.items() if count}
