"""An acquisition: a train's frames, averaged and accounted for."""

import time
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from trelscope.gateware.protocol import TraceFlag
from trelscope.host.acquisition.assembler import Frame
from trelscope.host.acquisition.average import AverageState, Block, RunningAverage
from trelscope.host.acquisition.exponential import ExponentialAverage, FadingState
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.acquisition.provenance import DURATION, WHEN, provenance
from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.errors import UserError
from trelscope.host.measure.measure import MeasureOptions
from trelscope.host.measure.trace import Trace
from trelscope.host.settings import Settings

LIGHT, DRIVE = 0, 1


class AcquisitionError(UserError):
    """The acquisition cannot go on; the message says why in one line."""


@dataclass(frozen=True)
class Accounting:
    """Where every pulse went, and what was lost on the way.

    pulses_emitted: launched. pulses_averaged: in the traces.
    pulses_missed: launched while no buffer had room. pulses_lost: in frames that did not arrive whole.
    frames_lost: those frames; at the end of a train perhaps more than are known of.
    packets_refused: what arrived whole and does not fit what was asked for: other settings, a wrong size, seen before.
    clipped: samples at either end of the light ADC's range.
    """

    pulses_emitted: int
    pulses_averaged: int
    pulses_missed: int
    pulses_lost: int
    frames_lost: int
    crc_errors: int
    clipped: int
    packets_refused: int = 0

    @property
    def dropped(self) -> int:
        """Losses of any kind: any at all is flagged in what is measured."""
        return self.frames_lost + self.pulses_missed + self.packets_refused

    def as_dict(self) -> dict[str, int]:
        """Every count by name."""
        return asdict(self)


Average: TypeAlias = RunningAverage | ExponentialAverage


def new_average(settings: Settings, front_end: FrontEnd) -> RunningAverage:
    """What the frames of a train are averaged in: light in V at the ADC or, counted, in photons/s; drive in V."""
    return RunningAverage(settings.times(), *_scales(settings, front_end))


def exponential_average(
    settings: Settings, front_end: FrontEnd, memory: float
) -> ExponentialAverage:
    """The same, forgetting what is more than about `memory` pulses ago."""
    return ExponentialAverage(settings.times(), *_scales(settings, front_end), memory)


def restored(settings: Settings, front_end: FrontEnd, state: AverageState | FadingState) -> Average:
    """The average that was in this state."""
    if isinstance(state, FadingState):
        fading = exponential_average(settings, front_end, state.memory)
        fading.restore(state)
        return fading
    running = new_average(settings, front_end)
    running.restore(state)
    return running


def light_scale(settings: Settings, front_end: FrontEnd) -> tuple[float, float]:
    """V, or counted photons/s, that a code of light is worth, and that code 0 stands for."""
    per_code, at_zero = _scales(settings, front_end)
    return per_code[LIGHT], at_zero[LIGHT]


def _scales(
    settings: Settings, front_end: FrontEnd
) -> tuple[tuple[float, float], tuple[float, float]]:
    """What a code is worth, and what code 0 stands for, of light and drive."""
    light, light_at_zero = front_end.light_volts_per_code, 0.0
    if settings.counting:
        light = 1 / settings.bin
        light_at_zero = -0.5 * light  # a count is exact: no half code is added
    return (
        (light, front_end.drive_volts_per_code),
        (light_at_zero, front_end.drive_volts_at_zero),
    )


class Acquisition:
    """Starts a train on construction; `poll` until `done`."""

    def __init__(
        self, instrument: Instrument, settings: Settings, average: Average | None = None
    ) -> None:
        """average: where the frames go; one that is not empty goes on. None: a new running average."""
        self.settings = settings
        self.known: dict[str, Any] = dict(provenance(instrument))
        self.done = False
        self.last_frame: Frame | None = None
        self._instrument = instrument
        self.options = MeasureOptions()
        self._crc_before = instrument.errors.crc_errors
        self._refused_before = instrument.errors.refused
        self._seen = 0  # pulses launched up to the end of the latest frame
        self._end = 0  # of its pulses, among those launched
        self._missed = 0
        self._clipped = 0
        self._frames_sent = self._frames_whole = 0
        self._averaged = 0
        self._average = average or new_average(settings, instrument.link.front_end)
        self.train = instrument.start(settings)
        self._begun = self._latest = time.perf_counter()

    def poll(self, timeout: float) -> list[Frame]:
        """Take in frames, waiting up to `timeout` seconds; returns those that were averaged."""
        taken = []
        for frame in self._instrument.frames(timeout):
            if frame.train != self.train:
                continue  # late frames of the previous train
            if not self._follows(frame):
                self._instrument.errors.refused += 1
                continue
            self._seen = frame.first_pulse + frame.pulses + (frame.missed - self._missed)
            self._missed = frame.missed
            self._end = frame.first_pulse + frame.pulses
            self._frames_sent = frame.number + 1
            self._frames_whole += 1
            if TraceFlag.TRIPPED in frame.flags:
                raise _tripped(self._instrument.trips())
            if frame.flags & (TraceFlag.SATURATED_LIGHT | TraceFlag.SATURATED_DRIVE):
                raise AcquisitionError("a sum reached the memory's limit; use fewer pulses a frame")
            if frame.pulses:
                self._average.add(
                    Block(frame.sums, self.settings.counts(frame.pulses), frame.pulses)
                )
                self._averaged += frame.pulses
                self._clipped += frame.clipped[LIGHT]
                self.last_frame = frame
                self._latest = time.perf_counter()
                taken.append(frame)
            if TraceFlag.END in frame.flags:
                self.done = True
        if self._instrument.exhausted and not self.done:
            if why := self._instrument.trips():
                raise _tripped(why)
            self._frames_sent += 1  # the one that says END
            self.done = True
        if self.done and self._frames_sent > self._frames_whole:
            # Lost frames could not report their counts; the registers hold them until the next train.
            self._seen = self._instrument.read("pulses")
            self._missed = self._instrument.read("missed")
        return taken

    def _follows(self, frame: Frame) -> bool:
        """Whether this frame can come after those that have been averaged: none of its pulses has been seen."""
        end = frame.first_pulse + frame.pulses
        return (
            self._frames_sent <= frame.number
            and max(self._end, frame.number)
            <= frame.first_pulse  # each before has a pulse at least
            and frame.missed >= self._missed
            and not 0 < self.settings.pulses < end
        )

    @property
    def metadata(self) -> dict[str, Any]:
        """What is known beside the traces; of what was not recorded earlier also how long it took, s."""
        duration = {DURATION: round(self._latest - self._begun, 3)} if WHEN in self.known else {}
        return {**self.known, **duration}

    @property
    def accounting(self) -> Accounting:
        """Counts so far, of this acquisition alone."""
        return Accounting(
            pulses_emitted=self._seen,
            pulses_averaged=self._averaged,
            pulses_missed=self._missed,
            pulses_lost=self._seen - self._missed - self._averaged,
            frames_lost=self._frames_sent - self._frames_whole,
            crc_errors=self._instrument.errors.crc_errors - self._crc_before,
            clipped=self._clipped,
            packets_refused=self._instrument.errors.refused - self._refused_before,
        )

    def state(self) -> AverageState | FadingState:
        """All that the average holds."""
        return self._average.state()

    def traces(self) -> tuple[Trace, Trace]:
        """Light [V at the ADC, or counted photons/s] and drive [V at the driver's output]."""
        return self._average.trace(LIGHT), self._average.trace(DRIVE)


def _tripped(why: list[str]) -> AcquisitionError:
    words = ", ".join(why) or "the cause has gone"
    return AcquisitionError(f"the output was switched off: {words}; then start again")
