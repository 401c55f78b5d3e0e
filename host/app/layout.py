"""Where everything stands in the window: the plots in the middle, the banner above, and docks around them.

The user may move, resize and close the docks; `Docks.restore` brings them back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QDockWidget,
    QFrame,
    QMainWindow,
    QScrollArea,
    QStatusBar,
    QVBoxLayout,
    QWidget,
)

from trelscope.host.app import style

# Pixels at a scale of 1.
WIDTH, HEIGHT = 1280, 800
LEFT, RIGHT, BOTTOM = 248, 416, 160  # of the docks

SMALLEST = 1000, 640  # pixels at any scale

AREA = Qt.DockWidgetArea


@dataclass(frozen=True)
class Dock:
    """A dock that is to be added; its title is also its name in saved layouts."""

    title: str
    content: QWidget


def arrange(window: QMainWindow, middle: QWidget, bottom: QStatusBar) -> None:
    """Size the window, place what is in the middle and at the bottom, and say how docks share the corners."""
    window.resize(style.pixels(WIDTH), style.pixels(HEIGHT))
    window.setMinimumSize(*SMALLEST)
    window.setCentralWidget(stacked(middle))
    window.setStatusBar(bottom)
    # Results are high and reach down to the bottom; the docks below are wide and reach under the settings.
    window.setCorner(Qt.Corner.BottomLeftCorner, AREA.BottomDockWidgetArea)
    window.setCorner(Qt.Corner.BottomRightCorner, AREA.RightDockWidgetArea)
    window.setDockOptions(
        QMainWindow.DockOption.AllowTabbedDocks | QMainWindow.DockOption.AllowNestedDocks
    )


class Docks:
    """One dock on the left, one on the right, and tabs below."""

    def __init__(self, window: QMainWindow, left: Dock, right: Dock, below: Sequence[Dock]) -> None:
        """left, right: their contents scroll where there is too little room."""
        self._window = window
        self.by_title: dict[str, QDockWidget] = {}
        self._left = self._add(left.title, scrolling(left.content), AREA.LeftDockWidgetArea)
        self._right = self._add(right.title, scrolling(right.content), AREA.RightDockWidgetArea)
        tabs = [self._add(each.title, each.content, AREA.BottomDockWidgetArea) for each in below]
        self._below = tabs[0]
        for tab in tabs[1:]:
            window.tabifyDockWidget(self._below, tab)
        self._below.raise_()
        self.set_sizes()
        self._first_layout = window.saveState()

    def set_sizes(self) -> None:
        """Give the docks their usual sizes, at the scale in force."""
        sides = [style.pixels(LEFT), style.pixels(RIGHT)]
        self._window.resizeDocks([self._left, self._right], sides, Qt.Orientation.Horizontal)
        self._window.resizeDocks([self._below], [style.pixels(BOTTOM)], Qt.Orientation.Vertical)

    def restore(self) -> None:
        """Put every dock where it was at first."""
        self._window.restoreState(self._first_layout)
        self.set_sizes()

    def _add(self, title: str, content: QWidget, area: AREA) -> QDockWidget:
        dock = QDockWidget(title)
        dock.setObjectName(title)
        dock.setWidget(content)
        self._window.addDockWidget(area, dock)
        reopened = dock.toggleViewAction()
        assert reopened is not None
        reopened.triggered.connect(lambda shown: dock.raise_() if shown else None)
        self.by_title[title] = dock
        return dock


def stacked(*widgets: QWidget) -> QWidget:
    """One widget below the other, without gaps; the last takes the room that is left."""
    whole = QWidget()
    column = QVBoxLayout(whole)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    for widget in widgets[:-1]:
        column.addWidget(widget)
    column.addWidget(widgets[-1], 1)
    return whole


def scrolling(content: QWidget) -> QScrollArea:
    """`content` at least as high as it needs to be, scrolled where there is too little room."""
    area = QScrollArea()
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setMinimumWidth(content.minimumSizeHint().width() + 2)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area
