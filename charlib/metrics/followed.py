"""The line voltage at which a stored state is lost, from states followed along it: write margins and retention."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import numpy as np

from charlib.metrics.butterfly import LOBES
from charlib.metrics.curves import REACH, root
from charlib.metrics.stored import apart
from charlib.status import Status
from charlib.waveforms import Block, Measured, measured
from netlists.margins import LEAST_DIFFERENCE

JUMP = 4.0
"""Steps of the sweep by which the storage nodes may come closer from one point to the next on an unbroken curve [1]."""
NEAR = 1e-6
"""Distance from its limit within which a line has reached it [V]."""
RISE = 1e-3
"""Rise of the supply over its lowest value so far at which the followed state has met another one [V]. Behind it a cell
of low leakage (SKY130) has states again at lower supplies, whose nodes are a few millivolts apart.
"""


def _shares() -> np.ndarray:
    """How the points near an interval make up the polynomial through those that are joined to it.

    Returns:
        Share of a point in each power, shape (joined on the left, joined on the right, power, point): points from
        ``1 - REACH`` to ``REACH`` of which the interval's own, 0 and 1, are always among the joined.
    """
    found = np.zeros((REACH, REACH, 2 * REACH, 2 * REACH))
    for left, right in np.ndindex(REACH, REACH):
        steps = np.arange(-left, right + 2.0)
        joined = slice(REACH - 1 - left, REACH + 1 + right)
        found[left, right, : steps.size, joined] = np.linalg.inv(np.vander(steps, increasing=True))
    return found


SHARES = _shares()


def _polynomials(values: np.ndarray, at: np.ndarray, joined: np.ndarray) -> np.ndarray:
    """Polynomial of each curve between one of its points and the next, over the number of points from there.

    Through eight points where they are joined to each other, else through those of them that are. It is the same from
    whichever point one looks, so that an extremum between two points does not depend on which of them is beyond.

    Args:
        values: shape (curve, point). at: the point, joined to the next, shape (curve,).
        joined: whether each point is on an unbroken curve with the next, shape (curve, point - 1).

    Returns:
        Coefficients of t^0 to t^7, shape (8, curve).
    """
    rows, last = np.arange(len(values)), values.shape[1] - 1
    left, right = (
        np.logical_and.accumulate([_joined(joined, at + way * step) for step in range(1, REACH)]).sum(axis=0)
        for way in (-1, 1)
    )
    shares = SHARES[left, right]
    near = [values[rows, np.clip(at + step, 0, last)] for step in range(1 - REACH, 1 + REACH)]
    return sum(shares[:, :, i] * each[:, None] for i, each in enumerate(near)).T


def _joined(joined: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Whether a point of each curve and the next one are there and joined, shape (curve,)."""
    last = joined.shape[1] - 1
    return (at >= 0) & (at <= last) & joined[np.arange(len(joined)), np.clip(at, 0, last)]


def _at(coefficients: np.ndarray, t: np.ndarray) -> np.ndarray:
    return reduce(lambda found, each: found * t + each, coefficients[::-1])


def _minimum(coefficients: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Least value of each polynomial from 0 to ``end``, where it has at most one minimum."""
    slopes = coefficients[1:] * np.arange(1.0, len(coefficients))[:, None]
    t = root(lambda t: _at(slopes, t), np.zeros(len(end)), end)
    return np.minimum(np.minimum(coefficients[0], _at(coefficients, end)), _at(coefficients, t))


def lowest_line(
    asked: np.ndarray, difference: np.ndarray, line: np.ndarray, least: float, limit: float, rise: float = np.inf
) -> Measured:
    """Lowest voltage of a line at which a cell can be in a state whose storage nodes are ``least`` apart.

    The minimum of the line over the curve of the cell's states: where the curve bends back, which is the saddle-node
    bifurcation in which the state meets an unstable one, or where the nodes have come together without one.

    Args:
        asked: sweep of the followed state [V], falling, shape (curve, point).
        difference: high node less low node [V], shape (curve, point).
        line: voltage of the line [V], same shape.
        least: difference that still counts as the state [V].
        limit: highest voltage of the line [V]. rise: the curve counts until the line has risen by so much [V].

    Returns:
        Voltage [V], shape (curve,), ``censored_high`` where the state does not exist at the limit, ``censored_low``
        at the last point where the state is still there and the curve could not be followed further down.
    """
    free = line < limit - NEAR
    joined = free[:, 1:] & free[:, :-1] & (-np.diff(difference, axis=1) <= -JUMP * np.diff(asked, axis=1))
    risen = line > np.minimum.accumulate(line, axis=1) + rise
    stored = np.logical_and.accumulate((difference > least) & ~risen, axis=1)
    at = np.where(stored, line, np.inf).argmin(axis=1)
    # The curve's end, where the nodes are ``least`` apart.
    end = np.maximum(stored.sum(axis=1) - 1, 0)
    rows, after = np.arange(len(line)), np.minimum(end + 1, line.shape[1] - 1)
    ends = _joined(joined, end) & (difference[rows, after] <= least) & stored[:, 0]
    apart = _polynomials(difference - least, end, joined)
    t = root(lambda t: _at(apart, t), np.zeros(len(line)), np.ones(len(line)))
    bound = value = line[rows, at]
    for interval in (at - 1, at):
        lowest = _minimum(_polynomials(line, interval, joined), np.where(ends & (interval == end), t, 1.0))
        value = np.where(_joined(joined, interval), np.minimum(value, lowest), value)
    value = np.where(ends, np.minimum(value, _at(_polynomials(line, end, joined), t)), value)
    absent = ~(stored & free).any(axis=1)
    broken = ~ends & ~_joined(joined, at)
    return measured(value, ((absent, Status.censored_high, limit), (broken, Status.censored_low, bound)))


def _lobes(block: Block, lines: dict[str, np.ndarray], least: float) -> Measured:
    """:func:`lowest_line` of both states, shape (sample, lobe)."""
    vdd = block.values["vdd"]
    return _stacked(lowest_line(block["s"], apart(block, state), lines[state], least, vdd) for state in LOBES)


def _stacked(found: Iterable[Measured]) -> Measured:
    """What was measured of each lobe, shape (sample,), as one of shape (sample, lobe)."""
    lobes = list(found)
    return Measured(*(np.stack([getattr(m, part) for m in lobes], axis=1) for part in ("values", "status", "bound")))


def _written(lost: Measured) -> Measured:
    """By the state that is written instead of the one that is lost."""
    return Measured(lost.values[:, ::-1], lost.status[:, ::-1], lost.bound[:, ::-1])


def wm_bl(block: Block) -> Measured:
    """Bit-line voltage [V] that trips the cell, less the level that a write pulls the line to, per written state.

    The word line is on and the other bit line at VDD. Below that voltage no state of the cell is left in which the old
    bit is stored. Negative where the write does not happen; ``censored_high`` where the old bit is lost with both bit
    lines at VDD.
    """
    trip = _lobes(block, {state: block[f"line_{state}"] for state in LOBES}, 0.0)
    low = block.values.get("low", 0.0)
    return _written(Measured(trip.values - low, trip.status, trip.bound - low))


def wm_wl(block: Block) -> Measured:
    """Word line that is on less its voltage that trips the cell [V], bit lines low and at VDD, per written state.

    Above that voltage no state of the cell is left in which the old bit is stored. Negative where the write does not
    happen; ``censored_high`` where the old bit is lost with the word line at 0.
    """
    vdd = block.values["vdd"]
    return _written(_lobes(block, {state: vdd - block[f"line_{state}"] for state in LOBES}, 0.0))


def drv(block: Block) -> Measured:
    """Data retention voltage [V]: lowest supply to which the state lasts, word line 0, bit lines at the supply.

    The supply falls until the state meets an unstable one, where its curve bends back. For the state that a skewed cell
    prefers there is no such saddle-node: it lasts, ever smaller, down to no supply at all, and counts as lost where its
    nodes are ``LEAST_DIFFERENCE`` apart; ``censored_low`` where it was not followed that far. ``censored_high`` where
    the state does not exist at the technology's highest supply.
    """
    half = block["s"].shape[1] // 2
    asked, vdd = block["s"][:, :half], block.values["vdd"]
    turns = {"q": slice(half), "qb": slice(half, None)}
    return _stacked(
        lowest_line(asked, apart(block, state)[:, turn], block[f"line_{state}"][:, turn], LEAST_DIFFERENCE, vdd, RISE)
        for state, turn in turns.items()
    )
