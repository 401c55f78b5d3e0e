"""Samples at any instants on an even grid, with errors that say no more than the samples did."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOST = 1 << 20
"""Points of a grid."""
_FINE = 0.05  # of the steps are shorter than the grid's


@dataclass(frozen=True, eq=False)
class Even:
    """t: (m,) s, evenly spaced. y: (channels, m), by linear interpolation. widen: (m,) factor on a sample's error.

    Where a sample stands for several points of the grid, each of them has so much more of an error that a mean over
    them has that of the sample.
    """

    t: Array
    y: Array
    widen: Array


def evenly(t: Array, y: Array) -> Even:
    """t: (n,) s, ascending. y: (channels, n), nan where a sample is missing, which counts as not taken."""
    known = np.isfinite(y).all(axis=0)
    fresh = np.concatenate((np.ones(1, bool), np.diff(t) > 0))
    t, y = t[known & fresh], y[:, known & fresh]
    steps = np.diff(t)
    if is_even(t):
        return Even(t[0] + np.arange(t.size) * (t[-1] - t[0]) / (t.size - 1), y, np.ones(t.size))
    span = float(t[-1] - t[0])
    dt = max(float(np.quantile(steps, _FINE)), span / MOST)
    points = round(span / dt) + 1
    grid = t[0] + np.arange(points) * (span / (points - 1))
    own = np.gradient(t)
    widen = np.sqrt(np.maximum(np.interp(grid, t, own) / (span / (points - 1)), 1.0))
    return Even(grid, np.array([np.interp(grid, t, row) for row in y]), widen)


def is_even(t: Array) -> bool:
    """Whether (n,) instants are as evenly spaced as a trace has to be."""
    steps = np.diff(t)
    return bool(t.size > 1 and steps.min() > 0 and np.ptp(steps) <= 0.01 * steps.mean())
