"""The top of the likelihood, by Fisher scoring."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from host.decay.histogram import Histogram
from host.decay.result import Array

_ITERATIONS = 200
_DONE = 1e-5  # what a step still promises to add to the log-likelihood
_STALL, _PATIENCE = 1e-3, 12  # the top, too: the deviance fell by less in so many iterations


@dataclass(frozen=True, eq=False)
class Fit:
    """The top of the likelihood for one number of components.

    cell: the bin of t0. p, mean, jac: parameters there and what `Histogram.model` makes of them. free: (parameters,)
    not at a limit. covariance: nan for what is not free, or everywhere if the data leave some
    combination open. converged: whether it is the top.
    """

    data: Histogram
    cell: int
    p: Array
    mean: Array
    jac: Array
    free: NDArray[np.bool_]
    covariance: Array
    converged: bool

    @property
    def order(self) -> int:
        return self.p.size // 2 - 1

    @property
    def deviance(self) -> float:
        return self.data.deviance(self.mean)

    @property
    def bic(self) -> float:
        """G. Schwarz, Ann. Stat. 6, 461 (1978), up to a constant; the observations are photons."""
        return self.deviance + self.p.size * float(np.log(self.data.counts.sum()))


def fits(data: Histogram, start: float, length: float, most: int) -> Iterator[Fit]:
    """The best fit with 1, 2, … `most` components; each begins from what the one before found."""
    # the stretch of most likelihood in a decay is 1.26 lifetimes long
    lives, t0 = np.array([length / 1.26]), start
    for order in range(1, most + 1):
        tried = []
        for begin in _splits(lives, order):
            here = data.bin_of(t0)
            tried += [_walk(data, begin, cell) for cell in (here, here - 1, here + 1)]
        best = min(tried, key=lambda fit: fit.deviance)
        lives, t0 = np.exp(best.p[order : 2 * order]), float(best.p[-2])
        yield best


def _walk(data: Histogram, lives: Array, cell: int) -> Fit:
    """The fit that begins with these lifetimes (s) and t0 in bin `cell`.

    Where the light starts, the model has a kink as t0 passes from a bin to the next, so the climb
    keeps to one bin; from a top at its border it goes on in the bin beyond.
    """
    cell = data.bin_of(float(data.edges[min(max(cell, 0), data.counts.size - 1)]))
    low, high = data.limits(lives.size, cell)
    best = climb(data, _begin(data, lives, (low[-2] + high[-2]) / 2, cell), cell)
    seen, fit = {cell}, best
    while True:
        low, high = data.limits(lives.size, cell)
        t0 = fit.p[-2]
        cell += 1 if t0 >= high[-2] else -1 if t0 <= low[-2] else 0
        if cell in seen or cell != data.bin_of(float(data.edges[max(cell, 0)])):
            return best
        seen.add(cell)
        fit = climb(data, np.clip(fit.p, *data.limits(lives.size, cell)), cell)
        if fit.deviance > best.deviance + _DONE:
            return best
        best = fit


def _splits(lives: Array, order: int) -> list[Array]:
    """Lifetimes to begin from, s: those found with one component less, one of them made two."""
    if lives.size == order:
        return [lives]
    return [
        np.concatenate((np.delete(lives, k), lives[k] * np.array((0.4, 1.6))))
        for k in range(lives.size)
    ]


def _begin(data: Histogram, lives: Array, t0: float, cell: int) -> Array:
    """Parameters with these lifetimes and t0 (s), the rest from weighted least squares."""
    n = lives.size
    p = np.concatenate((np.ones(n), np.log(lives), (t0, 1.0)))
    low, high = data.limits(n, cell)
    p = np.clip(p, low, high)
    _, jac = data.model(p)
    linear = [*range(n), -1]
    weight = 1 / np.sqrt(data.counts + 1)
    scale = np.maximum(np.abs(jac[:, linear]).max(axis=0), 1e-300)
    amounts, _ = nnls(jac[:, linear] / scale * weight[:, None], data.counts * weight)
    p[linear] = np.maximum(
        amounts / scale, data.counts.sum() * 1e-3 * np.append(np.ones(n), 1e-3 / data.span)
    )
    return np.clip(p, low, high)


def climb(data: Histogram, p: Array, cell: int) -> Fit:
    """Fisher scoring from `p`, damped as by Levenberg and Marquardt, to the top with t0 in `cell`."""
    low, high = data.limits(p.size // 2 - 1, cell)
    mean, jac = data.model(p)
    deviance, damping, converged = data.deviance(mean), 1e-3, False
    fell: list[float] = []
    for _ in range(_ITERATIONS):
        gradient, normal = jac.T @ (data.counts / mean - 1), (jac / mean[:, None]).T @ jac
        free = ~(((p <= low) & (gradient <= 0)) | ((p >= high) & (gradient >= 0)))
        free &= normal.diagonal() > 0
        step = np.zeros(p.size)
        step[free] = _solve(normal[np.ix_(free, free)], gradient[free], damping)
        n = p.size // 2 - 1
        step[n : 2 * n] = np.clip(step[n : 2 * n], -1.0, 1.0)
        # at the end of its bin t0 has no slope, and what it should explain goes to the background
        step[-2] = min(step[-2], 0.75 * max(high[-2] - p[-2], 4e-6 * data.width[cell]))
        trial = np.clip(p + step, low, high)
        promise = float(gradient @ (trial - p))
        trial_mean, trial_jac = data.model(trial)
        trial_deviance = data.deviance(trial_mean)
        fell.append(deviance)
        stalled = len(fell) > _PATIENCE and fell[-1 - _PATIENCE] - deviance < _STALL
        if stalled or (promise < _DONE and damping <= 1e-2):
            converged = True
            break
        if trial_deviance < deviance:
            p, mean, jac, deviance = trial, trial_mean, trial_jac, trial_deviance
            damping = max(damping / 10, 1e-6)
        else:
            damping *= 10
            if damping > 1e9:
                break
    free[-2] = True  # the borders of a bin do not limit t0
    return Fit(data, cell, p, mean, jac, free, _covariance(jac, mean, free), converged)


def _solve(normal: Array, gradient: Array, damping: float) -> Array:
    """Step of a damped Newton iteration, with parameters scaled to unit information."""
    scale = np.sqrt(normal.diagonal())
    scaled = normal / np.outer(scale, scale) + damping * np.eye(scale.size)
    return np.asarray(np.linalg.solve(scaled, gradient / scale) / scale)


def _covariance(jac: Array, mean: Array, free: NDArray[np.bool_]) -> Array:
    """Inverse of the information (parameters, parameters) among the free; see Fit."""
    part = jac[:, free]
    inside = (part / mean[:, None]).T @ part
    result = np.full((free.size, free.size), np.nan)
    scale = np.sqrt(inside.diagonal())
    scaled = inside / np.outer(scale, scale)
    if np.linalg.cond(scaled) < 1e12:
        result[np.ix_(free, free)] = np.linalg.inv(scaled) / np.outer(scale, scale)
    return result
