"""Markers on the light: instants, and the interval that a quantity measures."""

import math
from enum import Enum
from typing import Any

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QFont, QPainterPath
from PyQt6.QtWidgets import QGraphicsItem, QGraphicsPathItem, QWidget

from trelscope.host.app import style
from trelscope.host.app.style import Theme


class Form(Enum):
    """Line and dot of a marker."""

    ROUND = Qt.PenStyle.DashLine
    SQUARE = Qt.PenStyle.DashDotLine

    @property
    def line(self) -> Qt.PenStyle:
        """How the line is broken."""
        return Qt.PenStyle(self.value)

    def dot(self, size: float) -> QPainterPath:
        """Around the origin, `size` pixels large."""
        path, rect = QPainterPath(), QRectF(-size / 2, -size / 2, size, size)
        (path.addEllipse if self is Form.ROUND else path.addRect)(rect)
        return path


class Marker:
    """An instant: a broken line, a dot where it crosses the trace, and a label. Hidden until placed."""

    def __init__(self, owner: QWidget, plot: Any, colour: str, form: Form) -> None:
        """form: markers of other colours have another one, for eyes that cannot tell the colours."""
        self.line = pg.InfiniteLine(angle=90)
        self.form = form
        self._dot = QGraphicsPathItem()
        self._dot.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIgnoresTransformations)
        # Right of the line and below the crossing, where a rising trace never is.
        self._label = pg.TextItem(anchor=(0, 0))
        self._placed: tuple[float, float, str] | None = None  # None: hidden
        for z, item in enumerate((self.line, self._label, self._dot), start=10):
            item.setZValue(z)
            plot.addItem(item, ignoreBounds=True)

        def restyle(theme: Theme) -> None:
            own = getattr(theme, colour)
            self.line.setPen(pg.mkPen(own, width=style.pixels(1), style=form.line))
            self._dot.setPath(form.dot(style.pixels(8)))
            self._dot.setPen(pg.mkPen(theme.panel))
            self._dot.setBrush(pg.mkBrush(own))
            self._label.setColor(own)
            font = QFont()
            font.setPixelSize(style.pixels(12))
            self._label.setFont(font)

        style.on_change(owner, restyle)
        self.hide()

    def place(self, t: float, y: float, text: str) -> None:
        """Show it at t, y, in the plot's units; hide it if either is unknown."""
        if not (math.isfinite(t) and math.isfinite(y)):
            self.hide()
            return
        if self._placed == (t, y, text):
            return
        self._placed = t, y, text
        self.line.setPos(t)
        self._dot.setPos(t, y)
        self._label.setText(text)
        self._label.setPos(t, y)
        self._show(True)

    def hide(self) -> None:
        """Show nothing."""
        self._placed = None
        self._show(False)

    def _show(self, visible: bool) -> None:
        for item in (self.line, self._dot, self._label):
            item.setVisible(visible)


class Interval:
    """A duration: a line from one instant to another between two upright ends."""

    def __init__(self, owner: QWidget, plot: Any) -> None:
        self._lines = pg.PlotCurveItem(connect="pairs")
        self.between: tuple[float, float] | None = None
        self._placed: tuple[float, float, float, float] | None = None
        self._lines.setZValue(20)
        plot.addItem(self._lines, ignoreBounds=True)
        style.on_change(
            owner, lambda theme: self._lines.setPen(pg.mkPen(theme.text, width=style.pixels(2)))
        )
        self.hide()

    def place(self, start: float, end: float, y: float, tick: float) -> None:
        """Show it at the height y, with ends of ± `tick`, in the plot's units."""
        if self._placed == (start, end, y, tick):
            return
        self._placed, self.between = (start, end, y, tick), (start, end)
        x = np.array([start, end, start, start, end, end])
        self._lines.setData(x, y + np.array([0, 0, -tick, tick, -tick, tick]))
        self._lines.setVisible(True)

    def hide(self) -> None:
        """Show nothing."""
        self._placed = self.between = None
        self._lines.setVisible(False)
