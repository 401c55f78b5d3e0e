"""An instant on the light trace: a dashed line, a dot where it crosses, a label."""

import math
from typing import Any

import pyqtgraph as pg
from PyQt6.QtCore import Qt

from host.app import style


class Marker:
    """Hidden until placed."""

    def __init__(self, plot: Any, text: str, colour: str) -> None:
        dashed = pg.mkPen(colour, width=1, style=Qt.PenStyle.DashLine)
        self.line = pg.InfiniteLine(angle=90, pen=dashed)
        self._dot = pg.ScatterPlotItem(size=8, pen=pg.mkPen(style.PANEL), brush=colour)
        # Right of the line and below the crossing, where a rising trace never is.
        self._label = pg.TextItem(text, color=colour, anchor=(0, 0), fill=style.PANEL)
        for z, item in enumerate((self.line, self._label, self._dot), start=10):
            item.setZValue(z)
            plot.addItem(item, ignoreBounds=True)
        self.hide()

    def place(self, t: float, y: float) -> None:
        """Show it at t, y, in the plot's units; hide it if either is unknown."""
        if not (math.isfinite(t) and math.isfinite(y)):
            self.hide()
            return
        self.line.setPos(t)
        self._dot.setData([t], [y])
        self._label.setPos(t, y)
        self._show(True)

    def hide(self) -> None:
        """Show nothing."""
        self._show(False)

    def _show(self, visible: bool) -> None:
        for item in (self.line, self._dot, self._label):
            item.setVisible(visible)
