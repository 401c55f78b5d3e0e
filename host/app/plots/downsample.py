"""Downsampling for the screen, which has about a thousand columns: fewer points that look the same."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def peaks(y: Array, columns: int) -> Array:
    """The lowest and the highest value of each of `columns` groups in turn, or y itself if it is short."""
    step = y.size // max(columns, 1)
    if step < 4:
        return y
    groups = y[: y.size // step * step].reshape(-1, step)
    return np.stack((groups.min(axis=1), groups.max(axis=1)), axis=1).ravel()


def means(y: Array, columns: int) -> Array:
    """As many points as `peaks` returns, each pair being the mean of its group."""
    step = y.size // max(columns, 1)
    if step < 4:
        return y
    return np.repeat(y[: y.size // step * step].reshape(-1, step).mean(axis=1), 2)


def instants(t: Array, columns: int) -> Array:
    """The times of the points of `peaks` and `means`."""
    step = t.size // max(columns, 1)
    if step < 4:
        return t
    groups = t[: t.size // step * step].reshape(-1, step)
    return np.stack((groups[:, 0], groups[:, step // 2]), axis=1).ravel()
