"""The number that is looked for, large, and how long until it is precise enough."""

from collections.abc import Callable

import pytest
from PyQt6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tests.app.conftest import Open
from trelscope.host.app.session.snapshot import SessionState
from trelscope.host.app.window import MainWindow
from trelscope.host.units import format_concise

Until = Callable[[Callable[[], bool]], None]


def want(window: MainWindow, qtbot: QtBot, text: str) -> None:
    edit = window.results.headline.target
    edit.selectAll()
    qtbot.keyClicks(edit, text)
    qtbot.keyClick(edit, Qt.Key.Key_Return)


@pytest.fixture
def window(opened: Open, until: Until) -> MainWindow:
    opened_window = opened("emulator:hr-1mm2")
    until(lambda: opened_window.shown is not None)
    return opened_window


def test_it_is_the_selected_quantity_with_its_conditions(window: MainWindow, until: Until) -> None:
    headline = window.results.headline
    for name in ("response", "fall"):
        window.results.times.select(name)
        window.refresh()
        quantity = window.shown.measurements.quantities()[name]
        assert headline.value.text() == format_concise(quantity.value, quantity.se, "s")
        assert headline.heading.text() == name.upper()
    assert headline.of.text().startswith("hr-1mm2, 5 V, ")
    assert "10 kHz" in headline.of.toolTip()


def test_it_says_when_a_precision_will_be_reached(
    window: MainWindow, until: Until, qtbot: QtBot
) -> None:
    headline = window.results.headline
    want(window, qtbot, "1p")
    until(lambda: "± 1 ps in about" in headline.when.text())
    assert "so far" in headline.when.text()
    want(window, qtbot, "soon")
    assert headline.target.text() == "1p"  # what is in force
    assert "soon" in window.log.toPlainText()
    assert window.session.snapshot.state is SessionState.RUNNING


def test_it_stops_there_once(window: MainWindow, until: Until, qtbot: QtBot) -> None:
    headline = window.results.headline
    want(window, qtbot, "0.5%")
    until(lambda: headline.when.text().startswith("± 0.5 % is reached"))
    assert window.session.snapshot.state is SessionState.RUNNING
    headline.stops.setChecked(True)  # not too late
    until(lambda: window.session.snapshot.state is SessionState.STOPPED)
    response = window.session.snapshot.data.measurements.response
    assert response.se < 0.006 * response.value
    assert headline.when.text().startswith("± 0.5 % is reached")


def test_a_frozen_picture_does_not_count_as_told(
    window: MainWindow, until: Until, qtbot: QtBot
) -> None:
    headline = window.results.headline
    window.freeze(True)
    headline.stops.setChecked(True)
    want(window, qtbot, "50%")
    assert headline.when.text().startswith("± 50 % is reached")
    assert window.session.snapshot.state is SessionState.RUNNING
    window.freeze(False)
    until(lambda: window.session.snapshot.state is SessionState.STOPPED)
