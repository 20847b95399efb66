"""Laws of variation as data: expressions of vendor text, the ellipse of global variation, knobs of further laws."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from charlib.variation import normals
from netlists import TESTBENCHES, Setting, Sram6T, Sram8T, technology
from netlists.expressions import card_value, evaluate
from netlists.library import LibraryError
from netlists.schema import MismatchSection
from netlists.technology import TechnologyError
from netlists.variation import CORNERS, GlobalLaw, corner_of, drawn

LAW = GlobalLaw(0.012, 0.020, 0.6, "assumed: for the tests")
TEXT = """
.param scale_tox=1.5 slope=0.005
.model other nmos toxe=9e-9
.subckt nfet d g s b w=1 l=1 mult=1
.param half={scale_tox/2}
mnfet d g s b inner w={w} l={l}
.model inner.0 nmos lmin=1e-07 lmax=2e-7 wmin=1e-7
+ wmax=1e-6 toxe={4e-09*scale_tox+0*(0)*(slope/sqrt(l*w*mult))} voff=-0.1
.model inner.1 nmos lmin=1e-07 lmax=2e-7 wmin=1e-6 wmax=1e-5 toxe={4n*half} voff={-0.2}
.ends
"""
EXAMPLE = re.search(
    r"```toml\n(# mytech\.toml\n.*?)```", (Path(__file__).parents[2] / "docs/technologies.md").read_text(), re.DOTALL
)[1]


@pytest.fixture(scope="module")
def predictive28():
    return technology.load("predictive28")


def document(*added):
    """The example of docs/technologies.md with further tables, its models written here."""
    return "\n".join([EXAMPLE, *added])


@pytest.fixture
def load_private(tmp_path):
    """Loads the example's technology file with further tables."""
    for corner in ("nom", "ff", "ss"):
        folder = tmp_path / "my models" / f"models_{corner}"
        folder.mkdir(parents=True)
        for kind in "NP":
            (folder / f"{kind}MOS_VTG.inc").write_text(f".model {kind}MOS_VTG {kind.lower()}mos level=54\n")

    def load(*added):
        (tmp_path / "mytech.toml").write_text(document(*added))
        return technology.load(str(tmp_path / "mytech.toml"))

    return load


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{4.148e-009*a}", 8.296e-9),
        ("'2 + 3*4'", 14.0),
        ("-b/(1u+0)", -3.0),
        ("sqrt(a)**2", 2.0),
        ("pow(a, 3)", 8.0),
        ("max(1, a)", 2.0),
        ("007", 7.0),
    ],
)
def test_expressions(text, value):
    assert evaluate(text, {"a": "{1+1}", "b": "3u"}) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a+1", "'a' has no value"),
        ("1 +", "is not understood"),
        ("1/0", "is not understood"),
        ("b", "is defined by itself"),
        ("agauss(0,1,1)", "has no value"),
        ("__import__('os')", "has no value"),
        ("(1).real", "has no value"),
    ],
)
def test_what_is_no_arithmetic_is_refused(text, message):
    with pytest.raises(LibraryError, match=message):
        evaluate(text, {"b": "b"})


def test_the_card_that_the_simulator_selects_counts():
    assert card_value(TEXT, "nfet", "toxe", 0.5e-6, 0.1e-6) == pytest.approx(6e-9)
    assert card_value(TEXT, "nfet", "toxe", 1e-6, 0.15e-6) == pytest.approx(3e-9)
    assert card_value(TEXT, "NFET", "voff", 2e-6, 0.15e-6) == -0.2


SIZED = ".subckt nfet d g s b w=1 l=1 ad=0\n.model nfet nmos toxe={2n*(1+1u/w)} voff={ad}\nm1 d g s b nfet\n.ends\n"


def test_a_card_is_read_with_the_parameters_of_the_instance():
    assert card_value(SIZED, "nfet", "toxe", 2e-6, 1e-6, (("w", 2e-6), ("ad", None))) == pytest.approx(3e-9)
    with pytest.raises(LibraryError, match="'ad' has no value"):
        card_value(SIZED, "nfet", "voff", 2e-6, 1e-6, (("w", 2e-6), ("ad", None)))


@pytest.mark.parametrize(
    ("device", "parameter", "width", "message"),
    [
        ("other", "toxe", 1e-6, "other has no model card of its own inside, so its toxe cannot vary by itself"),
        ("nfet", "toxe", 1e-3, "nfet has no model card of its own"),
        ("nfet", "xj", 1e-6, "the model card of nfet does not state xj"),
    ],
)
def test_a_card_that_others_share_cannot_vary(device, parameter, width, message):
    with pytest.raises(LibraryError, match=message):
        card_value(TEXT, device, parameter, width, 0.15e-6)


def test_names_of_processes():
    for corner in CORNERS:
        assert corner_of(drawn(corner)) == corner == corner_of(corner)


def test_draws_have_the_declared_spread_and_correlation():
    """One million dies in numpy: both standard deviations and the correlation within five of their standard errors."""
    count = 2**20
    z = dict(zip(("global.n", "global.p"), normals(("global.n", "global.p"), 3, 0, count).T, strict=True))
    n, p = (sum(each * z[path] for path, each in LAW.shares(polarity)) for polarity in "np")
    error = 5 / np.sqrt(2 * count)
    assert n.std() == pytest.approx(LAW.sigma_n, rel=error)
    assert p.std() == pytest.approx(LAW.sigma_p, rel=error)
    assert np.corrcoef(n, p)[0, 1] == pytest.approx(LAW.correlation, abs=5 * (1 - 0.36) / np.sqrt(count))
    distances = np.array([LAW.distance(*pair) for pair in zip(n[:20000], p[:20000], strict=True)])
    assert stats.kstest(distances**2, stats.chi2(2).cdf).pvalue > 1e-3


def test_corners_lie_on_one_ellipse():
    for corner, (n, p) in CORNERS.items():
        point = LAW.point(corner, 3.0)
        assert (np.sign(point["n"]), np.sign(point["p"])) == (n, p)
        assert LAW.distance(point["n"], point["p"]) == pytest.approx(0.0 if corner == "tt" else 3.0)
    assert LAW.point("ss", 3.0)["n"] > LAW.point("sf", 3.0)["n"]  # types that move together go further together


def test_global_variation_moves_every_transistor_of_a_deck(predictive28):
    """Each transistor in the deck has a knob that a die's random numbers move; without them the knobs are as ever."""
    for name, row in TESTBENCHES.items():
        cells = (kind().sized(predictive28) for kind in (Sram6T, Sram8T))
        cell = next((cell for cell in cells if not row.states or not row.missing(cell)), None)
        if cell is None:
            continue
        plain, drawn_ = (
            row.build(Setting(predictive28, process, 0.9, 300.15, cell, window=1e-9)) for process in ("tt", "mc")
        )
        assert plain.deck == drawn_.deck, name
        assert plain.shared == ()
        assert set(plain.knobs) <= set(drawn_.knobs)
        zero = np.zeros((1, len(plain.knobs)))
        both = {"global.n": np.array([1.0]), "global.p": np.array([1.0])}
        moved = drawn_.knob_values(np.zeros((1, len(drawn_.knobs))), both)[0]
        law = predictive28.global_law
        p = law.sigma_p * (law.correlation + np.sqrt(1 - law.correlation**2))
        expected = [
            -p if "pu" in knob.parameters[0] or knob.sign < 0 else law.sigma_n for knob in drawn_.knobs.values()
        ]
        assert moved == pytest.approx(expected)
        assert not plain.knob_values(zero).any()
        drawn_transistors = {parameter for knob in drawn_.knobs.values() for parameter in knob.parameters}
        assert len(drawn_transistors) == _transistors(drawn_.deck), name


def _transistors(deck):
    """Number of transistors of a deck, subcircuits unfolded."""
    bodies, name = {"": []}, ""
    for line in deck.splitlines():
        word = line.split()[0].lower() if line.strip() else ""
        if word == ".subckt":
            name = line.split()[1].lower()
            bodies[name] = []
        elif word == ".ends":
            name = ""
        elif word[:1] in "mx" and word:
            bodies[name].append(line.lower())

    def count(which):
        return sum(1 if line[0] == "m" else count(line.split()[-1]) for line in bodies[which])

    return count("")


def test_no_law_no_draws(load_private):
    with pytest.raises(TechnologyError, match="mytech states no law of global variation"):
        load_private().at("mc")


GLOBAL = '[global]\nsigma_n = 12e-3\nsigma_p = 20e-3\ncorrelation = 0.6\nsource = "assumed"\n'


def test_corners_that_the_library_lacks_are_made_of_typical_cards(load_private):
    mine = load_private(f"{GLOBAL}corner_sigma = 3.0\n")
    assert set(mine.cards) == {"tt", "ff", "ss", "fs", "sf"}
    assert mine.made == ("ff", "fs")  # ss and sf are the library's
    cell = Sram6T().sized(mine)
    typical, made = (TESTBENCHES["leakage"].build(Setting(mine, p, 1.0, 300.15, cell)) for p in ("tt", "ff"))
    assert made.deck == typical.deck
    shift = mine.global_law.point("ff", 3.0)
    zero = np.zeros((1, len(made.knobs)))
    values = dict(zip(made.knobs, made.knob_values(zero)[0], strict=True))
    assert values["cell.pd_l"] == pytest.approx(shift["n"])
    assert values["cell.pu_l"] == pytest.approx(-shift["p"])
    both = TESTBENCHES["leakage"].build(Setting(mine, "mc_ff", 1.0, 300.15, cell))
    assert both.knob_values(zero) == pytest.approx(made.knob_values(zero))
    assert load_private(GLOBAL).made == ()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (GLOBAL.replace("0.6", "1.0"), "global.correlation=1.0"),
        (GLOBAL.replace("sigma_n = 12e-3\n", ""), "lacks the key 'global.sigma_n'"),
        (GLOBAL.replace('"assumed"', '""'), "global.source"),
        (
            '[devices.n.mismatch.k]\nparameter = "mulu0"\non = "instance"\nof = "pair"\nnominal = 1.0\n',
            "exactly one of",
        ),
        (
            '[devices.n.mismatch.k]\nparameter = "mulu0"\non = "instance"\nof = "pair"\nrelative = 1e-9\n',
            "nominal is for",
        ),
        ('[devices.n.mismatch.k]\nparameter = "x] = 1; y["\non = "card"\nof = "pair"\nrelative = 1e-9\n', "parameter"),
    ],
)
def test_bad_laws_give_one_clear_line(load_private, table, message):
    with pytest.raises(TechnologyError, match=re.escape(message)) as caught:
        load_private(table)
    assert "\n" not in str(caught.value)


def test_a_law_on_a_shared_card_is_refused(load_private):
    mine = load_private('[devices.n.mismatch.tox]\nparameter = "toxe"\non = "card"\nof = "device"\nrelative = 5e-9\n')
    with pytest.raises(TechnologyError, match="NMOS_VTG has no model card of its own inside"):
        TESTBENCHES["leakage"].build(Setting(mine, "tt", 1.0, 300.15, Sram6T().sized(mine)))


def test_a_further_law_has_knobs_and_random_numbers_of_its_own(load_private):
    table = '[devices.n.mismatch.mobility]\nparameter = "mulu0"\non = "instance"\nnominal = 1.0\n'
    mine = load_private(f'{table}of = "pair"\nrelative = 6e-9\ndw = 5e-9\n')
    without, with_ = (
        TESTBENCHES["butterfly_read"].build(Setting(t, "tt", 1.0, 300.15, Sram6T().sized(t)))
        for t in (load_private(), mine)
    )
    assert [path for path in with_.knobs if ":" not in path] == list(without.knobs)
    assert {path for path in with_.knobs if ":" in path} == {
        f"cell.{t}_{s}:mobility" for t in ("pd", "pg") for s in "lr"
    }
    knob = with_.knobs["cell.pd_l:mobility"]
    assert knob.commands == ("alter @m.xl.mpd_l[mulu0] = {}",)
    assert knob.sigma == pytest.approx(6e-9 / np.sqrt(2 * 210e-9 * 50e-9))
    draws = np.zeros((1, len(with_.knobs)))
    draws[0, list(with_.knobs).index("cell.pd_l:mobility")] = 2.0
    values = dict(zip(with_.knobs, with_.knob_values(draws)[0], strict=True))
    assert values["cell.pd_l:mobility"] == pytest.approx(1 + 2 * knob.sigma)
    assert values["cell.pg_l:mobility"] == 1.0
    assert values["cell.pd_l"] == 0.0


def test_every_schema_key_of_a_law_is_documented():
    text = (Path(__file__).parents[2] / "docs/technologies.md").read_text()
    for key in MismatchSection.model_fields:
        assert re.search(rf"^{key} = ", text, re.MULTILINE), key
