"""Entry point of the window."""

import signal
import sys

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication

from trelscope.host.app import preferences, style
from trelscope.host.app.recovery import recover_averages
from trelscope.host.app.reference_files import ReferenceFiles
from trelscope.host.app.window import MainWindow
from trelscope.host.files import journal
from trelscope.host.link.urls import DEFAULT_SOURCE

SAVE_EVERY = (
    2000  # ms between looks at the preferences: a killed window loses changes of this age at most
)


def run(source: str | None = None, seed: int = 0) -> int:
    """Open the window as it was left, running, on `source` if given; returns the exit code when it has been closed."""
    app = QApplication(sys.argv[:1])
    app.setApplicationName("trelscope")
    folder = preferences.default_folder()
    messages: list[str] = []
    saved = preferences.load(folder, messages.append)
    style.apply(app, style.LIGHT if saved.light_theme else style.DARK, saved.scale)
    journals = journal.default_directory()
    recovered, told = recover_averages(journals, journals.with_name("recovered"))
    messages += told
    opened = source or saved.source or DEFAULT_SOURCE
    window = MainWindow(opened, seed, saved.requested, journals=journals)
    window.menus.list_recovered(recovered)
    kept = ReferenceFiles(journals.with_name("references"), window.show_message)
    window.restore_references(kept)
    window.apply_preferences(saved)
    file = preferences.PreferencesFile(folder, saved)
    window.closed.connect(lambda: file.update(window.preferences()))
    saving = QTimer(window)
    saving.timeout.connect(lambda: file.update(window.preferences()))
    saving.start(SAVE_EVERY)
    # Ctrl-C in the terminal switches the output off like closing does; the window's timer lets
    # Python notice it.
    signal.signal(signal.SIGINT, lambda *_: window.close())
    for number in (signal.SIGTERM, *((signal.SIGHUP,) if sys.platform != "win32" else ())):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: window.end())
    window.show()
    for message in messages:  # now that there is a status line to show them in
        window.show_message(message)
    return app.exec()
