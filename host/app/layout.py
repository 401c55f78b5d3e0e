"""Where everything stands in the window: the plots in the middle, the banner above, and docks around them.

The user may move, resize and close the docks; `Docks.restore` brings them back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import (
    QApplication,
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
SHARE = 0.8  # of the screen, that the window takes where that is more
LEFT, RIGHT, BOTTOM = 248, 416, 160  # of the docks

GROUP = 560  # least width of a group of tabs below, where there are several
MOST_GROUPS = 3
FLOATING = 640, 360  # of a dock that floats

SMALLEST = 1000, 640  # pixels at any scale

AREA = Qt.DockWidgetArea


@dataclass(frozen=True)
class Dock:
    """A dock that is to be added; its title is also its name in saved layouts."""

    title: str
    content: QWidget


def arrange(window: QMainWindow, middle: QWidget, bottom: QStatusBar) -> None:
    """Size the window, place what is in the middle and at the bottom, and say how docks share the corners."""
    window.resize(_usual_size(window))
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
        self._floated = 0  # docks, of those that have been put beside each other
        self.by_title: dict[str, QDockWidget] = {}
        self._left = self._add(left.title, scrolling(left.content), AREA.LeftDockWidgetArea)
        self._right = self._add(right.title, scrolling(right.content), AREA.RightDockWidgetArea)
        tabs = [self._add(each.title, each.content, AREA.BottomDockWidgetArea) for each in below]
        self._below = tabs
        self.groups = 1
        for tab in tabs[1:]:
            window.tabifyDockWidget(tabs[0], tab)
        tabs[0].raise_()
        self.set_sizes()

    def spread(self) -> None:
        """Put the tabs below into as many groups side by side as the window has room for."""
        room = self._window.width() / style.scale() - RIGHT  # which reaches down to the bottom
        self.groups = max(1, min(int(room // GROUP), MOST_GROUPS))
        heads = self._below[: self.groups]
        for tab in self._below:  # what is in a group of tabs cannot be put beside it
            self._window.removeDockWidget(tab)
        for head in heads:
            self._window.addDockWidget(AREA.BottomDockWidgetArea, head, Qt.Orientation.Horizontal)
        for number, tab in enumerate(self._below[self.groups :]):
            self._window.tabifyDockWidget(heads[number % self.groups], tab)
        for tab in self._below:
            tab.show()
        for head in heads:
            head.raise_()
        same = [self._window.width() // self.groups] * self.groups
        self._window.resizeDocks(heads, same, Qt.Orientation.Horizontal)
        self.set_sizes()

    def fits(self) -> bool:
        """Whether the window, with its docks as they are, can be as small as its screen."""
        screen, least = self._window.screen(), self._window.minimumSizeHint()
        if screen is None:
            return True
        room = screen.availableSize().expandedTo(QSize(*SMALLEST))
        return least.width() <= room.width() and least.height() <= room.height()

    def set_sizes(self) -> None:
        """Give the docks their usual sizes, at the scale in force."""
        sides = [style.pixels(LEFT), style.pixels(RIGHT)]
        self._window.resizeDocks([self._left, self._right], sides, Qt.Orientation.Horizontal)
        low = [style.pixels(BOTTOM)] * self.groups
        self._window.resizeDocks(self._below[: self.groups], low, Qt.Orientation.Vertical)

    def restore(self) -> None:
        """Put every dock where it was at first."""
        for dock in self.by_title.values():
            dock.setFloating(False)
        for dock, area in (
            (self._left, AREA.LeftDockWidgetArea),
            (self._right, AREA.RightDockWidgetArea),
        ):
            self._window.removeDockWidget(dock)
            self._window.addDockWidget(area, dock)
            dock.show()
        self.spread()

    def _add(self, title: str, content: QWidget, area: AREA) -> QDockWidget:
        dock = QDockWidget(title)
        dock.setObjectName(title)
        dock.setWidget(content)
        self._window.addDockWidget(area, dock)
        reopened = dock.toggleViewAction()
        assert reopened is not None
        reopened.triggered.connect(lambda shown: dock.raise_() if shown else None)
        dock.topLevelChanged.connect(lambda floats: self._place(dock) if floats else None)
        dock.topLevelChanged.connect(lambda floats: style.set_property(dock, "floats", floats))
        self.by_title[title] = dock
        return dock

    def _place(self, dock: QDockWidget) -> None:
        """In the middle of the window, each a little further down: where it stood it would hide its neighbours."""
        if QApplication.mouseButtons() & Qt.MouseButton.LeftButton:  # it is being dragged
            return
        self._floated = self._floated % 8 + 1
        size = QSize(*(style.pixels(each) for each in FLOATING))
        dock.resize(size.expandedTo(dock.minimumSizeHint()))
        middle = self._window.geometry().center()
        step = style.pixels(24) * self._floated
        dock.move(middle.x() - dock.width() // 2 + step, middle.y() - dock.height() // 2 + step)


def _usual_size(window: QMainWindow) -> QSize:
    """Most of a large screen, and what all parts need on any other."""
    usual = QSize(style.pixels(WIDTH), style.pixels(HEIGHT))
    screen = window.screen()
    return usual if screen is None else usual.expandedTo(screen.availableSize() * SHARE)


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
