"""The table that accounts for every pulse."""

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel

from trelscope.host.acquisition.acquisition import Accounting
from trelscope.host.app import style
from trelscope.host.app.panels.panel import Panel, label
from trelscope.host.app.panels.times_panel import DOUBT
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.units import format_si

COUNTS = (
    ("pulses_averaged", "Pulses averaged", "in the traces that are shown"),
    ("pulses_emitted", "Pulses emitted", "all pulses that the device has seen"),
    (
        "pulses_missed",
        "Pulses missed",
        "emitted while no buffer had room: the device saw them, but nothing was sampled",
    ),
    ("pulses_lost", "Pulses lost", "sampled, in frames that did not arrive whole"),
    ("crc_errors", "CRC errors", "packets whose checksum is wrong: bytes were altered on the link"),
    (
        "packets_refused",
        "Packets refused",
        "arrived whole but do not fit what was asked for: of other settings, of a wrong size, or seen before",
    ),
    (
        "clipped",
        "Samples clipped",
        "at an end of the light converter's range: the light is too bright for it",
    ),
)
LOSSES = {"pulses_missed", "pulses_lost", "crc_errors", "packets_refused", "clipped"}


class AccountingPanel(Panel):
    """Counts of pulses and errors; a loss that is not zero is shown as a warning, with a sign."""

    def __init__(self) -> None:
        super().__init__("Accounting")
        self.values: dict[str, QLabel] = {}
        for row, (key, name, tip) in enumerate(COUNTS, start=1):
            self.values[key] = label("–")
            self.values[key].setAlignment(
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            )
            title = label(name)
            for each in (title, self.values[key]):
                each.setToolTip(tip)
            self.grid.addWidget(title, row, 0)
            self.grid.addWidget(self.values[key], row, 1)
        self.segments = label(role="warning")
        self.segments.setWordWrap(True)
        self.grid.addWidget(self.segments, len(COUNTS) + 1, 0, 1, 2)
        style.on_change(self, self._restyle)

    def show_data(self, data: AverageData | None) -> None:
        """Show the counts so far."""
        accounting: Accounting | None = data.accounting if data else None
        counts = accounting.as_dict() if accounting else {}
        for key, value in self.values.items():
            count = counts.get(key)
            lost = bool(count) and key in LOSSES
            text = "–" if count is None else f"{count:,}".replace(",", "\u2009")
            value.setText(f"{DOUBT} {text}" if lost else text)
            style.set_property(value, "role", "warning" if lost else "")
        several = data is not None and data.segments > 1
        self.segments.setVisible(several)
        if several and data is not None:
            self.segments.setText(
                f"{data.segments} segments, {format_si(data.gap, 's', 3)} between them not measured"
            )

    def _restyle(self, _: style.Theme) -> None:
        for value in self.values.values():
            value.setFont(style.digits_font())
