"""The main window: pulls the newest snapshot, hands it to its parts, passes on what is asked."""

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtGui import QCloseEvent
from PyQt6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QScrollArea,
    QStatusBar,
    QVBoxLayout,
    QWidget,
)

from host.app import source
from host.app.banner import Banner
from host.app.controls import Controls
from host.app.results import Results
from host.app.session import Session
from host.app.snapshot import Snapshot, State
from host.app.traces import Traces

REFRESH = 33  # ms
LEFT, RIGHT = 236, 300  # pixels

STATES = {
    State.OPENING: "opening",
    State.RUNNING: "running",
    State.STOPPED: "stopped",
    State.FAILED: "failed",
}

HINT = "plot: wheel zooms, drag moves, double click shows everything"


class Window(QMainWindow):
    """Opens on `opened`, running."""

    def __init__(self, opened: str, seed: int = 0) -> None:
        super().__init__()
        self.session = Session(opened, seed)
        self._shown: Snapshot | None = None
        self.banner = Banner()
        self.controls = Controls(opened)
        self.traces = Traces()
        self.results = Results()
        self._link, self._state, self._pace = QLabel(), QLabel(), QLabel()
        self._lay_out()

        self.controls.changed.connect(self.session.change)
        self.controls.source_chosen.connect(self.session.open)
        self.controls.run_clicked.connect(self.session.run)
        self.controls.stop_clicked.connect(self.session.stop)
        self.controls.clear_clicked.connect(self.session.clear)

        # Pulled: events pushed for every frame would pile up whenever drawing is slower.
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.refresh)
        self._timer.start(REFRESH)
        self.refresh()

    def refresh(self) -> None:
        """Show the newest snapshot."""
        snapshot, before = self.session.snapshot, self._shown
        self._shown = snapshot
        self.controls.show_snapshot(snapshot)
        if snapshot is before:
            return
        self.setWindowTitle(f"trelscope — {source.label(snapshot.source)}")
        self.banner.show_snapshot(snapshot)
        self._link.setText(snapshot.source)
        self._state.setText(STATES[snapshot.state])
        self._pace.setText(_pace(snapshot))
        if before is None or snapshot.data is None or snapshot.data is not before.data:
            self.results.show_snapshot(snapshot)
            self.traces.show_snapshot(snapshot)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Leave nothing running and the output off."""
        self._timer.stop()
        self.session.close()
        super().closeEvent(event)

    def _lay_out(self) -> None:
        self.resize(1280, 800)
        self.setMinimumSize(1000, 640)
        self.controls.setFixedWidth(LEFT)
        results = QScrollArea()
        results.setWidget(self.results)
        results.setWidgetResizable(True)
        results.setFrameShape(QFrame.Shape.NoFrame)
        results.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        results.setFixedWidth(RIGHT)
        row = QHBoxLayout()
        row.setContentsMargins(8, 8, 8, 8)
        row.setSpacing(8)
        row.addWidget(self.controls)
        row.addWidget(self.traces, 1)
        row.addWidget(results)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addLayout(row, 1)
        self.setCentralWidget(body)
        bar = QStatusBar()
        bar.setSizeGripEnabled(False)
        bar.addWidget(self._link)
        bar.addWidget(self._state)
        bar.addWidget(self._pace)
        bar.addPermanentWidget(QLabel(HINT))
        self.setStatusBar(bar)


def _pace(snapshot: Snapshot) -> str:
    if snapshot.state is not State.RUNNING:
        return ""
    frames = f"{snapshot.frame_rate:.1f} frames/s"
    factor = snapshot.realtime_factor
    return frames if factor is None else f"{factor:.2f}× real time, {frames}"
