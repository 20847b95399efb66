"""Failure probabilities from a twin: right where the twin is, corrected where it is a little off, refused where it is
blind; an interval that does not close where nothing disagrees."""

from functools import partial

import numpy as np
import pytest

from analysis.intervals import StatisticsError
from analysis.rare import Request, failure_probability
from analysis.rare_twin import BAND, FAR, FIRST, PILOT, THIN, Cloud, _strata
from bench import limit_states, subset
from charlib.status import Status

PF = 1e-7
KNOWN = {state.name: state for state in limit_states.known(PF)}
FEW = 2 * PILOT + FAR + sum(FIRST)
"""Simulations with two regions and no more than the first correction, all of whose strata have samples."""


def run(state, twin, limit_state=None, seed=1, **request):
    request = Request("twin", seed=seed, **request)
    return failure_probability(limit_state or state, state.variables, request, twin=partial(twin, state))


def exact(state, u):
    return state(u)


@pytest.mark.parametrize("name", ["LS1", "LS2", "LS3", "LS5"])
def test_a_right_twin_needs_about_100_simulations(name):
    state = KNOWN[name]
    result = run(state, exact)
    assert result.method == "twin"
    assert result.interval[0] < PF < result.interval[1]
    assert result.established
    assert result.warnings == ()
    assert len(result.regions) == state.regions
    shell = FIRST[1]  # of which nothing is left where the twin is exact
    assert sum(result.simulations.values()) == PILOT * state.regions + FAR + sum(FIRST) - shell == len(result.samples.u)
    assert result.twin_samples > 10_000
    assert 0.03 < result.estimate.cov < 0.051


def test_no_disagreement_leaves_the_exact_binomial_interval():
    """48 of 48 failures real: at most 0.025 ^ (1 / 48) of them are not, with 95 %."""
    result = run(KNOWN["LS1"], exact)
    assert result.interval[0] < result.pf * 0.025 ** (1 / FIRST[0])
    assert result.interval[1] > result.pf * (1 + 0.3 * (1 - 0.025 ** (1 / FIRST[2])))


@pytest.mark.parametrize("spoil", [limit_states.shifted, limit_states.stretched])
def test_a_twin_that_is_a_little_off_is_corrected(spoil):
    """By itself it would say half or twice the truth."""
    state = KNOWN["LS1"]
    alone = failure_probability(partial(spoil, state), state.variables, Request(target=0.02, most=50_000))
    assert abs(np.log(alone.pf / PF)) > 0.4
    for seed in (1, 2):
        result = run(state, spoil, seed=seed)
        assert result.method == "twin"
        assert abs(np.log(result.pf / PF)) < 3 * result.estimate.cov
        assert sum(result.simulations.values()) <= FEW


def test_strata_have_a_thin_shell_and_what_the_twin_has_no_answer_to():
    rng = np.random.default_rng(4)
    distance = np.where(np.arange(4000) < 40, np.nan, rng.normal(0.5, 1.0, 4000))
    cloud = Cloud(np.zeros((4000, 1)), rng.uniform(0.5, 1.5, 4000), np.zeros(4000, int), distance)
    fails = cloud.weights[distance <= 0].sum()
    for safe in (0.0, 0.01, 0.5):
        failing, shell, nearly = _strata(cloud, safe)
        assert not (failing & shell | failing & nearly | shell & nearly).any()
        assert (failing | shell)[distance <= 0].all()
        assert np.abs(distance[shell]).max(initial=0.0) <= safe
        assert cloud.weights[shell].sum() <= THIN * fails + 1.5
        assert nearly[:40].all()
        assert (shell | nearly)[(distance > 0) & (distance <= safe)].all()
        assert cloud.weights[(shell | nearly) & (distance > 0)].sum() >= BAND * fails
    assert not _strata(cloud, 0.0)[1].any()


def test_an_error_that_goes_up_and_down_is_corrected_by_more_simulations():
    result = run(KNOWN["LS1"], limit_states.wavy)
    assert result.method == "twin"
    assert abs(np.log(result.pf / PF)) < 3 * result.estimate.cov
    assert sum(result.simulations.values()) > FEW


def test_a_shell_that_disagrees_costs_no_more_simulations():
    """Near the boundary the twin is wrong in half of its samples, and in the pilot by a thousandth of sigma at most."""
    state = KNOWN["LS1"]

    def trembling(u):
        margin, status = state(u)
        return margin + 0.001 * np.sin(1e4 * u.sum(axis=1)), status

    for seed in (1, 2, 3):
        result = failure_probability(state, state.variables, Request("twin", seed=seed), twin=trembling)
        assert sum(result.simulations.values()) == FEW
        assert result.interval[0] < PF < result.interval[1]
        assert result.warnings == ()


def test_a_twin_that_is_blind_to_a_region_is_refused():
    for seed in (1, 2):
        result = run(KNOWN["LS1"], limit_states.blind, seed=seed)
        assert result.method == "mixture"
        assert result.reason.startswith("twin refused: far from its regions it is off by")
        assert result.interval[0] < PF < result.interval[1]


def far_off(state, u):
    margin, status = state(u)
    return margin + 1.0, status


def never_fails(state, u):
    return np.full(len(u), 1.0), np.zeros(len(u), np.int8)


@pytest.mark.parametrize(
    ("twin", "reason"), [(far_off, "its failures are off by 1 standard"), (never_fails, "it has no failure region")]
)
def test_a_twin_that_is_far_off_is_refused(twin, reason):
    result = run(KNOWN["LS1"], twin)
    assert result.method == "mixture"
    assert f"twin refused: {reason}" in result.reason
    assert abs(np.log(result.pf / PF)) < 4 * result.estimate.cov


def test_simulations_without_an_answer_or_a_margin_are_told():
    state = KNOWN["LS1"]

    def losing(u):
        lost = limit_states.scatter(u) < 0.2
        return np.where(lost, np.nan, state(u)[0]), np.where(lost, Status.timeout, Status.ok)

    lost = run(state, exact, losing)
    assert not lost.established
    assert lost.estimate.pf_lost_pass < 0.9 * lost.pf
    valued = run(state, exact, partial(limit_states.two_valued, state))
    assert valued.reason.startswith("twin refused")
    assert not valued.established

    def nothing(u):
        return np.full(len(u), np.nan), np.full(len(u), Status.not_performed)

    assert "of its failures have no margin" in run(state, exact, nothing).reason


def test_a_twin_is_chosen_where_there_is_one():
    state = KNOWN["LS1"]
    chosen = failure_probability(state, state.variables, Request(), twin=state)
    assert chosen.method == "twin"
    assert "samples of the twin" in chosen.reason
    assert chosen.pf == run(state, exact).pf
    with pytest.raises(StatisticsError, match="method='twin' needs a twin"):
        failure_probability(state, state.variables, Request("twin"))


@pytest.mark.parametrize("name", ["LS1", "LS3"])
def test_subset_simulation_as_an_independent_method_agrees(name):
    """Which is right itself, on answers in closed form."""
    state = KNOWN[name]
    other = subset.estimate(state, state.variables, subset.Setting(size=2000, runs=10), seed=1)
    assert other.low < PF < other.high
    assert other.high - other.low < other.pf
    found = run(state, exact)
    assert found.interval[0] < other.high
    assert other.low < found.interval[1]
