"""Array operations of a network's layers in ZigZag beside those of our network model, and why they differ.

``python -m bench.zigzag DIR FILE.csv ...`` prints a table of each file, which the package that ``pimchar export DIR
--to zigzag`` writes has made of MobileNetV2 (``docs/export-zigzag.md``). Exit code 1: a difference without a reason.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from analysis import mapping, workloads
from analysis.architecture import DESIGNS, Design, MacroGeometry
from analysis.mapping import Mapping, Shapes
from analysis.workloads import Layer

NETWORK = "mobilenet_v2"
SAME, ONE_CHANNEL, UNKNOWN = "same", "one channel per macro in ZigZag", "unexplained"
"""Reasons: none is needed; ZigZag has one input per compartment and a tree that is whole; none is known."""


def operations(layers: list[Layer], geometry: MacroGeometry, design: Design) -> np.ndarray:
    """Passes of all macros with all input bits, in our model [1], shape (layer,)."""
    return mapping.compute_cycles(Shapes.of(layers), geometry, design, Mapping()) // geometry.input_bits


def compare(layers: list[Layer], geometry: MacroGeometry, found: pd.DataFrame) -> pd.DataFrame:
    """Our operations beside ZigZag's, one row per layer.

    Args:
        found: rows of the exported package, in the order of the layers; columns ``design``, ``macs``, ``operations``.

    Returns:
        ``layer, type, macs, ours, zigzag, reason``.

    Raises:
        ValueError: not the same layers.
    """
    macs = [layer.macs for layer in layers]
    if macs != found["macs"].tolist():
        raise ValueError(f"ZigZag's layers are not those of {NETWORK}: other numbers of operations")
    (design,) = (design for design in DESIGNS if design.name == found["design"].iloc[0])
    ours = operations(layers, geometry, design)
    whole = operations(layers, geometry, replace(design, outputs=1, splits=False))
    table = pd.DataFrame({
        "layer": [layer.name for layer in layers], "type": [layer.type for layer in layers], "macs": macs,
        "ours": ours, "zigzag": found["operations"].to_numpy(),
    })  # fmt: skip
    expected = np.where(table["type"] == "depthwise", whole, ours)
    known = np.where(table["zigzag"] == expected, ONE_CHANNEL, UNKNOWN)
    return table.assign(reason=np.where(table["zigzag"] == ours, SAME, known))


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Sums by type of layer and reason."""
    grouped = table.groupby(["type", "reason"], sort=False)
    return grouped.agg(layers=("layer", "size"), ours=("ours", "sum"), zigzag=("zigzag", "sum")).reset_index()


def main(directory: Path, files: list[Path]) -> int:
    """Print the table and the sums of each file."""
    geometry = MacroGeometry.of(xr.load_dataset(directory / "macro.nc"))
    unexplained = 0
    for file in files:
        found = pd.read_csv(file)
        table = compare(list(workloads.load(NETWORK)), geometry, found)
        print(f"{NETWORK}, {found['design'].iloc[0]}, {directory}\n")
        print(table.to_markdown(index=False), summary(table).to_markdown(index=False), sep="\n\n", end="\n\n")
        unexplained += int((table["reason"] == UNKNOWN).sum())
    return int(unexplained > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]))
