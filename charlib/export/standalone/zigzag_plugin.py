"""A PIM macro with characterized area, clock and energy, as an accelerator of ZigZag.

``python -m PACKAGE NETWORK.onnx --design ddc --vdd 0.9`` evaluates a network; ``evaluate`` does from Python. ZigZag has
one clock for everything and no leakage: leakage is reported beside its energy.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

try:
    import six  # noqa: F401  ZigZag needs it and does not say so
    from zigzag.datatypes import OADimension
except ImportError as error:
    needs = "zigzag-dse 3.9.1 and six: pip install zigzag-dse==3.9.1 six"
    raise ImportError(f"{__name__} needs {needs} ({error})", name=__name__) from error

from zigzag.hardware.architecture.accelerator import Accelerator
from zigzag.hardware.architecture.imc_array import ImcArray
from zigzag.mapping.temporal_mapping import TemporalMappingType
from zigzag.parser.accelerator_factory import AcceleratorFactory
from zigzag.parser.accelerator_validator import AcceleratorValidator
from zigzag.stages.evaluation.cost_model_evaluation import CostModelStage
from zigzag.stages.exploit_data_locality_stages import (
    ExploitInterLayerDataLocalityStage,
    SearchInterLayerDataLocalityStage,
)
from zigzag.stages.main import MainStage
from zigzag.stages.mapping.spatial_mapping_generation import SpatialMappingGeneratorStage
from zigzag.stages.mapping.temporal_mapping_generator_stage import TemporalMappingGeneratorStage
from zigzag.stages.parser.onnx_model_parser import ONNXModelParserStage
from zigzag.stages.parser.workload_parser import WorkloadParserStage
from zigzag.stages.results.reduce_stages import MinimalLatencyStage, SumStage
from zigzag.stages.workload_iterator import WorkloadStage
from zigzag.utils import open_yaml

from .table import Table

HERE = Path(__file__).parent
TABLE = Table.read(HERE / "table.csv")
ABOUT = json.loads((HERE / "macro.json").read_text(encoding="utf-8"))
GEOMETRY = ABOUT["geometry"]
PJ, NS, MM2 = 1e12, 1e9, 1e6
"""Units of ZigZag in those of SI."""
OPERANDS = {"I": "inputs", "W": "weights", "O": "outputs"}
"""ZigZag's name of an operand to ours."""


@dataclass(frozen=True)
class Condition:
    """Where the macro works; supply [V], temperature [degC]."""

    design: str = "ddc"
    process: str = "tt"
    vdd: float = 0.9
    temp_c: float = 25.0

    @cached_property
    def numbers(self) -> dict[str, float]:
        """Numbers of one macro [SI]; raises table.OutsideTable where the table has none."""
        return TABLE.at(self.design, self.process, self.vdd, self.temp_c)

    def parts(self, column: str, unit: str) -> dict[str, float]:
        """Numbers of all macros by part, of ``energy`` or ``area``, in ZigZag's units."""
        scale = {"energy": PJ, "area": MM2}[column] * GEOMETRY["macros"]
        named = {name: value for name, value in self.numbers.items() if name.startswith(f"{column}_")}
        return {name[len(column) + 1 : -len(unit) - 1]: value * scale for name, value in named.items()}


class CharacterizedArray(ImcArray):
    """All macros as one digital in-memory array, whose costs are those of the table."""

    def __init__(self, condition: Condition, **array: Any) -> None:
        self.condition = condition  # before the costs, which the constructor asks for
        super().__init__(**array)

    def get_area(self) -> None:
        """Area [mm2]."""
        self.area_breakdown = self.condition.parts("area", "m2")
        self.area = sum(self.area_breakdown.values())

    def get_tclk(self) -> None:
        """Cycle [ns]."""
        self.tclk = self.condition.numbers["cycle_time_s"] * NS
        self.tclk_breakdown = {"cycle": self.tclk}

    def get_peak_energy_single_cycle(self) -> dict[str, float]:
        """Energy of a cycle with all inputs and words in use [pJ]."""
        return self.condition.parts("energy", "j")

    def get_energy_for_a_layer(self, layer: Any, mapping: Any) -> dict[str, float]:
        """Energy of all cycles of a layer [pJ]; what a mapping leaves unused is not gated."""
        cycles = mapping.temporal_mapping.total_cycle * self.activation_precision / self.bit_serial_precision
        self.energy_breakdown = {part: cycles * energy for part, energy in self.get_peak_energy_single_cycle().items()}
        self.energy = sum(self.energy_breakdown.values())
        return self.energy_breakdown


class _Factory(AcceleratorFactory):
    """ZigZag's own, with the array of a condition."""

    def __init__(self, data: dict[str, Any], condition: Condition) -> None:
        super().__init__(data)
        self.condition = condition

    def create_imc_array(self) -> CharacterizedArray:
        array, cells = self.data["operational_array"], self.data["memories"]["cells"]
        return CharacterizedArray(
            self.condition,
            is_analog_imc=False,
            bit_serial_precision=array["bit_serial_precision"],
            input_precision=array["input_precision"],
            adc_resolution=0,
            cells_size=cells["size"],
            cells_area=None,
            dimension_sizes=self.create_sizes(),
        )

    def create_sizes(self) -> dict[OADimension, int]:
        array = self.data["operational_array"]
        return {OADimension(name): size for name, size in zip(array["dimensions"], array["sizes"], strict=True)}


def accelerator(condition: Condition) -> Accelerator:
    """The macros of a design with memories around them, from ``<design>.yaml``.

    DRAM gives as many bits per cycle as fit into the cycle at its own rate.

    Raises:
        table.OutsideTable: the table has no such condition. ValueError: the YAML file was made invalid.
    """
    cycle = condition.numbers["cycle_time_s"]
    data = open_yaml(str(HERE / f"{condition.design}.yaml"))
    dram = data["memories"]["dram"]
    bits = max(int(ABOUT["dram_bits_per_second"] * cycle), 1)
    for port in dram["ports"]:
        scale = bits / port["bandwidth_max"]
        port |= {"bandwidth_min": min(port["bandwidth_min"], bits), "bandwidth_max": bits}
    dram |= {cost: dram[cost] * scale for cost in ("r_cost", "w_cost")}
    validator = AcceleratorValidator(data)
    if not validator.validate():
        raise ValueError(f"{condition.design}.yaml: {validator.validator.errors}")
    return _Factory(validator.normalized_data, condition).create()


def evaluate(workload: str, condition: Condition, mapping: str = str(HERE / "mapping.yaml"), **options: Any) -> Result:
    """A network on the macros, mapped for the shortest time.

    Args:
        workload: ONNX file, or YAML of ZigZag. mapping: hints for the spatial mapping. options: of ZigZag's stages, in
            place of ours, which search little: one spatial mapping a layer, and loops in the orders of three factors.
    """
    parser = ONNXModelParserStage if workload.endswith(".onnx") else WorkloadParserStage
    stages = [
        parser,
        SumStage,
        SearchInterLayerDataLocalityStage,
        WorkloadStage,
        ExploitInterLayerDataLocalityStage,
        MinimalLatencyStage,
        SpatialMappingGeneratorStage,
        MinimalLatencyStage,
        TemporalMappingGeneratorStage,
        CostModelStage,
    ]
    defaults: dict[str, Any] = {
        "temporal_mapping_type": TemporalMappingType.UNEVEN,
        "loma_lpf_limit": 3,
        "loma_show_progress_bar": False,
        "nb_mappings_generated": 1,
        "enable_mix_spatial_mapping_generation": True,
        "access_same_data_considered_as_no_access": True,
    }
    given = {"workload": workload, "accelerator": accelerator(condition), "mapping": mapping}
    ((total, layers),) = MainStage(stages, **given, **(defaults | options)).run()
    return Result(condition, total, [cme for cme, _ in layers])


@dataclass(frozen=True)
class Result:
    """What ZigZag found.

    Attributes:
        total: its sum over all layers. layers: its evaluation of each.
    """

    condition: Condition
    total: Any
    layers: list[Any]

    @property
    def latency(self) -> float:
        """Time [s]."""
        return self.total.latency_total2 * self.condition.numbers["cycle_time_s"]

    @property
    def energy(self) -> float:
        """Energy without leakage [J]."""
        return self.total.energy_total / PJ

    @property
    def leakage(self) -> float:
        """Energy that all macros leak in that time [J]."""
        return self.condition.numbers["leakage_power_w"] * GEOMETRY["macros"] * self.latency

    def rows(self) -> list[dict[str, Any]]:
        """Of each layer: design, name, loops, array operations (passes of all input bits), energies, unrolled loops."""
        return [
            {
                "design": self.condition.design,
                "layer": cme.layer.name,
                "macs": cme.layer.total_mac_count,
                "loops": {str(dim): int(size) for dim, size in cme.layer.layer_dim_sizes.items()},
                "operations": int(cme.temporal_mapping.total_cycle),
                "cycles": cme.latency_total2,
                "energy_j": cme.energy_total / PJ,
                "array_energy_j": cme.mac_energy / PJ,
                **{f"dram_{text}_j": _dram(cme, name) for name, text in OPERANDS.items()},
                "unrolled": str(cme.layer.spatial_mapping),
            }
            for cme in self.layers
        ]


def _dram(cme: Any, operand: str) -> float:
    """Energy of what an operand of a layer reads from and writes to DRAM [J]."""
    (operand,) = (found for found in cme.mem_energy_breakdown if str(found) == operand)
    held = cme.memory_operand_links.layer_to_mem_op(operand)
    levels = cme.accelerator.memory_hierarchy.get_memory_levels(held)
    energies = zip(levels, cme.mem_energy_breakdown[operand], strict=True)
    return sum(energy for level, energy in energies if level.name == "dram") / PJ
