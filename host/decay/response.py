"""The response of detector and excitation: one pole, or a measured histogram."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from trelscope.host.decay.result import Array

_FEWEST = 100  # counts over the background
_CLEAR = 8  # bins before the response that give its background; with fewer it is taken for none
_SMOOTH = 5  # bins averaged to see
_INVERTED = 1.0  # of the peak: deeper below zero is no noise
_END = 0.02  # of the peak, below which a response that was cropped has come to its end
_MOST, _ODD = 1e9, 0.01  # counts in a bin, and parts of a count by which rounding has moved them
_UNKNOWN = 1e4  # counts that the highest bin is taken for where nothing says what one count is
_FINE = 8  # bins of a response in one of the decay: more show nothing, and cost time


@dataclass(frozen=True, eq=False)
class MeasuredResponse:
    """A response with counts spread evenly over each bin.

    edges: (m + 1,) s, on an axis whose 0 is the excitation. weight: (m,) parts of the whole in each
    bin, sum 1. counts: how many it was made of, background excluded.
    """

    edges: Array
    weight: Array
    counts: float

    @property
    def mean(self) -> float:
        """Centroid, s."""
        return float(self.weight @ (self.edges[1:] + self.edges[:-1]) / 2)

    @property
    def start(self) -> float:
        """s, where a tenth of it has come."""
        part = np.maximum.accumulate(np.cumsum(self.weight))
        return float(self.edges[int(np.searchsorted(part, 0.1))])

    def for_bins(self, width: float) -> "MeasuredResponse":
        """The same in coarser bins where they are much finer than those of the decay, of `width` (s)."""
        mean = float(self.edges[-1] - self.edges[0]) / self.weight.size
        together = int(width / _FINE / mean)
        if together < 2:
            return self
        first = np.arange(0, self.weight.size, together)
        edges = np.append(self.edges[first], self.edges[-1])
        return replace(self, edges=edges, weight=np.add.reduceat(self.weight, first))

    def spread(self, t: Array, integral: Callable[[Array], Array]) -> Array:
        """(k, n): each row of `integral`'s integrand, convolved, at `t` (n,) s.

        A density constant within bins makes of f the sum over edges of its steps times the integral
        of f up to t - edge, which is exact: no grid needs to fit another. Where both grids are the
        same but for a shift, the integrals are wanted on one line of points only.
        """
        steps = np.diff(self.weight / np.diff(self.edges), prepend=0.0, append=0.0)
        width = (t[-1] - t[0]) / (t.size - 1)
        even = [np.abs(np.diff(x) - width).max() < 1e-6 * width for x in (t, self.edges)]
        if all(even):
            line = t[0] - self.edges[-1] + width * np.arange(t.size + steps.size - 1)
            return np.array([np.convolve(row, steps, "valid") for row in integral(line)])
        x = t[:, None] - self.edges
        rows = integral(x.ravel())
        return np.asarray(rows.reshape(len(rows), *x.shape) @ steps)


Response: TypeAlias = float | MeasuredResponse
"""Time constant of a pole, s, or a histogram."""


def measured(counts: Array, edges: Array) -> MeasuredResponse | str:
    """A response from a histogram of it: less its background, cut to where it stands out, normalised; or why not.

    counts: (m,), or what has been made of counts: a background subtracted, so that noise left some below zero, or all
    of them scaled. edges: (m + 1,) s, of the bins, which need not be those of the decay.
    """
    counts, edges = np.asarray(counts, np.float64), np.asarray(edges, np.float64)
    if counts.ndim != 1 or edges.shape != (counts.size + 1,):
        return f"the response's {counts.size} bins need {counts.size + 1} edges, not {edges.size}"
    bad = int(np.count_nonzero(~np.isfinite(counts)))
    if bad:
        return f"{bad} of the response's {counts.size} bins hold no count"
    if not (np.isfinite(edges).all() and (np.diff(edges) > 0).all()):
        return "the response's bin edges do not ascend"
    if counts.min() < -_INVERTED * max(counts.max(), 0.0):
        return "most of the response is below zero: turn it over"
    counts = _as_counts(counts)
    if counts.sum() < _FEWEST:
        return f"{counts.sum():.0f} counts are too few for a response: {_FEWEST} are needed"
    width = np.diff(edges)
    rate = counts / width
    first = int(np.flatnonzero(rate >= 0.02 * rate.max())[0])
    clear = 2 * first - int(np.argmax(rate)) - 2  # its front has a foot
    dark = float(counts[:clear].sum() / width[:clear].sum()) if clear >= _CLEAR else 0.0
    over = counts - dark * width
    noise = np.maximum(dark * width, _variance(over))
    seen = _seen(over, noise, min(_SMOOTH, counts.size))
    wide = [_seen(over, noise, k) for k in (20, 80) if k < counts.size / 2]  # faint tails
    total = 0.0
    if seen.size:
        found = np.concatenate((seen, *wide))
        first, last = max(found.min() - 1, 0), min(found.max() + 2, counts.size)
        over, edges = over[first:last], edges[first : last + 1]
        total = float(over.sum())
    if total < _FEWEST:
        return "no response stands out of its background"
    if seen.size > 0.9 * counts.size and not _whole(over):
        return (
            "the response fills its window: nothing shows where it begins and ends;"
            f" give it with what is around it, down to {100 * _END:g} % of its peak"
        )
    over = np.maximum(over, 0.0)  # what noise left below zero would make rates negative
    return MeasuredResponse(edges, over / over.sum(), total)


def _as_counts(values: Array) -> Array:
    """(m,) in counts, as nearly as can be told of values that have been scaled."""
    if (values == np.rint(values)).all():
        return values
    top, least = float(values.max()), float(np.abs(values[values != 0]).min())
    if top / least < _MOST and np.abs(values / least - np.rint(values / least)).max() < _ODD:
        return np.rint(values / least)  # the least is one count
    return values * (_UNKNOWN / top)


def _variance(over: Array) -> float:
    """Of the noise in a bin, in counts^2, where bins were below zero once a background had been subtracted."""
    below = over[over < 0]
    return float(np.mean(below**2)) if below.size >= _CLEAR else 0.0


def _whole(over: Array) -> bool:
    """Whether both ends have come down far below the peak: nothing of a response that was cropped is missing."""
    ends = max(over.size // 20, 1)
    return max(float(over[:ends].mean()), float(over[-ends:].mean())) < _END * float(over.max())


def _seen(over: Array, dark: Array, size: int) -> NDArray[np.intp]:
    """Bins where the sum over `size` neighbours of `over` (m,) is no chance of `dark` (m,) counts."""
    box = np.ones(size)
    noise = np.sqrt(np.convolve(dark, box, "same") + 1)
    sure = 1 + np.sqrt(2 * np.log(over.size))  # the highest of so many Gaussian ones, and more
    return np.flatnonzero(np.convolve(over, box, "same") > sure * noise)
