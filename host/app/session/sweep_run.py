"""A sweep in progress: points are captured in threads of their own and collected by the window."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from queue import Empty, SimpleQueue

from trelscope.host.acquisition.sweep import CancelToken, Point, Progress, Sweep, points
from trelscope.host.app.session.worker import INTERNAL
from trelscope.host.errors import UserError

# Points captured at the same time: the compiled gateware runs beside Python, and the window needs its share.
AT_A_TIME = 2


class SweepRun:
    """Begins on construction; rise and fall of its points are between `low` and `high`, parts of the amplitude.

    error: why it could not begin, or what ended it, in one line.
    """

    def __init__(self, sweep: Sweep, low: float, high: float) -> None:
        self.sweep = sweep
        self._levels = low, high
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
        """Whether more points may come."""
        return self._thread.is_alive() or not self._points.empty()

    def collect(self) -> bool:
        """Collect the points that have been finished; returns whether there were any."""
        before = len(self.done)
        while True:
            try:
                point = self._points.get_nowait()
            except Empty:
                return len(self.done) > before
            self.progress.add(point)
            self.done.append(_measured(point, *self._levels))

    def set_levels(self, low: float, high: float) -> None:
        """Measure the points between these parts of the amplitude, those to come as well."""
        self._levels = low, high
        self.done = [_measured(point, low, high) for point in self.done]

    def cancel(self) -> None:
        """End the captures after the frames that they wait for; finished points stay."""
        self.cancelled = True
        self._token.cancel()

    def wait(self, seconds: float) -> None:
        """Wait until the sweep has ended, but no longer than this."""
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
        except Exception as error:
            logging.getLogger(__name__).exception("internal error")
            self.error = f"{INTERNAL}: {error!r}"
        finally:
            self._token.cancel()


def _measured(point: Point, low: float, high: float) -> Point:
    """The point with rise and fall between these parts of the amplitude."""
    recording = point.recording
    if recording is None:
        return point
    options = replace(recording.options, low=low, high=high)
    if options == recording.options:
        return point
    return replace(point, recording=recording.measured(options))
