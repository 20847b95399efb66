"""MRAM cells: resistances and currents of a read, what a write needs and takes. Lobes are the states ``p`` and ``ap``.

Of a write the lobe is the state before it.
"""

from __future__ import annotations

import numpy as np

from charlib.metrics.energy import moved
from charlib.status import Status
from charlib.waveforms import Block, Measured, crossing, integral, measured
from netlists.mtj import STATES


def _joined(columns: list[np.ndarray]) -> np.ndarray:
    return np.stack(columns, axis=1)


def _kept(block: Block) -> np.ndarray:
    """How far mz is on its state's side, shape (sample, lobe, point): 1 where it began, -1 where a write leads."""
    return np.stack([sign * block[f"mz_{state}"] for state, sign in STATES.items()], axis=1)


def _line_current(block: Block, state: str) -> np.ndarray:
    return -block[f"vline_{state}#branch"][:, -1]


def _resistance(block: Block, state: str) -> np.ndarray:
    nodes = [name.removesuffix(f"_{state}") for name in block.vectors if name.endswith(f"_{state}")]
    above, below = (node for node in nodes if node != "mz" and "#" not in node)
    return (block[f"{above}_{state}"][:, -1] - block[f"{below}_{state}"][:, -1]) / _line_current(block, state)


def r_p(block: Block) -> Measured:
    """Resistance [ohm] of the junction in P at a read, shape (sample,)."""
    return measured(_resistance(block, "p"))


def r_ap(block: Block) -> Measured:
    """Resistance [ohm] of the junction in AP at a read, shape (sample,)."""
    return measured(_resistance(block, "ap"))


def tmr(block: Block) -> Measured:
    """``r_ap / r_p - 1`` [1], each at the bias that the read leaves it, shape (sample,)."""
    return measured(_resistance(block, "ap") / _resistance(block, "p") - 1)


def v_tmr_half(block: Block) -> Measured:
    """Bias [V] of the junction in AP at which the TMR is half of that at the lowest bias, shape (sample,).

    P is taken at the same bias of its own. ``censored_high`` where the highest bias leaves more of it.
    """
    bias, r_p, r_ap = (
        block["across_ap"], *(block[f"across_{state}"] / np.abs(block[f"vmeter_{state}#branch"]) for state in STATES)
    )  # fmt: skip
    same = np.stack([np.interp(*row) for row in zip(bias, block["across_p"], r_p, strict=True)])
    ratio = r_ap / same - 1
    found = crossing(bias, ratio / ratio[:, :1], 0.5, rising=False)
    return measured(found, ((np.isnan(found), Status.censored_high, bias[:, -1]),))


def i_sense(block: Block) -> Measured:
    """Current [A] of the cell's line at a read, shape (sample, lobe)."""
    return measured(_joined([_line_current(block, state) for state in STATES]))


def i_margin(block: Block) -> Measured:
    """How far the read currents of P and AP are apart [A], shape (sample,); half of it is what a reference leaves."""
    return measured(_line_current(block, "p") - _line_current(block, "ap"))


def i_write(block: Block) -> Measured:
    """Current [A] that a write drives through the cell while it is still in its state, shape (sample, lobe)."""
    return measured(_joined([np.abs(_line_current(block, state)) for state in STATES]))


def _switched(block: Block) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """When mz changes sides for good [s]; not flipped at the end; not in its state at first, shape (sample, lobe)."""
    kept = _kept(block)
    started, flipped = kept[:, :, 0] > 0, kept[:, :, -1] < 0
    when = np.full(started.shape, np.nan)
    for lobe in range(len(STATES)):
        wave, time = kept[:, lobe], block["time"]
        # Up to the last point on the old side it counts as there: what precesses across and back has not arrived.
        last = wave.shape[1] - 1 - np.argmax(wave[:, ::-1] > 0, axis=1)
        after = np.take_along_axis(time, last[:, None], axis=1)[:, 0]
        when[:, lobe] = crossing(time, wave, 0.0, rising=False, after=after)
    return when, ~flipped, ~started


def _gate_on(block: Block, state: str) -> np.ndarray:
    """When the word line is half on [s], shape (sample,)."""
    gate = next(name for name in (f"wl_{state}", f"wwl_{state}") if name in block.vectors)
    return crossing(block["time"], block[gate], block.values.get("v_wl", block.values["vdd"]) / 2, rising=True)


def _gate_width(block: Block, state: str) -> np.ndarray:
    gate = next(name for name in (f"wl_{state}", f"wwl_{state}") if name in block.vectors)
    half = block.values.get("v_wl", block.values["vdd"]) / 2
    start = np.nan_to_num(_gate_on(block, state))
    return np.nan_to_num(crossing(block["time"], block[gate], half, rising=False, after=start) - start, nan=0.0)


def t_switch(block: Block) -> Measured:
    """Delay [s] from the word line at 50 % to mz = 0, after which it does not come back, shape (sample, lobe).

    ``not_performed`` where the cell was not in its state; ``censored_high`` where its pulse did not flip it.
    """
    when, not_flipped, without = _switched(block)
    on = _joined([_gate_on(block, state) for state in STATES])
    pulse = _joined([_gate_width(block, state) for state in STATES])
    failed = ((without, Status.not_performed, np.nan), (not_flipped, Status.censored_high, pulse))
    return measured(when - on, failed)


def t_flip(block: Block) -> Measured:
    """Delay [s] from the edge of a constant current to mz = 0, after which it does not come back, shape (sample, lobe).

    Status as of :func:`t_switch`, of the whole time that is simulated.
    """
    when, not_flipped, without = _switched(block)
    start = block.values["start"]
    whole = np.broadcast_to(block["time"][:, -1:] - start, when.shape)
    failed = ((without, Status.not_performed, np.nan), (not_flipped, Status.censored_high, whole))
    return measured(when - start, failed)


def e_switch(block: Block) -> Measured:
    """Energy [J] of a whole write pulse that flips the cell, shape (sample, lobe): lines' and word line's drivers.

    Less the currents before the write times its duration. ``not_performed`` where the state did not flip.
    """
    time, vdd = block["time"], block.values["vdd"]
    levels = {"drv": vdd, "gate": block.values.get("v_wl", vdd)}
    spent = [
        sum(level * integral(time, moved(-block[f"v{supply}_{state}#branch"])) for supply, level in levels.items())
        for state in STATES
    ]
    _, not_flipped, without = _switched(block)
    return measured(_joined(spent), ((without | not_flipped, Status.not_performed, np.nan),))


def _trial(block: Block, number: np.ndarray) -> Measured:
    _, not_flipped, without = _switched(block)
    return measured(number, ((without, Status.not_performed, np.nan), (not_flipped, Status.censored_high, number)))


def t_pulse_switch(block: Block) -> Measured:
    """Width [s] at 50 % of a word-line pulse after which the state has flipped, shape (sample, lobe).

    The search makes it the shortest one. ``censored_high`` where this pulse does not flip it.
    """
    return _trial(block, _joined([_gate_width(block, state) for state in STATES]))


def i_c(block: Block) -> Measured:
    """Height [A] of a current pulse as long as the cell's that flips the junction, shape (sample, lobe).

    The search makes it the lowest one; through the junction or, where it has one, in its heavy metal.
    ``censored_high`` where this current does not flip it.
    """
    height = [np.abs(block[f"vmeter_{state}#branch"]).max(axis=1) for state in STATES]
    return _trial(block, _joined(height))
