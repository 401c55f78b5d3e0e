"""The crash copy of the average that is shown: begun with it, written while it grows, removed when the next begins."""

import time
from collections.abc import Callable
from pathlib import Path

from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.app.session.live_average import LiveAverage
from trelscope.host.files.journal import Journal, JournalError


class JournalKeeper:
    """That a journal cannot be written is said once, and measuring goes on."""

    def __init__(self, folder: Path | None, tell: Callable[[str], None]) -> None:
        """folder: where journals are kept; None: none is. tell: takes the message of a failure."""
        self._folder, self._tell = folder, tell
        self._journal: Journal | None = None
        self._failing = False  # and that has been said

    def begin(self, instrument: Instrument, average: LiveAverage) -> None:
        """Keep a copy of this average from now on, instead of the one before."""
        self.discard()
        if self._folder is None:
            return
        try:
            self._journal = Journal(instrument, average, self._folder)
        except JournalError as error:
            self._tell(str(error))

    def write_if_due(self) -> None:
        """Write a copy if the last one is old enough."""
        if self._journal is not None:
            journal = self._journal
            self._attempt(lambda: journal.keep_up(time.perf_counter()))

    def write(self) -> None:
        """Write a copy now."""
        if self._journal is not None:
            self._attempt(self._journal.write)

    def discard(self) -> None:
        """Remove the journal: its average is no longer wanted."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def leave(self) -> None:
        """Leave the journal on the disk: nobody has said that its average is no longer wanted."""
        if self._journal is not None:
            self.write()
            self._journal.leave()
            self._journal = None

    def _attempt(self, write: Callable[[], None]) -> None:
        """Try, and keep what has been written before: perhaps there is room again the next time."""
        try:
            write()
            self._failing = False
        except JournalError as error:
            if not self._failing:
                self._tell(str(error))
            self._failing = True
