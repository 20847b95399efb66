"""Junctions and MRAM cells as data: closed forms, temperature, laws of their knobs, messages."""

import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy import integrate, stats

from netlists import JUNCTIONS, Sot2T1M, Stt1T1M, Testbench
from netlists.analyses import OperatingPoint
from netlists.cells import description, restored
from netlists.mtj import junction_knobs

STT, SOT = JUNCTIONS["stt_40nm"], JUNCTIONS["sot_umn"]


def test_known_answers():
    assert STT.r_p == pytest.approx(3978.87, rel=1e-5)
    assert STT.tmr_at(STT.v_half) == pytest.approx(STT.tmr / 2)
    assert STT.critical_current("p") == pytest.approx(50.34e-6, rel=1e-4)
    times = [STT.switching_time(current, 0.09) * 1e9 for current in (60e-6, 100e-6, 300e-6)]
    assert times == pytest.approx([11.454, 2.994, 0.672], abs=5e-4)


@pytest.mark.parametrize("drive", [1.001, 1.0, 1.3, 4.0])
def test_switching_time_is_the_integral_of_the_equation_of_motion(drive):
    m0, unit = math.cos(0.3), STT.rate * STT.damping * STT.h_k
    direct, _ = integrate.quad(lambda m: 1 / ((1 - m * m) * (drive - m)), 0, m0)
    assert STT.switching_time(drive * STT.critical_current("p"), 0.3) == pytest.approx(direct / unit, rel=1e-6)


def test_a_current_too_weak_for_the_angle_never_switches():
    assert STT.switching_time(0.9 * STT.critical_current("p"), 0.09) == math.inf


def test_asymmetry_makes_one_way_harder():
    slonczewski = replace(STT, asymmetry=0.375)
    assert slonczewski.critical_current("p") / slonczewski.critical_current("ap") == pytest.approx(1.375 / 0.625)


def test_temperature_takes_tmr_moment_and_barrier_away():
    cold, hot = STT.at(233.15), STT.at(398.15)
    assert cold.tmr > STT.tmr > hot.tmr
    assert cold.ms > STT.ms > hot.ms
    assert cold.delta > STT.delta > hot.delta
    assert hot.delta < STT.delta * 300 / 398.15  # the barrier itself falls, too
    assert hot.r_p == STT.r_p
    assert asdict(hot.at(300.0))["tmr"] == pytest.approx(STT.tmr)
    assert STT.at(300.0) == replace(STT, tmr=STT.at(300.0).tmr)


def test_initial_angles_follow_boltzmann():
    knobs = junction_knobs(SOT, "cell.mtj", ("xj",), 0.02, 0.05, thermal=True)
    bench = Testbench("b", "", OperatingPoint(), (), knobs, {})
    values = bench.knob_values(np.random.default_rng(3).standard_normal((20000, len(knobs))))
    ra, tmr, angle, turn = values.T
    assert (ra.std(), tmr.std()) == pytest.approx((0.02, 0.05), rel=0.03)
    assert np.mean(angle**2) == pytest.approx(1 / SOT.delta, rel=0.03)
    assert stats.kstest(SOT.delta * angle**2, stats.expon.cdf).pvalue > 1e-3
    assert stats.kstest(turn / (2 * math.pi), stats.uniform.cdf).pvalue > 1e-3
    nominal = bench.knob_values(np.zeros((1, len(knobs))))[0]
    assert nominal == pytest.approx([0, 0, math.sqrt(math.log(2) / SOT.delta), math.pi])


def test_angles_of_rare_samples_are_finite():
    knobs = junction_knobs(STT, "cell.mtj", ("xj",), 0.02, 0.05, thermal=True)
    angle = Testbench("b", "", OperatingPoint(), (), knobs, {}).knob_values(np.array([[0, 0, -9.0], [0, 0, 9.0]]))[:, 2]
    assert 0 < angle[0] < 1e-9
    assert angle[1] == pytest.approx(math.sqrt(-stats.norm.logsf(9.0) / STT.delta))


@pytest.mark.parametrize("cell", [Stt1T1M(pulse=3e-9), Sot2T1M(shifts={"read": 0.01})])
def test_a_directory_gives_the_cell_back(cell, tmp_path, technology):
    sized = cell.sized(technology)
    assert restored(description(sized), tmp_path) == sized


def test_sizes_are_gate_lengths(technology):
    cell = Sot2T1M(w_read=60e-9).sized(technology)
    assert (cell.w_write, cell.w_read, cell.l) == (20 * technology.length, 60e-9, technology.length)


def test_other_rows_hang_on_the_same_lines(technology):
    assert Stt1T1M().sized(technology).unselected(0) == ()
    (access,) = Stt1T1M().sized(technology).unselected(255)
    assert (access.nodes, access.multiplier) == (("bl", "0", "sl", "0"), 255)
    write, read = Sot2T1M().sized(technology).unselected(15)
    assert (write.nodes, read.nodes) == (("sl", "0", "wbl", "0"), ("sl", "0", "rbl", "0"))
    length = 2 * 256 * technology.geometry.gate_pitch
    assert Stt1T1M().wire(technology, 256) == pytest.approx(length * technology.geometry.wire_capacitance)
    assert Sot2T1M().wire(technology, 256) == pytest.approx(2 * Stt1T1M().wire(technology, 256))


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (Stt1T1M, {"junction": "stt"}, r"junction='stt' is not one of stt_40nm, sot_umn \(cell\.junction\)"),
        (Stt1T1M, {"junction": "sot_umn"}, "'stt1t1m' is written without a heavy metal"),
        (Sot2T1M, {"junction": "stt_40nm"}, "'sot2t1m' needs a junction with a heavy metal"),
        (Sot2T1M, {"w_access": 1e-7}, "w_access is of kind 'stt1t1m', not 'sot2t1m'"),
        (Stt1T1M, {"w_access": 1.0}, "w_access=1.0 m is not a transistor size"),
        (Stt1T1M, {"pulse": 1.0}, r"pulse=1.0 s is outside 1e-10\.\.1e-06 s \(cell\.pulse\)"),
        (Stt1T1M, {"sigma_ra": 0.5}, r"sigma_ra=0.5 is outside 0\.\.0\.2 \(cell\.sigma_ra\)"),
        (Stt1T1M, {"shifts": {"pg_l": 0.1}}, "'pg_l' is not one of access"),
        (Stt1T1M, {"shifts": {"access": math.nan}}, "access=nan V is not a number"),
    ],
)
def test_messages_of_cells(kind, arguments, message):
    with pytest.raises(ValueError, match=message):
        kind(**arguments)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ra": 0.0}, "ra=0.0 is not positive"),
        ({"tmr": -0.1}, "tmr=-0.1 is negative"),
        ({"asymmetry": 1.0}, r"asymmetry=1\.0 is outside -1\.\.1"),
        ({"field_x": 1.0}, r"field_x=1\.0 T is not below h_k"),
    ],
)
def test_messages_of_junctions(changed, message):
    with pytest.raises(ValueError, match=message):
        replace(STT, **changed)
