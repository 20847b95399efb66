"""Compiled kernels: currents read from tables, and Newton's method for every sample by itself.

A sample's numbers depend on that sample alone, so they are the same in any company and on any number of threads.
"""

from __future__ import annotations

import numpy as np
from numba import njit

FREE = {"contract", "reassoc", "arcp"}
"""What the compiler may do to sums, products and quotients; it does the same for every sample."""
STEPS = 60
"""Steps of a solution at most; Newton's method takes two or three, halvings of a volt to rounding some fifty."""
LEVELS = -0.25, 1.5
"""Levels that a storage node does not leave, as shares of the one where it starts high [1]."""
CLOSE, CURVE_CLOSE = 1e-5, 4e-4
"""Newton step after which a solution is taken without another look [V]: of a cell at rest, whose currents follow, and
of a half cell's curve. What is left goes by its square: a nanovolt, and half a microvolt of a margin of predictive28.
"""


@njit(inline="always")
def _place(x, start, step, count):
    """Interval of a grid that holds ``x``, as its left point, and the place in it from 0 to 1."""
    at = (x - start) / step
    k = min(max(int(at), 1), int(count) - 3)
    return k, at - k


@njit(inline="always")
def _column(x, axes):
    """First coefficient but one of the columns' interval that holds ``x``, and the place in it."""
    j, t = _place(x, axes[3], axes[4], axes[5])
    if j >= int(axes[9]):
        j += 3
    return j, t


@njit(inline="always")
def _basis(t):
    """Values of the four cubic B-splines on an interval at place ``t``."""
    u = 1.0 - t
    return (
        u * u * u / 6.0,
        (3.0 * t * t * (t - 2.0) + 4.0) / 6.0,
        (3.0 * u * u * (u - 2.0) + 4.0) / 6.0,
        t * t * t / 6.0,
    )


@njit(inline="always")
def _slopes(t):
    """Derivatives of the four by place."""
    u = 1.0 - t
    return -0.5 * u * u, t * (1.5 * t - 2.0), -u * (1.5 * u - 2.0), 0.5 * t * t


@njit(cache=True, nogil=True, fastmath=FREE)
def _cubic(x, start, step, count):
    """First of four numbers of a grid and their weights: the cubic through them at ``x``."""
    at = (x - start) / step
    k = min(max(int(at) - 1, 0), int(count) - 4)
    t = at - k
    a, b, c, d = t, t - 1.0, t - 2.0, t - 3.0
    return k, -b * c * d / 6.0, a * c * d / 2.0, -a * b * d / 2.0, a * b * c / 6.0


@njit(cache=True, nogil=True, fastmath=FREE)
def weights(axes, varied):
    """Which of a table's variations make up a transistor's, and their weights.

    Args:
        axes: of the table, see :func:`current`.
        varied: its |Vth| shift [V] and the deviation of its further parameter.

    Returns:
        First of four shifts and their weights; distance to those of the next deviation; weights of all deviations, of
        the polynomial through them.
    """
    k, l0, l1, l2, l3 = _cubic(varied[0], axes[6], axes[7], axes[8])
    deviations = axes[10:]
    shares = np.ones(deviations.size)
    for m in range(deviations.size):
        for n in range(deviations.size):
            if n != m:
                shares[m] *= (varied[1] - deviations[n]) / (deviations[m] - deviations[n])
    return k, l0, l1, l2, l3, int(axes[8]), shares


@njit(cache=True, nogil=True, fastmath=FREE)
def _mixed(table, i, j, at, out):
    """Coefficients of a transistor from those of a table's variations: four rows from ``i`` on, columns from ``j`` on.

    Args:
        at: of :func:`weights`. out: where they go, shape (4, column).
    """
    k, l0, l1, l2, l3, width, shares = at
    columns = out.shape[1]
    out[:] = 0.0
    for share in shares:
        x = table[i : i + 4, j : j + columns, k : k + 4]  # indices from 0 on need no look at their sign
        for m in range(4):
            for n in range(columns):
                out[m, n] += share * (l0 * x[m, n, 0] + l1 * x[m, n, 1] + l2 * x[m, n, 2] + l3 * x[m, n, 3])
        k += width


@njit(cache=True, nogil=True)
def patches(count):
    """Memory for what :func:`current` last read of each of some transistors: coefficients and where they are from."""
    return np.empty((count, 4, 4)), np.full((count, 2), -1)


@njit(cache=True, nogil=True, fastmath=FREE)
def current(table, axes, row, column, at, patch, k):
    """Current from a table and its derivatives by row and column.

    Args:
        table: coefficients, shape (row, column, variation): all shifts of the first deviation first.
        axes: start, step and count of rows, columns and shifts, the column where a second spline begins, then the
            further parameter's deviations, a single 0 where there is no such axis.
        at: of :func:`weights`.
        patch, k: of :func:`patches`, and which of them: of a transistor with one ``at``. Newton's steps mostly stay on
            one patch of the spline, whose coefficients are then at hand.
    """
    i, s = _place(row, axes[0], axes[1], axes[2])
    j, t = _column(column, axes)
    c, place = patch[0][k], patch[1][k]
    if place[0] != i or place[1] != j:
        place[0], place[1] = i, j
        _mixed(table, i - 1, j - 1, at, c)
    p0, p1, p2, p3 = _basis(t)
    q0, q1, q2, q3 = _slopes(t)
    b = _basis(s)
    d = _slopes(s)
    value = by_row = by_column = 0.0
    for m in range(4):
        along = p0 * c[m, 0] + p1 * c[m, 1] + p2 * c[m, 2] + p3 * c[m, 3]
        value += b[m] * along
        by_row += d[m] * along
        by_column += b[m] * (q0 * c[m, 0] + q1 * c[m, 1] + q2 * c[m, 2] + q3 * c[m, 3])
    return value, by_row / axes[1], by_column / axes[4]


@njit(cache=True, nogil=True, fastmath=FREE)
def _along(table, axes, row, at, low, high, out):
    """Coefficients over the columns from ``low`` to ``high`` [V] at one row and variation, into ``out``.

    What a fixed gate leaves of a table.

    Args:
        out: shape (5, column), of which the last row has the coefficients.
    """
    i, s = _place(row, axes[0], axes[1], axes[2])
    first, end = _column(low, axes)[0] - 1, _column(high, axes)[0] + 3
    x, line = out[:4, first:end], out[4, first:end]
    _mixed(table, i - 1, first, at, x)
    b0, b1, b2, b3 = _basis(s)
    for n in range(end - first):
        line[n] = b0 * x[0, n] + b1 * x[1, n] + b2 * x[2, n] + b3 * x[3, n]


@njit(cache=True, nogil=True, fastmath=FREE)
def _on_line(line, axes, column):
    """Value of a spline over the columns, and its derivative."""
    j, t = _column(column, axes)
    p0, p1, p2, p3 = _basis(t)
    q0, q1, q2, q3 = _slopes(t)
    x, y, z, w = line[j - 1], line[j], line[j + 1], line[j + 2]
    return p0 * x + p1 * y + p2 * z + p3 * w, (q0 * x + q1 * y + q2 * z + q3 * w) / axes[4]


@njit(cache=True, nogil=True, fastmath=FREE)
def _three(axes, varied):
    """:func:`weights` of ``pd pu pg``, each by the axes of its table; ``varied`` of shape (2, 3)."""
    return weights(axes[0], varied[:, 0]), weights(axes[1], varied[:, 1]), weights(axes[2], varied[:, 2])


@njit(cache=True, nogil=True, fastmath=FREE)
def half_cells(pd, pd_axes, pu, pu_axes, pg, pg_axes, levels, limits, ahead, varied):
    """Output of half cells whose input is a given voltage above it.

    Args:
        pd, pu, pg: tables of the transistors, see :func:`current`, and their axes.
        levels: of word line and supply [V]. limits: between which the output lies [V].
        ahead: input less output [V], shape (point,).
        varied: |Vth| shift [V] and deviation of the further parameter of ``pd pu pg``, shape (sample, 2, 3).

    Returns:
        Output [V], shape (sample, point); NaN where it is not found.
    """
    wordline, vdd = levels
    samples, points = varied.shape[0], ahead.size
    found = np.full((samples, points), np.nan)
    for n in range(samples):
        line, patch = np.empty((5, pg.shape[1])), patches(2)
        on_pd, on_pu, on_pg = varied[n, 0]
        at_pd, at_pu, at_pg = _three((pd_axes, pu_axes, pg_axes), varied[n])
        _along(pg, pg_axes, wordline - on_pg, at_pg, limits[0], limits[1], line)
        slope, bend, jerk, x = 0.0, 0.0, 0.0, 0.5 * vdd
        last = x
        for p in range(points):
            low, high = limits
            if p:
                step = ahead[p] - ahead[p - 1]
                x = min(max(x + step * (slope + step * (bend / 2 + step * jerk / 6)), low), high)
            for _ in range(STEPS):
                gate = x + ahead[p]
                i1, g1, d1 = current(pd, pd_axes, gate - on_pd, x, at_pd, patch, 0)
                i2, g2, d2 = current(pu, pu_axes, gate - vdd + on_pu, x - vdd, at_pu, patch, 1)
                i3, d3 = _on_line(line[4], pg_axes, x)
                total, steep = i1 + i2 + i3, g1 + g2 + d1 + d2 + d3
                if total < 0:
                    low = x
                else:
                    high = x
                move = -total / steep
                to = x + move
                if not low <= to <= high:
                    to = 0.5 * (low + high)
                    move = to - x
                x = to
                if abs(move) < CURVE_CLOSE:
                    found[n, p] = x
                    break
            new = -(g1 + g2) / steep
            if p:  # of the cubic through the last two points and their slopes
                step = ahead[p] - ahead[p - 1]
                rise = (x - last) / step
                bend = (2 * slope + 4 * new - 6 * rise) / step
                jerk = 6 * (slope + new - 2 * rise) / step**2
            slope, last = new, x
    return found


@njit(cache=True, nogil=True, fastmath=FREE)
def _node(pd, pd_axes, pu, pu_axes, pg, pg_axes, gate, out, supply, at_pg, shifts, at, patch, k):
    """Current [A] into a half cell's three transistors at its output, with derivatives [S].

    Args:
        pd, pu, pg: tables of one terminal each. at_pg: row and column of the pass gate's table [V].
        shifts, at: of ``pd pu pg`` [V], and their :func:`weights`. patch, k: see :func:`current`, of the first.

    Returns:
        Current, and its derivatives by gate, by output, by supply and by the pass gate's row.
    """
    i1, g1, d1 = current(pd, pd_axes, gate - shifts[0], out, at[0], patch, k)
    i2, g2, d2 = current(pu, pu_axes, gate - supply + shifts[1], out - supply, at[1], patch, k + 1)
    i3, r3, d3 = current(pg, pg_axes, at_pg[0], at_pg[1], at[2], patch, k + 2)
    return i1 + i2 + i3, g1 + g2, d1 + d2 + d3, -(g2 + d2), r3


@njit(cache=True, nogil=True, fastmath=FREE)
def _gates(pd, pd_axes, pu, pu_axes, gate, out, supply, shifts, at, patch, k):
    """Current into the gates of a half cell's inverter; returns as :func:`_node`, without the row."""
    i1, g1, d1 = current(pd, pd_axes, gate - shifts[0], out, at[0], patch, k)
    i2, g2, d2 = current(pu, pu_axes, gate - supply + shifts[1], out - supply, at[1], patch, k + 1)
    return i1 + i2, g1 + g2, d1 + d2, -(g2 + d2)


@njit(cache=True, nogil=True, fastmath=FREE)
def _cell(tables, axes, wiring, leaky, q, qb, line, shifts, at_l, at_r, patch):
    """Currents into the devices at both storage nodes and their derivatives.

    Args:
        tables: ``pd pu`` by drain and gate, then the pass gates of left and right by storage node.
        axes: of ``pd pu`` and of either pass gate.
        wiring: of either pass gate, row of its table as ``[0] + [1] line + [2] shift``, column as output ``+ [3]
            shift``; supply ``[4] + [5] line``.
        leaky: whether gates draw current.
        shifts: of the six, the left half first [V]. patch: of :func:`patches`, ten.

    Returns:
        At ``q``: current [A], derivatives by q, qb and line [S]; the same at ``qb``.
    """
    pd, pu, pd_gate, pu_gate, pg_l, pg_r = tables
    a_pd, a_pu, a_l, a_r = axes
    supply = wiring[0, 4] + wiring[0, 5] * line
    by_l, by_r = shifts[2], shifts[5]
    at_pg_l = wiring[0, 0] + wiring[0, 1] * line + wiring[0, 2] * by_l, q + wiring[0, 3] * by_l
    at_pg_r = wiring[1, 0] + wiring[1, 1] * line + wiring[1, 2] * by_r, qb + wiring[1, 3] * by_r
    f, f_qb, f_q, f_v, f_r = _node(pd, a_pd, pu, a_pu, pg_l, a_l, qb, q, supply, at_pg_l, shifts[:3], at_l, patch, 0)
    g, g_q, g_qb, g_v, g_r = _node(pd, a_pd, pu, a_pu, pg_r, a_r, q, qb, supply, at_pg_r, shifts[3:], at_r, patch, 3)
    f_x, g_x = f_v * wiring[0, 5] + f_r * wiring[0, 1], g_v * wiring[0, 5] + g_r * wiring[1, 1]
    if leaky:
        i, i_q, i_qb, i_v = _gates(pd_gate, a_pd, pu_gate, a_pu, q, qb, supply, shifts[3:], at_r, patch, 6)
        f, f_q, f_qb, f_x = f + i, f_q + i_q, f_qb + i_qb, f_x + i_v * wiring[0, 5]
        i, i_qb, i_q, i_v = _gates(pd_gate, a_pd, pu_gate, a_pu, qb, q, supply, shifts[:3], at_l, patch, 8)
        g, g_q, g_qb, g_x = g + i, g_q + i_q, g_qb + i_qb, g_x + i_v * wiring[0, 5]
    return f, f_q, f_qb, f_x, g, g_q, g_qb, g_x


@njit(cache=True, nogil=True, fastmath=FREE)
def driven_cells(tables, axes, wiring, leaky, side, ahead, limits, varied):
    """Cells one of whose storage nodes is held at a distance from the other one.

    Args:
        tables, axes, wiring, leaky: of the cell, see :func:`_cell`; there is no line.
        side: the driven node, 0 for q and 1 for qb.
        ahead: driven node less the other [V], shape (point,). limits: between which the other one lies [V].
        varied: |Vth| shift [V] and deviation of the further parameter of the six, shape (sample, 2, 6).

    Returns:
        Driven node [V] and the current into it [A], each of shape (sample, point); NaN where they are not found.
    """
    samples, points = varied.shape[0], ahead.size
    driven, into = np.full((samples, points), np.nan), np.full((samples, points), np.nan)
    for n in range(samples):
        own = varied[n, 0]
        at_l = _three((axes[0], axes[1], axes[2]), varied[n, :, :3])
        at_r = _three((axes[0], axes[1], axes[3]), varied[n, :, 3:])
        x, slope, patch = 0.5 * (limits[0] + limits[1]), 0.0, patches(10)
        for p in range(points):
            low, high = limits
            if p:
                x = min(max(x + slope * (ahead[p] - ahead[p - 1]), low), high)
            for _ in range(STEPS):
                other, at = x, x + ahead[p]
                q, qb = (at, other) if side == 0 else (other, at)
                f, f_q, f_qb, _x, g, g_q, g_qb, _y = _cell(
                    tables, axes, wiring, leaky, q, qb, 0.0, own, at_l, at_r, patch
                )
                total, by_driven, by_other, held = (g, g_q, g_qb, f) if side == 0 else (f, f_qb, f_q, g)
                held_slope = f_q + f_qb if side == 0 else g_q + g_qb
                if total < 0:
                    low = x
                else:
                    high = x
                steep = by_driven + by_other
                move = -total / steep
                if not low <= x + move <= high:
                    move = 0.5 * (low + high) - x
                x += move
                slope = -by_driven / steep
                if abs(move) < CLOSE:
                    driven[n, p], into[n, p] = x + ahead[p], held + held_slope * move
                    break
    return driven, into


@njit(cache=True, nogil=True, fastmath=FREE)
def _answer(gain, limit, hold, origin, sign, place, apart, held):
    """Line, its derivative by how far the nodes are apart, holding current and its derivative.

    Args:
        held: the line is taken to be at its limit.
    """
    if gain == 0.0:
        return place, 0.0, 0.0, 0.0
    missing = gain * (place - apart)
    if missing < limit and not held:
        return origin + sign * missing, -sign * gain, 0.0, 0.0
    return origin + sign * limit, 0.0, hold * (missing - limit), -hold * gain


@njit(cache=True, nogil=True, fastmath=FREE)
def _pulled(tables, axes, wiring, leaky, law, state, place, q, qb, shifts, at_l, at_r, patch, held):
    """The line, then the current that each storage node needs and its derivatives by q and qb, the line following."""
    gain, limit, hold, origin, sign, _ = law
    way = 1.0 if state == 0 else -1.0
    line, by_apart, holding, by = _answer(gain, limit, hold, origin, sign, place, way * (q - qb), held)
    f, f_q, f_qb, f_x, g, g_q, g_qb, g_x = _cell(tables, axes, wiring, leaky, q, qb, line, shifts, at_l, at_r, patch)
    to = way * by_apart
    # The holding current leaves the low node for the high one.
    return (
        line, f - way * holding, f_q + f_x * to - by, f_qb - f_x * to + by,
        g + way * holding, g_q + g_x * to + by, g_qb - g_x * to - by,
    )  # fmt: skip


@njit(cache=True, nogil=True, fastmath=FREE)
def _settle(tables, axes, wiring, leaky, law, state, place, q, qb, shifts, at_l, at_r, patch, held):
    """Storage nodes by Newton's method from where they are; returns them, the line, and whether it came to rest.

    Args:
        held: the line is taken to be at its limit.
    """
    gain, limit, reach = law[0], law[1], law[5]
    way = 1.0 if state == 0 else -1.0
    line = place
    for _ in range(STEPS):
        line, f, a, b, g, c, d = _pulled(
            tables, axes, wiring, leaky, law, state, place, q, qb, shifts, at_l, at_r, patch, held
        )
        det = a * d - b * c
        if det == 0.0:
            break
        dq, dqb = -(d * f - b * g) / det, -(a * g - c * f) / det
        largest = max(abs(dq), abs(dqb))
        share = reach / largest if largest > reach else 1.0
        q, qb = q + share * dq, qb + share * dqb
        if largest < CLOSE:
            apart = way * (q - qb)
            known = not held or gain * (place - apart) >= limit
            return q, qb, _answer(*law[:5], place, apart, held)[0], known
    return q, qb, line, False


@njit(cache=True, nogil=True, fastmath=FREE)
def _carried(tables, axes, wiring, leaky, law, state, place, q, qb, low, high, shifts, at_l, at_r, patch):
    """Node q at rest between two levels with qb where it is, and the current that qb then needs."""
    g = 0.0
    for _ in range(STEPS):
        _line, f, by_q, _b, g, _c, _d = _pulled(
            tables, axes, wiring, leaky, law, state, place, q, qb, shifts, at_l, at_r, patch, True
        )
        if f < 0:
            low = q
        else:
            high = q
        move = -f / by_q
        if not low <= q + move <= high:
            move = 0.5 * (low + high) - q
        q += move
        if abs(move) < CLOSE:
            break
    return q, g


@njit(cache=True, nogil=True, fastmath=FREE)
def _fallen(tables, axes, wiring, leaky, law, state, place, q, qb, highest, shifts, at_l, at_r, patch):
    """The stable point that the nodes run to with the line at its limit: qb along its current, q with it at once.

    Where a state has just been lost Newton's method has no point to go to near by; a current that has no zero there
    still says which way.
    """
    cell = tables, axes, wiring, leaky, law, state, place
    about = shifts, at_l, at_r, patch
    low, high = LEVELS[0] * highest, LEVELS[1] * highest
    q, g = _carried(*cell, q, qb, low, high, *about)
    step = -law[5] if g > 0 else law[5]
    while low <= qb + step <= high:
        ahead, onward = _carried(*cell, q, qb + step, low, high, *about)
        if (onward > 0) == (g > 0):
            q, qb = ahead, qb + step
        else:
            step *= 0.5
            if abs(step) < CLOSE:
                break
    return q, qb


@njit(cache=True, nogil=True, fastmath=FREE)
def followed_cells(tables, axes, wiring, leaky, law, state, places, high, varied):
    """Cells in one state, followed from where it is safe along a line.

    Each place is tried from where the last two point to, then from the last one, then, with the line at its limit, from
    where the nodes run to: where the curve of the cell's states ends, the next point is there or not far away, and is
    tried from there.

    Args:
        tables, axes, wiring, leaky: of the cell, see :func:`_cell`.
        law: gain, limit, holding conductance, origin, sign and largest step of a node: the line is at origin + sign x
            min(gain x missing, limit), ``missing`` what the nodes are less apart than asked for; beyond the limit the
            conductance holds them apart. Without gain the line is at the places themselves.
        state: 0 for q, 1 for qb. places: differences asked for, or lines [V], shape (point,).
        high: where the high node starts [V].
        varied: |Vth| shift [V] and deviation of the further parameter of the six, shape (sample, 2, 6).

    Returns:
        q, qb and line [V], shape (3, sample, point); NaN from where a solution was not found.
    """
    samples, points = varied.shape[0], places.size
    found = np.full((3, samples, points), np.nan)
    for n in range(samples):
        own = varied[n, 0]
        at_l = _three((axes[0], axes[1], axes[2]), varied[n, :, :3])
        at_r = _three((axes[0], axes[1], axes[3]), varied[n, :, 3:])
        q, qb = (high, 0.0) if state == 0 else (0.0, high)
        dq, dqb, line, rest, patch = 0.0, 0.0, 0.0, False, patches(10)
        for p in range(points):
            before_q, before_qb = q, qb
            for attempt in range(4):
                if attempt < 2:
                    onward = attempt == 0 and p > 1
                    ahead = (places[p] - places[p - 1]) / (places[p - 1] - places[p - 2]) if onward else 0.0
                    q, qb = before_q + ahead * dq, before_qb + ahead * dqb
                elif attempt == 2:
                    q, qb = _fallen(
                        tables, axes, wiring, leaky, law, state, places[p], before_q, before_qb, high, own, at_l, at_r,
                        patch,
                    )  # fmt: skip
                q, qb, line, rest = _settle(
                    tables, axes, wiring, leaky, law, state, places[p], q, qb, own, at_l, at_r, patch, attempt == 2
                )
                if rest:
                    break
            if not rest:
                break
            dq, dqb = q - before_q, qb - before_qb
            found[0, n, p], found[1, n, p], found[2, n, p] = q, qb, line
    return found


@njit(cache=True, nogil=True, fastmath=FREE)
def looked_up(table, axes, row, column, by_shift, varied):
    """Currents [A] from one table at rows and columns [V], shape (sample, point), for one transistor of each sample.

    Args:
        by_shift: what of the |Vth| shift a row counts beside [1].
        varied: |Vth| shift [V] and deviation of the further parameter, shape (sample, 2).
    """
    found = np.empty(row.shape)
    for n in range(row.shape[0]):
        at, patch = weights(axes, varied[n]), patches(1)
        for p in range(row.shape[1]):
            found[n, p] = current(table, axes, row[n, p] + by_shift * varied[n, 0], column[n, p], at, patch, 0)[0]
    return found
