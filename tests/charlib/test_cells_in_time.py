"""Cells of the user in time: the same numbers as our own 6T, and what parasitics between its nodes cost."""

from dataclasses import replace

import numpy as np
import pytest

from charlib import Conditions, Status, characterize
from netlists import NetlistCell, Sram6T

pytestmark = pytest.mark.ngspice

PORTS = {"bl": "BL", "blb": "BR", "wl": "WL", "vdd": "VDD", "gnd": "VSS"}
CELL = """\
.subckt stage in out line wl vdd vss
Mn out {gate} vss vss nmos28 w=105n l=30n ad=4.725e-15 as=4.725e-15 pd=195n ps=195n
Mp out {gate} vdd vdd pmos28 w=50n l=30n ad=3.75e-15 as=2.25e-15 pd=250n ps=140n
Ma line wl out vss nmos28 w=72n l=30n ad=3.24e-15 as=3.24e-15 pd=162n ps=162n
{stage}.ends
.subckt cell BL BR WL VDD VSS
Xl QB Q BL WL VDD VSS stage
Xr Q QB BR WL VDD VSS stage
{cell}.ends
"""
"""Our own sizes with the diffusions that the layout rule draws."""
SKEWED = {"pd_r": 0.3, "pg_r": -0.3, "pu_l": 0.2}, {"xr_mn": 0.3, "xr_ma": -0.3, "xl_mp": 0.2}
"""A cell that loses Q = 1 at a read, by our names and by those of the file."""
IN_TIME = ("t_bl", "t_read_p", "e_read", "t_write", "e_write", "t_pulse_write", "v_half")


def netlist(stage="", cell="", gate="in"):
    return NetlistCell(CELL.format(stage=stage, cell=cell, gate=gate), "cell", PORTS)


def measured(cell, *metrics, vdd=1.0, accuracy="default"):
    at = Conditions(vdd=[vdd])
    return characterize(cell=cell, conditions=at, metrics=metrics, workers=1, accuracy=accuracy).squeeze()


def same(found, expected, metrics, rtol):
    for metric in metrics:
        name = f"{metric}_lobes" if f"{metric}_lobes" in expected else metric
        assert (found[f"{name}_status"].values == expected[f"{name}_status"].values).all(), metric
        np.testing.assert_allclose(found[name], expected[name], rtol=rtol, err_msg=metric)


def test_a_netlist_with_our_diffusions_has_our_numbers_in_time():
    same(measured(netlist(), *IN_TIME), measured(Sram6T(), *IN_TIME), IN_TIME, 1e-4)


def test_shifts_of_a_netlists_transistors_are_those_of_ours_in_time():
    metrics = ("t_write", "t_pulse_write", "t_pulse_read", "v_half")
    ours, theirs = SKEWED
    expected = measured(Sram6T(shifts=ours), *metrics, vdd=0.8)
    same(measured(replace(netlist(), shifts=theirs), *metrics, vdd=0.8), expected, metrics, 1e-4)
    assert expected["t_pulse_read_lobes_status"].values.tolist() == [Status.ok, Status.censored_high]
    assert expected["v_half_lobes_status"].values.tolist() == [Status.not_performed, Status.ok]


def test_parasitics_of_no_size_change_nothing_in_time():
    metrics = ("t_read_p", "t_write", "e_write", "v_half")
    tiny = netlist("Rg in g 10m\nCo out vss 1e-21\n", "Cc Q QB 1e-21\n", gate="g")
    same(measured(tiny, *metrics), measured(netlist(), *metrics), metrics, 1e-3)


def test_a_capacitor_of_the_cell_costs_its_charge_and_resistance_its_time():
    """Between the storage nodes it turns over, 2 C VDD^2; from both to ground one is charged, C VDD^2.

    And what pull-up and write driver take from each other while the slower cell turns over: up to half as much.
    """
    farad, metrics = 0.4e-15, ("e_write", "t_write")
    plain = measured(netlist(), *metrics)
    for cell, share in ((netlist(cell=f"Cc Q QB {farad}\n"), 2.0), (netlist(stage=f"Co out vss {farad}\n"), 1.0)):
        found = measured(cell, *metrics)
        more = found["e_write_lobes"] - plain["e_write_lobes"]
        assert ((more > share * farad) & (more < 1.5 * share * farad)).all()
        assert (found["t_write_lobes"] > 1.05 * plain["t_write_lobes"]).all()
    behind = measured(netlist("Rg in g 20k\n", gate="g"), *metrics)
    assert (behind["t_write_lobes"] > plain["t_write_lobes"]).all()
    np.testing.assert_allclose(behind["e_write_lobes"], plain["e_write_lobes"], rtol=0.05)
