"""``pimchar yield``: a small real run, what it stores and prints, and its messages."""

import numpy as np
import pytest
import xarray as xr
from commandline import pimchar
from scipy import stats

from analysis import rare_data
from analysis.arrays import Array, array_yield
from analysis.plots import NothingToDraw
from figures import FIGURES, rare_failure
from pimchar import runfile, yields
from pimchar.runschema import RunFileError

RUN = """
[conditions]
process = ["tt"]
vdd = [0.6]
[yield]
metrics = ["snm_read"]
method = "surrogate"
words = 1024
corrected = 1
word_bits = 32
"""


def flat(text):
    return " ".join(text.split())


@pytest.fixture
def run_file(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(RUN)
    return path


@pytest.mark.ngspice
def test_a_rare_failure_of_a_real_cell(run_file, tmp_path):
    """Both states fail alike, so that two regions share alike; a second run simulates nothing."""
    out = tmp_path / "results"
    result = pimchar("yield", run_file, "--out", out, "--workers", 1)
    assert result.exit_code == 0, result.output
    stored = xr.load_dataset(out / "yield.nc")
    pf = stored["pf"].item()
    assert pf == pytest.approx(2.69e-7, rel=0.02)
    assert f"{pf:.3g}" in result.output
    assert stored["pf_ci_low"].item() < pf < stored["pf_ci_high"].item()
    assert stored["established"].item() == 1
    assert 0.99 < stored["array_yield"].item() <= 1
    assert all("units" in stored[name].attrs for name in ("pf", "cov", "array_yield"))
    one = xr.load_dataset(out / "yield.nc", group="tt 0.6 V 298.15 K")
    assert one.sizes["variable"] == 6
    assert one.sizes["simulation"] == stored["simulations"].item() == one.attrs["simulated"] - 1  # the nominal cell
    np.testing.assert_allclose(one["region_share"], [0.5, 0.5], atol=0.02)
    form = stats.norm.sf(one["region_beta"]).sum()
    assert form / pf == pytest.approx(stored["form_ratio"].item(), rel=1e-6)
    drawn = pimchar("figures", out)
    assert drawn.exit_code == 0, drawn.output
    assert (out / "figures" / "rare_failure.png").is_file()
    across = rare_failure.plane(one)
    np.testing.assert_allclose(across @ across.T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(across.T @ (across @ one["region_point"].values.T), one["region_point"].values.T)
    figure = FIGURES["rare_failure"].draw(out)
    assert f"{pf:.2e}" in figure.get_suptitle()
    assert "predictive28, tt, VDD 0.6 V" in figure.get_supxlabel()
    assert "surrogate, seed 1, established" in " ".join(figure.get_supxlabel().split())
    again = pimchar("yield", run_file, "--out", out, "--workers", 1)
    assert again.exit_code == 0
    assert xr.load_dataset(out / "yield.nc", group="tt 0.6 V 298.15 K").attrs["simulated"] == 0
    assert xr.load_dataset(out / "yield.nc")["pf"].item() == pf


@pytest.mark.ngspice
def test_what_is_not_established_is_said_and_exits_1(run_file, tmp_path):
    """A read current is never below -1 A."""
    run_file.write_text(RUN.replace("snm_read", "i_read") + "limits = { i_read = -1.0 }\n")
    result = pimchar("yield", run_file, "--out", tmp_path / "results", "--workers", 1)
    assert result.exit_code == 1
    assert "NOT ESTABLISHED at tt 0.6 V 25 degC: no failure region" in result.output


@pytest.mark.ngspice
def test_the_default_is_the_twin_where_it_covers_the_metrics(run_file, tmp_path):
    """As many failures as the fast mode finds (2.69e-7), from a hundred simulations."""
    run_file.write_text(RUN.replace('method = "surrogate"', ""))
    result = pimchar("yield", run_file, "--out", tmp_path / "results", "--workers", 1)
    assert result.exit_code == 0, result.output
    stored = xr.load_dataset(tmp_path / "results" / "yield.nc")
    assert stored["method"].item() == "twin"
    assert stored["simulations"].item() <= 100
    assert stored["twin_samples"].item() > 10_000
    assert stored["pf_ci_low"].item() < 2.69e-7 < stored["pf_ci_high"].item()
    assert "samples of the twin" in result.output


@pytest.mark.ngspice
def test_dies_that_differ(run_file, tmp_path):
    """Fast pull-downs and slow pull-ups read worse; the mean over dies is the estimate over all variables."""
    one_megabit = '[conditions]\nprocess = ["tt"]\nvdd = [0.6]\n[yield]\ntarget_cov = 0.2\n'
    run_file.write_text(one_megabit + "[variation]\nglobal = true\n")
    result = pimchar("yield", run_file, "--out", tmp_path / "results", "--workers", 1)
    assert result.exit_code == 0, result.output
    stored = xr.load_dataset(tmp_path / "results" / "yield.nc")
    numbers = {name: stored[name].item() for name in stored.data_vars if stored[name].dtype.kind == "f"}
    assert numbers["pf_dies_ci_low"] < numbers["pf"] < numbers["pf_dies_ci_high"]
    assert numbers["array_yield_ci_low"] < numbers["array_yield"] < numbers["array_yield_ci_high"]
    assert numbers["array_yield"] == pytest.approx(0.68, abs=0.03)
    assert numbers["array_yield"] > numbers["array_yield_alike"] + 0.05
    assert numbers["die_error"] < 0.05
    one = xr.load_dataset(tmp_path / "results" / "yield.nc", group="tt 0.6 V 298.15 K")
    assert one["shared"].values.tolist() == ["global.n", "global.p"]
    slopes = np.linalg.lstsq(np.column_stack([np.ones(13), one["die"]]), one["die_level"])[0][1:]
    np.testing.assert_allclose(slopes, [0.167, -0.163], atol=0.01)
    assert "were all dies alike, the yield would be 0.5" in flat(result.output)


def over_dies(run, place, out, workers, what):
    """Stands for dies that differ: the yield of an array whose cells all have a level of ten times the supply."""
    found = estimated(lambda vdd: 10 * vdd)(run, place, out, workers, what)
    works = array_yield(stats.norm.sf(10 * place[1] + np.array([0.0, -0.01, 0.02])), run.make_array())
    return xr.merge([found, rare_data.array_numbers(works)], combine_attrs="override")


def test_the_lowest_supply_of_an_array_whose_dies_differ(run_file, tmp_path, monkeypatch):
    """The yield decides, by the level of cells that all fail alike; the cell's own is not looked at."""
    run_file.write_text("[variation]\nglobal = true\n[yield]\nwords = 1048576\n")
    monkeypatch.setattr(yields, "_one", over_dies)
    (tmp_path / "results").mkdir()
    result = pimchar("yield", run_file, "--vmin", "--out", tmp_path / "results")
    assert result.exit_code == 0, result.output
    stored = xr.load_dataset(tmp_path / "results" / "yield_vmin.nc")
    assert stored["vdd_min"].item() == pytest.approx(stats.norm.isf(0.01 / 2**20) / 10, abs=1e-4)
    assert stored["vdd_min_ci_low"].item() == pytest.approx(stored["vdd_min"].item() - 2e-3, abs=1e-5)


@pytest.mark.ngspice
def test_cells_of_a_die_that_are_all_the_same_fail_together(run_file, tmp_path):
    """Without local variation an array works where its cell does, however many there are."""
    run_file.write_text(
        '[conditions]\nprocess = ["tt"]\nvdd = [0.6]\n[variation]\nglobal = true\nlocal = false\n'
        '[yield]\nmethod = "plain"\nmax_simulations = 128\nlimits = { snm_read = 0.113 }\n'
    )
    result = pimchar("yield", run_file, "--out", tmp_path / "results", "--workers", 1)
    assert result.exit_code == 0, result.output
    stored = xr.load_dataset(tmp_path / "results" / "yield.nc")
    assert 0.05 < stored["pf"].item() < 0.95
    assert stored["array_yield"].item() == pytest.approx(1 - stored["pf"].item())
    assert stored["array_yield_ci_low"].item() == pytest.approx(1 - stored["pf_ci_high"].item())
    assert stored["simulations"].item() == 128  # nothing is looked for before
    assert "snm_read at 0.113 V or less" in flat(result.output)


def test_what_is_not_established_of_an_array_decides_as_well():
    good = xr.Dataset({"not_established": ("vdd", np.array(["none", "none"], dtype=object))})
    assert yields.established(good)
    assert not yields.established(good.assign(array_not_established=("vdd", np.array(["none", "off"], dtype=object))))
    assert not yields.established(good.assign(not_established=("vdd", np.array(["off", "none"], dtype=object))))


def test_the_engine_of_a_run_file_is_the_method_or_refused(run_file):
    twin = '[characterize]\nengine = "twin"\n'
    assert runfile.parse(twin, "run.toml").make_request().method == "twin"
    with pytest.raises(RunFileError, match=r"engine='twin' \(characterize.engine\) and method='surrogate'"):
        runfile.parse(RUN + twin, "run.toml").make_request()


@pytest.mark.ngspice
def test_a_twin_that_is_asked_for_and_does_not_cover_is_an_error(run_file, tmp_path):
    text = RUN.replace("surrogate", "twin").replace("snm_read", "i_read") + "limits = { i_read = 1e-6 }\n"
    run_file.write_text(text + '[cell]\nkind = "sram8t"\n')
    result = pimchar("yield", run_file, "--out", tmp_path / "results", "--workers", 1)
    assert result.exit_code == 2
    assert "method='twin': it does not solve the testbench 'read_current'" in result.output


def test_level_and_array_yield_over_the_supply(tmp_path):
    """Bars reach from limit to limit, what is not established is hollow, and one supply is no figure."""
    supplies, pf = np.array([0.7, 0.5, 0.6]), np.array([1e-9, 1e-5, 1e-7])
    numbers = {"pf": pf, "pf_ci_low": pf / 2, "pf_ci_high": pf * 2, "sigma_level": stats.norm.isf(pf)}
    numbers |= {f"array_yield{end}": np.exp(-pf * 2**20 * k) for end, k in (("", 1), ("_ci_low", 2), ("_ci_high", 0.5))}
    numbers |= {"established": np.array([1.0, 0.0, 1.0]), "simulations": np.full(3, 96.0), "cov": np.full(3, 0.05)}
    stored = xr.Dataset(
        {name: (("process", "vdd", "temp"), values[None, :, None]) for name, values in numbers.items()},
        coords={"process": ["tt"], "vdd": supplies, "temp": [298.15]},
        attrs={
            "technology": "predictive28",
            "metrics": "snm_read",
            "limits": "snm_read at 0 V or less",
            "array": str(Array(1 << 20)),
        },
    )
    stored.to_netcdf(tmp_path / "yield.nc")
    figure = FIGURES["array_yield"].draw(tmp_path)
    left, right = figure.axes
    np.testing.assert_allclose(left.lines[0].get_ydata(), np.sort(stats.norm.isf(pf)))
    assert "hollow: not established (1 of 3)" in " ".join(figure.get_supxlabel().split())
    bars = [segment for each in right.collections for segment in each.get_segments()]
    at_low = next(bar for bar in bars if bar[0][0] == 0.6)
    np.testing.assert_allclose(sorted(at_low[:, 1]), [np.exp(-0.2 * 2**20 / 1e6), np.exp(-0.05 * 2**20 / 1e6)])
    warm = xr.concat([stored, stored.assign_coords(temp=[398.15])], "temp")
    warm.to_netcdf(tmp_path / "yield.nc")
    figure = FIGURES["array_yield"].draw(tmp_path)
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert [text[:-3] for text in legend] == ["25", "125"]
    assert "hollow: not established (2 of 6)" in flat(figure.get_supxlabel())
    stored.isel(vdd=[0]).to_netcdf(tmp_path / "yield.nc")
    with pytest.raises(NothingToDraw, match="at 1 supplies; 2 are needed"):
        FIGURES["array_yield"].draw(tmp_path)


def estimated(sigma_at):
    """Stands for an estimate at a supply, whose level is known."""

    def one(run, place, out, workers, what):
        sigma = sigma_at(place[1])
        numbers = {"pf": sigma, "pf_ci_low": sigma + 0.01, "pf_ci_high": sigma - 0.02}
        found = xr.Dataset({name: ((), stats.norm.sf(value)) for name, value in numbers.items()})
        found["established"], found["failed"] = ((), sigma > 0), ("simulation", [1, 0])
        found["beta"] = ("region", [sigma])
        text = "none" if sigma > 0 else "nothing is sure"
        return found.assign_attrs(simulated=96, not_established=text, limits="snm_read at 0 V or less")

    return one


def test_the_lowest_supply_of_an_array(run_file, tmp_path, monkeypatch):
    """5.62 sigma for a megabit; the level rises by 10 sigma a volt."""
    run_file.write_text('[conditions]\nprocess = ["tt"]\n[yield]\nwords = 1048576\n')
    monkeypatch.setattr(yields, "_one", estimated(lambda vdd: 10 * vdd - 1.0))
    out = tmp_path / "results"
    out.mkdir()
    result = pimchar("yield", run_file, "--vmin", "--out", out)
    assert result.exit_code == 0, result.output
    stored = xr.load_dataset(out / "yield_vmin.nc")
    wanted = stats.norm.isf(0.01 / 2**20)
    assert stored["vdd_min"].item() == pytest.approx((wanted + 1) / 10, abs=1e-4)
    assert stored["vdd_min_ci_low"].item() == pytest.approx(stored["vdd_min"].item() - 1e-3)
    assert stored["vdd_min_ci_high"].item() == pytest.approx(stored["vdd_min"].item() + 2e-3)
    assert stored["simulated"].item() == 96 * stored["tried_vdd"].notnull().sum()
    assert f"{1e3 * stored['vdd_min'].item():.1f} mV" in result.output
    assert "cells fail by snm_read at 0 V or less. 1 Mb: 1,048,576 words of 1 bit, no spares." in flat(result.output)


@pytest.mark.parametrize(
    ("text", "sigma_at", "message"),
    [
        ("", lambda vdd: 9.0, "already reach the 5.62 wanted"),
        ("", lambda vdd: 1.0 + vdd, "5.62 sigma are not reached up to 1.1 V"),
        ("", lambda vdd: -1.0, "not established at 0.4 V: nothing is sure"),
    ],
)
def test_messages_of_the_lowest_supply(run_file, tmp_path, monkeypatch, text, sigma_at, message):
    run_file.write_text('[conditions]\nprocess = ["tt"]\n' + text)
    monkeypatch.setattr(yields, "_one", estimated(sigma_at))
    result = pimchar("yield", run_file, "--vmin", "--out", tmp_path / "results")
    assert result.exit_code == 2
    assert message in result.output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('metrics = ["snm"]', "'snm' is not a metric"),
        ('method = "best"', "'best' is not a method"),
        ("target_cov = 2.0", "target_cov=2.0"),
        ("limits = { i_read = 1e-6 }", "limits of 'i_read', which is not among the metrics: snm_read"),
        ("corrected = 2", "corrected=2"),
        ("limits = 3", "limits=3: must be a table, as in { key = value } (yield.limits in run.toml)"),
        ("word = 3", "unknown key 'word' in [yield] of run.toml, did you mean 'words'? legal: metrics, "),
        ("target_yield = 1.0", "target_yield=1.0"),
    ],
)
def test_messages(tmp_path, text, message):
    path = tmp_path / "run.toml"
    path.write_text(f"[yield]\n{text}\n")
    result = pimchar("yield", path, "--out", tmp_path / "results")
    assert result.exit_code == 2
    assert message in result.output
    assert "yield" in result.output


@pytest.mark.parametrize("metric", ["drv", "i_read"])
def test_a_metric_without_a_limit_needs_one(tmp_path, metric):
    """A retention voltage fails somewhere, and a read current somewhere above 0."""
    path = tmp_path / "run.toml"
    path.write_text(f'[conditions]\nprocess = ["tt"]\nvdd = [0.6]\n[yield]\nmetrics = ["{metric}"]\n')
    result = pimchar("yield", path, "--out", tmp_path / "results")
    assert result.exit_code == 2
    assert f"metric '{metric}' has no limit of its own; give one (yield.limits)" in result.output
