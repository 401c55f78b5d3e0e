"""The controls: source, drive, acquisition, and the buttons that run and clear."""

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from trelscope.gateware.protocol import MAX_BIN_SHIFT
from trelscope.host.app import style
from trelscope.host.app.panels.panel import Panel, keep_space, label
from trelscope.host.app.panels.quantity_box import QuantityBox
from trelscope.host.app.panels.source_field import SourceField
from trelscope.host.app.session.requested_settings import Averaging, RequestedSettings
from trelscope.host.app.session.snapshot import AverageData, SessionState, Snapshot
from trelscope.host.planning import RATES, VOLTS
from trelscope.host.settings import Settings
from trelscope.host.units import format_si

STEP = 1e-6  # s
LONGEST = 1.0  # s
PULSES = (8.0, 1e9)
AUTO = "auto"
MESSAGE = 34  # pixels at a scale of 1: two lines
MODES = {
    Averaging.CONTINUOUS: "every pulse since the last change or Clear",
    Averaging.SUM: "N pulses, then stop",
    Averaging.EXPONENTIAL: "newer pulses weigh more; N pulses ago a weight was 1/e",
}


class Controls(QWidget):
    """Fields and buttons. `changed` carries the requested settings; a refusal is shown beside the fields."""

    changed = pyqtSignal(RequestedSettings)

    def __init__(self, opened: str, requested: RequestedSettings) -> None:
        super().__init__()
        self.source_field = SourceField(opened)
        self.volts = QuantityBox("V", requested.volts, VOLTS, 0.1)
        self.rate = QuantityBox("Hz", requested.rate, RATES, 500.0, empty=AUTO)
        self.width_box = QuantityBox("s", requested.width, (STEP, LONGEST), STEP, empty=AUTO)
        self.start = QuantityBox("s", requested.start, (-LONGEST, LONGEST), STEP, empty=AUTO)
        self.length = QuantityBox("s", requested.length, (STEP, LONGEST), STEP, empty=AUTO)
        self.bin = QComboBox()
        self.bin.addItem(AUTO, None)
        for shift in range(MAX_BIN_SHIFT + 1):
            self.bin.addItem(format_si((1 << shift) * 1e-9, "s"), (1 << shift) / 1e9)
        self.bin.setCurrentIndex(max(self.bin.findData(requested.bin), 0))
        self.averaging = QComboBox()
        for mode, tip in MODES.items():
            self.averaging.addItem(mode.value, mode)
            self.averaging.setItemData(self.averaging.count() - 1, tip, 3)
        self.averaging.setCurrentIndex(list(MODES).index(requested.averaging))
        self.pulses = QuantityBox("", float(requested.pulses), PULSES, 1024.0)
        self.message, self.acquisition_message = _message(), _message()
        keep_space(self.message)
        self.bins = label(role="dim")
        self.bins.setAlignment(Qt.AlignmentFlag.AlignTop)
        style.on_change(self.bins, lambda _: self.bins.setFixedHeight(style.pixels(MESSAGE)))
        self.run = QPushButton("Stop")
        self.single = QPushButton("Single")
        self.clear = QPushButton("Clear")
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        keep_space(self.progress)
        self.compare = QPushButton("Compare with…")
        self._boxes = (
            self.volts,
            self.rate,
            self.width_box,
            self.start,
            self.length,
            self.pulses,
        )
        self._last_changed: QuantityBox | None = None  # the box that was changed last
        self._typing_error = ""  # why the text in that field is not a number
        self._refusal = ""  # of the session: the latest one that the fields have answered
        self._lay_out()
        for box in self._boxes:
            box.changed.connect(lambda box=box: self._request(box))
            box.refused.connect(lambda reason, box=box: self._refuse(box, reason))
        for combo in (self.bin, self.averaging):
            combo.activated.connect(lambda _: self._request(None))

    def requested(self) -> RequestedSettings:
        """The settings in the fields."""
        assert self.volts.value is not None
        assert self.pulses.value is not None
        return RequestedSettings(
            volts=self.volts.value,
            rate=self.rate.value,
            width=self.width_box.value,
            start=self.start.value,
            length=self.length.value,
            bin=self.bin.currentData(),
            averaging=self.averaging.currentData(),
            pulses=int(self.pulses.value),
        )

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the session's state."""
        running = snapshot.state in (SessionState.OPENING, SessionState.RUNNING, SessionState.LOST)
        self.run.setText("Stop" if running else "Run")
        self.run.setEnabled(snapshot.state is not SessionState.OPENING)
        self.clear.setEnabled(snapshot.data is not None)
        self.single.setEnabled(snapshot.state in (SessionState.RUNNING, SessionState.STOPPED))
        self._show_refusal(snapshot)
        self.source_field.show_source(snapshot.source)
        self._show_settings(snapshot.settings)
        self._show_progress(snapshot.settings, snapshot.data)

    def _show_refusal(self, snapshot: Snapshot) -> None:
        """Say beside the fields why a value was refused, and show there what is in force."""
        message = self._typing_error or snapshot.refusal
        if snapshot.refusal and snapshot.refusal is not self._refusal and snapshot.requested:
            self.show_requested(snapshot.requested)
        self._refusal = snapshot.refusal
        of_drive = self._last_changed in (self.volts, self.rate, self.width_box)
        for shown, line in ((of_drive, self.message), (not of_drive, self.acquisition_message)):
            line.setText(message if shown else "")
            line.setVisible(bool(message) and shown)
        self.bins.setHidden(self.acquisition_message.isVisibleTo(self))
        for box in self._boxes:
            box.mark_refused(bool(message) and box is self._last_changed)

    def show_requested(self, requested: RequestedSettings) -> None:
        """Show these settings in the fields."""
        for box, value in (
            (self.volts, requested.volts),
            (self.rate, requested.rate),
            (self.width_box, requested.width),
            (self.start, requested.start),
            (self.length, requested.length),
            (self.pulses, float(requested.pulses)),
        ):
            if box.value != value:
                box.show_in_force(value)
        self.bin.setCurrentIndex(max(self.bin.findData(requested.bin), 0))
        self.averaging.setCurrentIndex(list(MODES).index(requested.averaging))

    def _show_settings(self, settings: Settings | None) -> None:
        """Show the settings in force in the fields that are left empty."""
        if settings is None:
            return
        for box, value in (
            (self.rate, settings.rate),
            (self.width_box, settings.width),
            (self.start, settings.window_start),
            (self.length, settings.window_length),
        ):
            box.set_empty(AUTO, value)
        self.bin.setItemText(0, f"{AUTO}: {format_si(settings.bin, 's')}")
        duty = f"{100 * settings.width * settings.rate:.0f} % duty"
        self.bins.setToolTip(f"{settings.frame_pulses} pulses a frame")
        self.bins.setText(f"{settings.bins} bins, {duty}")

    def _show_progress(self, settings: Settings | None, data: AverageData | None) -> None:
        target = settings.pulses if settings else 0
        self.progress.setVisible(target > 0)  # its room is kept
        if target:
            averaged = data.accounting.pulses_averaged if data else 0
            self.progress.setValue(round(1000 * averaged / target))
            self.progress.setFormat(f"{averaged} of {target} pulses")

    def _lay_out(self) -> None:
        source = Panel("Source")
        source.grid.addWidget(self.source_field, 1, 0, 1, 2)
        source.grid.addWidget(self.compare, 2, 0, 1, 2)
        drive = Panel("Drive")
        low, high = (format_si(limit, "V") for limit in VOLTS)
        slow, fast = (format_si(limit, "Hz") for limit in RATES)
        _rows(
            drive,
            ("Voltage", self.volts, f"{low} to {high}"),
            ("Rate", self.rate, f"{slow} to {fast}, e.g. 10k; empty: what suits the source"),
            ("Width", self.width_box, "of the pulse, e.g. 20u; empty: half the period"),
        )
        drive.grid.addWidget(self.message, 4, 0, 1, 2)
        acquisition = Panel("Acquisition")
        _rows(
            acquisition,
            ("Start", self.start, "of the window, from the drive edge, e.g. -2u; empty: before it"),
            ("Length", self.length, "of the window, e.g. 60u; empty: the pulse and its decay"),
            ("Bin", self.bin, "auto: the finest that fits the memory"),
            ("Average", self.averaging, "a change starts a new average"),
            ("N", self.pulses, "pulses of a sum, or that an exponential average remembers"),
        )
        acquisition.grid.addWidget(self.acquisition_message, 6, 0, 1, 2)
        # In the same place, and as high: nothing moves.
        acquisition.grid.addWidget(self.bins, 6, 0, 1, 2)
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        for button in (self.run, self.single, self.clear):
            button.setMinimumWidth(56)
            buttons.addWidget(button, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 0, 0, 6)
        column.setSpacing(6)
        column.addLayout(buttons)
        column.addWidget(self.progress)
        column.addWidget(source)
        column.addWidget(drive)
        column.addWidget(acquisition)
        column.addStretch(1)

    def _request(self, box: QuantityBox | None) -> None:
        self._last_changed, self._typing_error = box, ""
        self.changed.emit(self.requested())

    def _refuse(self, box: QuantityBox, reason: str) -> None:
        self._last_changed, self._typing_error = box, reason


def _message() -> QLabel:
    """A line for refusals."""
    line = label(role="warning")
    line.setWordWrap(True)
    line.setAlignment(Qt.AlignmentFlag.AlignTop)
    style.on_change(line, lambda _: line.setFixedHeight(style.pixels(MESSAGE)))
    line.hide()
    return line


def _rows(panel: Panel, *rows: tuple[str, QWidget, str]) -> None:
    for row, (name, widget, tip) in enumerate(rows, start=1):
        panel.grid.addWidget(label(name), row, 0)
        panel.grid.addWidget(widget, row, 1)
        widget.setToolTip(tip)
