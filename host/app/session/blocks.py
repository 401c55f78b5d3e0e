"""Blocks of pulses, measured one by one: statistics and history of an average."""

import time
from collections import deque
from collections.abc import Mapping

import numpy as np

from trelscope.host.acquisition.acquisition import DRIVE, LIGHT, new_average
from trelscope.host.acquisition.assembler import Frame
from trelscope.host.acquisition.average import Block
from trelscope.host.app.session.history import History, Recorder
from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.measure.measure import MeasureOptions, measure
from trelscope.host.measure.statistics import Statistics, Summary
from trelscope.host.settings import Settings

FRAMES = 4  # in a block, unless measuring one takes too long
WAITING = 2  # blocks; when more wait to be measured, blocks are made longer
SHARE = 0.1  # of the time, that measuring blocks takes at most


class Blocks:
    """Takes frames in and makes blocks of them; `measure` measures one block."""

    def __init__(self, settings: Settings, front_end: FrontEnd, options: MeasureOptions) -> None:
        self.summaries: Mapping[str, Summary] = {}
        self._settings, self._front_end, self._options = settings, front_end, options
        self._frames = FRAMES
        self._waiting: deque[Block] = deque()
        self._rest_until = 0.0  # on the performance counter
        self._statistics, self._recorder = Statistics(), Recorder()
        self.history: History = self._recorder.history()
        self.interrupt()

    def interrupt(self) -> None:
        """Drop the block that is being filled: no block spans a gap between trains."""
        shape = (2, self._settings.bins)
        self._sums, self._counts = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        self._pulses = self._taken = 0

    def add(self, frame: Frame) -> None:
        """Put a frame into the block that is being filled."""
        self._sums += frame.sums
        self._counts += self._settings.counts(frame.pulses)
        self._pulses += frame.pulses
        self._taken += 1
        if self._taken < self._frames:
            return
        self._waiting.append(Block(self._sums, self._counts, self._pulses))
        self.interrupt()
        if len(self._waiting) > WAITING:  # measuring does not keep up with blocks of this length
            self._frames *= 2
            self._waiting.clear()
            self._statistics, self._recorder = Statistics(), Recorder()

    def measure(self) -> bool:
        """Measure a block if one waits and the last did not take long just now; returns whether one was measured."""
        begin = time.perf_counter()
        if not self._waiting or begin < self._rest_until:
            return False
        block = self._waiting.popleft()
        average = new_average(self._settings, self._front_end)
        average.add(block)
        light = average.trace(LIGHT)
        drive = average.trace(DRIVE)
        measured = measure(
            light,
            self._settings.width,
            drive,
            self._options,
            self._front_end.detector_delay,
            spacing=self._settings.spacing,
        )
        self._statistics.add(measured)
        self.summaries = {name: self._statistics.of(name) for name in measured.quantities()}
        self._recorder.add(block.pulses, light.y, measured)
        self.history = self._recorder.history()
        end = time.perf_counter()
        self._rest_until = end + (end - begin) / SHARE
        return True
