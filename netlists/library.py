"""Model libraries as text for a deck: files and sections read, includes resolved, nothing but models let through.

A deck holds the models' text, never a path: it can be hashed, kept and run elsewhere, and a path with spaces or worse
never reaches the simulator.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence

Part = tuple[str, str]
"""A file and its section; an empty section means what stands outside of all sections."""

STATEMENTS = (".model", ".subckt", ".ends", ".param", ".params", ".func", ".if", ".elseif", ".else", ".endif")
"""What a model library may consist of besides elements of its subcircuits, includes and sections."""

IGNORED = (".prot", ".protect", ".unprot", ".unprotect")
"""Marks of encryption, without meaning for plain text."""


class LibraryError(ValueError):
    """A model library that cannot be used; the message names file and line."""


def library_text(read: Callable[[str], str], parts: Sequence[Part]) -> str:
    """Models of a library as deck text, without comments.

    Args:
        read: gives the text of a file by its path, with forward slashes; raises OSError.
        parts: files and sections, in the order in which they go into the deck.

    Raises:
        LibraryError: a file or section that is not there, or a statement that is no model.
    """
    lines = [line for file, section in parts for line in _lines(read, file, section, ())]
    _refuse_elements(lines)
    return "\n".join(lines)


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


def _lines(read: Callable[[str], str], file: str, section: str, stack: tuple[Part, ...]) -> Iterator[str]:
    """Lines of one section of a file, includes resolved."""
    if (file, section) in stack:
        raise LibraryError(f"{file} includes itself")
    stack = (*stack, (file, section))
    try:
        text = read(file)
    except OSError as error:
        raise LibraryError(f"{file} cannot be read: {error.strerror or error}") from error
    current, seen = "", set()
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        word, _, rest = line.partition(" ")
        word, arguments = word.lower(), _arguments(rest)
        # Comments go: they are most of a library, and the simulator obeys those that begin with *#.
        if not line or line.startswith(("*", "$", ";")) or word in IGNORED:
            continue
        if word == ".lib" and len(arguments) == 1:
            current = arguments[0].lower()
            seen.add(current)
        elif word == ".endl":
            current = ""
        elif current != section.lower():
            continue
        elif word in (".inc", ".include", ".lib"):
            yield from _included(read, file, number, arguments, stack)
        else:
            _check(file, number, word, line)
            yield line
    if section and section.lower() not in seen:
        raise LibraryError(f"{file} has no section {section!r}; it has: {', '.join(sorted(seen)) or 'none'}")


def _refuse_elements(lines: Sequence[str]) -> None:
    """Refuse elements outside of subcircuits: they would be part of every circuit."""
    depth = 0
    for line in lines:
        word = line.split()[0].lower()
        depth += (word == ".subckt") - (word == ".ends")
        if depth == 0 and not word.startswith((".", "+")):
            raise LibraryError(f"{line[:60]!r} stands outside of a subcircuit; a model library holds models only")


def _included(
    read: Callable[[str], str], file: str, number: int, arguments: list[str], stack: tuple[Part, ...]
) -> Iterator[str]:
    if not arguments:
        raise LibraryError(f"{file}, line {number}: an include without a file")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(file), arguments[0]))
    return _lines(read, path, arguments[1] if len(arguments) > 1 else "", stack)


def _arguments(rest: str) -> list[str]:
    """Words of a statement, quoted ones in one piece and without their quotes."""
    return [next(filter(None, groups), "") for groups in re.findall(r"'([^']*)'|\"([^\"]*)\"|(\S+)", rest)]


def _check(file: str, number: int, word: str, line: str) -> None:
    """Refuse what would reach beyond the models: commands, analyses, options that hold for the whole deck."""
    if any(not char.isprintable() and char != "\t" for char in line):
        raise LibraryError(f"{file}, line {number}: a character that cannot be printed")
    if word.startswith(".") and word not in STATEMENTS:
        raise LibraryError(f"{file}, line {number}: {word!r} has no place in a model library")
