"""Figures of MRAM cells, from SYNTHETIC results."""

import json

import numpy as np
import pytest
import xarray as xr

from analysis.plots import NothingToDraw
from figures import FIGURES

SAMPLES = 30
ATTRS = {"technology": "predictive28", "samples": SAMPLES, "seed": 1, "ngspice_version": "0",
         "cell": json.dumps({"kind": "sot2t1m"})}  # fmt: skip
PLACE = {"process": ["tt"], "vdd": [1.0], "temp": [298.15]}


@pytest.fixture
def folder(tmp_path):
    """Normal levels 35 mV apart, an offset of 4 mV, and a magnetization that goes over in 1 ns."""
    rng, dims = np.random.default_rng(1), (*PLACE, "sample")
    data = xr.Dataset(coords=PLACE, attrs=ATTRS)
    for name, level in {"00": 0.27, "01": 0.235, "11": 0.20, "and": 0.2175, "or": 0.2525}.items():
        values = level + 2e-3 * rng.normal(size=(1, 1, 1, SAMPLES))
        data[f"v_level_{name}"] = (dims, values, {"units": "V"})
    offset = 4e-3 * rng.normal(size=(1, 1, 1, SAMPLES))
    data["v_offset_lobes"] = ((*dims, "lobe"), np.stack([offset, -offset], axis=-1), {"units": "V"})
    data.assign_coords(lobe=["p", "ap"]).to_netcdf(tmp_path / "characterization.nc")
    time = np.linspace(0, 2e-9, 50)
    waves = {
        f"{line}_{state}": np.where(time > 1e-10, 1.0, 0.0) for line in ("wwl", "wbl", "sl") for state in ("p", "ap")
    }
    waves |= {f"mz_{state}": sign * np.tanh((1e-9 - time) / 2e-10) for state, sign in (("p", 1), ("ap", -1))}
    waves |= {f"x{state}.xmtj.{node}": 0.1 * time / 2e-9 for state in ("p", "ap") for node in ("mx", "my")}
    curves = xr.Dataset(coords=PLACE)
    for name, wave in ({"time": time} | waves).items():
        padded = np.append(wave[:-1], np.nan)  # the nominal waveform may be shorter than a sample's
        curves[f"{name}_nominal"] = ((*PLACE, "point"), padded[None, None, None])
        curves[name] = ((*dims, "point"), np.broadcast_to(wave, (1, 1, 1, 3, 50)))
    curves.to_netcdf(tmp_path / "curves.nc", group="mram_write")
    return tmp_path


def words(figure):
    return " ".join((figure.get_suptitle() + " " + figure.get_supxlabel()).split())


def test_levels_are_told_with_the_least_distance_and_the_offset(folder):
    figure = FIGURES["sense_levels"].draw(folder)
    assert "predictive28, tt, VDD 1 V, 25 °C; 30 Monte Carlo samples, seed 1" in words(figure)
    with xr.open_dataset(folder / "characterization.nc") as data:
        mean = {name: float(data[f"v_level_{name}"].mean()) for name in ("00", "or", "01", "and", "11")}
        offset = float(data["v_offset_lobes"].isel(lobe=0).std(ddof=1)) * 1e3
    least = -max(np.diff(list(mean.values()))) * 1e3
    numbers = [float(word) for word in words(figure).split() if word.replace(".", "").isdigit()]
    assert numbers[:2] == pytest.approx([least, offset], rel=0.02)
    assert figure.axes[0].get_xlabel().startswith("line at the latch's clock [")
    figure.canvas.draw()


def test_levels_of_three_rows_are_drawn_where_a_run_has_them(folder):
    path = folder / "characterization.nc"
    data = xr.load_dataset(path)
    for name, level in {"000": 0.30, "001": 0.22, "011": 0.16, "111": 0.12, "and3": 0.141, "maj3": 0.19}.items():
        data[f"v_level_{name}"] = data["v_level_00"] - data["v_level_00"].mean() + level
    data.to_netcdf(path)
    figure = FIGURES["sense_levels"].draw(folder)
    assert "References lie 19 mV or more" in words(figure)
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert legend == ["000 (AP, AP, AP)", "001", "011", "111 (P, P, P)", "reference of AND3", "reference of MAJ3"]


def test_without_levels_or_samples_there_is_nothing_to_draw(folder):
    data = xr.load_dataset(folder / "characterization.nc")
    data.assign_attrs(samples=0).to_netcdf(folder / "characterization.nc")
    with pytest.raises(NothingToDraw, match="no Monte Carlo samples"):
        FIGURES["sense_levels"].draw(folder)
    data.drop_vars("v_level_or").to_netcdf(folder / "characterization.nc")
    with pytest.raises(NothingToDraw, match="has no v_level_or"):
        FIGURES["sense_levels"].draw(folder)


def test_the_tmr_of_a_junction_is_drawn_beside_its_law(folder):
    """SYNTHETIC: a TMR of 2 that halves at 0.4 V, in P at half of AP's bias."""
    bias = np.linspace(0.01, 0.8, 30)
    curves, dims = xr.Dataset(coords=PLACE), (*PLACE, "sample", "point")
    for state, across, ratio in (("p", 0.5 * bias, 0.0), ("ap", bias, 2 / (1 + (bias / 0.4) ** 2))):
        current = across / (2e3 * (1 + ratio))
        for name, wave in ((f"across_{state}", across), (f"vmeter_{state}#branch", current)):
            curves[f"{name}_nominal"] = ((*PLACE, "point"), wave[None, None, None])
            curves[name] = (dims, np.broadcast_to(wave, (1, 1, 1, 3, bias.size)))
    curves.to_netcdf(folder / "curves.nc", group="mram_bias", mode="a")
    with pytest.raises(NothingToDraw, match="has no v_tmr_half"):
        FIGURES["tmr_bias"].draw(folder)
    data = xr.load_dataset(folder / "characterization.nc")
    data["v_tmr_half"] = ((*PLACE, "sample"), np.full((1, 1, 1, SAMPLES), 0.4))
    data["v_tmr_half_nominal"] = (tuple(PLACE), np.full((1, 1, 1), 0.4))
    data.to_netcdf(folder / "characterization.nc")
    figure = FIGURES["tmr_bias"].draw(folder)
    assert "A bias of 400 mV halves the TMR" in words(figure)
    assert "The field of 50 mT leans the magnetization" in words(figure)
    simulated, law = figure.axes[1].lines[:2]
    assert simulated.get_ydata()[-1] == pytest.approx(2 / (1 + 4), rel=1e-3)
    assert law.get_ydata()[0] == pytest.approx(2.28, rel=0.01)  # of the set sot_umn
    assert figure.axes[0].get_ylabel() == "resistance [kohm]"


def test_a_write_that_flips_says_so_and_one_that_does_not_too(folder):
    figure = FIGURES["magnetization"].draw(folder)
    assert "A write pulse flips the cell both ways" in words(figure)
    assert "Cell of kind sot2t1m" in words(figure)
    assert {line.get_label() for line in figure.axes[3].lines} >= {"mx", "my", "mz"}
    figure.canvas.draw()
    curves = xr.load_dataset(folder / "curves.nc", group="mram_write")
    curves["mz_ap_nominal"] = -curves["mz_ap_nominal"]
    curves.to_netcdf(folder / "curves.nc", group="mram_write", mode="a")
    assert "does not flip the nominal cell both ways" in words(FIGURES["magnetization"].draw(folder))
