"""Present rates: frames and bytes per second, and the real-time factor of an emulated board."""

import time

from trelscope.host.link import Link

INTERVAL = 2.0  # s to average over: long enough for steady figures, short enough for present ones


class Pace:
    """Counts frames, and averages their rates over the last interval."""

    def __init__(self, link: Link) -> None:
        self.frame_rate = self.link_rate = 0.0
        self.realtime_factor: float | None = None
        self._link = link
        self._complete = False  # whether one interval has passed
        self._restart()

    def count(self, frames: int, size: int) -> None:
        """Count `frames` frames, of `size` bytes together, that have just come."""
        self._frames += frames
        self._bytes += size
        elapsed = time.perf_counter() - self._since
        over = elapsed >= INTERVAL
        if over or not self._complete:
            self.frame_rate = self._frames / elapsed
            self.link_rate = self._bytes / elapsed
            self.realtime_factor = self._link.realtime_factor
        if over:
            self._complete = True
            self._restart()

    def _restart(self) -> None:
        self._frames = self._bytes = 0
        self._since = time.perf_counter()
        self._link.restart_clock()
