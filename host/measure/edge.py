"""The half-way instant of a drive edge: a step through one pole, fitted to bin means.

Everything is in units of bins: bin i covers [i - 1/2, i + 1/2] and holds the mean of the waveform over the sample
instants in it, which lie evenly, a half of their spacing from the bin's borders.

Where bins are narrow against the pole, least squares finds all four parameters, and the curvature at the minimum is
their error. Where they are wide, the bins may fix little more than delay + time constant, and what is left of the time
constant's distribution is anything but a normal one: it ends where the edge would begin in the bin before. There it is
summed over.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import leastsq

Array = NDArray[np.float64]

CONTINUUM = 4096.0
"""Sample instants in a bin that are as good as an average over all of it."""

_FARTHEST = 30.0  # of the logarithm of a pole in bins from 0
_WIDE = 0.5  # bins: a shorter nominal pole is summed over
_POLES = 24  # at a time
_REACH = 4.0  # standard deviations of the nominal pole's logarithm
_LIKELY = 1e-6  # of the greatest weight: poles of less are left out
_ENOUGH = _POLES // 3  # likely poles that are enough for mean and variance
_GOOD = 2.0  # a misfit that is no sign of a grid too coarse
_CLOSER = 8  # looks at most
_STEPS = 12  # of each look at most, for the delays
_STILL = 1e-7  # bins: a shorter step is the last
_TOL = 1e-8  # of squares and parameters, at which MINPACK ends
_CONVERGED = 1, 2, 3, 4  # what MINPACK then says


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


def edge(
    y: Array, variance: Array, pole: float, spread: float, samples: float = CONTINUUM
) -> Edge | None:
    """Fit base, height, delay and time constant of a one-pole step to bin means.

    y, variance: (n,) V, V^2, around the edge; pole: nominal time constant, bins, with standard deviation `spread` of
    its logarithm; samples: sample instants in a bin. The nominal pole is one more observation: it decides when the
    whole edge falls within a bin, where the bins fix only delay + time constant (the area above the step), and is
    overruled when they show the shape. None when the fit does not converge. The error grows with the misfit of the
    shape.
    """
    base, height = float(y[0]), float(y[-1] - y[0])
    if height == 0:
        return None
    centroid = y.size - 0.5 - float(np.sum(y - base)) / height  # delay + time constant
    step = _Step(y, variance, pole, spread, samples)
    if pole < _WIDE:
        return _summed(step, centroid)
    return _fitted(step, centroid, base, height)


class _Step:
    """Bin means of a step through a pole, and what is observed of them and of the pole."""

    def __init__(
        self, y: Array, variance: Array, pole: float, spread: float, samples: float
    ) -> None:
        self.y, self.weight = y, 1 / np.sqrt(variance)
        self.log_pole, self.spread = float(np.log(pole)), spread
        self._samples = samples
        self._before = samples * np.arange(y.size + 1)  # instants before each border
        self._last: tuple[bytes, tuple[Array, Array, Array]] | None = None  # shape by parameters

    def residuals(self, p: Array) -> Array:
        """(n + 1,) of bins and nominal pole, for p: delay, log pole, base, height."""
        shape, _, _ = self._shape_once(p)
        own = (self.y - p[2] - p[3] * shape) * self.weight
        return np.append(own, (self.log_pole - p[1]) / self.spread)

    def derivatives(self, p: Array) -> Array:
        """(n + 1, 4) of the residuals by p."""
        shape, by_delay, by_log_pole = self._shape_once(p)
        j = np.zeros((self.y.size + 1, 4))
        j[:-1] = -np.column_stack(
            (p[3] * by_delay, p[3] * by_log_pole, np.ones(self.y.size), shape)
        )
        j[:-1] *= self.weight[:, None]
        j[-1, 1] = -1 / self.spread
        return j

    def _shape_once(self, p: Array) -> tuple[Array, Array, Array]:
        """Of these parameters, kept: derivatives are asked for where residuals have been."""
        asked = p[:2].tobytes()
        if self._last is None or self._last[0] != asked:
            self._last = asked, self.shape(p[0], p[1])
        return self._last[1]

    def shape(self, delay: Array, log_pole: Array) -> tuple[Array, Array, Array]:
        """(…, n) bin means of steps from 0 to 1, and their derivatives by delay and log pole, both (…).

        The sum of 1 - exp(-s/tau) over evenly spaced s, from the first instant after the delay on, is a geometric one.
        """
        log_pole = np.clip(
            log_pole, -_FARTHEST, _FARTHEST
        )  # a fit to hardly a step may try anything
        delay, tau = np.asarray(delay)[..., None], np.exp(log_pole)[..., None]
        spacing = 1 / self._samples
        first = np.ceil((delay + 0.5) / spacing - 0.5)
        since = (first + 0.5) * spacing - 0.5 - delay
        count = np.maximum(self._before - first, 0.0)
        x = spacing / tau
        ratio = -np.expm1(-x)
        begin = np.exp(-since / tau)
        gone = np.exp(-count * x)
        missing = begin * (1 - gone) / ratio
        by_log_pole = missing * (since / tau + (1 - ratio) * x / ratio)
        by_log_pole -= begin * gone * count * x / ratio
        return (
            np.diff(count - missing) * spacing,
            np.diff(-missing / tau) * spacing,
            np.diff(-by_log_pole) * spacing,
        )


def _fitted(step: _Step, centroid: float, base: float, height: float) -> Edge | None:
    """By least squares."""
    begin = float(np.exp(step.log_pole))
    start = np.array([centroid - begin, step.log_pole, base, height])
    # Not `least_squares`: it calls the same MINPACK, and takes longer to prepare that than the fit does.
    p, _, _, _, how = leastsq(
        step.residuals, start, Dfun=step.derivatives, full_output=True, ftol=_TOL, xtol=_TOL
    )
    if how not in _CONVERGED or abs(p[1]) > _FARTHEST:
        return None
    own, j = step.residuals(p)[:-1], step.derivatives(p)
    data = j[:-1].T @ j[:-1] / _misfit(float(own @ own), step.y.size)
    data[1, 1] += 1 / step.spread**2
    try:
        covariance = np.linalg.inv(data)
    except np.linalg.LinAlgError:
        return None
    tau = float(np.exp(p[1]))
    g = np.array([1.0, tau * np.log(2), 0.0, 0.0])
    variance_at = float(g @ covariance @ g)
    if not variance_at > 0:  # rounding: as good as singular
        return None
    resolved = bool(np.sqrt(covariance[1, 1]) < step.spread / 2)
    return Edge(float(p[0] + tau * np.log(2)), float(np.sqrt(variance_at)), resolved)


def _summed(step: _Step, centroid: float) -> Edge | None:
    """By the mean over all time constants, each with its likelihood as the weight.

    For each of them delay, base and height are fitted. The grid of time constants is drawn closer until enough of
    them are likely.
    """
    low = step.log_pole - _REACH * step.spread
    high = max(step.log_pole + _REACH * step.spread, float(np.log(step.y.size / 4)))
    log_pole = np.linspace(low, high, _POLES)
    delay = centroid - np.exp(log_pole)
    least = np.inf
    for _ in range(_CLOSER):
        delay, squares, variance = _delays(step, log_pole, delay)
        nominal = ((log_pole - step.log_pole) / step.spread) ** 2
        before, least = least, float(squares.min())
        misfit = _misfit(least, step.y.size)
        # The misfit of a coarse grid is not that of the shape.
        settled = misfit < _GOOD or least > 0.9 * before
        score = squares / (misfit if settled else 1.0) + nominal
        weight = np.exp((score.min() - score) / 2) * np.sqrt(variance)
        likely = np.flatnonzero(weight > _LIKELY * weight.max())
        if likely.size == 0:
            return None
        if settled and likely.size >= _ENOUGH:
            break
        cell = log_pole[1] - log_pole[0]
        first = max(float(log_pole[likely[0]] - cell), low)
        last = min(float(log_pole[likely[-1]] + cell), high)
        closer = np.linspace(first, last, _POLES)
        delay = np.interp(closer, log_pole, delay)
        log_pole = closer
    weight /= weight.sum()
    at = delay + np.exp(log_pole) * np.log(2)
    u, middle = float(weight @ at), float(weight @ log_pole)
    variance_at = float(weight @ (misfit * variance + (at - u) ** 2))
    resolved = bool(weight @ (log_pole - middle) ** 2 < (step.spread / 2) ** 2)
    return Edge(u, float(np.sqrt(variance_at)), resolved)


def _delays(step: _Step, log_pole: Array, delay: Array) -> tuple[Array, Array, Array]:
    """For time constants (k,) the delays of least squares, those squares, and the delays' variances, all (k,).

    Gauss-Newton for all of them at once, with half of a step that made it worse. Base and height are linear and follow
    from weighted sums.
    """
    w, n = step.weight**2, step.y.size
    total = w.sum()
    y = step.y - w @ step.y / total
    of_y = float(w @ y**2)
    best, squares, variance = delay, np.full(delay.size, np.inf), np.ones(delay.size)
    move, part = np.zeros(delay.size), np.ones(delay.size)
    for _ in range(_STEPS):
        at = best + part * move
        f, g, _ = step.shape(at, log_pole)
        wf, wg = f * w, g * w
        f_mean, g_mean = wf.sum(axis=1) / total, wg.sum(axis=1) / total
        ff = np.sum(wf * f, axis=1) - total * f_mean**2
        fg = np.sum(wf * g, axis=1) - total * f_mean * g_mean
        gg = np.sum(wg * g, axis=1) - total * g_mean**2
        fy, gy = wf @ y, wg @ y
        height = fy / ff
        here = of_y - fy * height
        # An edge between two samples that both hold its levels can be anywhere: not farther off than the bins at hand.
        sharp = height**2 * (gg - fg**2 / ff) + 1 / n**2
        better = here < squares
        part = np.where(better, 1.0, part / 2)
        best, squares = np.where(better, at, best), np.where(better, here, squares)
        variance = np.where(better, 1 / sharp, variance)
        move = np.where(better, np.clip(height * (gy - fg * height) / sharp, -1, 1), move)
        if np.abs(part * move).max() < _STILL:
            break
    return best, squares, variance


def _misfit(squares: float, bins: int) -> float:
    """Factor on variances, from the squares of residuals whose noise is 1."""
    return max(1.0, squares / max(bins - 3, 1))
