"""An average while it grows: frames go in, measured data come out, over several trains if the link was lost."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from trelscope.gateware.protocol import Board
from trelscope.host.acquisition.acquisition import (
    DRIVE,
    LIGHT,
    Accounting,
    Acquisition,
    Average,
    exponential_average,
    light_scale,
    new_average,
)
from trelscope.host.acquisition.assembler import Frame
from trelscope.host.acquisition.average import AverageState
from trelscope.host.acquisition.exponential import FadingState
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.acquisition.provenance import DURATION, WHEN
from trelscope.host.acquisition.recording import piled_up
from trelscope.host.app.session.blocks import Blocks
from trelscope.host.app.session.history import Course
from trelscope.host.app.session.requested_settings import Averaging, RequestedSettings
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.measure.measure import (
    Estimator,
    Measurements,
    MeasureOptions,
    ShapeCache,
    measure,
)
from trelscope.host.measure.trace import Trace
from trelscope.host.settings import Settings

MEASURE_EVERY = 0.2  # s between measurements of the average
MEASURE_SHARE = 0.25  # of the time, that measuring takes at most
# The best estimator takes as long as several pictures: it runs beside the thread that takes in frames.
_MEASURING = ThreadPoolExecutor(1, "measure")


class LiveAverage:
    """Starts a train on construction; `poll` until `done`."""

    def __init__(
        self,
        instrument: Instrument,
        settings: Settings,
        requested: RequestedSettings,
        source: str,
        number: int,
    ) -> None:
        self.settings, self.requested, self.number = settings, requested, number
        self.identity = instrument.identity
        self._source = source
        self._front_end = instrument.link.front_end
        self.options = MeasureOptions(estimator=Estimator.BEST)
        self._last_shapes = ShapeCache()
        self._average: Average
        if requested.averaging is Averaging.EXPONENTIAL:
            self._average = exponential_average(settings, self._front_end, requested.pulses)
        else:
            self._average = new_average(settings, self._front_end)
        self._blocks = self._fast_blocks()
        self._times = settings.times()
        self._earlier: list[Accounting] = []  # of the trains that lost links have ended
        self._gap = 0.0
        # Times on the performance counter: the newest frame came, measuring began, measuring may begin again.
        self._arrived = self._measured = self._rest_until = 0.0
        self._last_frame: Frame | None = None
        self._measurements: Measurements | None = None
        self._course = Course()
        self._measuring: Future[Measurements] | None = None
        self._acquisition = Acquisition(instrument, settings, self._average)
        self._known, self._begun = self._acquisition.known, time.perf_counter()
        self.train = instrument.read("train")

    @property
    def metadata(self) -> dict[str, Any]:
        """What is known beside the traces; see `Acquisition.metadata`. Of all trains that lost links have ended."""
        duration = round(max(self._arrived - self._begun, 0.0), 3)
        return {**self._known, **({DURATION: duration} if WHEN in self._known else {})}

    @property
    def done(self) -> bool:
        """Whether the train has ended."""
        return self._acquisition.done

    def poll(self, timeout: float) -> list[Frame]:
        """Take in frames, waiting up to `timeout` seconds of the instrument's time."""
        frames = self._acquisition.poll(timeout)
        if frames:
            self._arrived, self._last_frame = time.perf_counter(), frames[-1]
        for frame in frames:
            self._blocks.add(frame)
        return frames

    def measure_next(self) -> bool:
        """Measure a block, or have the average measured in another thread; returns whether there is a new result."""
        if self._blocks.measure():
            return True
        if self._measuring is not None:
            if not self._measuring.done():
                return False
            self._take_result()
            return True
        if time.perf_counter() >= self._rest_until and self._arrived > self._measured:
            self._measuring = _MEASURING.submit(self._measurement())
        return False

    def set_levels(self, low: float, high: float) -> None:
        """Measure rise and fall between these parts of the amplitude."""
        if (low, high) != (self.options.low, self.options.high):
            self.options = replace(self.options, low=low, high=high)
            self._blocks = self._fast_blocks()
            self._measurements, self._course = None, Course()

    def can_resume(self, instrument: Instrument, requested: RequestedSettings) -> bool:
        """Whether new frames belong with the old: the instrument and the settings are the same.

        An emulated board that has started again would repeat the noise that it has had before.
        """
        if instrument.identity != self.identity or requested != self.requested:
            return False
        emulated = instrument.identity.board == Board.EMULATOR.name
        return not emulated or instrument.read("train") >= self.train

    def resume(self, instrument: Instrument) -> None:
        """Go on with a new train after the link was lost; the losses of the trains before stay counted."""
        settings = self.settings
        earlier = self._acquisition.accounting
        if settings.pulses:
            left = settings.pulses - self._average.pulses
            settings = replace(settings, pulses=max(left, 1))
        acquisition = Acquisition(instrument, settings, self._average)
        self._earlier.append(earlier)
        self._gap += time.perf_counter() - self._arrived
        self._blocks.interrupt()
        self._acquisition, self.train = acquisition, instrument.read("train")

    def data(self, measure_now: bool = False) -> AverageData | None:
        """The average as it stands, with its newest measurements; None before the first frame.

        measure_now: measure this very average first, which takes long.
        """
        if self._last_frame is None:
            return None
        if self._measurements is None or measure_now:
            self._measure()
        assert self._measurements is not None
        light, drive = self._average.trace(LIGHT), self._average.trace(DRIVE)
        return AverageData(
            source=self._source,
            board=self.identity.board,
            front_end=self._front_end,
            settings=self.settings,
            averaging=self.requested.averaging,
            light=light,
            drive=drive,
            last_light=self._light_of(self._last_frame),
            measurements=self._measurements,
            accounting=self.accounting,
            statistics=self._blocks.summaries,
            history=self._blocks.history,
            number=self.number,
            segments=len(self._earlier) + 1,
            gap=self._gap,
            effective=self._average.effective,
            arrived=self._arrived,
            course=self._course,
            metadata=self.metadata,
        )

    def state(self) -> AverageState | FadingState:
        """The sums and counts behind the average, for the journal."""
        return self._average.state()

    @property
    def accounting(self) -> Accounting:
        """Counts of all trains together."""
        parts = [each.as_dict() for each in (*self._earlier, self._acquisition.accounting)]
        return Accounting(**{name: sum(part[name] for part in parts) for name in parts[0]})

    def _fast_blocks(self) -> Blocks:
        """Blocks for the fast estimator: they are many, and only their scatter matters."""
        options = replace(self.options, estimator=Estimator.FAST)
        return Blocks(self.settings, self._front_end, options)

    def _measure(self) -> None:
        if self._measuring is not None:
            self._take_result()
        self._measurements = self._measurement()()
        self._course = self._course.followed_by(self._measurements)

    def _measurement(self) -> Callable[[], Measurements]:
        """A function that measures the average as it is now."""
        self._measured = time.perf_counter()
        accounting, light = self.accounting, self._average.trace(LIGHT)
        return partial(
            measure,
            light,
            self.settings.width,
            self._average.trace(DRIVE),
            self.options,
            self._front_end.detector_delay,
            accounting.clipped,
            accounting.dropped,
            self._last_shapes,
            self.settings.spacing,
            piled_up(light, self.settings, self._front_end),
        )

    def _take_result(self) -> None:
        """Wait for the measurement that runs; one that was begun with other options is of no use."""
        assert self._measuring is not None
        found, self._measuring = self._measuring.result(), None
        if found.options == self.options:
            self._measurements = found
            self._course = self._course.followed_by(found)
        now = time.perf_counter()
        took = now - self._measured
        self._rest_until = now + max(MEASURE_EVERY, took / MEASURE_SHARE)

    def _light_of(self, frame: Frame) -> Trace:
        """The light of one frame, without standard errors."""
        counts = self.settings.counts(frame.pulses)[LIGHT]
        scale, zero = light_scale(self.settings, self._front_end)
        y = (frame.sums[LIGHT] / np.maximum(counts, 1) + 0.5) * scale + zero
        return Trace(self._times, y, np.full(y.size, np.nan), frame.pulses)
