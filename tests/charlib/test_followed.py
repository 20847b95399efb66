"""Write margins and data retention: closed forms, fine sweeps, the singular Jacobian, skewed and failing cells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlib.metrics.followed import drv, lowest_line, wm_bl, wm_wl
from charlib.session import Solved
from charlib.status import Status
from netlists import TESTBENCHES, Knob, Setting, Sram6T, margins
from netlists.analyses import OperatingPoint, Sweep
from netlists.circuit import deck_text
from netlists.technology import load
from netlists.testbench import Testbench

BUILD = {name: TESTBENCHES[name].build for name in ("write_bl", "write_wl", "retention")}
MEASURE = {"write_bl": wm_bl, "write_wl": wm_wl, "retention": drv}
BRUTE_STEP = 0.5e-3
TIGHT = ".options reltol=1e-6 vntol=1e-9 abstol=1e-16"
BOLTZMANN_OVER_CHARGE = 8.617333e-5  # V/K


def brute_force(setting, name, state):
    """One cell in one state while its line moves in steps of 0.5 mV: where does the stored bit flip?"""
    vdd, cell = setting.vdd, setting.cell
    circuit = setting.circuit("fine sweep")
    circuit.V("dd", "vdd", "0", vdd)
    lowered, other = ("bl", "blb") if state == "q" else ("blb", "bl")
    ports, start, stop = {
        "write_bl": ({lowered: "x", other: "vdd", "wl": "vdd", "vdd": "vdd"}, vdd, -vdd / 2),
        "write_wl": ({lowered: "0", other: "vdd", "wl": "x", "vdd": "vdd"}, 0.0, 1.5 * vdd),
        "retention": ({"bl": "x", "blb": "x", "wl": "0", "vdd": "x"}, 0.5, 0.02),
    }[name]
    circuit.V("sweep", "x", "0", start)
    subcircuit = cell.add_cell(circuit, setting.technology)
    circuit.X("cell", subcircuit, ports["bl"], ports["blb"], ports["wl"], ports["vdd"], "0", "q", "qb")
    top = start if name == "retention" else vdd
    lines = (TIGHT, f".nodeset v({state})={top!r} v({'qb' if state == 'q' else 'q'})=0")
    sweep = Sweep("vsweep", start, stop, round(abs(stop - start) / BRUTE_STEP) + 1)
    probes = ("x", "q", "qb")
    knobs = cell.cell_knobs(setting.technology, ("xcell",))
    return Testbench("fine sweep", deck_text(circuit, probes, lines), sweep, probes, knobs, {"vdd": vdd})


def tripped_at(block, state, least=0.0):
    """Line voltage at the first point where the nodes are at most ``least`` apart, NaN where they never are."""
    difference = (block["q"] - block["qb"]) * (1 if state == "q" else -1)
    lost = difference <= least
    assert not lost[:, 0].any()
    at = block["x"][np.arange(len(lost)), lost.argmax(axis=1)]
    return np.where(lost.any(axis=1), at, np.nan)


@pytest.mark.ngspice
@pytest.mark.parametrize(("tech", "vdd"), [("predictive28", 0.9), ("predictive28", 0.5), ("freepdk45/vtg", 1.0)])
@pytest.mark.parametrize("name", BUILD)
def test_the_bit_flips_there_in_a_fine_sweep(installed, solve, session, name, tech, vdd):
    technology = load(tech)
    condition = Setting(technology, "tt", vdd, 298.15, Sram6T().sized(technology))
    draws = 1.5 * np.random.default_rng(7).standard_normal((4, 6))
    found = MEASURE[name](solve(session, BUILD[name](condition), draws)).values
    # The state that a skewed cell prefers never flips, it fades away.
    least = margins.LEAST_DIFFERENCE if name == "retention" else 0.0
    for state, lobe in (("q", 0), ("qb", 1)):
        trip = tripped_at(solve(session, brute_force(condition, name, state), draws), state, least)
        if name == "write_wl":
            trip = vdd - trip
        # A write loses the other state than the one it is named after.
        late = found[:, lobe if name == "retention" else 1 - lobe] - trip
        within = 0.3e-3 if name == "retention" else 0.1e-3
        assert np.all((late > -within) & (late < BRUTE_STEP + within))


class Residual:
    """Currents that both storage nodes need at any voltages and supply, for Newton's method outside ngspice."""

    def __init__(self, setting, solve, session):
        cell, circuit = setting.cell, setting.circuit("residual currents")
        sources = ("supply", "q", "qb")
        for node in sources:
            circuit.V(node, node, "0", 0.0)
        subcircuit = cell.add_cell(circuit, setting.technology)
        circuit.X("cell", subcircuit, "supply", "supply", "0", "supply", "0", "q", "qb")
        probes = ("vq#branch", "vqb#branch")
        self.transistors = cell.cell_knobs(setting.technology, ("xcell",))
        knobs = {node: Knob((f"v{node}",), 1.0, 1) for node in sources} | self.transistors
        self.testbench = Testbench(
            "residual", deck_text(circuit, probes, (TIGHT,)), OperatingPoint(), probes, knobs, {}
        )
        self.solve, self.session = solve, session

    def __call__(self, points, shifts):
        """Currents, shape (point, 2), at points (supply, q, qb)."""
        rows = np.hstack([points, np.tile(shifts, (len(points), 1))])
        results = self.session.solve(self.testbench, rows)
        assert all(isinstance(r, Solved) for r in results)
        return np.array([r.data[:, 0] for r in results])

    def jacobian(self, point, shifts, h=1e-5):
        offsets = np.array([[0, h, 0], [0, -h, 0], [0, 0, h], [0, 0, -h]])
        i = self(np.vstack([point, point + offsets]), shifts)
        return i[0], np.stack([(i[1] - i[2]) / (2 * h), (i[3] - i[4]) / (2 * h)], axis=1)

    def singular_supply(self, shifts, state, step=1e-3):
        """Supply at which the Jacobian of the state followed down from 0.4 V becomes singular.

        Its determinant falls with the square root of the distance from there, so that its square is extrapolated.
        """
        nodes = np.array([0.4, 0.0] if state == "q" else [0.0, 0.4])
        seen = []
        for supply in np.arange(0.4, 0.02, -step):
            for _ in range(12):
                current, slope = self.jacobian(np.array([supply, *nodes]), shifts)
                move = np.linalg.solve(slope, -current)
                nodes = nodes + np.clip(move, -0.01, 0.01)
                if np.abs(move).max() < 1e-7:
                    break
            else:
                break
            scaled = slope / np.sqrt(np.abs(np.outer(np.diag(slope), np.diag(slope))))
            seen.append((supply, np.linalg.det(scaled)))
            if seen[-1][1] <= 0 or (nodes[0] - nodes[1]) * (1 if state == "q" else -1) < 0:
                seen.pop()
                break
        (v1, d1), (v0, d0) = seen[-2:]
        return v0 - d0**2 * (v1 - v0) / (d1**2 - d0**2)


@pytest.mark.ngspice
@pytest.mark.parametrize(("temp", "seed"), [(298.15, 1), (398.15, 2)])
def test_retention_ends_where_the_jacobian_of_the_cell_is_singular(setting, solve, session, temp, seed):
    condition = setting(temp=temp)
    residual = Residual(condition, solve, session)
    testbench = BUILD["retention"](condition)
    draws = 1.2 * np.random.default_rng(seed).standard_normal((3, 6))
    draws[0] = 0.0  # the symmetric cell, whose two states meet where its Jacobian is singular
    lobes = drv(solve(session, testbench, draws)).values
    for sample, shifts in enumerate(testbench.knob_values(draws)):
        lobe = int(np.nanargmax(lobes[sample]))
        singular = residual.singular_supply(shifts, ("q", "qb")[lobe])
        assert lobes[sample, lobe] == pytest.approx(singular, abs=2e-3)


@pytest.mark.ngspice
@pytest.mark.parametrize("vdd", [0.4, 0.9])
@pytest.mark.parametrize("name", BUILD)
def test_a_symmetric_cell_has_equal_lobes(setting, solve, session, name, vdd):
    result = MEASURE[name](solve(session, BUILD[name](setting(vdd=vdd))))
    assert (result.status == Status.ok).all()
    assert abs(result.values[0, 0] - result.values[0, 1]) < 20e-6


@pytest.mark.ngspice
def test_a_strong_left_pull_up_resists_the_write_of_q_low(setting, solve, session):
    for name in ("write_bl", "write_wl"):
        lobes, symmetric = (
            MEASURE[name](solve(session, BUILD[name](setting(shifts=s)))).values[0] for s in ({"pu_l": -0.1}, {})
        )
        assert lobes[1] < symmetric[1] - 0.01  # lobe qb: Q is pulled down against pu_l
        assert abs(lobes[0] - symmetric[0]) < 0.01


@pytest.mark.ngspice
def test_a_weak_left_pull_up_loses_the_state_with_q_high_first(setting, solve, session):
    lobes = drv(solve(session, BUILD["retention"](setting(shifts={"pu_l": 0.08})))).values[0]
    symmetric = drv(solve(session, BUILD["retention"](setting()))).values[0]
    assert lobes[0] > symmetric[0] + 0.01  # lobe q: Q high, held up by pu_l
    assert lobes[1] < symmetric[1] - 0.01


@pytest.mark.ngspice
def test_margins_of_a_cell_that_cannot_be_written_are_negative_and_true(setting, solve, session):
    condition = setting(vdd=0.6, shifts={"pg_l": 0.15, "pu_l": -0.1})
    for name in ("write_bl", "write_wl"):
        margin = MEASURE[name](solve(session, BUILD[name](condition)))
        assert margin.status[0, 1] == Status.ok
        assert margin.values[0, 1] < -0.01
        trip = tripped_at(solve(session, brute_force(condition, name, "q")), "q")
        brute = trip if name == "write_bl" else 0.6 - trip
        assert margin.values[0, 1] == pytest.approx(brute[0], abs=0.6e-3)


@pytest.mark.ngspice
@pytest.mark.parametrize("name", ["write_bl", "write_wl"])
def test_write_margins_run_smoothly_through_zero(setting, solve, session, name):
    shifts = np.arange(0.0, 0.2, 0.02)
    margin = np.array([
        MEASURE[name](solve(session, BUILD[name](setting(vdd=0.6, shifts={"pg_l": s})))).values[0, 1] for s in shifts
    ])  # fmt: skip
    steps = np.diff(margin)
    assert margin[0] > 0.01
    assert margin[-1] < -0.01
    assert np.all(steps < 0)
    assert np.max(np.abs(np.diff(steps))) < 0.2 * np.max(np.abs(steps))


@pytest.mark.ngspice
def test_states_that_do_not_exist_are_censored(setting, solve, session):
    unreadable = setting(vdd=0.7, shifts={"pd_l": 0.6, "pg_l": -0.2})  # loses Q low at read
    margin = wm_bl(solve(session, BUILD["write_bl"](unreadable)))
    assert margin.status[0].tolist() == [Status.censored_high, Status.ok]
    assert margin.bound[0, 0] == 0.7
    lost = drv(solve(session, BUILD["retention"](setting(shifts={"pd_l": 2.0, "pu_l": -0.5}))))
    assert lost.status[0, 1] == Status.censored_high
    assert lost.bound[0, 1] == setting().technology.vdd_range[1]


@pytest.mark.ngspice
def test_write_margins_fall_with_the_supply_and_as_the_pass_gates_close(setting, solve, session):
    def margins(**arguments):
        at = setting(**arguments)
        return [MEASURE[name](solve(session, BUILD[name](at))).values[0, 0] for name in ("write_bl", "write_wl")]

    falling = np.array([margins(vdd=vdd) for vdd in (1.0, 0.8, 0.6, 0.4, 0.2)])
    assert np.all(np.diff(falling, axis=0) < 0)
    assert np.all(falling[-1] < 0.25 * falling[0])
    closing = np.array([margins(vdd=0.7, shifts={"pg_l": s, "pg_r": s}) for s in (0.0, 0.1, 0.2, 0.3)])
    assert np.all(np.diff(closing, axis=0) < -0.09)  # the word line would have to rise by about the shift
    assert np.all(closing[-1] < -0.15)


@pytest.mark.ngspice
def test_retention_is_above_the_limit_of_any_inverter_pair_and_worse_when_skewed(setting, solve, session):
    """2 ln 2 kT/q: Meindl and Davis, JSSC 35(10), 2000."""
    for temp in (233.15, 298.15, 398.15):
        found = drv(solve(session, BUILD["retention"](setting(temp=temp)))).values.max()
        skewed = drv(solve(session, BUILD["retention"](setting(temp=temp, shifts={"pd_r": 0.05})))).values.max()
        assert 2 * np.log(2) * BOLTZMANN_OVER_CHARGE * temp < found < skewed < 0.2


@pytest.mark.ngspice
def test_retention_does_not_depend_on_the_supply_of_the_condition(setting):
    assert BUILD["retention"](setting(vdd=0.6)) == BUILD["retention"](setting(vdd=1.0))


@pytest.mark.ngspice
@pytest.mark.parametrize("name", BUILD)
def test_few_points_agree_with_many_at_tight_tolerances(setting, solve, session, reference, name, monkeypatch):
    draws = 1.5 * np.random.default_rng(3).standard_normal((6, 6))
    few = MEASURE[name](solve(session, BUILD[name](setting(vdd=0.7)), draws))
    for points in ("WRITE_POINTS", "RETENTION_POINTS"):
        monkeypatch.setattr(margins, points, 6 * getattr(margins, points))
    many = MEASURE[name](solve(reference, BUILD[name](setting(vdd=0.7)), draws))
    worse = np.nanmax if name == "retention" else np.nanmin
    error = worse(few.values, axis=1) - worse(many.values, axis=1)
    assert np.max(np.abs(error)) < (0.1e-3 if name == "retention" else 0.02e-3)


@pytest.mark.ngspice
def test_a_state_that_is_lost_does_not_put_the_solver_off_the_other_one(setting, solve, reference, monkeypatch):
    """Cells close to symmetric in the cold, at supplies where currents are femtoamperes: both states, other places."""
    draws = np.array([
        [0.0, 0.07, -0.09, 0.03, 0.0, 0.01], [-0.2, 0.01, 0.0, 0.0, 0.23, 0.0],
        [0.28, 0.0, -0.03, 0.31, 0.04, 0.0], [0.03, 0.23, -0.03, 0.06, 0.36, -0.37],
    ])  # fmt: skip
    found = []
    for points in (margins.RETENTION_POINTS, 2 * margins.RETENTION_POINTS):
        monkeypatch.setattr(margins, "RETENTION_POINTS", points)
        found.append(drv(solve(reference, BUILD["retention"](setting("ss", temp=233.15)), draws)))
    assert all((each.status == Status.ok).all() for each in found)
    assert np.abs(found[0].values - found[1].values).max() < 0.3e-3


@pytest.mark.ngspice
@pytest.mark.parametrize("name", BUILD)
def test_a_sample_gives_the_same_bits_in_any_company(setting, solve, session, name):
    draws = 1.5 * np.random.default_rng(5).standard_normal((9, 6))
    testbench = BUILD[name](setting(vdd=0.8))
    together, alone = (solve(session, testbench, rows) for rows in (draws, draws[4:5]))
    assert MEASURE[name](together).values[4].tolist() == MEASURE[name](alone).values[0].tolist()


@given(st.floats(-0.3, 0.5), st.floats(0.2, 0.6), st.floats(0.5, 4.0))
def test_closed_form_of_a_parabola(lowest, place, bend):
    """A line that is ``lowest + bend (d - place)^2`` over the difference d of the nodes, followed with gain 20."""
    difference = np.linspace(1.0, -0.05, 41)[None]
    line = lowest + bend * (difference - place) ** 2
    found = lowest_line(difference + line / 20, difference, line, 0.0, 10.0)
    assert found.values[0] == pytest.approx(lowest, abs=1e-9)


def test_the_lowest_line_does_not_depend_on_which_of_two_equal_points_is_the_least():
    """A skewed fold that the points hardly resolve: either of two may be lower by rounding."""
    difference, width = np.linspace(1.0, -0.05, 43)[None], 0.05
    step = (difference[0, 20] - difference[0, 21]) / width
    place = difference[0, 20] - width * np.log((np.exp(2 * step) - 1) / (1 - np.exp(-step))) / 3
    x = (difference - place) / width
    line = np.repeat(0.3 + 0.01 * (np.exp(x) + np.exp(-2 * x)), 2, axis=0)
    assert line[0, 20] == pytest.approx(line[0, 21], abs=1e-12)
    line[:, 20] += -1e-9, 1e-9
    found = lowest_line(np.repeat(difference, 2, axis=0) + line / 20, np.repeat(difference, 2, axis=0), line, 0.0, 1e30)
    assert np.ptp(found.values) < 3e-9
    assert found.values[0] == pytest.approx(0.3 + 0.01 * (2 ** (1 / 3) + 2 ** (-2 / 3)), abs=5e-5)


@given(st.floats(0.01, 0.3), st.floats(0.2, 2.0))
def test_closed_form_of_a_state_that_fades_away(end, slope):
    """Without a minimum the state ends where its nodes are ``least`` apart."""
    difference = np.linspace(1.0, -0.05, 41)[None]
    line = slope * difference + end
    found = lowest_line(difference + line / 20, difference, line, 0.1, 10.0)
    assert found.values[0] == pytest.approx(slope * 0.1 + end, abs=1e-9)


def test_a_curve_that_breaks_off_while_it_falls_is_censored():
    difference = np.array([[0.9, 0.8, 0.7, 0.6, -0.9, -0.9]])
    line = np.array([[0.9, 0.8, 0.7, 0.6, 1.0, 1.0]])
    asked = np.array([[1.0, 0.9, 0.8, 0.7, 0.6, 0.5]])
    found = lowest_line(asked, difference, line, 0.0, 1.0)
    assert found.status.tolist() == [Status.censored_low]
    assert found.bound.tolist() == [0.6]


def test_a_state_that_returns_at_a_lower_supply_is_not_the_one_that_was_kept():
    """The supply falls to the fold; behind the hump states of almost no difference go on, which hold no bit."""
    difference = np.linspace(1.0, 0.05, 96)[None]
    line = 0.3 + 0.9 * (difference - 0.6) ** 2 - 20 * np.clip(0.3 - difference, 0, None) ** 2
    fold, end = 0.3, line[0, -1]
    assert end < fold < line[0, 70]
    asked = difference + line / 20
    assert lowest_line(asked, difference, line, 0.1, 10.0, rise=1e-3).values[0] == pytest.approx(fold, abs=1e-9)
    assert lowest_line(asked, difference, line, 0.1, 10.0).values[0] < 0.25


@pytest.mark.ngspice
@pytest.mark.parametrize("name", BUILD)
def test_a_sample_has_the_same_bits_whatever_was_solved_before(installed, session, name):
    """Where a state is lost sources are stepped, after which the simulator itself is another one."""
    technology = load("predictive28")
    bench = BUILD[name](Setting(technology, "tt", 0.9, 298.15, Sram6T().sized(technology)))
    draws = np.random.default_rng(5).standard_normal((3, len(bench.knobs)))
    each = session.solve(bench, bench.knob_values(draws[[0, 1, 0, 2, 1, 0]]))
    for one, again in ((0, 2), (0, 5), (1, 4)):
        np.testing.assert_array_equal(each[one].data, each[again].data)
