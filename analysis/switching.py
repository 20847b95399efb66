"""When a perpendicular junction switches: laws in closed form of its write delay, its write errors and its retention.

An axisymmetric macrospin (``netlists.mtj``) in reduced units: current against its state over the critical one is the
``drive`` i [1], barrier over k_B T is ``delta`` [1], time is in damping times ``Junction.damping_time`` [1]. Then
``dm = (1 - m^2)(m - i) dt`` for m = mz, with the diffusion ``(1 - m^2)/(2 delta)`` of the thermal field (Brown, Phys.
Rev. 130, 1677, 1963) along m: an energy of ``delta (i^2 - (m - i)^2)`` over k_B T, whose top is at m = i.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import integrate, special

from netlists.mtj import Junction, travel_time

LEAST_DRIVE = 1.5
"""Least drive of the closed form of write errors [1]: from a barrier of 60 on it is within a third there."""
LEAST_DELTA = 10.0
"""Lowest barrier over k_B T that a state needs to be one [1]: below, it does not stay until it is written."""
LOGARITHMS = np.linspace(-40.0, 4.5, 1781)
"""Logarithms of a standard exponential number over which moments are summed [1]; all but 1e-17 of it lies within."""
ANGLES = np.exp(np.linspace(-90.0, math.log(math.pi / 2), 8001))
"""Angles between which the critical one of a pulse is looked for [rad]; the logarithm errs by less than 1e-4."""
SMALL = 1e-6
"""Square of the sine of an angle below which Boltzmann's law is its first term [1]: to a relative error of 1e-6."""
NEWTON = 6
"""Steps of Newton's method to the angle of a probability; five are enough from a barrier of ``LEAST_DELTA`` on."""
PAST = 0.75
"""How far beyond the top of the barrier an escape ends, as a share of the way to where the energy is that of the start
[1]: with a barrier above 20 k_B T one in 1e5 comes back from there."""


class SwitchingError(ValueError):
    """A junction or a number that the laws of switching are not made for."""


@dataclass(frozen=True)
class Reduced:
    """A junction under a current in reduced units.

    Attributes:
        delta: energy barrier over k_B T [1].
        drive: current against the state over the critical one [1].
        unit: damping time [s].
    """

    delta: float
    drive: float
    unit: float


def reduced(junction: Junction, current: float) -> Reduced:
    """A junction under a constant current against its state [A].

    Raises:
        SwitchingError: it is not axisymmetric, its torque depends on its state, or it hardly has two states.
    """
    if not junction.axisymmetric:
        raise SwitchingError("a junction with a heavy metal or an in-plane field is not axisymmetric: no law of STT")
    if junction.asymmetry:
        raise SwitchingError(f"asymmetry={junction.asymmetry!r}: the laws are of a torque that is the same all the way")
    if junction.delta < LEAST_DELTA:
        raise SwitchingError(f"delta={junction.delta:.3g} at {junction.temp:g} K is below {LEAST_DELTA:g}: no memory")
    return Reduced(junction.delta, current / junction.critical_current("p"), junction.damping_time)


def _exponent(delta: float, square: np.ndarray) -> np.ndarray:
    """``-log`` of the probability that Boltzmann's law leaves an angle's sine beyond a square root [1]."""
    root = math.sqrt(delta)
    first = root / (2 * special.dawsn(root))  # slope at the pole
    m = np.sqrt(1 - square)
    with np.errstate(divide="ignore"):
        whole = delta * square - np.log(special.dawsn(root * m) / special.dawsn(root))
    return np.where(square < SMALL, first * square, whole)


def within(delta: float, angle: np.ndarray) -> np.ndarray:
    """Probability [1] that a state at rest lies within a polar angle [rad], by Boltzmann's law over its hemisphere.

    Exact: ``1 - exp(-delta sin^2) F(sqrt(delta) cos) / F(sqrt(delta))`` with Dawson's integral F.
    """
    return -np.expm1(-_exponent(delta, np.sin(np.minimum(angle, math.pi / 2)) ** 2))


def boltzmann_angle(delta: float, exponential: np.ndarray) -> np.ndarray:
    """Angle [rad] beyond which a state at rest lies with the probability ``exp(-exponential)``: the inverse of
    :func:`within` by Newton's method.
    """
    root = math.sqrt(delta)
    square = np.minimum(exponential * 2 * special.dawsn(root) / root, 0.999)
    for _ in range(NEWTON):
        m = np.sqrt(1 - square)
        step = (_exponent(delta, square) - exponential) * 2 * m * special.dawsn(root * m) / root
        square = np.clip(square - step, square / 2, (1 + square) / 2)
    return np.arcsin(np.sqrt(square))


def rayleigh_angle(delta: float, exponential: np.ndarray) -> np.ndarray:
    """The same by the law of small angles, which the simulator draws from."""
    return np.minimum(np.sqrt(exponential / delta), math.pi / 2)


def delay_moments(delta: float, drive: float, start: Callable) -> tuple[float, float]:
    """Mean and standard deviation [1] of the time to the equator from initial angles alone; NaN up to a drive of 1.

    Args:
        start: law of the angle, :func:`boltzmann_angle` or :func:`rayleigh_angle`.
    """
    if drive <= 1:
        return math.nan, math.nan
    e = np.exp(LOGARITHMS)
    times, weight = travel_time(drive, start(delta, e)), e * np.exp(-e) * (LOGARITHMS[1] - LOGARITHMS[0])
    mean = float((weight * times).sum())
    return mean, math.sqrt(float((weight * (times - mean) ** 2).sum()))


def delay_quantile(delta: float, drive: float, probability: np.ndarray, start: Callable) -> np.ndarray:
    """Times [1] by which a share of initial angles has come to the equator; NaN up to a drive of 1."""
    if drive <= 1:
        return np.full(np.shape(probability), math.nan)
    return travel_time(drive, start(delta, -np.log(probability)))


def spread_limit(drive: float) -> float:
    """Angle [rad] to which a small one grows by ``exp((drive - 1) t)`` until the macrospin is at the equator.

    What the equation of motion bends is in it: 2 at high drive, where it turns as ``tan(angle / 2)``. From Sun's
    integral for a small angle.
    """
    return 2 ** (drive / (drive + 1)) * ((drive - 1) / drive) ** (1 / (drive + 1))


def unswitched_by_angle(delta: float, drive: float, times: np.ndarray) -> np.ndarray:
    """Probability [1] that initial angles alone leave a pulse of a width [1] without a flip; exact without noise."""
    travel = travel_time(drive, ANGLES)
    if drive <= 1:
        return np.full(np.shape(times), math.nan)
    return within(delta, np.exp(np.interp(-np.asarray(times), -travel, np.log(ANGLES))))


def unswitched(delta: float, drive: float, times: np.ndarray) -> np.ndarray:
    """Probability [1] that a pulse of a width [1] does not flip, initial angle and thermal field together.

    Both act while the angle is small: its two components are normal there, of the variance
    ``(i exp(2 (i - 1) t) - 1) / (2 delta (i - 1))``, and only what stays within :func:`spread_limit` has not come to
    the equator. The form is that of Butler et al., IEEE Trans. Magn. 48, 4684, 2012, with two things added: the limit,
    where ``pi / 2`` stands if the motion is taken as linear all the way, and the first correction in 1/delta to the
    decay, ``2 (i - 1) + (3 - i)/(delta (i - 1))``. What is left out is of the order of 1/(delta (i - 1)^2): NaN below
    ``LEAST_DRIVE``.
    """
    if drive < LEAST_DRIVE:
        return np.full(np.shape(times), math.nan)
    over = drive - 1
    decay = 2 * over + (3 - drive) / (delta * over)
    return -np.expm1(-delta * over * spread_limit(drive) ** 2 / (drive * np.exp(decay * np.asarray(times)) - 1))


def passage(delta: float, drive: float, to: float) -> float:
    """Mean time [1] in which a state at rest first comes to mz = ``to``, at any drive: the double integral.

    ``2 delta int_to^1 P(mz > y) / ((1 - y^2) p(y)) ...`` with the inner integral, over the states above y, as Dawson's;
    mean first-passage time of a one-dimensional diffusion (Brown, Phys. Rev. 130, 1677, 1963), averaged over
    Boltzmann's law at rest.
    """
    root = math.sqrt(delta)
    end = special.dawsn(root * (1 - drive))

    def slope(y: float) -> float:
        inner = math.exp(delta * (1 - y) * (1 + y - 2 * drive)) * end - special.dawsn(root * (y - drive))
        started = float(within(delta, np.float64(math.acos(y)))) if y > 0 else 1.0
        return 2 * root * started * inner / ((1 - y) * (1 + y))

    points = [p for p in (drive, 0.0) if to < p < 1]
    found, _ = integrate.quad(slope, to, 1.0, points=points or None, epsrel=1e-9, limit=400)
    return found


def escape_end(drive: float) -> float:
    """mz [1] from which a state that thermal agitation has taken over its barrier does not come back."""
    return drive - PAST * (1 - drive)


def escape_rate(delta: float, drive: float) -> float:
    """Rate [1] at which thermal agitation takes a state over its barrier ``delta (1 - i)^2``, at a drive of 0 to 1.

    The law of high barriers, ``(1 - i^2)(1 - i) sqrt(delta / pi) exp(-delta (1 - i)^2)``: Brown's, Phys. Rev. 130,
    1677, 1963, with the current as a field.
    """
    return (1 - drive**2) * (1 - drive) * math.sqrt(delta / math.pi) * math.exp(-delta * (1 - drive) ** 2)
