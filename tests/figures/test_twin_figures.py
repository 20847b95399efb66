"""Figures of the table twin, from SYNTHETIC results."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from analysis.plots import NothingToDraw
from charlib.status import Status
from charlib.twin import judge
from figures import FIGURES

SAMPLES, JUDGED = 20_000, 40
ATTRS = {"technology": "predictive28", "samples": SAMPLES, "seed": 1, "ngspice_version": "0"}
PLACE = {"process": ["tt"], "vdd": [1.0], "temp": [298.15]}
MEAN, STD = 0.2, 0.02


def words(figure):
    return " ".join((figure.get_suptitle() + " " + figure.get_supxlabel()).split())


def case(metric, units, vdd, error, value):
    """A metric at a condition, a given rms off."""
    rng = np.random.default_rng(2)
    ngspice = value * (1 + 0.1 * rng.normal(size=JUDGED))
    off = error * np.where(np.arange(JUDGED) % 2, 1.0, -1.0)
    one = {"metric": metric, "units": units, "process": "tt", "vdd": vdd, "temp": 298.15, "rms": error}
    one |= {"largest": error, "magnitude": value, "judged": JUDGED, "differing": 0.0, "answered": 1.0}
    one |= {"rms_share": error / value, "largest_share": error / value}
    each = {"tail": (np.arange(JUDGED) >= JUDGED // 2).astype(np.int8), "ngspice": ngspice, "twin": ngspice + off}
    return xr.Dataset(
        {name: ("case", [number]) for name, number in one.items()}
        | {name: (("case", "judged_sample"), numbers[None]) for name, numbers in each.items()},
        attrs=ATTRS,
    )


@pytest.fixture
def judged(tmp_path):
    """A margin at two supplies at 20 and 80 % of its limit, a current at 60 % and over three decades."""
    cases = [
        case("snm_read", "V", 0.6, 0.01e-3, 0.1),
        case("snm_read", "V", 1.0, 0.04e-3, 0.2),
        case("i_leak", "A", 0.6, 3e-4 * 1e-12, 1e-12),
        case("i_leak", "A", 1.0, 3e-4 * 1e-9, 1e-9),
    ]
    xr.concat(cases, "case").to_netcdf(tmp_path / judge.FILE)
    return tmp_path


def test_judged_samples_are_drawn_with_their_limits_and_those_of_the_tail_apart(judged):
    figure = FIGURES["twin"].draw(judged)
    assert "ngspice confirms the twin: snm_read is nearest to a limit, at 80 % of it" in words(figure)
    assert "predictive28, tt, VDD 0.6, 1 V, 25 °C" in words(figure)
    _, over, _, off, leakage = figure.axes
    assert (over.get_title(), off.get_ylabel(), leakage.get_ylabel()) == (
        "snm_read",
        "twin less ngspice [µV]",
        "twin less ngspice [%]",
    )
    even, tail, *limits = off.lines
    assert len(even.get_ydata()) == len(tail.get_ydata()) == JUDGED
    assert np.abs(even.get_ydata()).max() == pytest.approx(0.04e-3)
    assert [line.get_ydata()[0] for line in limits] == pytest.approx([0.2e-3, -0.2e-3, 0.05e-3, -0.05e-3])
    assert np.abs(leakage.lines[0].get_ydata()) == pytest.approx(3e-4, rel=0.4)
    assert leakage.get_xscale() == "log"
    figure.canvas.draw()


def test_a_twin_beyond_its_limits_is_told(judged):
    data = xr.load_dataset(judged / judge.FILE)
    data["rms"][0] = 0.06e-3
    data.to_netcdf(judged / judge.FILE)
    assert words(FIGURES["twin"].draw(judged)).startswith("ngspice does not confirm 1 of 4 results of the twin")
    data.assign(judged=0 * data["judged"]).to_netcdf(judged / judge.FILE)
    with pytest.raises(NothingToDraw, match=r"twin.nc has no sample with a number on both sides"):
        FIGURES["twin"].draw(judged)


def samples(folder, lobes, failed=0, side="low"):
    """Two normal states, of which the lower one is the cell's; some cells failed without a value."""
    dims = (*PLACE, "sample")
    about = {"units": "V", "fails_when": side, "fail_limit": 0.0, "testbench": "butterfly_read"}
    status = np.where(np.arange(SAMPLES) < failed, Status.not_performed, Status.ok).astype(np.int8)
    lobes = np.where(status[:, None] == 0, lobes, np.nan)
    data = xr.Dataset(coords=PLACE | {"lobe": ["q", "qb"]}, attrs=ATTRS)
    for name, values, of, own in (
        ("snm_read", lobes.min(axis=-1), status, dims),
        ("snm_read_lobes", lobes, np.stack([status, status], axis=-1), (*dims, "lobe")),
    ):
        data[name] = (own, values[None, None, None], about)
        data[f"{name}_status"] = (own, of[None, None, None])
    data.to_netcdf(folder / "characterization.nc")
    return lobes.min(axis=-1)


def test_a_tail_is_that_of_the_samples_with_quantile_and_both_normals(tmp_path):
    cell = samples(tmp_path, np.random.default_rng(1).normal(MEAN, STD, (SAMPLES, 2)))
    figure = FIGURES["tail"].draw(tmp_path)
    histogram, shares = figure.axes
    assert histogram.patches[0].get_data().values.sum() == SAMPLES
    dots, normal, states = shares.lines
    share = (cell[:, None] <= dots.get_xdata()).mean(axis=0)
    assert dots.get_ydata() == pytest.approx(share)
    assert dots.get_ydata()[:3] == pytest.approx(np.array([1, 2, 3]) / SAMPLES)
    expected = stats.norm.cdf(normal.get_xdata(), cell.mean(), cell.std(ddof=1))
    assert normal.get_ydata() == pytest.approx(expected, abs=1e-12)
    either = 1 - stats.norm.sf(states.get_xdata(), MEAN, STD) ** 2
    assert states.get_ydata() == pytest.approx(either, rel=0.2)
    (told,) = shares.texts
    assert told.get_text().splitlines()[0] == f"1e-3: {1e3 * np.quantile(cell, 1e-3):.3g} mV"
    assert figure.get_suptitle().startswith("At a probability of 1e-3 snm_read is ")
    figure.canvas.draw()


def test_failures_of_a_tail_have_a_rank_and_no_dot(tmp_path):
    samples(tmp_path, np.random.default_rng(1).normal(MEAN, STD, (SAMPLES, 2)), failed=100)
    figure = FIGURES["tail"].draw(tmp_path)
    assert figure.axes[1].lines[0].get_ydata()[0] >= 101 / SAMPLES
    assert "snm_read has no value at a probability of 1e-3" in words(figure)


def test_a_tail_of_what_fails_high_is_at_the_other_end(tmp_path):
    cell = samples(tmp_path, np.random.default_rng(1).normal(MEAN, STD, (SAMPLES, 2)), side="high")
    shares = FIGURES["tail"].draw(tmp_path).axes[1]
    assert shares.lines[0].get_xdata()[0] == cell.max()
    assert f"1e-3: {1e3 * np.quantile(cell, 1 - 1e-3):.3g} mV" in shares.texts[0].get_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.assign_attrs(samples=12), "a tail takes 1000 Monte Carlo samples, the run has 12"),
        (lambda data: data.map(np.zeros_like, keep_attrs=True), "no metric has 1000 values that differ"),
    ],
)
def test_too_few_or_equal_samples_have_no_tail(tmp_path, change, message):
    samples(tmp_path, np.random.default_rng(1).normal(MEAN, STD, (SAMPLES, 2)))
    change(xr.load_dataset(tmp_path / "characterization.nc")).to_netcdf(tmp_path / "characterization.nc")
    with pytest.raises(NothingToDraw, match=message):
        FIGURES["tail"].draw(tmp_path)
