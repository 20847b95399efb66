"""The run file's schema: its sections, their defaults, and what each of them makes.

Units are converted here and nowhere else: a run file says ``temp_c``, everything behind it uses kelvin.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

import charlib
import netlists
from analysis import workloads
from analysis.architecture import MacroGeometry
from analysis.arrays import Array
from analysis.mapping import Mapping
from analysis.rare import METHODS, Request
from charlib.conditions import OPTIONAL
from charlib.logicplan import CHARACTERIZED, LOADS, SLEWS, check_axis
from charlib.metrics import METRICS
from netlists import technology
from netlists.cells import PARAMETRIZED
from netlists.column import PATTERNS, POSITIONS
from netlists.logic import GATES
from netlists.readpath import ReadPath

ZERO_CELSIUS = 273.15
"""0 degC [K], exact by the definition of the Celsius scale (SI brochure, 9th edition, 2.3.1)."""

DEFAULT_METRICS = ("snm_hold", "snm_read", "i_read", "i_leak", "t_read_p", "t_read_n", "e_read")


def kelvin(temp_c: float) -> float:
    """Temperature [K] of one in degC, without the rounding of the sum."""
    return round(temp_c + ZERO_CELSIUS, 9)


class RunFileError(ValueError):
    """A run file that cannot be used; the message says what, where and the legal values, one problem a line."""


def _one_of(value: str, legal: Iterable[str], what: str) -> str:
    """The value, or ValueError with the legal set and the nearest name."""
    legal = list(legal)
    if value not in legal:
        near = get_close_matches(value, legal, n=1)
        hint = f", did you mean {near[0]!r}?" if near else ";"
        raise ValueError(f"{value!r} is not a {what}{hint} legal: {', '.join(legal)}")
    return value


def _distinct(values: tuple) -> tuple:
    """The values, or ValueError naming one that stands twice."""
    repeated = [value for i, value in enumerate(values) if value in values[:i]]
    if repeated:
        raise ValueError(f"{repeated[0]!r} stands twice in the list")
    return values


def _distinct_names(files: tuple[str, ...]) -> tuple[str, ...]:
    """The same files; networks go by the name of the file, so two folders must not have one of the same name."""
    seen: dict[str, str] = {}
    for file in files:
        other = seen.setdefault(Path(file).name, file)
        if other != file:
            raise ValueError(f"{other} and {file} have one name; rename one")
    return files


Name = Annotated[str, Field(strict=True)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Size = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0)]
Count = Annotated[int, Field(strict=True, ge=1)]
Switch = Annotated[bool, Field(strict=True)]
Technology = Annotated[Name, AfterValidator(lambda value: _one_of(value, technology.names(), "technology"))]
Metric = Annotated[Name, AfterValidator(lambda value: _one_of(value, METRICS, "metric"))]
Gate = Annotated[Name, AfterValidator(lambda value: _one_of(value, GATES, "gate"))]
Pattern = Annotated[Name, AfterValidator(lambda value: _one_of(value, PATTERNS, "pattern"))]
Position = Annotated[Name, AfterValidator(lambda value: _one_of(value, POSITIONS, "position"))]
Network = Annotated[Name, AfterValidator(lambda value: _one_of(value, workloads.available(), "network"))]
Listed = (Field(min_length=1), AfterValidator(_distinct))
"""What every list of a run file must be: at least one item, none twice."""


class Section(BaseModel):
    """A table of the run file: no key but those of the schema, no change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TechnologySection(Section):
    """Technology: the name of one that comes with the package, or the path of a technology file."""

    name: Technology = "predictive28"
    file: Name | None = None

    @model_validator(mode="after")
    def _one_source(self) -> TechnologySection:
        if {"name", "file"} <= self.model_fields_set:
            raise ValueError("name and file are both given; keep one")
        return self


NETLIST_KEYS = ("file", "subcircuit", "ports", "q", "qb")
"""Keys of a cell that is a netlist."""


class CellSection(Section):
    """Bit cell: one with sizes [m], None for the technology's, or a subcircuit of a netlist with roles of its ports.

    Of a netlist ``q`` and ``qb`` are the storage nodes; they are found where they are not given. Of an MRAM cell there
    are also the size of its sense latch [m], the name of its junction, its write pulse [s], read voltage [V] and
    relative spreads [1].
    """

    kind: Literal["sram6t", "sram8t", "stt1t1m", "sot2t1m"] = "sram6t"
    w_pd: Size | None = None
    w_pu: Size | None = None
    w_pg: Size | None = None
    w_rd: Size | None = None
    w_ra: Size | None = None
    l: Size | None = None  # noqa: E741 - the field's name
    w_access: Size | None = None
    w_write: Size | None = None
    w_latch: Size | None = None
    junction: Name | None = None
    pulse: Size | None = None
    v_read: Size | None = None
    sigma_ra: Annotated[Number, Field(ge=0)] | None = None
    sigma_tmr: Annotated[Number, Field(ge=0)] | None = None
    w_read: Size | None = None
    file: Name | None = None
    subcircuit: Name | None = None
    ports: dict[str, Any] | None = None
    q: Name = ""
    qb: Name = ""

    @model_validator(mode="after")
    def _one_source(self) -> CellSection:
        given = [name for name in type(self).model_fields if name in self.model_fields_set]
        if self.file is None:
            parametrized = {field.name for field in fields(PARAMETRIZED[self.kind])} | {"kind"}
            for name in given:
                if name not in parametrized:
                    lacks = "is for a netlist: file" if name in NETLIST_KEYS else f"is not for kind = {self.kind!r}"
                    raise ValueError(f"{name} {lacks}")
            return self
        for name in given:
            if name not in NETLIST_KEYS:
                raise ValueError(
                    f"{name} and file are both given; a netlist has its own, legal: {', '.join(NETLIST_KEYS)}"
                )
        for name in ("subcircuit", "ports"):
            if name not in given:
                raise ValueError(f"file={self.file!r} needs {name}")
        return self


class ReadPathSection(Section):
    """What the cell reads through, as in :class:`netlists.ReadPath`: rows [1], sizes in unit widths [1], pattern.

    What else a read path has, testbenches and metrics say themselves.
    """

    rows: Count = ReadPath.rows
    precharge: Size = ReadPath.precharge
    driver: Size = ReadPath.driver
    fanout: Count = ReadPath.fanout
    keeper: Annotated[Number, Field(ge=0)] = ReadPath.keeper
    sensed: Annotated[Number, Field(gt=0, lt=1)] = ReadPath.sensed
    pattern: Pattern = ReadPath.pattern
    position: Position = ReadPath.position
    pattern_seed: Annotated[int, Field(strict=True, ge=0)] = ReadPath.pattern_seed


class ConditionsSection(Section):
    """Grid of process corners, supplies [V], temperatures [degC], offsets against the supply [V], rows of a column."""

    process: Annotated[tuple[Name, ...], *Listed] = ("tt", "ff", "ss", "fs", "sf")
    vdd: Annotated[tuple[Number, ...], *Listed] = (0.6, 0.7, 0.8, 0.9, 1.0)
    temp_c: Annotated[tuple[Number, ...], *Listed] = (25.0,)
    dv_wl: Annotated[tuple[Number, ...], *Listed] = (0.0,)
    dv_bl: Annotated[tuple[Number, ...], *Listed] = (0.0,)
    dv_cell: Annotated[tuple[Number, ...], *Listed] = (0.0,)
    rows: Annotated[tuple[Count, ...], AfterValidator(_distinct)] = ()


class VariationSection(Section):
    """Monte Carlo variation."""

    samples: Count = 50
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**63)] = 1
    local: Switch = True
    global_: Annotated[Switch, Field(alias="global")] = False


class CharacterizeSection(Section):
    """What is measured, with what, how many samples may stay without an answer, and when [s] one is given up.

    ``judged``: samples with which ngspice judges the table twin.
    """

    metrics: Annotated[tuple[Metric, ...], *Listed] = DEFAULT_METRICS
    engine: Literal["ngspice", "twin"] = "ngspice"
    max_failed: Annotated[Number, Field(ge=0, le=1)] = 0.02
    timeout_s: Size = 60.0
    judged: Count = 200


class PeripherySection(Section):
    """Logic gates: which, slews and loads in the technology's own units [1], samples with mismatch per condition."""

    gates: Annotated[tuple[Gate, ...], *Listed] = CHARACTERIZED
    slews: Annotated[tuple[Number, ...], AfterValidator(check_axis)] = SLEWS
    loads: Annotated[tuple[Number, ...], AfterValidator(check_axis)] = LOADS
    samples: Annotated[int, Field(strict=True, ge=0)] = 100


class YieldSection(Section):
    """Rare failures: what fails, how its probability is estimated, and the array of cells whose yield is asked for.

    Limits are in their metric's unit, by its name; a metric without one has its own. The CoV [1] and the number of
    simulations are those of :class:`analysis.rare.Request`; words, bits, corrected bits and spares those of
    :class:`analysis.arrays.Array`, of which a lowest supply has to reach the target [1].
    """

    metrics: Annotated[tuple[Metric, ...], *Listed] = ("snm_read",)
    limits: dict[str, Number] = {}
    method: Annotated[Name, AfterValidator(lambda value: _one_of(value, METHODS, "method"))] = "auto"
    target_cov: Annotated[Number, Field(gt=0, lt=1)] = Request.target
    max_simulations: Count = Request.most
    words: Count = 1 << 20
    word_bits: Count = 1
    corrected: Annotated[int, Field(strict=True, ge=0, le=1)] = 0
    spares: Annotated[int, Field(strict=True, ge=0)] = 0
    target_yield: Annotated[Number, Field(gt=0, lt=1)] = 0.99

    @model_validator(mode="after")
    def _limits_of_metrics(self) -> YieldSection:
        for name in self.limits:
            if name not in self.metrics:
                raise ValueError(f"limits of {name!r}, which is not among the metrics: {', '.join(self.metrics)}")
        return self


class MacroSection(Section):
    """Organization of the macro: counts."""

    compartments: Count = 32
    rows: Count = 64
    columns: Count = 16
    macros: Count = 4


class MappingSection(Section):
    """How layers run on the macros, as in :class:`analysis.mapping.Mapping`: counts, cycles and bits per cycle [1]."""

    depthwise_words: Count = Mapping.depthwise_words
    depthwise_macros: Count | None = Mapping.depthwise_macros
    baseline_depthwise_macros: Count | None = Mapping.baseline_depthwise_macros
    depthwise_windows: Count | None = Mapping.depthwise_windows
    pixel_macros: Count = Mapping.pixel_macros
    input_macros: Count = Mapping.input_macros
    fill_cycles: Annotated[int, Field(strict=True, ge=0)] = Mapping.fill_cycles
    recover_cycles: Annotated[int, Field(strict=True, ge=0)] = Mapping.recover_cycles
    load_bits: Count | None = Mapping.load_bits
    double_buffered: Switch = Mapping.double_buffered
    buffer_bits: Count | None = Mapping.buffer_bits
    dram_bits: Count | None = Mapping.dram_bits
    output_bits: Count = Mapping.output_bits
    idle_energy: Annotated[Number, Field(ge=0, le=1)] = Mapping.idle_energy


class NetworkSection(Section):
    """Networks that run on the macro: by name, and from ONNX files."""

    names: Annotated[tuple[Network, ...], AfterValidator(_distinct)] = ("mobilenet_v2",)
    files: Annotated[tuple[Name, ...], AfterValidator(_distinct), AfterValidator(_distinct_names)] = ()

    @model_validator(mode="after")
    def _at_least_one(self) -> NetworkSection:
        if not self.names and not self.files:
            raise ValueError("names and files are both empty; a network is needed")
        return self


class RunFile(Section):
    """A whole run file; logic gates are characterized only where it has their section."""

    technology: TechnologySection = TechnologySection()
    cell: CellSection = CellSection()
    readpath: ReadPathSection = ReadPathSection()
    conditions: ConditionsSection = ConditionsSection()
    variation: VariationSection = VariationSection()
    characterize: CharacterizeSection = CharacterizeSection()
    periphery: PeripherySection = PeripherySection()
    yield_: Annotated[YieldSection, Field(alias="yield")] = YieldSection()
    macro: MacroSection = MacroSection()
    mapping: MappingSection = MappingSection()
    network: NetworkSection = NetworkSection()

    def make_cell(self) -> netlists.Cell | netlists.Stt1T1M:
        """The bit cell."""
        cell = self.cell
        if cell.file is not None:
            return netlists.NetlistCell.read(cell.file, cell.subcircuit, cell.ports, cell.q, cell.qb)
        kind = PARAMETRIZED[cell.kind]
        return kind(**cell.model_dump(include={field.name for field in fields(kind)}, exclude_none=True))

    def make_readpath(self) -> ReadPath:
        """The read path around the cell."""
        return ReadPath(**self.readpath.model_dump())

    def make_conditions(self) -> charlib.Conditions:
        """The grid, temperatures in [K]."""
        grid = self.conditions
        temp = [kelvin(t) for t in grid.temp_c]
        optional = {axis: getattr(grid, axis) for axis in OPTIONAL}
        return charlib.Conditions(process=grid.process, vdd=grid.vdd, temp=temp, **optional)

    def make_variation(self) -> charlib.Variation:
        """The Monte Carlo variation."""
        return charlib.Variation(**self.variation.model_dump())

    @property
    def gates_wanted(self) -> bool:
        """Whether the file has the section of logic gates, if only its heading."""
        return "periphery" in self.model_fields_set

    def make_gate_variation(self) -> charlib.Variation | None:
        """The Monte Carlo variation of logic gates; None where nothing is drawn."""
        if self.periphery.samples == 0:
            return None
        return charlib.Variation(**self.variation.model_dump() | {"samples": self.periphery.samples})

    def make_request(self) -> Request:
        """How a failure probability is estimated; the seed is that of the variation, and the twin asked for as engine.

        Raises:
            RunFileError: the engine is the twin, and the method is another one.
        """
        asked, method = self.yield_, self.yield_.method
        if self.characterize.engine == "twin":
            if method not in ("auto", "twin"):
                differ = f"engine='twin' (characterize.engine) and method={method!r} (yield.method)"
                raise RunFileError(f"{differ} exclude each other; keep one")
            method = "twin"
        return Request(method, asked.target_cov, asked.max_simulations, self.variation.seed)

    def make_array(self) -> Array:
        """The array whose yield is asked for."""
        asked = self.yield_
        return Array(asked.words, asked.word_bits, asked.corrected, asked.spares)

    def make_macro(self) -> MacroGeometry:
        """The organization of the macro."""
        return MacroGeometry(**self.macro.model_dump())

    def make_mapping(self) -> Mapping:
        """The schedule of layers on the macros."""
        return Mapping(**self.mapping.model_dump())
