"""The study in docs/examples, executed on a table of made-up laws, whose answer is known in closed form."""

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
import xarray as xr

from charlib import Status, tables
from charlib.metrics import METRICS
from charlib.status import FLAG_ATTRS

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "docs" / "examples" / "minimum_energy.ipynb"
VDD, SPEED = [0.6, 0.7, 0.8, 0.9, 1.0], {"tt": 1.0, "ff": 0.7, "ss": 1.4}
SHIFT = np.random.default_rng(3).normal(0.0, 0.05, 60)
LAST = "import json\nprint(json.dumps({str(p): float(best.sel(process=p)) for p in best['process'].values}))"


def write_table(path):
    """A delay that falls with the fourth power of the supply, a margin that rises with it; energy with its square."""
    axes = {"process": list(SPEED), "vdd": VDD, "temp": [85 + 273.15], "sample": np.arange(SHIFT.size)}
    data = xr.Dataset(coords=axes, attrs={"technology": "predictive28", "samples": SHIFT.size})
    for axis, unit in (("process", "1"), ("vdd", "V"), ("temp", "K"), ("sample", "1")):
        data[axis].attrs["units"] = unit
    slow, shift = xr.DataArray(list(SPEED.values()), dims="process"), xr.DataArray(SHIFT, dims="sample")
    laws = {
        "t_read_p": (4e-10 * slow * (0.7 / data["vdd"]) ** 4 * np.exp(shift), "high", math.inf),
        "snm_read": (0.5 * (data["vdd"] - 0.5) * (1 - shift) * slow**0, "low", 0.0),
        "e_read": (5e-15 * data["vdd"] ** 2 * (1 + 0 * shift) * slow**0, "high", math.inf),
        "i_leak": (1e-9 / slow**3 * data["vdd"] * np.exp(-3 * shift), "high", math.inf),
    }
    for name, (values, side, limit) in laws.items():
        values = values.expand_dims(temp=data["temp"].values).transpose(*axes)
        about = {"units": METRICS[name].unit, "long_name": name, "fails_when": side, "fail_limit": limit}
        data[name] = values.assign_attrs(about)
        status = xr.full_like(values, Status.ok, dtype=np.int8)
        data[f"{name}_status"] = status.assign_attrs(units="1", **FLAG_ATTRS)
        data[f"{name}_nominal"] = values.isel(sample=0, drop=True).assign_attrs(about)
    path.parent.mkdir(parents=True)
    tables.write(path, data)


def test_the_study_finds_the_lowest_supply_within_both_limits(tmp_path):
    """Energy rises with the supply, so the answer is where the delay or the margin that 95 % keep meets its limit."""
    write_table(tmp_path / "results" / "minimum-energy" / "tables.nc")
    study = nbformat.read(NOTEBOOK, as_version=4)
    study.cells.append(nbformat.v4.new_code_cell(LAST))
    copy = tmp_path / "docs" / "examples" / NOTEBOOK.name
    copy.parent.mkdir(parents=True)
    nbformat.write(study, copy)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, NOTEBOOK.with_name("execute.py"), copy]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    executed = nbformat.read(copy, as_version=4)
    (said,) = (output["text"] for output in executed.cells[-1]["outputs"] if output["output_type"] == "stream")
    high = np.quantile(SHIFT, 0.95)
    grid = np.linspace(0.6, 1.0, 41)
    for process, speed in SPEED.items():
        for_delay = 0.7 * (4e-10 * speed * math.exp(high) / 0.5e-9) ** 0.25
        for_margin = 0.5 + 0.06 / 0.5 / (1 - high)
        expected = grid[grid >= max(for_delay, for_margin)][0]
        assert json.loads(said)[process] == pytest.approx(expected, abs=1e-9), process


def test_the_committed_page_is_executed_small_and_of_no_machine():
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < 150_000
    assert not re.search(r"/(home|root|tmp|usr|var)/|Traceback|Warning", text)
    study = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(study)
    cells = [cell for cell in study.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(not cell.metadata for cell in study.cells)
    pictures = [output for cell in cells for output in cell.outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 2
    assert study.metadata["language_info"] == {"name": "python"}
    assert "docs/examples/execute.py" in "".join(cell.source for cell in study.cells if cell.cell_type == "markdown")
