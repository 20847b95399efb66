"""Netlists of gates at transistor level: energy, arrivals and levels for pairs of vectors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from charlib import ngspice
from charlib.directory import PERIPHERY, open_directory, read_manifest
from charlib.errors import CharacterizationError
from charlib.execution import LocalPool, Runner
from charlib.metrics.vectors import PAIR_QUANTITIES
from charlib.progress import Progress
from charlib.status import Status
from charlib.store import Store
from charlib.unit import Unit, UnitResult
from netlists.gatebench import driven, gate_bench
from netlists.gatenetlist import GateNetlist
from netlists.setting import Condition

SHARE = 1500
"""Gates times pairs of one transient [1]: a unit then takes about a minute."""
TIMEOUT = 1800.0
"""Wall-clock limit of one transient [s]."""


def simulate_pairs(
    netlist: GateNetlist,
    condition: Condition,
    vectors: Mapping[str, np.ndarray],
    period: float,
    slew: float,
    out: str | Path | None = None,
    workers: int | None = None,
    progress: bool = False,
) -> xr.Dataset:
    """Simulate a netlist of gates for every two vectors in a row, each pair from the rest of its first one.

    Args:
        netlist: without registers; every input gets a driver.
        vectors: input of the driven netlist to levels, 0 or 1, shape (vector,).
        period: time that each pair is given [s].
        slew: of the sources in front of the drivers, from rail to rail [s].
        out: results directory of the gates, whose store keeps what was simulated; None keeps nothing.
        workers: simulators side by side; None is one per core.
        progress: show it on standard error.

    Returns:
        Dataset over ``pair`` with ``energy`` [J] by ``supply`` (``drive``, ``gates``), leakage over the period
        included, ``arrival`` [s] and ``level`` [1] by ``output``.

    Raises:
        CharacterizationError: a transient without an answer, or outputs that are not settled at the end of a period.
    """
    bench = driven(netlist)
    count = len(vectors[bench.inputs[0]]) - 1
    share = max(SHARE // len(bench.instances), 1)
    parts = [slice(first, min(first + share, count) + 1) for first in range(0, count, share)]
    wanted = [
        (Unit(gate_bench(bench, condition, {net: v[part] for net, v in vectors.items()}, period, slew),
              None, 0, False, "default"), 1)
        for part in parts
    ]  # fmt: skip
    identity = (read_manifest(Path(out), PERIPHERY) or {}).get("plan", {}) if out else {}
    ngspice.check_models(condition.technology.osdi)
    shown = Progress(len(wanted), progress)
    try:
        with open_directory(out, identity, PERIPHERY) as folder:
            store = Store(folder / "units", ngspice.version())
            with Runner(store, LocalPool(workers, TIMEOUT), shown, 0) as runner:
                results = runner.run(wanted, announce=True)
    finally:
        shown.close()
    return _dataset(bench, results)


def _dataset(netlist: GateNetlist, results: list[UnitResult]) -> xr.Dataset:
    dims = {"pair_energy": "supply", "arrival": "output", "level": "output"}
    found = {}
    for name, dim in dims.items():
        values = np.concatenate([result.metrics[name].values[0] for result in results], axis=1)
        quantity = PAIR_QUANTITIES[name]
        found[name] = ((dim, "pair"), values, {"units": quantity.unit, "long_name": quantity.long_name})
    settled = np.concatenate([result.metrics["level"].status[0] for result in results], axis=1)
    if (settled != Status.ok).any():
        output = netlist.outputs[int((settled != Status.ok).any(axis=1).argmax())]
        raise CharacterizationError(f"{netlist.name}: {output} is not settled at the end of a period")
    return xr.Dataset(found, coords={"supply": ["drive", "gates"], "output": list(netlist.outputs)})
