"""How the light changes along a train: the count rate, and a map of pulse by time from the launch."""

import numpy as np
from numpy.typing import NDArray

from trelscope.host.photons.chunk import Chunk
from trelscope.host.photons.histogram import Bins
from trelscope.host.photons.rows import Rows
from trelscope.host.photons.timing import Timing

Values = NDArray[np.float64]

POINTS = 1024  # of a trace, at most: at least half as many once there are pulses enough
MAP_ROWS = 256


class RateTrace:
    """Photons per second in ranges of whole pulses, which grow with the train."""

    def __init__(self, timing: Timing, points: int = POINTS) -> None:
        self._timing = timing
        self._rows = Rows(1, points)

    def add(self, chunk: Chunk) -> None:
        """Add the photons of a chunk."""
        self._rows.cover(chunk)
        self._rows.add(chunk.whole().pulse, 0)

    @property
    def pulses(self) -> int:
        """In each range."""
        return self._rows.pulses

    def result(self) -> tuple[Values, Values, Values]:
        """Middle of each range, s from the train's start; photons/s there, nan where no pulse is whole; its error."""
        rate = self._timing.rate
        middle = np.arange(0.5, self._rows.used, dtype=np.float64) * self._rows.pulses / rate
        counts = self._rows.counts[:, 0]
        seconds = np.where(self._rows.whole, self._rows.whole / rate, np.nan)
        return middle, counts / seconds, np.sqrt(np.maximum(counts, 1)) / seconds


class PulseMap:
    """Photons per bin by range of pulses and by time from the launch."""

    def __init__(self, timing: Timing, bins: Bins, rows: int = MAP_ROWS) -> None:
        self.bins = bins
        self._timing = timing
        self._rows = Rows(bins.number, rows)

    def add(self, chunk: Chunk) -> None:
        """Add the photons of a chunk."""
        self._rows.cover(chunk)
        self._rows.add(*self.bins.of(self._timing, chunk.whole()))

    @property
    def pulses(self) -> int:
        """In each range."""
        return self._rows.pulses

    def result(self) -> Values:
        """(ranges, bins) photons per pulse; nan where no pulse is whole."""
        whole = self._rows.whole[:, None]
        return np.asarray(self._rows.counts / np.where(whole, whole, np.nan))
