"""Draws in the window what comes from memory, or from the emulator at the pace of hardware. Prints one JSON object.

From memory come two traces of 100 000 points as fast as hardware makes them: neither emulator nor link take part.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from trelscope.gateware.protocol import Feature, TraceFlag
from trelscope.host.acquisition.assembler import Frame
from trelscope.host.acquisition.instrument import Identity, Instrument
from trelscope.host.app.session.connection import Connection
from trelscope.host.app.session.requested_settings import RequestedSettings
from trelscope.host.app.session.session import Session
from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.link.codec import LinkErrors
from trelscope.host.link.emulator import EmulatorLink
from trelscope.host.settings import Settings
from trelscope.sim.physics.detector import ADC_BITS
from trelscope.sim.presets.presets import load_plant

RATE, START, LENGTH, BIN = 9e3, -2e-6, 100e-6, 1e-9
DEPTH = 1 << 17  # bins: more than the boards have
FRAMES_PER_SECOND = 80.0  # over the 60 of a screen: two that come together cost a picture
WARM_UP = 1.5  # s
TRAIN = 1
MEMORY = "memory:"  # stands for a source: frames come from memory, without a link


class _Link:
    """As much of one as an average asks for."""

    name = "memory"
    realtime_factor = None

    def __init__(self) -> None:
        plant = load_plant("bmim3-1mm2")
        self.front_end = FrontEnd.of(plant.detector, plant.monitor)

    def restart_clock(self) -> None:
        """Nothing to measure."""


class Pacer(Instrument):
    """An instrument whose frames are noise on a pulse, at their time."""

    def __init__(self) -> None:
        self.link = _Link()  # type: ignore[assignment]
        self.identity = Identity("MEMORY", 1, DEPTH, Feature(0), 0)
        self._frames_out = 0

    @property
    def errors(self) -> LinkErrors:
        """None."""
        return LinkErrors()

    @property
    def exhausted(self) -> bool:
        """Never."""
        return False

    def start(self, settings: Settings) -> int:
        """Prepare some frames: making them anew would take longer than averaging them."""
        rng = np.random.default_rng(1)
        t, counts = settings.times(), settings.counts(settings.frame_pulses)
        half = 2 ** (ADC_BITS - 1)
        rise = 1 - np.exp(-np.maximum(t, 0) / 1.5e-6)
        fall = np.exp(-np.maximum(t - settings.width, 0) / 0.3e-6)
        shape = np.stack((half / 8 * rise * fall, half * ((t > 0) & (t < settings.width))))
        self._sums = [
            np.round(shape * counts + rng.normal(0, 3, shape.shape) * np.sqrt(counts)).astype(
                np.int64
            )
            + counts * 16
            for _ in range(4)
        ]
        self._pulses = settings.frame_pulses
        self._begin, self._frames_out = time.perf_counter(), 0
        return TRAIN

    def frames(self, timeout: float) -> list[Frame]:
        """Those whose time has come; waits for it."""
        due = int((time.perf_counter() - self._begin) * FRAMES_PER_SECOND)
        if due <= self._frames_out:
            time.sleep(min(timeout, 1 / FRAMES_PER_SECOND))
            return []
        number, self._frames_out = self._frames_out, self._frames_out + 1
        return [
            Frame(
                sums=self._sums[number % len(self._sums)],
                number=number,
                train=TRAIN,
                first_pulse=number * self._pulses,
                pulses=self._pulses,
                missed=0,
                clipped=(0, 0),
                flags=TraceFlag(0),
            )
        ]

    def read(self, name: str) -> int:
        """The train's number is all that is asked for."""
        return TRAIN

    def write(self, name: str, value: int) -> None:
        """Taken, and ignored."""

    def stop(self) -> None:
        """Nothing runs."""

    def close(self) -> bool:
        """Nothing to let go of, and no output that could be on."""
        return True


class PacedConnection(Connection):
    """A connection whose instrument is a `Pacer`, whatever the source."""

    def open(self, source: str, show_step: Callable[[str], None]) -> Instrument:
        """Make one."""
        self.instrument = Pacer()
        return self.instrument


def main(source: str, seconds: float) -> int:
    """Run it; 0 when something has been drawn."""
    from PyQt6.QtCore import QTimer
    from PyQt6.QtWidgets import QApplication

    from trelscope.host.app import style
    from trelscope.host.app.window import MainWindow

    app = QApplication(sys.argv[:1])
    style.apply(app, scale=1.0)
    if source == MEMORY:
        requested = RequestedSettings(rate=RATE, start=START, length=LENGTH, bin=BIN)
        connection: Connection = PacedConnection()
    else:
        requested, connection = RequestedSettings(), Connection()
    session = Session(source, requested=requested, connection=connection)
    window = MainWindow(source, requested=requested, session=session)
    window.show()
    latencies: list[float] = []
    began = [0.0, 0.0, 0.0, 0.0, 0.0]

    def board() -> tuple[float, float]:
        """Time at the board, and time a core has worked for it, if it is emulated."""
        link = connection.instrument.link if connection.instrument else None
        return (link.clock(), link.processor_time) if isinstance(link, EmulatorLink) else (0.0, 0.0)

    def begin() -> None:
        if window.session.snapshot.data is None:
            QTimer.singleShot(round(WARM_UP * 1e3), begin)
            return
        latencies.clear()
        pulses = window.session.snapshot.data.accounting.pulses_averaged
        began[:] = time.perf_counter(), time.process_time(), pulses, *board()
        QTimer.singleShot(round(seconds * 1e3), end)

    def end() -> None:
        wall, busy = time.perf_counter() - began[0], time.process_time() - began[1]
        data = window.session.snapshot.data
        if data is not None and latencies:
            averaged = (data.accounting.pulses_averaged - began[2]) / data.settings.frame_pulses
            clock, worked = board()
            figures = {
                "points": data.light.t.size,
                "drawn": len(latencies) / wall,
                "latency": statistics.median(latencies),
                "worst": max(latencies),
                "share": 100 * (busy - (worked - began[4])) / wall,
                "averaged": averaged / wall,
                "board": 100 * (worked - began[4]) / wall,
                "pace": (clock - began[3]) / wall,
            }
            print(json.dumps(figures), flush=True)
        window.close()
        app.quit()

    window.traces.drawn.connect(latencies.append)
    QTimer.singleShot(round(WARM_UP * 1e3), begin)
    return app.exec()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2])))
