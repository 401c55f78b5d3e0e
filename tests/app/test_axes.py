"""A number on an axis has the unit that its label says, whatever the user does."""

import numpy as np
import pyqtgraph as pg
import pytest

from tests.app.conftest import Open
from trelscope.host.app import menus
from trelscope.host.app.plots.plot import Plot
from trelscope.host.app.session.requested_settings import RequestedSettings
from trelscope.host.app.window import MainWindow


def check(window: MainWindow) -> None:
    """The texts at the ticks say the numbers that are drawn there."""
    traces = window.traces
    for plot in (traces.light, traces.rising, traces.falling, traces.drive):
        for side in ("left", "bottom"):
            axis = plot.getAxis(side)
            every = pg.AxisItem.tickStrings  # those that there is no room for, too
            texts = every(axis, [0.1, 0.2], axis.autoSIPrefixScale * axis.scale, 0.1)
            assert [float(text) for text in texts] == [0.1, 0.2]


def test_the_unit_is_the_same_after_every_action(opened: Open, until) -> None:
    window = opened("emulator:hr-1mm2", RequestedSettings(volts=3.5))
    until(lambda: window.session.snapshot.data is not None)
    window.refresh()
    assert np.max(window.traces.mean.getData()[1]) < 1  # mV: what a prefix would be chosen for
    check(window)
    for text in ("Larger text", "Smaller text", menus.LIGHT_THEME, "Show everything (auto-range)"):
        window.menus.action(text).trigger()
        window.refresh()
        check(window)
    window.docks.restore()
    check(window)
    window.open_source("emulator:hr-4mm2")
    until(lambda: window.session.snapshot.source == "emulator:hr-4mm2" and window.shown is not None)
    window.menus.action("Larger text").trigger()
    check(window)


@pytest.mark.parametrize(
    ("decades", "labels"),
    [
        (8, ["1", "100", "10000", "1e6", "1e8"]),
        (1, ["1", "2", "5", "10"]),
        (3, ["1", "10", "100", "1000"]),
    ],
)
def test_labels_of_decades_have_room(qtbot, decades: int, labels: list[str]) -> None:
    plot = Plot("Photons", "")
    qtbot.addWidget(plot)
    plot.resize(300, 150)
    plot.show()
    plot.show_values(True)
    item = plot.getPlotItem()
    item.setLogMode(y=True)
    low, high = -0.05, decades + 0.05
    item.setYRange(low, high, padding=0)
    axis = item.getAxis("left")
    qtbot.waitUntil(lambda: axis.height() > 100 and axis.range[1] == high)
    ticks = sorted({t for _, each in axis.tickValues(low, high, axis.height()) for t in each})
    assert [text for text in axis.tickStrings(ticks, 1.0, 1.0) if text] == labels


def test_a_short_axis_has_few_labels(qtbot) -> None:
    plot = Plot("", "Time")
    qtbot.addWidget(plot)
    plot.show_values(True)
    plot.show()
    axis = plot.getPlotItem().getAxis("bottom")
    plot.getPlotItem().setXRange(0.05, 0.95, padding=0)
    labels = []
    for width in (170, 600):
        plot.resize(width, 150)
        qtbot.waitUntil(
            lambda width=width: 50 < axis.width() < width and axis.width() > width - 100
        )
        labels.append([text for text in axis.tickStrings([0.2, 0.4, 0.6, 0.8], 1.0, 0.2) if text])
    assert labels == [["0.4", "0.8"], ["0.2", "0.4", "0.6", "0.8"]]


@pytest.mark.parametrize("dock", ["Sweep", "Trend"])
def test_so_it_is_in_the_docks(opened: Open, until, dock: str) -> None:
    window = opened("emulator:hr-1mm2", RequestedSettings(volts=3.5))
    until(
        lambda: (
            len(window.session.snapshot.data.history.pulses) > 1
            if window.session.snapshot.data
            else False
        )
    )
    window.docks.by_title[dock].raise_()
    window.refresh_slow()
    window.menus.action("Larger text").trigger()
    axis = (window.trend if dock == "Trend" else window.sweep).plot.getPlotItem().getAxis("left")
    axis.setRange(0.1, 0.9)
    window.menus.action(menus.LIGHT_THEME).trigger()
    assert axis.autoSIPrefixScale == 1
