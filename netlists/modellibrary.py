"""Vendor model libraries as data: subcircuits, models, parameters and functions out of a library's statements."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from netlists.library import OPTIONS, LibraryError, Statement, words


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
        options: ``.option tnom`` statements.
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


def index(statements: Iterable[Statement]) -> Library:
    """Sort a library's statements by what they define.

    Raises:
        LibraryError: text that is not understood, or that would reach beyond the models.
    """
    found = Library()
    scale = 1.0
    rest = map(_lower, statements)
    for statement in rest:
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
            case ".if":
                raise LibraryError(f"an .if outside a subcircuit is not supported ({statement.place})")
            case keyword if keyword in OPTIONS:
                scale = _option(found, statement, scale)
    return Library(found.subcircuits, found.models, found.parameters, found.functions, found.options, scale)


def _lower(statement: Statement) -> Statement:
    return Statement((statement.text.lower(),), statement.file, statement.line)


def _subcircuit(header: Statement, rest: Iterator[Statement]) -> Subcircuit:
    body: list[Statement] = []
    depth = 1
    for statement in rest:
        keyword = statement.keyword
        depth += {".subckt": 1, ".ends": -1}.get(keyword, 0)
        if depth == 0:
            return Subcircuit(words(header.text)[1], header, tuple(body))
        body.append(statement)
    raise LibraryError(f".subckt without .ends ({header.place})")


def _add_subcircuit(found: Library, new: Subcircuit) -> None:
    """Two different subcircuits of one name would replace each other silently: keep both, the error comes with use."""
    old = found.subcircuits.get(new.name)
    if old and [s.text for s in (old.header, *old.body)] != [s.text for s in (new.header, *new.body)]:
        twice = f".error defined at {old.header.place} and {new.header.place}"
        new = Subcircuit(new.name, new.header, (Statement((twice,), new.header.file, new.header.line),))
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
            found.functions[name.split("(")[0].strip()] = Statement((text,), statement.file, statement.line)
        else:
            found.parameters.pop(name, None)
            found.parameters[name] = value


def _option(found: Library, statement: Statement, scale: float) -> float:
    """Keep ``tnom``, to which models without one of their own refer; returns the scale from here on.

    Any other option would change how the deck is solved.
    """
    head, pairs = assignments(statement.text)
    flags = [word for word in words(head)[1:] if word != "parser"]
    for name in (*flags, *(name for name, _ in pairs)):
        if name not in ("scale", "tnom"):
            raise LibraryError(f"option {name!r} has no place in a model library ({statement.place})")
    values = dict(pairs)
    if "tnom" in values:
        found.options.append(f".option tnom={values['tnom']}")
    return number(values["scale"], statement.place) if "scale" in values else scale
