"""A PIM macro with characterized area, leakage, energy and delay, as component models of hwcomponents.

All in SI units. A condition that the table does not hold is refused, with what it does hold.
"""

from __future__ import annotations

import json
from pathlib import Path

from hwcomponents import ActionCost, ComponentModel, action

from .table import OutsideTable, Table

HERE = Path(__file__).parent
TABLE = Table.read(HERE / "table.csv")
ABOUT = json.loads((HERE / "macro.json").read_text(encoding="utf-8"))
GEOMETRY, DESIGNS = ABOUT["geometry"], ABOUT["designs"]
PRIORITY = 0.9


def _at(design: str, process: str, vdd: float, temp_c: float) -> dict[str, float]:
    """Numbers of one macro; names may come in the quotes of a YAML file."""
    return TABLE.at(_bare(design), _bare(process), float(vdd), float(temp_c))


def _bare(name: str) -> str:
    return str(name).strip("'\"")


def _sum(numbers: dict[str, float], column: str) -> float:
    """Energy [J] or area [m2] of all parts."""
    return sum(value for name, value in numbers.items() if name.startswith(f"{column}_"))


class PimcharMacro(ComponentModel):
    """One macro; ``compute`` and ``read`` are a cycle: one bit of every input with all words of a row.

    Args:
        design: ``baseline`` or ``ddc``. process: corner. vdd: supply [V]. temp_c: temperature [degC].
    """

    component_name = "PimcharMacro"
    priority = PRIORITY

    def __init__(self, design: str = "ddc", process: str = "tt", vdd: float = 0.9, temp_c: float = 25.0) -> None:
        self.numbers = _at(design, process, vdd, temp_c)
        super().__init__(leak_power=self.numbers["leakage_power_w"], area=_sum(self.numbers, "area"))

    @action
    def compute(self) -> ActionCost:
        """A cycle with all inputs and words in use."""
        cycle = self.numbers["cycle_time_s"]
        return ActionCost(energy=_sum(self.numbers, "energy"), latency=cycle, throughput=1 / cycle)

    @action
    def read(self) -> ActionCost:
        """The same, for architectures that have the macro as a memory."""
        return self.compute()


class PimcharMac(ComponentModel):
    """The share that one multiplier has in a macro; ``compute`` is one multiply-accumulate of whole words.

    Args:
        design: ``baseline`` or ``ddc``. process: corner. vdd: supply [V]. temp_c: temperature [degC].
    """

    component_name = "PimcharMac"
    priority = PRIORITY

    def __init__(self, design: str = "ddc", process: str = "tt", vdd: float = 0.9, temp_c: float = 25.0) -> None:
        self.numbers = _at(design, process, vdd, temp_c)
        mine = DESIGNS[_bare(design)]
        self.lanes = GEOMETRY["compartments"] * mine["words"] * mine["outputs"]
        leakage, area = self.numbers["leakage_power_w"], _sum(self.numbers, "area")
        super().__init__(leak_power=leakage / self.lanes, area=area / self.lanes)

    @action
    def compute(self) -> ActionCost:
        """One input word, bit by bit, with one weight; all others of the macro are in use as well."""
        cycles = GEOMETRY["input_bits"]
        latency = cycles * self.numbers["cycle_time_s"]
        energy = cycles * _sum(self.numbers, "energy") / self.lanes
        return ActionCost(energy=energy, latency=latency, throughput=1 / latency)


class PimcharPart(ComponentModel):
    """One part of a macro, such as ``array`` or ``adder_tree``; ``compute`` and ``read`` are its share of a cycle.

    It leaks nothing: the macro's leakage is known as a whole.

    Args:
        part: its name. design: ``baseline`` or ``ddc``. process: corner. vdd: supply [V]. temp_c: temperature [degC].
    """

    component_name = "PimcharPart"
    priority = PRIORITY

    def __init__(
        self, part: str, design: str = "ddc", process: str = "tt", vdd: float = 0.9, temp_c: float = 25.0
    ) -> None:
        self.numbers, self.part = _at(design, process, vdd, temp_c), _bare(part)
        if f"area_{self.part}_m2" not in self.numbers:
            legal = [name[len("area_") : -len("_m2")] for name in self.numbers if name.startswith("area_")]
            raise OutsideTable(f"part={self.part!r} is not one of {', '.join(legal)} ({TABLE.where})")
        super().__init__(leak_power=0.0, area=self.numbers[f"area_{self.part}_m2"])

    @action
    def compute(self) -> ActionCost:
        """A cycle of the macro with all inputs and words in use."""
        cycle = self.numbers["cycle_time_s"]
        return ActionCost(energy=self.numbers[f"energy_{self.part}_j"], latency=cycle, throughput=1 / cycle)

    @action
    def read(self) -> ActionCost:
        """The same, for architectures that have the part as a memory."""
        return self.compute()
