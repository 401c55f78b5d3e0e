"""The selected quantity, large, and how long until it is precise enough."""

import math

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QCheckBox, QLabel, QLineEdit, QSizePolicy

from trelscope.host.acquisition.precision import Precision
from trelscope.host.app import source
from trelscope.host.app.conditions import brief, conditions
from trelscope.host.app.panels.panel import Panel, label
from trelscope.host.app.session.requested_settings import Averaging
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.measure.quantities import DEFINITIONS
from trelscope.host.units import format_concise


class Headline(Panel):
    """`reached` tells, once in an average, that a precision is reached at which the user wants to stop."""

    reached = pyqtSignal()
    refused = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__("")
        self._data: AverageData | None = None
        self._live = True
        self._name = "response"
        self._lifetime, self._lifetime_of = "", ("", 0, "")
        self._target: Precision | None = None
        self._typed = ""  # the text that was read last
        self._average = 0  # number of the average that `_since` belongs to
        self._since = 0.0, 0  # the first look at it: time on the performance counter, and pulses
        self._told = 0  # number of the average for which `reached` has been emitted
        self.value = QLabel("–")
        self.value.setObjectName("headline")
        self.value.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.heading.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.of = label(role="dim")
        self.of.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.target = QLineEdit()
        self.target.setPlaceholderText("0.1% or 1n")
        self.target.setToolTip("standard error that is wanted: a part of the value, or a time")
        self.stops = QCheckBox("then stop")
        self.stops.setToolTip("switch the output off as soon as the value is as precise as that")
        self.when = label(role="dim")
        self.grid.addWidget(self.value, 1, 0, 1, 3)
        self.grid.addWidget(self.of, 2, 0, 1, 3)
        self.grid.addWidget(label("Until ±"), 3, 0)
        self.grid.addWidget(self.target, 3, 1)
        self.grid.addWidget(self.stops, 3, 2)
        self.grid.addWidget(self.when, 4, 0, 1, 3)
        self.target.editingFinished.connect(self._read_target)
        self.target.returnPressed.connect(
            self.target.clearFocus
        )  # or the next key would be typed into it

    def select(self, name: str) -> None:
        """Show this quantity from now on."""
        self._name, self._told = name, 0
        self.show_data(self._data, self._live)

    def show_data(self, data: AverageData | None, live: bool = True) -> None:
        """Show the average's value. live: it is the one that runs, and can be stopped."""
        self._data, self._live = data, live
        title = DEFINITIONS[self._name].title
        excited = data is not None and source.is_excited(data.source)
        if excited:
            title = "Average lifetime"
        self.heading.setText(title.upper())
        if data is None:
            self.value.setText("–")
            self.of.clear()
            self.when.clear()
            return
        if excited:
            self._show_lifetime(data)
            return
        quantity = data.measurements.quantities()[self._name]
        self.value.setText(
            format_concise(quantity.value, quantity.se, DEFINITIONS[self._name].unit)
        )
        self.of.setText(brief(data))
        self.of.setToolTip(conditions(data))
        self._note_rate(data)
        self.when.setText(self._when(data))

    def set_lifetime(self, text: str, average: tuple[str, int, str]) -> None:
        """Show this average lifetime, "": none, while a sample is excited; the tab Counting has fitted it.

        average: identity of the average that it is of.
        """
        self._lifetime, self._lifetime_of = text, average
        if self._data is not None and source.is_excited(self._data.source):
            self._show_lifetime(self._data)

    def _show_lifetime(self, data: AverageData) -> None:
        lifetime = self._lifetime if self._lifetime_of == data.identity else ""
        self.value.setText(lifetime or "–")
        self.of.setText(brief(data))
        self.of.setToolTip(conditions(data))
        self.when.setText("" if lifetime else "Fit decay, in the tab Counting, finds it")

    def _note_rate(self, data: AverageData) -> None:
        pulses = data.accounting.pulses_averaged
        if data.number != self._average or pulses < self._since[1]:
            self._average, self._since = data.number, (data.arrived, pulses)

    def _when(self, data: AverageData) -> str:
        """How long it has taken, and how long it will take."""
        pulses, (began, first) = data.accounting.pulses_averaged, self._since
        took = data.arrived - began
        elapsed = f"{_duration(took)} so far" if data.number else ""
        if self._target is None:
            return elapsed
        definition = DEFINITIONS[self._name]
        if not self._target.applies_to(definition.unit):
            return f"{definition.title} is no time: give a part of it, such as 1%"
        growth = self._target.growth(data.measurements.quantities()[self._name])
        if growth <= 1:
            if self._live and self._told != data.number and self.stops.isChecked():
                self._told = data.number
                self.reached.emit()
            return f"± {self._target} is reached; {elapsed}".rstrip("; ")
        if not math.isfinite(growth) or not data.number:
            return elapsed
        if data.averaging is Averaging.EXPONENTIAL:
            return f"{elapsed}; an exponential average gets no better than it is after N pulses"
        if not pulses > first:
            return elapsed
        # The error is of the pulses that have been measured; more have come since.
        missing = max(growth * data.measurements.pulses - pulses, 0.0)
        left = missing / (pulses - first) * took
        return f"± {self._target} in about {_duration(left)}; {elapsed}"

    def _read_target(self) -> None:
        text = self.target.text().strip()
        if text == self._typed:
            return
        try:
            target = Precision.parse(text) if text else None
        except ValueError as error:
            self.target.setText(self._typed)  # what is in force
            self.refused.emit(str(error))
            return
        self._typed, self._target, self._told = text, target, 0
        self.show_data(self._data, self._live)


def _duration(seconds: float) -> str:
    """As people say it: 40 s, 3 min, 2 h."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"
