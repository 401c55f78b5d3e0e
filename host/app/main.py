"""Entry point of the window."""

import signal
import sys

from PyQt6.QtWidgets import QApplication

from host.app import style
from host.app.window import Window


def run(source: str, seed: int = 0) -> int:
    """Open the window on `source`, running; returns the exit code when it has been closed."""
    app = QApplication(sys.argv[:1])
    app.setApplicationName("trelscope")
    style.apply(app)
    window = Window(source, seed)
    # Ctrl-C in the terminal switches the output off like closing does; the window's timer lets
    # Python notice it.
    signal.signal(signal.SIGINT, lambda *_: window.close())
    window.show()
    return app.exec()
