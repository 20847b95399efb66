"""A cell of the user as text: what is found in it, how it is drawn, one message per thing that is not understood."""

import re
from dataclasses import replace

import pytest

from netlists import TESTBENCHES, CellError, NetlistCell, Setting, Sram6T, technology
from netlists.storage import GATE

PORTS = {"bl": "BL", "blb": "BR", "wl": "WL", "vdd": "VDD", "gnd": "VSS"}

BODY = """\
Mnl Q QB VSS VSS nmos28 w=105n l=30n
Mpl Q QB VDD VDD pmos28 w=50n l=30n
Mnr QB Q VSS VSS nmos28 w=105n l=30n
Mpr QB Q VDD VDD pmos28 w=50n l=30n
Mal BL WL Q VSS nmos28 w=72n l=30n
Mar BR WL QB VSS nmos28 w=72n l=30n
"""

NESTED = """\
* two levels, sizes as parameters
.param length = 30n
.subckt inverter a y vdd vss wn='2*50n' wp=50n
MN y a vss vss nmos28 w={wn} l=length
MP y a vdd vdd pmos28 w={wp} l=length
.ends
.subckt core a b vdd vss
.param unit=105n
X0 b a vdd vss inverter wn=unit
X1 a b vdd vss inverter wn='unit' ; the other way round
.ends
.subckt cell BL BR WL VDD VSS
XC s1 s2 VDD VSS core
Mal BL WL s1 VSS nmos28 w=72n
+ l=length
Mar BR WL s2 VSS nmos28 w=72n l=length
.ends
.end
"""

EXTRACTED = """\
.subckt cell BL BR WL VDD VSS
Mnl q:n gate#l VSS#1 VSS#1 nmos28 w=105n l=30n ad=6.3f as=6.3f pd=0.225u ps=0.225u
Mpl q:p gate#p VDD#1 VDD#1 pmos28 w=50n l=30n
Mnr qb:n gate#r VSS#1 VSS#1 nmos28 w=105n l=30n
Mpr qb:p qb:x VDD#1 VDD#1 pmos28 w=50n l=30n
Mal BL#1 WL#1 q:a VSS#1 nmos28 w=72n l=30n
Mar BR#1 WL#1 qb:a VSS#1 nmos28 w=72n l=30n
R1 q:n Q 400 $metal1
R2 q:p Q 400
R3 q:a q:n 400
R4 qb:n QB 400
R5 qb:p QB 400
R6 qb:a QB 400
R7 QB gate#l 2k
R8 qb:p gate#p r=2k
R9 Q gate#r 2k
R10 q:p qb:x {4*500}
Rv VDD VDD#1 20
Rg VSS VSS#1 20
Rbl BL BL#1 30
Rbr BR BR#1 30
Rwl WL WL#1 30
C1 Q QB 0.02f
C2 Q 0 5e-17
.ends
"""


def flat(body=BODY, header="cell BL BR WL VDD VSS"):
    return f".subckt {header}\n{body}.ends\n"


def cell(text=None, ports=PORTS, **keys):
    return NetlistCell(flat() if text is None else text, keys.pop("subcircuit", "cell"), ports, **keys)


def without(line, body=BODY):
    return "".join(text for text in body.splitlines(keepends=True) if not text.startswith(line))


def names(found):
    return [t.name for t in found.drawn.transistors]


def test_transistors_storage_nodes_and_pass_gates_are_found(technology):
    found = cell().sized(technology)
    assert names(found) == ["mnl", "mpl", "mnr", "mpr", "mal", "mar"]
    assert [t.role for t in found.drawn.transistors[:2]] == ["pd", "pu"]
    assert found.drawn.transistors[0].nodes == ("q", "qb", "vss", "vss")
    assert [t.name for t in found.pass_gates()] == ["mal", "mar"]
    assert found.drawn.gates == {"q": ("q",), "qb": ("qb",)}


def test_q_is_the_node_that_opens_to_bl_whatever_it_is_called(technology):
    swapped = BODY.replace("QB", "tmp").replace("Q ", "QB ").replace("tmp", "Q")
    found = cell(flat(swapped)).sized(technology)
    assert next(t for t in found.drawn.transistors if t.name == "mal").nodes[2] == "q"


def test_hierarchy_and_parameters_are_resolved(technology):
    found = cell(NESTED).sized(technology)
    assert names(found) == ["xc_x0_mn", "xc_x0_mp", "xc_x1_mn", "xc_x1_mp", "mal", "mar"]
    widths = {t.name: (t.w, t.length) for t in found.drawn.transistors}
    assert widths["xc_x0_mn"] == widths["xc_x1_mn"] == (105e-9, 30e-9)
    assert widths["xc_x0_mp"] == (50e-9, 30e-9)
    assert names(cell(NESTED, q="s1", qb="S2").sized(technology)) == names(found)


def test_nets_of_an_extracted_netlist_go_through_resistors_and_end_at_ports(technology):
    found = cell(EXTRACTED).sized(technology)
    assert found.drawn.gates == {"q": ("n_gate_r", "n_qb_x"), "qb": ("n_gate_l", "n_gate_p")}
    assert [t.name for t in found.pass_gates()] == ["mal", "mar"]
    assert len(found.drawn.parasitics) == 17
    assert found.drawn.transistors[0].written == {
        "w": 105e-9, "l": 30e-9, "ad": 6.3e-15, "as": 6.3e-15, "pd": 0.225e-6, "ps": 0.225e-6
    }  # fmt: skip


def test_every_gate_of_the_inputs_net_is_cut_and_no_other(technology):
    setting = Setting(technology, "tt", 1.0, 298.15, cell(EXTRACTED).sized(technology))
    deck = TESTBENCHES["butterfly_read"].build(setting).deck
    for side, cut in (("l", {"mnl", "mpl"}), ("r", {"mnr", "mpr"})):
        half = re.search(rf"\.subckt half_{side}_cell.*?\.ends", deck, re.DOTALL)[0]
        gates = {line.split()[0][1:]: line.split()[1 + GATE] for line in half.splitlines() if line.startswith("M")}
        assert {name for name, gate in gates.items() if gate.startswith("cut_")} == cut
        assert half.count("\nEcut") == 2


def test_sizes_are_drawn_as_written_and_count_in_the_mismatch(technology):
    text = flat(BODY.replace("Mnl Q QB VSS VSS nmos28 w=105n", "Mnl Q QB VSS VSS nmos28 m=4 nf=2 w=210n sa=0.1u"))
    found = cell(text).sized(technology)
    setting = Setting(technology, "tt", 1.0, 298.15, found)
    testbench = TESTBENCHES["leakage"].build(setting)
    assert "Mmnl q qb vss vss nmos28 m=4.0 nf=2.0 w=2.1e-07 sa=1e-07 l=3e-08" in testbench.deck
    sigma = testbench.knobs["cell.mnl"].sigma
    assert sigma == pytest.approx(testbench.knobs["cell.mnr"].sigma / 8**0.5)
    assert found.drawn.transistors[0].size == (105e-9, 30e-9)


def test_devices_have_stable_paths_in_every_testbench(technology):
    setting = Setting(technology, "tt", 1.0, 298.15, cell(NESTED).sized(technology), window=1e-9)
    expected = [f"cell.{name}" for name in names(setting.cell)]
    for name in ("butterfly_hold", "butterfly_read", "read_current", "leakage", "read_path"):
        knobs = TESTBENCHES[name].build(setting).knobs
        assert [path for path in knobs if path.startswith("cell.")] == expected
    halves = TESTBENCHES["butterfly_hold"].build(setting).knobs["cell.xc_x0_mn"].parameters
    assert halves == ("@m.xl.mxc_x0_mn[delvto]", "@m.xr.mxc_x0_mn[delvto]")


def test_subcircuits_of_a_technology_are_transistors(installed):
    sky130 = technology.load("sky130")
    text = """\
.subckt cell BL BR WL VPWR VGND VPB VNB
X0 Q QB VGND VNB sky130_fd_pr__special_nfet_latch w=0.21 l=0.15
X1 Q QB VPWR VPB sky130_fd_pr__special_pfet_latch w=0.14 l=0.15
X2 QB Q VGND VNB sky130_fd_pr__special_nfet_latch w=0.21 l=0.15
X3 QB Q VPWR VPB sky130_fd_pr__special_pfet_latch w=0.14 l=0.15
X4 BL WL Q VNB sky130_fd_pr__special_nfet_pass w=0.14 l=0.15
X5 BR WL QB VNB sky130_fd_pr__special_nfet_pass w=0.14 l=0.15
.ends
"""
    wells = {"bl": "BL", "blb": "BR", "wl": "WL", "vdd": ("VPWR", "VPB"), "gnd": ["VGND", "VNB"]}
    found = cell(text, wells).sized(sky130)
    assert [t.role for t in found.drawn.transistors] == ["pd", "pu", "pd", "pu", "pg", "pg"]
    assert found.drawn.transistors[0].w == pytest.approx(0.21e-6)
    with pytest.raises(
        CellError, match=r"'sky130_fd_pr__special_nfet_latch' is drawn with the letter X in sky130/sram"
    ):
        cell(text.replace("X0", "M0"), wells).sized(sky130)


def test_nothing_of_a_file_reaches_the_deck_as_it_stands(technology):
    """Nodes and names are written anew, values are numbers: no word of a file is a word of the deck by chance."""
    odd = BODY.replace("QB", "q[0]/a`b;|$x".replace(";", "")).replace("Mnl", 'Mnl"shell')
    setting = Setting(technology, "tt", 1.0, 298.15, cell(flat(odd)).sized(technology))
    for name in ("butterfly_hold", "leakage"):
        deck = TESTBENCHES[name].build(setting).deck
        assert not set("`;|$\"'{}[]") & set(deck)


def refused(text, *, ports=PORTS, **keys):
    return text, ports, keys


INVERTER = ".subckt inverter a y v g\nMN y a g g nmos28 w=105n l=30n\nMP y a v v pmos28 w=50n l=30n\n.ends\n"

LOOPLESS = "no storage nodes: there are no two nodes inside of which each drives the other by its gates"
FLOATING = "Mx a b VSS VSS nmos28 w=72n l=30n\nMy b a VSS VSS nmos28 w=72n l=30n\n"

MISTAKES = {
    "control": (refused(f".control\nshell ls\n.endc\n{flat()}"), 1, "'.control' has no place in a cell file"),
    "include": (refused(f'.include "models.sp"\n{flat()}'), 1, "'.include' has no place in a cell file"),
    "section": (refused(f".lib tt\n{flat()}.endl\n"), 1, "'.lib' has no place in a cell file"),
    "model": (refused(f".model nmos28 nmos level=54\n{flat()}"), 1, "'.model' has no place in a cell file"),
    "global": (refused(f".global VDD\n{flat()}"), 1, "'.global' has no place in a cell file"),
    "title": (
        refused(f"6T cell of ours\n{flat()}"),
        1,
        "'6T cell of ours' stands outside of a subcircuit; a cell file holds nothing else",
    ),
    "unprintable": (refused(flat(BODY.replace("Mnl", "M\x07nl"))), 2, "a character that cannot be printed"),
    "no end": (refused(flat().replace(".ends", "")), None, ".subckt without .ends (cell.sp, line 1) (cell.file)"),
    "source": (refused(flat(BODY + "Vx Q 0 1\n")), 8, "'vx q 0 1': an element is M, X, R or C"),
    "diode": (refused(flat(BODY + "D1 VSS BL antenna\n")), 8, "'d1 vss bl antenna': an element is M, X, R or C"),
    "behavioural": (
        refused(flat(BODY + "R1 Q QB r='v(Q)*1k'\n")),
        8,
        "\"'v(q)*1k'\" cannot be worked out: 'v(q)' has no value",
    ),
    "unknown model": (
        refused(flat(BODY.replace("pmos28", "pfet"))),
        3,
        "model 'pfet' is no transistor of predictive28; it has: nmos28, pmos28",
    ),
    "unknown subcircuit": (
        refused(flat(BODY + "Xb Q QB buffer\n")),
        8,
        "'buffer' is no subcircuit of the file and no transistor; there are: cell",
    ),
    "unknown parameter": (
        refused(flat(BODY.replace("w=72n", "w=72n delvto=0.1"))),
        6,
        "parameter 'delvto' of a transistor; legal: ad, as, l, m, nf, nrd, nrs, pd, ps, sa, sb, sc, sd, w",
    ),
    "undefined": (refused(flat(BODY.replace("w=50n", "w={wp}"))), 3, "'{wp}' cannot be worked out: 'wp' has no value"),
    "circular": (
        refused(f".param a=b b=a\n{flat(BODY.replace('w=50n', 'w=a'))}"),
        4,
        "'a' cannot be worked out: 'b' is defined by itself",
    ),
    "infinite": (refused(flat(BODY.replace("w=50n", "w=1e300*1e300"))), 3, "'1e300*1e300' is inf"),
    "metres": (refused(flat(BODY.replace("w=50n", "w=50"))), 3, "w is 50 m; legal: 0 < w < 0.0001 m"),
    "no length": (refused(flat(BODY.replace("w=50n l=30n", "w=50n"))), 3, "l is not stated; legal: 0 < l < 0.0001 m"),
    "no copies": (refused(flat(BODY.replace("w=50n", "w=50n m=0"))), 3, "m=0; legal: at least 1"),
    "three nodes": (
        refused(flat(BODY.replace("QB VDD VDD", "QB VDD"))),
        3,
        "'mpl q qb vdd pmos28 w=50n l=30n': a transistor has a name, four nodes and a model",
    ),
    "resistor model": (
        refused(flat(BODY + "R1 Q n1 rpoly 5\n")),
        8,
        "'rpoly 5' cannot be worked out: 'rpoly 5' is not understood: invalid syntax (<unknown>, line 1)",
    ),
    "resistor zero": (refused(flat(BODY + "R1 Q n1 0\n")), 8, "resistance 0 is not above 0"),
    "capacitor": (refused(flat(BODY + "C1 Q\n")), 8, "'c1 q': a parasitic has a name, two nodes and one value"),
    "wrong count": (
        refused(flat(BODY + "Xi Q QB VDD inverter\n") + INVERTER),
        8,
        "3 nodes for the 4 ports of subcircuit 'inverter'",
    ),
    "bare instance": (refused(flat(BODY + "Xi\n")), 8, "'xi': an instance has a name, nodes and a subcircuit"),
    "recursion": (
        refused(flat(BODY + "Xi BL BR WL VDD VSS cell\n")),
        8,
        "subcircuits inside subcircuits, 20 deep: 'cell' may hold itself",
    ),
    "instance parameter": (
        refused(flat(BODY + "Xi n1 n2 VDD VSS inverter ww=1u\n") + INVERTER),
        10,
        "subcircuit inverter has no parameter 'ww'",
    ),
    "inner definition": (refused(flat(BODY + INVERTER)), 8, "'.subckt' has no place inside a subcircuit"),
    "two of one name": (
        refused(flat() + flat(without("Mar"))),
        9,
        "a subcircuit that is defined at cell.sp, line 1 and cell.sp, line 9",
    ),
    "shadow": (
        refused(flat(BODY + "Xa a b c nmos28\n") + ".subckt nmos28 a b c\n.ends\n"),
        8,
        "'xa a b c nmos28': a transistor has a name, four nodes and a model",
    ),
    "one name": (
        refused(flat(BODY + "Mnl Q QB VSS VSS nmos28 w=105n l=30n\n")),
        8,
        "'mnl' is the flat name of the element at cell.sp, line 2 too",
    ),
    "port twice": (refused(flat(header="cell BL BR WL VDD VSS BL")), 1, "port 'bl' stands twice"),
    "no such subcircuit": (
        refused(flat(), subcircuit="bitcell"),
        None,
        "cell.sp has no subcircuit 'bitcell'; it has: cell (cell.subcircuit)",
    ),
    "port without role": (
        refused(flat(header="cell BL BR WL VDD VSS EN")),
        None,
        "cell.sp, line 1: port 'en' has no role, and is neither q nor qb (cell.ports)",
    ),
    "no such port": (
        refused(flat(), ports={**PORTS, "bl": "BLX"}),
        None,
        "bl='blx' is no port of cell; it has: bl, br, wl, vdd, vss (cell.ports)",
    ),
    "no such node": (refused(flat(), q="s"), None, "q='s' is no node inside the cell; there are: q, qb (cell.q)"),
    "wrong side": (
        refused(flat(), q="QB"),
        None,
        "q='qb': bl opens to 'q', which is q in this loop (cell.sp, line 1; cell.q)",
    ),
    "no loop": (refused(flat(without("Mnr", without("Mpr")))), 1, LOOPLESS),
    "shorted": (refused(flat(BODY + "R1 Q QB 1g\n")), 1, LOOPLESS),
    "two loops": (
        refused(flat(BODY + FLOATING)),
        1,
        "2 loops of nodes that hold each other (q and qb; a and b), one is understood",
    ),
    "closed": (refused(flat(without("Mar"))), 1, "through transistors blb ('br') reaches no storage node of q and qb"),
    "both": (
        refused(flat(BODY + "Mx BL WL QB VSS nmos28 w=72n l=30n\n")),
        1,
        "through transistors bl ('bl') reaches both storage nodes of q and qb",
    ),
    "one side": (
        refused(flat(without("Mar") + "Mar BR WL Q VSS nmos28 w=72n l=30n\n")),
        1,
        "bl and blb both open to 'q'",
    ),
    "body": (refused(flat(BODY.replace("QB VSS VSS", "QB VSS Q"))), 2, "the body of 'mnl' is at a storage node"),
    "low word line": (
        refused(flat(BODY.replace("WL Q VSS nmos28", "WL Q VDD pmos28"))),
        6,
        "'mal' opens to a bit line at a low word line",
    ),
    "shift": (
        refused(flat(), shifts={"pd_l": 0.1}),
        None,
        "'pd_l' is not one of mnl, mpl, mnr, mpr, mal, mar (cell.shifts)",
    ),
}


@pytest.mark.parametrize(("given", "line", "message"), MISTAKES.values(), ids=MISTAKES)
def test_what_is_not_understood_is_refused_with_the_line(technology, given, line, message):
    text, ports, keys = given
    with pytest.raises(CellError) as caught:
        cell(text, ports, **keys).sized(technology)
    assert str(caught.value) == (f"cell.sp, line {line}: {message} (cell.file)" if line else message)


@pytest.mark.parametrize(
    ("ports", "message"),
    [
        ({**PORTS, "vss": "VSS"}, "role 'vss' of a port is not one of bl, blb, wl, vdd, gnd, rbl, rwl (cell.ports)"),
        ({k: v for k, v in PORTS.items() if k != "blb"}, "no port has the role 'blb' (cell.ports)"),
        ({**PORTS, "rbl": "RBL"}, "no port has the role 'rwl' (cell.ports)"),
        ({**PORTS, "bl": 3}, "bl=3 is neither the name of a port nor a list of names (cell.ports)"),
        ({**PORTS, "bl": []}, "bl=[] is neither the name of a port nor a list of names (cell.ports)"),
    ],
)
def test_ports_need_their_roles(ports, message):
    with pytest.raises(CellError) as caught:
        cell(ports=ports)
    assert str(caught.value) == message


def test_a_shift_that_is_no_number_is_refused():
    with pytest.raises(CellError, match=r"mnl=nan V is not a number \(cell.shifts\)"):
        cell(shifts={"mnl": float("nan")})


def test_a_file_is_read_from_any_path(tmp_path, technology):
    path = tmp_path / "my cells; `ls`" / "a cell.sp"
    path.parent.mkdir()
    path.write_text(flat())
    found = NetlistCell.read(path, "cell", PORTS).sized(technology)
    assert names(found) == names(cell().sized(technology))
    assert found.sha256 == cell().sha256
    path.write_text(flat(BODY.replace("pmos28", "x")))
    with pytest.raises(CellError, match=r"a cell.sp, line 3: model 'x' is no transistor"):
        NetlistCell.read(path, "cell", PORTS).sized(technology)


@pytest.mark.parametrize("name", ["nowhere.sp", "nu\0l.sp", ""])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name):
    with pytest.raises(CellError, match=r"cannot be read: .* \(cell.file\)"):
        NetlistCell.read(tmp_path / name, "cell", PORTS)


def test_a_file_beyond_all_measure_is_refused(tmp_path):
    (tmp_path / "cell.sp").write_text("*" * 1_000_001)
    with pytest.raises(CellError, match="is longer than 1000000 characters, which no cell is"):
        NetlistCell.read(tmp_path / "cell.sp", "cell", PORTS)


def test_parallel_access_transistors_leave_no_single_pass_gate(technology):
    found = cell(flat(BODY + "Max BL WL Q VSS nmos28 w=72n l=30n\n")).sized(technology)
    assert found.pass_gates() == ()
    assert TESTBENCHES["read_path"].lacks(found) == "one transistor must open to each bit line"


def test_a_column_of_such_cells_has_their_pass_gates(technology):
    wide = cell(flat(BODY.replace("w=72n", "w=81n"))).sized(technology)
    setting = Setting(technology, "tt", 1.0, 298.15, wide, window=1e-9)
    rows = [line for line in TESTBENCHES["read_path"].build(setting).deck.splitlines() if line.startswith("Mrow_")]
    passes = [line for line in rows if line.startswith(("Mrow_bl_", "Mrow_blb_"))]
    assert len(passes) == 8  # by line and stored level, in two places
    assert all("w=8.1e-08" in line for line in passes)
    own = replace(setting, cell=Sram6T(w_pg=81e-9).sized(technology))
    assert set(passes) < {x for x in TESTBENCHES["read_path"].build(own).deck.splitlines() if x.startswith("Mrow_")}
