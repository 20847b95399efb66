"""A read path at work: truth over whole waveforms, delay, energy by part, races with their margins, input charge.

Delay and energy are believed only where the outputs were right throughout: at every sampling instant, with no rise too
many, and back at zero before each next cycle where the lines are precharged in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from charlib.metrics.butterfly import LOBES
from charlib.metrics.energy import energy, given, rest_power
from charlib.metrics.readpath import LOW, RECOVERED, outputs
from charlib.metrics.stored import lost
from charlib.status import Status
from charlib.waveforms import Block, Measured, at, crossing, integral, measured
from netlists.operation import INPUTS, PAIRS, PHASES, SAMPLED, TRUTH
from netlists.readpath import SIDES, SUPPLIES
from netlists.setting import STATES

COMPUTED = (PAIRS[-1], *PAIRS)
"""Numbers of the inputs of the testbench ``compute``, cycle by cycle."""
HELD = (0, *PAIRS[1:], PAIRS[0])
"""The same of the testbench ``held``; its first cycle reads the row."""
STORED = {"p": 0, "n": 1}
"""Output to the place of its stored bit in ``STATES``."""


@dataclass(frozen=True)
class _Cycle:
    """What an output should do in one cycle: its number, where it begins [s], and whether the output is to be high."""

    number: int
    start: float
    high: bool


def _cycles(block: Block, state: str, output: str, inputs: Sequence[int]) -> Iterator[_Cycle]:
    """Cycles of an output, from its input's bit and the stored one."""
    side = tuple(SIDES).index(output)
    stored = STATES[state][STORED[output]]
    for number, pattern in enumerate(inputs):
        yield _Cycle(number, number * block.values["cycle"], bool(INPUTS[pattern][side] and stored))


def _places(block: Block) -> Iterator[tuple[str, str]]:
    """Every stored state with every output."""
    return ((state, output) for state in LOBES for output in outputs(block))


def _verdict(block: Block, state: str, output: str, inputs: Sequence[int], held: bool) -> tuple[np.ndarray, np.ndarray]:
    """Whether an output or the stored bit was wrong, and whether an output came too late, each of shape (sample,).

    Too late is an output that is low where it is sampled and should be high, if nothing else is wrong.
    """
    half, cycle, time, wave = block.values["vdd"] / 2, block.values["cycle"], block["time"], block[f"{output}_{state}"]
    wrong = (wave[:, 0] >= half) | lost(block, state)
    late = np.zeros(len(time), dtype=bool)
    rises, before = 0, False
    for turn in _cycles(block, state, output, inputs):
        sampled = at(time, wave, turn.start + SAMPLED * cycle) >= half
        late |= turn.high & ~sampled
        wrong |= ~np.bool_(turn.high) & sampled
        if not held:
            wrong |= at(time, wave, turn.start + cycle) > LOW * block.values["vdd"]
        rises += turn.high and not (held and before)
        before = turn.high
    high = wave >= half
    risen = (high[:, 1:] & ~high[:, :-1]).sum(axis=1)
    return wrong | (risen > rises), late | (risen < rises)


def _right(block: Block, inputs: Sequence[int], held: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Wrong and late over all outputs, shape (sample, lobe) each."""
    verdicts = {place: _verdict(block, *place, inputs, held) for place in _places(block)}
    both = [
        np.stack([np.any([verdicts[s, o][i] for s, o in verdicts if s == state], axis=0) for state in LOBES], axis=1)
        for i in (0, 1)
    ]
    return both[0], both[1]


def _lost(block: Block) -> np.ndarray:
    """True where a stored bit is not there at both ends, shape (sample, lobe)."""
    return np.stack([lost(block, state) for state in LOBES], axis=1)


def _per_state(block: Block, columns: Sequence[np.ndarray]) -> Measured:
    """Numbers of both stored states, shape (sample, lobe); ``not_performed`` where the bit is lost."""
    return measured(np.stack(columns, axis=1), ((_lost(block), Status.not_performed, np.nan),))


def _slowest(block: Block, inputs: Sequence[int], from_: Callable[[str, str], tuple[np.ndarray, float, bool]],
             held: bool) -> Measured:  # fmt: skip
    """Longest delay of all outputs that rise, shape (sample,).

    Args:
        from_: state and output to the wave that starts the delay, its half level [V] and whether it rises.
    """
    wrong, late = (part.any(axis=1) for part in _right(block, inputs, held))
    time, half, cycle = block["time"], block.values["vdd"] / 2, block.values["cycle"]
    longest, looked = np.full(len(time), -np.inf), np.full(len(time), np.inf)
    for state, output in _places(block):
        wave, level, rising = from_(state, output)
        before = False
        for turn in _cycles(block, state, output, inputs):
            if turn.high and not (held and before):
                start = crossing(time, wave, level, rising, after=turn.start)
                longest = np.maximum(
                    longest, crossing(time, block[f"{output}_{state}"], half, True, turn.start) - start
                )
                until = np.nan_to_num(turn.start + SAMPLED * cycle - start, nan=0.0)
                looked = np.minimum(looked, np.maximum(until, 0.0))
            before = turn.high
    return measured(longest, ((wrong, Status.not_performed, np.nan), (late, Status.censored_high, looked)))


def t_compute(block: Block) -> Measured:
    """Longest delay [s] from the word line to an output, both at 50 %, over the eight combinations, shape (sample,).

    ``not_performed`` where any output is wrong anywhere: an output that should be low is high where it is sampled,
    rises in between, is not back below ``LOW`` of VDD before the next cycle, or the stored bit is lost;
    ``censored_high`` where an output only comes too late, beyond the shortest time from the word line at 50 % to
    the sampling.
    """
    half = block.values.get("v_wl", block.values["vdd"]) / 2
    return _slowest(block, TRUTH, lambda state, _: (block[f"wl_{state}"], half, True), held=False)


def t_held(block: Block) -> Measured:
    """Longest delay [s] from an input to its output while the row is held, both at 50 %, shape (sample,).

    The input is the active-low one behind its driver. Verdicts as of :func:`t_compute`; an output then stays high from
    one 1 to the next.
    """
    half = block.values["vdd"] / 2
    return _slowest(
        block, HELD, lambda state, output: (block[f"x{state}.{SIDES[output][2]}_b"], half, False), held=True
    )


def v_glitch(block: Block) -> Measured:
    """Highest voltage [V] of an output that should be low, over the eight combinations, shape (sample,).

    ``not_performed`` where the stored bit is lost.
    """
    time, cycle = block["time"], block.values["cycle"]
    highest = np.zeros(len(time))
    for state, output in _places(block):
        for turn in _cycles(block, state, output, TRUTH):
            inside = (time >= turn.start) & (time <= turn.start + cycle)
            if not turn.high:
                highest = np.maximum(highest, np.where(inside, block[f"{output}_{state}"], 0.0).max(axis=1))
    return measured(highest, ((_lost(block).any(axis=1), Status.not_performed, np.nan),))


def _smallest(block: Block, margin: Callable[[str, float], np.ndarray]) -> Measured:
    """Smallest margin over the cycles of both states, shape (sample,).

    ``not_performed`` where a stored bit is lost, ``suspect`` where an event is missing.
    """
    cycle = block.values["cycle"]
    margins = [margin(state, i * cycle) for state in LOBES for i in range(len(TRUTH))]
    return measured(np.min(margins, axis=0), ((_lost(block).any(axis=1), Status.not_performed, np.nan),))


def _edge(block: Block, node: str, line: str, rising: bool, after: float) -> np.ndarray:
    """When a node crosses half of what is high on its line, from a time on [s]."""
    return crossing(block["time"], block[node], block.values.get(line, block.values["vdd"]) / 2, rising, after)


def t_race_wordline(block: Block) -> Measured:
    """Time [s] from the end of precharge to the word line, both at 50 %; below 0 the two fight over the line."""

    def margin(state: str, start: float) -> np.ndarray:
        off = _edge(block, f"pre_b_{state}", "v_bl", True, start)
        return _edge(block, f"wl_{state}", "v_wl", True, start) - off

    return _smallest(block, margin)


def t_race_precharge(block: Block) -> Measured:
    """Time [s] from the word line's fall to the next precharge, both at 50 %; below 0 the two fight over the line."""

    def margin(state: str, start: float) -> np.ndarray:
        off = _edge(block, f"wl_{state}", "v_wl", False, start + PHASES["wl_b"][0] * block.values["cycle"])
        on = _edge(block, f"pre_b_{state}", "v_bl", False, start + PHASES["pre"][0] * block.values["cycle"])
        return on - off

    return _smallest(block, margin)


def t_race_recovery(block: Block) -> Measured:
    """Time [s] from both lines at ``RECOVERED`` of their level to the end of their precharge at 50 %, shape (sample,).

    ``censored_low`` where a line does not get there before precharge ends, ``not_performed`` where a stored bit is lost
    or an output is wrong or late otherwise: what has not fallen does not come back.
    """
    time, cycle = block["time"], block.values["cycle"]
    level, margins = block.values.get("v_bl", block.values["vdd"]), []
    for state in LOBES:
        lowest = np.minimum(block[f"bl_{state}"], block[f"blb_{state}"])
        for i in range(1, len(TRUTH)):
            begun = (i - 1 + PHASES["pre"][1]) * cycle
            end = _edge(block, f"pre_b_{state}", "v_bl", True, i * cycle)
            away = at(time, lowest, begun) < RECOVERED * level
            back = np.where(away, crossing(time, lowest, RECOVERED * level, True, begun), begun)
            margins.append(np.where(back < end, end - back, np.nan))
    failed = np.logical_or(*_right(block, TRUTH)).any(axis=1)
    short = np.isnan(margins).any(axis=0)
    return measured(
        np.min(margins, axis=0),
        (
            (_lost(block).any(axis=1), Status.not_performed, np.nan),
            (short, Status.censored_low, 0.0),
            (failed, Status.not_performed, np.nan),
        ),
    )


def t_race_sample(block: Block) -> Measured:
    """Time [s] from an output at 50 % to the sampling instant, the shortest of all that rise, shape (sample,).

    ``not_performed`` and ``censored_low`` as ``t_compute`` is ``not_performed`` and ``censored_high``.
    """
    wrong, late = (part.any(axis=1) for part in _right(block, TRUTH))
    cycle, half, shortest = block.values["cycle"], block.values["vdd"] / 2, np.full(block.samples, np.inf)
    for state, output in _places(block):
        for turn in _cycles(block, state, output, TRUTH):
            if turn.high:
                fired = crossing(block["time"], block[f"{output}_{state}"], half, True, turn.start)
                shortest = np.minimum(shortest, turn.start + SAMPLED * cycle - fired)
    return measured(shortest, ((wrong, Status.not_performed, np.nan), (late, Status.censored_low, 0.0)))


def pair_energies(block: Block, state: str, supplies: Sequence[str] = tuple(SUPPLIES)) -> np.ndarray:
    """Energy [J] of each of the 16 cycles of ``compute`` behind the first one, less leakage, shape (cycle, sample)."""
    cycle = block.values["cycle"]
    return np.stack([energy(block, state, supplies, ((i * cycle, (i + 1) * cycle),)) for i in range(1, len(COMPUTED))])


def _part(part: str) -> tuple[str, ...]:
    """Supplies of one part of the energy, all of them where it is empty."""
    return tuple(supply for supply, of in SUPPLIES.items() if part in ("", of))


def _per_cycle(
    inputs: Sequence[int], first: int, last: int, held: bool
) -> Callable[[str], Callable[[Block], Measured]]:
    """Maker of mean energies per cycle over some cycles of a testbench.

    Args:
        inputs: of all its cycles. first, last: cycles ``first`` to ``last - 1`` are counted.
    """

    def of(part: str) -> Callable[[Block], Measured]:
        def measure(block: Block) -> Measured:
            cycle = block.values["cycle"]
            span = ((first * cycle, last * cycle),)
            values = [energy(block, state, _part(part), span) / (last - first) for state in LOBES]
            failed = np.logical_or(*_right(block, inputs, held))
            return measured(np.stack(values, axis=1), ((failed, Status.not_performed, np.nan),))

        return measure

    return of


e_compute = _per_cycle(COMPUTED, 1, len(COMPUTED), held=False)
"""Part of ``SUPPLIES`` (empty: all) to the metric of its energy [J] per cycle, shape (sample, lobe): mean over all
pairs of successive inputs, less leakage. ``not_performed`` where an output is wrong or late."""
e_held_row = _per_cycle(HELD, 0, 1, held=True)
"""The same for reading a row into its latch, which held the other bit before, inputs at 0."""
e_held_input = _per_cycle(HELD, 1, len(HELD), held=True)
"""The same per input bit while the row is held."""


def i_leak_path(block: Block) -> Measured:
    """Leakage [A] at rest of drivers, latch and output gates with their loads, precharged, shape (sample, lobe).

    ``not_performed`` where the stored bit is lost, as are ``e_compute_leak`` and the capacitances.
    """
    supplies = [supply for supply, part in SUPPLIES.items() if part != "bitline"]
    return _per_state(block, [given(block, state, supplies)[:, 0] for state in LOBES])


def e_compute_leak(block: Block) -> Measured:
    """Leakage of all supplies at rest over a cycle [J], shape (sample, lobe); with lines apart from VDD at theirs."""
    return _per_state(block, [rest_power(block, state) * block.values["cycle"] for state in LOBES])


def _charge(line: str, level: str, spans: Callable[[float], list[tuple[float, float]]]) -> Callable[[Block], Measured]:
    """Metric of the charge that a driver gives its line for a swing, over the swing [F], shape (sample, lobe).

    Args:
        line: what is driven. level: number of the testbench that its swing is, if that is not VDD.
        spans: cycle time to spans that hold one edge each [s].
    """

    def measure(block: Block) -> Measured:
        swing, columns = block.values.get(level, block.values["vdd"]), []
        for state in LOBES:
            edges = spans(block.values["cycle"])
            current = block[f"v.x{state}.vmeter_{line}#branch"]
            charges = [integral(np.clip(block["time"], *span), current) for span in edges]
            columns.append(sum(np.abs(charge) for charge in charges) / len(edges) / swing)
        return _per_state(block, columns)

    return measure


def _while_on(control: str) -> Callable[[float], list[tuple[float, float]]]:
    on, off = PHASES[control]
    return lambda cycle: [((i + on) * cycle, (i + off) * cycle) for i in range(1, len(COMPUTED))]


def _input_edges(side: int) -> Callable[[float], list[tuple[float, float]]]:
    """Cycles in which an input changes, up to the end of precharge: its output stays low there."""
    changed = [i for i in range(1, len(COMPUTED)) if INPUTS[COMPUTED[i]][side] != INPUTS[COMPUTED[i - 1]][side]]
    return lambda cycle: [(i * cycle, (i + PHASES["pre"][0]) * cycle) for i in changed]


c_wl = _charge("wl", "v_wl", _while_on("wl_b"))
"""Capacitance [F] of the selected cell's word line, by the charge of its rising edges."""
c_pre = _charge("pre_b", "v_bl", _while_on("pre"))
"""Capacitance [F] of the precharge signal, by the charge of its rising edges."""
c_inp = _charge("inp_b", "", _input_edges(0))
"""Capacitance [F] of input INP (active low), by the charge of its edges in precharge."""
c_inn = _charge("inn_b", "", _input_edges(1))
"""Capacitance [F] of input INN, as ``c_inp``."""


def t_hold_line(block: Block) -> Measured:
    """Time [s] from the end of precharge at 50 % to a false output at 50 %, by stored state, shape (sample, lobe).

    With Q = 1 line BL should stay high and N low, with Q = 0 line BLB and P. ``censored_high`` where no output is
    wrong at the end, beyond the time from the same 50 % to it; ``not_performed`` where the stored bit is lost.
    """
    half, time = block.values["vdd"] / 2, block["time"]
    values, looked = [], []
    for state in LOBES:
        off = _edge(block, f"pre_b_{state}", "v_bl", True, 0.0)
        false = np.full(len(time), np.inf)
        for output in outputs(block):
            fired = crossing(time, block[f"{output}_{state}"], half, True)
            false = np.fmin(false, fired)
        values.append(false - off)
        looked.append(np.nan_to_num(time[:, -1] - off, nan=0.0))
    values, looked = (np.stack(columns, axis=1) for columns in (values, looked))
    beyond = ~np.isfinite(values)
    return measured(values, ((_lost(block), Status.not_performed, np.nan), (beyond, Status.censored_high, looked)))
