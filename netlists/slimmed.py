"""Slimmed libraries by corner, cut once for the devices and sizes of a deck and kept in the user's cache directory.

An entry lies in ``$XDG_CACHE_HOME/pimchar/slimmed`` under the hash of what was asked for: library, corner, devices,
sizes and the code that cuts. It says which files it was made of, with their SHA-256; where one of them has changed, or
the entry itself, it is made anew. Entries may be removed at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from pathlib import Path

from netlists import pdk
from netlists.library import Part, Source, statements
from netlists.modellibrary import Library, index
from netlists.slim import Size, slim

CODE = ("library.py", "modellibrary.py", "slim.py")
"""Files of this package that decide what is cut out of a library."""

Sizes = Mapping[str, Iterable[Size]]
"""Devices in use, by name of the model or subcircuit, to the sizes they are drawn in."""


@dataclass(frozen=True)
class Cut:
    """One entry.

    Attributes:
        files: every file that the corner consists of, to the SHA-256 of its content.
        text: deck text of the devices in use.
    """

    files: Mapping[str, str]
    text: str


@dataclass(frozen=True)
class SlimmedLibrary:
    """A library of which a deck gets only the devices and sizes it draws.

    Attributes:
        source: where its files are.
        corners: process to files and sections.
    """

    source: Source
    corners: Mapping[str, tuple[Part, ...]]
    _cuts: dict[object, Cut] = field(default_factory=dict, compare=False, repr=False)
    _known: dict[str, tuple[Mapping[str, str], Library]] = field(default_factory=dict, compare=False, repr=False)

    def text(self, process: str, sizes: Sizes) -> str:
        """Deck text of one corner.

        Raises:
            SizeError: a size outside every bin; the message names the legal range.
            LibraryError: the library lacks a file, a section or a device, or is more than models.
        """
        return self._cut(process, sizes).text

    @cached_property
    def sha256(self) -> str:
        """Hash over the files of all corners and the sections that are taken of them."""
        files = {process: [parts, self._cut(process, {}).files] for process, parts in self.corners.items()}
        return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()

    def _cut(self, process: str, sizes: Sizes) -> Cut:
        wanted = [[name, sorted(set(sizes[name]))] for name in sorted(sizes)]
        asked = json.dumps([_code(), self.source.place, process, self.corners[process], wanted])
        if asked not in self._cuts:
            entry = pdk.cache_folder() / "slimmed" / hashlib.sha256(asked.encode()).hexdigest()
            cut = _read(entry)
            if cut is None or not self._current(cut.files):
                files, known = self._library(process)
                cut = Cut(files, slim(known, {name: [Size(*size) for size in drawn] for name, drawn in wanted}))
                with suppress(OSError):  # a cache that cannot be written costs time and nothing else
                    _write(entry, cut)
            self._cuts[asked] = cut
        return self._cuts[asked]

    def _library(self, process: str) -> tuple[Mapping[str, str], Library]:
        """Files of a corner with their hashes, and what they define."""
        if process not in self._known:
            files: dict[str, str] = {}

            def read(path: str) -> str:
                files[path] = self.source.digest(path)
                return self.source.read(path)

            known = index(statements(read, self.corners[process]))
            self._known[process] = files, known
        return self._known[process]

    def _current(self, files: Mapping[str, str]) -> bool:
        """Whether files are what they were."""
        try:
            return all(self.source.digest(path) == digest for path, digest in files.items())
        except OSError:
            return False


@cache
def _code() -> str:
    """Hash of the code that cuts."""
    folder = resources.files("netlists")
    return hashlib.sha256(b"".join((folder / name).read_bytes() for name in CODE)).hexdigest()


def _read(entry: Path) -> Cut | None:
    """An entry, or None where there is none or it is not what was written."""
    try:
        digest, _, content = entry.read_bytes().partition(b"\n")
    except OSError:
        return None
    if hashlib.sha256(content).hexdigest() != digest.decode(errors="replace"):
        return None
    return Cut(**json.loads(content))


def _write(entry: Path, cut: Cut) -> None:
    """Write an entry whole or not at all."""
    content = json.dumps({"files": dict(cut.files), "text": cut.text}).encode()
    entry.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=entry.parent, delete=False) as file:
        try:
            file.write(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
            file.flush()
            os.replace(file.name, entry)
        except BaseException:
            os.unlink(file.name)
            raise
