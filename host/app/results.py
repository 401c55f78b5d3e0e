"""The measured times with their standard errors, and where every pulse went."""

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel, QVBoxLayout, QWidget

from host.acquire import Accounting
from host.app import style
from host.app.panel import Panel, label
from host.app.snapshot import Data, Snapshot
from host.measure import Flag, Quantity
from host.units import format_with_error

QUANTITIES = (
    ("onset", "Onset", "drive edge to 10 %"),
    ("rise", "Rise", "10 to 90 %"),
    ("response", "Response", "drive edge to 90 %"),
    ("settling", "Settling", "into ±2 % of the top"),
    ("fall", "Fall", "90 to 10 %"),
)

FLAGS = {
    Flag.LOW_SNR: "much noise",
    Flag.UNSETTLED: "not settled within the pulse",
    Flag.DRIFT: "baseline drifts",
    Flag.CLIPPED: "light clipped",
    Flag.INVERTED: "light inverted",
    Flag.DROPPED: "pulses dropped",
    Flag.BANDWIDTH_LIMITED: "too fast for the bins",
}

COUNTS = (
    ("pulses_averaged", "Pulses averaged"),
    ("pulses_emitted", "Pulses emitted"),
    ("pulses_missed", "Pulses missed"),
    ("pulses_lost", "Pulses lost"),
    ("crc_errors", "CRC errors"),
    ("clipped", "Samples clipped"),
)
LOSSES = {"pulses_missed", "pulses_lost", "crc_errors", "clipped"}


class Results(QWidget):
    """Right-hand column."""

    def __init__(self) -> None:
        super().__init__()
        self.times = Times()
        self.accounting = Counts()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.times)
        column.addWidget(self.accounting)
        column.addStretch(1)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow the session."""
        data = snapshot.data
        self.times.show_data(data)
        self.accounting.show_accounting(data.accounting if data else None)


class Times(Panel):
    """Value ± standard error of each quantity; flags, or why there is no value, in words below."""

    def __init__(self) -> None:
        super().__init__("Times ± standard error")
        self.values: dict[str, QLabel] = {}
        self.notes: dict[str, QLabel] = {}
        row = 1
        for key, name, meaning in QUANTITIES:
            title = label(name)
            self.values[key] = _number(14)
            self.notes[key] = label(role="warning")
            self.notes[key].setWordWrap(True)
            self.notes[key].hide()
            self.grid.addWidget(title, row, 0)
            self.grid.addWidget(self.values[key], row, 1)
            self.grid.addWidget(label(meaning, "dim"), row + 1, 0, 1, 2)
            self.grid.addWidget(self.notes[key], row + 2, 0, 1, 2)
            self.grid.setRowMinimumHeight(row + 3, 6)
            row += 4
        self.common = label(role="warning")
        self.common.setWordWrap(True)
        self.common.hide()
        self.amplitude = _number()
        self.grid.addWidget(label("Amplitude"), row, 0)
        self.grid.addWidget(self.amplitude, row, 1)
        self.reference = label(role="dim")
        self.reference.setWordWrap(True)
        self.grid.addWidget(self.reference, row + 1, 0, 1, 2)
        self.grid.addWidget(self.common, row + 2, 0, 1, 2)

    def show_data(self, data: Data | None) -> None:
        """Show what has been measured."""
        if data is None:
            for value in (*self.values.values(), self.amplitude):
                value.setText("–")
            for note in (*self.notes.values(), self.common):
                note.hide()
            self.reference.clear()
            return
        m = data.measurements
        quantities: dict[str, Quantity] = {key: getattr(m, key) for key in self.values}
        shared = frozenset.intersection(*(frozenset(q.flags) for q in quantities.values()))
        _say(self.common, "all times: " * bool(shared) + _flags(shared))
        for key, quantity in quantities.items():
            self.values[key].setText(format_with_error(quantity.value, quantity.se, "s"))
            _say(self.notes[key], quantity.reason or _flags(frozenset(quantity.flags) - shared))
        unit = "/s" if data.settings.counting else "V"
        self.amplitude.setText(format_with_error(m.top - m.baseline, m.amplitude_se, unit))
        self.reference.setText(f"zero of time: {m.reference}")


class Counts(Panel):
    """Where every pulse went; anything that should be zero and is not stands out."""

    def __init__(self) -> None:
        super().__init__("Accounting")
        self.values: dict[str, QLabel] = {}
        for row, (key, name) in enumerate(COUNTS, start=1):
            self.values[key] = _number()
            self.grid.addWidget(label(name), row, 0)
            self.grid.addWidget(self.values[key], row, 1)

    def show_accounting(self, accounting: Accounting | None) -> None:
        """Show the counts so far."""
        counts = accounting.as_dict() if accounting else {}
        for key, value in self.values.items():
            count = counts.get(key)
            value.setText("–" if count is None else f"{count:,}".replace(",", "\u2009"))
            value.setStyleSheet(f"color: {style.WARNING};" if count and key in LOSSES else "")


def _number(pixels: int = style.TEXT_PIXELS) -> QLabel:
    made = label("–")
    made.setFont(style.digits(pixels))
    made.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return made


def _flags(flags: frozenset[Flag]) -> str:
    return ", ".join(FLAGS[flag] for flag in Flag if flag in flags)


def _say(where: QLabel, words: str) -> None:
    where.setText(words)
    where.setVisible(bool(words))
