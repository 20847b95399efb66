"""The headline figures of DDC-PIM beside what the mechanism gives, with what each assumption makes of it.

Published: 2.84x (MobileNetV2) and 2.69x (EfficientNet-B0) over a PIM baseline, up to 8.41x weight density and 2.75x
area efficiency over earlier SRAM macros. Only the abstract was read: baseline, input sizes and comparators are unknown,
so figures stand side by side and nothing is fitted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from analysis import mapping as schedule
from analysis import network, workloads
from analysis.architecture import DESIGNS, MacroGeometry
from analysis.network import BASELINE, DDC
from analysis.workloads import Layer

SOURCE = "Duan et al., IEEE TCAD 43(3), 2024, arXiv 2310.20424, abstract"
PUBLISHED: Mapping[str, float] = MappingProxyType({"mobilenet_v2": 2.84, "efficientnet_b0": 2.69})
"""Published speed-up of each network [1]."""
PUBLISHED_DENSITY, PUBLISHED_AREA_EFFICIENCY = 8.41, 2.75
"""Published weight density and area efficiency over earlier macros, each the most among them [1]."""
SIZE = 224
"""Rows and columns of the input of the layer tables [1]."""
BOUND = 2.0
"""Most that standard and pointwise layers can gain: twice the filters per pass [1]."""


@dataclass(frozen=True)
class Assumption:
    """One assumption replaced by another, all others kept.

    Attributes:
        what: which.
        value: what it is replaced by, in words.
        name: field of ``network.Mapping`` that is not the default; empty if none.
        setting: its value.
        size: rows and columns of the input [1].
    """

    what: str
    value: str
    name: str = ""
    setting: Any = None
    size: int = SIZE

    @property
    def mapping(self) -> network.Mapping:
        """The schedule."""
        return network.Mapping(**({self.name: self.setting} if self.name else {}))


AS_ASSUMED = Assumption("all", "as assumed")


def assumptions(geometry: MacroGeometry) -> tuple[Assumption, ...]:
    """The table of sensitivities for a macro: first all as assumed, then one at a time, where that differs."""
    g = geometry
    row = g.compartments * g.columns
    place, split, over, load = "depthwise mapping", "adder split", "macros over", "weight loading"
    found = [
        AS_ASSUMED,
        Assumption(place, "one macro, both designs", "depthwise_macros", 1),
        Assumption(place, "one macro, baseline alone", "baseline_depthwise_macros", 1),
        Assumption(place, f"all {g.words} words of a row", "depthwise_words", g.words),
        *(Assumption(split, f"{n} a tree", "depthwise_windows", n) for n in range(1, g.split_windows)),
        Assumption(over, "windows", "pixel_macros", g.macros),
        Assumption(over, "inputs of a window", "input_macros", g.macros),
        Assumption(load, "hidden behind computation", "double_buffered", True),
        Assumption(load, f"{row} bits a cycle and macro", "load_bits", row),
        *(Assumption("buffer bandwidth", f"{n} bits a cycle", "buffer_bits", n) for n in (256, 128, 64, 32)),
        *(Assumption("DRAM bandwidth", f"{n} bits a cycle", "dram_bits", n) for n in (64, 16)),
        Assumption("pipeline", f"{g.input_bits} cycles to fill", "fill_cycles", g.input_bits),
        Assumption("recovery", f"{g.input_bits} cycles a window", "recover_cycles", g.input_bits),
        *(Assumption("input size", f"{n} x {n}", size=n) for n in (160, 96, 64, 32)),
    ]
    same = {"depthwise_words": 1, "depthwise_macros": g.macros, "baseline_depthwise_macros": g.macros}
    same |= {"pixel_macros": 1, "input_macros": 1, "load_bits": g.columns}
    return tuple(one for one in found if not (one.name and same.get(one.name) == one.setting))


def speedups(macro: xr.Dataset, names: tuple[str, ...] = tuple(PUBLISHED)) -> pd.DataFrame:
    """Speed-up of networks with all as assumed, and with one assumption after the other replaced.

    Args:
        macro: what ``macro.evaluate`` returns, at one condition (dimensions of length one).
        names: networks of ``workloads`` whose maps shrink in convolutions alone.

    Returns:
        One row for each network and assumption: ``network, assumption, value, mapping``, ``input_size``; and [1]
        ``published`` (NaN if there is none), ``speedup`` of all cycles, ``speedup_compute`` of those of computation,
        ``speedup_time`` with the cycle time of each design, ``energy_gain``; ``share`` of depthwise layers in the
        baseline's cycles, ``gain_depthwise`` and ``gain_others``; ``bound``, the speed-up if depthwise layers were free
        and all others gained ``BOUND``; ``gain_needed`` of depthwise layers for the published speed-up, all others at
        ``BOUND``; ``cycles_baseline`` and ``cycles_ddc``.

    Raises:
        MacroError: as ``network.sweep``. WorkloadError: a network that is not there, or has no other input size.
    """
    table = assumptions(MacroGeometry.of(macro))
    rows = {}
    for name in names:
        for size in dict.fromkeys(one.size for one in table):
            chosen = [one for one in table if one.size == size]
            rows |= {(name, one): row for one, row in zip(chosen, _rows(macro, name, size, chosen), strict=True)}
    return pd.DataFrame([rows[name, one] for name in names for one in table])


def _rows(macro: xr.Dataset, name: str, size: int, table: Sequence[Assumption]) -> Iterator[dict[str, Any]]:
    """Rows of ``speedups`` for one network at one input size."""
    layers, mappings = _layers(name, size), [one.mapping for one in table]
    found = network.sweep(layers, macro, mappings, name=name).squeeze(("process", "vdd", "temp"), drop=True)
    before, after = (found.sel(design=design) for design in (BASELINE, DDC))
    ratio = {key: (before[key] / after[key]).values for key in ("cycles", "cycles_compute", "time", "energy")}
    deep, others = _split(layers, MacroGeometry.of(macro), mappings)
    published = PUBLISHED.get(name, math.nan)
    for i, one in enumerate(table):
        share = deep[BASELINE][i] / (deep[BASELINE][i] + others[BASELINE][i])
        yield {
            "network": name,
            "assumption": one.what,
            "value": one.value,
            "mapping": f"{one.name}={one.setting}" if one.name else "",
            "input_size": size,
            "published": published,
            "speedup": ratio["cycles"][i],
            "speedup_compute": ratio["cycles_compute"][i],
            "speedup_time": ratio["time"][i],
            "energy_gain": ratio["energy"][i],
            "share": share,
            "gain_depthwise": deep[BASELINE][i] / deep[DDC][i],
            "gain_others": others[BASELINE][i] / others[DDC][i],
            "bound": BOUND / (1 - share),
            "gain_needed": float(needed_gain(published, share)),
            "cycles_baseline": int(before["cycles"][i]),
            "cycles_ddc": int(after["cycles"][i]),
        }


def _split(
    layers: Sequence[Layer], geometry: MacroGeometry, mappings: Sequence[network.Mapping]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """All cycles of depthwise layers and of the others [1], by design, each of shape ``(mapping,)``."""
    shapes, many, deep, others = schedule.Shapes.of(layers), schedule.Points(mappings), {}, {}
    for design in DESIGNS:
        moved = schedule.traffic(shapes, geometry, design, many, network.Memories().global_bits)
        spent = schedule.cycles(shapes, geometry, design, many, moved).total
        deep[design.name] = spent[:, shapes.depthwise].sum(axis=1)
        others[design.name] = spent[:, ~shapes.depthwise].sum(axis=1)
    return deep, others


def _layers(name: str, size: int) -> tuple[Layer, ...]:
    layers = workloads.load(name)
    return layers if size == SIZE else workloads.resized(layers, size)


def least_share(speedup: float) -> float:
    """Share of depthwise layers in the baseline's cycles [1] below which no depthwise gain gives a speed-up.

    With all other layers at ``BOUND`` and depthwise layers at no cost, speed-up = BOUND / (1 - share).

    >>> round(least_share(2.84), 3), round(least_share(2.69), 3)
    (0.296, 0.257)
    """
    return max(1 - BOUND / speedup, 0.0)


def needed_gain(speedup: float, share: np.ndarray, others: float = BOUND) -> np.ndarray:
    """Gain of depthwise layers [1] that gives a speed-up where they take a share of the baseline's cycles.

    speed-up = 1 / (share / gain + (1 - share) / others), solved for the gain; infinite where none is enough.

    >>> needed_gain(2.0, np.array([0.5])).tolist()
    [2.0]
    """
    left = 1 / speedup - (1 - np.asarray(share, dtype=float)) / others
    return np.divide(share, left, out=np.full_like(left, np.inf), where=left > 0)


def curve() -> pd.DataFrame:
    """Shares and gains of depthwise layers that meet each published speed-up: ``network, published, share, gain`` [1].

    All other layers gain ``BOUND``, the most they can. Shares go by one percent.
    """
    found = []
    for name, speedup in PUBLISHED.items():
        share = np.arange(math.ceil(100 * least_share(speedup)), 101) / 100
        gain = needed_gain(speedup, share)
        found.append(pd.DataFrame({"network": name, "published": speedup, "share": share, "gain": gain}))
    return pd.concat(found, ignore_index=True)


def explained(table: pd.DataFrame) -> pd.DataFrame:
    """Assumptions by how near they bring all networks to the published speed-ups, the nearest first.

    Args:
        table: what ``speedups`` returns.

    Returns:
        ``assumption, value``, the speed-up of each network in a column of its name, and ``off``: the largest relative
        distance to the published one [1].
    """
    wide = table.pivot_table(index=["assumption", "value"], columns="network", values="speedup", sort=False)
    published = table.groupby("network", sort=False)["published"].first()
    off = (wide / published[wide.columns] - 1).abs().max(axis=1)
    return wide.assign(off=off).sort_values("off", kind="stable").reset_index()
