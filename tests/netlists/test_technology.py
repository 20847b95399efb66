"""Technologies as data: the loader, its errors, the mismatch law and the corner cards."""

import copy
import math
import re

import pytest

from netlists import cards, technology
from netlists.cards import ROLES
from netlists.library import models
from netlists.slim import Size
from netlists.technology import Device, Geometry, TechnologyError


@pytest.fixture(scope="module")
def data():
    return technology.document("predictive28")


@pytest.fixture(scope="module")
def predictive28():
    return technology.load("predictive28")


def role_of(loaded, device):
    return next(role for role, other in loaded.devices.items() if other is device)


def parameter(card, name):
    """Value of a parameter in card text."""
    return float(re.search(rf"(?<!\S){name}=(\S+)", card)[1])


def test_loading_is_cached(predictive28):
    assert technology.load("predictive28") is predictive28


@pytest.mark.parametrize(
    "name",
    [
        full
        for name in technology.available()
        for full in technology.flavours(name)
        if not technology.outline(full).osdi
    ],
)
def test_every_technology_is_complete(name, installed):
    loaded = technology.load(name)
    assert loaded.name == name
    assert loaded.installed
    assert tuple(loaded.cards) == ("tt", "ff", "ss", "fs", "sf")
    assert tuple(loaded.devices) == ROLES
    assert loaded.vdd_range[0] < loaded.vdd_nominal <= loaded.vdd_range[1]
    assert loaded.temp_range[0] < 300.15 < loaded.temp_range[1]
    for text in (loaded.description, loaded.citation, loaded.licence, loaded.claims_not):
        assert text
    for process in loaded.cards:
        for device in loaded.devices.values():
            size = Size(getattr(loaded, f"w_{role_of(loaded, device)}"), loaded.length)
            kind = f"{device.polarity}mos" if device.instance == "M" else "subckt"
            assert models(loaded.model_text(process, {device.model: [size]}))[device.model.lower()] == kind


@pytest.mark.parametrize("name", technology.available())
def test_every_target_has_a_source(name):
    targets = technology.outline(name).targets
    assert len({target.key for target in targets}) == len(targets)
    for target in targets:
        assert target.value > 0
        assert 0 < target.tolerance < 1
        assert len(target.source) > 8


def test_a_technology_file_of_ones_own(tmp_path, predictive28):
    text = (technology.resources.files("netlists") / "technologies" / "predictive28.toml").read_text()
    file = tmp_path / "mine.toml"
    file.write_text(text.replace('name = "predictive28"', 'name = "mine"'))
    mine = technology.load(str(file))
    assert mine.name == "mine"
    assert mine.model_sha256 == predictive28.model_sha256


def test_the_hash_follows_the_cards(data, predictive28):
    changed = copy.deepcopy(data)
    changed["models"]["n"]["parameters"]["vth0"] += 1e-3
    assert technology.from_document(changed, "x").model_sha256 != predictive28.model_sha256


def test_unknown_technology():
    with pytest.raises(TechnologyError, match=r"'predictive22' is not one of .*predictive28.*nor a path"):
        technology.load("predictive22")


def test_missing_file(tmp_path):
    with pytest.raises(TechnologyError, match="does not exist"):
        technology.load(str(tmp_path / "none.toml"))


def test_text_that_is_no_toml(tmp_path):
    file = tmp_path / "broken.toml"
    file.write_text("[technology")
    with pytest.raises(TechnologyError, match="is not valid TOML"):
        technology.load(str(file))


def test_missing_key(data):
    changed = copy.deepcopy(data)
    del changed["geometry"]["gate_pitch"]
    with pytest.raises(TechnologyError, match=r"'mine' lacks the key 'geometry\.gate_pitch'"):
        technology.from_document(changed, "mine")


def test_wrong_type(data):
    with pytest.raises(TechnologyError, match="'mine' has corners=3"):
        technology.from_document({**data, "corners": 3}, "mine")


def test_unknown_process(predictive28):
    with pytest.raises(TechnologyError, match="process='tf' is not one of tt, ff, ss, fs, sf for predictive28"):
        predictive28.model_text("tf", {})


def test_pelgrom_law():
    """A pair's AVT is the spread of a difference, sqrt 2 times that of one device; areas average."""
    device = Device("m", "n", 2e-9, "device", 1)
    pair = Device("m", "n", 2e-9, "pair", 1)
    assert device.sigma_vth(100e-9, 40e-9) == pytest.approx(2e-9 / math.sqrt(4e-15))
    assert device.sigma_vth(100e-9, 40e-9) == pytest.approx(math.sqrt(2) * pair.sigma_vth(100e-9, 40e-9))
    assert device.sigma_vth(400e-9, 40e-9) == pytest.approx(device.sigma_vth(100e-9, 40e-9) / 2)


def test_predictive28_mismatch(predictive28):
    """AVT 2 mV um of a pair: 25.2 mV for one pull-down of 105/30 nm."""
    pd, pu = predictive28.devices["pd"], predictive28.devices["pu"]
    assert (pd.avt_of, pu.avt_of) == ("pair", "pair")
    assert pd.sigma_vth(105e-9, 30e-9) == pytest.approx(25.2e-3, rel=1e-3)
    assert (pd.shift_sign, pu.shift_sign) == (1, -1)


def test_predictive28_geometry(predictive28):
    geometry = predictive28.geometry
    assert geometry.cell_area == pytest.approx(0.120e-12)
    assert geometry.cell_height == pytest.approx(2 * geometry.gate_pitch)
    assert 2 * geometry.diffusion_shared + predictive28.length == pytest.approx(geometry.gate_pitch)
    assert isinstance(geometry, Geometry)


def test_body_effect_follows_from_doping(data):
    """The card's k1 is sqrt(2 q eps_si ndep) / Cox, rounded."""
    common = data["models"]["common"]
    doping = common["ndep"] * 1e6
    cox = common["epsrox"] * 8.854e-12 / common["toxe"]
    assert common["k1"] == pytest.approx(math.sqrt(2 * 1.602e-19 * 11.7 * 8.854e-12 * doping) / cox, rel=0.02)
    assert common["dtox"] == pytest.approx(common["toxe"] - common["toxp"])


@pytest.mark.parametrize(("polarity", "sign"), [("n", 1), ("p", -1)])
def test_corner_cards(data, polarity, sign):
    """``vth`` moves the magnitude, ``xl`` adds to the length, other keys multiply."""
    typical, fast = (cards.written_card(data, polarity, process) for process in ("tt", "ff"))
    assert sign * parameter(fast, "vth0") == pytest.approx(sign * parameter(typical, "vth0") - 0.03, abs=2e-6)
    assert parameter(fast, "u0") == pytest.approx(1.04 * parameter(typical, "u0"), rel=1e-5)
    assert parameter(fast, "xl") == pytest.approx(-0.6e-9)
    assert "xl=" not in typical


def test_skewed_corners_are_made_of_their_halves(data):
    for name, key in (("vth0", "vth"), ("u0", "u0")):
        for skewed, n_like, p_like in (("fs", "ff", "ss"), ("sf", "ss", "ff")):
            corners = data["corners"]
            assert corners[skewed]["n"][key] == corners[n_like]["n"][key], name
            assert corners[skewed]["p"][key] == corners[p_like]["p"][key], name


def test_a_card_parameter_without_a_value_to_multiply(data):
    changed = copy.deepcopy(data)
    changed["corners"]["ff"]["n"]["toxeee"] = 0.98
    with pytest.raises(TechnologyError, match="lacks the key 'toxeee'"):
        technology.from_document(changed, "mine")


@pytest.mark.parametrize("polarity", ["n", "p"])
def test_fitted_parameters_are_inside_their_bounds(data, polarity):
    """None is on a bound: each keeps at least 1 % of its range away."""
    bounds, start = data["bounds"][polarity], data["start"][polarity]
    assert bounds.keys() == start.keys()
    for name, (low, high, source) in bounds.items():
        for value in (start[name], data["models"][polarity]["parameters"][name]):
            assert 0.01 < (value - low) / (high - low) < 0.99, name
        assert len(source) > 8


def test_what_is_not_claimed_is_switched_off(data):
    common = data["models"]["common"]
    assert (common["igcmod"], common["igbmod"], common["agidl"], common["agisl"]) == (0, 0, 0, 0)
    assert common["lpe0"] == 0


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("cell", "w_pd", -105e-9, r"cell\.w_pd=-1\.05e-07: must be greater than"),
        ("cell", "w_pd", "a", r"cell\.w_pd='a': must be a valid number"),
        ("technology", "length", 0.0, r"technology\.length=0\.0: must be greater than"),
        ("technology", "vdd_range", [0.5], r"lacks the key 'technology\.vdd_range\.1'"),
        ("geometry", "cell_height", 0.0, r"geometry\.cell_height=0\.0: must be greater than"),
    ],
)
def test_a_number_that_cannot_be_is_one_clear_line(section, key, value, message):
    data = copy.deepcopy(technology.document("predictive28"))
    data[section][key] = value
    with pytest.raises(TechnologyError, match=message) as caught:
        technology.from_document(data, "mine.toml")
    assert "\n" not in str(caught.value)
