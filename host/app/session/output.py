"""What the worker hands to the window: the newest snapshot, events, and averages that a lost link has ended."""

import time
from dataclasses import replace
from queue import SimpleQueue

from trelscope.host.app.session.snapshot import AverageData, Snapshot

# Seconds between snapshots with new data at least: frames that come at 60 a second are not always on time.
SHOW_EVERY = 1 / 90


class Output:
    """The worker writes it, the window reads it; nothing in it is ever changed in place."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.events: SimpleQueue[str] = SimpleQueue()
        self.interrupted: SimpleQueue[AverageData] = SimpleQueue()
        self._seen = True
        self._shown = 0.0  # time of the newest data, on the performance counter

    def look(self) -> Snapshot:
        """The newest snapshot; from now on new data are worth the work of preparing them."""
        self._seen = True
        return self.snapshot

    @property
    def data_due(self) -> bool:
        """Whether the window has seen the newest data and it is time for others."""
        return self._seen and time.perf_counter() - self._shown >= SHOW_EVERY

    def begin_data(self) -> None:
        """Note that new data are being prepared."""
        self._shown, self._seen = time.perf_counter(), False

    def publish(self, **changes: object) -> None:
        """Replace the snapshot by one with these fields changed."""
        self.snapshot = replace(self.snapshot, **changes)  # type: ignore[arg-type]
