"""A field for a number with a unit: takes "10k" and "50 us", steps with arrows and wheel."""

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QAbstractSpinBox, QWidget

from trelscope.host.app import style
from trelscope.host.units import format_si, parse_si

DIGITS = 7  # what the user typed comes back unrounded


class QuantityBox(QAbstractSpinBox):
    """A value in SI units, or None where empty is allowed.

    Text that is no number is refused in words, and the value stays. Whether the value makes sense
    is not judged here: only stepping keeps within `limits`.
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
            self.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        self._text = ""  # as last taken
        self._write()
        self.editingFinished.connect(self._take)
        edit.returnPressed.connect(self.clearFocus)  # or the next key would be typed into it

    def mark(self, refused: bool) -> None:
        """Show, or no longer show, that this field's value is not in force."""
        style.set_property(self, "refused", refused)

    def say_empty(self, words: str) -> None:
        """What an empty field means."""
        if self._edit.placeholderText() != words:
            self._edit.setPlaceholderText(words)

    def measure(self, unit: str, value: float, limits: tuple[float, float], step: float) -> None:
        """Become a field for another quantity."""
        self._unit, self.value, self._limits, self._step = unit, value, limits, step
        self._write()

    def enter(self, text: str) -> None:
        """Take `text` as if it had been typed."""
        self._edit.setText(text)
        self._take()

    def stepBy(self, steps: int) -> None:
        """One arrow, wheel notch or arrow key."""
        if self.value is None:
            return
        low, high = self._limits
        value = round(self.value / self._step + steps) * self._step
        self.value = min(max(value, low), high)
        self._write()
        self.changed.emit()

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        """Which way there is room."""
        flag = QAbstractSpinBox.StepEnabledFlag
        low, high = self._limits
        if self.value is None:
            return flag.StepNone
        up = flag.StepUpEnabled if self.value < high else flag.StepNone
        down = flag.StepDownEnabled if self.value > low else flag.StepNone
        return up | down

    def _take(self) -> None:
        text = self._edit.text().strip()
        if text == self._text:
            return  # also at every loss of focus
        if not text and self._empty is not None:
            self.value = None
        else:
            try:
                self.value = parse_si(text)
            except ValueError as error:
                self._text = text
                self.refused.emit(str(error))
                return
        self._write()
        self.changed.emit()

    def _write(self) -> None:
        if self.value is None:
            self._text = ""
        elif self._unit:
            self._text = format_si(self.value, self._unit, DIGITS)
        else:
            self._text = f"{self.value:.10g}"
        self._edit.setText(self._text)
