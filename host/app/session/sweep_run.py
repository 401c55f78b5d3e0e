"""A sweep in progress: points are captured in threads of their own and collected by the window."""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
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
    Points are measured in threads, too: each takes as long as many pictures.
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
        self._measuring = ThreadPoolExecutor(1, "sweep points")
        self._again: Future[list[Point]] | None = None  # points, between other levels now
        self._thread = threading.Thread(target=self._work, name="sweep", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether more points may come."""
        return self._thread.is_alive() or not self._points.empty()

    def collect(self) -> bool:
        """Collect what has been finished or measured again; returns whether there was anything."""
        new = False
        while True:
            try:
                point = self._points.get_nowait()
            except Empty:
                break
            self.progress.add(point)
            self.done.append(point)
            new = True
        if self._again is not None and self._again.done():
            measured = {point.index: point for point in self._again.result()}
            self.done = [measured.get(point.index, point) for point in self.done]
            self._again, new = None, True
        others = [point for point in self.done if _measured(point, *self._levels) is not point]
        if others and self._again is None:
            levels = self._levels
            self._again = self._measuring.submit(lambda: [_known(each, *levels) for each in others])
        return new

    def set_levels(self, low: float, high: float) -> None:
        """Measure the points between these parts of the amplitude, those to come as well; `collect` has them later."""
        self._levels = low, high

    def cancel(self) -> None:
        """End the captures after the frames that they wait for; finished points stay."""
        self.cancelled = True
        self._token.cancel()

    def wait(self, seconds: float) -> None:
        """Wait until the sweep has ended, but no longer than this."""
        self._thread.join(seconds)
        self._measuring.shutdown(wait=False, cancel_futures=True)

    def _work(self) -> None:
        try:
            self.sweep.check()
            with (
                ThreadPoolExecutor(AT_A_TIME) as executor,
                closing(points(self.sweep, executor, self._token)) as finished,
            ):
                for point in finished:
                    self._points.put(_known(point, *self._levels))
        except UserError as error:
            self.error = str(error)
        except Exception as error:
            logging.getLogger(__name__).exception("internal error")
            self.error = f"{INTERNAL}: {error!r}"
        finally:
            self._token.cancel()


def _measured(point: Point, low: float, high: float) -> Point:
    """The point with rise and fall between these parts of the amplitude; itself, if that is what it has."""
    recording = point.recording
    if recording is None:
        return point
    options = replace(recording.options, low=low, high=high)
    if options == recording.options:
        return point
    return replace(point, recording=recording.measured(options))


def _known(point: Point, low: float, high: float) -> Point:
    """The same, measured."""
    point = _measured(point, low, high)
    if point.recording is not None:
        _ = point.recording.measurements
    return point
