"""The strip across the top: the source, how fast it runs, and what went wrong."""

from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy

from trelscope.host.app import source, style
from trelscope.host.app.panels.panel import label
from trelscope.host.app.session.snapshot import SessionState, Snapshot
from trelscope.sim.presets.presets import describe


class Banner(QFrame):
    """Its badge says EMULATOR while the light is simulated, and names the board otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.badge = QLabel("EMULATOR")
        self.badge.setObjectName("badge")
        self.name = QLabel()
        self.message = label(role="dim")
        self.message.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.factor = QLabel()
        self.factor.setObjectName("factor")
        self.factor.setToolTip("Time on the emulated board over time on the clock")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 5, 12, 5)
        row.setSpacing(12)
        row.addWidget(self.badge)
        row.addWidget(self.name)
        row.addWidget(self.message, 1)
        row.addWidget(self.factor)

    def show_snapshot(self, snapshot: Snapshot, frozen: Snapshot | None) -> None:
        """Show the session's state. frozen: what is shown instead of its data; None if nothing is."""
        simulated = source.is_simulated(snapshot.source, snapshot.board)
        self.badge.setText("EMULATOR" if simulated else snapshot.board)
        self.badge.setVisible(bool(self.badge.text()))
        style.set_property(self.badge, "real", not simulated)
        self.name.setText(snapshot.source.removeprefix("emulator:"))
        message = _message(snapshot, frozen)
        self.message.setText(message)
        self.message.setToolTip(message)
        factor = snapshot.realtime_factor
        self.factor.setText("" if factor is None else f"{factor:.2f}× real time")
        failed = snapshot.state in (SessionState.FAILED, SessionState.LOST)
        style.set_property(self, "failed", failed)
        style.set_property(self.message, "role", "" if failed else "dim")


def _message(snapshot: Snapshot, frozen: Snapshot | None) -> str:
    if snapshot.message:
        return snapshot.message
    if frozen is not None and frozen.message:  # a recording
        return f"{frozen.message}; F goes back to what runs"
    if frozen is not None:
        return "frozen: the average goes on, the picture stays"
    if snapshot.state is SessionState.STOPPED:
        return "stopped, output off"
    name = source.preset_name(snapshot.source)
    return describe(name) if name else ""
