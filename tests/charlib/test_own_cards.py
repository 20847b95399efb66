"""Parameters that no instance takes are set on a card of the transistor's own: by altermod, as if in a fresh deck."""

import re

import numpy as np
import pytest

from charlib import Conditions, Variation, characterize
from charlib.session import Session, Solved
from netlists import TESTBENCHES, Setting, Sram6T, technology

pytestmark = pytest.mark.ngspice

SUBCIRCUIT = """
.subckt {kind}fet d g s b w=1 l=1 ad=0 as=0 pd=0 ps=0 m=1
m{kind}fet d g s b {kind}mos28 w={{w}} l={{l}} ad={{ad}} as={{as}} pd={{pd}} ps={{ps}} m={{m}}
{card}
.ends
"""
LAWS = """
instance = "X"
[devices.{kind}.mismatch]
tox = {{ parameter = "toxe", on = "card", relative = 2e-9, of = "device" }}
mobility = {{ parameter = "mulu0", on = "instance", nominal = 1.0, relative = 4e-9, of = "device" }}
"""


@pytest.fixture(scope="module")
def tech(tmp_path_factory):
    """predictive28's cards inside subcircuits, as a foundry's library has them, with laws for more than Vth."""
    folder = tmp_path_factory.mktemp("own")
    typical = technology.load("predictive28").model_text("tt", {})
    typical = re.sub(r"\btoxe=\S+", "toxe={1.25e-09*thick}", typical)
    n, p = re.split(r"\n(?=\.model pmos28)", typical)
    text = ".param thick=1.04\n" + "".join(
        SUBCIRCUIT.format(kind=kind, card=card) for kind, card in (("n", n), ("p", p))
    )
    (folder / "all.lib").write_text(text)
    data = (technology.resources.files("netlists") / "technologies" / "predictive28.toml").read_text()
    head, devices = re.split(r"(?=\[devices\.n\])|(?=^# Variation|^\[models\.common\])", data, flags=re.M)[:2]
    for kind in "np":
        block = re.search(rf"\[devices\.{kind}\].*?shift_sign = \S+", devices, re.DOTALL)[0]
        changed = block.replace(f"{kind}mos28", f"{kind}fet") + LAWS.format(kind=kind)
        devices = devices.replace(block, changed)
    library = '[library]\n[library.corners]\ntt = ["all.lib"]\n'
    (folder / "own.toml").write_text(f"{head}{devices}\n{library}")
    return technology.load(str(folder / "own.toml"))


@pytest.fixture(scope="module")
def testbench(tech):
    return TESTBENCHES["butterfly_read"].build(Setting(tech, "tt", 1.0, 300.15, Sram6T().sized(tech)))


def values_of(testbench, count):
    return testbench.knob_values(np.random.default_rng(11).standard_normal((count, len(testbench.knobs))))


def solve(testbench, values):
    with Session(accuracy="reference") as session:
        results = session.solve(testbench, values)
    assert all(isinstance(result, Solved) for result in results), results
    return np.stack([result.data for result in results])


def test_every_transistor_has_three_numbers_of_its_own(testbench):
    assert len(testbench.knobs) == 18
    knob = testbench.knobs["cell.pu_r:tox"]
    assert knob.commands == ("altermod @m.xr.xpu_r.mpfet[toxe] = {}",)
    assert knob.nominal == pytest.approx(1.3e-9)
    assert knob.sigma == pytest.approx(1.3e-9 * 2e-9 / np.sqrt(50e-9 * 30e-9))


def test_a_sample_does_not_depend_on_those_before_it(testbench):
    values = values_of(testbench, 5)
    together = solve(testbench, values)
    assert solve(testbench, values[::-1])[::-1].tobytes() == together.tobytes()
    assert solve(testbench, values[3:4]).tobytes() == together[3:4].tobytes()
    assert len({each.tobytes() for each in together}) == 5


def test_altered_cards_are_those_of_a_fresh_deck(testbench, tech):
    """Each transistor gets a subcircuit of its own in which the three numbers are written out."""
    values = values_of(testbench, 3)
    altered = solve(testbench, values)
    library = tech.model_text("tt", {})
    for row, expected in zip(values, altered, strict=True):
        numbers = dict(zip(testbench.knobs, row.tolist(), strict=True))
        deck, written = testbench.deck, ""
        for path in (path for path in numbers if ":" not in path):
            name = path.removeprefix("cell.")
            kind = "p" if name.startswith("pu") else "n"
            body = re.search(rf"\.subckt {kind}fet .*?\.ends", library, re.DOTALL)[0].replace(
                f"{kind}fet d", f"{name} d", 1
            )
            body = body.replace("toxe={1.25e-09*thick}", f"toxe={numbers[f'{path}:tox']!r}")
            extra = f" delvto={numbers[path]!r} mulu0={numbers[f'{path}:mobility']!r}"
            written += body.replace("m={m}", "m={m}" + extra) + "\n"
            deck = re.sub(rf"^(X{name} .*) {kind}fet ", rf"\1 {name} ", deck, flags=re.M)
        deck = deck.replace(library, f"{library}\n{written}", 1)
        fresh = type(testbench)("fresh", deck, testbench.analysis, testbench.probes, {}, testbench.values)
        (found,) = solve(fresh, np.zeros((1, 0)))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
        assert not np.allclose(found, solve(testbench, np.array([[k.nominal for k in testbench.knobs.values()]]))[0])


def test_a_characterization_with_such_laws_is_repeatable(tech, tmp_path):
    at = Conditions(vdd=[1.0], temp=[300.15])
    one, two = (
        characterize(technology=tech, conditions=at, variation=Variation(70), metrics=["snm_read", "vth_pu"],
                     workers=workers, out=tmp_path / f"r{workers}")
        for workers in (1, 2)
    )  # fmt: skip
    assert one["snm_read"].values.tobytes() == two["snm_read"].values.tobytes()
    law, device = tech.devices["pu"].mismatch[0], tech.devices["pu"]
    more = one["vth_pu"].values.std(ddof=1) / device.sigma_vth(50e-9, 30e-9)
    assert law.name == "tox"
    assert more > 1.05
