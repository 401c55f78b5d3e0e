"""Comparison of the measured quantities with those of the latest reference."""

import math

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel, QVBoxLayout, QWidget

from trelscope.host.app import style
from trelscope.host.app.panels.panel import Panel, label
from trelscope.host.app.references import Reference
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.measure.quantities import DEFINITIONS, PRIMARY, Measurements
from trelscope.host.units import format_with_error


class Comparison(QWidget):
    """Shows each difference with its standard error, and the ratio; hidden while there is no reference."""

    def __init__(self) -> None:
        super().__init__()
        self.panel = Panel("Against reference")
        self.title = label(role="dim")
        self.title.setWordWrap(True)
        self.panel.grid.addWidget(self.title, 1, 0, 1, 3)
        self.differences: dict[str, QLabel] = {}
        self.ratios: dict[str, QLabel] = {}
        for row, name in enumerate(PRIMARY, start=2):
            self.panel.grid.addWidget(label(DEFINITIONS[name].title), row, 0)
            for column, cells in enumerate((self.differences, self.ratios), start=1):
                cells[name] = label()
                cells[name].setAlignment(Qt.AlignmentFlag.AlignRight)
                self.panel.grid.addWidget(cells[name], row, column)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.panel)
        self.hide()

        def restyle(_: style.Theme) -> None:
            for cell in (*self.differences.values(), *self.ratios.values()):
                cell.setFont(style.digits_font(12))

        style.on_change(self, restyle)

    def show_data(self, data: AverageData | None, references: tuple[Reference, ...]) -> None:
        """Compare the average with the latest of the references."""
        self.setVisible(bool(references))
        if not references:
            return
        reference = references[-1]
        self.title.setText(f"now less {reference.name}, and as a ratio to it")
        before = reference.data.measurements
        for name in PRIMARY:
            difference, ratio = _compare(name, data.measurements if data else None, before)
            self.differences[name].setText(difference)
            self.ratios[name].setText(ratio)


def _compare(name: str, average: Measurements | None, before: Measurements) -> tuple[str, str]:
    """Difference and ratio; none of times by different definitions, of which one is being measured again."""
    words = DEFINITIONS[name].words
    if average is None or words(average.options) != words(before.options):
        return "–", ""
    now, then = average.quantities()[name], before.quantities()[name]
    if not (math.isfinite(now.value) and math.isfinite(then.value)):
        return "–", ""
    difference = format_with_error(now.value - then.value, math.hypot(now.se, then.se), "s")
    return difference, f"{now.value / then.value:.3f}" if then.value else ""
