"""docs/technologies.md carried out as it stands, its commands in order; docs/metrics.md complete."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

import charlib

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "technologies.md"
PROGRAM = 'set -e; pimchar() { "$PYTHON" -m pimchar "$@"; }\n'


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_every_metric_is_defined_and_every_picture_is_there():
    page = ROOT / "docs" / "metrics.md"
    text = page.read_text(encoding="utf-8")
    assert [name for name in charlib.METRICS if f"`{name}`" not in text] == []
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", text)
    assert pictures
    assert all((page.parent / picture).is_file() for picture in pictures)


@pytest.mark.ngspice
def test_bring_your_own(installed, tmp_path):
    for text in blocks("toml"):
        if title := re.match(r"# (\S+\.toml)\n", text):
            (tmp_path / title[1]).write_text(text)
    assert {path.name for path in tmp_path.iterdir()} == {"mytech.toml", "run.toml"}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = os.environ | {"PYTHON": sys.executable, "PYTHONPATH": path}
    command = ["bash", "-c", PROGRAM + "".join(blocks("sh"))]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "mytech: our 45 nm process" in ran.stdout
    mine = xr.load_dataset(tmp_path / "results" / "characterization.nc", engine="h5netcdf")
    at = charlib.Conditions(process=["tt", "ss"], vdd=[1.0], temp=[300.15])
    variation = charlib.Variation(samples=4, seed=1)
    metrics = ("snm_hold", "snm_read", "i_read", "i_leak")
    open_one = charlib.characterize(
        technology="freepdk45", conditions=at, variation=variation, metrics=metrics, workers=1
    )
    for metric in metrics:
        assert (mine[metric].values == open_one[metric].values).all()
