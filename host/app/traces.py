"""The averaged light over the drive, against the time from the drive edge."""

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QVBoxLayout

from host.app import style
from host.app.grid import Grid
from host.app.marker import Marker
from host.app.panel import label
from host.app.snapshot import Snapshot, State
from host.settings import Settings

US, MV, PER_MS = 1e6, 1e3, 1e-3
LIGHT_AXIS, COUNT_AXIS = "Light above dark level (mV)", "Photons above dark level (1/ms)"
AXIS_WIDTH = 62  # pixels; the same for both plots, so that their time axes are in line
WAITING = {
    State.OPENING: "opening",
    State.RUNNING: "waiting for the first frame",
    State.STOPPED: "stopped, nothing measured",
    State.FAILED: "",
}
LEGEND = "&nbsp;&nbsp;&nbsp;&nbsp;".join(
    f'<span style="color: {colour}">━━</span> {name}'
    for colour, name in (
        (style.LIGHT, "average"),
        (style.BAND, "± 1 standard error"),
        (style.FAINT, "last frame"),
        (style.DRIVE, "drive"),
    )
)
DOTTED = Qt.PenStyle.DotLine


class Traces(pg.GraphicsLayoutWidget):
    """Light above, drive below, on one time axis. Wheel and drag zoom; a double click resets."""

    def __init__(self) -> None:
        super().__init__()
        self.setBackground(style.PANEL)
        self.ci.layout.setContentsMargins(4, 8, 12, 4)
        self.ci.layout.setSpacing(4)
        self.addLabel(LEGEND, row=0, col=0, size="9pt", color=style.DIM, justify="right")
        self.light = self._plot(1, LIGHT_AXIS)
        self.drive = self._plot(2, "Drive (V)")
        self.drive.setXLink(self.light)
        self.drive.setLabel("bottom", "Time from the drive edge (µs)")
        self.drive.setMouseEnabled(x=True, y=False)
        self._show_values(False)  # of what, one does not know yet
        self.light.getAxis("bottom").setStyle(showValues=False)
        self.ci.layout.setRowStretchFactor(1, 4)
        self.ci.layout.setRowStretchFactor(2, 1)

        faint = pg.mkPen(style.FAINT, width=1)
        self.last = self.light.plot(pen=faint)
        self._upper, self._lower = self._edge(), self._edge()
        self._band = pg.FillBetweenItem(self._upper, self._lower, brush=style.BAND)
        self.light.addItem(self._band, ignoreBounds=True)
        self.mean = self.light.plot(pen=pg.mkPen(style.LIGHT, width=1))
        self.voltage = self.drive.plot(pen=pg.mkPen(style.DRIVE, width=1))
        self.low = Marker(self.light, "10 %", style.LOW)
        self.high = Marker(self.light, "90 %", style.HIGH)
        for plot in (self.light, self.drive):
            plot.addItem(pg.InfiniteLine(0.0, pen=pg.mkPen(style.FAINT, style=DOTTED)))
        self._notice = label(role="notice")
        self._notice.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._notice.setWordWrap(True)
        self._notice.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        over = QVBoxLayout(self)
        over.setContentsMargins(AXIS_WIDTH + 40, 0, 40, 0)
        over.addWidget(self._notice)
        self._window: tuple[float, float] | None = None
        self._volts: float | None = None

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Draw an acquisition as it stands; without data, say why there are none."""
        data = snapshot.data
        self._notice.setText("" if data else snapshot.words or WAITING[snapshot.state])
        self._band.setVisible(data is not None)
        if snapshot.settings is not None:
            self._fit(snapshot.settings)
        if data is None:
            for curve in (self.mean, self.last, self._upper, self._lower, self.voltage):
                curve.setData([], [])
            self.low.hide()
            self.high.hide()
            return
        self._show_values(True)
        m, light, se = data.measurements, data.light, np.nan_to_num(data.light.se)
        t = (light.t - m.t0) * US
        dark = dark_level(light.y, t)
        unit = PER_MS if data.settings.counting else MV
        mean = (light.y - dark) * unit
        self.last.setData(t, (data.last_light.y - dark) * unit)
        self._upper.setData(t, mean + se * unit)
        self._lower.setData(t, mean - se * unit)
        self.mean.setData(t, mean)
        self.voltage.setData((data.drive.t - m.t0) * US, data.drive.y)
        for marker, at, level in ((self.low, m.t_low, 0.1), (self.high, m.t_high, 0.9)):
            height = m.baseline + level * (m.top - m.baseline) - dark
            marker.place((at - m.t0) * US, height * unit)

    def _plot(self, row: int, name: str) -> Any:
        plot = self.addPlot(row=row, col=0)
        plot.setLabel("left", name)
        plot.setDownsampling(auto=True, mode="peak")
        plot.setClipToView(True)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        for side in ("left", "bottom"):
            axis = plot.getAxis(side)
            axis.enableAutoSIPrefix(False)
            axis.setPen(style.LINE)
            axis.setTextPen(style.DIM)
        plot.getAxis("left").setWidth(AXIS_WIDTH)
        Grid(plot)
        return plot

    def _edge(self) -> Any:
        """An edge of the band around the mean."""
        edge = self.light.plot(pen=pg.mkPen(style.BAND, width=1))
        edge.setDownsampling(method="mean")  # peaks would make an outline that is slow to fill
        return edge

    def _show_values(self, visible: bool) -> None:
        for axis in (
            self.light.getAxis("left"),
            self.drive.getAxis("left"),
            self.drive.getAxis("bottom"),
        ):
            axis.setStyle(showValues=visible)

    def _fit(self, settings: Settings) -> None:
        """Show the whole window when it changes; the user's zoom holds otherwise."""
        window = settings.window_start, settings.window_length
        if window != self._window:
            self._window = window
            self.reset()
        self.light.getAxis("left").setLabel(COUNT_AXIS if settings.counting else LIGHT_AXIS)
        if settings.volts != self._volts:
            self._volts = settings.volts
            self.light.enableAutoRange(y=True)
            self.drive.setYRange(0.0, 1.15 * settings.volts, padding=0.05)

    def reset(self) -> None:
        """Back to the whole window."""
        if self._window is None:
            return
        start, length = self._window
        self.light.setXRange(start * US, (start + length) * US, padding=0.01)
        self.light.enableAutoRange(y=True)

    def mouseDoubleClickEvent(self, event: Any) -> None:
        """Reset the zoom."""
        self.reset()
        super().mouseDoubleClickEvent(event)


def dark_level(y: NDArray[np.float64], t: NDArray[np.float64]) -> float:
    """V: mean before the drive edge."""
    return float(np.mean(y[t < 0])) if t[0] < 0 else 0.0
