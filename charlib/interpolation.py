"""Monotone cubics over grids: one interpolation for all tables, exact on the grid, never beyond it.

Slopes at the grid's points are limited so that monotone numbers stay monotone along every line of the grid. Along
supply, temperature and offsets they are those of the polynomial through the five nearest points (Hyman, SIAM J. Sci.
Stat. Comput. 4, 1983, with the limit of Fritsch and Carlson, SIAM J. Numer. Anal. 17, 1980), along straight axes,
whose points lie in ratios, weighted harmonic means of the secants (PCHIP: Fritsch and Butland, SIAM J. Sci. Stat.
Comput. 5, 1984). Between the lines lies the tensor product of the cubics, which has its gradient in closed form.
docs/lookup-tables.md has the errors that chose them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

NEAR = 1e-9
"""Distance from a point of the grid, in its cell's width [1], that is taken as rounding: -40 degC is 233.15 K or
233.14999999999998 K."""
STENCIL = 5
"""Points that a slope is made of."""
CHUNK = 16_384
"""Numbers handled at a time, so that they stay in a processor's cache; each is computed alone, in any company."""


def slopes(grid: np.ndarray, values: np.ndarray, straight: bool) -> np.ndarray:
    """Slopes at the points of a grid, 0 at an extremum, at most three times the smaller secant beside the point.

    A point with others without a number near takes the smaller of the secants that there are.

    Args:
        grid: rising, shape (point,). values: shape (point, ...); NaN is no number. straight: by secants, not by
            polynomials.

    Returns:
        Same shape as ``values``; 0 where there is nothing to go by.
    """
    width = np.diff(grid).reshape(-1, *[1] * (values.ndim - 1))
    secant = np.diff(values, axis=0) / width
    left, right = np.concatenate([secant[:1], secant]), np.concatenate([secant, secant[-1:]])
    left, right = np.where(np.isnan(left), right, left), np.where(np.isnan(right), left, right)
    smaller = np.where(left * right > 0, np.sign(left) * np.minimum(np.abs(left), np.abs(right)), 0.0)
    found = _harmonic(width, secant) if straight else _polynomial(grid, values)
    found = np.where(np.isnan(found), smaller, found)
    limited = np.sign(smaller) * np.minimum(np.abs(found), 3 * np.abs(smaller))
    return np.where(found * smaller > 0, limited, 0.0)


def _harmonic(width: np.ndarray, secant: np.ndarray) -> np.ndarray:
    """Weighted harmonic means of the secants beside each point; at the ends the derivative of the parabola there."""
    if len(secant) == 1:
        return np.concatenate([secant, secant])
    a, b, ha, hb = secant[:-1], secant[1:], width[:-1], width[1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = 3 * (ha + hb) / ((ha + 2 * hb) / a + (2 * ha + hb) / b)
    ends = [((2 * h + g) * s - h * t) / (h + g) for h, g, s, t in
            ((width[0], width[1], secant[0], secant[1]), (width[-1], width[-2], secant[-1], secant[-2]))]  # fmt: skip
    return np.concatenate([ends[:1], mean, ends[1:]])


def _polynomial(grid: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Derivatives of the polynomials through the nearest points."""
    found = np.empty(values.shape)
    for i, point in enumerate(grid):
        near = _nearest(len(grid), i)
        found[i] = sum(weight * values[j] for j, weight in zip(near, _derivative(grid[near], point), strict=True))
    return found


def _nearest(count: int, i: int) -> np.ndarray:
    """The points, ``STENCIL`` at most, that a slope at point ``i`` of ``count`` is made of."""
    width = min(STENCIL, count)
    return np.arange(width) + min(max(i - width // 2, 0), count - width)


def _derivative(points: np.ndarray, at: float) -> list[float]:
    """Weight of the number at each point in the derivative, at one of them, of the polynomial through all of them."""

    def away(x: float, *without: float) -> np.ndarray:
        return np.array([x - p for p in points if p not in without])

    return [float((1 / away(at, at)).sum() if p == at else away(at, at, p).prod() / away(p, p).prod()) for p in points]


@dataclass(frozen=True)
class _Cells:
    """Where queries lie along one axis: the cell's left point, the cell's width, and the place in it from 0 to 1."""

    left: np.ndarray
    width: np.ndarray
    place: np.ndarray

    @classmethod
    def of(cls, grid: np.ndarray, values: np.ndarray) -> _Cells:
        left = np.clip(np.searchsorted(grid, values, side="right") - 1, 0, len(grid) - 2)
        width = grid[left + 1] - grid[left]
        place = np.clip((values - grid[left]) / width, 0.0, 1.0)
        return cls(left, width, np.where(place < NEAR, 0.0, np.where(place > 1 - NEAR, 1.0, place)))

    def weights(self, derivative: bool) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Of the left and right value, and of the left and right slope, in a cubic or in its derivative."""
        t, h = self.place, self.width
        if derivative:
            steep = 6 * t * (1 - t) / h
            return (-steep, steep), ((1 - t) * (1 - 3 * t), t * (3 * t - 2))
        right = t * t * (3 - 2 * t)
        return (1 - right, right), (h * t * (1 - t) ** 2, h * t * t * (t - 1))


@dataclass(frozen=True)
class Surface:
    """Cubics through numbers on a grid.

    Attributes:
        grids: points of each axis, rising, two or more. values: shape (point, ..., *batch); NaN is no number and
            is taken as 0, see :meth:`touching`. straight: how slopes are found along each axis.
    """

    grids: tuple[np.ndarray, ...]
    values: np.ndarray
    straight: tuple[bool, ...]

    @cached_property
    def _coefficients(self) -> list[np.ndarray]:
        """Numbers and slopes, shape (node, *batch); bit ``i`` of the place in the list: slope along axis ``i``."""
        found = [self.values]
        for axis, (grid, straight) in enumerate(zip(self.grids, self.straight, strict=True)):
            found += [np.moveaxis(slopes(grid, np.moveaxis(c, axis, 0), straight), 0, axis) for c in found]
        return [np.nan_to_num(c).reshape(-1, *self.batch) for c in found]

    @property
    def batch(self) -> tuple[int, ...]:
        """Shape of what there is at each node."""
        return self.values.shape[len(self.grids) :]

    def at(self, cells: Sequence[_Cells], along: int | None = None) -> np.ndarray:
        """Numbers at queries, or their derivative along an axis, shape (query, *batch)."""
        weights = [cell.weights(axis == along) for axis, cell in enumerate(cells)]
        return self._sum(cells, weights, 0, 0, 0)

    def _sum(self, cells: Sequence[_Cells], weights: list, axis: int, which: int, node: np.ndarray | int) -> np.ndarray:
        """Terms of the tensor product from one axis on, for one coefficient and one corner of those before."""
        if axis == len(cells):
            return self._coefficients[which][node]
        length, total = len(self.grids[axis]), 0.0
        for slope, side in product((0, 1), (0, 1)):
            weight = weights[axis][slope][side].reshape(-1, *[1] * len(self.batch))
            corner = node * length + cells[axis].left + side
            total = total + weight * self._sum(cells, weights, axis + 1, which | slope << axis, corner)
        return total

    def touching(self, marked: np.ndarray, cells: Sequence[_Cells]) -> np.ndarray:
        """True for queries that need a marked node: a corner of their cell, or the node that they are on.

        Args:
            marked: bool, of the shape of ``values``.

        Returns:
            Shape (query, *batch), or (1, *batch) where there is one node.
        """
        flat, found = marked.reshape(-1, *self.batch), np.zeros((1, *self.batch), dtype=bool)
        for corner in product((0, 1), repeat=len(cells)):
            node, needed = np.zeros(1, dtype=int), np.ones(1, dtype=bool)
            for cell, side, grid in zip(cells, corner, self.grids, strict=True):
                node = node * len(grid) + cell.left + side
                needed = needed & ((cell.place > 0) if side else (cell.place < 1))
            found = found | (flat[node] & needed.reshape(-1, *[1] * len(self.batch)))
        return found


@dataclass(frozen=True)
class Field:
    """A quantity over the axes of a table.

    Attributes:
        grids: points of each axis; an axis of one point is none. values: shape (point, ..., *batch).
        logarithm: the logarithm is interpolated. straight: of each axis, whether the quantity is near a straight line
            along it, as delay is over rows: a logarithm is then taken at the axis' first point only, and the ratio
            to it is interpolated as it is.
    """

    grids: tuple[np.ndarray, ...]
    values: np.ndarray
    logarithm: bool
    straight: tuple[bool, ...]

    @property
    def batch(self) -> tuple[int, ...]:
        """Shape of what there is at each node."""
        return self.values.shape[len(self.grids) :]

    @cached_property
    def _axes(self) -> list[int]:
        return [axis for axis, grid in enumerate(self.grids) if len(grid) > 1]

    @cached_property
    def _bent(self) -> list[int]:
        return [axis for axis in self._axes if not self.straight[axis]]

    def _over(self, axes: Sequence[int], values: np.ndarray) -> Surface:
        """A surface over some axes, ``values`` having one point along the others."""
        shape = [len(self.grids[axis]) for axis in axes]
        grids, straight = (tuple(of[axis] for axis in axes) for of in (self.grids, self.straight))
        return Surface(grids, values.reshape((*shape, *self.batch)), straight)

    @property
    def _first(self) -> tuple[slice, ...]:
        return tuple(slice(0, 1) if straight else slice(None) for straight in self.straight)

    @cached_property
    def _whole(self) -> Surface:
        """All of it: the numbers, or their ratio to the first ones along straight axes."""
        return self._over(self._axes, self.values / self.values[self._first] if self.logarithm else self.values)

    @cached_property
    def _logarithms(self) -> Surface:
        return self._over(self._bent, np.log(self.values[self._first]))

    def at(self, points: Sequence[np.ndarray], along: int | None = None) -> np.ndarray:
        """Numbers at queries, or their derivative; without sense where :meth:`void` is true.

        Args:
            points: along each axis, inside the grid, shape (query,). along: axis of the derivative, of two points or
                more; None: the numbers.

        Returns:
            Shape (query, *batch).
        """
        found = np.empty((len(points[0]), *self.batch))
        step = max(1, CHUNK // max(1, int(np.prod(self.batch))))
        for start in range(0, len(found), step):
            part = slice(start, start + step)
            found[part] = self._at(
                {axis: _Cells.of(self.grids[axis], points[axis][part]) for axis in self._axes}, along
            )
        return found

    def _at(self, cells: Mapping[int, _Cells], along: int | None) -> np.ndarray:
        """Numbers or derivatives at one part of the queries, whose cells are told by axis."""
        whole, bent = list(cells.values()), [cells[axis] for axis in self._bent]
        if not self.logarithm:
            return self._whole.at(whole, None if along is None else self._axes.index(along))
        lines = len(bent) < len(whole)
        level, ratio = np.exp(self._logarithms.at(bent)), self._whole.at(whole) if lines else 1.0
        if along is None:
            return self._exact(whole, level * ratio)
        rate = self._logarithms.at(bent, self._bent.index(along)) if along in self._bent else 0.0
        return level * (rate * ratio + (self._whole.at(whole, self._axes.index(along)) if lines else 0.0))

    def _exact(self, cells: Sequence[_Cells], found: np.ndarray) -> np.ndarray:
        """The stored number where a query is on a node: a logarithm and back would round it."""
        node, on = self._nodes(cells)
        if not on.any():
            return found
        stored = self.values.reshape(-1, *self.batch)[node]
        return np.where(on.reshape(-1, *[1] * len(self.batch)), stored, found)

    def _nodes(self, cells: Sequence[_Cells]) -> tuple[np.ndarray, np.ndarray]:
        """The node that each query is on, and whether it is on one."""
        node, on = np.zeros(1, dtype=int), np.array([True])
        for cell, grid in zip(cells, self._whole.grids, strict=True):
            node = node * len(grid) + cell.left + (cell.place == 1)
            on = on & ((cell.place == 0) | (cell.place == 1))
        return node, on

    def void(self, points: Sequence[np.ndarray], marked: np.ndarray | None = None) -> np.ndarray:
        """True for queries that need a node that is marked, or if none is said to be, one without a number.

        Args:
            points: as of :meth:`at`. marked: bool, of the shape of ``values``.

        Returns:
            Shape (query, *batch).
        """
        marked = np.isnan(self.values) if marked is None else marked
        found = np.zeros((len(points[0]), *self.batch), dtype=bool)
        if not marked.any():
            return found
        cells = [_Cells.of(self.grids[axis], points[axis]) for axis in self._axes]
        found |= self._whole.touching(marked, cells)
        if self.logarithm:  # away from the nodes, the first point along straight axes is needed as well
            away = ~self._nodes(cells)[1].reshape(-1, *[1] * len(self.batch))
            found |= away & self._whole.touching(np.broadcast_to(marked[self._first], marked.shape), cells)
        return found


@dataclass(frozen=True)
class LeftOut:
    """Largest relative deviation [1] of an interpolation without one inner point, from the number left out; and where.

    With no inner point, or no number to compare, both are NaN.
    """

    error: float = np.nan
    at: float = np.nan


def left_out(field: Field, axis: int) -> LeftOut:
    """Inner points of one axis left out in turn.

    The gaps are twice as wide as the table's, so that its own error between points is smaller, as a rule by far.
    """
    worst, grid = LeftOut(), field.grids[axis]
    for i in range(1, len(grid) - 1):
        grids = tuple(np.delete(g, i) if a == axis else g for a, g in enumerate(field.grids))
        fewer = Field(grids, np.delete(field.values, i, axis), field.logarithm, field.straight)
        places = [grid[i : i + 1] if a == axis else g for a, g in enumerate(field.grids)]
        points = [part.ravel() for part in np.meshgrid(*places, indexing="ij")]
        known = np.take(field.values, [i], axis).reshape(len(points[0]), *field.values.shape[len(field.grids) :])
        known = np.where((known == 0) | fewer.void(points), np.nan, known)
        deviation = np.abs(fewer.at(points) / known - 1.0)
        error = np.nan if np.isnan(deviation).all() else float(np.nanmax(deviation))
        if not error <= worst.error and not np.isnan(error):
            worst = LeftOut(error, float(grid[i]))
    return worst
