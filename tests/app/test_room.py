"""The plot wins every conflict for room."""

from types import SimpleNamespace
from typing import cast

import pytest
from PyQt6.QtCore import QPointF, QRect, Qt
from PyQt6.QtWidgets import QApplication, QStyle, QStyleOptionSpinBox

from tests.app.conftest import Open, in_front
from trelscope.host.app import style
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


def test_on_a_large_screen_text_is_readable_and_docks_stand_side_by_side(
    opened: Open, until, qapp: QApplication
) -> None:
    screen = SimpleNamespace(availableGeometry=lambda: QRect(0, 0, 3840, 2160))
    large = SimpleNamespace(primaryScreen=lambda: screen)
    scale = style.scale_for_screen(cast(QApplication, large))
    assert scale == 2
    style.apply(qapp, scale=scale)
    window = opened("emulator:hr-1mm2")
    window.resize(3840, 2160)
    window.docks.restore()
    until(lambda: in_front(window) == ["Trend", "Histogram"])
    style.apply(qapp, scale=1.0)
    window.docks.set_sizes()

    def small() -> bool:
        window.resize(1280, 800)
        return window.width() == 1280

    until(small)
    window.docks.restore()
    until(lambda: in_front(window) == ["Trend"])


def test_arrows_and_buttons_grow_with_the_text(opened: Open, qapp: QApplication) -> None:
    box = opened("emulator:hr-1mm2").controls.volts
    dock = QStyle.PixelMetric.PM_TitleBarButtonIconSize
    sizes = []
    for scale in (1.0, 2.0):
        style.apply(qapp, scale=scale)
        option = QStyleOptionSpinBox()
        box.initStyleOption(option)
        part = QStyle.SubControl.SC_SpinBoxUp
        arrow = box.style().subControlRect(QStyle.ComplexControl.CC_SpinBox, option, part, box)
        sizes.append((arrow.width(), box.style().pixelMetric(dock)))
    (arrow, button), (larger, larger_button) = sizes
    assert larger == 2 * arrow
    assert larger_button == 2 * button
