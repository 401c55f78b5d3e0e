"""A refused value: the field shows what is in force, the reason stands beside it, and nothing moves."""

import pytest
from PyQt6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from tests.app.conftest import Open
from trelscope.host.app.window import MainWindow


def places(window: MainWindow) -> list[tuple[int, int]]:
    """Where everything is that one can click on."""
    controls = window.controls
    widgets = [
        controls.run,
        controls.source_field,
        controls.volts,
        controls.start,
        controls.pulses,
        window.results.times.table,
    ]
    return [(at.x(), at.y()) for at in (widget.mapTo(window, QPoint()) for widget in widgets)]


@pytest.mark.parametrize(
    ("field", "text", "in_force"),
    [
        ("volts", "9", "5 V"),
        ("rate", "nonsense", ""),
        ("width_box", "200u", ""),
        ("start", "1s", ""),
    ],
)
def test_a_refused_value_does_not_stay(
    opened: Open, until, qtbot: QtBot, field: str, text: str, in_force: str
) -> None:
    window = opened("emulator:hr-1mm2")
    until(lambda: window.shown is not None)
    box, controls = getattr(window.controls, field), window.controls
    line = controls.acquisition_message if field == "start" else controls.message
    window.results.times.select("overshoot")
    before = places(window)
    box.lineEdit().selectAll()
    qtbot.keyClicks(box.lineEdit(), text)
    qtbot.keyClick(box.lineEdit(), Qt.Key.Key_Return)
    until(lambda: bool(line.text()))
    assert box.text() == in_force
    assert box.property("refused")
    assert line.isVisible()
    assert places(window) == before
    controls.volts.enter("6")
    until(
        lambda: window.session.snapshot.settings.volts == 6.0
    )  # what was refused is not asked again
    until(lambda: not line.isVisible())


def test_escape_takes_back_what_was_typed(opened: Open, until, qtbot: QtBot) -> None:
    window = opened("emulator:hr-1mm2")
    until(lambda: window.shown is not None)
    edit = window.controls.volts.lineEdit()
    edit.selectAll()
    qtbot.keyClicks(edit, "6.5")
    qtbot.keyClick(window.controls.volts, Qt.Key.Key_Escape)
    assert edit.text() == "5 V"
    assert window.controls.requested().volts == 5.0


def test_a_reference_and_a_sum_move_nothing_that_one_clicks_on(
    opened: Open, until, qtbot: QtBot
) -> None:
    window = opened("emulator:hr-1mm2")
    until(lambda: window.shown is not None)
    before = places(window)
    window.keep_reference()
    window.session.single()
    until(lambda: window.controls.progress.isVisible())
    qtbot.wait(0)
    assert places(window) == before
