"""The paper's figures from the captured rows, as PNG and SVG, drawn off screen."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication

from trelscope.host.files import formats, pictures
from trelscope.host.paper.run import Row

SIZE = (760, 460)  # pixels
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # Okabe–Ito
LINES = (
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotLine,
)
NAMES: Mapping[str, str] = {
    "fig-2k-falling": "Falling edges, 5 V, 10 kHz (as Fig. 2k)",
    "fig-3g-devices": "Control and BMIM-3, 4 mm², 5 V, 10 kHz (as Fig. 3g)",
    "fig-3h-voltage": "Response against drive voltage, BMIM-3, 1 mm², 10 kHz (as Fig. 3h)",
    "fig-3i-rate": "Response against pulse rate, BMIM-3, 1 mm², 4 V (as Fig. 3i)",
    "fig-5de-areas": "Area and patterning, BMIM-3, 5 V, 10 kHz (as Figs. 5d, e)",
}


def draw(rows: Sequence[Row], directory: Path) -> list[Path]:
    """Write every figure as PNG and SVG into `directory`; returns the SVG files. Needs no display.

    Raises FileError.
    """
    app = QApplication.instance() or QApplication(["trelscope", "-platform", "offscreen"])
    by_id = {row.id: row for row in rows}
    written = []
    for name, title in NAMES.items():
        widget = pg.PlotWidget(background="w")
        widget.resize(*SIZE)
        plot = widget.getPlotItem()
        plot.setTitle(f'<span style="color: black">{title}</span>')
        for edge in ("left", "bottom"):
            axis = plot.getAxis(edge)
            axis.setPen("k")
            axis.setTextPen("k")
            axis.enableAutoSIPrefix(False)
        plot.showGrid(x=True, y=True, alpha=0.15)
        _CONTENTS[name](plot, by_id)
        widget.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        widget.show()
        app.processEvents()
        svg = directory / f"{name}.svg"
        formats.store(directory / f"{name}.png", pictures.png(widget.grab()))
        formats.store(svg, pictures.svg(widget.size(), widget.render))
        widget.close()
        written.append(svg)
    return written


def _traces(
    plot: pg.PlotItem,
    chosen: Sequence[Row],
    label: str,
    span: tuple[float, float],
    origin: float = 0.0,
) -> None:
    """Normalised light over us from `origin` (s)."""
    plot.addLegend(offset=(-15, 15) if origin else (-15, -40), labelTextColor="k")
    for n, row in enumerate(chosen):
        t = [(value - origin) * 1e6 for value in row.t]
        inside = [i for i, value in enumerate(t) if span[0] <= value <= span[1]]
        plot.plot(
            [t[i] for i in inside],
            [row.y[i] for i in inside],
            pen=pg.mkPen(COLOURS[n], width=2, style=LINES[n]),
            name=f"{row.condition.removesuffix(', falling edge 90–10 %')}: {row.measured * 1e6:.3g} µs",
        )
    plot.setLabel("bottom", label)
    plot.setLabel("left", "Light, part of its amplitude")
    plot.setXRange(*span, padding=0)


def _falling(plot: pg.PlotItem, rows: Mapping[str, Row]) -> None:
    chosen = [rows[f"fall-{p}"] for p in ("control-4mm2", "bmim3-4mm2", "hr-1mm2")]
    _traces(plot, chosen, "Time from the falling drive edge (µs)", (-1.0, 6.0), 0.5 / 10e3)


def _devices(plot: pg.PlotItem, rows: Mapping[str, Row]) -> None:
    chosen = [rows["device-control-4mm2"], rows["device-bmim3-4mm2"]]
    _traces(plot, chosen, "Time from the drive edge (µs)", (-2.0, 50.0))


def _areas(plot: pg.PlotItem, rows: Mapping[str, Row]) -> None:
    ids = ("device-bmim3-4mm2", "device-bmim3-1mm2", "device-hr-4mm2", "device-hr-1mm2")
    _traces(plot, [rows[i] for i in ids], "Time from the drive edge (µs)", (-0.5, 15.0))


def _points(
    plot: pg.PlotItem, chosen: Sequence[Row], x: Callable[[Row], float], label: str
) -> None:
    plot.addLegend(offset=(-15, 15), labelTextColor="k")
    xs, ys = [x(row) for row in chosen], [row.measured * 1e6 for row in chosen]
    quoted = [row for row in chosen if row.target is not None]
    plot.plot(
        xs,
        ys,
        pen=pg.mkPen(COLOURS[0], width=2),
        symbol="o",
        symbolBrush=COLOURS[0],
        symbolPen=COLOURS[0],
        name="measured on the emulated instrument",
    )
    bars = pg.ErrorBarItem(
        x=np.array(xs),
        y=np.array(ys),
        height=np.array([2e6 * row.se for row in chosen]),
        pen=pg.mkPen(COLOURS[0], width=2),
    )
    plot.addItem(bars)
    plot.plot(
        [x(row) for row in quoted],
        [(row.target or 0.0) * 1e6 for row in quoted],
        pen=None,
        symbol="s",
        symbolSize=14,
        symbolBrush=None,
        symbolPen=pg.mkPen(COLOURS[1], width=2),
        name="quoted in the paper",
    )
    plot.setLabel("bottom", label)
    plot.setLabel("left", "Response (µs)")
    plot.setYRange(0.0, 1.25 * max(ys), padding=0)


def _voltage(plot: pg.PlotItem, rows: Mapping[str, Row]) -> None:
    chosen = [row for row in rows.values() if row.id.startswith("volts-")]
    _points(plot, chosen, lambda row: row.volts, "Drive (V)")


def _rate(plot: pg.PlotItem, rows: Mapping[str, Row]) -> None:
    chosen = [row for row in rows.values() if row.id.startswith("rate-")]
    _points(plot, chosen, lambda row: row.rate / 1e3, "Pulse rate (kHz)")


_CONTENTS: Mapping[str, Callable[[pg.PlotItem, Mapping[str, Row]], None]] = {
    "fig-2k-falling": _falling,
    "fig-3g-devices": _devices,
    "fig-3h-voltage": _voltage,
    "fig-3i-rate": _rate,
    "fig-5de-areas": _areas,
}
