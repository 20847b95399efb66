"""``pimchar errors``: what it shows and stores, on a small real run that errs under its clock as well."""

import numpy as np
import pytest
import xarray as xr
from commandline import pimchar

from analysis.errors import error_rates
from charlib import Conditions, Variation, characterize
from charlib.status import Status

METRICS = ["t_read_p", "t_read_n", "t_precharge", "t_hold_line", "t_compute"]
SAMPLES = 4


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """0.4 V; sample 0 of seed 3 has a weak pass gate, which makes it late in a cycle of seven nominal delays."""
    folder = tmp_path_factory.mktemp("errors") / "run"
    at, drawn = Conditions(vdd=[0.4]), Variation(samples=SAMPLES, seed=3)
    characterize(conditions=at, variation=drawn, metrics=METRICS, out=folder, workers=1)
    return folder


@pytest.mark.ngspice
def test_samples_said_to_err_are_those_that_err_under_the_clock(run):
    data = xr.load_dataset(run / "characterization.nc")
    cycle = data["truth_window"].item()
    late = data["t_compute_status"].values.ravel() != Status.ok
    assert late.tolist() == [True, False, False, False]
    for i in range(SAMPLES):
        found = error_rates(data.isel(sample=[i]), cycles=[cycle])
        assert found["counted"].item() == late[i]
    whole = error_rates(data, cycles=[cycle], rate=0.3)
    assert whole["counted"].item() == 1 / SAMPLES
    assert whole["counted_ci_high"].item() > 0.8
    # One of four may err: the second slowest sets the cycle.
    slowest = np.sort(np.maximum(data["t_read_p"], data["t_read_n"]).values.ravel())
    assert whole["cycle_min"].item() == pytest.approx(slowest[-2] / 0.3)


@pytest.mark.ngspice
def test_the_command_shows_and_stores(run):
    result = pimchar("errors", run, "--rate", 0.3, "--cycle", 1e-12, "--cycle", 3e-7)
    assert result.exit_code == 0, result.output
    assert "NOT judged, for want of a metric: disturb, half_select" in result.output
    assert "1.000 ps" in result.output
    stored = xr.load_dataset(run / "errors.nc")
    assert stored["counted"].values.ravel().tolist() == [1.0, 0.0]
    assert stored.attrs["rate"] == 0.3
    assert all("units" in array.attrs and "long_name" in array.attrs for array in stored.data_vars.values())


@pytest.mark.ngspice
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rate", "2"], "rate=2.0 is outside 0..1"),
        (["--cycle", "-1"], "cycle=-1.0 s is not above 0"),
        (["--confidence", "0"], "confidence=0.0 is outside 0..1"),
    ],
)
def test_bad_input_exits_2_in_one_line(run, arguments, message):
    result = pimchar("errors", run, *arguments)
    assert result.exit_code == 2
    assert result.stderr.strip() == f"pimchar: {message}"


@pytest.mark.ngspice
def test_missing_metrics_are_named_in_one_line(run, tmp_path):
    data = xr.load_dataset(run / "characterization.nc").drop_vars("t_hold_line")
    data.to_netcdf(tmp_path / "characterization.nc")
    result = pimchar("errors", tmp_path)
    assert result.exit_code == 2
    assert result.stderr.strip().endswith("error rates need t_hold_line as well: add them to characterize.metrics")
    assert not (tmp_path / "errors.nc").exists()
