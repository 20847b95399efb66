"""Global variation through the whole characterization: processes, directories, and the spread it declares."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import charlib
from charlib import Conditions, CountedTwice, InvalidPlan, LookupTable, Variation, characterize, reproduce
from charlib.corners import corners
from charlib.unit import Unit
from netlists import TESTBENCHES, Setting, Sram6T
from netlists.technology import load, names, outline

pytestmark = pytest.mark.ngspice

HERE = Conditions(vdd=[0.9], temp=[298.15])
METRICS = ["i_leak", "vth_pd", "vth_pu"]


def test_a_directory_holds_corners_and_draws(tmp_path):
    """Corners first, draws later: one directory, the same cells; what is there is not simulated again."""
    out = tmp_path / "r"
    characterize(conditions=HERE, variation=Variation(samples=4), metrics=METRICS, out=out, workers=1)
    both = Variation(samples=4, global_=True)
    data = characterize(conditions=HERE, variation=both, metrics=METRICS, out=out, workers=1)
    assert data["process"].values.tolist() == ["mc"]
    assert json.loads(data.attrs["global_law"])["sigma_n"] == load("predictive28").global_law.sigma_n
    again = characterize(conditions=HERE, variation=both, metrics=METRICS, out=out, workers=2)
    assert again.identical(data)
    assert json.loads((out / "manifest.json").read_text())["simulated"] == 0
    more = characterize(
        conditions=HERE, variation=Variation(samples=6, global_=True), metrics=METRICS, out=out, workers=1
    )
    assert more.isel(sample=slice(4))["i_leak"].values.tobytes() == data["i_leak"].values.tobytes()
    table = LookupTable.open(out / "tables.nc")
    assert table.data["process"].values.tolist() == ["tt", "mc"]
    assert table("vth_pd", process="mc", vdd=0.9, temp=298.15) == pytest.approx(float(more["vth_pd"].mean()))
    assert table("vth_pd_nominal", process="mc", vdd=0.9, temp=298.15) == table(
        "vth_pd_nominal", process="tt", vdd=0.9, temp=298.15
    )
    found = reproduce(out, "vth_pd", "mc", 0.9, 298.15, 3)
    assert found.identical
    assert found.stored == float(more["vth_pd"].sel(process="mc").isel(sample=3).squeeze())


def test_a_total_corner_with_draws_is_warned_about():
    at = Conditions(process=["tt", "ss"], vdd=[0.9])
    with pytest.warns(CountedTwice, match=r"process=ss: total corners hold global variation already.*counts twice"):
        data = characterize(conditions=at, variation=Variation(2, global_=True), metrics=["vth_pd"], workers=1)
    assert data["process"].values.tolist() == ["mc", "mc_ss"]
    assert (data["vth_pd"].sel(process="mc_ss") > data["vth_pd"].sel(process="mc") + 0.02).all()


def test_no_law_is_an_error():
    lawless = replace(load("predictive28"), global_law=None)
    with pytest.raises(InvalidPlan, match=r"global=true: predictive28 states no law .*legal: false \(variation.global"):
        characterize(technology=lawless, variation=Variation(global_=True), metrics=["vth_pd"])


def test_a_changed_law_is_another_unit():
    tech = load("predictive28")
    changed = replace(tech, global_law=replace(tech.global_law, correlation=0.5))
    keys = {}
    for process in ("tt", "mc"):
        testbenches = [TESTBENCHES["leakage"].build(Setting(t, process, 0.9, 298.15, Sram6T().sized(t))) for t in
                       (tech, changed)]  # fmt: skip
        keys[process] = {Unit(testbench, 0, 1, True, "default").key("39") for testbench in testbenches}
    assert (len(keys["tt"]), len(keys["mc"])) == (1, 2)


def test_vendor_corners_are_placed_on_the_ellipse(installed):
    """FreePDK45's corners lie at the three sigma that its law was taken from."""
    found = {corner.process: corner for corner in corners(load("freepdk45/vtg"))}
    assert set(found) == {"ff", "ss", "fs", "sf"}
    for corner in found.values():
        assert corner.distance == pytest.approx(3.0, abs=0.05)
    assert found["fs"].shift_n < 0 < found["fs"].shift_p


SAMPLES = 800
TAIL = 5e-4
"""Share of right programs that a statement below would fail, on either side."""


def spread_agrees(values, sigma):
    """Whether samples are spread as declared: their variance within the interval of a normal distribution."""
    low, high = stats.chi2(values.size - 1).ppf([TAIL, 1 - TAIL]) / (values.size - 1)
    return low <= values.var(ddof=1) / sigma**2 <= high


def test_the_spread_splits_as_declared(installed):
    """FreePDK45, measured thresholds: local alone, global alone, both; what transistors share shows between them."""
    tech = load("freepdk45/vtg")
    cell = Sram6T().sized(tech)
    found = {}
    for local, global_ in ((True, False), (False, True), (True, True)):
        variation = Variation(SAMPLES, local=local, global_=global_)
        found[local, global_] = characterize(
            technology=tech, variation=variation, metrics=["vth_pd", "vth_pu", "vth_pg"], workers=2
        )
    law = tech.global_law
    shared = {"pd": law.sigma_n, "pg": law.sigma_n, "pu": law.sigma_p}
    own = {r: tech.devices[r].sigma_vth(getattr(cell, f"w_{r}"), cell.l) for r in shared}
    for role in shared:
        gain = _gain(tech, role)
        for (local, global_), data in found.items():
            declared = gain * np.hypot(local * own[role], global_ * shared[role])
            assert spread_agrees(data[f"vth_{role}"].values.ravel(), declared), (role, local, global_)
    width = stats.norm.ppf(1 - TAIL) / np.sqrt(SAMPLES - 3)
    for (local, global_), data in found.items():
        pd, pg, pu = (data[f"vth_{role}"].values.ravel() for role in ("pd", "pg", "pu"))
        total = {r: np.hypot(local * own[r], global_ * shared[r]) for r in shared}
        expected = global_ * law.sigma_n**2 / (total["pd"] * total["pg"])
        if (local, global_) != (False, True):  # there two of one type move as one
            assert np.arctanh(np.corrcoef(pd, pg)[0, 1]) == pytest.approx(np.arctanh(expected), abs=width)
        expected = global_ * law.correlation * law.sigma_n * law.sigma_p / (total["pd"] * total["pu"])
        assert np.arctanh(np.corrcoef(pd, pu)[0, 1]) == pytest.approx(np.arctanh(expected), abs=width)


def _gain(tech, role):
    """Change of the measured threshold per volt of shift: the sweep finds a shift up to body effect and slope."""
    step = 20e-3
    low, high = (
        charlib.characterize(cell=Sram6T(shifts={f"{role}_l": s}), technology=tech, metrics=[f"vth_{role}"], workers=1)
        for s in (-step, step)
    )
    gain = float((high - low)[f"vth_{role}"].values.squeeze() / (2 * step))
    assert gain == pytest.approx(1.0, abs=0.15)
    return gain


@pytest.mark.parametrize("name", [name for name in names() if not outline(name).osdi])
def test_the_sign_of_a_shift_raises_every_threshold(installed, name):
    """A positive draw makes each transistor of the cell harder to turn on, whatever its type and model."""
    for role in ("pd", "pu", "pg"):
        _gain(load(name), role)


def test_the_parts_add_up_with_further_laws(installed):
    """SKY130, whose oxides vary too: the variances of local and global draws add up to that of both."""
    metrics = ["vth_pd", "vth_pu", "vth_pg"]
    spread = {
        drawn: characterize(
            technology="sky130/sram", variation=Variation(SAMPLES, local=drawn[0], global_=drawn[1]), metrics=metrics
        )
        for drawn in ((True, False), (False, True), (True, True))
    }
    for name in metrics:
        local, global_, both = (data[name].values.ravel().var(ddof=1) for data in spread.values())
        # Samples share their numbers between the three: what is left is the products' mean, as wide as a correlation.
        width = stats.norm.ppf(1 - TAIL) / np.sqrt(SAMPLES) * 2 * np.sqrt(local * global_)
        assert both == pytest.approx(local + global_, abs=width)
        assert global_ > 0.1 * local
