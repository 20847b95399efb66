"""Thresholds by constant current: a fine sweep of one transistor, which one a shift moves, and where there is none."""

import numpy as np
import pytest
from alone import add_alone

from charlib.metrics import METRICS
from charlib.status import Status
from netlists import TESTBENCHES, Setting, Sram6T
from netlists.analyses import Sweep
from netlists.circuit import deck_text
from netlists.technology import load
from netlists.testbench import Testbench

pytestmark = pytest.mark.ngspice

BUILD = TESTBENCHES["threshold"].build
ROLES = ("pd", "pu", "pg")


def measured(role, block):
    return METRICS[f"vth_{role}"].measure(block)


def by_itself(setting, role):
    """One transistor of the left half where it sits in a cell, PMOS on a rail of 1 V; its gate in steps of 0.2 mV."""
    sign, rail = (-1, "rail") if role == "pu" else (1, "0")
    circuit = setting.circuit("one transistor, its gate swept")
    circuit.V("rail", "rail", "0", 1.0)
    circuit.V("drain", "drain", rail, sign * 50e-3)
    circuit.V("swept", "swept", "0", 0.0)
    circuit.VCVS("gate", "gate", rail, "swept", "0", voltage_gain=sign)
    knobs = add_alone(circuit, setting, f"{role}_l", ("drain", "gate", rail, rail))
    probes, sweep = ("swept", "vdrain#branch"), Sweep("vswept", 0.0, 1.0, 5001)
    return Testbench("by_itself", deck_text(circuit, probes), sweep, probes, knobs, {})


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("tech", ["predictive28", "freepdk45/vtg"])
def test_a_fine_sweep_of_the_transistor_by_itself_gives_the_same(installed, solve, session, reference, tech, role):
    technology = load(tech)
    at = Setting(technology, "tt", technology.vdd_nominal, 298.15, Sram6T().sized(technology))
    bench, level = BUILD(at), 100e-9 * getattr(at.cell, f"w_{role}") / at.cell.l
    draws = np.random.default_rng(1).standard_normal((4, len(bench.knobs)))
    found = measured(role, solve(session, bench, draws)).values
    swept = solve(reference, by_itself(at, role), draws[:, [list(bench.knobs).index(f"cell.{role}_l")]])
    gate = [np.interp(level, np.abs(i), v) for v, i in zip(swept["swept"], swept["vdrain#branch"], strict=True)]
    np.testing.assert_allclose(found, gate, rtol=0, atol=0.05e-3)


@pytest.mark.parametrize("role", ROLES)
def test_a_shift_moves_the_left_transistor_of_its_role_only(setting, solve, session, role):
    """Upwards is harder to turn on, also of a PMOS, and by as much as the shift up to the slope of the current."""
    shifts = ({}, {f"{role}_l": 0.1}, {f"{role}_r": 0.1})
    plain, left, right = (solve(session, BUILD(setting(shifts=s))) for s in shifts)
    for other in ROLES:
        moved, same = (measured(other, block).values - measured(other, plain).values for block in (left, right))
        np.testing.assert_allclose(moved, 0.1 if other == role else 0.0, rtol=0.15, atol=1e-9)
        assert same[0] == 0.0


@pytest.mark.parametrize("role", ROLES)
def test_a_transistor_that_conducts_at_0_v_and_one_that_never_does_have_no_threshold(setting, solve, session, role):
    """On its way there the threshold runs down to 0 and up to the highest gate voltage."""
    nominal = measured(role, solve(session, BUILD(setting()))).values[0]
    for shift, status, bound in (
        (-nominal - 0.05, Status.censored_low, 0.0),
        (-nominal + 0.05, Status.ok, np.nan),
        (1.1 - nominal - 0.05, Status.ok, np.nan),
        (1.1 - nominal + 0.05, Status.censored_high, 1.1),
    ):
        result = measured(role, solve(session, BUILD(setting(shifts={f"{role}_l": shift}))))
        assert result.status[0] == status
        np.testing.assert_equal(result.bound[0], bound)
        assert status != Status.ok or result.values[0] == pytest.approx(nominal + shift, abs=0.05)
