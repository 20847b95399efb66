"""Many designs x conditions from geometry to network: all at once, and one after the other."""

from __future__ import annotations

import time
from itertools import cycle, islice, product

import numpy as np
import xarray as xr
from tabulate import tabulate

from analysis import macro, network, workloads
from analysis.architecture import MacroGeometry
from analysis.mapping import Mapping

NETWORK = "mobilenet_v2"
CONDITIONS = (1, 25)
"""Conditions of a run; designs x conditions are the same in all."""
LOOPED = 5
"""Designs that are also evaluated one after the other."""
CELL_AREA = 0.12e-12
"""Area of a cell [m2]; made up, what it is does not change the time."""


def points(count: int) -> tuple[list[MacroGeometry], list[Mapping]]:
    """Different geometries, and mappings that fit them."""
    geometries = product(range(16, 272, 8), range(8, 136, 8), (1, 2, 4, 8), range(16, 144, 16))
    mappings = cycle(product((None, 1), (None, 64), (False, True), range(16)))
    chosen, schedules = [], []
    for compartments, columns, macros, rows in islice(geometries, count):
        deep, buffer, hidden, fill = next(mappings)
        chosen.append(MacroGeometry(compartments=compartments, columns=columns, macros=macros, rows=rows))
        schedules.append(Mapping(depthwise_macros=deep, buffer_bits=buffer, double_buffered=hidden, fill_cycles=fill))
    return chosen, schedules


def table(conditions: int) -> xr.Dataset:
    """A made-up table of a cell with published gates, over supplies; what the numbers are does not change the time."""
    vdd = np.linspace(0.7, 1.1, conditions) if conditions > 1 else np.array([0.9])
    slow, square = (0.9 / vdd) ** 1.5, (vdd / 0.9) ** 2
    laws = {
        **dict.fromkeys(("t_read_p", "t_read_n", "t_read_single"), 1e-10 * slow),
        **dict.fromkeys(("e_read", "e_read_single"), 3e-15 * square),
        "i_leak": 20e-12 * square,
        "t_fo4": 15e-12 * slow,
    }
    found = {name: (("process", "vdd", "temp"), values[None, :, None]) for name, values in laws.items()}
    found |= {f"{name}_std": (dims, 0.05 * values) for name, (dims, values) in found.items()}
    return xr.Dataset(found, {"process": ["tt"], "vdd": vdd, "temp": [298.15]})


def main(count: int) -> None:
    """Time ``macro.evaluate_all`` and ``network.sweep`` for designs x conditions, and one design at a time."""
    layers, rows = workloads.load(NETWORK), []
    for conditions in CONDITIONS:
        cells, (geometries, mappings) = table(conditions), points(count // conditions)
        started = time.process_time()
        macros = macro.evaluate_all(cells, geometries, CELL_AREA)
        made = time.process_time() - started
        together = network.sweep(layers, macros, mappings, geometries)
        whole = time.process_time() - started
        started, looped = time.process_time(), min(LOOPED, len(geometries))
        for i in range(looped):
            one = macro.evaluate(cells, geometries[i], CELL_AREA)
            alone = network.total(network.evaluate(layers, one, mappings[i]))
            np.testing.assert_allclose(together["energy"].isel(geometry=i), alone["energy"], rtol=1e-12)
        each = (time.process_time() - started) / looped * len(geometries)
        shown = (f"{seconds:.2f}" for seconds in (made, whole - made, whole))
        rows.append((len(geometries), conditions, *shown, f"{each:.0f}", f"{each / whole:.0f}"))
    headers = ("designs", "conditions", "macros [s]", "network [s]", "all at once [s]", "one by one [s]", "ratio")
    print(f"{NETWORK}, both designs, CPU time; one by one from {LOOPED}\n\n{tabulate(rows, headers)}")
