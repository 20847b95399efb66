"""Vendor model libraries as data: statements of SPICE text, walked through ``.include`` and ``.lib`` sections."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path


class LibraryError(ValueError):
    """A model library that cannot be read, or that lacks what is asked of it."""


@dataclass(frozen=True)
class Statement:
    """One SPICE statement: its line and the continuation lines of it, without comments.

    Attributes:
        text: the statement as written; SPICE reads it without regard to case.
        path: file it comes from.
        line: number of its first line.
    """

    text: str
    path: Path
    line: int

    @property
    def keyword(self) -> str:
        """First word in lower case, such as ``.model`` or ``m1``."""
        return _KEYWORD.match(self.text)[0].lower()

    @property
    def place(self) -> str:
        """File name and line, for messages."""
        return f"{self.path.name}:{self.line}"


@dataclass(frozen=True)
class Model:
    """One model card; ``NAME.3`` with lmin, lmax, wmin and wmax is the bin 3 of ``NAME``.

    Attributes:
        name: in lower case, with the number of the bin.
        base: the name that transistors use.
        statement: the card, in lower case.
        w, length: legal range of a binned card [m], else None.
    """

    name: str
    base: str
    statement: Statement
    w: tuple[float, float] | None = None
    length: tuple[float, float] | None = None


@dataclass(frozen=True)
class Subcircuit:
    """A subcircuit of the library: its header and the statements in it, in lower case."""

    name: str
    header: Statement
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Library:
    """What a deck would know after it loaded the library; every name is in lower case.

    Attributes:
        subcircuits: by name.
        models: global model cards by base name, in the order of the files.
        parameters: global parameters and their values as written; the last definition counts, as in ngspice.
        functions: ``.func`` statements by name.
        options: ``.option`` statements without ``scale``.
        scale: metres in a unit of length, ``.option scale`` [m].
    """

    subcircuits: dict[str, Subcircuit] = field(default_factory=dict)
    models: dict[str, list[Model]] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    functions: dict[str, Statement] = field(default_factory=dict)
    options: list[str] = field(default_factory=list)
    scale: float = 1.0


PREFIXES = {"t": 1e12, "g": 1e9, "meg": 1e6, "k": 1e3, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
"""Scale factors of SPICE numbers (ngspice manual, section on numbers)."""

_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(meg|[tgkmunpf])?[a-z]*\)?$")

_NAME = r"[a-z_][\w.$]*"
_VALUE = r"\{[^{}]*\}|'[^']*'|\"[^\"]*\"|.*?(?=,?\s+" + _NAME + r"\s*(?:\([^()=]*\))?\s*=(?!=)|\s*$)"
_ASSIGNMENT = re.compile(rf"({_NAME}(?:\s*\([^()=]*\))?)\s*=(?!=)\s*({_VALUE})", re.DOTALL)

_KEYWORD = re.compile(r"\.if(?=\()|\.elseif(?=\()|\S+", re.IGNORECASE)
_WORD = re.compile(r"\"[^\"]*\"|'[^']*'|\S+")
_COMMENT = re.compile(r";|//|(?:^|(?<=[\s,]))\$")


def number(text: str, place: str) -> float:
    """Value of a SPICE number such as ``0.15u`` or ``{2.8e-007}``; raises LibraryError for anything else.

    >>> number("{0.5meg}", "example")
    500000.0
    """
    match = _NUMBER.match(text.strip("{}' ").lower())
    if not match:
        raise LibraryError(f"{text!r} is not a number ({place})")
    return float(match[1]) * PREFIXES.get(match[2], 1.0)


def assignments(text: str) -> tuple[str, list[tuple[str, str]]]:
    """What stands before the first ``name=value`` of a statement in lower case, and all pairs.

    >>> assignments("m1 d g s b n l = {l} w='2*w' nf=1")
    ('m1 d g s b n', [('l', '{l}'), ('w', "'2*w'"), ('nf', '1')])
    """
    first = _ASSIGNMENT.search(text)
    if not first:
        return text.strip(), []
    return text[: first.start()].strip(), [(m[1], m[2].strip()) for m in _ASSIGNMENT.finditer(text, first.start())]


def read(library: Path, section: str | None, includes: Sequence[Path] = ()) -> Library:
    """Everything a deck would know after ``.lib LIBRARY SECTION``.

    Args:
        library: the library's file.
        section: name of the section, or None for a file that is included as a whole.
        includes: files to include before it, such as one that sets the switches of the statistics.

    Raises:
        LibraryError: a file or section does not exist, or the text is not understood.
    """
    for path in (library, *includes):
        if not str(path).isprintable():
            raise LibraryError(f"a path with control characters is refused: {str(path)!r}")
    files: dict[Path, list[Statement]] = {}
    statements: list[Statement] = []
    for path in includes:
        statements.extend(_walk(path, None, files, ()))
    statements.extend(_walk(library, section, files, ()))
    return _index(statements)


def words(text: str) -> list[str]:
    """Words of a statement, quoted ones without their quotes.

    >>> words(".lib 'my models/a.lib' tt")
    ['.lib', 'my models/a.lib', 'tt']
    """
    return [word.strip("'\"") for word in _WORD.findall(text)]


def _statements(path: Path) -> list[Statement]:
    """Statements of one file; comment lines may stand between a line and its continuation."""
    try:
        lines = path.read_text(encoding="latin-1").splitlines()
    except OSError as error:
        raise LibraryError(f"model file {str(path)!r} cannot be read: {error.strerror}") from error
    groups: list[tuple[int, list[str]]] = []
    for i, raw in enumerate(lines, 1):
        line = raw.strip()
        if not line or line[0] == "*":
            continue
        if ";" in line or "$" in line or "//" in line:
            line = _without_comment(line)
        if line[:1] == "+" and groups:
            groups[-1][1].append(line[1:].strip())
        elif line:
            groups.append((i, [line]))
    return [Statement(" ".join(parts).strip(), path, i) for i, parts in groups]


def _without_comment(line: str) -> str:
    """Cut ``; comment``, ``// comment`` and ``$ comment``, but not inside quotes."""
    for match in _COMMENT.finditer(line):
        before = line[: match.start()]
        if before.count("'") % 2 == 0 and before.count('"') % 2 == 0:
            return before.rstrip()
    return line


def _walk(
    path: Path, section: str | None, files: dict[Path, list[Statement]], within: tuple[tuple[Path, str | None], ...]
) -> Iterator[Statement]:
    """Statements of a file, or of one section of it, with everything it includes in place."""
    here = (path, section and section.lower())
    if here in within:
        raise LibraryError(f"{path.name} includes itself{f' in section {section}' if section else ''}")
    if path not in files:
        files[path] = _statements(path)
    for statement in _part(path, files[path], section):
        if statement.keyword in (".include", ".inc", ".lib"):
            _, name, *rest = [*words(statement.text), "", ""][:3]
            if not name:
                raise LibraryError(f"{statement.keyword} without a file ({statement.place})")
            inner = (rest[0] or None) if statement.keyword == ".lib" else None
            yield from _walk(path.parent / name, inner, files, (*within, here))
        else:
            yield statement


def _part(path: Path, statements: list[Statement], section: str | None) -> Iterator[Statement]:
    """Statements of one section, or those outside all of them when ``section`` is None."""
    current: str | None = None
    known: list[str] = []
    wanted = section and section.lower()
    for statement in statements:
        keyword = statement.keyword
        if keyword == ".endl":
            current = None
        elif keyword == ".lib" and len(words(statement.text)) == 2:
            current = words(statement.text)[1].lower()
            known.append(current)
        elif current == wanted:
            yield statement
    if wanted and wanted not in known:
        raise LibraryError(f"section {section!r} is not one of {', '.join(known) or 'none'} in {path.name}")


def _index(statements: list[Statement]) -> Library:
    """Sort statements by kind; a block of simulator commands is passed over."""
    found = Library()
    scale = 1.0
    rest = iter(statements)
    for raw in rest:
        statement = Statement(raw.text.lower(), raw.path, raw.line)
        match statement.keyword:
            case ".subckt":
                _add_subcircuit(found, _subcircuit(statement, rest))
            case ".model":
                model = model_card(statement)
                found.models.setdefault(model.base, []).append(model)
            case ".param" | ".params":
                _add_parameters(found, statement)
            case ".func":
                found.functions[re.split(r"[\s(]", statement.text.split(maxsplit=1)[1])[0]] = statement
            case ".option" | ".options" | ".opt":
                scale = _option(found, statement, scale)
            case ".if":
                raise LibraryError(f"an .if outside a subcircuit is not supported ({statement.place})")
            case ".control":
                while (passed := next(rest, None)) and passed.keyword != ".endc":
                    continue
    return Library(found.subcircuits, found.models, found.parameters, found.functions, found.options, scale)


def _subcircuit(header: Statement, rest: Iterator[Statement]) -> Subcircuit:
    body: list[Statement] = []
    depth = 1
    for raw in rest:
        keyword = raw.keyword
        depth += {".subckt": 1, ".ends": -1}.get(keyword, 0)
        if depth == 0:
            return Subcircuit(words(header.text)[1], header, tuple(body))
        body.append(Statement(raw.text.lower(), raw.path, raw.line))
    raise LibraryError(f".subckt without .ends ({header.place})")


def _add_subcircuit(found: Library, new: Subcircuit) -> None:
    """Two different subcircuits of one name would replace each other silently: keep both, the error comes with use."""
    old = found.subcircuits.get(new.name)
    if old and [s.text for s in (old.header, *old.body)] != [s.text for s in (new.header, *new.body)]:
        twice = f".error defined at {old.header.place} and {new.header.place}"
        new = Subcircuit(new.name, new.header, (Statement(twice, new.header.path, new.header.line),))
    found.subcircuits[new.name] = new


def model_card(statement: Statement) -> Model:
    """Model card of a ``.model`` statement in lower case, with the ranges of its bin."""
    name = words(statement.text)[1]
    base, dot, index = name.rpartition(".")
    limits = dict(re.findall(r"\b([lw]m(?:in|ax))\s*=\s*(\S+)", statement.text))
    if not dot or not index.isdigit() or len(limits) < 4:
        return Model(name, name, statement)
    low_w, high_w, low_l, high_l = (number(limits[key], statement.place) for key in ("wmin", "wmax", "lmin", "lmax"))
    return Model(name, base, statement, (low_w, high_w), (low_l, high_l))


def _add_parameters(found: Library, statement: Statement) -> None:
    for name, value in assignments(statement.text)[1]:
        if "(" in name:  # a function written as a parameter
            text = f".func {name} {{{value.strip('{} ')}}}"
            found.functions[name.split("(")[0].strip()] = Statement(text, statement.path, statement.line)
        else:
            found.parameters.pop(name, None)
            found.parameters[name] = value


def _option(found: Library, statement: Statement, scale: float) -> float:
    """Keep an option other than ``scale``; returns the scale from here on."""
    head, pairs = assignments(statement.text)
    values = dict(pairs)
    if "scale" in values:
        scale = number(values.pop("scale"), statement.place)
    kept = [*(word for word in words(head)[1:] if word != "parser"), *(f"{k}={v}" for k, v in values.items())]
    if kept:
        found.options.append(f".option {' '.join(kept)}")
    return scale
