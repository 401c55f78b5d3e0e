"""What has happened, and when."""

from datetime import datetime

from PyQt6.QtWidgets import QPlainTextEdit

from trelscope.host.app import style

LINES = 5000


class Log(QPlainTextEdit):
    """Newest below."""

    def __init__(self) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setMaximumBlockCount(LINES)
        style.on_change(self, lambda _: self.setFont(style.digits_font(12)))

    def say(self, line: str) -> None:
        """Add an event."""
        self.appendPlainText(f"{datetime.now():%H:%M:%S}  {line}")
