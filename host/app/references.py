"""Averages that are kept on the screen, so that later ones can be compared with them."""

from dataclasses import dataclass
from functools import cached_property

from PyQt6.QtCore import QObject, pyqtSignal

from trelscope.host.app.plots.light import LightView
from trelscope.host.app.session.recorded import with_levels
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.units import format_si

MAX_REFERENCES = 4  # each has a line style of its own


@dataclass(frozen=True, eq=False)
class Reference:
    """One average that is kept."""

    data: AverageData

    @property
    def name(self) -> str:
        """The name in legends."""
        device = self.data.source.removeprefix("emulator:")
        return f"{device} {format_si(self.data.settings.volts, 'V')}"

    @cached_property
    def view(self) -> LightView:
        """The light as it is drawn."""
        return LightView.of(self.data)

    @cached_property
    def normalised(self) -> LightView:
        """The light in percent of its step."""
        return LightView.of(self.data, normalised=True)


class References(QObject):
    """The references of a window, oldest first; the newest push out the oldest."""

    changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.kept: tuple[Reference, ...] = ()
        self._levels: tuple[float, float] | None = None  # None: those that an average comes with

    def keep(self, data: AverageData) -> Reference:
        """Keep an average, measured as all others are."""
        reference = Reference(with_levels(data, *self._levels) if self._levels else data)
        self.kept = (*self.kept, reference)[-MAX_REFERENCES:]
        self.changed.emit()
        return reference

    def set_levels(self, low: float, high: float) -> None:
        """Measure every reference again between these parts of the amplitude: like is compared with like."""
        self._levels = low, high
        self.kept = tuple(Reference(with_levels(each.data, low, high)) for each in self.kept)
        self.changed.emit()

    def drop(self) -> None:
        """Keep none any longer."""
        self.kept = ()
        self.changed.emit()
