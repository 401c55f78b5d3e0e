"""Ways to reach an instrument: one small interface, several carriers."""

from typing import Protocol

from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.errors import UserError


class LinkError(UserError):
    """The link could not be opened or has been lost; the message says why in one line."""


class Link(Protocol):
    """A byte stream to an instrument."""

    name: str
    """What to show the user: the URL it was opened with."""

    front_end: FrontEnd
    """What the codes of this instrument's converters mean."""

    @property
    def realtime_factor(self) -> float | None:
        """Time at the instrument over time on the wall since `restart_clock`; None where nobody knows better than 1."""

    def restart_clock(self) -> None:
        """Measure the real-time factor from now on."""

    def write(self, data: bytes) -> None:
        """Send all of `data`. Raises LinkError."""

    def read(self, timeout: float) -> bytes:
        """Whatever has arrived, waiting up to `timeout` seconds for the first byte. Raises LinkError."""

    def clock(self) -> float:
        """Seconds as they pass for the instrument, from an arbitrary zero."""

    def close(self) -> None:
        """Let go of the instrument. May be called twice."""
