"""Averages kept to be compared with."""

from dataclasses import dataclass
from functools import cached_property

from trelscope.host.app.plots.light import LightView
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.units import format_si

MOST = 4  # as many as have a line of their own


@dataclass(frozen=True, eq=False)
class Reference:
    """A kept average."""

    data: AverageData

    @property
    def name(self) -> str:
        """What legends call it."""
        device = self.data.source.removeprefix("emulator:")
        return f"{device} {format_si(self.data.settings.volts, 'V')}"

    @cached_property
    def view(self) -> LightView:
        """As it is drawn."""
        return LightView.of(self.data)
