"""The log: a line for each event, with its time."""

from datetime import datetime

from PyQt6.QtGui import QShowEvent
from PyQt6.QtWidgets import QPlainTextEdit

from trelscope.host.app import style

LINES = 5000


class Log(QPlainTextEdit):
    """The newest line is below."""

    def __init__(self) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setMaximumBlockCount(LINES)
        style.on_change(self, lambda _: self.setFont(style.digits_font(12)))

    def add(self, line: str) -> None:
        """Add a line, and follow, unless the user has scrolled up to read an earlier one."""
        bar = self.verticalScrollBar()
        assert bar is not None
        follows = not self.isVisible() or bar.value() >= bar.maximum()
        self.appendPlainText(f"{datetime.now():%H:%M:%S}  {line}")
        if follows:
            bar.setValue(bar.maximum())

    def showEvent(self, event: QShowEvent | None) -> None:
        """The newest line is what is looked for."""
        super().showEvent(event)
        bar = self.verticalScrollBar()
        assert bar is not None
        bar.setValue(bar.maximum())
