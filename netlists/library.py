"""SPICE text as statements: model libraries, with files and sections read and includes resolved, and cells.

A deck holds the models' text, never a path: it can be hashed, kept and run elsewhere, and a path with spaces or worse
never reaches the simulator.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

Part = tuple[str, str]
"""A file and its section; an empty section means what stands outside of all sections."""

STATEMENTS = (".model", ".subckt", ".ends", ".param", ".params", ".func", ".if", ".elseif", ".else", ".endif")
"""What a model library may consist of besides elements of its subcircuits, includes and sections."""

OPTIONS = (".option", ".options", ".opt")
"""Statements that hold for a whole deck: a library that is slimmed may have some, one that is taken as it is none."""

IGNORED = (".prot", ".protect", ".unprot", ".unprotect")
"""Marks of encryption, without meaning for plain text."""


@dataclass(frozen=True)
class Grammar:
    """What a file may consist of besides elements of its subcircuits.

    Attributes:
        what: the file, in messages.
        statements: legal ones, in lower case.
        ignored: statements without a meaning.
        includes: it may have includes and sections.
    """

    what: str
    statements: tuple[str, ...]
    ignored: tuple[str, ...]
    includes: bool


MODELS = Grammar("a model library", STATEMENTS + OPTIONS, IGNORED, includes=True)
CELL = Grammar("a cell file", (".subckt", ".ends", ".param", ".params"), (".end",), includes=False)

_KEYWORD = re.compile(r"\.if(?=\()|\.elseif(?=\()|\S+", re.IGNORECASE)
_WORD = re.compile(r"\"[^\"]*\"|'[^']*'|\S+")
_COMMENT = re.compile(r";|//|(?:^|(?<=[\s,]))\$")


class LibraryError(ValueError):
    """A model library that cannot be used; the message names file and line."""


@dataclass(frozen=True)
class Source:
    """Where the files of a library are; paths have forward slashes.

    Attributes:
        place: folder of the files.
        read: gives the text of a file; raises OSError.
        digest: gives the SHA-256 of a file's content; raises OSError.
    """

    place: str
    read: Callable[[str], str]
    digest: Callable[[str], str]


def folder_source(folder: Path) -> Source:
    """Files of a folder."""

    def digest(path: str) -> str:
        return hashlib.sha256((folder / path).read_bytes()).hexdigest()

    def read(path: str) -> str:
        return (folder / path).read_text(encoding="utf-8", errors="replace")

    return Source(str(folder.resolve()), read, digest)


@dataclass(frozen=True)
class Statement:
    """One SPICE statement, without comments.

    Attributes:
        lines: its line and its continuation lines, the latter without their plus sign.
        file: file it comes from.
        line: number of its first line.
    """

    lines: tuple[str, ...]
    file: str
    line: int

    @cached_property
    def text(self) -> str:
        """The statement in one line, as written; SPICE reads it without regard to case."""
        return " ".join(self.lines)

    @property
    def keyword(self) -> str:
        """First word in lower case, such as ``.model`` or ``m1``."""
        return _KEYWORD.match(self.lines[0])[0].lower()

    @property
    def place(self) -> str:
        """File and line, for messages."""
        return f"{self.file}, line {self.line}"


def statements(read: Callable[[str], str], parts: Sequence[Part], grammar: Grammar = MODELS) -> list[Statement]:
    """Statements of a library or a cell, includes resolved, comments left out.

    Args:
        read: gives the text of a file by its path, with forward slashes; raises OSError.
        parts: files and sections, in the order in which they go into the deck.
        grammar: what they may consist of.

    Raises:
        LibraryError: a file or section that is not there, or a statement that the grammar does not have.
    """
    if grammar.includes:
        files: dict[str, list[Statement]] = {}
        found = [s for file, section in parts for s in _walk(read, file, section, files, ())]
    else:
        found = [s for file, _ in parts for s in _parsed(read, file) if s.keyword not in grammar.ignored]
    for statement in found:
        _check(statement, grammar)
    depth = 0
    for statement in found:
        keyword = statement.keyword
        depth += (keyword == ".subckt") - (keyword == ".ends")
        if depth < 0:
            raise LibraryError(f"{statement.place}: '.ends' without '.subckt'")
        if keyword.startswith("a"):
            raise LibraryError(
                f"{statement.place}: element {keyword!r} is one of a code model, which may read files and run programs"
            )
        if depth == 0 and not keyword.startswith("."):
            raise LibraryError(
                f"{statement.place}: {statement.text[:60]!r} stands outside of a subcircuit; "
                f"{grammar.what} holds nothing else"
            )
    return found


def library_text(read: Callable[[str], str], parts: Sequence[Part]) -> str:
    """Models of a library as deck text, as they are written but for comments.

    Args:
        read, parts: see :func:`statements`.

    Raises:
        LibraryError: see :func:`statements`; an open subcircuit; or an option, which would hold for the whole deck.
    """
    found = statements(read, parts)
    heads, ends = ([s for s in found if s.keyword == keyword] for keyword in (".subckt", ".ends"))
    if len(heads) > len(ends):
        raise LibraryError(f".subckt without .ends ({heads[-1].place})")
    for statement in found:
        if statement.keyword in OPTIONS:
            raise LibraryError(
                f"{statement.place}: {statement.keyword!r} would hold for the whole deck; slim = true takes it in"
            )
    return "\n".join("\n+ ".join(statement.lines) for statement in found)


def models(text: str) -> dict[str, str]:
    """Names of the models and subcircuits that a text defines, in lower case, to ``nmos``, ``pmos``, ``subckt``, ...

    A binned model ``name.1`` counts as ``name``.
    """
    found = {}
    for match in re.finditer(r"^\s*\.(model|subckt)\s+(\S+)(?:\s+(\w+))?", text, re.MULTILINE | re.IGNORECASE):
        statement, name, kind = match.groups()
        name = re.sub(r"\.\d+$", "", name) if statement.lower() == "model" else name
        found[name.lower()] = "subckt" if statement.lower() == "subckt" else (kind or "").lower()
    return found


def words(text: str) -> list[str]:
    """Words of a statement, quoted ones in one piece and without their quotes.

    >>> words(".lib 'my models/a.lib' tt")
    ['.lib', 'my models/a.lib', 'tt']
    """
    return [word.strip("'\"") for word in _WORD.findall(text)]


def _walk(
    read: Callable[[str], str], file: str, section: str, files: dict[str, list[Statement]], within: tuple[Part, ...]
) -> Iterator[Statement]:
    """Statements of one section of a file, with everything it includes in place."""
    here = (file, section.lower())
    if here in within:
        raise LibraryError(f"{file} includes itself{f' in section {section}' if section else ''}")
    if file not in files:
        files[file] = _parsed(read, file)
    for statement in _section(file, files[file], section.lower()):
        keyword = statement.keyword
        if keyword in (".include", ".inc", ".lib"):
            _, name, inner = [*words(statement.text), "", ""][:3]
            if not name:
                raise LibraryError(f"{statement.place}: an include without a file")
            path = posixpath.normpath(posixpath.join(posixpath.dirname(file), name))
            yield from _walk(read, path, inner if keyword == ".lib" else "", files, (*within, here))
        else:
            yield statement


def _parsed(read: Callable[[str], str], file: str) -> list[Statement]:
    """Statements of one file; comment lines may stand between a line and its continuation.

    Comments go: they are most of a library, and the simulator obeys those that begin with ``*#``.
    """
    try:
        lines = read(file).splitlines()
    except OSError as error:
        raise LibraryError(f"{file} cannot be read: {error.strerror or error}") from error
    groups: list[tuple[int, list[str]]] = []
    for number, raw in enumerate(lines, start=1):
        line = raw.strip()
        if not line or line[0] == "*":
            continue
        if ";" in line or "$" in line or "//" in line:
            line = _without_comment(line)
        if line[:1] == "+" and groups:
            groups[-1][1].append(line[1:].strip())
        elif line:
            groups.append((number, [line]))
    return [Statement(tuple(lines), file, number) for number, lines in groups]


def _without_comment(line: str) -> str:
    """Cut ``; comment``, ``// comment`` and ``$ comment``, but not inside quotes."""
    for match in _COMMENT.finditer(line):
        before = line[: match.start()]
        if before.count("'") % 2 == 0 and before.count('"') % 2 == 0:
            return before.rstrip()
    return line


def _section(file: str, found: list[Statement], section: str) -> Iterator[Statement]:
    """Statements of one section, or those outside all of them where ``section`` is empty."""
    current = ""
    known: list[str] = []
    for statement in found:
        keyword = statement.keyword
        if keyword == ".endl":
            current = ""
        elif keyword == ".lib" and len(words(statement.text)) == 2:
            current = words(statement.text)[1].lower()
            known.append(current)
        elif current == section and keyword not in MODELS.ignored:
            yield statement
    if section and section not in known:
        raise LibraryError(f"{file} has no section {section!r}; it has: {', '.join(sorted(known)) or 'none'}")


def _check(statement: Statement, grammar: Grammar) -> None:
    """Refuse what would reach further: commands, analyses, characters that could hide them."""
    if not all(line.isprintable() or line.replace("\t", "").isprintable() for line in statement.lines):
        raise LibraryError(f"{statement.place}: a character that cannot be printed")
    if statement.keyword.startswith(".") and statement.keyword not in grammar.statements:
        raise LibraryError(f"{statement.place}: {statement.keyword!r} has no place in {grammar.what}")
