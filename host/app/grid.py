"""Grid lines at the axes' major ticks."""

from typing import Any

import numpy as np
import pyqtgraph as pg


class Grid(pg.PlotCurveItem):
    """One opaque path: the axes' own grid is translucent and takes longer to draw than all data."""

    def __init__(self, plot: Any) -> None:
        super().__init__(connect="pairs")
        self._plot = plot
        self.setZValue(-100)
        plot.addItem(self, ignoreBounds=True)
        plot.vb.sigRangeChanged.connect(self._redraw)
        plot.vb.sigResized.connect(self._redraw)

    def _redraw(self) -> None:
        (left, right), (bottom, top) = self._plot.vb.viewRange()
        x, y = [], []
        for at in self._ticks("bottom", left, right, self._plot.vb.width()):
            x += [at, at]
            y += [bottom, top]
        for at in self._ticks("left", bottom, top, self._plot.vb.height()):
            x += [left, right]
            y += [at, at]
        self.setData(np.array(x), np.array(y))

    def _ticks(self, side: str, low: float, high: float, pixels: float) -> list[float]:
        levels = self._plot.getAxis(side).tickValues(low, high, pixels)
        return list(levels[0][1]) if levels else []
