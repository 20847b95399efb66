import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis import statistics
from analysis.samples import Samples, column
from analysis.statistics import StatisticsError


def samples(values, status=None, fails_when="low", limit=0.0):
    values = np.asarray(values, dtype=float)
    return Samples(values, np.zeros(values.shape, int) if status is None else np.asarray(status), fails_when, limit)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=50), st.floats(0, 1))
def test_good_samples_agree_with_numpy(values, q):
    s = [samples(values)]
    found = statistics.moments(s)
    assert found.mean == pytest.approx(np.mean(values), abs=1e-12)
    assert found.std == pytest.approx(np.std(values, ddof=1), abs=1e-9)
    assert float(statistics.quantiles(s, np.array([q]))[0][0]) == pytest.approx(np.quantile(values, q), abs=1e-12)


def test_failures_rank_on_the_failing_side():
    low = samples([np.nan, 1.0, 2.0, 3.0, 4.0], [1, 0, 0, 0, 0])
    assert statistics.quantiles([low], np.array([0.0, 0.5, 1.0]))[0].tolist() == pytest.approx(
        [np.nan, 2.0, 4.0], nan_ok=True
    )
    high = samples([np.nan, 1.0, 2.0, 3.0, 4.0], [3, 0, 0, 0, 0], "high", np.inf)
    assert statistics.quantiles([high], np.array([0.0, 0.5, 1.0]))[0].tolist() == pytest.approx(
        [1.0, 3.0, np.nan], nan_ok=True
    )


def test_pass_needs_more_than_the_limit():
    assert samples([0.0, 0.1, -0.1]).passed.tolist() == [False, True, False]
    assert samples([1.0, 0.9, 1.1], fails_when="high", limit=1.0).passed.tolist() == [False, True, False]


def test_counts_and_rates(characterization):
    found = statistics.summarize(characterization)
    first = found.isel(process=0, vdd=0, temp=0)
    assert [int(first[f"snm_read_{n}"]) for n in ("n_ok", "n_failed", "n_unknown", "n_beyond")] == [196, 1, 2, 1]
    assert [int(first[f"t_read_p_{n}"]) for n in ("n_ok", "n_failed", "n_unknown", "n_beyond")] == [194, 2, 3, 1]
    assert float(first["snm_read_pass_rate"]) == pytest.approx(197 / 198)
    assert float(first["snm_read_ci_low"]) < 197 / 198 < float(first["snm_read_ci_high"])
    second = found.isel(process=0, vdd=1, temp=0)
    assert float(second["snm_read_pass_rate"]) == 1.0


def test_every_sample_is_counted_once(characterization):
    found = statistics.summarize(characterization)
    for metric in statistics.metrics_in(characterization):
        total = sum(found[f"{metric}_{count}"] for count in statistics.COUNTS)
        assert (total == characterization.sizes["sample"]).all()


def test_attributes_and_units_are_kept(characterization):
    found = statistics.summarize(characterization)
    assert found.attrs["seed"] == 3
    assert found["snm_read_mean"].attrs["units"] == found["snm_read_quantiles"].attrs["units"] == "V"
    assert found["snm_read_mean"].attrs["fails_when"] == "low"
    assert found["vdd"].attrs == {"units": "V"}
    assert all("units" in found[name].attrs and "long_name" in found[name].attrs for name in found.data_vars)


def test_normal_samples_lie_on_a_line(characterization):
    here = column(characterization, "snm_read", {"process": 0, "vdd": 1, "temp": 0})
    value, score = statistics.plot_positions(here, np.arange(1, 201), 200)
    line = stats.linregress(score, value)
    assert line.rvalue > 0.99
    assert (line.slope, line.intercept) == pytest.approx((0.02, 0.2), rel=0.15)


def test_plot_keeps_the_rank_of_a_failure():
    ranks = np.arange(1, 4)
    value, score = statistics.plot_positions([samples([np.nan, 1.0, np.nan, 2.0], [1, 0, 4, 0])], ranks, 3)
    assert value.tolist() == pytest.approx([np.nan, 1.0, 2.0], nan_ok=True)
    assert score == pytest.approx(stats.norm.ppf((ranks - 0.375) / 3.25))


def test_errors_name_what_is_wrong(characterization):
    with pytest.raises(StatisticsError, match=r"metric 'drv' .* which has snm_read, t_read_p"):
        column(characterization, "drv")
    with pytest.raises(StatisticsError, match=r"q=\[.*2.*\] is not a list of numbers"):
        statistics.summarize(characterization, q=[2.0])
    characterization["snm_read"].attrs["fails_when"] = "never"
    with pytest.raises(StatisticsError, match="snm_read: attribute fails_when='never' is not one of low, high"):
        statistics.summarize(characterization)


def test_conditions_without_any_answer_are_nan():
    s = [samples([np.nan, np.nan], [4, 5])]
    found = statistics.moments(s)
    assert np.isnan((found.mean, found.std, found.skewness)).all()
    assert np.isnan(statistics.quantiles(s, np.array([0.5]))).all()
