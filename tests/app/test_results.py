"""The table of results: what stands side by side belongs together, and each sign means one thing."""

import math
from dataclasses import replace

import pytest

from tests.app.conftest import Open
from trelscope.host.app.panels.times_panel import DOUBT, NOTHING, TimesPanel
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.measure.quantities import Flag, Quantity
from trelscope.host.measure.statistics import ENOUGH, Summary


@pytest.fixture
def data(opened: Open, until) -> AverageData:
    window = opened("emulator:hr-1mm2")

    def enough() -> bool:
        shown = window.shown
        return shown is not None and shown.statistics.get("rise", Summary()).count >= ENOUGH

    until(enough)
    window.refresh()
    times = window.results.times
    assert times.cells["rise"][3].text() == "agree"
    assert "blocks of pulses scatter" in times.cells["rise"][3].toolTip()
    return window.shown


def shown(data: AverageData, **quantities: Quantity) -> TimesPanel:
    panel = TimesPanel()
    panel.show_data(replace(data, measurements=replace(data.measurements, **quantities)))
    return panel


def test_blocks_that_scatter_more_than_their_errors_are_told(data: AverageData) -> None:
    now = data.statistics["rise"]
    wild = replace(now, deviation=3 * now.expected, count=20)
    panel = TimesPanel()
    panel.show_data(replace(data, statistics={"rise": wild}))
    assert panel.cells["rise"][3].text() == "3.0 × se"
    assert panel.cells["fall"][3].text() == ""  # too few to say
    assert "0 blocks" in panel.cells["fall"][3].toolTip()


def test_nothing_to_see_is_not_a_warning(data: AverageData) -> None:
    none = Quantity(math.nan, math.nan, (Flag.DROPPED,), "none: the light does not exceed it")
    noisy = Quantity(math.nan, math.nan, (Flag.LOW_SNR,), "too noisy: lost")
    wider = replace(data.measurements.rise, flags=(Flag.WIDER,))
    clipped = replace(none, flags=(Flag.CLIPPED,))  # it may have been there, above the range
    panel = shown(data, overshoot=none, settling=noisy, rise=wider, spike=clipped)
    assert panel.cells["spike"][4].text() == DOUBT
    assert [panel.cells["overshoot"][n].text() for n in (1, 4)] == ["none", NOTHING]
    assert [panel.cells["settling"][n].text() for n in (1, 4)] == ["–", DOUBT]
    assert panel.cells["rise"][4].text() == DOUBT
    assert "wider than at fewer pulses" in panel.cells["rise"][4].toolTip()
    panel.select("rise")
    assert "wider than at fewer pulses" in panel.note.text()
