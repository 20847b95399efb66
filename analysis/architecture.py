"""What a digital SRAM-PIM macro consists of, the designs compared, and the numbers that no simulation gives."""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any

import xarray as xr

from analysis import logic

YAN = "Yan et al., ISSCC 2022 11.7 (secondary source)"


class MacroError(ValueError):
    """A macro that cannot be built, or a table that lacks what the model needs."""


def parameter(default: Any = MISSING, *, unit: str, source: str) -> Any:
    """Dataclass field that carries its unit and its source."""
    return field(default=default, metadata={"unit": unit, "source": source})


@dataclass(frozen=True)
class MacroGeometry:
    """What a macro consists of; the first four fields are the run file's section ``macro``.

    Attributes:
        compartments: inputs of one pass [1].
        rows: rows of a compartment, of which one is read at a time [1].
        columns: columns of a compartment [1].
        macros: macros side by side, over output channels [1].
        rows_per_local_bitline: cells on one local bit line; ``rows`` is a multiple of it [1].
        weight_bits, input_bits: word lengths; inputs enter bit by bit [1].
        split_windows: most parts into which the tree of the ``ddc`` design splits [1].
    """

    compartments: int = parameter(32, unit="1", source=YAN)
    rows: int = parameter(64, unit="1", source=f"closes throughput and capacity of {YAN}")
    columns: int = parameter(16, unit="1", source=f"closes throughput and capacity of {YAN}")
    macros: int = parameter(4, unit="1", source="assumed for DDC-PIM, TCAD 43(3), 2024")
    rows_per_local_bitline: int = parameter(16, unit="1", source=YAN)
    weight_bits: int = parameter(8, unit="1", source=YAN)
    input_bits: int = parameter(8, unit="1", source=YAN)
    split_windows: int = parameter(
        3, unit="1", source="assumed: floor(32 / 9), as many 3 x 3 windows as fit, at no cost"
    )

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not isinstance(value, int) or value < 1:
                raise MacroError(f"{name}={value!r} is not a positive integer (macro.{name})")
        if self.columns % self.weight_bits:
            raise MacroError(
                f"columns={self.columns} is not a multiple of weight_bits={self.weight_bits} (macro.columns)"
            )
        if self.rows % self.rows_per_local_bitline:
            legal = f"a multiple of rows_per_local_bitline={self.rows_per_local_bitline}"
            raise MacroError(f"rows={self.rows} is not {legal} (macro.rows)")

    @property
    def words(self) -> int:
        """Weights in one row of a compartment [1]."""
        return self.columns // self.weight_bits

    @property
    def strips(self) -> int:
        """Local bit-line pairs in one column of a compartment [1]."""
        return self.rows // self.rows_per_local_bitline

    @property
    def columns_read(self) -> int:
        """Columns of one macro that are read together [1]."""
        return self.compartments * self.columns

    @property
    def cells(self) -> int:
        """Cells of one macro [1]."""
        return self.columns_read * self.rows

    @property
    def tree_bits(self) -> int:
        """Width of an adder tree's result [1]."""
        return self.weight_bits + logic.tree_depth(self.compartments)

    @property
    def sum_bits(self) -> int:
        """Width of an accumulator: all input bits, and one result of every row [1]."""
        return self.tree_bits + self.input_bits + logic.tree_depth(self.rows)

    def sums(self, design: Design) -> int:
        """Accumulators of each output: one for every word, and one for every further part of a tree that splits [1]."""
        return self.words + (self.split_windows - 1 if design.splits else 0)

    @classmethod
    def of(cls, macro: xr.Dataset) -> MacroGeometry:
        """Geometry that a macro Dataset was made with; raises MacroError if it carries none."""
        if "macro_geometry" not in macro.attrs:
            raise MacroError("attribute macro_geometry is missing in the macro Dataset (macro.nc)")
        return cls(**json.loads(macro.attrs["macro_geometry"]))


@dataclass(frozen=True)
class Design:
    """A way to use the cells.

    Attributes:
        name: name in the dimension ``design``.
        outputs: nodes of each cell that compute, 1 (Q) or 2 (Q and Q-bar) [1].
        splits: whether the adder tree splits, so that windows of several channels run side by side.
        energy: variable of the table with the energy of one read-and-precharge cycle of a column.
        delays: variables of the table with the read delays, one per output.
        precharge: variable of the table with the precharge time.
    """

    name: str
    outputs: int
    splits: bool
    energy: str
    delays: tuple[str, ...]
    precharge: str

    @property
    def suffix(self) -> str:
        """What names of metrics of the single-sided read path end in."""
        return "" if self.outputs == 2 else "_single"


DESIGNS = (
    Design("baseline", 1, False, "e_read_single", ("t_read_single",), "t_precharge_single"),
    Design("ddc", 2, True, "e_read", ("t_read_p", "t_read_n"), "t_precharge"),
)
"""The macro with Q alone, and DDC-PIM: both nodes, two sets of trees and accumulators, and the recover unit."""


@dataclass(frozen=True)
class Port:
    """A port of a macro.

    Attributes:
        name: its name. direction: ``input`` or ``output``. bits: its width [1]. meaning: what it carries.
    """

    name: str
    direction: str
    bits: int
    meaning: str


def ports(geometry: MacroGeometry, design: Design) -> tuple[Port, ...]:
    """Ports of one macro; assumed: the least that its parts ask for. The control of signs and sums is not modelled."""
    g, sums = geometry, geometry.sums(design)
    found = [
        Port("clk", "input", 1, "clock, rising edge"),
        Port("compute", "input", 1, "a row is multiplied with the inputs and summed"),
        Port("write", "input", 1, "one row of one compartment is written"),
        Port("row", "input", logic.tree_depth(g.rows), "address of a row"),
        Port("compartment", "input", logic.tree_depth(g.compartments), "address of a compartment that is written"),
        Port("data", "input", g.columns, "what is written into it"),
    ]
    for node, name in zip("pn"[: design.outputs], ("Q", "Q-bar"), strict=False):
        found += [
            Port(f"in{node}", "input", g.compartments, f"one bit of the input of each compartment, for {name}"),
            Port(f"sum_{node}", "output", sums * g.sum_bits, f"accumulators of {name}, the first in the lowest bits"),
        ]
    return tuple(port for port in found if port.bits)


def described(geometry: MacroGeometry) -> dict[str, dict[str, Any]]:
    """What other tools need to know of each design of a macro, by name: counts, word lengths and ports.

    >>> ddc = described(MacroGeometry())["ddc"]
    >>> ddc["sums"], ddc["sum_bits"], {port["name"]: port["bits"] for port in ddc["ports"] if port["bits"] > 30}
    (4, 27, {'inp': 32, 'sum_p': 108, 'inn': 32, 'sum_n': 108})
    """
    return {
        design.name: {
            "outputs": design.outputs,
            "words": geometry.words,
            "sums": geometry.sums(design),
            "sum_bits": geometry.sum_bits,
            "ports": [asdict(port) for port in ports(geometry, design)],
        }
        for design in DESIGNS
    }


@dataclass(frozen=True)
class MacroModel:
    """Numbers of the model that no simulation gives.

    Attributes:
        activity: transitions that draw energy, per published gate and cycle [1].
        reads_per_pass: array reads per row address; the lines are held for the other input bits [1].
        timing_yield: probability that every cell of all macros is read within the cycle [1].
        gate_input: capacitance of one gate input over a NAND2's switched capacitance [1].
        precharge_per_read: precharge time over read time where the table has none [1].
        strip_area: precharge devices of one local bit-line pair, beside published gates [m2].
        leakage_per_nand2: leakage of a NAND2 over that of one cell [1].
        ones: share of ones among input bits and among weight bits, for how often characterized gates switch [1].
        idle_clock: share of the clock's energy that flip-flops of a part take that rests for the whole pass [1].
        placement: area of characterized gates over the area that they are placed on [1].
    """

    activity: float = parameter(0.25, unit="1", source="assumed: p (1 - p) of independent bits, p = 0.5; no glitches")
    reads_per_pass: int = parameter(
        1, unit="1", source="assumed: once per row and held; whether silicon reads for every input bit is not published"
    )
    timing_yield: float = parameter(0.99, unit="1", source="assumed")
    gate_input: float = parameter(0.5, unit="1", source=f"load of a cell on its word line in {logic.ZIGZAG}, wl_cap")
    precharge_per_read: float = parameter(1.0, unit="1", source="assumed")
    strip_area: float = parameter(0.614e-12, unit="m2", source="assumed: three transistors placed as one NAND2")
    leakage_per_nand2: float = parameter(1.0, unit="1", source="assumed: one off path, as many as a cell's inverter")
    ones: float = parameter(0.5, unit="1", source="assumed: random operands, as in the metrics of a column at work")
    idle_clock: float = parameter(
        1.0, unit="1", source="assumed: registers of accumulators that rest are clocked; 0 is a gated clock"
    )
    placement: float = parameter(0.7, unit="1", source="assumed: usual utilization of placed and routed logic")

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not (math.isfinite(value) and value >= 0):
                raise MacroError(f"{item.name}={value!r} is not a finite number of at least 0")
        if self.reads_per_pass < 1:
            raise MacroError(f"reads_per_pass={self.reads_per_pass!r} is below 1")
        if not 0 < self.timing_yield < 1:
            raise MacroError(f"timing_yield={self.timing_yield!r} is outside 0..1")
        for name in ("ones", "placement"):
            if not 0 < getattr(self, name) <= 1:
                raise MacroError(f"{name}={getattr(self, name)!r} is not above 0 and at most 1")
