"""Curves that are drawn anew for every picture: Qt paints them without calling Python."""

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QBrush, QPainterPath, QPen
from PyQt6.QtWidgets import QGraphicsPathItem, QWidget

from trelscope.host.app import style
from trelscope.host.app.style import Theme

Array = NDArray[np.float64]
NO_POINTS = np.zeros(0)


def pen(colour: str, width: float = 0.0, line: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    """width: pixels; 0 is the thinnest line, which is the fastest to paint."""
    made = QPen(style.colour(colour), width if width > 1 else 0.0, line)
    made.setCosmetic(True)
    return made


class Line(QGraphicsPathItem):
    """A line through points in the plot's units; it draws all of them, so downsample them first."""

    def __init__(self, plot: Any) -> None:
        super().__init__()
        self._x = self._y = NO_POINTS
        plot.addItem(self, ignoreBounds=True)

    def draw(self, x: Array, y: Array) -> None:
        """Both (n,); a point that is not a number leaves a gap."""
        self._x, self._y = x, y
        self.setPath(pg.arrayToQPath(x, y, connect="finite"))
        self.setVisible(x.size > 0)  # an empty path would not be valid SVG

    def boundingRect(self) -> QRectF:
        """The bounds of the points: Qt would stroke a wide line to find them."""
        return self.path().controlPointRect()

    def getData(self) -> tuple[Array, Array]:
        """The points that are drawn; pyqtgraph's curves have a method of this name."""
        return self._x, self._y


class Band(QGraphicsPathItem):
    """The area between two lines."""

    def __init__(self, plot: Any) -> None:
        super().__init__()
        plot.addItem(self, ignoreBounds=True)

    def draw(self, x: Array, low: Array, high: Array) -> None:
        """All arrays are (n,); points that are not numbers are left out."""
        known = np.isfinite(low) & np.isfinite(high)
        if not known.all():
            x, low, high = x[known], low[known], high[known]
        around = np.concatenate((x, x[::-1])), np.concatenate((high, low[::-1]))
        path: QPainterPath = pg.arrayToQPath(*around)
        self.setPath(path)


def coloured(owner: QWidget, item: Line, colour: str, width: float = 0.0) -> Line:
    """`item` in the theme's `colour`. width: pixels at a scale of 1."""
    style.on_change(
        owner, lambda theme: item.setPen(pen(getattr(theme, colour), style.pixels(width)))
    )
    return item


def filled(owner: QWidget, item: Band, colour: str) -> Band:
    """`item` filled with the theme's `colour`, and outlined with it, so that it shows where it is thin."""

    def restyle(theme: Theme) -> None:
        own = getattr(theme, colour)
        item.setPen(pen(own))
        item.setBrush(QBrush(style.colour(own)))

    style.on_change(owner, restyle)
    return item
