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

MANIFEST, PERIPHERY = "manifest.json", "periphery.json"
"""What was run for the cell and for the logic gates; a directory has either or both."""
DRAWS = {"seed", "local"}
"""Parts of a plan that a directory may gain later: a nominal run draws nothing, so samples of any seed extend it."""
PARTIAL = ".partial"
"""Ending of a file that is being written."""


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` make a file under a passing name and move it into place, so that no reader sees half of it."""
    partial = path.with_name(f".{path.name}{PARTIAL}")
    try:
        write(partial)
        partial.replace(path)
    except RuntimeError as error:  # what the NetCDF library makes of a full disk
        raise OSError(f"{path} cannot be written: {error}") from error
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, content: object) -> None:
    """Write JSON whole."""
    write_whole(path, lambda p: p.write_text(json.dumps(content, indent=2) + "\n"))


def read_manifest(folder: Path, name: str = MANIFEST) -> dict | None:
    """A manifest of a results directory, or None where there is none."""
    try:
        return json.loads((folder / name).read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise PlanMismatch(f"{folder / name} is not readable ({error}): choose another directory") from error


@contextmanager
def open_directory(out: str | Path | None, identity: dict[str, object], manifest: str = MANIFEST) -> Iterator[Path]:
    """A directory for a plan, locked; None is a temporary one that is removed.

    Args:
        identity: what the manifest of that name must say, if there is one; any other manifest of the directory must
            not contradict it.

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
    _check(folder, identity, manifest)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PlanMismatch(f"{folder} cannot be made: {error.strerror}") from error
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise DirectoryInUse(f"{folder} is in use by another run: wait for it or choose another directory") from None
    try:
        _check(folder, identity, manifest)
        yield folder
    finally:
        lock.release()


def _check(folder: Path, identity: dict[str, object], name: str) -> None:
    if folder.exists() and not folder.is_dir():
        raise PlanMismatch(f"{folder} is not a directory")
    manifests = {n: read_manifest(folder, n) for n in (MANIFEST, PERIPHERY)}
    if not any(manifests.values()):
        if folder.is_dir() and any(not entry.name.startswith(".") for entry in folder.iterdir()):
            raise PlanMismatch(f"{folder} is not empty and holds no {name}: choose another directory")
        return
    known = _flat(json.loads(json.dumps(identity)))
    for held, manifest in manifests.items():
        other = _flat(manifest.get("plan", {})) if manifest else {}
        both = known.keys() & other.keys()
        keys = both if held != name or not other else known.keys() | other.keys()
        changed = [key for key in sorted(keys - DRAWS) if other.get(key) != known.get(key)]
        changed += [key for key in sorted(keys & DRAWS) if key in other and other[key] != known.get(key)]
        differing = [f"{key}: {_short(other.get(key))} there, {_short(known.get(key))} here" for key in changed]
        if differing:
            raise PlanMismatch(f"{folder} belongs to another plan ({'; '.join(differing)}): choose another directory")


def _flat(plan: dict, prefix: str = "") -> dict[str, object]:
    """Nested keys as one: ``{"cell": {"w_pd": 1}}`` is ``{"cell.w_pd": 1}``."""
    flat: dict[str, object] = {}
    for key, value in plan.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) and value else {f"{prefix}{key}": value}
    return flat


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
