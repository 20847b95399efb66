"""What the in-MRAM engine takes from a characterized cell: two-row operation, write, leakage, area."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from analysis.architecture import MacroError, parameter
from analysis.column import DIMS, of_rows, over_states, without_offsets
from netlists.technology import Geometry


@dataclass(frozen=True)
class Layout:
    """What the area of a cell is estimated with, where a run does not state it.

    Attributes:
        pitches: length of a cell along the bit line, in contacted gate pitches [1].
        spacing: room beside its width, in contacted gate pitches [1].
    """

    pitches: float = parameter(2.0, unit="1", source="assumed: line, gate, junction")
    spacing: float = parameter(1.0, unit="1", source="assumed: isolation beside the diffusion")

    def area(self, widths: Sequence[float], geometry: Geometry) -> float:
        """Area of a cell whose transistors [m] lie side by side, its junction above them [m2]."""
        pitch = geometry.gate_pitch
        return sum((width + self.spacing * pitch) * self.pitches * pitch for width in widths)


@dataclass(frozen=True)
class Needed:
    """A number of an operation: the metric of a run that holds it, and what it is."""

    metric: str
    text: str


NEEDED: Mapping[str, Needed] = {
    "e_and": Needed("e_and", "energy of a two-row operation per column"),
    "t_and": Needed("t_and", "delay of a two-row operation"),
    "e_write": Needed("e_switch", "energy of the write of a cell, mean of both states"),
}
"""Field of :class:`Operations` to the metric that a run must hold."""


@dataclass(frozen=True)
class Operations:
    """What operations of a cell take, arrays of shape ``(process, vdd, temp)`` unless said otherwise.

    Attributes:
        cell: its kind, such as ``stt1t1m``.
        e_and: energy of a two-row operation per column [J]. t_and: its delay [s].
        wrong: share of sampled columns whose AND was wrong [1].
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
        lacking = [need.metric for need in NEEDED.values() if need.metric not in bare]
        if lacking:
            wanted = ", ".join(need.metric for need in NEEDED.values())
            where = "characterize.metrics of a run of an MRAM cell"
            raise MacroError(f"{', '.join(lacking)} missing in tables.nc: the engine needs {wanted} ({where})")
        found = {name: over_states(bare, need.metric) for name, need in NEEDED.items()}
        for name, need in NEEDED.items():
            if not np.isfinite(found[name]).any():
                raise MacroError(f"{need.metric} has no number at any condition (tables.nc): no cell did the operation")
        widths = [size for name, size in cell.items() if name.startswith("w_") and size]
        given = "cell_area" in table.attrs
        return cls(
            cell=cell["kind"],
            **found,
            wrong=_share_failed(bare, NEEDED["t_and"].metric),
            t_write=float(cell["pulse"]),
            leakage=_leakage(bare),
            cell_area=float(table.attrs["cell_area"]) if given else (layout or Layout()).area(widths, geometry),
            sense_area=float(table.attrs.get("sense_area", 0.0)),
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
