"""The simulator child process: libngspice behind a pipe, started by :mod:`charlib.ngspice` as a file of its own.

It imports the standard library only, so that a child starts in some ten milliseconds, and it talks in plain tuples.
First it says ``("ready", log, osdi)``: whether it loads compiled Verilog-A models. Then it answers

``("osdi", path)``
    loads a compiled Verilog-A model unless it is loaded; answers ``("osdi", log)``, empty where all is well
``("load", deck)``
    replaces the circuit; answers ``("loaded", log)``
``("run", analysis, vectors, commands, rows, interval)``
    for each row of values gives each command, such as ``alter @m1[delvto] = {}``, its value and runs; answers with
    lists of ``("solved", float64 bytes of all vectors in turn)`` or ``("failed", reason, log)``, a list whenever
    ``interval`` [s] has passed and at the end; without vectors all node voltages, and their names behind them
``("usage",)``
    answers ``("usage", resident size in bytes, CPU time in seconds)``
"""

from __future__ import annotations

import ctypes
import os
import queue
import re
import resource
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection

EXIT_ASKED_BY_NGSPICE = 70
"""Exit code of a child whose ngspice asked to be closed: its state cannot be trusted any more."""

NO_COMMAND = b"no such command"
"""What ngspice says of a command that it does not have."""

TROUBLE = (b"doanalyses:", b"aborted", b"error")
"""What a line of the log must not contain, in lower case, the most telling first.

Notices and warnings pass: a solver that steps gmin or its sources reports singular matrices and failed steps on its
way to a good solution.
"""

LINE = 1000
"""Characters that ngspice reads of a command; it cuts off what is beyond 1,023 without a word."""

NUMBER = 24
"""Characters that a number may take, and those that separate statements."""

WEARS = re.compile(r"\blevel *= *(8|49)(\.0*)?\b", re.IGNORECASE)
"""Model cards (BSIM3) whose junction capacitances ngspice 39 scales again with temperature whenever it sets up.

It sets up before each transient, and after the first one at each altered card, so that the capacitances drift away
from their first and right value, at every temperature but the card's own.
"""

STEPPING = b"stepping"
"""What the log says where gmin or the sources were stepped. A circuit is worn out by that, too: ngspice 39 leaves gmin
between every node and ground once it has stepped the sources.
"""

VOLTAGE = 3
"""Type of a vector that is a voltage (``SV_VOLTAGE`` of sim.h)."""

NO_TRANSIENT_POINT = "optran 1 1 1 0 0 0"
"""Where nothing else finds an operating point, ngspice takes what a transient of 10 us ends with, without a word:
femtoamperes take longer, and a cell in the cold was 2 mV off. Without that such a sample fails and is tried again.
"""

_SEND_CHAR = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p)
_CONTROLLED_EXIT = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_int, ctypes.c_bool, ctypes.c_bool, ctypes.c_int, ctypes.c_void_p
)


class _VectorInfo(ctypes.Structure):
    """``vector_info`` of sharedspice.h (ngspice manual, chapter on the shared library)."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("flags", ctypes.c_short),
        ("real", ctypes.POINTER(ctypes.c_double)),
        ("complex", ctypes.c_void_p),
        ("length", ctypes.c_int),
    )


class Library:
    """One loaded libngspice, single-threaded, with its log.

    Args:
        path: the shared library's file or soname.
    """

    def __init__(self, path: str) -> None:
        self._lib = ctypes.CDLL(path)
        self._lib.ngGet_Vec_Info.restype = ctypes.POINTER(_VectorInfo)
        self._lib.ngSpice_CurPlot.restype = ctypes.c_char_p
        self._lib.ngSpice_AllVecs.restype = ctypes.POINTER(ctypes.c_char_p)
        self._log: list[bytes] = []
        self._callbacks = (_SEND_CHAR(self._on_line), _CONTROLLED_EXIT(self._on_exit))
        self._lib.ngSpice_Init(self._callbacks[0], None, self._callbacks[1], None, None, None, None)
        self.command("set num_threads=1")
        self.command("set noaskquit")
        self.command(NO_TRANSIENT_POINT)
        self._deck = ""
        self._wears = self._worn = False
        self._models: set[str] = set()
        self.banner = readable(self.take_log())
        self.command("osdi")
        self.osdi = not any(NO_COMMAND in line for line in self.take_log())

    def _on_line(self, text: bytes, _ident: int, _user: int) -> int:
        self._log.append(text)
        return 0

    def _on_exit(self, *_: object) -> int:
        os._exit(EXIT_ASKED_BY_NGSPICE)

    def command(self, text: str) -> None:
        self._lib.ngSpice_Command(text.encode())

    def take_log(self) -> list[bytes]:
        """Lines said since the last time, as they came."""
        log, self._log = self._log, []
        return log

    def load_model(self, path: str) -> list[str]:
        """Load an OSDI file once; returns what went wrong."""
        if path not in self._models:
            self.take_log()
            os.chdir(os.path.dirname(path))  # of the path, the simulator sees a plain name only
            self.command(f"osdi ./{os.path.basename(path)}")
            enter_no_folder()
            if not self._log:
                self._models.add(path)
        return readable(self.take_log())

    def load(self, deck: str) -> None:
        """Replace the circuit by the one of a deck."""
        if self._deck:
            self.command("remcirc")
        lines = [line.encode() for line in deck.splitlines()] + [b".end"]
        self._lib.ngSpice_Circ((ctypes.c_char_p * (len(lines) + 1))(*lines, None))
        self._deck = deck
        self._wears, self._worn = bool(WEARS.search(deck)), False

    def vector(self, name: str) -> bytes | None:
        """A real vector of the current plot as float64 bytes, or None."""
        info = self._lib.ngGet_Vec_Info(name.encode())
        if not info or not info.contents.real or info.contents.length < 1:
            return None
        return ctypes.string_at(info.contents.real, 8 * info.contents.length)

    def nodes(self) -> tuple[str, ...]:
        """Names of the current plot's voltages, but for nodes inside transistors."""
        names, found = self._lib.ngSpice_AllVecs(self._lib.ngSpice_CurPlot()), []
        while name := names[len(found)]:
            found.append(name)
        return tuple(name.decode() for name in found if b"#" not in name and self._voltage(name))

    def _voltage(self, name: bytes) -> bool:
        info = self._lib.ngGet_Vec_Info(name)
        return bool(info) and info.contents.type == VOLTAGE

    def run(self, lines: list[str], vectors: tuple[str, ...], row: list[float]) -> tuple:
        """Alter, run and fetch; the answer of the protocol above.

        Args:
            lines: from :func:`command_lines`. vectors: to fetch. row: one sample's values.
        """
        if self._worn:  # only a fresh circuit gives each sample the same numbers in whatever company
            self.load(self._deck)
            self.take_log()
        for line in lines:
            self.command(line.format(*row))
        names = vectors or self.nodes()
        found = [self.vector(name) for name in names]
        self.command("destroy all")
        log = self.take_log()
        said = b"\n".join(log).lower()
        self._worn = (self._wears and "tran " in lines[-1]) or STEPPING in said
        if any(word in said for word in TROUBLE):  # seldom; looking at each line takes its time
            telling = [
                line for word in TROUBLE for line in log if word in line.lower() and b"warning" not in line.lower()
            ]
            if telling:
                return ("failed", readable(telling)[0].strip(), readable(log))
        missing = [name for name, data in zip(names, found, strict=True) if data is None]
        if missing:
            return ("failed", f"no vector {', '.join(missing)}", readable(log))
        if len({len(data) for data in found}) > 1:
            return ("failed", "vectors of different lengths", readable(log))
        return ("solved", b"".join(found)) if vectors else ("solved", b"".join(found), names)


def readable(log: list[bytes]) -> list[str]:
    """Lines of the log without the marks of the stream they came by."""
    return [line.decode(errors="replace").removeprefix("stdout ").removeprefix("stderr ") for line in log]


def command_lines(analysis: str, commands: list[str]) -> list[str]:
    """Commands that set parameters and run an analysis, several on a line, with ``{0!r}`` for the first value etc.

    A command on its own costs one and a half times as much as on a line with others.
    """
    lines, room = [], 0
    for statement in [*(c.replace("{}", f"{{{i}!r}}") for i, c in enumerate(commands)), analysis]:
        room -= len(statement) + NUMBER
        if room < 0:
            lines.append(statement)
            room = LINE - len(statement) - NUMBER
        else:
            lines[-1] += f"; {statement}"
    return lines


def resident_size() -> int:
    """Memory of this process [B], where the system does not say it the largest so far."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS counts it in bytes


def _read_requests(pipe: Connection, requests: queue.SimpleQueue) -> None:
    """Queue what the parent says; its end, however it ended, is ours too, even in the middle of a solve."""
    while True:
        try:
            requests.put(pipe.recv())
        except (EOFError, OSError):
            os._exit(0)


def run_rows(
    pipe: Connection,
    library: Library,
    analysis: str,
    vectors: tuple[str, ...],
    commands: list[str],
    rows: list[list[float]],
    interval: float,
) -> None:
    """Run every row, and send what is done every now and then: a message of its own would cost a tenth of a sample."""
    done: list[tuple] = []
    lines = command_lines(analysis, commands)
    sent = time.monotonic()
    for row in rows:
        done.append(library.run(lines, vectors, row))
        if time.monotonic() - sent >= interval:
            pipe.send(done)
            done, sent = [], time.monotonic()
    if done:
        pipe.send(done)


def enter_no_folder() -> None:
    """Make a folder that is gone the working directory: BSIM3's check of parameters would write its log into it."""
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    os.rmdir(folder)


def serve(descriptor: int, library_path: str) -> None:
    """Answer requests until the parent closes the pipe."""
    pipe = Connection(descriptor)
    requests: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(pipe, requests), daemon=True).start()
    library = Library(library_path)
    enter_no_folder()
    pipe.send(("ready", library.banner, library.osdi))
    while True:
        kind, *arguments = requests.get()
        if kind == "osdi":
            pipe.send(("osdi", library.load_model(*arguments)))
        elif kind == "load":
            library.load(*arguments)
            pipe.send(("loaded", readable(library.take_log())))
        elif kind == "usage":
            pipe.send(("usage", resident_size(), time.process_time()))
        else:
            run_rows(pipe, library, *arguments)


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2])
