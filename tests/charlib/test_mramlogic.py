"""Two rows of MRAM cells against reference cells: truth from waveforms, margins, offsets, failures."""

import numpy as np
import pytest

from charlib.metrics import mramlogic
from charlib.search import search
from charlib.status import Status
from charlib.waveforms import at
from netlists import TESTBENCHES, ReadPath, Setting, Sot2T1M, Stt1T1M
from netlists.mramlogic import OPERATIONS
from netlists.technology import load

pytestmark = pytest.mark.ngspice

TRUTH = {
    "sense": {"0": 0, "1": 1},
    "and": {"00": 0, "01": 0, "10": 0, "11": 1},
    "or": {"00": 0, "01": 1, "10": 1, "11": 1},
    "and3": {f"{bits:03b}": int(bits == 7) for bits in range(8)},
    "maj3": {f"{bits:03b}": int(bits.bit_count() > 1) for bits in range(8)},
}


@pytest.fixture
def bench(installed):
    """Testbench of an operation on lines of 256 rows."""

    def build(name, cell, technology="predictive28", rows=256):
        own = load(technology)
        return TESTBENCHES[f"mram_{name}"].build(Setting(own, "tt", 1.0, 300.0, cell.sized(own), ReadPath(rows=rows)))

    return build


def test_results_are_those_of_logic():
    for name, rows in TRUTH.items():
        assert {case: int(OPERATIONS[name].result(case)) for case in OPERATIONS[name].cases} == rows
        assert sorted(case for pair in OPERATIONS[name].pairs for case in pair) == sorted(rows)


@pytest.mark.parametrize("technology", ["predictive28", "freepdk45/vtg"])
@pytest.mark.parametrize("cell", [Stt1T1M(), Sot2T1M()], ids=["stt", "sot"])
@pytest.mark.parametrize("name", ["and", "or"])
def test_outputs_are_right_in_all_cases(name, cell, technology, bench, session, solve):
    block = solve(session, bench(name, cell, technology))
    assert {case: said[0] for case, said in mramlogic.outputs(block, name).items()} == TRUTH[name]
    margins = mramlogic.v_margin(block, name)
    assert (margins.values > 10e-3).all()
    delay = mramlogic.t_decide(block, name)
    assert (delay.status == Status.ok).all()
    fired = block.values["fire"] - 0.2e-9
    assert ((delay.values > fired) & (delay.values < fired + 0.4e-9)).all()
    # The lines alone take C V from their supply; the levels say how much of it there is at least.
    assert 20e-15 < mramlogic.e_operation(block, name).values[0] < 2e-12


@pytest.mark.parametrize("technology", ["predictive28", "freepdk45/vtg"])
@pytest.mark.parametrize("cell", [Stt1T1M(), Sot2T1M()], ids=["stt", "sot"])
def test_a_row_alone_is_read(cell, technology, bench, session, solve):
    block = solve(session, bench("sense", cell, technology))
    assert {case: said[0] for case, said in mramlogic.outputs(block, "sense").items()} == TRUTH["sense"]


def test_read_transistors_move_the_least_margin_no_farther_than_junctions_do(bench, session, solve):
    """One standard deviation of each at a time, independent of one another: the rule behind the width of ``read``.

    Of 11 against the reference of AND: two cells in P, three of the reference in P, and one in AP.
    """
    of = bench("and", Sot2T1M())
    alike = {"cell": 2, "ref_and00": 3, "ref_and11": 1}
    parts = {"transistor": [f"{cell}.read" for cell in alike]}
    parts["junction"] = [f"{cell}.mtj:{number}" for cell in alike for number in ("ra", "tmr")]
    names = [name for part in parts.values() for name in part]
    draws = np.zeros((1 + len(names), len(of.knobs)))
    for row, name in enumerate(names, start=1):
        draws[row, list(of.knobs).index(name)] = 1.0
    block = solve(session, of, draws)
    margin = mramlogic.v_level(block, "ref0").values - mramlogic.v_level(block, "11").values
    squares = dict(zip(names, (margin[1:] - margin[0]) ** 2, strict=True))
    read, junction = (sum(alike[name.split(".")[0]] * squares[name] for name in part) for part in parts.values())
    assert 0.5 * junction < read < junction


def test_lines_are_precharged_when_they_are_back_and_as_high_as_their_references(bench, session, solve):
    cell = Sot2T1M()
    block = solve(session, bench("and", cell))
    took = mramlogic.t_recharge(block, "and")
    assert took.status[0] == Status.ok
    line, after = cell.read.line, block.values["reset"] + took.values[0]
    waves = [block[f"{line}_{case}"] for case in ("00", "01", "10", "11", "ref0", "ref1")]
    for wait, settled in ((-20e-12, False), (20e-12, True)):
        levels = np.array([at(block["time"], wave, np.array([after + wait]))[0] for wave in waves])
        apart = max(np.ptp(levels[[0, 3, 4]]), np.ptp(levels[[1, 2, 5]]))  # 00 and 11 share a reference
        assert ((levels.min() > 0.95 * block.values["v_pre"]) and apart < 2e-3) == settled


@pytest.mark.parametrize("technology", ["predictive28", "freepdk45/vtg"])
@pytest.mark.parametrize("cell", [Stt1T1M(), Sot2T1M()], ids=["stt", "sot"])
@pytest.mark.parametrize("name", ["and3", "maj3"])
def test_three_rows_are_right_in_all_cases(name, cell, technology, bench, session, solve):
    block = solve(session, bench(name, cell, technology))
    assert {case: said[0] for case, said in mramlogic.outputs(block, name).items()} == TRUTH[name]
    assert (mramlogic.v_margin(block, name).values > 3e-3).all()


def test_levels_fall_with_every_cell_in_p_and_references_lie_half_way(bench, session, solve):
    block = solve(session, bench("and", Stt1T1M()))
    level = {case: mramlogic.v_level(block, case).values[0] for case in ("00", "01", "10", "11", "ref0")}
    assert level["00"] > level["01"] == pytest.approx(level["10"], abs=1e-5)
    assert level["01"] > level["11"]
    assert level["ref0"] == pytest.approx((level["01"] + level["11"]) / 2, abs=2e-3)


def test_a_latch_that_is_off_by_more_than_the_margin_is_wrong_one_way(bench, session, solve):
    of = bench("and", Stt1T1M())
    draws = np.zeros((1, len(of.knobs)))
    names = list(of.knobs)
    draws[0, names.index("latch.in_l")] = 40e-3 / of.knobs["latch.in_l"].sigma
    block = solve(session, of, draws)
    status = mramlogic.t_decide(block, "and").status[0]
    assert status.tolist() == [Status.not_performed, Status.ok]
    assert mramlogic.e_operation(block, "and").status[0] == Status.not_performed
    assert (mramlogic.v_margin(block, "and").values > 0).all()  # the lines were right


def test_an_input_that_is_weak_by_some_millivolts_is_the_offset(bench, session):
    of = bench("offset", Stt1T1M())
    draws = np.zeros((2, len(of.knobs)))
    draws[1, list(of.knobs).index("latch.in_l")] = 10e-3 / of.knobs["latch.in_l"].sigma
    found = search(session, of, of.knob_values(draws), mramlogic.v_offset).measured.values
    np.testing.assert_allclose(found[0], 0.0, atol=2e-4)
    assert found[1, 0] == pytest.approx(10e-3, rel=0.3)
    assert found[1, 1] == pytest.approx(-found[1, 0], abs=4e-4)
