"""The strip across the top: what is being measured, how fast it runs, what went wrong."""

from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy

from host.app import source
from host.app.snapshot import Snapshot, State
from host.link.open import is_emulated
from sim.presets import describe


class Banner(QFrame):
    """Says EMULATOR for as long as no light is real."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.badge = QLabel("EMULATOR")
        self.badge.setObjectName("badge")
        self.name = QLabel()
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setProperty("role", "dim")
        self.words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.factor = QLabel()
        self.factor.setObjectName("factor")
        self.factor.setToolTip("Time on the emulated board over time on the clock")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 7, 12, 7)
        row.setSpacing(12)
        row.addWidget(self.badge)
        row.addWidget(self.name)
        row.addWidget(self.words, 1)
        row.addWidget(self.factor)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow the session."""
        emulated = is_emulated(snapshot.source)
        self.badge.setVisible(emulated)
        self.name.setText(snapshot.source.removeprefix("emulator:"))
        self.words.setText(_words(snapshot))
        factor = snapshot.realtime_factor
        self.factor.setText("" if factor is None else f"{factor:.2f}× real time")
        failed = snapshot.state is State.FAILED
        if self.property("failed") != failed:
            self.setProperty("failed", failed)
            self.words.setProperty("role", "" if failed else "dim")
            for widget in (self, self.words):
                style = widget.style()
                assert style is not None
                style.unpolish(widget)
                style.polish(widget)


def _words(snapshot: Snapshot) -> str:
    if snapshot.words:
        return snapshot.words
    if snapshot.state is State.STOPPED:
        return "stopped, output off"
    preset = source.preset(snapshot.source)
    return describe(preset) if preset else ""
