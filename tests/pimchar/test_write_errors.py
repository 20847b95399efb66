"""``pimchar write-errors``: what it shows, stores and draws, on a small real run; its averages against brute force."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import xarray as xr
from commandline import pimchar

from analysis import fokkerplanck, writeerrors
from analysis.intervals import StatisticsError
from analysis.plots import NothingToDraw
from analysis.writeerrors import Cases, Request
from charlib import Conditions, Variation, characterize
from figures import FIGURES
from netlists import JUNCTIONS, Stt1T1M

STT = JUNCTIONS["stt_40nm"]


def currents(write=(100e-6, 150e-6), spread=0.03, samples=200, names=("i_write_lobes", "i_sense_lobes")):
    """SYNTHETIC characterization: normal write currents in both states, a read current."""
    draw = np.random.default_rng(1).normal(size=samples)
    draw = (draw - draw.mean()) / max(draw.std(ddof=1), 1e-9)
    dims = ("process", "vdd", "temp", "sample", "lobe")
    place = {"process": ["tt"], "vdd": [1.0], "temp": [300.0], "lobe": ["p", "ap"]}
    about = {"technology": "predictive28", "samples": samples, "seed": 1, "ngspice_version": "0"}
    cell = {"cell": json.dumps({"kind": "stt1t1m", **asdict(Stt1T1M())})}
    data = xr.Dataset(coords=place, attrs=about | cell)
    for name, mean in zip(names, (write, (2e-5, 1e-5)), strict=False):
        values = np.array(mean) * (1 + spread * draw[:, None])
        data[name] = (dims, values[None, None, None], {"units": "A", "long_name": name})
    return data


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("write-errors") / "run"
    at, drawn = Conditions(vdd=[1.0], temp=[300.0]), Variation(samples=6, seed=3)
    metrics = ["i_write", "i_sense", "t_switch"]
    characterize(cell=Stt1T1M(), conditions=at, variation=drawn, metrics=metrics, out=folder, workers=1)
    return folder


@pytest.mark.ngspice
def test_the_command_shows_stores_and_lets_figures_be_drawn(run):
    result = pimchar("write-errors", run, "--rate", 1e-6, "--samples", 40, "--seed", 2)
    assert result.exit_code == 0, result.output
    assert "shortest pulse at 1e-06" in result.output
    assert "40 stochastic macrospins from p" in result.output
    stored = xr.load_dataset(run / writeerrors.FILE)
    assert all("units" in array.attrs and "long_name" in array.attrs for array in stored.data_vars.values())
    assert (stored.attrs["sigma_delta"], stored.attrs["macrospin_seed"], stored.attrs["rate"]) == (0.05, 2, 1e-6)
    assert (stored["wer"].diff("pulse") <= 0).all()
    assert (stored["wer_spread"].isel(pulse=-1) > stored["wer"].isel(pulse=-1)).all()
    assert stored["simulated_mean"].sel(lobe="p").item() > stored["simulated_mean"].sel(lobe="ap").item()
    for name, words in (("switching_time", "Boltzmann's law at rest"), ("write_error", "Write errors below 1e-06")):
        figure = FIGURES[name].draw(run)
        figure.canvas.draw()
        text = " ".join((figure.get_suptitle() + " " + figure.get_supxlabel()).split())
        assert words in text
        assert "6 Monte Carlo samples, seed 3" in text
        assert "26.85 °C" in text


@pytest.mark.ngspice
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rate", "2"], "rate=2.0 is outside 1e-300..1"),
        (["--sigma-delta", "0.2"], "sigma_delta=0.2 is outside 0..0.119"),
        (["--longest", "1"], "longest=1.0 s is outside 0..2e-06 s"),
        (["--confidence", "0"], "confidence=0.0 is outside 0..1"),
    ],
)
def test_bad_input_exits_2_in_one_line(run, arguments, message):
    result = pimchar("write-errors", run, *arguments)
    assert result.exit_code == 2
    assert result.stderr.strip() == f"pimchar: {message}"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (currents(names=("i_write_lobes",)), "write errors need i_sense as well: add it to characterize.metrics"),
        (
            currents().assign_attrs(cell=json.dumps({"kind": "sram6t", "w_pd": 1e-7})),
            "is of a cell of kind 'sram6t': write errors are of kind 'stt1t1m'",
        ),
    ],
)
def test_runs_that_do_not_serve_are_told_in_one_line(data, message, tmp_path):
    data.to_netcdf(tmp_path / "characterization.nc")
    result = pimchar("write-errors", tmp_path)
    assert result.exit_code == 2
    assert result.stderr.strip().endswith(message)
    assert len(result.stderr.strip().splitlines()) == 1


def test_figures_need_what_the_command_stores(tmp_path):
    for name in ("switching_time", "write_error"):
        with pytest.raises(NothingToDraw, match=r"write_errors\.nc is missing"):
            FIGURES[name].draw(tmp_path)


def test_a_spread_of_barrier_and_current_is_that_of_both_drawn():
    """Brute force over both, at a rate that the spread raises fourfold and more."""
    sigma, spread, drive, pulse = 0.05, 0.03, 2.0, 14e-9
    current, unit = drive * STT.critical_current("p"), STT.damping_time
    node, weight = np.polynomial.hermite_e.hermegauss(14)
    barrier, amount = np.meshgrid(1 + sigma * node, 1 + spread * node, indexing="ij")
    each, _ = fokkerplanck.unswitched(
        (STT.delta * barrier).ravel(), (drive * amount / barrier).ravel(), (pulse / unit * barrier).reshape(1, -1), 96
    )
    both = float(weight @ each.reshape(barrier.shape) @ weight) / (2 * np.pi)
    data = currents((current, current), spread)
    found = writeerrors.write_errors(data, Request(STT, pulse, pulse, sigma_delta=sigma, samples=0))
    here = found.isel(lobe=0, pulse=-1).squeeze()
    assert float(here["sigma_total"]) == pytest.approx(np.hypot(sigma, drive * spread), rel=1e-6)
    assert both > 4 * float(here["wer"])
    assert float(here["wer_spread"]) == pytest.approx(both, rel=0.1)


def test_no_spread_changes_nothing():
    cases = Cases(np.array([60.0]), np.array([2.0]), np.array([1e-9]))
    pulses = np.array([3e-9, 9e-9])
    exact, _ = fokkerplanck.unswitched(cases.delta, cases.drive, pulses[:, None] / cases.unit)
    np.testing.assert_allclose(writeerrors.averaged(cases, np.array([0.0]), pulses), exact, rtol=1e-9)


def test_a_normal_exponent_averages_as_a_lognormal():
    node = np.linspace(-writeerrors.SIGMAS, writeerrors.SIGMAS, writeerrors.NODES)
    assert writeerrors.normal_average(node, -20 + 3 * node) == pytest.approx(np.exp(-20 + 4.5), rel=1e-5)


def test_pulses_and_rates_are_inverse_and_end_where_the_pulses_do():
    pulses, errors = np.array([1e-9, 2e-9]), np.array([1e-2, 1e-5])
    assert writeerrors.pulse_at(1e-3, pulses, errors) == pytest.approx(4e-9 / 3)
    assert writeerrors.error_at(4e-9 / 3, pulses, errors) == pytest.approx(1e-3)
    assert np.isnan(writeerrors.pulse_at(1e-6, pulses, errors))
    assert np.isnan(writeerrors.error_at(3e-9, pulses, errors))


def test_hotter_states_are_lost_sooner_and_a_request_names_what_is_wrong():
    data = currents()
    data = xr.concat([data, data.assign_coords(temp=[360.0])], "temp")
    found = writeerrors.write_errors(data, Request(STT, 1e-8, samples=0))
    rates = found["retention_rate"].values
    assert rates[1] > 1e3 * rates[0]
    assert (found["retention_rate_spread"] > found["retention_rate"]).all()
    assert (found["disturb_rate"].squeeze() > found["retention_rate"]).all()
    np.testing.assert_allclose(found["retention_rate"], found["retention_rate_law"], rtol=0.03)
    with pytest.raises(StatisticsError, match=r"rate=0\.0 is outside"):
        Request(STT, 1e-8, rate=0.0)
