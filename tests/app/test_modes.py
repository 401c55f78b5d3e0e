"""Averaging modes, references, views and keys of the window."""

import json
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from trelscope.host.app import preferences, style
from trelscope.host.app.plots.light import US
from trelscope.host.app.session.requested_settings import Averaging, RequestedSettings
from trelscope.host.app.session.snapshot import AverageData, SessionState
from trelscope.host.app.window import MainWindow

Open = Callable[..., MainWindow]
Until = Callable[[Callable[[], bool]], None]


def data(window: MainWindow) -> AverageData | None:
    return window.session.snapshot.data


def pulses(window: MainWindow) -> int:
    shown = data(window)
    return shown.accounting.pulses_averaged if shown else 0


def read(window: MainWindow, until: Until, name: str) -> int:
    value: Future[int] = window.session.register(name)
    until(value.done)
    return value.result()


def average_by(window: MainWindow, mode: Averaging, n: str) -> None:
    box = window.controls.averaging
    box.setCurrentIndex(box.findText(mode.value))
    box.activated.emit(box.currentIndex())
    window.controls.pulses.enter(n)


def test_a_sum_ends_at_n_with_the_output_off(opened: Open, until: Until) -> None:
    window = opened(requested=RequestedSettings(averaging=Averaging.SUM, pulses=700))
    until(lambda: window.session.snapshot.state is SessionState.STOPPED)
    assert pulses(window) == 700
    assert read(window, until, "enable") == 0
    window.refresh()
    assert window.controls.progress.isVisible()
    assert window.controls.progress.text() == "700 of 700 pulses"


def test_single_sums_once_whatever_the_mode(opened: Open, until: Until, qtbot: QtBot) -> None:
    window = opened(requested=RequestedSettings(pulses=400))
    until(lambda: pulses(window) > 0)
    assert read(window, until, "count") == 0
    qtbot.keyClick(window, Qt.Key.Key_S)
    until(lambda: window.session.snapshot.state is SessionState.STOPPED)
    assert pulses(window) == 400
    assert window.controls.requested().averaging is Averaging.CONTINUOUS


def test_an_exponential_average_levels_off(opened: Open, until: Until) -> None:
    window = opened()
    until(lambda: pulses(window) > 0)
    average_by(window, Averaging.EXPONENTIAL, "400")
    until(lambda: pulses(window) > 2500 and data(window).averaging is Averaging.EXPONENTIAL)
    shown = data(window)
    assert shown.effective < 1100
    expected = np.nanmedian(shown.last_light.y[-50:].std() / np.sqrt(shown.effective / 336))
    assert np.nanmedian(shown.light.se[-50:]) == pytest.approx(expected, rel=0.4)


def test_window_and_bin_reach_the_gateware(opened: Open, until: Until) -> None:
    window = opened()
    until(lambda: pulses(window) > 0)
    window.controls.start.enter("-1u")
    window.controls.length.enter("20u")
    box = window.controls.bin
    box.setCurrentIndex(box.findText("8 ns"))
    box.activated.emit(box.currentIndex())
    until(lambda: read(window, until, "bin_shift") == 3)
    start = read(window, until, "window_start")
    assert (start + 2**31) % 2**32 - 2**31 == -1000
    assert read(window, until, "window_bins") == 2500
    until(lambda: data(window) is not None and data(window).light.t.size == 2500)
    assert window.controls.width_box.lineEdit().placeholderText() == "auto: 50 µs"


def test_selecting_a_row_shows_its_interval_on_the_trace(opened: Open, until: Until) -> None:
    window = opened()
    until(lambda: pulses(window) > 600)
    window.results.times.select("rise")
    window.refresh()
    m = window.shown.measurements
    assert window.traces.interval.between == pytest.approx(
        ((m.t_low - m.t0) * US, (m.t_high - m.t0) * US)
    )
    assert "10 to 90 %" in window.results.times.definition.text()
    window.results.times.select("fall")
    begin, end = window.traces.interval.between
    assert end - begin == pytest.approx(m.fall.value * US)
    assert begin == pytest.approx(50.05, abs=0.1)


def test_freeze_keeps_the_picture_and_not_the_average(
    opened: Open, until: Until, qtbot: QtBot
) -> None:
    window = opened()
    until(lambda: window.shown is not None)
    qtbot.keyClick(window, Qt.Key.Key_F)
    kept = window.shown
    until(lambda: pulses(window) > kept.accounting.pulses_averaged + 600)
    assert window.shown is kept
    assert "frozen" in window.banner.message.text()
    assert window.banner.badge.text() == "FROZEN"
    assert window.banner.badge.property("kind") == "frozen"
    count = f"{kept.accounting.pulses_averaged:,}".replace(",", "\u2009")
    assert f": {count} pulses" in window.status.pulses.text()
    qtbot.keyClick(window, Qt.Key.Key_F)
    until(lambda: window.shown is not kept)


def test_two_devices_are_compared_in_two_clicks(opened: Open, until: Until, qtbot: QtBot) -> None:
    window = opened("emulator:control-4mm2")
    until(lambda: window.shown is not None and pulses(window) > 600)
    menu = window.controls.compare.menu()
    action = next(each for each in menu.actions() if each.text() == "bmim3-4mm2")
    action.trigger()
    until(lambda: window.session.snapshot.source == "emulator:bmim3-4mm2" and pulses(window) > 600)
    window.refresh()
    (reference,) = window.references.kept
    assert reference.name == "control-4mm2 5 V"
    _, drawn = window.traces.whole.references[0].getData()
    now, then = data(window).measurements.response, reference.data.measurements.response
    assert then.value == pytest.approx(32.3e-6, rel=0.02)
    assert now.value == pytest.approx(7.55e-6, rel=0.02)
    assert window.comparison.isVisible()
    assert window.comparison.differences["response"].text().startswith("\N{MINUS SIGN}24.7")
    ratio = window.comparison.ratios["response"].text()
    assert "faster" in ratio
    assert float(ratio.partition("(")[0]) == pytest.approx(4.27, abs=0.1)
    assert drawn.max() == pytest.approx(reference.view.mean.max())
    qtbot.keyClick(window, Qt.Key.Key_N)  # devices of other brightness on one scale
    for view in (window.traces.view, *window.traces._reference_views()):
        assert np.median(view.mean[(view.t > 44) & (view.t < 49)]) == pytest.approx(100, abs=2)
        assert abs(np.median(view.mean[view.t < -0.5])) < 2
    assert "%" in window.traces.rising.getAxis("left").labelText
    assert window.traces.whole.references[0].getData()[1].max() < 110
    qtbot.keyClick(window, Qt.Key.Key_N)
    assert "mV" in window.traces.light.getAxis("left").labelText
    window.references.drop()
    assert not window.comparison.isVisible()


def test_keys_run_stop_clear_and_scale(opened: Open, until: Until, qtbot: QtBot) -> None:
    window = opened()
    until(lambda: pulses(window) > 0)
    window.refresh()
    qtbot.keyClick(window, Qt.Key.Key_X)
    _, drawn = window.traces.mean.getData()
    assert drawn.max() == pytest.approx(np.log10(4.05), abs=0.02)
    qtbot.keyClick(window, Qt.Key.Key_X)
    window.traces.light.setXRange(10, 20)
    qtbot.keyClick(window, Qt.Key.Key_A)
    left, right = window.traces.light.vb.viewRange()[0]
    assert left < 0
    assert right > 60
    number = data(window).number
    qtbot.keyClick(window, Qt.Key.Key_C)
    until(lambda: data(window) is not None and data(window).number == number + 1)
    qtbot.keyClick(window, Qt.Key.Key_Space)
    until(lambda: window.session.snapshot.state is SessionState.STOPPED)
    qtbot.keyClick(window, Qt.Key.Key_Space)
    until(lambda: window.session.snapshot.state is SessionState.RUNNING)


def test_after_enter_in_a_field_keys_are_the_windows_again(
    opened: Open, until: Until, qtbot: QtBot
) -> None:
    window = opened()
    until(lambda: pulses(window) > 0)
    field = window.controls.volts.lineEdit()
    window.activateWindow()
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "6.5 V")
    assert window.session.snapshot.state is SessionState.RUNNING  # the space was typed
    qtbot.keyClick(field, Qt.Key.Key_Return)
    until(lambda: data(window) is not None and data(window).settings.volts == 6.5)
    assert not field.hasFocus()
    qtbot.keyClick(window.focusWidget() or window, Qt.Key.Key_Space)
    until(lambda: window.session.snapshot.state is SessionState.STOPPED)


def test_results_are_copied_as_they_are_shown(opened: Open, until: Until) -> None:
    window = opened()
    until(lambda: pulses(window) > 600)
    window.freeze(True)
    window.exports.copy_results()
    copied = QApplication.clipboard().text()
    value, error = (window.results.times.cells["response"][n].text() for n in (1, 2))
    number, unit = value.split()
    assert f"Response\t{number} ± {error} {unit}\t" in copied
    assert "EMULATOR bmim3-1mm2, 5 V, 10 kHz" in copied


def test_what_was_set_and_laid_out_comes_back(opened: Open, until: Until, tmp_path: Path) -> None:
    window = opened(
        "emulator:hr-1mm2", RequestedSettings(volts=4.0, averaging=Averaging.EXPONENTIAL)
    )
    until(lambda: pulses(window) > 0)
    window.controls.rate.enter("12k")
    window.menus.action("Light theme").trigger()
    log = window.docks.by_title["Log"]
    log.close()
    preferences.save(tmp_path, window.preferences())
    window.close()

    before = preferences.load(tmp_path)
    style.apply(QApplication.instance())
    again = opened(before.source, before.requested)
    again.apply_preferences(before)
    until(lambda: pulses(again) > 0)
    assert again.session.snapshot.source == "emulator:hr-1mm2"
    settings = data(again).settings
    assert (settings.volts, settings.rate) == (4.0, 12e3)
    assert data(again).averaging is Averaging.EXPONENTIAL
    assert style.theme() is style.LIGHT
    assert again.docks.by_title["Log"].isHidden()
    assert not again.docks.by_title["Results"].isHidden()


SOUND = {"volts": 5.0, "rate": 1e4, "averaging": "continuous", "pulses": 4096}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        pytest.param("[" * 100_000, id="nested"),
        "[]",
        '{"wanted": {"volts": "x", "nonsense": 1}}',
        json.dumps({"wanted": SOUND | {"volts": "5"}}),
        json.dumps({"wanted": SOUND | {"rate": float("nan")}}),
        json.dumps({"wanted": SOUND | {"width": [1]}}),
        json.dumps({"wanted": SOUND | {"pulses": 0}}),
        json.dumps({"wanted": SOUND | {"pulses": True}}),
        json.dumps({"wanted": SOUND | {"averaging": "sometimes"}}),
        json.dumps({"wanted": SOUND, "scale": 1e9}),
        json.dumps({"wanted": SOUND, "scale": 0}),
        json.dumps({"wanted": SOUND, "source": 3}),
        json.dumps({"wanted": SOUND, "geometry": None}),
    ],
)
def test_preferences_that_make_no_sense_are_moved_aside(tmp_path: Path, text: str) -> None:
    said: list[str] = []
    (tmp_path / preferences.FILE).write_text(text)
    assert preferences.load(tmp_path, said.append) == preferences.Preferences()
    assert [path.name for path in tmp_path.iterdir()] == ["window.json.bad"]
    assert (tmp_path / "window.json.bad").read_text() == text
    assert len(said) == 1
    assert "makes no sense" in said[0]


def test_preferences_written_by_hand_are_read(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / preferences.FILE).write_text(json.dumps({"wanted": SOUND | {"volts": 4}}))
    assert preferences.load(tmp_path, said.append).requested.volts == 4.0
    assert said == []


def test_what_has_changed_is_remembered_while_the_window_is_open(tmp_path: Path) -> None:
    before = preferences.Preferences(source="emulator:hr-1mm2")
    file = preferences.PreferencesFile(tmp_path, before)
    file.update(before)
    assert not list(tmp_path.iterdir())
    file.update(replace(before, logarithmic=True))
    assert preferences.load(tmp_path) == replace(before, logarithmic=True)


def test_keys_are_the_windows_again_once_a_source_has_been_typed(
    opened: Open, until: Until, qtbot: QtBot
) -> None:
    window = opened()
    edit = window.controls.source_field.lineEdit()
    edit.setFocus()
    edit.setText("hr-4mm2")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    until(lambda: window.session.snapshot.source == "emulator:hr-4mm2")
    assert window.focusWidget() is window.traces
