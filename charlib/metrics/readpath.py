"""Delay and energy of the complementary read path, believed only after the waveforms passed the functional check."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from charlib.metrics.butterfly import LOBES
from charlib.metrics.energy import WHOLE, energy
from charlib.metrics.stored import lost
from charlib.status import Status
from charlib.waveforms import Block, Measured, crossing, measured
from netlists.readpath import SIDES, SUPPLIES

RECOVERED = 0.95
"""Share of its precharged level at which a line counts as precharged [1], assumed."""
LOW = 0.05
"""Share of VDD below which an output counts as back at zero [1], assumed."""
OUTPUTS = {"q": ("p", "n", "blb"), "qb": ("n", "p", "bl")}
"""Stored state to the output that must rise, the one that must stay low, and the line that falls. A single-sided path
has output P only."""


def outputs(block: Block) -> tuple[str, ...]:
    """Outputs that the read path of a block has."""
    return tuple(output for output in SIDES if f"{output}_q" in block.vectors)


@dataclass(frozen=True)
class _Cycle:
    """One stored state's cycle; every array has shape (sample,).

    Attributes:
        delay: word line to output, 50 % to 50 % [s], or where the path has no such output to its line; NaN where that
            did not come while the word line was on.
        precharge: precharge signal at 50 % to both lines at ``RECOVERED`` [s]; NaN where they did not recover.
        looked, precharge_looked: how long each was looked for [s].
        wrong: the wrong output fired, the right one fired again or stayed up, or the stored bit was lost.
    """

    delay: np.ndarray
    precharge: np.ndarray
    looked: np.ndarray
    precharge_looked: np.ndarray
    wrong: np.ndarray


def recovery(block: Block, state: str, line: np.ndarray, output: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Precharge time of a line, and how long it was looked for [s], both of shape (sample,).

    From the precharge signal at 50 % to the line at ``RECOVERED``; NaN where it, or the output, does not come back.

    Args:
        line: lowest line [V]. output: highest output [V]; both of shape (sample, point).
    """
    vdd, on, time = block.values["vdd"], block.values["precharge_on"], block["time"]
    v_bl = block.values.get("v_bl", vdd)
    begin = crossing(time, block[f"pre_b_{state}"], v_bl / 2, rising=False, after=on)
    recovered = crossing(time, line, RECOVERED * v_bl, rising=True, after=on)
    # A line that never left the recovered band takes no time to come back.
    shallow = np.where(time >= on, line, v_bl).min(axis=1) >= RECOVERED * v_bl
    precharge = np.where(shallow, 0.0, np.maximum(recovered - begin, 0.0))
    return np.where(output[:, -1] <= LOW * vdd, precharge, np.nan), time[:, -1] - begin


def _cycle(block: Block, state: str) -> _Cycle:
    vdd, end = block.values["vdd"], block.values["wordline_off"]
    v_wl, v_bl = (block.values.get(line, vdd) for line in ("v_wl", "v_bl"))
    time = block["time"]
    rising, quiet, falling = OUTPUTS[state]
    waves = {node: block[f"{node}_{state}"] for node in ("wl", "bl", "blb")}
    waves |= {o: block[f"{o}_{state}"] if o in outputs(block) else np.zeros_like(time) for o in SIDES}
    start = crossing(time, waves["wl"], v_wl / 2, rising=True)
    if rising in outputs(block):
        fired = crossing(time, waves[rising], vdd / 2, rising=True)
    else:
        fired = crossing(time, waves[falling], v_bl / 2, rising=False)
    delay = np.where(fired <= end, fired - start, np.nan)
    high = waves[rising] >= vdd / 2
    rises = (high[:, 1:] & ~high[:, :-1]).sum(axis=1)
    wrong = (waves[quiet].max(axis=1) >= vdd / 2) | (rises > 1) | (fired < start) | high[:, 0] | lost(block, state)
    precharge = recovery(block, state, np.minimum(waves["bl"], waves["blb"]), np.maximum(waves["p"], waves["n"]))
    # A word line that does not rise was looked at for no time.
    looked = np.nan_to_num(end - start, nan=0.0)
    return _Cycle(delay, precharge[0], looked, precharge[1], wrong)


def _delay(block: Block, state: str) -> Measured:
    cycle = _cycle(block, state)
    late = np.isnan(cycle.delay)
    return measured(
        cycle.delay,
        ((cycle.wrong, Status.not_performed, np.nan), (late, Status.censored_high, cycle.looked)),
    )


def t_read_p(block: Block) -> Measured:
    """Delay [s] from the word line to output P (INP and Q) with Q = 1, both at 50 %, shape (sample,).

    ``not_performed`` where any output misfired or the stored bit was lost, ``censored_high`` where P did not rise
    while the word line was on.
    """
    return _delay(block, "q")


def t_read_n(block: Block) -> Measured:
    """Delay [s] from the word line to output N (INN and not Q) with Q = 0; see :func:`t_read_p`."""
    return _delay(block, "qb")


def t_bl(block: Block) -> Measured:
    """Time [s] from the word line at 50 % to the bit-line difference that counts as read, shape (sample, lobe).

    That is a share of VDD, see :class:`netlists.ReadPath`. The line of the low node falls, the other one floats at the
    precharged level. Line and load are those of the read path: its rows, wire and output gates. ``not_performed`` where
    an output misfired or the stored bit was lost.
    """
    vdd, end, time = block.values["vdd"], block.values["wordline_off"], block["time"]
    values, wrong, looked = [], [], []
    for state in LOBES:
        cycle = _cycle(block, state)
        falling = OUTPUTS[state][2]
        other = {"bl": "blb", "blb": "bl"}[falling]
        difference = block[f"{other}_{state}"] - block[f"{falling}_{state}"]
        start = crossing(time, block[f"wl_{state}"], block.values.get("v_wl", vdd) / 2, rising=True)
        sensed = crossing(time, difference, block.values["sensed"] * vdd, rising=True)
        values.append(np.where(sensed <= end, sensed - start, np.nan))
        wrong.append(cycle.wrong)
        looked.append(cycle.looked)
    values, wrong, looked = (np.stack(part, axis=1) for part in (values, wrong, looked))
    return measured(values, ((wrong, Status.not_performed, np.nan), (np.isnan(values), Status.censored_high, looked)))


def t_precharge(block: Block) -> Measured:
    """Time [s] from the precharge signal at 50 % to both bit lines at 95 % of their level, shape (sample, lobe).

    ``not_performed`` where an output misfired or the stored bit was lost. ``censored_high`` beyond the window, or,
    where the read came too late, beyond what the line took that had not fallen so far.
    """
    cycles = [_cycle(block, state) for state in LOBES]
    values, wrong, looked, late = (
        np.stack(part, axis=1)
        for part in zip(*((c.precharge, c.wrong, c.precharge_looked, np.isnan(c.delay)) for c in cycles), strict=True)
    )
    return measured(values, came_back(values, wrong, looked, late))


def came_back(
    values: np.ndarray, wrong: np.ndarray, looked: np.ndarray, late: np.ndarray
) -> tuple[tuple[np.ndarray, Status, np.ndarray | float], ...]:
    """Why some precharge times do not exist, for :func:`charlib.waveforms.measured`; a line takes longer from further.

    Args:
        values: of the lines as far as they fell [s]. wrong: no read. looked: how long was looked [s]. late: the read
            did not come.
    """
    bound = np.where(np.isnan(values), looked, values)
    return (wrong, Status.not_performed, np.nan), (late | np.isnan(values), Status.censored_high, bound)


def _energy(block: Block, supplies: tuple[str, ...], spans: tuple[tuple[float, float], ...]) -> Measured:
    """Energy of the supplies over spans of the cycle [s] less what they leak at its start, shape (sample, lobe)."""
    values = np.stack([energy(block, state, supplies, spans) for state in LOBES], axis=1)
    cycles = [_cycle(block, state) for state in LOBES]
    missing = np.stack([c.wrong | np.isnan(c.delay) | np.isnan(c.precharge) for c in cycles], axis=1)
    return measured(values, ((missing, Status.not_performed, np.nan),))


def e_read(block: Block) -> Measured:
    """Energy [J] of one read-and-precharge cycle with INP = INN = 1 per stored state, shape (sample, lobe).

    Supplies of array and precharge, of the drivers, and of the output gates with their loads; what charges the
    drivers' own inputs is not in it. The current before the operation times the cycle is taken off: leakage is a
    metric of its own. The bit line falls all the way, as the word line stays on for the whole window; a line without
    keeper that leaks away in that time counts as a wrong output.
    """
    return _energy(block, tuple(SUPPLIES), (WHOLE,))


def e_precharge(block: Block) -> Measured:
    """Energy [J] of the precharge in the cycle of :func:`e_read`, per stored state, shape (sample, lobe).

    Supplies of array and precharge, of the precharge driver, and of the outputs, which fall as the lines return; from
    the start to the word line's turn (switching the precharge off takes charge from the driver's supply) and from the
    precharge's turn to the end. What is left of ``e_read`` is the access. The line has fallen all the way.
    """
    on, back = block.values["wordline_on"], block.values["precharge_on"]
    return _energy(block, tuple(SUPPLIES), ((0.0, on), (back, np.inf)))
