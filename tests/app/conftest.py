"""What the tests of the window share."""

import os
from collections.abc import Callable, Iterator

import pytest
from PyQt6.QtCore import QCoreApplication, QEvent
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from trelscope.host.app import style
from trelscope.host.app.session.requested_settings import RequestedSettings
from trelscope.host.app.window import MainWindow
from trelscope.host.link.urls import DEFAULT_SOURCE

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

PATIENCE = 60_000  # ms: the first test may have to compile the emulator
Open = Callable[..., MainWindow]


@pytest.fixture(autouse=True)
def dressed(qapp: QApplication) -> Iterator[None]:
    """Every test begins with the usual look, and leaves no widget behind.

    A widget that has been closed goes only when an event loop runs. Until then Python may collect its half of
    it, and Qt would still ask that half, which has no attributes any more, in the middle of some other test.
    """
    style.apply(qapp, scale=1.0)
    yield
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def opened(qtbot: QtBot) -> Iterator[Open]:
    """Opens windows, and closes what is left of them."""
    windows: list[MainWindow] = []

    def open_window(
        source: str = DEFAULT_SOURCE, requested: RequestedSettings | None = None
    ) -> MainWindow:
        window = MainWindow(source, seed=7, requested=requested)
        windows.append(window)
        qtbot.addWidget(window)
        window.show()
        return window

    yield open_window
    for window in windows:
        window.close()


@pytest.fixture
def until(qtbot: QtBot) -> Callable[[Callable[[], bool]], None]:
    """Waits for a condition, with the window alive."""
    return lambda condition: qtbot.waitUntil(condition, timeout=PATIENCE)


def in_front(window: MainWindow) -> list[str]:
    """Titles of the docks below that are not behind another tab: Qt moves those out of the window."""
    below = ("Trend", "Histogram", "Pulse map", "Sweep", "Counting", "Log")
    return [title for title in below if window.docks.by_title[title].geometry().right() > 0]
