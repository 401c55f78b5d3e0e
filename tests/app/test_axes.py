"""A number on an axis has the unit that its label says, whatever the user does."""

import numpy as np
import pytest

from tests.app.conftest import Open
from trelscope.host.app import menus
from trelscope.host.app.session.requested_settings import RequestedSettings
from trelscope.host.app.window import MainWindow


def check(window: MainWindow) -> None:
    """The texts at the ticks say the numbers that are drawn there."""
    traces = window.traces
    for plot in (traces.light, traces.rising, traces.falling, traces.drive):
        for side in ("left", "bottom"):
            axis = plot.getAxis(side)
            texts = axis.tickStrings([0.1, 0.2], axis.autoSIPrefixScale * axis.scale, 0.1)
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
