"""The top of the likelihood, by Fisher scoring."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from trelscope.host.decay.data import FitData
from trelscope.host.decay.models import Exponentials, Law, Stretched
from trelscope.host.decay.result import Array

_ITERATIONS = 200
_DONE = 1e-5  # what a step still promises to add to the log-likelihood
_STALL, _PATIENCE = 1e-3, 12  # the top, too: the deviance fell by less in so many iterations


@dataclass(frozen=True, eq=False)
class Fit:
    """The top of the likelihood for one law.

    cell: that of t0. p, mean, jac: parameters there and what `FitData.model` makes of them. free:
    (parameters,) not at a limit. covariance: nan for what is not free, or everywhere if the data
    leave some combination open. converged: whether it is the top.
    """

    data: FitData
    law: Law
    cell: int
    p: Array
    mean: Array
    jac: Array
    free: NDArray[np.bool_]
    covariance: Array
    converged: bool

    @property
    def amounts(self) -> Array:
        return self.p[: self.law.parts]

    @property
    def shape(self) -> Array:
        return self.p[self.law.parts : -2]

    @property
    def deviance(self) -> float:
        return self.data.deviance(self.mean)

    @property
    def bic(self) -> float:
        """G. Schwarz, Ann. Stat. 6, 461 (1978), up to a constant; of counts the observations are photons."""
        return self.deviance + self.p.size * float(np.log(self.data.observations))


def fits(data: FitData, start: float, life: float, most: int) -> Iterator[Fit]:
    """The best fit with 1, 2, … `most` exponentials; each begins from what the one before found.

    start: s, of the light. life: s, a guess.
    """
    lives, t0 = np.array([life]), start
    for order in range(1, most + 1):
        law = Exponentials(order)
        best = _best(data, law, [law.begin(split) for split in _split_lifetimes(lives, order)], t0)
        lives, t0 = law.lives(best.shape), float(best.p[-2])
        yield best


def stretched(data: FitData, start: float, life: float) -> Fit:
    """The best fit of a stretched exponential."""
    law = Stretched()
    return _fit_across_cells(data, law, law.begin(np.array([life])), start, data.cell_of(start))


def _best(data: FitData, law: Law, shapes: list[Array], t0: float) -> Fit:
    """Of the fits that begin with these shapes, near t0 (s)."""
    here = data.cell_of(t0)
    cells = dict.fromkeys(min(max(k, 0), data.cells.size - 2) for k in (here, here - 1, here + 1))
    tried = [_fit_across_cells(data, law, shape, t0, cell) for shape in shapes for cell in cells]
    return min(tried, key=lambda fit: fit.deviance)


def _fit_across_cells(data: FitData, law: Law, shape: Array, t0: float, cell: int) -> Fit:
    """The fit that begins with this shape and t0 (s) in `cell`.

    The climb keeps to one cell, as the model may have a kink where t0 passes on to the next; from a
    top at its border it goes on in the cell beyond.
    """
    cell = data.cell_of(float(data.cells[cell]))
    low, high = data.limits(law, cell)
    if data.cells.size > 2:
        t0 = (low[-2] + high[-2]) / 2
    best = climb(data, law, _begin(data, law, shape, t0, cell), cell)
    seen, fit = {cell}, best
    while True:
        low, high = data.limits(law, cell)
        t0 = fit.p[-2]
        cell += 1 if t0 >= high[-2] else -1 if t0 <= low[-2] else 0
        if cell in seen or cell != data.cell_of(float(data.cells[max(cell, 0)])):
            return best
        seen.add(cell)
        fit = climb(data, law, np.clip(fit.p, *data.limits(law, cell)), cell)
        if fit.deviance > best.deviance + _DONE:
            return best
        best = fit


def _split_lifetimes(lives: Array, order: int) -> list[Array]:
    """Lifetimes to begin from, s: those found with one component less, one of them made two."""
    if lives.size == order:
        return [lives]
    return [
        np.concatenate((np.delete(lives, k), lives[k] * np.array((0.4, 1.6))))
        for k in range(lives.size)
    ]


def _begin(data: FitData, law: Law, shape: Array, t0: float, cell: int) -> Array:
    """Parameters with this shape and t0 (s), the rest from weighted least squares."""
    n = law.parts
    low, high = data.limits(law, cell)
    p = np.clip(np.concatenate((np.ones(n), shape, (t0, 1.0))), low, high)
    _, jac = data.model(law, p)
    linear = [*range(n), -1]
    least = np.array([data.guesses[0]] * n + [data.guesses[1]])
    weight = np.sqrt(data.initial_weights)
    scale = np.maximum(np.abs(jac[:, linear]).max(axis=0), 1e-300)
    columns = jac[:, linear] / scale
    if least[-1] < 0:  # a background may be negative
        columns = np.column_stack((columns, -columns[:, -1]))
    amounts, _ = nnls(columns * weight[:, None], (data.y - data.given) * weight)
    if least[-1] < 0:
        amounts = np.append(amounts[:-2], amounts[-2] - amounts[-1])
    p[linear] = np.maximum(amounts / scale, least)
    return np.asarray(np.clip(p, low, high))


def climb(data: FitData, law: Law, p: Array, cell: int) -> Fit:
    """Fisher scoring from `p`, damped as by Levenberg and Marquardt, to the top with t0 in `cell`.

    `scipy.optimize.least_squares` with bounds on the deviance's residuals took 1.2 times as long over 69 such climbs,
    but stopped short of the top in 9 of them (this one in 3): models are compared by the height of their tops.
    """
    low, high = data.limits(law, cell)
    n, room = law.parts, float(np.diff(data.cells)[cell])
    mean, jac = data.model(law, p)
    deviance, damping, converged = data.deviance(mean), 1e-3, False
    fell: list[float] = []
    for _ in range(_ITERATIONS):
        weight = data.weight(mean)
        gradient, normal = jac.T @ (weight * (data.y - mean)), (jac * weight[:, None]).T @ jac
        free = ~(((p <= low) & (gradient <= 0)) | ((p >= high) & (gradient >= 0)))
        free &= normal.diagonal() > 0
        step = np.zeros(p.size)
        step[free] = _solve(normal[np.ix_(free, free)], gradient[free], damping)
        step[n:-2] = np.clip(step[n:-2], -1.0, 1.0)
        # at the end of its cell t0 has no slope, and what it should explain goes to the background
        step[-2] = min(step[-2], 0.75 * max(high[-2] - p[-2], 4e-6 * room))
        trial = np.clip(p + step, low, high)
        promise = float(gradient @ (trial - p))
        trial_mean, trial_jac = data.model(law, trial)
        trial_deviance = data.deviance(trial_mean)
        fell.append(deviance)
        stalled = len(fell) > _PATIENCE and fell[-1 - _PATIENCE] - deviance < _STALL
        if stalled or (abs(promise) < _DONE and damping <= 1e-2):
            converged = True
            break
        if trial_deviance < deviance:
            p, mean, jac, deviance = trial, trial_mean, trial_jac, trial_deviance
            damping = max(damping / 10, 1e-6)
        else:
            damping *= 10
            if damping > 1e9:
                break
    free[-2] = True  # the borders of a cell do not limit t0
    covariance = _covariance(jac, data.weight(mean), free)
    return Fit(data, law, cell, p, mean, jac, free, covariance, converged)


def _solve(normal: Array, gradient: Array, damping: float) -> Array:
    """Step of a damped Newton iteration, with parameters scaled to unit information."""
    scale = np.sqrt(normal.diagonal())
    scaled = normal / np.outer(scale, scale) + damping * np.eye(scale.size)
    return np.asarray(np.linalg.solve(scaled, gradient / scale) / scale)


def _covariance(jac: Array, weight: Array, free: NDArray[np.bool_]) -> Array:
    """Inverse of the information (parameters, parameters) among the free; see Fit."""
    part = jac[:, free]
    inside = (part * weight[:, None]).T @ part
    result = np.full((free.size, free.size), np.nan)
    scale = np.sqrt(inside.diagonal())
    scaled = inside / np.outer(scale, scale)
    if np.linalg.cond(scaled) < 1e12:
        result[np.ix_(free, free)] = np.linalg.inv(scaled) / np.outer(scale, scale)
    return result
