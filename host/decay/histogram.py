"""A histogram of arrivals, and the likelihood of a decay given it."""

from dataclasses import dataclass

import numpy as np

from trelscope.host.decay.data import FitData
from trelscope.host.decay.moments import deviances, poisson_moments
from trelscope.host.decay.response import MeasuredResponse, Response
from trelscope.host.decay.result import Array

_CHANCE = 7.0  # a burst this much likelier than all others together is no accident
_FLOOR = 1e-3  # photons in the whole record: background or component at its lower end
_GROSS = 0.05  # excess deviance per photon: another shape


@dataclass(frozen=True, eq=False)
class Histogram(FitData):
    """Counts (bins,), edges (bins + 1,) s, exposure (bins,) relative to the bin exposed most,
    response, between which times (s) the excitation is looked for, and counts (bins,) that are
    known to be neither light nor background.

    Amounts are photons, the background is photons per s over all pulses. Where the light starts,
    the model has a kink as t0 passes from a bin to the next, unless a measured response smooths it.
    """

    counts: Array
    edges: Array
    exposure: Array
    response: Response
    early: float
    late: float
    known: Array | float = 0.0

    steady = False

    @property
    def y(self) -> Array:
        return self.counts

    @property
    def width(self) -> Array:
        return np.diff(self.edges)

    @property
    def grid(self) -> tuple[Array, Array]:
        return self.edges, self.width

    @property
    def cells(self) -> Array:
        if isinstance(self.response, MeasuredResponse):
            return np.array((self.early, self.late))
        return self.edges

    @property
    def floors(self) -> tuple[float, float]:
        return _FLOOR, _FLOOR / self.span

    @property
    def guesses(self) -> tuple[float, float]:
        photons = float(self.counts.sum())
        return 1e-3 * photons, 1e-6 * photons / self.span

    @property
    def initial_weights(self) -> Array:
        return 1 / (self.counts + 1)

    @property
    def observations(self) -> float:
        return float(self.counts.sum())

    @property
    def material(self) -> str:
        return f"{self.counts.sum():.0f} photons"

    def observe(self, values: Array) -> Array:
        return -np.diff(values) * self.exposure

    @property
    def flat(self) -> Array:
        return self.width * self.exposure

    @property
    def given(self) -> Array | float:
        return self.known

    def weight(self, mean: Array) -> Array:
        return 1 / mean

    def deviance(self, mean: Array) -> float:
        """Twice what the log-likelihood of `mean` (bins,) is below that of the counts themselves."""
        return float(deviances(self.counts, mean).sum())

    def moments(self, mean: Array, jac: Array, covariance: Array) -> tuple[float, float]:
        return poisson_moments(mean, jac, covariance)

    def gross(self, amounts: Array) -> float:
        return _GROSS * float(amounts.sum())


def burst(data: Histogram, early: float, late: float) -> tuple[float, float] | None:
    """Start and length (s) of the stretch that is brightest beyond chance; None without one.

    It begins in a bin between `early` and `late` (s).

    The scan statistic of M. Kulldorff, Commun. Stat. 26, 1481 (1997): of all stretches the one
    whose likelihood gains most from a rate of its own.
    """
    counts = np.concatenate((np.zeros(1), np.cumsum(data.counts)))
    share = np.concatenate((np.zeros(1), np.cumsum(data.width * data.exposure)))
    share /= share[-1]
    total = counts[-1]
    first = np.flatnonzero((data.edges[1:] > early) & (data.edges[:-1] <= late))
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
