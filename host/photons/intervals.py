"""Times between a photon and the next."""

import numpy as np

from trelscope.host.photons.chunk import Chunk
from trelscope.host.photons.timing import Timing


class Intervals:
    """Histogram of the intervals between successive photons, in bins of whole ns; across pulses, too.

    counts: (bins,) bin b holds those from b · width_ns on. longer: those beyond the last bin. An interval in which
    photons may be missing is none.
    """

    def __init__(self, timing: Timing, width_ns: int, bins: int) -> None:
        self.width_ns = width_ns
        self.counts = np.zeros(bins, np.int64)
        self.longer = 0
        self._timing = timing
        self._last: int | None = None  # ns at which the latest photon came, if all since are known

    def add(self, chunk: Chunk) -> None:
        """Add the photons of a chunk."""
        whole = chunk.whole()
        starts = self._timing.start(whole.pulse) + self._timing.launch(whole.pulse)
        at = starts + whole.ns
        stretch = np.searchsorted(chunk.broken[:, 0], whole.pulse)  # between broken pulses
        if self._last is not None:
            at, stretch = np.insert(at, 0, self._last), np.insert(stretch, 0, 0)
        unbroken = not chunk.broken.size or (at.size and stretch[-1] == len(chunk.broken))
        self._last = int(at[-1]) if at.size and unbroken else None
        interval = np.diff(at)[np.diff(stretch) == 0] // self.width_ns
        near = interval < self.counts.size
        self.counts += np.bincount(interval[near], minlength=self.counts.size)
        self.longer += int(np.count_nonzero(~near))
