"""The averaged light in one plot: band, mean, last frame, references, markers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QWidget

from host.app import style
from host.app.marker import Interval, Marker
from host.app.plots import curve
from host.app.snapshot import Data
from host.app.style import Theme
from host.app.thin import instants, means, peaks

Array = NDArray[np.float64]

US, MV, PER_MS = 1e6, 1e3, 1e-3
ENOUGH = 5_000  # points to take a range from
DECADES = 4  # below the top that a logarithmic axis shows


@dataclass(frozen=True, eq=False)
class View:
    """Light as it is drawn: t in us from the drive edge, the rest in mV or photons/ms above the dark level."""

    t: Array
    mean: Array
    se: Array
    last: Array
    low: tuple[float, float]
    high: tuple[float, float]
    levels: tuple[float, float]
    bottom: float
    top: float

    @classmethod
    def of(cls, data: Data) -> "View":
        """What a window draws of `data`."""
        m, light = data.measurements, data.light
        unit = PER_MS if data.settings.counting else MV
        t = (light.t - m.t0) * US
        dark = float(np.mean(light.y[t < 0])) if t[0] < 0 else 0.0
        height = m.top - m.baseline
        # What makes the range need not be the single highest point of a hundred thousand.
        shown = light.y[:: max(light.y.size // ENOUGH, 1)]

        def at(instant: float, level: float) -> tuple[float, float]:
            return (instant - m.t0) * US, (m.baseline + level * height - dark) * unit

        return cls(
            t=t,
            mean=(light.y - dark) * unit,
            se=np.nan_to_num(light.se) * unit,
            last=(data.last_light.y - dark) * unit,
            low=at(m.t_low, m.options.low),
            high=at(m.t_high, m.options.high),
            levels=(m.options.low, m.options.high),
            bottom=(float(shown.min()) - dark) * unit,
            top=(float(shown.max()) - dark) * unit,
        )


class Scale:
    """A linear or a logarithmic vertical axis: what is drawn is transformed here, not in every item."""

    def __init__(self) -> None:
        self.log = False
        self.floor = 1.0

    def __call__(self, y: Any) -> Any:
        """Where y is drawn."""
        return np.log10(np.maximum(y, self.floor)) if self.log else y


class LightCurves:
    """Everything of the light in `plot`, drawn on a common `scale`."""

    def __init__(self, owner: QWidget, plot: Any, scale: Scale, named: bool) -> None:
        """named: whether markers say what they are."""
        self.plot, self._owner, self._scale, self._named = plot, owner, scale, named
        self.last = curve(owner, plot, "faint")
        self._upper, self._lower = self._edge(), self._edge()
        self._band = pg.FillBetweenItem(self._upper, self._lower)
        style.follow(owner, lambda theme: self._band.setBrush(theme.band))
        plot.addItem(self._band, ignoreBounds=True)
        self.references: list[Any] = []
        self._views: list[View] = []
        self.mean = curve(owner, plot, "light")
        for item in (self.last, self.mean):
            _draw_as_given(item)
        self.low = Marker(owner, plot, "low")
        self.high = Marker(owner, plot, "high")
        self.interval = Interval(owner, plot)
        zero = pg.InfiniteLine(0.0)
        plot.addItem(zero, ignoreBounds=True)
        dotted = Qt.PenStyle.DotLine
        style.follow(owner, lambda theme: zero.setPen(pg.mkPen(theme.faint, style=dotted)))

    def show(self, view: View) -> None:
        """Draw what of it is within the plot's range, in as many points as the plot has columns twice."""
        scale, columns = self._scale, max(int(self.plot.vb.width()), 1)
        part = self._within(view.t)
        t = instants(view.t[part], columns)
        mean, se = means(view.mean[part], columns), means(view.se[part], columns)
        self.last.setData(t, scale(peaks(view.last[part], columns)))
        self._upper.setData(t, scale(mean + se))
        self._lower.setData(t, scale(mean - se))
        self.mean.setData(t, scale(peaks(view.mean[part], columns)))
        self._band.setVisible(True)
        for item, reference in zip(self.references, self._views, strict=True):
            part = self._within(reference.t)
            shown = scale(peaks(reference.mean[part], columns))
            item.setData(instants(reference.t[part], columns), shown)
        levels = zip((self.low, self.high), (view.low, view.high), view.levels, strict=True)
        for marker, (at, height), level in levels:
            words = f"{100 * level:g} %" if self._named else ""
            marker.place(at, float(scale(height)), words)

    def set_references(self, views: list[View]) -> None:
        """Draw these besides."""
        for item in self.references:
            self.plot.removeItem(item)
        self.references, self._views = [], views
        for index, view in enumerate(views):
            item = self.plot.plot(view.t, self._scale(view.mean))
            _draw_as_given(item)
            item.setZValue(5)
            self.references.append(item)
            item.setPen(reference_pen(style.theme(), index))

    def clear(self) -> None:
        """Draw no data."""
        for item in (self.mean, self.last, self._upper, self._lower):
            item.setData([], [])
        self._band.setVisible(False)
        self.low.hide()
        self.high.hide()
        self.interval.hide()

    def _edge(self) -> Any:
        """An edge of the band around the mean."""
        edge = curve(self._owner, self.plot, "band")
        _draw_as_given(edge)
        return edge

    def _within(self, t: Array) -> slice:
        """Bins within the plot's range, and one on either side."""
        left, right = self.plot.vb.viewRange()[0]
        a, b = np.searchsorted(t, (left, right))
        return slice(max(int(a) - 1, 0), int(b) + 1)


def _draw_as_given(item: Any) -> None:
    """What is thinned out here, for several items at once, need not be looked at again."""
    item.setDownsampling(auto=False)
    item.setClipToView(False)


def reference_pen(theme: Theme, index: int) -> Any:
    """Of the reference at `index`: colour and line style."""
    n = index % len(theme.references)
    return pg.mkPen(theme.references[n], width=1, style=style.REFERENCE_LINES[n])
