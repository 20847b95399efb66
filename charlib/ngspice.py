"""The installed simulator: where libngspice is, and one long-lived child process that keeps it."""

from __future__ import annotations

import contextlib
import ctypes.util
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from charlib.errors import SimulatorMissing
from netlists.veriloga import CompiledModel

PLAIN_RETRIES = 3
"""How often a sample that was lost with its simulator is tried as it was: it may have been killed from outside."""

TIMEOUT = 60.0
"""Wall-clock limit of one sample [s], generous: a sample takes milliseconds."""

INSTALL_HINT = "install it (Debian, Ubuntu: apt-get install libngspice0) or set NGSPICE_LIBRARY_PATH"

OSDI_HINT = (
    "install ngspice 46 or later (Debian 12: libngspice0 of bookworm-backports), or run `make ngspice-osdi`, "
    "which puts it beside the installed one"
)


def library_path() -> str:
    """File or soname of libngspice; raises SimulatorMissing."""
    found = os.environ.get("NGSPICE_LIBRARY_PATH") or ctypes.util.find_library("ngspice")
    if not found:
        raise SimulatorMissing(f"libngspice was not found: {INSTALL_HINT}")
    return found


class SimulatorKilled(SimulatorMissing):
    """A simulator that a signal ended before it was ready."""


class Child:
    """One simulator process and the pipe to it.

    It ends when the pipe closes, so it cannot outlive this process, however this process ends.
    """

    def __init__(self) -> None:
        library = library_path()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
        ours, theirs = Pipe()
        self._pipe: Connection = ours
        # Connection.poll builds a selector at every call, which costs more than reading an answer.
        self._arrival = select.poll()
        self._arrival.register(ours.fileno(), select.POLLIN)
        program = Path(__file__).with_name("simulator.py")
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(program), str(theirs.fileno()), library],
                pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=self._errors, env=os.environ | {"OMP_THREAD_LIMIT": "1"},
                process_group=0,  # Ctrl-C is for the parent, which then closes the pipe
            )  # fmt: skip
        answer = self.answer(TIMEOUT)
        if answer is None or answer[0] != "ready":
            message, killed = self.last_words(), (self._process.poll() or 0) < 0
            self.close()
            raise (SimulatorKilled if killed else SimulatorMissing)(
                f"{library} does not start ({message}): {INSTALL_HINT}"
            )
        self.banner: tuple[str, ...] = tuple(answer[1])
        self.osdi: bool = answer[2]

    def ask(self, *request: object) -> None:
        """Send a request; a child that is gone shows in its answer."""
        with contextlib.suppress(OSError, ValueError):  # the missing answer tells, with the child's exit code
            self._pipe.send(request)

    def answer(self, timeout: float) -> tuple | None:
        """Next answer, or None when the child died or said nothing for ``timeout`` [s]."""
        try:
            return self._pipe.recv() if self._arrival.poll(1000 * timeout) else None
        except (EOFError, OSError, ValueError):  # ValueError: closed by another thread
            return None

    def load_model(self, model: CompiledModel) -> bool:
        """Make the simulator know a compiled Verilog-A model; raises SimulatorMissing where it cannot.

        Returns:
            False where the child died or hung over it.
        """
        self.need_osdi()
        self.ask("osdi", model.path)
        answer = self.answer(TIMEOUT)
        if answer and answer[1]:
            said = answer[1][0].strip()
            raise SimulatorMissing(f"ngspice {self.version} does not load {model.path}: {said}; {OSDI_HINT}")
        return answer is not None

    def need_osdi(self) -> None:
        """Raise SimulatorMissing unless this ngspice can load compiled Verilog-A models at all."""
        if not self.osdi:
            raise SimulatorMissing(f"this ngspice ({self.version}) loads no Verilog-A models (OSDI): {OSDI_HINT}")

    @property
    def version(self) -> str:
        """Version of the library, such as ``39``; raises SimulatorMissing where it does not say it."""
        for line in self.banner:
            if "ngspice-" in line:
                return line.split("ngspice-")[1].split()[0]
        raise SimulatorMissing(f"libngspice does not say its version: {' '.join(self.banner)}")

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def last_words(self) -> str:
        """Exit code and the end of standard error."""
        try:
            code = self._process.wait(0.2)
        except subprocess.TimeoutExpired:
            code = "none"
        self._errors.seek(0)
        tail = self._errors.read().decode(errors="replace").strip().splitlines()[-1:]
        return f"exit code {code}{': ' if tail else ''}{''.join(tail)}"

    def close(self) -> None:
        """Kill and wait."""
        self._pipe.close()
        self._process.kill()
        self._process.wait()
        self._errors.close()


def start_child() -> Child:
    """A child that is ready; one that is killed while it starts is started again."""
    for _ in range(PLAIN_RETRIES):
        with contextlib.suppress(SimulatorKilled):
            return Child()
    return Child()


@cache
def version() -> str:
    """Version of the library, such as ``39``; raises SimulatorMissing."""
    with contextlib.closing(start_child()) as child:
        return child.version


def check_models(models: Sequence[CompiledModel]) -> None:
    """Raise SimulatorMissing unless the simulator loads every one of some compiled Verilog-A models.

    Of models that are not at hand, those without a hash, only that it loads such models at all.
    """
    if not models:
        return
    with contextlib.closing(start_child()) as child:
        child.need_osdi()
        for model in models:
            if model.sha256 and not child.load_model(model):
                raise SimulatorMissing(f"ngspice does not survive {model.path} ({child.last_words()})")
