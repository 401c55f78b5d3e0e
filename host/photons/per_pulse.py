"""How many photons a pulse gives, and whether they scatter as independent ones do."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from trelscope.host.photons.chunk import Chunk, Integers


@dataclass(frozen=True, eq=False)
class PerPulse:
    """pulses: (n,) number of pulses that gave 0, 1, 2 … photons. mean, se: of the photons of a pulse.

    fano: variance over mean, 1 for independent photons of light that does not change; below 1 they keep a distance
    (dead time, a single emitter), above 1 they come in bunches (blinking, drift, afterpulses). nan: not known.
    """

    pulses: Integers
    mean: float
    se: float
    fano: float
    fano_se: float

    def poisson(self) -> NDArray[np.float64]:
        """(n,) pulses to expect of independent photons of the same mean."""
        n = np.arange(self.pulses.size)
        chance = np.exp(special.xlogy(n, self.mean) - self.mean - special.gammaln(n + 1))
        return np.asarray(self.pulses.sum() * chance)


class PhotonsPerPulse:
    """Counts the photons of every whole pulse, or of those between two times after the launch."""

    def __init__(self, window_ns: tuple[int, int] | None = None) -> None:
        """window_ns: from and up to which photons are counted; None: all of a period."""
        self._window = window_ns
        self._pulses = np.zeros(1, np.int64)

    def add(self, chunk: Chunk) -> None:
        """Add the pulses of a chunk."""
        whole = chunk.whole()
        pulse = whole.pulse
        if self._window is not None:
            pulse = pulse[(whole.ns >= self._window[0]) & (whole.ns < self._window[1])]
        _, photons = counted(pulse)
        found = np.bincount(photons, minlength=self._pulses.size)
        found[0] = chunk.whole_pulses - photons.size
        found[: self._pulses.size] += self._pulses
        self._pulses = found

    def result(self) -> PerPulse:
        """What is known so far."""
        total = int(self._pulses.sum())
        if total < 2:
            return PerPulse(self._pulses, np.nan, np.nan, np.nan, np.nan)
        n = np.arange(self._pulses.size)
        share = self._pulses / total
        mean = float(n @ share)
        second, third, fourth = (float((n - mean) ** power @ share) for power in (2, 3, 4))
        variance = second * total / (total - 1)
        if not mean:
            return PerPulse(self._pulses, 0.0, np.nan, np.nan, np.nan)
        # Of a ratio of two moments of the same numbers, to first order: for Poisson's law 2 / total.
        scatter = (
            (fourth - second**2) / mean**2 - 2 * second * third / mean**3 + second**3 / mean**4
        )
        return PerPulse(
            self._pulses,
            mean,
            float(np.sqrt(variance / total)),
            variance / mean,
            float(np.sqrt(max(scatter, 0.0) / total)),
        )


def counted(pulse: Integers) -> tuple[Integers, Integers]:
    """The pulses that have photons, of ascending ones, and how many each has."""
    begins = np.flatnonzero(np.diff(pulse, prepend=-1))
    return pulse[begins], np.diff(begins, append=pulse.size)
