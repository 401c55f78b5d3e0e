"""The strip across the bottom: state, rates and losses."""

import time
from collections import deque

from PyQt6.QtWidgets import QLabel, QStatusBar

from trelscope.host.app import style
from trelscope.host.app.frozen import FrozenPicture
from trelscope.host.app.panels.times_panel import DOUBT
from trelscope.host.app.session.requested_settings import Averaging
from trelscope.host.app.session.snapshot import SessionState, Snapshot
from trelscope.host.units import format_si

STATES = {
    SessionState.OPENING: "opening",
    SessionState.RUNNING: "running",
    SessionState.STOPPED: "stopped",
    SessionState.LOST: "link lost",
    SessionState.FAILED: "failed",
}
COUNT_TIME = 2.0  # s over which pictures per second are counted
UPDATE_EVERY = 0.5  # s between changes of the figures, so that they can be read


class StatusLine(QStatusBar):
    """State, pulses, link rate, real-time factor, losses, frames per second."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizeGripEnabled(False)
        self.state, self.pulses, self.link, self.losses, self.drawn = (QLabel() for _ in range(5))
        for label in (self.state, self.pulses, self.link, self.losses):
            self.addWidget(label)
        self.pointer = QLabel()  # the light under it
        self.addPermanentWidget(self.pointer)
        self.addPermanentWidget(self.drawn)
        self.losses.setToolTip(
            "pulses missed or lost, wrong checksums, samples clipped; Accounting has them one by one"
        )
        self._times: deque[float] = deque()
        self._latencies: deque[float] = deque(maxlen=100)
        self._updated = 0.0

    def count_drawn(self, latency: float) -> None:
        """Count a picture of new data that was painted `latency` seconds after its last frame came."""
        self._times.append(time.perf_counter())
        self._latencies.append(latency)

    def show_snapshot(self, snapshot: Snapshot, frozen: FrozenPicture) -> None:
        """Show the session's state; the counts are of what is on the screen. frozen: see there."""
        state = STATES[snapshot.state]
        if frozen.snapshot is not None:
            what = "recording" if frozen.file else "frozen"
            state = "sweep" if frozen.sweeping else f"{what}; behind it: {state}"
        changed = self.state.text() != state
        self.state.setText(state)
        now = time.perf_counter()
        running = snapshot.state is SessionState.RUNNING
        if now - self._updated < UPDATE_EVERY and running and not changed:
            return
        self._updated = now
        while self._times and now - self._times[0] > COUNT_TIME:
            self._times.popleft()
        shown = frozen.snapshot or snapshot
        self.pulses.setText(_pulses(shown))
        self.link.setText("" if frozen.file else _link(snapshot))
        self._show_losses(shown)
        words = ""
        if running and self._times and frozen.snapshot is None:
            latency = sorted(self._latencies)[len(self._latencies) // 2]
            words = (
                f"drawn {len(self._times) / COUNT_TIME:.1f}/s, {1e3 * latency:.0f} ms after arrival"
            )
        self.drawn.setText(words)

    def _show_losses(self, snapshot: Snapshot) -> None:
        data = snapshot.data
        if data is None:
            self.losses.clear()
            return
        a = data.accounting
        lost = a.pulses_lost + a.pulses_missed
        words = f"lost {lost} · CRC {a.crc_errors} · clipped {a.clipped}"
        any_loss = bool(lost or a.crc_errors or a.clipped)
        self.losses.setText(f"{DOUBT} {words}" if any_loss else words)
        style.set_property(self.losses, "loss", any_loss)


def _pulses(snapshot: Snapshot) -> str:
    data = snapshot.data
    if data is None:
        return ""
    averaged = f"{data.accounting.pulses_averaged:,}".replace(",", "\u2009")
    words = f"average {data.number}: {averaged} pulses" if data.number else f"{averaged} pulses"
    if data.averaging is Averaging.EXPONENTIAL:
        words += f", worth {data.effective:.0f}"
    return words


def _link(snapshot: Snapshot) -> str:
    if snapshot.state is not SessionState.RUNNING:
        return ""
    words = f"{format_si(snapshot.link_rate, 'B/s', 3)}, {snapshot.frame_rate:.1f} frames/s"
    factor = snapshot.realtime_factor
    return words if factor is None else f"{words}, {factor:.2f}× real time"
