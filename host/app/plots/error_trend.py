"""How the standard error of an average falls with the number of its pulses."""

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import Qt

from trelscope.host.app import style
from trelscope.host.app.plots.plot import Plot, curve
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.measure.quantities import DEFINITIONS
from trelscope.host.units import prefix_for

TIP = (
    "line with dots: the standard error of the average; dashed: as 1/√pulses, to which it falls in the end;"
    " dotted: the Cramér–Rao bound, below which nobody can come who knows no more than the shape of the light"
)


class ErrorTrend(Plot):
    """Both axes are logarithmic: what falls as 1/sqrt(pulses) is a straight line."""

    def __init__(self) -> None:
        super().__init__("", "Pulses")
        self.setToolTip(TIP)
        item = self.getPlotItem()
        item.setLogMode(x=True, y=True)
        item.setMouseEnabled(x=False, y=False)
        self.errors = curve(self, item, "light")
        self.ideal = curve(self, item, "drive", Qt.PenStyle.DashLine)
        self.bound = curve(self, item, "text", Qt.PenStyle.DotLine)
        style.on_change(self, self._restyle)

    def show_data(self, data: AverageData | None, name: str) -> None:
        """Draw quantity `name`."""
        course, unit = (data.course if data else None), DEFINITIONS[name].unit
        empty = np.zeros(0)
        pulses = course.pulses if course else empty
        se = course.errors.get(name, empty) if course else empty
        known = se > 0
        pulses, se = pulses[known], se[known]
        bounds = course.bounds.get(name, empty)[known] if course and known.size else empty
        self.show_values(pulses.size > 1)
        exponent, prefix = prefix_for(float(se[-1])) if unit and se.size else (-2 * (not unit), "")
        scale = 10.0**-exponent
        self.getPlotItem().setLabel("left", f"Error ({prefix}s)" if unit else "Error (%)")
        if pulses.size < 2:
            pulses = se = bounds = empty
        self.errors.setData(pulses, se * scale)
        held = bounds > 0
        self.bound.setData(pulses[held], bounds[held] * scale)
        ends = pulses[[0, -1]] if pulses.size else empty
        self.ideal.setData(ends, se[-1] * scale * np.sqrt(ends[-1] / ends) if ends.size else empty)

    def _restyle(self, theme: style.Theme) -> None:
        self.errors.setSymbol("o")
        self.errors.setSymbolSize(style.pixels(3))
        self.errors.setSymbolBrush(theme.light)
        self.errors.setSymbolPen(None)
        for line, colour, form in (
            (self.ideal, theme.drive, Qt.PenStyle.DashLine),
            (self.bound, theme.text, Qt.PenStyle.DotLine),
        ):
            line.setPen(pg.mkPen(colour, width=style.pixels(1), style=form))
