"""Array operations and DRAM of a network's layers in ZigZag beside those of our network model, and why they differ.

``python -m bench.zigzag DIR FILE.csv ...`` prints tables of each file, which the package that ``pimchar export DIR
--to zigzag`` writes has made of MobileNetV2 (``docs/export-zigzag.md``). Exit code 1: a difference without a reason.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
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
UJ = 1e6
"""Unit of energy in that of SI."""
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


def summary(table: pd.DataFrame, *by: str) -> pd.DataFrame:
    """Sums by further columns and reason."""
    grouped = table.groupby([*by, "reason"], sort=False)
    return grouped.agg(layers=("layer", "size"), ours=("ours", "sum"), zigzag=("zigzag", "sum")).reset_index()


TOGETHER, ADDED, ENDS = "in and out share the buffer", "added to another map", "first and last map stay on chip"
"""Reasons why feature maps are in DRAM in one model alone."""
SUM_BITS = 16
"""Length of an output for which ZigZag keeps room: twice an input's, of sums that are not complete [1]."""


def added(layers: Sequence[Layer]) -> set[int]:
    """Layers of MobileNetV2 whose output goes into the addition around a block, by place: the one before, its last."""
    blocks: dict[str, list[int]] = {}
    for place, layer in enumerate(layers):
        blocks.setdefault(".".join(layer.name.split(".")[:2]), []).append(place)
    found = set()
    for first, *_, last in (places for places in blocks.values() if len(places) == 3):
        whole = all(layers[place].stride == 1 for place in range(first, last + 1))
        if whole and layers[first].channels == layers[last].filters:
            found |= {first - 1, last}
    return found


def in_dram(layers: Sequence[Layer], global_bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Reasons why each layer's input and output are in DRAM in ZigZag, empty where they are not.

    ``SearchInterLayerDataLocalityStage`` of zigzag-dse 3.9.1: input and output of a layer stay on chip if both fit into
    the buffer together, outputs at ``SUM_BITS``; an output that goes into an addition, or from one to several layers,
    never does. An input is where the layer before has left it; the first one where the output would be kept.

    Args:
        global_bits: capacity of the global buffer [1].
    """
    shapes = Shapes.of(layers)
    large = shapes.input_values * 8 + shapes.output_values * SUM_BITS > global_bits
    outputs = np.where(large, TOGETHER, "")
    outputs[list(added(layers))] = ADDED
    return np.concatenate([np.where(large[:1], TOGETHER, ""), outputs[:-1]]), outputs


def maps(layers: Sequence[Layer], macro: xr.Dataset, found: pd.DataFrame) -> pd.DataFrame:
    """Energy of feature maps from and to DRAM in our model beside ZigZag's, one row per layer [uJ].

    Args:
        macro: what the package was made of. found: as of :func:`compare`; also ``dram_inputs_j``, ``dram_outputs_j``.

    Returns:
        ``layer, input, output, ours, zigzag, reason``: values of both maps [1], energies, and why they differ.
    """
    geometry, memories = MacroGeometry.of(macro), json.loads(macro.attrs["memories"])
    (design,) = (design for design in DESIGNS if design.name == found["design"].iloc[0])
    shapes, limit = Shapes.of(layers), memories["global_bits"]
    moved = mapping.traffic(shapes, geometry, design, Mapping(), limit)
    bits = 8 * shapes.input_values, 8 * shapes.output_values
    reasons = in_dram(layers, limit)
    expected = sum(np.where(why != "", size, 0) for why, size in zip(reasons, bits, strict=True)) * memories["dram"]
    here = (moved.dram - moved.weights) * memories["dram"]
    there = (found["dram_inputs_j"] + found["dram_outputs_j"]).to_numpy()
    why = [" / ".join(sorted(set(filter(None, pair))) or [ENDS]) for pair in zip(*reasons, strict=True)]
    known = np.where(np.isclose(there, expected, rtol=0.01), why, UNKNOWN)
    return pd.DataFrame({
        "layer": [layer.name for layer in layers], "input": shapes.input_values, "output": shapes.output_values,
        "ours": here * UJ, "zigzag": there * UJ, "reason": np.where(np.isclose(there, here, rtol=0.01), SAME, known),
    })  # fmt: skip


def main(directory: Path, files: list[Path]) -> int:
    """Print the tables and their sums of each file."""
    macro, layers = xr.load_dataset(directory / "macro.nc"), list(workloads.load(NETWORK))
    unexplained = 0
    for file in files:
        found = pd.read_csv(file)
        counts, energies = compare(layers, MacroGeometry.of(macro), found), maps(layers, macro, found)
        for title, table, by in (("operations", counts, ["type"]), ("feature maps in DRAM [uJ]", energies, [])):
            print(f"{NETWORK}, {found['design'].iloc[0]}, {title}\n")
            for each in (table, summary(table, *by)):
                print(each.to_markdown(index=False, floatfmt=".2f"), end="\n\n")
            unexplained += int((table["reason"] == UNKNOWN).sum())
    return int(unexplained > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]))
