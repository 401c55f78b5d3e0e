"""The strip across the top: the source, how fast it runs, and what went wrong."""

from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy

from trelscope.host.app import source, style
from trelscope.host.app.conditions import conditions
from trelscope.host.app.frozen import FrozenPicture
from trelscope.host.app.panels.panel import label
from trelscope.host.app.session.snapshot import SessionState, Snapshot


class Banner(QFrame):
    """Its badge says EMULATOR while the light is simulated, and names the board otherwise.

    A recording or a frozen picture, shown in place of what runs, has a badge of another colour, and its own name and
    conditions.
    """

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

    def show_snapshot(self, snapshot: Snapshot, frozen: FrozenPicture) -> None:
        """Show the session's state. frozen: what is shown instead of its data, if anything."""
        simulated = source.is_simulated(snapshot.source, snapshot.board)
        kind, text = ("", "EMULATOR") if simulated else ("real", snapshot.board)
        name = snapshot.source.removeprefix("emulator:")
        if frozen.snapshot is not None:
            kind, text = ("recording", "RECORDING") if frozen.file else ("frozen", "FROZEN")
            if frozen.sweeping:
                kind, text = "sweep", "SWEEP"
            name = frozen.file or frozen.snapshot.source.removeprefix("emulator:")
        self.badge.setText(text)
        self.badge.setVisible(bool(text))
        style.set_property(self.badge, "kind", kind)
        self.name.setText(name)
        message = _message(snapshot, frozen)
        self.message.setText(message)
        self.message.setToolTip(message)
        factor = None if frozen.file else snapshot.realtime_factor
        self.factor.setText("" if factor is None else f"{factor:.2f}× real time")
        failed = snapshot.state in (SessionState.FAILED, SessionState.LOST)
        style.set_property(self, "failed", failed)
        style.set_property(self.message, "role", "" if failed else "dim")


def _message(snapshot: Snapshot, frozen: FrozenPicture) -> str:
    shown = frozen.snapshot.data if frozen.snapshot else None
    if frozen.sweeping and shown is not None:
        return f"the newest point: {conditions(shown)}"
    if snapshot.message:
        return snapshot.message
    if frozen.file and shown is not None:
        begun = shown.metadata.get("when", "")
        when = f", begun {begun}" if begun else ""
        return f"{conditions(shown)}{when}. F goes back to what runs"
    if frozen.snapshot is not None:
        return "frozen: this picture stays while the average goes on; F shows the average again"
    if snapshot.state is SessionState.STOPPED:
        return "stopped, output off"
    return source.description(snapshot.source)
