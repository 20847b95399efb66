"""Rare failures on limit states with known answers, and on ones from which no answer can be had."""

from functools import partial

import numpy as np
import pytest
from scipy import stats

from analysis import rare
from analysis.intervals import StatisticsError
from analysis.rare import Request, failure_probability
from analysis.rare_limitstate import Simulations
from analysis.rare_regions import discover
from analysis.rare_sampling import mixture_of
from bench import limit_states
from charlib.status import Status

PF = 1e-7
KNOWN = {state.name: state for state in limit_states.known(PF)}
LINES = ("LS1", "LS2", "LS3")


def run(state, method="auto", seed=1, limit_state=None, **request):
    return failure_probability(limit_state or state, state.variables, Request(method, seed=seed, **request))


def close(result, pf, errors=4.0):
    """Within some standard errors: beyond 4 with probability 6e-5."""
    return abs(np.log(result.pf / pf)) < errors * result.estimate.cov


def linear(beta, variables):
    """A single plane, across the first variable."""
    return lambda u: (beta - u[:, 0], np.full(len(u), Status.ok))


def test_the_answers_are_those_of_plain_counting():
    """Where failures are common enough to count: within 4 standard errors of a binomial number."""
    for state in limit_states.known(2e-3):
        u = np.random.default_rng(3).standard_normal((100_000 if state.variables < 10 else 20_000, state.variables))
        failed = np.sum(state.margin(u) <= 0)
        expected = state.pf * len(u)
        assert abs(failed - expected) < 4 * np.sqrt(expected), state.name


@pytest.mark.parametrize("name", KNOWN)
def test_known_answers(name):
    state = KNOWN[name]
    for seed in (1, 2):
        result = run(state, seed=seed)
        assert close(result, state.pf)
        assert result.interval[0] < result.pf < result.interval[1]
        assert result.established
        assert result.warnings == ()
        assert len(result.regions) == state.regions
        assert len({r.lobe for r in result.regions}) == state.lobes
        assert result.estimate.cov <= 0.051
        assert sum(result.simulations.values()) == len(result.samples.u) < 5000
        assert sum(result.estimate.shares) == pytest.approx(1.0)
        assert result.sigma == pytest.approx(stats.norm.isf(result.pf))


def test_reliability_indices_and_shares_are_the_closed_forms():
    """LS3: opposite planes; the nearer one has its share of the failures."""
    state = KNOWN["LS3"]
    result = run(state)
    betas = state.margin.args[1]
    np.testing.assert_allclose([r.beta for r in result.regions], betas, atol=1e-3)
    shares = stats.norm.sf(betas) / stats.norm.sf(betas).sum()
    np.testing.assert_allclose(result.estimate.shares, shares, atol=0.05)
    assert result.form_ratio == pytest.approx(1.0, abs=0.2)


def test_form_alone_is_far_off_in_many_variables():
    assert run(KNOWN["128 cells"]).form_ratio > 50


@pytest.mark.parametrize("name", LINES)
def test_the_fast_mode(name):
    result = run(KNOWN[name], "surrogate")
    assert result.method == "surrogate"
    assert close(result, PF)
    assert result.established
    assert result.estimate.cov < 0.01
    assert sum(result.simulations.values()) < 620


def test_the_fast_mode_gives_way_where_a_lobe_has_two_design_points():
    result = run(KNOWN["LS5"], "surrogate")
    assert result.method == "mixture"
    assert "more than one design point" in result.reason
    assert close(result, PF)


def test_lines_of_two_design_points_of_a_lobe_are_not_established():
    """Either point's lines find the failures of both: what they sum to is too high."""
    found = failure_probability(KNOWN["LS5"], KNOWN["LS5"].variables, Request("lines"))
    assert found.pf > 1.2 * KNOWN["LS5"].pf
    assert "lines count failures more than once: a lobe has more than one design point" in found.faults


def test_the_fast_mode_gives_way_where_regions_overlap():
    def corner(u):
        return np.minimum(3.0 - u[:, 0], 3.0 - u @ [np.cos(0.9), np.sin(0.9)]), np.zeros(len(u))

    result = failure_probability(corner, 2, Request("surrogate"))
    assert result.method == "mixture"
    assert result.reason.startswith("surrogate line search refused")


@pytest.mark.parametrize("method", ["auto", "surrogate"])
@pytest.mark.parametrize("spoil", limit_states.SPOILT.values(), ids=limit_states.SPOILT)
def test_what_is_spoilt_is_not_established(spoil, method):
    for seed in (1, 2):
        result = run(KNOWN["LS1"], method, seed, partial(spoil, KNOWN["LS1"]))
        assert not result.established


def test_a_hidden_region_is_found_late_and_told():
    """LS1 with the second lobe kept from the estimate, which alone would give half of the truth."""
    state = KNOWN["LS1"]
    known = discover(Simulations(state, state.variables), np.random.default_rng(1)).regions[:1]
    for seed in (1, 2):
        result = failure_probability(state, state.variables, Request(seed=seed), known)
        assert close(result, PF)
        assert any("found while estimating" in text for text in result.warnings)


def test_lost_simulations_give_both_bounds():
    state = KNOWN["LS1"]
    found = run(state, limit_state=partial(limit_states.losing, state)).estimate
    assert found.pf_lost_pass < PF < found.pf_lost_fail
    assert found.pf_lost_pass == pytest.approx(0.95 * found.pf, rel=0.02)


def test_a_margin_that_ends_at_a_bound_gives_the_same():
    """Beyond the bound a sample is a known failure; directions at nine sigma all are."""
    state = KNOWN["LS1"]

    def censored(u):
        margin = state.margin(u)
        return np.maximum(margin, -0.5), np.where(margin < -0.5, Status.censored_low, Status.ok)

    def lost(u):
        margin = state.margin(u)
        return np.where(margin < -0.5, np.nan, margin), np.where(margin < -0.5, Status.not_performed, Status.ok)

    for limit_state in (censored, lost):
        for method in ("mixture", "surrogate"):
            result = run(state, method, limit_state=limit_state)
            assert close(result, PF)
            assert result.established
            assert len(result.regions) == 2


def test_mean_shift_has_the_variance_of_theory():
    """A plane at 5 sigma: sqrt(2 pi) beta / 2 - 1 a sample at its design point, where nine tenths of them are."""
    result = failure_probability(linear(5.0, 6), 6, Request(target=0.02, most=20_000))
    each = result.estimate.cov**2 * result.estimate.n
    assert close(result, stats.norm.sf(5.0))
    assert each == pytest.approx(np.sqrt(2 * np.pi) * 5.0 / 2 / 0.9 - 1, rel=0.1)


def test_weights_of_the_mixture_have_the_mean_1():
    mixture = mixture_of(run(KNOWN["LS3"]).regions, 6)
    weights = np.exp(mixture.log_weight(mixture.draw(np.random.default_rng(1), 50_000)))
    assert weights.mean() == pytest.approx(1.0, abs=4 * weights.std() / np.sqrt(weights.size))


def test_common_failures_are_counted():
    result = failure_probability(linear(0.5, 3), 3, Request())
    assert result.method == "plain"
    assert close(result, stats.norm.sf(0.5))
    failing = failure_probability(linear(-0.5, 3), 3, Request())
    assert "the nominal cell fails" in failing.reason
    assert close(failing, stats.norm.sf(-0.5))


@pytest.mark.parametrize("variables", [1, 2, 20])
@pytest.mark.parametrize("method", ["auto", "surrogate", "lines"])
def test_few_and_many_variables(variables, method):
    result = failure_probability(linear(4.5, variables), variables, Request(method))
    assert close(result, stats.norm.sf(4.5), errors=5.0)
    assert result.established


def test_a_seed_gives_the_same_run():
    one, same, other = (run(KNOWN["LS2"], seed=seed) for seed in (5, 5, 6))
    assert one.pf == same.pf != other.pf
    np.testing.assert_array_equal(one.samples.u, same.samples.u)


def test_nothing_that_fails_is_not_established():
    result = failure_probability(linear(30.0, 4), 4, Request())
    assert not result.established
    assert "nothing fails at 9 sigma" in result.faults[0]
    assert np.isnan(result.pf)


@pytest.mark.parametrize(
    ("method", "phases"), [("mixture", ["discovery", "FORM", "estimate"]), ("plain", ["estimate"]), ("lines", ["FORM"])]
)
def test_what_is_done_is_told_with_the_estimate_so_far(method, phases):
    told = []
    result = failure_probability(linear(2.0, 3), 3, Request(method, target=0.03), tell=told.append)
    assert set(phases) <= {text.split(",")[0] for text in told} == set(result.simulations)
    last = [text for text in told if text.startswith("estimate, Pf")][-1]
    assert float(last.split()[2].rstrip(",")) == pytest.approx(result.pf, rel=0.5)


def test_too_few_simulations_warn():
    result = run(KNOWN["LS1"], most=128)
    assert any(text.startswith("CoV") for text in result.warnings)
    assert any(text.startswith("effective sample size") for text in result.warnings)


def test_the_interval_of_counting_is_the_binomial_one():
    result = failure_probability(linear(1.0, 2), 2, Request("plain", target=0.5))
    n, k = result.estimate.n, round(result.pf * result.estimate.n)
    assert result.simulations == {"estimate": n}  # nothing is looked for first
    assert result.regions == ()
    assert np.isnan(result.form_ratio)
    exact = stats.binomtest(k, n).proportion_ci(0.95, "exact")
    np.testing.assert_allclose(result.interval, (exact.low, exact.high), rtol=1e-9)


def test_messages():
    with pytest.raises(StatisticsError, match="method='best' is not one of auto, twin, mixture, surrogate"):
        Request("best")
    with pytest.raises(StatisticsError, match="target=0 is outside"):
        Request(target=0.0)
    with pytest.raises(StatisticsError, match="most=0"):
        Request(most=0)
    with pytest.raises(StatisticsError, match="nothing varies"):
        failure_probability(linear(3.0, 1), 0)
    assert rare.METHODS[0] == Request().method
