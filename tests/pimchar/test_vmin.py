"""``pimchar vmin``, and worst corners in ``pimchar stats``: on made-up samples, and on a small real run."""

import numpy as np
import pytest
import xarray as xr
from commandline import pimchar

from charlib import Conditions, Variation, characterize

SAMPLES = 50


@pytest.fixture
def folder(tmp_path):
    """SYNTHETIC: two corners; a read margin 0.3 (V - 0.35) in tt, less in ss, with a deviation of 10 mV."""
    z = np.random.default_rng(1).normal(size=SAMPLES)
    z = (z - z.mean()) / z.std(ddof=1)
    vdd = np.array([0.5, 0.6, 0.7])
    mean = 0.3 * (vdd[None, :] - np.array([0.35, 0.45])[:, None])
    values = (mean[..., None] + 0.01 * z)[:, :, None]
    dims = ("process", "vdd", "temp", "sample")
    attrs = {"units": "V", "long_name": "read static noise margin", "fails_when": "low", "fail_limit": 0.0}
    data = xr.Dataset(
        {"snm_read": (dims, values, attrs), "snm_read_status": (dims, np.zeros(values.shape, np.int8))},
        {"process": ["tt", "ss"], "vdd": ("vdd", vdd, {"units": "V"}), "temp": [298.15]},
        {"technology": "predictive28", "samples": SAMPLES, "seed": 1},
    )
    data.to_netcdf(tmp_path / "characterization.nc")
    return tmp_path


def test_each_corner_has_its_lowest_supply_and_what_is_missing_is_told(folder):
    result = pimchar("vmin", folder, "--sigma", 3)
    assert result.exit_code == 0, result.output
    assert "NOT judged, for want of a metric: write, retention, pim" in result.output
    rows = {line.split()[0]: line for line in result.output.splitlines() if line.startswith(("tt ", "ss "))}
    assert "<= 0.5 V" in rows["tt"]
    assert "0.550 V (" in rows["ss"]  # 0.45 + 3 * 0.01 / 0.3
    assert rows["ss"].split()[-1] == "snm_read"
    worst = result.output.splitlines()[-1]
    assert worst.startswith("worst: 0.550 V (")
    assert worst.endswith("at ss, 25 degC, limited by snm_read")
    stored = xr.load_dataset(folder / "vmin.nc")
    assert float(stored["all_v_min"].sel(process="ss").squeeze()) == pytest.approx(0.55, abs=1e-6)
    assert stored.attrs["sigma"] == 3
    assert all("units" in array.attrs and "long_name" in array.attrs for array in stored.data_vars.values())


def test_a_higher_level_needs_a_higher_supply(folder):
    output = pimchar("vmin", folder, "--sigma", 9).output
    assert "> 0.7 V" in output
    assert "0.650 V (0.5" in output  # tt: 0.35 + 9 * 0.01 / 0.3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sigma", "0"], "sigma=0.0 is not above 0 and finite (--sigma)"),
        (["--sigma", "inf"], "sigma=inf is not above 0 and finite (--sigma)"),
        (["--t-read", "-1e-9"], "t_read=-1e-09 s is not above 0 and finite (--t-read)"),
        (["--t-read", "nan"], "t_read=nan s is not above 0 and finite (--t-read)"),
        (["--metric", "i_read"], "metric 'i_read' judges no operation"),
        (["--confidence", "1"], "confidence=1.0 is outside 0..1"),
    ],
)
def test_bad_input_exits_2_and_writes_nothing(folder, arguments, message):
    result = pimchar("vmin", folder, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (folder / "vmin.nc").exists()


def test_the_worst_corner_is_named_in_the_statistics(folder):
    result = pimchar("stats", folder, "--sigma", 2)
    assert result.exit_code == 0, result.output
    assert "worst at 2 sigma" in result.output
    row = next(line for line in result.output.splitlines() if line.startswith("snm_read  0.6 V"))
    assert "ss 45.00 mV" in row
    assert "ss 25.00 mV" in row
    stored = xr.load_dataset(folder / "statistics.nc", group="worst")
    assert set(stored["snm_read_corner_mean_process"].values.ravel()) == {"ss"}


@pytest.mark.ngspice
def test_a_real_run_loses_the_write_at_cold_and_the_read_at_heat(tmp_path):
    """Nothing is presumed about temperature: in this technology read and write are worst at opposite ends."""
    at = Conditions(process=["tt"], vdd=[0.4, 0.5, 0.6, 0.7, 0.8], temp=[233.15, 398.15])
    metrics = ["snm_read", "wm_wl", "snm_hold"]
    characterize(conditions=at, variation=Variation(samples=40), metrics=metrics, out=tmp_path / "r")
    assert pimchar("vmin", tmp_path / "r", "--sigma", 4).exit_code == 0
    found = xr.load_dataset(tmp_path / "r" / "vmin.nc").squeeze("process")
    read, write = (found["v_min"].sel(operation=name).values for name in ("read", "write"))
    assert read[0] < read[1]
    assert write[0] > write[1]
    np.testing.assert_allclose(found["all_v_min"], np.maximum(read, write))
    assert found["all_limit"].values[0].startswith("wm_wl")
    under = tmp_path / "under"
    characterize(
        conditions=Conditions(vdd=at.vdd, temp=at.temp, dv_wl=[-0.05]), variation=Variation(samples=40),
        metrics=metrics, out=under,
    )  # fmt: skip
    assert pimchar("vmin", under, "--sigma", 4).exit_code == 0
    lower = xr.load_dataset(under / "vmin.nc").squeeze(["process", "dv_wl"])
    assert (lower["v_min"].sel(operation="read") < read).all()
    number = lower["v_min"].fillna(lower["v_min_bound"])  # where it is above the highest supply
    assert (number.sel(operation="write") > write).all()


@pytest.mark.ngspice
def test_a_real_run_judges_all_operations(tmp_path):
    at = Conditions(vdd=[0.5, 0.7], dv_cell=[-0.05])
    metrics = ["snm_read", "wm_wl", "snm_hold", "v_pim", "t_read_p", "t_read_n"]
    characterize(conditions=at, variation=Variation(samples=3), metrics=metrics, out=tmp_path / "r")
    result = pimchar("vmin", tmp_path / "r", "--sigma", 3)
    assert result.exit_code == 0, result.output
    assert "NOT judged" not in result.output
    assert "pim: v_pim, t_read_p, t_read_n" in " ".join(result.output.split())
    found = xr.load_dataset(tmp_path / "r" / "vmin.nc").squeeze()
    assert found["operation"].values.tolist() == ["read", "write", "retention", "pim"]
    number = found["v_min"].fillna(found["v_min_bound"])
    assert float(found["all_v_min"].fillna(found["all_v_min_bound"])) == float(number.max())
    assert found["all_limit"].item().split()[0] in metrics
