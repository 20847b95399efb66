"""Write delays of 2,000 initial angles in ngspice against theory: mean, deviation, distribution; resumed, reproduced.

``PIMCHAR_DRAWS`` is the number of angles (2,000 if it is not set).
"""

import os

import numpy as np
import pytest
from scipy import stats

from analysis import switching
from analysis.intervals import mean_interval
from analysis.switching import rayleigh_angle, reduced
from charlib import Conditions, Variation, characterize, reproduce
from charlib.status import Status
from charlib.variation import normals
from netlists import JUNCTIONS, Stt1T1M
from netlists.mram import CONSTANT_DRIVE
from netlists.testbench import LAWS

pytestmark = [pytest.mark.acceptance, pytest.mark.ngspice]

DRAWS = int(os.environ.get("PIMCHAR_DRAWS", "2000"))
SEED = 1
JUNCTION = JUNCTIONS["stt_40nm"]
PULSE = 12e-9
"""Longer than the slowest of millions of angles takes [s]."""
HALF = DRAWS // 2
CONFIDENCE = 0.99
"""Of the intervals that mean and deviation have to be in: of four of them at 95 % one in five runs misses one."""


def run(out, samples, temp, workers):
    return characterize(
        cell=Stt1T1M(pulse=PULSE), conditions=Conditions(temp=[temp]), variation=Variation(samples=samples, seed=SEED),
        metrics=["t_flip"], out=out, workers=workers,
    )  # fmt: skip


@pytest.mark.parametrize("temp", [300.0, 358.15])
def test_mean_and_spread_of_delays_are_those_of_initial_angles(temp, tmp_path):
    """Within 99 % intervals; the deviation's, of samples that are not normal, by the fourth moment.

    And pair by pair, where chance has no part: each delay is the closed form's at its own angle.
    """
    run(tmp_path / "resumed", HALF, temp, 1)
    found, quiet = run(tmp_path / "resumed", DRAWS, temp, 2), run(tmp_path / "quiet", DRAWS, temp, 1)
    assert (found["t_flip_lobes"].values == quiet["t_flip_lobes"].values).all()
    assert (found["t_flip_status"] == Status.ok).all()
    delays = found["t_flip"].values.ravel()
    junction = JUNCTION.at(temp)
    at = reduced(junction, CONSTANT_DRIVE * junction.critical_current("p"))
    mean, std = (at.unit * m for m in switching.delay_moments(at.delta, at.drive, rayleigh_angle))
    low, high = mean_interval(delays.mean(), delays.std(ddof=1), np.array(DRAWS), CONFIDENCE)
    error = (
        stats.norm.ppf((1 + CONFIDENCE) / 2) * np.sqrt((stats.kurtosis(delays) + 2) / (4 * DRAWS)) * delays.std(ddof=1)
    )
    print(f"{temp:g} K, {DRAWS} angles: mean {1e9 * delays.mean():.4f} ({1e9 * low:.4f}..{1e9 * high:.4f}) ns, theory")
    print(f"{1e9 * mean:.4f}; deviation {1e9 * delays.std(ddof=1):.4f} +- {1e9 * error:.4f} ns, theory {1e9 * std:.4f}")
    assert low < mean < high
    assert abs(delays.std(ddof=1) - std) < error
    angles = junction.sigma_angle * LAWS["rayleigh"](normals(["cell.mtj:angle"], SEED, 0, DRAWS)[:, 0])
    drawn = at.unit * switching.travel_time(at.drive, angles)
    print(f"closed form at these angles: mean {1e9 * drawn.mean():.4f}, deviation {1e9 * drawn.std(ddof=1):.4f} ns")
    np.testing.assert_allclose(delays, drawn, rtol=0.003)
    share = 1 - np.exp(-at.delta * _angles(at, delays) ** 2)
    assert stats.kstest(share, "uniform").pvalue > 0.01
    for sample in (0, HALF - 1, HALF, DRAWS - 1):
        assert reproduce(tmp_path / "resumed", "t_flip", "tt", 1.0, temp, sample).identical


def _angles(at, delays):
    """Initial angles that the closed form gives the delays."""
    table = switching.ANGLES[::-1]
    return np.exp(np.interp(delays / at.unit, switching.travel_time(at.drive, table), np.log(table)))
