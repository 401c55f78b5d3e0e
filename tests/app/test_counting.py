"""Photons in the window: histogram, rate, pile-up, and a decay fitted over it."""

from collections.abc import Callable

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tests.app.conftest import in_front
from trelscope.host.acquisition.capture import capture
from trelscope.host.app.panels.counting_view import CountingView
from trelscope.host.app.plots.counted_plot import rebinned
from trelscope.host.app.session.recorded import as_average
from trelscope.host.app.session.requested_settings import RequestedSettings
from trelscope.host.app.window import MainWindow
from trelscope.host.link.urls import open_link
from trelscope.host.planning import CaptureRequest

Open = Callable[..., MainWindow]
Until = Callable[[Callable[[], bool]], None]
SOURCE = "emulator:trpl-bmim3?detector=pmt&filter=2e-5&afterpulse=0"
REQUESTED = RequestedSettings(rate=15e3, width=10e-6, start=-100e-9, length=1.024e-6)


def said(window: MainWindow) -> str:
    return window.counting.message.text().replace("\u200b", "")


def tab(window: MainWindow, title: str) -> None:
    window.docks.by_title[title].raise_()


def test_counts_are_drawn_and_their_decay_fitted(opened: Open, until: Until, qtbot: QtBot) -> None:
    window = opened(SOURCE, REQUESTED)
    tab(window, "Counting")
    view = window.counting
    until(lambda: view.counting is not None and view.counting.counts.sum() > 2000)
    _, drawn = view.counted.bars.getOriginalDataset()
    assert drawn.max() == rebinned(view.counting.counts, view.counted.together).max()
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
    _, expected = view.counted.line.getOriginalDataset()
    assert expected.sum() == pytest.approx(view.counting.counts.sum(), rel=0.05)
    left = view.counted.dots.getOriginalDataset()[1][expected > 5]
    assert view.counted.residuals.isVisible()
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
    until(lambda: "detector=pmt" in said(window))
    assert view.per_pulse.text() == view.pile_up.text() == "–"
    assert not window.traces.whole.references  # photons do not go with volts
    assert "trpl-bmim3" not in window.traces._legend.text


def test_a_decay_is_seen_at_once_whatever_was_measured_before(
    opened: Open, until: Until, qtbot: QtBot
) -> None:
    window = opened("emulator:hr-1mm2", RequestedSettings(rate=2500.0))
    until(lambda: window.shown is not None)
    window.open_source(SOURCE)
    view = window.counting
    until(lambda: view.counting is not None and view.counting.counts.sum() > 300)
    assert in_front(window) == ["Counting"]
    assert window.shown.settings.bin == 1e-9
    assert not any(cells[4].text() for cells in window.results.times.cells.values())
    assert not window.traces.low.line.isVisible()
    left, right = view.counted.plot.getPlotItem().vb.viewRange()[0]
    assert -0.1 < left < 0 < right < 0.4  # of 0.9: where the decay is
    qtbot.mouseClick(view.counted.zoom, Qt.MouseButton.LeftButton)
    until(lambda: view.counted.plot.getPlotItem().vb.viewRange()[0][1] > 0.8)
    counts = view.counting.counts
    view.counted.bins.setCurrentIndex(view.counted.bins.findData(64))
    view.counted.bins.activated.emit(view.counted.bins.currentIndex())
    at, drawn = view.counted.bars.getOriginalDataset()
    assert np.diff(at) == pytest.approx(0.064)
    assert drawn[drawn > 0.5].sum() >= 0.9 * counts.sum()
    assert window.results.headline.heading.text() == "AVERAGE LIFETIME"
    view.start_fit()
    until(lambda: view.decay is not None)
    headline = window.results.headline
    assert headline.value.text().endswith(" ns")
    window.docks.by_title["Log"].raise_()
    window.session.clear()  # the lifetime is not that of the next average
    until(lambda: headline.value.text() == "–")


def test_advice_says_which_filter_to_type_and_can_be_taken(
    opened: Open, until: Until, qtbot: QtBot
) -> None:
    window = opened("emulator:trpl-bmim3?detector=pmt&filter=4e-4")
    until(lambda: "denser" in said(window))
    assert "trpl-bmim3?detector=pmt&filter=" in said(window)
    qtbot.mouseClick(window.counting.suggestion, Qt.MouseButton.LeftButton)
    until(lambda: window.session.snapshot.source != "emulator:trpl-bmim3?detector=pmt&filter=4e-4")
    chosen = float(window.session.snapshot.source.rpartition("=")[2])
    assert 5e-7 < chosen < 1e-5  # as 1 % of pile-up at most
    window.open_source("emulator:trpl-bmim3?detector=pmt&filter=1e-8")
    until(lambda: "clearer" in said(window))


def test_a_fit_that_fails_is_said_once(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    link = open_link(SOURCE, seed=1, paced=False)
    data = as_average(capture(link, CaptureRequest(rate=15e3, width=10e-6, pulses=64).plan))
    view = CountingView()
    qtbot.addWidget(view)
    view.show_data(data)

    def fail(*_: object) -> None:
        raise ZeroDivisionError("by accident")

    monkeypatch.setattr(type(view.counting), "fit", fail)
    view.start_fit()
    qtbot.waitUntil(lambda: view._fitting.done())
    view.show_data(data)
    assert "by accident" in view.message.text()
    view.show_data(data)  # and again: nothing is raised
    assert view.decay is None
    view.close_fit()


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
    assert "fitting" not in view.message.text()
    view.close_fit()


def test_without_counts_it_says_how_to_have_them(opened: Open, until: Until) -> None:
    window = opened()
    tab(window, "Counting")
    until(lambda: "bmim3-1mm2?detector=pmt" in said(window))
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
