"""The averaged light in one plot: band, mean, last frame, references, markers."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QPen
from PyQt6.QtWidgets import QWidget

from trelscope.host.app import style
from trelscope.host.app.plots.downsample import instants, means, peaks
from trelscope.host.app.plots.line import NO_POINTS, Band, Line, coloured, filled, pen
from trelscope.host.app.plots.marker import Interval, Marker
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.app.style import Theme
from trelscope.host.measure.trace import Trace

Array = NDArray[np.float64]

US, MV, PER_MS = 1e6, 1e3, 1e-3
RANGE_POINTS = 5_000  # points that determine the range
DECADES = 4  # that a logarithmic axis shows below the top


@dataclass(frozen=True, eq=False)
class LightView:
    """Light as it is drawn: times in us from the drive edge, light above the dark level in mV, photons/ms or percent.

    The traces stay as they were averaged, and no more points are converted than are drawn.
    zero: time of the drive edge, s. dark: level in the dark, V. unit: factor from V to what is drawn.
    low, high: time and light where the light crosses the levels. levels: parts of the amplitude.
    bottom, top: range of the light.
    """

    light: Trace
    last_light: Trace
    zero: float
    dark: float
    unit: float
    low: tuple[float, float]
    high: tuple[float, float]
    levels: tuple[float, float]
    bottom: float
    top: float

    @classmethod
    def of(cls, data: AverageData, normalised: bool = False) -> "LightView":
        """The light of an average. normalised: in percent of the step from baseline to top, if there is one."""
        m, light = data.measurements, data.light
        unit = PER_MS if data.settings.counting else MV
        before = int(np.searchsorted(light.t, m.t0))
        dark = float(np.mean(light.y[:before])) if before else 0.0
        height = m.top - m.baseline
        if normalised and np.isfinite(height) and height:
            unit, dark = 100 / height, m.baseline
        # The range need not hold the single highest of a hundred thousand points.
        shown = light.y[:: max(light.y.size // RANGE_POINTS, 1)]

        def at(instant: float, level: float) -> tuple[float, float]:
            return (instant - m.t0) * US, (m.baseline + level * height - dark) * unit

        return cls(
            light=light,
            last_light=data.last_light,
            zero=m.t0,
            dark=dark,
            unit=unit,
            low=at(m.t_low, m.options.low),
            high=at(m.t_high, m.options.high),
            levels=(m.options.low, m.options.high),
            bottom=(float(shown.min()) - dark) * unit,
            top=(float(shown.max()) - dark) * unit,
        )

    @cached_property
    def t(self) -> Array:
        """(n,) us from the drive edge."""
        return (self.light.t - self.zero) * US

    @cached_property
    def mean(self) -> Array:
        """(n,) the average."""
        return (self.light.y - self.dark) * self.unit

    def part(self, left: float, right: float) -> slice:
        """Bins from `left` to `right`, us from the drive edge, and one on either side."""
        ends = self.zero + left / US, self.zero + right / US
        a, b = np.searchsorted(self.light.t, ends)
        return slice(max(int(a) - 1, 0), int(b) + 1)

    def instants(self, part: slice, columns: int) -> Array:
        """The times of the points that `peaks`, `last` and `band` return."""
        return (instants(self.light.t[part], columns) - self.zero) * US

    def peaks(self, part: slice, columns: int) -> Array:
        """Peaks of the average."""
        return (peaks(self.light.y[part], columns) - self.dark) * self.unit

    def last(self, part: slice, columns: int) -> Array:
        """Peaks of the last frame."""
        return (peaks(self.last_light.y[part], columns) - self.dark) * self.unit

    def band(self, part: slice, columns: int) -> tuple[Array, Array]:
        """The average less and plus its standard error."""
        middle = (means(self.light.y[part], columns) - self.dark) * self.unit
        error = np.nan_to_num(means(self.light.se[part], columns)) * self.unit
        return middle - error, middle + error


class VerticalScale:
    """A linear or a logarithmic vertical axis, which transforms what is drawn on it."""

    def __init__(self) -> None:
        self.log = False
        self.floor = 1.0

    def __call__(self, y: Any) -> Any:
        """The height at which y is drawn."""
        return np.log10(np.maximum(y, self.floor)) if self.log else y


class LightCurves:
    """Everything of the light in `plot`, drawn on a common `scale`."""

    def __init__(self, owner: QWidget, plot: Any, scale: VerticalScale, detailed: bool) -> None:
        """detailed: whether markers are labelled and the last frame is shown."""
        self.plot, self._scale, self._detailed = plot, scale, detailed
        self.last = coloured(owner, Line(plot), "faint")
        self._band = filled(owner, Band(plot), "band")
        self.references: list[Line] = []
        self._views: list[LightView] = []
        self.mean = coloured(owner, Line(plot), "light", 1.0)
        self.mean.setZValue(6)  # above the references
        self.low = Marker(owner, plot, "low")
        self.high = Marker(owner, plot, "high")
        self.interval = Interval(owner, plot)
        zero = pg.InfiniteLine(0.0)
        plot.addItem(zero, ignoreBounds=True)
        dotted = Qt.PenStyle.DotLine
        style.on_change(owner, lambda theme: zero.setPen(pg.mkPen(theme.faint, style=dotted)))

    def show(self, view: LightView) -> None:
        """Draw the part within the range of the plot, in twice as many points as the plot has columns."""
        scale, columns = self._scale, max(int(self.plot.vb.width()), 1)
        part = view.part(*self.plot.vb.viewRange()[0])
        t = view.instants(part, columns)
        if self._detailed:
            self.last.draw(t, scale(view.last(part, columns)))
        below, above = view.band(part, columns)
        self._band.draw(t, scale(below), scale(above))
        self.mean.draw(t, scale(view.peaks(part, columns)))
        levels = zip((self.low, self.high), (view.low, view.high), view.levels, strict=True)
        for marker, (at, height), level in levels:
            text = f"{100 * level:g} %" if self._detailed else ""
            marker.place(at, float(scale(height)), text)

    def show_references(self) -> None:
        """Draw the references as `show` draws the average."""
        columns = max(int(self.plot.vb.width()), 1)
        for line, view in zip(self.references, self._views, strict=True):
            part = view.part(*self.plot.vb.viewRange()[0])
            line.draw(view.instants(part, columns), self._scale(view.peaks(part, columns)))

    def set_references(self, views: list[LightView]) -> None:
        """Draw these references from now on."""
        for line in self.references:
            self.plot.removeItem(line)
        self.references, self._views = [], views
        for index, _ in enumerate(views):
            line = Line(self.plot)
            line.setZValue(5)
            line.setPen(reference_pen(style.theme(), index))
            self.references.append(line)
        self.show_references()

    def clear(self) -> None:
        """Draw no data except references."""
        for line in (self.mean, self.last):
            line.draw(NO_POINTS, NO_POINTS)
        self._band.draw(NO_POINTS, NO_POINTS, NO_POINTS)
        self.low.hide()
        self.high.hide()
        self.interval.hide()


def reference_pen(theme: Theme, index: int) -> QPen:
    """Colour and line style of the reference at `index`."""
    n = index % len(theme.references)
    return pen(theme.references[n], style.pixels(1), style.REFERENCE_LINES[n])
