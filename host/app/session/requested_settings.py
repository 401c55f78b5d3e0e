"""The settings that the user has requested, before an instrument has put them on its grids."""

import enum
from dataclasses import dataclass, replace

from trelscope.gateware.protocol import Feature
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.app import source as sources
from trelscope.host.planning import CaptureRequest
from trelscope.host.settings import Settings
from trelscope.host.units import format_si

FRAME_TIME = 1 / 30  # s of pulses in a frame: no more frames than a screen needs


class Averaging(enum.Enum):
    """How frames are averaged."""

    CONTINUOUS = "continuous"
    SUM = "sum to N"
    EXPONENTIAL = "exponential"


@dataclass(frozen=True)
class RequestedSettings:
    """V, Hz and s; None: what suits the source, and else what `plan` chooses.

    pulses: N of a sum, or the number of pulses after which an exponential average has forgotten all but 1/e.
    """

    volts: float = 5.0
    rate: float | None = None
    width: float | None = None
    start: float | None = None
    length: float | None = None
    bin: float | None = None
    averaging: Averaging = Averaging.CONTINUOUS
    pulses: int = 4096

    def single(self) -> "RequestedSettings":
        """The same settings for one sum of N pulses."""
        return replace(self, averaging=Averaging.SUM)

    def capture_request(self, pulses: int, source: str) -> CaptureRequest:
        """The same settings for a capture of so many pulses."""
        whole = self.start is not None and self.length is not None
        usual = sources.usual(source)
        window = (self.start, self.length) if whole else usual.window
        rate = self.rate or usual.rate
        return CaptureRequest(self.volts, rate, self.width, pulses, window, self.bin)  # type: ignore[arg-type]

    def settings(self, instrument: Instrument, source: str) -> Settings:
        """The settings on the grids of `instrument`, which `source` names. Raises SettingsError."""
        usual = sources.usual(source)
        rate = self.rate or usual.rate

        def planned(window: tuple[float, float] | None) -> Settings:
            return CaptureRequest(
                volts=self.volts,
                rate=rate,
                width=self.width,
                pulses=self.pulses if self.averaging is Averaging.SUM else 0,
                window=window,
                bin=self.bin,
                frame_pulses=max(round(rate * FRAME_TIME), 1),
            ).plan(instrument.identity.depth)

        settings = planned(usual.window)
        if self.start is not None or self.length is not None:
            end = settings.window_start + settings.window_length
            start = settings.window_start if self.start is None else self.start
            settings = planned((start, end - start if self.length is None else self.length))
        return replace(settings, counting=Feature.COUNTING in instrument.identity.features)

    def describe(self, settings: Settings) -> str:
        """One line for the log. settings: those that `settings` has returned."""
        rate, width = format_si(settings.rate, "Hz"), format_si(settings.width, "s")
        averaging = self.averaging.value.replace("N", f"{self.pulses}")
        if self.averaging is Averaging.EXPONENTIAL:
            averaging += f" over {self.pulses} pulses"
        return f"{format_si(settings.volts, 'V')}, {rate}, {width}; {averaging}"
