"""The plot wins every conflict for room."""

import pytest
from PyQt6.QtCore import QPointF, Qt

from tests.app.conftest import Open
from trelscope.host.app.plots.traces import SMALLEST
from trelscope.host.app.window import MainWindow


def check(window: MainWindow) -> None:
    """All of the light plot, to the end of its time axis, lies within its widget."""
    traces = window.traces
    (_, last), _ = traces.light.vb.viewRange()
    end = traces.light.vb.mapViewToScene(QPointF(last, 0.0))
    assert end.x() <= traces.viewport().width()
    assert traces.width() >= SMALLEST[0]
    assert traces.height() >= SMALLEST[1]


@pytest.mark.parametrize("size", [(1000, 640), (1280, 800)])
def test_references_take_no_width(opened: Open, until, qtbot, size: tuple[int, int]) -> None:
    window = opened("emulator:hr-1mm2")
    window.resize(*size)
    until(lambda: window.shown is not None)
    check(window)
    before = window.traces._legend.minimumHeight()
    for _ in range(4):
        window.keep_reference()
    until(lambda: window.traces._legend.minimumHeight() > before)  # more lines, and no wider
    qtbot.wait(0)
    check(window)


def test_a_layout_from_a_large_screen_leaves_room(opened: Open, until, qtbot) -> None:
    large = opened("emulator:hr-1mm2")
    large.resize(3840, 2160)
    large.resizeDocks([large.docks.by_title["Trend"]], [1500], Qt.Orientation.Vertical)
    qtbot.wait(0)
    kept = large.preferences()
    small = opened("emulator:hr-1mm2")
    small.apply_preferences(kept)
    small.resize(1000, 640)
    until(lambda: small.shown is not None)
    check(small)
