"""How fast frames come, and an emulated board runs, at the moment."""

import time

from trelscope.host.link import Link

INTERVAL = 2.0  # s averaged over: steady enough to read, short enough to be about now


class Pace:
    """Frames and bytes of them per second and, of an emulated board, board time over wall time."""

    def __init__(self, link: Link) -> None:
        self.frame_rate = self.link_rate = 0.0
        self.realtime_factor: float | None = None
        self._link = link
        self._whole = False  # whether an interval has been completed
        self._restart()

    def count(self, frames: int, size: int) -> None:
        """Take in that `frames` frames, of `size` bytes together, have just come."""
        self._frames += frames
        self._bytes += size
        elapsed = time.perf_counter() - self._since
        over = elapsed >= INTERVAL
        if over or not self._whole:
            self.frame_rate = self._frames / elapsed
            self.link_rate = self._bytes / elapsed
            self.realtime_factor = self._link.realtime_factor
        if over:
            self._whole = True
            self._restart()

    def _restart(self) -> None:
        self._frames = self._bytes = 0
        self._since = time.perf_counter()
        self._link.restart_clock()
