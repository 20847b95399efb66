"""ZigZag: the macros as a package with an in-memory array of its own, memories around it, and the table inside."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from string import Template

import xarray as xr

from charlib.errors import TableError
from charlib.export import macrotable

MODULE = "zigzag_plugin.py"
PJ = 1e12
"""Unit of energy in that of SI."""
DRAM_RATE = 102.4e9
"""Bits per second from and to DRAM [s-1]; assumed: 32 bits at 3200 million transfers per second."""
DRAM_WIDTH = 64
"""Bits for which the cost of DRAM is written [1]."""
OUTPUTS = {"baseline": 1, "ddc": 2}
"""Nodes of a cell that compute, by design [1]. A stored word then serves as many filters, and is written once."""


def write(directory: Path, dest: Path) -> list[Path]:
    """``zigzag_pimchar_<technology>/`` in a folder.

    Raises:
        TableError: it exists, there is no macro, or one that does not say what memories cost.
    """
    data = macrotable.open_macro(directory)
    if not {"memories", "memory_sources"} <= data.attrs.keys():
        raise TableError(f"{directory / macrotable.MACRO} has no memories; `pimchar macro {directory}` makes it anew")
    stored = resources.files("charlib") / "export" / "standalone"
    texts = {f"{design}.yaml": accelerator(data, design) for design in data["design"].values.tolist()}
    texts |= {file: (stored / file).read_text(encoding="utf-8") for file in ("mapping.yaml", "__main__.py")}
    further = {name: json.loads(data.attrs[name]) for name in ("memories", "memory_sources")}
    further["dram_bits_per_second"] = DRAM_RATE
    folder = dest / f"zigzag_pimchar_{macrotable.name(data)}"
    return macrotable.write_package(folder, data, MODULE, texts, further)


def accelerator(data: xr.Dataset, design: str) -> str:
    """Memories and array of a design, as ZigZag reads them."""
    g, each = macrotable.geometry(data), json.loads(data.attrs["memories"])
    outputs, words = OUTPUTS[design], g["columns"] // g["weight_bits"]
    tree = g["weight_bits"] + _depth(g["compartments"])
    sums = tree + g["input_bits"] + _depth(g["rows"])
    width = g["macros"] * max(g["compartments"] * g["input_bits"], words * outputs * sums)
    cost = {
        "cell_write": each["cell_write"] * g["weight_bits"] / outputs,
        "input_buffer": each["input_buffer"] * g["input_bits"],
        "global_read": each["global_read"] * width,
        "global_write": each["global_write"] * width,
        "dram": each["dram"] * DRAM_WIDTH,
    }
    template = resources.files("charlib") / "export" / "standalone" / "accelerator.yaml"
    return Template(template.read_text(encoding="utf-8")).substitute(
        {name: g[name] for name in ("compartments", "macros", "weight_bits", "input_bits")},
        **{name: f"{energy * PJ:.6f}" for name, energy in cost.items()},
        title=data.attrs.get("title", "PIM macro"),
        source=json.loads(data.attrs["memory_sources"])["dram"],
        design=design,
        words=words,
        outputs=outputs,
        filters=words * outputs,
        cells_size=g["rows"] * g["weight_bits"],
        sum_bits=sums,
        global_bits=each["global_bits"],
        buffer_width=width,
        dram_width=DRAM_WIDTH,
    )


def _depth(inputs: int) -> int:
    """Levels of a binary tree.

    >>> [_depth(n) for n in (1, 2, 5, 32)]
    [0, 1, 3, 5]
    """
    return (inputs - 1).bit_length()
