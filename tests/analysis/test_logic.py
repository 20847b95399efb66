import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import logic
from analysis.logic import FULL_ADDER, PRIMITIVES, Block, LogicError


@given(depth=st.integers(0, 8), bits=st.integers(1, 16))
def test_tree_of_a_power_of_two_has_the_published_number_of_adders(depth, bits):
    inputs = 2**depth
    adders = logic.adder_tree(inputs, bits).gates["xor2"] // FULL_ADDER["xor2"]
    assert adders == inputs * (bits + 1) - (bits + depth + 1)


@given(inputs=st.integers(2, 200), bits=st.integers(1, 16))
def test_tree_grows_with_inputs(inputs, bits):
    small, large = logic.adder_tree(inputs - 1, bits), logic.adder_tree(inputs, bits)
    assert large.area > small.area
    assert large.delay >= small.delay


def test_one_input_needs_no_tree():
    assert logic.adder_tree(1, 8).area == 0
    assert logic.adder_tree(1, 8).delay == 0


def test_primitives_are_the_published_ratios():
    nand2 = PRIMITIVES["nand2"]
    assert (nand2.area, nand2.capacitance, nand2.delay) == (0.614e-12, 0.7e-15, 47.8e-12)
    assert PRIMITIVES["xor2"].area == pytest.approx(2.4 * nand2.area)
    assert PRIMITIVES["dff"].capacitance == pytest.approx(3 * nand2.capacitance)
    assert all("ZigZag" in primitive.source for primitive in PRIMITIVES.values())


def test_blocks_add_and_multiply():
    both = Block({"nand2": 2}, 1.0) + Block({"nand2": 1, "dff": 1}, 2.0)
    assert both.gates == {"nand2": 3, "dff": 1}
    assert both.delay == 2.0
    assert (both * 4).nand2_equivalents == pytest.approx(4 * (3 + 6))


@pytest.mark.parametrize("build", [lambda: logic.adder_tree(0, 8), lambda: logic.accumulator(9, 8)])
def test_blocks_that_cannot_be_built(build):
    with pytest.raises(LogicError, match="cannot"):
        build()


def test_delay_factor_is_one_at_the_reference(table):
    factor = logic.delay_factor(table["t_fo4"])
    assert float(factor.sel(process="tt", vdd=0.9).squeeze()) == pytest.approx(1.0)
    assert float(factor.sel(process="ss", vdd=0.9).squeeze()) == pytest.approx(1.2)
    assert factor.attrs["units"] == "1"
    assert factor.attrs["reference_temp"] == 300.15


def test_reference_between_grid_points_is_interpolated(table):
    exact = logic.delay_factor(table["t_fo4"])
    coarse = logic.delay_factor(table["t_fo4"].sel(vdd=[0.8, 1.0]))
    np.testing.assert_allclose(coarse, exact.sel(vdd=[0.8, 1.0]), rtol=0.01)


def test_order_of_the_grid_does_not_matter(table):
    turned = logic.delay_factor(table["t_fo4"].isel(vdd=slice(None, None, -1)))
    np.testing.assert_allclose(turned.sortby("vdd"), logic.delay_factor(table["t_fo4"]))


def test_reference_outside_the_grid_is_refused(table):
    with pytest.raises(LogicError, match=r"vdd=0\.9 V.*outside 0\.7\.\.0\.8 V.*conditions\.vdd"):
        logic.delay_factor(table["t_fo4"].sel(vdd=[0.7, 0.8]))


def test_reference_process_is_needed(table):
    with pytest.raises(LogicError, match=r"process ss, but the gate figures need tt"):
        logic.delay_factor(table["t_fo4"].sel(process=["ss"]))


def test_unknown_reference_is_refused(table):
    with pytest.raises(LogicError, match="t_fo4 is not known"):
        logic.delay_factor(table["t_fo4"].where(table["process"] != "tt"))
