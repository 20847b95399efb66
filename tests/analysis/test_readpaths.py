"""The comparison of both read paths, on made-up samples."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import xarray as xr

from analysis import readpaths
from analysis.intervals import StatisticsError
from charlib.status import Status
from netlists import ReadPath
from netlists.technology import outline

SAMPLES = 50


def samples(**energies):
    """A characterization of one condition: given metrics [SI] for both stored bits, 10 % spread, shared by all."""
    spread = 1 + 0.1 * np.random.default_rng(3).standard_normal(SAMPLES)
    coords = {"process": ["tt"], "vdd": [0.9], "temp": [298.15], "sample": np.arange(SAMPLES), "lobe": ["q", "qb"]}
    dims = ("process", "vdd", "temp", "sample")
    data = xr.Dataset(coords=coords)
    for name, levels in energies.items():
        lobes = np.array(levels)[None] * spread[:, None]
        data[name] = (dims, lobes.max(axis=1)[None, None, None])
        data[f"{name}_status"] = (dims, np.zeros((1, 1, 1, SAMPLES), dtype=np.int8))
        data[f"{name}_lobes"] = ((*dims, "lobe"), lobes[None, None, None])
    return data.assign_attrs(technology="predictive28", readpath=json.dumps(asdict(ReadPath())), samples=SAMPLES)


ENERGIES = {"e_read": (4e-15, 4e-15), "e_read_single": (4e-15, 2e-15)}


def test_energies_are_means_over_both_bits_and_ratios_are_paired():
    found = readpaths.compare(samples(**ENERGIES)).sel(quantity="energy").squeeze()
    assert float(found["mean"].sel(path="single")) == pytest.approx(3e-15, rel=0.05)
    assert float(found["std"].sel(path="complementary")) == pytest.approx(0.4e-15, rel=0.3)
    assert float(found["ratio_mean"]) == pytest.approx(4 / 3)
    assert float(found["ratio_std"]) == pytest.approx(0, abs=1e-12)  # the same cells on both paths
    assert int(found["n"]) == SAMPLES


def test_a_held_row_is_shared_by_the_input_bits():
    held = {f"{name}{end}": (e, e) for end in ("", "_single") for name, e in
            (("e_held_row", 8e-15), ("e_held_input", 1e-15))}  # fmt: skip
    found = readpaths.compare(samples(**held)).sel(quantity="held_energy_per_bit").squeeze()
    np.testing.assert_allclose(found["mean"], 2e-15, rtol=0.05)


def test_a_delay_is_that_of_the_slower_output_and_bad_samples_count_on_neither_path():
    data = samples(t_read_p=(1e-10, 0), t_read_n=(1.2e-10, 0), t_read_single=(1e-10, 0))
    data["t_read_single_status"][..., 7] = Status.censored_high
    found = readpaths.compare(data).sel(quantity="delay").squeeze()
    assert float(found["ratio_mean"]) == pytest.approx(1.2)
    assert int(found["n"]) == SAMPLES - 1


def test_the_nominal_cell_has_no_spread():
    found = readpaths.compare(samples(**ENERGIES).isel(sample=[0]))
    assert np.isnan(found["std"]).all()
    assert np.isfinite(found["mean"]).all()


def test_missing_metrics_are_named():
    with pytest.raises(StatisticsError, match=r"one needs all metrics of a group: t_read_p, t_read_n, t_read_single;"):
        readpaths.compare(samples(e_read=(1e-15, 1e-15)))


@pytest.mark.parametrize("name", ["predictive28", "freepdk45/vtg"])
def test_transistors_are_counted_and_area_grows_with_them(name):
    found = readpaths.cost(outline(name), ReadPath())
    count, area = found["transistors"], found["area"]
    # 3 of the precharge; inverters of word line, precharge, INP and INN; two NOR gates of four.
    assert count.sel(held=False).values.tolist() == [3 + 2 * 4 + 2 * 4, 3 + 2 * 3 + 4]
    np.testing.assert_array_equal(count.sel(held=True) - count.sel(held=False), 8)
    assert (area.sel(path="complementary") > area.sel(path="single")).all()
    kept = readpaths.cost(outline(name), ReadPath(keeper=0.2))
    np.testing.assert_array_equal((kept["transistors"] - count).sel(held=False), [6, 3])


def test_area_of_the_cell_s_own_transistors_is_the_cell_s():
    """The density assumed is that of the bit cell: a path of six such transistors would be as large."""
    technology = outline("predictive28")
    found = readpaths.cost(technology, ReadPath())["area"].sel(path="single", held=False)
    assert 1 < float(found) / technology.geometry.cell_area < 13
