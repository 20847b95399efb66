"""Logic gates over slew and load: against waveforms of our own, against other metrics, and what a directory holds."""

import json

import numpy as np
import pytest

import charlib
from charlib import Conditions, LogicTable, TableError, Variation, characterize_logic
from charlib.directory import PERIPHERY
from charlib.errors import InvalidPlan, PlanMismatch
from charlib.logicplan import LOADS, SLEWS, make_logic_plan
from charlib.logicrun import middle
from charlib.metrics import periphery
from charlib.waveforms import stack
from netlists.addertree import adder_tree
from netlists.analyses import OperatingPoint, Transient
from netlists.arcs import pulses, rest_states
from netlists.circuit import deck_text, new_circuit
from netlists.gatebench import driven, wires
from netlists.logic import GATES, add_gate
from netlists.periphery import gate_setup, gate_timing
from netlists.setting import Condition
from netlists.technology import load
from netlists.testbench import Testbench

pytestmark = pytest.mark.ngspice

KINDS = ("inverter", "nand2", "half_adder", "dff")
GRID = {"slews": (0.5, 4.0, 12.0), "loads": (1.0, 6.0, 16.0)}
HERE = Conditions(vdd=[1.0])
NOMINAL = (1.0, 298.15)
FEW = Variation(samples=3, seed=3)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory of gates, extended by no test."""
    folder = tmp_path_factory.mktemp("gates") / "results"
    data = characterize_logic(gates=KINDS, variation=FEW, conditions=HERE, out=folder, workers=2, **GRID)
    return folder, data


@pytest.fixture
def gates(place):
    return place[1].isel(process=0, vdd=0, temp=0)


def loaded(kind, load_, source, extra=""):
    """A gate of predictive28 at tt, 1 V and 25 degC, drawn by hand around its subcircuit, ground current in ``vss``."""
    circuit = new_circuit(kind, load("predictive28"), "tt", NOMINAL[1])
    gate = GATES[kind]
    circuit.V("dd", "vdd", "0", 1.0)
    circuit.V("ss", "ground", "0", 0.0)
    for name, given in zip(gate.inputs, source, strict=True):
        circuit.V(name, name, "0", given)
    circuit.X("gate", add_gate(circuit, circuit.technology, kind), *gate.ports[:-1], "ground")
    for output in gate.outputs:
        circuit.C(output, output, "0", load_)
    return circuit


def test_every_number_is_there_with_unit_name_and_status(place):
    data = place[1]
    assert all(v.attrs["units"] and v.attrs["long_name"] for v in data.variables.values())
    assert {name for name in data if not name.endswith("_status")} == {
        "delay", "output_slew", "energy", "capacitance", "leakage", "constraint_time", "window",
        "delay_sampled", "output_slew_sampled", "energy_sampled", "leakage_sampled",
    }  # fmt: skip
    for name in data:
        assert np.isfinite(data[name]).all(), name
        assert not name.endswith("_status") or not data[name].any(), name
    assert data["delay"].dims == ("process", "vdd", "temp", "arc", "slew", "load")
    assert data["slew"].values == pytest.approx(data["slew"].values[0] * np.array([1, 8, 24]))
    assert data.sizes["event"] == sum(2 * len(pulses(kind)) for kind in KINDS)
    assert data.sizes["state"] == sum(len(rest_states(kind)) for kind in KINDS)
    assert "half_adder a rise b=1 co" in data["arc"]


def test_delay_is_affine_in_the_load(gates):
    """From a slew that is fast on: the line through both ends misses the middle by little."""
    fast, loads = gates["delay"].sel(slew=gates["slew"][0]).transpose("arc", "load").values, gates["load"].values
    line = fast[:, 0] + (fast[:, 2] - fast[:, 0]) * (loads[1] - loads[0]) / (loads[2] - loads[0])
    assert fast[:, 1] == pytest.approx(line, rel=0.06)
    assert (np.diff(gates["delay"].transpose("arc", "slew", "load").values, axis=2) > 0).all()


def test_energy_of_an_inverter_is_what_the_supply_gives(gates, reference):
    """Over one pulse: C VDD^2 of the load besides what the gate itself takes, and as an integral of our own says."""
    slew, farads = float(gates["slew"][2]), gates["load"].values
    pulse = gates["energy"].sel(event=["inverter a rise", "inverter a fall"], slew=slew).sum("event").values
    assert np.diff(pulse) == pytest.approx(np.diff(farads), rel=0.02)  # at 1 V; less short-circuit current at more load
    source = f"PWL(0 0 1e-12 0 {1e-12 + slew!r} 1 1e-9 1 {1e-9 + slew!r} 0)"
    circuit = loaded("inverter", float(farads[0]), [source])
    testbench = Testbench(
        "by hand", deck_text(circuit, ("vdd#branch",)), Transient(2e-9, 2e-12), ("vdd#branch",), {}, {}
    )
    (solved,) = reference.solve(testbench, np.zeros((1, 0)))
    time, current = solved.vectors["time"], -solved.vectors["vdd#branch"]
    at_rest = float(gates["leakage"].sel(state="inverter a=0")) + float(gates["leakage"].sel(state="inverter a=1"))
    energy = np.sum(np.diff(time) * (current[1:] + current[:-1]) / 2) - at_rest * 1e-9
    assert pulse[0] == pytest.approx(energy, rel=0.02)
    assert pulse[0] > 1.5 * farads[0]  # the gate's own charge and short-circuit current


def test_leakage_is_what_flows_into_the_ground(gates, session):
    for kind, levels in (("nand2", (0, 0)), ("nand2", (1, 1)), ("half_adder", (1, 0))):
        circuit = loaded(kind, 0.0, [float(level) for level in levels])
        testbench = Testbench("by hand", deck_text(circuit, ("vss#branch",)), OperatingPoint(), ("vss#branch",), {}, {})
        (solved,) = session.solve(testbench, np.zeros((1, 0)))
        state = f"{kind} " + ",".join(f"{n}={x}" for n, x in zip(GATES[kind].inputs, levels, strict=True))
        assert float(gates["leakage"].sel(state=state)) == pytest.approx(float(solved.data[0, 0]), rel=1e-3)


def test_four_input_capacitances_load_an_inverter_as_four_inverters_do(gates):
    """The fanout-of-four delay from the table, at the slew that a chain of such inverters has, is the metric's."""
    table = LogicTable(gates)
    four = 4 * table.capacitance("inverter a")
    rise, fall = "inverter a rise y", "inverter a fall y"
    slews = {rise: float(gates["slew"][1]), fall: float(gates["slew"][1])}
    for _ in range(20):
        slews = {fall: table.output_slew(rise, slews[rise], four), rise: table.output_slew(fall, slews[fall], four)}
    found = sum(table.delay(arc, slew, four) for arc, slew in slews.items()) / 2
    metric = charlib.characterize(conditions=HERE, metrics=["t_fo4"], workers=1)["t_fo4"]
    assert found == pytest.approx(float(metric.squeeze()), rel=0.1)


def test_wider_gates_take_more_charge_at_their_inputs(gates):
    unit, nand, adder = (float(gates["capacitance"].sel(pin=p)) for p in ("inverter a", "nand2 b", "half_adder a"))
    technology = load("predictive28")
    gated = {kind: sum(t.w for t in GATES[kind].transistors(technology) if t.nodes[1] == pin)
             for kind, pin in (("inverter", "a"), ("nand2", "b"), ("half_adder", "a"))}  # fmt: skip
    assert nand / unit == pytest.approx(gated["nand2"] / gated["inverter"], rel=0.15)
    assert adder / unit == pytest.approx(gated["half_adder"] / gated["inverter"], rel=0.25)


def test_setup_and_hold_leave_a_window(gates):
    """Of one data edge: between what is surely taken and what surely is not."""
    times = {tuple(name.split()[1:]): float(gates["constraint_time"].sel(constraint=name)) for name in
             gates["constraint"].values}  # fmt: skip
    for edge in ("rise", "fall"):
        assert 0 < times["setup", edge] + times["hold", edge] < float(gates["slew"][1])


def test_the_output_comes_later_the_closer_the_data_is_to_the_clock(gates, session):
    slew, farads = float(gates["slew"][1]), float(gates["load"][1])
    window = float(gates["window"].sel(gate="dff"))
    condition = Condition(load("predictive28"), "tt", *NOMINAL)
    testbench = gate_setup(condition, "dff", slew, window, farads, (1.0, 1.0))
    clock, setup = 1.5 * (slew + window), float(gates["constraint_time"].sel(constraint="dff setup rise"))
    times = clock - setup * np.array([10.0, 3.0, 1.0, 0.9])
    solved = session.solve(testbench.settable, np.repeat(times[:, None], 2, axis=1))
    block = stack(testbench, [s.data for s in solved])
    taken = block["q_rise"][:, -1] > 0.5
    assert taken[:3].all()
    q = [np.interp(0.5, q, t) if on else np.inf for q, t, on in zip(block["q_rise"], block["time"], taken, strict=True)]
    assert q[1] < 1.01 * (q[0] - clock) + clock
    assert q[1] < q[2] < q[3]


def test_mismatch_spreads_what_the_nominal_gate_does(gates):
    middle = gates["delay"].isel(slew=1, load=1)
    for name in gates["sampled_arc"].values:
        samples = gates["delay_sampled"].sel(sampled_arc=name)
        assert samples.std() > 0
        assert float(samples.mean()) == pytest.approx(float(middle.sel(arc=name)), rel=0.15)
    assert {arc.split()[0] for arc in gates["sampled_arc"].values} == set(KINDS)
    assert gates["leakage_sampled"].std("sample").min() > 0


def test_an_output_that_is_late_is_censored(session):
    pulse, condition = pulses("inverter")[0], Condition(load("predictive28"), "tt", *NOMINAL)
    testbench = gate_timing(condition, "inverter", None, 10e-12, 10e-12, [(pulse, 20e-15)])
    settable = testbench.settable
    rows = np.hstack([np.zeros((1, len(testbench.knobs))), np.array(testbench.points.rows)])
    block = stack(settable, [s.data for s in session.solve(settable, rows)])
    found = periphery.delay(block)
    assert found.status.ravel().tolist() == [3, 3]  # it does not even begin
    assert periphery.settling(block).status.tolist() == [2]


def test_a_second_run_finds_everything_and_more_extends_it(place, tmp_path):
    folder, data = place
    again = characterize_logic(gates=("nand2",), variation=FEW, conditions=HERE, out=folder, workers=1, **GRID)
    manifest = json.loads((folder / PERIPHERY).read_text())
    assert (manifest["simulated"], manifest["complete"]) == (0, True)
    assert set(again["arc_gate"].values) == {"nand2"}
    assert again["delay"].equals(data["delay"].sel(arc=again["arc"]))
    small = {"conditions": HERE, "workers": 1, "gates": ("nand2",), **GRID}
    alone = characterize_logic(variation=Variation(samples=2, seed=3), out=tmp_path, **small)
    assert alone["delay_sampled"].equals(again["delay_sampled"].isel(sample=slice(2)))
    assert (alone["energy"].values == again["energy"].values).all()
    grown = characterize_logic(variation=FEW, out=tmp_path, **{**small, "gates": ("nand2", "inverter")})
    assert grown["leakage_sampled"].equals(data["leakage_sampled"].sel(state=grown["state"]))


def test_a_directory_of_a_cell_takes_gates_of_its_technology_only(place):
    folder, _ = place
    with pytest.raises(PlanMismatch, match=r"loads: \[1.0, 6.0, 16.0\] there"):
        characterize_logic(gates=("inverter",), conditions=HERE, out=folder, slews=GRID["slews"], loads=LOADS)
    with pytest.raises(PlanMismatch, match='technology: "predictive28" there'):
        charlib.characterize(technology="freepdk45", conditions=Conditions(vdd=[1.0]), metrics=["i_leak"], out=folder)
    charlib.characterize(conditions=HERE, metrics=["i_leak"], out=folder, workers=1)
    assert {"periphery.nc", "characterization.nc", "periphery.json", "manifest.json"} <= {
        p.name for p in folder.iterdir()
    }


def test_lookups_are_exact_on_the_grid_and_refuse_what_is_outside(place):
    folder, data = place
    table = LogicTable.open(folder / "periphery.nc", "tt", *NOMINAL)
    slew, farads, arc = data["slew"].values, data["load"].values, "nand2 b fall a=1 y"
    assert table.delay(arc, slew[1], farads[2]) == float(data["delay"].sel(arc=arc).values[0, 0, 0, 1, 2])
    between = [table.delay(arc, s, farads[1]) for s in np.linspace(slew[0], slew[2], 9)]
    assert between == sorted(between)
    assert table.energy("nand2 b fall a=1", slew[0], farads[0]) > 0
    for call, message in (
        (lambda: table.delay(arc, 1e-9, farads[0]), r"slew=1e-09 s is outside the table's 4.9e-12..1.\d+e-10 s"),
        (lambda: table.delay(arc, slew[0], 1e-12), "load=1e-12 F is outside the table's"),
        (lambda: table.delay("nand2 b", slew[0], farads[0]), "arc='nand2 b' is not one of nand2 a rise b=1 y; nand2 a"),
        (lambda: table.capacitance("nand3 a"), "pin='nand3 a' is not one of dff; half_adder; inverter; nand2"),
        (lambda: LogicTable.at(data, "ss", *NOMINAL), "process=ss is not one of tt"),
        (
            lambda: LogicTable.open(folder / "characterization.nc", "tt", *NOMINAL),
            "no table of gates: no dim",
        ),
    ):
        with pytest.raises(TableError, match=message):
            call()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("gates", ["nand3"], r"gate 'nand3' is not one of inverter, .* \(periphery.gates\)"),
        ("gates", [], "must be a list without repetition"),
        ("slews", [1.0], r"at least two numbers above 0 that rise, not \[1.0\]"),
        ("accuracy", "fast", "accuracy='fast' is not one of default, reference"),
        ("timeout", 0.0, "timeout=0 s is not above 0"),
    ],
)
def test_a_plan_that_cannot_be(key, value, message):
    with pytest.raises(InvalidPlan, match=message):
        characterize_logic(**{key: value})


def test_offsets_of_a_cell_are_none_of_a_gate():
    at = Conditions(vdd=[0.9], dv_wl=[0.0, 0.1])
    plan = make_logic_plan("predictive28", at, None, KINDS, *GRID.values(), "default", 0.0)
    assert plan.points == (("tt", 0.9, 298.15),)


def test_default_slews_reach_those_of_gates_at_the_slowest_condition():
    slowest = Conditions(process=["ss"], vdd=[0.6], temp=[233.15])
    units = {"slews": (0.5, 4.0), "loads": (2.5, 6.0)}
    data = characterize_logic(gates=("xor2",), conditions=slowest, workers=1, **units)
    delay = float(data["slew"][0]) / 0.5
    assert float(data["output_slew"].max()) < SLEWS[-1] * delay


@pytest.mark.usefixtures("installed")
def test_default_loads_begin_below_the_wire_of_an_output_without_a_gate():
    technology = load("freepdk45/vtg")
    data = characterize_logic(technology, gates=("inverter",), slews=(0.5, 4.0), loads=LOADS[:2], workers=1)
    assert float(data["load"][0]) < min(wires(driven(adder_tree(8, 8)), technology).values())


def test_the_middle_of_two_is_the_lower_one():
    assert [middle(count) for count in (2, 3, 5, 6)] == [0, 1, 2, 2]
    assert (SLEWS[middle(len(SLEWS))], LOADS[middle(len(LOADS))]) == (4.0, 6.0)
