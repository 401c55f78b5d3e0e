"""Fewer points than there are, that look the same: a screen has about a thousand columns."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def peaks(y: Array, columns: int) -> Array:
    """Lowest and highest of each of `columns` groups in turn, or y itself where that is no more."""
    step = y.size // max(columns, 1)
    if step < 4:
        return y
    groups = y[: y.size // step * step].reshape(-1, step)
    return np.stack((groups.min(axis=1), groups.max(axis=1)), axis=1).ravel()


def means(y: Array, columns: int) -> Array:
    """The same number of points, each pair the mean of its group: where only the middle matters."""
    step = y.size // max(columns, 1)
    if step < 4:
        return y
    return np.repeat(y[: y.size // step * step].reshape(-1, step).mean(axis=1), 2)


def instants(t: Array, columns: int) -> Array:
    """Where the points of `peaks` and `means` are."""
    step = t.size // max(columns, 1)
    if step < 4:
        return t
    groups = t[: t.size // step * step].reshape(-1, step)
    return np.stack((groups[:, 0], groups[:, step // 2]), axis=1).ravel()
