"""Networks on the in-MRAM engine and on SRAM macros at every length of weights and inputs, and published figures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product

import numpy as np
import pandas as pd
import xarray as xr

from analysis import macro, network
from analysis.architecture import DESIGNS, MacroGeometry, MacroModel
from analysis.column import DIMS
from analysis.engine import LENGTHS
from analysis.logic import Gates
from analysis.mapping import Mapping
from analysis.workloads import Layer

EDGE = 8
"""Length of weights and inputs [bit] that first and last layers are given where they stay at it."""
SCOPES = ("all", "inner", "edges 8:8")
"""Layers that count: all of them; without the first and the last; those two at 8:8 whatever the others have."""
OFF_CHIP = "dram"
USED = ("cycle_time", "energy_per_cycle", "leakage_power", "area")
"""What networks on SRAM macros need of them."""


@dataclass(frozen=True)
class Published:
    """A published figure of an engine, and what is not known of it."""

    design: str
    source: str
    network: str
    figure: str
    value: float
    unit: str
    unknown: str


PUBLISHED = (
    Published(
        "imce",
        "Angizi, He, Parveen, Fan, ASP-DAC 2018, abstract",
        "alexnet",
        "energy of an image",
        785.25e-6,
        "J",
        "its bit widths, its layers and its share of DRAM are not in the abstract",
    ),
    Published(
        "cmp-pim",
        "DAC 2018, abstract",
        "a network on SVHN",
        "energy efficiency over a CNN (about)",
        94.0,
        "1",
        "the network, and the hardware that it is compared with",
    ),
    Published(
        "cmp-pim",
        "DAC 2018, abstract",
        "a network on SVHN",
        "energy efficiency over LBCNN (about)",
        3.0,
        "1",
        "the network, and the hardware that it is compared with",
    ),
    Published(
        "cmp-pim",
        "DAC 2018, abstract",
        "a network on SVHN",
        "speed (over the same)",
        4.3,
        "1",
        "the network, and the hardware that it is compared with",
    ),
)
"""Published figures: those in joule have a counterpart in our tables, ratios over other hardware have none."""


def macros(
    table: xr.Dataset, geometry: MacroGeometry, cell_area: float, gates: Gates | None, lengths: Sequence[int] = LENGTHS
) -> xr.Dataset:
    """This suite's SRAM macros, built for each length of weights and inputs, rows of the array read once and held.

    Their cycles are those of cells and gates at the mean, as the engine's are.

    Args:
        table: of a characterized SRAM cell. geometry: of the macros, their word lengths replaced; each of ``lengths``
            divides its columns. cell_area: of a bit cell [m2]. gates: at the table's conditions; published if None.

    Returns:
        ``USED`` of ``macro.evaluate_all``, the dimensions ``weight_bits`` and ``input_bits`` in place of ``geometry``.
    """
    built = [replace(geometry, weight_bits=w, input_bits=i) for w, i in product(lengths, lengths)]
    found = macro.evaluate_all(table, built, cell_area, MacroModel(), gates)
    pairs = pd.MultiIndex.from_product([lengths, lengths], names=["weight_bits", "input_bits"])
    mean = found.assign(cycle_time=found["cycle_time_mean"])
    named = mean[list(USED)].assign_coords(xr.Coordinates.from_pandas_multiindex(pairs, "geometry"))
    return named.unstack("geometry").assign_attrs(macro_geometry=json.dumps(asdict(geometry)))


def sram(layers: Sequence[Layer], built: xr.Dataset, name: str = "") -> dict[str, xr.Dataset]:
    """A network on SRAM macros of each length of weights and inputs, by design.

    Args:
        layers: the network. built: of :func:`macros`. name: of the network.

    Returns:
        Dataset for each of ``DESIGNS`` with the variables that :func:`rows` reads, as of ``engine.evaluate``.
    """
    geometry, parts = MacroGeometry.of(built), []
    weights, inputs = (built[name].values.tolist() for name in ("weight_bits", "input_bits"))
    for w, i in product(weights, inputs):
        own = replace(geometry, weight_bits=w, input_bits=i)
        array = built.sel(weight_bits=w, input_bits=i, drop=True).assign_attrs(macro_geometry=json.dumps(asdict(own)))
        parts.append(network.evaluate(layers, array, Mapping(output_bits=i), name=name))
    first, lengths = parts[0], {"weight_bits": weights, "input_bits": inputs}
    found = {}
    for design in DESIGNS:
        at = {"design": design.name}
        variables = {
            variable: (
                ("layer", *lengths, *first[variable].sel(at).dims[1:]),
                _stacked([part[variable].sel(at).values for part in parts], len(inputs)),
                first[variable].attrs,
            )
            for variable in ("time", "energy", "energy_components")
        }
        area = built["area"].sel(at).transpose(*lengths).drop_vars("design") * geometry.macros
        coords = {dim: first[dim] for dim in ("layer", *DIMS, "component")} | lengths
        one = xr.Dataset(variables | {"macs": first["macs"], "area": area.assign_attrs(units="m2")}, coords)
        found[f"sram {design.name}"] = one.assign_attrs(first.attrs | {"design": f"sram {design.name}"})
    return found


def _stacked(values: Sequence[np.ndarray], inputs: int) -> np.ndarray:
    """Arrays of each length of weights and inputs, shape (layer, weight_bits, input_bits, ...)."""
    whole = np.stack(values, axis=1)
    return whole.reshape(len(whole), -1, inputs, *whole.shape[2:])


def _scoped(values: np.ndarray, scope: str, edge: tuple[int, int] | None) -> np.ndarray:
    """Sum over the layers of one of ``SCOPES``.

    Args:
        values: shape (layer, weight_bits, input_bits, ...). edge: place of 8:8 in it.
    """
    inner, edges = values[1:-1].sum(axis=0), values[[0, -1]].sum(axis=0)
    if scope == "inner":
        return inner
    return values.sum(axis=0) if scope == "all" else inner + edges[edge]


def scopes(data: xr.Dataset) -> Iterator[str]:
    """Those of ``SCOPES`` that a network's Dataset allows: without inner layers or 8:8 there are fewer."""
    yield SCOPES[0]
    if data.sizes["layer"] > 2:
        yield SCOPES[1]
        if EDGE in data["weight_bits"].values and EDGE in data["input_bits"].values:
            yield SCOPES[2]


def rows(data: xr.Dataset) -> pd.DataFrame:
    """Rows of ``engine.csv`` of one design and network: one for each scope, length and condition.

    Columns: network, design, layers, weight_bits, input_bits, process, vdd_v, temp_k, macs, latency_s, energy_j,
    energy_without_dram_j, energy_per_mac_j (without DRAM), area_m2, ``energy_<component>_j``.
    """
    lengths, names = ("weight_bits", "input_bits"), [str(name) for name in data["component"].values]
    grid = data["energy"].transpose("layer", *lengths, *DIMS)
    index = pd.MultiIndex.from_product([data[dim].values for dim in grid.dims[1:]], names=grid.dims[1:])
    by_part = data["energy_components"].transpose(*grid.dims, "component").values
    time, macs = data["time"].transpose(*grid.dims).values, data["macs"].broadcast_like(grid).values
    area = data["area"].broadcast_like(grid.isel(layer=0)).transpose(*grid.dims[1:]).values
    at = {dim: data[dim].values.tolist() for dim in lengths}
    edge = tuple(at[dim].index(EDGE) for dim in lengths) if all(EDGE in at[dim] for dim in lengths) else None
    frames = []
    for scope in scopes(data):
        parts = dict(zip(names, np.moveaxis(_scoped(by_part, scope, edge), -1, 0), strict=True))
        energy, work = sum(parts.values()), _scoped(macs, scope, edge)
        chip = energy - parts[OFF_CHIP]
        columns = {
            "macs": work,
            "latency_s": _scoped(time, scope, edge),
            "energy_j": energy,
            "energy_without_dram_j": chip,
            "energy_per_mac_j": chip / work,
            "area_m2": area,
            **{f"energy_{name}_j": values for name, values in parts.items()},
        }
        frame = pd.DataFrame({name: values.ravel() for name, values in columns.items()}, index).reset_index()
        frame.insert(0, "layers", scope)
        frames.append(frame)
    found = pd.concat(frames, ignore_index=True).rename(columns={"vdd": "vdd_v", "temp": "temp_k"})
    found.insert(0, "design", data.attrs["design"])
    found.insert(0, "network", data.attrs["network"])
    return found


def beside(frame: pd.DataFrame) -> pd.DataFrame:
    """Our energies over a published one, where the network is the same: ``over_published``, with and without DRAM.

    Args:
        frame: of :func:`rows`, several of them one after the other.

    Returns:
        Columns network, design, layers, weight_bits, input_bits, process, vdd_v, temp_k, ``published_j``,
        ``over_published`` and ``over_published_without_dram`` [1]. Nothing is fitted.
    """
    kept = ["network", "design", "layers", "weight_bits", "input_bits", "process", "vdd_v", "temp_k"]
    found = []
    for figure in (row for row in PUBLISHED if row.unit == "J"):
        own = frame[frame["network"] == figure.network]
        both = {
            "over_published": own["energy_j"] / figure.value,
            "over_published_without_dram": own["energy_without_dram_j"] / figure.value,
        }
        found.append(own[kept].assign(published_j=figure.value, **both))
    return pd.concat(found, ignore_index=True)
