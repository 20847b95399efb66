"""Searches as units of work: the same bits however they are run, resumed, reproduced, and what is kept of them."""

import subprocess
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from charlib import Conditions, Variation, characterize, reproduce
from charlib.byhand import hand_deck
from charlib.metrics import METRICS
from charlib.search import Searched, search
from charlib.session import Unsolved
from charlib.status import Status
from charlib.unit import Unit, searched_unit
from charlib.waveforms import Measured
from netlists import TESTBENCHES

pytestmark = pytest.mark.ngspice

HOT = Conditions(temp=[398.15])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A search of 20 samples on one worker."""
    out = tmp_path_factory.mktemp("search") / "r"
    characterize(conditions=HOT, variation=Variation(samples=20), metrics=["v_dip"], out=out, workers=1)
    return out


@pytest.fixture(scope="module")
def whole(folder):
    return xr.load_dataset(folder / "characterization.nc")


def test_workers_and_interruptions_change_no_bit(whole, tmp_path):
    for count in (7, 20):  # the second run goes on where the first one ended
        again = characterize(
            conditions=HOT, variation=Variation(samples=count), metrics=["v_dip"], out=tmp_path / "r", workers=2
        )
    xr.testing.assert_identical(again.drop_attrs(), whole.drop_attrs())
    assert (whole["v_dip_status"] == Status.ok).any()


def test_a_sample_alone_is_the_stored_one_and_its_last_trial_runs_by_hand(folder, whole):
    found = reproduce(folder, "v_dip", "tt", float(whole["vdd"][0]), 398.15, 13)
    assert found.identical
    subprocess.run(["ngspice", "-b", "deck.cir"], cwd=found.folder, check=True, capture_output=True)
    ours = np.loadtxt(found.folder / "vectors.csv", delimiter=",", skiprows=1)
    by_hand = np.loadtxt(found.folder / "waveforms.txt", skiprows=1)
    np.testing.assert_allclose(by_hand[:, [*range(1, by_hand.shape[1]), 0]], ours, rtol=1e-9, atol=1e-15)
    lowest = ours[:, 0].min()  # vdd_q of the last trial, next to the critical level
    assert lowest == pytest.approx(float(whole["v_dip_lobes"][0, 0, 0, 13, 0]), abs=0.05)


def test_the_key_of_a_unit_holds_its_search(setting):
    bench = TESTBENCHES["supply_dip"].build(setting())
    finer = replace(bench, search=replace(bench.search, absolute=1e-4))
    keys = {Unit(b, 0, 1, True, "default").key("39") for b in (bench, finer, replace(bench, search=None))}
    assert len(keys) == 3


@pytest.mark.parametrize("name", TESTBENCHES)
def test_rows_say_what_is_searched_and_where_windows_come_from(name, setting_for):
    row = TESTBENCHES[name]
    bench = row.build(setting_for(row, window=1e-9))
    assert bench.search is None or not (row.drawn and row.cloud)
    here = [metric for metric in METRICS.values() if metric.testbench == name]
    assert bench.search is None or (len(here) == 1 and here[0].per_lobe)
    assert {METRICS[metric].testbench for metric in row.timed_by} <= {row.timed_on or name}


def test_a_sample_of_which_a_trial_has_no_answer_has_that_status(setting):
    unit = Unit(TESTBENCHES["supply_dip"].build(setting()), None, 1, False, "default")
    nothing = Measured(np.full((1, 2), np.nan), np.zeros((1, 2), dtype=np.int8), np.full((1, 2), np.nan))
    lost = Unsolved(Status.timeout, "no answer in 60 s")
    result = searched_unit(unit, 0, "v_dip", Searched(nothing, [lost], np.zeros((1, 8)), []))
    assert result.metrics["v_dip"].status.tolist() == [[Status.timeout, Status.timeout]]
    assert result.failures[0][:2] == ("timeout", "no answer in 60 s")
    assert "alter @vvdd_q[pulse]" not in hand_deck(unit, 0)  # what is searched is left as the deck has it


def test_the_window_of_a_search_comes_from_another_testbench_and_its_trials_are_kept(tmp_path):
    data = characterize(metrics=["t_pulse_write", "t_write"], out=tmp_path / "r", workers=2)
    window, delay = float(data["write_pulse_window"].squeeze()), float(data["t_write"].squeeze())
    assert window == pytest.approx(TESTBENCHES["write_pulse"].window * delay, rel=0.05)
    trials = xr.load_dataset(tmp_path / "r" / "curves.nc", group="write_pulse")
    assert trials["q_q"].dims == ("process", "vdd", "temp", "step", "point")
    ends = (trials["q_q"] - trials["qb_q"]).squeeze().isel(point=-1)
    assert bool((ends > 0).any())
    assert bool((ends < 0).any())
    assert trials.sizes["step"] < 10  # ends of the range are twelve and more


def test_a_critical_pulse_is_the_same_in_other_company(session, setting):
    bench = TESTBENCHES["write_pulse"].build(setting(window=0.27e-9))
    values = bench.knob_values(np.random.default_rng(3).standard_normal((3, len(bench.knobs))))
    measure = METRICS["t_pulse_write"].measure
    together, alone = search(session, bench, values, measure), search(session, bench, values[1:2], measure)
    assert together.measured.values[1].tobytes() == alone.measured.values[0].tobytes()
    assert (together.measured.status == Status.ok).all()
