"""An acquisition that needs no instrument, for the journal's tests; run as a program, one that never ends."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from trelscope.host.acquisition.acquisition import (
    DRIVE,
    LIGHT,
    Accounting,
    Average,
    exponential_average,
    new_average,
)
from trelscope.host.acquisition.average import AverageState, Block
from trelscope.host.acquisition.exponential import FadingState
from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.files.journal import Journal
from trelscope.host.measure.measure import MeasureOptions
from trelscope.host.measure.trace import Trace
from trelscope.host.planning import CaptureRequest
from trelscope.host.settings import Settings

FRONT_END = FrontEnd(61e-6, 1e-3, -0.5, 2e-9)
INSTRUMENT: Any = SimpleNamespace(
    link=SimpleNamespace(name="emulator:bmim3-1mm2", front_end=FRONT_END),
    identity=SimpleNamespace(board="EMULATOR"),
)


def settings_of(bins: int) -> Settings:
    """Of a window of so many bins."""
    return CaptureRequest(pulses=0, window=(-1e-6, bins * 1e-9), bin=1e-9).plan(16384)


class Fake:
    """Frame k is the same whoever makes it."""

    def __init__(self, bins: int, memory: float | None = None) -> None:
        """memory: pulses; None: an average that forgets nothing."""
        self.settings = settings_of(bins)
        self.options = MeasureOptions()
        self.metadata = {"sample": "S1"}
        self._average: Average = new_average(self.settings, FRONT_END)
        if memory is not None:
            self._average = exponential_average(self.settings, FRONT_END, memory)
        self.frames = 0

    def step(self) -> None:
        """Average one more frame."""
        k = self.frames
        counts = self.settings.counts(8 + 8 * (k % 3))
        rng = np.random.default_rng(k)
        sums = counts * 3000 + rng.integers(0, 16384, counts.shape)
        self._average.add(Block(sums, counts, 8 + 8 * (k % 3)))
        self.frames += 1

    def state(self) -> AverageState | FadingState:
        """As of an Acquisition."""
        return self._average.state()

    def traces(self) -> tuple[Trace, Trace]:
        """As of an Acquisition."""
        return self._average.trace(LIGHT), self._average.trace(DRIVE)

    @property
    def accounting(self) -> Accounting:
        """As of an Acquisition; `clipped` is the number of frames."""
        pulses = self._average.pulses
        return Accounting(pulses, pulses, 0, 0, 0, 0, self.frames)


def journal_of(fake: Any, directory: Path, limit: int = 1 << 24) -> Journal:
    """The journal of a fake."""
    return Journal(INSTRUMENT, fake, directory, limit)


if __name__ == "__main__":
    _, where, size, most = sys.argv
    endless = Fake(int(size))
    journal = journal_of(endless, Path(where), int(most))
    while True:
        endless.step()
        journal.write()
        print(endless.frames, flush=True)
