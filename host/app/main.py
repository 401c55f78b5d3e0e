"""Entry point of the window."""

import signal
import sys

from PyQt6.QtWidgets import QApplication

from host import journal
from host.app import memory, style
from host.app.rescue import rescue
from host.app.window import Window
from host.link.open import DEFAULT_SOURCE


def run(seed: int = 0) -> int:
    """Open the window where it was left, running; returns the exit code when it has been closed."""
    app = QApplication(sys.argv[:1])
    app.setApplicationName("trelscope")
    folder = memory.home()
    before = memory.recall(folder)
    style.apply(app, style.LIGHT if before.light_theme else style.DARK, before.scale)
    journals = journal.default_directory()
    recovered, words = rescue(journals, journals.with_name("recovered"))
    window = Window(before.source or DEFAULT_SOURCE, seed, before.wanted, journals=journals)
    window.offer(recovered)
    for line in words:
        window.say(line)
    window.restore(before)
    window.closed.connect(lambda: memory.remember(folder, window.remembered()))
    # Ctrl-C in the terminal switches the output off like closing does; the window's timer lets
    # Python notice it.
    signal.signal(signal.SIGINT, lambda *_: window.close())
    window.show()
    return app.exec()
