"""The trend's axes mean something from the first block on."""

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from tests.app.conftest import Open
from trelscope.host.app.plots.trend import Trend
from trelscope.host.app.session.history import Course, History
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.measure.measure import measure
from trelscope.host.measure.quantities import Measurements
from trelscope.host.measure.trace import Trace

US = 1e-6


def nothing_measured() -> Measurements:
    empty = np.zeros(0)
    return measure(Trace(empty, empty, empty, 0), 1e-6)


def of(*values: float) -> AverageData:
    """An average with one block for each response (µs), ± 1 ns."""
    measured = nothing_measured()
    known = [value for value in values if np.isfinite(value)]
    mean = replace(measured.response, value=float(np.mean(known or np.nan)) * US)
    history = History(
        pulses=100.0 * np.arange(1, len(values) + 1),
        values={"response": np.array(values) * US},
        errors={"response": np.full(len(values), 1e-9)},
        map=np.zeros((0, 0), np.float32),
        row_pulses=1.0,
    )
    return cast(
        AverageData,
        SimpleNamespace(
            history=history, measurements=replace(measured, response=mean), course=Course()
        ),
    )


def values_shown(trend: Trend) -> bool:
    return bool(trend.plot.getPlotItem().getAxis("left").style["showValues"])


def test_blocks_without_a_value_put_no_numbers_at_the_axes(qtbot: QtBot) -> None:
    trend = Trend()
    qtbot.addWidget(trend)
    trend.show_data(of(np.nan, np.nan), "response")
    assert not values_shown(trend)
    trend.show_data(of(np.nan, 3.0), "response")
    assert values_shown(trend)


def test_one_block_is_shown_with_its_error(qtbot: QtBot) -> None:
    trend = Trend()
    qtbot.addWidget(trend)
    trend.show_data(of(3.0), "response")
    (left, right), (low, high) = trend.plot.getPlotItem().vb.viewRange()
    assert left <= 100 <= right
    assert low < 3.0 < high
    assert high - low < 0.02  # not a whole microsecond for an error of a nanosecond
    trend.show_data(of(3.0, 3.5), "response")
    trend.plot.getPlotItem().vb.updateAutoRange()
    low, high = trend.plot.getPlotItem().vb.viewRange()[1]
    assert low < 3.0
    assert high == pytest.approx(3.5, abs=0.2)
    assert high > 3.5


def test_the_error_falls_beside_its_bound(opened: Open, until) -> None:
    window = opened("emulator:hr-1mm2")
    until(lambda: window.shown is not None and window.shown.course.pulses.size >= 2)
    window.freeze(True)
    window.refresh_slow()
    shown, course = window.trend.error, window.shown.course
    pulses, errors = shown.errors.getOriginalDataset()
    assert pulses[-1] == course.pulses[-1] > pulses[0]
    ends, ideal = shown.ideal.getOriginalDataset()
    assert ideal[-1] == pytest.approx(errors[-1])
    assert ideal[0] / ideal[-1] == pytest.approx(np.sqrt(ends[-1] / ends[0]))
    _, bounds = shown.bound.getOriginalDataset()
    assert 0 < bounds[-1] <= errors[-1] * 1.001
    assert bounds[-1] > errors[-1] / 3
    window.results.times.select("overshoot")
    window.refresh_slow()
    assert "%" in shown.getPlotItem().getAxis("left").labelText
