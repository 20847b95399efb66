"""SKY130 and GF180MCU as technologies: their cells, their corners, and what a threshold shift does to each device."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import charlib
from charlib import devices
from charlib.devices import Condition
from charlib.metrics import followed, static
from charlib.session import Session, Solved
from charlib.waveforms import stack
from netlists import Setting, Sram6T
from netlists.analyses import OperatingPoint
from netlists.circuit import GMIN, instance_text
from netlists.slim import Size
from netlists.technology import TechnologyError, load
from netlists.testbench import Knob, Testbench
from netlists.testbenches import TESTBENCHES

pytestmark = [pytest.mark.ngspice, pytest.mark.usefixtures("installed")]

NAMES = ("sky130/sram", "sky130/logic", "gf180mcu")
PROCESSES = ("tt", "ff", "ss", "fs", "sf")
STATIC = ("snm_hold", "snm_read", "i_read", "i_leak")
SHIFT = 0.05
"""|Vth| shift [V]."""


def characterized(name, metrics, processes=("tt",), **arguments):
    at = charlib.Conditions(process=processes, vdd=[load(name).vdd_nominal], temp=[300.15])
    found = charlib.characterize(technology=name, conditions=at, metrics=metrics, workers=1, **arguments)
    for metric in metrics:
        assert (found[f"{metric}_status"] == 0).all(), metric
    return found


def test_gf180mcu_cell():
    """Against figures that were measured on the same library with another program's decks; leakage in two digits."""
    found = characterized("gf180mcu", STATIC, accuracy="reference")
    expected = {"snm_hold": (901e-3, 0.01), "snm_read": (352e-3, 0.01), "i_read": (139e-6, 0.02)}
    for metric, (value, tolerance) in {**expected, "i_leak": (1.1e-12, 0.05)}.items():
        assert found[metric].values.item() == pytest.approx(value, rel=tolerance), metric


@pytest.mark.parametrize("name", NAMES)
def test_cells_at_the_corners(name):
    """Reading costs margin, fast cells read more and leak more, and a fast NMOS beside a slow PMOS reads worst."""
    found = characterized(name, STATIC, PROCESSES)
    margin = {metric: dict(zip(PROCESSES, found[metric].values.ravel().tolist(), strict=True)) for metric in STATIC}
    vdd = load(name).vdd_nominal
    for process in PROCESSES:
        assert 0.05 * vdd < margin["snm_read"][process] < margin["snm_hold"][process] < 0.5 * vdd
    for order in (("ss", "tt", "ff"), ("sf", "tt", "fs")):
        currents = [margin["i_read"][process] for process in order]
        assert all(b > 1.1 * a for a, b in pairwise(currents)), order
    assert margin["i_leak"]["ss"] < margin["i_leak"]["tt"] < margin["i_leak"]["ff"]
    assert margin["snm_read"]["ff"] < margin["snm_read"]["tt"] < margin["snm_read"]["ss"]
    assert margin["snm_read"]["fs"] < margin["snm_read"]["tt"] < margin["snm_read"]["sf"]


@pytest.mark.parametrize("name", ["sky130", "gf180mcu"])
@pytest.mark.parametrize("polarity", ["n", "p"])
def test_skewed_corners(session, name, polarity):
    """fs is fast NMOS and slow PMOS, though SKY130's own section of that name is the other way round."""
    technology = load(name)
    ion = {p: devices.currents(session, technology, polarity, Condition(p)).ion for p in PROCESSES}
    fast, slow = ("fs", "sf") if polarity == "n" else ("sf", "fs")
    assert ion["ss"] < ion["tt"] < ion["ff"]
    assert 1.05 * ion[slow] < ion["tt"] < ion[fast] / 1.05


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("role", ["pd", "pu", "pg", "n", "p"])
def test_the_sign_of_a_shift(session, name, role):
    """A positive shift raises |Vth|: the current of every device of a technology falls, as by a lower gate voltage."""
    technology = load(name)
    device, width = technology.devices[role], getattr(technology, f"w_{role}")
    sign = -1 if role in ("pu", "p") else 1
    models = technology.model_text("tt", {device.model: [Size(width, technology.length)]})
    transistor = instance_text(device, "1", "dgss", {"w": width, "l": technology.length}, {})

    def current(gate, shift=0.0):
        lines = (".subckt cell d g s", transistor, ".ends", "xcell d g 0 cell")
        sources = (f"vd d 0 {sign * technology.vdd_nominal!r}", f"vg g 0 {sign * gate!r}", ".save vd#branch", "")
        deck = "\n".join(["one transistor", models, *lines, *sources])
        knob = Knob((device.knob("xcell", "1"),), 0.0, device.shift_sign, shift)
        bench = Testbench("one", deck, OperatingPoint(), ("vd#branch",), {"cell.1": knob}, {})
        (result,) = session.solve(bench, bench.knob_values(np.zeros((1, 1))))
        assert isinstance(result, Solved), result
        return -sign * result.vectors["vd#branch"][0]

    gate = 0.6 * technology.vdd_nominal
    plain = current(gate)
    assert current(gate, SHIFT) < plain < current(gate, -SHIFT)
    # The mobility follows the threshold a little.
    assert plain - current(gate, SHIFT) == pytest.approx(plain - current(gate - SHIFT), rel=0.4)


@pytest.mark.parametrize("name", ["sky130", "gf180mcu"])
def test_local_variation_and_the_read_path(name):
    found = characterized(name, ("snm_read", "t_read_p"), variation=charlib.Variation(samples=3, seed=3))
    assert len(np.unique(found["snm_read"].values)) == 3
    assert len(np.unique(found["t_read_p"].values)) == 3


@pytest.mark.parametrize("name", ["sky130", "gf180mcu"])
def test_figures_of_devices(session, name):
    """Oxide thicknesses of 3 to 9 nm and capacitances of 1 to 2 fF/um: the class of 1.8 and 3.3 V devices."""
    technology = load(name)
    for polarity in "np":
        gate = devices.gate_charges(session, technology, polarity)
        drain = devices.drain_charges(session, technology, polarity)
        assert 3e-9 < gate.t_inv < 9e-9
        assert 0.5e-9 < gate.c_gate < gate.c_gate_on < 2e-9
        assert 0.3e-3 < drain.c_junction_area < 2e-3


def test_illegal_sizes_are_refused_before_anything_is_touched(tmp_path):
    message = r"w=0.105 um, l=0.15 um is outside every bin of .*nfet_latch.*: legal w 0.2095..0.2105 um at this l"
    with pytest.raises(TechnologyError, match=message):
        charlib.characterize(cell=Sram6T(w_pd=105e-9), technology="sky130", metrics=("snm_read",), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_file_is_left_in_the_working_directory(tmp_path, monkeypatch):
    """BSIM3 checks its parameters and writes what it objects to, such as a diffusion without an edge, into a file."""
    monkeypatch.chdir(tmp_path)
    technology = load("sky130")
    device, size = technology.devices["pd"], Size(technology.w_pd, technology.length)
    transistor = instance_text(device, "1", "dd00", {"w": size.w, "l": size.length, "pd": 0.0, "ps": 0.0}, {})
    deck = f"one\n{technology.model_text('tt', {device.model: [size]})}{transistor}\nvd d 0 1\n.save vd#branch\n"
    with Session() as fresh:
        (result,) = fresh.solve(Testbench("one", deck, OperatingPoint(), ("vd#branch",), {}, {}), np.zeros((1, 0)))
    assert isinstance(result, Solved)
    assert list(tmp_path.iterdir()) == []


def test_a_transient_of_bsim3_does_not_wear_the_circuit_out(session):
    """ngspice would scale BSIM3's junction capacitances by temperature again in each run and at each altered card."""
    technology = load("sky130/sram")
    setting = Setting(technology, "tt", technology.vdd_nominal, 398.15, Sram6T().sized(technology), window=2e-9)
    testbench = TESTBENCHES["half_select"].build(setting)
    assert any(knob.card for knob in testbench.knobs.values())
    first, *others = session.solve(testbench, testbench.knob_values(np.zeros((3, len(testbench.knobs)))))
    assert isinstance(first, Solved)
    for other in others:
        np.testing.assert_array_equal(other.data, first.data)


def test_what_a_cold_slow_cell_leaks_is_not_the_solver_s(session):
    """Attoamperes, which 1e-15 S at each junction would exceed a hundred times; and so for the supply that it needs."""
    technology = load("sky130/sram")
    setting = Setting(technology, "ss", 0.9, 233.15, Sram6T().sized(technology))
    for name, measure, within in (("leakage", static.i_leak, 1e-3), ("retention", followed.drv, 1e-3)):
        bench, found = TESTBENCHES[name].build(setting), {}
        for gmin in (1e-15, GMIN, 0.1 * GMIN):
            deck = bench.deck.replace(f"gmin={GMIN!r}", f"gmin={gmin!r}")
            other = replace(bench, deck=deck)
            (solved,) = session.solve(other, other.knob_values(np.zeros((1, len(other.knobs)))))
            found[gmin] = measure(stack(other, [solved.data])).values[0]
        assert found[GMIN] == pytest.approx(found[0.1 * GMIN], rel=within), name
        assert (found[1e-15] > 1.5 * found[GMIN]).all(), name
