"""The worker: the one thread that touches link, instrument and average."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue

from trelscope.gateware.protocol import Board
from trelscope.host.acquisition.acquisition import AcquisitionError
from trelscope.host.acquisition.instrument import (
    Identity,
    Instrument,
    InstrumentError,
    SilenceError,
)
from trelscope.host.app.session.average import Average
from trelscope.host.app.session.pace import Pace
from trelscope.host.app.session.snapshot import Data, Snapshot, State
from trelscope.host.app.session.wanted import Averaging, Wanted
from trelscope.host.files.journal import Journal, JournalError
from trelscope.host.link import LinkError
from trelscope.host.link.urls import open_link
from trelscope.host.measure.measure import MeasureOptions
from trelscope.host.planning import SettingsError
from trelscope.host.settings import Settings
from trelscope.host.units import format_si

POLL = 0.005  # s of the board's time: an emulator may take 20 times as long, and users wait for it
IDLE = 0.05  # s between looks at whether to end, with nothing else to do
SHOW_EVERY = (
    1 / 90
)  # s between snapshots at least: frames that come at 60 a second are not always on time
RETRY_EVERY = 1.0  # s between attempts at a lost link
STOP_WAIT = 0.5  # s for the last frame of a train
CLOSE_WAIT = 1.0  # s for the worker to end

LOSSES = LinkError, SilenceError
FAILURES = LinkError, InstrumentError, AcquisitionError


class _Closed(Exception):
    """The window has gone while the instrument was being opened."""


class Session:
    """Runs `source` until closed. Methods return at once; what comes of them is in `snapshot` and `events`."""

    def __init__(
        self,
        source: str,
        seed: int = 0,
        wanted: Wanted | None = None,
        journals: Path | None = None,
    ) -> None:
        """journals: where a copy of the running average is kept, in case this process is killed; None: nowhere."""
        self.events: SimpleQueue[str] = SimpleQueue()
        self.cut_off: SimpleQueue[Data] = SimpleQueue()  # averages that a lost link has ended
        self._snapshot = Snapshot(source, State.OPENING, "opening")
        self._seed = seed
        self._wanted = self._asked = wanted or Wanted()  # asked: when the average began
        self._commands: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._closing = threading.Event()
        self._instrument: Instrument | None = None
        self._average: Average | None = None  # None unless running, or lost while it was
        self._averages = 0
        self._levels = MeasureOptions().low, MeasureOptions().high
        self._journals = journals
        self._journal: Journal | None = None  # of the data that are shown
        self._pace: Pace | None = None
        self._shown = self._retried = 0.0  # when, on the performance counter
        self._announced = ""  # what takes long
        self._pending = False  # frames have come that no snapshot shows
        self._looked = True  # somebody has seen the newest: only then is another worth the work
        # A daemon: when the compiler runs at the time the window closes, nothing waits for it.
        self._thread = threading.Thread(target=self._work, name="session", daemon=True)
        self._thread.start()

    @property
    def snapshot(self) -> Snapshot:
        """The newest state of affairs."""
        self._looked = True
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
        """Start an average; on a source that failed, open it again first."""
        self._commands.put(lambda: self._run(self._wanted))

    def single(self) -> None:
        """Sum N pulses once, whatever the kind of averaging."""
        self._commands.put(lambda: self._run(replace(self._wanted, averaging=Averaging.SUM)))

    def lend(self) -> None:
        """Let go of the instrument, for somebody else to use; `run` takes it back."""
        self._commands.put(self._lend)

    def measure_between(self, low: float, high: float) -> None:
        """Let rise and fall run between these parts of the amplitude; no new average needs to begin."""
        self._commands.put(lambda: self._measure_between(low, high))

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
                if self._snapshot.state is State.RUNNING:
                    self._guard(self._step)
                elif self._snapshot.state is State.LOST:
                    self._guard(self._retry)
        except _Closed:
            pass
        finally:
            self._release()
            self._drop_journal()

    def _obey(self) -> None:
        """Carry out all commands given; without a train, wait a little for one."""
        wait = 0.0 if self._snapshot.state is State.RUNNING else IDLE
        while not self._closing.is_set():
            try:
                command = self._commands.get(timeout=wait) if wait else self._commands.get_nowait()
            except Empty:
                return
            self._guard(command)
            wait = 0.0

    def _guard(self, action: Callable[[], None]) -> None:
        """Do it. A lost link is tried again, any other failure ends the average; both are put in words. Data stay."""
        try:
            action()
        except _Closed:
            raise
        except LOSSES as error:
            if self._average is not None:
                self._lose(str(error))
            else:
                self._fail(str(error))
        except FAILURES as error:
            self._fail(str(error))
        except Exception as error:
            logging.getLogger(__name__).exception("internal error")
            self._fail(f"internal error, please report it: {error!r}")

    def _fail(self, words: str) -> None:
        self._release()
        self._average = None
        self.events.put(words)
        self._publish(state=State.FAILED, words=words, **_STILL)

    def _lose(self, words: str) -> None:
        """Keep what there is, and try again until it works or the user stops it."""
        self._release()
        self._retried = time.perf_counter()
        if self._snapshot.state is not State.LOST:
            self.events.put(words)
        self._publish(state=State.LOST, words=f"{words} — trying again", **_STILL)

    def _retry(self) -> None:
        if time.perf_counter() - self._retried < RETRY_EVERY:
            return
        average = self._average
        assert average is not None
        wanted = average.wanted if self._wanted is self._asked else self._wanted
        instrument = self._connect(self._snapshot.source)
        if _may_go_on(average, instrument, wanted):
            average.resume(instrument)
            self._go(instrument, "connected again: the average goes on in a new segment")
        else:
            self.events.put("connected again, to another instrument or with other settings")
            before = self._snapshot.data
            self._run(wanted)
            if before is not None:
                self.cut_off.put(before)

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
        self._average = None
        before = self._snapshot
        self._snapshot = Snapshot(source, State.OPENING, "opening", before.refusal)
        if source == before.source:  # perhaps still not there: what was measured stays
            self._publish(settings=before.settings, data=before.data)
        instrument = self._connect(source)
        self.events.put(f"opened {source}: {instrument.identity.board}")
        self._run(self._wanted)

    def _connect(self, source: str) -> Instrument:
        link = open_link(source, self._seed, report=self._report)
        try:
            self._instrument = Instrument(link)
        except FAILURES:
            link.close()
            raise
        self._publish(board=self._instrument.identity.board)
        return self._instrument

    def _release(self) -> None:
        self._pace = None
        if self._instrument is not None:
            self._instrument.close()
            self._instrument = None

    def _change(self, wanted: Wanted) -> None:
        if self._instrument is None:
            self._wanted = wanted  # judged when there is an instrument
            return
        try:
            settings = wanted.settings(self._instrument)
        except SettingsError as error:
            self._publish(refusal=str(error))
            return
        self._wanted = wanted
        self._publish(refusal="")
        if self._average is not None:
            self._begin(self._instrument, settings, wanted)

    def _measure_between(self, low: float, high: float) -> None:
        self._levels = low, high
        if self._average is not None:
            self._average.measure_between(low, high)
            self._pending = True

    def _run(self, wanted: Wanted) -> None:
        if self._instrument is None:
            self._open(self._snapshot.source)
            return
        try:
            settings = wanted.settings(self._instrument)
        except SettingsError as error:
            self._average = None
            self._publish(state=State.STOPPED, words="", refusal=str(error))
            return
        self._begin(self._instrument, settings, wanted)

    def _begin(self, instrument: Instrument, settings: Settings, wanted: Wanted) -> None:
        """A new average: nothing of the one before goes into it."""
        self._averages += 1
        self._asked = self._wanted
        source = self._snapshot.source
        self._average = None  # should starting fail, there is none
        self._average = Average(instrument, settings, wanted, source, self._averages)
        self._average.measure_between(*self._levels)
        self._publish(settings=settings, data=None)
        self._keep(instrument, self._average)
        self._go(instrument, f"average {self._averages}: {_words(settings, wanted)}")

    def _keep(self, instrument: Instrument, average: Average) -> None:
        """From now on keep a copy of this average instead of the one before."""
        self._drop_journal()
        if self._journals is None:
            return
        try:
            self._journal = Journal(instrument, average, self._journals)
        except JournalError as error:
            self.events.put(str(error))

    def _drop_journal(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _write_journal(self, now: bool = False) -> None:
        """If it is time, or `now`. One that cannot be written is said once; measuring goes on."""
        if self._journal is None:
            return
        try:
            if now:
                self._journal.write()
            else:
                self._journal.keep_up(time.perf_counter())
        except JournalError as error:
            self.events.put(str(error))
            self._drop_journal()

    def _go(self, instrument: Instrument, event: str) -> None:
        self.events.put(event)
        self._pace = Pace(instrument.link)
        self._pending = False
        self._publish(state=State.RUNNING, words="", frame_rate=0.0, link_rate=0.0)

    def _stop(self) -> None:
        if self._average is None:
            return
        if self._instrument is None:  # lost: not any more
            self._average = None
            self.events.put("stopped")
            self._publish(state=State.FAILED)
            return
        self._instrument.stop()
        until = time.perf_counter() + STOP_WAIT
        while not self._average.done and time.perf_counter() < until:
            self._average.poll(POLL)
        self._rest("stopped")

    def _lend(self) -> None:
        self._stop()
        self._release()
        if self._snapshot.state is not State.FAILED:
            self._publish(state=State.STOPPED, words="stopped: the sweep has the instrument")

    def _rest(self, event: str) -> None:
        """The train has ended: switch the output off."""
        assert self._average is not None
        assert self._instrument is not None
        self._instrument.write("enable", 0)
        self._show(self._average, True)
        self._write_journal(now=True)
        self._average = self._pace = None
        self.events.put(event)
        self._publish(state=State.STOPPED, **_STILL)

    def _clear(self) -> None:
        """By a new train: no pulse from before is in it, and its accounting begins at zero."""
        if self._average is None or self._instrument is None:
            self._publish(data=None)
            return
        self._begin(self._instrument, self._average.settings, self._average.wanted)

    def _step(self) -> None:
        assert self._average is not None
        assert self._pace is not None
        frames = self._average.poll(POLL)
        self._pace.count(len(frames), sum(frame.sums.size for frame in frames) * 4)
        if self._average.done:
            self._rest(f"done: {self._average.settings.pulses} pulses")
            return
        self._pending |= bool(frames)
        due = time.perf_counter() - self._shown >= SHOW_EVERY
        if self._pending and due and self._looked:
            self._show(self._average)  # pixels first: what follows takes long
        self._pending |= self._average.reflect()
        self._write_journal()
        self._publish(
            realtime_factor=self._pace.realtime_factor,
            frame_rate=self._pace.frame_rate,
            link_rate=self._pace.link_rate,
        )

    def _show(self, average: Average, anew: bool = False) -> None:
        """Publish the data as they are now."""
        self._shown, self._pending, self._looked = time.perf_counter(), False, False
        data = average.data(anew)
        if data is not None:
            self._publish(data=data)


_STILL = {"frame_rate": 0.0, "link_rate": 0.0, "realtime_factor": None}


def _may_go_on(average: Average, instrument: Instrument, wanted: Wanted) -> bool:
    """Whether new frames belong with the old: same instrument, same settings.

    An emulated board that has started anew would repeat the noise it has had before.
    """
    mine: Identity = instrument.identity
    if mine != average.identity or wanted != average.wanted:
        return False
    return mine.board != Board.EMULATOR.name or instrument.read("train") >= average.train


def _words(settings: Settings, wanted: Wanted) -> str:
    rate, width = format_si(settings.rate, "Hz"), format_si(settings.width, "s")
    kind = wanted.averaging.value.replace("N", f"{wanted.pulses}")
    if wanted.averaging is Averaging.EXPONENTIAL:
        kind += f" over {wanted.pulses} pulses"
    return f"{format_si(settings.volts, 'V')}, {rate}, {width}; {kind}"
