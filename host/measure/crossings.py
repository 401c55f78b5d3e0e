"""The instant at which a noisy waveform crosses a level, with its first-order error.

Everything here works in units of bins: bin i covers [i - 1/2, i + 1/2] and holds the mean of the
waveform over it. The estimator is a local polynomial whose window (left and right extent apart, so
it can stop at the hinge where light starts) and degree follow from the data:

* a window is admissible at degree q when the orthogonal components q-1 … q+2 are noise. Testing
  the top two orders *reported* undersmooths: what is left out is an order smaller than what was
  tested (the idea of robust bias correction: Calonico, Cattaneo and Titiunik,
  Econometrica 82, 2295, 2014). The tested components above q are independent of the estimate, so
  choosing by them does not bias it;
* of the admissible windows the one with the smallest variance at the crossing wins.

The crossing is the polynomial's root. Its derivative with respect to every bin is returned, so any
combination of crossings and levels propagates through one inner product with the bin variances.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.special import chdtri

Array = NDArray[np.float64]

# a window is summed into so many, or the next fewer
_CELLS = np.array([5, 6, 7, 8, 10, 12, 16, 24])
_FEWER = np.append(0, _CELLS)[np.searchsorted(_CELLS, np.arange(25), side="right")]
_ENDS = np.arange(_CELLS[-1] + 1)
_COARSE = 1024  # groups of bins that a pilot looks at first
_FINE_ENOUGH, _AROUND = (
    64,
    3,
)  # groups in a transition that need no closer look; around it, where one is taken
_ORDERS = 10  # Legendre orders 0..9: up to degree 7 reported, two more tested
_DEGREES = np.arange(2, _ORDERS - 2)  # that can be reported
_PARTS = 0.5 ** np.arange(6)  # of the longest extent of a window: those tried
_REJECT = 0.2  # size of the test on a window
_BACK = 0.6  # of the way from the lowest level to where a chord meets the start: what a window may reach over
_MOVED = 0.2  # of half a window, between pilot and crossing: windows are chosen anew
_STEEP = (
    6.0  # standard errors of the slope: fewer are reached by noise alone in one window or another
)


@dataclass(frozen=True, eq=False)
class Crossing:
    """A level crossing in units of bins.

    u: position (bin i spans i ± 1/2).
    slope: of the waveform there, volts per bin; d(u)/d(level) = 1/slope.
    steepness: size of the slope over its standard error; under about 6 the error is no longer linear.
    misfit: 1, or more where no window is free of misfit: factor on the standard error.
    start, weights: d(u)/d(y[start + k]) = weights[k], bins per volt.
    """

    u: float
    slope: float
    steepness: float
    misfit: float
    start: int
    weights: Array


@dataclass(frozen=True, eq=False)
class _Basis:
    """Orthonormal polynomials on equal cells of [-1, 1].

    q: (cells, orders) their means over the cells, orthonormal columns; q2: squared.
    value, slope: (orders, orders); x**[0, 1, …] @ value are the polynomials at x, likewise slope.
    """

    q: Array
    q2: Array
    value: Array
    slope: Array


@cache
def _basis(cells: int) -> _Basis:
    orders = min(_ORDERS, cells)
    edges = np.linspace(-1.0, 1.0, cells + 1)
    p = legendre.legvander(edges, orders)
    integral = np.empty((cells + 1, orders))
    integral[:, 0] = edges
    for k in range(1, orders):
        integral[:, k] = (p[:, k + 1] - p[:, k - 1]) / (2 * k + 1)
    q, r = np.linalg.qr(np.diff(integral, axis=0) * cells / 2)
    powers = np.zeros((orders, orders))
    for k in range(orders):
        powers[: k + 1, k] = legendre.leg2poly(np.eye(orders)[k])[: k + 1]
    value = powers @ np.linalg.inv(r)
    slope = np.zeros_like(value)
    slope[:-1] = value[1:] * np.arange(1, orders)[:, None]
    return _Basis(q, q * q, value, slope)


_UPTO = np.asarray(np.arange(_ORDERS)[:, None] <= _DEGREES, np.float64)  # (orders, degrees)


@cache
def _tested() -> Array:
    """(orders, degrees) over the critical value of their chi squared, 1 for the orders that are to be noise where a
    degree is reported."""
    order, first, last = np.arange(_ORDERS)[:, None], np.maximum(_DEGREES - 1, 2), _DEGREES + 2
    return np.asarray(((order >= first) & (order <= last)) / chdtri(last + 1 - first, _REJECT))


@cache
def _projection(cells: int, degree: int) -> Array:
    """(cells, degree + 1): means over the cells @ this are the coefficients of the polynomial fitted, x**0 first."""
    basis, c = _basis(cells), slice(0, degree + 1)
    return np.asarray(basis.q[:, c] @ basis.value[c, c].T)


def pilot(y: Array, levels: Array) -> Array:
    """Where the isotonic (non-decreasing) fit to y (n,) reaches each of `levels` (k,), in bins.

    nan where it stays below the level; -1, the bin before the first, where it starts above.
    """
    size = y.size // _COARSE
    if size < 2:
        return _isotonic(y, levels)
    groups = y.size // size
    coarse = _isotonic(y[: groups * size].reshape(groups, size).mean(axis=1), levels)
    at = np.where(coarse >= 0, (coarse + 0.5) * size - 0.5, coarse)
    known = coarse[np.isfinite(coarse)]
    if known.size < coarse.size or np.ptp(known) > _FINE_ENOUGH:
        return np.asarray(at)
    first = max(int((known.min() - _AROUND) * size), 0)
    last = min(int((known.max() + _AROUND + 1) * size), y.size)
    fine = _isotonic(y[first:last], levels)
    return np.asarray(np.where((fine >= 0) | (first == 0), fine + first * (fine >= 0), at))


def _isotonic(y: Array, levels: Array) -> Array:
    """As `pilot`, in one go."""
    fit = isotonic_regression(y)
    value = np.asarray(fit.x)[fit.blocks[:-1]]
    centre = (fit.blocks[:-1] + fit.blocks[1:] - 1) / 2
    at = np.full(levels.size, np.nan)
    for i, level in enumerate(levels):
        k = int(np.searchsorted(value, level))
        if k == 0:
            at[i] = -1.0
        elif k < value.size:
            # the fit jumps where two pools meet: ramp over the shorter pool's width there
            edge = fit.blocks[k] - 0.5
            reach = min(edge - centre[k - 1], centre[k] - edge)
            part = (level - value[k - 1]) / (value[k] - value[k - 1])
            at[i] = edge + reach * (2 * part - 1)
    return at


@dataclass(frozen=True, eq=False)
class Sums:
    """Running sums of a waveform, from which any window is summed in constant time."""

    y: Array
    variance: Array

    @classmethod
    def of(cls, y: Array, variance: Array) -> "Sums":
        """y (n,) V and variance (n,) V^2 -> sums (n + 1,)."""
        sums = np.zeros((2, y.size + 1))
        np.cumsum(y, out=sums[0, 1:])
        np.cumsum(variance, out=sums[1, 1:])
        return cls(sums[0], sums[1])


@dataclass(frozen=True)
class Goal:
    """What to look for: the crossing of `level`, upward (sign 1) or downward (-1), near `at` (bins), using only bins
    lo … hi-1."""

    level: float
    at: float
    lo: int
    hi: int
    sign: int = 1


@dataclass(frozen=True)
class _Window:
    """`cells` cells of `size` bins from bin `start` on, fitted by a polynomial of `degree`."""

    start: int
    size: int
    cells: int
    degree: int
    misfit: float


def _candidates(
    goals: Sequence[Goal], at: Array
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """(goals, windows) to try: starts, sizes of cells and numbers of cells."""
    most = int(_CELLS[-1])
    lo, hi = np.array([(goal.lo, goal.hi) for goal in goals]).T
    k = np.clip(np.rint(at).astype(np.intp), lo, hi - 1)
    left, right = (
        np.maximum((side[:, None] * _PARTS).astype(np.intp), 1) for side in (k - lo, hi - 1 - k)
    )
    start = np.maximum(k[:, None] - left, lo[:, None])
    end = np.minimum(k[:, None] + right + 1, hi[:, None])
    start, end = start.repeat(_PARTS.size, axis=1), np.tile(end, _PARTS.size)
    n = end - start
    size = np.maximum(np.minimum((n + most // 2) // most, (hi[:, None] - start) // most), 1)
    return start, size, _FEWER[np.minimum(n, most)]


def _judged(
    sums: Sums,
    start: NDArray[np.intp],
    size: NDArray[np.intp],
    cells: NDArray[np.intp],
    at: Array,
    sign: NDArray[np.intp],
) -> tuple[Array, Array]:
    """Of every window and degree: misfit, and variance at the crossing but for a factor that all have in common.

    start, size, cells: (goals, windows); at, sign: (goals,). Both are (goals * windows, degrees), inf where there is
    no such window, or no slope that stands clear of noise.
    """
    shape = cells.size, _DEGREES.size
    misfit, variance = np.full(shape, np.inf), np.full(shape, np.inf)
    by_cells = np.argsort(
        cells, axis=None, kind="stable"
    )  # so that those of one basis are neighbours
    by_cells = by_cells[np.count_nonzero(cells == 0) :]
    a, m, g = (each.ravel()[by_cells] for each in (start, size, cells))
    goal = by_cells // start.shape[1]
    index = a[:, None] + m[:, None] * np.minimum(_ENDS, g[:, None])
    steps, spread = np.diff(sums.y[index]), np.diff(sums.variance[index])
    half = g * m / 2
    x = (at[goal] - a + 0.5 - half) / half
    powers = np.vander(x, _ORDERS, increasing=True)
    coef, phi, dphi = np.zeros((3, g.size, _ORDERS))
    var = np.ones((g.size, _ORDERS))
    for n in np.unique(g).tolist():
        here = slice(*np.searchsorted(g, (n, n + 1)).tolist())
        basis, orders = _basis(n), min(_ORDERS, n)
        coef[here, :orders] = steps[here, :n] @ basis.q
        var[here, :orders] = spread[here, :n] @ basis.q2
        phi[here, :orders] = powers[here, :orders] @ basis.value
        dphi[here, :orders] = powers[here, :orders] @ basis.slope
    coef *= (sign[goal] / m)[:, None]
    var /= (m * m)[:, None]
    # orthonormal components have about equal variance: enough to rank windows by
    even = (spread.sum(axis=1) / (g * m * m))[:, None]
    slope, of_slope, of_value = (each @ _UPTO for each in (dphi * coef, dphi * dphi, phi * phi))
    clear = slope > _STEEP * np.sqrt(even * of_slope)
    clear &= (np.abs(x) <= 1 + 1 / half)[:, None]  # the root may lie one bin outside
    clear &= g[:, None] >= _DEGREES + 3
    misfit[by_cells] = np.where(clear, (coef**2 / var) @ _tested(), np.inf)
    variance[by_cells] = np.where(clear, even * of_value, np.inf)
    return misfit, variance


def _best_windows(sums: Sums, goals: Sequence[Goal], at: Array) -> list[_Window | None]:
    """For each goal the admissible window with the least variance; the least misfit if none is."""
    start, size, cells = _candidates(goals, at)
    misfit, variance = _judged(sums, start, size, cells, at, np.array([g.sign for g in goals]))
    flat = misfit.reshape(len(goals), -1)
    fits = flat <= 1
    rank = np.where(fits, variance.reshape(flat.shape), np.inf)
    rank = np.where(fits.any(axis=1, keepdims=True), rank, flat)
    windows: list[_Window | None] = []
    for k, choice in enumerate(rank.argmin(axis=1).tolist()):
        w, d = divmod(choice, _DEGREES.size)
        window = int(start[k, w]), int(size[k, w]), int(cells[k, w]), 2 + d
        off = float(flat[k, choice])
        windows.append(_Window(*window, max(off, 1.0) ** 0.5) if np.isfinite(off) else None)
    return windows


def crossings(sums: Sums, goals: Sequence[Goal]) -> list[Crossing | None]:
    """Of every goal; None where no window resolves it: too few bins, or the slope is lost in the noise."""
    results: list[Crossing | None] = [None] * len(goals)
    left = {k: goal.at for k, goal in enumerate(goals)}
    for _ in range(2):
        if not left:
            break
        wanted = [goals[k] for k in left]
        windows = _best_windows(sums, wanted, np.array(list(left.values())))
        moved = {}
        for k, goal, window in zip(left, wanted, windows, strict=True):
            found = window and _read(sums, goal, left[k], window)
            if not found:
                continue  # what an earlier window said stands
            results[k], far = found
            if abs(far) >= _MOVED:
                moved[k] = found[0].u
        left = moved
    return results


def _read(sums: Sums, goal: Goal, at: float, window: _Window) -> tuple[Crossing, float] | None:
    """The crossing in one window, and how far from `at` (bins) it is, in half widths of the window."""
    start, size, cells = window.start, window.size, window.cells
    ends = slice(start, start + size * cells + 1, size)
    y, variance = sums.y[ends], sums.variance[ends]
    projection = _projection(cells, window.degree)
    poly = ((y[1:] - y[:-1]) * (goal.sign / size) @ projection).tolist()
    poly[0] -= goal.sign * goal.level
    slope_poly = [k * c for k, c in enumerate(poly)][1:]
    half = cells * size / 2
    limit = 1 + 1 / half
    pilot_x = x = (at - start + 0.5 - half) / half
    for _ in range(8):
        slope = _value(slope_poly, x)
        if slope <= 0:
            return None
        step = min(max(_value(poly, x) / slope, -0.5), 0.5)
        x = min(max(x - step, -limit), limit)
        if abs(step) < 1e-9:
            break
    else:
        return None
    powers = [x**k for k in range(window.degree + 1)]
    slopes = [k * x ** (k - 1) for k in range(1, window.degree + 1)]
    w, dw = projection @ powers, projection[:, 1:] @ slopes
    steepness = slope * size / float(dw**2 @ (variance[1:] - variance[:-1])) ** 0.5
    slope *= goal.sign / half
    weights = (w / (-size * slope)).repeat(size)
    u = start - 0.5 + half + x * half
    return Crossing(u, slope, steepness, window.misfit, start, weights), x - pilot_x


def _value(poly: list[float], x: float) -> float:
    """At x, of a polynomial given by its coefficients, x**0 first."""
    value = 0.0
    for c in reversed(poly):
        value = value * x + c
    return value


@dataclass(frozen=True, eq=False)
class Transition:
    """A transition between 0 and 1, up (sign 1) or down (-1), within bins lo … hi-1, and what it passes.

    levels: (k,) in its order. at: (k,) bins, where an isotonic fit passes them; nan where it does not.
    """

    lo: int
    hi: int
    sign: int
    levels: Array
    at: Array
    goals: list[Goal]

    @classmethod
    def of(cls, z: Array, lo: int, hi: int, levels: Array, sign: int) -> "Transition":
        """z: (n,).

        Transitions start with a hinge: nothing, then a rise. A polynomial must not reach over it, and
        at low signal the noise hides a hinge a few bins away. The windows for the first half therefore
        reach back only a part of the way to where a chord meets the start.
        """
        parts = levels if sign > 0 else 1 - levels
        low = float(parts[0])
        progress = z[lo:hi] if sign > 0 else 1 - z[lo:hi]
        at = pilot(progress, np.concatenate((parts, (low + 0.2, low + 0.4)))) + lo
        at, chord_at = at[:-2], at[-2:]
        if np.isnan(at[-1]):
            return cls(lo, hi, sign, levels, at, [])
        begin, end = float(at[0]), float(at[-1])
        chord = float(np.max((chord_at - begin) / (0.2, 0.4)))
        back = max(int(np.floor(begin - _BACK * low * chord)), lo)
        stop = min(int(np.ceil(end)) + 1, hi)
        reach = min(int(end + 3 * (end - begin) + 8) + 1, hi)
        goals = [
            Goal(level, u, max(int(np.floor(begin)), lo), reach, sign)
            if part >= 0.5
            else Goal(level, u, back, stop, sign)
            for level, part, u in zip(levels.tolist(), parts.tolist(), at.tolist(), strict=True)
        ]
        return cls(lo, hi, sign, levels, at, goals)

    def wider(self, goal: Goal) -> Goal | None:
        """A goal of the first half, free to reach back to `lo`; None where it is already."""
        late = (goal.level >= 0.5) == (self.sign > 0)
        return None if late or goal.lo == self.lo else replace(goal, lo=self.lo)
