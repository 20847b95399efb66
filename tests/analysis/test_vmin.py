"""Lowest supply from samples: SYNTHETIC margins with a known answer, every way in which there is none."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis import vmin
from analysis.intervals import StatisticsError
from charlib import arrays
from charlib.status import Status

VDD = np.array([0.5, 0.6, 0.7, 0.8])
SAMPLES = 400
LOW = {"units": "V", "long_name": "margin", "fails_when": "low", "fail_limit": 0.0, "testbench": "bench"}


def scores(seed, lobes=2):
    """Samples of exactly mean 0 and standard deviation 1, shape (sample, lobe)."""
    drawn = np.random.default_rng(seed).normal(size=(SAMPLES, lobes))
    return (drawn - drawn.mean(axis=0)) / drawn.std(axis=0, ddof=1)


def add(data, name, values, attrs, status=None, bound=None):
    """A metric per lobe from values of shape (process, vdd, temp, sample, lobe), and the worse of both."""
    dims = ("process", "vdd", "temp", "sample", "lobe")
    status = np.zeros(values.shape, np.int8) if status is None else status
    bound = np.full(values.shape, np.nan) if bound is None else bound
    values = np.where(status == 0, values, np.nan)
    for end, array in (("", values), ("_status", status), ("_bound", bound)):
        data[f"{name}_lobes{end}"] = (dims, array, attrs if not end else {})
        data[name + end] = (dims[:-1], array[..., 0], attrs if not end else {})
    return data


def straight(slope, at, std, seed=1):
    """A margin ``slope (vdd - at)`` in the mean with a constant deviation, one corner and temperature."""
    mean = slope * (VDD - at)
    return (mean[:, None, None] + std * scores(seed))[None, :, None]


@pytest.fixture
def data():
    found = xr.Dataset(
        coords={"process": ["tt"], "vdd": ("vdd", VDD, {"units": "V"}), "temp": [300.0], "lobe": ["q", "qb"]},
        attrs={"samples": SAMPLES, "seed": 1},
    )
    add(found, "snm_read", straight(0.3, 0.4, 0.01), LOW)
    add(found, "wm_bl", straight(0.5, 0.4, 0.02, seed=2), LOW)
    add(found, "snm_hold", straight(0.4, 0.1, 0.01, seed=3), LOW)
    return found


def level(sigma, parts=2):
    return stats.norm.isf(stats.norm.sf(sigma) / parts)


def place(found):
    return found.isel(process=0, temp=0)


def test_a_straight_margin_gives_the_closed_form(data):
    """slope (V - at) = k std; each of two states is given half of the failures that sigma leaves."""
    k = level(4.0)
    found = place(vmin.v_min(data, 4.0))
    v = found["v_min"].sel(operation=["read", "write"]).values
    np.testing.assert_allclose(v, [0.4 + k * 0.01 / 0.3, 0.4 + k * 0.02 / 0.5], atol=1e-9)
    assert v[1] > v[0]
    assert float(found["all_v_min"]) == v[1]
    assert found["all_limit"].item().startswith("wm_bl ")
    assert found.attrs["not_judged"] == "pim"


def test_below_the_lowest_supply_nothing_is_extrapolated(data):
    hold = place(vmin.v_min(data, 4.0)).sel(operation="retention")
    assert np.isnan(hold["v_min"])
    assert hold["v_min_status"] == Status.censored_low
    assert hold["v_min_bound"] == 0.5
    assert hold["limit"].item() == ""
    alone = place(vmin.v_min(data, 4.0, metrics=["snm_hold"]))
    assert alone["all_v_min_status"] == Status.censored_low
    assert alone["all_limit"].item() == ""


def test_above_the_highest_supply_it_is_censored_and_the_limit_is_named(data):
    add(data, "wm_bl", straight(0.5, 0.75, 0.02), LOW)
    found = place(vmin.v_min(data, 4.0))
    assert found["all_v_min_status"] == Status.censored_high
    assert found["all_v_min_bound"] == 0.8
    assert found["all_limit"].item().startswith("wm_bl")


def test_a_margin_that_is_lost_at_a_high_supply_counts(data):
    """V_min is the supply from which on upwards everything holds, not the lowest one that does."""
    values = straight(0.3, 0.3, 0.001)
    values[:, 2] = -0.1
    add(data, "snm_read", values + 0.001 * straight(0.0, 0.0, 1.0), LOW)
    found = place(vmin.v_min(data, 2.0)).sel(operation="read")
    assert 0.7 < float(found["v_min"]) < 0.8


def test_the_interval_covers_the_truth():
    """Known mean and deviation; the interval is made of each draw's own."""
    truth, hits, widths = 0.4 + level(3.0) * 0.02 / 0.3, 0, []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        values = 0.3 * (VDD - 0.4)[:, None] + 0.02 * rng.normal(size=(1, 100))
        empty = xr.Dataset(coords={"process": ["tt"], "vdd": VDD, "temp": [300.0], "lobe": ["q", "qb"]})
        both = np.stack([values, values], axis=-1)[None, :, None]
        found = place(vmin.v_min(add(empty, "snm_read", both, LOW), 3.0)).isel(operation=0)
        low, high = float(found["v_min_ci_low"]), float(found["v_min_ci_high"])
        hits += low <= truth <= high
        widths.append(high - low)
    assert hits >= 52  # of 60 at 95 %: fewer with probability 2e-3
    # Twice 1.96 standard errors of mean and level times deviation, over the slope.
    expected = 2 * 1.96 * 0.02 * np.sqrt(1 / 100 + level(3.0) ** 2 / 198) / 0.3
    assert np.mean(widths) == pytest.approx(expected, rel=0.05)


def test_censored_samples_are_fitted_not_dropped(data):
    """Half of the samples cut off at 0: moments of the rest would put the margin far too high."""
    values = straight(0.3, 0.3, 0.05)
    cut = values < 0.06
    status = np.where(cut, Status.censored_low, Status.ok).astype(np.int8)
    add(data, "snm_read", values, LOW, status, np.where(cut, 0.06, np.nan))
    found = float(place(vmin.v_min(data, 2.0)).sel(operation="read")["v_min"])
    assert found == pytest.approx(0.3 + level(2.0) * 0.05 / 0.3, abs=0.02)


def test_where_every_sample_fails_the_supply_above_is_a_bound(data):
    status = np.zeros((1, 4, 1, SAMPLES, 2), np.int8)
    status[:, 0] = Status.censored_low
    bound = np.where(status == 0, np.nan, 0.0)
    add(data, "snm_read", straight(0.3, 0.1, 0.01), LOW, status, bound)
    found = place(vmin.v_min(data, 3.0)).sel(operation="read")
    assert found["v_min_status"] == Status.censored_low
    assert found["v_min_bound"] == 0.6


def test_what_is_not_known_stays_unknown(data):
    status = np.full((1, 4, 1, SAMPLES, 2), Status.numerical_failure, np.int8)
    add(data, "snm_read", straight(0.3, 0.1, 0.01), LOW, status)
    found = place(vmin.v_min(data, 3.0))
    assert found["v_min_status"].sel(operation="read") == Status.suspect
    assert found["all_v_min_status"] == Status.suspect


def test_retention_is_judged_by_its_voltage_against_the_supply(data):
    drv = LOW | {"fails_when": "high", "fail_limit": np.inf}
    values = np.broadcast_to(0.52 + 0.01 * scores(4), (1, 4, 1, SAMPLES, 2))
    add(data, "drv", values, drv)
    k = level(3.0)
    found = place(vmin.v_min(data, 3.0, metrics=["drv"]))
    assert float(found["all_v_min"]) == pytest.approx(0.52 + k * 0.01, abs=1e-9)
    swept = vmin.v_min(data.expand_dims(dv_wl=[-0.05]), 3.0, metrics=["drv"])
    assert swept["all_v_min"].dims == ("dv_wl", "process", "temp")


def add_reads(data, seconds):
    """Delays of shape (vdd, sample) for both outputs, in a window of 10 ns."""
    about = {"units": "s", "long_name": "delay", "fails_when": "high", "fail_limit": np.inf, "testbench": "read_path"}
    for name in ("t_read_p", "t_read_n"):
        data[name] = (("process", "vdd", "temp", "sample"), seconds[None, :, None], about)
        data[f"{name}_status"] = xr.zeros_like(data[name], dtype=np.int8).drop_attrs()
    data["read_path_window"] = (("process", "vdd", "temp"), np.full((1, 4, 1), 1e-8))
    return data


def test_the_pim_read_holds_where_its_delay_is_short_enough(data):
    """Lognormal delays: log t = log 1 ns - 10 (V - 0.5) + 0.1 z."""
    z = scores(5, 1)[:, 0]
    add_reads(data, 1e-9 * np.exp(-10 * (VDD - 0.5)[:, None] + 0.1 * z))
    k = level(3.0)
    read = place(vmin.v_min(data, 3.0, t_read=0.4e-9)).sel(operation="pim")
    assert float(read["v_min"]) == pytest.approx(0.5 + (0.1 * k - np.log(0.4)) / 10, abs=1e-9)
    assert read["limit"].item() in ("t_read_p", "t_read_n")
    assert place(vmin.v_min(data, 3.0)).sel(operation="pim")["v_min_status"] == Status.censored_low


def test_the_pim_operation_must_keep_the_bit_as_well(data):
    """The window of v_pim is none of its limits: the nodes must not meet."""
    add_reads(data, 1e-10 * np.exp(0.1 * scores(5, 1)[:, 0]) * np.ones((4, 1)))
    assert place(vmin.v_min(data, 3.0)).sel(operation="pim")["v_min_status"] == Status.censored_low
    add(data, "v_pim", straight(0.3, 0.45, 0.01, seed=6), LOW | {"testbench": "pim_row"})
    data["pim_row_window"] = (("process", "vdd", "temp"), np.full((1, 4, 1), 1e-10))
    both = place(vmin.v_min(data, 3.0)).sel(operation="pim")
    assert both["metric"].item() == "v_pim, t_read_p, t_read_n"
    assert float(both["v_min"]) == pytest.approx(0.45 + level(3.0, parts=4) * 0.01 / 0.3, abs=1e-9)
    assert both["limit"].item().startswith("v_pim ")
    alone = place(vmin.v_min(data, 3.0, metrics=["v_pim"]))
    assert float(alone["all_v_min"]) == pytest.approx(0.45 + level(3.0) * 0.01 / 0.3, abs=1e-9)


def test_reads_that_did_not_happen_are_failures(data):
    add_reads(data, np.full((4, SAMPLES), 1e-10) * np.exp(0.1 * scores(5, 1)[:, 0]))
    data["t_read_n_status"][0, 0, 0, :3] = Status.not_performed
    found = place(vmin.v_min(data, 3.0)).sel(operation="pim")
    assert (found["v_min_status"], found["v_min_bound"]) == (Status.censored_low, 0.6)
    assert place(vmin.v_min(data, 2.0)).sel(operation="pim")["v_min_bound"] == 0.5  # 3 of 400 are allowed there


@given(st.floats(0.52, 0.78), st.floats(0.01, 5))
def test_a_straight_line_is_crossed_where_it_is(at, slope):
    value, status, _ = vmin.lowest_supply(VDD, slope * (VDD - at))
    assert status == Status.ok
    assert float(value) == pytest.approx(at, abs=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sigma": 0.0}, "sigma=0.0 is not above 0 and finite"),
        ({"sigma": np.inf}, "sigma=inf is not above 0 and finite"),
        ({"t_read": 0.0}, r"t_read=0.0 s is not above 0 and finite \(--t-read\)"),
        ({"metrics": ["t_read_p"]}, r"V_min needs one of snm_read; sinm; .*; v_pim; t_read_p \+ t_read_n"),
        ({"confidence": 1.0}, r"confidence=1.0 is outside 0\.\.1"),
        ({"metrics": ["i_read"]}, "metric 'i_read' judges no operation; legal: snm_read, sinm"),
        ({"metrics": ["drv"]}, "metric 'drv' is not one of snm_read, wm_bl, snm_hold"),
    ],
)
def test_bad_questions_are_refused(data, change, message):
    with pytest.raises(StatisticsError, match=message):
        vmin.v_min(add_reads(data, np.ones((4, SAMPLES))), **({"sigma": 3.0} | change))


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (["snm_read", "t_read_p"], r"'t_read_p' would .*: one of v_pim \+ t_read_p \+ t_read_n; v_pim; t_read_p \+"),
        (["snm_read", "sinm"], r"'sinm' would not count beside the others; legal: one of snm_read; sinm \(--metric\)"),
    ],
)
def test_a_named_metric_counts_or_is_refused(data, metrics, message):
    add_reads(add(data, "sinm", straight(0.3, 0.4, 0.01), LOW), np.ones((4, SAMPLES)))
    with pytest.raises(StatisticsError, match=message):
        vmin.v_min(data, 3.0, metrics=metrics)


def test_one_supply_and_no_judge_are_refused(data):
    with pytest.raises(StatisticsError, match=r"needs two supplies or more, this run has vdd=0\.5 V alone"):
        vmin.v_min(data.isel(vdd=[0]), 3.0)
    others = data.drop_vars([name for name in data if not str(name).startswith("snm_hold")])
    others = others.rename({name: str(name).replace("snm_hold", "i_read") for name in others})
    with pytest.raises(StatisticsError, match="no operation can be judged"):
        vmin.v_min(others, 3.0)


def test_samples_in_pieces_are_those_of_all(data, monkeypatch):
    whole = vmin.v_min(data, 4.0)
    monkeypatch.setattr(arrays, "PIECE", 37)
    xr.testing.assert_allclose(vmin.v_min(data, 4.0), whole, rtol=1e-9)
