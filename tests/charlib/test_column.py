"""The column simulated: limits, symmetry, leakage of many cells, the equivalent against the full one, its check."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from commandline import pimchar

from charlib import CharacterizationError, InvalidPlan, columncheck, session
from charlib.lumped import GRID, lump_draws, mean_draws, off_currents
from charlib.metrics import METRICS
from charlib.status import Status
from charlib.unit import Unit
from charlib.variation import normals
from charlib.waveforms import stack
from figures import FIGURES
from netlists import TESTBENCHES, ReadPath
from netlists.analyses import OperatingPoint
from netlists.cells import Sram8T
from netlists.circuit import deck_text
from netlists.column import PATTERNS, POSITIONS, Array
from netlists.stimulus import off_currents as off_testbench
from netlists.testbench import Testbench
from pimchar import chain, render_column

pytestmark = pytest.mark.ngspice

SAMPLES = 64
RESISTIVE = 40.0
"""Factor on the wire's resistance that makes a short column as slow along its wire as a long one."""


@pytest.fixture
def at_rest(setting):
    """Testbench of an array alone, every line at VDD but the word line."""

    def make(array, state="q", **arguments):
        at = setting(**arguments)
        circuit = at.circuit("array at rest")
        for line in ("bl", "blb", "dd"):
            circuit.V(line, line, "0", at.vdd)
        circuit.X("1", array.add(circuit, at.technology, at.cell, state), "bl", "blb", "0", "dd", "0", "q", "qb")
        probes = ("vbl#branch", "vblb#branch", "vdd#branch", "q", "qb")
        levels = {"q": state == "q", "qb": state == "qb"} | {
            f"x1.{node}": level for node, level in array.levels(state).items()
        }
        nodeset = [f".nodeset v({node})={at.vdd * level!r}" for node, level in levels.items()]
        knobs = array.knobs(at.technology, at.cell, {state: ("x1",)})
        deck = deck_text(circuit, probes, nodeset)
        return Testbench("array", deck, OperatingPoint(), probes, knobs, {}, off=off_testbench(at))

    return make


@pytest.fixture
def currents(session):
    """Currents into bit lines and cells [A], shape (sample, 3), nominal or of the first samples."""

    def run(bench, samples=0):
        unit = Unit(bench, 0 if samples else None, 1, True, "default")
        solved = session.solve(bench, unit.knob_values(session, 0, samples or 1))
        return -np.stack([s.data[:3, 0] for s in solved])

    return run


@pytest.mark.parametrize("representation", ["equivalent", "full"])
@pytest.mark.parametrize("rows", [1, 4])
def test_a_column_leaks_as_its_cells_do(at_rest, currents, setting, solve, session, rows, representation):
    bench = TESTBENCHES["leakage"].build(setting())
    of_cell = METRICS["i_leak"].measure(solve(session, bench)).values[0]
    total = currents(at_rest(Array(rows=rows, pattern="zeros", representation=representation))).sum()
    assert total == pytest.approx(of_cell[0] + (rows - 1) * of_cell[1], rel=2e-3)


def test_complements_swap_the_lines(at_rest, currents):
    bl, blb, cells = currents(at_rest(Array(rows=8, pattern="zeros")))[0]
    swapped = currents(at_rest(Array(rows=8, pattern="ones"), state="qb"))[0]
    assert (swapped[1], swapped[0], swapped[2]) == pytest.approx((bl, blb, cells), rel=1e-4)
    assert bl > 5 * blb


def test_the_lump_leaks_as_the_sum_of_its_rows_in_mean_and_spread(at_rest, currents, setting, session):
    """BL's leakage against the same transistors one by one: all rows store 0, so BL sees them all."""
    array = Array(rows=16, pattern="zeros")
    bench = at_rest(array, temp=233.15)
    lumped = currents(bench, SAMPLES)[:, 0]
    nominal = currents(bench)[0, 0]
    alone = bench.off
    index = list(alone.knobs).index("cell.pg_l")
    draws = normals([f"row{row}.pg_l" for row in range(1, 16)], 1, 0, SAMPLES)
    rows = np.zeros((draws.size, len(alone.knobs)))
    rows[:, index] = draws.ravel()
    each = np.array([abs(s.data[index, 0]) for s in session.solve(alone, alone.knob_values(rows))])
    direct = each.reshape(draws.shape).sum(axis=1)
    np.testing.assert_allclose(lumped, direct, rtol=3e-3)
    assert lumped.mean() == pytest.approx(direct.mean(), rel=1e-3)
    assert lumped.std() == pytest.approx(direct.std(), rel=5e-3)
    assert lumped.mean() > 1.3 * nominal  # what a nominal device would miss


def test_the_mean_of_exponentials_has_a_closed_form():
    slope = 1.7
    draws = np.random.default_rng(2).standard_normal((50, 9))
    found = mean_draws(draws, 1e-9 * np.exp(-slope * GRID))
    expected = -np.log(np.exp(-slope * draws).mean(axis=1)) / slope
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert found.mean() < -0.3


def test_a_lump_of_one_is_that_one_and_a_sample_alone_has_the_same_bits(at_rest, session):
    bench = at_rest(Array(rows=12))
    off = off_currents(session, bench)
    lump = bench.knobs["rows_q.row_bl_vss"].lump
    together = lump_draws(lump, off, 1, 0, 40)
    alone = [lump_draws(lump, off, 1, sample, 1)[0] for sample in (0, 7, 39)]
    assert [together[sample] for sample in (0, 7, 39)] == alone
    one = lump._replace(members=lump.members[:1])
    np.testing.assert_allclose(lump_draws(one, off, 1, 0, 40), normals(one.members, 1, 0, 40)[:, 0], atol=1e-9)


@pytest.fixture
def cycle(setting, session):
    """Block of a testbench on a column with a resistive wire, nominal or of the first samples."""

    def run(name="read_path", samples=0, resistive=RESISTIVE, at=None, **values):
        at = setting(window=1.5e-9) if at is None else at
        geometry = at.technology.geometry
        wire = replace(geometry, wire_resistance=resistive * geometry.wire_resistance)
        at = replace(at, technology=replace(at.technology, geometry=wire), readpath=ReadPath(**values))
        bench = TESTBENCHES[name].build(at)
        unit = Unit(bench, 0 if samples else None, 1, True, "default")
        solved = session.solve(bench, unit.knob_values(session, 0, samples or 1))
        return stack(bench, [s.data for s in solved])

    return run


def measured(block, *names):
    return [METRICS[name].measure(block).values.ravel() for name in names]


READ = ("t_read_p", "t_read_n", "e_read", "t_precharge")


@pytest.mark.parametrize("position", ["near", "far"])
def test_the_equivalent_column_reads_as_the_full_one(cycle, position):
    values = {"rows": 24, "pattern": "random", "position": position, "samples": 1}
    lumped, full = (measured(cycle(representation=r, **values), *READ) for r in ("equivalent", "full"))
    for found, expected, tolerance in zip(lumped, full, (2e-3, 2e-3, 2e-3, 1e-2), strict=True):
        np.testing.assert_allclose(found, expected, rtol=tolerance)


def test_the_wire_delays_the_far_row_and_an_ideal_one_none(cycle):
    (near,), (far,) = (measured(cycle(rows=24, position=p), "t_read_p")[0] for p in ("near", "far"))
    assert far > 1.02 * near
    (near,), (far,) = (measured(cycle(rows=24, position=p, resistive=0.0), "t_read_p")[0] for p in ("near", "far"))
    assert far == pytest.approx(near, rel=1e-6)


def test_a_write_goes_through_the_wire(cycle, setting):
    at = setting(window=1e-9)
    far = {r: measured(cycle("write", at=at, rows=24, representation=r), "t_write")[0] for r in ("equivalent", "full")}
    np.testing.assert_allclose(far["equivalent"], far["full"], rtol=1e-2)
    (near, _) = measured(cycle("write", at=at, rows=24, position="near"), "t_write")[0]
    assert far["full"][0] > 1.01 * near


def test_the_check_is_stored_shown_and_drawn(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.toml").write_text('[technology]\nname = "predictive28"\n')
    axes = ["--rows", "4", "--position", "far", "--pattern", "worst", "--samples", "1"]
    result = pimchar("column-check", "run.toml", "--out", "check", *axes)
    assert result.exit_code == 0, result.output
    assert "nominal: tt, 1 V, 25 degC; leaky: ff, 0.6 V, 125 degC, mismatch" in result.output
    assert "(within 1%)" in result.output
    assert "times faster at 4 rows" in result.output
    with xr.open_dataset(tmp_path / "check" / columncheck.FILE) as data:
        found = columncheck.errors(data)
        assert data["t_read"].dims == columncheck.DIMS
        assert float(np.abs(found["t_read"]).max()) < 0.001
        assert float(np.abs(found["i_leak"]).max()) < 0.001
        assert data.attrs["seed"] == 1
    figure = FIGURES["column_check"].draw(tmp_path / "check")
    assert "predictive28" in figure.get_supxlabel()
    assert (tmp_path / "check" / "figures" / "column_check.png").is_file()


def test_a_check_says_what_it_cannot_do(technology, setting):
    with pytest.raises(InvalidPlan, match=r"samples=65 is outside 1\.\.64 \(column-check\)"):
        columncheck.column_check(setting().cell, technology, samples=65)
    with pytest.raises(ValueError, match="pattern='checker' is not one of half"):
        columncheck.column_check(setting().cell, technology, patterns=("checker",))
    with pytest.raises(InvalidPlan, match=r"rows=4 stands twice; every value once \(column-check\)"):
        columncheck.column_check(setting().cell, technology, rows=(4, 8, 4))
    with pytest.raises(InvalidPlan, match="a cell of kind 'sram8t' makes no column: it is read through both bit lines"):
        columncheck.column_check(Sram8T().sized(technology), technology)


def test_a_sample_that_is_not_solved_ends_the_check_with_the_simulators_words(technology, setting, monkeypatch):
    unsolved = session.Unsolved(Status.numerical_failure, "no solution", ("timestep too small", "run aborted"))
    monkeypatch.setattr(session, "_verdict", lambda *_: unsolved)
    said = "rows=4.*, tt, 1 V, 25 degC, the nominal cell: no solution; timestep too small; run aborted"
    with pytest.raises(CharacterizationError, match=said) as caught:
        columncheck.column_check(setting().cell, technology, rows=(4,), positions=("far",), patterns=("half",))
    assert not isinstance(caught.value, InvalidPlan)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pattern", "foo"], "'foo' is not one of 'half', 'zeros', 'ones', 'worst', 'random'."),
        (["--position", "middle"], "'middle' is not one of 'near', 'far'."),
        (["--rows", "4", "--rows", "4"], "pimchar: rows=4 stands twice; every value once (column-check)"),
    ],
)
def test_the_command_names_what_is_legal(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.toml").write_text('[technology]\nname = "predictive28"\n')
    result = pimchar("column-check", "run.toml", "--out", "check", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "check").exists()


def test_help_of_the_check_names_every_position_and_pattern():
    said = pimchar("column-check", "--help").output
    assert all(name in said for name in (*PATTERNS, *POSITIONS))


@pytest.fixture
def compared():
    """SYNTHETIC: both columns say the same, of one case a single sample."""
    sizes = {"case": 2, "rows": 1, "position": 1, "pattern": 1, "representation": 2, "sample": 3, "lobe": 2}
    values = np.ones(tuple(sizes.values()))
    values[0, ..., 1:, :] = np.nan
    coords = {"representation": ["equivalent", "full"], "rows": [4], "sample": range(3)}
    data = xr.Dataset({name: (columncheck.DIMS, values.copy()) for name in columncheck.MEASURED}, coords)
    return data.assign(seconds=(columncheck.DIMS[:5], np.ones(tuple(sizes.values())[:5])))


@pytest.mark.parametrize(
    ("place", "value", "unmatched", "said"),
    [
        ((1, 0, 0, 0, 0, 2, 1), np.nan, 1, "; 1 numbers MISSING from one column or both"),
        ((0, 0, 0, 0, slice(None), 0, 0), np.nan, 1, "; 1 numbers MISSING from one column or both"),
        ((1, 0, 0, 0, slice(None), 2, 0), np.nan, 0, None),
        ((1, 0, 0, 0, 1, 1, 0), 2.0, 0, "t_read 50.000 % (BEYOND 1%)"),
    ],
)
def test_what_only_one_column_has_counts(compared, place, value, unmatched, said):
    """Also in a later sample; what both failed at is no difference unless there was nothing to compare."""
    assert columncheck.agrees(compared)
    compared["t_read"][place] = value
    assert columncheck.unmatched(compared) == unmatched
    assert columncheck.agrees(compared) == (said is None)
    assert (said or "times faster at 4 rows") in render_column.verdict(compared)


def test_a_check_beyond_its_limits_exits_1(tmp_path, monkeypatch, compared):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.toml").write_text('[technology]\nname = "predictive28"\n')
    compared["t_read"][1, 0, 0, 0, 1] = 2.0
    monkeypatch.setattr(chain, "check_column", lambda *_: compared)
    monkeypatch.setattr(render_column, "column_check", render_column.verdict)
    result = pimchar("column-check", "run.toml", "--out", "check")
    assert (result.exit_code, "BEYOND" in result.output) == (1, True)
