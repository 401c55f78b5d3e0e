"""A fit in the units of `Decay`, and whether it is to be believed."""

from collections.abc import Callable

import numpy as np

from trelscope.host.decay.climb import Fit, climb
from trelscope.host.decay.models import Stretched
from trelscope.host.decay.result import EXPONENTIAL, Array, Component, Decay, Key, Value, unmeasured

_VAGUE = 0.5  # part of a lifetime or amplitude; a larger standard error: not resolved
_SURE = 6.0  # standard deviations of the deviance above its expectation: another shape
_RIVAL = 10.0  # of BIC above the best: a model not to be excluded
_NUDGE = 1e-3  # standard errors by which a parameter is moved to see what follows it


def key(fit: Fit) -> Key:
    """What a model is called in `Decay.bic`."""
    return "stretched" if isinstance(fit.law, Stretched) else fit.law.parts


def report(found: list[Fit], pulses: float, photons: int) -> Decay:
    """Of these fits that of least BIC in the units of `Decay`, or why it is not to be believed."""
    fit = min(found, key=lambda other: other.bic)
    bic = {key(other): other.bic - fit.bic for other in found}
    rivals = [other for other in found if bic[key(other)] < _RIVAL and other.converged]
    reason = _reason_unreliable(fit)
    inside = fit.covariance[np.ix_(fit.free, fit.free)]
    expected, spread = fit.data.moments(fit.mean, fit.jac[:, fit.free], inside)
    freedom = fit.data.y.size - int(fit.free.sum())
    excess = fit.deviance - expected
    if not reason and excess > max(fit.data.gross(fit.amounts), _SURE * spread):
        reason = f"the light does not look like {fit.law.name}"
    if reason:
        return unmeasured(reason, photons, bic)
    return Decay(
        _components(fit, pulses),
        _background(fit, pulses),
        _moment(fit),
        _model_averaged(fit, rivals, amplitude_average),
        _model_averaged(fit, rivals, intensity_average),
        photons,
        fit.deviance / freedom,
        expected / freedom,
        spread / freedom,
        bic,
        fit.mean,
    )


def _reason_unreliable(fit: Fit) -> str:
    """Why the numbers of a fit are not to be believed, or ""."""
    n, data = fit.law.parts, fit.data
    left = data.grid[0][-1] - fit.p[-2]
    longest = float(fit.law.areas(fit.shape).max())
    if longest > left:
        return (
            f"the light does not decay within the window, which ends {left:.3g} s after its start"
        )
    if fit.p[-2] <= max(data.early, data.cells[0]) or fit.p[-2] >= data.late - 1e-5 * data.span:
        return "the light does not start within the window, or not where it was looked for"
    if not fit.converged:
        return f"the fit of {fit.law.name} does not converge"
    variance = fit.covariance.diagonal()[:-2]
    relative = np.sqrt(np.append(variance[:n] / fit.p[:n] ** 2, variance[n:]))
    if not relative.max() < _VAGUE:  # nan, too
        few = f"{data.material} do not fix "
        if key(fit) == "stretched":
            return few + "a stretched exponential"
        return few + ("a lifetime" if n == 1 else f"{n} lifetimes: fit fewer or count longer")
    return ""


def _amplitudes(fit: Fit, p: Array) -> Array:
    """(parts,) of the curves at their start."""
    n = fit.law.parts
    return p[:n] if fit.data.steady else p[:n] / fit.law.areas(p[n:-2])


def _components(fit: Fit, pulses: float) -> tuple[Component, ...]:
    """By ascending lifetime."""
    n = fit.law.parts
    found = []
    for k in np.argsort(fit.law.lives(fit.shape)):

        def amplitude(p: Array, k: int = k) -> float:
            return float(_amplitudes(fit, p)[k]) / pulses

        def life(p: Array, k: int = k) -> float:
            return float(fit.law.lives(p[n:-2])[k])

        stretch = EXPONENTIAL
        if key(fit) == "stretched":
            stretch = _derived(fit, lambda p: float(np.exp(p[n + 1])))
        found.append(Component(_derived(fit, amplitude), _derived(fit, life), stretch))
    return tuple(found)


def _background(fit: Fit, pulses: float) -> Value:
    """Photons per second, or V. At its lower end its error is the rate at which the likelihood drops by 1/e."""
    if fit.free[-1]:
        return Value(float(fit.p[-1]) / pulses, float(np.sqrt(fit.covariance[-1, -1])) / pulses)
    drop = -float(fit.jac[:, -1] @ (fit.data.weight(fit.mean) * (fit.data.y - fit.mean)))
    return Value(0.0, 1 / drop / pulses)


def _moment(fit: Fit) -> Value:
    """t0, s. Its error covers the next cell as far as the data allow t0 there.

    A stray photon or two of the background can pull t0 to the end of the bin before its own.
    """
    value, variance = float(fit.p[-2]), float(fit.covariance[-2, -2])
    if fit.cell + 2 < fit.data.cells.size:
        low, high = fit.data.limits(fit.law, fit.cell + 1)
        other = climb(fit.data, fit.law, np.clip(fit.p, low, high), fit.cell + 1)
        chance = float(np.exp(min(fit.deviance - other.deviance, 0.0) / 2))
        there = float(other.covariance[-2, -2]) + (float(other.p[-2]) - value) ** 2
        if np.isfinite(there):
            variance = max(variance, (variance + chance * there) / (1 + chance))
    return Value(value, float(np.sqrt(variance)))


def amplitude_average(fit: Fit) -> Value:
    """Area of the whole curve over its height, s: sum(a tau) / sum(a)."""

    def average(p: Array) -> float:
        amplitude = _amplitudes(fit, p)
        return float(amplitude @ fit.law.areas(p[fit.law.parts : -2]) / amplitude.sum())

    return _derived(fit, average)


def intensity_average(fit: Fit) -> Value:
    """Mean delay of the light after t0, s: sum(a tau^2) / sum(a tau)."""

    def average(p: Array) -> float:
        shape = p[fit.law.parts : -2]
        light = _amplitudes(fit, p) * fit.law.areas(shape)
        return float(light @ fit.law.delays(shape) / light.sum())

    return _derived(fit, average)


def _model_averaged(fit: Fit, rivals: list[Fit], average: Callable[[Fit], Value]) -> Value:
    """An average with an error that also covers what the models say that BIC does not exclude."""
    best = average(fit)
    others = [v for v in map(average, rivals) if v.se < _VAGUE * v.value]
    away = max((abs(other.value - best.value) for other in others), default=0.0)
    return Value(best.value, float(np.hypot(best.se, away)))


def _derived(fit: Fit, function: Callable[[Array], float]) -> Value:
    """What follows from the parameters (parameters,), with the error that theirs make."""
    free = np.flatnonzero(fit.free)
    inside = fit.covariance[np.ix_(free, free)]
    slope = np.zeros(free.size)
    for i, (k, step) in enumerate(zip(free, _NUDGE * np.sqrt(inside.diagonal()), strict=True)):
        up, down = fit.p.copy(), fit.p.copy()
        up[k] += step
        down[k] -= step
        slope[i] = (function(up) - function(down)) / (2 * step)
    return Value(function(fit.p), float(np.sqrt(slope @ inside @ slope)))
