"""The store: one file per unit of work, named by the hash of all that decides its result, written atomically."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np

from charlib.directory import PARTIAL, write_whole
from charlib.errors import StorageFailed
from charlib.unit import Unit, UnitResult
from charlib.waveforms import Measured


class Store:
    """Results of units in a folder.

    Args:
        folder: made if missing; one run at a time may use it.
        ngspice_version: part of every key.

    Attributes:
        folder: of the files.
    """

    def __init__(self, folder: Path, ngspice_version: str) -> None:
        self.folder = folder
        self._version = ngspice_version
        folder.mkdir(parents=True, exist_ok=True)
        for left_over in folder.glob(f".*{PARTIAL}"):  # of a run that was killed while it wrote
            left_over.unlink()

    def path(self, unit: Unit) -> Path:
        return self.folder / f"{unit.testbench.name}-{unit.key(self._version)[:40]}.npz"

    def read(self, unit: Unit) -> UnitResult | None:
        """A stored result, or None where there is none that is whole."""
        path = self.path(unit)
        try:
            with np.load(path) as arrays:
                about = json.loads(str(arrays["about"]))
                metrics = {name: _unpacked(arrays[f"metric/{name}"]) for name in about["metrics"]}
                curves = {name: arrays[f"curve/{name}"] for name in about["curves"]}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        failures = {int(i): (status, reason, tuple(log)) for i, (status, reason, log) in about["failures"].items()}
        retried, curve_samples = tuple(about["retried"]), tuple(about["curve_samples"])
        return UnitResult(about["count"], metrics, failures, retried, curves, curve_samples)

    def write(self, unit: Unit, result: UnitResult) -> None:
        """Store a result whole or not at all; raises StorageFailed where the disk refuses."""
        path = self.path(unit)
        # One array a metric: most of the time that a file takes goes by the number of its arrays.
        arrays = {f"metric/{name}": np.stack([m.values, m.bound, m.status]) for name, m in result.metrics.items()}
        arrays |= {f"curve/{name}": wave for name, wave in result.curves.items()}
        about = {
            "count": result.count,
            "metrics": list(result.metrics),
            "curves": list(result.curves),
            "curve_samples": result.curve_samples,
            "failures": result.failures,
            "retried": result.retried,
        }
        content = io.BytesIO()
        np.savez(content, about=np.array(json.dumps(about)), **arrays)
        try:
            write_whole(path, lambda partial: partial.write_bytes(content.getbuffer()))
        except OSError as error:
            again = "what was stored before is whole, so the same command goes on from there"
            raise StorageFailed(f"{path.parent}: {error.strerror}; {again}") from error


def _unpacked(stored: np.ndarray) -> Measured:
    values, bound, status = stored
    return Measured(values, status.astype(np.int8), bound)
