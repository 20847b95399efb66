"""Energy, latency and area of the in-MRAM convolution engine, from stored numbers of cells and gates.

What a two-row operation and a write take is characterized (``analysis.engine_cell``), as are the gates of counters,
accumulators and drivers (``analysis.gatenumbers``); how often each is done follows from ``analysis.engine_mapping``.
Whatever else is assumed is a field of ``Engine`` or ``network.Memories`` with its source. docs/engine.md
tells the whole model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import xarray as xr

from analysis import logic
from analysis.architecture import MacroError
from analysis.column import DIMS
from analysis.engine_cell import Operations
from analysis.engine_mapping import COUNTS, Engine, Placement, Precision, copies, counts, place, steps
from analysis.logic import Block, Gates
from analysis.macro import over_kinds
from analysis.network import Memories
from analysis.workloads import Layer
from netlists.counter import bit_counter
from netlists.gatenetlist import GateNetlist

LENGTHS = (1, 2, 4, 8)
"""Lengths of weights and of inputs [bit] that networks are told for."""
COMPONENTS = (
    *("and", "counter", "accumulator", "input_write", "weight_write", "leakage"),
    *("input_buffer", "output_buffer", "global_buffer", "dram"),
)
"""Energy by place. All from ``input_buffer`` on are fixed energies per bit, not scaled with VDD, process or temp."""
STAGES = ("and", "count", "accumulate")
"""Stages of the pipeline behind the cells, of which the longest is the cycle."""
PHASES = ("operations", "input_write", "weight_write")
"""What follows one another in a layer's time."""
AREAS = ("cells", "sense", "drivers", "counter", "accumulator")
"""Parts of a sub-array; decoders, control and write drivers are left out."""
MUX = Block.of(nand2=3)
"""Two-to-one multiplexer of a bit: an accumulator takes its sum or twice its sum."""
DRIVEN = 16
"""Cells on a word line for each ``wl_driver``, which is made for as many [1]."""


def counter(engine: Engine) -> GateNetlist:
    """Bit counter of a sub-array."""
    return bit_counter(engine.columns, engine.segments)


def sub_array(engine: Engine, lines: int) -> dict[str, Block]:
    """Logic of one sub-array by part, of ``AREAS``; ``lines``: word lines of a row [1]."""
    one = logic.accumulator(engine.count_bits, engine.sum_bits) + MUX * engine.sum_bits
    each = one + logic.register(engine.count_bits)
    drivers = engine.rows * lines * -(-engine.columns // DRIVEN)
    return {
        "drivers": Block.of(wl_driver=drivers),
        "counter": Block.of(**counter(engine).gates) + Block.of(latch=engine.columns),
        "accumulator": each * engine.segments + logic.adder(engine.result_bits),
    }


def arrival(netlist: GateNetlist, delay: Mapping[str, np.ndarray]) -> np.ndarray:
    """Longest path through adders [s], shape of the delays; half adders are taken as full ones.

    Args:
        delay: hop of ``logic.HOPS`` to its delay [s].
    """
    reached = dict.fromkeys(netlist.inputs, np.zeros(np.shape(delay["sum"])))
    for gate in netlist.instances:
        for output, net in enumerate(gate.outputs):
            hops = [("carry" if pin == 2 else "carry_out") if output else "sum" for pin in range(len(gate.inputs))]
            ends = [reached[pin] + delay[hop] for pin, hop in zip(gate.inputs, hops, strict=True)]
            reached[net] = np.maximum.reduce(ends)
    return np.maximum.reduce([reached[net] for net in netlist.outputs])


def stage_delays(cell: Operations, gates: Gates, engine: Engine) -> dict[str, np.ndarray]:
    """Delay of each of ``STAGES`` with cells and gates at the mean [s], shape ``(process, vdd, temp)``."""
    delay = gates.delay
    path = logic.accumulator_path(engine.count_bits, engine.sum_bits)
    return {
        "and": cell.t_and + cell.t_precharge,
        "count": delay["gate"] + arrival(counter(engine), delay) + delay["register"],
        "accumulate": 2 * delay["gate"] + sum(n * delay[hop] for hop, n in path.items()) + delay["register"],
    }


def unit_energies(cell: Operations, gates: Gates, activity: float, engine: Engine) -> dict[str, np.ndarray]:
    """Energy of each of what the engine does [J], shape ``(process, vdd, temp)``.

    Args:
        activity: of the counter's gates, of :func:`analysis.gatenumbers.counter_activity` [1].

    Returns:
        ``ands``; ``activations``, of a counter and its latches, all columns in use; ``counts`` and ``merges``, of an
        accumulator with its register and of the adder of partial sums; ``writes`` of a cell.
    """
    held, product = gates.activity["held"], engine.ones**2
    latches = Block.of(latch=engine.columns).counts * (2 * product * (1 - product))
    counted = Block.of(**counter(engine).gates).counts * activity + latches
    one = logic.accumulator(engine.count_bits, engine.sum_bits) + MUX * engine.sum_bits
    taken = one.counts * held["accumulator"] + logic.register(engine.count_bits).counts * held["register"]
    flops = engine.sum_bits + engine.count_bits
    return {
        "ands": cell.e_and,
        "activations": over_kinds(counted, gates.energy),
        "counts": over_kinds(taken, gates.energy) + flops * gates.clock,
        "merges": over_kinds(logic.adder(engine.result_bits).counts * held["accumulator"], gates.energy),
        "writes": cell.e_write,
    }


def resident(placed: Sequence[Placement], engine: Engine) -> bool:
    """Whether the weights of all layers fit into the bank at once: they then stay there from image to image."""
    return sum(at.occupied for at in placed) <= engine.subarrays


def traffic(
    layers: Sequence[Layer], placed: Sequence[Placement], precision: Precision, engine: Engine, memories: Memories
) -> dict[str, np.ndarray]:
    """Energy of the memories around the bank by component [J], shape ``(layer,)`` (assumed schedule).

    As of ``mapping.traffic``: maps go through the global buffer, results quantized to ``input_bits`` again; weights
    come from DRAM for every image unless they stay in the bank. The first input, the last output and every map larger
    than the global buffer pass DRAM. A window's inputs leave the input buffer for every tile, and a partial sum goes
    to the output buffer and back for every merge.
    """
    bits = precision.input_bits
    inputs = np.array([x.batch * x.channels * x.height * x.width * bits for x in layers])
    outputs = np.array([x.windows * x.filters * bits for x in layers])
    stays = resident(placed, engine)
    weights = np.array([0 if stays else x.weights * precision.weight_bits for x in layers])
    sent = np.array([at.groups * at.windows * at.tiles * at.inputs * bits for at in placed])
    partial = np.array([counts(at, engine, precision)["merges"] * engine.result_bits for at in placed])
    first, last = np.zeros(len(layers), dtype=bool), np.zeros(len(layers), dtype=bool)
    first[0] = last[-1] = True
    large = memories.global_bits
    maps = np.where(first | (inputs > large), inputs, 0) + np.where(last | (outputs > large), outputs, 0)
    return {
        "input_buffer": memories.input_buffer * (inputs + sent),
        "output_buffer": memories.output_buffer * 2 * (outputs + partial),
        "global_buffer": memories.global_read * (inputs + weights) + memories.global_write * (outputs + weights),
        "dram": memories.dram * (weights + maps),
    }


def evaluate(
    layers: Sequence[Layer],
    table: xr.Dataset,
    cell: Operations,
    gates: Gates,
    activity: float,
    engine: Engine | None = None,
    lengths: Sequence[int] = LENGTHS,
    memories: Memories | None = None,
    name: str = "",
) -> xr.Dataset:
    """Energy, latency and area of every layer at every length of weights and inputs, one layer after the other.

    Args:
        layers: the network. table: whose conditions and attributes are kept. cell, gates: at these conditions.
        activity: as of :func:`unit_energies`. engine, memories: the defaults if None.
        lengths: of weights and of inputs, each with each [bit]. name: of the network.

    Returns:
        Dataset of ``VARIABLES``. Attributes of ``table`` are kept; ``engine``, ``memories``, ``gates`` and
        ``cell_area`` say what it was made with.

    Raises:
        MacroError: no layers, or words that the engine is not built for.
    """
    engine, memories = engine or Engine(), memories or Memories()
    if not layers:
        raise MacroError("a network needs at least one layer")
    delays = stage_delays(cell, gates, engine)
    blocks = sub_array(engine, cell.rows_driven)
    at = _Rates(
        unit_energies(cell, gates, activity, engine),
        np.maximum.reduce(list(delays.values())),
        cell.t_write,
        leakage_power(gates, blocks, engine),
    )
    each = [
        [_lengths(layers, Precision(weight, inputs), at, engine, memories) for inputs in lengths] for weight in lengths
    ]
    arrays = {key: np.stack([np.stack([one[key] for one in row], 1) for row in each], 1) for key in each[0][0]}
    arrays |= {
        "macs": np.array([layer.macs for layer in layers]),
        "cycle_stages": np.stack([delays[stage] for stage in STAGES], axis=-1),
        "wrong": cell.wrong,
        "area_components": engine.subarrays * _areas(cell, gates, blocks, engine),
    }
    arrays |= {"energy": arrays["energy_components"].sum(-1), "time": arrays["time_phases"].sum(-1)}
    arrays["area"] = arrays["area_components"].sum()
    return _dataset(arrays, layers, table, lengths).assign_attrs(
        table.attrs
        | {
            "title": f"network {name} on the in-MRAM engine",
            "network": name,
            "design": cell.cell,
            "engine": json.dumps(asdict(engine)),
            "memories": json.dumps(asdict(memories)),
            "gates": gates.source,
            "counter_activity": activity,
            "cell_area": cell.cell_area,
        }
    )


@dataclass(frozen=True)
class _Rates:
    """What a bank takes, arrays of shape ``(process, vdd, temp)``: energy of each of :func:`unit_energies` [J], cycle
    [s], a write pulse [s], one number, and leakage of the whole bank [W].
    """

    unit: Mapping[str, np.ndarray]
    cycle: np.ndarray
    write: float
    leakage: np.ndarray


def leakage_power(gates: Gates, blocks: Mapping[str, Block], engine: Engine) -> np.ndarray:
    """Leakage of the bank's logic, all sub-arrays powered [W], shape ``(process, vdd, temp)``.

    That of cells is 0 (assumed): rows are closed and lines at 0.
    """
    return engine.subarrays * sum(over_kinds(block.counts, gates.leakage) for block in blocks.values())


def _areas(cell: Operations, gates: Gates, blocks: Mapping[str, Block], engine: Engine) -> np.ndarray:
    """Area of a sub-array by part [m2]."""
    parts = {part: float((block.counts * gates.area).sum()) for part, block in blocks.items()}
    parts["cells"] = engine.rows * engine.columns * cell.cell_area
    parts["sense"] = engine.columns * cell.sense_area
    return np.array([parts[part] for part in AREAS])


def _lengths(
    layers: Sequence[Layer], precision: Precision, at: _Rates, engine: Engine, memories: Memories
) -> dict[str, np.ndarray]:
    """All layers at one length of weights and inputs, dimension layer first."""
    placed = [place(layer, engine, precision) for layer in layers]
    stays = resident(placed, engine)
    done = [counts(one, engine, precision) for one in placed]
    time = np.stack([_times(one, engine, precision, at, stays) for one in placed])
    energy = np.zeros((*time.shape[:-1], len(COMPONENTS)))
    for number, own in enumerate(done):
        for component, value in _energies(own, at, engine, stays).items():
            energy[number, ..., COMPONENTS.index(component)] = value
    energy[..., COMPONENTS.index("leakage")] = at.leakage * time.sum(axis=-1)
    for component, values in traffic(layers, placed, precision, engine, memories).items():
        energy[..., COMPONENTS.index(component)] = values[:, None, None, None]
    found = {what: np.array([own[what] for own in done]) for what in COUNTS}
    programming = np.array([own["weight_writes"] for own in done])[:, None, None, None] * at.unit["writes"]
    return found | {
        "sub_arrays": np.array([one.occupied * copies(one, engine) for one in placed]),
        "resident": np.full(len(layers), int(stays)),
        "programming_energy": programming,
        "time_phases": time,
        "energy_components": energy,
    }


def _times(at: Placement, engine: Engine, precision: Precision, rates: _Rates, stays: bool) -> np.ndarray:
    """Time of a layer by phase [s], shape ``(process, vdd, temp, phase)``."""
    taken = steps(at, engine, precision)
    loading = 0 if stays else taken.weight_pulses
    pulses = [np.full(rates.cycle.shape, rates.write * count) for count in (taken.input_pulses, loading)]
    return np.stack([taken.operations * rates.cycle, *pulses], axis=-1)


def _energies(own: Mapping[str, int], rates: _Rates, engine: Engine, stays: bool) -> dict[str, np.ndarray]:
    """Energy of a layer in the bank by component [J], without leakage."""
    unit = rates.unit
    idle = own["activations"] * engine.columns - own["ands"]
    return {
        "and": (own["ands"] + engine.idle_columns * idle) * unit["ands"],
        "counter": own["ands"] / engine.columns * unit["activations"],
        "accumulator": own["counts"] * unit["counts"] + own["merges"] * unit["merges"],
        "input_write": own["input_writes"] * unit["writes"],
        "weight_write": (0 if stays else own["weight_writes"]) * unit["writes"],
    }


OPERANDS = ("layer", "weight_bits", "input_bits")
"""First dimensions of what depends on layer and lengths."""
VARIABLES: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "macs": ("1", "multiply-accumulate operations", ("layer",)),
    **{what: ("1", text, OPERANDS) for what, text in COUNTS.items()},
    "sub_arrays": ("1", "sub-arrays that a layer needs, all copies", OPERANDS),
    "resident": ("1", "1 where the network's weights stay in the bank from image to image", OPERANDS),
    "programming_energy": ("J", "energy of writing the weights once", (*OPERANDS, *DIMS)),
    "time": ("s", "time", (*OPERANDS, *DIMS)),
    "time_phases": ("s", "time by phase", (*OPERANDS, *DIMS, "phase")),
    "energy": ("J", "energy, bank, buffers and DRAM", (*OPERANDS, *DIMS)),
    "energy_components": ("J", "energy by place", (*OPERANDS, *DIMS, "component")),
    "cycle_stages": ("s", "delay of each stage of a cycle, at the mean", (*DIMS, "stage")),
    "wrong": ("1", "share of sampled columns whose AND was wrong", DIMS),
    "area": ("m2", "area of the bank, without decoders, control and write drivers", ()),
    "area_components": ("m2", "area of the bank by part", ("part",)),
}
"""Variables of an engine Dataset: unit, long name and dimensions."""


def _dataset(
    arrays: Mapping[str, np.ndarray], layers: Sequence[Layer], table: xr.Dataset, lengths: Sequence[int]
) -> xr.Dataset:
    """Arrays as variables with units and long names."""
    coords = {
        "layer": [layer.name for layer in layers],
        "type": ("layer", [layer.type for layer in layers]),
        "weight_bits": ("weight_bits", list(lengths), {"units": "1", "long_name": "length of a weight"}),
        "input_bits": ("input_bits", list(lengths), {"units": "1", "long_name": "length of an input"}),
        **{dim: (dim, table[dim].values, dict(table[dim].attrs)) for dim in DIMS},
        "component": list(COMPONENTS),
        "phase": list(PHASES),
        "stage": list(STAGES),
        "part": list(AREAS),
    }
    described = {
        name: (dims, arrays[name], {"units": unit, "long_name": text}) for name, (unit, text, dims) in VARIABLES.items()
    }
    return xr.Dataset(described, coords)
