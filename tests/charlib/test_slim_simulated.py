"""Reduced libraries in ngspice: the same operating points as the full ones, and knobs on the inner transistors."""

from pathlib import Path

import numpy as np
import pytest

from charlib.session import Session, Solved
from netlists.analyses import OperatingPoint
from netlists.library import folder_source, statements
from netlists.modellibrary import index
from netlists.slim import Size, inner_transistor, slim
from netlists.testbench import Knob, Testbench

pytestmark = pytest.mark.ngspice

LIBRARY = Path(__file__).parents[1] / "netlists" / "fake_library" / "fake.lib"
DEVICES = {
    "fake_nfet": Size(0.5e-6, 0.15e-6),
    "fake_pfet": Size(0.3e-6, 0.15e-6),
    "fake_wrapped": Size(2e-6, 0.15e-6),
    "fake_choice": Size(1e-6, 0.2e-6),
}
QUANTITIES = ("id", "gm", "gds", "cgg", "cgd", "capbd", "vth")


@pytest.fixture(scope="module")
def session():
    with Session() as running:
        yield running


def bench(models, text, vg, vd):
    """All devices biased to ``vg`` and ``vd`` [V], p devices to the negative of both; one delvto knob each."""
    lines, probes, knobs = [], [], {}
    for name, size in DEVICES.items():
        sign = -1 if name == "fake_pfet" else 1
        sizes = f"w={size.w * 1e6!r} l={size.length * 1e6!r}"
        diffusions = "" if name in ("fake_wrapped", "fake_choice") else "ad=0.1 as=0.12 pd=1.1 ps=1.2"
        lines += [f"x{name} {name}_d {name}_g 0 0 {name} {sizes} {diffusions}"]
        lines += [f"v{name}_d {name}_d 0 {sign * vd!r}", f"v{name}_g {name}_g 0 {sign * vg!r}"]
        path = f"@m.x{name}.{inner_transistor(text, name)}"
        probes += [f"{path}[{quantity}]" for quantity in QUANTITIES]
        knobs[name] = Knob((f"{path}[delvto]",), sigma=1.0, sign=1)
    deck = "\n".join(["slim", models, *lines, ".options gmin=1e-15", f".save {' '.join(probes)}", ""])
    return Testbench("slim", deck, OperatingPoint(), tuple(probes), knobs, {})


def solve(session, testbench, shift=0.0):
    (result,) = session.solve(testbench, np.full((1, len(testbench.knobs)), shift))
    assert isinstance(result, Solved), result
    return {name: float(value[0]) for name, value in result.vectors.items()}


@pytest.fixture
def cut():
    def make(section):
        known = index(statements(folder_source(LIBRARY.parent).read, [(LIBRARY.name, section)]))
        return slim(known, {name: [size] for name, size in DEVICES.items()})

    return make


@pytest.mark.parametrize("section", ["tt", "ss"])
@pytest.mark.parametrize(("vg", "vd"), [(0.0, 1.0), (0.5, 0.05), (1.0, 1.0), (0.7, -0.2)])
def test_operating_points_are_those_of_the_full_library(session, cut, section, vg, vd):
    text = cut(section)
    reduced = solve(session, bench(text, text, vg, vd))
    full = solve(session, bench(f'.lib "{LIBRARY}" {section}', text, vg, vd))
    assert {name: f"{value:.10e}" for name, value in reduced.items()} == {k: f"{v:.10e}" for k, v in full.items()}


def test_corners_differ(session, cut):
    slow, typical = (solve(session, bench(cut(s), cut("tt"), 1.0, 1.0)) for s in ("ss", "tt"))
    for name in ("fake_nfet", "fake_pfet", "fake_wrapped"):
        key = next(key for key in slow if key.startswith(f"@m.x{name}.") and key.endswith("[id]"))
        assert 0 < abs(slow[key]) < abs(typical[key])


def test_a_section_with_statistics_is_deterministic(session, cut):
    drawn, typical = (bench(cut(s), cut("tt"), 0.6, 1.0) for s in ("mc", "tt"))
    wanted = [key for key in typical.probes if "pfet" in key]
    first, again, at_zero = solve(session, drawn), solve(session, drawn), solve(session, typical)
    assert first == again
    assert [first[key] for key in wanted] == [at_zero[key] for key in wanted]


@pytest.mark.parametrize(("name", "sign"), [("fake_nfet", 1), ("fake_wrapped", 1), ("fake_pfet", -1)])
def test_delvto_of_the_inner_transistor(session, cut, name, sign):
    """+50 mV raises vth0 of both types: it raises the |Vth| of an NMOS and lowers that of a PMOS (BSIM4).

    The reported ``vth`` is type-normalized: it is the |Vth| of either.
    """
    text = cut("tt")
    testbench = bench(text, text, 0.6, 1.0)
    before, after = solve(session, testbench), solve(session, testbench, 0.05)
    path = next(iter(testbench.knobs[name].parameters)).removesuffix("[delvto]")
    assert sign * (abs(after[f"{path}[id]"]) - abs(before[f"{path}[id]"])) < 0
    assert after[f"{path}[vth]"] - before[f"{path}[vth]"] == pytest.approx(0.05 * sign, rel=0.1)
