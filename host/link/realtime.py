"""An emulated board's time against the clock on the wall."""

import time

SLACK = 0.05  # s the board may be behind before it stops trying to catch up


class RealTime:
    """Says how far a board is ahead of `speed` times the clock on the wall. Its time is told by the caller."""

    def __init__(self, board_time: float, speed: float = 1.0) -> None:
        self._speed = speed
        self._anchor(board_time)

    def ahead(self, board_time: float) -> float:
        """Seconds to wait before the board may run on; 0 or less: it may now."""
        board, wall = board_time - self._board, time.perf_counter() - self._wall
        ahead = board / self._speed - wall
        if ahead < -SLACK:
            self._anchor(board_time)
        return ahead

    def _anchor(self, board_time: float) -> None:
        self._wall, self._board = time.perf_counter(), board_time
