"""Stochastic macrospins: the equation of Landau, Lifshitz and Gilbert with a thermal field, many junctions at once.

All three components and the precession, by Heun's method, which converges to the sense of Stratonovich that Brown's
field has (Garcia-Palacios and Lazaro, Phys. Rev. B 58, 14937, 1998). Nothing here knows that mz alone would do: it is
the independent check of :mod:`analysis.fokkerplanck`, at the rates that counting sees.
"""

from __future__ import annotations

import numpy as np

from analysis.switching import boltzmann_angle, reduced
from netlists.mtj import Junction

TURN = 0.05
"""Step in radians of precession [1]: Heun's method lengthens the precessing part by an eighth of the fourth power of
it, which takes 0.08 % off a damping of 0.02."""
BLOCK = 2048
"""Samples with random numbers of their own: a sample is the same whatever number of them is asked for."""


def _start(delta: float, rng: np.random.Generator) -> np.ndarray:
    """Directions at rest by Boltzmann's law, around mz = 1, shape (3, sample)."""
    angle, turn = boltzmann_angle(delta, rng.standard_exponential(BLOCK)), rng.uniform(0, 2 * np.pi, BLOCK)
    return np.stack([np.sin(angle) * np.cos(turn), np.sin(angle) * np.sin(turn), np.cos(angle)])


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Vector product, both of shape (3, sample); faster than numpy's own."""
    return np.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def _slope(m: np.ndarray, field: np.ndarray, damping: float, drive: float) -> np.ndarray:
    """``-m x (h - alpha a) - m x (m x (alpha h + a))`` in units of H_k, ``a = -alpha drive`` along z."""
    h, pulling = field.copy(), damping * field
    h[2] += m[2] + damping**2 * drive
    pulling[2] += damping * (m[2] - drive)
    return -_cross(m, h + _cross(m, pulling))


def crossings(junction: Junction, current: float, times: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """Junctions with mz still on its side at the end of a pulse: counts, shape (time,).

    Args:
        junction: axisymmetric, at its temperature. current: against the state, constant [A].
        times: widths of pulses, ascending [s]. samples: how many. seed: of block k are ``[seed, k]``.

    Raises:
        SwitchingError: see :func:`analysis.switching.reduced`.
    """
    at = reduced(junction, current)
    turns = np.asarray(times) * junction.rate * junction.h_k
    # <h h> = 2 alpha k_B T / (gamma moment) in a time [s], here in turns and units of H_k
    strength = np.sqrt(junction.damping / (at.delta * (1 + junction.damping**2)))
    kept = np.zeros(len(turns), dtype=int)
    for first in range(0, samples, BLOCK):
        rng = np.random.default_rng([seed, first // BLOCK])
        m, now = _start(at.delta, rng), 0.0
        for index, end in enumerate(turns):
            steps = int(np.ceil((end - now) / TURN))
            for _ in range(steps):
                step = (end - now) / steps
                field = strength / np.sqrt(step) * rng.standard_normal(m.shape)
                slope = _slope(m, field, junction.damping, at.drive)
                m = m + step / 2 * (slope + _slope(m + step * slope, field, junction.damping, at.drive))
                m /= np.sqrt((m * m).sum(0))
            kept[index] += int((m[2, : samples - first] > 0).sum())
            now = end
    return kept
