"""Grid lines at the axes' major ticks."""

from typing import Any

from PyQt6.QtGui import QPainterPath
from PyQt6.QtWidgets import QGraphicsPathItem


class Grid(QGraphicsPathItem):
    """One opaque path: the axes' own grid is translucent and takes longer to draw than all data."""

    def __init__(self, plot: Any) -> None:
        super().__init__()
        self._plot = plot
        self.setZValue(-100)
        plot.addItem(self, ignoreBounds=True)
        plot.vb.sigRangeChanged.connect(self._redraw)
        plot.vb.sigResized.connect(self._redraw)

    def _redraw(self) -> None:
        (left, right), (bottom, top) = self._plot.vb.viewRange()
        path = QPainterPath()
        for at in self._ticks("bottom", left, right, self._plot.vb.width()):
            path.moveTo(at, bottom)
            path.lineTo(at, top)
        for at in self._ticks("left", bottom, top, self._plot.vb.height()):
            path.moveTo(left, at)
            path.lineTo(right, at)
        self.setPath(path)

    def _ticks(self, side: str, low: float, high: float, pixels: float) -> list[float]:
        if not pixels > 0:  # as yet
            return []
        levels = self._plot.getAxis(side).tickValues(low, high, pixels)
        return list(levels[0][1]) if levels else []
