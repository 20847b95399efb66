"""Comparison with published macros: ratios by hand, parts that add up, and the rules of scaling."""

import numpy as np
import pandas as pd
import pytest

from analysis import comparison, macro
from analysis.architecture import MacroError, MacroModel
from analysis.silicon import MACROS, YAN


@pytest.fixture(scope="module")
def macros(make_table, cell_area):
    table = make_table().assign_attrs(technology="predictive28")
    return {
        reading: macro.evaluate(table, comparison.REFERENCE, cell_area, MacroModel(reads_per_pass=reads))
        for reading, reads in (("held", 1), ("precharged", 8))
    }


def test_published_energy_is_that_of_its_efficiency():
    """64 INT8 products in 8 cycles, two operations each."""
    operations = 2 * 64 / 8
    assert pytest.approx(operations / 27.38e12, rel=1e-12) == comparison.PUBLISHED_ENERGY


def test_reference_by_hand(macros):
    frame = comparison.reference(macros).set_index(["reading", "figure"])
    assert len(frame) == len(macros) * len(comparison.FIGURES)
    ours = macros["held"].sel(design="baseline", process="tt", vdd=0.8).squeeze()
    row = frame.loc["held", "clock"]
    assert row.ratio == pytest.approx(1 / float(ours["cycle_time"]) / 333e6, rel=1e-12)
    assert frame.loc["held", "tops_per_watt"].published == 27.38
    assert frame.loc["held", "tops_per_watt"].origin == "read"
    assert frame.loc["precharged", "tops_per_watt"].ratio < frame.loc["held", "tops_per_watt"].ratio
    assert frame.loc["held", "weight_density"].published == pytest.approx(1.041 * 2**20 * 1e6, rel=1e-12)


def test_parts_add_up_to_the_ratios(macros):
    parts = comparison.made_of(macros).groupby(["reading", "of"])["over_published"].sum()
    frame = comparison.reference(macros).set_index(["reading", "figure"])["ratio"]
    for reading in macros:
        assert parts[reading, "area"] == pytest.approx(frame[reading, "area"], rel=1e-12)
        assert parts[reading, "energy"] == pytest.approx(1 / frame[reading, "tops_per_watt"], rel=1e-12)
        assert parts[reading, "cycle"] == pytest.approx(1 / frame[reading, "clock"], rel=1e-12)


def test_a_macro_at_our_own_node_and_supply_is_carried_unchanged():
    own = {"efficiency": 27.38 * 64, "area_efficiency": 0.18 * 64, "density": YAN.density}
    assert comparison.published(YAN) == pytest.approx(own, rel=1e-12)
    assert comparison.carried(YAN, 28e-9, 0.8) == pytest.approx(own, rel=1e-12)
    chih = comparison.carried(next(other for other in MACROS if other.name.startswith("Chih")), 28e-9, 0.9)
    assert chih["efficiency"] == pytest.approx(89 * 16 * 22 / 28 * (0.72 / 0.9) ** 2, rel=1e-12)
    assert chih["area_efficiency"] == pytest.approx(4.06 * 16 * (22 / 28) ** 2, rel=1e-12)
    assert chih["density"] == pytest.approx(65536 / 0.202e-6 * (22 / 28) ** 2, rel=1e-12)


def test_every_published_macro_is_there(macros):
    frame = comparison.beside(macros)
    assert len(frame) == len(MACROS) * 2 * 2
    assert set(frame["macro"]) == {other.name for other in MACROS}
    assert (frame["vdd"] - frame["published_vdd"]).abs().max() <= 0.2 + 1e-9
    for name in comparison.BESIDE:
        unknown = frame[f"published_{name}"].isna()
        assert (frame[f"{name}_ratio"].isna() == unknown).all()
        assert (frame[f"{name}_carried_ratio"].isna() == unknown).all()
    row = frame[(frame.macro == "Chih ISSCC21") & (frame.reading == "held") & (frame.design == "ddc")].iloc[0]
    assert row.density == pytest.approx(2 * 32 * 64 * 16 / float(macros["held"]["area"].sel(design="ddc")), rel=1e-12)
    assert row.density_ratio == pytest.approx(row.density / (65536 / 0.202e-6), rel=1e-12)
    assert row.density_carried_ratio == pytest.approx(row.density_ratio * (28 / 22) ** 2, rel=1e-12)
    ours = (
        macros["held"]["tops_per_mm2"].sel(process="tt", vdd=row.vdd, design="ddc").sel(temp=298.15, method="nearest")
    )
    assert row.area_efficiency_ratio == pytest.approx(float(ours) * 64 / (4.06 * 16), rel=1e-12)


def test_a_supply_that_is_not_of_the_grid_is_told(macros):
    lacking = {reading: found.sel(vdd=[0.7, 0.9]) for reading, found in macros.items()}
    with pytest.raises(MacroError, match=r"vdd=0\.8 V of the published macro is not one of 0\.7, 0\.9 V"):
        comparison.reference(lacking)


def test_the_order_of_supplies_and_temperatures_does_not_matter(macros):
    mixed = {
        reading: found.isel(vdd=np.roll(np.arange(found.sizes["vdd"]), 1), temp=slice(None, None, -1))
        for reading, found in macros.items()
    }
    for frame in (comparison.reference, comparison.beside):
        pd.testing.assert_frame_equal(frame(mixed), frame(macros))


def test_to_a_technology_without_a_node_nothing_is_carried(macros):
    frame = comparison.beside({reading: found.assign_attrs(technology="mine") for reading, found in macros.items()})
    assert frame["density_carried_ratio"].isna().all()
    assert frame["density_ratio"].notna().any()
