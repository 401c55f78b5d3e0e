"""A field for a number with a unit: takes "10k" and "50 us", steps with arrows and wheel."""

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QAbstractSpinBox, QWidget

from trelscope.host.app import style
from trelscope.host.units import format_si, parse_si

DIGITS = 7  # enough to show what the user typed without rounding


class QuantityBox(QAbstractSpinBox):
    """A value in SI units, or None where empty is allowed.

    Text that is not a number is refused with a reason, and the value stays, in force and in the field. Whether
    the value makes sense is not checked here, but for numbers of things, which have no unit: only stepping keeps
    within `limits`.
    """

    changed = pyqtSignal()
    refused = pyqtSignal(str)

    def __init__(
        self,
        unit: str,
        value: float | None,
        limits: tuple[float, float],
        step: float,
        empty: str | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """empty: what an empty field means; None if it must not be empty."""
        super().__init__(parent)
        self.value = value
        self._unit, self._limits, self._step, self._empty = unit, limits, step, empty
        edit = self.lineEdit()
        assert edit is not None
        self._edit = edit
        if empty is not None:
            edit.setPlaceholderText(empty)
        self._chosen: float | None = None  # the value in force while the field is empty
        self._text = ""  # the text that was read last
        self._show_value()
        self.editingFinished.connect(self._read_text)
        edit.returnPressed.connect(self.clearFocus)  # or the next key would be typed into it

    def mark_refused(self, refused: bool) -> None:
        """Show, or no longer show, that what was typed here last was refused."""
        style.set_property(self, "refused", refused)

    def set_empty(self, word: str, value: float) -> None:
        """Tell the user which value is in force while the field is empty; arrows step from there."""
        if value != self._chosen:
            self._chosen = value
            self._edit.setPlaceholderText(f"{word}: {format_si(value, self._unit)}")

    def set_quantity(
        self, unit: str, value: float, limits: tuple[float, float], step: float
    ) -> None:
        """Become a field for another quantity."""
        self._unit, self.value, self._limits, self._step = unit, value, limits, step
        self._show_value()

    def show_in_force(self, value: float | None) -> None:
        """Show this value, which is in force, in place of one that was refused."""
        self.value = value
        self._show_value()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Escape takes back what has been typed."""
        if event is not None and event.key() == Qt.Key.Key_Escape:
            self._show_value()
            self.clearFocus()
            return
        super().keyPressEvent(event)

    def enter(self, text: str) -> None:
        """Take `text` as if it had been typed."""
        self._edit.setText(text)
        self._read_text()

    def stepBy(self, steps: int) -> None:
        """Change the value by so many steps of an arrow, the wheel or an arrow key."""
        present = self._chosen if self.value is None else self.value
        if present is None:
            return
        low, high = self._limits
        value = round(present / self._step + steps) * self._step
        self.value = min(max(value, low), high)
        self._show_value()
        self.changed.emit()

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        """In which directions the limits leave room."""
        flag = QAbstractSpinBox.StepEnabledFlag
        low, high = self._limits
        present = self._chosen if self.value is None else self.value
        if present is None:
            return flag.StepNone
        up = flag.StepUpEnabled if present < high else flag.StepNone
        down = flag.StepDownEnabled if present > low else flag.StepNone
        return up | down

    def _read_text(self) -> None:
        text = self._edit.text().strip()
        if text == self._text:
            return  # editing also finishes when the field loses focus
        if not text and self._empty is not None:
            self.value = None
        else:
            try:
                self.value = self._parsed(text)
            except ValueError as error:
                self._show_value()
                self.refused.emit(str(error))
                return
        self._show_value()
        self.changed.emit()

    def _parsed(self, text: str) -> float:
        """The value that `text` says. Raises ValueError."""
        value = parse_si(text, self._unit)
        low, high = self._limits
        if not self._unit and (value != int(value) or not low <= value <= high):
            raise ValueError(f"not a whole number from {low:.10g} to {high:.10g}: {text!r}")
        return value

    def _show_value(self) -> None:
        if self.value is None:
            self._text = ""
        elif self._unit:
            self._text = format_si(self.value, self._unit, DIGITS)
        else:
            self._text = f"{self.value:.10g}"
        self._edit.setText(self._text)
