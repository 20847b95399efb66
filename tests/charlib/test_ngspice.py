"""The session: verdicts, retries, lost simulators, and results that do not depend on history."""

import contextlib
import os
import signal
from dataclasses import replace

import numpy as np
import pytest

from charlib import ngspice
from charlib.errors import SimulatorMissing
from charlib.session import Session, Solved, Unsolved
from charlib.simulator import command_lines
from charlib.status import Status
from charlib.unit import Unit
from netlists import TESTBENCHES
from netlists.analyses import OperatingPoint, Sweep, Transient
from netlists.testbench import Knob, Testbench
from netlists.veriloga import CompiledModel

pytestmark = pytest.mark.ngspice

DIVIDER = "divider\nvc c 0 0\nr1 c x 1k\nr2 x 0 3k\n.save x c\n"
NO_SOLUTION_ABOVE_HALF = (
    "trouble\nvc c 0 0\nb1 x 0 I = v(c) > 0.5 ? (v(x) > 0 ? 1 : -1) : v(x)\nr1 x 0 1k\ni1 0 x 0.1\n"
)


def bench(deck, analysis=None, probes=("x", "c")):
    return Testbench("test", deck, analysis or OperatingPoint(), probes, {"c": Knob(("vc",), 1.0, 1)}, {})


def values(*numbers):
    return np.array(numbers)[:, None]


def test_solves_what_ohm_says(session):
    results = session.solve(bench(DIVIDER), values(1.0, 2.0, -4.0))
    np.testing.assert_allclose([r.vectors["x"][0] for r in results], [0.75, 1.5, -3.0], rtol=1e-6)


def test_a_sample_without_a_solution_is_a_status_and_the_others_go_on(session):
    good, bad, after = session.solve(bench(NO_SOLUTION_ABOVE_HALF), values(0.1, 0.7, 0.2))
    assert isinstance(good, Solved)
    assert isinstance(after, Solved)
    assert bad.status == Status.numerical_failure
    assert "doAnalyses" in bad.reason
    assert bad.log


def test_what_a_transient_ends_with_is_no_operating_point(session):
    """Charged by a jump of current that no level balances: ngspice would take where it is after ten microseconds."""
    deck = "jump\nvc c 0 0\nb1 x 0 I = v(x) < 0.5 ? -1 : 1\nc1 x 0 1\n.save x c\n"
    (result,) = session.solve(bench(deck), values(0.0))
    assert isinstance(result, Unsolved)
    assert "convergence" in result.reason


def test_a_missing_vector_is_a_failure_that_names_it(session):
    (result,) = session.solve(bench(DIVIDER, probes=("x", "nowhere")), values(1.0))
    assert isinstance(result, Unsolved)
    assert "nowhere" in result.reason


def test_a_sweep_keeps_both_ends(session):
    (result,) = session.solve(bench(DIVIDER, Sweep("vc", 0.0, 0.7, 8)), values(0.0))
    np.testing.assert_allclose(result.vectors["c"], np.linspace(0, 0.7, 8), atol=1e-12)


def test_a_transient_reaches_its_end(session):
    (result,) = session.solve(bench(DIVIDER, Transient(1e-9, 1e-10)), values(1.0))
    assert result.vectors["time"][-1] == pytest.approx(1e-9)


def test_a_killed_simulator_is_replaced_and_no_bit_differs(setting):
    testbench = TESTBENCHES["butterfly_read"].build(setting())
    knob_values = np.random.default_rng(1).normal(0, 0.03, (6, 6))
    with Session() as session:
        untroubled = session.solve(testbench, knob_values)
        os.kill(session._child._process.pid, signal.SIGKILL)
        troubled = session.solve(testbench, knob_values)
    for a, b in zip(untroubled, troubled, strict=True):
        assert all(np.array_equal(a.vectors[k], b.vectors[k]) for k in a.vectors)


def test_results_do_not_depend_on_what_was_solved_before(setting):
    knob_values = np.random.default_rng(1).normal(0, 0.03, (5, 60))
    for name, window in (("butterfly_read", None), ("leakage", None), ("read_path", 1e-9)):
        testbench = TESTBENCHES[name].build(setting(window=window))
        rows = knob_values[:, : len(testbench.knobs)]
        with Session() as session:
            forward = session.solve(testbench, rows)
            backward = session.solve(testbench, rows[::-1])[::-1]
        with Session() as session:
            alone = session.solve(testbench, rows[3:4])
        for a, b in zip(forward + [forward[3]], backward + alone, strict=True):
            assert all(np.array_equal(a.vectors[k], b.vectors[k]) for k in a.vectors), name


def test_a_simulator_that_does_not_answer_in_time_is_a_timeout(setting, monkeypatch):
    monkeypatch.setattr("charlib.session.LADDER", ())
    testbench = TESTBENCHES["read_path"].build(setting(window=1e-9))
    with Session(timeout=1e-4) as session:
        (result,) = session.solve(testbench, np.zeros((1, len(testbench.knobs))))
        assert result.status == Status.timeout
        session._timeout = 60.0
        (result,) = session.solve(testbench, np.zeros((1, len(testbench.knobs))))
        assert isinstance(result, Solved)


def test_cpu_time_grows_with_the_work_and_counts_simulators_that_were_replaced(monkeypatch):
    monkeypatch.setattr("charlib.session.GROWTH", -1.0)  # every one but the first is replaced when it is done
    sweep = bench(DIVIDER, Sweep("vc", 0.0, 1.0, 20_001))
    with Session() as session:
        spent = [session.cpu_time()]
        for count in (1, 1, 12):
            session.solve(sweep, values(*[0.0] * count))
            spent.append(session.cpu_time())
    one, again, many = np.diff(spent)
    assert min(one, again) > 0
    assert many > 3 * again


def test_a_closed_session_leaves_no_process():
    session = Session()
    process = session._child._process
    session.close()
    assert process.returncode is not None


def test_a_library_that_is_not_there_says_what_to_install(monkeypatch):
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", "libnothing.so")
    with pytest.raises(SimulatorMissing, match="apt-get install libngspice0"):
        Session()


def test_no_library_at_all_says_what_to_install(monkeypatch):
    monkeypatch.delenv("NGSPICE_LIBRARY_PATH", raising=False)
    monkeypatch.setattr(ngspice.ctypes.util, "find_library", lambda name: None)
    with pytest.raises(SimulatorMissing, match="apt-get install libngspice0"):
        ngspice.library_path()


def test_version_is_a_number():
    assert int(ngspice.version().split(".")[0]) >= 36


def test_long_commands_are_broken_before_the_simulator_cuts_them():
    commands = [f"alter @m.x{'cell' * 20}.m{i}[delvto] = {{}}" for i in range(40)]
    lines = command_lines("dc vsweep 0 1 0.1", commands)
    row = [-1.2345678901234567e-100 * (i + 1) for i in range(40)]
    sent = [line.format(*row) for line in lines]
    assert max(map(len, sent)) < 1024
    statements = [statement for line in sent for statement in line.split("; ")]
    assert statements == [*(c.format(repr(v)) for c, v in zip(commands, row, strict=True)), "dc vsweep 0 1 0.1"]
    assert len(lines) < len(commands) / 5


def test_each_of_many_knobs_is_set():
    sources = [f"v{'long' * 10}{i}" for i in range(60)]
    deck = "\n".join(["sources", *(f"{name} n{i} 0 0" for i, name in enumerate(sources)), ".save all", ""])
    knobs = {name: Knob((name,), 1.0, 1) for name in sources}
    testbench = Testbench("test", deck, OperatingPoint(), tuple(f"n{i}" for i in range(60)), knobs, {})
    wanted = np.arange(120.0).reshape(2, 60) / 7
    with Session() as session:
        found = np.array([solved.data.ravel() for solved in session.solve(testbench, wanted)])
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_a_simulator_without_osdi_says_what_to_install():
    with contextlib.closing(ngspice.Child()) as child:
        child.osdi = False
        with pytest.raises(SimulatorMissing, match=r"loads no Verilog-A models \(OSDI\): install ngspice 46") as caught:
            child.load_model(CompiledModel("/none/m.osdi", "0" * 64))
    assert "\n" not in str(caught.value)


@pytest.fixture
def broken(tmp_path):
    """A compiled model that is none: whatever the simulator can load, this it cannot."""
    (tmp_path / "m.osdi").write_bytes(b"no library")
    return CompiledModel.of(tmp_path / "m.osdi")


def test_a_compiled_model_that_cannot_be_loaded_is_found_before_anything_runs(broken):
    with pytest.raises(SimulatorMissing, match=r"OSDI|does not load .*m\.osdi"):
        ngspice.check_models((broken,))
    ngspice.check_models(())


def test_a_testbench_whose_model_cannot_be_loaded_is_no_failed_sample(broken):
    with Session() as session, pytest.raises(SimulatorMissing):
        session.solve(replace(bench(DIVIDER), osdi=(broken,)), values(1.0))


def test_units_know_their_compiled_models(broken):
    def key(models):
        return Unit(replace(bench(DIVIDER), name="leakage", osdi=models), None, 0, False, "default").key("46")

    assert len({key(()), key((broken,)), key((replace(broken, sha256="1" * 64),))}) == 3
    assert key((broken,)) == key((replace(broken, path="/elsewhere/m.osdi"),))


def test_a_simulator_killed_while_it_starts_is_started_again(monkeypatch):
    heard, kills = ngspice.Child.answer, []

    def killed_twice(child, timeout):
        if len(kills) < 2:
            kills.append(child._process.pid)
            child._process.kill()
        return heard(child, timeout)

    monkeypatch.setattr(ngspice.Child, "answer", killed_twice)
    with Session() as session:
        (found,) = session.solve(bench(DIVIDER), values(1.0))
    assert isinstance(found, Solved)
    assert len(kills) == 2


def test_a_simulator_that_cannot_start_is_not_tried_again(monkeypatch, tmp_path):
    starts = []
    start = ngspice.subprocess.Popen
    monkeypatch.setattr(ngspice.subprocess, "Popen", lambda *args, **more: starts.append(args) or start(*args, **more))
    (tmp_path / "none.so").write_bytes(b"")
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", str(tmp_path / "none.so"))
    with pytest.raises(SimulatorMissing, match="does not start"):
        Session()
    assert len(starts) == 1
