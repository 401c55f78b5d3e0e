"""Entry point of the window."""

import signal
import sys

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication

from trelscope.host.app import memory, style
from trelscope.host.app.rescue import rescue
from trelscope.host.app.window import Window
from trelscope.host.files import journal
from trelscope.host.link.urls import DEFAULT_SOURCE

SAVE_EVERY = 2000  # ms: what a window that is killed has forgotten


def run(source: str | None = None, seed: int = 0) -> int:
    """Open the window as it was left, running, on `source` if given; returns the exit code when it has been closed."""
    app = QApplication(sys.argv[:1])
    app.setApplicationName("trelscope")
    folder = memory.home()
    before = memory.recall(folder)
    style.apply(app, style.LIGHT if before.light_theme else style.DARK, before.scale)
    journals = journal.default_directory()
    recovered, words = rescue(journals, journals.with_name("recovered"))
    opened = source or before.source or DEFAULT_SOURCE
    window = Window(opened, seed, before.wanted, journals=journals)
    window.offer(recovered)
    window.restore(before)
    keeper = memory.Keeper(folder, before)
    window.closed.connect(lambda: keeper.keep(window.remembered()))
    saving = QTimer(window)
    saving.timeout.connect(lambda: keeper.keep(window.remembered()))
    saving.start(SAVE_EVERY)
    # Ctrl-C in the terminal switches the output off like closing does; the window's timer lets
    # Python notice it.
    signal.signal(signal.SIGINT, lambda *_: window.close())
    window.show()
    for line in words:  # now that there is a status line to say it in
        window.say(line)
    return app.exec()
