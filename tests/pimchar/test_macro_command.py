"""The macro from the command line, from made-up tables of cells and gates; no simulator runs."""

import pytest
import xarray as xr
from commandline import pimchar
from synthetic import CELL_AREA, synthetic_gates, synthetic_table

from figures import FIGURES


@pytest.fixture
def folder(tmp_path):
    """Tables at one process and two supplies, and gates at the same."""
    tables = synthetic_table().sel(process=["tt"], vdd=[0.8, 0.9])
    for name, factor in (("t_precharge", 0.5), ("t_precharge_single", 0.5)):
        tables[name], tables[f"{name}_std"] = factor * tables["t_read_p"], 0 * tables["t_read_p"]
    tables = tables.assign_attrs(technology="predictive28", cell_area=CELL_AREA)
    tables.to_netcdf(tmp_path / "tables.nc")
    synthetic_gates(vdds=(0.8, 0.9), processes=("tt",)).to_netcdf(tmp_path / "periphery.nc")
    (tmp_path / "run.toml").write_text("[macro]\nmacros = 2\n")
    return tmp_path


def test_macro_of_characterized_gates_is_shown_stored_and_drawn(folder):
    result = pimchar("macro", folder)
    assert result.exit_code == 0, result.output
    text = " ".join(result.output.split())
    for words in (
        "one of 2 macros: 32 compartments x 64 rows x 16 columns", "gates characterized: predictive28 (periphery.nc)",
        "row held: e_read_single 1 of 8 times, inputs at 1", "read each bit: ", "adder_tree",
    ):  # fmt: skip
        assert words in text
    held, every = (xr.load_dataset(folder / "macro.nc", group=group) for group in (None, "precharged"))
    ratio = every["energy_per_cycle_components"] / held["energy_per_cycle_components"]
    assert ratio.sel(component="array").values == pytest.approx(8)
    for name in ("macro_parts", "silicon"):
        figure = FIGURES[name].draw(folder)
        assert "gates characterized" in " ".join(figure.get_supxlabel().lower().split())


def test_published_gates_on_demand_and_without_others(folder):
    asked = pimchar("macro", folder, "--published")
    (folder / "periphery.nc").unlink()
    alone = pimchar("macro", folder)
    assert asked.exit_code == alone.exit_code == 0, asked.output
    assert asked.output == alone.output
    assert "gates published: ZigZag-IMC" in alone.output


def test_published_gates_are_shown_and_not_stored(folder):
    pimchar("macro", folder)
    before = (folder / "macro.nc").read_bytes()
    assert "gates published" in pimchar("macro", folder, "--published").output
    assert (folder / "macro.nc").read_bytes() == before
    assert "with DIR's own gates" in " ".join(pimchar("network", "--help").output.split())


def test_headlines_hold_ddc_against_the_baseline_at_the_condition_they_name(folder):
    tables = xr.load_dataset(folder / "tables.nc")
    for name in ("t_read_p", "t_read_n"):
        tables[name] = tables[name] * xr.where(tables["vdd"] > 0.85, 100, 1)  # at the nominal supply alone
    tables.to_netcdf(folder / "tables.nc")
    result = pimchar("network", folder, "--headlines")
    assert result.exit_code == 0, result.output
    at = xr.load_dataset(folder / "macro.nc")["tops_per_mm2"].sel(process="tt", vdd=0.9).squeeze()
    ratio = float(at.sel(design="ddc") / at.sel(design="baseline"))
    assert ratio < 0.5
    line = "DDC over our own baseline at tt, VDD 0.9 V"
    assert line in (text := " ".join(result.output.split()))
    assert f"area efficiency {ratio:.2f}. Neither" in text.partition(line)[2]


def test_silicon_beside(folder):
    result = pimchar("macro", folder, "--silicon", "--published")
    assert result.exit_code == 0, result.output
    for words in ("Yan ISSCC22", "27.38", "clock [MHz]", "over published", "Mori ISSCC23", "nothing is fitted"):
        assert words in " ".join(result.output.split())


def test_gates_that_do_not_serve_are_told_in_a_line(folder):
    synthetic_gates(vdds=(0.9,), processes=("tt",)).to_netcdf(folder / "periphery.nc")
    result = pimchar("macro", folder)
    assert result.exit_code == 2
    assert "periphery.nc lacks a condition of tables.nc: vdd=0.8 is not one of 0.9" in result.stderr
    assert "`pimchar macro --published` does without" in result.stderr
    assert len(result.stderr.splitlines()) == 1
