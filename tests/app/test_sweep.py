"""The sweep tab: times against the swept value, cancel, export."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtPdf import QPdfDocument
from pytestqt.qtbot import QtBot

from trelscope.host.acquisition.sweep import Axis
from trelscope.host.app.session.snapshot import SessionState
from trelscope.host.app.window import MainWindow
from trelscope.host.files import formats

Open = Callable[..., MainWindow]
Until = Callable[[Callable[[], bool]], None]


def begin(window: MainWindow, until: Until, qtbot: QtBot, axis: Axis, points: str) -> None:
    until(lambda: window.session.snapshot.data is not None)
    view = window.sweep
    view.axis.setCurrentIndex(view.axis.findData(axis))
    view.axis.activated.emit(view.axis.currentIndex())
    view.pulses.enter("64")
    view.points.enter(points)
    window.docks.by_title["Sweep"].raise_()
    qtbot.mouseClick(view.start, Qt.MouseButton.LeftButton)


def test_a_sweep_of_voltage_is_drawn_listed_and_exported(
    opened: Open, until: Until, qtbot: QtBot, tmp_path: Path
) -> None:
    window = opened("emulator:hr-1mm2")
    begin(window, until, qtbot, Axis.VOLTS, "3")
    until(
        lambda: window.session.snapshot.state is SessionState.STOPPED
    )  # the sweep has the instrument
    until(lambda: window.banner.badge.text() == "SWEEP")  # the trace is that of the newest point
    assert window.shown.settings.volts == window.sweep.run.done[-1].value
    assert window.shown.accounting.pulses_averaged == 64
    until(lambda: window.sweep.start.text() == "Sweep" and len(window.sweep.run.done) == 3)
    assert "response of hr-1mm2 against voltage, 3 points" in window.log.toPlainText()
    volts, response = window.sweep.plot.curve.getData()
    assert list(volts) == [3.5, 5.25, 7.0]
    assert response[0] > response[1] > response[2]
    assert window.sweep.table.rowCount() == 3
    shown = window.sweep.table.item(1, 1).text()
    assert re.fullmatch(r"6\d\d\.?\d* ± [\d.]+ ns", shown)
    until(lambda: window.session.snapshot.state is SessionState.RUNNING)  # and gives it back
    assert window.banner.badge.text() == "EMULATOR"
    path = tmp_path / "sweep.csv"
    window.exports.export_sweep(path)
    columns, about = formats.read(path)
    assert columns["response"] * 1e6 == pytest.approx(response, rel=1e-6)
    assert np.isfinite(columns["response_se"]).all()
    assert about["axis"] == "volts"
    assert window.exports.suggested_sweep() == "hr-1mm2_sweep-volts"
    window.exports.export_sweep(tmp_path / "sweep.txt")
    table = [line.split("\t") for line in (tmp_path / "sweep.txt").read_text().splitlines()]
    column = table[0].index("Response (s)")
    found = [float(row[column]) * 1e6 for row in table[1:4]]
    assert found == pytest.approx(response, rel=1e-6)
    assert table[4] == [""]
    assert ["rate (Hz)", "10000"] in table[5:]
    window.exports.export_sweep(tmp_path / "sweep.pdf")
    pdf = QPdfDocument(None)
    pdf.load(str(tmp_path / "sweep.pdf"))
    words = " ".join(pdf.getAllText(0).text().split())
    assert "Response against voltage, hr-1mm2, 10 kHz, 64 pulses a point" in words


def test_a_cancelled_sweep_keeps_what_it_has(opened: Open, until: Until, qtbot: QtBot) -> None:
    window = opened("emulator:hr-1mm2")
    begin(window, until, qtbot, Axis.RATE, "200")
    until(lambda: len(window.sweep.run.done) > 0)
    assert "left" in window.sweep.time_left.text()
    qtbot.mouseClick(window.sweep.start, Qt.MouseButton.LeftButton)
    until(lambda: window.sweep.start.text() == "Sweep")
    assert 0 < len(window.sweep.run.done) < 200
    assert window.sweep.time_left.text() == "cancelled"
    assert window.sweep.table.rowCount() == len(window.sweep.run.done)
    window.sweep.toggle()
    assert window.sweep.plot.curve.getData()[0] is None  # nothing of the sweep before
    window.sweep.toggle()
    until(lambda: window.sweep.start.text() == "Sweep")
    until(lambda: window.session.snapshot.state is SessionState.RUNNING)
