"""Environments of the tools that take exports, apart from that of the suite."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def version(python):
    """Major and minor version of an interpreter, None if it does not start."""
    found = subprocess.run([python, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True)
    return tuple(map(int, found.stdout.split())) if found.returncode == 0 else None


def interpreters():
    """Interpreters of this machine: that of the tests, those on the path, those of pyenv."""
    yield sys.executable
    yield from filter(None, (shutil.which(f"python3.{minor}") for minor in (11, 12, 13)))
    yield from map(str, sorted(Path.home().glob(".pyenv/versions/3.1[1-3].*/bin/python")))


@pytest.fixture(scope="session")
def environment():
    """Gives the interpreter of an environment with an optional extra of the suite alone, made the first time.

    Skips where no interpreter is recent enough. Environments stay in ``.consumers``, or where ``PIMCHAR_CONSUMERS``
    says.
    """

    def make(extra, least):
        folder = Path(os.environ.get("PIMCHAR_CONSUMERS", ROOT / ".consumers")) / extra
        python = folder / "bin" / "python"
        packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"][extra]
        stamp = folder / "packages"
        if not (stamp.is_file() and stamp.read_text() == repr(packages)):
            fitting = [found for found in interpreters() if (version(found) or (0, 0)) >= least]
            if not fitting:
                pytest.skip(f"{extra} needs Python {least[0]}.{least[1]} or later, which this machine does not have")
            subprocess.run([fitting[0], "-m", "venv", "--clear", folder], check=True)
            subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True)
            stamp.write_text(repr(packages))
        return python

    return make
