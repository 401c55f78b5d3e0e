"""A capture as a PNG, drawn off screen."""

import math
from pathlib import Path

import pyqtgraph as pg
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication

from trelscope.host.acquisition.recording import Recording
from trelscope.host.files import formats, pictures
from trelscope.host.report.axes import fixed_axes
from trelscope.host.units import format_with_error

SIZE = (1200, 720)  # pixels
LIGHT, DRIVE, MARK = "#0072B2", "#D55E00", "#555555"  # Okabe–Ito, and grey


def write_png(capture: Recording, path: Path) -> None:
    """Draw drive and light over time, with the marked crossings, to `path`. Needs no display. Raises FileError."""
    app = QApplication.instance() or QApplication(["trelscope", "-platform", "offscreen"])
    figure = pg.GraphicsLayoutWidget(size=SIZE)
    figure.setBackground("w")
    m = capture.measurements
    response = format_with_error(m.response.value, m.response.se, "s")
    title = (
        f"{capture.source} · {capture.settings.volts:g} V · {m.pulses} pulses · response {response}"
    )
    drive = figure.addPlot(
        row=0, col=0, axisItems=fixed_axes(), title=f'<span style="color: black">{title}</span>'
    )
    light = figure.addPlot(row=1, col=0, axisItems=fixed_axes())
    light.setXLink(drive)
    figure.ci.layout.setRowStretchFactor(1, 3)
    counting = capture.settings.counting
    light_axis = ("Photons", "1/ms", 1e-3) if counting else ("Light", "mV", 1e3)
    for plot, trace, name, unit, scale, colour in (
        (drive, capture.drive, "Drive", "V", 1.0, DRIVE),
        (light, capture.light, *light_axis, LIGHT),
    ):
        plot.plot((trace.t - m.t0) * 1e6, trace.y * scale, pen=pg.mkPen(colour, width=1))
        plot.setLabel("left", f"{name} ({unit})")
        plot.showGrid(x=True, y=True, alpha=0.2)
        for edge in ("left", "bottom"):
            axis = plot.getAxis(edge)
            axis.setPen("k")
            axis.setTextPen("k")
        plot.getAxis("left").setWidth(60)
    light.setLabel("bottom", "Time from the drive edge (µs)")
    # Each label on the outer side of its line: a fast device's two lines are close together.
    for at, label, side in ((m.t_low, "10 %", 1.0), (m.t_high, "90 %", 0.0)):
        if math.isfinite(at):
            options = {"color": MARK, "position": 0.5, "anchors": [(side, 0.5)] * 2}
            pen = pg.mkPen(MARK, style=Qt.PenStyle.DashLine)
            line = pg.InfiniteLine((at - m.t0) * 1e6, pen=pen, label=label, labelOpts=options)
            light.addItem(line)
    figure.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    figure.show()
    app.processEvents()
    content = pictures.png(figure.grab())
    figure.close()
    formats.store(path, content)
