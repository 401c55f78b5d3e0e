"""The window on the emulator, from opening to closing."""

import threading
from collections.abc import Callable
from concurrent.futures import Future

import numpy as np
import pytest
from PyQt6 import sip
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from trelscope.gateware.protocol import LEVEL_LSB_V
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.app import style
from trelscope.host.app.session import connection
from trelscope.host.app.session.requested_settings import FRAME_TIME
from trelscope.host.app.session.snapshot import AverageData, SessionState
from trelscope.host.app.window import MainWindow
from trelscope.host.link import LinkError
from trelscope.host.link.emulator import EmulatorLink
from trelscope.host.link.urls import DEFAULT_SOURCE, open_link

RESPONSE = 3.36e-6  # s, of the default preset at 5 V and 10 kHz, with a pulse of half the period
Open = Callable[..., MainWindow]


def data(window: MainWindow) -> AverageData | None:
    return window.session.snapshot.data


def pulses(window: MainWindow) -> int:
    shown = data(window)
    return shown.accounting.pulses_averaged if shown else 0


def state(window: MainWindow) -> SessionState:
    return window.session.snapshot.state


def read(window: MainWindow, until: Callable[[Callable[[], bool]], None], name: str) -> int:
    value: Future[int] = window.session.register(name)
    until(value.done)
    return value.result()


def test_opens_running_and_the_data_grow(opened: Open, until) -> None:
    window = opened()
    assert window.windowTitle() == "trelscope — EMULATOR bmim3-1mm2"
    assert window.banner.badge.isVisible()
    until(lambda: pulses(window) > 0)
    first = pulses(window)
    until(lambda: pulses(window) > first)
    window.refresh()
    assert "× real time" in window.banner.factor.text()
    assert window.results.accounting.values["pulses_averaged"].text() != "–"
    t, light = window.traces.mean.getData()
    assert t.size == light.size > 100
    # in mV above the dark level, against us from the drive edge
    assert np.median(light[(t > 20) & (t < 45)]) == pytest.approx(4.0, rel=0.1)
    assert abs(np.median(light[t < 0])) < 0.05


def test_results_show_the_response_of_the_device(opened: Open, until) -> None:
    window = opened()
    until(lambda: pulses(window) >= 1500)
    window.refresh()
    shown = window.session.snapshot.data
    response = shown.measurements.response
    assert response.value == pytest.approx(RESPONSE, rel=0.02)
    assert 0 < response.se < 0.02 * RESPONSE
    value, error = (window.results.times.cells["response"][n].text() for n in (1, 2))
    assert value.startswith("3.3")
    assert value.endswith("µs")
    assert float(error) * 1e-6 == pytest.approx(shown.measurements.response.se, rel=0.1)
    low, high = window.traces.low.line, window.traces.high.line
    assert window.traces.falling.isVisible()
    assert low.isVisible()
    assert high.isVisible()
    assert high.value() - low.value() == pytest.approx(
        shown.measurements.rise.value * 1e6, rel=0.01
    )


def test_a_voltage_reaches_the_gateware_and_starts_a_new_average(opened: Open, until) -> None:
    window = opened()
    until(lambda: pulses(window) > 0)
    before = data(window)
    window.controls.volts.enter("6.5")
    until(lambda: data(window) is not None and data(window).settings.volts == 6.5)
    after = data(window)
    assert read(window, until, "level") == round(6.5 / LEVEL_LSB_V)
    # Nothing of the 5 V train is in it: the drive's top is that of one voltage, not of a mixture.
    assert np.median(before.drive.y[before.drive.y > 2]) == pytest.approx(5.0, abs=0.01)
    assert np.median(after.drive.y[after.drive.y > 2]) == pytest.approx(6.5, abs=0.01)
    assert after.accounting.pulses_lost == 0


def test_settings_changed_in_quick_succession_never_mix(opened: Open, until) -> None:
    window = opened()
    until(lambda: pulses(window) > 0)
    for _ in range(10):
        window.controls.volts.stepBy(1)
    window.controls.rate.enter("12k")
    until(lambda: data(window) is not None and data(window).settings.rate == 12e3)
    until(lambda: pulses(window) > 2 * 12e3 * FRAME_TIME)
    drive = data(window).drive
    inside = (drive.t > 1e-6) & (drive.t < 40e-6)
    assert drive.y[inside].min() == pytest.approx(6.0, abs=0.02)
    assert data(window).accounting.frames_lost == 0


def test_rate_takes_prefixes(opened: Open, until) -> None:
    window = opened()
    until(lambda: pulses(window) > 0)
    window.controls.rate.enter("12.5k")
    until(lambda: read(window, until, "period") == 10_000)
    assert window.controls.rate.text() == "12.5 kHz"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("8", "volts 8 V is out of range: 3 V to 7 V"),
        ("five", "not a number: 'five'"),
        ("5Hz", "not a number in V: '5Hz'"),
    ],
)
def test_a_refused_setting_is_said_and_the_train_goes_on(
    opened: Open, until, text: str, words: str
) -> None:
    window = opened()
    until(lambda: pulses(window) > 0)
    window.controls.volts.enter(text)
    until(lambda: words in window.controls.message.text())
    assert window.controls.message.isVisible()
    assert window.controls.volts.property("refused")
    assert window.controls.volts.text() == "5 V"  # what is in force
    count = pulses(window)
    assert count > 0
    until(lambda: pulses(window) > count)
    assert data(window).settings.volts == 5.0
    window.controls.volts.enter("5.5")
    until(lambda: not window.controls.message.isVisible())
    until(lambda: data(window) is not None and data(window).settings.volts == 5.5)


def test_stop_keeps_the_data_with_the_output_off_and_run_starts_anew(
    opened: Open, until, qtbot: QtBot
) -> None:
    window = opened()
    until(lambda: pulses(window) > 0)
    button = window.controls.run
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    until(lambda: state(window) is SessionState.STOPPED and button.text() == "Run")
    kept = data(window)
    assert kept is not None
    assert kept.accounting.pulses_lost == 0
    assert read(window, until, "run") == 0
    assert read(window, until, "enable") == 0
    window.controls.volts.enter("4")  # only for the next run
    until(lambda: not window.controls.volts.property("refused"))
    assert data(window) is kept
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    until(lambda: pulses(window) > 0 and data(window) is not kept)
    assert data(window).settings.volts == 4.0
    assert read(window, until, "enable") == 1


def test_clear_starts_afresh(opened: Open, until, qtbot: QtBot) -> None:
    window = opened()
    until(lambda: pulses(window) > 600)
    before = pulses(window)
    qtbot.mouseClick(window.controls.clear, Qt.MouseButton.LeftButton)
    until(lambda: 0 < pulses(window) < before)
    accounting = data(window).accounting
    assert accounting.pulses_emitted == accounting.pulses_averaged
    assert accounting.pulses_lost == 0


def test_another_preset_opens_another_board(opened: Open, until) -> None:
    window = opened()
    until(lambda: data(window) is not None)
    assert np.isfinite(data(window).measurements.response.value)  # from the first frame on
    box = window.controls.source_field
    box.activated.emit(box.findText("hr-1mm2"))
    until(lambda: window.session.snapshot.source == "emulator:hr-1mm2" and pulses(window) > 600)
    assert window.windowTitle() == "trelscope — EMULATOR hr-1mm2"
    assert data(window).measurements.response.value == pytest.approx(0.7e-6, rel=0.02)


def test_a_source_is_typed_as_it_is_shown_and_a_wrong_one_changes_nothing(
    opened: Open, until, qtbot: QtBot
) -> None:
    window = opened()
    until(lambda: pulses(window) > 0)
    edit = window.controls.source_field.lineEdit()
    for text in ("nonsense?area=2", "emulator:hr-1mm2?colour=red", "ftp://x"):
        edit.setText(text)
        qtbot.keyClick(edit, Qt.Key.Key_Return)
        assert "known: " in window.log.toPlainText().splitlines()[-1]
    count = pulses(window)
    until(lambda: pulses(window) > count)
    assert data(window).number == 1
    until(lambda: edit.text() == "bmim3-1mm2")
    edit.setText("bmim3-1mm2?area=2.5")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    until(lambda: data(window) is not None and data(window).source.endswith("area=2.5"))
    assert data(window).source == "emulator:bmim3-1mm2?area=2.5"


def test_an_unknown_preset_is_said_in_words_and_another_can_be_chosen(opened: Open, until) -> None:
    window = opened("emulator:nonsense")
    until(lambda: state(window) is SessionState.FAILED)
    until(lambda: "unknown device 'nonsense'; known: " in window.banner.message.text())
    window.session.open(DEFAULT_SOURCE)
    until(lambda: pulses(window) > 0)


def test_a_lost_link_is_said_and_the_data_stay(opened: Open, until, monkeypatch, qtbot) -> None:
    class Breaking(EmulatorLink):
        broken = threading.Event()

        def read(self, timeout: float) -> bytes:
            if self.broken.is_set():
                raise LinkError("the cable has been pulled")
            return super().read(timeout)

    monkeypatch.setattr(
        connection, "open_link", lambda url, seed, report: Breaking("bmim3-1mm2", seed=seed)
    )
    window = opened()
    until(lambda: pulses(window) > 0)
    Breaking.broken.set()
    until(lambda: "the cable has been pulled" in window.banner.message.text())
    assert data(window) is not None
    assert window.session.alive
    assert state(window) is SessionState.LOST
    qtbot.mouseClick(window.controls.run, Qt.MouseButton.LeftButton)  # does not want it any more
    until(lambda: state(window) is SessionState.FAILED)
    Breaking.broken.clear()
    qtbot.mouseClick(window.controls.run, Qt.MouseButton.LeftButton)  # opens it again
    until(lambda: state(window) is SessionState.RUNNING and pulses(window) > 0)


def test_says_what_takes_long_while_opening(opened: Open, until, monkeypatch) -> None:
    go_on = threading.Event()

    def slow(url: str, seed: int, report: Callable[[str], None]) -> EmulatorLink:
        report("compiling")
        report("  2/3 translating")
        go_on.wait()
        return open_link(url, seed, report=report)

    monkeypatch.setattr(connection, "open_link", slow)
    window = opened()
    until(lambda: window.banner.message.text() == "compiling: 2/3 translating")
    go_on.set()
    until(lambda: pulses(window) > 0)


def test_closing_switches_the_output_off_and_ends_the_worker(
    opened: Open, until, monkeypatch
) -> None:
    written: list[tuple[str, int]] = []
    write = Instrument.write

    def record(self, name: str, value: int) -> None:
        written.append((name, value))
        write(self, name, value)

    monkeypatch.setattr(Instrument, "write", record)
    window = opened()
    until(lambda: pulses(window) > 0)
    window.close()
    until(lambda: not window.session.alive)
    assert written[-2:] == [("run", 0), ("enable", 0)]


def test_a_widget_that_is_gone_does_not_keep_others_from_their_look(qapp: QApplication) -> None:
    gone, seen = QWidget(), []
    style.on_change(gone, lambda _: seen.append(gone.size()))
    gone.blockSignals(True)  # it goes without a word
    sip.delete(gone)
    style.apply(qapp, scale=1.0)
    assert len(seen) == 1
