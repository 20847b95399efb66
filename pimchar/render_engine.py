"""Text of networks on in-MRAM engines and SRAM macros."""

from __future__ import annotations

import textwrap

import pandas as pd
import xarray as xr

from analysis import engine_tables, plots
from pimchar.engines import Engines
from pimchar.render import WIDTH, condition_cells, quantity, table

SHOWN = ((1, 1), (1, 2), (1, 4), (1, 8), (2, 2), (4, 4), (8, 8))
"""Lengths of weights and inputs in the text [bit]; engine.csv holds each with each."""
NOTE = (
    "energy and latency of one inference; inner: without first and last layer; on chip: without DRAM; edges 8:8: "
    "first and last layer at 8:8. Cycles with cells and gates at the mean. Bank of 32 Mb of the engine, macros of the "
    "SRAM run file: compare areas. "
    "docs/engine.md tells what is assumed; no number is fitted"
)


def engines(found: Engines) -> str:
    """Every network at the reference condition of each design, what its energy is made of, and published figures."""
    sections = [textwrap.fill(NOTE, WIDTH)]
    for network, designs in found.data.items():
        shown = {name: _at(found.rows, network, name, data) for name, data in designs.items()}
        sections += [f"{network}\n\n{_grid(shown)}", _parts(shown)]
    return "\n\n".join([*sections, _published(found)])


def _at(rows: pd.DataFrame, network: str, design: str, data: xr.Dataset) -> pd.DataFrame:
    """Rows of one network and design at the reference condition."""
    at = plots.reference_condition(data)
    mine = rows[(rows["network"] == network) & (rows["design"] == design)]
    return mine[(mine["process"] == at.process) & (mine["vdd_v"] == at.vdd) & (mine["temp_k"] == at.temp)]


def _lengths(rows: pd.DataFrame) -> list[tuple[int, int]]:
    there = set(zip(rows["weight_bits"], rows["input_bits"], strict=True))
    return [pair for pair in SHOWN if pair in there]


def _of(rows: pd.DataFrame, scope: str, lengths: tuple[int, int]) -> dict[str, float] | None:
    """One row as a dictionary; None where there is none."""
    weight, inputs = lengths
    same = (rows["layers"] == scope) & (rows["weight_bits"] == weight) & (rows["input_bits"] == inputs)
    return rows[same].iloc[0].to_dict() if same.any() else None


def _grid(shown: dict[str, pd.DataFrame]) -> str:
    """Energy by scope, latency and area of each design and length."""
    lines = []
    for design, rows in shown.items():
        first = rows.iloc[0]
        where = condition_cells(first["process"], first["vdd_v"], first["temp_k"])
        for lengths in _lengths(rows):
            each = {scope: _of(rows, scope, lengths) for scope in engine_tables.SCOPES}
            whole = each["all"]
            cells = [design, *where, f"{lengths[0]}:{lengths[1]}"]
            for scope in engine_tables.SCOPES:
                both = ("energy_j", "energy_without_dram_j")
                cells += [quantity(each[scope][column], "J") if each[scope] else "-" for column in both]
            cells += [quantity(whole["energy_per_mac_j"], "J"), quantity(whole["latency_s"], "s")]
            lines.append([*cells, f"{whole['area_m2'] * 1e6:.3g}"])
    scopes = [f"{scope}{where}" for scope in engine_tables.SCOPES for where in ("", ", on chip")]
    headers = ("design", "process", "vdd", "temp", "W:A", *scopes, "on chip/MAC", "latency", "area [mm2]")
    return table(headers, lines)


def _parts(shown: dict[str, pd.DataFrame]) -> str:
    """Energy by place of each design at the shortest and the longest lengths."""
    columns = {
        f"{design} {lengths[0]}:{lengths[1]}": _of(rows, "all", lengths)
        for design, rows in shown.items()
        for lengths in dict.fromkeys((_lengths(rows)[0], _lengths(rows)[-1]))
    }
    names = [
        name
        for name in next(iter(shown.values())).columns
        if name.startswith("energy_") and name.endswith("_j") and name not in ("energy_j", *NOT_PARTS)
    ]
    lines = [
        (name.removeprefix("energy_").removesuffix("_j"), *(quantity(row[name], "J") for row in columns.values()))
        for name in names
    ]
    return table(("energy", *columns), lines)


NOT_PARTS = ("energy_without_dram_j", "energy_per_mac_j")
"""Columns that are sums and quotients of energies."""


def _published(found: Engines) -> str:
    """Our energy over the published one by scope and length, then what is published without a counterpart."""
    parts = []
    for network, designs in found.data.items():
        for design, data in designs.items():
            rows = _at(found.beside, network, design, data)
            if rows.empty:
                continue
            lines = []
            for lengths in _lengths(rows):
                each = [_of(rows, scope, lengths) for scope in engine_tables.SCOPES]
                kinds = ("over_published", "over_published_without_dram")
                ratios = [f"{row[kind]:.3g}" if row else "-" for row in each for kind in kinds]
                lines.append((design, f"{lengths[0]}:{lengths[1]}", *ratios))
            parts += lines
    scopes = [f"{scope}{where}" for scope in engine_tables.SCOPES for where in ("", ", on chip")]
    listed = "\n".join(
        textwrap.fill(
            f"{row.design}: {row.figure} {quantity(row.value, row.unit)}, {row.network} ({row.source}); not known: "
            f"{row.unknown}{'' if row.unit == 'J' else '; no counterpart here'}",
            WIDTH,
            subsequent_indent="    ",
        )
        for row in engine_tables.PUBLISHED
    )
    beside = f"our energy over the published one\n\n{table(('design', 'W:A', *scopes), parts)}\n\n" if parts else ""
    return f"{beside}published\n{listed}"
