"""What the in-MRAM engine takes from a characterized cell: two-row operation, write, leakage, area."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from analysis.architecture import MacroError
from analysis.column import DIMS, need, of_rows, over_states, without_offsets
from netlists.cells import restored
from netlists.mramcells import strip_area
from netlists.mramlogic import latch_transistors
from netlists.technology import Technology


@dataclass(frozen=True)
class Needed:
    """A number of an operation: the metric of a run that holds it, and what it is."""

    metric: str
    text: str


NEEDED: Mapping[str, Needed] = {
    "e_and": Needed("e_and", "energy of an AND of two rows per column, until it is precharged again"),
    "t_and": Needed("t_and", "delay from the word lines to the output, of the slower result"),
    "t_precharge": Needed("t_recharge_and", "time from the start of precharge until lines are back at their level"),
    "e_write": Needed("e_switch", "energy of the write of a cell, mean of both states"),
}
"""Field of :class:`Operations` to the metric that a run must hold."""


@dataclass(frozen=True)
class Operations:
    """What operations of a cell take, arrays of shape ``(process, vdd, temp)`` unless said otherwise.

    Attributes:
        cell: its kind, such as ``stt1t1m``.
        e_and: energy of an AND of two rows per column [J]. t_and: its delay, of the slower result [s].
        t_precharge: time until lines are precharged again [s].
        wrong: share of sampled columns that give a wrong AND, or none in time, in any case of their bits [1].
        e_write: energy of writing a cell [J], mean of both states. t_write: how long a write takes [s], one number.
        cell_area, sense_area: of a cell and of a column's sense latch [m2], one number each, estimated.
        rows_driven: word lines of a row [1].
    """

    cell: str
    e_and: np.ndarray
    t_and: np.ndarray
    t_precharge: np.ndarray
    wrong: np.ndarray
    e_write: np.ndarray
    t_write: float
    cell_area: float
    sense_area: float
    rows_driven: int

    @classmethod
    def of(cls, table: xr.Dataset, technology: Technology, rows: int) -> Operations:
        """Numbers of a run's tables.

        Args:
            table: ``tables.nc`` of an MRAM cell; of offsets 0 is taken.
            technology: of the cell. rows: cells on the lines of a sub-array [1].

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
        made = restored(cell, Path()).sized(technology)
        latch = sum(t.w for t in latch_transistors(technology, made.w_latch))
        return cls(
            cell=cell["kind"],
            **found,
            wrong=_share_failed(bare, NEEDED["t_and"].metric),
            t_write=float(cell["pulse"]),
            cell_area=made.area(technology),
            sense_area=strip_area(technology, latch),
            rows_driven=len(made.transistors()),
        )


def _share_failed(table: xr.Dataset, metric: str) -> np.ndarray:
    """Share of samples known to have failed among those with an answer [1]; NaN where a table does not count."""
    names = [f"{metric}_{count}" for count in ("n_failed", "n_ok")]
    if not all(name in table for name in names):
        return np.full([table.sizes[dim] for dim in DIMS], np.nan)
    failed, good = (table[name].transpose(*DIMS).values.astype(float) for name in names)
    return np.divide(failed, failed + good, out=np.full_like(failed, np.nan), where=failed + good > 0)
