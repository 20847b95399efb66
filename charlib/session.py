"""The simulator session: a child that keeps ngspice, decks loaded once, knobs altered, a verdict for every sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from charlib.ngspice import PLAIN_RETRIES, TIMEOUT, start_child
from charlib.status import Status
from netlists.analyses import Sweep, Transient
from netlists.circuit import first_guesses
from netlists.testbench import FORGOTTEN, Testbench

ACCURACIES: Mapping[str, tuple[str, str]] = {
    "default": ("", ""),
    "reference": (
        ".options reltol=1e-6 vntol=1e-8 abstol=1e-15",
        ".options reltol=1e-6 vntol=1e-8 chgtol=1e-18 trtol=7 bypass=0",
    ),
}
"""Name of an accuracy to the option lines that it adds to decks: at rest, and of transients.

To a nanovolt FreePDK45 is not solved in the cold either: of 400 retention curves (ss, -40 degC) ten had no answer and
five broke off; to ten of them one breaks off, and retention voltages move by 0.2 uV at most.
In a transient a nanovolt or a femtoampere is beyond what a step can be solved to: with such tolerances, or a truncation
error below that of ``stimulus.TRANSIENT_OPTIONS``, columns of FreePDK45 and SKY130 end with too small a step.
"""

LADDER = (
    ".options method=gear",
    ".options itl1=500 itl2=500 itl4=100",
    ".options gminsteps=200 srcsteps=200 itl1=1000 itl2=1000 itl4=200",
)
"""Option lines a failed sample is tried again with, one after the other; a lost simulator's sample first as it was.

Of two lines ngspice takes the later one. None of these is less exact: a looser ``reltol`` moved a retention voltage of
SKY130 by 0.02 mV, a shunt of 1e13 ohm at every node by 0.2 mV.
"""

INTERVAL = 0.1
"""Time between messages of a child that solves [s]: waking up for each costs as much as ten samples' verdicts."""

GROWTH = 8e6
"""Growth of a child's memory after which it is replaced [B]: ngspice keeps 2 to 3 kB of every sample."""


@dataclass(frozen=True)
class Solved:
    """A sample with every requested vector present, finite and complete.

    Attributes:
        names: vectors of the testbench.
        data: their values, shape (vector, point), [V], [A] or, for the axis ``time``, [s].
        retries: how many option lines of ``LADDER`` were needed, one more than there are where it had to begin from
            first guesses of its own.
        lines: of the deck that was solved, beside the testbench's.
    """

    names: tuple[str, ...]
    data: np.ndarray
    retries: int = 0
    lines: str = ""

    @property
    def vectors(self) -> dict[str, np.ndarray]:
        """Values by name, shape (point,)."""
        return dict(zip(self.names, self.data, strict=True))


@dataclass(frozen=True)
class Unsolved:
    """A sample without an answer.

    Attributes:
        status: ``numerical_failure`` or ``timeout``.
        reason: why, in a line.
        log: last lines of the simulator.
        lost: the simulator was lost with it.
    """

    status: Status
    reason: str
    log: tuple[str, ...] = ()
    lost: bool = False


class SessionClosed(RuntimeError):
    """The session was closed while it solved."""


def _option_line(accuracy: str, testbench: Testbench) -> str:
    """What an accuracy adds to a testbench's deck."""
    return ACCURACIES[accuracy][isinstance(testbench.analysis, Transient)]


class Session:
    """A simulator that solves testbenches sample by sample.

    Args:
        timeout: wall-clock limit of one sample [s]; a child that exceeds it is killed and replaced.
        accuracy: key of ``ACCURACIES``.

    Attributes:
        lines: of the deck that is loaded, beside its testbench's.

    Raises:
        SimulatorMissing: libngspice cannot be loaded, or cannot load a compiled model of a testbench.
    """

    def __init__(self, timeout: float = TIMEOUT, accuracy: str = "default") -> None:
        self._timeout = timeout
        self._accuracy = accuracy
        self._closed = False
        self._spent = 0.0
        self._typical: tuple[str, str] = "", ""
        self._start()

    def _start(self) -> None:
        self._child = start_child()
        self._loaded: str | None = None
        self.lines = ""
        self._first_size: int | None = None

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child; a solve under way in another thread raises SessionClosed."""
        self._closed = True
        self._child.close()

    def prepare(self, testbench: Testbench) -> None:
        """Load a testbench's deck ahead of :meth:`solve`, which loads it again should the child be lost over it."""
        self._load(testbench)

    def solve(self, testbench: Testbench, values: np.ndarray) -> list[Solved | Unsolved]:
        """Solve every sample of a testbench.

        Args:
            testbench: what to simulate.
            values: knob parameters [V], shape (sample, knob), columns in the order of ``testbench.knobs``.

        Returns:
            One verdict per sample. A failed one has been tried again with every line of ``LADDER`` that suits it, one
            that begins without its stored bits from :meth:`first_guesses` of its own.
        """
        results: list[Solved | Unsolved] = []
        interval = INTERVAL
        while len(results) < len(values):
            lost = self._stretch(testbench, values[len(results) :], results, interval)
            if lost and interval == 0:
                results.append(lost)
            if lost:
                interval = 0  # from here on every sample answers for itself, so that it is clear which one is lost
        for i, result in enumerate(results):
            if isinstance(result, Unsolved):
                results[i] = result = self._retry(testbench, values[i : i + 1], result)
            if isinstance(result, Solved) and testbench.from_stored(result.data) > FORGOTTEN:
                results[i] = self._remembered(testbench, values[i : i + 1], result)
        self._renew_if_grown()
        return results

    def first_guesses(self, testbench: Testbench, values: np.ndarray) -> str:
        """Deck lines with every node of one sample at rest, its stored bits held; empty where there is no such point.

        Where Newton's method finds no operating point ngspice steps gmin or the sources, and on the way a cell loses
        its bit: its nodes end at one level, or in the other state. From a point where the bit is there Newton's method
        does without, and what it finds is held by nothing.

        Args:
            values: knob parameters, shape (knob,).
        """
        answers = None
        for _ in range(PLAIN_RETRIES if testbench.stored else 0):
            if self._load(testbench, f"{testbench.holders}\n.save all", ""):
                continue
            self._ask("op", (), testbench, values[None], 0)
            answers = self._child.answer(self._timeout)
            if answers:
                break
            self._replace_child()
        if not answers or answers[0][0] == "failed":
            return ""
        ((_, content, *names),) = answers
        levels = zip(*names, np.frombuffer(content).tolist(), strict=True)
        return "\n".join(first_guesses({node: level for node, level in levels if not node.startswith("hold")}))

    def _stretch(
        self,
        testbench: Testbench,
        values: np.ndarray,
        results: list,
        interval: float,
        options: str = "",
        guesses: str | None = None,
    ) -> Unsolved | None:
        """Append verdicts until all samples are done or the child is lost; then the first one missing is returned."""
        lost = self._load(testbench, options, guesses)
        if lost:
            return lost
        self._ask(testbench.analysis.command, testbench.vectors, testbench, values, interval)
        end = len(results) + len(values)
        while len(results) < end:
            answers = self._child.answer(self._timeout)
            if answers is None:
                return self._replace_child()
            results.extend(_verdicts(testbench, answers, self.lines))
        return None

    def _ask(
        self, analysis: str, vectors: Sequence[str], testbench: Testbench, values: np.ndarray, interval: float
    ) -> None:
        """Have the child run an analysis of every sample; no vectors: all node voltages."""
        knobs = [knob.commands for knob in testbench.knobs.values()]
        columns = np.repeat(np.arange(len(knobs)), [len(names) for names in knobs])
        commands = [name for names in knobs for name in names]
        self._child.ask("run", analysis, vectors, commands, values[:, columns].tolist(), interval)

    def _load(self, testbench: Testbench, options: str = "", guesses: str | None = None) -> Unsolved | None:
        """Load a deck with further lines; ``guesses``: of :meth:`first_guesses`, None for those of the typical cell."""
        if guesses is None:
            guesses = self._of_typical(testbench)
        lines = "\n".join(filter(None, (_option_line(self._accuracy, testbench), options, guesses)))
        deck = testbench.deck + lines
        if deck == self._loaded:
            return None
        for model in testbench.osdi:
            if not self._child.load_model(model):
                return self._replace_child()
        self._child.ask("load", deck)
        if self._child.answer(self._timeout) is None:
            return self._replace_child()
        self._loaded, self.lines = deck, lines
        return None

    def _of_typical(self, testbench: Testbench) -> str:
        """First guesses of the typical cell, looked for once: a sample's numbers do not depend on its company."""
        held = testbench.deck + testbench.holders
        if held != self._typical[0]:
            typical = testbench.knob_values(np.zeros((1, len(testbench.knobs))))[0]
            self._typical = held, self.first_guesses(testbench, typical)
        return self._typical[1]

    def _replace_child(self) -> Unsolved:
        """Kill what hangs or clean up what died, and start anew."""
        if self._closed:
            raise SessionClosed
        hung = self._child.alive
        reason = f"no answer in {self._timeout:g} s" if hung else f"simulator died, {self._child.last_words()}"
        self._child.close()
        self._start()
        return Unsolved(Status.timeout if hung else Status.numerical_failure, reason, lost=True)

    def cpu_time(self) -> float:
        """CPU time of this session's simulators so far [s]; of those that were lost it is not known."""
        usage = self._usage()
        return self._spent + (usage[1] if usage else 0.0)

    def _usage(self) -> tuple[int, float] | None:
        """Resident size [B] and CPU time [s] of the child; None where it does not answer."""
        self._child.ask("usage")
        answer = self._child.answer(self._timeout)
        return answer[1:] if answer else None

    def _renew_if_grown(self) -> None:
        """Replace a child whose memory has grown by more than ``GROWTH`` since its first deck."""
        usage = self._usage()
        if usage and self._first_size is None:
            self._first_size = usage[0]
        elif usage is None or usage[0] - self._first_size > GROWTH:
            self._spent += usage[1] if usage else 0.0
            self._child.close()
            self._start()

    def _retry(self, testbench: Testbench, values: np.ndarray, result: Unsolved) -> Solved | Unsolved:
        plain = [(0, "")] * PLAIN_RETRIES if result.lost else []
        gear = isinstance(testbench.analysis, Transient) and not testbench.trapezoidal
        ladder = [(rung, options) for rung, options in enumerate(LADDER, start=1) if gear or "gear" not in options]
        for rung, options in [*plain, *ladder]:
            again = self._again(testbench, values, options)
            if again:
                return replace(again, retries=rung)
        return result

    def _again(
        self, testbench: Testbench, values: np.ndarray, options: str, guesses: str | None = None
    ) -> Solved | None:
        """One sample with further lines in its deck; None where it has no answer either."""
        results: list[Solved | Unsolved] = []
        self._stretch(testbench, values, results, 0, options, guesses)
        return next((result for result in results if isinstance(result, Solved)), None)

    def _remembered(self, testbench: Testbench, values: np.ndarray, result: Solved) -> Solved | Unsolved:
        """A sample without its stored bits from first guesses of its own; as it was where they are lost again."""
        guesses = self.first_guesses(testbench, values[0])
        tries = (self._again(testbench, values, "", guesses) for _ in range(PLAIN_RETRIES))
        again = next(filter(None, tries), None)
        if again is None:
            return Unsolved(Status.numerical_failure, "begins without its stored bits, and with them it has no answer")
        return replace(again, retries=len(LADDER) + 1) if testbench.from_stored(again.data) < FORGOTTEN else result


def _verdicts(testbench: Testbench, answers: Sequence[Sequence], lines: str) -> list[Solved | Unsolved]:
    """Judge answers by what was asked for: the exit code and the tone of the log are no verdict."""
    # One look at all numbers takes a third of the time of a look at each sample's.
    numbers = np.frombuffer(b"".join(content for kind, content, *_ in answers if kind == "solved"))
    finite = bool(np.isfinite(numbers).all())
    return [_verdict(testbench, answer, finite, lines) for answer in answers]


def _verdict(testbench: Testbench, answer: Sequence, finite: bool, lines: str) -> Solved | Unsolved:
    """Judge one answer; ``finite``: all of its numbers are known to be finite."""
    kind, content, *log = answer
    if kind == "failed":
        return Unsolved(Status.numerical_failure, content, tuple(log[0][-5:]))
    names, analysis = testbench.vectors, testbench.analysis
    data = np.frombuffer(content).reshape(len(names), -1)
    if not finite and not np.isfinite(data).all():
        name = names[np.isfinite(data).all(axis=1).argmin()]
        return Unsolved(Status.numerical_failure, f"{name} is not finite")
    if isinstance(analysis, Sweep) and data.shape[1] != analysis.points:
        return Unsolved(Status.numerical_failure, f"{data.shape[1]} of {analysis.points} sweep points")
    if isinstance(analysis, Transient) and data[-1, -1] < analysis.stop * (1 - 1e-6):
        return Unsolved(Status.numerical_failure, f"stopped at {data[-1, -1]:.3g} s of {analysis.stop:.3g} s")
    return Solved(names, data, lines=lines)
