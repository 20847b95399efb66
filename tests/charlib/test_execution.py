"""Executors, interruptions and failing storage: the numbers stay the same and nothing stored is lost."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from charlib import Conditions, Variation, characterize
from charlib.directory import MANIFEST
from charlib.errors import CharacterizationError, InvalidPlan, StorageFailed, TooManyFailures
from charlib.execution import Job, LocalPool, Runner
from charlib.progress import Progress
from charlib.store import Store
from charlib.unit import Unit
from netlists import TESTBENCHES

pytestmark = pytest.mark.ngspice

HERE = Conditions(process=["tt", "ff"], vdd=[0.8, 1.0])
SOME = Variation(samples=70, seed=2)
METRICS = ["snm_read", "i_leak", "t_fo4"]


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The run that others are held against: one local worker."""
    folder = tmp_path_factory.mktemp("straight") / "r"
    characterize(conditions=HERE, variation=SOME, metrics=METRICS, out=folder, workers=1)
    return folder


def differing(a, b):
    """Stored units that are not the same bytes and Datasets that differ; the manifest alone tells times."""
    units = {p.name for folder in (a, b) for p in (folder / "units").iterdir()}
    contents = [[folder / "units" / name for folder in (a, b)] for name in sorted(units)]
    found = [p.name for p, q in contents if not (p.exists() and q.exists() and p.read_bytes() == q.read_bytes())]
    for name in ("characterization.nc", "tables.nc"):
        with xr.open_dataset(a / name) as one, xr.open_dataset(b / name) as other:
            found += [] if one.identical(other) else [name]
    return found


def test_two_workers_make_the_files_of_one(straight, tmp_path):
    characterize(conditions=HERE, variation=SOME, metrics=METRICS, out=tmp_path / "r", workers=2)
    assert not differing(straight, tmp_path / "r")


def test_a_dask_cluster_makes_the_files_of_one_worker_and_keeps_no_simulator(straight, tmp_path):
    distributed = pytest.importorskip("distributed", reason="installed by the project's set-up")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        characterize(conditions=HERE, variation=SOME, metrics=METRICS, out=tmp_path / "r", scheduler=address)
        with distributed.Client(address) as client:
            left = client.run(lambda dask_worker: hasattr(dask_worker, "pimchar_sessions"))
    assert not any(left.values())
    assert not differing(straight, tmp_path / "r")


def test_a_scheduler_that_is_not_there_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr("charlib.execution.CONNECT_SECONDS", 0.5)
    with pytest.raises(CharacterizationError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        characterize(metrics=["snm_hold"], scheduler="tcp://127.0.0.1:9", out=tmp_path / "r")


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InvalidPlan, match=r"pip install 'pimchar\[dask\]'"):
        characterize(metrics=["snm_hold"], scheduler="tcp://127.0.0.1:9")


RUN = """
import sys
from charlib import Conditions, Variation, characterize
characterize(conditions=Conditions(process=["tt", "ff"], vdd=[0.8, 1.0]), variation=Variation(samples=70, seed=2),
             metrics=["snm_read", "i_leak", "t_fo4"], out=sys.argv[1], workers=2)
"""


def start(folder):
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen([sys.executable, "-c", RUN, str(folder)], env=env, stderr=subprocess.PIPE, text=True)


def wait_for_units(process, folder, count):
    """Until ``count`` units are stored or the run has ended."""
    for _ in range(6000):
        if process.poll() is not None or len(list((folder / "units").glob("*.npz"))) >= count:
            return
        time.sleep(0.01)
    pytest.fail("no unit was stored in a minute")


def children(pid):
    """Processes whose parent is ``pid``."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds child processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_run_leaves_no_process_and_goes_on(straight, tmp_path, how):
    folder = tmp_path / "r"
    process = start(folder)
    wait_for_units(process, folder, 20)
    simulators = children(process.pid)
    stored = {p.name: p.stat().st_mtime_ns for p in (folder / "units").glob("*.npz")}
    process.send_signal(how)
    process.wait(30)
    assert simulators
    for _ in range(500):
        if not any(Path(f"/proc/{pid}").exists() for pid in simulators):
            break
        time.sleep(0.01)
    assert not any(Path(f"/proc/{pid}").exists() for pid in simulators)
    assert start(folder).wait(120) == 0
    assert not differing(straight, folder)
    assert all((folder / "units" / name).stat().st_mtime_ns == at for name, at in stored.items())


def test_a_full_disk_is_a_clear_error_and_the_run_goes_on_later(straight, tmp_path):
    """The limit on file size stands in for a full disk: the system refuses the write in the same way."""
    folder = tmp_path / "r"
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, resource.RLIM_INFINITY))\n"
    code = limit + RUN
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code, folder], env=env, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert StorageFailed.__name__ in done.stderr
    assert "the same command goes on from there" in done.stderr
    assert not list(folder.rglob("*.partial"))
    assert start(folder).wait(120) == 0
    assert not differing(straight, folder)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_run_that_fails_keeps_decks_to_run_by_hand(tmp_path, monkeypatch):
    from charlib import session

    truth = session._verdict

    def fails(testbench, *answer):
        unsolved = session.Unsolved(session.Status.numerical_failure, "no solution")
        return unsolved if testbench.name == "leakage" else truth(testbench, *answer)

    monkeypatch.setattr(session, "_verdict", fails)
    with pytest.raises(TooManyFailures, match=r"samples without an answer.*decks of the first are in .*failed"):
        characterize(variation=SOME, metrics=["i_leak"], out=tmp_path / "r")
    decks = sorted((tmp_path / "r" / "failed").iterdir())
    assert decks
    subprocess.run(["ngspice", "-b", decks[0].name], cwd=decks[0].parent, check=True, capture_output=True)
    assert (decks[0].parent / "waveforms.txt").stat().st_size > 0


def test_the_time_of_samples_is_known_before_a_second_run(tmp_path, capsys):
    characterize(metrics=["i_leak"], variation=Variation(samples=5), out=tmp_path / "r", progress=True)
    first = capsys.readouterr().err
    assert "5 simulations to run, 0 found in the store; about " in first
    characterize(metrics=["i_leak"], variation=Variation(samples=9), out=tmp_path / "r", progress=True, workers=1)
    second = capsys.readouterr().err
    assert "4 simulations to run, 5 found in the store; about " in second
    assert "on 1 simulator" in second
    assert json.loads((tmp_path / "r" / MANIFEST).read_text())["seconds_per_sample"]["leakage"] > 0


def test_progress_without_an_end_guesses_none(capsys):
    shown = Progress(None, True)
    shown.tell("condition 2 of 5, estimate")
    shown.advance(64, 1)
    shown.close()
    said = capsys.readouterr().err
    assert "condition 2 of 5, estimate: 64 samples, 1 without an answer, 0 s" in said
    assert "left" not in said


def test_tasks_hold_about_the_same_work_and_mix_the_testbenches(setting, tmp_path):
    store = Store(tmp_path, "39")
    cheap, dear = (TESTBENCHES[name].build(setting(window=1e-9)) for name in ("leakage", "read_path"))
    jobs = [Job(i, Unit(t, i, 1, True, "default"), 64 * i, 64) for t in (cheap, dear) for i in range(16)]
    known = {"leakage": 1e-4, "read_path": 0.1}
    with Runner(store, LocalPool(1), Progress(1, False), 0, known) as runner:
        tasks = runner._tasks(jobs)
    assert sorted(job.place for task in tasks for job in task) == sorted(2 * list(range(16)))
    sizes = {name: {len(task) for task in tasks if task[0].unit.testbench.name == name} for name in known}
    assert sizes["read_path"] == {1}
    assert max(sizes["leakage"]) > 1
    names = [task[0].unit.testbench.name for task in tasks]
    assert 0 < np.mean([i for i, n in enumerate(names) if n == "leakage"]) / len(names) < 0.7
