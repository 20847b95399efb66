"""Published macros: units of the right size, every figure with its origin, and figures that imply one another."""

from dataclasses import fields

import pytest

from analysis.silicon import MACROS, ORIGINS, YAN

FIGURES = ("node", "vdd", "tops_per_watt", "tops_per_mm2", "area", "density", "capacity_bits", "clock")


@pytest.mark.parametrize("macro", MACROS, ids=lambda macro: macro.name)
def test_every_figure_and_no_other_has_an_origin(macro):
    known = {name for name in FIGURES if getattr(macro, name) is not None}
    assert set(macro.origin) == known
    assert set(macro.origin.values()) <= set(ORIGINS)
    assert 3e-9 < macro.node < 100e-9
    assert 0.4 < macro.vdd < 1.2
    assert macro.source
    assert macro.tops_per_watt > 1


def test_figures_are_fields_of_a_macro():
    assert set(FIGURES) < {field.name for field in fields(YAN)}
    assert len({macro.name for macro in MACROS}) == len(MACROS)


def test_the_reference_implies_its_own_figures():
    """Capacity over area is the density, and 64 INT8 products per 8 cycles the rate per area, as rounded."""
    assert YAN.capacity_bits / YAN.area == pytest.approx(YAN.density, rel=1e-3)
    rate = 2 * 64 / 8 * YAN.clock * 1e-12
    assert rate / (YAN.area * 1e6) == pytest.approx(YAN.tops_per_mm2, rel=0.02)
