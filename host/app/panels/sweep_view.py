"""The sweep tab: what is swept, how far the sweep is, and its results."""

from collections.abc import Callable

import numpy as np
from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QProgressBar, QPushButton, QWidget

from trelscope.host.acquisition.sweep import Axis, Point, Sweep
from trelscope.host.app import source, style
from trelscope.host.app.conditions import AXES
from trelscope.host.app.panels.panel import label
from trelscope.host.app.panels.quantity_box import QuantityBox
from trelscope.host.app.panels.sweep_plot import SweepPlot
from trelscope.host.app.panels.sweep_table import SweepTable
from trelscope.host.app.session.sweep_run import SweepRun
from trelscope.host.measure.quantities import DEFINITIONS, MeasureOptions
from trelscope.host.planning import RATES, VOLTS, CaptureRequest
from trelscope.host.units import format_si

LIMITS = {Axis.VOLTS: (VOLTS, "V", 0.5), Axis.RATE: (RATES, "Hz", 500.0)}
POINTS = (2.0, 200.0)
PULSES = (16.0, 1e8)
CLOSE_WAIT = 5.0  # s for a cancelled sweep to end


class SweepView(QWidget):
    """Sweeps one setting of the window; all others are as the window has them.

    `captured` carries the newest point of those that have just been finished.
    """

    began = pyqtSignal()
    ended = pyqtSignal()
    captured = pyqtSignal(Point)
    message = pyqtSignal(str)

    def __init__(self, capture_request: Callable[[], tuple[str, CaptureRequest]]) -> None:
        """capture_request: returns the present source and settings of the window."""
        super().__init__()
        self._capture_request = capture_request
        self.run: SweepRun | None = None
        self._finished = True  # whether the sweep has ended and its end is shown
        self.axis = QComboBox()
        for axis, name in AXES.items():
            self.axis.addItem(name, axis)
        self._from_label, self._to_label = label("From"), label("To")
        self.first = QuantityBox("V", 3.5, VOLTS, 0.5)
        self.last = QuantityBox("V", 7.0, VOLTS, 0.5)
        self.points = QuantityBox("", 8.0, POINTS, 1.0)
        self.pulses = QuantityBox("", 1024.0, PULSES, 1024.0)
        self.start = QPushButton("Sweep")
        self.progress = QProgressBar()
        self.progress.hide()
        self.time_left = label(role="dim")
        self.plot = SweepPlot()
        self.table = SweepTable()
        self._quantity = "response"
        self._levels = MeasureOptions().low, MeasureOptions().high
        self._lay_out()
        self.axis.activated.connect(lambda _: self._show_axis())
        self.start.clicked.connect(self.toggle)
        for box in (self.first, self.last, self.points, self.pulses):
            box.refused.connect(self.message)

    def toggle(self) -> None:
        """Begin a sweep, or cancel the one that runs."""
        if self.run is not None and self.run.running:
            self.run.cancel()
            return
        opened, request = self._capture_request()
        self.began.emit()
        axis: Axis = self.axis.currentData()
        self.run = SweepRun(Sweep(axis, self._values(axis), opened, request), *self._levels)
        count = len(self.run.sweep.values)
        of = "" if axis is Axis.DEVICE else f" of {opened.removeprefix('emulator:')}"
        self.message.emit(
            f"sweep: {DEFINITIONS[self._quantity].title.lower()}{of} against {AXES[axis].lower()}, {count} points"
        )
        self.table.setRowCount(0)
        self.progress.show()
        self._finished = False
        self.draw()
        self.refresh()

    def refresh(self) -> None:
        """Show the points that have been finished, or measured again."""
        run = self.run
        if run is None:
            return
        # Before collecting: points that are finished in between are collected, too.
        running, before = run.running, len(run.done)
        new = run.collect()
        if new or not (running or self._finished):
            self.draw()
            self._list()
        if len(run.done) > before:
            self.captured.emit(run.done[-1])
        if self._finished:
            return
        self._finished = not running
        self.start.setText("Cancel" if running else "Sweep")
        self.progress.setRange(0, run.progress.total)
        self.progress.setValue(run.progress.done)
        self.progress.setFormat(f"{run.progress.done} of {run.progress.total}")
        self.time_left.setText(_progress_text(run, running))
        if not running:
            self.ended.emit()
            self.message.emit(f"sweep: {_progress_text(run, running)}")

    def select(self, name: str) -> None:
        """Show this quantity."""
        self._quantity = name
        self.draw()
        if self.run is not None:
            self._list()

    def set_levels(self, low: float, high: float) -> None:
        """Measure the points of this sweep, and of those to come, between these parts of the amplitude."""
        self._levels = low, high
        if self.run is not None:
            self.run.set_levels(low, high)

    def draw(self) -> None:
        """Draw the selected quantity against the swept value."""
        self.plot.show_quantity(self._quantity)
        if self.run is not None:
            self.plot.show_points(self.run.sweep, self._ordered(), self._quantity)

    @property
    def selected(self) -> str:
        """Name of the quantity that is drawn."""
        return self._quantity

    def close_run(self) -> None:
        """Cancel the sweep that runs, and wait for it."""
        if self.run is not None:
            self.run.cancel()
            self.run.wait(CLOSE_WAIT)

    def _values(self, axis: Axis) -> tuple[float | str, ...]:
        if axis is Axis.DEVICE:
            return tuple(url for url in source.emulators() if not source.is_excited(url))
        assert self.first.value is not None
        assert self.last.value is not None
        assert self.points.value is not None
        values = np.linspace(self.first.value, self.last.value, int(self.points.value))
        return tuple(float(f"{value:.6g}") for value in values)

    def pulses_per_point(self) -> int:
        """Number of pulses that each point averages."""
        assert self.pulses.value is not None
        return int(self.pulses.value)

    def _ordered(self) -> list[Point]:
        assert self.run is not None
        return sorted(self.run.done, key=lambda point: point.index)

    def _show_axis(self) -> None:
        axis: Axis = self.axis.currentData()
        for widget in (
            self._from_label,
            self.first,
            self._to_label,
            self.last,
            self._points_label,
            self.points,
        ):
            widget.setVisible(axis is not Axis.DEVICE)
        if axis in LIMITS:
            (low, high), unit, step = LIMITS[axis]
            self.first.set_quantity(unit, 3.5 if axis is Axis.VOLTS else low, (low, high), step)
            self.last.set_quantity(unit, high, (low, high), step)

    def _list(self) -> None:
        assert self.run is not None
        self.table.show_points(self.run.sweep.axis, self._ordered(), self._quantity)

    def _lay_out(self) -> None:
        self._points_label = label("Points")
        form = QGridLayout()
        form.setHorizontalSpacing(4)
        form.setVerticalSpacing(3)
        form.addWidget(self.axis, 0, 0, 1, 2)
        form.addWidget(self.start, 0, 2, 1, 2)
        for row, column, name, box in (
            (1, 0, self._from_label, self.first),
            (1, 2, self._to_label, self.last),
            (2, 0, self._points_label, self.points),
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


def _progress_text(run: SweepRun, running: bool) -> str:
    if run.error:
        return run.error
    failed = [point for point in run.done if point.recording is None]
    if not running:
        outcome = "cancelled" if run.cancelled else "done"
        return f"{outcome}, {len(failed)} failed" if failed else outcome
    if run.cancelled:
        return "ending"
    left = run.progress.left
    return "measuring" if left is None else f"{format_si(round(left), 's', 3)} left"
