"""Which instrument is measured with: the list, what is typed, and what a comparison says before it switches."""

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QInputDialog, QStyleOptionViewItem
from pytestqt.qtbot import QtBot

from tests.app.conftest import Open
from trelscope.host.app.panels.source_field import CONNECT
from trelscope.host.app.window import MainWindow


def typed(window: MainWindow, qtbot: QtBot, text: str) -> None:
    edit = window.controls.source_field.lineEdit()
    edit.setFocus()
    edit.selectAll()
    qtbot.keyClicks(edit, text)
    qtbot.keyClick(edit, Qt.Key.Key_Return)


def test_the_list_says_what_each_source_is(opened: Open, until) -> None:
    field = opened("emulator:hr-1mm2").controls.source_field
    index = field.model().index(field.findText("hr-4mm2"), 0)
    option = QStyleOptionViewItem()
    field.itemDelegate().initStyleOption(option, index)
    assert option.text.startswith("hr-4mm2 ")
    assert "4 mm²" in option.text
    field.setCurrentIndex(index.row())  # what is chosen is the name alone
    assert field.lineEdit().text() == "hr-4mm2"


def test_connect_to_asks_and_connects(opened: Open, until) -> None:
    window = opened("emulator:hr-1mm2")
    field = window.controls.source_field
    before = field.lineEdit().text()
    field.activated.emit(field.findText(CONNECT))
    dialog = window.findChild(QInputDialog)
    assert "tcp://HOST:PORT" in dialog.labelText()
    assert field.lineEdit().text() == before
    dialog.setTextValue("hr-4mm2?area=2")
    dialog.accept()
    until(lambda: window.session.snapshot.source == "emulator:hr-4mm2?area=2")


def test_a_source_that_is_typed_while_the_link_dies_is_not_lost(
    opened: Open, until, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = opened("emulator:hr-1mm2")
    until(lambda: window.shown is not None)
    edit, asked = window.controls.source_field.lineEdit(), []
    with monkeypatch.context() as patched:  # the worker is busy opening the lost link again
        patched.setattr(window.session, "open", asked.append)
        typed(window, qtbot, "hr-4mm2")
        window.refresh()
        assert edit.text() == "hr-4mm2"
    assert asked == ["emulator:hr-4mm2"]
    window.session.open(asked[0])
    until(lambda: window.session.snapshot.source == "emulator:hr-4mm2")
    window.session.open("emulator:hr-1mm2")  # from now on the field shows what is open
    until(lambda: edit.text() == "hr-1mm2")


def test_escape_takes_back_a_typed_source(opened: Open, qtbot: QtBot) -> None:
    window = opened("emulator:hr-1mm2")
    edit = window.controls.source_field.lineEdit()
    edit.setFocus()
    qtbot.keyClicks(edit, "xyz")
    qtbot.keyClick(edit, Qt.Key.Key_Escape)
    QApplication.processEvents()
    assert edit.text() == "hr-1mm2"


def test_a_comparison_says_what_it_does_before_it_switches(opened: Open, until) -> None:
    window = opened("emulator:hr-1mm2")
    until(lambda: window.shown is not None)
    menu = window.controls.compare.menu()
    menu.aboutToShow.emit()
    first = menu.actions()[0]
    assert not first.isEnabled()
    assert first.text().startswith("hr-1mm2, 5 V, ")
    assert "stays as the reference" in first.text()
