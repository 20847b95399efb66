"""What a run needs from this machine: what is there, what is missing, how to mend it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

import charlib
import netlists
from charlib import ngspice
from netlists import technology
from pimchar.render import quantity

OLDEST_PYTHON = (3, 11)
BUNDLED = "predictive28"
"""Technology whose models come with the package, so that every machine can simulate it."""


@dataclass(frozen=True)
class Check:
    """One line of the report.

    Attributes:
        name: what was looked at.
        ok: whether a run can do with what was found.
        found: what was found.
        mend: what to do about it, if anything.
    """

    name: str
    ok: bool
    found: str
    mend: str = ""

    def __str__(self) -> str:
        mend = f"\n         {self.mend}" if self.mend else ""
        return f"{'ok' if self.ok else 'missing':8} {self.name}: {self.found}{mend}"


def checks() -> Iterator[Check]:
    """Everything a run needs, cheapest first; each line appears as soon as it is known."""
    yield _python()
    yield _packages()
    library = _library()
    yield library
    yield _program()
    yield from (_technology(name) for name in technology.available())
    yield from (_writable(folder) for folder in dict.fromkeys((Path.cwd(), Path(tempfile.gettempdir()))))
    yield _cores()
    if library.ok:
        yield _simulation()


def _python() -> Check:
    ok = sys.version_info >= OLDEST_PYTHON
    oldest = ".".join(map(str, OLDEST_PYTHON))
    return Check("python", ok, f"{platform.python_version()} on {platform.system()}", "" if ok else f"needs {oldest}")


def _packages() -> Check:
    """Installed versions against what pyproject.toml allows, and against the pins where they are at hand."""
    try:
        lines = metadata.requires("pimchar") or ()
    except metadata.PackageNotFoundError:
        return Check("packages", True, "versions not checked: pimchar is imported, not installed", "run `make setup`")
    wanted = [Requirement(line) for line in lines if "extra ==" not in line]
    found, wrong = [], []
    for requirement in wanted:
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{requirement} (absent)")
            continue
        found.append(f"{requirement.name} {version}")
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement} (found {version})")
    if wrong:
        return Check("packages", False, f"need {', '.join(wrong)}", "run `make setup`")
    return Check("packages", True, ", ".join(found), _not_as_pinned())


def _not_as_pinned() -> str:
    """A remark on packages whose version is not the one the tests run with; empty if there are none."""
    lock = Path(__file__).parents[1] / "requirements.lock"
    if not lock.is_file():
        return ""
    pins = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", lock.read_text(encoding="utf-8"), re.MULTILINE))
    installed = {re.sub(r"[-_.]+", "-", d.name).lower(): d.version for d in metadata.distributions()}
    other = [f"{name} {installed[name]} ({pin})" for name, pin in pins.items() if installed.get(name, pin) != pin]
    return f"not the pinned version: {', '.join(other)}" if other else ""


def _library() -> Check:
    try:
        return Check("libngspice", True, f"version {ngspice.version()} ({ngspice.library_path()})")
    except charlib.SimulatorMissing as error:
        return Check("libngspice", False, str(error))


def _program() -> Check:
    """The program is not needed for a run, but by people who look into a deck."""
    path = shutil.which("ngspice")
    mend = "" if path else "only needed to run decks by hand (Debian, Ubuntu: apt-get install ngspice)"
    return Check("ngspice", True, path or "not on the PATH", mend)


def _technology(name: str) -> Check:
    try:
        tech = technology.load(name)
        ngspice.check_models(tech.osdi)
        return Check(f"technology {name}", True, tech.description)
    except technology.NotInstalled:
        return Check(f"technology {name}", True, "not installed", f"to use it: pimchar tech install {name}")
    except charlib.SimulatorMissing as error:
        return Check(f"technology {name}", True, "not with this simulator", f"to use it: {error}")
    except technology.TechnologyError as error:
        return Check(f"technology {name}", False, str(error), "install the package again")


def _writable(folder: Path) -> Check:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return Check("write access", True, str(folder))
    except OSError as error:
        return Check("write access", False, f"{folder}: {error.strerror}", "change to a folder of your own")


def _cores() -> Check:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Check("cores", True, f"{usable}, so `run` starts {usable} workers")


def _simulation() -> Check:
    """The leakage of one nominal cell, the way that every run takes."""
    try:
        found = charlib.characterize(
            cell=netlists.Sram6T(),
            technology=BUNDLED,
            conditions=charlib.Conditions(),
            variation=None,
            metrics=["i_leak"],
            workers=1,
        )
    except charlib.CharacterizationError as error:
        return Check("simulation", False, str(error), "see the lines above")
    value = found["i_leak"].values.item()
    return Check("simulation", value > 0, f"leakage of a nominal cell {quantity(value, 'A')}")
