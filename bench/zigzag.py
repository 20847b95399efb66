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


TOGETHER, ADDED = "in and out share the buffer", "added to another map"
AGAIN, SPARE, ENDS = "rows of windows fetched again", "columns without a filter written", "last map stays on chip"
"""Reasons why feature maps go to or come from DRAM in one model alone, or more often."""
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
    geometry, memories, shapes = MacroGeometry.of(macro), json.loads(macro.attrs["memories"]), Shapes.of(layers)
    (design,) = (design for design in DESIGNS if design.name == found["design"].iloc[0])
    limit, columns = memories["global_bits"], geometry.words * design.outputs * geometry.macros
    moved = mapping.traffic(shapes, geometry, design, Mapping(), limit)
    ends, spare = np.zeros((2, len(layers)), dtype=bool), mapping.ceil_div(shapes.filters, columns) * columns
    ends[0, 0] = ends[1, -1] = True
    again = {AGAIN: np.array([layer.kernel_height / layer.stride for layer in layers])}, {SPARE: spare / shapes.filters}
    reasons: list[list[str]] = [[] for _ in layers]
    sizes = {"inputs": shapes.input_values * 8, "outputs": shapes.output_values * 8}
    for (name, bits), end, stored, factors in zip(sizes.items(), ends, in_dram(layers, limit), again, strict=True):
        there = (found[f"dram_{name}_j"] / memories["dram"]).to_numpy() / bits
        here = np.where(end | (bits > limit), 1.0, 0.0)
        for place, known in enumerate(reasons):
            more = {reason: factor[place] for reason, factor in factors.items()}
            known += _reasons(here[place], there[place], stored[place], more)
    ours = (moved.dram - moved.weights) * memories["dram"]
    theirs = (found["dram_inputs_j"] + found["dram_outputs_j"]).to_numpy()
    return pd.DataFrame({
        "layer": [layer.name for layer in layers], "input": shapes.input_values, "output": shapes.output_values,
        "ours": ours * UJ, "zigzag": theirs * UJ,
        "reason": [" / ".join(sorted(set(known))) or SAME for known in reasons],
    })  # fmt: skip


def _reasons(here: float, there: float, stored: str, more: dict[str, float]) -> list[str]:
    """Why a map is moved ``here`` and ``there`` times, within what whole words of DRAM and unused values make.

    Args:
        stored: reason why ZigZag has it in DRAM, empty if it has not. more: reason to how many times it is moved then.
    """

    def near(times: float) -> bool:
        return abs(there - times) < 0.01

    if near(here):
        return []
    if not stored:
        return [ENDS] if near(0.0) else [UNKNOWN]
    first = [stored] if here == 0 else []
    if near(1.0):
        return first
    return next(([*first, reason] for reason, times in more.items() if near(times)), [UNKNOWN])


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
                print(each.to_markdown(index=False, floatfmt=".1f"), end="\n\n")
            unexplained += int(table["reason"].str.contains(UNKNOWN).sum())
    return int(unexplained > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]))
