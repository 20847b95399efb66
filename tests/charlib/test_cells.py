"""Cells of the user and the 8T cell, simulated: against our own 6T, the uncut cell and the definition of the margin."""

from dataclasses import replace

import numpy as np
import pytest

import charlib
from charlib import Conditions, InvalidPlan, PlanMismatch, Variation, characterize, reproduce
from charlib.metrics import METRICS, static
from charlib.metrics.butterfly import snm
from charlib.status import Status
from netlists import TESTBENCHES, CellError, NetlistCell, Setting, Sram6T, Sram8T, pdk
from netlists.analyses import OperatingPoint, Sweep
from netlists.circuit import deck_text
from netlists.technology import load
from netlists.testbench import Testbench

pytestmark = pytest.mark.ngspice

STATIC = ("snm_hold", "snm_read", "i_read", "i_leak")
WITHOUT_TIME = (
    *STATIC, "snm_write", "svnm", "sinm", "wtv", "wti", "wm_bl", "wm_wl", "drv", "v_bump", "i_leak_vdd", "i_leak_bl",
    "i_leak_blb",
)  # fmt: skip
"""All static metrics of a cell."""
PORTS = {"bl": "BL", "blb": "BR", "wl": "WL", "vdd": "VDD", "gnd": "VSS"}

PLAIN = """\
.subckt cell BL BR WL VDD VSS
Mnl Q QB VSS VSS nmos28 w=105n l=30n {diffusion}
Mpl Q QB VDD VDD pmos28 w=50n l=30n
Mnr QB Q VSS VSS nmos28 w=105n l=30n {diffusion}
Mpr QB Q VDD VDD pmos28 w=50n l=30n
Mal BL WL Q VSS nmos28 w=72n l=30n
Mar BR WL QB VSS nmos28 w=72n l=30n
.ends
"""

EXTRACTED = """\
* a stage in a subcircuit, its gates behind resistors, its output at the far end of another one
.subckt half out in line WL VDD VSS wn=105n
Mn d g1 VSS VSS nmos28 w={wn} l=30n
Mp dp g2 VDD VDD pmos28 w=50n l=30n
Ma line WL da VSS nmos28 w=72n l=30n
R1 d out 700
R2 dp out 300
R3 da d 500
R4 in g1 5k
R5 in g2 5k
C1 out VSS 0.05f
.ends
.subckt cell BL BR WL VDD VSS
Xl Q QB BL#1 WL#1 VDD#1 VSS#1 half wn=110n
Xr QB Q BR#1 WL#1 VDD#1 VSS#1 half
Rbl BL BL#1 100
Rbr BR BR#1 100
Rwl WL WL#1 100
Rv VDD VDD#1 100
Rg VSS VSS#1 100
Cc Q QB 0.03f
.ends
"""


def plain(diffusion=""):
    return NetlistCell(PLAIN.format(diffusion=diffusion), "cell", PORTS)


def extracted():
    return NetlistCell(EXTRACTED, "cell", PORTS)


def setting(technology, cell, vdd=1.0):
    return Setting(technology, "tt", vdd, 298.15, cell.sized(technology))


def read_state(session, solve, at):
    """Storage nodes [V] of the whole cell at read in state q."""
    found = solve(session, TESTBENCHES["read_current"].build(at))
    return float(found["q_q"][0, -1]), float(found["qb_q"][0, -1])


def test_openrams_cell_is_our_own(installed):
    """Their file unchanged against our 6T: 205/90/135 nm in both.

    The file states no diffusions, ours are drawn by the layout rule; at DC both agree nevertheless.
    """
    path = pdk.package("freepdk45").folder / "openram/technology/freepdk45/sp_lib/cell_1rw.sp"
    theirs = NetlistCell.read(path, "cell_1rw", {"bl": "bl", "blb": "br", "wl": "wl", "vdd": "vdd", "gnd": "gnd"})
    at = Conditions(process=["tt", "fs"], vdd=[0.7, 1.0], temp=[300.15])
    ours, found = (
        characterize(
            cell=c, technology="freepdk45", conditions=at, metrics=WITHOUT_TIME, workers=1, accuracy="reference"
        )
        for c in (Sram6T(w_pd=205e-9, w_pu=90e-9, w_pg=135e-9, l=50e-9), theirs)
    )
    for metric in WITHOUT_TIME:
        assert (found[f"{metric}_status"] == Status.ok).all()
        np.testing.assert_allclose(found[f"{metric}_lobes"], ours[f"{metric}_lobes"], rtol=1e-4, err_msg=metric)


@pytest.mark.parametrize("vdd", [0.6, 1.0])
def test_a_half_whose_input_is_the_other_node_is_the_uncut_cell(technology, solve, reference, vdd):
    """Resistors of kilohms between storage nodes and gates: the cut changes no state of the cell."""
    at = setting(technology, extracted(), vdd)
    q, qb = read_state(reference, solve, at)
    circuit = at.circuit("halves driven with the state of the cell")
    circuit.V("dd", "vdd", "0", vdd)
    for side, level in (("l", qb), ("r", q)):
        circuit.V(f"in_{side}", f"in_{side}", "0", level)
        name = at.cell.add_half(circuit, technology, side)
        circuit.X(side, name, f"in_{side}", f"out_{side}", "vdd", "vdd", "vdd", "0")
    probes, nodeset = ("out_l", "out_r"), f".nodeset v(out_l)={q!r} v(out_r)={qb!r}"
    testbench = Testbench("halves", deck_text(circuit, probes, (nodeset,)), OperatingPoint(), probes, {}, {})
    found = solve(reference, testbench, np.zeros((1, 0)))
    assert found["out_l"][0, 0] == pytest.approx(q, abs=1e-7)
    assert found["out_r"][0, 0] == pytest.approx(qb, abs=1e-7)


@pytest.mark.parametrize(("name", "wordline"), [("butterfly_hold", 0.0), ("butterfly_read", 1.0)])
def test_the_margin_is_the_noise_that_the_closed_loop_bears(technology, solve, session, reference, name, wordline):
    """Seevinck's definition: halves closed to a loop with a source at each input, raised until the state is lost."""
    at = setting(technology, extracted())
    margins = snm(solve(session, TESTBENCHES[name].build(at))).values[0]
    for lobe, (q, sign) in enumerate(((1.0, 1), (0.0, -1))):
        circuit = at.circuit("loop with noise")
        circuit.V("dd", "vdd", "0", at.vdd)
        circuit.V("wl", "wl", "0", wordline)
        circuit.V("noise", "noise", "0", 0.0)
        for side, inp, out, way in (("l", "qb", "q", sign), ("r", "q", "qb", -sign)):
            circuit.VCVS(f"noise_{side}", f"in_{side}", inp, "noise", "0", voltage_gain=way)
            half = at.cell.add_half(circuit, technology, side)
            circuit.X(side, half, f"in_{side}", out, "vdd", "wl", "vdd", "0")
        probes, step = ("q", "qb", "noise"), 0.25e-3
        sweep = Sweep("vnoise", 0.0, 0.5, 1 + round(0.5 / step))
        deck = deck_text(circuit, probes, (f".nodeset v(q)={q!r} v(qb)={1 - q!r}",))
        found = solve(reference, Testbench("noise", deck, sweep, probes, {}, {}), np.zeros((1, 0)))
        held = sign * (found["q"] - found["qb"])[0] > 0
        assert held[0]
        assert found["noise"][0, held.argmin()] == pytest.approx(margins[lobe], abs=2 * step)


def test_parasitic_resistance_costs_read_current_and_a_stronger_side_shows(technology, solve, session):
    ours, theirs = (
        static.i_read(solve(session, TESTBENCHES["read_current"].build(setting(technology, c)))).values[0]
        for c in (Sram6T(), extracted())
    )
    assert (theirs < 0.97 * ours).all()
    assert theirs[1] > 1.005 * theirs[0]  # state qb is read through the left, wider pull-down


def test_a_netlist_of_our_own_sizes_has_our_own_numbers(technology):
    """At DC the areas that the file does not state do not matter; in the read path they do."""
    ours, theirs = (
        characterize(cell=c, metrics=(*STATIC, "t_read_p"), workers=1, accuracy="reference") for c in (None, plain())
    )
    for metric in STATIC:
        np.testing.assert_allclose(theirs[metric], ours[metric], rtol=2e-5)
    ratio = float(theirs["t_read_p"].item() / ours["t_read_p"].item())
    assert 0.95 < ratio < 0.999


def test_mismatch_of_each_transistor_reaches_its_own_side(technology, solve, session):
    """A weak right pull-down, named as the file names it, and the same on ours."""
    pairs = ({"pd_r": 0.1}, {"mnr": 0.1}), ({"pg_l": -0.1}, {"mal": -0.1}), ({"pu_l": 0.2}, {"mpl": 0.2})
    for ours, theirs in pairs:
        cells = Sram6T(shifts=ours), replace(plain(), shifts=theirs)
        margins = [
            snm(solve(session, TESTBENCHES["butterfly_read"].build(setting(technology, c)))).values for c in cells
        ]
        np.testing.assert_allclose(margins[0], margins[1], atol=1e-5)
        assert abs(margins[0][0, 0] - margins[0][0, 1]) > 1e-3


def test_a_directory_belongs_to_the_files_content(tmp_path):
    out, arguments = tmp_path / "r", {"metrics": ["snm_read", "i_read"], "workers": 1, "out": tmp_path / "r"}
    characterize(cell=extracted(), variation=Variation(samples=6), **arguments)
    assert (out / "cell.sp").read_text() == EXTRACTED
    for metric in arguments["metrics"]:
        assert reproduce(out, metric, "tt", 1.0, 298.15, 5).identical
    moved = replace(extracted(), file="other name.sp")
    characterize(cell=moved, variation=Variation(samples=6), **arguments)
    changed = replace(extracted(), text=EXTRACTED.replace("wn=110n", "wn=111n"))
    with pytest.raises(PlanMismatch, match=r"cell\.sha256"):
        characterize(cell=changed, variation=Variation(samples=6), **arguments)
    (out / "cell.sp").write_text(changed.text)
    with pytest.raises(CellError, match=r"cell.sp is not the cell of these results"):
        reproduce(out, "snm_read", "tt", 1.0, 298.15, 5)
    lut = charlib.LookupTable.open(out / "tables.nc")
    assert lut("i_read", process="tt", vdd=1.0, temp=298.15) > 0


def test_a_cell_of_a_foundrys_transistors(installed):
    """SKY130's SRAM devices, subcircuits with lengths in um, as a netlist and as our own 6T."""
    sky130 = load("sky130")
    own = Sram6T().sized(sky130)
    um = {name: f"{getattr(own, name) * 1e6:.6g}" for name in ("w_pd", "w_pu", "w_pg", "l")}
    latch, load_, access = (sky130.devices[role].model for role in ("pd", "pu", "pg"))
    text = f"""\
.subckt cell BL BR WL VDD VSS
X0 Q QB VSS VSS {latch} w={um["w_pd"]} l={um["l"]}
X1 Q QB VDD VDD {load_} w={um["w_pu"]} l={um["l"]}
X2 QB Q VSS VSS {latch} w={um["w_pd"]} l={um["l"]}
X3 QB Q VDD VDD {load_} w={um["w_pu"]} l={um["l"]}
X4 BL WL Q VSS {access} w={um["w_pg"]} l={um["l"]}
X5 BR WL QB VSS {access} w={um["w_pg"]} l={um["l"]}
.ends
"""
    arguments = {"technology": "sky130", "conditions": Conditions(vdd=[1.8]), "metrics": STATIC, "workers": 1}
    ours, theirs = (
        characterize(cell=c, variation=Variation(samples=3), **arguments)
        for c in (None, NetlistCell(text, "cell", PORTS))
    )
    for metric in ("snm_hold", "snm_read", "i_read"):
        np.testing.assert_allclose(theirs[f"{metric}_nominal"], ours[f"{metric}_nominal"], rtol=1e-3, err_msg=metric)
        assert np.ptp(theirs[metric].values) > 0


EIGHT = """\
.subckt cell BL BR WL VDD VSS RBL RWL
Mnl Q QB VSS VSS nmos28 w=105n l=30n
Mpl Q QB VDD VDD pmos28 w=50n l=30n
Mnr QB Q VSS VSS nmos28 w=105n l=30n
Mpr QB Q VDD VDD pmos28 w=50n l=30n
Mal BL WL Q VSS nmos28 w=72n l=30n
Mar BR WL QB VSS nmos28 w=72n l=30n
Mrd x QB VSS VSS nmos28 w=105n l=30n
Mra RBL RWL x VSS nmos28 w=72n l=30n
.ends
"""


def test_reading_an_8t_leaves_its_margin_alone():
    six, eight = (characterize(cell=c, metrics=STATIC, workers=1) for c in (Sram6T(), Sram8T()))
    assert (eight["snm_read_lobes"].values == eight["snm_hold_lobes"].values).all()
    assert (eight["snm_hold_lobes"].values == six["snm_hold_lobes"].values).all()
    assert six["snm_read"].item() < 0.6 * six["snm_hold"].item()


def test_read_current_and_leakage_of_a_read_port(technology, solve, session):
    """The read stack is that of the 6T's pass gate and pull-down, and its leakage that of an off transistor more."""
    six, eight = setting(technology, Sram6T()), setting(technology, Sram8T())
    current = {}
    for name, at in (("six", six), ("eight", eight)):
        current[name] = static.i_read(solve(session, TESTBENCHES["read_current"].build(at))).values[0]
    assert current["eight"][0] == current["eight"][1]
    # At read the gate of the 6T's pull-down is at VDD as well, so that the same two transistors are in series.
    np.testing.assert_allclose(current["eight"], current["six"], rtol=1e-3)
    leak = [static.i_leak(solve(session, TESTBENCHES["leakage"].build(at))).values[0] for at in (six, eight)]
    more = leak[1] - leak[0]
    assert (more > 0).all()
    assert more[1] > 1.5 * more[0]  # in state qb the driver conducts and one transistor blocks, in state q two


def test_write_margins_and_retention_of_an_8t_are_those_of_its_latch():
    """Its N-curve is that at a write, the word line on; the read port's gate takes next to nothing."""
    metrics = ("snm_write", "wm_bl", "wm_wl", "svnm", "sinm", "wtv", "wti", "drv")
    for shifts in ({}, {"pd_l": 0.1, "pg_r": -0.1, "pu_r": 0.1}):
        six, eight = (
            characterize(cell=kind(shifts=shifts), metrics=metrics, workers=1).squeeze() for kind in (Sram6T, Sram8T)
        )
        for metric in metrics:
            np.testing.assert_allclose(eight[f"{metric}_lobes"], six[f"{metric}_lobes"], rtol=2e-3, err_msg=metric)
        assert (six["wm_bl_lobes"][0] == pytest.approx(six["wm_bl_lobes"][1].item(), abs=1e-4)) == (not shifts)


def test_an_8t_is_written_as_a_6t_that_carries_its_read_port():
    """A read port of no size leaves the 6T; a real one loads Q-bar, so that it takes longer to pull that node down."""
    metrics = ["t_write", "t_pulse_write", "v_half"]
    cells = (Sram6T(), Sram8T(w_rd=1e-9, w_ra=1e-9), Sram8T())
    six, without, eight = (characterize(cell=cell, metrics=metrics, workers=1) for cell in cells)
    for metric in metrics:
        near = without[f"{metric}_lobes"].values
        np.testing.assert_allclose(near, six[f"{metric}_lobes"].values, rtol=0.01, err_msg=metric)
    slower = (eight["t_write_lobes"] / six["t_write_lobes"]).squeeze()
    assert float(slower.sel(lobe="qb")) > 1.05  # Q-bar is pulled down
    assert 1.0 < float(slower.sel(lobe="q")) < 1.05  # Q is, and Q-bar follows after they have crossed


def test_after_a_deep_dip_an_8t_comes_back_with_its_loaded_node_low():
    hot = {"conditions": Conditions(temp=[398.15]), "metrics": ["v_dip"], "workers": 1}
    six, eight = (characterize(cell=cell, **hot).squeeze() for cell in (Sram6T(), Sram8T()))
    assert float(six["v_dip_lobes"][0]) == pytest.approx(float(six["v_dip_lobes"][1]), abs=1e-3)
    assert eight["v_dip_lobes_status"].values.tolist() == [Status.censored_low, Status.ok]
    assert float(eight["v_dip_lobes"][1]) > float(six["v_dip_lobes"][1])


def test_an_8t_of_the_user_is_ours(technology):
    user = NetlistCell(EIGHT, "cell", {**PORTS, "rbl": "RBL", "rwl": "RWL"})
    ours, theirs = (characterize(cell=c, metrics=STATIC, workers=1) for c in (Sram8T(), user))
    for metric in STATIC:
        np.testing.assert_allclose(theirs[f"{metric}_lobes"], ours[f"{metric}_lobes"], rtol=1e-4, err_msg=metric)


def test_sizes_and_shifts_of_the_read_port(technology, solve, session):
    def current(**keys):
        at = setting(technology, Sram8T(**keys))
        return static.i_read(solve(session, TESTBENCHES["read_current"].build(at))).values[0, 0]

    assert current(w_rd=210e-9, w_ra=144e-9) == pytest.approx(2 * current(w_rd=105e-9, w_ra=72e-9), rel=0.1)
    assert current(shifts={"rd": 0.1}) < current() < current(shifts={"ra": -0.1})
    with pytest.raises(ValueError, match="shifts: 'rx' is not one of pd_l, pu_l, pg_l, pd_r, pu_r, pg_r, rd, ra"):
        Sram8T(shifts={"rx": 0.1})


@pytest.mark.parametrize("metric", [name for name in METRICS if METRICS[name].testbench == "read_path"])
def test_a_metric_that_a_cell_does_not_have_is_refused(metric):
    message = (
        rf"metric '{metric}': it is read through both bit lines.*a cell of kind 'sram8t' has: snm_hold, .*\(charact"
    )
    with pytest.raises(InvalidPlan, match=message):
        characterize(cell=Sram8T(), metrics=[metric])


def test_the_transistors_of_a_netlist_have_no_roles():
    with pytest.raises(
        InvalidPlan, match="metric 'vth_pd': the transistors of a netlist have no roles; a cell of kind"
    ):
        characterize(cell=plain(), metrics=["vth_pd"])


def test_an_8t_is_drawn_and_reproduced(tmp_path):
    out = tmp_path / "r"
    found = characterize(cell=Sram8T(w_rd=150e-9), variation=Variation(samples=5), metrics=STATIC, out=out, workers=1)
    assert np.ptp(found["i_read"].values) > 0
    for metric in STATIC:
        assert reproduce(out, metric, "tt", 1.0, 298.15, 4).identical
