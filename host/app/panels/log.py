"""The log: a line for each event, with its time."""

from datetime import datetime

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
        """Add a line."""
        self.appendPlainText(f"{datetime.now():%H:%M:%S}  {line}")
