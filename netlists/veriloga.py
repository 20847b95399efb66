"""Verilog-A models: compiled once, and loaded by the simulator as OSDI files before it reads a deck."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
"""What a terminal takes for a colour."""


class CompileError(RuntimeError):
    """A model that could not be compiled."""


@dataclass(frozen=True)
class CompiledModel:
    """An OSDI file (Open Source Device Interface) that a deck needs.

    Attributes:
        path: of the file, absolute where it is loaded.
        sha256: of its content, for provenance; empty where the content is not at hand.
    """

    path: str
    sha256: str = ""

    @classmethod
    def of(cls, path: Path) -> CompiledModel:
        """The model of a file; raises OSError."""
        return cls(str(path.resolve()), hashlib.sha256(path.read_bytes()).hexdigest())


def check_linker() -> None:
    """Raise CompileError where the linker is missing that the compiler calls."""
    if shutil.which("ld") is None:
        raise CompileError("Verilog-A models are compiled with the linker ld, which is missing: install binutils")


def compile_model(compiler: Path, source: Path, target: Path) -> None:
    """Compile one Verilog-A file for any processor of this family, so that equal machines make equal files.

    Args:
        compiler: the program ``openvaf-r``.
        source: the Verilog-A file; what it includes lies beside it.
        target: OSDI file to write.

    Raises:
        CompileError: with the compiler's first error.
    """
    check_linker()
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [str(compiler), "--target_cpu", "generic", "--output", str(target), str(source)]
    try:
        result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise CompileError(f"{compiler.name} does not start: {error}") from error
    if result.returncode or not target.is_file():
        said = COLOUR.sub("", result.stderr or result.stdout).strip().splitlines() or [f"exit code {result.returncode}"]
        reason = next((line for line in said if line.startswith("error")), said[-1])
        raise CompileError(f"{source.name} could not be compiled: {reason.strip()}")
