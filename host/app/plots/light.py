"""The averaged light in one plot: band, mean, last frame, references, markers."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QPen
from PyQt6.QtWidgets import QWidget

from trelscope.host.app import source, style
from trelscope.host.app.plots.downsample import Groups
from trelscope.host.app.plots.line import NO_POINTS, Band, Line, coloured, filled, pen
from trelscope.host.app.plots.marker import Form, Interval, Marker
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.app.style import Theme
from trelscope.host.measure.trace import Trace

Array = NDArray[np.float64]

US, MV, PER_MS = 1e6, 1e3, 1e-3
RANGE_POINTS = 5_000  # points that determine the range
NOWHERE = math.nan, math.nan  # where a sample that is excited crosses levels: it has no step
EARLY = 50e-9  # s before the edge of the gate within which a laser pulse may already have come
COLUMNS = 125  # over which the range of what is counted is found
DECADES = 4  # that a logarithmic axis shows below the top


@dataclass(frozen=True, eq=False)
class LightView:
    """Light as it is drawn: times in us from the drive edge, light above the dark level in mV, photons/ms or percent.

    The traces stay as they were averaged, and no more points are converted than are drawn.
    counted: the light is photons, of which bins hold few: what is drawn is their mean over a column of the screen.
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
    counted: bool = False

    @classmethod
    def of(cls, data: AverageData, normalised: bool = False) -> "LightView":
        """The light of an average. normalised: in percent of the step from baseline to top, if there is one."""
        m, light, excited = data.measurements, data.light, source.is_excited(data.source)
        unit = PER_MS if data.settings.counting else MV
        before = int(np.searchsorted(light.t, m.t0 - (EARLY if excited else 0.0)))
        dark = float(np.mean(light.y[:before])) if before else 0.0
        height = m.top - m.baseline
        if normalised and np.isfinite(height) and height:
            unit, dark = 100 / height, m.baseline
        # The range need not hold the single highest of a hundred thousand points.
        shown = light.y[:: max(light.y.size // RANGE_POINTS, 1)]
        if data.settings.counting:
            shown = Groups.even(light.y.size, COLUMNS).means(light.y)

        def at(instant: float, level: float) -> tuple[float, float]:
            return (instant - m.t0) * US, (m.baseline + level * height - dark) * unit

        return cls(
            light=light,
            last_light=data.last_light,
            zero=m.t0,
            dark=dark,
            unit=unit,
            low=NOWHERE if excited else at(m.t_low, m.options.low),
            high=NOWHERE if excited else at(m.t_high, m.options.high),
            levels=(m.options.low, m.options.high),
            bottom=(float(shown.min()) - dark) * unit,
            top=(float(shown.max()) - dark) * unit,
            counted=data.settings.counting,
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

    def read(self, t: float) -> tuple[float, float]:
        """The average at t, us from the drive edge, and its part of the step from baseline to top; nan: unknown."""
        if not self.light.t.size:
            return math.nan, math.nan
        bins = self.light.t - self.zero
        nearest = int(np.clip(np.searchsorted(bins, t / US), 1, bins.size - 1))
        nearest -= int(t / US - bins[nearest - 1] < bins[nearest] - t / US)
        y = float((self.light.y[nearest] - self.dark) * self.unit)
        (low, high), (bottom, top) = self.levels, (self.low[1], self.high[1])
        return y, low + (y - bottom) / (top - bottom) * (high - low) if top != bottom else math.nan

    def groups(self, part: slice, columns: int, log: bool = False) -> Groups:
        """Bins of the part, to be drawn in so many columns; of what is counted in fewer, so that each holds more."""
        columns = max(columns // 4, 1) if self.counted else columns
        t = self.light.t[part]
        return Groups.logarithmic(t - self.zero, columns) if log else Groups.even(t.size, columns)

    def instants(self, part: slice, groups: Groups) -> Array:
        """The times of the points that `peaks`, `last` and `band` return."""
        return (groups.instants(self.light.t[part]) - self.zero) * US

    def peaks(self, part: slice, groups: Groups) -> Array:
        """Peaks of the average, or means of what is counted."""
        return self._drawn(self.light.y[part], groups)

    def last(self, part: slice, groups: Groups) -> Array:
        """The last frame alike."""
        return self._drawn(self.last_light.y[part], groups)

    def band(self, part: slice, groups: Groups) -> tuple[Array, Array]:
        """The average less and plus its standard error."""
        middle = (groups.means(self.light.y[part]) - self.dark) * self.unit
        se = np.nan_to_num(self.light.se[part])
        error = groups.means(se)
        if self.counted:  # the error of the mean that is drawn
            each = groups.means(se**2)
            error = np.sqrt(each / np.repeat(groups.sizes, each.size // groups.sizes.size))
        return middle - error * self.unit, middle + error * self.unit

    def _drawn(self, y: Array, groups: Groups) -> Array:
        return ((groups.means(y) if self.counted else groups.peaks(y)) - self.dark) * self.unit


class TimeScale:
    """A linear or a logarithmic axis of time, in us from the drive edge."""

    def __init__(self) -> None:
        self.log = False
        self.first = 1e-3  # us, of the earliest bin after the edge: where a logarithmic axis begins

    def __call__(self, t: Any) -> Any:
        """Where t is drawn."""
        return np.log10(np.maximum(t, self.first)) if self.log else t

    def back(self, x: float) -> float:
        """What is drawn at x."""
        return 10.0**x if self.log else x

    def range(self, plot: Any) -> tuple[float, float]:
        """What the plot shows, in us."""
        left, right = plot.vb.viewRange()[0]
        return self.back(left), self.back(right)


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

    def __init__(
        self, owner: QWidget, plot: Any, scale: VerticalScale, time: TimeScale, detailed: bool
    ) -> None:
        """detailed: whether markers are labelled and the last frame is shown."""
        self.plot, self._scale, self._time, self._detailed = plot, scale, time, detailed
        self.last = coloured(owner, Line(plot), "faint")
        self._band = filled(owner, Band(plot), "band")
        self.references: list[Line] = []
        self._views: list[LightView] = []
        self.mean = coloured(owner, Line(plot), "light", 1.0)
        self.mean.setZValue(6)  # above the references
        self.low = Marker(owner, plot, "low", Form.ROUND)
        self.high = Marker(owner, plot, "high", Form.SQUARE)
        self.interval = Interval(owner, plot)
        self.zero = zero = pg.InfiniteLine(0.0)
        plot.addItem(zero, ignoreBounds=True)
        dotted = Qt.PenStyle.DotLine
        style.on_change(owner, lambda theme: zero.setPen(pg.mkPen(theme.faint, style=dotted)))

    def show(self, view: LightView) -> None:
        """Draw the part within the range of the plot, in twice as many points as the plot has columns."""
        scale, time, columns = self._scale, self._time, max(int(self.plot.vb.width()), 1)
        part = view.part(*time.range(self.plot))
        groups = view.groups(part, columns, time.log)
        t = time(view.instants(part, groups))
        if self._detailed:
            self.last.draw(t, scale(view.last(part, groups)))
        below, above = view.band(part, groups)
        self._band.draw(t, scale(below), scale(above))
        self.mean.draw(t, scale(view.peaks(part, groups)))
        levels = zip((self.low, self.high), (view.low, view.high), view.levels, strict=True)
        for marker, (at, height), level in levels:
            text = f"{100 * level:g} %" if self._detailed else ""
            marker.place(float(time(at)), float(scale(height)), text)

    def show_references(self) -> None:
        """Draw the references as `show` draws the average."""
        columns = max(int(self.plot.vb.width()), 1)
        for line, view in zip(self.references, self._views, strict=True):
            part = view.part(*self._time.range(self.plot))
            groups = view.groups(part, columns, self._time.log)
            t = self._time(view.instants(part, groups))
            line.draw(t, self._scale(view.peaks(part, groups)))

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
