"""Word line, bit lines and cell supply apart from VDD: which way each moves what, and where they are kept."""

import json

import numpy as np
import pytest
import xarray as xr

from charlib import Conditions, InvalidPlan, LookupTable, TableError, Variation, characterize, reproduce
from charlib.directory import MANIFEST
from charlib.metrics import METRICS
from charlib.metrics.butterfly import noise_margins, snm
from charlib.metrics.followed import wm_bl, wm_wl
from charlib.metrics.readpath import e_read
from charlib.waveforms import Block
from netlists import TESTBENCHES, Setting, Sram6T, Sram8T
from netlists.analyses import Sweep
from netlists.bitcells import SIDES
from netlists.circuit import deck_text
from netlists.testbench import Testbench

pytestmark = pytest.mark.ngspice

STATIC = ("snm_hold", "snm_read", "i_read", "i_leak", "snm_write", "wm_bl", "wm_wl", "sinm", "t_fo4", "vth_pd")
AXES = ("dv_wl", "dv_bl", "dv_cell")


@pytest.fixture(scope="module")
def nominal():
    """Nominal values along each axis alone, -0.1, 0 and 0.1 V at 0.9 V: metric to array."""
    found = {}
    for axis in AXES:
        at = Conditions(vdd=[0.9], **{axis: [-0.1, 0.0, 0.1]})
        found[axis] = characterize(conditions=at, metrics=[*STATIC, "t_read_p", "t_precharge", "e_read"])
        assert found[axis].snm_read.dims == ("process", "vdd", "temp", axis, "sample")
    return {axis: {name: data[name].values.ravel() for name in data} for axis, data in found.items()}


@pytest.mark.parametrize(
    ("axis", "metric", "sign"),
    [
        ("dv_wl", "snm_read", -1),  # underdrive raises the read margin
        ("dv_wl", "i_read", 1),  # and lowers the read current
        ("dv_wl", "t_read_p", -1),
        ("dv_wl", "e_read", 1),
        ("dv_wl", "wm_bl", 1),  # boost eases the write
        ("dv_wl", "wm_wl", 1),
        ("dv_wl", "snm_write", 1),
        ("dv_bl", "wm_bl", -1),  # so does a negative bit line
        ("dv_bl", "wm_wl", -1),
        ("dv_bl", "snm_write", -1),
        ("dv_bl", "i_read", 1),
        ("dv_bl", "i_leak", 1),
        ("dv_bl", "e_read", 1),
        ("dv_cell", "snm_read", 1),  # droop of the cell's supply costs read and hold margin
        ("dv_cell", "snm_hold", 1),
        ("dv_cell", "sinm", 1),
        ("dv_cell", "wm_bl", -1),  # and eases the write
        ("dv_cell", "wm_wl", -1),
        ("dv_cell", "i_leak", 1),
        *((axis, metric, 0) for axis in AXES for metric in ("t_fo4", "vth_pd")),
        ("dv_wl", "snm_hold", 0),
        ("dv_wl", "i_leak", 0),
    ],
)
def test_each_offset_moves_what_it_should(nominal, axis, metric, sign):
    steps = np.diff(nominal[axis][metric])
    assert np.all(steps == 0) if sign == 0 else np.all(sign * steps > 1e-3 * abs(nominal[axis][metric][1])), steps


def test_write_margins_follow_their_own_line_exactly(nominal):
    """The trip voltage of a line does not depend on where the line itself is taken to."""
    np.testing.assert_allclose(np.diff(nominal["dv_bl"]["wm_bl"]), -0.1, atol=1e-9)
    np.testing.assert_allclose(np.diff(nominal["dv_wl"]["wm_wl"]), 0.1, atol=2e-5)


def test_no_offset_is_the_same_as_none_bit_for_bit(nominal):
    metrics = [*STATIC, "t_read_p", "t_precharge", "e_read"]
    plain = characterize(conditions=Conditions(vdd=[0.9]), metrics=metrics)
    assert plain.snm_read.dims == ("process", "vdd", "temp", "sample")
    for axis in AXES:
        for name in metrics:
            assert nominal[axis][name][1] == plain[name].values.item(), (axis, name)


def test_a_common_offset_is_another_supply(setting, solve, reference):
    """Everything that the cell sees moved alike is the cell at that supply."""
    for name in ("butterfly_hold", "butterfly_read", "read_current", "leakage", "n_curve"):
        build = TESTBENCHES[name].build
        at = setting(vdd=0.8)
        moved = Setting(at.technology, "tt", 0.9, at.temp, at.cell, dv_wl=-0.1, dv_bl=-0.1, dv_cell=-0.1)
        a, b = (solve(reference, build(s)) for s in (at, moved))
        for probe, values in a.vectors.items():
            np.testing.assert_allclose(b[probe], values, rtol=1e-5, atol=1e-15 if "#" in probe else 1e-7)


def by_hand(technology, cell, vdd, v_cell):
    """Ordinary butterfly by hand: the input of each half swept, word line and bit lines at VDD, the cell lower."""
    at = Setting(technology, "tt", vdd, 298.15, cell)
    circuit = at.circuit("transfer curves by hand")
    circuit.V("lines", "lines", "0", vdd)
    circuit.V("supply", "supply", "0", v_cell)
    circuit.V("in", "in", "0", 0.0)
    for side in SIDES:
        half = cell.add_half(circuit, technology, side)
        circuit.X(side, half, "in", f"out_{side}", "lines", "lines", "supply", "0")
    probes = ("in", "out_l", "out_r")
    knobs = cell.half_knobs(technology, {side: (f"x{side}",) for side in SIDES})
    return Testbench("by_hand", deck_text(circuit, probes), Sweep("vin", 0.0, v_cell, 2001), probes, knobs, {})


def test_the_read_margin_under_droop_is_that_of_a_testbench_made_by_hand(technology, solve, reference):
    cell = Sram6T(shifts={"pd_l": 0.03, "pg_r": -0.02}).sized(technology)
    block = solve(reference, by_hand(technology, cell, 1.0, 0.9))
    x, curves = block["in"][0], [block[f"out_{side}"][0] for side in SIDES]
    s = np.linspace(-0.9, 0.9, 721)
    # On the left half's curve Q = f(Q-bar), hence q - qb = f(qb) - qb; on the right half's Q-bar = f(Q).
    q_l = s + np.interp(-s, x - curves[0], x)
    q_r = np.interp(s, x - curves[1], x)
    expected = noise_margins(s, q_l[None], q_r[None]).values[0]
    at = Setting(technology, "tt", 1.0, 298.15, cell, dv_cell=-0.1)
    found = TESTBENCHES["butterfly_read"].build(at)
    np.testing.assert_allclose(snm(solve(reference, found)).values[0], expected, atol=1e-4)


@pytest.mark.parametrize(("measure", "name"), [(wm_bl, "write_bl"), (wm_wl, "write_wl")])
def test_a_cell_that_cannot_be_written_is_written_with_a_negative_bit_line(setting, solve, session, measure, name):
    weak = setting(vdd=0.7, shifts={"pg_l": 0.3, "pg_r": 0.3})
    helped = Setting(weak.technology, "tt", 0.7, weak.temp, weak.cell, dv_bl=-0.3)
    before, after = (measure(solve(session, TESTBENCHES[name].build(s))).values for s in (weak, helped))
    assert (before < 0).all()
    assert (after > 0).all()


def test_energy_counts_a_line_with_its_own_level(setting, solve, session):
    """The charge of the word line comes from its own supply: all that a rise of it adds, over that of VDD alone."""
    at = setting(vdd=0.9, window=1e-9)
    moved = Setting(at.technology, "tt", 0.9, at.temp, at.cell, window=1e-9, dv_wl=0.1)
    testbench = TESTBENCHES["read_path"].build(moved)
    assert testbench.values["v_wl"] == 1.0
    block = solve(session, testbench)
    assert np.interp(testbench.values["wordline_off"], block["time"][0], block["wl_q"][0]) == pytest.approx(
        1.0, abs=1e-3
    )
    current = block["v.xq.vrise_wl#branch"]
    charge = -np.trapezoid(current - current[:, :1], block["time"], axis=1)
    wire = at.technology.geometry.wire_capacitance * at.technology.geometry.cell_width
    assert wire < charge[0] < 20 * wire  # the wire, the pass gates and the driver at 1 V
    apart = {**testbench.values, "v_wl": 0.9}
    added = e_read(block).values[0, 0] - e_read(Block(block.vectors, apart)).values[0, 0]
    assert added == pytest.approx(0.1 * charge[0], rel=1e-6)


def test_a_directory_is_extended_by_an_axis_and_what_does_not_depend_on_it_is_not_simulated(tmp_path):
    folder, few = tmp_path / "r", Variation(samples=3)
    metrics = ["snm_hold", "snm_read", "drv"]
    first = characterize(conditions=Conditions(vdd=[0.9]), variation=few, metrics=metrics, out=folder)
    assert "dv_wl" not in json.loads((folder / MANIFEST).read_text())["grid"]
    under = Conditions(vdd=[0.9], dv_wl=[-0.1])
    second = characterize(conditions=under, variation=few, metrics=metrics, out=folder)
    assert json.loads((folder / MANIFEST).read_text())["simulated"] == 1 + 3  # the read butterfly alone
    assert second.dv_wl.values.tolist() == [-0.1]
    with xr.open_dataset(folder / "characterization.nc") as data:
        assert data.dv_wl.values.tolist() == [-0.1, 0.0]
        assert data.dv_wl.attrs["units"] == "V"
        np.testing.assert_array_equal(data.snm_read.sel(dv_wl=0.0), first.snm_read)
        np.testing.assert_array_equal(data.snm_read.sel(dv_wl=[-0.1]), second.snm_read)
    again = characterize(conditions=Conditions(vdd=[0.9]), variation=few, metrics=metrics, out=folder)
    assert json.loads((folder / MANIFEST).read_text())["simulated"] == 0
    assert again.snm_read.dims == first.snm_read.dims
    np.testing.assert_array_equal(again.snm_read, first.snm_read)
    assert reproduce(folder, "snm_read", "tt", 0.9, 298.15, 2, dv_wl=-0.1).identical
    with pytest.raises(InvalidPlan, match=r"dv_wl=0.1 is not one of -0.1, 0.0"):
        reproduce(folder, "snm_read", "tt", 0.9, 298.15, 2, dv_wl=0.1)
    with pytest.raises(InvalidPlan, match=r"dv_bl=0.1 is not one of 0.0"):
        reproduce(folder, "snm_read", "tt", 0.9, 298.15, 2, dv_bl=0.1)
    lut = LookupTable.open(folder / "tables.nc")
    ends = [float(data_mean) for data_mean in (second.snm_read.mean(), first.snm_read.mean())]
    assert lut("snm_read", process="tt", vdd=0.9, temp=298.15) == pytest.approx(ends[1], rel=1e-12)
    assert ends[1] < lut("snm_read", process="tt", vdd=0.9, temp=298.15, dv_wl=-0.05) < ends[0]
    with pytest.raises(TableError, match=r"dv_wl=0.05 V is outside the table's -0.1..0 V"):
        lut("snm_read", process="tt", vdd=0.9, temp=298.15, dv_wl=0.05)
    with pytest.raises(TableError, match=r"dv_cell=-0.1 V is outside the table, which was made at dv_cell=0 V"):
        lut("snm_read", process="tt", vdd=0.9, temp=298.15, dv_cell=-0.1)


def test_equal_units_of_one_run_are_simulated_once(tmp_path):
    at = Conditions(vdd=[0.8, 0.9, 1.0])
    data = characterize(conditions=at, variation=Variation(samples=2), metrics=["drv"], out=tmp_path / "r", workers=2)
    assert json.loads((tmp_path / "r" / MANIFEST).read_text())["simulated"] == 1 + 2
    assert np.ptp(data.drv.values, axis=1).max() == 0
    assert np.isfinite(data.drv).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dv_wl": [0.6]}, r"dv_wl=0.6 V is outside -0.5..0.5 V \(conditions.dv_wl\)"),
        ({"dv_bl": [float("nan")]}, "dv_bl=nan V is outside"),
        ({"vdd": [0.4, 0.9], "dv_cell": [-0.4]}, r"dv_cell=-0.4 V leaves the cell supply nothing of vdd=0.4 V"),
        ({"dv_cell": [0.0, 0.0]}, "must be a list without repetition"),
    ],
)
def test_an_illegal_offset_is_named(arguments, message):
    with pytest.raises(InvalidPlan, match=message):
        characterize(conditions=Conditions(**arguments), metrics=["snm_read"])


@pytest.mark.parametrize(
    ("axis", "reason"),
    [("dv_cell", "what is looked for is itself a level of the cell's supply"), ("dv_bl", "the bit lines fall with")],
)
def test_an_offset_without_a_meaning_is_refused(axis, reason):
    message = rf"{axis}=-0.1, 0 V has no meaning for metric 'drv': {reason}.*\(conditions.{axis}\)"
    with pytest.raises(InvalidPlan, match=message):
        characterize(conditions=Conditions(vdd=[0.9], **{axis: [-0.1, 0.0]}), metrics=["snm_hold", "drv"])


def test_a_directory_is_not_extended_to_an_offset_without_a_meaning(tmp_path):
    characterize(conditions=Conditions(vdd=[0.9]), metrics=["drv"], out=tmp_path / "r")
    with pytest.raises(InvalidPlan, match=r"dv_cell=-0\.1, 0 V has no meaning for metric 'drv'"):
        characterize(conditions=Conditions(vdd=[0.9], dv_cell=[-0.1]), metrics=["snm_hold"], out=tmp_path / "r")
    again = characterize(conditions=Conditions(vdd=[0.9]), metrics=["drv"], out=tmp_path / "r")
    assert np.isfinite(again.drv).all()


def test_the_read_port_follows_its_own_lines(technology, solve, session):
    """A read port reads from dv_bl with dv_wl, and its cell is not touched by the latter."""

    def measured(metric, **offsets):
        bench = {"i_read": "read_current", "i_leak": "leakage", "i_leak_vdd": "leakage", "snm_read": "butterfly_read"}
        at = Setting(technology, "tt", 0.9, 298.15, Sram8T().sized(technology), **offsets)
        return METRICS[metric].measure(solve(session, TESTBENCHES[bench[metric]].build(at))).values[0]

    assert measured("i_read", dv_wl=-0.1)[0] < 0.9 * measured("i_read")[0]
    assert measured("i_read", dv_bl=0.1)[0] > measured("i_read")[0]
    assert (measured("snm_read", dv_wl=-0.1) == measured("snm_read")).all()
    # State qb: the driver conducts, so that all of the access transistor's leakage grows with its line.
    assert measured("i_leak_vdd", dv_bl=0.2)[1] > 1.05 * measured("i_leak_vdd")[1]
    for metric in ("i_leak", "i_leak_vdd"):  # the line's own source, and the cell's supply that it rests on
        np.testing.assert_allclose(measured(metric, dv_bl=1e-6), measured(metric), rtol=1e-4)
