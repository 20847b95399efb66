"""What the in-MRAM engine takes from a characterized cell: two-row operation, write, leakage, area."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from analysis.architecture import MacroError, parameter
from analysis.column import DIMS, need, of_rows, over_states, without_offsets
from netlists.technology import Geometry

WIDTHS = ("w_access", "w_write", "w_read")
"""Widths of the transistors of MRAM cells [m], each with a word line of its own."""


@dataclass(frozen=True)
class Layout:
    """What the areas of a cell and of its sense latch are estimated with, where a run does not state them.

    Attributes:
        latch: width of all transistors of a latch over that of one of its inputs [1].
        pitches: length of a cell along the bit line, in contacted gate pitches [1].
        spacing: room beside its width, in contacted gate pitches [1].
    """

    pitches: float = parameter(2.0, unit="1", source="assumed: line, gate, junction")
    latch: float = parameter(
        4.75, unit="1", source="StrongARM latch: 2 each of inputs and crossed pairs, 0.25 of tail, 0.5 of resets"
    )
    spacing: float = parameter(1.0, unit="1", source="assumed: isolation beside the diffusion")

    def area(self, widths: Sequence[float], geometry: Geometry) -> float:
        """Area of transistors of these widths [m] side by side, junctions above them [m2]."""
        pitch = geometry.gate_pitch
        return sum((width + self.spacing * pitch) * self.pitches * pitch for width in widths)


@dataclass(frozen=True)
class Needed:
    """A number of an operation: the metric of a run that holds it, and what it is."""

    metric: str
    text: str


NEEDED: Mapping[str, Needed] = {
    "e_and": Needed("e_and", "energy of an AND of two rows per column, until it is precharged again"),
    "t_and": Needed("t_and", "delay from the word lines to the output, of the slower result"),
    "e_write": Needed("e_switch", "energy of the write of a cell, mean of both states"),
}
"""Field of :class:`Operations` to the metric that a run must hold."""


@dataclass(frozen=True)
class Operations:
    """What operations of a cell take, arrays of shape ``(process, vdd, temp)`` unless said otherwise.

    Attributes:
        cell: its kind, such as ``stt1t1m``.
        e_and: energy of an AND of two rows per column [J]. t_and: its delay, of the slower result [s].
        wrong: share of sampled columns that give a wrong AND, or none in time, in any case of their bits [1].
        e_write: energy of writing a cell [J], mean of both states. t_write: how long a write takes [s], one number.
        leakage: of a cell at rest [W].
        cell_area, sense_area: of a cell and of a column's sense amplifier [m2], one number each; 0: not known.
        area_source: where the cell's is from.
        rows_driven: word lines of a row [1].
    """

    cell: str
    e_and: np.ndarray
    t_and: np.ndarray
    wrong: np.ndarray
    e_write: np.ndarray
    t_write: float
    leakage: np.ndarray
    cell_area: float
    sense_area: float
    area_source: str
    rows_driven: int

    @classmethod
    def of(cls, table: xr.Dataset, geometry: Geometry, rows: int, layout: Layout | None = None) -> Operations:
        """Numbers of a run's tables.

        Args:
            table: ``tables.nc`` of an MRAM cell; of offsets 0 is taken.
            geometry: of its technology. rows: cells on the lines of a sub-array [1]. layout: the defaults if None.

        Raises:
            MacroError: another kind of cell or number of rows, a metric that is missing or has no number anywhere.
        """
        cell, bare = json.loads(table.attrs.get("cell", "{}")), of_rows(without_offsets(table), rows, "rows")
        if "pulse" not in cell:
            raise MacroError(f"a cell of kind {cell.get('kind')!r} has no write pulse: the engine is of MRAM cells")
        lacking = [row.metric for row in NEEDED.values() if row.metric not in bare]
        if lacking:
            wanted = ", ".join(row.metric for row in NEEDED.values())
            where = "characterize.metrics of a run of an MRAM cell"
            raise MacroError(f"{', '.join(lacking)} missing in tables.nc: the engine needs {wanted} ({where})")
        found = {name: need(bare, row.metric).values for name, row in NEEDED.items()}
        found["e_write"] = over_states(bare, NEEDED["e_write"].metric)
        for name, row in NEEDED.items():
            if not np.isfinite(found[name]).any():
                raise MacroError(f"{row.metric} has no number at any condition (tables.nc): no cell did the operation")
        widths = [cell[name] for name in WIDTHS if cell.get(name)]
        layout, given = layout or Layout(), "cell_area" in table.attrs
        latch = layout.area([layout.latch * cell["w_latch"]], geometry) if cell.get("w_latch") else 0.0
        return cls(
            cell=cell["kind"],
            **found,
            wrong=_share_failed(bare, NEEDED["t_and"].metric),
            t_write=float(cell["pulse"]),
            leakage=_leakage(bare),
            cell_area=float(table.attrs["cell_area"]) if given else layout.area(widths, geometry),
            sense_area=float(table.attrs.get("sense_area", latch)),
            area_source="run" if given else "estimated from the transistors' widths (Layout)",
            rows_driven=len(widths),
        )


def _share_failed(table: xr.Dataset, metric: str) -> np.ndarray:
    """Share of samples known to have failed among those with an answer [1]; NaN where a table does not count."""
    names = [f"{metric}_{count}" for count in ("n_failed", "n_ok")]
    if not all(name in table for name in names):
        return np.full([table.sizes[dim] for dim in DIMS], np.nan)
    failed, good = (table[name].transpose(*DIMS).values.astype(float) for name in names)
    return np.divide(failed, failed + good, out=np.full_like(failed, np.nan), where=failed + good > 0)


def _leakage(table: xr.Dataset) -> np.ndarray:
    """Leakage of a cell [W]; 0 where a run has none: rows are closed and lines at 0 (assumed)."""
    if "i_leak" not in table:
        return np.zeros([table.sizes[dim] for dim in DIMS])
    return over_states(table, "i_leak") * table["vdd"].values[:, None]
