"""The histogram of a counted decay on a logarithmic axis, the fit over it, and above what the fit leaves."""

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QComboBox, QPushButton, QVBoxLayout, QWidget

from trelscope.host.app import style
from trelscope.host.app.panels.counted_decay import CountedDecay
from trelscope.host.app.plots.plot import Plot, curve
from trelscope.host.units import format_si

Array = NDArray[np.float64]

US = 1e6
RESIDUALS = 5.0  # standard deviations that the plot of residuals shows
WIDEST = 256  # bins that are shown as one
PHOTONS, BARS = (
    100,
    64,
)  # bins are put together until one has so many photons, but no fewer bars than this are left
MOVED = 0.2  # part of the range by which the decay must have grown before the plot follows it


class CountedPlot(QWidget):
    """Shows what it is given; `bins` and `zoom` are for whoever lays them out, and act on this plot."""

    def __init__(self) -> None:
        super().__init__()
        self._found: CountedDecay | None = None
        self._expected: Array | None = None
        self._zoomed: tuple[float, float] | None = None
        self._bin = 0.0  # s, that the texts of `bins` are for
        self.together = 1  # bins that are shown as one
        self.bins = QComboBox()
        self.bins.setToolTip(
            "bins that are put together on the screen; the fit has the counted ones. auto: wider while photons are few"
        )
        self.bins.addItem("bins: auto", None)
        self.zoom = QPushButton("Zoom")
        self.zoom.setCheckable(True)
        self.zoom.setChecked(True)
        self.zoom.setToolTip("show the decay, from its beginning until it is lost in the dark")
        self.plot = Plot("Photons", "Time from the drive edge (µs)")
        item = self.plot.getPlotItem()
        item.setLogMode(y=True)
        item.setLimits(yMin=-1)  # a tenth of a photon: what is below, a fit makes
        self.bars = curve(self.plot, item, "light")
        self.line = curve(self.plot, item, "drive", Qt.PenStyle.DashLine)
        self.residuals = Plot("σ", "")
        self.residuals.getPlotItem().hideAxis("bottom")  # that of the histogram below
        self.residuals.getPlotItem().setYRange(-RESIDUALS, RESIDUALS)
        self.residuals.getPlotItem().getAxis("left").setTicks([[(-4, "−4"), (0, "0"), (4, "4")]])
        self.residuals.setXLink(self.plot)
        self.dots = curve(self.residuals, self.residuals.getPlotItem(), "light")
        self.residuals.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.residuals)
        column.addWidget(self.plot, 1)
        style.on_change(self.plot, self._restyle)
        self.bins.activated.connect(lambda _: self._draw())
        self.zoom.toggled.connect(lambda _: self._zoom_anew())

    def show_counts(self, found: CountedDecay | None) -> None:
        """Draw this histogram, or nothing."""
        self._found = found
        self.plot.show_values(found is not None)
        if found is None:
            self.bars.setData([], [])
            self._zoomed = None
            return
        self._name_bins(found)
        self._draw()

    def show_fit(self, expected: Array | None) -> None:
        """Draw what a fit expects of each counted bin, or nothing."""
        self._expected = expected
        if expected is None:
            self.line.setData([], [])
            self.dots.setData([], [])
        self.residuals.setVisible(expected is not None)
        self.residuals.show_values(expected is not None)
        self._draw()

    def _draw(self) -> None:
        found = self._found
        if found is None:
            return
        self._follow(found)
        chosen = self.bins.currentData()
        self.together = n = chosen or _together(found)
        self.bins.setItemText(0, f"bins auto: {format_si(_together(found) * self._bin, 's')}")
        counts = rebinned(found.counts, n)
        middle = (found.edges[:-1:n][: counts.size] + n * self._bin / 2) * US
        self.bars.setData(middle, np.maximum(counts, 0.5))
        if self._expected is None or self._expected.size != found.counts.size:
            return
        expected = rebinned(self._expected, n)
        self.line.setData(middle, np.maximum(expected, 1e-3))
        self.dots.setData(middle, (counts - expected) / np.sqrt(np.maximum(expected, 1.0)))

    def _name_bins(self, found: CountedDecay) -> None:
        width = found.bin
        if width == self._bin:
            return
        self._bin = width
        chosen = self.bins.currentData()
        while self.bins.count() > 1:
            self.bins.removeItem(1)
        for n in _factors():
            self.bins.addItem(f"bins of {format_si(n * width, 's')}", n)
        self.bins.setCurrentIndex(max(self.bins.findData(chosen), 0))

    def _zoom_anew(self) -> None:
        self._zoomed = None
        if not self.zoom.isChecked():
            self.plot.enableAutoRange(x=True)
        self._draw()

    def _follow(self, found: CountedDecay) -> None:
        """Show the decay, unless it is shown well enough."""
        if not self.zoom.isChecked():
            return
        left, right = found.span()
        if self._zoomed is not None:
            was = self._zoomed[1] - self._zoomed[0]
            if max(abs(left - self._zoomed[0]), abs(right - self._zoomed[1])) < MOVED * was:
                return
        self._zoomed = left, right
        self.plot.setXRange(left * US, right * US, padding=0)
        self.plot.getPlotItem().vb.setAutoVisible(y=True)
        self.plot.enableAutoRange(y=True)

    def _restyle(self, theme: style.Theme) -> None:
        self.residuals.setFixedHeight(style.pixels(44))
        self.line.setPen(pg.mkPen(theme.drive, width=2, style=Qt.PenStyle.DashLine))


def rebinned(values: Array, together: int) -> Array:
    """Sums over so many bins at a time; what is left over at the end is left out."""
    whole = values[: values.size // together * together]
    return np.asarray(whole.reshape(-1, together).sum(axis=1), np.float64)


def _factors() -> list[int]:
    return [1 << k for k in range(WIDEST.bit_length())]


def _together(found: CountedDecay) -> int:
    """How many bins are best put together: few photons need wide bins."""
    left, right = found.span()
    part = found.counts[(found.edges[:-1] >= left) & (found.edges[1:] <= right)]
    for n in _factors():
        if part.size // (2 * n) < BARS or rebinned(part, n).max() >= PHOTONS:
            return n
    return WIDEST
