"""FO4 inverter."""

import pytest

from charlib.metrics import logic
from charlib.status import Status
from netlists import TESTBENCHES

pytestmark = pytest.mark.ngspice

BUILD = TESTBENCHES["fo4"].build


def test_delay_and_energy_fall_and_rise_with_vdd(setting, solve, session):
    blocks = {vdd: solve(session, BUILD(setting(vdd=vdd, window=2e-9))) for vdd in (0.6, 0.8, 1.0)}
    delays = [logic.t_fo4(b).values[0] for b in blocks.values()]
    energies = [logic.e_fo4(b).values[0] for b in blocks.values()]
    assert delays == sorted(delays, reverse=True)
    assert energies == sorted(energies)
    assert energies[0] / energies[2] == pytest.approx(0.36, rel=0.25)  # C V^2


def test_the_window_does_not_matter(setting, solve, session):
    short, long = (logic.t_fo4(solve(session, BUILD(setting(window=w)))).values[0] for w in (0.2e-9, 2e-9))
    assert short == pytest.approx(long, rel=3e-3)


def test_a_window_too_short_is_censored(setting, solve, session):
    block = solve(session, BUILD(setting(vdd=0.4, window=20e-12)))
    assert logic.t_fo4(block).status[0] == Status.censored_high
    assert logic.e_fo4(block).status[0] == Status.not_performed
