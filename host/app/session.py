"""The worker: the one thread that touches link, instrument and acquisition."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue

from gateware.protocol import Feature
from host.acquire import LIGHT, Acquisition, AcquisitionError, empty_average
from host.app.pace import Pace
from host.app.snapshot import Data, Snapshot, State
from host.average import Block
from host.instrument import Instrument, InstrumentError
from host.link import LinkError
from host.link.open import open_link
from host.measure import Measurements
from host.settings import Settings, SettingsError, plan
from host.trace import Trace

POLL = 0.005  # s of the board's time: an emulator may take 20 times as long, and users wait for it
IDLE = 0.05  # s between looks at whether to end, with nothing else to do
SHOW_EVERY = 1 / 30  # s between snapshots
MEASURE_EVERY = 0.1  # s between measurements
FRAME_TIME = 1 / 30  # s of pulses in a frame: no more frames than a screen shows
STOP_WAIT = 0.5  # s for the last frame of a train
CLOSE_WAIT = 1.0  # s for the worker to end

FAILURES = LinkError, InstrumentError, AcquisitionError


@dataclass(frozen=True)
class Wanted:
    """What the user has set: V, Hz, s (None: half the period)."""

    volts: float = 5.0
    rate: float = 10e3
    width: float | None = None


class _Closed(Exception):
    """The window has gone while the instrument was being opened."""


class Session:
    """Runs `source` until closed. Methods return at once; what comes of them is in `snapshot`."""

    def __init__(self, source: str, seed: int = 0) -> None:
        self._snapshot = Snapshot(source, State.OPENING, "opening")
        self._seed = seed
        self._wanted = Wanted()
        self._commands: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._closing = threading.Event()
        self._instrument: Instrument | None = None
        self._acquisition: Acquisition | None = None  # None unless running
        self._pace: Pace | None = None
        self._measurements: Measurements | None = None
        self._measured = self._shown = 0.0  # when, on the performance counter
        self._announced = ""  # what takes long
        self._pending = False  # frames have come that no snapshot shows
        # A daemon: when the compiler runs at the time the window closes, nothing waits for it.
        self._thread = threading.Thread(target=self._work, name="session", daemon=True)
        self._thread.start()

    @property
    def snapshot(self) -> Snapshot:
        """The newest state of affairs."""
        return self._snapshot

    @property
    def alive(self) -> bool:
        """Whether the worker is there."""
        return self._thread.is_alive()

    def change(self, wanted: Wanted) -> None:
        """Measure with other settings; refused ones leave everything as it is."""
        self._commands.put(lambda: self._change(wanted))

    def open(self, source: str) -> None:
        """Let go of the instrument and open another."""
        self._commands.put(lambda: self._open(source))

    def run(self) -> None:
        """Start an acquisition; on a source that failed, open it again first."""
        self._commands.put(self._run)

    def stop(self) -> None:
        """End the train and switch the output off; the data stay."""
        self._commands.put(self._stop)

    def clear(self) -> None:
        """Start afresh with the same settings."""
        self._commands.put(self._clear)

    def register(self, name: str) -> Future[int]:
        """Value of an instrument's register, to come."""
        future: Future[int] = Future()

        def read() -> None:
            try:
                if self._instrument is None:
                    raise LinkError("no instrument is open")
                future.set_result(self._instrument.read(name))
            except FAILURES as error:
                future.set_exception(error)
                raise

        self._commands.put(read)
        return future

    def close(self) -> None:
        """Switch the output off, let go of the instrument and end the worker."""
        self._closing.set()
        self._thread.join(CLOSE_WAIT)

    # ------------------------------------------------------------------- from here on: the worker

    def _work(self) -> None:
        try:
            self._guard(lambda: self._open(self._snapshot.source))
            while not self._closing.is_set():
                self._obey()
                if self._acquisition is not None:
                    self._guard(self._step)
        except _Closed:
            pass
        finally:
            self._release()

    def _obey(self) -> None:
        """Carry out all commands given; without a train, wait a little for one."""
        wait = 0.0 if self._acquisition is not None else IDLE
        while not self._closing.is_set():
            try:
                command = self._commands.get(timeout=wait) if wait else self._commands.get_nowait()
            except Empty:
                return
            self._guard(command)
            wait = 0.0

    def _guard(self, action: Callable[[], None]) -> None:
        """Do it; a failure ends the acquisition, and is put in words. Data stay."""
        try:
            action()
        except FAILURES as error:
            self._fail(str(error))
        except _Closed:
            raise
        except Exception as error:
            logging.getLogger(__name__).exception("internal error")
            self._fail(f"internal error, please report it: {error!r}")

    def _fail(self, words: str) -> None:
        self._release()
        self._publish(state=State.FAILED, words=words, frame_rate=0.0, realtime_factor=None)

    def _publish(self, **changes: object) -> None:
        self._snapshot = replace(self._snapshot, **changes)  # type: ignore[arg-type]

    def _report(self, line: str) -> None:
        if self._closing.is_set():
            raise _Closed
        if line[:1].isspace():  # a step of what was announced before
            line = f"{self._announced}: {line.strip()}"
        else:
            self._announced = line
        self._publish(words=line)

    def _open(self, source: str) -> None:
        self._release()
        before = self._snapshot
        self._snapshot = Snapshot(source, State.OPENING, "opening", before.refusal)
        if source == before.source:  # lost, and perhaps still not there: what was measured stays
            self._publish(settings=before.settings, data=before.data)
        link = open_link(source, self._seed, report=self._report)
        try:
            self._instrument = Instrument(link)
        except FAILURES:
            link.close()
            raise
        self._run()

    def _release(self) -> None:
        self._acquisition = self._pace = None
        if self._instrument is not None:
            self._instrument.close()
            self._instrument = None

    def _change(self, wanted: Wanted) -> None:
        if self._instrument is None:
            self._wanted = wanted  # judged when there is an instrument
            return
        try:
            settings = self._plan(self._instrument, wanted)
        except SettingsError as error:
            self._publish(refusal=str(error))
            return
        self._wanted = wanted
        self._publish(refusal="")
        if self._acquisition is not None:
            self._begin(self._instrument, settings)

    def _run(self) -> None:
        if self._instrument is None:
            self._open(self._snapshot.source)
            return
        try:
            settings = self._plan(self._instrument, self._wanted)
        except SettingsError as error:
            self._publish(state=State.STOPPED, words="", refusal=str(error))
            return
        self._begin(self._instrument, settings)

    def _plan(self, instrument: Instrument, wanted: Wanted) -> Settings:
        settings = plan(
            instrument.identity.depth,
            wanted.volts,
            wanted.rate,
            wanted.width,
            pulses=0,
            frame_pulses=max(round(wanted.rate * FRAME_TIME), 1),
        )
        return replace(settings, counting=Feature.COUNTING in instrument.identity.features)

    def _begin(self, instrument: Instrument, settings: Settings) -> None:
        """A new acquisition: nothing of the one before goes into it."""
        self._acquisition = Acquisition(instrument, settings)
        self._pace = Pace(instrument.link)
        self._measurements = None
        self._pending = False
        self._publish(state=State.RUNNING, words="", settings=settings, data=None, frame_rate=0.0)

    def _stop(self) -> None:
        if self._acquisition is None or self._instrument is None:
            return
        self._end_train(self._acquisition, self._instrument)
        self._instrument.write("enable", 0)
        self._measurements = None
        self._show(self._acquisition, self._instrument)
        self._acquisition = self._pace = None
        self._publish(state=State.STOPPED, frame_rate=0.0, realtime_factor=None)

    def _end_train(self, acquisition: Acquisition, instrument: Instrument) -> None:
        """Stop, and take in the last frame."""
        instrument.stop()
        until = time.perf_counter() + STOP_WAIT
        while not acquisition.done and time.perf_counter() < until:
            acquisition.poll(POLL)

    def _clear(self) -> None:
        """By a new train: no pulse from before is in it, and its accounting begins at zero."""
        if self._acquisition is None or self._instrument is None:
            self._publish(data=None)
            return
        self._begin(self._instrument, self._acquisition.settings)

    def _step(self) -> None:
        assert self._acquisition is not None
        assert self._instrument is not None
        assert self._pace is not None
        frames = self._acquisition.poll(POLL)
        self._pace.count(len(frames))
        self._pending |= bool(frames)
        if self._pending and time.perf_counter() - self._shown >= SHOW_EVERY:
            self._show(self._acquisition, self._instrument)
        self._publish(realtime_factor=self._pace.realtime_factor, frame_rate=self._pace.frame_rate)

    def _show(self, acquisition: Acquisition, instrument: Instrument) -> None:
        """Publish the data as they are now."""
        self._shown, self._pending = time.perf_counter(), False
        last = _last_light(acquisition, instrument)
        if last is None:
            return
        if self._measurements is None or self._shown - self._measured >= MEASURE_EVERY:
            self._measured = self._shown
            self._measurements = acquisition.measure()
        light, drive = acquisition.traces()
        self._publish(
            data=Data(
                acquisition.settings,
                light,
                drive,
                last,
                self._measurements,
                acquisition.accounting,
            )
        )


def _last_light(acquisition: Acquisition, instrument: Instrument) -> Trace | None:
    frame, settings = acquisition.last_frame, acquisition.settings
    if frame is None:
        return None
    alone = empty_average(settings, instrument.link.front_end)
    alone.add(Block(frame.sums, settings.counts(frame.pulses), frame.pulses))
    return alone.trace(LIGHT)
