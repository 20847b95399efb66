"""Blocks of curves and waveforms, and the few operations every metric is made of, on all samples at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from charlib.status import Status
from netlists.testbench import Testbench

STEPS = 20
"""Steps of a search between two points of a waveform: a few are enough for all digits of a smooth one."""


@dataclass(frozen=True)
class Block:
    """Vectors of some samples of one testbench.

    Attributes:
        vectors: probe or axis to values, shape (sample, point). Waveforms of different lengths are continued with
            their last point, which changes no crossing and no integral.
        values: numbers of the testbench, ``vdd`` [V] and for transients times [s].
    """

    vectors: Mapping[str, np.ndarray]
    values: Mapping[str, float]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.vectors[name]

    @property
    def samples(self) -> int:
        return len(next(iter(self.vectors.values())))


def stack(testbench: Testbench, solved: Sequence[np.ndarray]) -> Block:
    """Block of the vectors of several samples, each an array of shape (vector, point)."""
    points = max(data.shape[1] for data in solved)
    whole = np.empty((len(testbench.vectors), len(solved), points))
    for i, data in enumerate(solved):
        whole[:, i, : data.shape[1]] = data
        whole[:, i, data.shape[1] :] = data[:, -1:]
    return Block(dict(zip(testbench.vectors, whole, strict=True)), testbench.values)


@dataclass(frozen=True)
class Measured:
    """A metric of a block.

    Attributes:
        values: in SI, shape (sample,) or (sample, lobe); NaN where ``status`` is not ``ok``.
        status: flags of :class:`Status`, same shape.
        bound: where a value is censored, the bound it lies beyond; else NaN. Same shape.
    """

    values: np.ndarray
    status: np.ndarray
    bound: np.ndarray


def measured(values: np.ndarray, failed: Sequence[tuple[np.ndarray, Status, np.ndarray | float]] = ()) -> Measured:
    """A metric from raw values and the reasons why some do not exist.

    Args:
        values: shape (sample,) or (sample, lobe).
        failed: mask, status and bound (NaN: none) of each reason; the first that applies counts. A value that is not
            finite without a reason becomes ``suspect``.
    """
    status = np.where(np.isfinite(values), Status.ok, Status.suspect).astype(np.int8)
    bound = np.full(values.shape, np.nan)
    for mask, flag, limit in reversed(failed):
        status = np.where(mask, np.int8(flag), status)
        bound = np.where(mask, limit, bound)
    return Measured(np.where(status == Status.ok, values, np.nan), status, bound)


def crossing(
    time: np.ndarray, wave: np.ndarray, level: float, rising: bool, after: np.ndarray | float = 0.0
) -> np.ndarray:
    """First time [s] at which each waveform crosses a level, by linear interpolation; NaN where it never does.

    Args:
        time, wave: shape (sample, point), [s] and [V].
        level: threshold [V].
        rising: direction.
        after: earliest time [s], scalar or shape (sample,).
    """
    distance = (1.0 if rising else -1.0) * (wave - level)
    rows, at, found = _crossed(time, distance, after)
    t0, t1, d0, d1 = time[rows, at], time[rows, at + 1], distance[rows, at], distance[rows, at + 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(found, t0 - d0 * (t1 - t0) / (d1 - d0), np.nan)


def at(time: np.ndarray, wave: np.ndarray, when: np.ndarray | float) -> np.ndarray:
    """Level of each waveform at a time [s], by linear interpolation, shape (sample,); its last one beyond its end.

    Args:
        when: the time, the same for all or one for each, shape (sample,).
    """
    when = np.broadcast_to(np.asarray(when, dtype=float), time.shape[:1])
    rows, after = np.arange(len(time)), np.clip((time < when[:, None]).sum(axis=1), 1, time.shape[1] - 1)
    t0, t1, v0, v1 = time[rows, after - 1], time[rows, after], wave[rows, after - 1], wave[rows, after]
    share = np.clip((when - t0) / np.where(t1 > t0, t1 - t0, 1.0), 0.0, 1.0)
    return v0 + share * (v1 - v0)


def _crossed(
    time: np.ndarray, distance: np.ndarray, after: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, the point before the first rise through 0 in each, and whether there is one; each of shape (sample,)."""
    after = np.broadcast_to(np.asarray(after, dtype=float), time.shape[:1])
    hit = (distance[:, :-1] < 0) & (distance[:, 1:] >= 0) & (time[:, 1:] >= after[:, None])
    return np.arange(len(time)), hit.argmax(axis=1), hit.any(axis=1)


def smooth_crossing(
    time: np.ndarray, wave: np.ndarray, level: float, rising: np.ndarray, after: np.ndarray | float = 0.0
) -> np.ndarray:
    """As :func:`crossing`, on a cubic between the two points next to the level whose slopes come from their neighbours.

    For smooth waveforms of few points: with ten on an edge, times err by a tenth of what a straight line leaves.

    Args:
        rising: direction of each waveform, shape (sample,).
    """
    distance = np.where(rising, 1.0, -1.0)[:, None] * (wave - level)
    rows, at, found = _crossed(time, distance, after)
    near = np.clip(at[:, None] + np.arange(-1, 3), 0, time.shape[1] - 1)
    t, d = time[rows[:, None], near], distance[rows[:, None], near]
    width = t[:, 2] - t[:, 1]
    left, right = (_slope(t[:, i : i + 3], d[:, i : i + 3]) * width for i in (0, 1))
    return np.where(found, t[:, 1] + width * _root(d[:, 1], d[:, 2], left, right), np.nan)


def _root(start: np.ndarray, end: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Where cubics that rise from below 0 to 0 or above it do so, as a share of their width [1].

    Newton's method; a step out of what is known to hold the root is a halving instead.

    Args:
        start, end: levels at both ends. left, right: slopes there, over the whole width; all of shape (sample,).
    """
    square, cube = 3 * (end - start) - 2 * left - right, 2 * (start - end) + left + right
    low, high = np.zeros(len(start)), np.ones(len(start))
    with np.errstate(invalid="ignore", divide="ignore"):
        x = start / (start - end)
        for _ in range(STEPS):
            level = ((cube * x + square) * x + left) * x + start
            low, high = np.where(level < 0, x, low), np.where(level < 0, high, x)
            step = x - level / ((3 * cube * x + 2 * square) * x + left)
            x = np.where((step >= low) & (step <= high), step, (low + high) / 2)
    return x


def _slope(t: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Slope of the parabola through three points at the middle one, shape (sample,); of a line where two coincide."""
    before, after = t[:, 1] - t[:, 0], t[:, 2] - t[:, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        first, second = (y[:, 1] - y[:, 0]) / before, (y[:, 2] - y[:, 1]) / after
        both = (first * after + second * before) / (before + after)
    return np.where(before <= 0, second, np.where(after <= 0, first, both))


def integral(time: np.ndarray, wave: np.ndarray) -> np.ndarray:
    """Trapezoidal integral of each waveform over its time, shape (sample,)."""
    # Summed up from the first point to the last: a sum in pairs rounds differently with the length of the company.
    return np.cumsum(np.diff(time, axis=1) * (wave[:, 1:] + wave[:, :-1]) / 2, axis=1)[:, -1]
