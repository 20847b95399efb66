"""ZigZag: the macros as a package with an in-memory array of its own, memories around it, and the table inside."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from string import Template

import xarray as xr

from charlib.export import macrotable

MODULE = "zigzag_plugin.py"
PJ = 1e12
"""Unit of energy in that of SI."""
DRAM_RATE = 102.4e9
"""Bits per second from and to DRAM [s-1]; assumed: 32 bits at 3200 million transfers per second."""
DRAM_WIDTH = 64
"""Bits for which the cost of DRAM is written [1]."""
MEMORIES = ("memories", "memory_sources")
"""Attributes of a macro that say what the memories around it cost."""


def write(directory: Path, dest: Path) -> list[Path]:
    """``zigzag_pimchar_<technology>/`` in a folder.

    Raises:
        TableError: it exists, there is no macro, or one that does not say what memories cost.
    """
    data = macrotable.open_macro(directory, macrotable.VARIABLES, MEMORIES)
    stored = resources.files("charlib") / "export" / "standalone"
    texts = {f"{design}.yaml": accelerator(data, design) for design in data["design"].values.tolist()}
    texts |= {file: (stored / file).read_text(encoding="utf-8") for file in ("mapping.yaml", "__main__.py")}
    further = {name: json.loads(data.attrs[name]) for name in MEMORIES}
    further["dram_bits_per_second"] = DRAM_RATE
    folder = dest / f"zigzag_pimchar_{macrotable.name(data)}"
    return macrotable.write_package(folder, data, MODULE, texts, further)


def accelerator(data: xr.Dataset, design: str) -> str:
    """Memories and array of a design, as ZigZag reads them; a stored word that serves two filters is written once."""
    g, each = macrotable.geometry(data), json.loads(data.attrs["memories"])
    outputs, words, sums = (macrotable.designs(data)[design][name] for name in ("outputs", "words", "sum_bits"))
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
