"""Plots in the style of the window: thin opaque pens; peaks stay visible when there are more points than pixels."""

from typing import Any

import pyqtgraph as pg
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QWidget

from trelscope.host.app import style
from trelscope.host.app.plots.grid import Grid
from trelscope.host.app.plots.line import pen
from trelscope.host.app.style import Theme
from trelscope.host.report.axes import fixed_axes

AXIS_WIDTH = 58  # pixels at a scale of 1; the same for all plots of a view, so that their time axes are in line
# Part of an axis that the texts of its ticks may fill at most, by the number of texts.
TEXT_ROOM = [(0, 0.8), (2, 0.45), (4, 0.35), (6, 0.2)]
SOLID = Qt.PenStyle.SolidLine


def prepare(owner: QWidget, plot: Any, left: str = "", bottom: str = "") -> Any:
    """Give `plot`, a PlotItem with `fixed_axes`, the window's style; it follows changes while `owner` exists."""
    plot.setDownsampling(auto=True, mode="peak")
    plot.setClipToView(True)
    plot.setMenuEnabled(False)
    plot.hideButtons()
    plot.setLabel("left", left)
    if bottom:
        plot.setLabel("bottom", bottom)
    grid = Grid(plot)

    def restyle(theme: Theme) -> None:
        font = style.plot_font()
        for side in ("left", "bottom"):
            axis = plot.getAxis(side)
            axis.setPen(theme.line)
            axis.setTextPen(theme.dim)
            axis.setTickFont(font)
            axis.setStyle(tickTextOffset=4, textFillLimits=TEXT_ROOM)
            axis.label.setFont(font)
        plot.getAxis("left").setWidth(style.pixels(AXIS_WIDTH))
        grid.setPen(pen(theme.grid))

    style.on_change(owner, restyle)
    return plot


def curve(owner: QWidget, plot: Any, colour: str, line: Qt.PenStyle = SOLID) -> Any:
    """A line in the theme's `colour`."""
    made = plot.plot()
    style.on_change(owner, lambda theme: made.setPen(pg.mkPen(getattr(theme, colour), style=line)))
    return made


class Plot(pg.PlotWidget):
    """One plot that fills its widget; the numbers at its axes appear with `show_values`."""

    def __init__(self, left: str, bottom: str) -> None:
        super().__init__(axisItems=fixed_axes())
        self._values_shown = True
        style.on_change(self, lambda theme: self.setBackground(theme.panel))
        prepare(self, self.getPlotItem(), left, bottom)
        self.getPlotItem().layout.setContentsMargins(4, 8, 12, 2)
        self.show_values(False)

    def show_values(self, visible: bool) -> None:
        """Show or hide the numbers at the axes: without data they would mean nothing."""
        if visible == self._values_shown:  # every change draws the axes anew
            return
        self._values_shown = visible
        for side in ("left", "bottom"):
            self.getPlotItem().getAxis(side).setStyle(showValues=visible)


def set_range(plot: Any, low: float, high: float) -> None:
    """Give the vertical axis a range that holds `low` to `high`, unless the present one does so well enough."""
    span = high - low
    if not span > 0:
        return
    below, above = plot.vb.viewRange()[1]
    fits = below <= low - 0.02 * span and high + 0.02 * span <= above
    if not fits or above - below > 1.35 * span:
        plot.setYRange(low - 0.06 * span, high + 0.08 * span, padding=0)
