"""A run file with ``engine = "twin"``: statistics, sensitivities and figures as of any other run."""

import re

import numpy as np
import pytest
import xarray as xr
from commandline import pimchar, printed

from analysis.sensitivity import sensitivity
from charlib import Variation, characterize
from charlib.twin import judge
from charlib.twincheck import COVERED
from figures import FIGURES
from netlists import Sram6T

pytestmark = pytest.mark.ngspice

RUN = """
[cell]
w_pd = 50e-9
w_pg = 150e-9
[conditions]
process = ["tt"]
vdd = [0.5, 1.0]
temp_c = [25, 125]
[variation]
samples = 1000
seed = 4
[characterize]
metrics = ["snm_read"]
engine = "twin"
judged = 4
"""
CELL = {f"cell.{name}_{side}" for name in ("pd", "pu", "pg") for side in "lr"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twin")
    (folder / "run.toml").write_text(RUN)
    said = printed("characterize", folder / "run.toml", "--out", folder / "out", "--workers", 1)
    (folder / "said.txt").write_text(said)
    return folder / "out"


def test_sensitivities_are_those_of_ngspice(folder):
    said = printed("stats", folder)
    assert "1000 samples per condition, seed 4" in said
    assert "sensitivity at tt, VDD 1 V, 25 °C" in said
    assert set(xr.load_dataset(folder / "statistics.nc", group="sensitivity")["device"].values) == CELL
    few, cell = Variation(samples=40, seed=4), Sram6T(w_pd=50e-9, w_pg=150e-9)
    ngspice = characterize(cell=cell, metrics=["snm_read"], variation=few, accuracy="reference", workers=1)
    ours = xr.load_dataset(folder / "characterization.nc").sel(ngspice.coords)
    slopes = [sensitivity(data)["snm_read_slope"].squeeze().values for data in (ours, ngspice)]
    assert np.abs(slopes).max() > 5e-3
    assert slopes[0] == pytest.approx(slopes[1], abs=5e-6)


def test_a_run_says_how_far_it_is_off(folder):
    *progress, title, head, _, margin, done = (folder.parent / "said.txt").read_text().splitlines()
    assert progress[-1].startswith("simulating: 4000/4000 samples, 0 failed")
    assert title.startswith("Twin less ngspice at tight tolerances, 4 judged samples a condition;")
    assert "at worst / sigma" in head
    assert margin.split()[:2] == ["snm_read", "4"]
    assert margin.endswith("within")
    assert done.startswith("done: ")


def test_a_sample_solved_from_tables_is_not_called_different_from_itself(folder):
    at = ("--process", "tt", "--vdd", 1.0, "--temp-c", 25, "--sample", 3)
    result = pimchar("reproduce", folder, "--metric", "snm_read", *at)
    said = " ".join(result.output.split())
    assert result.exit_code == 2, said
    assert "was solved from tables (engine='twin'), not in ngspice: twin.nc in it has both numbers" in said


def test_the_judge_s_verdicts_are_labelled_as_the_run(folder):
    data = xr.load_dataset(folder / judge.FILE)
    assert data.sizes == {"case": 4, "judged_sample": 4}
    assert (data.attrs["technology"], data.attrs["engine"], data.attrs["samples"]) == ("predictive28", "twin", 1000)


@pytest.mark.parametrize("name", ["margins", "qq", "tail", "tornado", "shmoo", "twin"])
def test_figures_are_those_of_any_other_run(name, folder):
    figure = FIGURES[name].draw(folder)
    caption = " ".join(figure.get_supxlabel().split())
    assert "predictive28, tt" in caption
    assert "1000 Monte Carlo samples, seed 4" in caption
    figure.canvas.draw()


def test_a_shmoo_is_over_supply_and_temperature(folder):
    figure = FIGURES["shmoo"].draw(folder)
    (ax,) = (ax for ax in figure.axes if ax.get_title())
    assert ax.get_title() == "snm_read, tt"
    rate = (xr.load_dataset(folder / "characterization.nc")["snm_read"] > 0).mean("sample").squeeze()
    shown = [float(text.get_text()) for text in ax.texts]
    expected = 100 * rate.transpose("temp", "vdd").values.ravel()
    assert shown == pytest.approx(expected, abs=0.1)
    assert min(shown) < 100


SMALL = """
[conditions]
process = ["tt"]
vdd = [0.5]
temp_c = [125]
[variation]
samples = 20
[characterize]
metrics = ["snm_read"]
engine = "twin"
judged = 4
"""


def test_a_refused_run_ends_with_one_line_and_keeps_the_verdicts(tmp_path, widen):
    widen("pd")
    (tmp_path / "run.toml").write_text(SMALL)
    kept = tmp_path / "out" / judge.REFUSED
    result = pimchar("characterize", tmp_path / "run.toml", "--out", tmp_path / "out", "--workers", 1)
    assert (result.exit_code, result.stdout) == (1, "")
    *progress, said = result.stderr.splitlines()
    assert all(line.startswith("simulating: ") for line in progress)
    refused, what, where = said.split("; ")
    number = r"[0-9.e-]+"
    message = f"pimchar: engine='twin': snm_read at tt, 0.5 V, 125 degC is {number} V rms off ngspice, beyond 5e-05"
    assert re.fullmatch(message, refused)
    assert what == "use engine='ngspice' (characterize.engine)"
    assert where == f"the verdicts are in {kept}"
    assert xr.load_dataset(kept)["metric"].values.tolist() == ["snm_read"]
    assert not (tmp_path / "out" / "characterization.nc").exists()


def test_a_check_prints_every_metric_and_goes_on_from_what_it_kept(tmp_path):
    (tmp_path / "run.toml").write_text(SMALL)
    first, again = (pimchar("twin-check", tmp_path / "run.toml", "--out", tmp_path / "out") for _ in range(2))
    assert (first.exit_code, again.exit_code) == (0, 0), first.output
    title, head, _, *rows = first.stdout.splitlines()
    assert title.startswith("Twin less ngspice at tight tolerances, 4 samples a condition out to 6 sigma; ")
    assert "at worst / sigma" in head
    assert sorted(row.split()[0] for row in rows) == sorted(COVERED)
    assert all(row.endswith("within") for row in rows)
    assert again.stdout == first.stdout
    assert "simulating: 36/36 samples" in first.stderr
    assert re.fullmatch(r"simulating: 0/0 samples, 0 failed, \d+ s\n", again.stderr)
