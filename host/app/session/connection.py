"""The instrument of a session: opened by its URL, closed, and opened again after its link was lost."""

import logging
import time
from collections.abc import Callable

from trelscope.host.acquisition.acquisition import AcquisitionError
from trelscope.host.acquisition.instrument import Instrument, InstrumentError, SilenceError
from trelscope.host.link import LinkError
from trelscope.host.link.urls import open_link

RETRY_EVERY = 1.0  # s between attempts to open a lost link again

# Failures after which the same instrument may come back, and all that are not errors of this program.
LINK_LOSSES = LinkError, SilenceError
FAILURES = LinkError, InstrumentError, AcquisitionError


class Connection:
    """Holds the instrument that is open, if any."""

    def __init__(self, seed: int = 0) -> None:
        """seed: of the noise of an emulated board."""
        self.instrument: Instrument | None = None
        self._seed = seed
        self._lost_at = 0.0  # on the performance counter

    def open(self, source: str, show_step: Callable[[str], None]) -> Instrument:
        """Open `source`; `show_step` is told each step that takes long. Raises one of FAILURES."""
        link = open_link(source, self._seed, report=_with_heading(show_step))
        try:
            self.instrument = Instrument(link)
        except FAILURES:
            link.close()
            raise
        return self.instrument

    def close(self) -> bool:
        """Switch the output off and close the link, whatever happens; returns whether no output can be on any more."""
        instrument, self.instrument = self.instrument, None
        if instrument is None:
            return True
        try:
            return instrument.close()
        except Exception:  # an error of this program: what called this is dealing with one already
            logging.getLogger(__name__).exception("internal error")
            return False

    def lost(self) -> None:
        """Close what is left of a lost link, and wait before the next attempt."""
        self.close()
        self._lost_at = time.perf_counter()

    @property
    def retry_due(self) -> bool:
        """Whether it is time for another attempt."""
        return time.perf_counter() - self._lost_at >= RETRY_EVERY


def _with_heading(show_step: Callable[[str], None]) -> Callable[[str], None]:
    """Put the heading in front of indented lines, which are steps of what the heading announced."""
    heading = ""

    def show(line: str) -> None:
        nonlocal heading
        if line[:1].isspace():
            show_step(f"{heading}: {line.strip()}")
        else:
            heading = line
            show_step(line)

    return show
