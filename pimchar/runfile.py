"""Reading a run file: from its text to a run that holds together, or to a line that says what does not."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from netlists import technology
from pimchar.runschema import ZERO_CELSIUS, RunFile, RunFileError, Section

DEFAULT_NAME = "default.toml"
TABLES_NAME = "tables.toml"
PLAIN_WORDS = {
    "model_type": "must be a section, as in [conditions]",
    "tuple_type": "must be a list, as in [0.9, 1.0]",
    "too_short": "must have at least one item",
    "dict_type": "must be a table, as in { key = value }",
}
"""What a run file's author reads in place of pydantic's message of that type."""


def default_text(name: str = DEFAULT_NAME) -> str:
    """A run file of the package: the commented default, or :data:`TABLES_NAME`."""
    return resources.files("pimchar").joinpath(name).read_text(encoding="utf-8")


def default() -> tuple[RunFile, str]:
    """The default run and its text."""
    return parse(default_text(), DEFAULT_NAME), default_text()


def read(path: Path) -> tuple[RunFile, str]:
    """The run of a file and the file's text.

    Raises:
        RunFileError: no such file, no TOML, or a value that is not legal.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise RunFileError(f"{path} does not exist; `pimchar init {path}` writes a commented run file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RunFileError(f"{path} cannot be read: {error}") from error
    return parse(text, path.name, path.parent), text


def parse(text: str, where: str, folder: Path = Path()) -> RunFile:
    """The run that a text describes.

    Args:
        text: TOML.
        where: file name to quote in errors.
        folder: what the paths of a technology file, a cell's netlist and networks are relative to.

    Raises:
        RunFileError: no TOML, or a value that is not legal.
    """
    run = parse_schema(text, where)
    if run.technology.file is not None:
        file = str((folder / run.technology.file).absolute())
        run = run.model_copy(update={"technology": run.technology.model_copy(update={"name": file, "file": None})})
    if run.cell.file is not None:
        file = str((folder / Path(run.cell.file).expanduser()).absolute())
        run = run.model_copy(update={"cell": run.cell.model_copy(update={"file": file})})
    if run.network.files:
        files = tuple(str((folder / Path(file).expanduser()).absolute()) for file in run.network.files)
        run = run.model_copy(update={"network": run.network.model_copy(update={"files": files})})
    if run.variation.global_ and "process" not in run.conditions.model_fields_set:
        typical = run.conditions.model_copy(update={"process": ("tt",)})
        run = run.model_copy(update={"conditions": typical})
    _check_conditions(run, where)
    _check_parts(run, where)
    return run


def parse_schema(text: str, where: str) -> RunFile:
    """The run that a text describes, held against the schema alone; see :func:`parse`."""
    try:
        return RunFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise RunFileError(f"{where} is not valid TOML: {error}") from error
    except ValidationError as error:
        raise RunFileError(_explain(error, where)) from error


def _check_conditions(run: RunFile, where: str) -> None:
    """Raises RunFileError for a condition that the technology does not have, or outside its validity range."""
    try:
        process = technology.load(run.technology.name)
    except technology.TechnologyError as error:
        key = "file" if run.technology.name.endswith(".toml") else "name"
        raise RunFileError(f"{error} (technology.{key} in {where})") from error
    if run.variation.global_ and process.global_law is None:
        lacks = f"{process.name} states no law of global variation; legal: false"
        raise RunFileError(f"global=true: {lacks} (variation.global in {where})")
    for corner in run.conditions.process:
        if corner not in process.cards:
            legal = ", ".join(process.cards)
            place = f"(conditions.process in {where})"
            raise RunFileError(f"process={corner!r} is not a corner of {process.name}; legal: {legal} {place}")
    low_c, high_c = (round(t - ZERO_CELSIUS, 6) for t in process.temp_range)
    _check_range("vdd", run.conditions.vdd, process.vdd_range, "V", process.name, where)
    _check_range("temp_c", run.conditions.temp_c, (low_c, high_c), "degC", process.name, where)
    if problem := run.make_conditions().offset_problem():
        axis, what = problem
        raise RunFileError(f"{what} (conditions.{axis} in {where})")


def _check_range(
    key: str, values: Iterable[float], limits: tuple[float, float], unit: str, name: str, where: str
) -> None:
    low, high = limits
    for value in values:
        if not low <= value <= high:
            outside = f"is outside {low:g}..{high:g} {unit} for {name}"
            raise RunFileError(f"{key}={value:g} {unit} {outside} (conditions.{key} in {where})")


def _check_parts(run: RunFile, where: str) -> None:
    """Raises RunFileError for what the cell, the variation or the macro itself refuses."""
    try:
        run.make_cell().sized(technology.load(run.technology.name))
        run.make_variation()
        run.make_mapping().check(run.make_macro())
    except ValueError as error:
        raise RunFileError(f"{str(error).removesuffix(')')} in {where})") from error


def _explain(error: ValidationError, where: str) -> str:
    """At most two lines: the first problem, and the second or how many more there are."""
    found = error.errors(include_url=False)
    # A list whose item is refused also counts as too short; that second message would be false.
    items = [problem["loc"][:-1] for problem in found]
    found = [p for p in found if not (p["type"] == "too_short" and p["loc"] in items)]
    problems = [_line(problem, where) for problem in found]
    if len(problems) > 2:
        problems[1:] = [f"and {len(problems) - 1} more problems"]
    return "\n".join(problems)


def _line(problem: dict[str, Any], where: str) -> str:
    """One problem that pydantic found, in a run file's words."""
    path = [str(part) for part in problem["loc"] if not isinstance(part, int)]
    if problem["type"] == "extra_forbidden":
        return _unknown_key(path, where)
    place = f"({'.'.join(path)} in {where})"
    if problem["type"] == "value_error":
        return f"{problem['ctx']['error']} {place}"
    message = PLAIN_WORDS.get(problem["type"]) or problem["msg"].replace("Input should be", "must be")
    return f"{path[-1]}={problem['input']!r}: {message} {place}"


def _unknown_key(path: list[str], where: str) -> str:
    """The message for a key that the schema does not have."""
    *parents, key = path
    fields = _by_key(RunFile)
    if parents:
        fields = _by_key(fields[parents[0]].annotation)
    legal = list(fields)
    near = get_close_matches(key, legal, n=1)
    hint = f", did you mean {near[0]!r}?" if near else ";"
    section = f"[{parents[0]}] of {where}" if parents else where
    return f"unknown key {key!r} in {section}{hint} legal: {', '.join(legal)}"


def _by_key(section: type[Section]) -> dict[str, FieldInfo]:
    """Fields of a section by the keys that a run file has, ``yield`` and not ``yield_``."""
    return {field.alias or name: field for name, field in section.model_fields.items()}
