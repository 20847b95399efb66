"""A results directory: one plan, one run at a time, every file whole."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from charlib.errors import DirectoryInUse, PlanMismatch

MANIFEST = "manifest.json"
PARTIAL = ".partial"
"""Ending of a file that is being written."""


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` make a file under a passing name and move it into place, so that no reader sees half of it."""
    partial = path.with_name(f".{path.name}{PARTIAL}")
    try:
        write(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, content: object) -> None:
    """Write JSON whole."""
    write_whole(path, lambda p: p.write_text(json.dumps(content, indent=2) + "\n"))


def read_manifest(folder: Path) -> dict | None:
    """The manifest of a results directory, or None where there is none."""
    try:
        return json.loads((folder / MANIFEST).read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise PlanMismatch(f"{folder / MANIFEST} is not readable ({error}): choose another directory") from error


@contextmanager
def open_directory(out: str | Path | None, identity: dict[str, object]) -> Iterator[Path]:
    """A directory for a plan, locked; None is a temporary one that is removed.

    Raises:
        PlanMismatch: the directory belongs to another plan, or holds something else.
        DirectoryInUse: another run holds it.
    """
    if out is None:
        folder = Path(tempfile.mkdtemp(prefix="pimchar-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    folder = Path(out)
    _check(folder, identity)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise DirectoryInUse(f"{folder} is in use by another run: wait for it or choose another directory") from None
    try:
        _check(folder, identity)
        yield folder
    finally:
        lock.release()


def _check(folder: Path, identity: dict[str, object]) -> None:
    if folder.exists() and not folder.is_dir():
        raise PlanMismatch(f"{folder} is not a directory")
    manifest = read_manifest(folder)
    if manifest is None:
        if folder.is_dir() and any(not entry.name.startswith(".") for entry in folder.iterdir()):
            raise PlanMismatch(f"{folder} is not empty and holds no {MANIFEST}: choose another directory")
        return
    known = json.loads(json.dumps(identity))
    other = manifest.get("plan", {})
    common = known.keys() & other.keys()
    changed = [key for key in sorted(common) if other[key] != known[key]]
    differing = [f"{key}: {_short(other[key])} there, {_short(known[key])} here" for key in changed]
    if differing:
        raise PlanMismatch(f"{folder} belongs to another plan ({'; '.join(differing)}): choose another directory")


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
