"""The half-way instant of a drive edge: a step through one pole, fitted to bin means.

Everything is in units of bins: bin i covers [i - 1/2, i + 1/2] and holds the mean of the waveform over it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Array = NDArray[np.float64]

_LEAST_POLE = 0.2  # bins: a second start for edges much shorter than a bin


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
    # Bins much wider than the edge can be explained with it early or late in its bin: begin from
    # both, and let the error cover the other as far as the data allow it.
    fits = [
        fit
        for begin in (pole, max(pole, _LEAST_POLE))
        if (fit := _fit(y, variance, pole, spread, begin)) is not None
    ]
    if not fits:
        return None
    cost, best = min(fits, key=lambda fit: fit[0])
    doubt = sum(np.exp((cost - other) / 2) * (fit.u - best.u) ** 2 for other, fit in fits)
    return Edge(best.u, float(np.sqrt(best.se**2 + doubt)), best.resolved)


class _Step:
    """Residuals of bin means and nominal pole, and their derivatives by delay, log pole, base and height."""

    def __init__(self, y: Array, variance: Array, pole: float, spread: float) -> None:
        self._y, self._weight = y, 1 / np.sqrt(variance)
        self._log_pole, self._spread = float(np.log(pole)), spread
        self._bounds = np.arange(y.size + 1) - 0.5

    def residuals(self, p: Array) -> Array:
        """(n + 1,)."""
        shape, _, _ = self._shape(p)
        own = (self._y - p[2] - p[3] * shape) * self._weight
        return np.append(own, (self._log_pole - p[1]) / self._spread)

    def derivatives(self, p: Array) -> Array:
        """(n + 1, 4)."""
        shape, by_delay, by_log_pole = self._shape(p)
        j = np.zeros((self._y.size + 1, 4))
        j[:-1] = -np.column_stack(
            (p[3] * by_delay, p[3] * by_log_pole, np.ones(self._y.size), shape)
        )
        j[:-1] *= self._weight[:, None]
        j[-1, 1] = -1 / self._spread
        return j

    def _shape(self, p: Array) -> tuple[Array, Array, Array]:
        """Bin means of a step from 0 to 1, and their derivatives by delay and log pole."""
        tau = float(np.exp(p[1]))
        s = np.maximum(self._bounds - p[0], 0.0)
        decay = np.exp(-s / tau)
        area = s - tau * (1 - decay)
        return np.diff(area), np.diff(decay - 1), np.diff(tau * (decay - 1) + s * decay)


def _fit(
    y: Array, variance: Array, pole: float, spread: float, begin: float
) -> tuple[float, Edge] | None:
    """Least squares from a time constant of `begin` bins: (chi squared, edge)."""
    base, height = float(y[0]), float(y[-1] - y[0])
    if height == 0:
        return None
    centroid = y.size - 0.5 - float(np.sum(y - base)) / height  # delay + time constant
    step = _Step(y, variance, pole, spread)
    fit = least_squares(
        step.residuals,
        np.array([centroid - begin, np.log(begin), base, height]),
        step.derivatives,
        method="lm",
        x_scale="jac",
    )
    if not fit.success:
        return None
    own, j = fit.fun[:-1], fit.jac
    misfit = max(1.0, float(own @ own) / max(y.size - 3, 1))
    data = j[:-1].T @ j[:-1] / misfit
    data[1, 1] += 1 / spread**2
    try:
        covariance = np.linalg.inv(data)
    except np.linalg.LinAlgError:
        return None
    tau = float(np.exp(fit.x[1]))
    g = np.array([1.0, tau * np.log(2), 0.0, 0.0])
    variance_at = float(g @ covariance @ g)
    if not variance_at > 0:  # rounding: as good as singular
        return None
    resolved = bool(np.sqrt(covariance[1, 1]) < spread / 2)
    return 2 * float(fit.cost), Edge(
        float(fit.x[0] + tau * np.log(2)), float(np.sqrt(variance_at)), resolved
    )
