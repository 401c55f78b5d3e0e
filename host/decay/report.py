"""A fit in the units of `Decay`, and whether it is to be believed."""

from functools import cache
from typing import Any

import numpy as np
from scipy.stats import poisson

from host.decay.climb import Fit, climb
from host.decay.histogram import deviances
from host.decay.result import Array, Component, Decay, Value, unmeasured

_VAGUE = 0.5  # part of a lifetime or amplitude; a larger standard error: not resolved
_GROSS, _SURE = 0.05, 6.0  # excess deviance per photon, and in standard deviations: another shape


def report(fit: Fit, bic: dict[int, float], pulses: float) -> Decay:
    """The fit in the units of `Decay`, or why it is not to be believed."""
    reason = _doubt(fit)
    expected, spread = deviance_moments(fit)
    freedom = fit.data.counts.size - int(fit.free.sum())
    excess = fit.deviance - expected
    if not reason and excess > max(_GROSS * fit.p[: fit.order].sum(), _SURE * spread):
        reason = f"the light does not look like {fit.order} exponential{'s' * (fit.order > 1)}"
    if reason:
        return unmeasured(reason, fit.data.counts, bic)
    return Decay(
        _components(fit, pulses),
        _background(fit, pulses),
        _moment(fit),
        _average(fit, 0),
        _average(fit, 1),
        int(fit.data.counts.sum()),
        fit.deviance / freedom,
        expected / freedom,
        spread / freedom,
        bic,
        fit.mean,
    )


def _doubt(fit: Fit) -> str:
    """Why the numbers of a fit are not to be believed, or ""."""
    n, data = fit.order, fit.data
    left = data.edges[-1] - fit.p[-2]
    longest = float(np.exp(fit.p[n : 2 * n].max()))
    if longest > left:
        return (
            f"the light does not decay within the window, which ends {left:.3g} s after its start"
        )
    if fit.p[-2] <= max(data.early, data.edges[0]) or fit.p[-2] >= data.late:
        return "the light does not start within the window, or not where it was looked for"
    if not fit.converged:
        return f"the fit of {n} exponentials does not converge"
    variance = fit.covariance.diagonal()[: 2 * n]
    relative = np.sqrt(np.append(variance[:n] / fit.p[:n] ** 2, variance[n:]))
    if not relative.max() < _VAGUE:  # nan, too
        few = f"{data.counts.sum():.0f} photons do not fix "
        return few + ("a lifetime" if n == 1 else f"{n} lifetimes: fit fewer or count longer")
    return ""


def _components(fit: Fit, pulses: float) -> tuple[Component, ...]:
    """By ascending lifetime."""
    n = fit.order
    found = []
    for k in np.argsort(fit.p[n : 2 * n]):
        life = float(np.exp(fit.p[n + k]))
        amplitude = float(fit.p[k]) / life / pulses
        slope = np.zeros(fit.p.size)
        slope[k], slope[n + k] = amplitude / fit.p[k], -amplitude
        life_se = life * float(np.sqrt(fit.covariance[n + k, n + k]))
        found.append(Component(Value(amplitude, _error(fit, slope)), Value(life, life_se)))
    return tuple(found)


def _background(fit: Fit, pulses: float) -> Value:
    """Photons per second. At zero its error is the rate at which the likelihood drops by 1/e."""
    if fit.free[-1]:
        return Value(float(fit.p[-1]) / pulses, float(np.sqrt(fit.covariance[-1, -1])) / pulses)
    drop = -float(fit.jac[:, -1] @ (fit.data.counts / fit.mean - 1))
    return Value(0.0, 1 / drop / pulses)


def _moment(fit: Fit) -> Value:
    """t0, s. Its error covers the next bin as far as the data allow t0 there.

    A stray photon or two of the background can pull t0 to the end of the bin before its own.
    """
    value, variance = float(fit.p[-2]), float(fit.covariance[-2, -2])
    if fit.cell + 1 < fit.data.counts.size:
        low, high = fit.data.limits(fit.order, fit.cell + 1)
        other = climb(fit.data, np.clip(fit.p, low, high), fit.cell + 1)
        chance = float(np.exp(min(fit.deviance - other.deviance, 0.0) / 2))
        there = float(other.covariance[-2, -2]) + (float(other.p[-2]) - value) ** 2
        if np.isfinite(there):
            variance = max(variance, (variance + chance * there) / (1 + chance))
    return Value(value, float(np.sqrt(variance)))


def _average(fit: Fit, power: int) -> Value:
    """sum(a tau^(power + 1)) / sum(a tau^power), s."""
    n = fit.order
    photons, lives = fit.p[:n], np.exp(fit.p[n : 2 * n])
    weight = photons * lives ** (power - 1)
    value = float(weight @ lives / weight.sum())
    slope = np.zeros(fit.p.size)
    slope[:n] = weight / photons * (lives - value) / weight.sum()
    slope[n : 2 * n] = weight * (power * lives - (power - 1) * value) / weight.sum()
    return Value(value, _error(fit, slope))


def _error(fit: Fit, slope: Array) -> float:
    """Standard error of what changes by `slope` (parameters,) with the parameters."""
    free = fit.free
    return float(np.sqrt(slope[free] @ fit.covariance[np.ix_(free, free)] @ slope[free]))


def deviance_moments(fit: Fit) -> tuple[float, float]:
    """Mean and standard deviation of the deviance if the model is true.

    The fit follows the counts, which takes one off the mean for each free parameter, and off the
    variance what the scores explain: P. McCullagh, J. Am. Stat. Assoc. 81, 104 (1986).
    """
    grid, table = _moment_table()
    mean, variance, covariance = (np.interp(np.log(fit.mean), grid, row) for row in table)
    free = int(fit.free.sum())
    total = float(variance.sum())
    scores = fit.jac[:, fit.free].T @ (covariance / fit.mean)
    inverse = fit.covariance[np.ix_(fit.free, fit.free)]
    if np.isfinite(inverse).all():
        total -= float(scores @ inverse @ scores)
    return float(mean.sum()) - free, float(np.sqrt(max(total, 1e-300)))


@cache
def _moment_table() -> tuple[Array, Array]:
    """ln(mean), and of one bin's deviance the mean, variance and covariance with the count (3, m)."""
    mean = np.geomspace(1e-9, 300.0, 400)
    n = np.arange(500.0)
    chance: Any = poisson.pmf(n, mean[:, None])
    deviance = deviances(n, mean[:, None])
    first = (chance * deviance).sum(axis=1)
    second = (chance * (deviance - first[:, None]) ** 2).sum(axis=1)
    with_n = (chance * (deviance - first[:, None]) * (n - mean[:, None])).sum(axis=1)
    return np.log(mean), np.array((first, second, with_n))
