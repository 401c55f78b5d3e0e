"""What can be found out in the window itself."""

import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt6.QtWidgets import QTextBrowser
from pytestqt.qtbot import QtBot

from tests.app.conftest import Open, in_front
from tools.window_guide import page
from trelscope.host.app import help_texts, style
from trelscope.host.app.panels.accounting_panel import COUNTS
from trelscope.host.app.panels.log import Log
from trelscope.host.app.reference_files import ReferenceFiles


def test_keys_and_definitions(opened: Open) -> None:
    window = opened("emulator:hr-1mm2")
    actions = [
        window.menus.action(text) for text in ("Run or stop", "Keep as reference", "Light theme")
    ]
    text = help_texts.show_keys(window, actions).findChild(QTextBrowser).toPlainText()
    assert "Space" in text
    assert "Keep as reference" in text
    assert "Light theme" not in text  # it has no key
    window.set_levels(0.2, 0.8)
    shown = help_texts.show_definitions(window, window.measuring())
    assert "20 to 80 %" in shown.findChild(QTextBrowser).toPlainText()


def test_the_guide_is_the_one_of_the_docs(opened: Open) -> None:
    copy = files("trelscope.host.app").joinpath("guide.markdown").read_text(encoding="utf-8")
    assert copy == page(), "python tools/window_guide.py > host/app/guide.markdown"
    dialog = help_texts.show_guide(opened("emulator:hr-1mm2"))
    assert "The first ten seconds" in dialog.findChild(QTextBrowser).toPlainText()
    assert dialog.testAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)


def test_the_pointer_reads_time_light_and_level(opened: Open, until, qtbot: QtBot) -> None:
    window = opened("emulator:hr-1mm2")
    until(lambda: window.shown is not None and window.shown.accounting.pulses_averaged > 600)
    window.freeze(True)
    traces, m = window.traces, window.shown.measurements
    rising = traces.rising.vb
    at = rising.mapViewToScene(QPointF((m.t_high - m.t0) * 1e6, 0.0))
    traces.scene().sigMouseMoved.emit(QPointF(at.x(), rising.sceneBoundingRect().center().y()))
    words = window.status.pointer.text()
    t, light, level = re.fullmatch(r"(\S+) µs: (\S+) mV, (\S+) % of the step", words).groups()
    assert float(t) == pytest.approx(m.response.value * 1e6, rel=0.05)
    assert float(light) == pytest.approx(traces.view.high[1], rel=0.05)
    assert float(level) == pytest.approx(90, abs=4)
    traces.leaveEvent(QEvent(QEvent.Type.Leave))
    assert window.status.pointer.text() == ""


def test_the_log_follows_unless_one_reads_above(qtbot: QtBot) -> None:
    log = Log()
    qtbot.addWidget(log)
    log.resize(300, 100)
    for n in range(200):
        log.add(f"line {n}")
    log.show()
    qtbot.wait(0)
    bar = log.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    log.add("one more")
    assert bar.value() == bar.maximum()
    bar.setValue(10)
    log.add("and another")
    assert bar.value() == 10


def test_a_dock_that_floats_has_a_frame_and_a_place_of_its_own(opened: Open, until) -> None:
    window = opened("emulator:hr-1mm2")
    places = []
    for title in ("Trend", "Log"):
        dock = window.docks.by_title[title]
        before = dock.mapToGlobal(QPoint())
        dock.setFloating(True)
        assert dock.property("floats")
        assert (dock.pos() - before).manhattanLength() > 40
        places.append((dock.x(), dock.y()))
    assert len(set(places)) == 2


def test_rows_say_what_they_are(opened: Open, until) -> None:
    window = opened("emulator:hr-1mm2")
    until(lambda: window.shown is not None)
    window.refresh()
    assert "90 %" in window.results.times.cells["response"][0].toolTip()


def test_the_map_has_a_scale_and_shows_deviations(opened: Open, until, qtbot: QtBot) -> None:
    window = opened("emulator:hr-1mm2")
    window.docks.by_title["Pulse map"].raise_()
    until(lambda: window.shown is not None and len(window.shown.history.map) >= 2)
    window.refresh_slow()
    shown, m = window.map, window.shown.measurements
    assert shown.bar.getAxis("right").labelText == "Light (mV)"
    assert shown.bar.levels()[1] == pytest.approx((m.top - m.baseline) * 1e3, rel=0.05)
    shown.deviation.click()
    assert "Deviation" in shown.bar.getAxis("right").labelText
    low, high = shown.bar.levels()
    assert low == -high
    assert np.abs(shown.image.image.mean(axis=0)).max() < 1e-4


def test_references_survive_a_restart(opened: Open, until, tmp_path: Path) -> None:
    said: list[str] = []
    window = opened("emulator:hr-1mm2")
    window.restore_references(ReferenceFiles(tmp_path, said.append))
    until(lambda: window.shown is not None)
    window.keep_reference()
    first = window.shown.light
    until(lambda: window.shown.light is not first)
    window.keep_reference()
    kept = [each.data for each in window.references.kept]
    window.close()
    (tmp_path / "reference-0.h5").write_text("nonsense")

    again = opened("emulator:hr-4mm2")
    again.restore_references(ReferenceFiles(tmp_path, said.append))
    until(lambda: len(again.references.kept) == 2)
    for before, after in zip(kept, again.references.kept, strict=True):
        assert after.name == "hr-1mm2 5 V"
        assert np.array_equal(after.data.light.y, before.light.y)
    assert again.comparison.isVisible()
    assert len(said) == 1
    assert "reference-0.h5" in said[0]
    again.references.drop()
    assert [each.name for each in tmp_path.iterdir()] == ["reference-0.h5"]


def test_a_dock_that_is_opened_again_is_in_front(opened: Open, until) -> None:
    window = opened("emulator:hr-1mm2")
    dock = window.docks.by_title["Log"]
    dock.close()
    assert not window.log.isVisible()
    dock.toggleViewAction().trigger()
    until(lambda: in_front(window) == ["Log"])  # and not behind another tab


def test_every_count_says_what_it_is(opened: Open) -> None:
    window = opened("emulator:hr-1mm2")
    for key, _, tip in COUNTS:
        assert window.results.accounting.values[key].toolTip() == tip != ""


def test_no_reference_has_the_colour_of_a_marker() -> None:
    for theme in (style.DARK, style.LIGHT):
        others = {theme.low, theme.high, theme.light, theme.drive, theme.band, theme.faint}
        assert not others & set(theme.references)
        assert len(set(theme.references)) == len(theme.references)


def test_what_colour_tells_form_tells_as_well(opened: Open, until) -> None:
    window = opened("emulator:hr-1mm2")
    until(lambda: window.shown is not None)
    low, high = window.traces.low, window.traces.high
    assert low.form is not high.form
    assert low.line.pen.style() != high.line.pen.style()
    clipped = replace(window.shown, accounting=replace(window.shown.accounting, clipped=3))
    window.results.accounting.show_data(clipped)
    assert window.results.accounting.values["clipped"].text() == "▲ 3"
    assert window.results.accounting.values["pulses_averaged"].text()[0] != "▲"
