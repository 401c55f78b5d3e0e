"""Photons in the window: histogram, rate, pile-up, and a decay fitted over it."""

from collections.abc import Callable

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from pytestqt.qtbot import QtBot

from trelscope.host.acquisition.capture import capture
from trelscope.host.app.panels.counting_view import CountingView
from trelscope.host.app.session.recorded import as_average
from trelscope.host.app.session.requested_settings import RequestedSettings
from trelscope.host.app.window import MainWindow
from trelscope.host.link.urls import open_link
from trelscope.host.planning import CaptureRequest

Open = Callable[..., MainWindow]
Until = Callable[[Callable[[], bool]], None]
SOURCE = "emulator:trpl-bmim3?detector=pmt&filter=2e-5&afterpulse=0"
REQUESTED = RequestedSettings(rate=15e3, width=10e-6, start=-100e-9, length=1.024e-6)


def tab(window: MainWindow, title: str) -> None:
    window.docks.by_title[title].raise_()


def test_counts_are_drawn_and_their_decay_fitted(opened: Open, until: Until, qtbot: QtBot) -> None:
    window = opened(SOURCE, REQUESTED)
    tab(window, "Counting")
    view = window.counting
    until(lambda: view.counting is not None and view.counting.counts.sum() > 2000)
    _, drawn = view.bars.getOriginalDataset()
    assert drawn.max() == view.counting.counts.max()
    assert view.dead.text() == "20 ns"
    assert float(view.per_pulse.text()) == pytest.approx(0.115, rel=0.15)
    assert 0.02 < view.counting.pile_up < 0.2
    assert view.pile_up.property("role") == "warning"
    qtbot.mouseClick(view.fit, Qt.MouseButton.LeftButton)
    until(lambda: view.decay is not None)
    assert not view.decay.reason
    assert window.traces.rising.isVisible()
    assert not window.traces.falling.isVisible()  # it is after the window
    assert view.decay.amplitude_average.value == pytest.approx(22e-9, rel=0.5)
    assert "lifetime" in view.message.text()
    assert "(least BIC)" in view.message.text().splitlines()[0]
    first, fitted = view.decay, view.decay.photons
    until(lambda: view.counting.counts.sum() > 1.4 * fitted)  # the curve grows with the histogram
    _, expected = view.line.getOriginalDataset()
    assert expected.sum() == pytest.approx(view.counting.counts.sum(), rel=0.05)
    left = view.dots.getOriginalDataset()[1][expected > 5]
    assert view.residuals.isVisible()
    assert np.sqrt(np.mean(left**2)) == pytest.approx(1.0, abs=0.35)
    until(lambda: view.decay is not first)  # and is fitted again
    assert view.decay.photons >= 1.9 * fitted
    view.model.setCurrentIndex(view.model.findData("stretched"))
    view.model.activated.emit(view.model.currentIndex())
    until(lambda: view.decay is not None and list(view.decay.bic) == ["stretched"])
    assert view.message.text().startswith("a stretched exponential\n")
    assert np.isfinite(view.decay.misfit)
    window.keep_reference()
    assert len(window.traces.whole.references) == 1
    window.session.open("emulator:hr-1mm2")
    until(lambda: "detector=pmt" in view.message.text())
    assert view.per_pulse.text() == view.pile_up.text() == "–"
    assert not window.traces.whole.references  # photons do not go with volts
    assert "trpl-bmim3" not in window.traces._legend.text


def test_a_fit_is_of_one_average_and_of_the_model_that_is_chosen(qtbot: QtBot) -> None:
    link = open_link(SOURCE, seed=1, paced=False)
    request = CaptureRequest(rate=15e3, width=10e-6, window=(-0.1e-6, 1e-6), pulses=4096)
    recording = capture(link, request.plan)
    view = CountingView()
    qtbot.addWidget(view)
    view.show_data(as_average(recording))
    view.start_fit()
    under_way = view._fitting
    view.model.setCurrentIndex(view.model.findData("stretched"))
    view.model.activated.emit(view.model.currentIndex())
    assert view._fitting not in (None, under_way)
    view.show_data(as_average(recording))  # another recording, for all that is known
    assert view._fitting is None
    assert not view.message.text()
    view.close_fit()


def test_without_counts_it_says_how_to_have_them(opened: Open, until: Until) -> None:
    window = opened()
    tab(window, "Counting")
    until(lambda: "bmim3-1mm2?detector=pmt" in window.counting.message.text())
    assert not window.counting.fit.isEnabled()


def test_zooms_do_not_show_what_is_outside_the_window(opened: Open, until: Until) -> None:
    """Also where there is no pulse to measure, before and after the change."""
    window = opened("emulator:bmim3-1mm2?detector=pmt", RequestedSettings(length=20e-6))
    until(lambda: window.session.snapshot.data is not None)
    window.controls.length.enter("3u")
    until(lambda: length(window) == pytest.approx(3e-6, rel=0.01))
    window.refresh()
    end = window.session.snapshot.data.light.t[-1] * 1e6
    assert window.traces.rising.vb.viewRange()[0][1] == pytest.approx(end, abs=0.01)


def length(window: MainWindow) -> float:
    shown = window.session.snapshot.data
    return shown.settings.window_length if shown else 0.0
