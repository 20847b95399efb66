"""Crossings, integrals and statuses of blocks."""

import numpy as np

from charlib.status import Status, known_failures, unknown
from charlib.waveforms import crossing, integral, measured


def test_crossing_interpolates_in_the_asked_direction_after_the_asked_time():
    time = np.array([[0.0, 1.0, 2.0, 3.0, 4.0]])
    wave = np.array([[0.0, 1.0, 0.0, 1.0, 1.0]])
    assert crossing(time, wave, 0.25, rising=True)[0] == 0.25
    assert crossing(time, wave, 0.25, rising=False)[0] == 1.75
    assert crossing(time, wave, 0.25, rising=True, after=1.5)[0] == 2.25
    assert np.isnan(crossing(time, wave, 2.0, rising=True)[0])


def test_padding_with_the_last_point_changes_nothing():
    time, wave = np.array([[0.0, 1.0, 3.0]]), np.array([[1.0, 2.0, 0.0]])
    padded = [np.pad(a, ((0, 0), (0, 4)), "edge") for a in (time, wave)]
    assert integral(*padded)[0] == integral(time, wave)[0] == 3.5
    assert crossing(*padded, 1.0, rising=False)[0] == crossing(time, wave, 1.0, rising=False)[0] == 2.0


def test_a_missing_value_without_a_reason_is_suspect():
    result = measured(np.array([1.0, np.nan, np.inf]))
    assert result.status.tolist() == [Status.ok, Status.suspect, Status.suspect]
    assert np.isnan(result.values[1:]).all()


def test_the_first_reason_counts_and_takes_the_value_away():
    lost, late = np.array([True, False]), np.array([True, True])
    flags = ((lost, Status.not_performed, np.nan), (late, Status.censored_high, 9.0))
    result = measured(np.array([1.0, 2.0]), flags)
    assert result.status.tolist() == [Status.not_performed, Status.censored_high]
    assert np.isnan(result.values).all()
    assert np.isnan(result.bound[0])
    assert result.bound[1] == 9.0


def test_known_failures_depend_on_the_failing_side():
    status = np.array([s.value for s in Status])
    low, high = known_failures(status, "low"), known_failures(status, "high")
    assert [Status(s).name for s in status[low]] == ["censored_low", "not_performed"]
    assert [Status(s).name for s in status[high]] == ["censored_high", "not_performed"]
    assert not (unknown(status) & (low | high)).any()


def test_an_integral_is_the_same_bits_beside_a_longer_waveform():
    rng = np.random.default_rng(0)
    time, wave = np.sort(rng.random((1, 315)), axis=1), rng.random((1, 315))
    for more in range(1, 600):
        pad = ((0, 0), (0, more))
        beside = integral(np.pad(time, pad, "edge"), np.pad(wave, pad, "edge"))
        assert beside.tobytes() == integral(time, wave).tobytes()
