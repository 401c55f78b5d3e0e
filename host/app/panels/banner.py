"""The strip across the top: what is being measured, how fast it runs, what went wrong."""

from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy

from trelscope.host.app import source, style
from trelscope.host.app.panels.panel import label
from trelscope.host.app.session.snapshot import SessionState, Snapshot
from trelscope.sim.presets.presets import describe


class Banner(QFrame):
    """Says EMULATOR for as long as no light is real, and which board otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.badge = QLabel("EMULATOR")
        self.badge.setObjectName("badge")
        self.name = QLabel()
        self.words = label(role="dim")
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.factor = QLabel()
        self.factor.setObjectName("factor")
        self.factor.setToolTip("Time on the emulated board over time on the clock")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 5, 12, 5)
        row.setSpacing(12)
        row.addWidget(self.badge)
        row.addWidget(self.name)
        row.addWidget(self.words, 1)
        row.addWidget(self.factor)

    def show_snapshot(self, snapshot: Snapshot, frozen: Snapshot | None) -> None:
        """Follow the session. frozen: what is shown instead of its data; None if nothing is."""
        emulated = source.is_emulator(snapshot.source, snapshot.board)
        self.badge.setText("EMULATOR" if emulated else snapshot.board)
        self.badge.setVisible(bool(self.badge.text()))
        style.set_property(self.badge, "real", not emulated)
        self.name.setText(snapshot.source.removeprefix("emulator:"))
        words = _words(snapshot, frozen)
        self.words.setText(words)
        self.words.setToolTip(words)
        factor = snapshot.realtime_factor
        self.factor.setText("" if factor is None else f"{factor:.2f}× real time")
        failed = snapshot.state in (SessionState.FAILED, SessionState.LOST)
        style.set_property(self, "failed", failed)
        style.set_property(self.words, "role", "" if failed else "dim")


def _words(snapshot: Snapshot, frozen: Snapshot | None) -> str:
    if snapshot.message:
        return snapshot.message
    if frozen is not None and frozen.message:  # a recording
        return f"{frozen.message}; F goes back to what runs"
    if frozen is not None:
        return "frozen: the average goes on, the picture stays"
    if snapshot.state is SessionState.STOPPED:
        return "stopped, output off"
    preset = source.preset(snapshot.source)
    return describe(preset) if preset else ""
