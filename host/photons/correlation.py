"""Second-order correlation: how much likelier a photon makes another one, against independent photons.

Light that is the same in every pulse has g2 = 1 whatever its shape: photons of one pulse are held against those of
neighbouring pulses. Below 1 they avoid each other: dead time, or a single emitter, which needs time to be excited
again. Above 1 they come together: afterpulses, or an emitter that blinks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trelscope.host.photons.chunk import Chunk
from trelscope.host.photons.pairs import Recent, pairs
from trelscope.host.photons.per_pulse import counted
from trelscope.host.photons.rows import Rows, spread

Values = NDArray[np.float64]

REFERENCE = 4  # pulses after each that its photons are held against


@dataclass(frozen=True, eq=False)
class Correlation:
    """at: (n,) delay, ns, or lag in pulses. g2, se: (n,) its value and standard error, nan where nothing is known.

    found: (n,) pairs. expected: (n,) of independent photons.
    """

    at: Values
    g2: Values
    se: Values
    found: Values
    expected: Values


class DelayCorrelation:
    """g2 by the delay between two photons of the same pulse, from 0 on in bins of whole ns.

    It is normalised by pairs of photons the same time after their launches, apart, but of different pulses.
    """

    def __init__(self, width_ns: int, bins: int, reference: int = REFERENCE) -> None:
        self.width_ns, self.bins = width_ns, bins
        self.photons = 0
        self._recent = Recent(reference)
        self._pulse_pairs = np.zeros(reference + 1, np.int64)
        self._rows = Rows(2 * bins)

    def add(self, chunk: Chunk) -> None:
        """Add the photons of a chunk."""
        near = self._recent.add(chunk)
        self._pulse_pairs += near.pulse_pairs
        self.photons += near.pulse.size - near.fresh
        self._rows.cover(chunk)
        for earlier, later in pairs(near.pulse, near.fresh, self._pulse_pairs.size - 1):
            pulse = near.pulse[later]
            other = pulse != near.pulse[earlier]
            bin = np.abs(near.ns[later] - near.ns[earlier]) // self.width_ns
            inside = bin < self.bins
            self._rows.add(pulse[inside], (bin + self.bins * other)[inside])

    def result(self) -> Correlation:
        """What is known so far. Where the delay is 0, two photons would be in the same ns, and are counted as one."""
        rows = self._rows.counts
        same, others = rows[:, : self.bins], rows[:, self.bins :]
        found, reference = same.sum(axis=0), others.sum(axis=0)
        # A pair of different pulses can be had in two orders, one of the same pulse in one.
        each = self._pulse_pairs[0] / max(2 * self._pulse_pairs[1:].sum(), 1)
        expected = reference * each
        seen = np.where(expected > 0, expected, np.nan)
        shares = same / np.maximum(found, 1), -others / np.maximum(reference, 1)
        least = np.sqrt(1 / np.maximum(found, 1) + 1 / np.maximum(reference, 1))
        relative = np.fmax(
            spread(*shares), least
        )  # pairs that share a photon are no more independent
        at = np.asarray(self.width_ns * (np.arange(self.bins) + 0.5) - 0.5, np.float64)
        g2 = found / seen
        return Correlation(at, g2, np.where(found, g2, 1 / seen) * relative, 1.0 * found, expected)


class LagCorrelation:
    """g2 of the photons of two pulses, by how many pulses they are apart; 0: of the same pulse."""

    def __init__(self, lags: int) -> None:
        self.lags = lags
        self._recent = Recent(lags)
        self._pulse_pairs = np.zeros(lags + 1, np.int64)
        self._rows = Rows(lags + 2)  # pairs by lag, then photons

    def add(self, chunk: Chunk) -> None:
        """Add the photons of a chunk."""
        near = self._recent.add(chunk)
        self._pulse_pairs += near.pulse_pairs
        self._rows.cover(chunk)
        pulse, photons = counted(near.pulse)
        fresh = int(np.searchsorted(pulse, chunk.first))
        mine, own = pulse[fresh:], photons[fresh:]
        self._rows.add(mine, self.lags + 1, own)
        self._rows.add(mine, 0, own * (own - 1))
        for earlier, later in pairs(pulse, fresh, self.lags):
            lag = pulse[later] - pulse[earlier]
            self._rows.add(pulse[later], lag, photons[later] * photons[earlier])

    def result(self) -> Correlation:
        """What is known so far."""
        rows = self._rows.counts
        found, photons = rows[:, :-1].sum(axis=0), rows[:, -1].sum()
        whole = self._rows.whole
        mean = photons / max(whole.sum(), 1)
        expected = mean**2 * self._pulse_pairs
        seen = np.where(expected > 0, expected, np.nan)
        relative = spread(
            rows[:, :-1] / np.maximum(found, 1),
            -2 * rows[:, -1:] / max(photons, 1),
            whole[:, None] / max(whole.sum(), 1),
        )
        relative = np.fmax(relative, 1 / np.sqrt(np.maximum(found, 1)))
        g2 = found / seen
        return Correlation(
            np.arange(self.lags + 1.0),
            g2,
            np.where(found, g2, 1 / seen) * relative,
            1.0 * found,
            expected,
        )
