"""The sweep tab: what to sweep, how far it is, and the times against the swept value."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from trelscope.host.acquisition import sweep
from trelscope.host.acquisition.sweep import Axis, Point, Sweep
from trelscope.host.app import source, style
from trelscope.host.app.panels.panel import label
from trelscope.host.app.panels.quantitybox import QuantityBox
from trelscope.host.app.plots.plot import Plot, curve
from trelscope.host.app.session.sweeprun import SweepRun
from trelscope.host.files import sweeps
from trelscope.host.measure.quantities import DEFINITIONS
from trelscope.host.planning import RATES, VOLTS, CaptureRequest
from trelscope.host.units import format_si, format_with_error

NAMES = {Axis.VOLTS: "Voltage", Axis.RATE: "Rate", Axis.DEVICE: "Device"}
LIMITS = {Axis.VOLTS: (VOLTS, "V", 0.5), Axis.RATE: (RATES, "Hz", 500.0)}
POINTS = (2.0, 200.0)
PULSES = (16.0, 1e8)
US = 1e6
WAIT = 5.0  # s for a cancelled sweep to end


class SweepView(QWidget):
    """Captures with what the window is set to, but for what is swept."""

    began = pyqtSignal()
    ended = pyqtSignal()
    said = pyqtSignal(str)

    def __init__(self, asked: Callable[[], tuple[str, CaptureRequest]]) -> None:
        """asked: the source and the settings of the window at present."""
        super().__init__()
        self._asked = asked
        self.run: SweepRun | None = None
        self._over = True  # and shown
        self.axis = QComboBox()
        for axis, name in NAMES.items():
            self.axis.addItem(name, axis)
        self._low, self._high = label("From"), label("To")
        self.first = QuantityBox("V", 3.5, VOLTS, 0.5)
        self.last = QuantityBox("V", 7.0, VOLTS, 0.5)
        self.points = QuantityBox("", 8.0, POINTS, 1.0)
        self.pulses = QuantityBox("", 1024.0, PULSES, 1024.0)
        self.start = QPushButton("Sweep")
        self.progress = QProgressBar()
        self.progress.hide()
        self.time_left = label(role="dim")
        self.plot = Plot("µs", "Voltage (V)")
        self._quantity = "response"
        self.curve = curve(self.plot, self.plot.getPlotItem(), "light")
        self.errors = pg.ErrorBarItem(x=np.zeros(0), y=np.zeros(0), beam=0.0)
        self.plot.addItem(self.errors)
        self.table = QTableWidget(0, 2)
        self._lay_out()

        def dress(theme: style.Theme) -> None:
            self.curve.setSymbol("o")
            self.curve.setSymbolSize(style.pixels(7))
            self.curve.setSymbolBrush(theme.light)
            self.curve.setSymbolPen(None)
            self.errors.setData(pen=pg.mkPen(theme.text, width=2))

        style.follow(self.plot, dress)
        self.axis.activated.connect(lambda _: self._show_axis())
        self.start.clicked.connect(self.toggle)

    def toggle(self) -> None:
        """Begin, or cancel."""
        if self.run is not None and self.run.running:
            self.run.cancel()
            return
        opened, asked = self._asked()
        self.began.emit()
        axis: Axis = self.axis.currentData()
        self.run = SweepRun(Sweep(axis, self._values(axis), opened, asked))
        self.said.emit(f"sweep of {NAMES[axis].lower()} over {len(self.run.sweep.values)} points")
        self.table.setRowCount(0)
        self.progress.show()
        self._over = False
        self.draw()
        self.refresh()

    def refresh(self) -> None:
        """Show what has been finished."""
        run = self.run
        if run is None or self._over:
            return
        running = run.running  # asked first: what is finished in between is taken, too
        new = run.take()
        self._over = not running
        self.start.setText("Cancel" if running else "Sweep")
        self.progress.setRange(0, run.progress.total)
        self.progress.setValue(run.progress.done)
        self.progress.setFormat(f"{run.progress.done} of {run.progress.total}")
        self.time_left.setText(_words(run, running))
        if not running:
            self.ended.emit()
            self.said.emit(f"sweep: {_words(run, running)}")
        if new or not running:
            self.draw()
            self._fill_table()

    def select(self, name: str) -> None:
        """Draw this quantity."""
        self._quantity = name
        self.draw()
        if self.run is not None:
            self._fill_table()

    def draw(self) -> None:
        """Draw the quantity against the swept value."""
        item = self.plot.getPlotItem()
        item.setLabel("left", "µs" if DEFINITIONS[self._quantity].unit else "%")
        if self.run is None:
            return
        points = [p for p in self._ordered() if p.recording is not None]
        device = self.run.sweep.axis is Axis.DEVICE
        values = [
            p.recording.measurements.quantities()[self._quantity] for p in points if p.recording
        ]
        scale = US if DEFINITIONS[self._quantity].unit else 100.0
        x = np.array([float(p.index) if device else float(p.value) for p in points])
        y = np.array([q.value for q in values]) * scale
        se = np.nan_to_num(np.array([q.se for q in values])) * scale
        known = np.isfinite(y)
        x, y, se = x[known], y[known], se[known]
        self.curve.setData(x, y)
        self.errors.setVisible(x.size > 0)
        self.plot.show_values(x.size > 0)
        self.errors.setData(x=x, y=y, top=se, bottom=se)
        unit = sweep.UNITS[self.run.sweep.axis]
        axis = NAMES[self.run.sweep.axis]
        item.setLabel("bottom", axis + f" ({unit})" * bool(unit))
        names = [str(value).removeprefix("emulator:") for value in self.run.sweep.values]
        item.getAxis("bottom").setTicks([list(enumerate(names))] if device else None)

    def export(self, path: Path) -> None:
        """Write the finished points as a table. Raises FileError."""
        if self.run is not None:
            sweeps.save(path, self.run.sweep, self.run.done)

    def close_run(self) -> None:
        """Leave nothing at work."""
        if self.run is not None:
            self.run.cancel()
            self.run.wait(WAIT)

    def _values(self, axis: Axis) -> tuple[float | str, ...]:
        if axis is Axis.DEVICE:
            return tuple(url for url in source.emulators() if "trpl" not in url)
        assert self.first.value is not None
        assert self.last.value is not None
        assert self.points.value is not None
        low, high = POINTS
        number = round(min(max(self.points.value, low), high))
        values = np.linspace(self.first.value, self.last.value, number)
        return tuple(float(f"{value:.6g}") for value in values)

    def pulses_wanted(self) -> int:
        """Of each point."""
        low, high = PULSES
        return round(min(max(self.pulses.value or low, low), high))

    def _ordered(self) -> list[Point]:
        assert self.run is not None
        return sorted(self.run.done, key=lambda point: point.index)

    def _show_axis(self) -> None:
        axis: Axis = self.axis.currentData()
        for widget in (self._low, self.first, self._high, self.last, self._many, self.points):
            widget.setVisible(axis is not Axis.DEVICE)
        if axis in LIMITS:
            (low, high), unit, step = LIMITS[axis]
            self.first.measure(unit, 3.5 if axis is Axis.VOLTS else low, (low, high), step)
            self.last.measure(unit, high, (low, high), step)

    def _fill_table(self) -> None:
        assert self.run is not None
        ordered, axis = self._ordered(), self.run.sweep.axis
        self.table.setRowCount(len(ordered))
        headings = [NAMES[axis], DEFINITIONS[self._quantity].title]
        self.table.setHorizontalHeaderLabels(headings)
        for row, point in enumerate(ordered):
            value = point.value
            texts = [
                format_si(value, sweep.UNITS[axis])
                if isinstance(value, float)
                else str(value).removeprefix("emulator:"),
                _found(point, self._quantity),
            ]
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                item.setFont(style.digits(12))
                self.table.setItem(row, column, item)
        upright = self.table.verticalHeader()
        assert upright is not None
        upright.setDefaultSectionSize(style.pixels(20))

    def _lay_out(self) -> None:
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        upright, across = self.table.verticalHeader(), self.table.horizontalHeader()
        assert upright is not None
        assert across is not None
        upright.hide()
        across.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        across.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.table.setHorizontalHeaderLabels(["", ""])
        self.table.setFixedWidth(style.pixels(236))
        self._many = label("Points")
        form = QGridLayout()
        form.setHorizontalSpacing(4)
        form.setVerticalSpacing(3)
        form.addWidget(self.axis, 0, 0, 1, 2)
        form.addWidget(self.start, 0, 2, 1, 2)
        for row, column, name, box in (
            (1, 0, self._low, self.first),
            (1, 2, self._high, self.last),
            (2, 0, self._many, self.points),
            (2, 2, label("Pulses"), self.pulses),
        ):
            form.addWidget(name, row, column)
            form.addWidget(box, row, column + 1)
            box.setMinimumWidth(68)
        form.addWidget(self.progress, 3, 0, 1, 2)
        form.addWidget(self.time_left, 3, 2, 1, 2)
        form.setRowStretch(4, 1)
        left = QWidget()
        left.setLayout(form)
        left.setFixedWidth(style.pixels(250))
        whole = QHBoxLayout(self)
        whole.setContentsMargins(4, 4, 4, 4)
        whole.setSpacing(4)
        whole.addWidget(left)
        whole.addWidget(self.plot, 1)
        whole.addWidget(self.table)


def _words(run: SweepRun, running: bool) -> str:
    if run.error:
        return run.error
    failed = [point for point in run.done if point.recording is None]
    if not running:
        words = "cancelled" if run.cancelled else "done"
        return f"{words}, {len(failed)} failed" if failed else words
    if run.cancelled:
        return "ending"
    left = run.progress.left
    return "measuring" if left is None else f"{format_si(round(left), 's', 3)} left"


def _found(point: Point, name: str) -> str:
    if point.recording is None:
        return point.error
    quantity = point.recording.measurements.quantities()[name]
    return quantity.reason or format_with_error(quantity.value, quantity.se, DEFINITIONS[name].unit)
