"""Downsampling for the screen, which has about a thousand columns: fewer points that look the same."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FEW = 4  # bins of a column; with fewer, every bin is drawn


class Groups:
    """Bins of a trace in groups, one for each column of the screen; what is drawn has two points for each group.

    Without groups, every bin is a point.
    """

    def __init__(self, starts: NDArray[np.intp] | None, size: int) -> None:
        """starts: (groups,) of each group, the first 0; None: no groups. size: bins."""
        self._starts, self._size = starts, size

    @classmethod
    def even(cls, size: int, columns: int) -> "Groups":
        """Groups of as many bins each; what is left over at the end is not drawn."""
        step = size // max(columns, 1)
        if step < FEW:
            return cls(None, size)
        whole = size // step * step
        return cls(np.arange(0, whole, step), whole)

    @classmethod
    def logarithmic(cls, t: Array, columns: int) -> "Groups":
        """Groups of the same ratio of last to first time. t: (n,) rising; all that is not positive is one group."""
        first = int(np.searchsorted(t, 0.0, "right"))
        if t.size - first < 2:
            return cls(None, t.size)
        ends = np.geomspace(t[first], t[-1], max(columns, 1) + 1)[:-1]
        starts = np.searchsorted(t, ends * (1 - 1e-12))
        return cls(np.unique(np.concatenate(([0], starts))), t.size)

    def peaks(self, y: Array) -> Array:
        """The lowest and the highest value of each group in turn."""
        if self._starts is None:
            return y
        low, high = (each.reduceat(y[: self._size], self._starts) for each in EXTREMES)
        return np.stack((low, high), axis=1).ravel()

    def means(self, y: Array) -> Array:
        """As many points as `peaks` returns, each pair being the mean of its group."""
        if self._starts is None:
            return y
        sums = np.add.reduceat(y[: self._size], self._starts)
        return np.repeat(sums / self.sizes, 2)

    def instants(self, t: Array) -> Array:
        """The times of the points of `peaks` and `means`."""
        if self._starts is None:
            return t
        middles = self._starts + self.sizes // 2
        return np.stack((t[self._starts], t[middles]), axis=1).ravel()

    @property
    def sizes(self) -> NDArray[np.intp]:
        """(groups,) bins of each group."""
        if self._starts is None:
            return np.ones(self._size, np.intp)
        return np.diff(np.append(self._starts, self._size))


EXTREMES = np.minimum, np.maximum
