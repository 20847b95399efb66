"""The default run under attack: whatever is killed, the numbers are those of a quiet run and no stored unit runs again.

Each test prints a line for docs/acceptance.md; ``make acceptance`` shows them.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from charlib import Conditions, Variation, characterize
from charlib.status import Status
from pimchar import runfile

pytestmark = [pytest.mark.acceptance, pytest.mark.ngspice]

KILLS = 20


def start(folder):
    """The default characterization as a process of its own."""
    run_file = folder.with_suffix(".toml")
    run_file.write_text(runfile.default_text())
    command = [sys.executable, "-m", "pimchar", "characterize", run_file, "--out", folder, "--workers", "2"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def stored(folder):
    """Name to modification time of every stored unit."""
    return {p.name: p.stat().st_mtime_ns for p in (folder / "units").glob("*.npz")}


def simulators(parent):
    """Children of a process that run the simulator program."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            of = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if of == parent and b"charlib/simulator.py" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def all_gone(pids, seconds=10):
    """Whether processes end within some time."""
    deadline = time.monotonic() + seconds
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    """The default characterization without disturbance."""
    folder = tmp_path_factory.mktemp("quiet") / "r"
    assert start(folder).wait(1800) == 0
    return folder


def test_twenty_kills_of_the_main_process(quiet, tmp_path, capsys):
    folder, kept, spread = tmp_path / "r", {}, []
    rng = np.random.default_rng(1)
    for _ in range(KILLS):
        process = start(folder)
        target = len(kept) + 1 + int(rng.integers(0, 8))
        while len(stored(folder)) < target and process.poll() is None:
            time.sleep(0.005)
        assert process.poll() is None, "the run ended before it was killed: " + process.stderr.read()
        before = simulators(process.pid)
        process.kill()
        process.wait()
        assert all_gone(before)
        now = stored(folder)
        assert len(now) > len(kept)
        assert all(now[name] == at for name, at in kept.items()), "a stored unit was run again"
        spread.append(len(now) - len(kept))
        kept = now
    assert start(folder).wait(1800) == 0
    final = stored(folder)
    assert all(final[name] == at for name, at in kept.items()), "a stored unit was run again"
    assert_equal(quiet, folder)
    with capsys.disabled():
        print(
            f"\n{KILLS} kills, {min(spread)} to {max(spread)} new units before each, {len(final)} units in all: equal"
        )


def assert_equal(a, b):
    with xr.open_dataset(a / "characterization.nc") as one, xr.open_dataset(b / "characterization.nc") as other:
        xr.testing.assert_equal(one, other)
        assert dict(one.attrs) == dict(other.attrs)


def disturb(folder, signum, times, pause=0.7):
    """Send a signal to a random simulator again and again while a run goes on."""
    process = start(folder)
    rng, hits = np.random.default_rng(2), 0
    while process.poll() is None and hits < times:
        time.sleep(pause)
        victims = simulators(process.pid)
        if victims:
            os.kill(int(rng.choice(victims)), signum)
            hits += 1
    assert process.wait(1800) == 0, process.stderr.read()
    return hits


def test_killed_simulators(quiet, tmp_path, capsys):
    hits = disturb(tmp_path / "r", signal.SIGKILL, 20)
    assert hits == 20
    assert_equal(quiet, tmp_path / "r")
    with capsys.disabled():
        print(f"\n{hits} simulators killed while they solved: equal")


def test_simulators_that_sleep_for_ever(tmp_path, capsys):
    """Stopped processes answer nothing; with a limit of two seconds they are replaced and the numbers stay."""
    arguments = {
        "conditions": Conditions(vdd=[0.8, 1.0]),
        "variation": Variation(samples=200),
        "metrics": ["snm_read", "t_read_p"],
        "workers": 2,
    }
    expected = characterize(**arguments)
    hits = []

    def stop_some():
        for _ in range(5):
            time.sleep(1.5)
            victims = simulators(os.getpid())
            if victims:
                os.kill(victims[0], signal.SIGSTOP)
                hits.append(victims[0])

    thread = threading.Thread(target=stop_some)
    thread.start()
    found = characterize(**arguments, timeout=2.0, out=tmp_path / "r")
    thread.join()
    assert hits
    assert all_gone(hits)
    assert (found.snm_read_status == Status.ok).all()
    xr.testing.assert_equal(expected, found)
    with capsys.disabled():
        print(f"\n{len(hits)} simulators put to sleep: equal")


def test_a_killed_dask_worker(tmp_path, capsys):
    import distributed

    arguments = {
        "conditions": Conditions(process=["tt", "ff"], vdd=[0.8, 1.0]),
        "variation": Variation(samples=128),
        "metrics": ["snm_read", "t_read_p"],
    }
    expected = characterize(**arguments, workers=2)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        first = next(iter(cluster.workers.values()))

        def kill_one():
            time.sleep(5)
            os.kill(first.pid, signal.SIGKILL)

        thread = threading.Thread(target=kill_one)
        thread.start()
        found = characterize(**arguments, scheduler=cluster.scheduler_address, out=tmp_path / "r")
        thread.join()
    xr.testing.assert_equal(expected, found)
    with capsys.disabled():
        print("\na Dask worker killed: equal")
