"""Our macro beside published ones: figures, their ratios and what makes them up. No factor is fitted.

The reference has a geometry of its own (``REFERENCE``). Other macros are carried to our node and supply by stated rules
(:func:`beside`), which real technologies follow roughly at best.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import pandas as pd
import xarray as xr

from analysis.architecture import MacroError, MacroGeometry
from analysis.column import nearest
from analysis.macro import PIPELINE
from analysis.parts import COMPONENTS
from analysis.silicon import MACROS, NODES, YAN, Macro

REFERENCE = MacroGeometry(macros=1)
"""The reference's: 32 compartments of 64 rows x 16 columns, 16 rows on a local bit line, one macro; INT8."""
ROOM = 298.15
"""Temperature that figures are compared at [K], assumed; the nearest of the table is taken."""
DESIGN_OF_REFERENCE = "baseline"


def at_supply(macro: xr.Dataset, vdd: float) -> xr.Dataset:
    """A macro at tt, or its first process, a supply [V] and the temperature next to 25 degC.

    Raises:
        MacroError: the supply is not of the grid.
    """
    near = nearest(macro["vdd"].values, vdd)
    if abs(near - vdd) > 1e-6:
        held = ", ".join(f"{value:g}" for value in macro["vdd"].values)
        raise MacroError(f"vdd={vdd:g} V of the published macro is not one of {held} V (conditions.vdd)")
    process = "tt" if "tt" in macro["process"].values else macro["process"].values[0]
    return macro.sel(process=process, vdd=near, temp=nearest(macro["temp"].values, ROOM))


FIGURES: tuple[tuple[str, str, str], ...] = (
    ("tops_per_watt", "1e12 J-1", "tops_per_watt"),
    ("tops_per_mm2", "1e12 s-1 mm-2", "tops_per_mm2"),
    ("clock", "Hz", "clock"),
    ("area", "m2", "area"),
    ("weight_density", "m-2", "density"),
)
"""Figure of ours, its unit, and field of a published macro."""


def reference(macros: Mapping[str, xr.Dataset]) -> pd.DataFrame:
    """Figures of the baseline in the reference's geometry over the published ones.

    Args:
        macros: reading to what ``macro.evaluate`` returns for ``REFERENCE``.

    Returns:
        Rows ``reading, figure, unit, model, published, ratio, origin``.
    """
    rows = []
    for reading, found in macros.items():
        one = at_supply(found, YAN.vdd).sel(design=DESIGN_OF_REFERENCE)
        for figure, unit, field in FIGURES:
            model = 1 / float(one["cycle_time"]) if figure == "clock" else float(one[figure])
            published = getattr(YAN, field)
            rows.append((reading, figure, unit, model, published, model / published, YAN.origin[field]))
    return pd.DataFrame(rows, columns=["reading", "figure", "unit", "model", "published", "ratio", "origin"])


PUBLISHED_ENERGY = 2 * REFERENCE.compartments * REFERENCE.words / REFERENCE.input_bits / (YAN.tops_per_watt * 1e12)
"""Energy of the reference per cycle [J]: its operations, two per multiply-accumulate, over its efficiency."""


def made_of(macros: Mapping[str, xr.Dataset]) -> pd.DataFrame:
    """What energy, area and cycle of the baseline in the reference's geometry are made of.

    Returns:
        Rows ``reading, of, component, value, over_published``; the last column is over the whole published figure [1],
        so that a figure's components add up to its ratio. Leakage is that of a cycle.
    """
    rows = []
    whole = {"energy": PUBLISHED_ENERGY, "area": YAN.area, "cycle": 1 / YAN.clock}
    for reading, found in macros.items():
        one = at_supply(found, YAN.vdd).sel(design=DESIGN_OF_REFERENCE)
        parts = {
            "energy": {c: float(one["energy_per_cycle_components"].sel(component=c)) for c in COMPONENTS},
            "area": {c: float(one["area_components"].sel(component=c)) for c in COMPONENTS},
            "cycle": _longest(one),
        }
        parts["energy"]["leakage"] = float(one["leakage_power"] * one["cycle_time"])
        for of, values in parts.items():
            rows += [(reading, of, name, value, value / whole[of]) for name, value in values.items() if value]
    return pd.DataFrame(rows, columns=["reading", "of", "component", "value", "over_published"])


BESIDE = ("efficiency", "area_efficiency", "density")
"""What is compared with every published macro: operations per energy [1e12 J-1] and per second and area
[1e12 s-1 mm-2], of one bit by one bit, and weight bits per area [m-2].
"""


def published(other: Macro) -> dict[str, float]:
    """``BESIDE`` of a published macro, native operations times both word lengths; NaN where it is not known."""
    bits = other.weight_bits * other.input_bits
    known = {"efficiency": (other.tops_per_watt, bits), "area_efficiency": (other.tops_per_mm2, bits),
             "density": (other.density, 1)}  # fmt: skip
    return {name: math.nan if value is None else value * factor for name, (value, factor) in known.items()}


def _longest(one: xr.Dataset) -> dict[str, float]:
    """Stages between two registers that make the cycle, and their delays [s]."""
    groups = [{stage: float(one["cycle_time_stages"].sel(stage=stage)) for stage in group} for group in PIPELINE]
    return max(groups, key=lambda group: sum(group.values()))


def carried(other: Macro, node: float, vdd: float) -> dict[str, float]:
    """``BESIDE`` of a published macro at another node [m] and supply [V].

    Energy is taken to go with node times VDD^2 (capacitances with the node), area with the node squared, delays are
    left as they are.
    """
    shrunk = other.node / node
    factors = {"efficiency": shrunk * (other.vdd / vdd) ** 2, "area_efficiency": shrunk**2, "density": shrunk**2}
    return {name: value * factors[name] for name, value in published(other).items()}


def beside(macros: Mapping[str, xr.Dataset]) -> pd.DataFrame:
    """Efficiency, area efficiency and density of both designs over those of every published macro.

    Ours are at tt, 25 degC and the supply of the table that is nearest to the published one; where two weight bits are
    stored in a cell, both count.

    Args:
        macros: reading to what ``macro.evaluate`` returns.

    Returns:
        Rows ``macro, node, published_vdd, vdd, reading, design`` [m, V]; for each name of ``BESIDE`` ours as
        ``<name>``, ``published_<name>``, ``carried_<name>``, and ours over them, ``<name>_ratio`` and
        ``<name>_carried_ratio`` [1]; NaN where a figure is not published, or the node of the technology is not in
        ``NODES``.
    """
    return pd.DataFrame([row for other in MACROS for reading, found in macros.items() for row in _rows(
        other, reading, found)])  # fmt: skip


def _rows(other: Macro, reading: str, found: xr.Dataset) -> Iterator[dict[str, object]]:
    """Rows of :func:`beside` for one published macro and one reading."""
    node = NODES.get(str(found.attrs.get("technology")).partition("/")[0], math.nan)
    geometry = MacroGeometry.of(found)
    bits = geometry.weight_bits * geometry.input_bits
    vdd = nearest(found["vdd"].values, other.vdd)
    theirs, moved = published(other), carried(other, node, vdd)
    for design in found["design"].values:
        one = at_supply(found, vdd).sel(design=design)
        ours = {"efficiency": float(one["tops_per_watt"]) * bits, "area_efficiency": float(one["tops_per_mm2"]) * bits,
                "density": float(one["weight_density"])}  # fmt: skip
        row = {"macro": other.name, "node": other.node, "published_vdd": other.vdd, "vdd": vdd, "reading": reading,
               "design": str(design)}  # fmt: skip
        for name in BESIDE:
            row |= {
                name: ours[name],
                f"published_{name}": theirs[name],
                f"carried_{name}": moved[name],
                f"{name}_ratio": ours[name] / theirs[name],
                f"{name}_carried_ratio": ours[name] / moved[name],
            }
        yield row
