"""The plots of the averaged light: drive, light, and both edges enlarged, against the time from the drive edge."""

import math
import time
from typing import Any

import pyqtgraph as pg
from PyQt6.QtCore import QPointF, Qt, pyqtSignal
from PyQt6.QtGui import QPaintEvent
from PyQt6.QtWidgets import QVBoxLayout

from trelscope.host.app import style
from trelscope.host.app.panels.panel import label
from trelscope.host.app.plots.downsample import Groups
from trelscope.host.app.plots.intervals import interval
from trelscope.host.app.plots.legend import Legend
from trelscope.host.app.plots.light import (
    DECADES,
    US,
    LightCurves,
    LightView,
    TimeScale,
    VerticalScale,
    reference_pen,
)
from trelscope.host.app.plots.line import NO_POINTS, Line, coloured
from trelscope.host.app.plots.plot import prepare, set_range
from trelscope.host.app.references import Reference
from trelscope.host.app.session.snapshot import AverageData, SessionState, Snapshot
from trelscope.host.app.style import Theme
from trelscope.host.report.axes import fixed_axes
from trelscope.host.settings import Settings

LIGHT_AXIS, COUNT_AXIS, STEP_AXIS = "Light (mV)", "Photons (1/ms)", "Light (% of its step)"
TIME_AXIS = "Time from the drive edge (µs)"
WAITING = {
    SessionState.OPENING: "opening",
    SessionState.RUNNING: "waiting for the first frame",
    SessionState.STOPPED: "stopped, nothing measured",
    SessionState.LOST: "",
    SessionState.FAILED: "",
}
# Pixels at a scale of 1 that docks leave to the plots, on whatever screen their layout was saved.
SMALLEST = 320, 240
ZOOM_BEFORE, ZOOM_AFTER = 0.5, 2.5  # shown before and after an edge, in units of response or fall


class Traces(pg.GraphicsLayoutWidget):
    """The wheel zooms and dragging moves the plots; a double click shows everything again."""

    drawn = pyqtSignal(float)
    """Emitted when data have been painted for the first time: seconds since their last frame came."""
    pointed = pyqtSignal(str)
    """Emitted with the time and the light under the pointer, "" when it has left the plots."""

    def __init__(self) -> None:
        super().__init__()
        style.on_change(self, lambda theme: self.setBackground(theme.panel))
        self.ci.layout.setContentsMargins(4, 4, 12, 4)
        self.ci.layout.setSpacing(2)
        self._legend = Legend()
        self.addItem(self._legend, row=0, col=0, colspan=2)
        self.scale, self.time = VerticalScale(), TimeScale()
        self.drive = self._plot(1, 0, 2, "Drive (V)")
        self.light = self._plot(2, 0, 2, LIGHT_AXIS, TIME_AXIS)
        self.rising = self._plot(3, 0, 1, LIGHT_AXIS, "Rising edge (µs)")
        self.falling = self._plot(3, 1, 1, "", "Falling edge (µs)")
        self.drive.setXLink(self.light)
        self.drive.setMouseEnabled(x=True, y=False)
        self.drive.getAxis("bottom").setStyle(showValues=False)
        for row, share in ((1, 2), (2, 7), (3, 4)):
            self.ci.layout.setRowStretchFactor(row, share)
        self.voltage = coloured(self, Line(self.drive), "drive", 1.0)
        self.whole = LightCurves(self, self.light, self.scale, self.time, True)
        self._edges = [
            LightCurves(self, plot, self.scale, TimeScale(), False)
            for plot in (self.rising, self.falling)
        ]
        self.mean, self.last = self.whole.mean, self.whole.last
        self.low, self.high = self.whole.low, self.whole.high
        self.interval = self.whole.interval
        self._values_shown, self._counting, self._normalised = True, False, False
        self._show_values(False)  # whether of volts or of photons is not known yet
        for plot in (self.light, self.rising, self.falling):
            plot.vb.sigRangeChangedManually.connect(self._hold)
            plot.vb.sigRangeChanged.connect(self._note_move)
            plot.vb.sigResized.connect(self._note_move)

        self._pointer: float | None = None  # us from the drive edge
        self.scene().sigMouseMoved.connect(self._point)
        self._notice = label(role="notice")
        self._notice.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._notice.setWordWrap(True)
        self._notice.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        over = QVBoxLayout(self)
        over.setContentsMargins(100, 0, 40, 0)
        over.addWidget(self._notice)

        self.view: LightView | None = None
        self._data: AverageData | None = None
        self._references: tuple[Reference, ...] = ()
        self._selected = ""
        self._window: tuple[float, float] | None = None
        self._volts: float | None = None
        self._moved = False
        self._held = False  # whether the user has chosen the ranges
        self._zoomed: tuple[float, ...] | None = (
            None  # what the ranges of the edges were chosen for
        )
        self._unpainted: float | None = None  # arrival of data that have not been painted
        style.on_change(self, self._restyle)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Draw the average; without data, say why there are none."""
        data = snapshot.data
        self._notice.setText("" if data else snapshot.message or WAITING[snapshot.state])
        if snapshot.settings is not None:
            self._fit(snapshot.settings)
        self._data = data
        if data is None:
            self.view = None
            for curves in (self.whole, *self._edges):
                curves.clear()
            self.voltage.draw(NO_POINTS, NO_POINTS)
            self._draw_references()
            return
        self._unpainted = data.arrived
        self.view = LightView.of(data, self._normalised)
        self._draw()

    def set_references(self, references: tuple[Reference, ...]) -> None:
        """Draw these references as well."""
        self._references = references
        self._restyle(style.theme())
        self._draw()

    def select(self, name: str) -> None:
        """Mark the interval that this quantity measures."""
        self._selected = name
        self._draw_interval()

    def set_log(self, log: bool) -> None:
        """Draw the light on a logarithmic axis, or on a linear one."""
        self.scale.log = log
        for plot in (self.light, self.rising, self.falling):
            plot.getAxis("left").setLogMode(y=log)
        self._held = False
        self._draw()

    def set_log_time(self, log: bool) -> None:
        """Draw the upper plots against the logarithm of the time: fast and slow devices in one picture."""
        self.time.log = log
        for plot in (self.light, self.drive):
            plot.getAxis("bottom").setLogMode(x=log)
        self.whole.zero.setVisible(not log)
        self.reset()

    def set_normalised(self, normalised: bool) -> None:
        """Draw the light in percent of its step, so that devices of other brightness can be compared."""
        self._normalised, self._held = normalised, False
        if self._data is not None:
            self.view = LightView.of(self._data, normalised)
        self._name_axis()
        self._draw()

    def reset(self) -> None:
        """Show everything."""
        self._held, self._zoomed = False, None
        if self._window is not None:
            start, length = self._window
            left, right = self.time(start * US), self.time((start + length) * US)
            self.light.setXRange(float(left), float(right), padding=0.01)
        self._draw()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint, and emit `drawn` if the data are new."""
        super().paintEvent(event)
        if self._unpainted is not None:
            arrived, self._unpainted = self._unpainted, None
            self.drawn.emit(time.perf_counter() - arrived)

    def mouseDoubleClickEvent(self, event: Any) -> None:
        """Show everything again."""
        self.reset()
        super().mouseDoubleClickEvent(event)

    def leaveEvent(self, event: Any) -> None:
        """Nothing is pointed at any more."""
        super().leaveEvent(event)
        self._pointer = None
        self._tell_pointer()

    # ------------------------------------------------------------------------------------ drawing

    def _plot(self, row: int, column: int, columns: int, left: str, bottom: str = "") -> Any:
        plot = self.addPlot(row=row, col=column, colspan=columns, axisItems=fixed_axes())
        return prepare(self, plot, left, bottom)

    def _draw(self) -> None:
        data, view = self._data, self.view
        self._moved = False
        if data is None or view is None:
            self._draw_references()
            return
        self._show_values(True)
        if self.scale.log:
            self.scale.floor = max(view.top, 1e-9) * 10.0**-DECADES
        self.whole.show(view)
        self._draw_drive(data, view)
        self._fit_zooms(data)
        for curves in self._edges:
            curves.show(view)
        self._draw_references()
        if not self._held:
            views = [view, *self._reference_views()]
            low, high = min(v.bottom for v in views), max(v.top for v in views)
            for plot in (self.light, self.rising, self.falling):
                set_range(plot, float(self.scale(low)), float(self.scale(high)))
        self._draw_interval()
        if self._pointer is not None:
            self._tell_pointer()

    def _draw_interval(self) -> None:
        data, view = self._data, self.view
        found = interval(self._selected, data, view) if data and view and self._selected else None
        for curves in (self.whole, *self._edges):
            if found is None or data is None:
                curves.interval.hide()
                continue
            start, end, height = found
            bottom, top = curves.plot.vb.viewRange()[1]
            if curves is self.whole:
                start, end = float(self.time(start)), float(self.time(end))
            curves.interval.place(start, end, float(self.scale(height)), (top - bottom) / 40)

    def _draw_drive(self, data: AverageData, view: LightView) -> None:
        drive, columns = data.drive, max(int(self.drive.vb.width()), 1)
        part = view.part(*self.time.range(self.drive))
        # Of the light, too, but peaks even of what is counted.
        t = drive.t[part] - view.zero
        groups = Groups.logarithmic(t, columns) if self.time.log else Groups.even(t.size, columns)
        self.voltage.draw(self.time(groups.instants(t) * US), groups.peaks(drive.y[part]))

    def _draw_references(self) -> None:
        for curves in (self.whole, *self._edges):
            curves.show_references()

    def _comparable(self) -> list[Reference]:
        """References in the unit of the axis: volts and photons cannot be compared."""
        if self._normalised:
            return list(self._references)
        return [each for each in self._references if each.data.settings.counting == self._counting]

    def _reference_views(self) -> list[LightView]:
        shown = self._comparable()
        return [each.normalised if self._normalised else each.view for each in shown]

    def _name_axis(self) -> None:
        """One unit for the light, in all plots of it."""
        axis = COUNT_AXIS if self._counting else LIGHT_AXIS
        if self._normalised:
            axis = STEP_AXIS
        for plot in (self.light, self.rising):
            plot.getAxis("left").setLabel(axis)
        self._restyle(style.theme())  # other references are comparable now

    def _restyle(self, theme: Theme) -> None:
        entries = [
            (theme.light, "━━", "average"),
            (theme.band, "██", "± 1 standard error"),
            (theme.faint, "──", "last frame"),
            (theme.drive, "━━", "drive"),
        ]
        comparable = self._comparable()
        for index, reference in enumerate(comparable):
            colour = reference_pen(theme, index).color().name()
            entries.append((colour, ("╍╍", "━·", "┅┅", "━··")[index % 4], reference.name))
        self._legend.show_entries(entries, theme.dim)
        self.setMinimumSize(*(style.pixels(least) for least in SMALLEST))
        for curves in (self.whole, *self._edges):
            curves.set_references(self._reference_views())

    def _show_values(self, visible: bool) -> None:
        if visible == self._values_shown:  # every change draws the axes anew
            return
        self._values_shown = visible
        for plot in (self.light, self.drive, self.rising, self.falling):
            plot.getAxis("left").setStyle(showValues=visible)
            if plot is not self.drive:
                plot.getAxis("bottom").setStyle(showValues=visible)

    def _fit(self, settings: Settings) -> None:
        """Show the whole window when it changes; otherwise keep the ranges that the user has chosen."""
        window = settings.window_start, settings.window_length
        first = (max(settings.window_start, 0.0) + settings.bin) * US
        if window != self._window or first != self.time.first:
            self._window, self.time.first = window, first
            self.reset()
        self.falling.setVisible(settings.window_start + settings.window_length > settings.width)
        if settings.counting != self._counting:
            self._counting = settings.counting
            self._name_axis()
        if settings.volts != self._volts:
            self._volts = settings.volts
            self._held = False
            self.drive.setYRange(0.0, 1.15 * settings.volts, padding=0.05)

    def _fit_zooms(self, data: AverageData) -> None:
        """Fit the lower plots to the edges; small changes of the measured times do not move them."""
        m = data.measurements
        width, first = data.settings.width, data.settings.window_start
        end = first + data.settings.window_length
        zooms = _rounded(m.response.value), _rounded(m.fall.value)
        if (*zooms, first, end, width) == self._zoomed or self._held:
            return
        self._zoomed = (*zooms, first, end, width)
        ends = (0.0, width)
        last = max(end, width)
        for plot, zoom, at in zip((self.rising, self.falling), zooms, ends, strict=True):
            zoom = zoom if math.isfinite(zoom) else width / 5
            left = max(at - ZOOM_BEFORE * zoom, first)
            most = min(width, end) if plot is self.rising else last
            right = min(at + ZOOM_AFTER * zoom, most)
            plot.setXRange(left * US, right * US, padding=0)

    def _point(self, at: QPointF) -> None:
        """Note the time that the pointer is at, in whichever plot of time it is."""
        plots = (self.light, self.rising, self.falling, self.drive)
        over = next((each for each in plots if each.vb.sceneBoundingRect().contains(at)), None)
        self._pointer = None
        if over is not None:
            x = over.vb.mapSceneToView(at).x()
            self._pointer = self.time.back(x) if over in (self.light, self.drive) else x
        self._tell_pointer()

    def _tell_pointer(self) -> None:
        t, view = self._pointer, self.view
        if t is None or view is None:
            self.pointed.emit("")
            return
        light, part = view.read(t)
        unit = "1/ms" if self._counting else "mV"
        words = f"{t:.4g} µs: {light:.4g} {'%' if self._normalised else unit}"
        if math.isfinite(part) and not self._normalised:
            words += f", {100 * part:.1f} % of the step"
        self.pointed.emit(words.replace("-", "\N{MINUS SIGN}"))

    def _hold(self, *_: object) -> None:
        self._held = True

    def _note_move(self, *_: object) -> None:
        self._moved = True

    def refresh(self) -> None:
        """Draw again if a plot shows another part of the trace now."""
        if self._moved:
            self._draw()


def _rounded(duration: float) -> float:
    """The duration rounded up to 1, 2 or 5 times a power of ten."""
    if not (math.isfinite(duration) and duration > 0):
        return math.nan
    power = 10.0 ** math.floor(math.log10(duration))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= duration)
