"""``pimchar stats`` on a directory of made-up samples: no simulator."""

import re
import tracemalloc

import numpy as np
import pytest
import xarray as xr
from commandline import pimchar

from analysis import correlation
from charlib import arrays
from charlib.variation import normals
from figures import FIGURES
from pimchar import chain

PATHS = ["cell.pd_l", "cell.pg_l"]
SAMPLES = 40


def characterization(samples=SAMPLES):
    """SYNTHETIC: a margin linear in two transistors, two samples failed and one unknown at 0.8 V, and a current."""
    draws = normals(PATHS, 3, 0, samples)
    shape, dims = (1, 2, 1, samples), ("process", "vdd", "temp", "sample")
    margin = np.stack([0.1 + draws @ [0.02, -0.01], 0.2 + draws @ [0.02, -0.01]]).reshape(shape)
    status, bound = np.zeros(shape, np.int8), np.full(shape, np.nan)
    status[0, 0, 0, :3], bound[0, 0, 0, :2] = [1, 1, 4], 0.05
    attrs = {"fails_when": "low", "fail_limit": 0.0, "testbench": "bench"}
    margin_attrs = attrs | {"units": "V", "long_name": "read static noise margin"}
    return xr.Dataset(
        {
            "snm_read": (dims, np.where(status == 0, margin, np.nan), margin_attrs),
            "snm_read_status": (dims, status),
            "snm_read_bound": (dims, bound),
            "i_read": (dims, 1e-4 * margin, attrs | {"units": "A", "long_name": "read current"}),
            "i_read_status": (dims, np.zeros(shape, np.int8)),
            "bench_sigma": ("device", [0.03, 0.04], {"units": "V"}),
            "bench_draws": ("device", np.ones(2, np.int8), {"units": "1"}),
        },
        {"process": ["tt"], "vdd": [0.8, 0.9], "temp": [298.15], "sample": np.arange(samples), "device": PATHS},
        {"technology": "predictive28", "samples": samples, "seed": 3, "local_variation": "True"},
    )


def store(folder, data):
    data.to_netcdf(folder / "characterization.nc")
    return folder


def test_every_condition_has_a_row_with_units_in_the_header(tmp_path):
    result = pimchar("stats", store(tmp_path, characterization()))
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert "snm_read: read static noise margin; fails at or below 0 V" in lines
    assert "i_read: read current; fails at or below 0 A" in lines
    header = next(line for line in lines if "mean [mV]" in line)
    for name in ("± [mV]", "sigma [mV]", "50 % [mV]", "failures", "failing [%]", "fitted mean [mV]"):
        assert name in header
    assert "mean [µA]" in result.output
    low, high = [line.split() for line in lines if line.startswith("tt ")][:2]
    assert low[1:6] == ["0.8", "V", "25", "degC", str(SAMPLES - 3)]
    assert high[5] == str(SAMPLES)


def test_counts_and_intervals_are_shown(tmp_path):
    output = pimchar("stats", store(tmp_path, characterization())).output
    row = next(line for line in output.splitlines() if line.startswith("tt ") and "0.8 V" in line)
    assert "5.13 (0.611..20.4)" in row  # 2 of 39 known fail; of 40, two at least and three at most
    assert "1 % [mV]" in output
    assert re.search(r"  - \(\.\.\d", row)  # the first percentile lies among failures, its upper limit does not


def test_the_transistors_are_named(tmp_path):
    output = pimchar("stats", store(tmp_path, characterization())).output
    row = next(line for line in output.splitlines() if line.startswith("snm_read  ") and "cell." in line)
    assert "1.0000" in row
    assert "cell.pd_l 20.00 mV (80 %)" in row
    assert "cell.pg_l \N{MINUS SIGN}10.00 mV (20 %)" in row


def test_everything_is_stored_with_units(tmp_path):
    pimchar("stats", store(tmp_path, characterization()), "--confidence", 0.9)
    path = tmp_path / "statistics.nc"
    for group, name in ((None, "snm_read_mean"), ("correlation", "pearson"), ("sensitivity", "snm_read_slope")):
        data = xr.load_dataset(path, group=group)
        assert name in data
        assert all("units" in array.attrs and "long_name" in array.attrs for array in data.data_vars.values())
        assert data.attrs["seed"] == 3
    assert xr.load_dataset(path).attrs["confidence"] == 0.9


def test_one_metric_alone(tmp_path):
    output = pimchar("stats", store(tmp_path, characterization()), "--metric", "i_read").output
    assert "i_read" in output
    assert "snm_read" not in output
    assert "fitted" not in output  # no sample of it is censored


def test_a_run_without_draws_is_shown_without_sensitivities(tmp_path):
    result = pimchar("stats", store(tmp_path, characterization().drop_vars("bench_draws")))
    assert result.exit_code == 0
    assert "no sensitivities: snm_read: the characterization has no bench_draws" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--metric", "drv"], "metric 'drv' is not one of snm_read, i_read"),
        (["--confidence", "2"], "confidence=2.0 is outside 0..1"),
        (["--confidence", "much"], "'much' is not a valid float"),
    ],
)
def test_bad_input_exits_2_and_writes_nothing(tmp_path, arguments, message):
    result = pimchar("stats", store(tmp_path, characterization()), *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "statistics.nc").exists()


def test_a_nominal_run_and_a_broken_file_are_told_in_one_line(tmp_path):
    nominal = pimchar("stats", store(tmp_path, characterization().assign_attrs(samples=0)))
    (tmp_path / "characterization.nc").write_text("no HDF5")
    broken = pimchar("stats", tmp_path)
    for result, message in ((nominal, "holds the nominal cell alone"), (broken, "is not readable")):
        assert result.exit_code == 2
        assert message in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1


def test_samples_are_not_held_in_memory(tmp_path, monkeypatch):
    """Held, each sample would take some 140 bytes; what is in flight differs by a few hundred kilobytes."""
    monkeypatch.setattr(arrays, "PIECE", 16_384)
    monkeypatch.setattr(correlation, "RANKED", 16_384)
    peaks = {}
    for samples, traced in ((130_000, False), (30_000, True), (130_000, True)):  # first, to fill what is kept
        folder = tmp_path / f"{samples} {traced}"
        folder.mkdir()
        store(folder, characterization(samples).isel(vdd=[1]))
        if traced:
            tracemalloc.start()
        found = chain.evaluate_statistics(folder, ("i_read",), 0.95, 3.0)
        FIGURES["qq"].draw(folder)
        if traced:
            peaks[samples] = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert found.summary["i_read_n_ok"].item() == found.sensitivity["i_read_n"].item() == samples
    assert peaks[130_000] - peaks[30_000] < 10 * 100_000
