"""Bisection of all samples of a block: statuses at both ends, failed trials, and independence of the company."""

import numpy as np
import pytest

from charlib.search import STEPS, search
from charlib.session import Solved, Unsolved
from charlib.status import Status
from charlib.waveforms import measured
from netlists.analyses import Transient
from netlists.testbench import Knob, Search, Testbench

NAMES = ("x_q", "x_qb", "edge", "time")


class Simulator:
    """Stands in for ngspice: answers with the settings it was given; knows nothing where it is told to."""

    def __init__(self, unknown=lambda row: False):
        self.rows, self._unknown = [], unknown

    def solve(self, testbench, values):
        assert list(testbench.knobs)[-2:] == ["search.0", "search.1"]
        self.rows += values.tolist()
        return [self._one(row) for row in values]

    def _one(self, row):
        if self._unknown(row):
            return Unsolved(Status.timeout, "no answer")
        return Solved(NAMES, np.array([[row[1]], [row[2]], [row[0]], [0.0]]))


def bench(works, relative=0.0, absolute=1e-3, low=0.0, guess=None):
    looked = Search(("a", "b"), low, 1.0, works, relative, absolute, guess)
    knobs = {"edge": Knob(("e",), 1.0, 1)}
    return Testbench("fake", "", Transient(1.0, 1.0), NAMES[:3], knobs, {"vdd": 1.0}, search=looked)


def measure(works, failing=Status.censored_low):
    """Works above (``high``) or below (``low``) the sample's edge; the number is the setting itself."""

    def trial(block):
        x = np.stack([block["x_q"][:, 0], block["x_qb"][:, 0]], axis=1)
        edge = block["edge"]
        good = x >= edge if works == "high" else x <= edge
        return measured(x, ((~good, failing, x),))

    return trial


@pytest.mark.parametrize("guess", [None, 0.3])
def test_what_cannot_work_is_tried_once(guess):
    def trial(block):
        found = measure("high")(block)
        absent = np.stack([block["edge"][:, 0] > 0.5, np.zeros(len(found.values), dtype=bool)], axis=1)
        return measured(found.values, ((absent, Status.not_performed, np.nan), (found.status != 0, 1, found.bound)))

    simulator = Simulator()
    found = search(simulator, bench("high", low=1e-3, guess=guess), np.array([[0.123], [0.9]]), trial)
    assert found.measured.status.tolist() == [[Status.ok, Status.ok], [Status.not_performed, Status.ok]]
    assert np.isnan(found.measured.values[1, 0])
    tried = {row[1] for row in simulator.rows if row[0] == 0.9}
    assert tried == ({0.3, 1.0} if guess else {1.0})  # once it is done it rests at the easiest


@pytest.mark.parametrize("works", ["low", "high"])
def test_every_sample_ends_next_to_its_own_edge_on_the_side_that_works(works):
    edges = np.array([[0.123], [0.5], [0.987]])
    found = search(Simulator(), bench(works), edges, measure(works))
    assert (found.measured.status == Status.ok).all()
    off = found.measured.values - edges if works == "high" else edges - found.measured.values
    assert (off >= 0).all()
    assert (off <= 1e-3).all()


def test_relative_tolerance_is_that_of_the_number():
    edges = np.array([[0.01], [0.9]])
    found = search(Simulator(), bench("high", relative=0.01, absolute=0.0), edges, measure("high"))
    off = found.measured.values / edges - 1
    assert ((off >= 0) & (off <= 0.01)).all()
    assert off[1, 0] > 1e-4  # it stopped where it may


def test_a_range_of_decades_is_halved_by_ratio():
    edges = np.array([[2e-4], [0.5]])
    by_ratio, by_difference = Simulator(), Simulator()
    found = search(by_ratio, bench("high", 0.01, 0.0, low=1e-4), edges, measure("high"))
    search(by_difference, bench("high", 0.01, 0.0), edges, measure("high"))
    off = found.measured.values / edges - 1
    assert ((off >= 0) & (off <= 0.01)).all()
    assert [row[1] for row in by_ratio.rows if row[0] == 0.5][2] == pytest.approx(0.01)
    assert len(by_ratio.rows) < len(by_difference.rows)


@pytest.mark.parametrize("works", ["low", "high"])
def test_a_guess_saves_trials_and_finds_the_same_edge(works):
    edges = np.array([[0.013], [0.02], [0.03], [1e-4], [0.9]])
    plain, guided = Simulator(), Simulator()
    for simulator, guess in ((plain, None), (guided, 0.02)):
        found = search(simulator, bench(works, 0.005, 1e-6, 1e-5, guess), edges, measure(works))
        off = (found.measured.values - edges) * (1 if works == "high" else -1)
        assert (found.measured.status == Status.ok).all()
        assert ((off >= 0) & (off <= 0.006 * edges + 1e-6)).all()
    for edge in (0.013, 0.02, 0.03):
        trials = [sum(row[0] == edge for row in simulator.rows) for simulator in (plain, guided)]
        assert trials[1] <= 0.75 * trials[0]
    assert guided.rows[0][1:] == [0.02, 0.02]


@pytest.mark.parametrize(("works", "edge", "status"), [
    ("low", 2.0, Status.censored_high), ("low", 1e-6, Status.censored_low),
    ("high", 1e-6, Status.censored_low), ("high", 2.0, Status.censored_high),
])  # fmt: skip
def test_a_guess_reaches_both_ends(works, edge, status):
    failing = Status.censored_high if works == "high" else Status.censored_low
    found = search(Simulator(), bench(works, low=1e-5, guess=0.02), np.array([[edge]]), measure(works, failing))
    assert found.measured.status.tolist() == [[status, status]]
    assert found.measured.bound.tolist() == [[1.0, 1.0] if edge > 1 else [1e-5, 1e-5]]
    assert np.isnan(found.measured.values).all()


def test_what_works_everywhere_is_censored_at_the_hardest_and_what_never_works_at_the_easiest():
    found = search(Simulator(), bench("low"), np.array([[2.0], [-1.0], [0.4]]), measure("low"))
    assert found.measured.status[:, 0].tolist() == [Status.censored_high, Status.censored_low, Status.ok]
    assert found.measured.bound[:2, 0].tolist() == [1.0, 0.0]
    assert np.isnan(found.measured.values[:2]).all()
    high = search(Simulator(), bench("high"), np.array([[-1.0], [2.0]]), measure("high", Status.censored_high))
    assert high.measured.status[:, 1].tolist() == [Status.censored_low, Status.censored_high]
    assert high.measured.bound[:, 1].tolist() == [0.0, 1.0]


def test_a_trial_without_an_answer_ends_the_search_of_its_sample_only():
    lost = Simulator(lambda row: row[0] == 0.3 and 0 < row[1] < 0.4)
    found = search(lost, bench("high"), np.array([[0.3], [0.7]]), measure("high"))
    assert isinstance(found.solutions[0], Unsolved)
    assert found.solutions[0].status == Status.timeout
    assert isinstance(found.solutions[1], Solved)
    assert found.measured.values[1, 0] == pytest.approx(0.7, abs=1e-3)
    assert sum(row[0] == 0.3 for row in lost.rows) < sum(row[0] == 0.7 for row in lost.rows)


def test_a_search_that_does_not_close_is_suspect():
    """A trial that fails without a bound says nothing of where the edge is."""

    def trial(block):
        x = np.stack([block["x_q"][:, 0], block["x_qb"][:, 0]], axis=1)
        return measured(x, ((x < 0.5, Status.censored_low, np.nan),))

    simulator = Simulator()
    found = search(simulator, bench("high"), np.array([[0.5]]), trial)
    assert found.measured.status.tolist() == [[Status.suspect, Status.suspect]]
    assert len(simulator.rows) == STEPS


def test_a_sample_takes_the_same_steps_alone_and_in_company():
    edges = np.array([[0.9], [0.123], [2.0], [0.45]])
    together, alone = Simulator(), Simulator()
    many = search(together, bench("high"), edges, measure("high"))
    one = search(alone, bench("high"), edges[1:2], measure("high"))
    assert [row for row in together.rows if row[0] == 0.123] == alone.rows
    assert many.measured.values[1].tobytes() == one.measured.values[0].tobytes()
    assert many.rows[1].tolist() == one.rows[0].tolist()


def test_states_of_a_sample_are_searched_by_themselves():
    def trial(block):
        x = np.stack([block["x_q"][:, 0], block["x_qb"][:, 0]], axis=1)
        return measured(x, ((x < np.array([0.2, 0.8]), Status.censored_low, x),))

    found = search(Simulator(), bench("high"), np.array([[0.0]]), trial)
    np.testing.assert_allclose(found.measured.values, [[0.2, 0.8]], atol=1e-3)
