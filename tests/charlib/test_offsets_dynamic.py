"""Offsets in time: levels of the lines, which way each moves what, energies of every source, cells that they rescue."""

from dataclasses import replace

import numpy as np
import pytest
from decks import loaded

from charlib import Conditions, characterize
from charlib.metrics import METRICS, dynamic, readpath
from charlib.search import search
from charlib.status import Status
from netlists import TESTBENCHES

pytestmark = pytest.mark.ngspice

METRICS_IN_TIME = ("t_write", "t_pulse_write", "v_half", "v_pim", "t_bl", "e_read")
UNWRITABLE = {"pg_l": 0.5, "pu_l": -0.2}
"""Q's pass gate too weak against its pull-up: a stored Q = 1 stays."""
DISTURBED = {"pd_r": 0.3, "pg_r": -0.3, "pu_l": 0.2}
"""Holds Q = 1 and loses it while the word line is on."""
FORGETFUL = {"pd_l": -0.2, "pu_l": 0.2}
"""Needs a higher supply to hold Q = 1."""
FURTHER = 5e-15
"""Capacitance added to a line [F]."""


@pytest.fixture
def at(setting):
    """A setting with offsets."""

    def make(dv_wl=0.0, dv_bl=0.0, dv_cell=0.0, **arguments):
        return replace(setting(**arguments), dv_wl=dv_wl, dv_bl=dv_bl, dv_cell=dv_cell)

    return make


@pytest.fixture
def measure(at, solve, session):
    """A metric of a nominal or skewed cell at offsets, as ``Measured`` of one sample."""

    def run(metric, **arguments):
        bench = TESTBENCHES[METRICS[metric].testbench].build(at(**arguments))
        if bench.search:
            values = bench.knob_values(np.zeros((1, len(bench.knobs))))
            return search(session, bench, values, METRICS[metric].measure).measured
        return METRICS[metric].measure(solve(session, bench))

    return run


@pytest.fixture(scope="module")
def ends():
    """Metrics at -0.1 and 0.1 V of each axis alone, 0.9 V: axis to metric to two values."""
    found = {}
    for axis in ("dv_wl", "dv_bl", "dv_cell"):
        places = Conditions(vdd=[0.9], **{axis: [-0.1, 0.1]})
        data = characterize(conditions=places, metrics=METRICS_IN_TIME)
        found[axis] = {name: data[name].values.ravel() for name in METRICS_IN_TIME}
    return found


@pytest.mark.parametrize(
    ("axis", "metric", "sign"),
    [
        ("dv_wl", "t_write", -1),  # boost eases the write
        ("dv_wl", "t_pulse_write", -1),
        ("dv_wl", "v_half", -1),  # and disturbs every cell of its row
        ("dv_wl", "v_pim", -1),
        ("dv_wl", "t_bl", -1),
        ("dv_bl", "t_write", 1),  # a negative bit line writes sooner
        ("dv_bl", "t_pulse_write", 1),
        ("dv_bl", "v_half", -1),
        ("dv_bl", "v_pim", -1),
        ("dv_bl", "e_read", 1),
        ("dv_cell", "t_write", 1),  # droop eases the write
        ("dv_cell", "t_pulse_write", 1),
        ("dv_cell", "v_half", 1),  # and costs what holds the bit
        ("dv_cell", "v_pim", 1),
        ("dv_cell", "t_bl", -1),
    ],
)
def test_each_offset_moves_what_it_should(ends, axis, metric, sign):
    low, high = ends[axis][metric]
    assert sign * (high - low) > 0.005 * abs(low)


@pytest.mark.parametrize("name", ["read_path", "pim_row", "write", "half_select"])
def test_every_line_is_at_its_own_level(at, solve, session, name):
    offsets = {"dv_wl": 0.05, "dv_bl": -0.1, "dv_cell": 0.15}
    block = solve(session, TESTBENCHES[name].build(at(vdd=0.8, window=0.5e-9, **offsets)))
    wordline, q, qb = (block[f"{node}_q"][0] for node in ("wl", "q", "qb"))
    assert np.interp(0.4e-9, block["time"][0], wordline) == pytest.approx(0.85, abs=2e-3) or name == "write"
    assert (q[0], qb[0], wordline[0]) == pytest.approx((0.95, 0.0, 0.0), abs=2e-3)
    if name in ("read_path", "pim_row"):
        assert block["bl_q"][0, 0] == pytest.approx(0.7, abs=2e-3)
    if name == "write":
        wl, low, held = (np.interp(0.65e-9, block["time"][0], block[f"{n}_q"][0]) for n in ("wl", "bl", "blb"))
        assert (wl, held) == pytest.approx((0.85, 0.8), abs=5e-3)
        assert -0.1 < low < -0.07  # the driver carries the current of the cell's other pull-down
        assert (block["bl_q"][0, [0, -1]]) == pytest.approx([0.8, 0.8], abs=5e-3)


@pytest.mark.parametrize(
    ("name", "metric", "line", "offsets", "level", "tolerance"),
    [
        # Writes: a slower line leaves drivers and cell fighting for longer, without offsets up to 8 % of the charge.
        ("write", dynamic.e_write, "bl_q", {}, 0.9, 0.03),
        ("write", dynamic.e_write, "bl_q", {"dv_bl": -0.1}, 1.0, 0.08),  # from VDD down to the negative level
        ("write", dynamic.e_write, "wl_q", {}, 0.9, 0.1),
        ("write", dynamic.e_write, "wl_q", {"dv_wl": 0.1}, 1.0, 0.08),
        ("read_path", readpath.e_read, "blb_q", {"dv_bl": -0.1}, 0.8, 0.03),
        ("read_path", readpath.e_precharge, "blb_q", {"dv_bl": 0.1}, 1.0, 0.03),
        ("read_path", readpath.e_read, "wl_q", {"dv_wl": 0.1}, 1.0, 0.03),
        ("read_path", readpath.e_read, "wl_q", {"dv_wl": -0.1}, 0.8, 0.03),
    ],
)
def test_a_lines_further_charge_comes_from_its_own_level(
    at, solve, session, name, metric, line, offsets, level, tolerance
):
    """C times the square of how far the line goes, closed form, whatever sources give it."""
    bench = TESTBENCHES[name].build(at(vdd=0.9, window=2e-9, **offsets))
    plain, more = (metric(solve(session, b)).values[0, 0] for b in (bench, loaded(bench, line, FURTHER)))
    assert more - plain == pytest.approx(FURTHER * level**2, rel=tolerance)


@pytest.mark.parametrize("offsets", [{"dv_bl": -0.4}, {"dv_wl": 0.35}, {"dv_cell": -0.35}])
def test_an_assist_writes_what_could_not_be_written(measure, offsets):
    at = {"vdd": 0.7, "window": 2e-9, "shifts": UNWRITABLE}
    for metric in ("t_write", "t_pulse_write"):
        assert measure(metric, **at).status[0, 0] == Status.censored_high
        helped = measure(metric, **at, **offsets)
        assert helped.status[0, 0] == Status.ok
        assert 0 < helped.values[0, 0] < 2e-9


def test_a_write_happens_where_the_bit_line_passes_the_static_trip_voltage(measure, at, solve, session):
    """Second route: the followed state says at which level of the line the old bit is lost for good."""
    weak = {"vdd": 0.7, "shifts": UNWRITABLE}
    trip = measure("wm_bl", **weak).values[0, 1]  # by the written state, Q = 0
    assert trip < -0.3
    for dv_bl in (-0.3, -0.4):
        block = solve(session, TESTBENCHES["write"].build(at(**weak, window=2e-9, dv_bl=dv_bl)))
        lowest = block["bl_q"][0].min()  # the driver does not get it all the way to dv_bl
        assert dv_bl < lowest < dv_bl + 0.03
        written = dynamic.t_write(block).status[0, 0] == Status.ok
        assert written == (lowest < trip)


def test_underdrive_keeps_a_disturbed_cell(measure):
    for metric, window in (("v_half", 0.3e-9), ("v_pim", 0.1e-9)):
        assert measure(metric, window=window, shifts=DISTURBED).status[0, 0] == Status.not_performed
        kept = measure(metric, window=window, shifts=DISTURBED, dv_wl=-0.3)
        assert kept.status[0, 0] == Status.ok
    assert measure("t_pulse_read", window=1e-9, shifts=DISTURBED).status[0, 0] == Status.ok
    assert measure("t_pulse_read", window=1e-9, shifts=DISTURBED, dv_wl=-0.3).status[0, 0] == Status.censored_high


def test_a_dip_starts_from_the_cells_own_level(at, measure, solve, session):
    """The level that is survived is a property of the cell: where the dip starts moves it by little, hot."""
    hot = {"temp": 398.15, "shifts": FORGETFUL}
    plain, drooped = (measure("v_dip", **hot, dv_cell=d).values[0, 0] for d in (0.0, -0.1))
    assert drooped == pytest.approx(plain, abs=10e-3)
    bench = TESTBENCHES["supply_dip"].build(at(dv_cell=-0.1))
    assert bench.search.high == 0.9
    assert solve(session, bench)["vdd_q"][0, 0] == pytest.approx(0.9)


def test_the_line_that_is_off_does_not_matter(at):
    plain, moved = (TESTBENCHES["supply_dip"].build(at(dv_wl=d)) for d in (0.0, 0.1))
    assert plain.deck == moved.deck
