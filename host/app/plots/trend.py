"""The selected quantity from block to block: against pulses, and as a histogram."""

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtWidgets import QHBoxLayout, QWidget

from trelscope.host.app import style
from trelscope.host.app.plots.error_trend import ErrorTrend
from trelscope.host.app.plots.plot import Plot, curve
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.measure.quantities import DEFINITIONS
from trelscope.host.units import prefix_for

Array = NDArray[np.float64]
MOST_BINS = 40


class Trend(QWidget):
    """The value of each block with its standard error, against the pulses so far, and a line at the average's value.

    Beside it: how the average's own standard error falls.
    """

    def __init__(self) -> None:
        super().__init__()
        self.plot = Plot("", "")
        item = self.plot.getPlotItem()
        self.errors = pg.ErrorBarItem(x=np.zeros(0), y=np.zeros(0))
        item.addItem(self.errors)
        self.points = curve(self.plot, item, "light")
        self.level = pg.InfiniteLine(angle=0)
        self.level.hide()
        item.addItem(self.level, ignoreBounds=True)
        self._single_point = False

        def restyle(theme: style.Theme) -> None:
            self.errors.setData(pen=pg.mkPen(theme.band))
            self.points.setSymbol("o")
            self.points.setSymbolSize(style.pixels(5))
            self.points.setSymbolBrush(theme.light)
            self.points.setSymbolPen(None)
            self.level.setPen(pg.mkPen(theme.drive))
            self.points.setPen(None)

        style.on_change(self.plot, restyle)
        self.error = ErrorTrend()
        _fill(self, self.plot, self.error)

    def show_data(self, data: AverageData | None, name: str) -> None:
        """Draw quantity `name`."""
        self.error.show_data(data, name)
        scale, unit = _scale(data, name)
        self.plot.setLabel("left", f"{DEFINITIONS[name].title} ({unit})")
        self.plot.setLabel("bottom", "Pulses; a point for each block")
        x, y, se = _known(data, name)
        y, se = y * scale, se * scale
        self.plot.show_values(x.size > 0)
        self.plot.getPlotItem().getAxis("bottom").enableAutoSIPrefix(x.size > 0)
        self.points.setData(x, y)
        self.errors.setVisible(x.size > 0)
        self.errors.setData(x=x, y=y, top=se, bottom=se)
        if x.size == 1:
            self._frame_single_point(x[0], y[0], se[0])
        elif self._single_point:
            self.plot.enableAutoRange()
        self._single_point = x.size == 1
        value = data.measurements.quantities()[name].value * scale if data else np.nan
        self.level.setVisible(x.size > 0 and bool(np.isfinite(value)))
        if np.isfinite(value):
            self.level.setValue(value)

    def _frame_single_point(self, x: float, y: float, se: float) -> None:
        """One point has no range: show it with its error, and with room for more points."""
        room = 4 * se or 0.01 * abs(y) or 1.0
        self.plot.setRange(xRange=(0, 2 * x), yRange=(y - room, y + room))


class Histogram(QWidget):
    """How often each value has occurred."""

    def __init__(self) -> None:
        super().__init__()
        self.plot = Plot("Blocks", "")
        self.bars = pg.PlotCurveItem(fillLevel=0.0)
        self.plot.addItem(self.bars)

        def restyle(theme: style.Theme) -> None:
            self.bars.setPen(pg.mkPen(theme.light))
            self.bars.setBrush(pg.mkBrush(theme.band))

        style.on_change(self.plot, restyle)
        _fill(self, self.plot)

    def show_data(self, data: AverageData | None, name: str) -> None:
        """Draw quantity `name`."""
        scale, unit = _scale(data, name)
        self.plot.setLabel("bottom", f"{DEFINITIONS[name].title} ({unit})")
        values = _known(data, name)[1] * scale
        self.bars.setVisible(values.size > 0)
        self.plot.show_values(values.size > 0)
        if values.size:
            bins = int(min(max(np.sqrt(values.size) * 2, 5), MOST_BINS))
            counts, edges = np.histogram(values, bins)
            self.bars.setData(edges, counts, stepMode="center")


def _known(data: AverageData | None, name: str) -> tuple[Array, Array, Array]:
    """Pulses, value and standard error of the blocks that gave quantity `name`."""
    if data is None:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    history = data.history
    known = np.isfinite(history.values[name])
    errors = np.nan_to_num(history.errors[name][known])
    return history.pulses[known], history.values[name][known], errors


def _scale(data: AverageData | None, name: str) -> tuple[float, str]:
    """Factor and unit with which the quantity is drawn."""
    if not DEFINITIONS[name].unit:
        return 100.0, "%"
    value = data.measurements.quantities()[name].value if data else 1e-6
    exponent, prefix = prefix_for(value if np.isfinite(value) else 1e-6)
    return 10.0**-exponent, f"{prefix}s"


def _fill(widget: QWidget, *plots: Plot) -> None:
    """The first one is the widest."""
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    for stretch, plot in zip((3, 2), plots, strict=False):
        row.addWidget(plot, stretch)
