"""The translation of a deck for the second simulator; tests/acceptance lets it solve one."""

import numpy as np
import pytest

from bench import vacask
from bench.vacask import VacaskError
from netlists import TESTBENCHES

RAW = """Title: t
No. Variables: 2
No. Points: 2
Variables:
\t0\ts\tvoltage
\t1\tq_l\tvoltage
Values:
0\t-1.0
\t0.5

1\t1.0
\t0.25
"""


def words(line):
    return next(vacask.statements(line))


def test_a_butterfly_becomes_one_sweep_over_its_points(setting):
    testbench = TESTBENCHES["butterfly_read"].build(setting(vdd=1.0))
    text = vacask.translate(testbench.deck, np.array([-1.0, 0.0, 1.0]))
    assert 'sweep place instance="vplaces" parameter="dc" values=[-1.0, 0.0, 1.0]' in text
    assert "options temp=25.0 gmin=1e-21 " in text
    assert "El (q_l qb_l s 0) vcvs gain=1.0" in text
    assert "Vwl (wl 0) vsource dc=1.0" in text
    assert text.count("model ") == 4
    assert text.count("\nM") == 6
    assert text.count("subckt half6t") == text.count("\nends") == 2
    for line in text.splitlines():
        assert not line.startswith((".", "+", "*"))


def test_a_transistor_keeps_its_diffusions_and_multiplier():
    line = "Mpd out inp 0 0 N1 ad=1e-14 as=2e-14 l=5e-08 m=3 pd=3e-07 ps=2e-07 w=2e-07"
    translated = vacask.element(words(line))
    assert translated.startswith("Mpd (out inp 0 0) N1 ad=1e-14 as=2e-14 l=5e-08 pd=3e-07 ps=2e-07 w=2e-07")
    assert translated.endswith("$mfactor=3")


def test_a_model_card_says_type_and_version():
    text = vacask.model(words(".model P1 pmos level = 54\n+ version=4.8 TOXE = 1e-9\n+vth0=-0.4"))
    assert text == 'model P1 sp_bsim4v8 (\ntype=-1\nversion="4.8.0"\ntoxe=1e-9\nvth0=-0.4\n)'


@pytest.mark.parametrize("line", [".model N1 nmos level=49 vth0=1", ".model D1 d is=1e-15", ".model N1 nmos vth0=1"])
def test_other_models_are_refused(line):
    with pytest.raises(VacaskError, match=r"1 is not a BSIM4 transistor"):
        vacask.model(words(line))


@pytest.mark.parametrize("line", ["R1 a b 1k", ".include other.lib"])
def test_what_has_no_translation_is_named(line):
    with pytest.raises(VacaskError, match="has no translation"):
        vacask.translate(f"{line}\n.options gmin=1e-15 temp=27", np.zeros(1))


def test_a_raw_file_is_read_by_name():
    vectors = vacask.read_raw(RAW)
    assert {name: values.tolist() for name, values in vectors.items()} == {"s": [-1.0, 1.0], "q_l": [0.5, 0.25]}


def test_a_simulator_that_fails_says_why(setting, tmp_path):
    program = tmp_path / "vacask"
    program.write_text("#!/bin/sh\necho homotopy failed\n")
    program.chmod(0o755)
    with pytest.raises(VacaskError, match="VACASK ended with 0: homotopy failed"):
        vacask.solve(program, TESTBENCHES["butterfly_hold"].build(setting()))
