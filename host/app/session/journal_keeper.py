"""The crash copy of the average that is shown: begun with it, written while it grows, removed when the next begins."""

import time
from collections.abc import Callable
from pathlib import Path

from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.app.session.live_average import LiveAverage
from trelscope.host.files.journal import Journal, JournalError


class JournalKeeper:
    """A journal that cannot be written is reported once, and measuring goes on without it."""

    def __init__(self, folder: Path | None, tell: Callable[[str], None]) -> None:
        """folder: where journals are kept; None: none is. tell: takes the message of a failure."""
        self._folder, self._tell = folder, tell
        self._journal: Journal | None = None

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

    def _attempt(self, write: Callable[[], None]) -> None:
        try:
            write()
        except JournalError as error:
            self._tell(str(error))
            self.discard()
