"""The session as the window sees it: commands go in, snapshots and events come out."""

from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

from trelscope.host.acquisition.instrument import SILENCE
from trelscope.host.app.session.connection import FAILURES, Connection
from trelscope.host.app.session.machine import SessionMachine
from trelscope.host.app.session.output import Output
from trelscope.host.app.session.requested_settings import RequestedSettings
from trelscope.host.app.session.snapshot import AverageData, SessionState, Snapshot
from trelscope.host.app.session.worker import INTERNAL, Worker
from trelscope.host.link.token import put_away

# An error of this program that it has no answer to; what the thread had open may be as it was.
DIED = (
    f"{INTERNAL}: the session has died; the instrument switches its output off after {SILENCE:g} s;"
    " save the data and start again"
)


class Session:
    """Runs `source` until closed. Methods return at once; what comes of them is in `snapshot` and `events`."""

    def __init__(
        self,
        source: str,
        seed: int = 0,
        requested: RequestedSettings | None = None,
        journals: Path | None = None,
        connection: Connection | None = None,
    ) -> None:
        """journals: where a copy of the running average is kept, in case this process is killed; None: nowhere.

        connection: what opens instruments; None: one that opens sources by their URL, with `seed`.
        """
        source = put_away(source)
        self._output = Output(Snapshot(source, SessionState.OPENING, "opening"))
        self._machine = SessionMachine(
            self._output, connection or Connection(seed), requested or RequestedSettings(), journals
        )
        self._worker = Worker(self._machine)
        self.open(source)
        self._worker.start()

    @property
    def snapshot(self) -> Snapshot:
        """The newest state of affairs."""
        newest = self._output.look()
        if self._worker.has_died and newest.state is not SessionState.FAILED:
            return replace(newest, state=SessionState.FAILED, message=DIED)
        return newest

    @property
    def events(self) -> SimpleQueue[str]:
        """A line for each thing that has happened, for the log."""
        return self._output.events

    @property
    def interrupted(self) -> SimpleQueue[AverageData]:
        """Averages that ended when the link was lost, because another instrument was behind it afterwards."""
        return self._output.interrupted

    @property
    def alive(self) -> bool:
        """Whether the worker runs."""
        return self._worker.alive

    def open(self, source: str) -> None:
        """Close the instrument, open another and start an average."""
        source = put_away(source)
        self._worker.post(lambda: self._machine.open(source))

    def change(self, requested: RequestedSettings) -> None:
        """Measure with other settings; refused ones leave everything as it is."""
        self._worker.post(lambda: self._machine.change(requested))

    def run(self) -> None:
        """Start an average; a source that failed is opened again first."""
        self._worker.post(self._machine.run)

    def single(self) -> None:
        """Sum N pulses once, whatever the kind of averaging."""
        self._worker.post(self._machine.single)

    def stop(self) -> None:
        """End the train and switch the output off; the data stay."""
        self._worker.post(self._machine.stop)

    def clear(self) -> None:
        """Start a new average with the same settings."""
        self._worker.post(self._machine.clear)

    def release_instrument(self) -> None:
        """Close the instrument so that a sweep can open it; `run` opens it again."""
        self._worker.post(self._machine.release_instrument)

    def set_levels(self, low: float, high: float) -> None:
        """Measure rise and fall between these parts of the amplitude; no new average needs to begin."""
        self._worker.post(lambda: self._machine.set_levels(low, high))

    def register(self, name: str) -> Future[int]:
        """The future value of one of the instrument's registers."""
        future: Future[int] = Future()

        def read() -> None:
            try:
                future.set_result(self._machine.read_register(name))
            except FAILURES as error:
                future.set_exception(error)
                raise

        self._worker.post(read)
        return future

    def close(self, keep_journal: bool = False) -> None:
        """Switch the output off, close the instrument and end the worker.

        keep_journal: leave the copy of the average, to be recovered by the next window.
        """
        self._machine.keep_journal = keep_journal
        self._worker.close()
