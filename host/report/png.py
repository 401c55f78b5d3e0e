"""A capture as a PNG, drawn off screen."""

import html
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QPainter
from PyQt6.QtWidgets import QApplication

from trelscope.host.acquisition.recording import Recording
from trelscope.host.files import formats, pictures
from trelscope.host.report.axes import fixed_axes
from trelscope.host.units import format_with_error, prefix_for

SIZE = (1200, 720)  # pixels
LIGHT, DRIVE, MARK = "#0072B2", "#D55E00", "#555555"  # Okabe–Ito, and grey


def write_png(capture: Recording, path: Path) -> None:
    """Draw drive and light over time, with the marked crossings, to `path`. Needs no display. Raises FileError."""
    with _figure(capture) as figure:
        content = pictures.png(figure.grab())
    formats.store(path, content)


def as_svg(capture: Recording) -> bytes:
    """The same drawing as an SVG."""
    with _figure(capture) as figure:

        def paint(painter: QPainter, target: QRectF) -> None:
            figure.render(painter, target, figure.viewport().rect())

        return pictures.svg(figure.size(), paint)


@contextmanager
def _figure(capture: Recording) -> Iterator[pg.GraphicsLayoutWidget]:
    app = QApplication.instance() or QApplication(["trelscope", "-platform", "offscreen"])
    figure = pg.GraphicsLayoutWidget(size=SIZE)
    figure.setBackground("w")
    _draw(figure, capture)
    figure.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    figure.show()
    app.processEvents()
    try:
        yield figure
    finally:
        figure.close()


def _draw(figure: pg.GraphicsLayoutWidget, capture: Recording) -> None:
    m = capture.measurements
    unit = capture.settings.light_unit
    light_axis = {"V": ("Light (mV)", 1e3), "1/s": ("Photons (1/ms)", 1e-3)}
    plots = [(capture.light, *light_axis.get(unit, (f"Light ({unit})", 1.0)), LIGHT)]
    if capture.has_drive:
        plots.insert(0, (capture.drive, "Drive (V)", 1.0, DRIVE))
    exponent, prefix = prefix_for(float(np.ptp(capture.light.t)) / 2)
    for row, (trace, name, scale, colour) in enumerate(plots):
        title = (
            f'<span style="color: black">{html.escape(_title(capture))}</span>'
            if row == 0
            else None
        )
        plot = figure.addPlot(row=row, col=0, axisItems=fixed_axes(), title=title)
        plot.plot((trace.t - m.t0) / 10.0**exponent, trace.y * scale, pen=pg.mkPen(colour, width=1))
        plot.setLabel("left", name)
        plot.showGrid(x=True, y=True, alpha=0.2)
        for edge in ("left", "bottom"):
            axis = plot.getAxis(edge)
            axis.setPen("k")
            axis.setTextPen("k")
        plot.getAxis("left").setWidth(60)
        if row:
            plot.setXLink(figure.getItem(0, 0))
            figure.ci.layout.setRowStretchFactor(1, 3)
    edges = capture.edges
    edge = "the foot of the light" if edges is not None and edges.by_light else "the drive edge"
    plot.setLabel("bottom", f"Time from {edge} ({prefix}s)")
    # Each label on the outer side of its line: a fast device's two lines are close together.
    levels = ((m.t_low, m.options.low, 1.0), (m.t_high, m.options.high, 0.0))
    for at, level, side in levels:
        if math.isfinite(at):
            options = {"color": MARK, "position": 0.5, "anchors": [(side, 0.5)] * 2}
            pen = pg.mkPen(MARK, style=Qt.PenStyle.DashLine)
            label = f"{100 * level:g} %"
            at = (at - m.t0) / 10.0**exponent
            plot.addItem(pg.InfiniteLine(at, pen=pen, label=label, labelOpts=options))


def _title(capture: Recording) -> str:
    m, volts = capture.measurements, capture.settings.volts
    parts = [
        capture.source,
        f"{volts:g} V" if math.isfinite(volts) else "",
        f"{m.pulses} pulses" if m.pulses > 1 else "",
    ]
    for name, q in (("response", m.response), ("rise", m.rise), ("fall", m.fall)):
        if math.isfinite(q.value):
            parts.append(f"{name} {format_with_error(q.value, q.se, 's')}")
            break
    return " · ".join(filter(None, parts))
