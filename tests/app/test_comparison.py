"""Which of the references is compared with."""

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tests.app.conftest import Open
from trelscope.host.acquisition.capture import capture
from trelscope.host.app.panels.comparison import Comparison
from trelscope.host.app.references import MAX_REFERENCES, Reference
from trelscope.host.app.session.recorded import as_average
from trelscope.host.link.urls import open_link
from trelscope.host.planning import CaptureRequest


def test_the_reference_that_was_kept_or_chosen_last_is_compared_with(qtbot: QtBot) -> None:
    link = open_link("emulator:hr-1mm2", seed=1, paced=False)
    data = as_average(capture(link, CaptureRequest(pulses=256).plan))
    comparison = Comparison()
    qtbot.addWidget(comparison)
    kept = tuple(Reference(data) for _ in range(MAX_REFERENCES))
    comparison.show_data(data, kept)
    assert comparison.reference.currentIndex() == MAX_REFERENCES - 1
    comparison.reference.setCurrentIndex(1)
    again = tuple(Reference(each.data) for each in kept)  # measured again
    comparison.show_data(data, again)
    assert comparison.reference.currentIndex() == 1
    comparison.show_data(data, (*again[1:], Reference(data)))
    assert comparison.reference.currentIndex() == MAX_REFERENCES - 1


def test_every_reference_is_compared_with(opened: Open, until, qtbot: QtBot) -> None:
    window = opened("emulator:hr-1mm2")
    until(lambda: window.shown is not None and window.shown.accounting.pulses_averaged > 300)
    window.keep_reference()
    window.controls.volts.enter("6")
    until(lambda: window.shown is not None and window.shown.settings.volts == 6)
    window.keep_reference()
    window.controls.volts.enter("3.5")
    until(lambda: window.shown is not None and window.shown.settings.volts == 3.5)
    until(lambda: window.comparison.every[0][2].text() != "")
    names = [line[0].text() for line in window.comparison.every if not line[0].isHidden()]
    assert names == ["hr-1mm2 5 V", "hr-1mm2 6 V"]
    ratios = [line[2].text() for line in window.comparison.every[:2]]
    assert all("× slower" in ratio for ratio in ratios)
    window.results.times.select("fall")
    assert window.comparison.heading.text().startswith("FALL")
    assert [line[2].text() for line in window.comparison.every[:2]] != ratios


def test_fast_and_slow_share_a_logarithmic_time(opened: Open, until, qtbot: QtBot) -> None:
    window = opened("emulator:hr-1mm2")
    until(lambda: window.shown is not None and window.shown.accounting.pulses_averaged > 600)
    window.freeze(True)
    window.keep_reference()
    traces, m = window.traces, window.shown.measurements
    qtbot.keyClick(window, Qt.Key.Key_T)
    left, right = traces.light.vb.viewRange()[0]
    assert left == pytest.approx(np.log10(0.004), abs=0.15)  # the first bin, in us
    assert right == pytest.approx(np.log10(63.5), abs=0.15)
    t, light = traces.mean.getData()
    assert np.all(np.diff(t) >= 0)
    top = np.median(light[t > 1.2])
    assert 10 ** t[np.argmax(light > 0.9 * top)] == pytest.approx(m.response.value * 1e6, rel=0.1)
    assert np.array_equal(traces.whole.references[0].getData()[1], light)
    assert traces.high.line.value() == pytest.approx(np.log10((m.t_high - m.t0) * 1e6))
    drive_t, volts = traces.voltage.getData()
    assert volts[drive_t > -1].max() == pytest.approx(5, abs=0.1)
    texts = traces.light.getAxis("bottom").tickStrings([-2.0, 0.0, 1.0], 1.0, 1.0)
    assert texts == ["0.01", "1", "10"]
    qtbot.keyClick(window, Qt.Key.Key_T)
    assert traces.light.vb.viewRange()[0][1] > 60
