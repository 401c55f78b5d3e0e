"""The map of pulse number against time: changes from pulse to pulse appear as a slope or a band."""

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from trelscope.host.app import style
from trelscope.host.app.plots.light import MV, PER_MS, US
from trelscope.host.app.plots.plot import Plot
from trelscope.host.app.session.snapshot import AverageData

EXTREMES = 0.5  # percent of the deviations, at either end, that may be off the scale


class PulseMap(QWidget):
    """Light as colour, or how far it is from the average. A row is a block of successive pulses, the newest on top."""

    def __init__(self) -> None:
        super().__init__()
        self._data: AverageData | None = None
        self.plot = Plot("Pulse", "Time from the drive edge (µs)")
        self.image = pg.ImageItem(axisOrder="row-major")
        self.plot.addItem(self.image)
        self.bar = pg.ColorBarItem(interactive=False, width=12, colorMap=pg.colormap.get("viridis"))
        self.bar.setImageItem(self.image, insert_in=self.plot.getPlotItem())
        self.deviation = QCheckBox("deviation from the average")
        self.deviation.setToolTip("what changes from pulse to pulse, without what all pulses have")
        self.deviation.toggled.connect(lambda _: self.show_data(self._data))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.plot, 1)
        column.addWidget(self.deviation, 0, Qt.AlignmentFlag.AlignRight)
        style.on_change(self.plot, self._restyle)

    def show_data(self, data: AverageData | None) -> None:
        """Draw the history of the average."""
        self._data = data
        rows = np.zeros((0, 0), np.float32) if data is None else data.history.map
        self.image.setVisible(rows.size > 0)
        self.bar.setVisible(rows.size > 0)
        self.plot.show_values(rows.size > 0)
        self.plot.getPlotItem().getAxis("left").enableAutoSIPrefix(rows.size > 0)
        if data is None or not rows.size:
            return
        settings, deviates = data.settings, self.deviation.isChecked()
        unit, name = (PER_MS, "1/ms") if settings.counting else (MV, "mV")
        shown = (rows - (rows.mean(axis=0) if deviates else data.measurements.baseline)) * unit
        what = f"Deviation ({name})" if deviates else f"Light ({name})"
        self.bar.setColorMap(pg.colormap.get("CET-D1" if deviates else "viridis"))
        self.bar.getAxis("right").setLabel(what, color=style.theme().dim)
        self.image.setImage(shown, autoLevels=False)
        self.bar.setLevels(_centred(shown) if deviates else _range(data, shown, unit))
        self.image.setRect(
            settings.window_start * US,
            0.0,
            settings.window_length * US,
            rows.shape[0] * data.history.row_pulses,
        )

    def _restyle(self, theme: style.Theme) -> None:
        axis = self.bar.getAxis("right")
        axis.enableAutoSIPrefix(False)
        axis.setTextPen(theme.dim)
        axis.setPen(theme.line)
        axis.setTickFont(style.plot_font())
        axis.label.setFont(style.plot_font())


def _range(data: AverageData, shown: NDArray[np.floating], unit: float) -> tuple[float, float]:
    m = data.measurements
    if m.top > m.baseline:
        return 0.0, (m.top - m.baseline) * unit
    return float(shown.min()), max(float(shown.max()), float(shown.min()) + 1e-9)


def _centred(shown: NDArray[np.floating]) -> tuple[float, float]:
    """As far up as down: what is white is as the average."""
    most = max(float(np.percentile(np.abs(shown), 100 - EXTREMES)), 1e-9)
    return -most, most
