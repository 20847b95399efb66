"""IHP SG13G2 from its published package: fetched, compiled, loaded as OSDI, and its figures.

It needs an ngspice with OSDI: ``make acceptance`` unpacks one and names it by NGSPICE_LIBRARY_PATH.
"""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from charlib import Conditions, Variation, characterize, reproduce
from charlib.session import Session, Solved
from netlists import pdk, technology
from netlists.analyses import Sweep
from netlists.bitcells import Sram6T
from netlists.library import library_text
from netlists.testbench import Knob, Testbench
from netlists.testbenches import TESTBENCHES, Setting

pytestmark = [pytest.mark.acceptance, pytest.mark.ngspice]

METRICS = ("snm_hold", "snm_read", "i_read", "i_leak")
CORNERS = ("tt", "ff", "ss", "fs", "sf")
AT = 300.15
"""27 degC [K]."""

FIGURES = {"snm_hold": (0.486, 0.01), "snm_read": (0.228, 0.01), "i_read": (53.8e-6, 0.02), "i_leak": (18e-12, 0.05)}
"""Figures of the 300/150/150 nm cell at 1.2 V and 27 degC and their relative tolerances."""

SHIFT = 0.05
"""Change of delvto [V]."""


@pytest.fixture(scope="module")
def ihp():
    pdk.install(pdk.package("ihp_sg13g2"), lambda _: None)
    return technology.load("ihp_sg13g2")


@pytest.fixture(scope="module")
def corners(ihp):
    """The nominal cell in all corners."""
    at = Conditions(process=CORNERS, vdd=[1.2], temp=[AT])
    return characterize(technology=ihp, conditions=at, metrics=METRICS, workers=1).squeeze()


def test_it_is_complete(ihp):
    assert ihp.installed
    assert tuple(ihp.cards) == CORNERS
    assert [model.path.rpartition("/")[2] for model in ihp.osdi] == ["psp103.osdi"]


@pytest.mark.parametrize("metric", METRICS)
def test_figures(corners, metric, capsys):
    value, tolerance = FIGURES[metric]
    found = corners[metric].sel(process="tt").item()
    with capsys.disabled():
        print(f"\nihp_sg13g2 {metric}: {found:.5g} {corners[metric].units}, {100 * (found / value - 1):+.2f} %")
    assert found == pytest.approx(value, rel=tolerance)


def test_corners_are_what_their_letters_say(corners):
    """Read current is the NMOS's alone; the first letter is that of the NMOS."""
    read = corners.i_read.to_series()
    assert read["ff"] > read["fs"] > read["tt"] > read["sf"] > read["ss"]
    leak = corners.i_leak.to_series()
    assert leak["ff"] > leak["tt"] > leak["ss"]


@pytest.mark.parametrize("polarity", ["n", "p"])
def test_positive_delvto_raises_both_thresholds(ihp, polarity):
    """A shift acts as the same shift of the gate, towards less current in either type."""
    device, sign = ihp.devices[polarity], {"n": 1, "p": -1}[polarity]
    setting = Setting(ihp, "tt", 1.2, AT, Sram6T().sized(ihp))
    models = ihp.model_text("tt", {device.model: [(0.3e-6, 0.13e-6)]})
    deck = (
        f"shift\n{models}\n.options gmin=1e-15 temp=27\nvg g 0 0\nvd d 0 {sign * setting.vdd!r}\n"
        f"xt d g 0 0 {device.model} w=0.3u l=0.13u\n.save g vd#branch\n"
    )
    knob = Knob((f"@n.xt.n{device.model}[delvto]",), 1.0, device.shift_sign)
    sweep = Sweep("vg", 0.0, sign * 1.2, 121)
    testbench = Testbench("shift", deck, sweep, ("g", "vd#branch"), {"t": knob}, {}, ihp.osdi)
    with Session(accuracy="reference") as session:
        before, after = session.solve(testbench, testbench.knob_values(np.array([[0.0], [SHIFT]])))
    assert isinstance(before, Solved)
    assert isinstance(after, Solved)
    gate = sign * before.vectors["g"]
    logs = [np.log(-sign * solved.vectors["vd#branch"]) for solved in (before, after)]
    on = (gate > 0.2) & (gate < 1.1)
    moved = np.interp(logs[1][on], logs[0], gate)
    np.testing.assert_allclose(gate[on] - moved, SHIFT, atol=2e-3)


def test_the_knobs_of_a_cell_find_their_transistors(ihp):
    """Each of the six transistors alone moves the read butterfly."""
    testbench = TESTBENCHES["butterfly_read"].build(Setting(ihp, "tt", 1.2, AT, Sram6T().sized(ihp)))
    draws = np.vstack([np.zeros(6), np.eye(6)])
    with Session() as session:
        nominal, *moved = session.solve(testbench, testbench.knob_values(draws))
    assert all(isinstance(solved, Solved) for solved in (nominal, *moved))
    assert all(np.abs(solved.data - nominal.data).max() > 1e-3 for solved in moved)
    assert len({solved.data.tobytes() for solved in moved}) == 6


def test_samples_are_the_same_whoever_simulates_them(ihp, tmp_path):
    arguments = {
        "technology": "ihp_sg13g2",
        "conditions": Conditions(process=["tt", "ss"], vdd=[1.2], temp=[AT]),
        "variation": Variation(samples=96, seed=3),
        "metrics": ["snm_read", "i_leak"],
    }
    one = characterize(**arguments, workers=1, out=tmp_path / "r")
    xr.testing.assert_equal(one, characterize(**arguments, workers=2))
    assert (one.snm_read.std("sample") > 5e-3).all()
    assert reproduce(tmp_path / "r", "snm_read", "ss", 1.2, AT, 70).identical
    assert "pre_osdi '/" in next((tmp_path / "r" / "reproduce").glob("*/deck.cir")).read_text()


def test_a_read_cycle(ihp):
    """Transients: capacitances of compiled models too."""
    at = Conditions(vdd=[1.2], temp=[AT])
    found = characterize(technology=ihp, conditions=at, metrics=["t_read_p", "t_read_n", "e_read"], workers=1)
    assert (found.t_read_p_status == 0).all()
    assert 50e-12 < found.t_read_p.item() < 5e-9
    assert 0 < found.e_read.item() < 1e-12


@pytest.mark.parametrize("process", CORNERS)
@pytest.mark.parametrize("name", ["leakage", "read_current"])
def test_the_reduced_library_gives_the_same_bits_as_the_full_one(ihp, name, process):
    part = ("models/cornerMOSlv.lib", f"mos_{process}")
    text = library_text(pdk.package("ihp_sg13g2").source("ihp/models/ngspice").read, [part])
    full = replace(ihp, library=None, cards={process: text})
    found = []
    with Session() as session:
        for tech in (ihp, full):
            testbench = TESTBENCHES[name].build(Setting(tech, process, 1.2, AT, Sram6T().sized(tech)))
            found += session.solve(testbench, testbench.knob_values(np.zeros((1, 6))))
    reduced, whole = found
    assert isinstance(reduced, Solved)
    assert reduced.data.tobytes() == whole.data.tobytes()
