"""One sample again, alone."""

import shutil
import subprocess

import numpy as np
import pytest

from charlib import Conditions, InvalidPlan, PlanMismatch, Variation, characterize, reproduce

pytestmark = pytest.mark.ngspice


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("reproduce") / "r"
    conditions = Conditions(process=["ss"], vdd=[0.8, 1.0])
    characterize(conditions=conditions, variation=Variation(samples=66), metrics=["snm_read", "t_read_p"], out=out)
    return out


@pytest.mark.parametrize(("metric", "sample"), [("snm_read", 65), ("t_read_p", 3)])
def test_a_sample_alone_is_the_stored_one_and_runs_by_hand(folder, metric, sample):
    found = reproduce(folder, metric, "ss", 0.8, 298.15, sample)
    assert found.identical
    assert found.again > 0
    subprocess.run(["ngspice", "-b", "deck.cir"], cwd=found.folder, check=True, capture_output=True)
    ours = np.loadtxt(found.folder / "vectors.csv", delimiter=",", skiprows=1)
    by_hand = np.loadtxt(found.folder / "waveforms.txt", skiprows=1)
    columns = by_hand[:, 1:] if metric == "snm_read" else by_hand[:, [*range(1, by_hand.shape[1]), 0]]
    np.testing.assert_allclose(columns, ours, rtol=1e-9, atol=1e-15)


def test_a_changed_number_is_noticed(folder, tmp_path):
    import xarray as xr

    copy = tmp_path / "r"
    shutil.copytree(folder, copy)
    data = xr.load_dataset(copy / "characterization.nc")
    data["snm_read"][0, 0, 0, 5] += 1e-12
    data.to_netcdf(copy / "characterization.nc")
    assert not reproduce(copy, "snm_read", "ss", 0.8, 298.15, 5).identical
    assert reproduce(copy, "snm_read", "ss", 0.8, 298.15, 6).identical


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metric": "i_read"}, "metric='i_read' is not one of snm_read, t_read_p"),
        ({"process": "tt"}, "process=tt is not one of ss"),
        ({"vdd": 0.9}, "vdd=0.9 is not one of 0.8, 1.0"),
        ({"temp": 300.0}, "temp=300.0 is not one of 298.15"),
        ({"sample": 66}, r"sample=66 is not one of 0\.\.65"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(folder, change, message):
    question = {"metric": "snm_read", "process": "ss", "vdd": 0.8, "temp": 298.15, "sample": 0} | change
    with pytest.raises(InvalidPlan, match=message):
        reproduce(folder, **question)


def test_a_folder_without_results_says_so(tmp_path):
    with pytest.raises(PlanMismatch, match="holds no finished characterization"):
        reproduce(tmp_path, "snm_read", "ss", 0.8, 298.15, 0)
