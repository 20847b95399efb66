import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import logic
from analysis.logic import KINDS, Block, LogicError, by_kind
from netlists.addertree import adder_tree, shift_accumulate


def adders(levels):
    return sum(level.gates["half_adder"] + level.gates["full_adder"] for level in levels)


@given(depth=st.integers(1, 8), bits=st.integers(2, 16))
def test_tree_of_a_power_of_two_has_the_published_number_of_adders(depth, bits):
    inputs = 2**depth
    assert adders(logic.adder_tree(inputs, bits)) == inputs * (bits + 1) - (bits + depth + 1)


@given(inputs=st.integers(2, 40), bits=st.integers(2, 9))
def test_blocks_are_those_of_the_netlists(inputs, bits):
    """The accumulator's highest bit is a full adder here, two exclusive ors there."""
    tree = sum(logic.adder_tree(inputs, bits), Block.of()).gates
    tree["xor2"] = 2 * tree.pop("sign")
    netlist = adder_tree(inputs, bits)
    assert tree == netlist.gates
    sums = len(netlist.outputs)
    found = logic.accumulator(sums, sums + bits).gates
    drawn = shift_accumulate(netlist.outputs, bits).gates
    assert found["dff"] == drawn["dff"]
    assert found["clear"] == drawn["nand2"] == drawn["inverter"]
    assert found["invert"] + 2 == drawn["xor2"]
    assert found["half_adder"] == drawn["half_adder"]
    assert found["full_adder"] == drawn["full_adder"] + 1


@given(inputs=st.integers(2, 200), bits=st.integers(1, 16))
def test_tree_grows_with_inputs(inputs, bits):
    small, large = (sum(logic.adder_tree(n, bits), Block.of()).counts.sum() for n in (inputs - 1, inputs))
    assert large > small
    shorter, longer = (sum(logic.adder_tree_path(n, bits).values()) for n in (inputs - 1, inputs))
    assert longer >= shorter


def test_one_input_needs_no_tree():
    assert logic.adder_tree(1, 8) == ()
    assert logic.adder_tree_path(1, 8) == {}


def test_published_gates_are_the_published_ratios(table):
    gates = logic.published(table["t_fo4"], np.zeros(table["t_fo4"].shape), 0.25, 0.5, 1e-12)
    place = {kind: number for number, kind in enumerate(KINDS)}
    at = table["t_fo4"].get_index("process").get_loc("tt"), table["t_fo4"].get_index("vdd").get_loc(0.9), 0
    nand2, xor2, dff, adder = (place[kind] for kind in ("nand2", "xor2", "dff", "full_adder"))
    assert gates.area[nand2] == 0.614e-12
    assert gates.energy[nand2][at] == pytest.approx(0.7e-15 * 0.81, rel=1e-12)
    assert gates.delay["gate"][at] == pytest.approx(47.8e-12, rel=1e-12)
    assert gates.area[xor2] == pytest.approx(2.4 * 0.614e-12, rel=1e-12)
    assert gates.energy[dff][at] == pytest.approx(3 * 0.7e-15 * 0.81, rel=1e-12)
    assert gates.area[adder] == pytest.approx(3 * gates.area[nand2] + 2 * gates.area[xor2], rel=1e-12)
    assert gates.energy[adder][at] == pytest.approx(3 * gates.energy[nand2][at] + 2 * gates.energy[xor2][at], rel=1e-12)
    assert gates.delay["sum"][at] == pytest.approx(2 * 2.4 * 47.8e-12, rel=1e-12)
    assert gates.delay["carry_out"][at] == pytest.approx((2.4 + 2) * 47.8e-12, rel=1e-12)
    assert "ZigZag" in gates.source


def test_composed_kinds_are_sums():
    numbers = by_kind({kind: 1.0 for kind in KINDS if kind not in logic.COMPOSED} | {"xor2": 5.0})
    assert numbers[KINDS.index("sign")] == 10
    assert numbers[KINDS.index("clear")] == 2


def test_blocks_add_and_multiply():
    assert ((Block.of(nand2=2) + Block.of(nand2=1, dff=1)) * 4).gates == {"nand2": 12, "dff": 4}


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
