"""The table of measured quantities, and below it what the selected one means."""

import math

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QColor
from PyQt6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from trelscope.host.app import source, style
from trelscope.host.app.panels.panel import Panel, label
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.measure.quantities import (
    DEFINITIONS,
    NONE,
    Flag,
    Measurements,
    MeasureOptions,
    Quantity,
)
from trelscope.host.measure.statistics import ENOUGH, Summary
from trelscope.host.units import format_with_error

DOUBT, NOTHING = "▲", "○"  # do not trust this; there is nothing to see, which is harmless
SIGNS = (DOUBT, NOTHING)
FLAGS = {
    Flag.LOW_SNR: "much noise",
    Flag.UNSETTLED: "not settled within the pulse",
    Flag.DRIFT: "baseline drifts",
    Flag.CLIPPED: "light clipped",
    Flag.INVERTED: "light inverted",
    Flag.DROPPED: "pulses dropped",
    Flag.BANDWIDTH_LIMITED: "too fast for the bins",
    Flag.COMMANDED_EDGE: "drive edge not seen",
    Flag.WINDOW_LEVEL: "level from the window's end",
    Flag.PILE_UP: "photons pile up",
    Flag.LIGHT_EDGE: "edge found in the light itself",
    Flag.UPPER_BOUND: "shorter than the samples show",
    Flag.WIDER: "error wider than at fewer pulses: another pulse shape holds now, or none",
}
NO_STEP = (
    "A laser pulse excites this sample, and its light decays: there is no step whose times could be measured."
    " The tab Counting fits the decay."
)
COLUMNS = ("", "value", "± se", "blocks", "")
TIPS = (
    "select a row to see its definition, and on the trace what it measures",
    "of the average of all pulses",
    "standard error of the value, propagated from that of the bins",
    "whether single blocks of pulses scatter as much as their errors say (chi squared), which tests those errors",
    f"{DOUBT}: do not trust this without reading why; {NOTHING}: there is nothing to be seen",
)


class TimesPanel(Panel):
    """A row for each quantity; below, the definition of the selected one and what its flags mean."""

    selected = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__("Results")
        self.table = QTableWidget(len(DEFINITIONS), len(COLUMNS))
        self.table.setHorizontalHeaderLabels(list(COLUMNS))
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        for bars in (
            self.table.setHorizontalScrollBarPolicy,
            self.table.setVerticalScrollBarPolicy,
        ):
            bars(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        upright, across = self.table.verticalHeader(), self.table.horizontalHeader()
        assert upright is not None
        assert across is not None
        self._upright, self._across = upright, across
        upright.hide()
        across.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        across.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.cells: dict[str, list[QTableWidgetItem]] = {}
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for row, (name, definition) in enumerate(DEFINITIONS.items()):
            self.cells[name] = [QTableWidgetItem() for _ in COLUMNS]
            for column, item in enumerate(self.cells[name]):
                if column:
                    item.setTextAlignment(right)
                self.table.setItem(row, column, item)
            self.cells[name][0].setText(definition.title.replace("Turn-off spike", "Spike"))
        for column, tip in enumerate(TIPS):
            heading = self.table.horizontalHeaderItem(column)
            if heading is not None:
                heading.setToolTip(tip)
                heading.setTextAlignment(right)
        self.definition = label(role="dim")
        self.definition.setWordWrap(True)
        self.note = label(role="warning")
        self.note.setWordWrap(True)
        self.amplitude = label()
        self.amplitude.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.reference = label(role="dim")
        self.reference.setWordWrap(True)
        self.grid.addWidget(self.table, 1, 0, 1, 2)
        self.grid.addWidget(self.definition, 2, 0, 1, 2)
        self.grid.addWidget(self.note, 3, 0, 1, 2)
        self.grid.addWidget(label("Amplitude"), 4, 0)
        self.grid.addWidget(self.amplitude, 4, 1)
        self.grid.addWidget(self.reference, 5, 0, 1, 2)
        self._measurements: Measurements | None = None
        self._excited = False  # by a laser pulse: there is no step
        style.on_change(self, self._restyle)
        self.table.itemSelectionChanged.connect(self._select)
        self.select("response")

    def select(self, name: str) -> None:
        """Select a quantity as if its row had been clicked."""
        self.table.selectRow(list(DEFINITIONS).index(name))

    @property
    def selection(self) -> str:
        """Name of the selected quantity."""
        return list(DEFINITIONS)[max(self.table.currentRow(), 0)]

    def text(self, name: str) -> str:
        """Value and standard error of a quantity as they are shown."""
        return f"{self.cells[name][1].text()} ± {self.cells[name][2].text()}"

    def show_data(self, data: AverageData | None) -> None:
        """Show the measurements of an average."""
        self._measurements = data.measurements if data else None
        self._excited = data is not None and source.is_excited(data.source)
        options = data.measurements.options if data else MeasureOptions()
        for name, definition in DEFINITIONS.items():
            self.cells[name][0].setToolTip(definition.words(options))
            texts, tips = ["–", "", "", ""], ["", "", "", ""]
            if data is not None and not self._excited:
                quantity = data.measurements.quantities()[name]
                summary = data.statistics.get(name, Summary())
                texts = [*_texts(quantity, definition.unit), _blocks(summary), _mark(quantity)]
                tips = ["", "", _scatter(summary), _why(quantity)]
            for item, text, tip in zip(self.cells[name][1:], texts, tips, strict=True):
                if item.text() != text:
                    item.setText(text)
                    if text in SIGNS:
                        item.setForeground(_sign_colour(text))
                if item.toolTip() != tip:
                    item.setToolTip(tip)
        self._show_definition()
        if data is None or self._excited:
            self.amplitude.setText("–")
            self.reference.clear()
            return
        m = data.measurements
        unit = "/s" if data.settings.counting else "V"
        self.amplitude.setText(format_with_error(m.top - m.baseline, m.amplitude_se, unit))
        self.reference.setText(f"zero of time: {m.reference}; {m.levels()}")

    def _select(self) -> None:
        self._show_definition()
        self.selected.emit(self.selection)

    def _show_definition(self) -> None:
        m, name = self._measurements, self.selection
        if m is None:
            self.definition.setText(DEFINITIONS[name].title)
            self.note.clear()
            return
        if self._excited:
            self.definition.setText(NO_STEP)
            self.note.clear()
            return
        quantity = m.quantities()[name]
        meaning = DEFINITIONS[name].words(m.options)
        method = f"; by {quantity.method}" if quantity.method else ""
        self.definition.setText(f"{DEFINITIONS[name].title}: {meaning}{method}")
        self.note.setText(_why(quantity))
        style.set_property(self.note, "role", "warning" if _mark(quantity) == DOUBT else "dim")

    def _restyle(self, _: style.Theme) -> None:
        height = style.pixels(22)
        for row in range(len(DEFINITIONS)):
            self.table.setRowHeight(row, height)
        for column, width in ((1, 102), (2, 76), (3, 74), (4, 22)):
            self._across.resizeSection(column, style.pixels(width))
        self.table.setFixedHeight(height * len(DEFINITIONS) + style.pixels(26))
        self.amplitude.setFont(style.digits_font())
        self.definition.setMinimumHeight(style.pixels(34))
        self.definition.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.note.setMinimumHeight(style.pixels(18))
        for cells in self.cells.values():
            for item in cells[1:4]:
                item.setFont(style.digits_font(12))
            cells[4].setForeground(_sign_colour(cells[4].text()))


def _texts(quantity: Quantity, unit: str) -> list[str]:
    """Value and standard error, with the SI prefix of the value for both."""
    if not math.isfinite(quantity.value):
        return ["none" if quantity.reason.startswith(NONE) else "–", ""]
    if not unit:
        return _percents(quantity)
    number, _, rest = format_with_error(quantity.value, quantity.se, unit).partition(" ± ")
    error, _, suffix = rest.partition(" ")
    return [f"{number} {suffix}", error] if rest else [number, ""]


def _percents(quantity: Quantity) -> list[str]:
    """Value and standard error of a quantity without a unit, in percent."""
    value, error = 100 * quantity.value, 100 * quantity.se
    places = max(0, 1 - math.floor(math.log10(error))) if error > 0 else 2
    return [f"{_fixed(value, places)} %", _fixed(error, places)]


def _fixed(value: float, places: int) -> str:
    return f"{value:.{places}f}" if math.isfinite(value) else ""


def _blocks(summary: Summary) -> str:
    """Whether the blocks agree with their errors, or by how much they scatter more."""
    if summary.agrees is None:
        return ""
    return "agree" if summary.agrees else f"{summary.ratio:.1f} × se"


def _scatter(summary: Summary) -> str:
    if summary.agrees is None:
        few = f"{summary.count} blocks so far; it takes {ENOUGH} to tell"
        return few if summary.count < ENOUGH else "the blocks have no standard errors"
    what = "which chance explains" if summary.agrees else "more than chance explains: see the guide"
    return f"{summary.count} blocks of pulses scatter by {summary.ratio:.2f} times their standard errors, {what}"


def _mark(quantity: Quantity) -> str:
    """The sign that tells a harmless nothing from a value that needs care."""
    if quantity.reason.startswith(NONE) and Flag.CLIPPED not in quantity.flags:
        return NOTHING
    return DOUBT if quantity.flags or quantity.reason else ""


def _sign_colour(sign: str) -> QColor:
    theme = style.theme()
    return style.colour(theme.dim if sign == NOTHING else theme.warning)


def _why(quantity: Quantity) -> str:
    return "; ".join(filter(None, (quantity.reason, flag_words(quantity.flags))))


def flag_words(flags: tuple[Flag, ...]) -> str:
    """What the flags say."""
    return ", ".join(FLAGS[flag] for flag in Flag if flag in flags)
