"""The crash copy of a long capture, kept until its result has been saved."""

import time
from collections.abc import Callable

from trelscope.host.acquisition.acquisition import Acquisition
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.files.journal import Journal, JournalError

AFTER = 3.0  # s: a shorter capture is soon done again


class CrashCopy:
    """Begun when a capture has taken `AFTER`, or when its result cannot be saved."""

    def __init__(
        self, tell: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """tell: takes the message when none can be kept; measuring goes on."""
        self._tell, self._clock = tell, clock
        self._began: float | None = None
        self._seen: tuple[Instrument, Acquisition] | None = None
        self._journal: Journal | None = None
        self._copied = False  # at least once
        self._failed = False  # said once

    def watch(self, instrument: Instrument, acquisition: Acquisition) -> None:
        """Keep up with the acquisition."""
        now = self._clock()
        self._seen = instrument, acquisition
        if self._began is None:
            self._began = now
        if acquisition.done and self._journal is not None:
            self.write()  # all of it
        elif now - self._began >= AFTER:
            self._attempt(lambda journal: journal.keep_up(now))

    def write(self) -> bool:
        """Copy all there is. Returns whether that could be done."""
        return self._attempt(lambda journal: journal.write())

    @property
    def kept(self) -> bool:
        """Whether there is one."""
        return self._journal is not None

    def discard(self) -> None:
        """The result is saved, or not wanted."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _attempt(self, write: Callable[[Journal], None]) -> bool:
        assert self._seen is not None, "there is something to copy"
        try:
            if self._journal is None:
                self._journal = Journal(*self._seen)
            write(self._journal)
            self._copied = True
        except JournalError as error:
            if not self._failed:
                self._tell(str(error))
            self._failed = True
            if not self._copied:
                self.discard()  # it holds nothing
            return False
        return True
