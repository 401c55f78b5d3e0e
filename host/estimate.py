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
from scipy.stats import chi2

Array = NDArray[np.float64]

_CELLS = np.array([5, 6, 7, 8, 10, 12, 16])  # a window is summed into so many, or the next fewer
_COARSE = 1024  # groups of bins that a pilot looks at first
_FINE_ENOUGH, _AROUND = (
    64,
    3,
)  # groups in a transition that need no closer look; around it, where one is taken
_ORDERS = 8  # Legendre orders 0..7: up to degree 5 reported, two more tested
_DEGREES = np.array([2, 3, 4, 5])
_LADDER = 2 ** np.arange(1, 24)  # window extents
_REJECT = 0.2  # size of the test on a window
_STEEP = 4.0  # the slope must be this many of its standard errors, or the root is not linear


@dataclass(frozen=True, eq=False)
class Crossing:
    """A level crossing in units of bins.

    u: position (bin i spans i ± 1/2).
    slope: of the waveform there, volts per bin; d(u)/d(level) = 1/slope.
    steepness: slope over its standard error; under about 6 the error is no longer linear.
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

    q: (cells, orders) their means over the cells, orthonormal columns.
    value, slope: (orders, orders); x**[0, 1, …] @ value are the polynomials at x, likewise slope.
    """

    q: Array
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
    return _Basis(q, value, slope)


_CRITICAL = chi2.ppf(1 - _REJECT, np.arange(5))  # by number of components tested


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
        zero = np.zeros(1)
        return cls(
            np.concatenate((zero, np.cumsum(y))), np.concatenate((zero, np.cumsum(variance)))
        )


def _extents(longest: int) -> NDArray[np.intp]:
    """Window extents to try on one side, bins: geometric, the shortest 1/30 of the longest."""
    longest = max(longest, 2)
    first, last = np.searchsorted(_LADDER, (longest / 30, longest))
    return np.append(_LADDER[first:last], longest)


@dataclass(frozen=True)
class Goal:
    """What to look for: the upward crossing of `level` near `at` (bins), using only bins lo … hi-1."""

    level: float
    at: float
    lo: int
    hi: int


@dataclass(frozen=True)
class _Window:
    """`cells` cells of `size` bins from bin `start` on, fitted by a polynomial of `degree`."""

    start: int
    size: int
    cells: int
    degree: int
    misfit: float


def _candidates(goal: Goal) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """(windows,) starts, sizes of cells and numbers of cells to try for a goal."""
    k = min(max(round(goal.at), goal.lo), goal.hi - 1)
    left, right = _extents(k - goal.lo), _extents(goal.hi - 1 - k)
    start = np.repeat(np.maximum(k - left, goal.lo), right.size)
    n = np.minimum(k + np.tile(right, left.size) + 1, goal.hi) - start
    most = int(_CELLS[-1])
    size = np.maximum(np.minimum((n + most // 2) // most, (goal.hi - start) // most), 1)
    cells = np.append(0, _CELLS)[np.searchsorted(_CELLS, n // size, side="right")]
    return start, size, cells


def _best_windows(sums: Sums, goals: Sequence[Goal]) -> list[_Window | None]:
    """For each goal the admissible window with the least variance; the least misfit if none is."""
    tried = [_candidates(goal) for goal in goals]
    owner = np.repeat(np.arange(len(goals)), [starts.size for starts, _, _ in tried])
    start, size, cells = (np.concatenate(parts) for parts in zip(*tried, strict=True))
    at = np.array([goal.at for goal in goals])[owner]
    found = []
    for g in np.unique(cells[cells > 0]).tolist():
        here = cells == g
        a, m = start[here], size[here]
        basis = _basis(g)
        orders = basis.q.shape[1]
        index = a[:, None] + m[:, None] * np.arange(g + 1)
        ends, spread = sums.y[index], sums.variance[index]
        mean = (ends[:, 1:] - ends[:, :-1]) / m[:, None]
        var = (spread[:, 1:] - spread[:, :-1]) / (m * m)[:, None]
        coef = mean @ basis.q
        z2 = np.cumsum(coef**2 / (var @ basis.q**2), axis=1)
        half = g * m / 2
        x = (at[here] - a + 0.5 - half) / half
        powers = x[:, None] ** np.arange(orders)
        phi, dphi = powers @ basis.value, powers @ basis.slope
        degree = _DEGREES[: max(orders - 4, 0)]
        first = np.maximum(degree - 1, 2)
        misfit = (z2[:, degree + 2] - z2[:, first - 1]) / _CRITICAL[degree + 3 - first]
        # orthonormal components have about equal variance: enough to rank windows by
        even = var.mean(axis=1)[:, None]
        slope = np.cumsum(dphi * coef, axis=1)[:, degree]
        steep = slope > _STEEP * np.sqrt(even * np.cumsum(dphi**2, axis=1)[:, degree])
        steep &= (np.abs(x) <= 1 + 1 / half)[:, None]  # the root may lie one bin outside
        level_var = even * np.cumsum(phi**2, axis=1)[:, degree]
        w, d = np.nonzero(steep)
        rows = owner[here][w], misfit[w, d], level_var[w, d], a[w], m[w], np.full(w.size, g)
        found.append(np.array([*rows, degree[d]]))
    choice = np.hstack(found) if found else np.empty((7, 0))
    windows: list[_Window | None] = []
    for k in range(len(goals)):
        own = choice[1:, choice[0] == k]
        if own.shape[1] == 0:
            windows.append(None)
            continue
        fits = own[0] <= 1
        rank = np.where(fits, own[1], np.inf) if fits.any() else own[0]
        best = own[:, int(np.argmin(rank))]
        begin, cell, count, order = (int(v) for v in best[2:])
        windows.append(_Window(begin, cell, count, order, float(np.sqrt(max(best[0], 1.0)))))
    return windows


def crossings(sums: Sums, goals: Sequence[Goal]) -> list[Crossing | None]:
    """Of every goal; None where no window resolves it: too few bins, or the slope is lost in the noise."""
    results: list[Crossing | None] = [None] * len(goals)
    left = dict(enumerate(goals))
    for _ in range(2):
        windows = _best_windows(sums, list(left.values()))
        for (k, goal), window in zip(list(left.items()), windows, strict=True):
            found = window and _read(sums, goal, window)
            if not found:
                del left[k]  # what an earlier window said stands
                continue
            result, moved = found
            results[k] = result
            if abs(moved) < 0.05:
                del left[k]
            else:
                left[k] = replace(goal, at=result.u)
        if not left:
            break
    return results


def _read(sums: Sums, goal: Goal, window: _Window) -> tuple[Crossing, float] | None:
    """The crossing in one window, and how far from the goal's `at`, in half widths of the window."""
    start, size, cells = window.start, window.size, window.cells
    basis = _basis(cells)
    index = start + size * np.arange(cells + 1)
    mean = np.diff(sums.y[index]) / size
    c = slice(0, window.degree + 1)
    coef = mean @ basis.q[:, c]
    poly = (basis.value[c, c] @ coef)[::-1]
    poly[-1] -= goal.level
    slope_poly = (basis.slope[c, c] @ coef)[::-1]
    half = cells * size / 2
    limit = 1 + 1 / half
    pilot_x = x = (goal.at - start + 0.5 - half) / half
    for _ in range(8):
        slope = _horner(slope_poly, x)
        if slope <= 0:
            return None
        step = min(max(_horner(poly, x) / slope, -0.5), 0.5)
        x = min(max(x - step, -limit), limit)
        if abs(step) < 1e-9:
            break
    else:
        return None
    powers = x ** np.arange(window.degree + 1)
    w = basis.q[:, c] @ (powers @ basis.value[c, c])
    dw = basis.q[:, c] @ (powers @ basis.slope[c, c])
    variance = np.diff(sums.variance[index]) / size**2
    steepness = slope / float(np.sqrt(dw**2 @ variance))
    slope /= half
    weights = np.repeat(-w / (size * slope), size)
    at = start - 0.5 + half + x * half
    return Crossing(float(at), slope, steepness, window.misfit, start, weights), x - pilot_x


def _horner(poly: Array, x: float) -> float:
    """Value at x of a polynomial given by its coefficients, highest power first."""
    value = 0.0
    for c in poly.tolist():
        value = value * x + c
    return value


def transition(
    z: Array, variance: Array, lo: int, hi: int, levels: Array
) -> tuple[list[Crossing | None], Array]:
    """Where a transition from 0 to 1 passes `levels` (k,), ascending, using bins lo … hi-1.

    z, variance: (n,) progress and its variance per bin. Returns the crossings and their isotonic
    pilots (k,) (bins; nan when the level is not passed).

    Transitions start with a hinge: nothing, then a rise. A polynomial must not reach over it, and
    at low signal the noise hides a hinge a few bins away. The windows for the lower half therefore
    reach back at most three quarters of the way to where a chord meets zero; only if nothing is
    resolved are they let go to `lo`.
    """
    low = levels[0]
    at = pilot(z[lo:hi], np.concatenate((levels, (low + 0.2, low + 0.4)))) + lo
    at, chord_at = at[:-2], at[-2:]
    if np.isnan(at[-1]):
        return [None] * levels.size, at
    sums = Sums.of(z, variance)
    chord = np.max((chord_at - at[0]) / (0.2, 0.4))
    back = max(int(np.floor(at[0] - 0.75 * low * chord)), lo)
    stop = min(int(np.ceil(at[-1])) + 1, hi)
    reach = min(int(at[-1] + 3 * (at[-1] - at[0]) + 8) + 1, hi)
    goals = [
        Goal(level, u, max(int(np.floor(at[0])), lo), reach)
        if level >= 0.5
        else Goal(level, u, back, stop)
        for level, u in zip(levels.tolist(), at.tolist(), strict=True)
    ]
    found = crossings(sums, goals)
    lost = [k for k, goal in enumerate(goals) if goal.level < 0.5 and found[k] is None]
    if lost and back > lo:
        again = crossings(sums, [replace(goals[k], lo=lo) for k in lost])
        for k, c in zip(lost, again, strict=True):
            found[k] = c
    return found, at


@dataclass(frozen=True)
class Edge:
    """Half-way instant of a one-pole voltage step.

    u, se: position and standard error, bins.
    resolved: whether the bins show the edge's shape; if not, only its area places it and the
        pole is the nominal one.
    """

    u: float
    se: float
    resolved: bool


def edge(y: Array, variance: Array, pole: float, spread: float) -> Edge | None:
    """Fit base, height, delay and time constant of a one-pole step to bin means.

    y, variance: (n,) V, V^2, around the edge; pole: nominal time constant, bins, with standard
    deviation `spread` of its logarithm. The nominal value is one
    more observation: it decides when the whole edge falls within a bin, where the bins fix only
    delay + time constant (the area above the step), and is overruled when they show the shape.
    None when the fit does not converge. The error grows with the misfit of the shape.
    """
    # bins much wider than the edge can be explained with it early or late in its bin: begin from
    # both, and let the error cover the other as far as the data allow it
    fits = [
        fit
        for begin in (pole, max(pole, 0.2))
        if (fit := _fit_edge(y, variance, pole, spread, begin)) is not None
    ]
    if not fits:
        return None
    cost, best = min(fits, key=lambda fit: fit[0])
    doubt = sum(np.exp((cost - other) / 2) * (fit.u - best.u) ** 2 for other, fit in fits)
    return Edge(best.u, float(np.sqrt(best.se**2 + doubt)), best.resolved)


def _fit_edge(
    y: Array, variance: Array, pole: float, spread: float, begin: float
) -> tuple[float, Edge] | None:
    """Levenberg-Marquardt from a time constant of `begin` bins: (cost, edge)."""
    weight = 1 / np.sqrt(variance)
    bins = np.arange(y.size + 1) - 0.5
    base, height = float(y[0]), float(y[-1] - y[0])
    if height == 0:
        return None
    centroid = y.size - 0.5 - float(np.sum(y - base)) / height  # delay + time constant
    p = np.array([centroid - begin, np.log(begin), base, height])

    def residual(p: Array) -> tuple[Array, Array]:
        delay, log_pole, base, height = p
        tau = float(np.exp(log_pole))
        s = np.maximum(bins - delay, 0.0)
        decay = np.exp(-s / tau)
        area, d_delay = s - tau * (1 - decay), decay - 1
        d_log = tau * (decay - 1) + s * decay
        shape = np.diff(area)
        r = np.append((y - base - height * shape) * weight, (np.log(pole) - log_pole) / spread)
        j = np.zeros((r.size, 4))
        j[:-1, 0] = height * np.diff(d_delay) * weight
        j[:-1, 1] = height * np.diff(d_log) * weight
        j[:-1, 2] = weight
        j[:-1, 3] = shape * weight
        j[-1, 1] = 1 / spread
        return r, j

    r, j = residual(p)
    damping, cost = 1e-3, float(r @ r)
    for _ in range(60):
        normal, gradient = j.T @ j, j.T @ r
        try:
            step = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), gradient)
        except np.linalg.LinAlgError:
            return None  # the bins say nothing about one of the four
        step[1] = min(max(step[1], -1.0), 1.0)
        trial_r, trial_j = residual(p + step)
        trial = float(trial_r @ trial_r)
        if trial <= cost:
            done = cost - trial < 1e-6 * (1 + cost)
            p, r, j, cost, damping = p + step, trial_r, trial_j, trial, damping / 10
            if done:
                break
        else:
            damping *= 10
            if damping > 1e9:
                break
    else:
        return None
    misfit = max(1.0, float(r[:-1] @ r[:-1]) / max(y.size - 3, 1))
    data = j[:-1].T @ j[:-1] / misfit
    data[1, 1] += 1 / spread**2
    try:
        covariance = np.linalg.inv(data)
    except np.linalg.LinAlgError:
        return None
    tau = float(np.exp(p[1]))
    g = np.array([1.0, tau * np.log(2), 0.0, 0.0])
    resolved = bool(np.sqrt(covariance[1, 1]) < spread / 2)
    variance_at = float(g @ covariance @ g)
    if not variance_at > 0:  # rounding: as good as singular
        return None
    se = float(np.sqrt(variance_at))
    return cost, Edge(float(p[0] + tau * np.log(2)), se, resolved)
