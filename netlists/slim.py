"""Slimming: a vendor's model library cut down to the devices and sizes in use, so that it loads in milliseconds."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from netlists.library import LibraryError, Statement, words
from netlists.modellibrary import Library, Model, Subcircuit, assignments, model_card

TOLERANCE = 1e-10
"""Distance from the edge of a bin up to which a size counts as on it [m]: both neighbours are kept."""

DRAWS = ("agauss", "gauss", "aunif", "unif", "limit")
"""Functions of ngspice that draw a random number; the first argument of each is the nominal value."""

LENGTHS = ("l", "w", "pd", "ps", "sa", "sb", "sd", "sc")
"""Parameters of a transistor that ``.option scale`` multiplies."""

AREAS = ("ad", "as")
"""Parameters of a transistor that ``.option scale`` multiplies twice."""

BUILT_IN = frozenset(
    ("abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "atan2", "ceil", "cos", "cosh", "exp", "floor", "int")
    + ("ln", "log", "log10", "max", "min", "nint", "pow", "pwr", "sgn", "sin", "sinh", "sqrt", "tan", "tanh", "trunc")
    + ("ternary_fcn", "ddt", "temper", "time", "hertz", "pi", "e", "c", "i", "v", "boltz", "echarge", "kelvin")
    + ("planck", "true", "false", "yes", "no")
)
"""Names that an expression may use without a definition (ngspice manual, sections on expressions)."""

CHOICES = (".if", ".elseif", ".else", ".endif")
"""Statements of a choice inside a subcircuit: every branch is kept, the simulator chooses."""

_IDENTIFIER = re.compile(r"(?<![\w.$])[a-z_][\w.$]*")
_DRAW = re.compile(rf"(?<![\w.$])(?:{'|'.join(DRAWS)})\s*\(")


class Size(NamedTuple):
    """Width of one finger and length of a transistor in use, both [m]."""

    w: float
    length: float


class SizeError(LibraryError):
    """A size that no bin of a model covers."""


@dataclass
class _Kept:
    """What the reduced text needs, gathered while the devices are followed."""

    subcircuits: dict[str, set[Size]] = field(default_factory=dict)
    models: dict[str, set[Size]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)


def slim(known: Library, devices: Mapping[str, Iterable[Size]]) -> str:
    """Deck text of the devices in use, the same in every operating point as the full library.

    A device is a subcircuit or a bare model. Kept with it are the subcircuits and models inside it, of binned models
    the bins that cover a size in use, and all parameters and functions that any of these need. The library's
    ``.option scale`` is dropped, because it would act on every device of the deck, and written into the transistors
    of the reduced subcircuits: parameters of a *subcircuit* keep the unit of the library (SKY130: um), those of a
    bare model are metres. A draw such as ``agauss(0, 1, 3)`` becomes its nominal value.

    Args:
        known: what one corner of the library defines.
        devices: name to the sizes in use, [m] whatever the unit of the library is.

    Raises:
        SizeError: a size outside every bin; the message names the legal range.
        LibraryError: a missing device or parameter, or text that is not understood.
    """
    kept = _Kept()
    for name, sizes in devices.items():
        _keep_device(known, kept, name.lower(), {Size(*size) for size in sizes}, "the library")
    subcircuits = [text for name, sizes in kept.subcircuits.items() for text in _subcircuit(known, name, sizes, kept)]
    models = [
        _card(known, model, kept) for base, sizes in kept.models.items() for model in bins(known.models[base], sizes)
    ]
    return "\n".join([*known.options, *_definitions(known, kept.names), *models, *subcircuits, ""])


def bins(models: Sequence[Model], sizes: Iterable[Size]) -> list[Model]:
    """Those of the cards of one model that a size in use can select, in the order of the library.

    A size within ``TOLERANCE`` of an edge keeps both neighbours, so that the simulator selects among the same two.

    Raises:
        SizeError: a size that no bin covers, or no size of a binned model.
    """
    wanted = set(sizes)
    if not wanted and models[0].w:
        raise SizeError(f"no size of {models[0].base} is given: legal {_all_ranges(models)}")
    used = set()
    for size in wanted:
        covering = [m.name for m in models if _covers(m.w, size.w) and _covers(m.length, size.length)]
        if not covering:
            raise SizeError(_outside(models, size))
        used.update(covering)
    return [m for m in models if m.w is None or m.name in used]


def inner_transistor(text: str, device: str) -> str | None:
    """Path of the one transistor inside a device of a reduced text, or None for a bare model.

    The instance ``xl`` of the device in the subcircuit instance ``xcell`` has the parameter
    ``@m.xcell.xl.PATH[delvto]``; the letter is the first one of the transistor's name, ``n`` for a compiled Verilog-A
    model. A subcircuit that only wraps another one is followed; branches of a choice may draw the same transistor.

    Raises:
        LibraryError: no such device, or no or several transistors in it.
    """
    lines = text.lower().splitlines()
    heads = [i for i, line in enumerate(lines) if line.split()[:2] == [".subckt", device.lower()]]
    if not heads:
        if any(re.match(rf"\.model\s+{re.escape(device.lower())}(\.\d+)?\s", line) for line in lines):
            return None
        raise LibraryError(f"there is no device {device!r} in the reduced library")
    body = lines[heads[0] : lines.index(".ends", heads[0])]
    transistors = list(dict.fromkeys(line.split()[0] for line in body if line[0] in "mn"))
    wrapped = [line.split() for line in body if line[0] == "x"]
    if len(transistors) == 1:
        return transistors[0]
    if not transistors and len(wrapped) == 1:
        return f"{wrapped[0][0]}.{inner_transistor(text, wrapped[0][-1])}"
    raise LibraryError(f"device {device!r} has {len(transistors)} transistors of its own, not one")


def nominal(text: str) -> str:
    """Replace every random draw by its nominal value.

    >>> nominal("{1+mc*agauss(0,1.0,1)*(a/sqrt(l*w))}")
    '{1+mc*(0)*(a/sqrt(l*w))}'
    """
    while match := _DRAW.search(text):
        depth, comma, end = 1, None, None
        for i in range(match.end(), len(text)):
            depth += {"(": 1, ")": -1}.get(text[i], 0)
            if depth == 1 and text[i] == "," and comma is None:
                comma = i
            if depth == 0:
                end = i
                break
        if end is None:
            raise LibraryError(f"unbalanced parentheses in {text[:80]!r}")
        text = f"{text[: match.start()]}({text[match.end() : comma or end].strip()}){text[end + 1 :]}"
    return text


def _covers(limits: tuple[float, float] | None, value: float) -> bool:
    return limits is None or limits[0] - TOLERANCE <= value <= limits[1] + TOLERANCE


def _outside(models: Sequence[Model], size: Size) -> str:
    """Message with the legal range: of the width at this length, or of the length when no width has it."""
    at_length = [m.w for m in models if _covers(m.length, size.length)]
    at_width = [m.length for m in models if _covers(m.w, size.w)]
    if at_length:
        legal = f"w {_ranges(at_length)} at this l"
    elif at_width:
        legal = f"l {_ranges(at_width)} at this w"
    else:
        legal = _all_ranges(models)
    return (
        f"w={size.w * 1e6:.6g} um, l={size.length * 1e6:.6g} um is outside every bin of {models[0].base}: legal {legal}"
    )


def _all_ranges(models: Sequence[Model]) -> str:
    return f"w {_ranges([m.w for m in models])}, l {_ranges([m.length for m in models])}"


def _ranges(limits: Iterable[tuple[float, float]]) -> str:
    """Union of ranges [m] as text in um."""
    merged: list[list[float]] = []
    for low, high in sorted(limits):
        if merged and low <= merged[-1][1] + TOLERANCE:
            merged[-1][1] = max(merged[-1][1], high)
        else:
            merged.append([low, high])
    return " or ".join(f"{low * 1e6:.6g}..{high * 1e6:.6g} um" for low, high in merged)


def _keep_device(known: Library, kept: _Kept, name: str, sizes: set[Size], place: str) -> None:
    if name in known.subcircuits:
        _keep_subcircuit(known, kept, known.subcircuits[name], sizes)
    elif name in known.models:
        kept.models.setdefault(name, set()).update(sizes)
    else:
        raise LibraryError(f"there is no subcircuit or model {name!r} in {place}")


def _keep_subcircuit(known: Library, kept: _Kept, subcircuit: Subcircuit, sizes: set[Size]) -> None:
    """Follow a subcircuit's elements to the subcircuits and models they use, with the same sizes."""
    old = kept.subcircuits.get(subcircuit.name)
    if old is not None and sizes <= old:
        return
    kept.subcircuits[subcircuit.name] = (old or set()) | sizes
    local = {model.base for model in _local_models(subcircuit)}
    for statement in subcircuit.body:
        if statement.keyword.startswith("."):
            _check_statement(statement, subcircuit)
            continue
        used = words(assignments(statement.text)[0])
        if statement.keyword[0] == "x":
            inner = used[-2] if used[-1] == "params:" else used[-1]
            _keep_device(known, kept, inner, sizes, statement.place)
            continue
        for word in used[1:]:
            if word in known.models and word not in local:
                kept.models.setdefault(word, set()).update(sizes)


def _check_statement(statement: Statement, subcircuit: Subcircuit) -> None:
    if statement.keyword == ".error":
        raise LibraryError(f"subcircuit {subcircuit.name} is defined twice: {statement.text.removeprefix('.error ')}")
    if statement.keyword not in (".model", ".param", ".params", ".func", *CHOICES):
        raise LibraryError(f"{statement.keyword} inside a subcircuit is not supported ({statement.place})")


def _local_models(subcircuit: Subcircuit) -> list[Model]:
    return [model_card(statement) for statement in subcircuit.body if statement.keyword == ".model"]


def _subcircuit(known: Library, name: str, sizes: set[Size], kept: _Kept) -> Iterator[str]:
    """Lines of a reduced subcircuit; the names it needs from outside go into ``kept``."""
    subcircuit = known.subcircuits[name]
    header, parameters = assignments(subcircuit.header.text)
    groups: dict[str, list[Model]] = {}
    used = {word for s in subcircuit.body if not s.keyword.startswith(".") for word in words(assignments(s.text)[0])}
    for model in _local_models(subcircuit):
        if model.base in used:
            groups.setdefault(model.base, []).append(model)
    cards = {m.statement for group in groups.values() for m in (bins(group, sizes) if group[0].w else group)}
    inside = [s for s in subcircuit.body if s.keyword != ".model" or s in cards]
    own = {key for key, _ in parameters}
    for statement in inside:
        if statement.keyword in (".param", ".params"):
            own.update(key.split("(")[0].strip() for key, _ in assignments(statement.text)[1])
        elif statement.keyword == ".func":
            own.add(_function(statement)[0])
    yield _render(header.removesuffix("params:").rstrip(), parameters)
    for statement in inside:
        head, pairs = assignments(nominal(statement.text))
        if not statement.keyword.startswith("."):
            pairs = _scaled(statement, pairs, known.scale)
        _note_names(known, kept, own, statement, head, pairs)
        yield _render(head, pairs)
    yield ".ends"


def _card(known: Library, model: Model, kept: _Kept) -> str:
    head, pairs = assignments(nominal(model.statement.text))
    _note_names(known, kept, frozenset(), model.statement, head, pairs)
    return _render(head, pairs)


def _note_names(
    known: Library, kept: _Kept, own: Set[str], statement: Statement, head: str, pairs: list[tuple[str, str]]
) -> None:
    """Add the names that a statement needs from outside to those kept."""
    for name, certain in _names_of(statement, head, pairs).items():
        if name not in own and (certain or name in known.parameters):
            kept.names.setdefault(name, statement.place)


def _scaled(statement: Statement, pairs: list[tuple[str, str]], scale: float) -> list[tuple[str, str]]:
    """Assignments of an element with the library's scale written into lengths and areas."""
    kind = statement.keyword[0]
    if scale == 1.0 or kind == "x":
        return pairs
    if kind != "m":
        if kind in "rcd" and {key for key, _ in pairs} & {"l", "w", "area", "pj"}:
            raise LibraryError(f"sizes of element {statement.keyword} cannot be scaled ({statement.place})")
        return pairs
    powers = {**dict.fromkeys(LENGTHS, 1), **dict.fromkeys(AREAS, 2)}
    return [
        (key, f"{{({value.strip(chr(39) + '{} ')})*{scale ** powers[key]:.12g}}}" if key in powers else value)
        for key, value in pairs
    ]


def _names_of(statement: Statement, head: str, pairs: list[tuple[str, str]]) -> dict[str, bool]:
    """Names that a statement's expressions use, and whether they are names for certain.

    A bare word on a model card or element may be a parameter or a keyword; in braces, quotes or a ``.param`` it is a
    parameter or a function.
    """
    names: dict[str, bool] = {}
    if statement.keyword in CHOICES:
        return dict.fromkeys(_IDENTIFIER.findall(statement.text.removeprefix(statement.keyword)), True)
    if statement.keyword == ".func":
        _, arguments, body = _function(statement)
        return dict.fromkeys(set(_IDENTIFIER.findall(nominal(body))) - arguments, True)
    loose = re.findall(r"\{[^{}]*\}|'[^']*'", head)
    for value in [*loose, *(value for _, value in pairs)]:
        certain = statement.keyword.startswith(".param") or value[:1] in ("{", "'")
        for name in _IDENTIFIER.findall(value):
            names[name] = names.get(name, False) or certain
    return names


def _function(statement: Statement) -> tuple[str, set[str], str]:
    """Name, arguments and body of a ``.func`` statement."""
    match = re.match(r"\.func\s+([\w.$]+)\s*\(([^)]*)\)\s*=?\s*(.*)$", statement.text)
    if not match:
        raise LibraryError(f"{statement.text[:60]!r} is not a function ({statement.place})")
    return match[1], {argument.strip() for argument in match[2].split(",")}, match[3]


def _definitions(known: Library, wanted: Mapping[str, str]) -> list[str]:
    """Statements of the parameters and functions in use and of all that they use, in the order of the library."""
    used: set[str] = set()
    todo = dict(wanted)
    while todo:
        name, place = todo.popitem()
        used.add(name)
        if name in known.parameters:
            more = set(_IDENTIFIER.findall(nominal(known.parameters[name])))
        elif name in known.functions:
            _, arguments, body = _function(known.functions[name])
            more = set(_IDENTIFIER.findall(nominal(body))) - arguments
        elif name in BUILT_IN:
            continue
        else:
            raise LibraryError(f"parameter {name!r} is used but not defined in the library ({place})")
        todo |= dict.fromkeys(more - used, f"parameter {name}, {place}")
    functions = [nominal(statement.text) for name, statement in known.functions.items() if name in used]
    return functions + [_render(".param", [(k, nominal(v))]) for k, v in known.parameters.items() if k in used]


def _render(head: str, pairs: Sequence[tuple[str, str]]) -> str:
    """A statement as deck text; lines break between assignments only."""
    items = "\n".join(f"{key}={value}" for key, value in pairs)
    spaced = items.replace(" ", "\0").replace("\n", " ")
    lines = textwrap.wrap(spaced, 110, break_long_words=False, break_on_hyphens=False)
    first = f"{head} {lines[0]}" if lines and head.startswith(".param") else head
    return "\n+ ".join([first, *(lines[1:] if first != head else lines)]).replace("\0", " ")
