"""Photons by time from the launch: the instrument's histogram, with bins and window chosen afterwards."""

from dataclasses import dataclass

import numpy as np

from trelscope.gateware.protocol import CYCLE_NS
from trelscope.host.photons.chunk import Chunk, Integers
from trelscope.host.photons.timing import Timing


@dataclass(frozen=True)
class Bins:
    """`number` bins of `width_ns`, the first of which begins `start_ns` after the launch."""

    start_ns: int
    width_ns: int
    number: int

    def edges(self) -> Integers:
        """(number + 1,) ns."""
        return np.asarray(self.start_ns + self.width_ns * np.arange(self.number + 1))

    def of(self, timing: Timing, chunk: Chunk) -> tuple[Integers, Integers]:
        """Pulse and bin of every photon that is in one.

        As in the instrument, whose own histogram is the same bit for bit, those of a period's first cycle are not.
        """
        pulse, ns = chunk.pulse, chunk.ns
        number = (ns - self.start_ns) // self.width_ns
        inside = (number >= 0) & (number < self.number)
        if self.start_ns < CYCLE_NS - timing.launch_ns:
            inside &= ns + timing.launch(pulse) >= CYCLE_NS
        return pulse[inside], number[inside]


class Histogram:
    """Photons of whole pulses by bin.

    counts: (bins,). pulses: that have been looked at.
    """

    def __init__(self, timing: Timing, bins: Bins) -> None:
        self.bins = bins
        self.counts = np.zeros(bins.number, np.int64)
        self.pulses = 0
        self._timing = timing

    def add(self, chunk: Chunk) -> None:
        """Add the photons of a chunk."""
        _, number = self.bins.of(self._timing, chunk.whole())
        self.counts += np.bincount(number, minlength=self.bins.number)
        self.pulses += chunk.whole_pulses
