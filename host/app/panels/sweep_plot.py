"""The plot of a sweep: the selected quantity against the swept value."""

import numpy as np
import pyqtgraph as pg

from trelscope.host.acquisition import sweep
from trelscope.host.acquisition.sweep import Axis, Point, Sweep
from trelscope.host.app import style
from trelscope.host.app.conditions import AXES
from trelscope.host.app.plots.plot import Plot, curve
from trelscope.host.measure.quantities import DEFINITIONS

US = 1e6


class SweepPlot(Plot):
    """A point with its standard error for each value that has been captured."""

    def __init__(self) -> None:
        super().__init__("", "Voltage (V)")
        self.curve = curve(self, self.getPlotItem(), "light")
        self.errors = pg.ErrorBarItem(x=np.zeros(0), y=np.zeros(0), beam=0.0)
        self.addItem(self.errors)
        style.on_change(self, self._restyle)

    def show_quantity(self, name: str) -> None:
        """Label the axis for quantity `name`."""
        definition = DEFINITIONS[name]
        unit = "µs" if definition.unit else "%"
        self.getPlotItem().setLabel("left", f"{definition.title} ({unit})")

    def show_points(self, swept: Sweep, points: list[Point], name: str) -> None:
        """Draw quantity `name` of the points, in the order of their values."""
        item = self.getPlotItem()
        device = swept.axis is Axis.DEVICE
        captured = [(p, p.recording) for p in points if p.recording is not None]
        values = [recording.measurements.quantities()[name] for _, recording in captured]
        scale = US if DEFINITIONS[name].unit else 100.0
        x = np.array([float(p.index) if device else float(p.value) for p, _ in captured])
        y = np.array([q.value for q in values]) * scale
        se = np.nan_to_num(np.array([q.se for q in values])) * scale
        known = np.isfinite(y)
        x, y, se = x[known], y[known], se[known]
        self.curve.setData(x, y)
        self.errors.setVisible(x.size > 0)
        self.show_values(x.size > 0)
        self.errors.setData(x=x, y=y, top=se, bottom=se)
        unit = sweep.UNITS[swept.axis]
        of = "" if device else f", {swept.source.removeprefix('emulator:')}"
        item.setLabel("bottom", AXES[swept.axis] + f" ({unit})" * bool(unit) + of)
        names = [str(value).removeprefix("emulator:") for value in swept.values]
        item.getAxis("bottom").setTicks([list(enumerate(names))] if device else None)

    def _restyle(self, theme: style.Theme) -> None:
        self.curve.setSymbol("o")
        self.curve.setSymbolSize(style.pixels(7))
        self.curve.setSymbolBrush(theme.light)
        self.curve.setSymbolPen(None)
        self.errors.setData(pen=pg.mkPen(theme.text, width=2))
