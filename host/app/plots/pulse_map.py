"""The map of pulse number against time: changes from pulse to pulse appear as a slope or a band."""

import numpy as np
import pyqtgraph as pg
from PyQt6.QtWidgets import QHBoxLayout, QWidget

from trelscope.host.app.plots.light import US
from trelscope.host.app.plots.plot import Plot
from trelscope.host.app.session.snapshot import AverageData


class PulseMap(QWidget):
    """Light as colour. A row is a block of successive pulses, with the newest on top."""

    def __init__(self) -> None:
        super().__init__()
        self.plot = Plot("Pulse", "Time from the drive edge (µs)")
        self.image = pg.ImageItem(axisOrder="row-major")
        self.image.setColorMap(pg.colormap.get("viridis"))
        self.plot.addItem(self.image)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.plot)

    def show_data(self, data: AverageData | None) -> None:
        """Draw the history of the average."""
        rows = np.zeros((0, 0), np.float32) if data is None else data.history.map
        self.image.setVisible(rows.size > 0)
        self.plot.show_values(rows.size > 0)
        self.plot.getPlotItem().getAxis("left").enableAutoSIPrefix(rows.size > 0)
        if data is None or not rows.size:
            return
        m, settings = data.measurements, data.settings
        self.image.setImage(rows, levels=(m.baseline, m.top) if m.top > m.baseline else None)
        self.image.setRect(
            settings.window_start * US,
            0.0,
            settings.window_length * US,
            rows.shape[0] * data.history.row_pulses,
        )
