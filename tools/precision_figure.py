"""Draws docs/images/precision.png: error of the response against pulses averaged, beside the information limit."""

import sys
from pathlib import Path

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication

from trelscope.host.bench.precision import CASES, bound, errors, readers, times

SIZE = (900, 420)  # pixels
RUNS = 24
PULSES = (1, 10, 100, 1_000, 10_000)
SAMPLE_SNR = 24.0  # of one sample: the 1 mm2 device at 5 V; half a sample falls into a bin of 4 ns with each pulse
SHOWN = ("bmim3-1mm2", "hyperbolic")
STYLES = {
    "first crossing": ("#999999", Qt.PenStyle.DotLine, "x"),
    "boxcar": ("#CC79A7", Qt.PenStyle.DashDotLine, "t"),
    "fast": ("#D55E00", Qt.PenStyle.DashLine, "s"),
    "best": ("#0072B2", Qt.PenStyle.SolidLine, "o"),
}


def main() -> None:
    """Takes some minutes."""
    app = QApplication(["precision", "-platform", "offscreen"])
    figure = pg.GraphicsLayoutWidget(size=SIZE)
    figure.setBackground("w")
    for column, name in enumerate(SHOWN):
        case = next(case for case in CASES if case.name.startswith(name))
        plot = figure.addPlot(row=0, col=column)
        plot.setLogMode(True, True)
        plot.setTitle(f'<span style="color: black">response of {case.name}</span>')
        plot.setLabel("bottom", "Pulses averaged")
        plot.setLabel("left", "Root mean square error (ns)")
        plot.showGrid(x=True, y=True, alpha=0.2)
        for edge in ("left", "bottom"):
            axis = plot.getAxis(edge)
            axis.setPen("k")
            axis.setTextPen("k")
            axis.enableAutoSIPrefix(False)
        plot.setYRange(-2, 3.2)  # room for the legend below the lines
        legend = plot.addLegend(offset=(8, -8), labelTextColor="k")
        snrs = [SAMPLE_SNR * np.sqrt(n / 2) for n in PULSES]
        limit = [float(bound(case, snr)[2]) * 1e9 for snr in snrs]
        plot.plot(PULSES, limit, pen=pg.mkPen("k", width=2), name="Cramér–Rao bound")
        response = float(times(case.pulse())[2])
        for way, read in readers(response).items():
            colour, line, symbol = STYLES[way]
            rmse = []
            for snr in snrs:
                print(f"{case.name}, {way}, SNR {snr:.0f}", file=sys.stderr)
                found = errors(read, case, snr, RUNS)[:, 2]
                rmse.append(float(np.sqrt(np.nanmean(found**2))) * 1e9)
            plot.plot(
                PULSES,
                rmse,
                pen=pg.mkPen(colour, width=2, style=line),
                symbol=symbol,
                symbolBrush=colour,
                symbolPen=colour,
                symbolSize=7,
                name=way,
            )
        legend.setBrush("w")
    figure.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    figure.show()
    app.processEvents()
    target = Path(__file__).parents[1] / "docs" / "images"
    figure.grab().save(str(target / "precision.png"))


if __name__ == "__main__":
    main()
