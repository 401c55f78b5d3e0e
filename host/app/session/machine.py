"""The states of a session, and what leads from one to another."""

import threading
import time
from pathlib import Path

from trelscope.host.acquisition.instrument import SILENCE, Instrument
from trelscope.host.app.session.connection import Connection
from trelscope.host.app.session.journal_keeper import JournalKeeper
from trelscope.host.app.session.live_average import LiveAverage
from trelscope.host.app.session.output import Output
from trelscope.host.app.session.pace import Pace
from trelscope.host.app.session.requested_settings import RequestedSettings
from trelscope.host.app.session.snapshot import SessionState, Snapshot
from trelscope.host.link import LinkError
from trelscope.host.measure.measure import MeasureOptions
from trelscope.host.planning import SettingsError
from trelscope.host.settings import Settings

# Seconds of the board's time: an emulator may take 20 times as long, and users wait for it.
POLL = 0.005
STOP_WAIT = 0.5  # s for the last frame of a train

NO_RATES = {"frame_rate": 0.0, "link_rate": 0.0, "realtime_factor": None}


class Closed(Exception):
    """The window was closed while the instrument was being opened."""


class SessionMachine:
    """Opens instruments, starts and stops averages on them, and publishes every state in `output`.

    Public methods but `running` and `link_lost` may raise the failures of `connection`, and Closed; whoever calls
    them answers a failure with `lose_link` or `fail`.
    """

    def __init__(
        self,
        output: Output,
        connection: Connection,
        requested: RequestedSettings,
        journals: Path | None,
    ) -> None:
        self.closing = threading.Event()
        self.keep_journal = False  # when it closes: nobody has said that the average is not wanted
        self._output, self._connection = output, connection
        self._requested = requested
        self._begun_with = requested  # the settings requested when the average began
        self._average: LiveAverage | None = (
            None  # None unless it runs, or ran when the link was lost
        )
        self._averages = 0
        self._levels = MeasureOptions().low, MeasureOptions().high
        self._journal = JournalKeeper(journals, output.events.put)
        self._pace: Pace | None = None
        self._unshown = False  # whether there is something that no snapshot shows yet

    @property
    def running(self) -> bool:
        """Whether a train runs, and frames are to be taken in."""
        return self._output.snapshot.state is SessionState.RUNNING

    @property
    def link_lost(self) -> bool:
        """Whether the link was lost, and is to be opened again."""
        return self._output.snapshot.state is SessionState.LOST

    # ------------------------------------------------------------------------ what the user asks

    def open(self, source: str) -> None:
        """Close the instrument, open another and start an average."""
        self._close_instrument()
        self._average = None
        before = self._output.snapshot
        self._output.snapshot = Snapshot(source, SessionState.OPENING, "opening", before.refusal)
        if source == before.source:  # perhaps still not there: what was measured stays
            self._output.publish(settings=before.settings, data=before.data)
        instrument = self._open_instrument(source)
        self._output.events.put(f"{source} is open; the board is {instrument.identity.board}")
        self._run(self._requested)

    def change(self, requested: RequestedSettings) -> None:
        """Start a new average with other settings; refused ones leave everything as it is."""
        instrument = self._connection.instrument
        if instrument is None:
            self._requested = requested  # checked when there is an instrument
            return
        try:
            settings = requested.settings(instrument, self._output.snapshot.source)
        except SettingsError as error:
            self._output.publish(refusal=str(error), requested=self._requested)
            return
        self._requested = requested
        self._output.publish(refusal="", requested=requested)
        if self._average is not None:
            self._begin(instrument, settings, requested)

    def run(self) -> None:
        """Start an average; a source that failed is opened again first."""
        self._run(self._requested)

    def single(self) -> None:
        """Sum N pulses once, whatever the kind of averaging."""
        self._run(self._requested.single())

    def stop(self) -> None:
        """End the train and switch the output off; the data stay."""
        instrument = self._connection.instrument
        if self._average is None:
            return
        if instrument is None:  # the link is lost, and need not be opened again
            self._average = None
            self._output.events.put("stopped")
            self._output.publish(state=SessionState.FAILED)
            return
        instrument.stop()
        until = time.perf_counter() + STOP_WAIT
        while not self._average.done and time.perf_counter() < until:
            self._average.poll(POLL)
        self._finish(self._average, instrument, "stopped")

    def clear(self) -> None:
        """Start a new average with the same settings: by a new train, so that no pulse from before is in it."""
        instrument = self._connection.instrument
        if self._average is None or instrument is None:
            self._output.publish(data=None)
            return
        self._begin(instrument, self._average.settings, self._average.requested)

    def release_instrument(self) -> None:
        """Stop and close the instrument, so that a sweep can open it."""
        self.stop()
        self._close_instrument()
        if self._output.snapshot.state is not SessionState.FAILED:
            message = "stopped: the sweep has the instrument"
            self._output.publish(state=SessionState.STOPPED, message=message)

    def set_levels(self, low: float, high: float) -> None:
        """Measure rise and fall between these parts of the amplitude, of this average and of later ones."""
        self._levels = low, high
        if self._average is not None:
            self._average.set_levels(low, high)
            self._unshown = True

    def read_register(self, name: str) -> int:
        """Value of one of the instrument's registers."""
        if self._connection.instrument is None:
            raise LinkError("no instrument is open")
        return self._connection.instrument.read(name)

    # ---------------------------------------------------------------------- what happens by itself

    def take_frames(self) -> None:
        """Take in the frames that have come, show what is due and measure."""
        average, pace, instrument = self._average, self._pace, self._connection.instrument
        assert average is not None
        assert pace is not None
        assert instrument is not None
        frames = average.poll(POLL)
        pace.count(len(frames), sum(frame.sums.size for frame in frames) * 4)
        if average.done:
            self._finish(average, instrument, f"done: {average.settings.pulses} pulses")
            return
        self._unshown |= bool(frames)
        if self._unshown and self._output.data_due:
            self._show(average)  # before measuring, which takes long
        self._unshown |= average.measure_next()
        self._journal.write_if_due()
        self._output.publish(
            realtime_factor=pace.realtime_factor,
            frame_rate=pace.frame_rate,
            link_rate=pace.link_rate,
        )

    def lose_link(self, message: str) -> None:
        """Keep the average that ran, and open the link again until it works or the user stops it."""
        if self._average is None:
            self.fail(message)
            return
        self._pace = None
        self._connection.lost()
        if not self.link_lost:
            self._output.events.put(message)
        message = f"{message} — trying again"
        self._output.publish(state=SessionState.LOST, message=message, **NO_RATES)

    def reconnect(self) -> None:
        """If an attempt is due, open the lost link; the average goes on if new frames belong with the old."""
        if not self._connection.retry_due:
            return
        average = self._average
        assert average is not None
        unchanged = self._requested is self._begun_with
        requested = average.requested if unchanged else self._requested
        instrument = self._open_instrument(self._output.snapshot.source)
        if average.can_resume(instrument, requested):
            average.resume(instrument)
            event = "connected again: the average goes on in a new segment"
            self._enter_running(instrument, event)
            return
        event = "connected again, to another instrument or with other settings"
        self._output.events.put(event)
        before = self._output.snapshot.data
        self._run(requested)
        if before is not None:
            self._output.interrupted.put(before)

    def fail(self, message: str) -> None:
        """End the average and close the instrument; the data stay."""
        if not self._close_instrument():
            message += f"; the output could not be switched off, the instrument does so after {SILENCE:g} s"
        self._average = None
        self._output.events.put(message)
        self._output.publish(state=SessionState.FAILED, message=message, **NO_RATES)

    def end(self) -> None:
        """Close everything: the window is gone."""
        self._close_instrument()
        if self.keep_journal:
            self._journal.leave()
        else:
            self._journal.discard()

    # ------------------------------------------------------------------------------------- inside

    def _open_instrument(self, source: str) -> Instrument:
        instrument = self._connection.open(source, self._show_step)
        self._output.publish(board=instrument.identity.board)
        return instrument

    def _close_instrument(self) -> bool:
        """Returns whether no output can be on any more."""
        self._pace = None
        return self._connection.close()

    def _show_step(self, step: str) -> None:
        if self.closing.is_set():
            raise Closed
        self._output.publish(message=step)

    def _run(self, requested: RequestedSettings) -> None:
        instrument = self._connection.instrument
        if instrument is None:
            self.open(self._output.snapshot.source)
            return
        try:
            settings = requested.settings(instrument, self._output.snapshot.source)
        except SettingsError as error:
            self._average = None
            self._output.publish(state=SessionState.STOPPED, message="", refusal=str(error))
            return
        self._begin(instrument, settings, requested)

    def _begin(
        self, instrument: Instrument, settings: Settings, requested: RequestedSettings
    ) -> None:
        """Start a new average: nothing of the one before goes into it."""
        self._averages += 1
        self._begun_with = self._requested
        source = self._output.snapshot.source
        self._average = None  # should starting fail, there is none
        self._average = LiveAverage(instrument, settings, requested, source, self._averages)
        self._average.set_levels(*self._levels)
        self._output.publish(settings=settings, data=None)
        self._journal.begin(instrument, self._average)
        event = f"average {self._averages}: {requested.describe(settings)}"
        self._enter_running(instrument, event)

    def _enter_running(self, instrument: Instrument, event: str) -> None:
        self._output.events.put(event)
        self._pace = Pace(instrument.link)
        self._unshown = False
        self._output.publish(state=SessionState.RUNNING, message="", frame_rate=0.0, link_rate=0.0)

    def _finish(self, average: LiveAverage, instrument: Instrument, event: str) -> None:
        """The train has ended: switch the output off and show the whole average, measured."""
        instrument.write("enable", 0)
        self._show(average, measure_now=True)
        self._journal.write()
        self._average = self._pace = None
        self._output.events.put(event)
        self._output.publish(state=SessionState.STOPPED, **NO_RATES)

    def _show(self, average: LiveAverage, measure_now: bool = False) -> None:
        """Publish the data as they are now."""
        self._unshown = False
        self._output.begin_data()
        data = average.data(measure_now)
        if data is not None:
            self._output.publish(data=data)
