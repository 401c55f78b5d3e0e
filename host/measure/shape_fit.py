"""ShapeFit pulse shapes to a transition by weighted least squares, and say which of them hold.

A stretch of a trace is first summed into cells, narrow where the transition is fast and growing away from there,
which loses nothing that a smooth shape could show. Families (`shapes.py`) are fitted from the simple to the
rich. Those that the chi-squared test does not reject share the result by Akaike's weights, so that a choice between two
that fit alike is part of the standard error and not left to chance (K. P. Burnham and D. R. Anderson, Model
Selection and Multimodel Inference, 2nd ed., 2002, ch. 4).

Times are in bins: bin i spans i ± 1/2.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from trelscope.host.measure.shapes import (
    TIME_STEP,
    Cascade,
    Logistic,
    Modes,
    SecondOrder,
    Shape,
    Stretched,
    exponentials,
    squared_fall,
    squared_rise,
)

Array = NDArray[np.float64]

REJECT = 0.003  # size of the chi-squared test on a fit
GROWTH = 0.05  # cells grow by this part of the distance from the edge and from either level
FLOOR = 1 / 40  # of the transition: narrowest cells at its levels
MAX_ORDER = 4  # exponentials in a sum
NEGLIGIBLE = 0.02  # Akaike weight, relative to the best
_ITERATIONS = 60
_PLAIN = 20  # for a family with three parameters
_LOOK = 8  # iterations after which the best of several starts is known
_DONE = 1e-3  # of chi squared: a step that gains less is the last
# Standard deviation to which every dimensionless parameter counts as known beforehand.
_KNOWN = 2.0
_LONGEST = 1.5  # step in a dimensionless parameter
_FREE = 3  # base, height and the instant come before the dimensionless parameters


@dataclass(frozen=True, eq=False)
class Cells:
    """Means of a trace over cells of bins.

    edges: (k,) bins, all ends of cells; first, last: (m,) which of them a cell begins and ends with.
    y: (m,) V, means; weight: (m,) 1/V, inverse standard errors.
    """

    edges: Array
    first: NDArray[np.intp]
    last: NDArray[np.intp]
    y: Array
    weight: Array

    @classmethod
    def of(
        cls, y: Array, variance: Array, parts: Sequence[slice], edge: float, low: float, high: float
    ) -> "Cells":
        """Sum y, variance (n,) V, V^2 over `parts`: the first one cell each, the last, which begins at the drive
        edge (bins), in cells finest at the edge and where the transition passes its levels, at `low` and `high`."""
        main = parts[-1]
        u = np.arange(main.start, main.stop, dtype=np.float64)
        fine = FLOOR * (high - low)
        size = 1 + GROWTH * np.abs(u - edge)
        for at in (low, high):
            size = np.minimum(size, np.maximum(fine + GROWTH * np.abs(u - at), 1.0))
        number = np.floor(np.cumsum(1 / size))
        starts = np.flatnonzero(np.diff(number, prepend=-1.0))
        bounds = [(part.start, part.stop) for part in parts[:-1]]
        bounds += zip(main.start + starts, main.start + np.append(starts[1:], u.size), strict=True)
        first, last = np.array(bounds).T
        total, spread = (np.concatenate((np.zeros(1), np.cumsum(v))) for v in (y, variance))
        count = last - first
        mean = (total[last] - total[first]) / count
        error = np.sqrt(spread[last] - spread[first]) / count
        # Counted light: where nothing has come nothing is known of the error, and it is no less than elsewhere.
        error = np.where(error > 0, error, error.max())
        edges, index = np.unique(np.stack((first, last)), return_inverse=True)
        begin, end = index.reshape(2, -1)
        return cls(edges - 0.5, begin, end, mean, 1 / error)

    def means(self, shape: Shape, p: Array) -> Array:
        """(m,) of a shape."""
        return self._between(shape.area(self.edges, p))

    def slopes(self, shape: Shape, p: Array) -> Array:
        """(parameters, m) their derivatives."""
        return self._between(shape.slopes(self.edges, p))

    def _between(self, area: Array) -> Array:
        width = self.edges[self.last] - self.edges[self.first]
        return np.asarray((area[..., self.last] - area[..., self.first]) / width)


@dataclass(frozen=True, eq=False)
class ShapeFit:
    """y(u) = base + height * shape(u) at its best.

    p: (parameters,) of the shape. covariance: of (base, height, *p). chi2 with `freedom` degrees.
    """

    shape: Shape
    base: float
    height: float
    p: Array
    covariance: Array
    chi2: float
    freedom: int

    @property
    def holds(self) -> bool:
        """Whether noise explains what is left."""
        return self.freedom > 0 and self.chi2 < chdtri(self.freedom, REJECT)

    @property
    def criterion(self) -> float:
        """Akaike's: chi squared and twice the number of parameters."""
        return self.chi2 + 2 * (2 + self.p.size)

    def value(self, u: Array) -> Array:
        """V at u (k,) bins."""
        return self.base + self.height * self.shape.value(u, self.p)

    def slope(self, u: float) -> float:
        """V per bin at u."""
        down, up = self.shape.value(np.array([u - TIME_STEP, u + TIME_STEP]), self.p)
        return float(self.height * (up - down) / (2 * TIME_STEP))

    def gradient(self, u: float) -> Array:
        """(2 + parameters,) derivatives of the value at u."""
        value = self.shape.value(np.array([u]), self.p)
        return np.concatenate(([1.0], value, self.height * self.shape.gradient(u, self.p)))

    def mean(self, first: float, last: float) -> tuple[float, Array]:
        """V between two instants (bins), and its derivatives (2 + parameters,)."""
        ends, length = np.array([first, last]), last - first
        mean = float(np.diff(self.shape.area(ends, self.p))[0]) / length
        slopes = np.diff(self.shape.slopes(ends, self.p), axis=1)[:, 0] / length
        return self.base + self.height * mean, np.concatenate(([1.0, mean], self.height * slopes))


def fit_families(
    cells: Cells, low: float, high: float, rising: bool, pole: float = 0.0
) -> list[ShapeFit]:
    """Every family tried, best by Akaike's criterion first; `low` and `high`: where, about, the transition passes
    10 and 90 % of its way."""
    span = high - low
    found = []
    for shape in (Stretched(), Cascade(), SecondOrder(), Logistic()):
        found.append(levenberg_marquardt(cells, shape, shape.start(low, high), span, _PLAIN))
    chains: list[Callable[..., Modes]] = [
        exponentials,
        squared_rise if rising else squared_fall,
    ]
    for chain in chains:
        found += _grown(cells, partial(chain, pole=pole), low, high)
    return sorted((fit for fit in found if fit is not None), key=lambda fit: fit.criterion)


def refit(cells: Cells, before: Sequence[ShapeFit], span: float) -> list[ShapeFit]:
    """The families of `before` once more, beginning where they ended: for an average that has grown."""
    found = [levenberg_marquardt(cells, fit.shape, fit.p, span, _PLAIN) for fit in before]
    return sorted((fit for fit in found if fit is not None), key=lambda fit: fit.criterion)


def _grown(
    cells: Cells, chain: Callable[[int], Modes], low: float, high: float
) -> list[ShapeFit | None]:
    """Fits of one exponential, two, …, until another one is not worth its parameters."""
    shape = chain(1)
    best = levenberg_marquardt(cells, shape, shape.start(low, high), high - low)
    found = [best]
    while best is not None and shape.order < MAX_ORDER:
        starts = shape.grow(best.p, low, high, tail=not best.holds)
        shape = chain(shape.order + 1)
        tries = [levenberg_marquardt(cells, shape, start, high - low, _LOOK) for start in starts]
        ahead = min((fit for fit in tries if fit), key=lambda fit: fit.chi2, default=None)
        if ahead is None:
            break
        if not best.holds or ahead.criterion < best.criterion:
            ahead = levenberg_marquardt(cells, shape, ahead.p, high - low) or ahead
        found.append(ahead)
        if best.holds and ahead.criterion > best.criterion:
            break
        best = ahead
    return found


def levenberg_marquardt(
    cells: Cells, shape: Shape, p: Array, span: float, iterations: int = _ITERATIONS
) -> ShapeFit | None:
    """Levenberg and Marquardt from p; base and height, which are linear, are solved for at every step.

    `scipy.optimize.least_squares` on the same residuals took 1.6 times as long over the 253 fits of six traces (median
    of three interleaved runs), and ended higher more often than lower: hence this one.

    span: bins, of which the instant may move a third in a step. None where p is not a shape at all.
    """
    limit = np.append(span / 3, np.full(p.size - 1, _LONGEST))
    state = _solved(cells, shape, p)
    if state is None:
        return None
    damping = 1e-3
    for _ in range(iterations):
        jacobian = _jacobian(cells, shape, p, state)
        step = None
        while damping < 1e8:
            step = _step(jacobian, state.residual, damping)
            trial_p = p + np.clip(step[2:], -limit, limit)
            trial = _solved(cells, shape, trial_p)
            if trial is not None and trial.cost <= state.cost:
                break
            damping *= 10
        else:
            break
        gained = state.cost - trial.cost
        p, state, damping = trial_p, trial, max(damping / 10, 1e-9)
        if gained < _DONE:
            break
    covariance = _covariance(_jacobian(cells, shape, p, state))
    freedom = cells.y.size - covariance.shape[0]
    return ShapeFit(shape, state.base, state.height, p, covariance, state.cost, freedom)


@dataclass(frozen=True, eq=False)
class _State:
    """Shape means (m,) with the base and height that suit them; residual (m,) in standard errors; its square sum."""

    means: Array
    base: float
    height: float
    residual: Array
    cost: float


def _solved(cells: Cells, shape: Shape, p: Array) -> _State | None:
    with np.errstate(all="ignore"):
        f = cells.means(shape, p)
    if not np.isfinite(f).all():
        return None
    w = cells.weight**2
    total, mean_f, mean_y = w.sum(), w @ f / w.sum(), w @ cells.y / w.sum()
    away = f - mean_f
    spread = float((w * away) @ away)
    if spread <= 1e-12 * total:
        return None
    height = float((w * away) @ cells.y) / spread
    base = float(mean_y - height * mean_f)
    residual = (cells.y - base - height * f) * cells.weight
    return _State(f, base, height, residual, float(residual @ residual))


def _jacobian(cells: Cells, shape: Shape, p: Array, state: _State) -> Array:
    """(m, 2 + parameters), in standard errors."""
    with np.errstate(all="ignore"):
        rows = state.height * cells.slopes(shape, p)
    rows = np.vstack((np.ones_like(state.means), state.means, rows)) * cells.weight
    rows[~np.isfinite(rows)] = 0.0
    return np.asarray(rows.T)


def _step(jacobian: Array, residual: Array, damping: float) -> Array:
    scale = np.sqrt(np.sum(jacobian**2, axis=0))
    scale[scale == 0] = 1.0
    scaled = jacobian / scale
    normal = scaled.T @ scaled
    normal.flat[:: scale.size + 1] += damping
    return np.asarray(np.linalg.solve(normal, scaled.T @ residual) / scale)


def _covariance(jacobian: Array) -> Array:
    """(parameters, parameters) of base, height and p.

    Of two time constants that are nearly equal the difference changes nothing that can be seen, and the derivatives
    say that it may be anything: they hold only nearby, and what is predicted as far away as that is rounding. Every
    parameter without a dimension therefore counts as known beforehand, within a range so wide that data which say
    anything of it say far more.
    """
    information = jacobian.T @ jacobian
    free = np.arange(_FREE, information.shape[0])
    information[free, free] += _KNOWN**-2
    scale = np.sqrt(np.diag(information))
    scale[scale == 0] = 1.0
    return np.asarray(
        np.linalg.pinv(information / np.outer(scale, scale), rcond=1e-15, hermitian=True)
        / np.outer(scale, scale)
    )
