"""Comparison of the measured quantities with those of a reference."""

import math

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QComboBox, QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from trelscope.host.app import style
from trelscope.host.app.conditions import brief
from trelscope.host.app.panels.panel import Panel, label
from trelscope.host.app.panels.times_panel import DOUBT, flag_words
from trelscope.host.app.references import MAX_REFERENCES, Reference
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.measure.quantities import DEFINITIONS, PRIMARY, Flag, Measurements, Quantity
from trelscope.host.units import concise, format_concise

EVERY = 3 + len(PRIMARY)  # row of the heading of the part that has every reference
HEADINGS = (
    ("difference", "of what is shown and the reference, with its standard error in brackets"),
    ("ratio", "of the two, with its standard error in brackets"),
)


class Comparison(QWidget):
    """Shows each difference and each ratio with its standard error; hidden while there is no reference."""

    def __init__(self) -> None:
        super().__init__()
        self.panel = Panel("Against reference")
        self._data: AverageData | None = None
        self._references: tuple[Reference, ...] = ()
        self._name = "response"
        self.reference = QComboBox()
        self.reference.setToolTip("the reference that is compared with; R keeps another one")
        self.reference.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.panel.grid.addWidget(self.reference, 1, 0, 1, 3)
        self.differences: dict[str, QLabel] = {}
        self.ratios: dict[str, QLabel] = {}
        for column, (text, tip) in enumerate(HEADINGS, start=1):
            heading = label(text, "heading")
            heading.setToolTip(tip)
            heading.setAlignment(Qt.AlignmentFlag.AlignRight)
            self.panel.grid.addWidget(heading, 2, column)
        for row, name in enumerate(PRIMARY, start=3):
            self.panel.grid.addWidget(label(DEFINITIONS[name].title), row, 0)
            for column, cells in enumerate((self.differences, self.ratios), start=1):
                cells[name] = label()
                cells[name].setAlignment(Qt.AlignmentFlag.AlignRight)
                self.panel.grid.addWidget(cells[name], row, column)
        # The selected quantity against every reference.
        self.heading = label(role="heading")
        self.panel.grid.addWidget(self.heading, EVERY, 0, 1, 3)
        self.every: list[tuple[QLabel, QLabel, QLabel]] = []
        rows = QGridLayout()
        rows.setColumnStretch(0, 1)
        self.panel.grid.addLayout(rows, EVERY + 1, 0, 1, 3)
        for row in range(MAX_REFERENCES):
            line = label(), label(), label()
            for column, cell in enumerate(line):
                cell.setAlignment(
                    Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
                )
                rows.addWidget(cell, row, column)
            line[0].setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            self.every.append(line)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.panel)
        self.hide()
        self.reference.activated.connect(lambda _: self._show())

        def restyle(_: style.Theme) -> None:
            every = (cell for line in self.every for cell in line[1:])
            for cell in (*self.differences.values(), *self.ratios.values(), *every):
                cell.setFont(style.digits_font(12))

        style.on_change(self, restyle)

    def show_data(self, data: AverageData | None, references: tuple[Reference, ...]) -> None:
        """Compare the average with one of the references: the one that was kept or chosen last."""
        self.setVisible(bool(references))
        self._data = data
        if references != self._references:
            chosen = self.reference.currentIndex()
            before = self._references
            # The newest pushes out the oldest; references that have been measured again are others, in the same places.
            newest = len(references) != len(before) or references[:-1] == before[1:]
            self._references = references
            self.reference.clear()
            self.reference.addItems([f"minus {each.name}" for each in references])
            self.reference.setCurrentIndex(len(references) - 1 if newest else chosen)
        self._show()

    def select(self, name: str) -> None:
        """Compare this quantity with every reference."""
        self._name = name
        self._show()

    def _show(self) -> None:
        if not self._references:
            return
        before = self._references[self.reference.currentIndex()]
        for name in PRIMARY:
            self._fill(self.differences[name], self.ratios[name], name, before)
        several = len(self._references) > 1
        self.heading.setVisible(several)
        self.heading.setText(
            f"{DEFINITIONS[self._name].title} minus that of every reference".upper()
        )
        for number, line in enumerate(self.every):
            for cell in line:
                cell.setVisible(several and number < len(self._references))
            if several and number < len(self._references):
                line[0].setText(self._references[number].name)
                line[0].setToolTip(brief(self._references[number].data))
                self._fill(line[1], line[2], self._name, self._references[number])

    def _fill(
        self, for_difference: QLabel, for_ratio: QLabel, name: str, reference: Reference
    ) -> None:
        now = self._data.measurements if self._data else None
        difference, ratio, flags = _compare(name, now, reference.data.measurements)
        for_difference.setText(difference)
        for_ratio.setText(f"{ratio} {DOUBT}" if flags else ratio)
        for_ratio.setToolTip(f"the reference: {flag_words(flags)}" if flags else "")


def _compare(
    name: str, average: Measurements | None, before: Measurements
) -> tuple[str, str, tuple[Flag, ...]]:
    """Difference, ratio and the reference's flags; nothing of times by different definitions, of which one is being
    measured again."""
    words, then = DEFINITIONS[name].words, before.quantities()[name]
    if average is None or words(average.options) != words(before.options):
        return "–", "", then.flags
    now = average.quantities()[name]
    if not (math.isfinite(now.value) and math.isfinite(then.value)):
        return "–", "", then.flags
    unit = DEFINITIONS[name].unit
    difference = format_concise(now.value - then.value, math.hypot(now.se, then.se), unit)
    return difference, _ratio(now, then), then.flags


def _ratio(now: Quantity, then: Quantity) -> str:
    """By how much the one is faster or slower than the other, with its standard error: "49.0(1) × faster"."""
    if not (now.value > 0 and then.value > 0 and now.se + then.se > 0):
        return ""
    faster = now.value < then.value
    ratio = then.value / now.value if faster else now.value / then.value
    error = ratio * math.hypot(now.se / now.value, then.se / then.value)
    return f"{concise(ratio, error)} × {'faster' if faster else 'slower'}"
