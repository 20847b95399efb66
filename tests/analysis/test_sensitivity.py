"""Regression on the draws: exact on a plane, honest about noise, and mirrored in a symmetric cell."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import charlib
from analysis import sensitivity, statistics
from analysis.sensitivity import NoDraws
from charlib.variation import normals
from netlists.bitcells import Sram6T

PATHS = ["cell.pd_l", "cell.pu_l", "cell.pg_l"]
SIGMA = np.array([0.03, 0.05, 0.04])
SLOPES = np.array([2e-12, -1e-12, 0.5e-12])
SAMPLES = 200


def linear(noise=0.0, samples=80):
    """A delay [s] that is linear in its three transistors; a fourth belongs to another testbench."""
    draws = normals(PATHS, 7, 0, samples)
    rest = noise * np.random.default_rng(1).standard_normal(samples)
    attrs = {"units": "s", "long_name": "delay", "fails_when": "high", "fail_limit": np.inf, "testbench": "bench"}
    dims = ("process", "vdd", "temp", "sample")
    shape = (1, 1, 1, samples)
    value = (5e-11 + draws @ SLOPES + rest).reshape(shape)
    return xr.Dataset(
        {
            "t": (dims, value, attrs),
            "t_status": (dims, np.zeros(shape, np.int8)),
            "bench_sigma": ("device", [*SIGMA, np.nan], {"units": "V"}),
            "bench_draws": ("device", np.array([*(1 for _ in PATHS), 0], np.int8), {"units": "1"}),
        },
        {"process": ["tt"], "vdd": [0.9], "temp": [298.15], "sample": np.arange(samples), "device": [*PATHS, "other"]},
        {"seed": 7, "local_variation": "True", "samples": samples},
    )


def test_a_plane_is_recovered_exactly():
    found = sensitivity.sensitivity(linear()).squeeze()
    assert found["t_slope"].values == pytest.approx([*SLOPES, np.nan], rel=1e-9, nan_ok=True)
    assert found["t_slope_per_volt"].values == pytest.approx([*(SLOPES / SIGMA), np.nan], rel=1e-9, nan_ok=True)
    assert found["t_share"].values[:3] == pytest.approx(SLOPES**2 / np.sum(SLOPES**2))
    assert float(found["t_r2"]) == pytest.approx(1.0)
    assert float(found["t_rest"]) == pytest.approx(0.0, abs=1e-12)
    units = {name: found[f"t_{name}"].attrs["units"] for name in sensitivity.REPORT}
    assert units == {
        "slope": "s",
        "slope_se": "s",
        "slope_per_volt": "s/V",
        "share": "1",
        "rest": "1",
        "r2": "1",
        "n": "1",
    }
    assert found.attrs["seed"] == 7


def test_some_samples_keep_their_own_draws():
    data = linear().isel(sample=slice(30, 60))
    data["t_status"][..., 3] = 4
    data["t"][..., 3] = np.nan
    found = sensitivity.sensitivity(data).squeeze()
    assert found["t_slope"].values[:3] == pytest.approx(SLOPES, rel=1e-9)
    assert int(found["t_n"]) == 29


def test_noise_is_in_the_errors_and_in_the_rest():
    found = sensitivity.sensitivity(linear(noise=1e-12, samples=2000)).squeeze()
    error = (found["t_slope"].values[:3] - SLOPES) / found["t_slope_se"].values[:3]
    assert np.abs(error).max() < 4
    assert found["t_slope_se"].values[:3] == pytest.approx(1e-12 / np.sqrt(2000), rel=0.1)
    share = 1 / (1 + np.sum(SLOPES**2) / 1e-24)
    assert float(found["t_rest"]) == pytest.approx(share, rel=0.1)
    assert float(found["t_r2"]) == pytest.approx(1 - share, abs=0.02)
    assert float(found["t_share"].sum() + found["t_rest"]) == pytest.approx(1.0)


def test_one_variable_is_scipys_regression():
    x, e = np.random.default_rng(2).standard_normal((2, 30))
    fit, oracle = sensitivity.regress([3 * x + e], x[:, None]), stats.linregress(x, 3 * x + e)
    assert (fit.slope[0], fit.slope_se[0], fit.r2) == pytest.approx((oracle.slope, oracle.stderr, oracle.rvalue**2))


def test_pieces_and_steps_do_not_matter(monkeypatch):
    x, e = np.random.default_rng(4).standard_normal((2, 100))
    values = np.where(np.arange(100) == 7, np.nan, 3 * x + e)
    whole = sensitivity.regress([values], x[:, None])
    monkeypatch.setattr(sensitivity, "ROWS", 9)
    pieces = sensitivity.regress([values[:60], values[60:]], x[:, None])
    numbers = [[*fit.slope, *fit.slope_se, fit.r2, fit.n] for fit in (pieces, whole)]
    assert numbers[0] == pytest.approx(numbers[1], rel=1e-12)
    assert pieces.n == 99


def test_too_few_samples_or_no_spread_give_no_slope():
    draws = normals(PATHS, 1, 0, 10)
    assert np.isnan(sensitivity.regress([draws[:4, 0]], draws[:4]).slope).all()
    assert np.isfinite(sensitivity.regress([draws[:5, 0]], draws[:5]).slope).all()
    assert np.isnan(sensitivity.regress([np.ones(10)], draws).r2)
    assert sensitivity.regress([np.full(10, np.nan)], draws).n == 0


def test_results_that_do_not_tell_the_draws_are_refused():
    with pytest.raises(NoDraws, match="drew no transistors"):
        sensitivity.sensitivity(linear().assign_attrs(local_variation="False"))
    with pytest.raises(NoDraws, match="drew no transistors"):
        sensitivity.sensitivity(linear().assign_attrs(seed="none: nominal cell"))
    with pytest.raises(NoDraws, match=r"t: the characterization has no bench_draws.*run the same command again"):
        sensitivity.sensitivity(linear().drop_vars("bench_draws"))
    with pytest.raises(statistics.StatisticsError, match="has no metric over samples"):
        sensitivity.sensitivity(linear()[["bench_sigma"]])


TWINS = {f"cell.{part}_{a}": f"cell.{part}_{b}" for part in ("pd", "pu", "pg") for a, b in ("lr", "rl")}


@pytest.fixture(scope="module")
def run():
    conditions = charlib.Conditions(vdd=[0.9])
    variation = charlib.Variation(samples=SAMPLES, seed=1)
    return charlib.characterize(conditions=conditions, variation=variation, metrics=["snm_read"], workers=1)


@pytest.mark.ngspice
def test_a_symmetric_cell_has_mirrored_sensitivities(run):
    """Both lobes of the butterfly are each other's mirror image, with left and right transistors exchanged."""
    found = sensitivity.sensitivity(run).squeeze()
    assert (found["snm_read_r2"] > 0.99).all()  # the margin bends little over 3 sigma of mismatch
    q, qb = found.sel(lobe="q"), found.sel(lobe="qb").sel(device=list(TWINS.values()))
    assert list(found["device"].values) == list(TWINS)[::2] + list(TWINS)[1::2]
    q = q.sel(device=list(TWINS))
    error = np.hypot(q["snm_read_slope_se"].values, qb["snm_read_slope_se"].values)
    difference = np.abs(q["snm_read_slope"].values - qb["snm_read_slope"].values)
    assert (difference < 5 * error).all()
    assert (difference < 0.03 * np.abs(q["snm_read_slope"].values).max()).all()


@pytest.mark.ngspice
def test_slopes_are_those_of_a_cell_shifted_on_purpose(run):
    """Second route without any draw: a threshold moved up and down by one sigma in the nominal cell."""
    found = sensitivity.sensitivity(run).squeeze()
    for path in ("cell.pd_r", "cell.pu_l", "cell.pg_r"):
        sigma = float(run["butterfly_read_sigma"].sel(device=path))
        moved = [
            charlib.characterize(
                cell=Sram6T(shifts={path.removeprefix("cell."): sign * sigma}),
                conditions=charlib.Conditions(vdd=[0.9]),
                metrics=["snm_read"],
                workers=1,
            )["snm_read_lobes"]
            .sel(lobe="q")
            .item()
            for sign in (1, -1)
        ]
        slope = float(found["snm_read_slope"].sel(lobe="q", device=path))
        assert slope == pytest.approx((moved[0] - moved[1]) / 2, rel=0.02)
