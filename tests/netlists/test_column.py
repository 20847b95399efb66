"""The array of a column as a circuit: patterns, places, what is drawn, messages."""

from dataclasses import replace

import numpy as np
import pytest

from netlists import TESTBENCHES, ReadPath
from netlists.column import PATTERNS, POSITIONS, Array, lumps


@pytest.mark.parametrize(
    ("pattern", "state", "bits"),
    [
        ("zeros", "q", (0, 0, 0, 0)),
        ("ones", "qb", (1, 1, 1, 1)),
        ("half", "q", (1, 0, 1, 0)),
        ("half", "qb", (1, 0, 1, 0)),
        ("worst", "q", (0, 0, 0, 0)),
        ("worst", "qb", (1, 1, 1, 1)),
    ],
)
def test_stored_patterns(pattern, state, bits):
    assert Array(rows=5, pattern=pattern).stored(state) == bits


def test_a_random_pattern_is_its_seeds_and_about_half_ones():
    bits = Array(rows=512, pattern="random", pattern_seed=3).stored("q")
    assert bits == Array(rows=512, pattern="random", pattern_seed=3).stored("qb")
    assert bits != Array(rows=512, pattern="random", pattern_seed=4).stored("q")
    assert 200 < sum(bits) < 311


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rows": 2.5}, r"rows=2\.5 is not a whole number of at least 1 \(readpath\.rows\)"),
        ({"pattern": "checker"}, r"pattern='checker' is not one of half, zeros, ones, worst, random \(readpath"),
        ({"position": "middle"}, r"position='middle' is not one of near, far \(readpath\.position\)"),
        ({"representation": "short"}, r"representation='short' is not one of equivalent, full$"),
        ({"pattern_seed": -1}, r"pattern_seed=-1 is not a whole number of at least 0 \(readpath\.pattern_seed\)"),
    ],
)
def test_what_is_no_array_is_named_with_the_legal_values(values, message):
    with pytest.raises(ValueError, match=message):
        ReadPath(**values)


def elmore(places, weights, end):
    """Resistance in front of the mean of the weights, from place 0, and from there to the end; 1 per pitch."""
    places, weights = np.array(places), np.array(weights) / sum(weights)
    common = np.minimum(places[:, None], places[None, :])
    return float(weights @ common @ weights), float(weights @ np.minimum(places, end))


@pytest.mark.parametrize("unselected", [1, 2, 3, 7, 255])
def test_lumps_see_the_resistances_of_the_ladder_from_both_ends(unselected):
    """The double sum over capacitances of the common resistance is that of the whole ladder, near as far."""
    rows = np.arange(1.0, unselected + 1)
    places = [place.pitches for place in lumps(unselected)]
    shares = [place.share for place in lumps(unselected)]
    assert sum(shares) == 1
    assert max(places) <= unselected
    near, through = elmore(rows, np.ones(unselected), unselected)
    assert elmore(places, shares, unselected) == pytest.approx((near, through), rel=1e-12)
    far, _ = elmore(unselected - rows, np.ones(unselected), unselected)
    assert elmore([unselected - place for place in places], shares, unselected)[0] == pytest.approx(far, abs=1e-9)


def wires(deck, line):
    """Capacitance [F] and resistance [ohm] of a bit line's wire in a deck of one column, both states."""
    rows = [text.split() for text in deck.splitlines()]
    farad = [float(r[3]) for r in rows if r and r[0].startswith(f"Cwire_{line}_")]
    ohm = [float(r[3]) for r in rows if r and r[0].startswith(f"Rwire_{line}_")]
    return sum(farad), sum(ohm)


def deck(setting, **values):
    return TESTBENCHES["read_path"].build(replace(setting(window=1e-9), readpath=ReadPath(**values))).deck


@pytest.mark.parametrize("rows", [1, 2, 9])
def test_both_columns_have_the_whole_wire(setting, technology, rows):
    geometry = technology.geometry
    pitch = (geometry.wire_capacitance * geometry.cell_height, geometry.wire_resistance * geometry.cell_height)
    for representation in ("full", "equivalent"):
        farad, ohm = wires(deck(setting, rows=rows, representation=representation), "bl")
        assert farad == pytest.approx(pitch[0] * rows)
        assert ohm == pytest.approx(pitch[1] * (rows - 0.5))  # the half pitch behind the last row carries nothing


def test_an_ideal_wire_needs_no_nodes_of_its_own(setting, technology):
    ideal = replace(technology, geometry=replace(technology.geometry, wire_resistance=0.0))
    at = replace(setting(window=1e-9), technology=ideal)
    decks = [
        TESTBENCHES["read_path"].build(replace(at, readpath=ReadPath(position=position))).deck for position in POSITIONS
    ]
    assert not any("Rwire" in text for text in decks)
    assert not any(" bl_0 " in text for text in decks)


def test_the_full_column_draws_every_cell_and_guesses_its_state(setting):
    text = deck(setting, rows=4, representation="full", pattern="worst")
    assert sum(line.startswith("Xrow") for line in text.splitlines()) == 3  # both states share one subcircuit
    assert ".nodeset v(xq.xarray.q_3)=0.0" in text
    assert ".nodeset v(xqb.xarray.q_3)=1.0" in text


@pytest.mark.parametrize("pattern", PATTERNS)
def test_lumps_stand_for_every_transistor_of_every_unselected_row_once(setting, pattern):
    at = setting()
    bench = TESTBENCHES["read_path"].build(replace(at, readpath=ReadPath(rows=10, pattern=pattern), window=1e-9))
    for state in ("q", "qb"):
        lumped = [knob for path, knob in bench.knobs.items() if path.startswith(f"rows_{state}.")]
        members = [member for knob in lumped for member in knob.lump.members]
        assert sorted(members) == sorted(f"row{row}.{t.name}" for row in range(1, 10) for t in at.cell.transistors())
