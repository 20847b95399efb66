"""Error rates from samples: SYNTHETIC times with known answers, every status, limits with their intervals."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from analysis import errors
from analysis.errors import FLOATING, PRECHARGE, WORDLINE
from analysis.intervals import StatisticsError, clopper_pearson
from charlib import arrays
from charlib.status import Status

SAMPLES = 400
FAILS = {"t_read_p": "high", "t_read_n": "high", "t_precharge": "high", "t_hold_line": "low", "t_pulse_read": "low",
         "v_pim": "low", "v_half": "low"}  # fmt: skip
SPREAD = 0.1
"""Standard deviation of the logarithm of a time [1]."""


def scores(seed):
    """Samples of exactly mean 0 and standard deviation 1."""
    drawn = np.random.default_rng(seed).normal(size=SAMPLES)
    return (drawn - drawn.mean()) / drawn.std(ddof=1)


def put(data, name, values, status=None, bound=None):
    """A metric at one condition from values of shape (sample,)."""
    status = np.zeros(SAMPLES, np.int8) if status is None else np.asarray(status, np.int8)
    bound = np.full(SAMPLES, np.nan) if bound is None else bound
    limit = np.inf if FAILS[name] == "high" else 0.0
    about = {"fails_when": FAILS[name], "fail_limit": limit, "long_name": name}
    attrs = {"units": name[0].replace("t", "s").replace("v", "V"), **about}
    for end, array in (("", np.where(status == 0, values, np.nan)), ("_status", status), ("_bound", bound)):
        data[name + end] = (("process", "vdd", "temp", "sample"), array[None, None, None], {} if end else attrs)
    return data


@pytest.fixture
def data():
    """Output P at 1 ns in the median, all else far from a limit."""
    found = xr.Dataset(
        coords={"process": ["tt"], "vdd": ("vdd", [0.9], {"units": "V"}), "temp": [300.0]},
        attrs={"samples": SAMPLES, "seed": 1, "technology": "predictive28"},
    )
    put(found, "t_read_p", 1e-9 * np.exp(SPREAD * scores(1)))
    put(found, "t_read_n", 1e-10 * np.exp(SPREAD * scores(2)))
    put(found, "t_precharge", 1e-10 * np.exp(SPREAD * scores(3)))
    return put(found, "t_hold_line", 1e-5 * np.exp(SPREAD * scores(4)))


def rates(data, *cycles, **options):
    return errors.error_rates(data, cycles=cycles, **options).squeeze(("process", "vdd", "temp"))


def at(z, time=1e-9, share=WORDLINE):
    """Cycle at which a time is z standard deviations of its logarithm within its share."""
    return time * np.exp(z * SPREAD) / share


def test_the_shares_are_those_of_the_clock():
    np.testing.assert_allclose((WORDLINE, PRECHARGE, FLOATING), (0.3, 0.43, 0.57))


@pytest.mark.parametrize("z", [-1.0, 0.0, 1.0, 3.0, 6.0])
def test_a_lognormal_delay_errs_as_the_closed_form(data, z):
    found = rates(data, at(z)).isel(cycle=0)
    assert float(found["fitted"]) == pytest.approx(stats.norm.sf(z), rel=1e-6)
    late = int((data["t_read_p"] > WORDLINE * at(z)).sum())
    assert int(found["n_errors"]) == late
    assert float(found["counted"]) == late / SAMPLES
    low, high = clopper_pearson(np.array(late), np.array(SAMPLES))
    assert (float(found["counted_ci_low"]), float(found["counted_ci_high"])) == (low, high)
    assert low <= stats.norm.sf(z) <= high
    assert bool(found["extrapolated"]) == (z >= 3.0)
    assert float(found["fitted_ci_low"]) < float(found["fitted"]) < float(found["fitted_ci_high"])


def test_the_interval_of_the_tail_is_that_of_mean_and_deviation(data):
    found = rates(data, at(5.0)).isel(cycle=0)
    error = 1.959964 * np.hypot(1 / np.sqrt(SAMPLES), 5.0 / np.sqrt(2 * (SAMPLES - 1)))
    assert float(found["fitted_ci_low"]) == pytest.approx(stats.norm.sf(5.0 + error), rel=1e-5)
    assert float(found["fitted_ci_high"]) == pytest.approx(stats.norm.sf(5.0 - error), rel=1e-5)


@pytest.mark.parametrize(("name", "share", "time"), [("t_precharge", PRECHARGE, 1e-7), ("t_hold_line", FLOATING, 1e-5)])
def test_each_part_has_its_share(data, name, share, time):
    if name == "t_precharge":
        put(data, name, time * np.exp(SPREAD * scores(3)))
    found = rates(data, at(0.0, time, share)).isel(cycle=0)
    assert float(found["fitted"]) == pytest.approx(0.5, rel=1e-6)
    wrong = data[name] > time if name == "t_precharge" else data[name] < time
    assert int(found["n_errors"]) == int(wrong.sum())


def test_very_short_and_very_long_cycles_always_err_and_one_between_never(data):
    found = rates(data, 1e-13, 1e-7, 1e-2)
    assert found["counted"].values.tolist() == [1.0, 0.0, 1.0]
    np.testing.assert_allclose(found["fitted"], [1.0, 0.0, 1.0], atol=1e-12)
    assert found["extrapolated"].values.tolist() == [0, 1, 0]


def test_limits_of_the_cycle_are_counted_where_a_rate_leaves_enough_samples(data):
    found = rates(data, 1e-8, rate=0.05)
    slowest, shortest_hold = np.sort(data["t_read_p"].values.ravel()), np.sort(data["t_hold_line"].values.ravel())
    assert float(found["cycle_min"]) == pytest.approx(slowest[-21] / WORDLINE)
    assert float(found["cycle_max"]) == pytest.approx(shortest_hold[20] / FLOATING)
    assert not found["cycle_min_extrapolated"]
    assert rates(data, float(found["cycle_min"]))["n_errors"].item() == 20
    assert rates(data, float(found["cycle_min"]) * (1 - 1e-9))["n_errors"].item() == 21
    for side in ("min", "max"):
        low, value, high = (float(found[f"cycle_{side}{end}"]) for end in ("_ci_low", "", "_ci_high"))
        assert low < value < high
    assert (found["cycle_min_part"], found["cycle_max_part"]) == ("read", "hold")


def test_limits_of_the_cycle_follow_the_tail_beyond_the_samples(data):
    found = rates(data, 1e-8, rate=1e-6)
    z = stats.norm.isf(1e-6)
    assert float(found["cycle_min"]) == pytest.approx(at(z), rel=1e-6)
    assert float(found["cycle_max"]) == pytest.approx(at(-z, 1e-5, FLOATING), rel=1e-6)
    assert found["cycle_min_extrapolated"]
    assert float(found["cycle_min_ci_low"]) < at(z) < float(found["cycle_min_ci_high"])
    assert float(found["cycle_max_ci_low"]) < at(-z, 1e-5, FLOATING) < float(found["cycle_max_ci_high"])


def test_errors_of_the_same_sample_count_once(data):
    """Equal delays of both outputs: the same samples err. Opposite ones: others do."""
    time = data["t_read_p"].values.ravel()
    put(data, "t_read_n", time)
    assert rates(data, at(1.0))["counted"].item() == (time > WORDLINE * at(1.0)).mean()
    put(data, "t_read_n", 1e-18 / time)
    both = (time > WORDLINE * at(1.0)) | (1e-18 / time > WORDLINE * at(1.0))
    found = rates(data, at(1.0))
    assert found["counted"].item() == both.mean()
    assert found["fitted"].item() == pytest.approx(2 * stats.norm.sf(1.0), rel=1e-6)


def test_a_sample_that_did_not_perform_errs_at_every_cycle(data):
    status = np.where(np.arange(SAMPLES) < 8, Status.not_performed, 0)
    put(data, "t_read_n", data["t_read_n"].values.ravel(), status)
    found = rates(data, at(6.0), 1e-7)
    assert found["n_errors"].values.tolist() == [8, 8]
    assert found["fitted"].values == pytest.approx([0.02, 0.02], rel=1e-6)
    assert found["cycle_min_status"] == Status.not_performed  # 2 % never work, 0.1 % are allowed
    assert np.isnan(found["cycle_min"])
    assert rates(data, 1e-7, rate=0.05)["cycle_min_status"] == Status.ok


def test_a_censored_time_is_judged_up_to_its_bound(data):
    """Slower than 1.2 ns is not known: wrong where the pulse is shorter than that, unknown beyond; the fit knows it."""
    time = data["t_read_p"].values.ravel()
    cut = time > 1.2e-9
    put(data, "t_read_p", time, np.where(cut, Status.censored_high, 0), np.where(cut, 1.2e-9, np.nan))
    found = rates(data, 1.19e-9 / WORDLINE, 1.3e-9 / WORDLINE)
    assert found["n_unknown"].values.tolist() == [0, cut.sum()]
    assert found["n_errors"].values.tolist() == [(time > 1.19e-9).sum(), 0]
    known = np.array(SAMPLES)
    assert float(found["counted_ci_high"][1]) == clopper_pearson(np.array(cut.sum()), known)[1]
    assert float(found["fitted"][1]) == pytest.approx(stats.norm.sf(np.log(1.3) / SPREAD), rel=0.5)
    beyond = rates(data, 1e-8, rate=0.02)
    assert beyond["cycle_min_status"] == Status.censored_high
    assert float(beyond["cycle_min_bound"]) == pytest.approx(1.2e-9 / WORDLINE)


def test_lines_that_hold_beyond_what_was_looked_at(data):
    put(data, "t_hold_line", np.nan, np.full(SAMPLES, Status.censored_high), np.full(SAMPLES, 1e-5))
    found = rates(data, 0.9e-5 / FLOATING, 1.1e-5 / FLOATING, rate=0.05)
    assert found["n_errors"].values.tolist() == [0, 0]
    assert found["n_unknown"].values.tolist() == [0, SAMPLES]
    assert np.isnan(found["counted"][1])
    assert found["cycle_max_status"] == Status.censored_high
    assert float(found["cycle_max_bound"]) == pytest.approx(1e-5 / FLOATING)
    assert np.isnan(found["fitted"]).all()  # nothing to fit


def test_unknown_samples_widen_the_interval_both_ways(data):
    status = np.where(np.arange(SAMPLES) < 10, Status.timeout, 0)
    put(data, "t_precharge", data["t_precharge"].values.ravel(), status)
    found = rates(data, 1e-7).isel(cycle=0)
    assert (int(found["n_errors"]), int(found["n_unknown"])) == (0, 10)
    assert float(found["counted_ci_high"]) == clopper_pearson(np.array(10), np.array(SAMPLES))[1]


def test_read_disturb_counts_and_half_selection_is_told_apart(data):
    volts = 0.3 + 0.1 * scores(5)
    put(data, "v_pim", volts)
    put(data, "v_half", volts - 0.3)
    found = rates(data, 1e-7)
    assert found.attrs["not_judged"] == "none"
    part = found["part_counted"].isel(cycle=0)
    assert float(part.sel(part="disturb")) == (volts <= 0).mean()
    assert float(part.sel(part="half_select")) == (volts <= 0.3).mean()
    assert found["counted"].item() == (volts <= 0).mean()
    assert found["fitted"].item() == pytest.approx(stats.norm.sf(3.0), rel=1e-6)
    put(data, "t_pulse_read", np.full(SAMPLES, 1e-8) * np.exp(SPREAD * scores(6)))
    pulses = data["t_pulse_read"].values.ravel() < WORDLINE * 3e-8
    assert int(rates(data, 3e-8)["n_errors"].item()) == (pulses | (volts <= 0)).sum()


def test_with_few_samples_nothing_is_fitted(data):
    found = rates(data.isel(sample=slice(10)), at(0.0), 1e-7)
    assert np.isnan(found["fitted"]).all()
    assert found["extrapolated"].values.tolist() == [0, 0]
    assert float(found["counted"][1]) == 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate": 0.0}, r"rate=0.0 is outside 0\.\.1"),
        ({"cycles": [0.0]}, "cycle=0.0 s is not above 0"),
        ({"confidence": 1.0}, r"confidence=1.0 is outside 0\.\.1"),
    ],
)
def test_bad_questions_are_refused(data, change, message):
    with pytest.raises(StatisticsError, match=message):
        errors.error_rates(data, **change)


def test_missing_metrics_are_named(data):
    with pytest.raises(StatisticsError, match="error rates need t_precharge, t_hold_line as well: add them to"):
        errors.error_rates(data.drop_vars(["t_precharge", "t_hold_line"]))


def test_without_cycles_the_grid_covers_what_samples_ask_for_and_bear(data):
    cycles = errors.error_rates(data)["cycle"].values
    assert cycles[0] <= float(data["t_read_p"].min()) / WORDLINE / 2
    assert cycles[-1] >= 2 * float(data["t_hold_line"].max()) / FLOATING
    assert np.diff(np.log10(cycles)).max() < 0.12


def test_samples_in_pieces_are_those_of_all(data, monkeypatch):
    status = np.random.default_rng(5).choice([0, 1, 2, 3, 4], SAMPLES, p=[0.8, 0.05, 0.05, 0.05, 0.05])
    put(data, "t_read_n", 8e-10 * np.exp(SPREAD * scores(2)), status, np.where(np.isin(status, (1, 2)), 9e-10, np.nan))
    wholes = [errors.error_rates(data, rate) for rate in (1e-6, 0.3)]
    monkeypatch.setattr(arrays, "PIECE", 101)
    for whole, rate in zip(wholes, (1e-6, 0.3), strict=True):
        xr.testing.assert_allclose(errors.error_rates(data, rate), whole, rtol=1e-9)
