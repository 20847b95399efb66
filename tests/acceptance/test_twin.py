"""The table twin against ngspice out to six standard deviations, every static metric at every condition of the grids.

And read margins of cells of which more varies than thresholds.

``PIMCHAR_TWIN_CHECK`` names a folder for the results of each grid, so that a run which is broken off goes on later.
"""

import os
from pathlib import Path

import pytest
import xarray as xr

from charlib import Conditions, Variation, characterize, twin_check
from charlib.twin import judge
from netlists import Sram8T
from pimchar import chain, runfile

pytestmark = [pytest.mark.acceptance, pytest.mark.ngspice]

RUNS = Path(__file__).parents[2] / "docs" / "runs"


@pytest.mark.parametrize("technology", ["predictive28", "freepdk45", "sky130"])
def test_every_static_metric_is_that_of_ngspice(technology, installed, tmp_path):
    run, _ = runfile.read(RUNS / f"twin-{technology}.toml")
    folder = Path(os.environ.get("PIMCHAR_TWIN_CHECK", tmp_path)) / technology
    found = chain.check_twin(run, folder, workers=2)
    judge.refuse(found)
    assert len(set(zip(found["process"].values, found["vdd"].values, found["temp"].values, strict=True))) == 45
    assert (found["answered"] >= 0.95).all()  # a place or another of a followed curve is beyond ngspice at 1e-6
    # Of a write so strong that the halves' curves have no square between them the write margin is a bound in both.
    assert (found["judged"].where(found["metric"] != "snm_write", 400) >= 300).all()


def test_half_cells_with_a_read_port_are_those_of_ngspice():
    found = twin_check(cell=Sram8T(), judged=50)
    judge.refuse(found)
    assert {"snm_hold", "snm_read", "snm_write"} <= set(found["metric"].values)


@pytest.mark.parametrize(("technology", "vdd"), [("gf180mcu", 2.5), ("sky130", 1.2)])
def test_cells_of_which_more_varies_than_thresholds_are_those_of_ngspice(technology, vdd, installed, tmp_path):
    """Mobility and oxide thickness, which move these margins by up to 5 and 24 mV; hot, since tables are smallest."""
    characterize(
        technology=technology,
        conditions=Conditions(vdd=[vdd], temp=[398.15]),
        variation=Variation(samples=40, seed=2),
        metrics=["snm_read"],
        engine="twin",
        judged=12,
        out=tmp_path / "r",
    )
    found = xr.load_dataset(tmp_path / "r" / judge.FILE).squeeze("case")
    assert found["judged"] == 24
    assert found["rms"] < 2e-6
    assert found["largest"] < 5e-6
