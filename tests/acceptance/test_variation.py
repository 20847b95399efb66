"""Our draws against the statistics of the vendors' own libraries: local ones resampled, global ones derived.

``PIMCHAR_DRAWS`` is the number of samples (2,000 if it is not set); 200 make a quick look.
"""

import os
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from charlib import Conditions, Variation, characterize
from charlib.metrics import METRICS
from charlib.metrics.threshold import I_THRESHOLD
from charlib.session import Session, Solved
from charlib.waveforms import crossing, stack
from netlists import TESTBENCHES, Setting, Sram6T, Testbench, slim
from netlists.analyses import Sweep
from netlists.expressions import evaluate
from netlists.library import statements
from netlists.modellibrary import index
from netlists.slimmed import SlimmedLibrary
from netlists.technology import load
from netlists.testbenches import VDS_LINEAR

pytestmark = [pytest.mark.acceptance, pytest.mark.ngspice]

DRAWS = int(os.environ.get("PIMCHAR_DRAWS", "2000"))
ROLES = ("pd", "pg", "pu")


@pytest.fixture
def undisturbed(monkeypatch):
    """Slimming that leaves a library's own random draws as they are."""
    monkeypatch.setattr(slim, "nominal", lambda text: text)
    monkeypatch.setattr(slim, "BUILT_IN", slim.BUILT_IN | {"agauss"})


def cut(technology, devices):
    """Text of some devices, cut out anew: nothing comes from or goes into the cache."""
    library = technology.library
    known = index(statements(library.source.read, library.corners["tt"]))
    return slim.slim(known, devices)


def resampled(text, technology, role, width, count, seed):
    """Thresholds [V] of instances for which the simulator evaluates the library's own random expressions."""
    device = technology.devices[role]
    sign = {"n": 1, "p": -1}[device.polarity]
    w, length = width * 1e6, technology.length * 1e6
    lines = ["instances", text, f".options gmin=1e-15 temp=25 reltol=1e-4 seed={seed}", "vgate gate 0 0"]
    lines.append("edown gate_p 0 gate 0 -1")
    gate = "gate" if sign > 0 else "gate_p"
    for i in range(count):
        diffusions = f"ad={0.14 * w:.6g} as={0.14 * w:.6g} pd={w + 0.28:.6g} ps={w + 0.28:.6g}"
        lines.append(f"x{i} d{i} {gate} 0 0 {device.model} w={w:.6g} l={length:.6g} {diffusions}")
        lines.append(f"v{i} d{i} 0 {sign * VDS_LINEAR}")
    probes = ("gate", *(f"v{i}#branch" for i in range(count)))
    lines.append(f".save {' '.join(probes)}\n")
    deck = "\n".join(lines)
    with Session(timeout=900) as session:
        (solved,) = session.solve(
            Testbench("many", deck, Sweep("vgate", 0.0, 1.8, 181), probes, {}, {}), np.zeros((1, 0))
        )
    assert isinstance(solved, Solved), solved
    gates = np.broadcast_to(solved.data[0], (count, solved.data.shape[1]))
    level = float(np.log10(I_THRESHOLD * width / technology.length))
    return crossing(gates, np.log10(np.abs(solved.data[1:])), level, rising=True)


@pytest.mark.parametrize("seed", [1, 2])
def test_sky130_draws_are_those_of_the_library(installed, undisturbed, seed):
    """Standard deviation of |Vth| of latch, pass gate and p-latch; the 95 % interval is that of both sample sizes."""
    tech = load("sky130/sram")
    at, draws = Conditions(vdd=[1.8], temp=[298.15]), Variation(DRAWS, seed=seed)
    ours = characterize(technology=tech, conditions=at, variation=draws, metrics=[f"vth_{r}" for r in ROLES])
    widths = {role: getattr(tech, f"w_{role}") for role in ROLES}
    sizes = {tech.devices[r].model: {slim.Size(widths[r], tech.length)} for r in ROLES}
    text = cut(tech, sizes).replace(".param mc_mm_switch=0", ".param mc_mm_switch=1")
    assert text.count("agauss(0,1.0,1)") == 12
    for role in ROLES:
        mine = ours[f"vth_{role}"].values.ravel()
        theirs = resampled(text, tech, role, widths[role], DRAWS, seed)
        ratio = mine.var(ddof=1) / theirs.var(ddof=1)
        low, high = stats.f(DRAWS - 1, DRAWS - 1).ppf([0.025, 0.975])
        print(f"{role}: ours {1e3 * mine.std(ddof=1):.2f} mV, library {1e3 * theirs.std(ddof=1):.2f} mV, seed {seed}")
        assert low <= ratio <= high, role
        assert abs(mine.mean() - theirs.mean()) < 5e-3


def thresholds(session, testbench, deck):
    """|Vth| [V] of pull-down and pull-up of a deck without variation."""
    changed = replace(testbench, deck=deck)
    (solved,) = session.solve(changed, changed.knob_values(np.zeros((1, len(changed.knobs)))))
    assert isinstance(solved, Solved), solved
    block = stack(changed, [solved.data])
    return np.array([METRICS[name].measure(block).values[0] for name in ("vth_pd", "vth_pu")])


def defined(deck, values):
    """The deck with other values of global parameters."""
    for name, value in values.items():
        deck, count = re.subn(rf"^\.param {name}=.*$", f".param {name}={value!r}", deck, flags=re.M)
        assert count == 1, name
    return deck


def law_of(changes):
    """Standard deviations [V] and correlation of the sum of independent changes, shape (variable, 2)."""
    covariance = np.array(changes).T @ np.array(changes)
    sigma_n, sigma_p = np.sqrt(np.diag(covariance))
    return sigma_n, sigma_p, covariance[0, 1] / (sigma_n * sigma_p)


def built(tech):
    return TESTBENCHES["threshold"].build(Setting(tech, "tt", tech.vdd_nominal, 300.15, Sram6T().sized(tech)))


def assert_declared(tech, found):
    law = tech.global_law
    print(f"{tech.name}: {1e3 * found[0]:.2f} mV (n), {1e3 * found[1]:.2f} mV (p), correlation {found[2]:.3f}")
    assert found[:2] == pytest.approx((law.sigma_n, law.sigma_p), rel=0.01)
    assert found[2] == pytest.approx(law.correlation, abs=0.01)


def test_sky130_global_variation_is_that_of_the_library(installed):
    """Section mc holds formulas of the parameters that the SRAM devices' cards use, in variables of known sigma."""
    tech = load("sky130/sram")
    testbench = built(tech)
    known = index(statements(tech.library.source.read, (("sky130.lib.spice", "mc"),))).parameters
    sigma = {name: float(m[1]) for name, e in known.items() if (m := re.search(r"agauss\(0,([\d.]+),1\)", e))}
    used = [name for name in re.findall(r"^\.param (\w*special_\w+)=", testbench.deck, re.M) if name in known]
    variables = [v for v in sigma if any(re.search(rf"\b{v}\b", known[name]) for name in used)]
    assert {"lvn_threshold", "lvp_threshold", "poly_cd"} <= set(variables)
    zero = dict.fromkeys(sigma, "0")

    def at(moved):
        return defined(testbench.deck, {name: evaluate(known[name], {**known, **zero, **moved}) for name in used})

    with Session(accuracy="reference") as session:
        typical = thresholds(session, testbench, testbench.deck)
        assert thresholds(session, testbench, at({})) == pytest.approx(typical, abs=1e-6)
        changes = []
        for variable in variables:
            up, down = (thresholds(session, testbench, at({variable: repr(s * sigma[variable])})) for s in (1, -1))
            changes.append((up - down) / 2)
    assert_declared(tech, law_of(changes))


def test_gf180mcu_global_variation_is_that_of_the_library(installed):
    """Section statistical draws agauss(0, 1, 3), a standard deviation of a third, times mc_skew of 3."""
    tech = load("gf180mcu")
    parts = (("design.ngspice", ""), ("sm141064.ngspice", "statistical"))
    tech = replace(tech, library=SlimmedLibrary(tech.library.source, {"tt": parts}))
    testbench = built(tech)
    deck = defined(testbench.deck, {"sw_stat_global": 1})
    variables = re.findall(r"^\.param (mc_\w+2)=\(0\)$", deck, re.M)
    assert {"mc_toxe2", "mc_sig_vth2", "mc_sig_vthn2", "mc_sig_vthp2"} <= set(variables)
    with Session(accuracy="reference") as session:
        changes = []
        for variable in variables:
            up, down = (thresholds(session, testbench, defined(deck, {variable: s / 3})) for s in (1, -1))
            changes.append((up - down) / 2)
    assert_declared(tech, law_of(changes))
