"""Delay and energy of a read through a read port, believed only after the functional check of both stored states."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from charlib.metrics.butterfly import LOBES
from charlib.metrics.energy import energy
from charlib.metrics.readpath import came_back, recovery
from charlib.metrics.stored import lost
from charlib.status import Status
from charlib.waveforms import Block, Measured, crossing, measured

CONDUCTS = "qb"
"""Stored state in which RBL falls and output R rises; in the other one both must stay where they are."""


@dataclass(frozen=True)
class _Cycle:
    """One stored state's cycle; every array has shape (sample,).

    Attributes:
        delay, sensed: read word line at 50 % to output R at 50 %, and to RBL fallen by what counts as read [s]; NaN
            where that did not come while the word line was on.
        precharge: precharge signal at 50 % to RBL back [s]; NaN where it did not come back.
        looked, precharge_looked: how long each was looked for [s].
        wrong: the output fired where RBL must stay, too early or twice, or was high before; or the stored bit was lost.
    """

    delay: np.ndarray
    sensed: np.ndarray
    precharge: np.ndarray
    looked: np.ndarray
    precharge_looked: np.ndarray
    wrong: np.ndarray


def _cycle(block: Block, state: str) -> _Cycle:
    vdd, end, time = block.values["vdd"], block.values["wordline_off"], block["time"]
    v_wl, v_bl = (block.values.get(line, vdd) for line in ("v_wl", "v_bl"))
    line, output = block[f"rbl_{state}"], block[f"r_{state}"]
    start = crossing(time, block[f"rwl_{state}"], v_wl / 2, rising=True)
    fired = crossing(time, output, vdd / 2, rising=True)
    fallen = crossing(time, line, v_bl - block.values["sensed"] * vdd, rising=False)
    high = output >= vdd / 2
    rises = (high[:, 1:] & ~high[:, :-1]).sum(axis=1)
    wrong = high[:, 0] | (fired < start) | (rises > (state == CONDUCTS)) | lost(block, state)
    delay, sensed = (np.where(when <= end, when - start, np.nan) for when in (fired, fallen))
    # A word line that does not rise was looked at for no time.
    looked = np.nan_to_num(end - start, nan=0.0)
    precharge, precharge_looked = recovery(block, state, line, output)
    return _Cycle(delay, sensed, precharge, looked, precharge_looked, wrong)


def _read(block: Block) -> tuple[_Cycle, np.ndarray]:
    """The cycle of the state that conducts, and where the two states are not read as what they are, shape (sample,)."""
    cycles = {state: _cycle(block, state) for state in LOBES}
    return cycles[CONDUCTS], np.logical_or.reduce([cycle.wrong for cycle in cycles.values()])


def t_read_port(block: Block) -> Measured:
    """Delay [s] from the read word line to output R with Q = 0, both at 50 %, shape (sample,).

    ``not_performed`` where R fires with Q = 1, too early or twice, was high before, or a stored bit was lost, in
    whichever state: a port that says the same of both reads neither. ``censored_high`` where R did not rise while the
    word line was on.
    """
    cycle, wrong = _read(block)
    late = np.isnan(cycle.delay)
    return measured(cycle.delay, ((wrong, Status.not_performed, np.nan), (late, Status.censored_high, cycle.looked)))


def t_rbl(block: Block) -> Measured:
    """Time [s] from the read word line at 50 % to RBL fallen by what counts as read, shape (sample,).

    It falls from its precharged level; what counts is a share of VDD, see :class:`netlists.ReadPath`. Checked as
    :func:`t_read_port`.
    """
    cycle, wrong = _read(block)
    late = np.isnan(cycle.sensed)
    return measured(cycle.sensed, ((wrong, Status.not_performed, np.nan), (late, Status.censored_high, cycle.looked)))


def t_precharge_port(block: Block) -> Measured:
    """Time [s] from the precharge signal at 50 % to RBL at 95 % of its level after a read of Q = 0, shape (sample,).

    Statuses as of :func:`charlib.metrics.readpath.t_precharge`.
    """
    cycle, wrong = _read(block)
    late = np.isnan(cycle.delay)
    return measured(cycle.precharge, came_back(cycle.precharge, wrong, cycle.precharge_looked, late))


def e_read_port(block: Block) -> Measured:
    """Energy [J] of one read-and-precharge cycle per stored state, shape (sample, lobe).

    Of all supplies as :func:`charlib.metrics.readpath.e_read` counts it: array and precharge, drivers of read word line
    and precharge, output gate with its load. With Q = 0 RBL falls all the way, with Q = 1 it stays.
    ``not_performed`` where that state's own cycle was not.
    """
    missing = []
    for state in LOBES:
        cycle = _cycle(block, state)
        unread = np.isnan(cycle.delay) & (state == CONDUCTS)
        missing.append(cycle.wrong | unread | np.isnan(cycle.precharge))
    values = np.stack([energy(block, state) for state in LOBES], axis=1)
    return measured(values, ((np.stack(missing, axis=1), Status.not_performed, np.nan),))
