"""The Fokker-Planck equation: equilibrium, conservation, grids, closed forms, counted macrospins, deep tails."""

import math
from dataclasses import replace

import numpy as np
import pytest

from analysis import fokkerplanck, macrospins, switching
from analysis.intervals import clopper_pearson
from analysis.switching import SwitchingError, reduced
from netlists.mtj import JUNCTIONS

ONE = np.ones(1)
DAMPED = replace(JUNCTIONS["stt_40nm"], damping=0.2)
"""A step of the macrospin is a turn, an error one of damping times: ten times fewer steps than at 0.02."""


def unswitched(delta, drive, times, cells=fokkerplanck.CELLS):
    found, bound = fokkerplanck.unswitched(delta * ONE, drive * ONE, np.array(times)[:, None], cells)
    return found[:, 0], bound[:, 0]


def test_the_chain_has_boltzmanns_equilibrium():
    delta, drive = 40.0, 0.4
    found = fokkerplanck.chain(delta * ONE, drive * ONE, 64)
    angle = np.linspace(0, math.pi, 65)
    weight = -np.diff(np.cos(angle)) * np.exp(-delta * found.centre * (2 * drive - found.centre))
    flux = found.down[:, 0] * weight[:-1] - found.up[:, 0] * weight[1:]
    assert np.abs(flux / (found.down[:, 0] * weight[:-1])).max() < 1e-12
    assert (found.down > 0).all()
    assert (found.up > 0).all()
    assert found.rest.sum() == pytest.approx(1)


def test_without_a_current_half_of_a_state_is_lost_in_the_end():
    """Two equal wells with hardly a barrier between them: probability is conserved, and spreads over both."""
    lost, bound = unswitched(2.0, 0.0, [60.0], cells=64)
    assert lost[0] == pytest.approx(0.5, rel=1e-3)
    assert bound[0] < 1e-3


def test_the_bound_holds_against_a_finer_grid():
    times = [1.0, 2.0, 4.0, 9.0, 16.0, 24.0]
    for delta, drive in ((60.0, 2.0), (40.0, 1.3), (80.0, 4.0)):
        found, bound = unswitched(delta, drive, times)
        finer, _ = unswitched(delta, drive, times, cells=2 * fokkerplanck.CELLS)
        assert (np.abs(found / finer - 1) < bound).all()
        assert (bound < 0.1).all()
    assert 1e-70 < finer[-1] < 1e-60  # relative accuracy has no floor


def test_what_is_unflipped_does_not_depend_on_the_times_between():
    few, _ = unswitched(60.0, 2.0, [12.0])
    many, _ = unswitched(60.0, 2.0, np.linspace(0.5, 12.0, 24))
    assert few[0] == pytest.approx(many[-1], rel=1e-10)


@pytest.mark.parametrize(("delta", "drive"), [(60.0, 1.5), (60.0, 2.0), (60.0, 4.0), (40.0, 2.0), (100.0, 1.5)])
def test_the_closed_form_of_write_errors_holds_well_above_the_critical_current(delta, drive):
    """Down to 1e-15, from where half have flipped: what is left out is of the order of 1/(delta (i - 1)^2)."""
    times = np.linspace(0.5, 17.0, 34) / (drive - 1) + 1.0
    exact, _ = unswitched(delta, drive, times)
    seen = (exact < 0.5) & (exact > 1e-15)
    assert seen.sum() > 20
    law = switching.unswitched(delta, drive, times)
    assert np.abs(law[seen] / exact[seen] - 1).max() < 0.02 + 5 / (delta * (drive - 1) ** 2)


@pytest.mark.parametrize("drive", [0.0, 0.2, 0.5, 1.0, 2.0])
def test_mean_passages_are_the_closed_integral(drive):
    to = switching.escape_end(drive) if drive < 0.6 else 0.0
    mean, _ = fokkerplanck.passages(60.0, drive, to)
    assert mean == pytest.approx(switching.passage(60.0, drive, to), rel=1e-3)


def test_a_rare_loss_is_exponential_and_a_write_is_narrower():
    mean, std = fokkerplanck.passages(60.0, 0.5)
    assert std == pytest.approx(mean, rel=1e-3)
    mean, std = fokkerplanck.passages(60.0, 2.0)
    assert std == pytest.approx(math.pi / math.sqrt(24), rel=0.05)


def test_counted_macrospins_agree():
    """Second route, of three components with precession; one interval in twenty may be missed, none of 99.9 %."""
    samples, current = 6000, 2 * DAMPED.critical_current("p")
    at = reduced(DAMPED, current)
    times = np.array([1.5, 2.0, 3.0, 4.0, 5.0])
    counted = macrospins.crossings(DAMPED, current, times * at.unit, samples, seed=3)
    low, high = clopper_pearson(counted, np.array(samples), 0.999)
    exact, _ = unswitched(at.delta, at.drive, times)
    assert ((low < exact) & (exact < high)).all()
    assert counted[0] > 0.9 * samples
    assert 0 < counted[-1] < 0.01 * samples


def test_macrospins_do_not_depend_on_how_many_there_are():
    current, block = 3 * DAMPED.critical_current("p"), macrospins.BLOCK
    times = np.array([1.0]) * DAMPED.damping_time
    first, both = (macrospins.crossings(DAMPED, current, times, n, seed=2)[0] for n in (block, block + 1))
    assert both - first in (0, 1)
    assert first == macrospins.crossings(DAMPED, current, times, block, seed=2)[0]
    assert first != macrospins.crossings(DAMPED, current, times, block, seed=4)[0]


def test_macrospins_of_a_metal_are_refused():
    with pytest.raises(SwitchingError, match="not axisymmetric"):
        macrospins.crossings(JUNCTIONS["sot_umn"], 1e-5, np.array([1e-9]), 1, seed=1)
