"""Reduced libraries: what is kept, what is left out, what is rewritten, and one test per error message."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlists.library import LibraryError, Statement, folder_source, statements
from netlists.modellibrary import Model, assignments, index, number
from netlists.slim import Size, SizeError, bins, inner_transistor, nominal, slim

LIBRARY = Path(__file__).with_name("fake_library") / "fake.lib"
BROKEN = LIBRARY.with_name("broken.lib")
SMALL = Size(0.3e-6, 0.15e-6)


def read(library, section="", includes=()):
    """What a file's section defines, after the files that a deck would include before it."""
    parts = [*((str(path), "") for path in includes), (library.name, section)]
    return index(statements(folder_source(library.parent).read, parts))


def cut(devices=("fake_nfet", "fake_pfet"), sizes=(SMALL,), section="tt"):
    return slim(read(LIBRARY, section), dict.fromkeys(devices, sizes))


def models(text):
    return re.findall(r"^\.model\s+(\S+)", text, re.MULTILINE)


def parameters(text):
    """Global parameters of a reduced text."""
    outside = re.sub(r"(?ms)^\.subckt.*?^\.ends", "", text)
    return {name: value for line in outside.splitlines() if line.startswith(".param") for name, value in pairs(line)}


def pairs(line):
    return assignments(line)[1]


def test_only_the_bins_in_use_are_kept():
    assert models(cut()) == ["fake_pfet.0", "fake_nfet__model.0"]


@pytest.mark.parametrize(
    ("size", "kept"),
    [
        (Size(0.5e-6, 0.15e-6), [0, 1]),
        (Size(0.5e-6 + 0.9e-10, 0.15e-6), [0, 1]),
        (Size(0.5e-6 + 1.1e-10, 0.15e-6), [1]),
        (Size(0.3e-6, 0.2e-6), [0, 2]),
        (Size(0.2e-6 - 0.9e-10, 0.1e-6), [0]),
        (Size(3e-6, 0.15e-6), [3]),
    ],
)
def test_both_neighbours_are_kept_on_an_edge(size, kept):
    assert models(cut(["fake_nfet"], [size])) == [f"fake_nfet__model.{i}" for i in kept]


@pytest.mark.parametrize(
    ("size", "legal"),
    [
        (Size(1.5e-6, 0.15e-6), r"w=1.5 um, l=0.15 um .* fake_nfet__model: legal w 0.2..1 um or 2..5 um at this l"),
        (Size(0.3e-6, 0.05e-6), r"legal l 0.1..0.4 um at this w"),
        (Size(9e-6, 9e-6), r"legal w 0.2..1 um or 2..5 um, l 0.1..0.4 um"),
        (Size(0.3, 0.15), r"w=300000 um"),
    ],
)
def test_sizes_outside_every_bin_name_the_legal_range(size, legal):
    with pytest.raises(SizeError, match=legal):
        cut(["fake_nfet"], [size])


def test_a_binned_device_needs_a_size():
    with pytest.raises(SizeError, match=r"no size of fake_nfet__model is given: legal w 0.2..1 um or 2..5 um, l 0.1"):
        cut(["fake_nfet"], [])


EDGES = [0.2e-6, 0.3e-6, 0.5e-6, 1e-6]
GRID = [
    Model(f"m.{3 * i + j}", "m", Statement((".model",), "m.lib", 1), (EDGES[i], EDGES[i + 1]), (EDGES[j], EDGES[j + 1]))
    for i in range(3)
    for j in range(3)
]


@given(st.lists(st.builds(Size, *[st.one_of(st.floats(0.2e-6, 1e-6), st.sampled_from(EDGES))] * 2), min_size=1))
def test_every_size_keeps_all_bins_that_hold_it_and_no_other(sizes):
    def holds(model, size):
        return model.w[0] <= size.w <= model.w[1] and model.length[0] <= size.length <= model.length[1]

    def close(model, size):
        return all(
            low - 1.01e-10 <= value <= high + 1.01e-10
            for (low, high), value in zip((model.w, model.length), size, strict=True)
        )

    kept = bins(GRID, sizes)
    assert kept == [model for model in GRID if model in kept]
    assert all(model in kept for model in GRID for size in sizes if holds(model, size))
    assert all(any(close(model, size) for size in sizes) for model in kept)


def test_parameters_are_closed_and_nothing_else_is_kept():
    text = cut()
    assert set(parameters(text)) == {"mc_switch", "corner_vth", "half_vth", "n_vth", "p_noise"}
    assert re.findall(r"^\.func (\w+)", text, re.MULTILINE) == ["tox", "slope"]


def test_the_last_definition_of_a_parameter_counts():
    assert parameters(cut())["half_vth"] == "0.21"


def test_sections_differ():
    assert parameters(cut(section="ss"))["corner_vth"] == "{0.02 + 0.01}"
    assert parameters(cut(section="TT"))["corner_vth"] == "0.0"


def test_scale_is_written_into_the_transistors_and_dropped():
    text = cut()
    assert "scale" not in text
    assert ".option tnom=27" in text
    element = dict(pairs(re.search(r"(?ms)^mfake_nfet.*?(?=^\.)", text)[0].replace("\n+", " ")))
    assert element["l"] == "{(l)*1e-06}"
    assert element["ad"] == "{(ad)*1e-12}"
    assert element["pd"] == "{(pd)*1e-06}"
    assert element["sa"] == "{(0.5)*1e-06}"
    assert element["nf"] == "{nf}"


@pytest.mark.parametrize("section", ["tt", "mc"])
def test_nothing_is_drawn_in_the_simulator(section):
    text = cut(section=section)
    assert "gauss" not in text
    assert "drawn=(0)" in text
    assert "{n_vth + mc_switch*(0)*slope(0.01,w,l)}" in text


def test_draws_may_be_nested():
    assert nominal("agauss(gauss(f(1,2),1,1),(a+b),3)*limit( 4 ,1)") == "((f(1,2)))*(4)"
    with pytest.raises(LibraryError, match="unbalanced parentheses"):
        nominal("agauss(0, 1")


def test_a_switch_from_another_file(tmp_path):
    switch = tmp_path / "switch.inc"
    switch.write_text(".param wide=3\n")
    text = slim(read(BROKEN, "undefined", [switch]), {"odd": []})
    assert parameters(text) == {"wide": "3"}


def test_inner_transistors_by_path():
    text = cut(["fake_nfet", "fake_wrapped", "fake_pfet", "fake_bare"])
    assert inner_transistor(text, "fake_nfet") == "mfake_nfet"
    assert inner_transistor(text, "FAKE_wrapped") == "xinner.mfake_nfet"
    assert inner_transistor(text, "fake_pfet") == "m0"
    assert inner_transistor(text, "fake_bare") is None
    with pytest.raises(LibraryError, match="no device 'fake_pnp'"):
        inner_transistor(text, "fake_pnp")


def test_choices_are_kept_with_what_they_need():
    text = cut(["fake_choice"])
    assert re.findall(r"(?m)^\.(?:if|elseif|else|endif)\b.*", text) == [
        ".if(fast == 1 && allow_fast)", ".elseif (fast == 2)", ".else", ".endif"
    ]  # fmt: skip
    assert parameters(text)["allow_fast"] == "1"
    assert models(text) == ["fake_bare"]
    assert inner_transistor(text, "fake_choice") == "m0"


def test_a_file_without_sections():
    text = slim(read(LIBRARY.parent / "device cards" / "pfet.spice"), {"fake_bare": []})
    assert models(text) == ["fake_bare"]


def test_a_path_with_spaces_and_quotes(tmp_path):
    folder = tmp_path / "my private models"
    folder.mkdir()
    (folder / "a b.inc").write_text(".model n1 nmos level=54\n")
    (folder / "top.lib").write_text(".lib x\n.inc 'a b.inc'\n.endl\n")
    assert models(slim(read(folder / "top.lib", "x"), {"N1": []})) == ["n1"]


@pytest.mark.parametrize(
    ("section", "device", "message"),
    [
        ("typical", "fake_nfet", r"fake.lib has no section 'typical'; it has: cards, mc, ss, tt"),
        ("tt", "nfet", r"no subcircuit or model 'nfet' in the library"),
        ("loop", "fake_nfet", r"broken.lib includes itself in section loop"),
        ("lost", "fake_nfet", r"nowhere.spice cannot be read: No such file"),
        ("blocks", "fake_nfet", r"an \.if outside a subcircuit is not supported \(broken.lib, line \d+\)"),
        ("undefined", "odd", r"parameter 'wide' is used but not defined in the library \(broken.lib, line \d+\)"),
        ("commands", "odd", r"broken.lib, line \d+: '\.control' has no place in a model library"),
        ("saves", "odd", r"broken.lib, line \d+: '\.save' has no place in a model library"),
        ("gmin", "odd", r"option 'gmin' has no place in a model library \(broken.lib, line \d+\)"),
        ("outside", "odd", r"broken.lib, line \d+: 'r1 a 0 1' stands outside of a subcircuit"),
        ("nested", "odd", r"\.subckt inside a subcircuit is not supported \(broken.lib, line \d+\)"),
        ("hidden", "twice", r"twice is defined twice: defined at broken.lib, line \d+ and broken.lib, line \d+"),
        ("hidden", "sized", r"sizes of element r1 cannot be scaled \(broken.lib, line \d+\)"),
    ],
)
def test_errors_say_what_and_where(section, device, message):
    with pytest.raises(LibraryError, match=message):
        slim(read(LIBRARY if section in ("tt", "typical") else BROKEN, section), {device: [SMALL]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (".subckt a b\nr1 b 0 1\n", r".subckt without .ends"),
        (".include\n", r"an include without a file"),
        (".param a='\x07'\n", r"a character that cannot be printed"),
        (".option scale=x\n", r"'x' is not a number"),
    ],
)
def test_broken_libraries(tmp_path, text, message):
    path = tmp_path / "broken.lib"
    path.write_text(text)
    with pytest.raises(LibraryError, match=message):
        slim(read(path), {})


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1), ("1.0U", 1e-6), ("2.8e-007", 2.8e-7), ("3meg", 3e6), ("{5m}", 5e-3), ("0.5um", 5e-7)]
)
def test_numbers(text, value):
    assert number(text, "here") == pytest.approx(value, rel=1e-12)


def test_scale_of_the_library():
    assert read(LIBRARY, "tt").scale == pytest.approx(1e-6)
    assert read(BROKEN, "undefined").scale == 1


def test_an_option_that_says_nothing(tmp_path):
    (tmp_path / "a.lib").write_text(".option parser scale=2u\n")
    found = read(tmp_path / "a.lib")
    assert (found.scale, found.options) == (pytest.approx(2e-6), [])
