"""A cell's limit state: the same numbers as a characterization, from the store when asked again; signs and statuses."""

import numpy as np
import pytest

import charlib
from charlib.errors import InvalidPlan
from charlib.limitstate import Criterion, smallest
from charlib.status import Status
from charlib.variation import Variation, normals
from charlib.waveforms import Measured
from netlists.bitcells import Sram8T

AT = charlib.Conditions(process=["tt"], vdd=[0.6], temp=[298.15])
SAMPLES = 5


def cell_at(metrics, out=None, variation=None):
    return charlib.limit_state(metrics, conditions=AT, variation=variation, out=out, workers=1)


@pytest.mark.ngspice
@pytest.mark.parametrize(("process", "together"), [("tt", False), ("mc", True)])
def test_imposed_draws_are_the_samples_of_a_characterization(process, together):
    variation = Variation(samples=SAMPLES, seed=3, global_=together)
    found = charlib.characterize(conditions=AT, variation=variation, metrics=["snm_read", "i_read"], workers=1)
    with cell_at({"snm_read": 0.02}, variation=variation) as limit_state:
        assert len(limit_state.variables) == (8 if together else 6)
        margin, status = limit_state(normals(limit_state.variables, 3, 0, SAMPLES))
    stored = found["snm_read"].sel(process=process).values.ravel()
    np.testing.assert_array_equal(margin, stored - 0.02)
    assert (status == Status.ok).all()


@pytest.mark.ngspice
def test_what_was_simulated_is_found_again_whatever_the_limit(tmp_path):
    u = np.random.default_rng(1).normal(size=(70, 6))
    with cell_at({"snm_read": None}, tmp_path) as limit_state:
        first, _ = limit_state(u)
        assert limit_state.tally.reused == 0
    with cell_at({"snm_read": 0.03}, tmp_path) as limit_state:
        again, _ = limit_state(u)
        assert limit_state.tally.reused == 70
        assert limit_state.tally.simulated == 0
    np.testing.assert_allclose(again, first - 0.03, atol=1e-15)


@pytest.mark.ngspice
def test_several_metrics_are_shares_of_their_nominal_margins():
    u = np.concatenate([np.zeros((1, 6)), np.random.default_rng(2).normal(size=(3, 6))])
    with cell_at({"snm_read": None, "i_read": 1e-6}) as both:
        margin, _ = both(u)
        scales = {c.metric: c.scale for c in both.criteria}
    with cell_at({"snm_read": None}) as one, cell_at({"i_read": 1e-6}) as other:
        each = np.stack([one(u)[0] / scales["snm_read"], other(u)[0] / scales["i_read"]])
    assert margin[0] == pytest.approx(1.0)
    np.testing.assert_allclose(margin, each.min(axis=0), rtol=1e-12)


@pytest.mark.parametrize(
    ("metric", "status", "bound", "expected"),
    [
        ("snm_read", Status.censored_low, -0.01, (-0.01, Status.censored_low)),
        ("snm_read", Status.censored_high, 0.3, (0.3, Status.censored_high)),
        ("t_write", Status.censored_high, 3.0, (-2.0, Status.censored_low)),
        ("t_write", Status.censored_low, 0.5, (0.5, Status.censored_high)),
        ("t_write", Status.not_performed, np.nan, (np.nan, Status.not_performed)),
        ("snm_read", Status.timeout, np.nan, (np.nan, Status.timeout)),
    ],
)
def test_statuses_are_in_the_margins_sense(metric, status, bound, expected):
    limit = 0.0 if metric == "snm_read" else 1.0
    margin, found = Criterion(metric, limit).margins(
        Measured(np.array([np.nan]), np.array([status]), np.array([bound]))
    )
    np.testing.assert_equal((margin[0], found[0]), expected)


def test_a_failure_counts_though_another_part_has_no_answer():
    margin = np.array([[np.nan, -0.2], [np.nan, 0.2], [np.nan, np.nan], [0.3, 0.2]])
    status = np.array(
        [[Status.timeout, Status.ok], [Status.timeout, Status.ok], [Status.timeout, Status.not_performed],
         [Status.ok, Status.censored_high]]
    )  # fmt: skip
    found, kinds = smallest(margin, status)
    np.testing.assert_equal(found, [-0.2, np.nan, np.nan, 0.2])
    assert kinds.tolist() == [Status.ok, Status.timeout, Status.not_performed, Status.censored_high]


@pytest.mark.ngspice
def test_a_twin_says_the_same_and_has_no_answer_beyond_its_tables():
    u = np.random.default_rng(4).normal(size=(6, 6)) * 2.0
    u[-1] = [8.0, 0, 0, 0, 0, 0]
    with charlib.limit_state({"snm_read": None}, conditions=AT, workers=1, twin=True) as limit_state:
        margin, _ = limit_state(u)
        found, status = limit_state.twin(u)
    np.testing.assert_allclose(found[:-1], margin[:-1], atol=0.05e-3)
    assert status.tolist() == [Status.ok] * 5 + [Status.numerical_failure]
    assert limit_state.uncovered == ""


@pytest.mark.ngspice
def test_a_metric_without_a_twin_says_why():
    with charlib.limit_state({"i_read": 1e-6}, cell=Sram8T(), conditions=AT, workers=1, twin=True) as limit_state:
        assert limit_state.twin is None
        assert "does not solve the testbench 'read_current' of a cell of kind 'sram8t'" in limit_state.uncovered


@pytest.mark.ngspice
def test_messages():
    two = charlib.Conditions(process=["tt"], vdd=[0.6, 0.7], temp=[298.15])
    with pytest.raises(InvalidPlan, match="2 conditions"), charlib.limit_state({"snm_read": None}, conditions=two):
        pass
    with pytest.raises(InvalidPlan, match="'drv' has no limit of its own"), cell_at({"drv": None}):
        pass
    nothing = Variation(local=False)
    with pytest.raises(InvalidPlan, match="nothing varies"), cell_at({"snm_read": None}, variation=nothing):
        pass
