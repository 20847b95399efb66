"""Many designs x conditions on one network: all at once, and one after the other."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from itertools import cycle, islice, product

import numpy as np
import xarray as xr
from tabulate import tabulate

from analysis import network, workloads
from analysis.architecture import DESIGNS, MacroGeometry
from analysis.mapping import Mapping

NETWORK = "mobilenet_v2"
CONDITIONS = (1, 25)
"""Conditions of a run; designs x conditions are the same in all."""
LOOPED = 20
"""Designs that are also evaluated one after the other."""


def points(count: int) -> tuple[list[MacroGeometry], list[Mapping]]:
    """Different designs: geometries and mappings that fit them."""
    axes = product((16, 32, 64), (8, 16, 32), (2, 4, 8), (16, 32, 64), (None, 1), (None, 64), (False, True), range(16))
    geometries, mappings = [], []
    for compartments, columns, macros, rows, deep, buffer, hidden, fill in islice(cycle(axes), count):
        geometries.append(MacroGeometry(compartments=compartments, columns=columns, macros=macros, rows=rows))
        mappings.append(Mapping(depthwise_macros=deep, buffer_bits=buffer, double_buffered=hidden, fill_cycles=fill))
    return geometries, mappings


def macros(geometries: list[MacroGeometry], conditions: int) -> xr.Dataset:
    """Made-up figures of each macro, as ``analysis.macro`` would give them; what they are does not change the time."""
    rng = np.random.default_rng(1)
    shape = (len(geometries), len(DESIGNS), 1, conditions, 1)
    dims = ("point", "design", "process", "vdd", "temp")
    names = ("cycle_time", "energy_per_cycle", "leakage_power")
    coords = {"design": [design.name for design in DESIGNS], "process": ["tt"], "temp": [298.15]}
    coords["vdd"] = np.linspace(0.6, 1.0, conditions)
    return xr.Dataset({name: (dims, rng.uniform(1, 2, shape)) for name in names}, coords)


def main(count: int) -> None:
    """Time ``network.sweep`` for ``count`` designs x conditions, and the loop over ``network.evaluate``."""
    layers, rows = workloads.load(NETWORK), []
    for conditions in CONDITIONS:
        geometries, mappings = points(count // conditions)
        figures = macros(geometries, conditions)
        started = time.perf_counter()
        together = network.sweep(layers, figures, mappings, geometries)
        swept = time.perf_counter() - started
        started = time.perf_counter()
        for i in range(min(LOOPED, len(geometries))):
            one = figures.isel(point=i).assign_attrs(macro_geometry=json.dumps(asdict(geometries[i])))
            alone = network.total(network.evaluate(layers, one, mappings[i]))
            np.testing.assert_allclose(together["energy"].isel(point=i), alone["energy"], rtol=1e-12)
        looped = (time.perf_counter() - started) * max(len(geometries) / LOOPED, 1)
        rows.append((len(geometries), conditions, f"{swept:.2f}", f"{looped:.0f}", f"{looped / swept:.0f}"))
    headers = ("designs", "conditions", "all at once [s]", f"one by one [s], from {LOOPED}", "ratio")
    print(f"{NETWORK}, figures of the macros given\n\n{tabulate(rows, headers)}")
