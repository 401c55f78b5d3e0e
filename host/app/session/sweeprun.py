"""A sweep at work: points captured on threads of their own, told to whoever looks."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from queue import Empty, SimpleQueue

from trelscope.host.acquisition.sweep import CancelToken, Point, Progress, Sweep, points
from trelscope.host.errors import UserError

AT_A_TIME = (
    2  # emulated boards: the compiled gateware runs beside Python, and a window wants its share
)


class SweepRun:
    """Begins on construction. `error`: why it could not, or what ended it, in one line."""

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self.done: list[Point] = []
        self.progress = Progress(sweep)
        self.error = ""
        self.cancelled = False
        self._token = CancelToken()
        self._points: SimpleQueue[Point] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="sweep", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether more is to come."""
        return self._thread.is_alive() or not self._points.empty()

    def take(self) -> bool:
        """Take notice of what has been finished; whether that is anything."""
        before = len(self.done)
        while True:
            try:
                point = self._points.get_nowait()
            except Empty:
                return len(self.done) > before
            self.progress.add(point)
            self.done.append(point)

    def cancel(self) -> None:
        """What is at work ends after the frame it waits for; finished points stay."""
        self.cancelled = True
        self._token.cancel()

    def wait(self, seconds: float) -> None:
        """Until it has ended, or so long."""
        self._thread.join(seconds)

    def _work(self) -> None:
        try:
            self.sweep.check()
            with (
                ThreadPoolExecutor(AT_A_TIME) as executor,
                closing(points(self.sweep, executor, self._token)) as finished,
            ):
                for point in finished:
                    self._points.put(point)
        except UserError as error:
            self.error = str(error)
        finally:
            self._token.cancel()
