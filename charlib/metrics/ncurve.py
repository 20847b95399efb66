"""N-curve: what it takes to lift the low node of a cell at read, and to pull its high node down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from charlib.metrics.butterfly import LOBES
from charlib.metrics.curves import between, largest_maxima, refined, root, weighted
from charlib.status import Status
from charlib.waveforms import Block, Measured, measured
from netlists.margins import diagonal


@dataclass(frozen=True)
class NCurve:
    """The N-curves of one state; every array has shape (sample,).

    Attributes:
        low, trip, high: voltage of the driven node [V] in the state, where the cell trips and in the other state: the
            curve's zero crossings A, B and C; NaN where there is none.
        peak, trough: largest and smallest current into the node between them [A]: the curve's extrema, with their
            sign also where they have crossed zero; NaN where there is none.
        first, last: voltage of the driven node at the ends of the sweep [V].
    """

    low: np.ndarray
    trip: np.ndarray
    high: np.ndarray
    peak: np.ndarray
    trough: np.ndarray
    first: np.ndarray
    last: np.ndarray


def n_curves(difference: np.ndarray, driven: np.ndarray, current: np.ndarray) -> NCurve:
    """Crossings and extrema of N-curves.

    Args:
        difference: driven node less the other node [V], shape (point,), increasing, 0 in the middle.
        driven: voltage of the driven node [V], shape (sample, point).
        current: from the source into it [A], same shape.
    """
    fine, neighbours, to_value, to_slope = refined(tuple(difference.tolist()))
    v, dv, i, di = (
        weighted(np.ascontiguousarray(wave.T), neighbours, weights)
        for wave in (driven, current)
        for weights in (to_value, to_slope)
    )
    steps = np.diff(fine)[:, None]
    rising, falling = (i[:-1] < 0) & (i[1:] >= 0), (i[:-1] >= 0) & (i[1:] < 0)

    def crossing(hit: np.ndarray, last: bool = False) -> np.ndarray:
        at = (len(hit) - 1 - hit[::-1].argmax(axis=0) if last else hit.argmax(axis=0))[None]
        ends = [np.take_along_axis(a, at + k, axis=0)[0] for a in (v, dv, i, di) for k in (0, 1)]
        h = steps[at[0], 0]
        v0, v1, dv0, dv1, i0, i1, di0, di1 = ends
        t = root(lambda t: between(i0, i1, (di0 * h, di1 * h), t), np.zeros_like(h), np.ones_like(h))
        return np.where(hit.any(axis=0), between(v0, v1, (dv0 * h, dv1 * h), t), np.nan)

    extrema = largest_maxima(difference, np.ascontiguousarray(current.T))
    trips = falling.any(axis=0)
    lower = fine[:-1, None] < 0
    return NCurve(
        # Without a trip point one state is left: the one on whose side the nodes are.
        low=crossing(rising & (lower | trips)),
        trip=crossing(falling),
        high=crossing(rising & (~lower | trips), last=True),
        peak=extrema[:, 0],
        trough=-extrema[:, 1],
        first=driven[:, 0],
        last=driven[:, -1],
    )


def _lobes(block: Block) -> list[NCurve]:
    places = diagonal(block.values["vdd"])
    return [n_curves(places, block[f"driven_{state}"], -block[f"e{state}#branch"]) for state in LOBES]


def _measured(columns: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]) -> Measured:
    """From each lobe's values, whether it is beyond its low or high bound, and the bound."""
    values, low, high, bound = (np.stack(parts, axis=1) for parts in zip(*columns, strict=True))
    missing = np.isnan(values)
    return measured(
        values, ((missing & low, Status.censored_low, bound), (missing & high, Status.censored_high, bound))
    )


def svnm(block: Block) -> Measured:
    """Static voltage noise margin [V]: from the low node at read up to the trip point, shape (sample, lobe).

    Lobe ``qb`` from the sweep of Q. A state that does not exist is ``censored_low`` at 0, a cell with that state
    alone ``censored_high`` at the end of the sweep.
    """
    columns = []
    for n in _lobes(block):
        lost = np.isnan(n.low)
        columns.append((n.trip - n.low, lost, ~lost, np.where(lost, 0.0, n.last - n.low)))
    return _measured(columns)


def sinm(block: Block) -> Measured:
    """Static current noise margin [A]: the largest current into the low node on its way to the trip point.

    Shape (sample, lobe). Negative where the state is lost; censored at 0 where the extremum itself has vanished.
    """
    return _measured([(n.peak, np.isnan(n.low), ~np.isnan(n.low), np.zeros_like(n.peak)) for n in _lobes(block)])


def wtv(block: Block) -> Measured:
    """Write trip voltage [V]: from the high node at read down to the trip point, per written state.

    Lobe ``qb`` from the sweep of Q, which is high before ``qb`` is written. Where the state that is to be overwritten
    does not exist ``censored_low`` at 0, where it is the only one ``censored_high`` at the end of the sweep.
    """
    columns = []
    for n in _lobes(block):
        lost = np.isnan(n.high)
        columns.append((n.high - n.trip, lost, ~lost, np.where(lost, 0.0, n.high - n.first)))
    return _measured(columns)


def wti(block: Block) -> Measured:
    """Write trip current [A]: the largest current out of the high node on its way to the trip point, per written state.

    Negative where the state that is to be overwritten is lost at read; censored at 0 where the extremum has vanished.
    """
    return _measured([(-n.trough, np.isnan(n.high), ~np.isnan(n.high), np.zeros_like(n.peak)) for n in _lobes(block)])
