"""Published SRAM in-memory macros, as far as their figures could be learned, with how each is known.

Nothing here is scaled or fitted. A figure that a source does not give is None. Precision ``weight_bits`` and
``input_bits`` is that at which ``tops_per_watt`` and ``tops_per_mm2`` count operations, two per multiply-accumulate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NODES: Mapping[str, float] = {
    "predictive28": 28e-9, "freepdk45": 45e-9, "sky130": 130e-9, "ihp_sg13g2": 130e-9, "gf180mcu": 180e-9,
}  # fmt: skip
"""Feature size of our technologies [m], by their names."""
ORIGINS = ("read", "secondary", "computed")
"""How a figure is known: in the source's abstract or title, in a text that cites it, or from such figures."""


@dataclass(frozen=True)
class Macro:
    """One published macro.

    Attributes:
        name: first author and venue.
        node: feature size [m].
        vdd: supply of ``tops_per_watt`` [V].
        tops_per_watt: operations per energy [1e12 J-1].
        tops_per_mm2: operations per second and area [1e12 s-1 mm-2].
        area: of the macro [m2].
        density: stored bits per area, everything included [m-2].
        capacity_bits: stored bits [1].
        clock: cycles per second [Hz].
        weight_bits, input_bits: precision of an operation [1]; 1 and 1 for figures normalized to one bit.
        normalization: how operations are counted.
        origin: field to one of ``ORIGINS``; every figure that is not None has one.
        source: citation and remarks.
    """

    name: str
    node: float
    vdd: float
    weight_bits: int
    input_bits: int
    origin: dict[str, str]
    source: str
    tops_per_watt: float | None = None
    tops_per_mm2: float | None = None
    area: float | None = None
    density: float | None = None
    capacity_bits: int | None = None
    clock: float | None = None
    normalization: str = "native"


KILOBIT, MEGABIT = 2**10, 2**20
"""Bits [1]; that a published megabit has 2^20 follows from capacity and area of the reference."""

YAN = Macro(
    "Yan ISSCC22", 28e-9, 0.8, 8, 8,
    {"node": "read", "vdd": "secondary", "tops_per_watt": "read", "tops_per_mm2": "computed", "area": "secondary",
     "density": "read", "capacity_bits": "secondary", "clock": "secondary"},
    "Yan et al., ISSCC 2022, 11.7: 28 nm, 1.041 Mb/mm2 and 27.38 TOPS/W for signed INT8 from its title; dynamic-logic "
    "read path, no ADC, 32 compartments and 3 ns per input bit from secondary sources; TOPS/mm2 from 64 INT8 MAC per 8 "
    "cycles of 333 MHz on 0.03 mm2",
    tops_per_watt=27.38, tops_per_mm2=0.18, area=0.03e-6, density=1.041 * MEGABIT / 1e-6, capacity_bits=32 * KILOBIT,
    clock=333e6,
)  # fmt: skip
"""The reference: digital, bit-serial, the baseline of DDC-PIM."""

MACROS: tuple[Macro, ...] = (
    YAN,
    Macro(
        "Chih ISSCC21", 22e-9, 0.72, 4, 4,
        {"node": "secondary", "vdd": "secondary", "tops_per_watt": "secondary", "tops_per_mm2": "secondary",
         "area": "computed", "capacity_bits": "secondary", "density": "computed"},
        "Chih et al., ISSCC 2021, digital; its 16.3 TOPS/mm2 hold at a higher supply, 4.06 at the 0.72 V of 89 TOPS/W",
        tops_per_watt=89.0, tops_per_mm2=4.06, area=0.202e-6, capacity_bits=64 * KILOBIT,
        density=64 * KILOBIT / 0.202e-6,
    ),
    Macro(
        "Fujiwara ISSCC22", 5e-9, 0.5, 4, 4,
        {"node": "secondary", "vdd": "secondary", "tops_per_watt": "secondary", "capacity_bits": "secondary"},
        "Fujiwara et al., ISSCC 2022, digital",
        tops_per_watt=254.0, capacity_bits=64 * KILOBIT,
    ),
    Macro(
        "Lee VLSI22", 12e-9, 0.72, 4, 4,
        {"node": "secondary", "vdd": "secondary", "tops_per_watt": "secondary", "tops_per_mm2": "secondary"},
        "Lee et al., VLSI 2022, digital; whether 41.6 TOPS/mm2 hold at 0.72 V is not known",
        tops_per_watt=121.0, tops_per_mm2=41.6,
    ),
    Macro(
        "Mori ISSCC23", 4e-9, 0.9, 1, 1,
        {"node": "secondary", "vdd": "secondary", "tops_per_watt": "secondary", "tops_per_mm2": "secondary"},
        "Mori et al., ISSCC 2023, digital; whether both figures hold at one supply is not known",
        tops_per_watt=6163.0, tops_per_mm2=4790.0, normalization="per bit of both operands",
    ),
    Macro(
        "Tu ISSCC22", 28e-9, 1.0, 8, 8,
        {"node": "secondary", "vdd": "secondary", "tops_per_watt": "secondary"},
        "Tu et al., ISSCC 2022",
        tops_per_watt=36.5,
    ),
    Macro(
        "Wu ISSCC22", 28e-9, 0.9, 8, 8,
        {"node": "secondary", "vdd": "secondary", "tops_per_watt": "secondary"},
        "Wu et al., ISSCC 2022",
        tops_per_watt=37.01,
    ),
    Macro(
        "He ISSCC23", 28e-9, 0.9, 8, 8,
        {"node": "secondary", "vdd": "secondary", "tops_per_watt": "secondary", "capacity_bits": "secondary"},
        "He et al., ISSCC 2023; 38 to 102 TOPS/W, the lower end here",
        tops_per_watt=38.0, capacity_bits=16 * KILOBIT,
    ),
    Macro(
        "Si ISSCC20", 28e-9, 0.85, 1, 1,
        {"node": "secondary", "vdd": "secondary", "tops_per_watt": "secondary", "capacity_bits": "secondary"},
        "Si et al., ISSCC 2020, analog",
        tops_per_watt=1488.6, capacity_bits=64 * KILOBIT, normalization="per bit of both operands",
    ),
)  # fmt: skip
"""Published macros that figures are stood beside."""
