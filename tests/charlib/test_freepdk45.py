"""FreePDK45's cell held against figures that were measured on the same cards with another program's decks."""

import numpy as np
import pytest

import charlib
from charlib import devices
from charlib.devices import Condition
from netlists.technology import load

pytestmark = [pytest.mark.ngspice, pytest.mark.usefixtures("installed")]

METRICS = ("snm_hold", "snm_read", "i_read", "i_leak")
TOLERANCES = (0.01, 0.01, 0.02, 0.02)
CELLS = {
    ("freepdk45", "tt"): (347e-3, 173e-3, 87.6e-6, 5.46e-9),
    ("freepdk45/vtl", "tt"): (302e-3, 125e-3, 112e-6, 44.4e-9),
    ("freepdk45/vth", "tt"): (425e-3, 245e-3, 46.1e-6, 0.295e-9),
    ("freepdk45/vtg", "ff"): (332e-3, 159e-3, 93.8e-6, 11.8e-9),
    ("freepdk45/vtg", "ss"): (363e-3, 187e-3, 80.6e-6, 2.60e-9),
}
"""Technology and corner to hold and read margin [V], read current and leakage [A] of its default cell.

205/90/135 nm (pull-down, pull-up, pass gate), gate length 50 nm, 1.0 V, 27 degC. The leakage is the sum over supply and
bit lines of one stored state, gate currents included.
"""


@pytest.mark.parametrize(("place", "expected"), CELLS.items(), ids=[" ".join(place) for place in CELLS])
def test_cell(place, expected):
    name, process = place
    at = charlib.Conditions(process=[process], vdd=[1.0], temp=[300.15])
    found = charlib.characterize(technology=name, conditions=at, metrics=METRICS, workers=1, accuracy="reference")
    for metric, value, tolerance in zip(METRICS, expected, TOLERANCES, strict=True):
        assert found[metric].values.item() == pytest.approx(value, rel=tolerance), metric


@pytest.mark.parametrize("flavour", ["vtg", "vtl", "vth"])
@pytest.mark.parametrize("polarity", ["n", "p"])
def test_skewed_corners_take_each_type_from_its_own(session, flavour, polarity):
    """fs is fast NMOS and slow PMOS: each type's currents are those of ff or ss, to the last bit."""
    technology = load(f"freepdk45/{flavour}")
    found = {p: devices.currents(session, technology, polarity, Condition(p)) for p in technology.cards}
    fast, slow = ("fs", "sf") if polarity == "n" else ("sf", "fs")
    assert found[fast] == found["ff"]
    assert found[slow] == found["ss"]
    assert found["ff"].ion > found["tt"].ion > found["ss"].ion


@pytest.mark.parametrize("polarity", ["n", "p"])
def test_the_sign_of_a_shift(session, polarity):
    """A positive shift raises |Vth| of both types."""
    technology = load("freepdk45")
    nominal, shifted = (devices.currents(session, technology, polarity, shift=shift) for shift in (0.0, 0.05))
    assert shifted.vth_lin - nominal.vth_lin == pytest.approx(0.05, rel=0.1)


def test_local_variation():
    """Margins spread by about what the mismatch law makes of them, and the whole read path runs."""
    at = charlib.Conditions(process=["tt"], vdd=[1.0], temp=[300.15])
    found = charlib.characterize(
        technology="freepdk45", conditions=at, variation=charlib.Variation(samples=16, seed=3), workers=1,
        metrics=("snm_read", "t_read_p"),
    )  # fmt: skip
    assert found.attrs["technology"] == "freepdk45/vtg"
    assert (found["snm_read_status"] == 0).all()
    assert (found["t_read_p_status"] == 0).all()
    assert 8e-3 < np.std(found["snm_read"].values) < 30e-3
