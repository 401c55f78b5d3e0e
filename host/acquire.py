"""An acquisition: a train's frames, averaged and accounted for."""

from dataclasses import asdict, dataclass

from gateware.protocol import TraceFlag
from host.average import Block, RunningAverage
from host.errors import UserError
from host.instrument import Frame, Instrument
from host.measure import Measurements, Options, measure
from host.settings import Settings
from host.trace import Trace

LIGHT, DRIVE = 0, 1


class AcquisitionError(UserError):
    """The acquisition cannot go on; the message says why in one line."""


@dataclass(frozen=True)
class Accounting:
    """Where every pulse went, and what was lost on the way.

    pulses_emitted: launched. pulses_averaged: in the traces.
    pulses_missed: launched while no buffer had room. pulses_lost: in frames that did not arrive whole.
    clipped: samples at either end of the light ADC's range.
    """

    pulses_emitted: int
    pulses_averaged: int
    pulses_missed: int
    pulses_lost: int
    frames_lost: int
    crc_errors: int
    clipped: int

    def as_dict(self) -> dict[str, int]:
        """Every count by name."""
        return asdict(self)


class Acquisition:
    """Starts a train on construction; `poll` until `done`."""

    def __init__(self, instrument: Instrument, settings: Settings) -> None:
        self.settings = settings
        self.done = False
        self.last_frame: Frame | None = None
        self._instrument = instrument
        self._options = Options(detector_delay=instrument.link.front_end.detector_delay)
        self._lost_before = instrument.frames_lost
        self._crc_before = instrument.errors.crc_errors
        self._seen = 0  # pulses launched up to the end of the latest frame
        self._missed = 0
        self._clipped = 0
        front_end = instrument.link.front_end
        self._average = RunningAverage(
            settings.times(),
            (front_end.light_volts_per_code, front_end.drive_volts_per_code),
            (0.0, front_end.drive_volts_at_zero),
        )
        self._train = instrument.start(settings)

    def poll(self, timeout: float) -> list[Frame]:
        """Take in frames, waiting up to `timeout` seconds; returns those that were averaged."""
        taken = []
        for frame in self._instrument.frames(timeout):
            if frame.train != self._train:
                continue  # the tail of a train before
            self._seen = frame.first_pulse + frame.pulses + (frame.missed - self._missed)
            self._missed = frame.missed
            if TraceFlag.TRIPPED in frame.flags:
                why = ", ".join(self._instrument.trips()) or "the cause has gone"
                raise AcquisitionError(f"the output was switched off: {why}; then start again")
            if frame.flags & (TraceFlag.SATURATED_LIGHT | TraceFlag.SATURATED_DRIVE):
                raise AcquisitionError("a sum reached the memory's limit; use fewer pulses a frame")
            if frame.pulses:
                self._average.add(
                    Block(frame.sums, self.settings.counts(frame.pulses), frame.pulses)
                )
                self._clipped += frame.clipped[LIGHT]
                self.last_frame = frame
                taken.append(frame)
            if TraceFlag.END in frame.flags:
                self.done = True
        return taken

    @property
    def accounting(self) -> Accounting:
        """Counts so far, of this acquisition alone."""
        averaged = self._average.pulses
        return Accounting(
            pulses_emitted=self._seen,
            pulses_averaged=averaged,
            pulses_missed=self._missed,
            pulses_lost=self._seen - self._missed - averaged,
            frames_lost=self._instrument.frames_lost - self._lost_before,
            crc_errors=self._instrument.errors.crc_errors - self._crc_before,
            clipped=self._clipped,
        )

    def traces(self) -> tuple[Trace, Trace]:
        """Light [V at the ADC] and drive [V at the driver's output]."""
        return self._average.trace(LIGHT), self._average.trace(DRIVE)

    def measure(self) -> Measurements:
        """Times read from the present average."""
        light, drive = self.traces()
        account = self.accounting
        return measure(
            light,
            self.settings.width,
            drive,
            self._options,
            clipped=account.clipped,
            dropped=account.frames_lost + account.pulses_missed,
        )
