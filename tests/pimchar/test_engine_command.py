"""The in-MRAM engine from the command line, from MADE-UP tables of cells and gates; no simulator runs."""

import shutil

import pandas as pd
import pytest
import xarray as xr
from commandline import pimchar
from synthetic import CELL_AREA, made_up_mram, synthetic_gates, synthetic_table

from analysis.plots import NothingToDraw
from figures import FIGURES


def mram_results(made):
    """Tables of an MRAM cell, and gates at the same supply."""
    made.mkdir()
    made_up_mram((0.9,)).to_netcdf(made / "tables.nc")
    synthetic_gates(vdds=(0.9,), processes=("tt",)).to_netcdf(made / "periphery.nc")
    return made


def sram_results(made):
    """Tables of an SRAM cell."""
    made.mkdir()
    tables = synthetic_table().sel(process=["tt"], vdd=[0.8, 0.9])
    for name in ("t_precharge", "t_precharge_single"):
        tables[name], tables[f"{name}_std"] = 0.5 * tables["t_read_p"], 0 * tables["t_read_p"]
    tables.assign_attrs(technology="predictive28", cell_area=CELL_AREA).to_netcdf(made / "tables.nc")
    (made / "run.toml").write_text("")
    return made


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the command says of an MRAM cell beside an SRAM cell, and its directory."""
    place = tmp_path_factory.mktemp("engine")
    mram, sram = mram_results(place / "stt"), sram_results(place / "sram")
    return pimchar("engine", mram, "--beside", sram), mram


def test_both_networks_are_told_stored_and_drawn(told):
    result, folder = told
    assert result.exit_code == 0, result.output
    text = " ".join(result.output.split())
    for words in ("alexnet", "lenet5", "stt1t1m", "sram baseline", "sram ddc", "8:8", "imce: energy of an image",
                  "our energy over the published one", "input_write", "no counterpart here"):  # fmt: skip
        assert words in text
    rows = pd.read_csv(folder / "engine.csv")
    assert set(rows["network"]) == {"alexnet", "lenet5"}
    assert set(rows["design"]) == {"stt1t1m", "sram baseline", "sram ddc"}
    assert len(rows) == 2 * 3 * 16 * (1 + 2 + 2)
    stored = xr.load_dataset(folder / "engine.nc", group="alexnet/stt1t1m")
    own = rows.query("network == 'alexnet' and design == 'stt1t1m' and layers == 'all'")
    assert own["energy_j"].sum() == pytest.approx(float(stored["energy"].sum()))
    assert (pd.read_csv(folder / "engine_published.csv")["network"] == "alexnet").all()
    figure = FIGURES["engine"].draw(folder)
    caption = " ".join(figure.get_supxlabel().split())
    assert "predictive28, tt, VDD 0.9 V" in caption
    labels = {ax.get_xlabel() for ax in figure.axes if ax.axison}
    assert any(label.startswith("alexnet, W:A 8:8 [") for label in labels)
    assert len(labels) == 4
    assert "of the energy of alexnet at 8:8 on stt1t1m" in " ".join(figure.get_suptitle().split())


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("periphery.nc", "has no periphery.nc, whose gates counters consist of: [periphery] in its run file"),
        ("tables.nc", "has no tables.nc"),
    ],
)
def test_what_a_directory_lacks_is_told_in_a_line(tmp_path, file, message):
    folder = mram_results(tmp_path / "stt")
    (folder / file).unlink()
    result = pimchar("engine", folder)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (folder / "engine.csv").exists()


@pytest.mark.parametrize("file", ["periphery.nc", "tables.nc"])
@pytest.mark.parametrize("cut", [False, True])
def test_a_file_that_is_no_netcdf_or_cut_is_told_in_a_line(tmp_path, file, cut):
    folder = mram_results(tmp_path / "stt")
    (folder / file).write_bytes((folder / file).read_bytes()[:2000] if cut else b"no table")
    result = pimchar("engine", folder)
    assert result.exit_code == 2, result.output
    assert f"{file} is not readable" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_an_sram_cell_makes_no_engine(tmp_path):
    result = pimchar("engine", sram_results(tmp_path / "sram"))
    assert result.exit_code == 2
    assert "has no write pulse: the engine is of MRAM cells" in result.stderr


def test_a_figure_without_short_or_long_words_is_not_drawn(told, tmp_path):
    _, folder = told
    rows = pd.read_csv(folder / "engine.csv")
    rows[rows["weight_bits"] == 2].to_csv(tmp_path / "engine.csv", index=False)
    shutil.copy(folder / "engine.nc", tmp_path)
    with pytest.raises(NothingToDraw, match="none of 1:1, 8:8"):
        FIGURES["engine"].draw(tmp_path)
