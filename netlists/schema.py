"""The technology file: its schema, and messages its author can act on. docs/technologies.md explains every key."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

FORBIDDEN = "`;|&<>\"'{}"
"""Characters that no path of a model file needs and that a shell or the simulator would obey."""

Process = Literal["tt", "ff", "ss", "fs", "sf"]


def _plain(value: str) -> str:
    """The text, or ValueError for one that is not a single printable line."""
    if not value.isprintable():
        raise ValueError("must be one line of printable characters")
    return value


def _path(value: str) -> str:
    """The path, or ValueError for characters that could be taken for a command."""
    if not _plain(value) or any(char in FORBIDDEN for char in value):
        raise ValueError(f"must be a path without any of {FORBIDDEN} and without line breaks")
    return value


Line = Annotated[str, Field(strict=True), AfterValidator(_plain)]
File = Annotated[str, Field(strict=True), AfterValidator(_path)]
Title = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")]
Word = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$")]
Compiled = Annotated[File, Field(pattern=r"^([^\\]*/)?[A-Za-z0-9_-]+\.osdi$")]
Alter = Annotated[str, Field(strict=True, pattern=r"^@[a-z]\.([a-z0-9_.]|\{path\}|\{name\}|\{model\})+\[[a-z0-9_]+\]$")]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Positive = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0)]
Length = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=1e-9, le=1e-3)]
Value = Number | Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9_.+-]+$")]


class Section(BaseModel):
    """A table of the technology file: no key but those of the schema."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class General(Section):
    """What it is; voltages [V], temperatures [K], length [m]; the flavour that a bare name means."""

    name: Title
    description: Line = ""
    citation: Line = ""
    licence: Line = "not stated"
    claims_not: Line = "not stated"
    vdd_nominal: Positive
    vdd_range: tuple[Positive, Positive]
    temp_range: tuple[Positive, Positive]
    length: Length
    flavour: str = ""

    @model_validator(mode="after")
    def _ranges(self) -> General:
        if not self.vdd_range[0] <= self.vdd_nominal <= self.vdd_range[1]:
            raise ValueError(f"vdd_nominal={self.vdd_nominal:g} V is outside vdd_range={list(self.vdd_range)}")
        if self.temp_range[0] > self.temp_range[1]:
            raise ValueError(f"temp_range={list(self.temp_range)} is not in order, lowest first, in kelvin")
        return self


class CellSizes(Section):
    """Default bit-cell widths [m]."""

    w_pd: Length
    w_pu: Length
    w_pg: Length


class LogicSizes(Section):
    """Widths of a unit inverter [m]."""

    w_n: Length
    w_p: Length


class GeometrySection(Section):
    """Layout numbers; see ``netlists.technology.Geometry``."""

    cell_width: Length
    cell_height: Length
    gate_pitch: Length
    diffusion_end: Length
    diffusion_shared: Length
    wire_resistance: Positive
    wire_capacitance: Positive


class Names(Section):
    """What an instance's parameters are called; an empty name: the model does not take it."""

    w: Word = "w"
    l: Word = "l"  # noqa: E741 - the field's name
    ad: Word | Literal[""] = "ad"
    as_: Word | Literal[""] = Field("as", alias="as")
    pd: Word | Literal[""] = "pd"
    ps: Word | Literal[""] = "ps"
    m: Word = "m"


class MismatchSection(Section):
    """Variation of one more parameter of a transistor; see ``netlists.variation.MismatchLaw``."""

    parameter: Word
    on: Literal["instance", "card"]
    relative: Annotated[Number, Field(ge=0)] | None = None
    absolute: Annotated[Number, Field(ge=0)] | None = None
    of: Literal["pair", "device"]
    dw: Number = 0.0
    dl: Number = 0.0
    nominal: Number | None = None

    @model_validator(mode="after")
    def _whole(self) -> MismatchSection:
        if (self.relative is None) == (self.absolute is None):
            raise ValueError("exactly one of relative [m] and absolute [unit m] must be given")
        if (self.nominal is None) == (self.on == "instance"):
            raise ValueError("nominal is for on = 'instance', and needed there; a card's own value is read from it")
        return self


class DeviceSection(Section):
    """One transistor; see ``netlists.technology.Device``."""

    model: Word
    avt: Annotated[Number, Field(ge=0, le=1e-6)]
    avt_of: Literal["pair", "device"]
    avt_dw: Number = 0.0
    avt_dl: Number = 0.0
    shift_sign: Literal[-1, 1]
    instance: Literal["M", "X"] = "M"
    unit: Literal["m", "um"] = "m"
    alter: Alter | None = None
    parameters: Names = Names()
    fixed: dict[Word, Number] = {}
    mismatch: dict[Word, MismatchSection] = {}

    @model_validator(mode="after")
    def _unit_of_models(self) -> DeviceSection:
        if self.instance == "M" and (self.unit != "m" or self.fixed or self.parameters != Names()):
            raise ValueError("unit, parameters and fixed are for subcircuits; a model (instance = 'M') takes metres")
        return self


class Devices(Section):
    """Transistors by role; ``pd`` and ``pg`` are like ``n``, ``pu`` is like ``p``, but for the keys they state."""

    n: DeviceSection
    p: DeviceSection
    pd: DeviceSection
    pu: DeviceSection
    pg: DeviceSection

    @model_validator(mode="before")
    @classmethod
    def _inherit(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        filled = dict(data)
        for role, like in (("pd", "n"), ("pg", "n"), ("pu", "p")):
            if isinstance(data.get(like), Mapping):
                own = data.get(role, {})
                filled[role] = {**data[like], **own} if isinstance(own, Mapping) else own
        return filled


class Part(Section):
    """A file, or one section of it; a file alone may be written as a string."""

    file: File
    section: Word | Literal[""] = ""

    @model_validator(mode="before")
    @classmethod
    def _file_alone(cls, data: Any) -> Any:
        return {"file": data} if isinstance(data, str) else data


class Library(Section):
    """Model files by corner, in a published package or in a folder; a relative folder is relative to this file.

    With ``slim`` a deck gets the devices and sizes it draws only. ``osdi`` names compiled Verilog-A models that the
    simulator loads before the deck.
    """

    package: Title | None = None
    folder: File = "."
    slim: Annotated[bool, Field(strict=True)] = False
    osdi: list[Compiled] = []
    corners: dict[Process, Annotated[list[Part], Field(min_length=1)]]

    @field_validator("corners")
    @classmethod
    def _typical(cls, corners: dict) -> dict:
        if "tt" not in corners:
            raise ValueError("there must be a corner tt")
        return corners


class Card(Section):
    """Parameters of one transistor type's BSIM4 card."""

    parameters: dict[Word, Value]


class Cards(Section):
    """BSIM4 cards in the technology file itself: what both types share, and each type's own."""

    common: dict[Word, Value]
    n: Card
    p: Card


class Moves(Section):
    """How a corner moves the cards."""

    n: dict[Word, Number]
    p: dict[Word, Number]


class GlobalSection(Section):
    """Variation from die to die; see ``netlists.variation.GlobalLaw``."""

    sigma_n: Annotated[Positive, Field(le=1)]
    sigma_p: Annotated[Positive, Field(le=1)]
    correlation: Annotated[Number, Field(gt=-1, lt=1)]
    source: Annotated[Line, Field(min_length=1)]
    corner_sigma: Positive | None = None


class TargetSection(Section):
    """A figure the cards are held against; see ``netlists.technology.Target``."""

    key: Word
    value: Positive
    tolerance: Positive
    unit: Line
    source: Line


class Assumed(Section):
    """Statements that no source backs."""

    statements: list[Line] = []


class TechnologyFile(Section):
    """A whole technology file, one flavour of it laid over the rest.

    Models come from a ``library``, or from ``models`` moved by ``corners``; ``start``, ``bounds`` and ``flavour`` serve
    a fit of the latter and its checks.
    """

    technology: General
    cell: CellSizes
    logic: LogicSizes
    geometry: GeometrySection
    devices: Devices
    library: Library | None = None
    models: Cards | None = None
    corners: dict[Process, Moves] = {}
    global_: GlobalSection | None = Field(None, alias="global")
    targets: list[TargetSection] = []
    assumed: Assumed = Assumed()
    start: dict[str, Any] = {}
    bounds: dict[str, Any] = {}
    flavour: dict[str, Any] = {}

    @model_validator(mode="after")
    def _one_source(self) -> TechnologyFile:
        if (self.library is None) == (self.models is None):
            raise ValueError("exactly one of the sections library and models must be given")
        if self.models is not None and "tt" not in self.corners:
            raise ValueError("there must be a corner tt")
        return self


def explain(error: ValidationError) -> str:
    """The first problem in a line, as words to follow ``technology 'x'``, and how many more there are."""
    # A misspelt key is both unknown and missing: the former says more.
    problems = sorted(error.errors(include_url=False), key=lambda problem: problem["type"] != "extra_forbidden")
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{_line(problems[0])}{more}"


def _line(problem: dict[str, Any]) -> str:
    path = [str(part) for part in problem["loc"]]
    place = ".".join(path)
    if problem["type"] == "missing":
        return f"lacks the key {place!r}"
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(path[-1], _keys(path[:-1]), n=1)
        return f"has the unknown key {place!r}{f', did you mean {near[0]!r}?' if near else ''}"
    if problem["type"] == "value_error":
        return f"has in {place or 'itself'}: {problem['ctx']['error']}"
    message = problem["msg"].replace("Input should be", "must be").replace("String should match", "must match")
    if problem["type"] == "model_type":
        message = "must be a section"
    return f"has {place}={problem['input']!r}: {message}"


def _keys(path: list[str]) -> list[str]:
    """Legal keys of the section at a path; empty where it has no fixed ones."""
    section: Any = TechnologyFile
    for part in path:
        field = getattr(section, "model_fields", {}).get(part)
        section = field.annotation if field else None
    return list(getattr(section, "model_fields", {}))
