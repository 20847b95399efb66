"""Cells, layout rule, names and knobs."""

import numpy as np
import pytest
from PySpice.Spice.Netlist import Circuit, SubCircuit

from netlists import TESTBENCHES, ReadPath, Sram6T, Stt1T1M
from netlists.circuit import add_subcircuit, diffusion
from netlists.technology import load

OF_SRAM = [name for name, row in TESTBENCHES.items() if row.states != Stt1T1M.states]


def test_sizes_come_from_the_technology_unless_given(technology):
    cell = Sram6T(w_pd=200e-9).sized(technology)
    assert (cell.w_pd, cell.w_pu, cell.w_pg, cell.l) == (200e-9, technology.w_pu, technology.w_pg, technology.length)


@pytest.mark.parametrize("size", [0.0, -1e-9, 105.0])
def test_a_size_that_is_none_names_itself_and_the_range(size):
    with pytest.raises(ValueError, match=r"w_pd=.* m is not a transistor size"):
        Sram6T(w_pd=size)


def test_a_shift_of_an_unknown_transistor_names_the_legal_ones():
    with pytest.raises(ValueError, match="pd_l, pu_l, pg_l, pd_r, pu_r, pg_r"):
        Sram6T(shifts={"pd": 0.1})


def test_a_read_path_without_rows_is_refused():
    with pytest.raises(ValueError, match="rows=0 is not a whole number of at least 1"):
        ReadPath(rows=0)


def test_diffusion_counts_the_gate_edge(technology):
    geometry = technology.geometry
    area, perimeter = diffusion(technology, 100e-9, "end")
    assert area == pytest.approx(100e-9 * geometry.diffusion_end)
    assert perimeter == pytest.approx(2 * 100e-9 + 2 * geometry.diffusion_end)
    area, perimeter = diffusion(technology, 100e-9, "shared")
    assert area == pytest.approx(100e-9 * geometry.diffusion_shared)
    assert perimeter == pytest.approx(100e-9 + 2 * geometry.diffusion_shared)


def test_two_subcircuits_of_one_name_are_an_error():
    circuit = Circuit("x")
    for resistance in (1, 1):
        part = SubCircuit("part", "a", "b")
        part.R("1", "a", "b", resistance)
        add_subcircuit(circuit, part)
    other = SubCircuit("part", "a", "b")
    other.R("1", "a", "b", 2)
    with pytest.raises(ValueError, match="two different subcircuits are named part"):
        add_subcircuit(circuit, other)


@pytest.mark.parametrize("name", OF_SRAM)
def test_every_transistor_carries_its_diffusions_and_every_knob_exists(setting_for, name):
    testbench = TESTBENCHES[name].build(setting_for(TESTBENCHES[name], window=1e-9))
    transistors = [line.lower() for line in testbench.deck.splitlines() if line.lower().startswith("m")]
    assert transistors
    for line in transistors:
        assert all(f" {key}=" in line for key in ("ad", "as", "pd", "ps", "w", "l")), line
    for knob in testbench.knobs.values():
        assert knob.sigma > 0
        assert knob.parameters


@pytest.mark.parametrize("name", OF_SRAM)
def test_the_cell_is_the_same_device_in_every_testbench(setting_for, name):
    at = setting_for(TESTBENCHES[name], window=1e-9)
    cell = [path for path in TESTBENCHES[name].build(at).knobs if path.startswith("cell.")]
    expected = [f"cell.{transistor}" for transistor in at.cell.transistor_names]
    assert cell == {"fo4": [], "threshold": expected[:3]}.get(name, expected)


def test_a_positive_draw_raises_the_threshold_of_both_types_and_a_shift_adds(setting):
    testbench = TESTBENCHES["butterfly_hold"].build(setting(shifts={"pd_l": 0.05}))
    none, two = testbench.knob_values(np.array([np.zeros(6), np.full(6, 2.0)]))
    paths = list(testbench.knobs)
    pull_down, pull_up = paths.index("cell.pd_l"), paths.index("cell.pu_l")
    sigma = testbench.knobs["cell.pd_r"].sigma
    assert none[pull_down] == pytest.approx(0.05)
    assert two[pull_down] == pytest.approx(0.05 + 2 * sigma)
    assert two[pull_up] < none[pull_up] == 0


def test_local_sigma_follows_the_pair_law():
    technology = load("predictive28")
    device = technology.devices["pd"]
    assert device.sigma_vth(1e-6, 1e-6) == pytest.approx(device.avt / 1e-6 / 2**0.5)
