"""What computing on both nodes of a cell costs: the complementary read path beside the single-sided one.

Times and energies are those of stored samples, of the same cells on both paths, so their ratio is taken sample by
sample. Transistors are counted from the circuit that was simulated; area follows from their drawn sizes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from analysis.intervals import StatisticsError
from charlib.arrays import SAMPLE
from charlib.status import Status
from netlists.bitcells import Sram6T
from netlists.circuit import Transistor, diffusion
from netlists.readpath import ReadPath
from netlists.technology import Technology, outline

PATHS: Mapping[str, str] = {"complementary": "pn", "single": "p"}
"""Path to its outputs."""
INPUT_BITS = 8
"""Input bits for which a row is held [1], those of the macro's default."""


@dataclass(frozen=True)
class Quantity:
    """One row of the comparison.

    Attributes:
        unit, long_name: what it is.
        metrics: path to metrics and their weights [1]; a time is the longest of them, an energy the weighted sum of
            their means over the stored states.
    """

    unit: str
    long_name: str
    metrics: Mapping[str, Mapping[str, float]]


def _of(*names: str) -> dict[str, dict[str, float]]:
    return {"complementary": dict.fromkeys(names, 1.0), "single": {f"{name}_single": 1.0 for name in names}}


_HELD_BIT = {"e_held_row": 1 / INPUT_BITS, "e_held_input": 1.0}
QUANTITIES: Mapping[str, Quantity] = {
    "delay": Quantity(
        "s", "word line to output",
        {"complementary": {"t_read_p": 1.0, "t_read_n": 1.0}, "single": {"t_read_single": 1.0}},
    ),
    "precharge": Quantity("s", "precharge time", _of("t_precharge")),
    "energy": Quantity("J", "read cycle, inputs at 1", _of("e_read")),
    "energy_per_bit": Quantity("J", "input bit, array read for each, mean over pairs of inputs", _of("e_compute")),
    "held_delay": Quantity("s", "input to output, row held in latches", _of("t_held")),
    "held_energy_per_bit": Quantity(
        "J", f"input bit, row read once for {INPUT_BITS} and held",
        {"complementary": _HELD_BIT, "single": {f"{name}_single": share for name, share in _HELD_BIT.items()}},
    ),
}  # fmt: skip
"""Quantities that are compared where a directory has their metrics."""


def compare(data: xr.Dataset) -> xr.Dataset:
    """Both read paths side by side.

    Args:
        data: a characterization.

    Returns:
        Dataset over ``quantity, path`` and the conditions: ``mean``, ``std`` (NaN for one sample) in the unit of the
        quantity, ``n``, the samples good on both paths; ``ratio_mean`` and ``ratio_std``, complementary over single.
        Over ``path, held``: ``transistors`` and ``area`` [m2, assumed: placed as densely as the bit cell].

    Raises:
        StatisticsError: metrics of no quantity are there for both paths.
    """
    present = {
        name: quantity for name, quantity in QUANTITIES.items()
        if all(metric in data for metrics in quantity.metrics.values() for metric in metrics)
    }  # fmt: skip
    if not present:
        needs = "; ".join(", ".join(name for part in q.metrics.values() for name in part) for q in QUANTITIES.values())
        raise StatisticsError(f"no quantity is there for both read paths; one needs all metrics of a group: {needs}")
    rows = [_row(data, quantity) for quantity in present.values()]
    found = xr.concat(rows, "quantity", combine_attrs="override")
    found = found.assign_coords(quantity=list(present))
    for part, text in (("unit", "unit"), ("long_name", "what it is")):
        found[part] = ("quantity", [getattr(q, part) for q in present.values()], {"long_name": text})
    technology, readpath = outline(str(data.attrs["technology"])), ReadPath(**json.loads(data.attrs["readpath"]))
    return found.merge(cost(technology, readpath)).assign_attrs(data.attrs)


def _row(data: xr.Dataset, quantity: Quantity) -> xr.Dataset:
    """Moments of one quantity on both paths, of the samples that are good on both; one condition is read at a time."""
    dims = [dim for dim in data[next(iter(quantity.metrics["single"]))].dims if dim != SAMPLE]
    places = np.ndindex(*(data.sizes[dim] for dim in dims))
    each = [_moments(data.isel({dim: [i] for dim, i in zip(dims, at, strict=True)}), quantity) for at in places]
    return xr.combine_by_coords(each).sel({dim: data[dim] for dim in dims})


def _moments(data: xr.Dataset, quantity: Quantity) -> xr.Dataset:
    """Those at one condition."""
    samples = {path: _samples(data, metrics, quantity.unit) for path, metrics in quantity.metrics.items()}
    both = xr.concat(samples.values(), "path").assign_coords(path=list(samples))
    both = both.where(both.notnull().all("path"))
    ratio = both.sel(path="complementary", drop=True) / both.sel(path="single", drop=True)
    several = both.count("sample") > 1
    return xr.Dataset(
        {
            "mean": both.mean("sample"),
            "std": both.std("sample", ddof=1).where(several),
            "n": ratio.count("sample"),
            "ratio_mean": ratio.mean("sample"),
            "ratio_std": ratio.std("sample", ddof=1).where(several.isel(path=0, drop=True)),
        }
    )


def _samples(data: xr.Dataset, metrics: Mapping[str, float], unit: str) -> xr.DataArray:
    """One quantity of one path sample by sample, NaN where a metric is not good."""
    each = []
    for name, weight in metrics.items():
        good = data[name].where(data[f"{name}_status"] == Status.ok)
        if unit == "J":
            good = data[f"{name}_lobes"].mean("lobe", skipna=False).where(good.notnull())
        each.append(weight * good.drop_attrs())
    together = xr.concat(each, "part")
    return together.max("part", skipna=False) if unit == "s" else together.sum("part", skipna=False)


def cost(technology: Technology, readpath: ReadPath) -> xr.Dataset:
    """Transistors [1] and area [m2] that each path adds to the cells of a local column, held in latches or not.

    Area: drawn channels and diffusions, times the area of the technology's bit cell over that of its own. Assumed:
    logic is placed as densely as the bit cell, so this is the least it can be; wiring of its own is not counted.
    """
    cell = Sram6T().sized(technology)
    density = technology.geometry.cell_area / sum(_active(technology, t) for t in cell.transistors())
    counts, areas = np.zeros((len(PATHS), 2), dtype=int), np.zeros((len(PATHS), 2))
    for i, outputs in enumerate(PATHS.values()):
        for j, held in enumerate((False, True)):
            drawn = replace(readpath, outputs=outputs, held=held).transistors(technology)
            counts[i, j], areas[i, j] = len(drawn), density * sum(_active(technology, t) for t in drawn)
    dims, text = ("path", "held"), "read path of a local column"
    return xr.Dataset(
        {
            "transistors": (dims, counts, {"units": "1", "long_name": f"transistors, {text}"}),
            "area": (dims, areas, {"units": "m2", "long_name": f"area, {text}, assumed as dense as the bit cell"}),
        },
        coords={"path": list(PATHS), "held": [False, True]},
    )


def _active(technology: Technology, t: Transistor) -> float:
    """Channel and diffusions of a transistor [m2]."""
    return t.w * t.length + sum(diffusion(technology, t.w, layout)[0] for layout in (t.drain, t.source))
