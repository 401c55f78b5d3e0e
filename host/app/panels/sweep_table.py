"""The table of a sweep: a row for each value that has been captured."""

from PyQt6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from trelscope.host.acquisition import sweep
from trelscope.host.acquisition.sweep import Axis, Point
from trelscope.host.app import style
from trelscope.host.app.conditions import AXES
from trelscope.host.measure.quantities import DEFINITIONS
from trelscope.host.units import format_si, format_with_error


class SweepTable(QTableWidget):
    """The swept value, and the selected quantity with its standard error or the reason why there is none."""

    def __init__(self) -> None:
        super().__init__(0, 2)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        upright, across = self.verticalHeader(), self.horizontalHeader()
        assert upright is not None
        assert across is not None
        self._upright = upright
        upright.setMinimumSectionSize(1)  # or no row could be as low as its text
        upright.hide()
        across.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        across.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.setHorizontalHeaderLabels(["", ""])
        self.setFixedWidth(style.pixels(236))

    def show_points(self, axis: Axis, points: list[Point], name: str) -> None:
        """List quantity `name` of the points."""
        self.setRowCount(len(points))
        self.setHorizontalHeaderLabels([AXES[axis], DEFINITIONS[name].title])
        for row, point in enumerate(points):
            for column, text in enumerate((_value(axis, point), _quantity(point, name))):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                item.setFont(style.digits_font(12))
                self.setItem(row, column, item)
        self._upright.setDefaultSectionSize(style.pixels(16))
        self.scrollToBottom()  # where the newest point of most sweeps is


def _value(axis: Axis, point: Point) -> str:
    if isinstance(point.value, float):
        return format_si(point.value, sweep.UNITS[axis])
    return str(point.value).removeprefix("emulator:")


def _quantity(point: Point, name: str) -> str:
    if point.recording is None:
        return point.error
    quantity = point.recording.measurements.quantities()[name]
    return quantity.reason or format_with_error(quantity.value, quantity.se, DEFINITIONS[name].unit)
