"""Numeric expressions of SPICE text, such as ``{4.148e-9*tox_mult}``, worked out without the simulator."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Mapping
from functools import cache

from netlists.library import LibraryError
from netlists.modellibrary import PREFIXES, assignments

DEPTH = 50
"""Parameters inside parameters that are followed before a definition counts as circular."""

EDGE = 1e-9
"""Rounding that a size on the edge of a bin may have [1]."""

_SUFFIXED = re.compile(r"(?<![\w.])(\d+\.?\d*|\.\d+)(e[-+]?\d+)?(meg|[tgkmunpf])?[a-z]*(?![\w.])")

_OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow, ast.USub: operator.neg, ast.UAdd: operator.pos,
}  # fmt: skip
_FUNCTIONS = {"sqrt": math.sqrt, "abs": abs, "exp": math.exp, "log": math.log, "ln": math.log, "min": min, "max": max,
              "pow": pow, "pwr": pow}  # fmt: skip


def evaluate(expression: str, parameters: Mapping[str, str], depth: int = 0) -> float:
    """Value of an expression.

    Args:
        expression: in lower case; braces and quotes around it are allowed.
        parameters: name to expression of what it may use.
        depth: how many parameters led here.

    Raises:
        LibraryError: a name without a definition, or what is no arithmetic.

    >>> evaluate("{2*a+1u/1e-6}", {"a": "sqrt(4)"})
    5.0
    """
    text = _SUFFIXED.sub(_plain, expression.strip("{}'\" "))
    if depth > DEPTH:
        raise LibraryError(f"{expression[:60]!r} is defined by itself")
    try:
        return float(_value(ast.parse(text, mode="eval").body, parameters, depth))
    except LibraryError:
        raise
    except (SyntaxError, TypeError, ValueError, ArithmeticError) as error:
        raise LibraryError(f"{expression[:60]!r} is not understood: {error}") from error


def _plain(match: re.Match[str]) -> str:
    """A SPICE number as Python writes it: with its power of ten, without leading zeros that Python refuses."""
    digits, exponent, prefix = match.groups()
    return repr(float(f"{digits}{exponent or ''}") * PREFIXES.get(prefix, 1.0))


def _value(node: ast.expr, parameters: Mapping[str, str], depth: int) -> float:
    match node:
        case ast.Constant(value=float() | int() as value):
            return value
        case ast.Name(id=name) if name in parameters:
            return evaluate(parameters[name], parameters, depth + 1)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(left, parameters, depth), _value(right, parameters, depth))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(operand, parameters, depth))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*(_value(argument, parameters, depth) for argument in arguments))
    raise LibraryError(f"{ast.unparse(node)[:60]!r} has no value")


@cache
def card_value(
    text: str, device: str, parameter: str, w: float, length: float, instance: tuple[tuple[str, float | None], ...] = ()
) -> float:
    """Value of a parameter on the model card that stands inside a subcircuit, so that every instance has its own.

    Args:
        text: models of one corner, with the global parameters they use.
        device: name of the subcircuit.
        parameter: of the card, such as ``toxe``.
        w, length: of the transistor [m]; of binned cards the one that the simulator selects counts.
        instance: names and values of the parameters of the instance as it is written; None for one whose value is not
            known here, which the card's parameter must not depend on. Others have the subcircuit's defaults.

    Raises:
        LibraryError: no card inside, or one without the parameter.
    """
    lines = re.sub(r"\n\s*\+", " ", text.lower()).splitlines()
    own, outside = _body(lines, device.lower())
    parameters = dict(pair for line in (*outside, *own) for pair in _definitions(line))
    for name, value in instance:
        parameters.pop(name.lower(), None)
        if value is not None:
            parameters[name.lower()] = repr(value)
    cards = [dict(assignments(line)[1]) for line in own if line.startswith(".model")]
    size = {"l": length, "w": w}
    card = next((c for c in cards if all(_within(c, axis, size[axis], parameters) for axis in size)), None)
    if card is None:
        raise LibraryError(f"{device} has no model card of its own inside, so its {parameter} cannot vary by itself")
    if parameter not in card:
        raise LibraryError(f"the model card of {device} does not state {parameter}")
    return evaluate(card[parameter], parameters)


def _within(card: Mapping[str, str], axis: str, value: float, parameters: Mapping[str, str]) -> bool:
    """Whether a card is for a size [m]: from its least on and below its largest, as ngspice selects bins."""
    if f"{axis}min" not in card:
        return True
    low, high = (evaluate(card[f"{axis}{end}"], parameters) for end in ("min", "max"))
    return low * (1 - EDGE) <= value < high * (1 - EDGE)


def _body(lines: list[str], device: str) -> tuple[list[str], list[str]]:
    """Lines of a subcircuit with its header, and the lines outside of all subcircuits."""
    own, outside, name = [], [], ""
    for line in (line.strip() for line in lines):
        if line.startswith(".subckt"):
            name = line.split()[1]
        if not name:
            outside.append(line)
        elif name == device:
            own.append(line)
        if line.startswith(".ends"):
            name = ""
    return own, outside


def _definitions(line: str) -> list[tuple[str, str]]:
    """Parameters that a statement defines: names and expressions."""
    return assignments(line)[1] if line.startswith((".param", ".subckt")) else []
