"""Error rates of sensing: correlation of XOR's halves, tails of known distributions, the latch's size."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy import special, stats

from analysis.intervals import StatisticsError
from analysis.mramlogic import any_below, latch_width, sense_errors
from charlib.status import Status
from netlists.mramlogic import latch_area


def margins(correlation, n=4000, mean=(0.016, 0.016), std=(0.008, 0.008), seed=1):
    cov = np.array([[1, correlation], [correlation, 1]]) * np.outer(std, std)
    return np.random.default_rng(seed).multivariate_normal(mean, cov, n)


@pytest.mark.parametrize("correlation", [-0.9, 0.0, 0.5, 0.99])
def test_a_union_counts_what_falls_together_once(correlation):
    exact = 2 * special.ndtr(-2.0) - stats.multivariate_normal.cdf(
        [-2.0, -2.0], cov=[[1, correlation], [correlation, 1]]
    )
    value, low, high = any_below(margins(correlation), 0.95)
    assert value == pytest.approx(exact, rel=0.12)
    assert low < exact < high


def test_equal_margins_are_one():
    one = margins(0.0)[:, :1]
    single = any_below(one, 0.95)[0]
    assert any_below(np.hstack([one, one, one]), 0.95)[0] == pytest.approx(single, rel=1e-3)


def run(wrong, n=200):
    """SYNTHETIC run: a latch offset common to AND and OR, 8 mV, margins of 16 mV with 2 mV; ``wrong``: t_and fails."""
    rng = np.random.default_rng(5)
    offset = 8e-3 * rng.standard_normal(n)
    at = ("process", "sample")
    data = {}
    for name in ("and", "or"):
        margin = 16e-3 + 2e-3 * rng.standard_normal((1, n, 2))
        failed = margin - np.stack([offset, -offset], axis=1) <= 0
        status = np.where(failed, Status.not_performed, Status.ok).astype(np.int8)
        if name == "and":
            status[0, :wrong, 0] = Status.timeout
        values = np.where(status == Status.ok, 1e-9, np.nan)
        about = {"units": "s", "fails_when": "high", "fail_limit": np.inf}
        for stem, array, dims in (("_lobes", values, (*at, "lobe")), ("", values.max(-1), at)):
            data[f"t_{name}{stem}"] = (dims, array, about)
        data[f"t_{name}_lobes_status"] = ((*at, "lobe"), status)
        data[f"t_{name}_status"] = (at, status.max(-1))
        data[f"v_{name}_lobes"] = ((*at, "lobe"), margin)
    data["v_offset_lobes"] = ((*at, "lobe"), np.stack([offset, -offset], axis=1)[None])
    return xr.Dataset(data, {"process": ["tt"], "lobe": ["p", "ap"]}, {"cell": json.dumps({"w_latch": 2e-6})})


def test_the_halves_of_xor_err_together():
    found = sense_errors(run(wrong=0)).isel(process=0)
    rates = {name: found["fitted"].sel(operation=name).item() for name in ("and", "or", "xor")}
    exact = 2 * special.ndtr(-16 / np.hypot(8, 2))
    assert rates["and"] == pytest.approx(exact, rel=0.5)
    assert max(rates["and"], rates["or"]) < rates["xor"] < 0.8 * (rates["and"] + rates["or"])  # one latch, one offset
    errors = found["n_errors"]
    assert errors.sel(operation="xor") < errors.sel(operation="and") + errors.sel(operation="or")
    assert (found["counted_ci_low"] < rates["xor"]).all()
    assert not found["extrapolated"].any()


def test_lines_of_the_page_serve_a_stored_run(tmp_path):
    stored = tmp_path / "characterization.nc"
    run(wrong=0).assign_attrs(technology="predictive28").to_netcdf(stored)
    page = (Path(__file__).parents[2] / "docs" / "mram.md").read_text(encoding="utf-8")
    lines, _ = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    scope = {}
    exec(lines.replace("results/mram-logic/characterization.nc", stored.as_posix()), scope)
    assert scope["rates"].sizes == {"operation": 3, "process": 1}
    assert 2e-6 < scope["latch"]["w_latch"].item() < 20e-6
    # an offset of 8 mV that both operations see the same way, margins of 2 mV of their own
    assert scope["together"][0, 2] == pytest.approx(64 / 68, abs=0.03)
    assert scope["together"][0, 1] < 0


def test_unknown_samples_widen_the_interval():
    known, open_ = (sense_errors(run(wrong=n)).sel(operation="and").isel(process=0) for n in (0, 20))
    assert open_["n_unknown"] == 20
    assert open_["counted_ci_high"] > known["counted_ci_high"]


def test_a_latch_as_wide_as_it_says_meets_the_rate(technology):
    data = run(wrong=0)
    found = latch_width(data, technology, 1e-3).isel(process=0)
    ratio = found["w_latch"].item() / 2e-6
    scaled = data.copy()
    scaled["v_offset_lobes"] = data["v_offset_lobes"] / np.sqrt(ratio)
    rates = [
        special.ndtr(-margin.mean() / np.hypot(margin.std(), scaled["v_offset_lobes"].isel(lobe=i).std())).item()
        for name in ("and", "or")
        for i, margin in enumerate(scaled[f"v_{name}_lobes"].transpose("lobe", ...))
    ]
    assert max(rates) == pytest.approx(1e-3, rel=0.1)
    assert found["latch_area"] == pytest.approx(latch_area(technology, found["w_latch"].item()))


def test_a_margin_that_spreads_too_far_needs_an_endless_latch(technology):
    data = run(wrong=0)
    data["v_or_lobes"] = data["v_or_lobes"] - 11e-3
    assert np.isinf(latch_width(data, technology, 1e-3)["w_latch"].item())


def test_messages():
    with pytest.raises(StatisticsError, match="need one of t_sense, t_and, t_or, t_and3, t_maj3"):
        sense_errors(xr.Dataset())
    with pytest.raises(StatisticsError, match=r"rate=0\.7 is outside 0\.\.0\.5"):
        latch_width(run(wrong=0), None, 0.7)
