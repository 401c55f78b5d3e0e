"""The deviance of counts, and what it is if the model is true."""

from functools import cache

import numpy as np
from scipy.special import gammaln, xlogy

from trelscope.host.decay.result import Array


def deviances(counts: Array, mean: Array) -> Array:
    """2 (n ln(n/mean) - (n - mean)) of each bin."""
    ratio = np.maximum(counts, 1e-300) / mean
    return np.asarray(2 * (counts * np.log(ratio) - counts + mean))


def poisson_moments(mean: Array, jac: Array, covariance: Array) -> tuple[float, float]:
    """Mean and standard deviation of the deviance if the model is true.

    The fit follows the counts, which takes one off the mean for each free parameter, and off the
    variance what the scores explain: P. McCullagh, J. Am. Stat. Assoc. 81, 104 (1986).
    mean (bins,), jac (bins, free), covariance (free, free).
    """
    grid, table = _moment_table()
    first, variance, with_n = (np.interp(np.log(mean), grid, row) for row in table)
    total = float(variance.sum())
    scores = jac.T @ (with_n / mean)
    if np.isfinite(covariance).all():
        total -= float(scores @ covariance @ scores)
    return float(first.sum()) - jac.shape[1], float(np.sqrt(max(total, 1e-300)))


@cache
def _moment_table() -> tuple[Array, Array]:
    """ln(mean), and of one bin's deviance the mean, variance and covariance with the count (3, m)."""
    mean = np.geomspace(1e-9, 300.0, 400)
    n = np.arange(500.0)
    chance = np.exp(xlogy(n, mean[:, None]) - gammaln(n + 1) - mean[:, None])
    deviance = deviances(n, mean[:, None])
    first = (chance * deviance).sum(axis=1)
    second = (chance * (deviance - first[:, None]) ** 2).sum(axis=1)
    with_n = (chance * (deviance - first[:, None]) * (n - mean[:, None])).sum(axis=1)
    return np.log(mean), np.array((first, second, with_n))
