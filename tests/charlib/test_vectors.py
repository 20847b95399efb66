"""Pairs of vectors: what is measured on waveforms a person can check, and a small tree in the simulator."""

import numpy as np
import pytest

from charlib import simulate_pairs
from charlib.errors import CharacterizationError
from charlib.metrics import METRICS
from charlib.metrics.periphery import QUANTITIES
from charlib.metrics.vectors import PAIR_QUANTITIES, arrival, level, pair_energy
from charlib.status import Status
from charlib.waveforms import Block
from netlists.addertree import adder_tree
from netlists.gatebench import driven
from netlists.gatenetlist import evaluate
from netlists.setting import Condition

VALUES = {"vdd": 1.0, "period": 10.0, "first": 5.0, "slew": 1.0, "pairs": 2, "supplies": 2, "outputs": 1}


def block(times, wave, current=None):
    time = np.array([times], dtype=float)
    current = np.zeros_like(time) if current is None else np.array([current], dtype=float)
    vectors = {"vdrive#branch": current, "vgates#branch": 2 * current, "y": np.array([wave], dtype=float)}
    return Block({**vectors, "time": time}, VALUES)


def test_energy_is_that_of_each_period():
    """A current of -1 A from 6 to 8 s and of -3 A from 14 to 16 s, a second of which belongs to either period."""
    times = [0, 6, 6, 8, 8, 14, 14, 16, 16, 25.1]
    found = pair_energy(block(times, [0] * 10, [0, 0, -1, -1, 0, 0, -3, -3, 0, 0]))
    assert found.values[0] == pytest.approx(np.array([[2 + 3, 3], [2 * 5, 6]]))


def test_the_last_crossing_counts_from_the_middle_of_the_inputs():
    times, wave = [0, 7, 8, 9, 10, 11, 12, 25.1], [0, 0, 1, 1, 0, 0, 1, 1]
    found = arrival(block(times, wave))
    assert found.values[0, 0, 0] == pytest.approx(11.5 - 5.0 - 0.5)
    assert np.isnan(found.values[0, 0, 1])
    assert found.status[0, 0].tolist() == [Status.ok, Status.not_performed]


def test_a_level_halfway_is_suspect():
    found = level(block([0, 14, 24, 25.1], [0, 0, 0.4, 0.4]))
    assert found.values[0, 0, 0] == 0
    assert found.status[0, 0].tolist() == [Status.ok, Status.suspect]


@pytest.fixture
def condition(technology):
    return Condition(technology, "tt", 1.0, 298.15)


@pytest.fixture
def vectors():
    """Every change of one or both inputs of a tree of two words of one bit."""
    order = np.array([0, 1, 0, 2, 0, 3, 1, 2, 1, 3, 2, 3, 0])
    return {"x0_0_b": order & 1, "x1_0_b": order >> 1}


@pytest.mark.ngspice
def test_a_small_tree(condition, vectors, tmp_path):
    netlist = adder_tree(2, 1)
    found = simulate_pairs(netlist, condition, vectors, 0.3e-9, 20e-12, workers=1)
    settled = evaluate(driven(netlist), vectors)
    expected = np.array([settled[net] for net in netlist.outputs])
    assert (found["level"].values == expected[:, 1:]).all()
    moves = expected[:, 1:] != expected[:, :-1]
    assert np.isfinite(found["arrival"].values[moves]).all()
    assert (found["arrival"].values[moves] > 1e-12).all()
    # The last vector is the first one: all that was taken is heat, and no gate gives any back.
    assert (found["pair_energy"].sum("pair") > 1e-15).all()
    assert found["pair_energy"].attrs["units"] == "J"


@pytest.mark.ngspice
def test_a_period_that_is_too_short(condition, vectors):
    with pytest.raises(CharacterizationError, match=r"adder_tree_2x1: l1_0_s_. is not settled at the end of a period"):
        simulate_pairs(adder_tree(2, 1), condition, vectors, 0.05e-9, 20e-12, workers=1)


def test_no_name_is_measured_in_two_tables():
    names = [*METRICS, *QUANTITIES, *PAIR_QUANTITIES]
    assert len(names) == len(set(names))
