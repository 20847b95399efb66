"""Events on netlists of gates whose tables a person can check."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import addertree
from analysis.addertree import accumulation, activity, compare, event_pairs, random_vectors, tree
from analysis.events import simulate, timed
from analysis.gatetables import INERTIA, OTHER, GateTable, GateTableError, Tables
from netlists.addertree import TreeError, adder_tree
from netlists.gatenetlist import GateNetlist, Instance, evaluate
from netlists.logic import GATES

VDD, SLEW = 1.0, 10e-12
DELAY, OWN, LEAK, PIN = 10e-12, 2e-15, 1e-9, 1e-15


def table(kind, delay=DELAY):
    """Every input delays alike: ``delay`` plus the load's 1 ps/fF plus a tenth of the slew; 2 fJ and 1 nW always."""
    gate = GATES[kind]
    states = 1 << len(gate.inputs) + (len(gate.outputs) if gate.clock else 0)
    shape = (len(gate.inputs), states)
    grid = delay + 0.1 * SLEWS[:, None] + 1e3 * LOADS[None, :]
    return GateTable(
        delay=np.broadcast_to(grid, (*shape, len(gate.outputs), *grid.shape)),
        slew=np.full((*shape, len(gate.outputs), *grid.shape), SLEW),
        energy=np.full((*shape, *grid.shape), OWN),
        leakage=np.full(states, LEAK),
        capacitance=np.full(len(gate.inputs), PIN),
    )


SLEWS, LOADS = np.array([1e-12, 100e-12]), np.array([0.0, 100e-15])
KINDS = ("inverter", "nand2", "xor2", "half_adder", "full_adder", "dff")
TABLES = Tables(VDD, SLEWS, LOADS, {kind: table(kind) for kind in KINDS})


def chain(stages, then=()):
    """Inverters from ``a`` to ``n<stages>``, and gates behind them."""
    nets = ["a", *(f"n{i}" for i in range(1, stages + 1))]
    gates = tuple(Instance(y, "inverter", (x,), (y,)) for x, y in pairwise(nets))
    last = then[-1].outputs[0] if then else nets[-1]
    return GateNetlist("chain", ("a",), (last,), (*gates, *then))


def run(netlist, before, after, wires=None, **options):
    vectors = ({net: np.array([level]) for net, level in levels.items()} for levels in (before, after))
    at = timed(netlist, TABLES, wires or {})
    return at, simulate(at, *vectors, SLEW, **options)


def test_delays_of_a_chain_add_up_and_rising_nets_are_charged():
    netlist = chain(3)
    _, found = run(netlist, {"a": 0}, {"a": 1}, {"n3": 5e-15})
    # Two stages drive a pin of 1 fF, the last one 5 fF of wire.
    assert found.arrival == pytest.approx(3 * (DELAY + 0.1 * SLEW) + (1 + 1 + 5) * 1e-12)
    charged = [0.0, 1e-15 * VDD**2, 0.0]  # n1 and n3 fall, n2 rises
    assert found.energy[:, 0] == pytest.approx(OWN + np.array(charged))
    assert found.leakage[:, 0] == pytest.approx(LEAK)
    assert found.transitions[:, 0].tolist() == [1, 1, 1, 1]


def test_half_the_load_on_each_unit_of_a_gate_twice_the_size():
    gates = (Instance("g", "inverter", ("a",), ("y",), 2.0), Instance("h", "inverter", ("y",), ("z",), 2.0))
    at, found = run(GateNetlist("n", ("a",), ("z",), gates), {"a": 1}, {"a": 0})
    assert at.loads["y"] == 2 * PIN
    assert found.arrival == pytest.approx(2 * (DELAY + 0.1 * SLEW) + 1e-12)
    assert found.energy[:, 0] == pytest.approx([2 * OWN + 2 * PIN * VDD**2, 2 * OWN])


def pulsed(stages):
    """Exclusive or of an input and of itself some stages later: a pulse as long as they take."""
    return chain(stages, (Instance("x", "xor2", ("a", f"n{stages}"), ("y",)),))


def test_a_long_pulse_passes_whole():
    _, found = run(pulsed(4), {"a": 0}, {"a": 1}, {"y": 3e-15})
    assert found.transitions[-1, 0] == 2
    assert found.filtered.sum() == 0
    assert found.energy[-1, 0] == pytest.approx(2 * OWN + 3e-15 * VDD**2)
    # The pulse is 4 stages long, which is beyond what inertia shortens.
    assert found.arrival == pytest.approx(4 * (11e-12 + 1e-12) + 14e-12)


def test_a_short_pulse_is_filtered_and_costs_its_share():
    netlist = GateNetlist("n", ("a", "b"), ("y",), (Instance("x", "xor2", ("a", "b"), ("y",)),))
    _, found = run(netlist, {"a": 0, "b": 0}, {"a": 1, "b": 1}, {"y": 3e-15})
    assert found.transitions[-1, 0] == 0
    assert found.filtered[-1, 0] == 1
    assert np.isnan(found.arrival).all()
    assert found.energy[-1, 0] == pytest.approx(OTHER.rest * 2 * OWN)


@pytest.mark.parametrize(("length", "passes"), [(0.8, 0), (1.2, 2)])
def test_half_a_swing_decides(length, passes):
    """The second input changes a share of the gate's delay after the first one."""
    netlist = GateNetlist("n", ("a", "b"), ("y",), (Instance("x", "xor2", ("a", "b"), ("y",)),))
    delay = DELAY + 0.1 * SLEW
    _, found = run(netlist, {"a": 0, "b": 0}, {"a": 1, "b": 0}, toggles=((length * delay, "b"),))
    swing = 0.5 + length - OTHER.width
    assert found.transitions[-1, 0] == passes
    assert found.filtered[-1, 0] == (passes == 0)
    assert found.energy[-1, 0] == pytest.approx(2 * OWN * (OTHER.rest + (1 - OTHER.rest) * swing))


def test_a_pulse_that_passes_is_shortened():
    netlist = GateNetlist("n", ("a", "b"), ("y",), (Instance("x", "xor2", ("a", "b"), ("y",)),))
    delay = DELAY + 0.1 * SLEW
    _, found = run(netlist, {"a": 0, "b": 0}, {"a": 1, "b": 0}, toggles=((1.25 * delay, "b"),))
    swing = 0.75
    assert found.arrival[0, 0] == pytest.approx(2.25 * delay - 2 * (1 - swing) * OTHER.width * delay)


def test_effects_follow_causes_where_a_delay_is_negative():
    tables = Tables(VDD, SLEWS, LOADS, {"xor2": table("xor2", delay=-50e-12)})
    netlist = GateNetlist("n", ("a", "b"), ("y",), (Instance("x", "xor2", ("a", "b"), ("y",)),))
    both = {"a": np.array([0, 0]), "b": np.array([0, 0])}, {"a": np.array([1, 1]), "b": np.array([0, 1])}
    found = simulate(timed(netlist, tables, {}), *both, SLEW)
    assert 0 < found.arrival[0, 0] < 2e-15
    assert found.transitions[-1].tolist() == [1, 0]


def test_full_adders_pass_shorter_pulses():
    assert INERTIA["full_adder"].width < OTHER.width


def test_a_register_takes_its_data_at_the_rising_edge_only():
    netlist = GateNetlist("n", ("d", "clk"), ("q",), (Instance("r", "dff", ("d", "clk"), ("q",)),))
    state = {"d": 1, "clk": 0, "q": 0}
    _, rising = run(netlist, state, {"d": 1, "clk": 1})
    assert rising.transitions[-1, 0] == 1
    _, falling = run(netlist, state | {"clk": 1}, {"d": 1, "clk": 0})
    assert falling.transitions[-1, 0] == 0
    _, data = run(netlist, state, {"d": 0, "clk": 0})
    assert data.transitions[-1, 0] == 0
    assert data.energy[0, 0] == pytest.approx(OWN)


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(2, 9), st.integers(1, 4))
def test_every_net_ends_where_logic_says(seed, inputs, bits):
    netlist, rng = adder_tree(inputs, bits), np.random.default_rng(seed)
    before, after = (dict(zip(netlist.inputs, rng.integers(0, 2, (len(netlist.inputs), 3)), strict=True)) for _ in "ab")
    at = timed(netlist, TABLES, {})
    found = simulate(at, before, after, SLEW)
    start, end = evaluate(netlist, before), evaluate(netlist, after)
    for place, net in enumerate(at.nets):
        assert (found.transitions[place] % 2 == (start[net] != end[net])).all()
    still = found.transitions[[at.nets.index(net) for net in netlist.outputs]] == 0
    assert (np.isnan(found.arrival) == still).all()
    assert (found.energy > -1e-20).all()


def test_the_order_of_pairs_does_not_matter():
    netlist, rng = adder_tree(4, 3), np.random.default_rng(3)
    before, after = (dict(zip(netlist.inputs, rng.integers(0, 2, (12, 6)), strict=True)) for _ in "ab")
    at = timed(netlist, TABLES, {})
    whole = simulate(at, before, after, SLEW)
    alone = simulate(at, *({net: v[4:5] for net, v in levels.items()} for levels in (before, after)), SLEW)
    assert (whole.energy[:, 4:5] == alone.energy).all()


def test_activity(technology):
    at = tree(3, 2, TABLES, technology)
    found = activity(at, [0.0, 0.5, 1.0], 20, SLEW, np.random.default_rng(1))
    total = found["energy"].sum("supply")
    assert (total.sel(ones=0.0) == 0).all()
    assert float(total.sel(ones=1.0, products="held")) == 0
    assert float(total.sel(ones=1.0, products="precharged")) > float(total.sel(ones=0.5, products="precharged")) > 0
    assert float(total.sel(ones=0.5, products="held")) > 0
    assert found["energy"].attrs["units"] == "J"


def test_dot_products_are_right_and_cost_energy_in_every_part(technology):
    rng = np.random.default_rng(2)
    weights, values = rng.integers(-4, 4, (3, 5)), rng.integers(-8, 8, (3, 5))
    energy, numbers = accumulation(3, weights, values, (3, 4), TABLES, technology, SLEW, 1e-9)
    assert (numbers == (weights * values).sum(axis=0)).all()
    assert (energy > 0).all()


def test_a_clock_that_is_too_fast(technology):
    weights, values = np.array([[3], [-4]]), np.array([[5], [-7]])
    with pytest.raises(TreeError, match=r"nets move until .* s, beyond the clock's period=5e-11 s"):
        accumulation(2, weights, values, (3, 4), TABLES, technology, SLEW, 5e-11)


def pairs_of_a_tree(technology):
    at = tree(2, 2, TABLES, technology)
    return event_pairs(at, random_vectors(at.netlist, 8, np.random.default_rng(4)), 1e-9, SLEW)


def test_levels_are_where_events_end(technology, monkeypatch):
    def lost(at, *arguments):
        found = simulate(at, *arguments)
        found.transitions[at.nets.index(at.netlist.outputs[1]), 3] += 1
        return found

    assert pairs_of_a_tree(technology)["level"].isin([0, 1]).all()
    monkeypatch.setattr(addertree, "simulate", lost)
    with pytest.raises(TreeError, match=r"adder_tree_2x2: events leave l1_0_s_1 at another level than logic does"):
        pairs_of_a_tree(technology)


def test_pairs_that_move_in_only_one_are_counted(technology):
    events = pairs_of_a_tree(technology)
    still = events.copy(deep=True)
    still["arrival"][:, [1, 4]] = np.nan
    moving = int(np.isfinite(events["arrival"][:, [1, 4]]).any("output").sum())
    assert moving > 0
    assert compare(events, events)["moved_in_one"] == 0
    assert compare(events, still)["moved_in_one"] == compare(still, events)["moved_in_one"] == moving


@pytest.mark.parametrize(
    ("wires", "slew", "message"),
    [
        ({"n1": 2e-13}, SLEW, "load=2.01e-13 F of n1 is outside 0..1e-13 F of the tables"),
        ({}, 2e-10, "slew=2e-10 s of a is outside 1e-12..1e-10 s of the tables"),
    ],
)
def test_nothing_is_extrapolated(wires, slew, message):
    with pytest.raises(GateTableError, match=message):
        simulate(timed(chain(2), TABLES, wires), {"a": np.array([0])}, {"a": np.array([1])}, slew)


def test_what_the_tables_lack():
    netlist = GateNetlist("n", ("a", "b"), ("y",), (Instance("g", "nor2", ("a", "b"), ("y",)),))
    with pytest.raises(GateTableError, match="n: the tables lack nor2; they hold inverter, nand2"):
        timed(netlist, TABLES, {})
