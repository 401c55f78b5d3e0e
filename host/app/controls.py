"""What the user turns: device, drive, run and clear."""

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from host.app import source
from host.app.inforce import InForce
from host.app.panel import Panel, label
from host.app.quantitybox import QuantityBox
from host.app.session import Wanted
from host.app.snapshot import Snapshot, State
from host.settings import RATES, VOLTS
from host.units import format_si
from sim.presets import describe

WIDTH_STEP = 1e-6  # s
HALF = "half the period"
TOOLTIP = Qt.ItemDataRole.ToolTipRole


class Controls(QWidget):
    """Fields and buttons; tells what is asked for and shows what is refused."""

    changed = pyqtSignal(Wanted)
    source_chosen = pyqtSignal(str)
    run_clicked = pyqtSignal()
    stop_clicked = pyqtSignal()
    clear_clicked = pyqtSignal()

    def __init__(self, opened: str) -> None:
        super().__init__()
        wanted = Wanted()
        self.device = QComboBox()
        self.device.setMinimumContentsLength(14)
        self.device.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._fill_devices(opened)
        self.volts = QuantityBox("V", wanted.volts, VOLTS, 0.1)
        self.rate = QuantityBox("Hz", wanted.rate, RATES, 500.0)
        self.width_box = QuantityBox("s", wanted.width, (WIDTH_STEP, 1.0), WIDTH_STEP, empty=HALF)
        self.message = label(role="warning")
        self.message.setWordWrap(True)
        self.run = QPushButton("Stop")
        self.clear = QPushButton("Clear")
        self._running = True
        self._last: QuantityBox | None = None  # the box that was changed last
        self._typed = ""  # why what was typed is no number

        drive = Panel("Drive")
        for row, (name, box, tip) in enumerate(
            (
                ("Voltage", self.volts, _range(VOLTS, "V")),
                ("Rate", self.rate, _range(RATES, "Hz") + "; takes 10k"),
                ("Width", self.width_box, "of the pulse, e.g. 20u; empty: half the period"),
            ),
            start=1,
        ):
            drive.grid.addWidget(label(name), row, 0)
            drive.grid.addWidget(box, row, 1)
            box.setToolTip(tip)
            box.changed.connect(lambda box=box: self._ask(box))
            box.refused.connect(lambda text, box=box: self._refuse(box, text))
        drive.grid.addWidget(self.message, 4, 0, 1, 2)
        self.message.hide()

        device = Panel("Device")
        device.grid.addWidget(self.device, 1, 0, 1, 2)

        buttons = QHBoxLayout()
        buttons.addWidget(self.run, 1)
        buttons.addWidget(self.clear, 1)
        self.in_force = InForce()

        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(device)
        column.addWidget(drive)
        column.addLayout(buttons)
        column.addWidget(self.in_force)
        column.addStretch(1)

        self.device.activated.connect(
            lambda index: self.source_chosen.emit(self.device.itemData(index))
        )
        self.run.clicked.connect(self._toggle)
        self.clear.clicked.connect(self.clear_clicked)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow the session."""
        self._running = snapshot.state in (State.OPENING, State.RUNNING)
        self.run.setText("Stop" if self._running else "Run")
        self.run.setEnabled(snapshot.state is not State.OPENING)
        self.clear.setEnabled(snapshot.data is not None)
        message = self._typed or snapshot.refusal
        self.message.setText(message)
        self.message.setVisible(bool(message))
        for box in (self.volts, self.rate, self.width_box):
            box.mark(bool(message) and box is self._last)
        self.in_force.show_snapshot(snapshot)

    def _fill_devices(self, opened: str) -> None:
        sources = source.emulators()
        if opened not in sources:
            sources.insert(0, opened)
        for url in sources:
            preset = source.preset(url)
            self.device.addItem(url.removeprefix("emulator:"), url)
            if preset:
                self.device.setItemData(self.device.count() - 1, describe(preset), TOOLTIP)
        self.device.setCurrentIndex(sources.index(opened))

    def _ask(self, box: QuantityBox) -> None:
        self._last, self._typed = box, ""
        assert self.volts.value is not None
        assert self.rate.value is not None
        self.changed.emit(Wanted(self.volts.value, self.rate.value, self.width_box.value))

    def _refuse(self, box: QuantityBox, text: str) -> None:
        self._last, self._typed = box, text

    def _toggle(self) -> None:
        (self.stop_clicked if self._running else self.run_clicked).emit()


def _range(limits: tuple[float, float], unit: str) -> str:
    low, high = (format_si(limit, unit) for limit in limits)
    return f"{low} to {high}"
