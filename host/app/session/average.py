"""One average, from its first frame to its last, over as many trains as the link made of it."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np

from trelscope.host.acquisition.acquisition import (
    DRIVE,
    LIGHT,
    Accounting,
    Acquisition,
    exponential_average,
    light_scale,
    new_average,
)
from trelscope.host.acquisition.acquisition import Average as Frames
from trelscope.host.acquisition.assembler import Frame
from trelscope.host.acquisition.average import AverageState
from trelscope.host.acquisition.exponential import FadingState
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.app.session.blocks import Blocks
from trelscope.host.app.session.snapshot import Data
from trelscope.host.app.session.wanted import Averaging, Wanted
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
MEASURE_SHARE = 0.25  # of the time that goes into it at most
_BESIDE = ThreadPoolExecutor(1, "measure")  # the best estimator takes as long as several pictures


class Average:
    """Starts a train on construction; `poll` until `done`."""

    def __init__(
        self, instrument: Instrument, settings: Settings, wanted: Wanted, source: str, number: int
    ) -> None:
        self.settings, self.wanted, self.number = settings, wanted, number
        self.identity = instrument.identity
        self._source = source
        self._front_end = instrument.link.front_end
        self.options = MeasureOptions(estimator=Estimator.BEST)
        self._memory = ShapeCache()
        self._average: Frames
        if wanted.averaging is Averaging.EXPONENTIAL:
            self._average = exponential_average(settings, self._front_end, wanted.pulses)
        else:
            self._average = new_average(settings, self._front_end)
        self._blocks = self._fast_blocks()
        self._times = settings.times()
        self._past: list[Accounting] = []  # of trains that the link cut off
        self._gap = 0.0
        self._heard = self._measured = self._rest_until = 0.0  # when, on the performance counter
        self._last_frame: Frame | None = None
        self._measurements: Measurements | None = None
        self._measuring: Future[Measurements] | None = None
        self._acquisition = Acquisition(instrument, settings, self._average)
        self.train = instrument.read("train")

    @property
    def done(self) -> bool:
        """Whether the train has ended."""
        return self._acquisition.done

    def poll(self, timeout: float) -> list[Frame]:
        """Take in frames, waiting up to `timeout` seconds of the instrument's time."""
        frames = self._acquisition.poll(timeout)
        if frames:
            self._heard, self._last_frame = time.perf_counter(), frames[-1]
        for frame in frames:
            self._blocks.add(frame)
        return frames

    def reflect(self) -> bool:
        """Measure a block, which takes long, or have the average measured beside; whether anything new has come."""
        if self._blocks.measure():
            return True
        if self._measuring is not None:
            if not self._measuring.done():
                return False
            self._take()
            return True
        if time.perf_counter() >= self._rest_until and self._heard > self._measured:
            self._measuring = _BESIDE.submit(self._to_measure())
        return False

    def measure_between(self, low: float, high: float) -> None:
        """Let rise and fall run between these parts of the amplitude."""
        if (low, high) != (self.options.low, self.options.high):
            self.options = replace(self.options, low=low, high=high)
            self._blocks = self._fast_blocks()
            self._measurements = None

    def resume(self, instrument: Instrument) -> None:
        """Go on with a new train after the link was lost; what it lost with it stays counted."""
        settings = self.settings
        past = self._acquisition.accounting
        if settings.pulses:
            left = settings.pulses - self._average.pulses
            settings = replace(settings, pulses=max(left, 1))
        acquisition = Acquisition(instrument, settings, self._average)
        self._past.append(past)
        self._gap += time.perf_counter() - self._heard
        self._blocks.interrupt()
        self._acquisition, self.train = acquisition, instrument.read("train")

    def data(self, anew: bool = False) -> Data | None:
        """As it stands, with the times as last measured; None before the first frame. anew: measured now."""
        if self._last_frame is None:
            return None
        if self._measurements is None or anew:
            self._measure()
        assert self._measurements is not None
        light, drive = self._average.trace(LIGHT), self._average.trace(DRIVE)
        return Data(
            source=self._source,
            board=self.identity.board,
            front_end=self._front_end,
            settings=self.settings,
            averaging=self.wanted.averaging,
            light=light,
            drive=drive,
            last_light=self._alone(self._last_frame),
            measurements=self._measurements,
            accounting=self.accounting,
            statistics=self._blocks.summaries,
            history=self._blocks.history,
            number=self.number,
            segments=len(self._past) + 1,
            gap=self._gap,
            effective=self._average.effective,
            arrived=self._heard,
        )

    def state(self) -> AverageState | FadingState:
        """All that the average holds."""
        return self._average.state()

    @property
    def accounting(self) -> Accounting:
        """Of all trains together."""
        parts = [each.as_dict() for each in (*self._past, self._acquisition.accounting)]
        return Accounting(**{name: sum(part[name] for part in parts) for name in parts[0]})

    def _fast_blocks(self) -> Blocks:
        """Blocks are many, and of each only how far it scatters matters."""
        options = replace(self.options, estimator=Estimator.FAST)
        return Blocks(self.settings, self._front_end, options)

    def _measure(self) -> None:
        if self._measuring is not None:
            self._take()
        self._measurements = self._to_measure()()

    def _to_measure(self) -> Callable[[], Measurements]:
        """What measures the average as it is now."""
        self._measured = time.perf_counter()
        accounting = self.accounting
        return partial(
            measure,
            self._average.trace(LIGHT),
            self.settings.width,
            self._average.trace(DRIVE),
            self.options,
            self._front_end.detector_delay,
            accounting.clipped,
            accounting.dropped,
            self._memory,
        )

    def _take(self) -> None:
        """Wait for what is measured beside; what was begun with other options is of no use."""
        assert self._measuring is not None
        found, self._measuring = self._measuring.result(), None
        if found.options == self.options:
            self._measurements = found
        now = time.perf_counter()
        took = now - self._measured
        self._rest_until = now + max(MEASURE_EVERY, took / MEASURE_SHARE)

    def _alone(self, frame: Frame) -> Trace:
        """The light of one frame, without standard errors."""
        counts = self.settings.counts(frame.pulses)[LIGHT]
        scale, zero = light_scale(self.settings, self._front_end)
        y = (frame.sums[LIGHT] / np.maximum(counts, 1) + 0.5) * scale + zero
        return Trace(self._times, y, np.full(y.size, np.nan), frame.pulses)
