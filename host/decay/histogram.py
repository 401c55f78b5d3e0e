"""A histogram of arrivals, and the likelihood of a decay given it."""

from dataclasses import dataclass

import numpy as np

from host.decay.models import survival
from host.decay.result import Array

_CHANCE = 7.0  # a burst this much likelier than all others together is no accident
_FLOOR = 1e-3  # photons in the whole record: background or component at its lower end


@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts (bins,), edges (bins + 1,) s, exposure (bins,) relative to the bin exposed most,
    response s, and between which times (s) the excitation is looked for."""

    counts: Array
    edges: Array
    exposure: Array
    response: float
    early: float
    late: float

    @property
    def width(self) -> Array:
        return np.diff(self.edges)

    @property
    def span(self) -> float:
        return float(self.edges[-1] - self.edges[0])

    def bin_of(self, t0: float) -> int:
        """The bin that holds t0 (s), or the nearest in which it may be."""
        inside = min(max(t0, self.early, self.edges[0]), self.late)
        return int(
            np.clip(np.searchsorted(self.edges, inside, "right") - 1, 0, self.counts.size - 1)
        )

    def limits(self, order: int, cell: int) -> tuple[Array, Array]:
        """Least and greatest parameters, each (2 order + 2,), with t0 in bin `cell`."""
        end = self.edges[cell + 1] - 1e-6 * self.width[cell]  # still in the bin
        start = max(self.edges[cell], self.early), max(min(end, self.late), self.early)
        lives = np.log((self.width.min() / 20, 20 * self.span))
        low = [_FLOOR] * order + [lives[0]] * order + [start[0], _FLOOR / self.span]
        high = [np.inf] * order + [lives[1]] * order + [start[1], np.inf]
        return np.array(low), np.array(high)

    def model(self, p: Array) -> tuple[Array, Array]:
        """Mean counts (bins,) and their derivatives (bins, parameters).

        p: photons of each component, logarithm of each lifetime (s), t0 (s), background (photons
        per s over all pulses).
        """
        n = p.size // 2 - 1
        jac = np.empty((self.counts.size, p.size))
        moved = np.zeros(self.counts.size)
        for k in range(n):
            left, by_life, rate = survival(
                self.edges - p[-2], float(np.exp(p[n + k])), self.response
            )
            jac[:, k] = -np.diff(left)
            jac[:, n + k] = -p[k] * np.diff(by_life)
            moved -= p[k] * np.diff(rate)
        jac[:, -2], jac[:, -1] = moved, self.width
        jac *= self.exposure[:, None]
        return jac[:, :n] @ p[:n] + jac[:, -1] * p[-1], jac

    def deviance(self, mean: Array) -> float:
        """Twice what the log-likelihood of `mean` (bins,) is below that of the counts themselves."""
        return float(deviances(self.counts, mean).sum())


def deviances(counts: Array, mean: Array) -> Array:
    """2 (n ln(n/mean) - (n - mean)) of each bin."""
    ratio = np.maximum(counts, 1e-300) / mean
    return np.asarray(2 * (counts * np.log(ratio) - counts + mean))


def burst(data: Histogram) -> tuple[float, float] | None:
    """Start and length (s) of the stretch that is brightest beyond chance; None without one.

    The scan statistic of M. Kulldorff, Commun. Stat. 26, 1481 (1997): of all stretches the one
    whose likelihood gains most from a rate of its own.
    """
    counts = np.concatenate((np.zeros(1), np.cumsum(data.counts)))
    share = np.concatenate((np.zeros(1), np.cumsum(data.width * data.exposure)))
    share /= share[-1]
    total = counts[-1]
    first = np.flatnonzero((data.edges[1:] > data.early) & (data.edges[:-1] <= data.late))
    bins = data.counts.size
    lengths = np.unique(np.round(np.geomspace(1, bins, 40)).astype(int))
    best, found = np.log(bins * lengths.size) + _CHANCE, None
    for length in lengths:
        a = first[first + length <= bins]
        if a.size == 0:
            break
        inside, part = (
            np.diff(counts[[a, a + length]], axis=0)[0],
            np.diff(share[[a, a + length]], axis=0)[0],
        )
        outside, other = total - inside, np.maximum(1 - part, 1e-12)
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = inside * np.log(inside / (total * part))
            gain += np.where(outside > 0, outside * np.log(outside / (total * other)), 0.0)
        gain[~(inside > total * part)] = 0.0
        top = int(np.argmax(gain))
        if gain[top] > best:
            best = gain[top]
            found = int(a[top]), int(length)
    if found is None:
        return None
    at, length = found
    return float(data.edges[at]), float(data.edges[at + length] - data.edges[at])
