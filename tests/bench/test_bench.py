"""Every contender really solves the same samples, and all of its processes are counted; nobody's time is tested."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import psutil
import pytest

from bench import batch, designs, report, startup
from bench.contenders import CONTENDERS, ONE, OWN, OWN_TWICE, PYSPICE, TWO
from bench.rounds import Cost, Turn, cpu_time
from bench.workloads import butterfly, read_path
from charlib.metrics import METRICS
from charlib.session import Session
from charlib.waveforms import stack

SAMPLES = 2
BOUND = {"mV": 1.0, "%": 0.2}
"""Largest error of a margin [mV] and of a delay [%] that anyone's settings make."""
ACCURATE = {"mV": 0.05, "%": 0.1}
"""The same for pimchar."""
SOLVERS = [name for name, contender in CONTENDERS.items() if contender.start_up != 0]


@pytest.fixture(scope="module")
def workloads():
    return [replace(build(), checked=SAMPLES) for build in (butterfly, read_path)]


@pytest.fixture(scope="module")
def exact(workloads):
    return [workload.references() for workload in workloads]


@pytest.mark.ngspice
@pytest.mark.parametrize("name", SOLVERS)
def test_everyone_solves_the_same_samples(name, workloads, exact, monkeypatch):
    monkeypatch.setenv("OMP_THREAD_LIMIT", "1")  # threads that spin beside other tests would take minutes
    bound = ACCURATE if "pimchar" in CONTENDERS[name].title else BOUND
    with Turn(name) as turn:
        for workload, numbers in zip(workloads, exact, strict=True):
            errors = workload.errors(turn.solve(workload, SAMPLES), numbers)
            assert errors.shape == (SAMPLES,)
            assert np.abs(errors).max() < bound[workload.error_unit]


@pytest.mark.ngspice
def test_the_loop_inside_ngspice_solves_what_pimchar_solves(workloads):
    with Turn(ONE) as turn:
        for workload in workloads:
            with Session() as session:
                session.prepare(workload.testbench)
                whole = replace(workload.testbench, deck=workload.testbench.deck + session.lines)
            solutions = batch.solutions(whole, workload.samples(SAMPLES))
            arrays = [np.array([vectors[name] for name in workload.testbench.vectors]) for vectors in solutions]
            measured = METRICS[workload.metric].measure(stack(workload.testbench, arrays)).values
            worst = measured.min(axis=1) if measured.ndim == 2 else measured
            np.testing.assert_allclose(worst, turn.solve(workload, SAMPLES), rtol=1e-6)


@pytest.mark.ngspice
def test_the_loop_sets_each_sample_once_and_solves_it_as_often_as_asked(workloads):
    testbench = workloads[0].testbench
    lines = batch.program(testbench, workloads[0].samples(3), 5).splitlines()
    assert lines.count("repeat 5") == lines.count(testbench.analysis.command) == 3
    assert sum(line.startswith("alter ") for line in lines) == 3 * 6
    assert testbench.analysis.command not in batch.program(testbench, workloads[0].samples(3), 0)


def test_processes_that_have_ended_are_counted():
    before = cpu_time(psutil.Process())
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", burn], check=True)
    assert cpu_time(psutil.Process()) - before > 0.25


def test_claims_are_ratios_within_a_round():
    costs = {
        OWN: [Cost(1.0, 1.0), Cost(2.0, 2.0)],
        OWN_TWICE: [Cost(1.0, 0.5), Cost(2.0, 1.0)],
        ONE: [Cost(1.1, 1.1), Cost(2.2, 2.2)],
        TWO: [Cost(1.1, 0.55), Cost(2.2, 1.1)],
        PYSPICE: [Cost(3.3, 3.3)],
    }
    claims = report.claims(costs)
    for text in ("10.0 (10.0 to 10.0)", "2.00 (2.00 to 2.00)", "3.00 (3.00 to 3.00)"):
        assert text in claims
    assert "Dask" not in claims
    table = report.table(costs, {ONE: np.array([0.3, -0.4])}, "snm_read [mV]")
    assert "0.354" in table
    assert "0.400" in table


@pytest.mark.ngspice
def test_a_library_in_full_and_slimmed_gives_the_same_operating_point(installed):
    """What the start-up table compares does the same work: every printed digit of a cell's currents."""
    slimmed = startup.leakage("gf180mcu")
    full = startup.in_full("gf180mcu", slimmed)
    assert len(full.deck) < len(slimmed.deck) / 2
    with Session() as session:
        ((one,), (other,)) = (session.solve(bench, startup.nominal(bench)) for bench in (slimmed, full))
    assert np.char.mod("%.8e", one.data).tolist() == np.char.mod("%.8e", other.data).tolist()


@pytest.mark.ngspice
def test_start_up_counts_time_and_memory(installed, monkeypatch):
    monkeypatch.setattr(startup, "ROUNDS", 1)
    kinds = {kind: numbers for _, kind, *numbers in startup.rows("gf180mcu")}
    assert list(kinds) == ["in full", "slimmed, first time", "slimmed, from then on"]
    assert all(number > 0 for text, deck, _, memory in kinds.values() for number in (deck, memory))
    assert kinds["slimmed, first time"][0] > 0


def test_designs_at_once_are_those_one_by_one(capsys):
    designs.main(25)  # compares each number itself
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[-2:]]
    assert [(int(row[0]), int(row[1])) for row in rows] == [(25, 1), (1, 25)]
    geometries, mappings = designs.points(2000)
    assert len(set(geometries)) == len(mappings) == 2000
