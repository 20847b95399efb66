"""Text of a macro, what it is made of, and how it stands beside published ones."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import pandas as pd
import xarray as xr

from analysis import architecture, plots
from analysis.logic import READING_NAMES
from analysis.silicon import MEGABIT
from pimchar.render import WIDTH, condition_cells, quantity, table

MACRO_COLUMNS = (
    ("cycle_time", "cycle", 1.0, "s"),
    ("energy_per_cycle", "energy/cycle", 1.0, "J"),
    ("leakage_power", "leakage", 1.0, "W"),
    ("tops", "TOPS", 1.0, "1"),
    ("tops_per_watt", "TOPS/W", 1.0, "1"),
    ("tops_per_mm2", "TOPS/mm2", 1.0, "1"),
    ("area", "area [mm2]", 1e6, "1"),
)
"""Variable of the macro, its header, factor to the unit shown, and that unit."""


SHOWN = {
    "tops_per_watt": ("TOPS/W", 1.0),
    "tops_per_mm2": ("TOPS/mm2", 1.0),
    "clock": ("clock [MHz]", 1e-6),
    "area": ("area [mm2]", 1e6),
    "weight_density": ("density [Mb/mm2]", 1e-6 / MEGABIT),
}
"""Figure of the comparison: its name with the unit, and the factor to it."""
MADE_OF = (
    ("energy_per_cycle_components", "component"),
    ("area_components", "component"),
    ("cycle_time_stages", "stage"),
)
"""Variable that tells what a figure is made of, and its dimension."""


def macros(found: Mapping[str, xr.Dataset]) -> str:
    """Every design and condition of a macro for each reading of the array, then what one condition is made of."""
    first = next(iter(found.values()))
    geometry = architecture.MacroGeometry.of(first)
    head = (
        f"one of {geometry.macros} macros: {geometry.compartments} compartments x {geometry.rows} rows x "
        f"{geometry.columns} columns = {geometry.cells} cells; without decoders and control; docs/macro.md tells "
        "more. Failed and unknown samples are in no mean and no spread"
    )
    sections = [textwrap.fill(head, WIDTH), textwrap.fill(f"gates {first.attrs['gates']}", WIDTH)]
    for reading, data in found.items():
        title = f"{READING_NAMES[reading]}: {data.attrs['array_energy']}"
        sections.append(f"{textwrap.fill(title, WIDTH)}\n\n{_conditions(data)}\n\n{_made_of(data)}")
    return "\n\n".join(sections)


def _conditions(found: xr.Dataset) -> str:
    """Every design and condition."""
    counts = [name for name in ("n_failed", "n_unknown") if name in found]
    columns = [name for name, *_ in MACRO_COLUMNS] + counts
    dims = ("process", "vdd", "temp", "design")
    frame = found[columns].to_dataframe(dim_order=dims).reset_index()
    rows = [
        [row["design"], *condition_cells(row["process"], row["vdd"], row["temp"])]
        + [quantity(row[name] * factor, unit) for name, _, factor, unit in MACRO_COLUMNS]
        + [int(row[name]) for name in counts]
        for row in frame.to_dict("records")
    ]
    headers = ["design", "process", "vdd", "temp", *(header for _, header, _, _ in MACRO_COLUMNS)]
    headers += [name.removeprefix("n_") for name in counts]
    return table(headers, rows)


def _made_of(found: xr.Dataset) -> str:
    """Energy, area and cycle time of both designs by component at the reference condition."""
    condition = plots.reference_condition(found)
    one = found.sel(condition.where)
    rows = []
    for name, dim in MADE_OF:
        for part in one[dim].values:
            values = [float(one[name].sel({dim: part, "design": design})) for design in one["design"].values]
            if any(values):
                rows.append([name.partition("_")[0], str(part), *(quantity(v, one[name].units) for v in values)])
    return f"at {condition}\n\n{table(('of', 'part', *map(str, one['design'].values)), rows)}"


def silicon(found: Mapping[str, pd.DataFrame]) -> str:
    """Our baseline in the reference's geometry beside the published figures, then both designs beside all macros."""
    rows = []
    for row in found["reference"].itertuples():
        name, factor = SHOWN[row.figure]
        numbers = (f"{factor * value:.4g}" for value in (row.model, row.published))
        rows.append((READING_NAMES[row.reading], name, *numbers, f"{row.ratio:.2f}", row.origin))
    headers = ("array", "figure", "model", "published", "model / published", "how it is known")
    units = {"energy": "J", "area": "m2", "cycle": "s"}
    parts = [
        (
            READING_NAMES[row.reading],
            row.of,
            row.component,
            quantity(row.value, units[row.of]),
            f"{row.over_published:.3f}",
        )
        for row in found["made_of"].itertuples()
    ]
    others = [
        (row.macro, f"{row.node * 1e9:g} nm", f"{row.published_vdd:g} V", f"{row.vdd:g} V", row.reading, row.design,
         *(_cell(value) for value in (row.published_efficiency, row.carried_efficiency, row.efficiency,
                                      row.efficiency_carried_ratio)),
         *(_cell(value * 1e-6 / MEGABIT) for value in (row.published_density, row.carried_density, row.density)),
         _cell(row.density_carried_ratio))
        for row in found["beside"].itertuples()
    ]  # fmt: skip
    names = ("macro", "node", "its VDD", "our VDD", "array", "design", "TOPS/W", "carried", "ours", "ratio",
             "Mb/mm2", "carried", "ours", "ratio")  # fmt: skip
    texts = (
        "the reference, Yan et al., ISSCC 2022, and our baseline in its geometry at its supply; nothing is fitted",
        table(headers, rows),
        "what ours is made of, over the whole published energy per cycle, area and cycle time",
        table(("array", "of", "part", "value", "over published"), parts),
        "other macros, operations of one bit by one bit; carried to our node and supply: energy with node x VDD^2, "
        "area with node^2; Mb: 2^20 weight bits, two per cell of ddc",
        table(names, others),
    )
    return "\n\n".join(textwrap.fill(text, WIDTH) if "\n" not in text else text for text in texts)


def _cell(value: float) -> str:
    return "-" if value != value else f"{value:.3g}"
